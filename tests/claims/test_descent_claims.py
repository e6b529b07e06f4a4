"""The families descent and conflict: wrong formulas must not pass, repairs must mend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from proofs_check.claims.conflict import clique_checks
from proofs_check.claims.descent.bounds import proposition_6_checks, proposition_7_checks
from proofs_check.counterexamples import load, replay
from proofs_check.model import Check, CheckContext, Outcome, VerdictKind
from proofs_check.registry import get_claim, select
from proofs_check.runner import ClaimResult, run_claim


def judged(claim_id: str, checks: tuple[Check, ...]) -> ClaimResult:
    return run_claim(replace(get_claim(claim_id), checks=checks), CheckContext())


WRONG: dict[str, tuple[str, Callable[[], tuple[Check, ...]]]] = {
    "Proposition 6 with half the loss": ("DES-P6", lambda: proposition_6_checks(Fraction(1, 2))),
    "Proposition 6 with 9/10 of the loss": (
        "DES-P6",
        lambda: proposition_6_checks(Fraction(9, 10)),
    ),
    "Proposition 7 over unordered pairs": ("DES-P7", lambda: proposition_7_checks(1)),
    "cliques one smaller": ("EXT-7-CLIQUE", lambda: clique_checks(1)),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_formula_is_neither_proved_nor_left_standing(name: str) -> None:
    claim_id, checks = WRONG[name]
    result = judged(claim_id, checks())
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert any(item.outcome is Outcome.REFUTES for item in result.evidence)
    proof = next(item for item in result.evidence if item.method == "written_proof")
    assert proof.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("stem", "change"),
    [
        # Where the repaired statement's condition is met, the replay violates nothing.
        ("DES-12-DIR", {"tau": "1/3"}),
        ("DES-12-FLIP", {"eta": 1}),
        ("DES-12-NOISE", {"population": [[1], [1]]}),
        ("DES-12-FULL", {"active": [0, 1]}),
        ("DES-SAME", {"gradients": [[3, 0], [-2, 8]]}),
        ("DES-E2-REPLACE", {"gradients": [["1/2"], [0]]}),
        ("EXT-12-MEMBER", {"gradients": [[2, 0], [-1, "4/3"]]}),
    ],
)
def test_a_counterexample_whose_fault_is_mended_violates_nothing(
    stem: str, change: dict[str, object]
) -> None:
    from proofs_check import counterexamples

    example = load(stem)
    assert replay(stem).violated
    mended = counterexamples._REPLAYERS[example.kind]({**example.data, **change})
    assert not mended.violated, mended.steps


def test_every_refuted_row_of_the_families_has_a_proved_repair() -> None:
    for family in ("descent", "conflict"):
        for claim in select(family=family):
            if claim.repaired_by is not None:
                repaired = run_claim(get_claim(claim.repaired_by), CheckContext())
                assert repaired.verdict.kind is VerdictKind.PROVED, claim.id
