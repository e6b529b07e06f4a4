"""The family ``sketches``: appendix D.5 of the SON-GOKU paper, sentence by sentence.

One module a section: random projections (projection), Frequent Directions with eq. 74 and 75
(directions), edge sampling (sampling), incremental Gram updates (incremental).
"""

from __future__ import annotations

from proofs_check.claims.sketches import directions, incremental, projection, sampling
from proofs_check.model import Claim

__all__ = ["CLAIMS"]

CLAIMS: tuple[Claim, ...] = (
    *projection.CLAIMS,
    *directions.CLAIMS,
    *sampling.CLAIMS,
    *incremental.CLAIMS,
)
