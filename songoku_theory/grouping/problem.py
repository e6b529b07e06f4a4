"""What is asked: which tasks should share a model, under which constraints (PTG, eq. 8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError

__all__ = ["GroupingProblem", "SetFunction", "components", "fits", "group_value"]

SetFunction = Callable[[tuple[int, ...]], float]
Pairs = tuple[tuple[int, int], ...]

_SLACK = 1e-9  # of a limit: 0.1 + 0.2 fits into 0.3


@dataclass(frozen=True, slots=True, eq=False)
class GroupingProblem:
    r"""Maximise the sum of the groups' values (eq. 8).

    The value of a group G is ``(1 / |G|) sum_{i, k in G} S_ik``, or what `value` says.

    Parameters
    ----------
    gains : array_like, shape (n, n), optional
        S; ``S[i, k]`` is the gain from task i to task k, the diagonal the gain to itself. Directed
        or symmetric: the objective only sees ``(S + S^T) / 2``.
    value : callable, optional
        Instead of `gains`: from a group, as a tuple of ascending task indices, to a finite number.
    num_tasks : int, optional
        n; needed with `value` only.
    num_groups : int or None
        m, every group non-empty. None: any number.
    costs : array_like, shape (n,) or (n, m), optional
        B >= 0; one column where a task costs the same in every group.
    limits : array_like, shape () or (m,), optional
        b.
    min_size, max_size : int or sequence of m ints
        Tasks in a group (section 5.3).
    overlap : bool
        Whether a task may be in several groups; each is in at least one.
    distinct : bool
        Whether no two groups may be equal; only matters with `overlap`.
    must_link, cannot_link : iterable of pairs
        Every group holds both tasks or neither; no group holds both.

    Raises
    ------
    InvalidInputError
        When an argument has the wrong shape or range; constraints that contradict each other are no
        error but an answer, ``"infeasible"``.

    Source
    ------
    PTG, section 4.2, eq. 8, and section 5.3.

    Differs from
    ------------
    The paper fixes m, always allows overlap and has neither links nor other objectives. Without
    overlap its objective is kernel k-means with kernel ``(S + S^T) / 2``. With overlap the number
    of groups must be given: the best "any number" would be every group of positive value.

    Examples
    --------
    >>> problem = GroupingProblem([[1, 3], [0, 1]], num_groups=1)
    >>> group_value(problem, (0, 1))
    2.5
    """

    gains: ArrayLike | None = None
    value: SetFunction | None = None
    num_tasks: int = 0
    num_groups: int | None = None
    costs: ArrayLike | None = None
    limits: ArrayLike | None = None
    min_size: int | Iterable[int] = 1
    max_size: int | Iterable[int] | None = None
    overlap: bool = False
    distinct: bool = True
    must_link: Iterable[tuple[int, int]] = ()
    cannot_link: Iterable[tuple[int, int]] = ()
    symmetric_gains: NDArray[np.float64] | None = field(init=False, repr=False)
    cost: NDArray[np.float64] = field(init=False, repr=False)
    limit: NDArray[np.float64] = field(init=False, repr=False)
    smallest: NDArray[np.int64] = field(init=False, repr=False)
    largest: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check everything; bring the constraints of the groups to columns, one where all agree."""

        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        if (self.gains is None) == (self.value is None):
            raise InvalidInputError("give either gains (n, n) or value, a function of a group.")
        put("symmetric_gains", None if self.gains is None else _symmetrised(self.gains))
        if self.symmetric_gains is not None:
            found = len(self.symmetric_gains)
            if self.num_tasks not in (0, found):
                raise InvalidInputError(f"num_tasks is {self.num_tasks}; gains have {found} tasks.")
            put("num_tasks", found)
        _whole("num_tasks", self.num_tasks)
        if self.num_groups is not None:
            _whole("num_groups", self.num_groups)
        elif self.overlap:
            raise InvalidInputError(
                "with overlap, num_groups should be given: the best 'any number' of groups would "
                "be every group of positive value, up to 2^n of them."
            )
        put("must_link", _pairs("must_link", self.must_link, self.num_tasks))
        put("cannot_link", _pairs("cannot_link", self.cannot_link, self.num_tasks))
        cost, limit = _budget(self.costs, self.limits, self.num_tasks, self.num_groups)
        smallest = _sizes("min_size", self.min_size, self.num_groups)
        largest = _sizes(
            "max_size", self.num_tasks if self.max_size is None else self.max_size, self.num_groups
        )
        columns = np.broadcast_shapes((cost.shape[1],), limit.shape, smallest.shape, largest.shape)
        stacked = np.vstack(
            [
                np.broadcast_to(cost, (self.num_tasks, *columns)),
                *(np.broadcast_to(row, columns) for row in (limit, smallest, largest)),
            ]
        )
        if (stacked == stacked[:, :1]).all():  # the groups are interchangeable
            stacked = stacked[:, :1]
        put("cost", stacked[:-3])
        put("limit", stacked[-3])
        put("smallest", stacked[-2].astype(np.int64))
        put("largest", stacked[-1].astype(np.int64))

    @property
    def identities(self) -> bool:
        """Whether the groups differ in what they may hold, so that it matters which is which."""
        return self.limit.size > 1


