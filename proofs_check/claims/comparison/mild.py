"""Sections C.7 and C.8, "why the assumptions are mild", sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, permutations, product
from types import ModuleType
from typing import Any

from proofs_check.claims.coloring._gradients import conflict_graph
from proofs_check.claims.coloring._graphs import classes_of, edges_of, largest_first
from proofs_check.claims.comparison._evidence import (
    GROUP_LIPSCHITZ,
    SMOOTH,
    STEP_SIZE,
    SUM,
    Step,
    algebra,
    exactly,
    identities,
    proof,
    replayed,
    searched,
)
from proofs_check.claims.comparison._families import (
    is_bounded_by,
    plane_problems,
    read_problem,
)
from proofs_check.claims.comparison._problem import (
    Problem,
    Vector,
    bound_agg,
    bound_sch,
    dot,
    inner_sum,
    interaction,
    minus,
    norm,
    plus,
    starts,
    times,
    total,
)
from proofs_check.claims.comparison._terms import (
    excess_59,
    margins,
    norms,
    penalty_repaired,
)
from proofs_check.claims.comparison.improvement import NEGATIVE_CROSS
from proofs_check.claims.comparison.telescoping import show_walk
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


# --- C.7.3: does the scheduler's separation give eq. 57? -----------------------------------------


@replayer("comparison-weighted")
def _replay_weighted(data: Mapping[str, Any]) -> Replay:
    """Two tasks in conflict, in different classes, with a positive Hessian-weighted term."""
    problem, tau = read_problem(data), rational(data["tau"])
    gradients = starts(problem)
    colors = largest_first(conflict_graph(gradients, tau))
    inner, cross = inner_sum(gradients), interaction(problem, *gradients)
    square = inner**2 / (dot(gradients[0], gradients[0]) * dot(gradients[1], gradients[1]))
    convex = all(a >= 0 and a * c >= b * b for (a, b), (_, c) in problem.jacobians)
    return Replay(
        (
            problem.name,
            f"<G_1, G_2> = {inner}, squared cosine {square}, tau^2 = {tau * tau}: colours {colors}",
            f"both convex: {convex}",
            f"So the scheduler separates them, and I_12 = <H G_1, G_2> = {cross} > 0.",
        ),
        convex and inner < 0 < cross and colors[0] != colors[1] and _fits(problem),
    )


@replayer("comparison-classes")
def _replay_classes(data: Mapping[str, Any]) -> Replay:
    """Classes made of several tasks: the group gradients agree although two tasks conflict."""
    tasks = [tuple(rational(x) for x in g) for g in data["tasks"]]
    tau, curvature = rational(data["tau"]), rational(data["curvature"])
    graph = conflict_graph(tasks, tau)
    colors = largest_first(graph)
    groups = [total([tasks[k] for k in sorted(members)]) for members in classes_of(colors)]
    inner = dot(groups[0], groups[1])
    return Replay(
        (
            f"task gradients {', '.join(f'({u[0]}, {u[1]})' for u in tasks)}, tau = {tau}",
            f"conflicts: {[(i + 1, j + 1) for i, j in edges_of(graph)]}; colours {colors}",
            f"group gradients ({groups[0][0]}, {groups[0][1]}) and ({groups[1][0]}, "
            f"{groups[1][1]}): inner product {inner}",
            f"So with H = {curvature} I, I_12 = {curvature * inner} > 0 between the separated "
            "groups.",
        ),
        len(groups) == 2 and len(edges_of(graph)) > 0 and curvature * inner > 0,
    )


def _near_isotropic(problem: Problem) -> bool:
    """|H - c I| <= kappa c gives I_pq <= c(<G_p, G_q> + kappa |G_p||G_q|), c the mid eigenvalue."""
    whole: Matrix = tuple(total([m[i] for m in problem.jacobians]) for i in range(problem.dim))
    c = sum((whole[i][i] for i in range(problem.dim)), Fraction(0)) / problem.dim
    if c <= 0:
        return True
    rest: Matrix = tuple(
        tuple(whole[i][j] - (c if i == j else 0) for j in range(problem.dim))
        for i in range(problem.dim)
    )
    kappa = Fraction(0)
    while not is_bounded_by(rest, kappa * c):
        kappa += Fraction(1, 8)
    return all(
        interaction(problem, u, v) <= c * (dot(u, v) + kappa * norm(u) * norm(v))
        for u, v in combinations(starts(problem), 2)
    )


def _isotropic(sympy: ModuleType) -> list[Identity]:
    c, s, r = sympy.symbols("c s r")
    return [("<(c I + E) u, v> = c <u, v> + <E u, v>", c * s + r, c * (s + r / c))]


def _pairs_of_groups() -> Finding:
    """If every pair across two groups has a negative inner product, so have the sums."""
    points = [
        (Fraction(a), Fraction(b))
        for a, b in product((-2, -1, 0, 1, 3), repeat=2)
        if (a, b) != (0, 0)
    ]
    cases = [(u, v, w) for u, v, w in product(points, repeat=3) if dot(u, w) < 0 and dot(v, w) < 0]
    return for_every(
        cases, lambda c: dot(plus(c[0], c[1]), c[2]) < 0, str, "groups of 2 and 1 tasks, integers"
    )


def _bilinear(sympy: ModuleType) -> list[Identity]:
    a, b, c, d = sympy.symbols("a b c d")
    return [("(a + b)(c + d)", (a + b) * (c + d), a * c + a * d + b * c + b * d)]


# --- C.8 -----------------------------------------------------------------------------------------


def _fits(problem: Problem) -> bool:
    return problem.eta * problem.smoothness <= 1


@replayer("comparison-looser")
def _replay_looser(data: Mapping[str, Any]) -> Replay:
    """Assumptions 6 and 7 with Gamma > 0, and UB_sch > UB_agg."""
    problem = read_problem(data)
    slack = margins(problem) or [Fraction(-1)]
    sizes = norms(problem)
    gamma = slack[0] / (sizes[0] * sizes[1])
    upper, lower = bound_sch(problem), bound_agg(problem)
    return Replay(
        (
            *show_walk(problem),
            f"I_12 = {-slack[0]}: eq. 57 with Gamma_12 = {gamma} > 0; L_r = "
            f"{', '.join(map(str, problem.lipschitz))}",
            f"So UB_sch = F + {upper} > F + {lower} = UB_agg.",
        ),
        _fits(problem) and gamma > 0 and upper > lower,
    )


@replayer("comparison-stable")
def _replay_stable(data: Mapping[str, Any]) -> Replay:
    """Two convex tasks that conflict all along the refreshes; eq. 59 holds at none of them."""
    problem = read_problem(data)
    at, lines, never, stable = problem.start, [], True, True
    for number in range(data["refreshes"]):
        here = [group(at) for group in problem.groups]
        shifted = read_problem({**data, "gradients": [[str(g[0])] for g in here]})
        best = []
        for order in permutations(range(2)):
            excess = excess_59(shifted, Fraction(0), order)  # even without any penalty
            best.append(excess is not None and excess > 0)
        conflict = here[0][0] * here[1][0] < 0  # cosine -1: an edge at every tau in [0, 1)
        stable &= conflict
        never &= not any(best)
        if number < 3:
            lines.append(
                f"refresh {number}: x = {at[0]}, gradients {here[0][0]} and {here[1][0]}; eq. 59 "
                f"with R_m = 0 in some order: {any(best)}"
            )
        for r in range(2):
            at = minus(at, times(problem.eta, problem.groups[r](at)))
    return Replay(
        (
            *lines,
            f"{data['refreshes']} refreshes: the two tasks conflict at each of them: {stable}",
            "On a line eq. 57 needs H G_1 G_2 <= 0, and then (L - H) G_1 G_2 <= 0 for 0 < H <= L: "
            "eq. 59's left side is not positive",
            f"So the grouping never changes, and eq. 59 holds at no refresh: {never}.",
        ),
        stable and never and _fits(problem),
    )


def _tighter_with_59() -> tuple[Check, ...]:
    """Under eq. 59 with CMP-56-R's penalty the scheduled bound is lower."""

    def holds(problem: Problem) -> bool:
        excess = excess_59(problem, penalty_repaired(problem))
        return excess is None or excess <= 0 or bound_sch(problem) < bound_agg(problem)

    return (
        proof(
            "with eq. 59 the scheduled bound is strictly lower",
            (
                Step("UB_sch - UB_agg <= start gap + R (CMP-T5-R)."),
                Step("The start gap is at most -eta^2 times eq. 59's left side (eq. 57)."),
            ),
            under_condition=True,
        ),
        searched(
            holds,
            among=lambda p: margins(p) is not None,
            words=" that meet eq. 57",
            under_condition=True,
        ),
    )


