"""The comparison family as a whole: standard of proof, readings, coverage, its exact objects."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from proofs_check.claims.comparison._drop_replays import opposed
from proofs_check.claims.comparison._evidence import STEP_SIZE
from proofs_check.claims.comparison._families import (
    Curve,
    all_problems,
    curved_problems,
    is_bounded_by,
    line_problems,
    plane_problems,
    quadratic,
    stored_problems,
)
from proofs_check.claims.comparison._piecewise import satisfies_pl
from proofs_check.claims.comparison._problem import (
    Problem,
    aggregated,
    bound_agg,
    bound_path,
    bound_sch,
    minus,
    scheduled,
    steps,
    times,
    walk,
)
from proofs_check.claims.comparison._series import bound_gap_series, gap_series, mean_gap_series
from proofs_check.claims.comparison._terms import excess_59, penalty_repaired
from proofs_check.claims.comparison.contraction import excesses
from proofs_check.claims.comparison.expansion import (
    gap,
    mean_gap,
    mean_remainder,
    random_term,
    small_steps,
)
from proofs_check.claims.comparison.improvement import NEGATIVE_CROSS
from proofs_check.counterexamples import available, load
from proofs_check.methods.polynomial import evaluate
from proofs_check.model import CheckContext, Claim, Method, Outcome, VerdictKind
from proofs_check.paper_index import ITEMS, coverage
from proofs_check.registry import all_claims
from proofs_check.runner import ClaimResult
from proofs_check.verdicts import decide


def family() -> tuple[Claim, ...]:
    return tuple(claim for claim in all_claims() if claim.family == "comparison")


@pytest.fixture(scope="module")
def results(quick_results: dict[str, ClaimResult]) -> dict[str, ClaimResult]:
    return {claim.id: quick_results[claim.id] for claim in family()}


def test_nothing_leans_on_the_solver_alone(results: dict[str, ClaimResult]) -> None:
    for result in results.values():
        without = [item for item in result.evidence if item.method is not Method.SMT]
        assert decide(without, result.claim.condition).kind is result.verdict.kind, result.claim.id


def test_what_is_false_has_a_file_and_a_proved_repair(results: dict[str, ClaimResult]) -> None:
    owners = {load(stem).claim for stem in available()}
    for claim_id, result in results.items():
        if result.verdict.kind in (VerdictKind.REFUTED, VerdictKind.CONDITIONAL):
            assert claim_id in owners
            assert result.claim.repaired_by is not None
            assert results[result.claim.repaired_by].verdict.kind is VerdictKind.PROVED
            assert result.claim.reading != "as printed", claim_id
        else:
            assert result.verdict.kind is VerdictKind.PROVED
            assert claim_id not in owners


def test_what_is_proved_was_looked_at_exactly(results: dict[str, ClaimResult]) -> None:
    """A search in fractions, or an exact check, stands beside every proof in words."""
    for result in results.values():
        if result.verdict.kind is not VerdictKind.PROVED:
            continue
        exact = {
            item.method
            for item in result.evidence
            if item.outcome is Outcome.SUPPORTS and item.method is not Method.WRITTEN_PROOF
        }
        assert exact & {Method.EXACT, Method.SEARCH, Method.SYMBOLIC}, result.claim.id


def test_every_number_of_appendix_c_has_a_row() -> None:
    named = coverage(family())
    wanted = {f"Equation {number}" for number in range(40, 64)} | {
        "Assumption 6",
        "Assumption 7",
        "Lemma 3",
        "Theorem 5",
        "Theorem 6",
        "Proposition 4",
        "Definition C.1",
        "Definition C.2",
    }
    found = {str(item) for item in ITEMS if item.paper == "SON-GOKU" and named[item]}
    assert wanted <= found


def test_assumptions_can_be_met_and_broken() -> None:
    step, crossing = STEP_SIZE.predicate, NEGATIVE_CROSS.predicate
    assert step is not None
    assert crossing is not None
    problem = opposed(1)
    assert step(problem)
    assert not step(replace(problem, eta=Fraction(1)))
    assert crossing(problem)
    aligned = quadratic(
        [((Fraction(1),),)] * 2,
        [(Fraction(1),)] * 2,
        Fraction(1, 2),
        Fraction(2),
        [Fraction(1)] * 2,
    )
    assert not crossing(aligned)


def test_other_predicates_can_be_met_and_broken() -> None:
    found = {a.name: a.predicate for claim in family() for a in claim.assumptions}
    names = ("groups sum up", "L-smooth", "Assumption 6", "one Hessian", "conflict", "PL")
    sums, smooth, lipschitz, shared, conflict, pl = (found[name] for name in names)
    assert sums is not None
    assert smooth is not None
    assert lipschitz is not None
    assert shared is not None
    assert conflict is not None
    assert pl is not None
    problem = opposed(1)
    for predicate in (sums, smooth, lipschitz, shared, conflict):
        assert predicate(problem)
    assert not sums(replace(problem, groups=problem.groups[:1] * 2))
    assert not smooth(replace(problem, smoothness=Fraction(1)))
    assert not lipschitz(replace(problem, lipschitz=(Fraction(1), Fraction(1, 2))))
    assert not shared(next(p for p in stored_problems() if len(set(p.jacobians)) > 1))
    flat = [((Fraction(0),),)] * 2
    agreeing = quadratic(flat, [(Fraction(1),)] * 2, Fraction(1), Fraction(1), [Fraction(0)] * 2)
    assert not conflict(agreeing)
    assert pl(problem, Fraction(-1, 4), Fraction(2))
    assert not pl(problem, Fraction(-1, 4), Fraction(3))


def test_vacuous_settings_are_named(results: dict[str, ClaimResult]) -> None:
    found = results["CMP-59"].vacuous
    assert found.is_vacuous
    assert "two groups" in found.at


def test_searches_meet_their_hypotheses_often() -> None:
    """A search among problems that all miss the hypothesis would find nothing to break."""
    problems = all_problems(0, False)
    crossing = NEGATIVE_CROSS.predicate
    assert crossing is not None
    assert sum(crossing(p) for p in problems) > 50
    strict = [excess_59(p, penalty_repaired(p)) for p in problems]
    assert sum(e is not None and e > 0 for e in strict) > 5
    decided = [
        p for p in small_steps(CheckContext()) if abs(p.eta**2 * random_term(p)) > mean_remainder(p)
    ]
    assert len({random_term(p) > 0 for p in decided}) == 2
    assert len(decided) > 40
    assert len(excesses(0, False)) > 100
    assert sum(p.size > 2 and not p.constant_hessian for p in problems) > 10


def test_stored_problems_belong_to_the_search() -> None:
    assert set(stored_problems()) <= set(all_problems(0, False))
    assert any(bound_sch(p) < p.objective(scheduled(p)) for p in stored_problems())


@pytest.mark.parametrize("problem", [*line_problems(3, 1)[5:300:60], *plane_problems(1, 4)])
def test_series_are_the_problems_at_their_step(problem: Problem) -> None:
    order = tuple(range(problem.size))
    assert evaluate(gap_series(problem, order), problem.eta) == gap(problem, order)
    assert evaluate(mean_gap_series(problem), problem.eta) == mean_gap(problem)
    difference = bound_sch(problem, order) - bound_agg(problem)
    assert evaluate(bound_gap_series(problem, order), problem.eta) == difference


def test_walk_is_eq_43_and_uses_the_order() -> None:
    problem = opposed(1)
    assert [u[0] for u in walk(problem)] == [0, Fraction(1, 2), Fraction(-3, 4)]
    assert [u[0] for u in walk(problem, (1, 0))] == [0, -1, 0]
    assert [g[0] for g in steps(problem)] == [-1, Fraction(5, 2)]
    assert aggregated(problem) == (Fraction(-1, 2),)
    assert minus(walk(problem)[0], times(problem.eta, steps(problem)[0])) == walk(problem)[1]


@pytest.mark.parametrize("problem", list(curved_problems(4, 6)))
def test_curved_losses_are_integrated_exactly(problem: Problem) -> None:
    """The gradient is the potential's slope: central differences in fractions, error O(h^2)."""
    h = Fraction(1, 1024)
    for k in range(-9, 10):
        u = Fraction(2 * k + 1, 3)
        rise = (problem.objective((u + h,)) - problem.objective((u - h,))) / (2 * h)
        room = (sum(problem.third, Fraction(0)) + 1) * h * h
        assert abs(rise - problem.gradient((u,))[0]) <= room
        change = abs(problem.gradient((u + h,))[0] - problem.gradient((u,))[0])
        assert change <= problem.smoothness * h


