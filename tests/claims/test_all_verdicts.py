"""Every family, judged once: the expectation, and what no verdict may lean on."""

from __future__ import annotations

from proofs_check.expected import compare, load_expected
from proofs_check.ledger import row_of, verdict_of
from proofs_check.model import Method, Outcome
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
