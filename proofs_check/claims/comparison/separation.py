"""Sections C.7.3 and C.8: does the scheduler's separation bring about Assumption 7 and eq. 59?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Check, Claim, Finding, Source

__all__ = ["CLAIMS"]

Matrix = tuple[Vector, ...]


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


_C73 = "App. C.7.3"

CLAIMS: Sequence[Claim] = (
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
        statement=r"Colour classes with a conflict between them have $\langle HG_p,G_q\rangle\le0$ "
        r"for $H=cI$, $c>0$. [The paper: the condition asks that groups that are separated by the "
        r"scheduler continue to exhibit negative interaction.]",
        plain="Two colour classes with a conflict between them have <H G_1, G_2> <= 0, for H a "
        "positive multiple of the identity.",
        source=Source("songoku", "on " + _C73, ("57",)),
        assumptions=(),
        used_for="Assumption 7 for groups of several tasks.",
        checks=(replayed("cmp_c7_classes"),),
        reading='what "continue" takes for granted, for groups as sums over their tasks (eq. 6)',
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
        statement=r"Once the task-group assignments are stable, eq. 57 and eq. 59 hold. [The "
        r"paper: In practice, these conditions arise naturally once the task-group assignments "
        r"stabilize, so the scheduler will typically achieve tighter descent bounds.]",
        plain="If the assignment of tasks to groups no longer changes, eq. 57 and eq. 59 hold.",
        source=Source("songoku", "on App. C.8, last sentence", ("57", "59")),
        assumptions=(),
        used_for="That the theory applies in practice.",
        checks=(replayed("cmp_c8_stable"),),
        reading="a question of ours: does stability bring the conditions about? What the paper "
        'says, "in practice" and "typically", no example refutes; it is for runs to answer',
        repaired_by="CMP-C8-ARISE-R",
        notes="How often eq. 59 holds in a run can be measured, and has to be: stability of the "
        "groups does not imply it.",
    ),
)
