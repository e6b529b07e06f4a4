"""The paper's worked example: six tasks on three nodes with different memory."""

from __future__ import annotations

import numpy as np

from songoku_theory.grouping.problem import GroupingProblem

__all__ = ["PRINTED_GROUPS", "worked_example"]

PRINTED_GROUPS = ((0, 1, 3), (2, 5), (4,))
"""The groups that the paper prints as optimal (eq. 12), tasks counted from 0."""


def worked_example(*, overlap: bool) -> GroupingProblem:
    """Return the worked example; formulation 8 as printed allows overlap.

    Source
    ------
    PTG, appendix D, Table 7, eq. 10-12.

    Differs from
    ------------
    The paper calls the groups of eq. 12, worth 143/60 = 2.3833, "an optimal solution". They are not
    optimal, with overlap or without: see below.

    Examples
    --------
    >>> from songoku_theory.grouping.result import objective
    >>> from songoku_theory.grouping.subset_dp import subset_dp
    >>> round(objective(worked_example(overlap=True), PRINTED_GROUPS), 4)
    2.3833
    >>> for overlap in (False, True):
    ...     found = subset_dp(worked_example(overlap=overlap))
    ...     print(found.status, round(found.objective, 4), found.groups)
    optimal 2.8333 ((0, 1, 5), (4,), (2, 3))
    optimal 3.05 ((0, 1, 5), (1, 2, 3), (3, 4))
    """
    gains = np.array(
        [
            [5, 3, 1, 2, 1, 2],
            [3, 6, 2, 1, 0, 3],
            [1, 2, 7, 4, 5, 1],
            [2, 1, 4, 5, 3, 2],
            [1, 0, 5, 3, 8, 1],
            [2, 3, 1, 2, 1, 4],
        ]
    )
    return GroupingProblem(
        gains / 10,
        num_groups=3,
        costs=[4, 3, 5, 2, 6, 3],
        limits=[10, 10, 8],
        overlap=overlap,
    )
