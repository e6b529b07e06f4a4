"""Random groups under the same constraints: what a grouping is worth must be more than theirs."""

from __future__ import annotations

import numpy as np

from songoku_theory.errors import InvalidInputError
from songoku_theory.grouping.problem import GroupingProblem
from songoku_theory.grouping.result import Groups, faults

__all__ = ["random_groups"]

_AT_ONCE = 4096
_TRIES = 1_000_000


def random_groups(problem: GroupingProblem, rng: np.random.Generator) -> Groups:
    """Draw disjoint groups, every partition that meets the constraints equally likely.

    Each task goes to one of the m groups, each as likely; what breaks a constraint is drawn again.
    A partition into m groups arises from m! such draws, so all are equally likely.

    Parameters
    ----------
    problem : GroupingProblem
        With a number of groups that are all alike; its objective plays no part.
    rng : numpy.random.Generator

    Returns
    -------
    tuple of tuple of int
        Sorted.

    Raises
    ------
    InvalidInputError
        When no number of groups is given, the groups differ in what they may hold, or no draw of a
        million met the constraints.

    Source
    ------
    PTG, section 5.1, "Random policy", and 5.3.

    Examples
    --------
    >>> problem = GroupingProblem(np.zeros((4, 4)), num_groups=2, min_size=2)
    >>> random_groups(problem, np.random.default_rng(0))
    ((0, 3), (1, 2))
    """
    m, n = problem.num_groups, problem.num_tasks
    if m is None or problem.identities:
        raise InvalidInputError("random groups need a number of groups, all of them alike.")
    for _ in range(_TRIES // _AT_ONCE):
        places = rng.integers(0, m, size=(_AT_ONCE, n))
        counts = (places[:, :, None] == np.arange(m)).sum(axis=1)
        right = (counts >= problem.smallest[0]) & (counts <= problem.largest[0])
        for row in places[right.all(axis=1)]:
            found = tuple(sorted(tuple(np.flatnonzero(row == g).tolist()) for g in range(m)))
            if not faults(problem, found):
                return found
    raise InvalidInputError(
        f"no draw of {_TRIES:,} put {n} tasks into {m} groups that meet the constraints; loosen "
        f"them, or ask a solver whether they can be met."
    )
