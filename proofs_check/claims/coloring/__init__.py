"""Family ``coloring``: Propositions 1, 8, 9, Theorem 1 and what sections 4.2-4.4, 5.5, G and H say.

One module an idea; each holds statements and checks together.
"""

from __future__ import annotations

from proofs_check.claims.coloring import (
    chromatic,
    coverage,
    crown,
    footprint,
    greedy,
    interpretation,
    order,
    refresh,
    sparsity,
    staleness,
    threshold,
)

__all__ = ["CLAIMS"]

CLAIMS = (
    *chromatic.CLAIMS,
    *crown.CLAIMS,
    *greedy.CLAIMS,
    *order.CLAIMS,
    *staleness.CLAIMS,
    *refresh.CLAIMS,
    *coverage.CLAIMS,
    *footprint.CLAIMS,
    *threshold.CLAIMS,
    *sparsity.CLAIMS,
    *interpretation.CLAIMS,
)
