"""A wrong formula must never come out as proved: the comparison family on mutated statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from proofs_check.claims.comparison import (
    contraction,
    drift,
    expansion,
    gap,
    improvement,
    smoothness,
    telescoping,
)
from proofs_check.claims.comparison._problem import (
    Problem,
    bound_agg,
    bound_path,
    bound_sch,
    bound_start,
    cross_sum,
    dot,
    inner_sum,
    starts,
    steps,
    walk,
)
from proofs_check.claims.comparison._terms import (
    norms,
    penalty_56,
    penalty_repaired,
    start_gap,
)
from proofs_check.model import Check, CheckContext, Method, Outcome, VerdictKind
from proofs_check.registry import get_claim
from proofs_check.runner import run_claim


def flips(claim_id: str, checks: tuple[Check, ...]) -> None:
    """The exact search, and only checks that see the formula, must turn the verdict."""
    before = run_claim(get_claim(claim_id), CheckContext())
    after = run_claim(replace(get_claim(claim_id), checks=checks), CheckContext())
    assert before.verdict.kind is VerdictKind.PROVED
    assert after.verdict.kind is not VerdictKind.PROVED
    assert any(item.outcome is Outcome.REFUTES for item in after.evidence)
    assert all(
        item.outcome is not Outcome.REFUTES
        for item in after.evidence
        if item.method in (Method.WRITTEN_PROOF, Method.SYMBOLIC)
    )


def energy(problem: Problem) -> Fraction:
    return sum((dot(g, g) for g in steps(problem)), Fraction(0)) * problem.eta**2


def crossing(problem: Problem) -> Fraction:
    return cross_sum(problem, steps(problem), walk(problem)[:-1]) * problem.eta**2


BOUNDS: dict[str, Callable[[Problem], Fraction]] = {
    "sign of the integral": lambda p: bound_path(p) - 2 * crossing(p),
    "no integral": lambda p: bound_path(p) - crossing(p),
    "L/4 for L/2": lambda p: bound_path(p) - p.smoothness / 4 * energy(p),
    "gradients of the start": bound_start,
}


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_a_wrong_lemma_3(name: str) -> None:
    flips("CMP-L3", telescoping.lemma_checks(BOUNDS[name]))


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_a_wrong_scheduled_bound(name: str) -> None:
    flips("CMP-49-R", telescoping.path_checks(BOUNDS[name]))


def test_eq_49_as_printed() -> None:
    flips("CMP-49-R", telescoping.path_checks(bound_sch))


def test_a_wrong_aggregated_bound() -> None:
    def quarter(problem: Problem) -> Fraction:
        slope = problem.gradient(problem.start)
        return bound_agg(problem) - problem.smoothness * problem.eta**2 / 4 * dot(slope, slope)

    flips("CMP-42", smoothness.aggregated_checks(quarter))


def test_half_of_eq_53_is_too_little() -> None:
    flips("CMP-53-R", smoothness.interaction_checks(Fraction(1, 2)))


def test_eq_48_without_compounding() -> None:
    flips("CMP-48-R", drift.growth_checks(drift.printed_norms))


def test_eq_48_with_the_sum_to_r() -> None:
    flips("CMP-48-R", drift.growth_checks(lambda p: drift.printed_norms(p, closed=True)))


def test_eq_56_as_printed() -> None:
    flips("CMP-56-R", gap.penalty_checks(penalty_56, penalty_56))


GAPS: dict[str, Callable[[Problem], Fraction]] = {
    "sign of the inner products": lambda p: (
        start_gap(p) + 2 * p.smoothness * p.eta**2 * inner_sum(starts(p))
    ),
    "half of them": lambda p: start_gap(p) + p.smoothness * p.eta**2 * inner_sum(starts(p)) / 2,
    "eta for eta^2": lambda p: start_gap(p) / p.eta,
}


@pytest.mark.parametrize("name", sorted(GAPS))
def test_a_wrong_theorem_5(name: str) -> None:
    flips("CMP-T5", gap.gap_checks(GAPS[name]))


@pytest.mark.parametrize("penalty", [penalty_56, lambda p: Fraction(0)])
def test_theorem_6_with_too_small_a_penalty(penalty: Callable[[Problem], Fraction]) -> None:
    flips("CMP-59-R", improvement.improvement_checks(penalty))


def test_both_orders_without_any_penalty() -> None:
    before = get_claim("CMP-C8-ARISE-R")
    after = run_claim(
        replace(before, checks=improvement.both_orders_checks(Fraction(0))), CheckContext()
    )
    assert after.verdict.kind is VerdictKind.UNDECIDED


RATES: dict[str, Callable[[Problem, Fraction], Fraction]] = {
    "without L eta/2": lambda p, mu: 1 - 2 * mu * p.eta,
    "4 for 2": lambda p, mu: 1 - 4 * mu * p.eta * (1 - p.smoothness * p.eta / 2),
}


@pytest.mark.parametrize("name", sorted(RATES))
def test_a_wrong_contraction_factor(name: str) -> None:
    flips("CMP-61-R", contraction.step_checks(RATES[name]))


def test_eq_63_with_a_gain_counted_twice() -> None:
    flips("CMP-63-R", contraction.contraction_checks(lambda p: 2 * bound_path(p) - bound_agg(p)))


TERMS: dict[str, Callable[[Problem], Fraction]] = {
    "1 for 1/2": lambda p: 2 * expansion.random_term(p),
    "sign": lambda p: -expansion.random_term(p),
    "one order only": lambda p: expansion.order_term(p, tuple(range(p.size))),
    "Phi itself": lambda p: inner_sum(starts(p)) / 2,
}


@pytest.mark.parametrize("name", sorted(TERMS))
def test_a_wrong_second_order_term(name: str) -> None:
    flips("EXT-8", expansion.random_order_checks(TERMS[name]))


def test_the_reversed_order_is_another_term() -> None:
    def reversed_order(problem: Problem, order: tuple[int, ...]) -> Fraction:
        return expansion.order_term(problem, order[::-1])

    flips("EXT-8-ORDER", expansion.order_checks(reversed_order))


def test_the_remainder_is_needed() -> None:
    flips("EXT-8", expansion.random_order_checks(remainder=lambda p: Fraction(0)))


def test_the_repaired_penalty_is_not_loose_everywhere() -> None:
    """Two groups, no second gradient, H = -L: the bound is attained."""
    from proofs_check.claims.comparison._families import stored_problems

    attained = [
        p for p in stored_problems() if gap.substitution_error(p) == penalty_repaired(p) != 0
    ]
    assert attained
    assert all(len(norms(p)) == 2 for p in attained)
