"""The EMA family as a whole: verdicts, the standard of proof, readings, links."""

from __future__ import annotations

from fractions import Fraction

import pytest

from proofs_check.claims.ema.objects import run_algorithm, sample_size, vector, window_weights
from proofs_check.counterexamples import available, load
from proofs_check.model import Claim, Method, VerdictKind
from proofs_check.registry import all_claims
from proofs_check.runner import ClaimResult
from proofs_check.verdicts import decide
from songoku_theory.ema import n_eff


def family() -> tuple[Claim, ...]:
    return tuple(claim for claim in all_claims() if claim.family == "ema")


@pytest.fixture(scope="module")
def results(quick_results: dict[str, ClaimResult]) -> dict[str, ClaimResult]:
    return {claim.id: quick_results[claim.id] for claim in family()}


def test_nothing_leans_on_the_solver_alone(results: dict[str, ClaimResult]) -> None:
    """A z3 timeout on a busy machine must not flip a verdict."""
    for result in results.values():
        without = [item for item in result.evidence if item.method is not Method.SMT]
        assert decide(without, result.claim.condition).kind is result.verdict.kind, result.claim.id


def test_written_proofs_are_numbered_and_marked(results: dict[str, ClaimResult]) -> None:
    written = [
        item
        for result in results.values()
        for item in result.evidence
        if item.method is Method.WRITTEN_PROOF
    ]
    assert len(written) > 15
    for item in written:
        assert item.detail.startswith("Written proof of: ")
        assert "\n1. " in item.detail


def test_every_refuted_claim_has_its_file_and_its_repair(results: dict[str, ClaimResult]) -> None:
    owners = {load(stem).claim for stem in available()}
    for claim_id, result in results.items():
        if result.verdict.kind in (VerdictKind.REFUTED, VerdictKind.CONDITIONAL):
            assert claim_id in owners
            assert result.claim.repaired_by is not None
            repaired = results[result.claim.repaired_by]
            assert repaired.verdict.kind is VerdictKind.PROVED
        else:
            assert claim_id not in owners


def test_a_refuted_row_says_which_reading_it_judges(results: dict[str, ClaimResult]) -> None:
    for result in results.values():
        if result.verdict.kind is VerdictKind.REFUTED:
            assert result.claim.reading != "as printed", result.claim.id


def test_repaired_rows_end_in_r() -> None:
    for claim in family():
        assert (claim.repairs is not None) == claim.id.endswith("-R")


def test_assumptions_of_the_family_can_be_met_and_broken() -> None:
    predicates = {a.name: a.predicate for claim in family() for a in claim.assumptions}
    beta, window = predicates["β range"], predicates["window"]
    assert beta is not None
    assert window is not None
    assert beta(0.5)
    assert beta(0)
    assert not beta(1)
    assert window(1)
    assert not window(0)


@pytest.mark.parametrize(("window", "beta"), [(1, 0.5), (4, 0.9), (32, 0.9), (7, 0.0)])
def test_exact_sample_size_agrees_with_the_library(window: int, beta: float) -> None:
    exact = sample_size(window_weights(window, Fraction(beta)))
    assert float(n_eff(window, beta)) == pytest.approx(float(exact), rel=1e-12)


def test_reused_gradient_counts_once() -> None:
    """Updates g0, g1, g1 with beta = 1/2: two samples with weights 1/8 and 1/4 + 1/2."""
    path = [[vector(1)] * 2, [vector(1)] * 2]
    run = run_algorithm(path, 2, Fraction(1, 2), Fraction(1, 2), 1, "reused")
    assert run.samples[0][0] == (("0", Fraction(1, 8)), ("1", Fraction(3, 4)))


def test_algorithm_run_follows_its_lines() -> None:
    """Round 0 has one class; then three mutually conflicting directions take turns."""
    directions = [vector(2, 0), vector(-1, 2), vector(-1, -2)]
    run = run_algorithm([[g] * 12 for g in directions], 6, Fraction(1, 2), Fraction(1, 10), 2)
    assert run.classes[0] == ((0, 1, 2),)
    assert run.classes[1] == ((0,), (1,), (2,))
    assert run.window_counts(0, 6) == (6, 6, 6)
    assert run.window_counts(1, 6) == (2, 2, 2)