_C71, _C72, _C73 = "App. C.7.1", "App. C.7.2", "App. C.7.3"

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
        statement=r"Each task loss we optimize is $L_i$-smooth.",
        plain="The squared loss of a network with two layers, linear or with a rectifier between "
        "them, meets eq. 40 for some L, for all parameters.",
        source=Source("SON-GOKU", _C71 + "; section 6.1 (networks of many layers)", ("40",)),
        assumptions=(),
        used_for="Every step size eta <= 1/L of the theory.",
        checks=(replayed("cmp_c7_network"),),
        reading='eq. 40 "for all x, y", on the smallest member of the class of models that section '
        "6.1 trains: products of layers' weights",
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
    Claim(
        id="CMP-C7.3",
        family="comparison",
        title="Tasks that the scheduler separates have negative Hessian-weighted terms",
        statement=r"The condition we use asks that $\ldots$ groups that are separated by the "
        r"scheduler continue to exhibit negative interaction under the local Hessian. This aligns "
        r"with how the scheduler is built. It separates tasks that exhibit sustained negative "
        r"interactions $\ldots$ Thus the assumption matches the mechanism we deploy.",
        plain="If the scheduler puts two tasks in different groups because they conflict, then "
        "I_12 <= 0.",
        source=Source("SON-GOKU", _C73 + ", on Assumption 7", ("57",)),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="Assumption 7.",
        checks=(replayed("cmp_c7_weighted"),),
        reading="separation by <G_1, G_2> gives eq. 57; one task a group",
        repaired_by="CMP-C7.3-R",
        notes="The scheduler looks at <G_p, G_q>, eq. 57 at <H G_p, G_q>. And the two pull apart: "
        "eq. 59 rewards <G_p, G_q> > 0 (CMP-5.3-STRICT-R).",
    ),
    Claim(
        id="CMP-C7.3-R",
        family="comparison",
        title="When conflict gives eq. 57: a Hessian close to a multiple of the identity",
        statement=r"If $\|H-cI\|\le\kappa c$ with $c>0$ along the step, then $I_{pq}\le c(\langle "
        r"G_p^0,G_q^0\rangle+\kappa\|G_p^0\|\|G_q^0\|)$: a cosine below $-\tau$ with $\tau\ge"
        r"\kappa$ gives eq. 57.",
        plain="If |H - c I| <= kappa c, then I_pq <= c(<G_p, G_q> + kappa |G_p||G_q|).",
        source=Source("songoku", "repair of " + _C73, ("51", "57")),
        assumptions=(SMOOTH,),
        used_for="Where the scheduler's criterion and Assumption 7 agree.",
        checks=(
            proof(
                "split H",
                (
                    Step("H = c I + E with |E| <= kappa c.", algebra(_isotropic)),
                    Step("<E G_p, G_q> <= kappa c |G_p||G_q|; integrate over t."),
                ),
            ),
            searched(
                _near_isotropic,
                among=lambda p: p.constant_hessian,
                words=" with a constant Hessian",
            ),
            identities("one pair", _isotropic, "the split"),
        ),
        repairs="CMP-C7.3",
        notes="But then eq. 59's left side is about (L - c)<G_p, G_q> <= 0: where conflict gives "
        "Assumption 7, it takes eq. 59 away.",
    ),
    Claim(
        id="CMP-C7.3-CLASSES",
        family="comparison",
        title="Separated groups exhibit negative interaction",
        statement=r"[G]roups that are separated by the scheduler continue to exhibit negative "
        r"interaction under the local Hessian.",
        plain="Two colour classes with a conflict between them have <H G_1, G_2> <= 0, for H a "
        "positive multiple of the identity.",
        source=Source("SON-GOKU", _C73, ("57",)),
        assumptions=(),
        used_for="Assumption 7 for groups of several tasks.",
        checks=(replayed("cmp_c7_classes"),),
        reading="for groups as sums over their tasks (eq. 6); even where H does not turn anything",
        repaired_by="CMP-C7.3-CLASSES-R",
        notes="Colour classes are separated by some pair in conflict, not by all: the groups' sums "
        "may agree.",
    ),
    Claim(
        id="CMP-C7.3-CLASSES-R",
        family="comparison",
        title="If every pair across conflicts, the groups' sums do",
        statement=r"If $\langle g_i,g_j\rangle<0$ for all $i$ in group $p$ and $j$ in group $q$, "
        r"then $\langle G_p,G_q\rangle<0$.",
        plain="If all pairs across two groups have negative inner products, so have their sums.",
        source=Source("songoku", "repair of " + _C73),
        assumptions=(),
        used_for="Complete multipartite conflict graphs (model B of appendix B).",
        checks=(
            proof(
                "bilinearity",
                (Step("<sum g_i, sum g_j> is the sum over all pairs.", algebra(_bilinear)),),
            ),
            exactly("small integers", _pairs_of_groups, "Groups of two tasks and one."),
            identities("two and two", _bilinear, "expanding a product"),
        ),
        repairs="CMP-C7.3-CLASSES",
    ),
    Claim(
        id="CMP-C8-TIGHTER",
        family="comparison",
        title="Negative Hessian-weighted cross-terms make the scheduled bound strictly tighter",
        statement=r"[U]nder per-group lipschitzness and negative Hessian-weighted cross-terms it "
        r"becomes strictly tighter.",
        plain="Assumptions 6 and 7, with Gamma_pq > 0, give UB_sch < UB_agg.",
        source=Source("SON-GOKU", "App. C.8; title of Theorem 6", ("57",)),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE, NEGATIVE_CROSS),
        used_for="The appendix's conclusion.",
        checks=(replayed("cmp_c8_looser"), *_tighter_with_59()),
        reading="as the conclusion says it, without eq. 59",
        condition="eq. 59, with a penalty R_m that bounds the drift (CMP-56-R)",
        repaired_by="CMP-59-R",
    ),
    Claim(
        id="CMP-C8-ARISE",
        family="comparison",
        title="The conditions arise once the groups are stable",
        statement=r"In practice, these conditions arise naturally once the task-group assignments "
        r"stabilize, so the scheduler will typically achieve tighter descent bounds without "
        r"changing step sizes or gradient information.",
        plain="If the assignment of tasks to groups no longer changes, eq. 57 and eq. 59 hold.",
        source=Source("SON-GOKU", "App. C.8", ("57", "59")),
        assumptions=(),
        used_for="That the theory applies in practice.",
        checks=(replayed("cmp_c8_stable"),),
        reading='that stability brings the conditions about; "in practice" and "typically" are '
        "questions to runs",
        repaired_by="CMP-C8-ARISE-R",
        notes="How often eq. 59 holds in a run can be measured, and has to be: stability of the "
        "groups does not imply it.",
    ),
)
