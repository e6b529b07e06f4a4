"""Assumption 7, Theorem 6, eq. 57-59 and 62, section C.5: when the scheduled bound is lower.

With ``c`` the cosine of two groups and ``L*`` the smallest Lipschitz constant of grad F, eq. 59's
left side is at most ``L* (1 + c) g_1 g_2`` where c <= 0: conflict eats the gain. Its right side is
at least ``L_2 g_1 (g_1 + g_2)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from types import ModuleType
from typing import Any

from proofs_check.claims.comparison._evidence import (
    GROUP_LIPSCHITZ,
    SMOOTH,
    STEP_SIZE,
    SUM,
    Expression,
    Obligation,
    Step,
    algebra,
    exactly,
    identities,
    proof,
    replayed,
    searched,
    solver,
)
from proofs_check.claims.comparison._families import read_problem
from proofs_check.claims.comparison._problem import (
    Problem,
    bound_agg,
    bound_sch,
    dot,
    inner_sum,
    interaction,
    norm,
    starts,
)
from proofs_check.claims.comparison._series import (
    bound_gap_series,
    coefficient,
    jacobian_sum,
)
from proofs_check.claims.comparison._terms import (
    excess_59,
    margins,
    norms,
    penalty_56,
    penalty_repaired,
    start_gap,
)
from proofs_check.claims.comparison.expansion import affine_problems
from proofs_check.claims.comparison.gap import DRIFT, substitution_error
from proofs_check.claims.comparison.telescoping import show_walk
from proofs_check.counterexamples import Replay, load, replayer
from proofs_check.methods.exact import for_every
from proofs_check.methods.findings import inconclusive, supports
from proofs_check.methods.symbolic import Identity
from proofs_check.model import (
    Assumption,
    Check,
    CheckContext,
    Claim,
    Finding,
    Method,
    Source,
    VacuityFinding,
)

__all__ = ["CLAIMS", "NEGATIVE_CROSS", "both_orders_checks", "improvement_checks"]

TIGHTER = "cmp_59_not_tighter"
DETERMINE = "cmp_c5_determine"
DROP = "cmp_5_3_drop"

NEGATIVE_CROSS = Assumption(
    "Assumption 7",
    "I_pq <= -Gamma_pq |G_p||G_q| with Gamma_pq >= 0 for all p < q (eq. 57)",
    lambda problem: margins(problem) is not None,
)
CONFLICT = Assumption(
    "conflict", "two groups, <G_1, G_2> <= 0", lambda problem: inner_sum(starts(problem)) <= 0
)


def error_part(problem: Problem) -> Fraction:
    """Return R_m as the positive part of the start substitution error."""
    return max(substitution_error(problem), Fraction(0))


def improvement_checks(penalty: Callable[[Problem], Fraction] = error_part) -> tuple[Check, ...]:
    """Evidence for eq. 58 and for "eq. 59 gives UB_sch < UB_agg" with `penalty` as R_m."""

    def holds(problem: Problem) -> bool:
        slack, gap = margins(problem), bound_sch(problem) - bound_agg(problem)
        excess = excess_59(problem, penalty(problem))
        if slack is None or excess is None:
            return True
        left = sum(slack, Fraction(0)) + problem.smoothness * inner_sum(starts(problem))
        bounded = gap <= -(problem.eta**2) * left + penalty(problem)
        return bounded and (excess <= 0 or gap < 0)

    def build(sympy: ModuleType) -> list[Identity]:
        s, i, k, eta, smooth, rest = sympy.symbols("s i k eta L R")
        main = eta**2 * (-smooth * s + i) + rest
        bound = eta**2 * (-smooth * s - k) + rest
        return [
            ("i = -k - slack", main.subs(i, -k - i), bound - eta**2 * i),
            ("eq. 59 times eta^2", bound, -(eta**2) * ((k + smooth * s) - rest / eta**2)),
        ]

    return (
        proof(
            "eq. 58 and its consequence",
            (
                Step("Eq. 52, with I_pq <= -Gamma_pq |G_p||G_q| (eq. 57).", algebra(build)),
                Step("Eq. 58's right side is -eta^2 times (left minus right side of eq. 59)."),
            ),
        ),
        searched(holds, among=lambda p: margins(p) is not None, words=" that meet eq. 57"),
        identities("from eq. 52 to eq. 58 and 59", build, "substituting eq. 57"),
    )


@replayer("comparison-not-tighter")
def _replay_tighter(data: Mapping[str, Any]) -> Replay:
    """Eq. 57 and eq. 59 with eq. 56 for R_m, and UB_sch > UB_agg."""
    problem = read_problem(data)
    slack, printed = margins(problem), penalty_56(problem)
    excess, repaired = (
        excess_59(problem, printed),
        excess_59(problem, penalty_repaired(problem)),
    )
    upper, lower = bound_sch(problem), bound_agg(problem)
    return Replay(
        (
            *show_walk(problem),
            f"eq. 57 with Gamma_12 |G_1||G_2| = -I_12 = {(slack or [Fraction(-1)])[0]} >= 0",
            f"eq. 59 with eq. 56 for R_m: left minus right side is {excess} > 0; with a penalty "
            f"that holds (CMP-56-R) it is {repaired} <= 0",
            f"So eq. 59 holds, and UB_sch = F + {upper} > F + {lower} = UB_agg.",
        ),
        problem.eta * problem.smoothness <= 1
        and slack is not None
        and excess is not None
        and excess > 0
        and upper >= lower,
    )


@replayer("comparison-determine")
def _replay_determine(data: Mapping[str, Any]) -> Replay:
    """Two problems with the same start, the same I_pq and H, and opposite signs of the gap."""
    first, second = (read_problem(item) for item in data["problems"])
    same = (
        starts(first) == starts(second)
        and first.smoothness == second.smoothness
        and first.eta == second.eta
        and all(
            interaction(first, u, v) == interaction(second, u, v)
            for u, v in combinations(starts(first), 2)
        )
        and all(
            first.gradient((Fraction(k),)) == second.gradient((Fraction(k),)) for k in range(-3, 4)
        )
    )
    gaps = [bound_sch(p) - bound_agg(p) for p in (first, second)]
    return Replay(
        (
            *show_walk(first),
            *show_walk(second),
            f"same F, same G_r(x), same I_pq: {same}; eq. 52 without R_m is "
            f"{start_gap(first)} for both",
            f"So with all I_pq equal, UB_sch - UB_agg is {gaps[0]} in one and {gaps[1]} in the "
            "other.",
        ),
        same and gaps[0] < 0 < gaps[1],
    )


def _second_order(problem: Problem) -> bool:
    order = tuple(range(problem.size))
    grad = problem.gradient(problem.start)
    claimed = start_gap(problem) / problem.eta**2 + dot(grad, jacobian_sum(problem, order))
    series = bound_gap_series(problem, order)
    return [coefficient(series, k) for k in range(3)] == [0, 0, claimed]


def _second_order_exactly(context: CheckContext) -> Finding:
    cases = list(affine_problems(context))
    return for_every(
        cases,
        _second_order,
        lambda p: p.name,
        "quadratics on a line and in the plane, the gap as an exact polynomial in eta",
    )


def _second_order_symbols(sympy: ModuleType) -> list[Identity]:
    """Two affine groups in the plane; only eta is expanded."""
    eta, smooth = sympy.symbols("eta L")
    a, b, c, d, e, f = sympy.symbols("a b c d e f")
    one, two = sympy.Matrix([[a, b], [b, c]]), sympy.Matrix([[d, e], [e, f]])
    g, k = sympy.Matrix(sympy.symbols("g1 g2")), sympy.Matrix(sympy.symbols("k1 k2"))
    grad, whole = g + k, one + two
    moved = k - eta * two * g

    def inner(u: Expression, v: Expression) -> Expression:
        return (u.T * v)[0]

    upper = (
        -eta * inner(grad, g + moved)
        + smooth * eta**2 / 2 * (inner(g, g) + inner(moved, moved))
        + eta**2 * inner(whole * g, moved)
    )
    lower = -eta * inner(grad, grad) + smooth * eta**2 / 2 * inner(grad, grad)
    found = sympy.expand(upper - lower)
    claimed = sympy.expand(-smooth * inner(g, k) + inner(whole * g, k) + inner(grad, two * g))
    return [
        ("below eta^2", found.coeff(eta, 0) + found.coeff(eta, 1), sympy.Integer(0)),
        ("at eta^2", sympy.expand(found.coeff(eta, 2) - claimed), sympy.Integer(0)),
    ]


def _conflict_hurts(problem: Problem) -> bool:
    """For opposite groups eq. 59's left side is <= 0, whatever H is."""
    first, second = starts(problem)
    left = -interaction(problem, first, second) + problem.smoothness * dot(first, second)
    a, b = norm(first), norm(second)
    if dot(first, second) > 0:
        return left <= 2 * problem.smoothness * a * b
    return left <= problem.smoothness * (a * b + dot(first, second)) and (
        dot(first, second) != -a * b or left <= 0
    )


