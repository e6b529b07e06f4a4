"""The family ``tables``: the SON-GOKU paper's sentences on its Tables 1, 2 and 4.

One module a subject: who is better (accuracy), ablations and combinations (ablation), speed
(seconds), rows that are functions of other rows (relations). A sentence is judged against the
printed numbers, exactly as worded; where it is ambiguous each reading has its row.
"""

from __future__ import annotations

from proofs_check.claims.tables import ablation, accuracy, relations, seconds
from proofs_check.model import Claim

__all__ = ["CLAIMS"]

CLAIMS: tuple[Claim, ...] = (
    *accuracy.CLAIMS,
    *ablation.CLAIMS,
    *seconds.CLAIMS,
    *relations.CLAIMS,
)
