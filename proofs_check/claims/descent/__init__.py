"""The family ``descent``: eq. 12, section 5.1 and appendix E, and this project's EXT-12.

One module an idea: the lower bounds of Propositions 6 and 7 (bounds), what a descent direction is
one for (direction), replacing a norm by its bound (replacing), certificates (certificates).
"""

from __future__ import annotations

from proofs_check.claims.descent import bounds, certificates, direction, replacing
from proofs_check.model import Claim

__all__ = ["CLAIMS"]

CLAIMS: tuple[Claim, ...] = (
    *bounds.CLAIMS,
    *direction.CLAIMS,
    *replacing.CLAIMS,
    *certificates.CLAIMS,
)
