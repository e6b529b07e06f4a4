"""The family ``ema``: eq. 8, 18 and 19, the limit of n_eff, and this project's EXT-2.

One module an idea: what eq. 8 averages (carried), its buffers, eq. 18 against eq. 8 (windows),
scaling, stability and age, eq. 19 (sample_size), Corollary 2's budgets (budget), Algorithm 1
against eq. 19 (algorithm), the closed form with tanh (extension).
"""

from __future__ import annotations

from proofs_check.claims.ema import (
    algorithm,
    budget,
    buffers,
    carried,
    extension,
    sample_size,
    scaling,
    stability,
    windows,
)
from proofs_check.model import Claim

__all__ = ["CLAIMS"]

CLAIMS: tuple[Claim, ...] = (
    *carried.CLAIMS,
    *buffers.CLAIMS,
    *scaling.CLAIMS,
    *stability.CLAIMS,
    *windows.CLAIMS,
    *sample_size.CLAIMS,
    *algorithm.CLAIMS,
    *budget.CLAIMS,
    *extension.CLAIMS,
)
