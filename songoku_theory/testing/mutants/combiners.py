"""Faulty combiners, most of them wrapped around a correct one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine import (
    DWA,
    FAMO,
    MGDA,
    CAGrad,
    Combined,
    FairGrad,
    GradNorm,
    NashMTL,
    NoState,
    PCGrad,
    Status,
    Sum,
    UncertaintyWeighting,
)
from songoku_theory.testing.mutants.model import Kind, Specimen

__all__ = ["COMBINERS", "Scheduled"]

Matrix = NDArray[np.float64]
Active: TypeAlias = Sequence[int] | NDArray[np.integer] | None
Thing: TypeAlias = Any  # states, options and rules of many types


@dataclass(frozen=True)
class Scheduled:
    """The active tasks' gradients through an inner combiner, which decides alone: correct."""

    inner: Thing

    def init(self, num_tasks: int) -> Thing:
        """Return the inner combiner's state."""
        return self.inner.init(num_tasks)

    def combine(
        self,
        gram: Matrix,
        state: Thing,
        active: Active = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Combined[Thing]:
        """Return the inner combiner's answer."""
        answer: Combined[Thing] = self.inner.combine(gram, state, active, rng=rng)
        return answer


def _tasks(gram: Matrix, active: Active) -> list[int]:
    return list(range(len(gram))) if active is None else sorted(int(k) for k in active)


class InnerIgnored(Scheduled):
    """Ignore the inner combiner silently and add the gradients up."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        return Sum().combine(gram, NoState(), active)


class ForgetsActive(Scheduled):
    """Combine all tasks, whoever is active."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        return self.inner.combine(gram, state, None, rng=rng)


class SolvesThenMasks(Scheduled):
    """Solve for all tasks and cross the inactive ones out afterwards."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = self.inner.combine(gram, state, None, rng=rng)
        weights = np.zeros(len(gram))
        tasks = _tasks(gram, active)
        weights[tasks] = answer.weights[tasks]
        return replace(answer, weights=weights)


class DividesByAll(Scheduled):
    """Divide by the number of all tasks instead of the active ones."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = self.inner.combine(gram, state, active, rng=rng)
        return replace(answer, weights=answer.weights / len(gram))


class Uphill(Scheduled):
    """Turn the update round."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = self.inner.combine(gram, state, active, rng=rng)
        return replace(answer, weights=-answer.weights)


class AbsoluteRidge(Scheduled):
    """Add 1e-6 to the diagonal, which is all there is to small gradients."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        return self.inner.combine(gram + 1e-6 * np.eye(len(gram)), state, active, rng=rng)


class HalfPrecision(Scheduled):
    """Keep the Gram matrix in 16 bits, which overflow."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        with np.errstate(over="ignore"):
            half = gram.astype(np.float16).astype(np.float64)
        return self.inner.combine(half, state, active, rng=rng)


class SaysConverged(Scheduled):
    """Call every answer converged, NaN weights too."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = self.inner.combine(gram, state, active, rng=rng)
        tasks = _tasks(gram, active)
        weights = np.array(answer.weights)
        if not gram[np.ix_(tasks, tasks)].any():
            weights[tasks] = np.nan
        return replace(answer, weights=weights, status=Status.CONVERGED)


class ScalesInPlace(Scheduled):
    """Normalise the caller's Gram matrix."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        gram /= max(1e-300, float(np.abs(gram[np.ix_(*[_tasks(gram, active)] * 2)]).max()))
        return self.inner.combine(gram, state, active, rng=rng)


class FirstTaskFirst(Scheduled):
    """Let a task's number decide about its weight."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = self.inner.combine(gram, state, active, rng=rng)
        weights = np.zeros(len(gram))
        tasks = _tasks(gram, active)
        weights[tasks] = np.sort(answer.weights[tasks])[::-1]
        return replace(answer, weights=weights)


class InOrderGiven(Scheduled):
    """Hand weights out in the order in which the active tasks are listed."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = self.inner.combine(gram, state, active, rng=rng)
        if active is None:
            return answer
        weights = np.zeros(len(gram))
        weights[list(active)] = answer.weights[sorted(active)]
        return replace(answer, weights=weights)


class Jitter(Scheduled):
    """Shake the weights with a generator of its own."""

    generator: ClassVar[np.random.Generator] = np.random.default_rng(0)

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = self.inner.combine(gram, state, active, rng=rng)
        shaken = answer.weights * (1.0 + 1e-3 * self.generator.random(len(gram)))
        return replace(answer, weights=shaken)


class KeepsLastWeights(Scheduled):
    """Go on with the weights of the step before, as a solver that fails in silence does."""

    last: ClassVar[dict[int, Matrix]] = {}

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = self.inner.combine(gram, state, active, rng=rng)
        if active is None and len(gram) in self.last:
            return replace(answer, weights=self.last[len(gram)])
        self.last[len(gram)] = answer.weights
        return answer


class BatchDiffers(Scheduled):
    """Solve batches by another rule than single problems."""

    def combine_batch(self, grams: Matrix, active: Thing = None, *, rng: Thing = None) -> Thing:
        return Sum().combine_batch(grams, active, rng=rng)


class BatchOfOne(Scheduled):
    """Solve the first problem of a batch and answer all with it."""

    def combine_batch(self, grams: Matrix, active: Thing = None, *, rng: Thing = None) -> Thing:
        answer = self.inner.combine_batch(grams[:1], active, rng=rng)
        return replace(answer, weights=np.repeat(answer.weights, len(grams), axis=0))


class WordOfBits(Scheduled):
    """Forget tasks from the 33rd on."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        tasks = _tasks(gram, active)
        first = [k for k in tasks if k < 32] or tasks
        return self.inner.combine(gram, state, first, rng=rng)


class OneBuffer(Scheduled):
    """Return the same array of weights every time."""

    buffers: ClassVar[dict[int, Matrix]] = {}

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = self.inner.combine(gram, state, active, rng=rng)
        buffer = self.buffers.setdefault(len(gram), np.empty(len(gram)))
        buffer[:] = answer.weights
        return replace(answer, weights=buffer)


class NobodyIsAll(Scheduled):
    """Take an empty active set for all tasks."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        everyone = active is None or len(active) == 0
        return self.inner.combine(gram, state, None if everyone else active, rng=rng)


class ClearsInactive(Scheduled):
    """Set the inactive tasks' inner products to zero in the caller's matrix."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        if active is not None:
            others = sorted({*range(len(gram))} - {*_tasks(gram, active)})
            gram[others] = 0.0
        return self.inner.combine(gram, state, active, rng=rng)


class SeedsGlobally(Scheduled):
    """Seed numpy's global generator, to be reproducible."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        np.random.seed(0)  # noqa: NPY002 - the fault
        return self.inner.combine(gram, state, active, rng=rng)


class NoResidual(Scheduled):
    """Say that it converged, without a residual."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = self.inner.combine(gram, state, active, rng=rng)
        return replace(answer, status=Status.CONVERGED, residual=float("nan"))


@dataclass(frozen=True)
class Unconstrained:
    """Solve MGDA's problem without asking for weights that are not negative."""

    def init(self, num_tasks: int) -> NoState:
        """Return the (empty) state."""
        return NoState()

    def combine(
        self,
        gram: Matrix,
        state: NoState,
        active: Active = None,
        *,
        rng: Thing = None,
    ) -> Combined[NoState]:
        """Return ``G^-1 1``, scaled to sum to 1."""
        tasks = _tasks(gram, active)
        weights = np.zeros(len(gram))
        found = np.linalg.pinv(gram[np.ix_(tasks, tasks)]) @ np.ones(len(tasks))
        total = float(found.sum())
        weights[tasks] = found / total if total else 1.0 / len(tasks)
        return Combined(weights, state, Status.CONVERGED, 0.0)


@dataclass(frozen=True)
class OptionSwallowed:
    """Swallow the option c of CAGrad and use the default."""

    c: float = 0.5

    def init(self, num_tasks: int) -> NoState:
        """Return the (empty) state."""
        return NoState()

    def combine(
        self,
        gram: Matrix,
        state: NoState,
        active: Active = None,
        *,
        rng: Thing = None,
    ) -> Combined[NoState]:
        """Return the weights for c = 0.5."""
        return CAGrad(c=0.5).combine(gram, state, active)


@dataclass(frozen=True)
class EveryState(NashMTL):
    """Age the stored weights of tasks that did not run, too."""

    def combine(
        self, gram: Matrix, state: Thing, active: Active = None, *, rng: Thing = None
    ) -> Thing:
        answer = super().combine(gram, state, active, rng=rng)
        return replace(answer, state=replace(answer.state, age=answer.state.age + 1))


class LossWrapper:
    """A combiner in loss space passed through unchanged: correct."""

    def __init__(self, inner: Thing) -> None:
        self.inner = inner
        self.needs_gradient_norms = inner.needs_gradient_norms
        self.needs_losses_after = inner.needs_losses_after

    def init(self, num_tasks: int) -> Thing:
        """Return the inner state."""
        return self.inner.init(num_tasks)

    def combine(
        self,
        losses: Thing,
        state: Thing,
        active: Active = None,
        *,
        gradient_norms: Thing = None,
    ) -> Thing:
        """Return the inner answer."""
        return self.inner.combine(losses, state, active, gradient_norms=gradient_norms)

    def observe(self, losses_after: Thing, state: Thing, active: Active = None) -> Thing:
        """Pass the losses on."""
        return self.inner.observe(losses_after, state, active)


class LossForgetsActive(LossWrapper):
    """Weigh and train every task, whoever is active."""

    def combine(
        self,
        losses: Thing,
        state: Thing,
        active: Active = None,
        *,
        gradient_norms: Thing = None,
    ) -> Thing:
        return self.inner.combine(losses, state, None, gradient_norms=gradient_norms)

    def observe(self, losses_after: Thing, state: Thing, active: Active = None) -> Thing:
        return self.inner.observe(losses_after, state, None)


class LossMovesAll(LossWrapper):
    """Return the active tasks' weights, and train the state of all."""

    def combine(
        self,
        losses: Thing,
        state: Thing,
        active: Active = None,
        *,
        gradient_norms: Thing = None,
    ) -> Thing:
        right = self.inner.combine(losses, state, active, gradient_norms=gradient_norms)
        every = self.inner.combine(losses, state, None, gradient_norms=gradient_norms)
        return replace(right, state=every.state)


class LossFrozen(LossWrapper):
    """Never move on from the first weights."""

    def combine(
        self,
        losses: Thing,
        state: Thing,
        active: Active = None,
        *,
        gradient_norms: Thing = None,
    ) -> Thing:
        answer = self.inner.combine(losses, state, active, gradient_norms=gradient_norms)
        return replace(answer, state=state)


class LossByNumber(LossWrapper):
    """Favour tasks with small numbers."""

    def combine(
        self,
        losses: Thing,
        state: Thing,
        active: Active = None,
        *,
        gradient_norms: Thing = None,
    ) -> Thing:
        answer = self.inner.combine(losses, state, active, gradient_norms=gradient_norms)
        return replace(answer, weights=answer.weights / (1.0 + np.arange(len(answer.weights))))


_PLAIN = ("deterministic", "permutation-equivariant")


def _name(kind: type[Thing]) -> str:
    doc = (kind.__doc__ or "").splitlines()[0].rstrip(".")
    return doc[0].lower() + doc[1:]


def _mutant(
    subject: Thing, options: Mapping[str, Thing] | None = None, *, seen: bool = False
) -> Specimen:
    return Specimen(_name(type(subject)), Kind.COMBINER, subject, seen=seen, options=options or {})


def _correct(name: str, subject: Thing, options: Mapping[str, Thing] | None = None) -> Specimen:
    return Specimen(name, Kind.COMBINER, subject, faulty=False, options=options or {})


def _holding(*promises: str) -> dict[str, Thing]:
    return {"promises": promises}


_REGISTERED = (
    "sum", "pcgrad", "mgda", "cagrad", "nash_mtl", "fairgrad", "famo", "gradnorm", "uncertainty",
    "dwa",
)  # fmt: skip

COMBINERS: tuple[Specimen, ...] = (
    *(_correct(name, name) for name in _REGISTERED),
    _correct(
        "PCGrad inside a wrapper",
        Scheduled(PCGrad()),
        {"reference": PCGrad(), "promises": ("scale-equivariant",)},
    ),
    _correct(
        "CAGrad with several values of c",
        CAGrad(c=0.5),
        {"variants": (CAGrad(c=0.1), CAGrad(c=0.9))},
    ),
    _correct("GradNorm inside a wrapper", LossWrapper(GradNorm()), _holding(*_PLAIN, "learns")),
    _mutant(InnerIgnored(MGDA()), {"reference": MGDA()}, seen=True),
    _mutant(OptionSwallowed(c=0.9), {"variants": (OptionSwallowed(c=0.1),)}, seen=True),
    _mutant(ForgetsActive(MGDA())),
    _mutant(SolvesThenMasks(MGDA())),
    _mutant(DividesByAll(MGDA()), _holding("+simplex")),
    _mutant(Uphill(MGDA()), _holding("+descent", "+average-descent")),
    _mutant(AbsoluteRidge(FairGrad())),
    _mutant(HalfPrecision(Sum())),
    _mutant(SaysConverged(MGDA())),
    _mutant(ScalesInPlace(MGDA())),
    _mutant(FirstTaskFirst(MGDA())),
    _mutant(InOrderGiven(MGDA())),
    _mutant(Jitter(MGDA())),
    _mutant(KeepsLastWeights(MGDA()), _holding("+stateless")),
    _mutant(BatchDiffers(MGDA())),
    _mutant(BatchOfOne(MGDA())),
    _mutant(WordOfBits(MGDA())),
    _mutant(OneBuffer(MGDA())),
    _mutant(NobodyIsAll(MGDA())),
    _mutant(ClearsInactive(Sum())),
    _mutant(SeedsGlobally(MGDA())),
    _mutant(NoResidual(MGDA())),
    _mutant(Unconstrained(), _holding("+nonnegative", "+simplex")),
    _mutant(EveryState(), _holding(*_PLAIN)),
    _mutant(LossForgetsActive(FAMO()), _holding(*_PLAIN)),
    _mutant(LossMovesAll(UncertaintyWeighting()), _holding(*_PLAIN)),
    _mutant(LossFrozen(GradNorm()), _holding(*_PLAIN, "learns")),
    _mutant(LossByNumber(DWA()), _holding(*_PLAIN)),
)
"""Correct combiners first, then one fault each."""
