"""Descent by classes of tasks, many runs at once: problems, rules of activation, and what is seen.

Used by ``simulations.experiments.convergence``. Objectives are in `simulations.objectives`.
"""

from __future__ import annotations

from simulations.convergence.descend import Trace, descend
from simulations.convergence.problems import OBJECTIVES, Problem, plant_problem
from simulations.convergence.rules import RULES, Plan, plan

__all__ = ["OBJECTIVES", "RULES", "Plan", "Problem", "Trace", "descend", "plan", "plant_problem"]