def _left_side(sympy: ModuleType) -> list[Identity]:
    smooth, g, k, c, i = sympy.symbols("L g k c i")
    return [
        (
            "-I + L c g k <= L g k + L c g k",
            smooth * g * k * (1 + c) - (-i + smooth * c * g * k),
            smooth * g * k + i,
        ),
        ("c = -1", (smooth * g * k * (1 + c)).subs(c, -1), sympy.Integer(0)),
    ]


def both_orders_checks(share: Fraction = Fraction(1)) -> tuple[Check, ...]:
    """Evidence that eq. 59 with eq. 56 can't hold in both orders of two conflicting groups.

    ``share`` scales eq. 56; at 0 the statement is false.
    """

    def holds(problem: Problem) -> bool:
        found = [
            excess_59(problem, share * penalty_56(problem, order), order)
            for order in ((0, 1), (1, 0))
        ]
        return not all(e is not None and e > 0 for e in found)

    def build(z3: Expression) -> list[Obligation]:
        g, k, c, smooth, least, first, second, up, down = z3.Reals("g k c L M L1 L2 up down")
        part = z3.RealVal(str(share))
        common = [
            g > 0,
            k > 0,
            c >= -1,
            c <= 0,
            least >= 0,
            least <= smooth,
            least <= first + second,
            first >= 0,
            second >= 0,
            up <= least,
            down <= least,
        ]
        # divided by g k > 0: Gamma + L c > L_2 (g + k)/k, and the same for the other order
        return [
            Obligation(
                "not both orders",
                [*common],
                z3.Not(
                    z3.And(
                        (up + smooth * c) * k > part * second * (g + k),
                        (down + smooth * c) * g > part * first * (g + k),
                    )
                ),
            )
        ]

    return (
        proof(
            "eq. 59 with eq. 56 fails in one of the two orders",
            (
                Step(
                    "Let L* be the smallest Lipschitz constant of grad F: L* <= L and, as grad F "
                    "= G_1 + G_2, L* <= L_1 + L_2. By eq. 53 Gamma_12, Gamma_21 <= L*."
                ),
                Step(
                    "With c = cos(G_1, G_2) <= 0 the left side of eq. 59 is at most (L* + L c) g_1 "
                    "g_2 <= L*(1 + c) g_1 g_2; the right side is at least L_2 g_1 (g_1 + g_2), "
                    "eq. 56's first term.",
                    algebra(_left_side),
                ),
                Step(
                    "So eq. 59 in the order (1, 2) gives L_2 < L*(1 + c) g_2/(g_1 + g_2), and in "
                    "the order (2, 1) L_1 < L*(1 + c) g_1/(g_1 + g_2). Their sum is L_1 + L_2 < "
                    "L*(1 + c) <= L*, a contradiction."
                ),
            ),
        ),
        searched(
            holds,
            among=lambda p: p.size == 2 and inner_sum(starts(p)) <= 0,
            words=" with two groups, <G_1, G_2> <= 0",
        ),
        solver("over the reals", build, "the two inequalities exclude each other"),
    )


