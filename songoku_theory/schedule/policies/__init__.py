"""Who runs at a step: the paper's cycle and what it is compared with, one policy a file.

========================  =====================  ===============================================
policy                    who runs at a step     guaranteed gap, in steps
========================  =====================  ===============================================
``cycle``                 one colour class       m in a window; m_old + m_new - 1 over a refresh,
                                                 if R >= m
``oldest_first``          greedy independent     deg(v) + 1; |N_old u N_new| + 1 over a refresh;
                          set by age             K always
``static``                class of the first     m
                          colouring
``single_step``           as ``cycle``, beta 0   as ``cycle``
``all_tasks``             everyone               1
``random_groups``         one random group       as ``cycle``
``round_robin``           one task               K
``sequential``            every class in turn    1 (a step is a batch of m updates)
========================  =====================  ===============================================

To add one, subclass :class:`Policy` and pass an instance as the scheduler's ``policy``.
"""

from songoku_theory.schedule.policies.all_tasks import AllTasks
from songoku_theory.schedule.policies.base import Groups, Policy, Refreshes, Situation, gap_of_slots
from songoku_theory.schedule.policies.cycle import Cycle
from songoku_theory.schedule.policies.oldest_first import OldestFirst, greedy_independent_set
from songoku_theory.schedule.policies.random_groups import RandomGroups
from songoku_theory.schedule.policies.registry import available_policies, get_policy
from songoku_theory.schedule.policies.round_robin import RoundRobin
from songoku_theory.schedule.policies.sequential import Sequential
from songoku_theory.schedule.policies.single_step import SingleStep
from songoku_theory.schedule.policies.slots import SlotPolicy
from songoku_theory.schedule.policies.static import Static

__all__ = [
    "AllTasks",
    "Cycle",
    "Groups",
    "OldestFirst",
    "Policy",
    "RandomGroups",
    "Refreshes",
    "RoundRobin",
    "Sequential",
    "SingleStep",
    "Situation",
    "SlotPolicy",
    "Static",
    "available_policies",
    "gap_of_slots",
    "get_policy",
    "greedy_independent_set",
]
