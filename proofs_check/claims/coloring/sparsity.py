"""Section 4.3: "in practice Delta is small because many task pairs do not interfere".

An average does not bound a maximum: on a star few pairs conflict and Delta is as large as it can
be. The conclusion that matters, a concise schedule, survives by another route: first-fit leaves
an edge between any two of its classes, so few conflicts mean few classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import combinations
from typing import Any

from proofs_check.claims.coloring._evidence import (
    Z3,
    Obligation,
    Step,
    look,
    proof,
    replayed,
    solver,
    z3_proves,
)
from proofs_check.claims.coloring._gradients import conflict_graph, read_tau
from proofs_check.claims.coloring._graphs import (
    Graph,
    atlas,
    classes_of,
    edges_of,
    first_fit,
    from_edges,
    grundy_number,
    largest_first,
    max_degree,
    number_of_colors,
    orders,
)
from proofs_check.claims.coloring._kernels import first_fit_world
from proofs_check.claims.coloring.greedy import SIMPLE_GRAPH
from proofs_check.counterexamples import Replay, replayer
from proofs_check.model import CheckContext, Claim, Method, Source

__all__ = ["CLAIMS"]

STAR = "col_4_3_star"

FEW = Fraction(1, 20)
"""A small share of conflicting pairs, for the reading that is judged: one in twenty."""


def star_gradients(leaves: int) -> tuple[tuple[int, ...], ...]:
    """Return one task against all others, none of which conflict: cosine -s/sqrt(s^2 + 1).

    The hub is ``(-1, 0)``; leaf ``i`` is ``(3, e_i)``: cosine ``-3/sqrt(10)`` with the hub, and
    positive with each other.
    """
    hub = (-1, *([0] * leaves))
    return (hub, *((3, *(int(i == j) for j in range(leaves))) for i in range(leaves)))


@replayer("coloring-sparse")
def replay_sparse(data: Mapping[str, Any]) -> Replay:
    """Gradients with few conflicting pairs; then Delta against its largest possible value."""
    tau = read_tau(data)
    num_leaves = int(data["leaves"])
    graph = conflict_graph(star_gradients(num_leaves), tau)
    num_tasks = len(graph)
    share = Fraction(2 * len(edges_of(graph)), num_tasks * (num_tasks - 1))
    return Replay(
        (
            f"{num_tasks} tasks: g_0 = (-1, 0, ..., 0), g_i = (3, e_i) for i = 1..{num_leaves}",
            f"conflicts at tau = {tau}: {len(edges_of(graph))} of "
            f"{num_tasks * (num_tasks - 1) // 2} pairs, a share of {share}",
            f"Welsh-Powell uses {number_of_colors(largest_first(graph))} colours",
            f"Delta = {max_degree(graph)}, where K - 1 = {num_tasks - 1}: as large as if every "
            f"pair conflicted",
        ),
        share <= FEW and max_degree(graph) == num_tasks - 1,
    )


def _stars(context: CheckContext) -> Iterator[int]:
    del context
    return iter(range(9, 60, 10))


def _small_when_sparse(leaves: int) -> bool:
    """If at most one pair in twenty conflicts, is Delta at most half of K - 1?"""
    graph = conflict_graph(star_gradients(leaves), Fraction(1, 2))
    num_tasks = len(graph)
    share = Fraction(2 * len(edges_of(graph)), num_tasks * (num_tasks - 1))
    return share > FEW or 2 * max_degree(graph) <= num_tasks - 1


def _unnamed(context: CheckContext) -> Iterator[Graph]:
    for num_tasks in range(1, 8 if context.profile == "full" else 7):
        yield from atlas(num_tasks)


def _edges_for_colors(graph: Graph) -> bool:
    most = grundy_number(graph)
    return most * (most - 1) <= 2 * len(edges_of(graph))


def _every_two_classes_meet(graph: Graph) -> bool:
    for order in orders(len(graph)):
        classes = classes_of(first_fit(graph, order))
        for one, other in combinations(classes, 2):
            if not any(graph[i] >> j & 1 for i in one for j in other):
                return False
    return True


def _networkx_few_colors(seed: int) -> bool:
    import networkx as nx

    graph = nx.gnp_random_graph(40, 0.05 + 0.009 * seed, seed=seed)
    colors = nx.greedy_color(graph, strategy="largest_first")
    most = len(set(colors.values()))
    return bool(most * (most - 1) <= 2 * graph.number_of_edges())


def _attained(size: int) -> bool:
    """A clique and lonely tasks: m (m - 1)/2 edges, exactly."""
    clique = [(i, j) for j in range(size) for i in range(j)]
    graph = from_edges(2 * size, clique)
    colors = number_of_colors(largest_first(graph))
    return colors == size and colors * (colors - 1) == 2 * len(edges_of(graph))


def _classes_meet(z3: Z3) -> list[Obligation]:
    world = first_fit_world(z3)
    u, v = z3.Consts("one other", world.task)
    a, b = z3.Consts("a b", world.task)
    return [
        Obligation(
            "two first-fit classes are joined by an edge",
            [*world.axioms, world.color(u) < world.color(v)],
            z3.Exists(
                [a, b],
                z3.And(
                    world.color(a) == world.color(u),
                    world.color(b) == world.color(v),
                    world.adjacent(a, b),
                ),
            ),
        )
    ]


COL_43B = Claim(
    id="COL-4.3b",
    family="coloring",
    title="Few conflicting pairs, small Delta?",
    statement=r"In practice $\Delta$ is small because many task pairs do not interfere, yielding "
    r"concise schedules.",
    plain="If at most one pair in twenty conflicts, then Delta is well below K - 1 (say at most "
    "half of it).",
    source=Source(
        "songoku", "on 4.3's 'in practice ... because', read as an implication; also 5.5, G.1"
    ),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Reading Delta + 1 as a small number.",
    checks=(
        look(
            "stars",
            _stars,
            _small_when_sparse,
            lambda leaves: f"the star with {leaves} leaves",
            "stars with 9, 19, ..., 59 leaves, as conflict graphs of integer gradients",
            doc="Share of conflicting pairs against Delta.",
            method=Method.SEARCH,
            kind="instances",
            counterexample=STAR,
        ),
        replayed(STAR, "From gradients to share and Delta, with K = 40."),
    ),
    reading="as an inference from the share of conflicting pairs alone; what Delta is on the "
    "authors' data sets is an observation that this row does not touch",
    repaired_by="COL-4.3b-R",
    notes='The other half, "yielding concise schedules", is right, and does not need Delta: on '
    "the star Welsh-Powell uses two colours (COL-4.3b-R, COL-P9-SHARP).",
)

COL_43B_R = Claim(
    id="COL-4.3b-R",
    family="coloring",
    title="Few conflicting pairs, few classes",
    statement=r"A first-fit coloring with $m$ classes needs at least $m(m-1)/2$ conflicting pairs. "
    r"So if a share $q$ of all pairs conflicts, $m\le\frac12+\sqrt{\frac14+qK(K-1)}$, whatever "
    r"$\Delta$ is.",
    plain="m (m - 1)/2 <= number of conflicting pairs: few conflicts, a concise schedule.",
    source=Source("songoku", "on section 4.3"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="A bound on the schedule's length by the share of conflicting pairs; attained by "
    "cliques.",
    checks=(
        proof(
            "m (m - 1) / 2 <= number of conflicting pairs",
            (
                Step(
                    "Let a < b be two of first-fit's colours. A task of colour b has a neighbour "
                    "of colour a: an edge joins the two classes.",
                    z3_proves(_classes_meet),
                ),
                Step(
                    "Different pairs of classes are joined by different edges, so there are at "
                    "least as many edges as pairs of classes, m (m - 1)/2."
                ),
                Step("With q K (K - 1)/2 edges this reads m^2 - m <= q K (K - 1); solve for m."),
            ),
        ),
        look(
            "worst order of every graph",
            _unnamed,
            _edges_for_colors,
            lambda graph: f"edges {edges_of(graph)}",
            lambda context: (
                f"all graphs with at most {7 if context.profile == 'full' else 6} "
                "tasks, worst order"
            ),
            doc="Grundy number against the number of edges.",
        ),
        look(
            "every order, every two classes",
            lambda context: (g for n in range(1, 6) for g in atlas(n)),
            _every_two_classes_meet,
            lambda graph: f"edges {edges_of(graph)}",
            "all graphs with at most 5 tasks, all orders",
            doc="An edge between any two classes.",
        ),
        look(
            "networkx",
            lambda context: range(100),
            _networkx_few_colors,
            lambda seed: f"seed {seed}",
            "100 random graphs with 40 tasks",
            doc="Independent implementation.",
            method=Method.SEARCH,
            kind="instances",
        ),
        look(
            "cliques attain it",
            lambda context: range(1, 20),
            _attained,
            lambda size: f"clique of {size}",
            "cliques with fewer than 20 tasks",
            doc="Equality.",
            method=Method.EXACT,
            kind="instances",
        ),
        solver(
            "classes meet",
            _classes_meet,
            "any two first-fit classes are joined by an edge, in every graph",
            doc="Step 1 of the proof, z3 over an unbounded sort of tasks.",
            kind="instances",
        ),
    ),
    repairs="COL-4.3b",
)

CLAIMS = (COL_43B, COL_43B_R)
