"""Eq. 46-48 and 55: how far G_r(x_{r-1}) is from G_r(x).

The refresh moves by the gradients *along the path*; eq. 48 bounds the move by those at the start.
The compounding that is left out shows from three groups on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import ModuleType
from typing import Any

from proofs_check.claims.comparison._certificates import drift_certificate
from proofs_check.claims.comparison._evidence import (
    GROUP_LIPSCHITZ,
    SUM,
    Expression,
    Obligation,
    Step,
    algebra,
    exactly,
    proof,
    replayed,
    searched,
    solver,
)
from proofs_check.claims.comparison._families import (
    curved_problems,
    plane_problems,
    quadratic,
    read_problem,
)
from proofs_check.claims.comparison._problem import Problem, dot, minus, starts, steps
from proofs_check.claims.comparison._terms import drifts, norms, sums_before
from proofs_check.claims.comparison.telescoping import show_walk
from proofs_check.counterexamples import Replay, replayer
from proofs_check.methods.exact import for_every
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Check, CheckContext, Claim, Finding, Source

__all__ = ["CLAIMS", "growth_checks", "printed_norms", "repaired_norms"]

GROWS = "cmp_48_grows"


def printed_norms(problem: Problem, *, closed: bool = False) -> list[Fraction]:
    """Return the right sides of eq. 48; ``closed`` sums over p <= r instead of p < r."""
    sizes = norms(problem)
    before = sums_before(sizes)
    return [
        g + lip * problem.eta * (s + (g if closed else 0))
        for g, lip, s in zip(sizes, problem.lipschitz, before, strict=True)
    ]


def repaired_norms(problem: Problem) -> list[Fraction]:
    """Return ``g_r + L_r D_r``, D_r compounding."""
    return [g + e for g, e in zip(norms(problem), drifts(problem), strict=True)]


def _bounded_by(bounds: Callable[[Problem], Sequence[Fraction]]) -> Callable[[Problem], bool]:
    return lambda problem: all(
        dot(v, v) <= bound * bound for v, bound in zip(steps(problem), bounds(problem), strict=True)
    )


def _first_drift(problem: Problem) -> bool:
    """Eq. 47: the change of G_2, and its norm."""
    change = minus(steps(problem)[1], starts(problem)[1])
    limit = problem.lipschitz[1] * problem.eta * norms(problem)[0]
    return dot(change, change) <= limit**2 and _bounded_by(printed_norms)(problem)


@replayer("comparison-grows")
def _replay_grows(data: Mapping[str, Any]) -> Replay:
    """The last group's gradient is larger than eq. 48 allows, in both readings of its sum."""
    problem = read_problem(data)
    last = steps(problem)[-1]
    open_sum, closed_sum = (printed_norms(problem, closed=c)[-1] for c in (False, True))
    repaired = repaired_norms(problem)[-1]
    square = dot(last, last)
    return Replay(
        (
            *show_walk(problem),
            f"L_r = {', '.join(map(str, problem.lipschitz))}; |G_r(x)| = "
            f"{', '.join(map(str, norms(problem)))}",
            f"|G_{problem.size}(x_{problem.size - 1})|^2 = {square}",
            f"eq. 48 says at most {open_sum} (sum over p < r) or {closed_sum} (p <= r); with "
            f"compounding it is at most {repaired}",
            "So the path's gradient exceeds both readings of eq. 48.",
        ),
        problem.eta * problem.smoothness <= 1
        and square > closed_sum**2 >= open_sum**2
        and square <= repaired**2,
    )


def _recursion(sympy: ModuleType) -> list[Identity]:
    """D_r unrolled for r = 2, 3, 4 is the closed sum of CMP-48-R."""
    eta = sympy.Symbol("eta")
    g, lip = sympy.symbols("g1:5"), sympy.symbols("L1:5")
    found = []
    moved = sympy.Integer(0)
    for r in range(4):
        closed = eta * sum(
            g[p] * sympy.prod([1 + eta * lip[j] for j in range(p + 1, r)]) for p in range(r)
        )
        found.append((f"D_{r + 1}", moved, closed))
        moved = (1 + eta * lip[r]) * moved + eta * g[r]
    return found


