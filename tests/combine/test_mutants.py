"""Faulty combiners, each a fault seen in public code or easily made; the checks find every one.

A check takes something with ``init`` and ``combine`` and says what is wrong, or nothing. Each is
run on the real combiner first, which must pass, so a check that rejects everything is worthless.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from songoku_theory.combine import (
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
    combine_gradients,
)
from songoku_theory.combine.problem import active_indices

Thing: TypeAlias = Any  # options, states and rules of many types
Matrix = NDArray[np.float64]
Check = Callable[[Thing], str | None]


def case(seed: int = 0, size: int = 5, dim: int = 6) -> Matrix:
    return np.random.default_rng(seed).standard_normal((size, dim))


# Checks ------------------------------------------------------------------------------------------


def follows_the_pcgrad_paper(rule: Thing) -> str | None:
    for seed in range(6):
        gradients = case(seed, 4, 3)
        order = np.random.default_rng(seed).permuted(np.tile(np.arange(4), (4, 1)), axis=1)
        expected = np.zeros(3)
        for i in range(4):
            h = gradients[i].copy()
            for j in order[i]:
                if i != j and h @ gradients[j] < 0:
                    h -= (h @ gradients[j]) / (gradients[j] @ gradients[j]) * gradients[j]
            expected += h
        gram = gradients @ gradients.T
        found = rule.combine(gram, rule.init(4), permutations=order).weights @ gradients
        if not np.allclose(found, expected, atol=1e-9):
            return f"case {seed}: the update is off by {np.abs(found - expected).max():.2g}"
    return None


def stays_in_the_ball_and_is_best_there(rule: Thing) -> str | None:
    for seed in range(4):
        gradients = case(seed)
        mean = gradients.mean(axis=0)
        weights = rule.combine(gradients @ gradients.T, rule.init(5)).weights
        update = weights @ gradients
        radius = rule.c * np.linalg.norm(mean)
        if not np.isclose(np.linalg.norm(update - mean), radius, rtol=1e-6):
            return "the update is not on the sphere of radius c ||g_0||"
        rng = np.random.default_rng(seed)
        for _ in range(200):
            step = rng.standard_normal(6)
            other = update + 0.02 * step
            other = mean + (other - mean) * radius / np.linalg.norm(other - mean)
            if (gradients @ other).min() > (gradients @ update).min() + 1e-9:
                return "a point nearby in the ball serves the worst task better"
    return None


def is_the_shortest_in_the_hull(rule: Thing) -> str | None:
    for seed in range(6):
        gradients = case(seed, 4) * np.array([[1.0], [10.0], [0.1], [1.0]])
        weights = rule.combine(gradients @ gradients.T, rule.init(4)).weights
        if weights.min() < -1e-12 or abs(weights.sum() - 1) > 1e-9:
            return "the weights are not in the simplex"
        update = weights @ gradients
        if (gradients @ update).min() < update @ update * (1 - 1e-6) - 1e-12:
            return "some vertex lies behind the plane through the point"
    return None


def solves_its_equation(alpha: float) -> Check:
    def check(rule: Thing) -> str | None:
        for seed in range(4):
            gradients = case(seed) * 3.0
            gram = gradients @ gradients.T
            answer = rule.combine(gram, rule.init(5))
            miss = np.abs((gram @ answer.weights) * answer.weights ** (1 / alpha) - 1).max()
            if answer.status is Status.CONVERGED and not miss <= 1e-6:
                return f"claims to have converged with residual {miss:.2g}"
        return None

    return check


def tells_stationary_from_solved(rule: Thing) -> str | None:
    first = case(0, 1)
    gradients = np.vstack([first, -first])
    answer = rule.combine(gradients @ gradients.T, rule.init(2))
    return "calls a stationary point converged" if answer.status is Status.CONVERGED else None


def leaves_inactive_tasks_alone(rule: Thing) -> str | None:
    gradients = case(1)
    gram = gradients @ gradients.T
    weights = rule.combine(gram, rule.init(5), (0, 2)).weights
    if (weights[[1, 3, 4]] != 0).any():
        return "inactive tasks have weights"
    alone = rule.combine(gram[np.ix_([0, 2], [0, 2])], rule.init(2)).weights
    return None if np.allclose(weights[[0, 2]], alone) else "inactive gradients have a say"


def leaves_inactive_state_alone(rule: Thing) -> str | None:
    state = rule.init(3)
    for active in ((0, 1, 2), (0, 1), (0, 1)):
        norms = {"gradient_norms": np.array([3.0, 1.0, 2.0])} if rule.needs_gradient_norms else {}
        step = rule.combine(np.array([1.0, 2.0, 3.0]), state, active, **norms)
        after = rule.observe(np.array([0.5, 1.9, 2.0]), step.state, active)
        field = "weights" if hasattr(state, "weights") else "logits"
        if 2 not in active and getattr(after, field)[2] != getattr(state, field)[2]:
            return f"{field} of an inactive task moved"
        state = after
    return None


def reaches_the_update(rule: Thing) -> str | None:
    """The inner combiner must not be ignored: under conflict its update is not the sum."""
    gradients = np.array([[1.0, 0.2], [-0.9, 0.3], [0.1, 1.0]])
    plain = gradients.sum(axis=0)
    found = combine_gradients(rule, gradients, rule.init(3), rng=np.random.default_rng(0)).update
    cosine = found @ plain / np.linalg.norm(found) / np.linalg.norm(plain)
    return "the update is the plain sum" if cosine > 1 - 1e-9 else None


# Mutants -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Gram:
    """A faulty Gram-space combiner made of one function of the active block."""

    c: float = 0.4

    def init(self, num_tasks: int) -> NoState:
        return NoState()

    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        raise AssertionError

    def combine(
        self,
        gram: Matrix,
        state: NoState,
        active: Thing = None,
        *,
        rng: np.random.Generator | None = None,
        permutations: NDArray[np.int64] | None = None,
    ) -> Combined[NoState]:
        tasks = active_indices(active, len(gram))
        weights = np.zeros(len(gram))
        weights[tasks] = self.weigh(gram[np.ix_(tasks, tasks)], permutations)
        return Combined(weights, state, Status.CONVERGED, 0.0)


@dataclass(frozen=True)
class ProjectsOntoProjected(_Gram):
    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        assert order is not None
        mix = np.eye(len(gram))
        for i in range(len(gram)):
            for j in order[i]:
                dot = mix[i] @ gram @ mix[j]
                if i != j and dot < 0:
                    mix[i] -= dot / (mix[j] @ gram @ mix[j]) * mix[j]
        return mix.sum(axis=0)


@dataclass(frozen=True)
class ProjectsAtOnce(_Gram):
    """Subtracts all conflicts of the original g_i instead of one after the other."""

    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        conflict = np.minimum(gram, 0.0) / np.diag(gram)[None, :]
        return np.ones(len(gram)) - conflict.sum(axis=0)


@dataclass(frozen=True)
class ProjectsWithoutSquare(_Gram):
    """Divides by the norm instead of the squared norm."""

    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        assert order is not None
        total = np.zeros(len(gram))
        for i in range(len(gram)):
            mix = np.eye(len(gram))[i]
            for j in order[i]:
                dot = mix @ gram[j]
                if i != j and dot < 0:
                    mix[j] -= dot / np.sqrt(gram[j, j])
            total += mix
        return total


@dataclass(frozen=True)
class ProjectsOntoFriends(_Gram):
    """The sign of the conflict test is turned round."""

    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        assert order is not None
        total = np.zeros(len(gram))
        for i in range(len(gram)):
            mix = np.eye(len(gram))[i]
            for j in order[i]:
                dot = mix @ gram[j]
                if i != j and dot > 0:
                    mix[j] -= dot / gram[j, j]
            total += mix
        return total


@dataclass(frozen=True)
class OrderIgnored(_Gram):
    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        size = len(gram)
        order = np.tile(np.arange(size), (size, 1))
        return PCGrad().combine(gram, NoState(), permutations=order).weights  # type: ignore[no-any-return]


@dataclass(frozen=True)
class RadiusIgnored(_Gram):
    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        return np.full(len(gram), 1.0 / len(gram))


@dataclass(frozen=True)
class AnotherRadius(_Gram):
    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        return CAGrad(c=1.0).combine(gram, NoState()).weights  # type: ignore[no-any-return]


@dataclass(frozen=True)
class BallTowardsTheHull(_Gram):
    """Moves from the mean towards MGDA's point: on the sphere, but not the best of it."""

    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        w = MGDA().combine(gram, NoState()).weights
        return np.asarray(1 / len(gram) + self.c * np.sqrt(gram.mean() / (w @ gram @ w)) * w)


