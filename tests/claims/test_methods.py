"""The helpers that checks are made of: none of them may pass what it has not shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from types import ModuleType
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, rational_grid
from proofs_check.methods.polynomial import (
    Polynomial,
    count_roots,
    derivative,
    evaluate,
    is_positive_between,
    monomial,
    multiply,
    subtract,
)
from proofs_check.methods.search import search_rationals
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Outcome

roots = st.lists(st.fractions(min_value=-2, max_value=2, max_denominator=6), max_size=5)


def with_roots(values: list[Fraction]) -> Polynomial:
    """Return Π (x - r), with a factor x² + 1 that has no real root."""
    result: Polynomial = (Fraction(1), Fraction(0), Fraction(1))
    for root in values:
        result = multiply(result, subtract(monomial(1), monomial(0, root)))
    return result


@given(roots, st.fractions(min_value=-3, max_value=3, max_denominator=4), st.integers(1, 12))
def test_roots_are_counted_in_the_half_open_interval(
    values: list[Fraction], low: Fraction, width: int
) -> None:
    high = low + Fraction(width, 4)
    wanted = len({root for root in values if low < root <= high})
    assert count_roots(with_roots(values), low, high) == wanted


@given(roots, st.fractions(min_value=-3, max_value=3, max_denominator=4))
def test_positivity_agrees_with_the_planted_roots(values: list[Fraction], low: Fraction) -> None:
    high = low + 2
    polynomial = with_roots(values)
    inner = any(low < root < high for root in values)
    sign = evaluate(polynomial, (low + high) / 2) > 0
    assert is_positive_between(polynomial, low, high) == (not inner and sign)


def test_derivative_and_the_zero_polynomial() -> None:
    assert derivative((Fraction(5),)) == ()
    assert not is_positive_between((), 0, 1)


@given(st.integers(min_value=1, max_value=9))
def test_grid_holds_every_rational_once(denominator: int) -> None:
    grid = rational_grid(denominator)
    assert list(grid) == sorted(set(grid))
    assert all(0 <= value < 1 for value in grid)
    assert {Fraction(p, denominator) for p in range(denominator)} <= set(grid)


def test_no_case_is_no_support() -> None:
    assert for_every([], lambda _: True, str, "nothing").outcome is Outcome.INCONCLUSIVE


def test_a_failing_case_refutes_without_a_stored_counterexample() -> None:
    finding = for_every(range(5), lambda n: n != 3, str, "0..4")
    assert finding.outcome is Outcome.REFUTES
    assert finding.counterexample is None


def test_a_proof_with_a_slip_is_inconclusive() -> None:
    proof = WrittenProof("2 + 2 = 5", (Step("add", lambda: 2 + 2 == 5), Step("done")))
    finding = proof.finding()
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert "1. add [ALGEBRA DOES NOT CLOSE]" in finding.detail


def test_an_empty_proof_proves_nothing() -> None:
    assert WrittenProof("anything", ()).finding().outcome is Outcome.INCONCLUSIVE


def test_identities_are_decided_both_ways() -> None:
    def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
        x = sympy.Symbol("x")
        return [("fine", (x + 1) ** 2, x**2 + 2 * x + 1), ("wrong", x, x + 1)]

    finding = prove_identities(build, "both")
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert "wrong" in finding.detail
    assert "fine" not in finding.detail
    assert prove_identities(lambda _: [], "none").outcome is Outcome.INCONCLUSIVE
    assert not is_zero(0.1 + 0.2 - 0.3)


def test_solver_proves_refutes_and_refuses_contradictions() -> None:
    def obligations(kind: str) -> Callable[[ModuleType], list[smt.Obligation]]:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            x = z3.Real("x")
            return {
                "true": [smt.Obligation("square", [x > 0], x * x > 0)],
                "false": [smt.Obligation("square", [x > 0], x * x > x)],
                "contradiction": [smt.Obligation("anything", [x > 0, x < 0], x == 5)],
                "nothing": [],
            }[kind]

        return build

    outcomes = {
        kind: smt.prove(obligations(kind), "test").outcome
        for kind in ("true", "false", "contradiction", "nothing")
    }
    assert outcomes == {
        "true": Outcome.SUPPORTS,
        "false": Outcome.REFUTES,
        "contradiction": Outcome.INCONCLUSIVE,
        "nothing": Outcome.INCONCLUSIVE,
    }


def test_a_solver_out_of_time_is_never_a_pass() -> None:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        xs = z3.Ints("a b c d e")
        powers = sum(x**3 for x in xs)
        return [smt.Obligation("hard", [x > 10**6 for x in xs], powers != 10**40 + 7)]

    finding = smt.prove(build, "test", timeout_ms=1)
    assert finding.outcome is Outcome.INCONCLUSIVE


def test_search_reports_exact_violations_only() -> None:
    def violates(point: Sequence[Fraction]) -> bool:
        return point[0] > Fraction(1, 2)

    found = search_rationals(lambda rng: [rng.uniform(0, 1)], violates, seed=1, tries=50)
    again = search_rationals(lambda rng: [rng.uniform(0, 1)], violates, seed=1, tries=50)
    assert found == again
    assert found.outcome is Outcome.REFUTES
    none = search_rationals(lambda rng: [rng.uniform(0, 0.2)], violates, seed=1, tries=50)
    assert none.outcome is Outcome.INCONCLUSIVE


@given(st.fractions(min_value=0, max_value=1, max_denominator=50))
def test_search_keeps_the_smallest_denominator(target: Fraction) -> None:
    assume(0 < target < 1)
    found = search_rationals(
        lambda _: [float(target)], lambda x: x[0] > 0, seed=0, tries=1, denominators=(1, 50)
    )
    shown = "1" if target > Fraction(1, 2) else str(target)
    assert found.detail.startswith(f"violated at ({shown})")