def _never_for_conflict(context: CheckContext) -> VacuityFinding:
    del context
    return VacuityFinding(
        True,
        "two groups with <G_1, G_2> <= 0 (what the scheduler separates, at every tau >= 0), in a "
        "random order: eq. 59 with eq. 56 fails in at least one order (CMP-C8-ARISE-R)",
    )


def _can_hold() -> Finding:
    """Assumptions 6 and 7 and eq. 59 with the larger, repaired penalty, and UB_sch < UB_agg."""
    problem = read_problem(load(DROP).data)
    excess = excess_59(problem, penalty_repaired(problem))
    lower = bound_sch(problem) < bound_agg(problem)
    words = f"{problem.name}: eq. 59 exceeds by {excess}, UB_sch < UB_agg: {lower}"
    if excess is not None and excess > 0 and lower:
        return supports("all_sizes", "a witness settles it", words)
    return inconclusive("one problem", words)


def _family_that_meets(sympy: ModuleType) -> list[Identity]:
    """H = diag(L, 0), G = (a, b), (-a, b), L_2 = 0: eq. 59's left side is L b^2 > 0."""
    a, b, smooth = sympy.symbols("a b L")
    crossing = -smooth * a**2
    inner = -(a**2) + b**2
    return [("I_12 = -L a^2, and left side of eq. 59", -crossing + smooth * inner, smooth * b**2)]


