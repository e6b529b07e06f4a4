"""The paper's statements on descent and comparison, and ours, in a form that can be attacked.

Appendix C in one dimension: ``G_r(u) = g_r + h_r u``, x = 0, L = 1, eta = 1 (other L and eta are a
change of units), so F' is the sum and ``L_r = |h_r|``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from simulations.adversary.statement import Statement
from simulations.adversary.zoo_descent import DESCENT
from simulations.adversary.zoo_one_dim import ONE_DIM
from simulations.adversary.zoo_two_dim import TWO_DIM
from songoku_theory.errors import unknown_name

__all__ = ["STATEMENTS", "get_statement"]

STATEMENTS: Mapping[str, Statement] = MappingProxyType(
    {statement.name: statement for statement in (*DESCENT, *ONE_DIM, *TWO_DIM)}
)
"""By name; `get_statement` says which are nearest to a misspelt one."""


def get_statement(name: str) -> Statement:
    """Return a statement by name.

    Raises
    ------
    UnknownNameError
        When there is none of that name; names the nearest.

    Examples
    --------
    >>> get_statement("class_descends").variables[:2]
    ('g1x', 'g1y')
    """
    if name not in STATEMENTS:
        raise unknown_name("statement", name, STATEMENTS)
    return STATEMENTS[name]
