"""Lemma 3 and eq. 49: the scheduled bound, for two groups and for more.

Applying eq. 40 m times gives, with ``G_r'`` for ``G_r(x_{r-1})``,

    F(x_m) <= F(x) + sum_r [ -eta <grad F(x_{r-1}), G_r'> + L eta^2/2 |G_r'|^2 ],
    grad F(x_{r-1}) = grad F(x) - eta sum over p < r of int_0^1 H(x_{p-1} - t eta G_p') G_p' dt.

Eq. 49 prints ``H(x - t eta G_p')``: the leg of step p moved back to x. For p = 1 that is the same,
and for a constant H; else the printed right side is not a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import permutations, product
from math import comb
from types import ModuleType
from typing import Any

from proofs_check.claims.comparison._certificates import path_certificate
from proofs_check.claims.comparison._evidence import (
    SMOOTH,
    STEP_SIZE,
    SUM,
    Expression,
    Step,
    algebra,
    exactly,
    identities,
    proof,
    replayed,
    searched,
    thinned,
)
from proofs_check.claims.comparison._families import read_problem
from proofs_check.claims.comparison._problem import (
    Problem,
    bound_path,
    bound_sch,
    scheduled,
    steps,
    walk,
)
from proofs_check.counterexamples import Replay, replayer
from proofs_check.methods.exact import for_every
from proofs_check.methods.findings import inconclusive, supports
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Check, Claim, Finding, Source

__all__ = ["CLAIMS", "lemma_checks", "path_checks", "show_walk"]

BELOW = "cmp_49_below"

Bound = Callable[[Problem], Fraction]


def _is_bound(bound: Bound) -> Callable[[Problem], bool]:
    return lambda problem: problem.objective(scheduled(problem)) <= bound(problem)


def _gradient_after_a_step() -> Finding:
    """Eq. 45 for F = u^n/n + c u²: both sides by term-wise integration in t."""

    def holds(case: tuple[int, Fraction, Fraction, Fraction, Fraction]) -> bool:
        degree, c, x, step, g = case

        def slope(u: Fraction) -> Fraction:
            return u ** (degree - 1) + 2 * c * u

        # H(x - t s g) s g dt from 0 to 1, with H(u) = (n-1) u^(n-2) + 2c expanded in t.
        integral = 2 * c * step * g + sum(
            (degree - 1)
            * comb(degree - 2, k)
            * x ** (degree - 2 - k)
            * (-step * g) ** k
            * step
            * g
            / Fraction(k + 1)
            for k in range(degree - 1)
        )
        return slope(x - step * g) == slope(x) - integral

    values = (Fraction(-2), Fraction(1, 3), Fraction(1))
    cases = product(range(2, 7), values, values, (Fraction(1, 4), Fraction(1)), values)
    return for_every(cases, holds, str, "polynomials of degree 2 to 6 at 270 points")


def _two_groups(sympy: ModuleType) -> list[Identity]:
    """Lemma 3 in terms of inner products; a = grad F(x), v = G_2(x_1), k = int H G_1."""
    f, ag, av, kv, gg, vv, eta, smooth = sympy.symbols("f ag av kv gg vv eta L")
    first = f - eta * ag + smooth * eta**2 / 2 * gg
    second = first - eta * (av - eta * kv) + smooth * eta**2 / 2 * vv
    printed = (
        f - eta * ag + smooth * eta**2 / 2 * gg - eta * av + smooth * eta**2 / 2 * vv + eta**2 * kv
    )
    return [("the two steps add up to eq. 44", second, printed)]


def _cubic_mean(sympy: ModuleType) -> list[Identity]:
    """Eq. 45 for every polynomial of degree 4 on a line."""
    u, t, g, eta, x = sympy.symbols("u t g eta x")
    coefficients = sympy.symbols("c1:5")
    value = sum(c * u**k for k, c in enumerate(coefficients, start=1))
    slope = sympy.diff(value, u)
    hessian = sympy.diff(slope, u)
    integral = sympy.integrate(sympy.expand(hessian.subs(u, x - t * eta * g) * eta * g), (t, 0, 1))
    return [
        (
            "grad F(x - eta g) = grad F(x) - int H(x - t eta g) eta g dt",
            slope.subs(u, x - eta * g),
            slope.subs(u, x) - integral,
        )
    ]


def _quadratic_slack(size: int) -> Callable[[ModuleType], list[Identity]]:
    """With a constant H, eq. 49 minus F(x_sch) is eta^2/2 sum (L - h) G_r'^2."""

    def build(sympy: ModuleType) -> list[Identity]:
        h, b, eta, smooth = sympy.symbols("h b eta L")
        moves = sympy.symbols(f"g1:{size + 1}")
        point = -eta * sum(moves)
        value = h * point**2 / 2 + b * point
        pairs = sum(moves[p] * moves[q] for q in range(size) for p in range(q))
        energy = sum(g**2 for g in moves)
        printed = -eta * b * sum(moves) + smooth * eta**2 / 2 * energy + eta**2 * h * pairs
        return [
            (
                f"m = {size}: slack eta^2/2 (L - h) sum G_r'^2",
                printed - value,
                eta**2 / 2 * (smooth - h) * energy,
            )
        ]

    return build


