"""A second, plain scheduler, and faults in it: each subclass changes one thing."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from songoku_theory.coloring import color_classes, first_fit, welsh_powell
from songoku_theory.testing.mutants.model import Kind, Specimen
from songoku_theory.testing.mutants.rules import below_tau, not_strict, plain_rule
from songoku_theory.testing.scheduler_subject import (
    ReferenceScheduler,
    Settings,
    reference_factory,
)

__all__ = ["SCHEDULERS", "PlainScheduler"]

Vector = NDArray[np.float64]
Graph = NDArray[np.bool_]


class PlainScheduler:
    """Algorithm 1 in thirty lines of numpy: independent of the core, and correct."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.t = 0
        self.classes: list[tuple[int, ...]] = [tuple(range(settings.num_tasks))]
        self.averages: dict[int, Vector] = {}
        self.edges: Graph | None = None

    def active(self) -> tuple[int, ...]:
        """Return the class whose turn it is."""
        return self.classes[self.slot() % len(self.classes)]

    def slot(self) -> int:
        """Count slots through refreshes, as eq. 11 does."""
        return self.t

    def step(self, gradients: Mapping[int, Vector]) -> None:
        """Average, move on, refresh if it is time."""
        for task, gradient in gradients.items():
            if not np.isfinite(gradient).all():
                raise ValueError(f"the gradient of task {task} is not finite")
            self.observe(task, gradient)
        self.t += 1
        if self.due():
            self.refresh()

    def observe(self, task: int, gradient: Vector) -> None:
        """Move one task's average."""
        beta = self.settings.beta
        old = self.averages.get(task, np.zeros_like(gradient))
        self.averages[task] = beta * old + (1.0 - beta) * gradient

    def due(self) -> bool:
        """Say whether R more steps have run."""
        return self.t % self.settings.refresh_period == 0

    def refresh(self) -> None:
        """Make the graph and its classes."""
        rows = np.stack([self.averages[k] for k in range(self.settings.num_tasks)])
        self.edges = self.graph(rows)
        self.classes = list(color_classes(self.colors(self.edges)))

    def graph(self, rows: NDArray[np.float64]) -> Graph:
        """Put an edge where the cosine lies below -tau."""
        return plain_rule(rows, self.settings.tau)

    def colors(self, edges: Graph) -> NDArray[np.int64]:
        """Colour with Welsh-Powell."""
        return welsh_powell(edges)


class BelowTau(PlainScheduler):
    """Put an edge where cos < tau; with tau = 1 the graph is complete."""

    def graph(self, rows: NDArray[np.float64]) -> Graph:
        return below_tau(rows, self.settings.tau)


class NotStrict(PlainScheduler):
    """Put an edge at cos <= -tau."""

    def graph(self, rows: NDArray[np.float64]) -> Graph:
        return not_strict(rows, self.settings.tau)


class CompleteAtOne(PlainScheduler):
    """Make the graph complete at tau = 1 instead of empty."""

    def graph(self, rows: NDArray[np.float64]) -> Graph:
        if self.settings.tau == 1.0:
            return ~np.eye(len(rows), dtype=np.bool_)
        return super().graph(rows)


class PointerReset(PlainScheduler):
    """Reset the class pointer at every refresh, so that late classes starve when R < m."""

    def slot(self) -> int:
        return self.t % self.settings.refresh_period


class RefreshOnlyAverage(PlainScheduler):
    """Update the average at refresh steps only."""

    def observe(self, task: int, gradient: Vector) -> None:
        if (self.t + 1) % self.settings.refresh_period == 0 or task not in self.averages:
            super().observe(task, gradient)


class LatestGradient(PlainScheduler):
    """Keep the latest gradient instead of an average."""

    def observe(self, task: int, gradient: Vector) -> None:
        self.averages[task] = gradient.copy()


class PlainSum(PlainScheduler):
    """Add gradients up and never forget."""

    def observe(self, task: int, gradient: Vector) -> None:
        self.averages[task] = self.averages.get(task, 0.0) + gradient


class ClassMean(PlainScheduler):
    """Let the mean gradient of the class enter every active task's average."""

    def step(self, gradients: Mapping[int, Vector]) -> None:
        mean = np.mean([*gradients.values()], axis=0)
        super().step(
            {k: mean if self.t >= self.settings.refresh_period else g for k, g in gradients.items()}
        )


class TauSwallowed(PlainScheduler):
    """Swallow the option tau and use the default."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, tau=0.2))


class BetaSwallowed(PlainScheduler):
    """Swallow the option beta and use the default."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, beta=0.9))


