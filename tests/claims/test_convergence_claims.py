"""The family convergence: wrong formulas must not pass, and repairs mend the counterexamples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from proofs_check import counterexamples
from proofs_check.claims.convergence.cycles import cycle_checks
from proofs_check.claims.convergence.premises import sampling_checks
from proofs_check.claims.convergence.sgd import theorem_8_checks
from proofs_check.counterexamples import load, replay
from proofs_check.model import Check, CheckContext, Outcome, VerdictKind
from proofs_check.registry import get_claim
from proofs_check.runner import ClaimResult, run_claim

WRONG: dict[str, tuple[str, Callable[[], tuple[Check, ...]]]] = {
    "half of the progress term": ("CVG-T8", lambda: theorem_8_checks(progress=Fraction(1, 2))),
    "a tenth of the noise term": ("CVG-T8", lambda: theorem_8_checks(smooth=Fraction(1, 10))),
    "half of the progress term, shifted": (
        "CVG-T7",
        lambda: theorem_8_checks(progress=Fraction(1, 10), first=1),
    ),
    "sampling scaled by m + 1": ("CVG-I21-i", lambda: sampling_checks(1)),
    "cycles without their drift": ("EXT-9", lambda: cycle_checks(Fraction(0))),
}


def judged(claim_id: str, checks: tuple[Check, ...]) -> ClaimResult:
    return run_claim(replace(get_claim(claim_id), checks=checks), CheckContext())


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
        ("CVG-13", {"centres": [[1], [1]]}),  # no conflict
        ("CVG-13", {"c": 1}),  # a step above 1/L is not what eq. 13 is about
        ("CVG-13-HALF", {"tau": "1/2"}),  # then the pair is a conflict
        ("CVG-95", {"classes": [[0, 1], [0, 1]]}),  # the same set twice: a constant ratio
        ("CVG-97", {"start": [1, 0]}),  # no coordinate without conflict
        ("CVG-I21", {"class_gradients": [[0], [-2]]}),
        ("CVG-I21-i-VAR", {"curvatures": [[2], [2]]}),  # equal classes: no variance
        ("CVG-I21-ii", {"curvatures": [["1/2"], ["1/2"]]}),
    ],
)
def test_a_counterexample_whose_fault_is_mended_violates_nothing(
    stem: str, change: dict[str, object]
) -> None:
    example = load(stem)
    assert replay(stem).violated
    mended = counterexamples._REPLAYERS[example.kind]({**example.data, **change})
    assert not mended.violated, mended.steps


def test_theorem_7s_flag_names_its_settings() -> None:
    claim = get_claim("CVG-T7")
    assert claim.vacuous is not None
    found = claim.vacuous(CheckContext())
    assert found.is_vacuous
    assert "two or more classes" in found.at


def test_the_certificate_is_tight_where_it_should_be() -> None:
    """Theorem 8 at T = 1, η = 1/L without noise: 2 of 2. A certificate below 1.9 is no certificate
    of this problem."""
    check = next(c for c in theorem_8_checks() if c.method == "certificate")
    finding = check.run(CheckContext())
    assert finding.outcome is Outcome.SUPPORTS
    assert "T = 1, η = 1.0/L: 2 of 2" in finding.detail
