"""Eq. 40-42, 50 and 53: what "L-smooth" gives, and what it is used for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType
from typing import Any

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
)
from proofs_check.claims.comparison._problem import (
    Problem,
    aggregated,
    bound_agg,
    dot,
    interaction,
    minus,
    norm,
    scheduled,
    starts,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.exact import for_every
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Assumption, Check, Claim, Finding, Source

__all__ = ["CLAIMS", "ONE_SIDED", "aggregated_checks", "interaction_checks"]

HESSIAN = "cmp_40_hessian"

ONE_SIDED = Assumption(
    "eq. 40 alone",
    "F(y) <= F(x) + <grad F(x), y - x> + L/2 |y - x|^2 for all x, y",
    lambda curvature, smoothness: curvature <= smoothness,
)


def _descent_holds(problem: Problem) -> bool:
    """Eq. 40 between the start and the two end points, both ways."""
    for end in (scheduled(problem), aggregated(problem)):
        for x, y in ((problem.start, end), (end, problem.start)):
            step = minus(y, x)
            right = problem.objective(x) + dot(problem.gradient(x), step)
            if problem.objective(y) > right + problem.smoothness / 2 * dot(step, step):
                return False
    return True


def _quadratic_slack(sympy: ModuleType) -> list[Identity]:
    h, g, x, y, smooth = sympy.symbols("h g x y L")

    def value(u: Expression) -> Expression:
        return h * u**2 / 2 + g * u

    right = value(x) + (h * x + g) * (y - x) + smooth / 2 * (y - x) ** 2
    return [
        (
            "for F = h u^2/2 + g u the slack of eq. 40 is (L - h)(y - x)^2/2",
            right - value(y),
            (smooth - h) * (y - x) ** 2 / 2,
        )
    ]


@replayer("comparison-one-sided")
def _replay_one_sided(data: Mapping[str, Any]) -> Replay:
    """F = c u^2/2 meets eq. 40 and has |H| > L; two groups then break eq. 53."""
    c, smooth = rational(data["curvature"]), rational(data["L"])
    first, second = (rational(g) for g in data["groups"])
    meets_40 = c <= smooth and smooth > 0  # slack (L - c)(y - x)^2/2, for all x and y
    cross = c * first * second
    return Replay(
        (
            f"F(u) = {c}u^2/2, L = {smooth}; x = 0, G_1(x) = {first}, G_2(x) = {second}, whose "
            f"sum is F'(0) = {first + second}",
            f"eq. 40 has slack (L - ({c}))(y - x)^2/2 = {(smooth - c) / 2}(y - x)^2 >= 0 for all "
            "x, y: it holds",
            f"|H| = {abs(c)} > L = {smooth}",
            f"I_12 = H G_1 G_2 = {cross} > L |G_1||G_2| = {smooth * abs(first * second)}",
            "So eq. 40 holds, and neither |H| <= L nor eq. 53 does.",
        ),
        meets_40
        and first + second == 0
        and abs(c) > smooth
        and cross > smooth * abs(first * second),
    )


def interaction_checks(factor: Fraction = Fraction(1)) -> tuple[Check, ...]:
    """Evidence for eq. 53 with ``factor * L``."""

    def holds(problem: Problem) -> bool:
        return all(
            interaction(problem, u, v) <= factor * problem.smoothness * norm(u) * norm(v)
            and interaction(problem, v, u) <= factor * problem.smoothness * norm(u) * norm(v)
            for u, v in combinations(starts(problem), 2)
        )

    def steps(sympy: ModuleType) -> list[Identity]:
        a, b, c, k, smooth = sympy.symbols("a b c k L")
        # H = L(2P - 1) attains the bound: reflect u into v direction; here H = -L, v = -u.
        return [
            ("H = -L and v = -k u: <H u, v> = L k |u|^2", -smooth * a * -k * a, smooth * k * a**2),
            (
                "Lagrange's identity: |u|^2 |w|^2 - <u, w>^2 is a square in the plane",
                (a**2 + b**2) * (c**2 + k**2) - (a * c + b * k) ** 2,
                (a * k - b * c) ** 2,
            ),
        ]

    return (
        proof(
            "|H| <= L gives I_pq <= L |G_p| |G_q|",
            (
                Step(
                    "A gradient that is L-Lipschitz has |(grad F(y + h v) - grad F(y))/h| <= "
                    "L |v|; in the limit |H(y) v| <= L |v|. Eq. 40 for F and for -F says "
                    "-L |v|^2 <= <H(y) v, v> <= L |v|^2, the same for a symmetric H."
                ),
                Step(
                    "Cauchy-Schwarz: <H(y) G_p, G_q> <= |H(y) G_p| |G_q| <= L |G_p| |G_q|.",
                    algebra(steps),
                ),
                Step("The integral over t of a function that is at most a constant is, too."),
            ),
        ),
        searched(holds),
        identities(
            "the bound is attained",
            steps,
            "I_pq = L |G_p| |G_q| happens: H = -L and opposite gradients",
        ),
    )


def aggregated_checks(bound: Callable[[Problem], Fraction] = bound_agg) -> tuple[Check, ...]:
    """Evidence for ``F(x_agg) <= bound``, and for its short form."""

    def holds(problem: Problem) -> bool:
        slope = problem.gradient(problem.start)
        eta, smooth = problem.eta, problem.smoothness
        short = problem.objective(problem.start) - eta * (1 - smooth * eta / 2) * dot(slope, slope)
        return problem.objective(aggregated(problem)) <= bound(problem) == short

    def build(sympy: ModuleType) -> list[Identity]:
        h, g, f, eta, smooth = sympy.symbols("h g f eta L")
        printed = f - eta * g * g + smooth * eta**2 / 2 * g * g
        moved = f - eta * g * g + h * eta**2 * g * g / 2
        return [
            ("UB_agg = F - eta(1 - L eta/2) g^2", printed, f - eta * (1 - smooth * eta / 2) * g**2),
            (
                "curvature h along the step: slack",
                printed - moved,
                eta**2 * (smooth - h) / 2 * g**2,
            ),
        ]

    return (
        proof(
            "F(x_agg) <= UB_agg",
            (
                Step("y = x_agg = x - eta sum G_r(x) in eq. 40: y - x = -eta sum G_r(x)."),
                Step(
                    "As sum G_r(x) = grad F(x), this is F - eta(1 - L eta/2)|grad F|^2.",
                    algebra(build),
                ),
            ),
        ),
        searched(holds),
        identities("short form and slack", build, "UB_agg is the descent lemma at x_agg"),
    )


@replayer("comparison-aggregator")
def _replay_aggregator(data: Mapping[str, Any]) -> Replay:
    """Groups as a fixed linear aggregator of their tasks; F as in eq. 2."""
    tasks = [rational(g) for g in data["tasks"]]
    weights = [rational(w) for w in data["weights"]]
    coefficients = [rational(a) for a in data["coefficients"]]
    full = sum((w * g for w, g in zip(weights, tasks, strict=True)), Fraction(0))
    summed = sum((a * g for a, g in zip(coefficients, tasks, strict=True)), Fraction(0))
    return Replay(
        (
            f"task gradients {', '.join(map(str, tasks))} in one group, w = "
            f"{', '.join(map(str, weights))}: grad F = {full}",
            f"aggregator with coefficients {', '.join(map(str, coefficients))}",
            f"So sum G_r = {summed}, not grad F = {full}.",
        ),
        summed != full,
    )


def _aggregators() -> Finding:
    """sum a_i g_i = sum w_i g_i for every unit vector g exactly if a = w."""
    values = [Fraction(k, 2) for k in range(-2, 3)]
    cases = list(product(product(values, repeat=2), repeat=2))

    def holds(case: tuple[tuple[Fraction, ...], ...]) -> bool:
        a, w = case
        units = ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(1)))
        agree = all(
            sum(x * g for x, g in zip(a, unit, strict=True))
            == sum(x * g for x, g in zip(w, unit, strict=True))
            for unit in units
        )
        return agree == (a == w)

    return for_every(cases, holds, str, "two tasks, coefficients and weights in -1..1 by halves")


CLAIMS: Sequence[Claim] = (
    Claim(
        id="CMP-AGG",
        family="comparison",
        title="The group gradients of any fixed linear aggregator add up to grad F",
        statement=r"We write $\nabla F(x)=\sum_{r=1}^m G_r(x)$, where each $G_r(x)$ is the group "
        r"gradient for color $r$ (any fixed linear aggregator of task gradients assigned to color "
        r"$r$ for the current refresh).",
        plain="For every choice of fixed coefficients a_i, with G_r = sum of a_i g_i over its "
        "tasks, the G_r add up to the gradient of eq. 2's F.",
        source=Source("SON-GOKU", "App. C; Definition C.1 and C.2", ("2", "41", "43")),
        assumptions=(),
        used_for="Eq. 41, 42 and everything after them.",
        checks=(replayed("cmp_aggregator"),),
        reading="F as in eq. 2; if F is defined as the potential of sum G_r, it is a definition",
        repaired_by="CMP-AGG-R",
        notes="A class mean, for one, is a fixed linear aggregator; with it scheduled and "
        "aggregated updates minimise an F that weighs tasks by the size of their class.",
    ),
    Claim(
        id="CMP-AGG-R",
        family="comparison",
        title="Only the weighted sum adds up to grad F",
        statement=r"$\sum_r\sum_{i\in r}a_ig_i=\sum_iw_ig_i$ for all task gradients if and only if "
        r"$a_i=w_i$.",
        plain="The groups add up to eq. 2's gradient, whatever the task gradients, exactly if a_i "
        "= w_i for every task.",
        source=Source("songoku", "repair of App. C", ("2",)),
        assumptions=(),
        used_for="Which aggregator appendix C is about: eq. 6's.",
        checks=(
            proof(
                "compare coefficients",
                (
                    Step("If a = w the sums are the same."),
                    Step("With g_i a unit vector and all other task gradients 0: a_i = w_i."),
                ),
            ),
            exactly("small coefficients", _aggregators, "Two tasks."),
        ),
        repairs="CMP-AGG",
    ),
    Claim(
        id="CMP-40",
        family="comparison",
        title="A Lipschitz gradient gives the descent inequality",
        statement=r"$F$ is $L$-smooth, i.e. $F(y) \le F(x) + \langle \nabla F(x), y-x\rangle + "
        r"\frac{L}{2}|y-x|^2$ for all $x, y$.",
        plain="If the gradient of F is L-Lipschitz, then eq. 40 holds for all x and y.",
        source=Source("SON-GOKU", "App. C", ("40",)),
        assumptions=(SMOOTH,),
        used_for="Every bound of appendix C.",
        checks=(
            proof(
                "an L-Lipschitz gradient gives eq. 40",
                (
                    Step(
                        "F(y) - F(x) - <grad F(x), y - x> = int_0^1 <grad F(x + s(y - x)) - "
                        "grad F(x), y - x> ds."
                    ),
                    Step("The integrand is at most s L |y - x|^2, whose integral is L/2."),
                ),
            ),
            searched(_descent_holds),
            identities("quadratics", _quadratic_slack, "the slack of eq. 40 on a line"),
        ),
        reading='"L-smooth" as a Lipschitz gradient; the other direction is CMP-40-HESSIAN',
    ),
    Claim(
        id="CMP-40-HESSIAN",
        family="comparison",
        title="Eq. 40 bounds the Hessian's norm by L",
        statement=r"$F$ is $L$-smooth, i.e. [eq. 40]. $\ldots$ Using $\|H(\cdot)\|_{op} \le L$ and "
        r"Cauchy-Schwarz $I_{pq}(x;\eta) \le L\|G_p^0\|\,\|G_q^0\|$.",
        plain="If eq. 40 holds for all x and y, then |H| <= L everywhere, and so eq. 53.",
        source=Source("SON-GOKU", "App. C and C.4", ("40", "53")),
        assumptions=(ONE_SIDED, SUM),
        used_for="Eq. 53 and 54.",
        checks=(replayed(HESSIAN),),
        reading='"i.e." at its word: eq. 40 is all that is known of F',
        repaired_by="CMP-53-R",
        notes="Eq. 40 bounds the Hessian from above only: every concave F meets it with every L > "
        "0. For convex F the two are the same. With the usual definition, an L-Lipschitz gradient, "
        "eq. 53 is true: CMP-53-R.",
    ),
    Claim(
        id="CMP-53-R",
        family="comparison",
        title="Eq. 53 with a Lipschitz gradient",
        statement=r"If $\nabla F$ is $L$-Lipschitz (or eq. 40 holds for $F$ and $-F$), then "
        r"$I_{pq}(x;\eta) \le L\|G_p^0\|\,\|G_q^0\|$, and this is attained.",
        plain="With an L-Lipschitz gradient I_pq <= L |G_p| |G_q|, for both orders of the pair, "
        "with equality for H = -L and opposite gradients.",
        source=Source("songoku", "App. C.4 with a Lipschitz gradient", ("51", "53")),
        assumptions=(SMOOTH, SUM),
        used_for="Eq. 54; Gamma_pq <= L in eq. 57.",
        checks=interaction_checks(),
        reading="L-smooth as a Lipschitz gradient",
        repairs="CMP-40-HESSIAN",
    ),
    Claim(
        id="CMP-42",
        family="comparison",
        title="The aggregated bound",
        statement=r"$F(x^{agg}) \le F(x) - \eta\langle\nabla F(x), \sum_r G_r^0\rangle + "
        r"\frac{L\eta^2}{2}\|\sum_r G_r^0\|^2$.",
        plain="F(x_agg) <= UB_agg, which is F - eta(1 - L eta/2)|grad F|^2.",
        source=Source("SON-GOKU", "App. C.1.1, Definition C.1; C.3", ("41", "42", "50")),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="The aggregated side of the comparison; eq. 61.",
        checks=aggregated_checks(),
        notes="Eq. 41 makes x_agg one step of gradient descent. No grouping is left in it.",
    ),
)