@dataclass(frozen=True)
class Uniform(_Gram):
    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        return np.full(len(gram), 1.0 / len(gram))


@dataclass(frozen=True)
class HullWithoutItsFaces(_Gram):
    """Solves the equality-constrained problem and forgets that weights are not negative."""

    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        w = np.linalg.solve(gram, np.ones(len(gram)))
        return np.asarray(w / w.sum())


@dataclass(frozen=True)
class TwoFrankWolfeSteps(_Gram):
    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        w = np.full(len(gram), 1.0 / len(gram))
        for _ in range(2):
            t = int(np.argmin(gram @ w))
            a, b, c = w @ gram[t], w @ gram @ w, gram[t, t]
            step = min(1.0, max(0.0, (b - a) / (b + c - 2 * a)))
            w = (1 - step) * w + step * np.eye(len(gram))[t]
        return w


@dataclass(frozen=True)
class KeepsItsStart(_Gram):
    """A solver's exception swallowed: the initial weights, called converged."""

    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        return np.ones(len(gram))


@dataclass(frozen=True)
class NormalisedNash(_Gram):
    """Divides G by its norm and forgets to undo it."""

    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        return NashMTL().combine(gram / np.linalg.norm(gram), NashMTL().init(len(gram))).weights  # type: ignore[no-any-return]


