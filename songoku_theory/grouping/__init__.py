"""Which tasks should share a model: affinities between tasks, and solvers that group by them.

A :class:`GroupingProblem` is PTG's formulation 8 with every constraint that the solvers know;
:func:`solve` answers it. Affinities are pure functions of what a training run recorded.
"""

from songoku_theory.grouping.affinity import (
    SelfGain,
    cosine_affinity,
    cumulative,
    ema_cosine_affinity,
    group_transfer_gain,
    tag_affinity,
    transfer_gain,
)
from songoku_theory.grouping.agreement import adjusted_rand
from songoku_theory.grouping.bounds import best_average_bound, partition_bound, upper_bound
from songoku_theory.grouping.branch_and_bound import branch_and_bound
from songoku_theory.grouping.cost import Cost, collected_every, needed_cost, printed_costs
from songoku_theory.grouping.example import PRINTED_GROUPS, worked_example
from songoku_theory.grouping.greedy import greedy
from songoku_theory.grouping.group_gain import (
    PairRule,
    group_gain,
    higher_order_approximation,
    tabulated,
    task_gain,
)
from songoku_theory.grouping.milp import solve_milp
from songoku_theory.grouping.problem import GroupingProblem, SetFunction, group_value
from songoku_theory.grouping.random_groups import random_groups
from songoku_theory.grouping.result import Grouping, Status, faults, objective
from songoku_theory.grouping.solve import SOLVERS, solve
from songoku_theory.grouping.subset_dp import MAX_DP_TASKS, subset_dp

__all__ = [
    "MAX_DP_TASKS",
    "PRINTED_GROUPS",
    "SOLVERS",
    "Cost",
    "Grouping",
    "GroupingProblem",
    "PairRule",
    "SelfGain",
    "SetFunction",
    "Status",
    "adjusted_rand",
    "best_average_bound",
    "branch_and_bound",
    "collected_every",
    "cosine_affinity",
    "cumulative",
    "ema_cosine_affinity",
    "faults",
    "greedy",
    "group_gain",
    "group_transfer_gain",
    "group_value",
    "higher_order_approximation",
    "needed_cost",
    "objective",
    "partition_bound",
    "printed_costs",
    "random_groups",
    "solve",
    "solve_milp",
    "subset_dp",
    "tabulated",
    "tag_affinity",
    "task_gain",
    "transfer_gain",
    "upper_bound",
    "worked_example",
]
