"""Section 4.2: what a larger tau does to the graph, to its colours and to the schedule.

Edges can only go. The chromatic number and the bound Delta + 1 go with them. The number of
colours that Welsh-Powell finds need not: losing an edge changes degrees, hence the order.
"Typically", the paper says; how typically is counted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise
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
from proofs_check.claims.coloring._gradients import (
    conflict_graph,
    read_gradients,
    read_tau,
    realise,
)
from proofs_check.claims.coloring._graphs import (
    Graph,
    atlas,
    chromatic_number,
    edges_of,
    labelled_graphs,
    largest_first,
    max_degree,
    number_of_colors,
)
from proofs_check.claims.coloring.greedy import SIMPLE_GRAPH
from proofs_check.claims.coloring.staleness import named_graphs, named_reach
from proofs_check.counterexamples import Replay, replayer
from proofs_check.methods.findings import refutes, supports
from proofs_check.model import (
    Assumption,
    Check,
    CheckContext,
    Claim,
    Finding,
    Method,
    ScopeKind,
    Source,
)
from songoku_theory.errors import InvalidInputError

__all__ = ["CLAIMS"]

MORE_COLORS = "col_4_2_more_colors"

RAISES_BELOW = Fraction(1, 100)
LOWERS_ABOVE = Fraction(1, 5)

TWO_THRESHOLDS = Assumption(
    "same gradients",
    "tau <= tau' are applied to the same EMA gradients, none of them zero.",
)


@replayer("coloring-two-thresholds")
def replay_two_thresholds(data: Mapping[str, Any]) -> Replay:
    """One set of gradients, two thresholds: conflict graphs and Welsh-Powell colours."""
    gradients = read_gradients(data["gradients"])
    low, high = read_tau(data, "tau"), read_tau(data, "larger_tau")
    if not low < high:
        raise InvalidInputError(f"larger_tau should exceed tau; found {high} and {low}.")
    dense, sparse = conflict_graph(gradients, low), conflict_graph(gradients, high)
    counts = [number_of_colors(largest_first(graph)) for graph in (dense, sparse)]
    gone = sorted(set(edges_of(dense)) - set(edges_of(sparse)))
    return Replay(
        (
            f"tau = {low}: conflicts {edges_of(dense)}, colours {largest_first(dense)}",
            f"tau = {high}: conflicts {edges_of(sparse)}, colours {largest_first(sparse)}",
            f"the larger tau removes {gone}; Welsh-Powell goes from {counts[0]} to {counts[1]} "
            f"colours",
        ),
        counts[1] > counts[0],
    )


def _edges(graph: Graph) -> str:
    return f"{len(graph)} tasks, edges {edges_of(graph)}"


def _without(graph: Graph, i: int, j: int) -> Graph:
    masks = list(graph)
    masks[i] ^= 1 << j
    masks[j] ^= 1 << i
    return tuple(masks)


@cache
def _colors_of_all(num_tasks: int) -> dict[Graph, int]:
    return {graph: number_of_colors(largest_first(graph)) for graph in labelled_graphs(num_tasks)}


def _deletions(largest: int) -> Iterator[tuple[Graph, tuple[int, int], int, int]]:
    """Yield graph, deleted edge, Welsh-Powell colours before and after."""
    for num_tasks in range(2, largest + 1):
        colors = _colors_of_all(num_tasks)
        for graph, before in colors.items():
            for i, j in combinations(range(num_tasks), 2):
                if graph[i] >> j & 1:
                    yield graph, (i, j), before, colors[_without(graph, i, j)]


def _judge(changes: Iterable[tuple[int, int]], kind: ScopeKind, reach: str) -> Finding:
    """Count the deletions that raise and that lower the number of colours."""
    pairs = list(changes)
    raised = sum(after > before for before, after in pairs)
    lowered = sum(after < before for before, after in pairs)
    detail = f"of {len(pairs)} deletions {raised} raise and {lowered} lower the number of colours"
    if raised < RAISES_BELOW * len(pairs) and lowered > LOWERS_ABOVE * len(pairs):
        return supports(kind, reach, f"{detail}: {reach}")
    return refutes(reach, f"{detail}: {reach}")


def _count_all(context: CheckContext) -> Finding:
    del context
    return _judge(
        ((before, after) for _, _, before, after in _deletions(6)),
        "up_to",
        "all named graphs with at most 6 tasks, each edge deleted",
    )


def _count_by_networkx(context: CheckContext) -> Finding:
    """The same count on random named graphs with six tasks, coloured by networkx."""
    import networkx as nx

    def colors(graph: nx.Graph) -> int:
        return len(set(nx.greedy_color(graph, strategy="largest_first").values()))

    changes = []
    for seed in range(300):
        graph = nx.gnp_random_graph(6, 0.5, seed=1000 * context.seed + seed)
        before = colors(graph)
        for edge in list(graph.edges):
            smaller = graph.copy()
            smaller.remove_edge(*edge)
            changes.append((before, colors(smaller)))
    return _judge(changes, "instances", "300 random named graphs with 6 tasks, each edge deleted")


def _optimum_and_bound_fall(graph: Graph) -> bool:
    chi, degree = chromatic_number(graph), max_degree(graph)
    return all(
        chromatic_number(_without(graph, i, j)) <= chi
        and max_degree(_without(graph, i, j)) <= degree
        for i, j in edges_of(graph)
    )


def _integer_gradients(context: CheckContext) -> Iterator[tuple[tuple[int, ...], ...]]:
    import numpy as np

    rng = np.random.default_rng(context.seed)
    for _ in range(150):
        rows = rng.integers(-4, 5, size=(6, 3))
        if rows.any(axis=1).all():
            yield tuple(tuple(int(x) for x in row) for row in rows)


def _edges_only_go(gradients: tuple[tuple[int, ...], ...]) -> bool:
    taus = sorted({Fraction(p, q) for q in range(1, 6) for p in range(q)})
    graphs = [set(edges_of(conflict_graph(gradients, tau))) for tau in taus]
    return all(later <= earlier for earlier, later in pairwise(graphs))


def _thresholds(z3: Z3) -> list[Obligation]:
    rho, tau, larger = z3.Reals("rho tau larger_tau")
    return [
        Obligation("an edge at tau' is an edge at tau", [tau <= larger, rho > larger], rho > tau)
    ]


def _subgraph(z3: Z3) -> list[Obligation]:
    task = z3.DeclareSort("Task")
    dense = z3.Function("dense", task, task, z3.BoolSort())
    sparse = z3.Function("sparse", task, task, z3.BoolSort())
    color = z3.Function("color", task, z3.IntSort())
    u, v = z3.Consts("u v", task)
    return [
        Obligation(
            "a proper colouring stays proper when edges go",
            [
                z3.ForAll([u, v], z3.Implies(sparse(u, v), dense(u, v))),
                z3.ForAll([u, v], z3.Implies(dense(u, v), color(u) != color(v))),
            ],
            z3.ForAll([u, v], z3.Implies(sparse(u, v), color(u) != color(v))),
        )
    ]


def _realised(graph: Graph) -> bool:
    degree = max(max_degree(graph), 1)
    return all(
        conflict_graph(realise(graph), tau) == graph
        for tau in (Fraction(0), Fraction(1, degree + 1), Fraction(99, 100) / degree)
    )


COL_REALISE = Claim(
    id="COL-REALISE",
    family="coloring",
    title="Every graph is a conflict graph",
    statement=r"Every simple graph with maximum degree $\Delta$ is the conflict graph $G_\tau$ of "
    r"some integer gradients, for every $\tau<1/\Delta$ (every $\tau<1$ if $\Delta=0$).",
    plain="For tau < 1/Delta any graph on the tasks can be the conflict graph.",
    source=Source("songoku", "on sections 3.1.2 and 4.2", ("5", "10")),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Statements about all graphs lose nothing when they are read as statements about "
    "conflict graphs; a graph that violates one is a violation by gradients.",
    checks=(
        proof(
            "incidence vectors realise any graph below 1/Delta",
            (
                Step(
                    "Give each edge a coordinate, +1 for one end and -1 for the other, and each "
                    "task without conflicts a coordinate of its own."
                ),
                Step(
                    "Then g_i.g_j = -1 on an edge and 0 elsewhere, and |g_i|^2 = d_i (or 1): the "
                    "cosine is -1/sqrt(d_i d_j) <= -1/Delta on an edge, 0 elsewhere."
                ),
                Step("So rho > tau exactly on the edges, for 0 <= tau < 1/Delta."),
            ),
        ),
        look(
            "every graph",
            named_graphs,
            _realised,
            _edges,
            named_reach,
            doc="Conflict graph of the integer vectors at three thresholds, exactly.",
        ),
    ),
    notes="Above 1/Delta geometry restricts the graphs: a clique has fewer than 1 + 1/tau tasks. "
    "Crowns (EXT-6-CROWN) and stars (COL-4.3b) exist at every tau.",
)

COL_42A = Claim(
    id="COL-4.2a",
    family="coloring",
    title="Larger tau, sparser graph",
    statement=r"Larger $\tau$ yields a sparser conflict graph; smaller $\tau$ results in a denser "
    r"graph.",
    plain="If tau <= tau', every edge at tau' is an edge at tau.",
    source=Source("SON-GOKU", "4.2", ("10",)),
    assumptions=(TWO_THRESHOLDS,),
    used_for="Choosing tau; the warm-up of 4.4.2 (tau = 1: no edges).",
    checks=(
        solver(
            "order of thresholds",
            _thresholds,
            "rho > tau' >= tau implies rho > tau",
            doc="One inequality over the reals; the edge sets are nested.",
        ),
        look(
            "integer gradients",
            _integer_gradients,
            _edges_only_go,
            str,
            "150 random sets of six integer gradients, all thresholds with denominators up to 5",
            doc="Edge sets along a grid of thresholds, exactly.",
            method=Method.EXACT,
            kind="instances",
        ),
    ),
    reading="not denser: the edge set can stay the same",
)

COL_42B = Claim(
    id="COL-4.2b",
    family="coloring",
    title="Larger tau, never more colours?",
    statement=r"Larger $\tau$ yields [...] fewer colors (larger per-step groups), and more "
    r"frequent updates per task.",
    plain="If tau <= tau', Welsh-Powell uses at tau' at most as many colours as at tau.",
    source=Source("songoku", "on 4.2, without its 'typically'"),
    assumptions=(TWO_THRESHOLDS,),
    used_for="Choosing tau by the length of the schedule; annealing (4.4.2).",
    checks=(
        look(
            "one edge less",
            lambda context: _deletions(6),
            lambda case: case[3] <= case[2],
            lambda case: (
                f"{_edges(case[0])}: without {case[1]}, {case[3]} colours instead of "
                f"{case[2]}; no graph with fewer tasks"
            ),
            "all named graphs with at most 6 tasks, each edge deleted",
            doc="Smallest first.",
            counterexample=MORE_COLORS,
        ),
        replayed(MORE_COLORS, "One set of integer gradients at two thresholds."),
    ),
    reading='always, the strict form of what the paper says with "typically"; the hedged form is '
    "row COL-4.2c and holds",
    repaired_by="COL-4.2b-R",
)

COL_42B_R = Claim(
    id="COL-4.2b-R",
    family="coloring",
    title="What falls when tau rises",
    statement=r"$\chi(G_\tau)$ and $\Delta(G_\tau)+1$ do not increase with $\tau$; so neither does "
    r"the guarantee $m\le\Delta+1$, nor the shortest possible schedule.",
    plain="If tau <= tau': chi(G_tau') <= chi(G_tau) and Delta' <= Delta.",
    source=Source("songoku", "on section 4.2"),
    assumptions=(TWO_THRESHOLDS,),
    used_for="The monotone quantities behind the intuition of section 4.2.",
    checks=(
        proof(
            "chi and Delta are monotone under deleting edges",
            (
                Step("The edges at tau' are among those at tau (COL-4.2a)."),
                Step(
                    "A proper colouring stays proper when edges go: chi can't rise.",
                    z3_proves(_subgraph),
                ),
                Step("No task gains a neighbour: Delta can't rise."),
            ),
        ),
        look(
            "one edge less",
            lambda context: (g for n in range(1, 7) for g in atlas(n)),
            _optimum_and_bound_fall,
            _edges,
            "all graphs with at most 6 tasks (up to names), each edge deleted",
            doc="chi by recursion over all subsets, and Delta, before and after.",
        ),
    ),
    repairs="COL-4.2b",
)

COL_42C = Claim(
    id="COL-4.2c",
    family="coloring",
    title="Larger tau, typically fewer colours",
    statement=r"Intuitively, larger $\tau$ yields a sparser conflict graph, typically fewer colors "
    r"(larger per-step groups), and more frequent updates per task.",
    plain="Delete one edge from a named graph with at most 6 tasks, all such pairs counted alike: "
    "Welsh-Powell needs more colours in fewer than 1 case in 100, fewer in more than 1 in 5.",
    source=Source("SON-GOKU", "4.2"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Choosing tau.",
    checks=(
        Check(
            "one edge less, counted",
            Method.EXHAUSTIVE,
            _count_all,
            doc="Every named graph with at most 6 tasks, every edge deleted, all counted.",
        ),
        Check(
            "networkx",
            Method.SEARCH,
            _count_by_networkx,
            doc="Independent implementation, on a sample.",
        ),
    ),
    reading='"typically" made countable; a statement about small graphs, all counted alike, not '
    "about the graphs of some data set",
    notes="Exactly 770 of the 251 085 deletions raise the number of colours, all of them with six "
    "tasks; 54 738 lower it; most leave it as it is.",
)

CLAIMS = (COL_REALISE, COL_42A, COL_42B, COL_42B_R, COL_42C)