@dataclass(frozen=True)
class AlphaIgnored(_Gram):
    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        return FairGrad(1.0).combine(gram, NoState()).weights  # type: ignore[no-any-return]


@dataclass(frozen=True)
class InnerCombinerIgnored(_Gram):
    """Takes the option and adds the gradients all the same."""

    def weigh(self, gram: Matrix, order: NDArray[np.int64] | None) -> Matrix:
        return np.ones(len(gram))


@dataclass(frozen=True)
class SolvesForAll(NashMTL):
    """Solves over every task and masks afterwards."""

    def combine(
        self, gram: Thing, state: Thing, active: Thing = None, *, rng: Thing = None
    ) -> Thing:
        full = NashMTL().combine(gram, state)
        mask = np.zeros(len(gram))
        mask[active_indices(active, len(gram))] = 1.0
        return replace(full, weights=full.weights * mask)


@dataclass(frozen=True)
class ActiveIgnored(NashMTL):
    def combine(
        self, gram: Thing, state: Thing, active: Thing = None, *, rng: Thing = None
    ) -> Thing:
        return NashMTL().combine(gram, state)


@dataclass(frozen=True)
class RenormalisesAll(GradNorm):
    """Scales every weight to the sum K, those of tasks that did not run too."""

    def combine(
        self, losses: Thing, state: Thing, active: Thing = None, *, gradient_norms: Thing = None
    ) -> Thing:
        step = GradNorm().combine(losses, state, active, gradient_norms=gradient_norms)
        weights = step.state.weights * np.array([1.01, 0.99, 1.0])
        return replace(step, state=replace(step.state, weights=weights * 3 / weights.sum()))


@dataclass(frozen=True)
class MomentumForAll(FAMO):
    """Steps every logit, with a zero gradient for who did not run: momentum still moves it."""

    def observe(self, losses_after: Thing, state: Thing, active: Thing = None) -> Thing:
        moved = FAMO().observe(losses_after, state, active)
        drift = np.where(np.isin(np.arange(3), active_indices(active, 3)), 0.0, 1e-3)
        return replace(moved, logits=moved.logits - drift * np.sign(state.adam.first))


PAIRS: tuple[tuple[Check, Any, tuple[Thing, ...]], ...] = (
    (
        follows_the_pcgrad_paper,
        PCGrad(),
        (
            ProjectsOntoProjected(),
            ProjectsAtOnce(),
            ProjectsWithoutSquare(),
            ProjectsOntoFriends(),
            OrderIgnored(),
            InnerCombinerIgnored(),
            PCGrad(reduction="mean"),
        ),
    ),
    (
        stays_in_the_ball_and_is_best_there,
        CAGrad(0.4),
        (RadiusIgnored(), AnotherRadius(), BallTowardsTheHull()),
    ),
    (
        is_the_shortest_in_the_hull,
        MGDA(),
        (Uniform(), HullWithoutItsFaces(), TwoFrankWolfeSteps()),
    ),
    (solves_its_equation(1.0), NashMTL(), (KeepsItsStart(), NormalisedNash(), FairGrad(2.0))),
    (solves_its_equation(2.0), FairGrad(2.0), (KeepsItsStart(), AlphaIgnored(), FairGrad(2.1))),
    (tells_stationary_from_solved, NashMTL(), (KeepsItsStart(), Uniform())),
    (leaves_inactive_tasks_alone, NashMTL(), (SolvesForAll(), ActiveIgnored())),
    (leaves_inactive_state_alone, GradNorm(), (RenormalisesAll(),)),
    (leaves_inactive_state_alone, FAMO(), (MomentumForAll(),)),
    (reaches_the_update, MGDA(), (InnerCombinerIgnored(), Uniform(), RadiusIgnored())),
    (reaches_the_update, PCGrad(), ()),
    (reaches_the_update, CAGrad(), ()),
    (reaches_the_update, NashMTL(), ()),
    (reaches_the_update, FairGrad(), ()),
)


@pytest.mark.parametrize(("check", "sound", "mutants"), PAIRS)
def test_the_sound_one_passes_and_every_mutant_dies(
    check: Check,
    sound: Thing,
    mutants: tuple[Thing, ...],
) -> None:
    assert check(sound) is None
    for mutant in mutants:
        assert check(mutant) is not None, f"{mutant} survives"
