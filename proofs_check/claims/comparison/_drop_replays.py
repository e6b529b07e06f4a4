"""Exact replays of what sections 1 and 5.3 say about F, and the family of examples behind them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import permutations
from typing import Any

from proofs_check.claims.comparison._families import quadratic, read_problem
from proofs_check.claims.comparison._problem import (
    Problem,
    aggregated,
    bound_agg,
    bound_sch,
    dot,
    inner_sum,
    minus,
    norm,
    scheduled,
    starts,
    times,
)
from proofs_check.claims.comparison._series import mean_gap_series
from proofs_check.claims.comparison._terms import (
    excess_59,
    margins,
    penalty_56,
    penalty_repaired,
)
from proofs_check.claims.comparison.contraction import factor
from proofs_check.claims.comparison.expansion import (
    gap,
)
from proofs_check.claims.comparison.telescoping import show_walk
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.polynomial import evaluate, is_positive_between

__all__ = ["name_of", "opposed", "orders_of"]


def opposed(size: int, eta: Fraction = Fraction(1, 2)) -> Problem:
    """Return F = u^2 + u with group gradients ``u - size`` and ``u + size + 1``; L = 2.

    Opposite at x = 0, with inner product ``-size (size + 1)``.
    """
    one = ((Fraction(1),),)
    return quadratic(
        [one, one],
        [(Fraction(-size),), (Fraction(size + 1),)],
        eta,
        Fraction(2),
        [Fraction(1), Fraction(1)],
    )


def orders_of(problem: Problem) -> list[tuple[int, ...]]:
    """Return all orders of the groups."""
    return list(permutations(range(problem.size)))


def name_of(order: tuple[int, ...]) -> str:
    """Return an order as digits, from 1."""
    return "".join(str(r + 1) for r in order)


def _step_fits(problem: Problem) -> bool:
    return problem.eta * problem.smoothness <= 1


@replayer("comparison-information")
def _replay_information(data: Mapping[str, Any]) -> Replay:
    """Two problems with the same gradients at the start; eq. 43 ends in different points."""
    first, second = (read_problem(item) for item in data["problems"])
    same = starts(first) == starts(second) and first.eta == second.eta
    ends = [scheduled(p) for p in (first, second)]
    mixed = [aggregated(p) for p in (first, second)]
    return Replay(
        (
            *show_walk(first),
            *show_walk(second),
            f"the gradients at the start and eta are the same: {same}; so is x_agg: "
            f"{mixed[0] == mixed[1]}",
            f"So x_sch = {ends[0][0]} in one and {ends[1][0]} in the other: eq. 43 needs gradients "
            "that were not measured at the start.",
        ),
        same and mixed[0] == mixed[1] and ends[0] != ends[1],
    )


@replayer("comparison-same-drop")
def _replay_same(data: Mapping[str, Any]) -> Replay:
    """With the gradients of the start in every step, both updates end in one point."""
    problem = read_problem(data)
    at = problem.start
    for group in starts(problem):
        at = minus(at, times(problem.eta, group))
    drops = [-problem.objective(u) for u in (at, aggregated(problem))]
    opposite = inner_sum(starts(problem)) == -norm(starts(problem)[0]) * norm(starts(problem)[1])
    return Replay(
        (
            problem.name,
            f"opposite gradients: {opposite}",
            f"one group at a time with the same gradients: x = {at[0]}; all at once: "
            f"{aggregated(problem)[0]}",
            f"So the drops are {drops[0]} and {drops[1]}: not larger.",
        ),
        opposite and _step_fits(problem) and drops[0] <= drops[1],
    )


@replayer("comparison-never-worse")
def _replay_never(data: Mapping[str, Any]) -> Replay:
    """UB_sch > UB_agg in every order."""
    problem = read_problem(data)
    lower = bound_agg(problem)
    found = {o: bound_sch(problem, o) for o in orders_of(problem)}
    words = ", ".join(f"order {name_of(o)}: F + {v}" for o, v in found.items())
    return Replay(
        (
            *show_walk(problem),
            f"UB_agg = F + {lower}",
            f"So UB_sch is higher in every order: {words}.",
        ),
        _step_fits(problem) and min(found.values()) > lower,
    )


@replayer("comparison-strictly")
def _replay_strictly(data: Mapping[str, Any]) -> Replay:
    """However negative <G_1, G_2> is: UB_sch > UB_agg, in both orders."""
    lines, violated = [], True
    for size in data["sizes"]:
        problem = opposed(size)
        inner = inner_sum(starts(problem))
        gaps = [bound_sch(problem, o) - bound_agg(problem) for o in orders_of(problem)]
        lines.append(f"<G_1, G_2> = {inner}, cosine -1: UB_sch - UB_agg = {gaps[0]} and {gaps[1]}")
        # polynomials in N of degree 2 that agree at three values of N agree at all
        violated &= gaps == [Fraction(size**2, 16), Fraction((size + 1) ** 2, 16)]
        violated &= _step_fits(problem) and inner == -size * (size + 1) and min(gaps) > 0
    return Replay(
        (
            "F = u^2 + u, groups u - N and u + N + 1, x = 0, eta = 1/L = 1/2",
            *lines,
            "N^2/16 and (N + 1)^2/16 for every N",
            "So no amount of negative interaction makes the scheduled bound the lower one.",
        ),
        violated and len(data["sizes"]) >= 3,
    )


@replayer("comparison-better")
def _replay_better(data: Mapping[str, Any]) -> Replay:
    """Opposite gradients, and F(x_sch) > F(x_agg) in every order."""
    problem = read_problem(data)
    first, second = starts(problem)
    opposite = dot(first, second) == -norm(first) * norm(second) < 0
    gaps = {o: gap(problem, o) for o in orders_of(problem)}
    words = ", ".join(f"order {name_of(o)}: {v}" for o, v in gaps.items())
    return Replay(
        (
            *show_walk(problem),
            f"opposite gradients: {opposite}",
            f"So F(x_sch) - F(x_agg) > 0 in every order: {words}.",
        ),
        _step_fits(problem) and opposite and min(gaps.values()) > 0,
    )


@replayer("comparison-drop")
def _replay_drop(data: Mapping[str, Any]) -> Replay:
    """All hypotheses of Theorem 6 and its conclusion, and F(x_sch) > F(x_agg)."""
    problem = read_problem(data)
    excess = [
        excess_59(problem, penalty) for penalty in (penalty_56(problem), penalty_repaired(problem))
    ]
    convex = all(a >= 0 and a * c >= b * b for (a, b), (_, c) in problem.jacobians)
    upper, lower = bound_sch(problem), bound_agg(problem)
    ends = problem.objective(scheduled(problem)), problem.objective(aggregated(problem))
    inner = inner_sum(starts(problem))
    return Replay(
        (
            *show_walk(problem),
            f"every group is convex: {convex}; <G_1, G_2> = {inner} < 0; eq. 57: "
            f"-I_12 = {(margins(problem) or [Fraction(-1)])[0]} >= 0",
            f"eq. 59's left minus right side: {excess[0]} with eq. 56, {excess[1]} with CMP-56-R",
            f"UB_sch = F + {upper} < F + {lower} = UB_agg",
            f"So F(x_sch) = F + {ends[0]} > F + {ends[1]} = F(x_agg).",
        ),
        _step_fits(problem)
        and convex
        and inner < 0
        and all(e is not None and e > 0 for e in excess)
        and upper < lower
        and ends[0] > ends[1],
    )


@replayer("comparison-expected")
def _replay_expected(data: Mapping[str, Any]) -> Replay:
    """The mean over both orders of F(x_sch) - F(x_agg) is > 0 for every eta in (0, 1/2]."""
    lines, violated = [], True
    for size in data["sizes"]:
        series = mean_gap_series(opposed(size))
        positive = is_positive_between(series, 0, Fraction(1, 2)) and (
            evaluate(series, Fraction(1, 2)) > 0
        )
        words = " + ".join(f"({c}) eta^{k}" for k, c in enumerate(series) if c)
        lines.append(f"<G_1, G_2> = {-size * (size + 1)}, cosine -1: mean gap = {words}")
        fourth = Fraction(2 * size * size + 2 * size + 1, 2)
        violated &= positive and list(series) == [0, 0, Fraction(1, 2), -1, fourth]
    return Replay(
        (
            "F = u^2 + u, groups u - N and u + N + 1, x = 0, both orders equally likely",
            *lines,
            "eta^2/2 - eta^3 + (N^2 + N + 1/2) eta^4 for every N; larger N, larger mean",
            "So the mean of F(x_sch) - F(x_agg) is positive for every eta in (0, 1/L] (no root by "
            "Sturm's theorem).",
        ),
        violated,
    )


@replayer("comparison-pl")
def _replay_pl(data: Mapping[str, Any]) -> Replay:
    """PL holds, and the scheduled path does not keep the contraction factor."""
    problem, mu, minimum = read_problem(data), rational(data["mu"]), rational(data["minimum"])
    point = (rational(data["minimiser"]),)
    curvature = sum((a[0][0] for a in problem.jacobians), Fraction(0))
    is_minimum = problem.gradient(point)[0] == 0 and problem.objective(point) == minimum
    rate = factor(problem, mu)
    ends = {o: problem.objective(scheduled(problem, o)) - minimum for o in orders_of(problem)}
    right = rate * (problem.objective(problem.start) - minimum)
    words = ", ".join(f"order {name_of(o)}: {v}" for o, v in ends.items())
    return Replay(
        (
            *show_walk(problem),
            f"F'' = {curvature} >= mu = {mu} > 0, so PL; F* = {minimum}",
            f"the usual factor is {rate}: F - F* should be at most {right}",
            f"So F(x_sch) - F* is larger: {words}.",
        ),
        _step_fits(problem) and 0 < mu <= curvature and is_minimum and min(ends.values()) > right,
    )