def group_value(problem: GroupingProblem, group: tuple[int, ...]) -> float:
    """Return the value of one non-empty group, of ascending task indices.

    Raises
    ------
    InvalidInputError
        When the user's function does not return a finite number.
    """
    if problem.symmetric_gains is not None:
        block = problem.symmetric_gains[np.ix_(group, group)]
        return float(block.sum()) / len(group)
    assert problem.value is not None
    found = float(problem.value(group))
    if not np.isfinite(found):
        raise InvalidInputError(
            f"value should return a finite number; found {found} for group {group}. Forbid a group "
            f"by constraints rather than by an infinite value."
        )
    return found


def fits(problem: GroupingProblem, group: tuple[int, ...], column: int) -> bool:
    """Say whether a group meets the sizes, budget and links of the given column."""
    members = list(group)
    size, column = len(members), min(column, problem.limit.size - 1)
    limit = problem.limit[column]
    if not problem.smallest[column] <= size <= problem.largest[column]:
        return False
    if problem.cost[members, column].sum() > limit + slack(limit):
        return False
    inside = set(group)
    return all((a in inside) == (b in inside) for a, b in problem.must_link) and not any(
        a in inside and b in inside for a, b in problem.cannot_link
    )


def slack(limit: float | np.float64) -> float:
    """Return by how much a sum may pass a limit and still count as rounding."""
    return _SLACK * max(1.0, abs(float(limit))) if np.isfinite(limit) else 0.0


def components(problem: GroupingProblem) -> list[tuple[int, ...]]:
    """Return the sets of tasks that the must-links tie together, by their lowest task."""
    root = list(range(problem.num_tasks))
    for a, b in problem.must_link:
        low, high = sorted((root[a], root[b]))
        root = [low if r == high else r for r in root]
    return [tuple(i for i, r in enumerate(root) if r == top) for top in sorted(set(root))]


def _whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise InvalidInputError(f"{name} should be a whole number >= 1; found {value!r}.")


def _symmetrised(gains: ArrayLike) -> NDArray[np.float64]:
    matrix = np.array(gains, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise InvalidInputError(f"gains should have shape (n, n), n >= 1; found {matrix.shape}.")
    if not np.isfinite(matrix).all():
        i, k = (int(x) for x in np.argwhere(~np.isfinite(matrix))[0])
        raise InvalidInputError(
            f"gains[{i}, {k}] is {matrix[i, k]}; every pair needs a finite gain. Collect more "
            f"steps, or set pairs that were never seen together to a value that you choose."
        )
    return (matrix + matrix.T) / 2.0


def _pairs(name: str, pairs: Iterable[tuple[int, int]], num_tasks: int) -> Pairs:
    found: set[tuple[int, int]] = set()
    for pair in pairs:
        a, b = (int(x) for x in pair)
        if not (0 <= a < num_tasks and 0 <= b < num_tasks) or a == b:
            raise InvalidInputError(
                f"{name} should hold pairs of different tasks in [0, {num_tasks}); found {pair}."
            )
        found.add((min(a, b), max(a, b)))
    return tuple(sorted(found))


def _sizes(name: str, sizes: int | Iterable[int], num_groups: int | None) -> NDArray[np.int64]:
    array = np.atleast_1d(np.array(sizes if isinstance(sizes, Integral) else list(sizes)))  # type: ignore[arg-type]
    if array.dtype.kind not in "iu" or array.ndim != 1 or (array < 1).any():
        raise InvalidInputError(f"{name} should be whole numbers >= 1; found {sizes!r}.")
    _one_a_group(name, array.size, num_groups)
    return array.astype(np.int64)


def _one_a_group(name: str, found: int, num_groups: int | None) -> None:
    if found == 1 or found == num_groups:
        return
    if num_groups is None:
        raise InvalidInputError(
            f"{name} names {found} groups, but num_groups is not given; constraints that differ "
            f"between groups need their number."
        )
    raise InvalidInputError(f"{name} should be one number or {num_groups}; found {found}.")


def _budget(
    costs: ArrayLike | None, limits: ArrayLike | None, num_tasks: int, num_groups: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if (costs is None) != (limits is None):
        raise InvalidInputError("costs and limits should be given together.")
    if costs is None or limits is None:
        return np.zeros((num_tasks, 1)), np.full(1, np.inf)
    cost, limit = np.array(costs, dtype=np.float64), np.atleast_1d(np.array(limits, dtype=float))
    cost = cost[:, None] if cost.ndim == 1 else cost
    if cost.ndim != 2 or len(cost) != num_tasks or limit.ndim != 1:
        raise InvalidInputError(
            f"costs should have shape (n,) or (n, m) with n = {num_tasks}, limits () or (m,); "
            f"found {np.shape(costs)} and {np.shape(limits)}."
        )
    if not (np.isfinite(cost).all() and (cost >= 0).all()) or np.isnan(limit).any():
        raise InvalidInputError("costs should be finite and >= 0, limits not NaN.")
    _one_a_group("costs", cost.shape[1], num_groups)
    _one_a_group("limits", limit.size, num_groups)
    return cost, limit
