"""The family ``code``: rules seen in public code for the method, against the paper's text.

Each row takes a rule as a mathematical statement, "this rule gives the paper's decisions", and
judges that; the repaired row says when the rule and the paper agree. Nothing here is about a
particular program, its version or its authors: code and text may each have moved on.
"""

from __future__ import annotations

from proofs_check.claims.code import rules, running
from proofs_check.model import Claim

__all__ = ["CLAIMS"]

CLAIMS: tuple[Claim, ...] = (*rules.CLAIMS, *running.CLAIMS)
