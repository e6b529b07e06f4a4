"""What of the schedule's length depends on the graph alone (end of Proposition 9, H.2).

The *bound* does. The *length* does not: it can change when the tasks are numbered differently,
because Welsh-Powell's order leaves ties open. Both readings of the sentence have a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import permutations
from typing import Any

from proofs_check.claims.coloring._evidence import Step, look, proof, replayed
from proofs_check.claims.coloring._gradients import conflict_graph, read_gradients, read_tau
from proofs_check.claims.coloring._graphs import (
    Graph,
    atlas,
    chromatic_number,
    edges_of,
    first_fit,
    from_edges,
    grundy_number,
    largest_first,
    max_degree,
    number_of_colors,
    relabel,
)
from proofs_check.claims.coloring.greedy import SIMPLE_GRAPH, WORST_ORDER
from proofs_check.counterexamples import Replay, replayer
from proofs_check.model import CheckContext, Claim, Method, Source
from songoku_theory.errors import InvalidInputError

__all__ = ["CLAIMS"]

LENGTH_DEPENDS_ON_NAMES = "col_p9_length"


@replayer("coloring-two-namings")
def replay_two_namings(data: Mapping[str, Any]) -> Replay:
    """Colour the same conflict graph under two numberings of its tasks."""
    tau = read_tau(data)
    gradients = read_gradients(data["gradients"])
    new_name = list(data["new_name"])
    if sorted(new_name) != list(range(len(gradients))):
        raise InvalidInputError(f"new_name should renumber the tasks; found {new_name}.")
    renamed = [gradients[new_name.index(task)] for task in range(len(gradients))]
    before, after = conflict_graph(gradients, tau), conflict_graph(renamed, tau)
    if after != relabel(before, new_name):
        raise InvalidInputError("renumbering the gradients did not renumber the graph.")
    lengths = [number_of_colors(largest_first(graph)) for graph in (before, after)]
    return Replay(
        (
            f"conflicts at tau = {tau}: {edges_of(before)}",
            f"Welsh-Powell colours: {largest_first(before)}, cycle length {lengths[0]}",
            f"the same tasks, renumbered by {new_name}: conflicts {edges_of(after)}",
            f"Welsh-Powell colours: {largest_first(after)}, cycle length {lengths[1]}",
            f"same graph up to names, cycle lengths {lengths[0]} and {lengths[1]}",
        ),
        lengths[0] != lengths[1],
    )


def _unnamed(context: CheckContext) -> Iterator[Graph]:
    del context
    for num_tasks in range(1, 7):
        yield from atlas(num_tasks)


@cache
def _first_fit_lengths(graph: Graph) -> frozenset[int]:
    """Number of colours over all orders."""
    tasks = range(len(graph))
    return frozenset(number_of_colors(first_fit(graph, order)) for order in permutations(tasks))


def _welsh_powell_length_is_invariant(graph: Graph) -> bool:
    """Does every numbering of the tasks give Welsh-Powell the same number of colours?"""
    lengths = {
        number_of_colors(largest_first(relabel(graph, new_name)))
        for new_name in permutations(range(len(graph)))
    }
    return len(lengths) == 1


def _networkx_length_is_invariant(seed: int) -> bool:
    """The same by networkx's largest_first: a path of six tasks in order, and shuffled."""
    import networkx as nx
    import numpy as np

    lengths = set()
    for names in (list(range(6)), np.random.default_rng(seed).permutation(6).tolist()):
        graph = nx.Graph()
        graph.add_nodes_from(range(6))
        graph.add_edges_from([(names[i], names[i + 1]) for i in range(5)])
        lengths.add(len(set(nx.greedy_color(graph, strategy="largest_first").values())))
    return len(lengths) == 1


def _bound_is_invariant(graph: Graph) -> bool:
    return all(
        max_degree(relabel(graph, new_name)) == max_degree(graph)
        for new_name in permutations(range(len(graph)))
    )


def _bound_ignores_number(case: tuple[int, int]) -> bool:
    """A clique of Delta + 1 tasks and lonely tasks: Delta stays, whatever K."""
    degree, num_tasks = case
    clique = [(i, j) for j in range(degree + 1) for i in range(j)]
    graph = from_edges(num_tasks, clique)
    return max_degree(graph) == degree and number_of_colors(largest_first(graph)) == degree + 1


def _lengths_lie_between(graph: Graph) -> bool:
    lengths = _first_fit_lengths(graph)
    most = grundy_number(graph)
    return (
        min(lengths) == chromatic_number(graph)
        and max(lengths) == most
        and most <= max_degree(graph) + 1
    )


