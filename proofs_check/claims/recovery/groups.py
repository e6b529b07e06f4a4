"""Proposition 2, and whether colouring a recovered graph recovers the groups of either model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any

from proofs_check.claims.coloring._gradients import conflict_graph, read_gradients
from proofs_check.claims.coloring._graphs import (
    Graph,
    complete_multipartite,
    edges_of,
    first_fit,
    labelled_graphs,
    largest_first,
)
from proofs_check.claims.coloring.chromatic import part_sizes, planted, same_partition
from proofs_check.claims.recovery._assumptions import MODEL_A, NONZERO, components
from proofs_check.claims.recovery._checks import Step, appendix_b, look, ours, proof, replayed
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.model import CheckContext, Claim, Source

__all__ = ["CLAIMS", "every_graph"]


def every_graph(context: CheckContext) -> Iterator[Graph]:
    for tasks in range(2, 6 if context.profile == "full" else 5):
        yield from labelled_graphs(tasks)


def _equal_partition(graph: Graph) -> bool:
    """Components by union of edges and by search from each task agree."""
    import networkx as nx

    other = nx.Graph(list(edges_of(graph)))
    other.add_nodes_from(range(len(graph)))
    mine: dict[int, set[int]] = {}
    for task, label in enumerate(components(graph)):
        mine.setdefault(label, set()).add(task)
    return sorted(map(sorted, mine.values())) == sorted(map(sorted, nx.connected_components(other)))


REC_P2 = Claim(
    id="REC-P2",
    family="recovery",
    title="Under the component model the components of the empirical graph are the groups",
    statement=r"Under model (A), the grouping $\mathcal P^*$ equals the connected components of "
    r"$G^*$. Consequently, any procedure that returns the connected components of the empirical "
    r"graph recovers $\mathcal P^*$ whenever the empirical graph equals $G^*$.",
    plain="Model (A) defines the groups as the components of G*; equal graphs have equal "
    "components.",
    source=appendix_b("B.3, Proposition 2 and Definition B.2 (A)"),
    assumptions=(MODEL_A,),
    used_for="Theorem 3.",
    checks=(
        proof(
            "equal graphs have equal components",
            (
                Step("The first sentence is Definition B.2 (A)."),
                Step("Components are a function of the graph, so equal graphs have equal ones."),
            ),
        ),
        look(
            "components by two procedures",
            every_graph,
            _equal_partition,
            lambda graph: f"{len(graph)} tasks, edges {edges_of(graph)}",
            "all graphs with 2 to 4 tasks",
            doc="Two procedures that return components agree on every graph.",
        ),
    ),
    notes="Nothing here needs Assumption 1. But the scheduler returns colour classes, not "
    "components: under model (A) tasks of one group may conflict (row REC-P2-CLASSES).",
)


@replayer("recovery-classes-components")
def replay_classes(data: Mapping[str, Any]) -> Replay:
    """The scheduler's classes and the component model's groups, on exact gradients."""
    tau = rational(data["tau"])
    means = read_gradients(data["means"])
    graph = conflict_graph(means, tau)
    colors, group = largest_first(graph), components(graph)
    same = same_partition(colors, group)
    return Replay(
        (
            f"means {[list(map(str, mean)) for mean in means]}, tau = {tau}, no noise: the "
            f"empirical graph is G*, edges {edges_of(graph)}",
            f"components {group}, Welsh-Powell classes {colors}",
            f"the same grouping: {same}",
        ),
        not same,
    )


REC_P2_CLASSES = Claim(
    id="REC-P2-CLASSES",
    family="recovery",
    title="Colouring the recovered graph recovers the groups",
    statement=r"Equivalently, when the uniform cosine estimation error is below $\gamma$, we have "
    r"$\hat G_\tau=G^*_\tau$ and the resulting grouping recovers the ground-truth task partition.",
    plain="If the empirical graph is G*, the classes of its Welsh-Powell colouring are the groups "
    "of Definition B.2, in both models.",
    source=Source("SON-GOKU", "5.4"),
    assumptions=(NONZERO,),
    used_for='"This explains why the scheduler\'s group structure is trustworthy" (5.4).',
    checks=(
        replayed("rec_p2_classes", "Two opposite tasks: one component, two classes."),
        proof(
            "under model (B) every first-fit colouring of G* has the parts as classes",
            (
                Step("Model (B): G* is complete multipartite, its parts are the groups."),
                Step("First-fit in any order gives the parts as classes (EXT-6)."),
            ),
            under_condition=True,
        ),
        look(
            "all part sizes, all orders",
            lambda _: (
                (sizes, order)
                for total in range(1, 6)
                for sizes in part_sizes(total)
                for order in permutations(range(total))
            ),
            lambda case: same_partition(
                planted(case[0]), first_fit(complete_multipartite(planted(case[0])), case[1])
            ),
            str,
            "all complete multipartite graphs with at most 5 tasks, all orders",
            doc="Runs first-fit.",
            under_condition=True,
        ),
    ),
    reading="'the resulting grouping' is what colouring gives (5.4: 'and coloring the resulting "
    "graph'); 'ground-truth partition' is Definition B.2's, model (A) included",
    condition="the groups are those of model (B)",
    repaired_by="REC-P2-CLASSES-R",
)

REC_P2_CLASSES_R = Claim(
    id="REC-P2-CLASSES-R",
    family="recovery",
    title="When colour classes are components, and when they are parts",
    statement=r"If $\hat G=G^*$: under model (B) the scheduler's classes are the parts; under "
    r"model (A) no class contains two tasks joined by an edge, so a group with an edge is never a "
    r"class.",
    plain="Under (B) the classes are the groups. Under (A) a component with an edge is split, "
    "always, by every proper colouring.",
    source=ours("repair of 5.4's last step"),
    assumptions=(),
    used_for="The component model describes something that the scheduler does not aim at.",
    checks=(
        proof(
            "parts are classes, components with an edge are not",
            (
                Step("Under (B): EXT-6."),
                Step(
                    "Under (A): the two ends of an edge lie in one component and have different "
                    "colours in every proper colouring."
                ),
            ),
        ),
        look(
            "all graphs",
            every_graph,
            lambda graph: all(
                largest_first(graph)[i] != largest_first(graph)[j]
                and components(graph)[i] == components(graph)[j]
                for i, j in edges_of(graph)
            ),
            lambda graph: f"{len(graph)} tasks, edges {edges_of(graph)}",
            "all graphs with 2 to 4 tasks",
            doc="Each edge, in Welsh-Powell's colouring and in the components.",
        ),
    ),
    repairs="REC-P2-CLASSES",
)

CLAIMS = (REC_P2, REC_P2_CLASSES, REC_P2_CLASSES_R)
