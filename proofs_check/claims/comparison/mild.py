"""Sections C.7.1 and C.7.2: are smooth losses and Lipschitz groups mild assumptions?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.comparison._evidence import (
    SUM,
    Step,
    algebra,
    exactly,
    proof,
    replayed,
    searched,
)
from proofs_check.claims.comparison._families import (
    is_bounded_by,
    plane_problems,
)
from proofs_check.claims.comparison._problem import (
    Problem,
    Vector,
    dot,
    minus,
    starts,
    times,
    total,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.exact import for_every
from proofs_check.methods.polynomial import Polynomial, multiply, subtract
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Assumption, Check, Claim, Finding, Method, Source

__all__ = ["CLAIMS"]

Matrix = tuple[Vector, ...]

SMOOTH_TASKS = Assumption("smooth tasks", "each task gradient is L_i-Lipschitz")


# --- C.7.1: sums of smooth losses; networks; what smoothness is used for -------------------------


def _sum_is_smooth(problem: Problem) -> bool:
    """The gradient of the sum moves at most by the sum of the constants."""
    move = times(Fraction(1, 2), total(starts(problem)))
    change = minus(problem.gradient(move), problem.gradient(problem.start))
    limit = sum(problem.lipschitz, Fraction(0))
    return dot(change, change) <= limit * limit * dot(move, move)


def _triangle(sympy: ModuleType) -> list[Identity]:
    a, b, d = sympy.symbols("a b d")
    return [("a d + b d = (a + b) d", a * d + b * d, (a + b) * d)]


def _bracket() -> Polynomial:
    """``t^2 - 2 - 2L`` at t = 2(L + 1), as a polynomial in L."""
    t = (Fraction(2), Fraction(2))
    return subtract(multiply(t, t), (Fraction(2), Fraction(2)))


@replayer("comparison-network")
def _replay_network(data: Mapping[str, Any]) -> Replay:
    """(theta_2 theta_1 x - y)^2/2: for every L, eq. 40 fails between 0 and (t, t)."""
    x, y = rational(data["input"]), rational(data["target"])
    lines, violated = [], True
    for smooth in data["constants"]:
        t = Fraction(2 * (smooth + 1))
        value = (t * t * x - y) ** 2 / 2
        right = y * y / 2 + Fraction(smooth) * t * t  # gradient 0 at 0; |(t, t)|^2 = 2 t^2
        lines.append(f"L = {smooth}: F({t}, {t}) = {value} > {right}")
        violated &= value > right
    # with x = y = 1: value - right = t^2 (t^2 - 2 - 2L)/2, and t = 2(L + 1) makes the bracket
    # 4L^2 + 6L + 2, whose coefficients are positive
    in_general = min(_bracket()) > 0
    return Replay(
        (
            f"two layers, one example: F = (theta_2 theta_1 {x} - {y})^2/2, with a rectifier too "
            f"for theta_1 >= 0; F(0) = {y * y / 2}, grad F(0) = 0",
            *lines,
            "t^2 - 2 - 2L = 4L^2 + 6L + 2 > 0 for t = 2(L + 1) and every L >= 0",
            "So eq. 40 fails for every L: no constant makes this loss smooth on the whole space.",
        ),
        violated and in_general and x == y == 1,
    )


def _network_in_a_ball() -> Finding:
    """|H| <= 3 rho^2 + 1 for |theta| <= rho, on a grid of rationals."""

    def cases() -> Iterator[tuple[Fraction, Fraction]]:
        yield from product([Fraction(k, 4) for k in range(-12, 13)], repeat=2)

    def holds(point: tuple[Fraction, Fraction]) -> bool:
        a, b = point
        hessian: Matrix = ((b * b, 2 * a * b - 1), (2 * a * b - 1, a * a))
        return is_bounded_by(hessian, 3 * (a * a + b * b) + 1)

    return for_every(cases(), holds, str, "theta_1, theta_2 in steps of 1/4 from -3 to 3")


def _network_hessian(sympy: ModuleType) -> list[Identity]:
    a, b = sympy.symbols("a b")
    value = (a * b - 1) ** 2 / 2
    square = sum(
        (sympy.diff(value, u, v) + (1 if u != v else 0)) ** 2 for u in (a, b) for v in (a, b)
    )
    # H + (off-diagonal ones) = [[b^2, 2ab], [2ab, a^2]]
    return [
        ("F_aa", sympy.diff(value, a, 2), b**2),
        ("F_ab", sympy.diff(value, a, b), 2 * a * b - 1),
        (
            "Frobenius: b^4 + a^4 + 8 a^2 b^2 = 9 r^4 - 8(a^4 + b^4) - 10 a^2 b^2",
            square,
            9 * (a**2 + b**2) ** 2 - 8 * (a**4 + b**4) - 10 * a**2 * b**2,
        ),
    ]


# --- C.7.2: the groups' constants ----------------------------------------------------------------


@replayer("comparison-coefficients")
def _replay_coefficients(data: Mapping[str, Any]) -> Replay:
    """G = sum a_i g_i with an |a_i| > 1 on a line: its constant exceeds sum L_i."""
    slopes = [rational(s) for s in data["slopes"]]
    weights = [rational(a) for a in data["coefficients"]]
    group = abs(sum((a * s for a, s in zip(weights, slopes, strict=True)), Fraction(0)))
    printed = sum((abs(s) for s in slopes), Fraction(0))
    repaired = sum((abs(a * s) for a, s in zip(weights, slopes, strict=True)), Fraction(0))
    return Replay(
        (
            f"task gradients g_i(u) = s_i u with s = {', '.join(map(str, slopes))}, so L_i = |s_i|",
            f"G = sum a_i g_i with a = {', '.join(map(str, weights))}: its constant is {group}",
            f"So L_r = {group} > sum L_i = {printed}; with coefficients it is at most {repaired}.",
        ),
        printed < group <= repaired,
    )


def _group_constant(limit_one: bool) -> Finding:
    """Fixed combinations of 2x2 symmetric task Hessians, exactly."""
    cases = []
    weights = [Fraction(k, 2) for k in ((-2, -1, 1, 2) if limit_one else (-4, -1, 3))]
    for problem in plane_problems(3, 25):
        cases += [(problem, w) for w in product(weights, repeat=2)]

    def holds(case: tuple[Problem, tuple[Fraction, ...]]) -> bool:
        problem, coefficients = case
        pairs = list(zip(coefficients, problem.jacobians[:2], strict=True))
        group: Matrix = tuple(
            tuple(sum((a * m[i][j] for a, m in pairs), Fraction(0)) for j in range(2))
            for i in range(2)
        )
        constants = zip(coefficients, problem.lipschitz[:2], strict=True)
        bound = sum(((1 if limit_one else abs(a)) * lip for a, lip in constants), Fraction(0))
        return is_bounded_by(group, bound)

    return for_every(
        cases, holds, lambda case: f"{case[0].name}, a = {case[1]}", "two tasks in the plane"
    )


_COMBINATION = (
    Step("|sum a_i (g_i(u) - g_i(v))| <= sum |a_i| |g_i(u) - g_i(v)| <= (sum |a_i| L_i)|u - v|."),
)


_C71, _C72 = "App. C.7.1", "App. C.7.2"

CLAIMS: Sequence[Claim] = (
    Claim(
        id="CMP-C7.1-SUM",
        family="comparison",
        title="Smooth tasks make a smooth sum",
        statement=r"Each task loss we optimize is $L_i$-smooth, so the overall objective is "
        r"$L$-smooth.",
        plain="If each task gradient is L_i-Lipschitz, that of the sum is (sum L_i)-Lipschitz.",
        source=Source("SON-GOKU", _C71, ("40",)),
        assumptions=(SMOOTH_TASKS,),
        used_for="Appendix C's first assumption.",
        checks=(
            proof(
                "the triangle inequality",
                (Step("|sum (g_i(u) - g_i(v))| <= sum L_i |u - v|.", algebra(_triangle)),),
            ),
            searched(_sum_is_smooth),
        ),
        reading="the implication; whether the task losses are smooth is CMP-C7.1-TASKS",
    ),
    Claim(
        id="CMP-C7.1-TASKS",
        family="comparison",
        title="Each task loss is smooth",
        statement=r"The squared loss of a two-layer network is $L$-smooth for some $L$. [The "
        r"paper: each task loss we optimize is $L_i$-smooth.]",
        plain="The squared loss of a network with two layers, linear or with a rectifier between "
        "them, meets eq. 40 for some L, for all parameters.",
        source=Source("songoku", "on " + _C71, ("40",)),
        assumptions=(),
        used_for="Every step size eta <= 1/L of the theory.",
        checks=(replayed("cmp_c7_network"),),
        reading='eq. 40 "for all x, y", on the smallest network with a product of weights; the '
        "paper means its own networks, which are larger",
        repaired_by="CMP-C7.1-TASKS-R",
        notes="Layers multiply, so the loss grows faster than any parabola. Between 0 and (t, t) a "
        "rectifier changes nothing; elsewhere it takes differentiability away, too. Whether a "
        "given training run stays where its loss is smooth is a question to that run.",
    ),
    Claim(
        id="CMP-C7.1-TASKS-R",
        family="comparison",
        title="Smooth on bounded sets",
        statement=r"The loss $(\theta_2\theta_1-1)^2/2$ has $\|H\|\le 3\|\theta\|^2+1$: smooth on "
        r"each ball, with a constant that grows with it.",
        plain="The two-layer network's Hessian has norm at most 3|theta|^2 + 1.",
        source=Source("songoku", "repair of " + _C71, ("40",)),
        assumptions=(),
        used_for="Where the theory applies: as long as the iterates stay in a ball, with its L.",
        checks=(
            proof(
                "the Hessian",
                (
                    Step(
                        "H = [[b^2, 2ab - 1], [2ab - 1, a^2]]; without the -1 its Frobenius norm "
                        "squared is at most 9 (a^2 + b^2)^2.",
                        algebra(_network_hessian),
                    ),
                    Step("The matrix of the two -1 has norm 1."),
                ),
            ),
            exactly("grid", _network_in_a_ball, "Exact on a grid."),
        ),
        repairs="CMP-C7.1-TASKS",
    ),
    Claim(
        id="CMP-C7.1-ONLY",
        family="comparison",
        title="Smoothness is used for the descent inequality only",
        statement=r"We only use this to apply the standard smoothness (descent) inequality.",
        plain="Eq. 53 and 54 follow with eq. 40 as all that is used of F's smoothness.",
        source=Source("SON-GOKU", _C71, ("40", "53")),
        assumptions=(SUM,),
        used_for="How mild the assumption is.",
        checks=(replayed("cmp_c7_only"),),
        reading="as in CMP-40-HESSIAN",
        repaired_by="CMP-53-R",
        notes="Eq. 53 needs |H| <= L, the lower side of which eq. 40 does not give.",
    ),
    Claim(
        id="CMP-C7.2",
        family="comparison",
        title="A group's Lipschitz constant",
        statement=r"Each $G_r$ is a fixed linear combination of the task gradients assigned to "
        r"group $r$. If each task gradient is $L_i$-lipschitz, then $G_r$ is lipschitz with "
        r"constant $L_r\le\sum_{i\in r}L_i$.",
        plain="Every fixed linear combination of L_i-Lipschitz gradients has the constant sum L_i.",
        source=Source("SON-GOKU", _C72 + ", on Assumption 6", ("46",)),
        assumptions=(SMOOTH_TASKS,),
        used_for='"The same smoothness estimates ... upper-bound the L_r."',
        checks=(
            replayed("cmp_c7_coefficients"),
            proof(
                "coefficients of at most 1",
                (*_COMBINATION, Step("|a_i| <= 1 gives sum |a_i| L_i <= sum L_i.")),
                under_condition=True,
            ),
            Check(
                "exact combinations under the condition",
                Method.SEARCH,
                lambda context: _group_constant(True),
                "quick",
                "Coefficients -1, -1/2, 1/2, 1.",
                under_condition=True,
            ),
        ),
        reading='"any fixed linear aggregator" (App. C) with any coefficients',
        condition="no coefficient exceeds 1 in absolute value (a sum or a mean of the tasks' "
        "gradients)",
        repaired_by="CMP-C7.2-R",
        notes="For eq. 6's plain sum, with the weights w_k in the losses, it is true.",
    ),
    Claim(
        id="CMP-C7.2-R",
        family="comparison",
        title="A group's Lipschitz constant, with coefficients",
        statement=r"$G_r=\sum_i a_ig_i$ is lipschitz with constant $\sum_{i\in r}|a_i|L_i$.",
        plain="G_r = sum a_i g_i has the constant sum |a_i| L_i.",
        source=Source("songoku", "repair of " + _C72, ("46",)),
        assumptions=(SMOOTH_TASKS,),
        used_for="Assumption 6 from task constants.",
        checks=(
            proof("the triangle inequality", _COMBINATION),
            Check(
                "exact combinations",
                Method.SEARCH,
                lambda context: _group_constant(False),
                "quick",
                "Coefficients -2, -1/2, 3/2.",
            ),
        ),
        repairs="CMP-C7.2",
    ),
)