class PeriodSwallowed(PlainScheduler):
    """Swallow the option refresh_period and use the default."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, refresh_period=8))


class LateRefresh(PlainScheduler):
    """Refresh one step late."""

    def due(self) -> bool:
        return self.t > 1 and (self.t - 1) % self.settings.refresh_period == 0


class OneRefresh(PlainScheduler):
    """Refresh once and never again."""

    def due(self) -> bool:
        return self.t == self.settings.refresh_period


class EveryStep(PlainScheduler):
    """Refresh at every step once the first window is over."""

    def due(self) -> bool:
        return self.t >= self.settings.refresh_period


class NoWarmStart(PlainScheduler):
    """Start with one class a task instead of all together."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.classes = [(k,) for k in range(settings.num_tasks)]

    def refresh(self) -> None:
        for task in range(self.settings.num_tasks):
            self.averages.setdefault(task, np.zeros_like(next(iter(self.averages.values()))))
        super().refresh()


class EdgesForGood(PlainScheduler):
    """Add new edges to the old graph, which never loses one."""

    def graph(self, rows: NDArray[np.float64]) -> Graph:
        new = super().graph(rows)
        return new if self.edges is None else new | self.edges


class LastClassSkipped(PlainScheduler):
    """Leave the last class out of the cycle."""

    def active(self) -> tuple[int, ...]:
        return self.classes[self.slot() % max(1, len(self.classes) - 1)]


class TwoClasses(PlainScheduler):
    """Alternate between two classes, however many there are."""

    def active(self) -> tuple[int, ...]:
        return self.classes[self.slot() % min(2, len(self.classes))]


class OneAtATime(PlainScheduler):
    """Run one task at a time after the first refresh."""

    def refresh(self) -> None:
        self.classes = [(k,) for k in range(self.settings.num_tasks)]


class LongestFirst(PlainScheduler):
    """Run the largest class twice as often as the others, so that a cycle gets longer."""

    def refresh(self) -> None:
        super().refresh()
        largest = max(self.classes, key=len)
        self.classes = [c for one in self.classes for c in (one, largest, largest)]


class InnerProducts(PlainScheduler):
    """Threshold inner products instead of cosines."""

    def graph(self, rows: NDArray[np.float64]) -> Graph:
        product = rows @ rows.T
        edges: Graph = (product + product.T) / 2.0 < -self.settings.tau
        np.fill_diagonal(edges, False)
        return edges


class ImproperColors(PlainScheduler):
    """Colour so that conflicting tasks can share a class."""

    def colors(self, edges: Graph) -> NDArray[np.int64]:
        return np.minimum(welsh_powell(edges), 1)


class TakesNan(PlainScheduler):
    """Take a NaN into the average without a word."""

    def step(self, gradients: Mapping[int, Vector]) -> None:
        for task, gradient in gradients.items():
            self.observe(task, gradient)
        self.t += 1
        if self.due():
            with np.errstate(invalid="ignore"):
                self.refresh()


class KeepsReferences(PlainScheduler):
    """Keep the caller's arrays and read them at the refresh."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.kept: list[tuple[int, Vector]] = []

    def observe(self, task: int, gradient: Vector) -> None:
        self.kept.append((task, gradient))

    def refresh(self) -> None:
        for task, gradient in self.kept:
            super().observe(task, gradient)
        self.kept.clear()
        super().refresh()


class WritesGradients(PlainScheduler):
    """Normalise the caller's gradients in place."""

    def observe(self, task: int, gradient: Vector) -> None:
        gradient /= max(float(np.linalg.norm(gradient)), 1e-12)
        super().observe(task, gradient)


class SharedAverages(PlainScheduler):
    """Keep the averages in the class, shared by all schedulers."""

    shared: ClassVar[dict[int, Vector]] = {}

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.averages = self.shared


class ActiveMoves(PlainScheduler):
    """Move on whenever it is asked who is active."""

    def active(self) -> tuple[int, ...]:
        self.asked = getattr(self, "asked", -1) + 1
        return self.classes[self.asked % len(self.classes)]


class GlobalGenerator(PlainScheduler):
    """Break ties with the global generator."""

    def colors(self, edges: Graph) -> NDArray[np.int64]:
        order = list(range(len(edges)))
        random.shuffle(order)
        return first_fit(edges, order)


class DividesByZero(PlainScheduler):
    """Refuse to go on when a gradient is zero."""

    def graph(self, rows: NDArray[np.float64]) -> Graph:
        norms = np.linalg.norm(rows, axis=1)
        if not norms.all():
            raise ZeroDivisionError("norm of a zero gradient")
        return super().graph(rows)


class ColorsNotTasks(PlainScheduler):
    """Return the number of the class instead of its tasks."""

    def active(self) -> tuple[int, ...]:
        return (self.slot() % len(self.classes),) if self.edges is not None else super().active()


class ResetAfterAWhile(PlainScheduler):
    """Begin the cycle anew at every refresh from step 100 on."""

    def slot(self) -> int:
        return self.t if self.t < 100 else self.t % self.settings.refresh_period


class EightClasses(PlainScheduler):
    """Keep eight classes; tasks of later ones are lost."""

    def refresh(self) -> None:
        super().refresh()
        self.classes = self.classes[:8]


class SixteenBits(PlainScheduler):
    """See no conflict among tasks from the 17th on."""

    def graph(self, rows: NDArray[np.float64]) -> Graph:
        edges = super().graph(rows)
        edges[16:, 16:] = False
        return edges


