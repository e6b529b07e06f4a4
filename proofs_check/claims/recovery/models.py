"""Definitions B.1 and B.2, and Assumption 1 with each of the two models.

Eq. 16 speaks of *groups*, Theorem 2's proof of *edges*. Under the multipartite model (B) tasks of
different groups are exactly those joined by an edge, so the two agree. Under the component model
(A) they exclude each other: tasks of different components are not joined, yet eq. 16 wants their
cosine below -tau. A margin around the threshold for every pair (row REC-A1-A-R) serves both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import combinations, product
from typing import Any

from proofs_check.claims.coloring._gradients import conflict_graph, inner
from proofs_check.claims.coloring._graphs import Graph, edges_of, labelled_graphs
from proofs_check.claims.coloring._kernels import Z3
from proofs_check.claims.recovery._assumptions import (
    A1_GROUPS,
    A1_PAIRS,
    MODEL_A,
    NONZERO,
    components,
)
from proofs_check.claims.recovery._checks import (
    Obligation,
    Step,
    appendix_b,
    is_zero,
    look,
    ours,
    proof,
    replayed,
    solver,
    some,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.model import CheckContext, Claim

__all__ = ["CLAIMS", "groups_contradict_edges"]

TAUS = tuple(Fraction(p, q) for p, q in ((1, 10), (1, 5), (1, 3), (1, 2), (3, 4), (9, 10)))


def _margins(tau: Fraction) -> tuple[Fraction, ...]:
    return tuple((1 - tau) * Fraction(k, 6) for k in range(1, 6))


@replayer("recovery-component-margin")
def replay_component_margin(data: Mapping[str, Any]) -> Replay:
    """Two tasks under the component model: each of the two possible graphs breaks eq. 16."""
    tau, gamma = rational(data["tau"]), rational(data["gamma"])
    valid = 0 < tau < 1 and 0 < gamma < 1 - tau
    # C* < -tau: one edge, one component, one group; eq. 16 then wants C* >= -(tau - gamma).
    one_group = -(tau - gamma) >= -tau
    # C* >= -tau: no edge, two components, two groups; eq. 16 then wants C* <= -(tau + gamma).
    two_groups = -(tau + gamma) < -tau
    return Replay(
        (
            f"K = 2, tau = {tau}, gamma = {gamma}; write C for the cosine of the two means",
            f"if C < {-tau}: an edge, so one component; eq. 16 for one group wants C >= "
            f"{-(tau - gamma)}, which is {'not ' if one_group else ''}below {-tau}",
            f"if C >= {-tau}: no edge, so two components; eq. 16 for two groups wants C <= "
            f"{-(tau + gamma)}, which is {'' if two_groups else 'not '}below {-tau}",
            "No number C does either, whatever 0 < gamma < 1 - tau is.",
        ),
        valid and one_group and two_groups,
    )


def _every_graph(context: CheckContext) -> Iterator[Graph]:
    for tasks in range(2, 6 if context.profile == "full" else 5):
        yield from labelled_graphs(tasks)


def groups_contradict_edges(graph: Graph) -> bool:
    """Some pair is forced both to conflict and not to: eq. 16 by groups, Definition B.2 by edge."""
    group = components(graph)
    # eq. 16 makes a pair of different groups an edge, and a pair of one group a non-edge
    return any(
        bool(graph[i] >> j & 1) != (group[i] != group[j])
        for i, j in combinations(range(len(graph)), 2)
    )


def _component_obligations(z3: Z3) -> list[Obligation]:
    tau, gamma, cosine = z3.Reals("tau gamma C")
    setting = [tau > 0, tau < 1, gamma > 0, gamma < 1 - tau]
    return [
        Obligation(
            "a pair of different groups is an edge",
            [*setting, cosine <= -(tau + gamma)],
            cosine < -tau,
        ),
        Obligation(
            "a pair of one group is no edge", [*setting, cosine >= -(tau - gamma)], cosine >= -tau
        ),
    ]


def camps(sizes: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return integer means whose components are groups of these sizes: +e_r and -e_r by turns.

    Examples
    --------
    >>> camps((2, 1))
    ((1, 0), (-1, 0), (0, 1))
    """
    return tuple(
        tuple((1 - 2 * (k % 2)) * int(axis == group) for axis in range(len(sizes)))
        for group, size in enumerate(sizes)
        for k in range(size)
    )


