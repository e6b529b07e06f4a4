"""The family on appendix B: verdicts, the standard of proof, links, nothing left out."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from proofs_check.claims.coloring import CLAIMS as COLORING
from proofs_check.claims.ema import CLAIMS as EMA
from proofs_check.claims.recovery import CLAIMS
from proofs_check.counterexamples import available, load
from proofs_check.expected import load_expected
from proofs_check.model import CheckContext, Method, Outcome, VerdictKind
from proofs_check.runner import ClaimResult, run_claims
from proofs_check.verdicts import decide

REFUTED = {
    "REC-A1-A",  # components conflict within, groups should not
    "REC-L2",  # noise across the means is not seen
    "REC-34",  # a tie
    "REC-P3",
    "REC-P3-LOG",
    "REC-C1",
    "REC-T3-PAIRS",
    "REC-T4",
    "REC-C2",
    "REC-C2-LOG",
    "REC-39",
    "REC-5.4",
    "REC-A3",  # drift has no mean zero
    "REC-A4",  # a long EMA need not have a long mean
    "REC-REFRESHES",
    "REC-B7-BETA",
    "REC-BETA",
    "REC-B7-ERROR",
    "REC-INTRO",
    "EXT-4-VAR",
    "EXT-4-EMA",
    "EXT-4-RATIO",
    "EXT-4-POSITIVE",
    "EXT-5-BEST",
}
CONDITIONAL = {"REC-P2-CLASSES", "REC-L1", "REC-L1-MDS", "EXT-3-SHRINK"}
STEMS = tuple(stem for stem in available() if re.match(r"rec_|ext(1|3|4|5|11)_", stem))


@pytest.fixture(scope="module")
def results() -> dict[str, ClaimResult]:
    return {result.claim.id: result for result in run_claims(CLAIMS, CheckContext())}


def test_verdicts(results: dict[str, ClaimResult]) -> None:
    kinds = {claim_id: result.verdict.kind for claim_id, result in results.items()}
    assert {i for i, kind in kinds.items() if kind is VerdictKind.REFUTED} == REFUTED
    assert {i for i, kind in kinds.items() if kind is VerdictKind.CONDITIONAL} == CONDITIONAL
    rest = {i for i, kind in kinds.items() if i not in REFUTED | CONDITIONAL}
    assert {kinds[i] for i in rest} == {VerdictKind.PROVED}
    expected = load_expected()
    assert {i: expected[i].quick.kind for i in kinds} == {i: str(k) for i, k in kinds.items()}


def test_nothing_leans_on_the_solver_or_on_a_statistic_alone(
    results: dict[str, ClaimResult],
) -> None:
    for claim_id, result in results.items():
        if result.verdict.kind is VerdictKind.PROVED:
            methods = {e.method for e in result.evidence if e.outcome is Outcome.SUPPORTS}
            assert len(methods) >= 2, claim_id
        without = [e for e in result.evidence if e.method is not Method.SMT]
        assert decide(without, result.claim.condition).kind is result.verdict.kind, claim_id


def test_only_checks_without_a_store_give_up(results: dict[str, ClaimResult]) -> None:
    for result in results.values():
        for item in result.evidence:
            if item.outcome is Outcome.INCONCLUSIVE:
                assert item.method is Method.STATISTICAL
                assert "no store was given" in item.detail


def test_what_is_refuted_is_repaired_and_the_repair_holds(
    results: dict[str, ClaimResult],
) -> None:
    owners = {load(stem).claim for stem in STEMS}
    assert owners == REFUTED | CONDITIONAL
    for claim_id in REFUTED | CONDITIONAL:
        repaired_by = results[claim_id].claim.repaired_by
        assert repaired_by is not None, claim_id
        assert results[repaired_by].verdict.kind is VerdictKind.PROVED, repaired_by


def test_a_refuted_row_says_which_reading_it_judges_and_where_its_repair_is_vacuous(
    results: dict[str, ClaimResult],
) -> None:
    for claim_id in REFUTED | CONDITIONAL:
        assert len(results[claim_id].claim.reading) > len("as printed"), claim_id
    vacuous = {i for i, r in results.items() if r.vacuous.is_vacuous}
    assert vacuous == {"REC-T3"}
    for claim_id in ("REC-C1", "REC-C1-R", "EXT-3"):
        assert "R = 32" in results[claim_id].vacuous.at


def test_every_numbered_item_of_appendix_b_has_a_row() -> None:
    claims = [c for c in (*CLAIMS, *EMA, *COLORING) if c.source.paper == "SON-GOKU"]
    equations = {number for claim in claims for number in claim.source.equations}
    assert {str(n) for n in range(14, 40)} <= equations
    sections = " ".join(claim.source.section for claim in claims)
    for item in (
        *(f"Assumption {n}" for n in range(1, 6)),
        *(f"Proposition {n}" for n in (1, 2, 3)),
        *(f"Theorem {n}" for n in range(1, 5)),
        *(f"Lemma {n}" for n in (1, 2)),
        *(f"Corollary {n}" for n in (1, 2)),
        "Definition B.1",
        "Definition B.2",
        "B.7",
        "5.4",
    ):
        assert re.search(rf"{re.escape(item)}(?!\d)", sections), item


def test_assumptions_can_be_met_and_broken() -> None:
    predicates = {a.name: a.predicate for claim in CLAIMS for a in claim.assumptions}
    one, half = Fraction(1), Fraction(1, 2)
    east, west, north = (one, Fraction(0)), (-one, Fraction(0)), (Fraction(0), one)
    cases = {
        "means not zero": (([east],), ([(Fraction(0),)],)),
        "model (A)": (((2, 1), (0, 0)), ((2, 1), (0, 1))),
        "model (B)": (([east, west], (0, 1), half), ([east, west], (0, 0), half)),
        "Assumption 1": (
            (((one, -one), (-one, one)), (0, 1), half, Fraction(1, 4)),
            (((one, -one), (-one, one)), (0, 0), half, Fraction(1, 4)),
        ),
        "margin for every pair": (
            ([east, west, north], half, Fraction(1, 4)),
            ([east, (-one, one + 1)], Fraction(1, 3), half),
        ),
        "Assumption 2": (
            (((-one, half), (one, half)), one),
            (((-one, half), (one, half)), half),
        ),
        "Assumption 4": (([east], one), ([east], one + 1)),
        "delta": ((half,), (one,)),
        "two steps": ((2,), (1,)),
    }
    assert cases.keys() == {name for name, predicate in predicates.items() if predicate}
    for name, (good, bad) in cases.items():
        predicate = predicates[name]
        assert predicate is not None
        assert predicate(*good), name
        assert not predicate(*bad), name
