"""Family ``comparison``: appendix C, section 5.3, and what sections 1 and 5 make of them.

Two kinds of statement are kept apart: those about the *bounds* UB_sch and UB_agg, and those about
F at the two end points. A lower upper bound does not make a lower F.
"""

from __future__ import annotations

from proofs_check.claims.comparison import (
    contraction,
    drift,
    drop,
    expansion,
    gap,
    improvement,
    mild,
    separation,
    smoothness,
    telescoping,
)

__all__ = ["CLAIMS"]

CLAIMS = (
    *smoothness.CLAIMS,
    *telescoping.CLAIMS,
    *drift.CLAIMS,
    *gap.CLAIMS,
    *expansion.CLAIMS,
    *improvement.CLAIMS,
    *contraction.CLAIMS,
    *drop.CLAIMS,
    *mild.CLAIMS,
    *separation.CLAIMS,
)