def _component_cases(context: CheckContext) -> Iterator[tuple[tuple[int, ...], Fraction, Fraction]]:
    del context
    for groups in range(1, 5):
        for sizes in product((1, 2, 3), repeat=groups):
            for tau in TAUS:
                for gamma in _margins(tau):
                    if gamma <= tau and sum(sizes) >= 2:
                        yield sizes, tau, gamma


def _camps_are_components(case: tuple[tuple[int, ...], Fraction, Fraction]) -> bool:
    sizes, tau, gamma = case
    means = camps(sizes)
    graph = conflict_graph(means, tau)
    wanted = tuple(group for group, size in enumerate(sizes) for _ in range(size))
    cosines = {
        (i, j): Fraction(inner(means[i], means[j])) for i, j in combinations(range(len(means)), 2)
    }
    margin = all(
        c <= -(tau + gamma) if graph[i] >> j & 1 else c >= -(tau - gamma)
        for (i, j), c in cosines.items()
    )
    found = components(graph)
    same = all((found[i] == found[j]) == (wanted[i] == wanted[j]) for i, j in cosines)
    return margin and same


def simplex(groups: int) -> tuple[tuple[int, ...], ...]:
    """Return m integer vectors with all cosines -1/(m-1): ``m e_r - (1, ..., 1)``."""
    return tuple(
        tuple(groups * int(axis == r) - 1 for axis in range(groups)) for r in range(groups)
    )


def _simplex_algebra() -> bool:
    import sympy

    m = sympy.Symbol("m")
    # m - 1 entries of -1 and one of m - 1; two of them share all but two places
    norm = is_zero((m - 1) + (m - 1) ** 2 - m * (m - 1))
    return norm and is_zero((m - 2) - 2 * (m - 1) + m)


def _feasible_groups(context: CheckContext) -> Iterator[tuple[int, Fraction]]:
    del context
    for groups in range(2, 9):
        for strength in {Fraction(p, q) for q in range(2, 13) for p in range(1, q)}:
            yield groups, strength


def _simplex_decides(case: tuple[int, Fraction]) -> bool:
    """The simplex has cosines <= -(tau+gamma) iff the bound lets m groups through."""
    groups, strength = case
    means = simplex(groups)
    squares = Fraction(inner(means[0], means[0]))
    attained = all(
        Fraction(inner(means[i], means[j])) / squares <= -strength
        for i, j in combinations(range(groups), 2)
    )
    # the norm of the sum of m unit vectors with cosines <= -strength is at most this
    allowed = groups - groups * (groups - 1) * strength >= 0
    return attained == allowed == (groups <= 1 + 1 / strength)


def _cosine_range(z3: Z3) -> list[Obligation]:
    a, b, c, d = z3.Reals("a b c d")
    square = (a * c + b * d) * (a * c + b * d)
    return [
        Obligation(
            "inner product squared <= product of squared norms, in the plane of the two",
            [a * a + b * b > 0, c * c + d * d > 0],
            square <= (a * a + b * b) * (c * c + d * d),
        )
    ]


def _lagrange() -> bool:
    import sympy

    a, b, c, d = sympy.symbols("a b c d")
    return is_zero((a**2 + b**2) * (c**2 + d**2) - (a * c + b * d) ** 2 - (a * d - b * c) ** 2)


def _integer_pairs(context: CheckContext) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    del context
    vectors = [v for v in product(range(-2, 3), repeat=3) if any(v)]
    yield from product(vectors[::3], vectors[::5])