def _simplex(size: int) -> list[tuple[Fraction, ...]]:
    return [tuple(Fraction(i == j) - Fraction(1, size) for j in range(size)) for i in range(size)]


def _simplex_attains() -> Finding:
    """For H = L I the simplex has <H G_p, G_q> = -L/(m - 1) |G_p||G_q|."""

    def holds(size: int) -> bool:
        vectors = _simplex(size)
        square = dot(vectors[0], vectors[0])
        return all(dot(u, v) == -square / (size - 1) for u, v in combinations(vectors, 2)) and all(
            dot(v, v) == square for v in vectors
        )

    return for_every(range(2, 9), holds, lambda m: f"m = {m}", "m = 2..8")


def _margin_proof(sympy: ModuleType) -> list[Identity]:
    m, smooth, margin = sympy.symbols("m L Gamma")
    total = m * smooth - m * (m - 1) * margin
    return [("0 <= total iff Gamma <= L/(m - 1)", total, m * (m - 1) * (smooth / (m - 1) - margin))]


def _margin_search(context: CheckContext) -> Finding:
    from proofs_check.claims.comparison._families import plane_problems

    cases = [p for p in plane_problems(context.seed + 9, 200, convex=True) if p.size > 2]

    def holds(problem: Problem) -> bool:
        slack, sizes = margins(problem), norms(problem)
        if slack is None or min(sizes) == 0:
            return True
        pairs = list(combinations(sizes, 2))
        least = min(s / (a * b) for s, (a, b) in zip(slack, pairs, strict=True))
        return least <= problem.smoothness / (problem.size - 1)

    return for_every(cases, holds, lambda p: p.name, "random convex quadratics with 3 or 4 groups")


