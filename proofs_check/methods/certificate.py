"""Worst cases over a whole class of functions, certified by a semidefinite program (PEPit)."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from proofs_check.methods.findings import inconclusive, supports
from proofs_check.model import Finding

__all__ = ["worst_case_below"]

TOLERANCE = 1e-6


def worst_case_below(
    cases: Callable[[ModuleType], list[tuple[str, float, float]]], conclusion: str
) -> Finding:
    """Compare certified worst cases with the bounds that a theorem gives for them.

    Parameters
    ----------
    cases : callable
        ``cases(PEPit) -> [(label, worst case, bound), ...]``; called with the module, so that it
        is imported only when a check runs. The worst case is the dual value of the performance
        estimation problem: over every function of the class, in every dimension.
    conclusion : str
        What the comparisons say together.

    Returns
    -------
    Finding
        Supporting with the largest ratio as its gap; inconclusive if a worst case exceeds its
        bound: a float can't refute in exact arithmetic.
    """
    import PEPit

    found = cases(PEPit)
    if not found:
        return inconclusive(conclusion, "there was no case to look at")
    beyond = [label for label, worst, bound in found if not worst <= bound * (1 + TOLERANCE)]
    if beyond:
        return inconclusive(conclusion, f"the worst case exceeds the bound at: {', '.join(beyond)}")
    tightest = max(worst / bound for _, worst, bound in found)
    shown = "; ".join(f"{label}: {worst:.4g} of {bound:.4g}" for label, worst, bound in found)
    return supports(
        "gap",
        f"worst case / bound up to {tightest:.4f}",
        f"{conclusion}. Worst case of the bound, from a dual semidefinite program: {shown}",
    )