def lemma_checks(bound: Bound = bound_sch) -> tuple[Check, ...]:
    """Evidence for Lemma 3 with `bound` as its right side."""
    return (
        proof(
            "eq. 44 for two groups",
            (
                Step("Eq. 40 from x to x_1 = x - eta G_1(x), and from x_1 to x_2."),
                Step(
                    "Along the segment from x to x_1 the gradient changes by the integral of "
                    "eq. 45.",
                    algebra(_cubic_mean),
                ),
                Step("Put it into the second inequality and add the two.", algebra(_two_groups)),
            ),
        ),
        searched(_is_bound(bound), among=lambda p: p.size == 2, words=" with two groups"),
        identities("slack with a constant Hessian", _quadratic_slack(2), "eq. 44 for quadratics"),
    )


def path_checks(bound: Bound = bound_path) -> tuple[Check, ...]:
    """Evidence that `bound`, with its integrals along the path, bounds F(x_sch)."""
    return (
        proof(
            "eq. 49 with the integrals along the path bounds F(x_sch), for every m",
            (
                Step("Eq. 40 from x_{r-1} to x_r, for r = 1..m; add them."),
                Step(
                    "grad F(x_{r-1}) - grad F(x) telescopes over p < r; each difference is "
                    "eq. 45's integral on the leg x_{p-1} -> x_p.",
                    algebra(_cubic_mean),
                ),
                Step("For m = 2 it is eq. 44.", algebra(_two_groups)),
            ),
        ),
        searched(_is_bound(bound)),
        identities(
            "slack with a constant Hessian",
            lambda sympy: [i for size in (2, 3, 4) for i in _quadratic_slack(size)(sympy)],
            "the slack is eta^2/2 sum <(L - H) G_r', G_r'> for quadratics, m = 2, 3, 4",
        ),
    )


def show_walk(problem: Problem) -> tuple[str, ...]:
    """Return the steps of a refresh in words."""
    points = walk(problem)
    moves = steps(problem)
    return (
        problem.name,
        "path "
        + " -> ".join(f"({', '.join(map(str, u))})" for u in points)
        + " with steps along "
        + ", ".join(f"({', '.join(map(str, g))})" for g in moves),
    )


@replayer("comparison-below-bound")
def _replay_below(data: Mapping[str, Any]) -> Replay:
    """Eq. 49 as printed lies below F(x_sch)."""
    problem = read_problem(data)
    end, printed, path = (
        problem.objective(scheduled(problem)),
        bound_sch(problem),
        bound_path(problem),
    )
    step_fits = problem.eta * problem.smoothness <= 1
    return Replay(
        (
            *show_walk(problem),
            f"F(x_sch) - F(x) = {end}",
            f"with the integrals along the path, the bound is {path}",
            f"as printed, with all integrals from x, it is {printed} < {end}.",
            "So eq. 49 as printed is not an upper bound on F(x_sch).",
        ),
        step_fits and printed < end <= path,
    )


