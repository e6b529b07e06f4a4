"""Small claims and pieces of evidence, for tests of the ledger's machinery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest

from proofs_check.model import (
    Check,
    CheckContext,
    Claim,
    Evidence,
    Finding,
    Method,
    Outcome,
    Scope,
    ScopeKind,
    Source,
)
from proofs_check.registry import all_claims
from proofs_check.runner import ClaimResult, run_claims


class MakeEvidence(Protocol):
    def __call__(
        self,
        method: Method = ...,
        outcome: Outcome = ...,
        scope: ScopeKind = ...,
        *,
        reach: str = ...,
        counterexample: str | None = ...,
        replayed: bool = ...,
        under_condition: bool = ...,
        name: str = ...,
    ) -> Evidence: ...


@pytest.fixture(scope="session")
def make_evidence() -> MakeEvidence:
    """Return a maker of evidence with every field that a rule looks at."""

    def make(
        method: Method = Method.EXACT,
        outcome: Outcome = Outcome.SUPPORTS,
        scope: ScopeKind = "instances",
        *,
        reach: str = "reach",
        counterexample: str | None = None,
        replayed: bool = False,
        under_condition: bool = False,
        name: str = "check",
    ) -> Evidence:
        return Evidence(
            name=name,
            method=method,
            outcome=outcome,
            scope=Scope(scope, reach),
            detail="detail",
            seconds=0.0,
            replay="songoku claims check X",
            counterexample=counterexample,
            replayed=replayed,
            under_condition=under_condition,
        )

    return make


@pytest.fixture(scope="session")
def make_claim() -> Callable[..., Claim]:
    """Return a maker of claims: ``make_claim("X-1", [(Method.EXACT, finding), ...])``."""

    def make(claim_id: str, findings: list[tuple[Method, Finding]]) -> Claim:
        def runs(finding: Finding) -> Callable[[CheckContext], Finding]:
            return lambda _: finding

        return Claim(
            id=claim_id,
            family="test",
            title=f"title of {claim_id}",
            statement="$x = x$",
            plain="x = x",
            source=Source("songoku", "tests"),
            assumptions=(),
            used_for="tests",
            checks=tuple(
                Check(f"check {number}", method, runs(finding))
                for number, (method, finding) in enumerate(findings)
            ),
        )

    return make


@pytest.fixture(scope="session")
def quick_results() -> dict[str, ClaimResult]:
    """Return the result of every claim, from one quick run."""
    return {result.claim.id: result for result in run_claims(all_claims(), CheckContext())}


@pytest.fixture
def proved(make_claim: Callable[..., Claim]) -> Claim:
    """Return a claim that two methods support."""
    return make_claim(
        "X-1",
        [
            (Method.SYMBOLIC, Finding(Outcome.SUPPORTS, Scope("all_sizes", "all"), "algebra")),
            (Method.EXACT, Finding(Outcome.SUPPORTS, Scope("instances", "some"), "numbers")),
        ],
    )