def _pair_in_range(case: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
    u, v = case
    return inner(u, v) ** 2 <= inner(u, u) * inner(v, v) and inner(u, v) == inner(v, u)


REC_B1 = Claim(
    id="REC-B1",
    family="recovery",
    title="The population cosine matrix is well defined",
    statement=r"Define the population cosine matrix $C^*\in[-1,1]^{K\times K}$ by "
    r"$C^*_{ij}=\langle\mu_i,\mu_j\rangle/(\|\mu_i\|\|\mu_j\|)$, $C^*_{ii}=1$.",
    plain="For means that are not zero, C* is defined, symmetric, and has its entries in [-1, 1].",
    source=appendix_b("B.1, Definition B.1", "14", "15"),
    assumptions=(NONZERO,),
    used_for="Everything in appendix B.",
    checks=(
        proof(
            "|C*_ij| <= 1",
            (
                Step("Two vectors lie in a plane; there (a, b) and (c, d) are their coordinates."),
                Step(
                    "Lagrange: (a²+b²)(c²+d²) - (ac+bd)² = (ad-bc)² >= 0, so the squared cosine is "
                    "at most 1; it is defined because neither norm is 0.",
                    _lagrange,
                ),
                Step("The inner product is symmetric, so C* is."),
            ),
        ),
        solver(
            "in the plane of two vectors", _cosine_range, "cosines lie in [-1, 1]", doc="By z3."
        ),
        some(
            "integer vectors",
            _integer_pairs,
            _pair_in_range,
            "pairs of vectors with entries -2 ... 2 in three dimensions",
            doc="Squared, without a root.",
        ),
    ),
    reading="means not zero: Definition B.1 does not say so, Assumption 4 does later",
)

REC_A1_A = Claim(
    id="REC-A1-A",
    family="recovery",
    title="Assumption 1 can hold under the component model",
    statement=r"There exists $\gamma\in(0,1-\tau)$ such that for all $i\ne j$: $C^*_{ij}\le"
    r"-(\tau+\gamma)$ if $i$ and $j$ lie in different groups of $\mathcal P^*$, $C^*_{ij}\ge"
    r"-(\tau-\gamma)$ if they lie in the same group.",
    plain="Under model (A), where groups are the connected components of G*, for every K >= 2 some "
    "means meet eq. 16 with some 0 < gamma < 1 - tau.",
    source=appendix_b("B.2, Assumption 1 with Definition B.2 (A)", "16"),
    assumptions=(MODEL_A,),
    used_for="Theorem 3; summary B.7 (i) of the quantitative consequence.",
    checks=(
        replayed("rec_a1_component", "Two tasks: with or without an edge, eq. 16 fails."),
        look(
            "all graphs",
            _every_graph,
            lambda graph: not groups_contradict_edges(graph),
            lambda graph: f"{len(graph)} tasks, edges {edges_of(graph)}",
            "graphs with few tasks",
            doc="The first graph already has a pair that eq. 16 and Definition B.2 pull apart.",
            counterexample="rec_a1_component",
        ),
    ),
    reading="eq. 16 to the letter, with the groups of model (A)",
    repaired_by="REC-A1-A-R",
    notes="It fails for every K >= 2, every tau and every gamma (row REC-A1-A-NEVER). Theorem 2's "
    "proof uses a margin by edges, not by groups; that one can hold (row REC-A1-A-R).",
)

REC_A1_A_NEVER = Claim(
    id="REC-A1-A-NEVER",
    family="recovery",
    title="Assumption 1 contradicts the component model for every K >= 2",
    statement=r"No $\tau$, $\gamma>0$, $K\ge 2$ and means satisfy Assumption 1 when $\mathcal P^*$ "
    r"is the partition into connected components of $G^*$.",
    plain="Eq. 16 with the components of G* as groups holds for no K >= 2, no tau, no gamma > 0.",
    source=ours("on Assumption 1 and Definition B.2 (A)"),
    assumptions=(MODEL_A,),
    used_for="Theorem 3 and (i) of the quantitative consequence say nothing as printed.",
    checks=(
        proof(
            "eq. 16 and model (A) exclude each other",
            (
                Step(
                    "Two tasks of different components: eq. 16 wants C <= -(tau+gamma) < -tau, so "
                    "they are joined by an edge, so they are in one component. So there is one "
                    "component only.",
                ),
                Step(
                    "Two tasks of one component: eq. 16 wants C >= -(tau-gamma) > -tau, so there "
                    "is no edge at all, so each task is a component of its own.",
                ),
                Step("One component, each with one task: K = 1."),
            ),
        ),
        solver(
            "each case by z3",
            _component_obligations,
            "eq. 16 makes pairs of different groups edges and pairs of one group non-edges",
            doc="Linear arithmetic over the reals.",
        ),
        look(
            "all graphs",
            _every_graph,
            groups_contradict_edges,
            lambda graph: f"{len(graph)} tasks, edges {edges_of(graph)}",
            lambda context: f"all graphs with 2 to {5 if context.profile == 'full' else 4} tasks",
            doc="Each has a pair whose groups and edge disagree.",
        ),
    ),
)

REC_A1_A_R = Claim(
    id="REC-A1-A-R",
    family="recovery",
    title="A margin for every pair can hold under the component model, for any number of groups",
    statement=r"For every $m$, all group sizes and $0<\gamma\le\tau$, $\gamma<1-\tau$ there are "
    r"means with $|C^*_{ij}+\tau|\ge\gamma$ on the right side for every pair: $\le-(\tau+\gamma)$ "
    r"on edges, $\ge-(\tau-\gamma)$ elsewhere, whose components are the given groups.",
    plain="With the margin asked of edges and non-edges instead of groups, model (A) allows any "
    "number of groups of any sizes (gamma <= tau): two opposite camps a group, one axis a group.",
    source=ours("repair of Assumption 1 for model (A)"),
    assumptions=(MODEL_A, A1_PAIRS),
    used_for="Theorem 2 and Theorem 3 with a hypothesis that can hold.",
    checks=(
        proof(
            "two camps on an axis of its own for each group",
            (
                Step(
                    "Give group r the axis e_r, and its tasks +e_r and -e_r by turns (a single "
                    "task: e_r)."
                ),
                Step("Opposite tasks: C = -1 <= -(tau+gamma), because gamma <= 1 - tau: an edge."),
                Step(
                    "Equal tasks: C = 1 >= -(tau-gamma). Different groups: C = 0 >= -(tau-gamma)."
                ),
                Step(
                    "So the edges are those between the two camps of a group, which make each "
                    "group connected and join no two groups."
                ),
            ),
        ),
        some(
            "groups of one to three tasks",
            _component_cases,
            _camps_are_components,
            "up to four groups of 1 to 3 tasks, six tau, five gamma each",
            doc="Builds the means, thresholds them, and compares components and margins.",
        ),
    ),
    repairs="REC-A1-A",
    reading="gamma <= tau; for gamma > tau a pair without conflict would need a positive cosine",
)

REC_A1_B = Claim(
    id="REC-A1-B",
    family="recovery",
    title="Assumption 1 under the multipartite model: for how many groups",
    statement=r"Under model (B) with $m\ge 2$ parts, means that satisfy Assumption 1 exist in some "
    r"dimension if and only if $m\le 1+1/(\tau+\gamma)$; dimension $m-1$ then suffices.",
    plain="Eq. 16 with the parts of model (B) as groups can be met by m >= 2 groups of any sizes "
    "if and only if m <= 1 + 1/(tau + gamma).",
    source=ours("on Assumption 1 and Definition B.2 (B)"),
    assumptions=(A1_GROUPS,),
    used_for="Theorem 4, quantitative consequence (ii): how many groups they can speak of.",
    checks=(
        proof(
            "m groups need m <= 1 + 1/(tau+gamma), and a simplex attains it",
            (
                Step(
                    "One unit vector u_r from each group: 0 <= |sum u_r|² = m + sum of m(m-1) "
                    "cosines <= m - m(m-1)(tau+gamma), so (m-1)(tau+gamma) <= 1."
                ),
                Step(
                    "Conversely m e_r - (1, ..., 1), r = 1 ... m, has squared norms m(m-1) and "
                    "inner products -m: all cosines are -1/(m-1) <= -(tau+gamma). They sum to 0, "
                    "so they lie in m-1 dimensions.",
                    _simplex_algebra,
                ),
                Step("Tasks of one group take the same vector: C = 1 >= -(tau-gamma)."),
            ),
        ),
        some(
            "simplices",
            _feasible_groups,
            _simplex_decides,
            "m = 2 ... 8 and every tau + gamma with denominator <= 12",
            doc="The simplex meets eq. 16 exactly when the norm of the sum allows it.",
        ),
    ),
    notes="So tau + gamma <= 1/(m-1): with m = 5 groups tau < 1/4, with m = 11 tau < 1/10. The "
    "paper does not say this. In fewer than m - 1 dimensions it can't hold for m >= 2.",
)

CLAIMS = (REC_B1, REC_A1_A, REC_A1_A_NEVER, REC_A1_A_R, REC_A1_B)