def _order_matters() -> Finding:
    """Two groups, both orders: the bounds differ."""
    data = {
        "hessians": [[["1"]], [["1"]]],
        "gradients": [["-1"], ["2"]],
        "lipschitz": ["1", "1"],
        "eta": "1/2",
        "L": "2",
    }
    problem = read_problem(data)
    found = {order: bound_sch(problem, order) for order in permutations(range(2))}
    words = ", ".join(f"{order}: {value}" for order, value in found.items())
    if len(set(found.values())) == 2:
        return supports("all_sizes", "a witness settles it", f"UB_sch by order: {words}")
    return inconclusive("one problem", words)


def _average_bounds(problem: Problem) -> bool:
    orders = list(permutations(range(problem.size)))
    ends = sum((problem.objective(scheduled(problem, o)) for o in orders), Fraction(0))
    bounds = sum((bound_path(problem, o) for o in orders), Fraction(0))
    return ends <= bounds


def _order_identity(sympy: ModuleType) -> list[Identity]:
    """With a constant H the two bounds differ by terms in the drift alone."""
    h, a1, a2, g1, g2, eta, smooth = sympy.symbols("h a1 a2 g1 g2 eta L")

    def bound(first: Expression, second: Expression, slope: Expression) -> Expression:
        moved = second - eta * slope * first
        return (
            -eta * (g1 + g2) * (first + moved)
            + smooth * eta**2 / 2 * (first**2 + moved**2)
            + eta**2 * h * first * moved
        )

    difference = bound(g1, g2, a2) - bound(g2, g1, a1)

    def drift(f: Expression, s: Expression, a: Expression) -> Expression:
        return (
            eta**2 * (g1 + g2) * a * f
            + smooth * eta**2 / 2 * (-2 * eta * a * f * s + (eta * a * f) ** 2)
            - eta**3 * h * a * f**2
        )

    return [
        ("difference of the two orders", difference, drift(g1, g2, a2) - drift(g2, g1, a1)),
    ]


