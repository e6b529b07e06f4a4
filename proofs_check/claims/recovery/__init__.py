"""The family ``recovery``: appendix B and section 5.4, and this project's EXT-1, 3, 4, 5 and 11.

One module an idea: the two models and Assumption 1 (models, groups), concentration (Lemma 1),
the other assumptions (premises), cosines under noise (Lemma 2), uniform accuracy (Proposition 3),
edges (Theorem 2), budgets (Corollaries 1 and 2, Theorems 3 and 4, eq. 39, section 5.4), what a
budget in d gives instead (repaired), and the extensions. Eq. 18, 19 and 36's weights are the family
``ema``; Proposition 1 and Theorem 1 are the family ``coloring``.
"""

from __future__ import annotations

from proofs_check.claims.recovery import concentration, groups, models, stability
from proofs_check.model import Claim

__all__ = ["CLAIMS"]

CLAIMS: tuple[Claim, ...] = (*models.CLAIMS, *groups.CLAIMS, *concentration.CLAIMS, *stability.CLAIMS)