@pytest.mark.parametrize("problem", list(plane_problems(2, 6)))
def test_constants_are_norms(problem: Problem) -> None:
    for matrix, bound in zip(problem.jacobians, problem.lipschitz, strict=True):
        size = np.linalg.norm(np.array([[float(x) for x in row] for row in matrix]), 2)
        assert size == pytest.approx(float(bound))
        assert is_bounded_by(matrix, bound)
        assert bound == 0 or not is_bounded_by(matrix, bound * Fraction(99, 100))


def test_too_small_a_constant_is_refused() -> None:
    with pytest.raises(ArithmeticError, match="smaller than the norm"):
        quadratic([((Fraction(2),),)], [(Fraction(1),)], Fraction(1), Fraction(1), [Fraction(2)])


def test_remainder_shrinks_like_the_cube() -> None:
    problem = next(p for p in plane_problems(8, 50) if p.size == 3 and mean_remainder(p) > 0)
    small = replace(problem, eta=problem.eta / 1000)
    ratio = mean_remainder(small) / mean_remainder(problem)
    assert ratio < Fraction(2, 1000**2)
    assert ratio * 1000**3 > Fraction(1, 100)


def test_pl_is_decided_not_assumed() -> None:
    knots, slopes = [Fraction(-2), Fraction(-1), Fraction(0)], [Fraction(s) for s in (1, -1, 1)]
    falls = [Curve(Fraction(-1), knots, slopes)]
    assert satisfies_pl(falls, Fraction(1, 10), Fraction(1))
    assert not satisfies_pl(falls, Fraction(1, 4), Fraction(1))
    assert not satisfies_pl(falls, Fraction(1, 10), Fraction(2))  # not the minimiser
    deep = [Curve(Fraction(-1), knots, [Fraction(1), Fraction(-9), Fraction(1)])]
    assert not satisfies_pl(deep, Fraction(1, 1000), Fraction(1))  # F turns before it


def test_path_bound_is_the_sum_of_descent_steps() -> None:
    """CMP-49-R's formula against eq. 40 applied step by step, without any integral."""
    for problem in all_problems(0, False)[::7]:
        found = problem.objective(problem.start)
        for at, move in zip(walk(problem), steps(problem), strict=False):
            grad = problem.gradient(at)
            slope = sum(a * b for a, b in zip(grad, move, strict=True))
            square = sum(a * a for a in move)
            found += -problem.eta * slope + problem.smoothness * problem.eta**2 / 2 * square
        assert found == bound_path(problem)
