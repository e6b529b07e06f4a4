"""A wrong formula must never come out as proved: the recovery family's checks on planted faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from proofs_check.claims import recovery
from proofs_check.claims.recovery import (
    _stored,
    concentration,
    debias,
    dimension,
    edges,
    energy,
    lag,
    law,
    queries,
    repaired,
    stability,
)
from proofs_check.claims.recovery._exact import exp_minus, is_sub_gaussian, root, three_points
from proofs_check.methods.smt import prove
from proofs_check.model import Check, CheckContext, Finding, Method, Outcome, VerdictKind
from proofs_check.registry import collect
from proofs_check.runner import ClaimResult, run_claim

CLAIMS = {
    claim.id: claim
    for module in (concentration, debias, dimension, edges, energy, lag, law, queries, repaired)
    for claim in module.CLAIMS
}


def judged(claim_id: str, checks: tuple[Check, ...]) -> ClaimResult:
    return run_claim(replace(CLAIMS[claim_id], checks=checks), CheckContext())


def outcome_of(result: ClaimResult, method: Method) -> set[Outcome]:
    return {item.outcome for item in result.evidence if item.method is method}


@pytest.mark.parametrize("constant", [Fraction(1), Fraction(2), Fraction(3, 4)])
def test_a_larger_constant_in_equation_20(constant: Fraction) -> None:
    result = judged("REC-L1-R", concentration.tail_checks(constant))
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert outcome_of(result, Method.EXACT) == {Outcome.REFUTES} or constant < 1


@pytest.mark.parametrize("slope", [Fraction(0), Fraction(1, 4)])
def test_a_norm_without_its_tail(slope: Fraction) -> None:
    result = judged("REC-NORM", repaired.norm_checks(slope))
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert outcome_of(result, Method.EXACT) == {Outcome.REFUTES}


@pytest.mark.parametrize("factor", [1, 4, 15, 17])
def test_another_factor_in_the_repaired_budget(factor: int) -> None:
    result = judged("REC-C1-R", repaired.recovery_checks(factor))
    assert result.verdict.kind is not VerdictKind.PROVED
    assert outcome_of(result, Method.WRITTEN_PROOF) == {Outcome.INCONCLUSIVE}
    uniform = judged("REC-P3-R", repaired.accuracy_checks(factor))
    assert uniform.verdict.kind is not VerdictKind.PROVED


def test_the_simulation_notices_a_budget_that_is_far_too_small() -> None:
    """Factor 1/50 instead of 16, constant 1/50 instead of 84: too many graphs are lost."""
    context = CheckContext()
    lost = repaired.lost_graphs(context, "gaussian", shared=False, factor=0.02)
    assert repaired.failure_limit(lost, repaired.TRIALS) > repaired.DELTA_TRIED
    lost = repaired.lost_graphs(context, "sphere", shared=False, constant=0.02)
    assert repaired.failure_limit(lost, repaired.TRIALS) > repaired.DELTA_TRIED


def test_a_length_without_its_mean() -> None:
    result = judged("REC-C1-LENGTH", energy.energy_checks(Fraction(-1)))
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert outcome_of(result, Method.EXACT) == {Outcome.REFUTES}


DEVIATIONS: dict[str, dimension.Deviation] = {
    "no dimension": lambda u, q, t, r: (2 + 2 * t) * u * r + u * u * r * r,
    "no linear-in-d term": lambda u, q, t, r: (
        dimension.deviation(u, q, t, r) - t * u * u * q * q - t * u * u * r * q
    ),
    "no linear term": lambda u, q, t, r: dimension.deviation(u, q, t, r) - (2 + 2 * t) * u * r,
    "half of it": lambda u, q, t, r: dimension.deviation(u, q, t, r) / 4,
}


@pytest.mark.parametrize("name", sorted(DEVIATIONS))
def test_a_bound_of_ext_3_with_a_term_missing(name: str) -> None:
    result = judged("EXT-3", dimension.dimension_checks(DEVIATIONS[name]))
    assert outcome_of(result, Method.EXACT) == {Outcome.REFUTES}
    assert result.verdict.kind is VerdictKind.UNDECIDED


@pytest.mark.parametrize(
    "degrees", [lambda n, i: n, lambda n, i: n + 1 - i, lambda n, i: n - i + i]
)
def test_wrong_degrees_of_freedom(degrees: law.Degrees) -> None:
    result = judged("EXT-1", law.law_checks(degrees))
    assert outcome_of(result, Method.EXACT) == {Outcome.REFUTES}
    assert result.verdict.kind is VerdictKind.UNDECIDED


@pytest.mark.parametrize("variance", [debias.population_variance, debias.weighted_variance])
def test_a_biased_variance(variance: debias.Variance) -> None:
    result = judged("EXT-4", debias.norm_checks(variance))
    assert outcome_of(result, Method.EXACT) == {Outcome.REFUTES}
    assert result.verdict.kind is VerdictKind.UNDECIDED


CONDITIONS: dict[str, Callable[[Any], Any]] = {
    "cube": lambda n: n * n * n,
    "without the 2": lambda n: 2 * n * n * (n - 1),
    "n (n-1)²": lambda n: n * (n - 1) * (n - 1),
}


@pytest.mark.parametrize("name", sorted(CONDITIONS))
def test_a_wrong_optimum(name: str) -> None:
    result = judged("EXT-5-BEST-R", lag.optimum_checks(CONDITIONS[name]))
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert outcome_of(result, Method.EXACT) == {Outcome.REFUTES}
    assert outcome_of(result, Method.SYMBOLIC) == {Outcome.INCONCLUSIVE}


@pytest.mark.parametrize(
    "bound",
    [
        lambda tasks, groups: tasks * (groups - 1) - 1,
        lambda tasks, groups: queries.most_comparisons(tasks, groups) - 1,
        lambda tasks, groups: tasks,
    ],
)
def test_too_few_comparisons(bound: queries.Bound) -> None:
    result = judged("EXT-11", queries.count_checks(bound))
    assert outcome_of(result, Method.EXHAUSTIVE) == {Outcome.REFUTES}
    assert result.verdict.kind is VerdictKind.UNDECIDED


def test_theorem_2_needs_its_strict_inequality() -> None:
    assert prove(edges.edge_obligations, "strict").outcome is Outcome.SUPPORTS
    weak = prove(lambda solver: edges.edge_obligations(solver, strict=False), "weak")
    assert weak.outcome is Outcome.REFUTES


def test_half_of_the_norm_bound_fails() -> None:
    one, zero = Fraction(1), Fraction(0)
    case = ((one, zero), (one, zero), (Fraction(-3, 2), zero), (zero, zero))
    assert stability.norm_bound_holds(case)
    assert not stability.norm_bound_holds(case, factor=1)


def test_the_moment_comparison_is_no_rubber_stamp() -> None:
    third = Fraction(1, 3)
    assert is_sub_gaussian(three_points(Fraction(1), third), third)
    assert not is_sub_gaussian(three_points(Fraction(3), Fraction(1, 4)), Fraction(2))
    assert not is_sub_gaussian(((Fraction(1), Fraction(1)),), Fraction(4))  # not symmetric
    assert not is_sub_gaussian(((-third, third), (third, third)), Fraction(4))  # not a law


@pytest.mark.parametrize("value", ["1/7", "2", "10", "50"])
def test_enclosures_enclose(value: str) -> None:
    import sympy

    exact = Fraction(value)
    for found, truth in (
        (exp_minus(exact), sympy.exp(-sympy.Rational(value))),
        (root(exact), sympy.sqrt(sympy.Rational(value))),
    ):
        digits = Fraction(str(sympy.N(truth, 60)))
        slack = Fraction(1, 10**50)
        assert found.low - slack <= digits <= found.high + slack
        assert found.high - found.low <= Fraction(1, 10**15)


# --- stored rows ----------------------------------------------------------------------------------

BASE: dict[str, Any] = {
    "key": "k",
    "noise": "gaussian",
    "model": "multipartite",
    "num_groups": 3,
    "group_size": 4,
    "num_tasks": 12,
    "tau": 0.2,
    "gamma": 0.15,
    "sigma": 0.25,
    "window": 32,
    "beta": 0.9,
    "trials": 1000,
}


def row(changes: dict[str, Any]) -> dict[str, Any]:
    return {**BASE, **changes}


def with_rows(
    monkeypatch: pytest.MonkeyPatch,
    check: Callable[[CheckContext], Finding],
    rows: list[dict[str, Any]],
) -> Outcome:
    monkeypatch.setattr(_stored, "_rows", lambda context, cosine="plain": pl.DataFrame(rows))
    return check(CheckContext()).outcome


def test_without_a_store_nothing_passes() -> None:
    for check in (
        _stored.direct_equals_law,
        _stored.failures_by_dimension,
        _stored.debiased_recovers_more,
        _stored.bound_holds_in_rows(lambda *_: 0.0),
    ):
        found = check(CheckContext())
        assert found.outcome is Outcome.INCONCLUSIVE
        assert "no store was given" in found.detail


def test_simulation_that_differs_from_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    def pair(exact: int) -> list[dict[str, Any]]:
        law_row = row({"dim": 16, "method": "law", "graph_exact": 500, "partition_exact": 800})
        return [law_row, {**law_row, "method": "direct", "graph_exact": exact}]

    check = _stored.direct_equals_law
    assert with_rows(monkeypatch, check, pair(500)) is Outcome.SUPPORTS
    assert with_rows(monkeypatch, check, pair(300)) is Outcome.REFUTES
    assert with_rows(monkeypatch, check, pair(500)[:1]) is Outcome.INCONCLUSIVE


def test_rows_that_break_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    check = _stored.bound_holds_in_rows(lambda u, d, tau, tasks, delta: 0.1)
    good = row({"dim": 16, "noise_scale": 0.01, "graph_exact": 1000})
    assert with_rows(monkeypatch, check, [good]) is Outcome.SUPPORTS
    assert with_rows(monkeypatch, check, [{**good, "graph_exact": 700}]) is Outcome.REFUTES
    never = _stored.bound_holds_in_rows(lambda u, d, tau, tasks, delta: 1.0)
    assert with_rows(monkeypatch, never, [good]) is Outcome.INCONCLUSIVE


def test_a_budget_that_does_not_depend_on_d(monkeypatch: pytest.MonkeyPatch) -> None:
    small = row({"dim": 16, "method": "law", "n_eff": 50.0, "graph_exact": 1000})
    large = row({"dim": 1024, "method": "law", "n_eff": 100.0, "graph_exact": 400})
    check = _stored.failures_by_dimension
    assert with_rows(monkeypatch, check, [small, large]) is Outcome.SUPPORTS
    same = [small, {**large, "n_eff": 40.0}]
    assert with_rows(monkeypatch, check, same) is Outcome.INCONCLUSIVE


def test_links_of_the_family() -> None:
    assert len(collect(recovery.CLAIMS)) == len(recovery.CLAIMS)
