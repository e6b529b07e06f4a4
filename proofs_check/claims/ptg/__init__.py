"""The family ``ptg``: 'Towards principled task grouping', and this project's EXT-13.

One module an idea: what the gain is (definition), what a larger one means (observation), the bound
of Proposition 1 (proposition) and what its proof says on the way (steps), the first-order law
(first_order), the program of 4.2 and appendix B (formulation), the worked example of appendix D
(worked), costs (complexity), and Tables 1 to 6 against the sentences about them (tables_*).
"""

from __future__ import annotations

from proofs_check.claims.ptg import (
    complexity,
    definition,
    first_order,
    formulation,
    observation,
    proposition,
    steps,
    tables_cost,
    tables_sums,
    tables_vision,
    tables_wider,
    worked,
)
from proofs_check.model import Claim

__all__ = ["CLAIMS"]

CLAIMS: tuple[Claim, ...] = (
    *definition.CLAIMS,
    *observation.CLAIMS,
    *proposition.CLAIMS,
    *steps.CLAIMS,
    *first_order.CLAIMS,
    *formulation.CLAIMS,
    *worked.CLAIMS,
    *complexity.CLAIMS,
    *tables_sums.CLAIMS,
    *tables_vision.CLAIMS,
    *tables_wider.CLAIMS,
    *tables_cost.CLAIMS,
)
