"""What a combiner under test looks like: the object, its promises, and problems to solve."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine import Combined, NoState, Status, available_combiners, combiner_info
from songoku_theory.errors import InvalidInputError

__all__ = [
    "CombinerSubject",
    "GramFunction",
    "Problem",
    "arrays_of",
    "problems",
    "promises_of_combiner",
    "solve",
    "stationary_problems",
]

Matrix = NDArray[np.float64]
Space = Literal["gram", "loss"]
DEFAULT_COMBINER_PROMISES = frozenset(
    {"deterministic", "permutation-equivariant", "scale-equivariant"}
)


@dataclass(frozen=True, slots=True)
class CombinerSubject:
    """A combiner and what to compare it with.

    Attributes
    ----------
    rule : object
        With ``init`` and ``combine`` as in ``songoku_theory.combine``.
    space : {"gram", "loss"}
    reference : object or None
        A combiner that it should agree with.
    variants : tuple
        The same combiner with other options, each of which should make a difference.
    """

    rule: Any
    space: Space
    reference: Any = None
    variants: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class GramFunction:
    """A plain function from the Gram matrix of the active tasks to their weights, as a combiner."""

    function: Callable[..., Any]

    def init(self, num_tasks: int) -> NoState:
        """Return the (empty) state."""
        return NoState()

    def combine(
        self,
        gram: Matrix,
        state: NoState,
        active: Sequence[int] | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Combined[NoState]:
        """Return the function's weights for the active tasks, 0 for the others."""
        tasks = np.arange(len(gram)) if active is None else np.sort(np.asarray(active))
        found = np.asarray(self.function(gram[np.ix_(tasks, tasks)].copy()), dtype=np.float64)
        if found.shape != tasks.shape:
            raise InvalidInputError(
                f"expected {tasks.size} weights for {tasks.size} active tasks; found shape "
                f"{found.shape}."
            )
        weights = np.zeros(len(gram))
        weights[tasks] = found
        fine = bool(np.isfinite(found).all())
        return Combined(weights, state, Status.UNVERIFIED if fine else Status.FAILED, float("nan"))


def promises_of_combiner(rule: object) -> tuple[frozenset[str], Space | None]:
    """Return what a registered combiner promises and its space, or the defaults and None.

    Promises are made for default options; with other options only those count that are taken for
    granted of every combiner.

    Examples
    --------
    >>> from songoku_theory.combine import MGDA, NashMTL
    >>> "descent" in promises_of_combiner(MGDA())[0]
    True
    >>> "stateless" in promises_of_combiner(NashMTL(update_every=4))[0]
    False
    """
    for name in available_combiners():
        info = combiner_info(name)
        if type(rule) is info.factory:
            if rule == info.factory():
                return info.promises, info.space
            return info.promises & DEFAULT_COMBINER_PROMISES, info.space
    return DEFAULT_COMBINER_PROMISES, None


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Gradients to combine.

    Attributes
    ----------
    name : str
    rows : ndarray, shape (K, d)
    """

    name: str
    rows: Matrix

    @property
    def gram(self) -> Matrix:
        """Inner products, shape (K, K)."""
        return np.asarray(self.rows @ self.rows.T)

    @property
    def num_tasks(self) -> int:
        """K."""
        return len(self.rows)


@cache
def problems() -> tuple[Problem, ...]:
    """Return gradients without a zero row and without a vanishing combination."""
    rng = np.random.default_rng(11)
    pair = rng.normal(size=(1, 6))
    found = {
        "one task": rng.normal(size=(1, 5)),
        "two tasks": np.asarray([[1.0, 0.0, 0.2], [-0.4, 1.0, 0.0]]),
        "two tasks that disagree": np.vstack([pair, -pair + 0.4 * rng.normal(size=(1, 6))]),
        "three tasks of uneven size": rng.normal(size=(3, 8)) * [[10.0], [1.0], [0.1]],
        "six conflicting tasks": rng.normal(size=(6, 8)),
        "eight tasks that agree": rng.normal(size=(8, 20)) + 1.0,
        "twelve nearly orthogonal tasks": rng.normal(size=(12, 300)),
        "tasks in a subspace": rng.normal(size=(6, 3)) + np.asarray([2.0, 0.0, 0.0]),
        "tasks in threes": np.repeat(rng.normal(size=(2, 6)), 3, axis=0),
    }
    return tuple(Problem(name, np.asarray(rows, dtype=np.float64)) for name, rows in found.items())


@cache
def stationary_problems() -> tuple[Problem, ...]:
    """Return gradients with a zero row or a vanishing convex combination."""
    rng = np.random.default_rng(12)
    one, two = rng.normal(size=(2, 5))
    zero = np.zeros(5)
    found = {
        "a pair that cancels": [one, -one],
        "a pair that cancels beside a third": [one, -3.0 * one, two],
        "three that cancel": [one, two, -one - two],
        "a zero gradient": [one, zero, two],
        "nothing but zero gradients": [zero, zero, zero],
    }
    return tuple(Problem(name, np.asarray(rows)) for name, rows in found.items())


def solve(
    subject: CombinerSubject,
    gram: Matrix,
    active: Sequence[int] | None = None,
    *,
    rule: Any = None,  # noqa: ANN401 - any combiner
    seed: int = 0,
) -> Any:  # noqa: ANN401 - a Combined, or what the subject takes for one
    """Combine once from a fresh state, with a seeded generator for randomised rules."""
    used = subject.rule if rule is None else rule
    return used.combine(gram, used.init(len(gram)), active, rng=np.random.default_rng(seed))


def arrays_of(state: object, path: str = "state") -> Iterator[tuple[str, NDArray[Any]]]:
    """Go through all arrays of a state: dataclasses, mappings, sequences, objects.

    Examples
    --------
    >>> from songoku_theory.combine import FAMO
    >>> [name for name, _ in arrays_of(FAMO().init(2))][:2]
    ['state.logits', 'state.before']
    """
    if isinstance(state, np.ndarray):
        yield path, state
    elif is_dataclass(state) and not isinstance(state, type):
        for one in fields(state):
            yield from arrays_of(getattr(state, one.name), f"{path}.{one.name}")
    elif isinstance(state, Mapping):
        for key, value in state.items():
            yield from arrays_of(value, f"{path}[{key!r}]")
    elif isinstance(state, list | tuple):
        for index, value in enumerate(state):
            yield from arrays_of(value, f"{path}[{index}]")
    elif hasattr(state, "detach") and hasattr(state, "cpu"):  # a torch tensor
        yield path, np.asarray(state.detach().cpu())