CLAIMS: Sequence[Claim] = (
    Claim(
        id="CMP-45",
        family="comparison",
        title="The gradient after one step",
        statement=r"$\nabla F(x_1) = \nabla F(x) - \int_0^1 H(x - t\eta G_1^0)\,\eta G_1^0\,dt$.",
        plain="The gradient at x_1 = x - eta G_1 is that at x minus the integral of the Hessian "
        "times the step.",
        source=Source("SON-GOKU", "App. C.2, proof of Lemma 3", ("45",)),
        assumptions=(SMOOTH,),
        used_for="Lemma 3; here it also replaces every Hessian by two gradients.",
        checks=(
            proof(
                "eq. 45",
                (
                    Step("d/dt grad F(x - t eta g) = -H(x - t eta g) eta g."),
                    Step("Integrate over [0, 1].", algebra(_cubic_mean)),
                ),
            ),
            identities("quartics on a line", _cubic_mean, "eq. 45 for all quartics on a line"),
            exactly("polynomials in fractions", _gradient_after_a_step, "degrees 2 to 6"),
        ),
        notes="Needs a Hessian along the segment: F twice continuously differentiable, which "
        '"we write H for the Hessian of F" takes for granted.',
    ),
    Claim(
        id="CMP-L3",
        family="comparison",
        title="Lemma 3: two scheduled groups",
        statement=r"$F(x^{sch}) \le F(x) - \eta\langle\nabla F(x), G_1^0\rangle + "
        r"\frac{L\eta^2}{2}\|G_1^0\|^2 - \eta\langle\nabla F(x), G_2(x_1)\rangle + "
        r"\frac{L\eta^2}{2}\|G_2(x_1)\|^2 + \eta^2\int_0^1\langle H(x-t\eta G_1^0)G_1^0, "
        r"G_2(x_1)\rangle dt$.",
        plain="For m = 2 eq. 44 bounds F(x_sch).",
        source=Source("SON-GOKU", "App. C.1.2, Definition C.2; C.2, Lemma 3", ("43", "44")),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="Eq. 49; the case m = 2 of everything after it.",
        checks=lemma_checks(),
        notes="True for every eta > 0: eta <= 1/L is not used.",
    ),
    Claim(
        id="CMP-49",
        family="comparison",
        title="Eq. 49 as printed bounds F(x_sch)",
        statement=r"Applying $L$-smoothness $m$ times yields the scheduled upper bound "
        r"$UB_{sch} := F(x) - \eta\sum_r\langle\nabla F(x), G_r(x_{r-1})\rangle + "
        r"\frac{L\eta^2}{2}\sum_r\|G_r(x_{r-1})\|^2 + \eta^2\sum_{p<q}\int_0^1\langle "
        r"H(x-t\eta G_p(x_{p-1}))G_p(x_{p-1}), G_q(x_{q-1})\rangle dt$; "
        r"[C.6] $F(x^{sch}) \le UB_{sch}(x;\eta)$.",
        plain="F(x_sch) <= UB_sch for every number m of groups, with every Hessian taken between "
        "x and x - eta G_p.",
        source=Source("SON-GOKU", "App. C.3 and C.6", ("49",)),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="Theorems 5 and 6 as statements about F; eq. 63.",
        checks=(
            replayed(BELOW),
            proof(
                "with a constant Hessian eq. 49 is a bound",
                (
                    Step("H(x - t eta v) = H(x_{p-1} - t eta v): the two readings agree."),
                    Step(
                        "The slack is eta^2/2 sum <(L - H) G_r', G_r'>, and L - H is positive "
                        "semidefinite.",
                        algebra(_quadratic_slack(3)),
                    ),
                ),
                under_condition=True,
            ),
            searched(
                lambda p: p.objective(scheduled(p)) <= bound_sch(p) == bound_path(p),
                among=lambda p: p.size == 2 or p.constant_hessian,
                words=" with two groups or a constant Hessian",
                under_condition=True,
            ),
        ),
        reading="as printed; the missing x_{p-1} may be a slip, CMP-49-R has it",
        condition="m = 2, or F has a constant Hessian",
        repaired_by="CMP-49-R",
        notes='For m = 2 it is Lemma 3. "Applying L-smoothness m times" gives H(x_{p-1} - t eta '
        "G_p), not H(x - t eta G_p); with m = 3 and a Hessian that changes between the two, the "
        "printed value can lie below the minimum of F.",
    ),
    Claim(
        id="CMP-49-R",
        family="comparison",
        title="The scheduled bound along the path",
        statement=r"With $H(x_{p-1}-t\eta G_p(x_{p-1}))$ in place of $H(x-t\eta G_p(x_{p-1}))$, "
        r"eq. 49 bounds $F(x^{sch})$ for every $m$.",
        plain="Eq. 49 with each integral along its own leg x_{p-1} -> x_p bounds F(x_sch), for "
        "every m.",
        source=Source("songoku", "repair of App. C.3", ("49",)),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="CMP-63-R.",
        checks=(*path_checks(), path_certificate()),
        repairs="CMP-49",
    ),
    Claim(
        id="CMP-49-ORDER",
        family="comparison",
        title="The scheduled bound depends on the order",
        statement=r"The integrals in Equation 49 are over ordered pairs $p<q$ along the specific "
        r"sequence $x_0\to x_1\to\cdots\to x_m$; the bound therefore depends on the "
        r"within-refresh order.",
        plain="There are problems at which UB_sch differs between two orders of the same groups.",
        source=Source("SON-GOKU", "App. C.3", ("49",)),
        assumptions=(SMOOTH, SUM),
        used_for="Order matters; a random order gives a mean.",
        checks=(
            exactly("two convex quadratics", _order_matters, "UB_sch in both orders."),
            identities(
                "where it comes from",
                _order_identity,
                "with two groups and a constant Hessian, the difference is the drift's",
            ),
        ),
        notes="With a constant Hessian the integrals at the start, I_pq = I_qp, do not depend on "
        "the order at all: the dependence comes from the drift.",
    ),
    Claim(
        id="CMP-49-RANDOM",
        family="comparison",
        title="A random order gives a bound in expectation",
        statement=r"Randomizing the order yields an expected version.",
        plain="Over a uniformly random order E F(x_sch) <= E UB_sch, UB_sch along the path.",
        source=Source("SON-GOKU", "App. C.3", ("49",)),
        assumptions=(SMOOTH, SUM),
        used_for='"Expected descent" in section 1.',
        checks=(
            proof(
                "means of both sides",
                (
                    Step("CMP-49-R holds for each order."),
                    Step("Means of inequalities are inequalities."),
                ),
            ),
            searched(_average_bounds, problems=thinned, words=" with m <= 3, all orders"),
        ),
        reading="with the bound of CMP-49-R",
    ),
)
