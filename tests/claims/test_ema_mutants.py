"""A wrong formula must never come out as proved: the EMA family's checks on mutated statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs_check.claims.ema import carried, extension, sample_size, windows
from proofs_check.model import Check, CheckContext, Outcome, VerdictKind
from proofs_check.registry import get_claim
from proofs_check.runner import ClaimResult, run_claim


def judged(claim_id: str, checks: tuple[Check, ...]) -> ClaimResult:
    return run_claim(replace(get_claim(claim_id), checks=checks), CheckContext())


SQUARES: dict[str, Callable[[Any, Any], Any]] = {
    "exponent R for 2R": lambda b, x: (1 - b) ** 2 * (1 - x) / ((1 - x) ** 2 * (1 - b**2)),
    "1 - beta not squared": lambda b, x: (1 - b) * (1 - x**2) / ((1 - x) ** 2 * (1 - b**2)),
    "denominator not squared": lambda b, x: (1 - b) ** 2 * (1 - x**2) / ((1 - x) * (1 - b**2)),
    "1 - beta for 1 - beta^2": lambda b, x: (1 - b) ** 2 * (1 - x**2) / ((1 - x) ** 2 * (1 - b)),
    "upside down": lambda b, x: (1 - x) ** 2 * (1 - b**2) / ((1 - b) ** 2 * (1 - x**2)),
    "unnormalised": lambda b, x: (1 - b) ** 2 * (1 - x**2) / (1 - b**2),
    "R - 1 for R": lambda b, x: (1 - b) * (1 + x / b) / ((1 - x / b) * (1 + b)) if b != 0 else 1,
    "right only at beta = 1/2": lambda b, x: (
        (1 - b) ** 2 * (1 - x**2) / ((1 - x) ** 2 * (1 - b**2)) + (2 * b - 1) * x
    ),
}


@pytest.mark.parametrize("name", sorted(SQUARES))
def test_a_wrong_closed_form_of_equation_19(name: str) -> None:
    result = judged("EMA-19", sample_size.closed_form_checks(SQUARES[name]))
    assert result.verdict.kind is VerdictKind.UNDECIDED
    grid = next(item for item in result.evidence if item.method == "exact")
    assert grid.outcome is not Outcome.SUPPORTS


LIMITS: dict[str, Callable[[Any], Any]] = {
    "upside down": lambda b: (1 - b) / (1 + b),
    "1/(1 - beta)": lambda b: 1 / (1 - b),
    "2/(1 - beta)": lambda b: 2 / (1 - b),
    "squared": lambda b: ((1 + b) / (1 - b)) ** 2,
    "with the sign of beta flipped below": lambda b: (1 + b) / (1 - b * b),
}


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_a_wrong_limit(name: str) -> None:
    result = judged("EMA-19-LIMIT", sample_size.limit_checks(LIMITS[name]))
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert not any(item.outcome is Outcome.SUPPORTS for item in result.evidence)


@pytest.mark.parametrize("name", sorted(set(LIMITS) - {"2/(1 - beta)", "squared"}))
def test_a_limit_that_n_eff_exceeds(name: str) -> None:
    result = judged("EMA-19-BELOW", sample_size.below_limit_checks(limit=LIMITS[name]))
    assert result.verdict.kind is VerdictKind.UNDECIDED


def test_a_bound_that_holds_but_is_not_the_limit_is_not_the_claim() -> None:
    # 2/(1 - beta) lies above n_eff too, but is not attained at beta = 0, as the claim says.
    result = judged("EMA-19-BELOW", sample_size.below_limit_checks(limit=LIMITS["2/(1 - beta)"]))
    assert result.verdict.kind is VerdictKind.UNDECIDED


@pytest.mark.parametrize(
    ("weight", "total"),
    [
        (lambda b, p: b * p, lambda p: 1 - p),
        (lambda b, p: (1 - b) * p * b, lambda p: 1 - p),
        (lambda _, p: p, lambda p: 1 - p),
        (lambda b, p: (1 - b) * p, lambda p: 1 + 0 * p),
        (lambda b, p: (1 - b) * p, lambda p: p),
    ],
)
def test_a_wrong_unrolling_of_equation_8(
    weight: Callable[[Any, Any], Any], total: Callable[[Any], Any]
) -> None:
    result = judged("EMA-8", carried.closed_form_checks(weight, total))
    assert result.verdict.kind is VerdictKind.UNDECIDED


@pytest.mark.parametrize(
    "total",
    [
        lambda b, _, geometric: (1 - b) * geometric,
        lambda b, x, geometric: (1 - b) * geometric / (1 - b * x),
        lambda _, x, geometric: geometric / (1 - x),
    ],
)
def test_weights_that_do_not_sum_to_one(total: Callable[[Any, Any, Any], Any]) -> None:
    result = judged("EMA-18-SUM", windows.sum_checks(total))
    grid = next(item for item in result.evidence if item.method == "exact")
    assert grid.outcome is Outcome.REFUTES
    assert result.verdict.kind is VerdictKind.UNDECIDED


@pytest.mark.parametrize(
    "ratio",
    [
        lambda whole, half: half / whole,
        lambda whole, half: whole * half,
        lambda whole, half: whole / half + 1,
        lambda whole, _: whole,
    ],
)
def test_a_wrong_ratio_of_tangents(ratio: Callable[[Any, Any], Any]) -> None:
    result = judged("EXT-2", extension.tanh_checks(ratio))
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert not any(item.outcome is Outcome.SUPPORTS for item in result.evidence)