CLAIMS: Sequence[Claim] = (
    Claim(
        id="CMP-A7",
        family="comparison",
        title="Assumptions 6 and 7 and eq. 59 can hold together",
        statement=r"There exist nonnegative margins $\{\Gamma_{pq}\}_{p<q}$ such that "
        r"$I_{pq}(x;\eta) \le -\Gamma_{pq}\|G_p^0\|\|G_q^0\|$ for all $p<q$.",
        plain="There are problems that meet Assumptions 6 and 7 and eq. 59, even with CMP-56-R's "
        "penalty, and have UB_sch < UB_agg; one of them strongly convex with conflicting groups.",
        source=Source("SON-GOKU", "App. C.5, Assumption 7 (with Assumption 6)", ("57", "59")),
        assumptions=(GROUP_LIPSCHITZ, NEGATIVE_CROSS),
        used_for="Theorem 6 is not empty.",
        checks=(
            exactly("a convex witness", _can_hold, "All hypotheses and the conclusion, exactly."),
            identities("a family of them", _family_that_meets, "H = diag(L, 0), L_2 = 0"),
        ),
        reading="as an assumption: can it hold",
        notes="The groups oppose along the curved direction and agree along the flat one. On a "
        "line with F'' > 0 it can't: eq. 57 needs G_1 G_2 <= 0, and then (L - F'')G_1 G_2 <= 0.",
    ),
    Claim(
        id="CMP-A7-MARGIN",
        family="comparison",
        title="With convex F the common margin is at most L/(m - 1)",
        statement=r"If $0\preceq H\preceq LI$ is constant and eq. 57 holds with one $\Gamma$ for "
        r"all pairs of $m$ nonzero groups, then $\Gamma\le L/(m-1)$; a simplex attains it.",
        plain="For constant H >= 0 and m nonzero groups, Gamma <= L/(m - 1) for a Gamma that fits "
        "all pairs; attained.",
        source=Source("songoku", "on App. C.5, Assumption 7", ("57",)),
        assumptions=(SMOOTH, NEGATIVE_CROSS),
        used_for="How much Assumption 7 can ask for with many groups.",
        checks=(
            proof(
                "0 <= |sum of unit gradients|_H^2",
                (
                    Step("0 <= <H u, u> for u = sum G_p/|G_p|."),
                    Step(
                        "That is sum <H G_p, G_p>/|G_p|^2 + 2 sum over pairs <= m L - m(m - 1) "
                        "Gamma.",
                        algebra(_margin_proof),
                    ),
                ),
            ),
            exactly("the simplex", _simplex_attains, "Equality, m = 2..8."),
            Check("random", Method.SEARCH, _margin_search, "quick", "Exact search."),
        ),
    ),
    Claim(
        id="CMP-T6",
        family="comparison",
        title="Theorem 6: when the scheduled bound is strictly lower",
        statement=r"$UB_{sch}-UB_{agg} \le \eta^2\sum_{p<q}(-L\langle G_p^0,G_q^0\rangle-"
        r"\Gamma_{pq}\|G_p^0\|\|G_q^0\|)+R_m$. In particular, if $\sum_{p<q}(\Gamma_{pq}\|G_p^0\|"
        r"\|G_q^0\|+L\langle G_p^0,G_q^0\rangle) > R_m/\eta^2$ then $UB_{sch}<UB_{agg}$; "
        r"$\Delta_{UB}\ge0$ whenever eq. 59 holds.",
        plain="With R_m the positive part of the start substitution error: eq. 57 gives eq. 58, "
        "and eq. 57 and 59 give UB_sch < UB_agg, that is Delta_UB > 0.",
        source=Source("SON-GOKU", "App. C.5, Theorem 6; C.6", ("57", "58", "59", "62")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE, NEGATIVE_CROSS, DRIFT),
        used_for="Section 5.3; eq. 63.",
        checks=improvement_checks(),
        reading='R_m as "collected"; with eq. 56 for R_m it is false: CMP-59',
        notes="A statement about the bounds only (CMP-5.3-DROP). Its condition needs the gradients "
        "along the refresh, so it can't be evaluated at the start.",
    ),
    Claim(
        id="CMP-59",
        family="comparison",
        title="Theorem 6 with eq. 56 for R_m",
        statement=r"[I]f $\sum_{p<q}\left(\Gamma_{pq}\|G_p^0\|\|G_q^0\|+L\langle G_p^0,G_q^0\rangle"
        r"\right) > \frac{R_m(x;\eta)}{\eta^2}$ then $UB_{sch}(x;\eta) < UB_{agg}(x;\eta)$; "
        r"$R_m$ as bounded in Proposition 4.",
        plain="If eq. 57 and eq. 59 hold with the right side of eq. 56 for R_m, then UB_sch < "
        "UB_agg.",
        source=Source("SON-GOKU", "App. C.5, Theorem 6 with Proposition 4", ("56", "59", "62")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE, NEGATIVE_CROSS),
        used_for="The only form of eq. 59 that can be evaluated at the start of a refresh.",
        checks=(replayed(TIGHTER),),
        reading="R_m by the paper's only formula for it, eq. 56",
        repaired_by="CMP-59-R",
        vacuous=_never_for_conflict,
        notes="In the counterexample F(x_sch) > F(x_agg) too.",
    ),
    Claim(
        id="CMP-59-R",
        family="comparison",
        title="Theorem 6 with a penalty that holds",
        statement=r"If eq. 57 and eq. 59 hold with the bound of CMP-56-R for $R_m$, then "
        r"$UB_{sch}(x;\eta) < UB_{agg}(x;\eta)$.",
        plain="If eq. 57 and eq. 59 hold with CMP-56-R's bound for R_m, then UB_sch < UB_agg.",
        source=Source("songoku", "repair of App. C.5, Theorem 6", ("58", "59")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE, NEGATIVE_CROSS),
        used_for="A sufficient condition that can be evaluated at the start of a refresh.",
        checks=improvement_checks(penalty_repaired),
        repairs="CMP-59",
    ),
    Claim(
        id="CMP-C5",
        family="comparison",
        title="The terms I_pq determine when scheduling is advantageous at the bound level",
        statement=r"The terms $I_{pq}(x;\eta)$ encode Hessian-weighted interactions between "
        r"groups and determine when scheduling is advantageous at the bound level. [C.4] The gap "
        r"is governed by Hessian-weighted cross terms $I_{pq}$.",
        plain="Two problems with the same F, x, eta, L, G_r(x), and so the same I_pq, have the "
        "same sign of UB_sch - UB_agg.",
        source=Source("SON-GOKU", "App. C.5, first sentence; C.4, Interpretation", ("51", "52")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE),
        used_for="Assumption 7 as the condition to look at.",
        checks=(replayed(DETERMINE),),
        reading='"determine" at its word',
        repaired_by="CMP-C5-R",
        notes="The two problems differ only in how F's Hessian is split between the groups. To "
        "leading order in eta the drift counts as much as I_pq: CMP-C5-R.",
    ),
    Claim(
        id="CMP-C5-R",
        family="comparison",
        title="What determines the gap between the bounds, to second order",
        statement=r"For constant Hessians $UB_{sch}-UB_{agg} = \eta^2\Big[\sum_{p<q}\big(-L\langle "
        r"G_p,G_q\rangle+\langle HG_p,G_q\rangle\big)+\langle\nabla F,\sum_{p<q}DG_q\,G_p\rangle"
        r"\Big]+O(\eta^3)$.",
        plain="The eta^2 coefficient of UB_sch - UB_agg is sum over p < q of (-L <G_p, G_q> + <H "
        "G_p, G_q>) + <grad F, sum over p < q of DG_q G_p>; lower ones vanish.",
        source=Source("songoku", "repair of App. C.4 and C.5", ("52",)),
        assumptions=(SMOOTH, SUM),
        used_for="The difference to EXT-8-ORDER, the truth: the bounds add <(H - L)G_p, G_q>, "
        "which F does not know.",
        checks=(
            proof(
                "expand in eta",
                (
                    Step("CMP-T5: the gap at the start is the first sum, exactly."),
                    Step(
                        "The drift d_q = -eta DG_q sum over p < q of G_p + O(eta^2) enters as -eta "
                        "<grad F, d_q>; everything else that it enters is O(eta^3).",
                        algebra(_second_order_symbols),
                    ),
                ),
            ),
            Check(
                "coefficients of eta", Method.EXACT, _second_order_exactly, "quick", "Exact series."
            ),
            identities("two groups in the plane", _second_order_symbols, "the eta^2 coefficient"),
        ),
        repairs="CMP-C5",
    ),
    Claim(
        id="CMP-5.3-STRICT-R",
        family="comparison",
        title="Conflict between groups raises the bound on the gap",
        statement=r"For two groups with cosine $c\le0$ the left side of eq. 59 is at most "
        r"$L(1+c)\|G_1^0\|\|G_2^0\|$. For opposite gradients, $c=-1$, eq. 59 can't hold, whatever "
        r"$H$ and $R_m\ge0$.",
        plain="For two groups with cosine c <= 0 the left side of eq. 59 is at most L(1 + c)|G_1|"
        "|G_2|, so 0 at c = -1: then eq. 59 can't hold.",
        source=Source("songoku", "repair of section 5.3; on App. C.5", ("59",)),
        assumptions=(SMOOTH, SUM, CONFLICT),
        used_for="What eq. 52 says about opposing groups: the reverse of section 5.3.",
        checks=(
            proof(
                "the left side of eq. 59",
                (
                    Step("Gamma |G_1||G_2| <= -I_12 <= L |G_1||G_2| (eq. 57, 53)."),
                    Step("Add L <G_1, G_2> = L c |G_1||G_2|.", algebra(_left_side)),
                ),
            ),
            searched(_conflict_hurts, among=lambda p: p.size == 2, words=" with two groups"),
            identities("the bound's slack", _left_side, "the left side is at most L(1 + c)g_1 g_2"),
        ),
        repairs="CMP-5.3-STRICT",
    ),
    Claim(
        id="CMP-C8-ARISE-R",
        family="comparison",
        title="Eq. 59 with eq. 56 never holds in both orders of two conflicting groups",
        statement=r"For two groups with $\langle G_1^0,G_2^0\rangle\le0$, eq. 57 and eq. 59 with "
        r"eq. 56 for $R_m$ need $L_2 < L^*(1+c)\frac{\|G_2^0\|}{\|G_1^0\|+\|G_2^0\|}$, $L^*$ the "
        r"smallest Lipschitz constant of $\nabla F$, and can't hold in both orders.",
        plain="For two groups with <G_1, G_2> <= 0, eq. 57 and 59, with eq. 56 for R_m, can't hold "
        "in both orders of the groups.",
        source=Source("songoku", "repair of App. C.8; on Theorem 6", ("59",)),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, CONFLICT),
        used_for="How often Theorem 6 can apply to what the scheduler separates.",
        checks=both_orders_checks(),
        repairs="CMP-C8-ARISE",
        notes="A larger penalty (CMP-56-R) makes it harder still. For one fixed order the second "
        "group has to be much smoother than F: at equal norms L_2 < L*(1 + c)/2.",
    ),
)