def _attained() -> Finding:
    """G_r(u) = -g_r - L_r u on a line: every step goes the same way, with equality throughout."""

    def problem(case: tuple[tuple[int, int], ...]) -> Problem:
        return quadratic(
            [((Fraction(-lip),),) for _, lip in case],
            [(Fraction(-g),) for g, _ in case],
            Fraction(1, 4),
            Fraction(4 * len(case)),
            [Fraction(lip) for _, lip in case],
        )

    cases = [
        ((a, 0), (b, lip), (c, lip2), (1, 1))
        for a in (1, 2)
        for b in (0, 3)
        for c in (0, 1)
        for lip in (0, 1, 2)
        for lip2 in (1, 2)
    ]
    return for_every(
        cases,
        lambda case: [abs(v[0]) for v in steps(problem(case))] == repaired_norms(problem(case)),
        str,
        "four groups on a line, g and L_r small integers",
    )


def _triangle(z3: Expression) -> list[Obligation]:
    """One step of the induction, over the reals."""
    moved, bound, g, lip, eta, norm = z3.Reals("moved bound g lip eta norm")
    hypotheses = [eta > 0, lip >= 0, g >= 0, moved >= 0, moved <= bound, norm <= g + lip * moved]
    return [
        Obligation("the gradient", hypotheses, norm <= g + lip * bound),
        Obligation(
            "the next move", hypotheses, moved + eta * norm <= (1 + eta * lip) * bound + eta * g
        ),
    ]


def growth_checks(
    bounds: Callable[[Problem], Sequence[Fraction]] = repaired_norms,
) -> tuple[Check, ...]:
    """Evidence for ``|G_r(x_{r-1})| <= bounds`` for every number of groups."""
    return (
        proof(
            "|G_r(x_{r-1})| <= g_r + L_r D_r",
            (
                Step(
                    "|G_r(x_{r-1})| <= |G_r(x)| + L_r |x_{r-1} - x|, by eq. 46 and the triangle "
                    "inequality."
                ),
                Step(
                    "|x_r - x| <= |x_{r-1} - x| + eta |G_r(x_{r-1})|. So if |x_{r-1} - x| <= D_r, "
                    "then |x_r - x| <= (1 + eta L_r) D_r + eta g_r = D_{r+1}; D_1 = 0."
                ),
                Step("Unroll the recursion.", algebra(_recursion)),
            ),
        ),
        searched(_bounded_by(bounds)),
        solver("one step of the induction", _triangle, "the recursion's step holds"),
        exactly("attained", _attained, "On a line every inequality becomes an equality."),
    )


def _convex(context: CheckContext) -> list[Problem]:
    count = 300 if context.profile == "full" else 60
    return [
        *plane_problems(context.seed + 7, count, convex=True),
        *curved_problems(context.seed + 7, count, convex=True),
    ]


def _cocoercive(sympy: ModuleType) -> list[Identity]:
    d, g, eta, lip = sympy.symbols("d g eta L")  # d = |u - v|^2, g = |G(u) - G(v)|^2
    c = sympy.Symbol("c")  # c = <G(u) - G(v), u - v> >= g/L
    return [
        (
            "|T u - T v|^2 = d - 2 eta c + eta^2 g = d - eta(2/L - eta) g - 2 eta(c - g/L)",
            d - 2 * eta * c + eta**2 * g,
            d - eta * (2 / lip - eta) * g - 2 * eta * (c - g / lip),
        )
    ]


_C21 = "App. C.2.1; C.4, Proposition 4"