COL_P9_INVARIANT = Claim(
    id="COL-P9-INVARIANT",
    family="coloring",
    title="The bound depends only on the graph",
    statement=r"This [the bound $\Delta+1$ on the cycle length] is a quantity depending only on "
    r"the structure of the conflict graph; a graph invariant independent of the number of tasks.",
    plain="Delta + 1 does not depend on the tasks' numbering, nor on how many tasks there are "
    "beside those that conflict.",
    source=Source("SON-GOKU", "App. H.1, end of Proposition 9; H.2, first sentence"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="H.2: the schedule stays short when harmless tasks are added.",
    checks=(
        proof(
            "Delta + 1 is a graph invariant, and K doesn't enter",
            (
                Step(
                    "An isomorphism maps neighbours to neighbours, so it keeps degrees and Delta."
                ),
                Step(
                    "For every Delta and every K > Delta the clique on Delta + 1 tasks together "
                    "with K - Delta - 1 tasks without conflicts has K tasks and maximum degree "
                    "Delta: fixing Delta leaves K free."
                ),
            ),
        ),
        look(
            "all numberings",
            lambda context: (g for n in range(1, 7) for g in atlas(n)),
            _bound_is_invariant,
            lambda graph: f"edges {edges_of(graph)}",
            "all graphs with at most 6 tasks, all numberings",
            doc="Delta of every renumbered graph.",
        ),
        look(
            "Delta fixed, K growing",
            lambda context: ((d, k) for d in range(6) for k in range(d + 1, 60)),
            _bound_ignores_number,
            lambda case: f"Delta = {case[0]}, K = {case[1]}",
            "Delta <= 5, K < 60",
            doc="A clique and harmless tasks: Delta + 1 classes whatever K.",
            method=Method.EXACT,
            kind="instances",
        ),
    ),
    reading='"this" is the bound Delta + 1',
    notes='"Independent of the number of tasks" holds in the sense that K is not in the formula; '
    "adding tasks that conflict does raise Delta, up to K - 1.",
)

COL_P9_LENGTH = Claim(
    id="COL-P9-LENGTH",
    family="coloring",
    title="Does the cycle length depend only on the graph?",
    statement=r"The cycle length [of the Welsh-Powell schedule] is a quantity depending only on "
    r"the structure of the conflict graph.",
    plain="Two numberings of the same conflict graph give Welsh-Powell cycles of the same length.",
    source=Source("SON-GOKU", "App. H.1, end of Proposition 9"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Reproducibility: whether the order in which tasks are listed matters.",
    checks=(
        look(
            "all numberings",
            _unnamed,
            _welsh_powell_length_is_invariant,
            lambda graph: (
                f"the graph with edges {edges_of(graph)}, which has "
                f"{len(graph)} tasks; no graph with fewer tasks does"
            ),
            "all graphs with at most 6 tasks, all numberings",
            doc="Smallest first: the first violation has the fewest tasks.",
            counterexample=LENGTH_DEPENDS_ON_NAMES,
        ),
        replayed(LENGTH_DEPENDS_ON_NAMES, "From gradients to both colourings, exactly."),
        look(
            "networkx on shuffled paths",
            lambda context: range(200),
            _networkx_length_is_invariant,
            lambda seed: f"numbering number {seed}",
            "the path of six tasks, 200 random numberings",
            doc="networkx's own largest_first strategy.",
            method=Method.SEARCH,
            kind="instances",
            counterexample=LENGTH_DEPENDS_ON_NAMES,
        ),
    ),
    reading='"this" is the cycle length itself; the other reading, the bound, is row '
    "COL-P9-INVARIANT and holds",
    repaired_by="COL-P9-LENGTH-R",
)

COL_P9_LENGTH_R = Claim(
    id="COL-P9-LENGTH-R",
    family="coloring",
    title="The length lies between two graph invariants",
    statement=r"The number of first-fit colors lies between $\chi(G)$ and the Grundy number "
    r"$\Gamma(G)\le\Delta+1$. Both depend only on the graph, and each is attained by some order.",
    plain="chi(G) <= length <= Gamma(G) <= Delta + 1; some order attains chi, some order Gamma.",
    source=Source("songoku", "on App. H.1, end of Proposition 9"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="What can be said about the schedule's length before the tasks are numbered.",
    checks=(
        proof(
            "chi <= first-fit <= Gamma <= Delta + 1, both ends attained",
            (
                Step(
                    "First-fit is proper, so it uses at least chi colours. Gamma is by definition "
                    "the most that it uses in any order, so it is attained, and Proposition 9 "
                    "bounds it by Delta + 1."
                ),
                Step(
                    "Take an optimal colouring and run first-fit class after class. By induction "
                    "a task of the c-th class gets one of the first c colours: at most c - 1 "
                    "colours occur on earlier classes, and its own class has no neighbour of it. "
                    "So chi colours are enough: chi is attained."
                ),
                Step(
                    "An isomorphism carries orders to orders and first-fit colourings to "
                    "first-fit colourings: minimum and maximum over all orders are invariants."
                ),
            ),
        ),
        look(
            "all orders",
            _unnamed,
            _lengths_lie_between,
            lambda graph: f"edges {edges_of(graph)}",
            "all graphs with at most 6 tasks, all orders",
            doc="Minimum and maximum over all orders against chi and the Grundy number, both "
            "computed without orders.",
        ),
        WORST_ORDER,
    ),
    reading="any order; Welsh-Powell's own orders may miss both ends",
    repairs="COL-P9-LENGTH",
)

CLAIMS = (COL_P9_INVARIANT, COL_P9_LENGTH, COL_P9_LENGTH_R)
