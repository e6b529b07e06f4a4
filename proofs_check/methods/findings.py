"""Short constructors for findings."""

from __future__ import annotations

from proofs_check.model import Finding, Outcome, Scope, ScopeKind

__all__ = ["inconclusive", "refutes", "supports"]


def supports(kind: ScopeKind, reach: str, detail: str) -> Finding:
    """Return a supporting finding that reaches as far as said."""
    return Finding(Outcome.SUPPORTS, Scope(kind, reach), detail)


def refutes(reach: str, detail: str, counterexample: str | None = None) -> Finding:
    """Return a refuting finding; only a stored counterexample makes it count as REFUTED."""
    return Finding(Outcome.REFUTES, Scope("instances", reach), detail, counterexample)


def inconclusive(reach: str, detail: str) -> Finding:
    """Return a finding that decides nothing."""
    return Finding(Outcome.INCONCLUSIVE, Scope("instances", reach), detail)