CLAIMS: Sequence[Claim] = (
    Claim(
        id="CMP-47",
        family="comparison",
        title="The drift of the second group",
        statement=r"$G_2(x_1) = G_2^0 + \delta_2$ with $\|\delta_2\| \le L_2\eta\|G_1^0\|$, hence "
        r"$\|G_2(x_1)\| \le \|G_2^0\| + L_2\eta\|G_1^0\|$.",
        plain="For two groups |G_2(x_1) - G_2(x)| <= L_2 eta |G_1(x)|, and |G_2(x_1)| <= "
        "|G_2(x)| + L_2 eta |G_1(x)|.",
        source=Source("SON-GOKU", "App. C.2.1, Assumption 6", ("46", "47")),
        assumptions=(GROUP_LIPSCHITZ,),
        used_for="Eq. 56.",
        checks=(
            proof(
                "eq. 47",
                (
                    Step("x_1 - x = -eta G_1(x); eq. 46 with u = x_1, v = x."),
                    Step("The triangle inequality."),
                ),
            ),
            searched(_first_drift, among=lambda p: p.size == 2, words=" with two groups"),
            solver("one step", _triangle, "the triangle inequality's step"),
        ),
    ),
    Claim(
        id="CMP-48",
        family="comparison",
        title="The drift of the r-th group, from gradients at the start",
        statement=r"For general $m$, $\|G_r(x_{r-1})\| \le \|G_r^0\| + L_r\eta\sum_{p<r}\|G_p^0\|$ "
        r"for $r = 2,\ldots,m$.",
        plain="|G_r(x_{r-1})| <= |G_r(x)| + L_r eta (sum of |G_p(x)| over p < r), for every r.",
        source=Source("SON-GOKU", _C21, ("46", "48", "55")),
        assumptions=(GROUP_LIPSCHITZ, SUM),
        used_for="Eq. 56, and with it eq. 59 as a condition that can be evaluated.",
        checks=(
            replayed(GROWS),
            proof(
                "eq. 48 for convex groups",
                (
                    Step(
                        "The gradient of a convex function with L_r-Lipschitz gradient is "
                        "1/L_r-cocoercive: <G(u) - G(v), u - v> >= |G(u) - G(v)|^2 / L_r."
                    ),
                    Step(
                        "So T_r u = u - eta G_r(u) does not increase distances if eta <= 2/L_r.",
                        algebra(_cocoercive),
                    ),
                    Step(
                        "|x_r - x| <= |T_r x_{r-1} - T_r x| + |T_r x - x| <= |x_{r-1} - x| + "
                        "eta g_r. Hence |x_{r-1} - x| <= eta S_{r-1}; then eq. 46."
                    ),
                    Step(
                        "eta <= 1/L suffices: with convex groups 0 <= H_r <= H, so L_r <= L for "
                        "the smallest such L_r."
                    ),
                ),
                under_condition=True,
            ),
            searched(
                _bounded_by(printed_norms),
                problems=_convex,
                words=" with convex groups",
                under_condition=True,
            ),
            drift_certificate(),
        ),
        reading="the sum over p < r as in eq. 55; the counterexample also breaks a sum over p <= r",
        condition="m = 2, or every group's loss is convex",
        repaired_by="CMP-48-R",
        notes="x_{r-1} - x is made of G_p(x_{p-1}), not of G_p(x), and those can have grown. For "
        "r = 2 nothing has grown yet (CMP-47). With convex group losses steps do not spread "
        "distances, and eq. 48 is true; losses of networks are not convex.",
    ),
    Claim(
        id="CMP-48-R",
        family="comparison",
        title="The drift with compounding",
        statement=r"$\|G_r(x_{r-1})\| \le \|G_r^0\| + L_r\eta\sum_{p<r}\|G_p^0\|"
        r"\prod_{p<j<r}(1+\eta L_j)$; there is equality on a line.",
        plain="|G_r(x_{r-1})| <= |G_r(x)| + L_r D_r with D_1 = 0, D_{r+1} = (1 + eta L_r) D_r + "
        "eta |G_r(x)|, for every m and every eta > 0; attained.",
        source=Source("songoku", "repair of " + _C21, ("48", "55")),
        assumptions=(GROUP_LIPSCHITZ,),
        used_for="CMP-56-R.",
        checks=growth_checks(),
        repairs="CMP-48",
    ),
)
