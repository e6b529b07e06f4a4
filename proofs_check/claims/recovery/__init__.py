"""The family ``recovery``: appendix B and section 5.4, and this project's EXT-1, 3, 4, 5 and 11.

One module an idea: the two models and Assumption 1 (models, groups), concentration (Lemma 1),
cosines under noise (stability), edges (Theorem 2), the paper's budgets (budget) and what holds
instead (repaired), the other premises (premises, consistency), and the extensions. Eq. 18, 19 and
the weights of eq. 36 are the family ``ema``; Proposition 1 and Theorem 1 the family ``coloring``.
"""

from __future__ import annotations

from proofs_check.claims.recovery import (
    budget,
    concentration,
    consistency,
    debias,
    dimension,
    edges,
    energy,
    groups,
    lag,
    law,
    models,
    premises,
    queries,
    repaired,
    shrink,
    stability,
)
from proofs_check.model import Claim

__all__ = ["CLAIMS"]

CLAIMS: tuple[Claim, ...] = (
    *models.CLAIMS,
    *groups.CLAIMS,
    *concentration.CLAIMS,
    *stability.CLAIMS,
    *edges.CLAIMS,
    *budget.CLAIMS,
    *premises.CLAIMS,
    *energy.CLAIMS,
    *repaired.CLAIMS,
    *consistency.CLAIMS,
    *law.CLAIMS,
    *dimension.CLAIMS,
    *shrink.CLAIMS,
    *debias.CLAIMS,
    *lag.CLAIMS,
    *queries.CLAIMS,
)
