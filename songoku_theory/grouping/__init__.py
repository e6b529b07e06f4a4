"""Which tasks should share a model: affinities between tasks, and solvers that group by them."""

from songoku_theory.grouping.example import PRINTED_GROUPS, worked_example
from songoku_theory.grouping.problem import GroupingProblem, group_value
from songoku_theory.grouping.result import Grouping, Status, faults, objective
from songoku_theory.grouping.subset_dp import MAX_DP_TASKS, subset_dp

__all__ = [
    "MAX_DP_TASKS",
    "PRINTED_GROUPS",
    "Grouping",
    "GroupingProblem",
    "Status",
    "faults",
    "group_value",
    "objective",
    "subset_dp",
    "worked_example",
]
