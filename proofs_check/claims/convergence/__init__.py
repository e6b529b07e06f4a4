"""The family ``convergence``: section 5.2, appendices F and I, and this project's EXT-9.

One module an idea: stochastic gradient descent itself (sgd), what the scheduler's cycle makes of
its premises (premises), eq. 13 (factor), the energy of the scheduled gradients (energy), cycles
(cycles).
"""

from __future__ import annotations

from proofs_check.claims.convergence import cycles, energy, factor, premises, sgd
from proofs_check.model import Claim

__all__ = ["CLAIMS"]

CLAIMS: tuple[Claim, ...] = (
    *sgd.CLAIMS,
    *factor.CLAIMS,
    *energy.CLAIMS,
    *premises.CLAIMS,
    *cycles.CLAIMS,
)
