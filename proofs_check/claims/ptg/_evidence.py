"""Findings that reach less far than the helper that made them would say."""

from __future__ import annotations

from proofs_check.model import Finding, Scope

__all__ = ["limited"]


def limited(finding: Finding, reach: str) -> Finding:
    """Return the finding as one about instances: an identity checked for a few sizes only."""
    return Finding(finding.outcome, Scope("instances", reach), finding.detail)
