"""Theorem 5, eq. 51-54, Proposition 4: the gap between the two bounds, and the drift penalty.

R_m is never defined by a formula: it "collects" what replacing ``G_r(x_{r-1})`` by ``G_r(x)`` in
eq. 49 changes. Read so, Theorem 5 is an identity. Eq. 56 is the only computable bound on R_m, and
it leaves out the change of the integrals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
    Step,
    algebra,
    exactly,
    identities,
    proof,
    replayed,
    searched,
)
from proofs_check.claims.comparison._families import read_problem
from proofs_check.claims.comparison._problem import (
    Problem,
    bound_agg,
    bound_path,
    bound_sch,
    bound_start,
    inner_sum,
    starts,
)
from proofs_check.claims.comparison._terms import (
    norms,
    penalty_56,
    penalty_repaired,
    start_gap,
)
from proofs_check.claims.comparison.telescoping import show_walk
from proofs_check.counterexamples import Replay, replayer
from proofs_check.methods.findings import inconclusive, supports
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Assumption, Check, Claim, Finding, Source

__all__ = ["CLAIMS", "gap_checks", "penalty_checks", "substitution_error"]

NEGATIVE = "cmp_rm_negative"
PENALTY = "cmp_56_penalty"

DRIFT = Assumption(
    "R_m",
    "R_m(x; eta) is UB_sch minus UB_sch with G_r(x) for G_r(x_{r-1}), or 0 if that is less",
    lambda problem, penalty: penalty == max(substitution_error(problem), 0),
)


def substitution_error(problem: Problem) -> Fraction:
    """Return what the start substitution changes in eq. 49 as printed."""
    return bound_sch(problem) - bound_start(problem)


def _gap_identity(size: int) -> Callable[[ModuleType], list[Identity]]:
    """UB at the start minus UB_agg, with the inner products as free symbols."""

    def build(sympy: ModuleType) -> list[Identity]:
        eta, smooth = sympy.symbols("eta L")
        inner = {(p, q): sympy.Symbol(f"s{p}{q}") for p in range(size) for q in range(p, size)}
        crossing = {(p, q): sympy.Symbol(f"i{p}{q}") for p, q in combinations(range(size), 2)}
        squares = sum(inner[p, p] for p in range(size))
        pairs = sum(inner[pair] for pair in crossing)
        slope = squares + 2 * pairs  # <grad F, sum G> = |sum G|^2
        start = -eta * slope + smooth * eta**2 / 2 * squares + eta**2 * sum(crossing.values())
        mixed = -eta * slope + smooth * eta**2 / 2 * (squares + 2 * pairs)
        main = eta**2 * sum(-smooth * inner[pair] + crossing[pair] for pair in crossing)
        return [(f"m = {size}", start - mixed, main)]

    return build


def gap_checks(gap: Callable[[Problem], Fraction] = start_gap) -> tuple[Check, ...]:
    """Evidence for eq. 52 with `gap` as its first term and R_m the positive part of the error."""

    def holds(problem: Problem) -> bool:
        penalty = max(substitution_error(problem), Fraction(0))
        return (
            bound_start(problem) - bound_agg(problem) == gap(problem)
            and bound_sch(problem) - bound_agg(problem) <= gap(problem) + penalty
        )

    return (
        proof(
            "eq. 52 with R_m as it is described",
            (
                Step("UB_sch = UB_sch at the start + the error <= UB_sch at the start + R_m."),
                Step(
                    "|sum G_r|^2 = sum |G_r|^2 + 2 sum over p < q of <G_p, G_q>, so UB_sch at the "
                    "start minus UB_agg is eta^2 sum over p < q of (-L <G_p, G_q> + I_pq).",
                    algebra(_gap_identity(3)),
                ),
            ),
        ),
        searched(holds),
        identities(
            "Gram symbols",
            lambda sympy: [i for m in (2, 3, 4) for i in _gap_identity(m)(sympy)],
            "the gap at the start, m = 2, 3, 4",
        ),
    )


def penalty_checks(
    penalty: Callable[[Problem], Fraction] = penalty_repaired,
    for_quadratics: Callable[[Problem], Fraction] = lambda p: penalty_repaired(
        p, constant_hessian=True
    ),
) -> tuple[Check, ...]:
    """Evidence that `penalty` bounds the change of eq. 49, with both readings of its integrals."""

    def holds(problem: Problem) -> bool:
        limit = for_quadratics(problem) if problem.constant_hessian else penalty(problem)
        changes = (substitution_error(problem), bound_path(problem) - bound_start(problem))
        return max(map(abs, changes)) <= limit

    return (
        proof(
            "the change of eq. 49 under the start substitution is at most CMP-56-R's R",
            (
                Step("Let d_r = G_r(x_{r-1}) - G_r(x); |d_r| <= e_r = L_r D_r (CMP-48-R)."),
                Step("|eta <grad F, d_r>| <= eta (sum |G_p|) e_r."),
                Step(
                    "|G_r + d_r|^2 - |G_r|^2 = 2 <G_r, d_r> + |d_r|^2 is at most "
                    "2 |G_r| e_r + e_r^2 in absolute value."
                ),
                Step(
                    "For p = 1, d_1 = 0 and the integral's Hessian stays: the pair's change is "
                    "int <H G_1, d_q> <= L |G_1| e_q = L[(g_1 + e_1)(g_q + e_q) - g_1 g_q]. The "
                    "same formula for every p if H is constant.",
                    algebra(_pair_change),
                ),
                Step(
                    "For p >= 2 the Hessians may be two different ones; each integral is at most "
                    "L times the product of its norms."
                ),
            ),
        ),
        searched(holds),
        identities(
            "one pair with a constant Hessian",
            _pair_change,
            "the pair's change is linear and bilinear in the drifts",
        ),
    )


def _pair_change(sympy: ModuleType) -> list[Identity]:
    h, a, b, c, d = sympy.symbols("h a b c d")
    g, e, k, f = sympy.symbols("g e k f")
    return [
        (
            "h(a + c)(b + d) - h a b = h(a d + c b + c d)",
            h * (a + c) * (b + d) - h * a * b,
            h * (a * d + c * b + c * d),
        ),
        ("the bound has the same shape", (g + e) * (k + f) - g * k, g * f + e * k + e * f),
    ]


@replayer("comparison-penalty")
def _replay_penalty(data: Mapping[str, Any]) -> Replay:
    """The error of the start substitution exceeds eq. 56."""
    problem = read_problem(data)
    error, printed = substitution_error(problem), penalty_56(problem)
    repaired = penalty_repaired(problem)
    gap = bound_sch(problem) - bound_agg(problem)
    return Replay(
        (
            *show_walk(problem),
            f"UB_sch = F + {bound_sch(problem)}; with the gradients at the start F + "
            f"{bound_start(problem)}: the error is {error}",
            f"eq. 56 allows {printed}; with the integrals' change it would be {repaired}",
            f"UB_sch - UB_agg = {gap}; eq. 52 with eq. 56 for R_m says at most "
            f"{start_gap(problem) + printed}",
            "So no R_m meets both eq. 52 and eq. 56.",
        ),
        problem.eta * problem.smoothness <= 1
        and error > printed
        and gap > start_gap(problem) + printed
        and error <= repaired,
    )


@replayer("comparison-negative-error")
def _replay_negative(data: Mapping[str, Any]) -> Replay:
    """The drift helps: the error of the start substitution is negative."""
    problem = read_problem(data)
    error = substitution_error(problem)
    return Replay(
        (
            *show_walk(problem),
            f"UB_sch = F + {bound_sch(problem)}; with the gradients at the start F + "
            f"{bound_start(problem)}",
            f"So the start substitution error is {error} < 0.",
        ),
        problem.eta * problem.smoothness <= 1 and error < 0,
    )


def _looser() -> Finding:
    """Two convex quadratics at which UB_sch > UB_agg, in both orders."""
    data = {
        "hessians": [[["1"]], [["1"]]],
        "gradients": [["-1"], ["2"]],
        "lipschitz": ["1", "1"],
        "eta": "1/2",
        "L": "2",
    }
    problem = read_problem(data)
    gaps = [bound_sch(problem, order) - bound_agg(problem) for order in ((0, 1), (1, 0))]
    words = f"UB_sch - UB_agg = {gaps[0]} and {gaps[1]} in the two orders of {problem.name}"
    if min(gaps) > 0:
        return supports("all_sizes", "a witness settles it", words)
    return inconclusive("one problem", words)


def _always_looser(sympy: ModuleType) -> list[Identity]:
    """Constant opposite gradients: the gap is eta^2 L k g^2 > 0."""
    g, k, eta, smooth = sympy.symbols("g k eta L")
    first, second = g, -k * g
    scheduled_bound = -eta * (first + second) ** 2 + smooth * eta**2 / 2 * (first**2 + second**2)
    mixed = -eta * (first + second) ** 2 + smooth * eta**2 / 2 * (first + second) ** 2
    return [("G_2 = -k G_1, H = 0", scheduled_bound - mixed, eta**2 * smooth * k * g**2)]


def _envelope(problem: Problem) -> bool:
    groups = starts(problem)
    sizes = norms(problem)
    products = sum((a * b for a, b in combinations(sizes, 2)), Fraction(0))
    envelope = problem.smoothness * problem.eta**2 * (products - inner_sum(groups))
    penalty = max(substitution_error(problem), Fraction(0))
    gap = bound_sch(problem) - bound_agg(problem)
    return envelope >= 0 and gap <= envelope + penalty and start_gap(problem) <= envelope


def _envelope_terms(sympy: ModuleType) -> list[Identity]:
    a, b, c, d = sympy.symbols("a b c d")
    return [
        (
            "Lagrange: |u|^2 |v|^2 - <u, v>^2 = (ad - bc)^2 in the plane",
            (a**2 + b**2) * (c**2 + d**2) - (a * c + b * d) ** 2,
            (a * d - b * c) ** 2,
        )
    ]


def _grows_with_eta(problem: Problem) -> bool:
    """The repaired penalty over eta^2 is largest at eta = 1/L."""
    largest = replace(problem, eta=1 / problem.smoothness)
    constant = penalty_repaired(largest) * problem.smoothness**2
    limit = constant * problem.eta**2
    return substitution_error(problem) <= limit and penalty_repaired(problem) <= limit


def _order_eta_squared(sympy: ModuleType) -> list[Identity]:
    """On a line with two groups the error is eta^2 L_2 g_1 (g_1 + g_2) to leading order."""
    eta, smooth, h, a, g1, g2 = sympy.symbols("eta L h a g1 g2")

    def bound(second: Expression) -> Expression:
        return (
            -eta * (g1 + g2) * (g1 + second)
            + smooth * eta**2 / 2 * (g1**2 + second**2)
            + eta**2 * h * g1 * second
        )

    error = sympy.expand(bound(g2 - eta * a * g1) - bound(g2))
    return [
        ("no term below eta^2", error.coeff(eta, 0) + error.coeff(eta, 1), sympy.Integer(0)),
        ("the eta^2 term does not vanish", error.coeff(eta, 2), a * g1 * (g1 + g2)),
    ]


_T5 = "App. C.4, Theorem 5"

CLAIMS: Sequence[Claim] = (
    Claim(
        id="CMP-RM",
        family="comparison",
        title="The drift penalty is not negative",
        statement=r"When these substitutions are made in scheduled bounds, the induced drift "
        r"contributions are collected into a nonnegative penalty $R_m(x;\eta)$. [C.4] "
        r"$R_m(x;\eta)\ge 0$; [Proposition 4] the scheduled start substitution error.",
        plain="The change of UB_sch when G_r(x_{r-1}) is replaced by G_r(x) is never negative.",
        source=Source("SON-GOKU", "App. C.2.1, C.4 and Proposition 4"),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE),
        used_for="Theorem 5.",
        checks=(replayed(NEGATIVE),),
        reading='R_m as the error itself, "the scheduled start substitution error"; as an upper '
        "bound on it R_m may be chosen nonnegative, see CMP-T5-R",
        repaired_by="CMP-T5-R",
        notes="Drift can help: then the error is negative. Eq. 52 stays true with the positive "
        "part, or with any bound on the absolute value.",
    ),
    Claim(
        id="CMP-T5",
        family="comparison",
        title="Theorem 5: the gap between the bounds",
        statement=r"$UB_{sch}(x;\eta) - UB_{agg}(x;\eta) \le \eta^2\sum_{p<q}\left(-L\langle "
        r"G_p^0,G_q^0\rangle + I_{pq}(x;\eta)\right) + R_m(x;\eta)$.",
        plain="UB_sch - UB_agg <= eta^2 sum over p < q of (-L <G_p, G_q> + I_pq) + R_m, with R_m "
        "the positive part of the start substitution error.",
        source=Source("SON-GOKU", _T5, ("49", "50", "51", "52")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE, DRIFT),
        used_for="Theorem 6.",
        checks=gap_checks(),
        reading='R_m as "collected"; with eq. 56 in its place it is false: CMP-56',
        notes="With this R_m the theorem is a definition plus one identity; all its content is in "
        "how large R_m can be. Conflict, <G_p, G_q> < 0, makes the right side larger.",
    ),
    Claim(
        id="CMP-T5-R",
        family="comparison",
        title="The gap between the bounds, with a penalty that can be computed",
        statement=r"Eq. 52 holds with $R_m$ replaced by the bound of CMP-56-R, which is "
        r"nonnegative.",
        plain="UB_sch - UB_agg <= eta^2 sum over p < q of (-L <G_p, G_q> + I_pq) + R, with the R "
        ">= 0 of CMP-56-R.",
        source=Source("songoku", "repair of App. C.2.1 and " + _T5, ("52",)),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE),
        used_for="CMP-59-R.",
        checks=(
            *gap_checks()[:1],
            searched(
                lambda p: (
                    penalty_repaired(p) >= 0
                    and bound_sch(p) - bound_agg(p) <= start_gap(p) + penalty_repaired(p)
                )
            ),
            penalty_checks()[2],
        ),
        repairs="CMP-RM",
    ),
    Claim(
        id="CMP-54",
        family="comparison",
        title="The envelope",
        statement=r"$UB_{sch} - UB_{agg} \le L\eta^2\sum_{p<q}\left(\|G_p^0\|\|G_q^0\| - \langle "
        r"G_p^0,G_q^0\rangle\right) + R_m \ge 0$.",
        plain="The gap is at most L eta^2 sum over p < q of (|G_p||G_q| - <G_p, G_q>) + R_m, and "
        "that is not negative.",
        source=Source("SON-GOKU", "App. C.4", ("53", "54")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE, DRIFT),
        used_for='"Without additional structure, the scheduled bound can be looser."',
        checks=(
            proof(
                "eq. 54",
                (
                    Step("Eq. 53 (CMP-53-R) in eq. 52 (CMP-T5)."),
                    Step("Cauchy-Schwarz: every summand is >= 0.", algebra(_envelope_terms)),
                ),
            ),
            searched(_envelope),
            identities("Cauchy-Schwarz in the plane", _envelope_terms, "summands are >= 0"),
        ),
        notes="It can never show that scheduling is better; and an upper bound that is not "
        "negative does not show that the gap can be positive. It can: CMP-C4-LOOSER.",
    ),
    Claim(
        id="CMP-C4-LOOSER",
        family="comparison",
        title="The scheduled bound can be looser",
        statement=r"Without additional structure, the scheduled smoothness bound can be looser "
        r"than the aggregated bound. [C.8] Without additional structure the scheduled bound need "
        r"not be tighter.",
        plain="There are problems with UB_sch > UB_agg.",
        source=Source("SON-GOKU", "App. C.4, Interpretation; C.8", ("54",)),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="It contradicts section 5.3: CMP-5.3-NEVER.",
        checks=(
            exactly("two convex quadratics", _looser, "UB_sch > UB_agg in both orders."),
            identities(
                "constant opposite gradients", _always_looser, "the gap is eta^2 L k g^2 > 0"
            ),
        ),
    ),
    Claim(
        id="CMP-56",
        family="comparison",
        title="Proposition 4's bound on the drift penalty",
        statement=r"$R_m(x;\eta) \le \eta^2\left(\sum_p\|G_p^0\|\right)\sum_{r=2}^m L_r S_{r-1} + "
        r"\frac{L\eta^2}{2}\sum_{r=2}^m\left(2\|G_r^0\|L_r\eta S_{r-1} + (L_r\eta S_{r-1})^2"
        r"\right)$.",
        plain="The R_m of eq. 52 is at most eq. 56's right side: UB_sch - UB_agg <= eta^2 sum over "
        "p < q of (-L <G_p, G_q> + I_pq) + (right side of eq. 56).",
        source=Source("SON-GOKU", "App. C.4, Proposition 4", ("52", "56")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE),
        used_for="Eq. 59 as a condition that can be evaluated.",
        checks=(replayed(PENALTY),),
        reading="together with eq. 52: no R_m meets both, however it is defined",
        repaired_by="CMP-56-R",
        notes="Two things are missing: the change of the integrals in eq. 49, of order eta^3 for m "
        "= 2, and from m = 3 on the compounding of eq. 48. In the counterexample, with m = 2 on a "
        "line, the first alone decides: 5/2 against 3/2, and eta^3 L L_2 |G_1|^2 = 1 is what is "
        "missing. It is not convex; whether convex groups can exceed eq. 56 with m = 2 is open.",
    ),
    Claim(
        id="CMP-56-R",
        family="comparison",
        title="A bound on the drift penalty that holds",
        statement=r"With $e_r = L_rD_r$, $|R_m| \le \eta\left(\sum_p g_p\right)\sum_r e_r + "
        r"\frac{L\eta^2}{2}\sum_r(2g_re_r+e_r^2) + L\eta^2\sum_{p<q}c_{pq}$, where $c_{pq} = "
        r"(g_p+e_p)(g_q+e_q) - g_pg_q$ for $p = 1$ or constant $H$, and with $+\,g_pg_q$ else.",
        plain="The error of the start substitution is at most eq. 56 with D_r of CMP-48-R for eta "
        "S_{r-1}, plus L eta^2 times the sum of the pairs' changes; for m = 2 the addition is "
        "eta^3 L L_2 |G_1|^2. Both readings of eq. 49.",
        source=Source("songoku", "repair of App. C.4, Proposition 4", ("56",)),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM),
        used_for="CMP-59-R.",
        checks=penalty_checks(),
        repairs="CMP-56",
        notes="Attained by CMP-56's counterexample.",
    ),
    Claim(
        id="CMP-56-ORDER",
        family="comparison",
        title="The drift penalty is of second order in eta",
        statement=r"[S]o $R_m(x;\eta) = O(\eta^2)$ with constants controlled by $\{L_r\}$ and "
        r"$\{\|G_r^0\|\}$.",
        plain="R_m <= c eta^2 for all eta in (0, 1/L], c made of L, L_r and |G_r(x)|; and no "
        "higher power of eta would do.",
        source=Source("SON-GOKU", "App. C.4, end of Proposition 4", ("56",)),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE),
        used_for="R_m/eta^2 in eq. 59.",
        checks=(
            proof(
                "R_m = O(eta^2)",
                (
                    Step(
                        "D_r/eta is a polynomial in eta with coefficients >= 0; so are the terms "
                        "of CMP-56-R divided by eta^2. They are largest at eta = 1/L."
                    ),
                    Step(
                        "The error's eta^2 term is <grad F, sum over p < q of DG_q G_p> with the "
                        "sign of the drift; it does not vanish in general.",
                        algebra(_order_eta_squared),
                    ),
                ),
            ),
            searched(_grows_with_eta),
            identities("two groups on a line", _order_eta_squared, "lowest power eta^2"),
        ),
        notes="So R_m/eta^2 in eq. 59 does not go to 0 with eta: the drift is of the order of the "
        "gain that it is compared with, and a smaller step does not help.",
    ),
)
