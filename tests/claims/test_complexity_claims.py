"""The family complexity: wrong powers must not pass, and repairs mend the counterexamples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs_check import counterexamples
from proofs_check.claims.complexity import refresh_checks
from proofs_check.counterexamples import load, replay
from proofs_check.model import CheckContext, Outcome, VerdictKind
from proofs_check.registry import get_claim
from proofs_check.runner import run_claim


@pytest.mark.parametrize("power", [1, 3])
def test_another_power_of_k_is_not_proved(power: int) -> None:
    claim = replace(get_claim("CPX-P5"), checks=refresh_checks(power))
    result = run_claim(claim, CheckContext())
    assert result.verdict.kind is VerdictKind.UNDECIDED
    counted = next(item for item in result.evidence if item.name == "operations counted")
    assert counted.outcome is Outcome.REFUTES


@pytest.mark.parametrize(
    ("stem", "change"),
    [("CPX-D3-STEP", {"period": 4}), ("CPX-D2-SPARSE", {"keep": 3})],
)
def test_a_counterexample_whose_fault_is_mended_violates_nothing(
    stem: str, change: dict[str, object]
) -> None:
    example = load(stem)
    assert replay(stem).violated
    mended = counterexamples._REPLAYERS[example.kind]({**example.data, **change})
    assert not mended.violated, mended.steps
