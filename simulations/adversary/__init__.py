"""Search for instances that make a bound tight or break it.

>>> import numpy as np
>>> from simulations.adversary import attack, get_statement
>>> found = attack(get_statement("member_descends"), np.random.default_rng(0), restarts=8, steps=40)
>>> found.outcome
'broken'
"""

from __future__ import annotations

from simulations.adversary.attack import Attack, attack
from simulations.adversary.descend import search_by_gradient
from simulations.adversary.exact import (
    complexity,
    rationalise,
    search_small_rationals,
    shrink,
)
from simulations.adversary.statement import Judgement, Statement, judge_exactly, judge_floats
from simulations.adversary.zoo import STATEMENTS, get_statement

__all__ = [
    "STATEMENTS",
    "Attack",
    "Judgement",
    "Statement",
    "attack",
    "complexity",
    "get_statement",
    "judge_exactly",
    "judge_floats",
    "rationalise",
    "search_by_gradient",
    "search_small_rationals",
    "shrink",
]
