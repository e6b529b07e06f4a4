"""H.2: what a schedule of at most Delta + 1 classes means for memory and for waiting.

A bound on the number of classes is no bound on their size: K tasks in m classes make some class
at least K/m large. So the fewer classes, the more heads are active at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from proofs_check.claims.coloring._gradients import conflict_graph, read_gradients, read_tau
from proofs_check.claims.coloring._graphs import (
    Graph,
    classes_of,
    edges_of,
    from_edges,
    largest_first,
    max_degree,
    number_of_colors,
)
from proofs_check.claims.coloring._runs import cyclic_steps
from proofs_check.claims.coloring.greedy import SIMPLE_GRAPH, greedy_bound_checks
from proofs_check.claims.coloring.staleness import (
    FIXED_CYCLE,
    cycle_checks,
    named_graphs,
    named_reach,
)
from proofs_check.counterexamples import Replay, replayer
from proofs_check.model import CheckContext, Claim, Method, Source

__all__ = ["CLAIMS"]

HEADS = "col_h2_heads"


@replayer("coloring-active-heads")
def replay_active_heads(data: Mapping[str, Any]) -> Replay:
    """Gradients, conflict graph, classes; then how many heads are active in a step."""
    tau = read_tau(data)
    graph = conflict_graph(read_gradients(data["gradients"]), tau)
    colors = largest_first(graph)
    run = cyclic_steps(colors, number_of_colors(colors))
    peak = max(len(active) for active in run)
    return Replay(
        (
            f"{len(graph)} tasks, conflicts at tau = {tau}: {edges_of(graph)}; "
            f"Delta = {max_degree(graph)}",
            f"Welsh-Powell classes: {classes_of(colors)}",
            f"one step activates {peak} heads; Delta + 1 = {max_degree(graph) + 1}",
        ),
        peak > max_degree(graph) + 1,
    )


def _largest_class(graph: Graph) -> int:
    return max(len(members) for members in classes_of(largest_first(graph)))


def _heads_within_bound(graph: Graph) -> bool:
    return _largest_class(graph) <= max_degree(graph) + 1


def _peak_is_at_least_average(graph: Graph) -> bool:
    length, bound = number_of_colors(largest_first(graph)), max_degree(graph) + 1
    peak = _largest_class(graph)
    return peak * length >= len(graph) and peak * bound >= len(graph)


def _grows_with_tasks(case: tuple[int, int]) -> bool:
    """Disjoint cliques of Delta + 1 tasks: m = Delta + 1, and K / m heads at a time."""
    degree, cliques = case
    size = degree + 1
    edges = [
        (size * q + i, size * q + j) for q in range(cliques) for j in range(size) for i in range(j)
    ]
    graph = from_edges(size * cliques, edges)
    return max_degree(graph) == degree and _largest_class(graph) == cliques


def _clique_cases(context: CheckContext) -> Iterator[tuple[int, int]]:
    del context
    for degree in range(5):
        for cliques in (1, 2, 5, 20, 60):
            yield degree, cliques


def _one_set_a_class(graph: Graph) -> bool:
    sets = {frozenset(members) for members in classes_of(largest_first(graph))}
    return len(sets) <= max_degree(graph) + 1 and sum(map(len, sets)) == len(graph)


def _edges(graph: Graph) -> str:
    return f"{len(graph)} tasks, edges {edges_of(graph)}"


def _average(z3: Z3) -> list[Obligation]:
    """K tasks in m classes of at most `peak` tasks, m <= D + 1: peak (D + 1) >= K."""
    obligations = []
    num_tasks, peak, bound = z3.Ints("K peak D1")
    for m in range(1, 9):
        sizes = [z3.Int(f"size_{c}") for c in range(m)]
        hypotheses = [
            *(z3.And(size >= 1, size <= peak) for size in sizes),
            num_tasks == sum(sizes),
            bound >= m,
        ]
        obligations.append(Obligation(f"m = {m}", hypotheses, num_tasks <= peak * bound))
    return obligations


def _square(z3: Z3) -> list[Obligation]:
    num_tasks, peak, bound = z3.Ints("K peak D1")
    return [
        Obligation(
            "K > (Delta + 1)^2 forces more than Delta + 1 heads",
            [bound >= 1, peak >= 1, num_tasks <= peak * bound, num_tasks > bound * bound],
            peak > bound,
        )
    ]


COL_H2A = Claim(
    id="COL-H2a",
    family="coloring",
    title="The period is bounded by a graph invariant",
    statement=r"A coloring with at most $\Delta+1$ classes means the scheduler's cycle period (the "
    r"number of batches needed before every task reappears) is bounded by a graph invariant "
    r"independent of the number of tasks.",
    plain="After any step, m <= Delta + 1 batches make every task reappear; Delta + 1 does not "
    "contain K.",
    source=Source("SON-GOKU", "App. H.2"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="Scaling to many tasks.",
    checks=cycle_checks,
    notes="That Delta + 1 is an invariant and leaves K free is row COL-P9-INVARIANT.",
)

COL_H2B_HEADS = Claim(
    id="COL-H2b-HEADS",
    family="coloring",
    title="Memory: at most Delta + 1 sets of head activations",
    statement=r"Even if thousands of tasks exist, as long as each one conflicts with at most "
    r"$\Delta$ others, the memory footprint (one shared backbone plus $\Delta+1$ sets of head "
    r"activations) remain[s] predictable and small.",
    plain="In every step at most Delta + 1 task heads are active.",
    source=Source("SON-GOKU", "App. H.2"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="Memory at scale.",
    checks=(
        look(
            "every graph",
            named_graphs,
            _heads_within_bound,
            _edges,
            named_reach,
            doc="Smallest first: largest class against Delta + 1.",
            counterexample=HEADS,
        ),
        replayed(HEADS, "From gradients to the number of active heads."),
    ),
    reading="a set of head activations is what one task's head needs",
    repaired_by="COL-H2b-HEADS-R",
    notes="The direction is the opposite one: no conflicts at all (Delta = 0) means one class with "
    "all K heads active in every step. Beyond (Delta + 1)^2 tasks it fails at every graph.",
)

COL_H2B_HEADS_R = Claim(
    id="COL-H2b-HEADS-R",
    family="coloring",
    title="How many heads are active at once",
    statement=r"The largest number of heads active in a step is $\max_j|C_j|\ge\lceil K/m\rceil\ge"
    r"\lceil K/(\Delta+1)\rceil$. For fixed $\Delta$ it grows linearly with $K$, and it exceeds "
    r"$\Delta+1$ as soon as $K>(\Delta+1)^2$.",
    plain="Some step activates at least K/(Delta + 1) heads: more than Delta + 1 of them whenever "
    "K > (Delta + 1)^2.",
    source=Source("songoku", "on App. H.2"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="Planning memory: by class size, not by number of classes.",
    checks=(
        proof(
            "some class has at least K / (Delta + 1) tasks",
            (
                Step(
                    "The m classes have K tasks together, so one has at least K/m of them.",
                    z3_proves(_average),
                ),
                Step("m <= Delta + 1 (Proposition 9)."),
                Step("If K > (Delta + 1)^2, then K/(Delta + 1) > Delta + 1.", z3_proves(_square)),
            ),
        ),
        look(
            "every graph",
            named_graphs,
            _peak_is_at_least_average,
            _edges,
            named_reach,
            doc="Largest class against K/m and K/(Delta + 1).",
        ),
        look(
            "cliques",
            _clique_cases,
            _grows_with_tasks,
            lambda case: f"{case[1]} cliques of {case[0] + 1} tasks",
            "disjoint cliques, Delta <= 4, up to 300 tasks",
            doc="The lower bound is attained: K/(Delta + 1) heads.",
            method=Method.EXACT,
            kind="instances",
        ),
        solver(
            "pigeonhole",
            _average,
            "K <= peak (Delta + 1) for m <= 8 classes of any sizes",
            doc="z3 over the integers.",
            kind="up_to",
        ),
    ),
    repairs="COL-H2b-HEADS",
)

COL_H2B_SETS = Claim(
    id="COL-H2b-SETS",
    family="coloring",
    title="Memory: Delta + 1 sets of heads, one a class",
    statement=r"The memory footprint (one shared backbone plus $\Delta+1$ sets of head "
    r"activations).",
    plain="There are at most Delta + 1 sets of heads that are ever active together, one a class.",
    source=Source("SON-GOKU", "App. H.2"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="Memory at scale.",
    checks=(
        *greedy_bound_checks,
        look(
            "every graph",
            named_graphs,
            _one_set_a_class,
            _edges,
            named_reach,
            doc="Sets counted; together they hold all K heads.",
        ),
    ),
    reading="a set of head activations is all that one class needs",
    notes="In this reading the sentence repeats eq. 99 and bounds no memory: the sets' sizes add "
    "up to K (COL-H2b-HEADS-R).",
)

COL_H2C = Claim(
    id="COL-H2c",
    family="coloring",
    title="Waiting time between successive updates",
    statement=r"The maximum waiting time between successive updates for any task (bounded by "
    r"$\Delta$, see Proposition 8) remain[s] predictable and small.",
    plain="On a fixed cycle at most Delta steps lie between two updates of a task, whatever K is.",
    source=Source("SON-GOKU", "App. H.2"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="Scaling to many tasks.",
    checks=cycle_checks,
    reading="on a fixed cycle, the wait counted in steps between two updates; for a run with "
    "refreshes see COL-P8-RUN",
)

CLAIMS = (COL_H2A, COL_H2B_HEADS, COL_H2B_HEADS_R, COL_H2B_SETS, COL_H2C)
