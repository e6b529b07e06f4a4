"""Eq. 60-63 and C.7.4: the PL inequality, the step's contraction, and the scheduled refresh's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from types import ModuleType
from typing import Any

from proofs_check.claims.comparison._certificates import contraction_certificate
from proofs_check.claims.comparison._evidence import (
    SMOOTH,
    STEP_SIZE,
    SUM,
    Expression,
    Obligation,
    Step,
    algebra,
    identities,
    proof,
    replayed,
    solver,
)
from proofs_check.claims.comparison._families import (
    Curve,
    curved,
    line_problems,
    plane_problems,
    read_problem,
)
from proofs_check.claims.comparison._piecewise import satisfies_pl
from proofs_check.claims.comparison._problem import (
    Problem,
    aggregated,
    bound_agg,
    bound_path,
    bound_sch,
    dot,
    scheduled,
    walk,
)
from proofs_check.claims.comparison._series import hessian, slope
from proofs_check.claims.comparison._terms import excess_59, penalty_56
from proofs_check.claims.comparison.telescoping import show_walk
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.exact import for_every
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "PL", "Excess", "contraction_checks", "excesses", "factor", "step_checks"]

MISSING = "cmp_61_minimum"
BELOW = "cmp_63_below"


def _pl_along_the_path(problem: Problem, minimum: Fraction, mu: Fraction) -> bool:
    """Eq. 60 at every point of the refresh."""
    return mu > 0 and all(
        dot(problem.gradient(at), problem.gradient(at))
        >= 2 * mu * (problem.objective(at) - minimum)
        for at in walk(problem)
    )


PL = Assumption(
    "PL",
    "|grad F(x)|^2/2 >= mu (F(x) - F*) with mu > 0, F* = inf F (eq. 60)",
    _pl_along_the_path,
)


@dataclass(frozen=True, slots=True, eq=False)
class Excess:
    """A problem with its minimum and a PL constant."""

    problem: Problem
    minimum: Fraction
    mu: Fraction

    def above(self, value: Fraction) -> Fraction:
        """Return how far a value of F is above the minimum."""
        return value - self.minimum


def factor(problem: Problem, mu: Fraction) -> Fraction:
    """Return ``1 - 2 mu eta (1 - L eta/2)``."""
    return 1 - 2 * mu * problem.eta * (1 - problem.smoothness * problem.eta / 2)


def _of_quadratic(problem: Problem) -> Excess | None:
    """Minimum and the largest PL constant on a 64th, of a strongly convex quadratic."""
    matrix, b = hessian(problem), slope(problem)
    if problem.dim == 1:
        a = matrix[0][0]
        return Excess(problem, -b[0] * b[0] / (2 * a), a) if a > 0 else None
    (p, q), (_, r) = matrix
    determinant = p * r - q * q
    if p <= 0 or determinant <= 0:
        return None
    solved = (r * b[0] - q * b[1], p * b[1] - q * b[0])
    minimum = -dot(b, solved) / (2 * determinant)
    mu = Fraction(0)
    while True:
        trial = mu + Fraction(1, 64)
        if p - trial < 0 or r - trial < 0 or (p - trial) * (r - trial) < q * q:
            return Excess(problem, minimum, mu) if mu > 0 else None
        mu = trial


def _curved(seed: int, count: int) -> Iterator[Excess]:
    """Strongly convex losses on a line with the minimiser at a chosen rational point."""
    import numpy as np

    rng = np.random.default_rng([seed, 5])
    for _ in range(count):
        curves = []
        for _ in range(int(rng.integers(2, 5))):
            knots = sorted({Fraction(int(k), 2) for k in rng.integers(-6, 7, size=4)})
            slopes = [Fraction(int(s), 2) for s in rng.integers(-3, 4, size=len(knots))]
            curves.append(Curve(Fraction(int(rng.integers(-4, 5)), 2), knots, slopes))
        knots = sorted({k for curve in curves for k in curve.knots})
        least = min(sum((c.slope(k) for c in curves), Fraction(0)) for k in knots)
        lift = max(Fraction(1, 2) - least, Fraction(0))
        last = curves[-1]
        curves[-1] = Curve(last.at_start, last.knots, [s + lift for s in last.slopes])
        target = Fraction(int(rng.integers(-4, 5)), 2)
        away = sum((c.value(target) for c in curves), Fraction(0))
        last = curves[-1]
        curves[-1] = Curve(last.at_start - away, last.knots, last.slopes)
        bound = curved(curves, Fraction(1)).smoothness
        share = Fraction(int(rng.integers(1, 5)), 4)
        problem = curved(curves, share / bound, bound)
        yield Excess(problem, problem.objective((target,)), max(least + lift, Fraction(1, 2)))


@cache
def excesses(seed: int, full: bool) -> tuple[Excess, ...]:
    """Return strongly convex problems with their minimum and PL constant."""
    count = 200 if full else 40
    affine = (*line_problems(2, 2), *line_problems(3, 1), *plane_problems(seed + 11, 3 * count))
    found = (_of_quadratic(problem) for problem in affine)
    return (*(e for e in found if e is not None), *_curved(seed, count))


def _searched(
    holds: Callable[[Excess], bool],
    *,
    among: Callable[[Excess], bool] = lambda case: True,
    words: str = "",
    under_condition: bool = False,
) -> Check:
    def run(context: CheckContext) -> Finding:
        cases = [e for e in excesses(context.seed, context.profile == "full") if among(e)]
        return for_every(
            cases,
            holds,
            lambda e: f"{e.problem.name}, mu = {e.mu}",
            f"{len(cases)} strongly convex problems{words}, minimum and mu exact",
        )

    return Check(
        "exact search under the condition" if under_condition else "exact search",
        Method.SEARCH,
        run,
        "quick",
        "Tries to break the statement; all arithmetic in fractions.",
        under_condition,
    )


def step_checks(rate: Callable[[Problem, Fraction], Fraction] = factor) -> tuple[Check, ...]:
    """Evidence for eq. 61 with ``F*`` on both sides and `rate` as its factor."""

    def holds(case: Excess) -> bool:
        problem = case.problem
        left = case.above(problem.objective(aggregated(problem)))
        middle = case.above(bound_agg(problem))
        right = rate(problem, case.mu) * case.above(problem.objective(problem.start))
        return left <= middle <= right

    return (
        proof(
            "one gradient step contracts under PL",
            (
                Step("F(x_agg) <= F - eta(1 - L eta/2)|grad F|^2 (CMP-42)."),
                Step(
                    "eta(1 - L eta/2) > 0 and |grad F|^2 >= 2 mu (F - F*).",
                    algebra(_contraction_identity),
                ),
                Step("Subtract F* on both sides."),
            ),
        ),
        _searched(holds),
        identities("slack", _contraction_identity, "the slack is eta(1 - L eta/2) times PL's"),
    )


def _contraction_identity(sympy: ModuleType) -> list[Identity]:
    square, excess, mu, eta, smooth = sympy.symbols("s e mu eta L")
    gain = eta * (1 - smooth * eta / 2)
    return [
        (
            "(1 - 2 mu gain) e - (e - gain s) = gain (s - 2 mu e)",
            (1 - 2 * mu * gain) * excess - (excess - gain * square),
            gain * (square - 2 * mu * excess),
        )
    ]


def contraction_checks(
    bound: Callable[[Problem], Fraction] = bound_path,
    *,
    among: Callable[[Excess], bool] = lambda case: True,
    words: str = "",
    under_condition: bool = False,
) -> tuple[Check, ...]:
    """Evidence for eq. 63 with `bound` as UB_sch."""

    def holds(case: Excess) -> bool:
        problem = case.problem
        gain = bound_agg(problem) - bound(problem)
        right = factor(problem, case.mu) * case.above(problem.objective(problem.start)) - gain
        return case.above(problem.objective(scheduled(problem))) <= right

    steps = (
        Step("F(x_sch) <= UB_sch = UB_agg - Delta_UB, by CMP-49-R (CMP-L3 for m = 2)."),
        Step(
            "UB_agg - F* = F - F* - eta(1 - L eta/2)|grad F|^2 is at most the contraction times "
            "F - F*, by PL at x.",
            algebra(_contraction_identity),
        ),
    )
    return (
        proof("eq. 63", steps, under_condition=under_condition),
        _searched(holds, among=among, words=words, under_condition=under_condition),
    )


@replayer("comparison-missing-minimum")
def _replay_missing(data: Mapping[str, Any]) -> Replay:
    """Eq. 61 as printed, without F* on the left, on F = c(u + b/c)^2/2 + F*."""
    c, b = rational(data["curvature"]), rational(data["gradient"])
    minimum, eta = rational(data["minimum"]), rational(data["eta"])
    value = b * b / (2 * c) + minimum
    moved = value - eta * b * b + c * eta * eta * b * b / 2
    middle = value - eta * (1 - c * eta / 2) * b * b
    right = (1 - 2 * c * eta * (1 - c * eta / 2)) * (value - minimum)
    return Replay(
        (
            f"F'' = L = mu = {c}, F'(x) = {b}, F* = {minimum}: F(x) = {value}; eta = {eta}",
            f"F(x_agg) = {moved}, the middle of eq. 61 is {middle}",
            f"the right side of eq. 61 is {right}; with F* on the left it would hold: "
            f"{moved - minimum} <= {right}",
            "So eq. 61 as printed is false; F* is missing on its left.",
        ),
        0 < eta * c <= 1 and moved > right and middle > right and moved - minimum <= right,
    )


@replayer("comparison-below-minimum")
def _replay_contraction(data: Mapping[str, Any]) -> Replay:
    """Eq. 63 with UB_sch as printed, three groups, all its hypotheses met."""
    problem, mu = read_problem(data), rational(data["mu"])
    target = rational(data["minimiser"])
    minimum = problem.objective((target,))
    curves = [
        Curve(
            rational(c["at_start"]),
            [rational(k) for k in c["knots"]],
            [rational(s) for s in c["slopes"]],
        )
        for c in data["curves"]
    ]
    fulfilled = satisfies_pl(curves, mu, target)
    excess = excess_59(problem, penalty_56(problem))
    end = problem.objective(scheduled(problem)) - minimum
    gain = bound_agg(problem) - bound_sch(problem)
    right = factor(problem, mu) * (problem.objective(problem.start) - minimum) - gain
    return Replay(
        (
            *show_walk(problem),
            f"PL with mu = {mu} and minimiser {target}, checked on every piece: {fulfilled}",
            f"eq. 57 and eq. 59 hold (R_m = {penalty_56(problem)}, eq. 59 exceeds by {excess})",
            f"Delta_UB = {gain}; eq. 63's right side is {right}",
            f"So F(x_sch) - F* = {end} > {right}, eq. 63's right side.",
        ),
        problem.eta * problem.smoothness <= 1
        and fulfilled
        and excess is not None
        and excess > 0
        and end > right,
    )


def _factor_range(case: Excess) -> bool:
    problem = case.problem
    rate = factor(problem, case.mu)
    gradient = problem.gradient(problem.start)
    above = case.above(problem.objective(problem.start))
    return (
        dot(gradient, gradient) >= 2 * case.mu * above
        and dot(gradient, gradient) <= 2 * problem.smoothness * above
        and case.mu <= problem.smoothness
        and 0 <= rate < 1
    )


def _factor_identity(sympy: ModuleType) -> list[Identity]:
    mu, eta, smooth = sympy.symbols("mu eta L")
    gain = eta * (1 - smooth * eta / 2)
    return [
        (
            "1 - 2 mu gain = (1 - L eta)^2 + 2 (L - mu) gain",
            1 - 2 * mu * gain,
            (1 - smooth * eta) ** 2 + 2 * (smooth - mu) * gain,
        )
    ]


def _factor_solver(z3: Expression) -> list[Obligation]:
    mu, eta, smooth = z3.Reals("mu eta L")
    rate = 1 - 2 * mu * eta * (1 - smooth * eta / 2)
    bounds = [mu > 0, mu <= smooth, eta > 0, eta * smooth <= 1]
    return [Obligation("in [0, 1)", bounds, z3.And(rate >= 0, rate < 1))]


def _local(case: Excess) -> bool:
    """Eq. 63 with the PL constant of the point x alone."""
    problem = case.problem
    gradient = problem.gradient(problem.start)
    above = case.above(problem.objective(problem.start))
    if above == 0:
        return problem.objective(scheduled(problem)) <= bound_path(problem)
    mu = dot(gradient, gradient) / (2 * above)
    gain = bound_agg(problem) - bound_path(problem)
    end = case.above(problem.objective(scheduled(problem)))
    return end <= factor(problem, mu) * above - gain


_C6 = "App. C.6"

CLAIMS: Sequence[Claim] = (
    Claim(
        id="CMP-60",
        family="comparison",
        title="The contraction factor is in [0, 1)",
        statement=r"Assume $\frac12|\nabla F(x)|^2\ge\mu(F(x)-F^\star)$ for all $x$; for any "
        r"$\eta\in(0,1/L]$ [the factor is] $1-2\mu\eta(1-\frac{L\eta}{2})$.",
        plain="For an L-smooth F that is not constant and meets PL, mu <= L, and 0 <= 1 - 2 mu "
        "eta(1 - L eta/2) < 1 for eta in (0, 1/L].",
        source=Source("SON-GOKU", _C6, ("60", "61")),
        assumptions=(SMOOTH, STEP_SIZE, PL),
        used_for="That eq. 61 and 63 contract.",
        checks=(
            proof(
                "mu <= L",
                (
                    Step(
                        "Eq. 40 at y = x - grad F/L: |grad F|^2 <= 2 L (F - F*); with PL, mu <= L."
                    ),
                    Step(
                        "A sum of two terms >= 0; below 1 as mu gain > 0.",
                        algebra(_factor_identity),
                    ),
                ),
            ),
            _searched(
                _factor_range, among=lambda e: e.above(e.problem.objective(e.problem.start)) > 0
            ),
            identities("a sum of two terms >= 0", _factor_identity, "the factor is >= 0"),
            solver("over the reals", _factor_solver, "the factor is in [0, 1)"),
        ),
    ),
    Claim(
        id="CMP-61",
        family="comparison",
        title="Eq. 61 as printed",
        statement=r"$F(x^{agg}) \le F(x)-\eta\left(1-\frac{L\eta}{2}\right)|\nabla F(x)|^2 \le "
        r"\left(1-2\mu\eta\left(1-\frac{L\eta}{2}\right)\right)(F(x)-F^\star)$.",
        plain="F(x_agg) <= F - eta(1 - L eta/2)|grad F|^2 <= (factor)(F - F*), without F* on the "
        "left.",
        source=Source("SON-GOKU", _C6, ("61",)),
        assumptions=(SMOOTH, STEP_SIZE, PL),
        used_for="Eq. 63.",
        checks=(replayed(MISSING),),
        reading="to the letter; F* on the left is surely meant (CMP-61-R), as in eq. 63",
        repaired_by="CMP-61-R",
        notes="A printing error: true as printed whenever F* <= 0, and with F* subtracted on the "
        "left always.",
    ),
    Claim(
        id="CMP-61-R",
        family="comparison",
        title="One aggregated step contracts under PL",
        statement=r"$F(x^{agg})-F^\star \le F(x)-F^\star-\eta(1-\frac{L\eta}{2})|\nabla F(x)|^2 "
        r"\le (1-2\mu\eta(1-\frac{L\eta}{2}))(F(x)-F^\star)$.",
        plain="Eq. 61 with F* subtracted in all three places.",
        source=Source("songoku", "eq. 61 with F* on both sides", ("60", "61")),
        assumptions=(SMOOTH, STEP_SIZE, PL),
        used_for="Eq. 63.",
        checks=(*step_checks(), contraction_certificate()),
        repairs="CMP-61",
    ),
    Claim(
        id="CMP-63",
        family="comparison",
        title="The scheduled refresh's contraction",
        statement=r"$F(x^{sch})-F^\star \le \left(1-2\mu\eta\left(1-\frac{L\eta}{2}\right)\right)"
        r"(F(x)-F^\star)-\Delta_{UB}(x;\eta)$. Consequently, under per-group lipschitzness and 59, "
        r"the scheduled refresh satisfies the standard gradient-descent contraction and, in "
        r"addition, achieves an extra nonnegative decrement.",
        plain="Under Assumptions 6 and 7, eq. 59 and PL, F(x_sch) - F* <= (factor)(F - F*) - "
        "Delta_UB, Delta_UB = UB_agg - UB_sch with eq. 49, for every m.",
        source=Source("SON-GOKU", _C6 + "; C.8", ("49", "62", "63")),
        assumptions=(SMOOTH, SUM, STEP_SIZE, PL),
        used_for="Section 5.3's last sentence.",
        checks=(
            replayed(BELOW),
            *contraction_checks(
                bound_sch,
                among=lambda e: e.problem.size == 2 or e.problem.constant_hessian,
                words=" with two groups or a constant Hessian",
                under_condition=True,
            ),
        ),
        reading="with eq. 49 as printed, whose integrals all start at x",
        condition="m = 2, or F has a constant Hessian",
        repaired_by="CMP-63-R",
        notes="The argument is right where UB_sch bounds F(x_sch); with three groups and a Hessian "
        "that varies, eq. 49 does not. In the counterexample UB_sch is below F*. Neither eq. 59 "
        "nor Delta_UB >= 0 is needed for the inequality itself.",
    ),
    Claim(
        id="CMP-63-R",
        family="comparison",
        title="The scheduled refresh's contraction, with the bound along the path",
        statement=r"Eq. 63 holds for every $m$ with $\Delta_{UB}=UB_{agg}-UB_{sch}$ and eq. 49's "
        r"integrals along the path, of whatever sign; if $UB_{sch}\le UB_{agg}$ the refresh "
        r"contracts at least as the aggregated step is guaranteed to.",
        plain="F(x_sch) - F* <= (factor)(F - F*) - (UB_agg - UB_sch) with CMP-49-R's UB_sch, for "
        "every m and either sign of the difference.",
        source=Source("songoku", "repair of " + _C6, ("63",)),
        assumptions=(SMOOTH, SUM, STEP_SIZE, PL),
        used_for="What is left of section 5.3's last sentence.",
        checks=contraction_checks(),
        repairs="CMP-63",
    ),
    Claim(
        id="CMP-C7.4",
        family="comparison",
        title="PL is needed at the start of the refresh only",
        statement=r"We invoke PL only to convert a per-refresh decrease into a standard "
        r"contraction factor. We do not require global strong convexity. A local PL inequality "
        r"around the iterates is enough.",
        plain="Eq. 63 along the path needs eq. 60 at the refresh's starting point x alone.",
        source=Source("SON-GOKU", "App. C.7.4", ("60", "63")),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="How mild the assumption is.",
        checks=(
            proof(
                "PL is used once",
                (
                    Step("CMP-63-R's proof uses eq. 60 at x, nowhere else."),
                    Step("Its factor's mu may be that of x.", algebra(_contraction_identity)),
                ),
            ),
            _searched(_local),
        ),
        reading="F* is the infimum over all points in any case. How often PL holds after warm-up "
        "is a question to runs, not judged here",
    ),
)
