"""Every family, judged once: the expectation, and what no verdict may lean on."""

from __future__ import annotations

from proofs_check.expected import compare, load_expected
from proofs_check.ledger import row_of, verdict_of
from proofs_check.model import Method, Outcome, VerdictKind
from proofs_check.registry import shipped_ids
from proofs_check.runner import ClaimResult


def test_verdicts_are_the_expected_ones(quick_results: dict[str, ClaimResult]) -> None:
    found = {i: verdict_of(row_of(result, "quick")) for i, result in quick_results.items()}
    assert compare(found, load_expected(), "quick", shipped_ids(), whole=True) == []


def test_no_evidence_contradicts_another(quick_results: dict[str, ClaimResult]) -> None:
    for result in quick_results.values():
        assert "CONTRADICTED" not in result.verdict.reason
        outcomes = {item.outcome for item in result.evidence if not item.under_condition}
        assert outcomes != {Outcome.SUPPORTS, Outcome.REFUTES}


def test_proofs_close_and_no_check_failed(quick_results: dict[str, ClaimResult]) -> None:
    for result in quick_results.values():
        for item in result.evidence:
            assert "DOES NOT CLOSE" not in item.detail
            assert "the check itself failed" not in item.detail
            if item.outcome is Outcome.INCONCLUSIVE:
                # This run has no store; a check of stored rows has to say so rather than pass.
                waits = item.method is Method.STATISTICAL and "no store was given" in item.detail
                assert waits or item.method is Method.SEARCH, (result.claim.id, item)


def test_every_proved_row_has_survived_a_search(quick_results: dict[str, ClaimResult]) -> None:
    """Instances tried in exact arithmetic, an enumeration, a random attack, or a solver that looks
    for a model: a proof alone never makes a row PROVED."""
    searching = {Method.EXACT, Method.EXHAUSTIVE, Method.SEARCH, Method.SMT, Method.STATISTICAL}
    for result in quick_results.values():
        if result.verdict.kind is VerdictKind.PROVED:
            methods = {e.method for e in result.evidence if not e.under_condition}
            assert methods & searching, result.claim.id


def test_every_refuted_or_conditional_row_names_its_repair(
    quick_results: dict[str, ClaimResult],
) -> None:
    for result in quick_results.values():
        if result.verdict.kind in (VerdictKind.REFUTED, VerdictKind.CONDITIONAL):
            assert result.claim.repaired_by is not None, result.claim.id
            repaired = quick_results[result.claim.repaired_by]
            assert repaired.verdict.kind in (
                VerdictKind.PROVED,
                VerdictKind.PROVED_UP_TO,
                VerdictKind.CERTIFIED,
            ), result.claim.id
