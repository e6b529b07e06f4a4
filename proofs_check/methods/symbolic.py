"""Identities decided by computer algebra (sympy)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from proofs_check.methods.findings import inconclusive, supports
from proofs_check.model import Finding

__all__ = ["Identity", "is_zero", "prove_identities"]

Expression = Any
"""A sympy expression: sympy ships no types."""

Identity = tuple[str, Expression, Expression]
"""A label and the two sides."""


def is_zero(expression: Expression) -> bool:
    """Decide whether a rational function is identically zero.

    ``cancel`` brings a rational function over the integers to a normal form, so for those this
    is a decision; for anything else a False only means "not shown".

    Examples
    --------
    >>> import sympy
    >>> x = sympy.Symbol("x")
    >>> is_zero((1 - x**2) / (1 - x) - 1 - x), is_zero(x)
    (True, False)
    """
    import sympy

    return bool(sympy.cancel(sympy.together(sympy.sympify(expression))) == 0)


def prove_identities(build: Callable[[ModuleType], Sequence[Identity]], conclusion: str) -> Finding:
    """Check that both sides of every identity agree as rational functions.

    Parameters
    ----------
    build : callable
        ``build(sympy) -> [(label, left, right), ...]``; called with the module, so that it is
        imported only when a check runs.
    conclusion : str
        What the identities together prove, for all sizes.

    Returns
    -------
    Finding
        Supporting if all hold. Inconclusive otherwise: an identity of a proof that fails says
        that the proof is wrong, not yet that the statement is.
    """
    import sympy

    identities = list(build(sympy))
    failing = [label for label, left, right in identities if not is_zero(left - right)]
    if failing or not identities:
        return inconclusive(conclusion, f"the algebra does not close at: {', '.join(failing)}")
    labels = "; ".join(label for label, _, _ in identities)
    return supports("all_sizes", conclusion, f"{conclusion}. Identities checked: {labels}")