class DropsZeroTasks(PlainScheduler):
    """Leave out tasks whose average is zero."""

    def refresh(self) -> None:
        super().refresh()
        alive = {k for k, average in self.averages.items() if average.any()}
        kept = [tuple(k for k in c if k in alive) for c in self.classes]
        self.classes = [c for c in kept if c] or [tuple(range(self.settings.num_tasks))]


class SixRefreshes(PlainScheduler):
    """Stop refreshing after the sixth time."""

    def due(self) -> bool:
        return super().due() and self.t <= 6 * self.settings.refresh_period


class AveragesThenRefuses(PlainScheduler):
    """Refuse a NaN after it has entered the average."""

    def step(self, gradients: Mapping[int, Vector]) -> None:
        for task, gradient in gradients.items():
            self.observe(task, gradient)
        if not all(np.isfinite(gradient).all() for gradient in gradients.values()):
            raise ValueError("a gradient is not finite")
        self.t += 1
        if self.due():
            self.refresh()


class SavesNoStep(PlainScheduler):
    """Save averages and classes, and begin at step 0."""

    def state_dict(self) -> dict[str, Any]:
        """Return what is saved."""
        return {"classes": self.classes, "averages": self.averages, "edges": self.edges}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take what was saved."""
        self.classes, self.averages = list(saved["classes"]), dict(saved["averages"])
        self.edges = saved["edges"]


class CopiesShare(PlainScheduler):
    """Share the averages with every copy."""

    def __deepcopy__(self, memo: dict[int, Any]) -> CopiesShare:
        new = type(self)(self.settings)
        new.__dict__.update(self.__dict__)
        return new


class SeedsGlobally(PlainScheduler):
    """Seed the global generator, to be reproducible."""

    def refresh(self) -> None:
        random.seed(0)
        super().refresh()


class HashOrder(PlainScheduler):
    """Run classes in the order of a set of names."""

    def refresh(self) -> None:
        super().refresh()
        self.classes = sorted(self.classes, key=lambda tasks: hash(f"class {tasks}"))


def _reference(option: str, value: str) -> Callable[[Settings], ReferenceScheduler]:
    def factory(settings: Settings) -> ReferenceScheduler:
        plain = reference_factory(settings).config
        return ReferenceScheduler(replace(plain, **{option: value}))  # type: ignore[arg-type]

    return factory


def _mutant(kind: type[PlainScheduler], seen: bool = False, interpreters: bool = False) -> Specimen:
    doc = (kind.__doc__ or "").splitlines()[0].rstrip(".")
    options = {"interpreters": interpreters}
    return Specimen(doc[0].lower() + doc[1:], Kind.SCHEDULER, kind, seen=seen, options=options)


def _correct(name: str, factory: Any, *promises: str) -> Specimen:  # noqa: ANN401
    return Specimen(name, Kind.SCHEDULER, factory, faulty=False, options={"promises": promises})


SCHEDULERS: tuple[Specimen, ...] = (
    _correct("songoku_theory.scheduler", reference_factory, "+algorithm-1"),
    _correct("a plain scheduler in numpy", PlainScheduler, "+algorithm-1"),
    _correct("phase='carried'", _reference("phase", "carried")),
    _correct("policy='oldest_first'", _reference("policy", "oldest_first")),
    _correct("ema='windowed'", _reference("ema", "windowed")),
    _mutant(BelowTau, seen=True),
    _mutant(CompleteAtOne, seen=True),
    _mutant(PointerReset, seen=True),
    _mutant(RefreshOnlyAverage, seen=True),
    _mutant(TauSwallowed, seen=True),
    _mutant(BetaSwallowed, seen=True),
    _mutant(PeriodSwallowed, seen=True),
    _mutant(NotStrict),
    _mutant(LatestGradient),
    _mutant(PlainSum),
    _mutant(ClassMean),
    _mutant(LateRefresh),
    _mutant(OneRefresh),
    _mutant(EveryStep),
    _mutant(NoWarmStart),
    _mutant(EdgesForGood),
    _mutant(LastClassSkipped),
    _mutant(TwoClasses),
    _mutant(OneAtATime),
    _mutant(LongestFirst),
    _mutant(InnerProducts),
    _mutant(ImproperColors),
    _mutant(TakesNan),
    _mutant(KeepsReferences),
    _mutant(WritesGradients),
    _mutant(SharedAverages),
    _mutant(ActiveMoves),
    _mutant(GlobalGenerator),
    _mutant(DividesByZero),
    _mutant(ColorsNotTasks),
    _mutant(ResetAfterAWhile),
    _mutant(EightClasses),
    _mutant(SixteenBits),
    _mutant(DropsZeroTasks),
    _mutant(SixRefreshes),
    _mutant(AveragesThenRefuses),
    _mutant(SavesNoStep),
    _mutant(CopiesShare),
    _mutant(SeedsGlobally),
    _mutant(HashOrder, interpreters=True),
)
"""Correct schedulers first, then one fault each."""
