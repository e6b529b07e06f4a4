"""Proposition 9 and its relatives: first-fit is proper and uses at most Delta + 1 colours.

Eq. 101 (any order), eq. 99 (the scheduler's colouring), sections 4.3 and 5.5 (Welsh-Powell),
footnote 1, and the bound of Welsh and Powell themselves, which is sharper than the paper's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

from proofs_check.claims.coloring._evidence import (
    Z3,
    Obligation,
    Step,
    look,
    proof,
    solver,
    z3_proves,
)
from proofs_check.claims.coloring._graphs import (
    Graph,
    atlas,
    class_by_class,
    edges_of,
    first_fit,
    grundy_number,
    is_proper,
    labelled_graphs,
    largest_first,
    largest_first_order,
    max_degree,
    number_of_colors,
)
from proofs_check.claims.coloring._kernels import first_fit_world
from proofs_check.claims.coloring._runs import cyclic_steps
from proofs_check.model import Assumption, CheckContext, Claim, Source

__all__ = ["CLAIMS", "SIMPLE_GRAPH", "WORST_ORDER", "greedy_bound_checks"]

Ordered = tuple[Graph, tuple[int, ...]]


def _is_simple(graph: Graph) -> bool:
    tasks = range(len(graph))
    return len(graph) >= 1 and all(
        not graph[i] >> i & 1 and (graph[i] >> j & 1) == (graph[j] >> i & 1)
        for i in tasks
        for j in tasks
    )


SIMPLE_GRAPH = Assumption(
    "simple graph",
    "Finite, simple, undirected, with at least one task (otherwise Delta is not defined).",
    _is_simple,
)


def _ordered_graphs(context: CheckContext) -> Iterator[Ordered]:
    del context
    for num_tasks in range(1, 7):
        for graph in atlas(num_tasks):
            for order in permutations(range(num_tasks)):
                yield graph, order


def _named_graphs(context: CheckContext) -> Iterator[Graph]:
    del context
    for num_tasks in range(1, 7):
        yield from labelled_graphs(num_tasks)


def _unnamed_graphs(context: CheckContext) -> Iterator[Graph]:
    for num_tasks in range(1, 8 if context.profile == "full" else 7):
        yield from atlas(num_tasks)


def _unnamed_reach(context: CheckContext) -> str:
    return f"all graphs with at most {7 if context.profile == 'full' else 6} tasks, all orders"


def _keeps_bound(case: Ordered) -> bool:
    graph, order = case
    colors = first_fit(graph, order)
    return is_proper(graph, colors) and number_of_colors(colors) <= max_degree(graph) + 1


def sharper_bound(graph: Graph, order: Sequence[int]) -> int:
    """Return ``1 + max_i min(d_i, i - 1)``, the i-th task of the order having ``d_i`` conflicts.

    Source
    ------
    Welsh and Powell (1967).
    """
    return 1 + max(min(graph[task].bit_count(), place) for place, task in enumerate(order))


def _keeps_sharper_bound(case: Ordered) -> bool:
    graph, order = case
    colors = first_fit(graph, order)
    return number_of_colors(colors) <= sharper_bound(graph, order) <= max_degree(graph) + 1


def _welsh_powell_keeps_bound(graph: Graph) -> bool:
    colors = largest_first(graph)
    return is_proper(graph, colors) and number_of_colors(colors) <= max_degree(graph) + 1


def _procedures_agree(case: Ordered) -> bool:
    graph, order = case
    return first_fit(graph, order) == class_by_class(graph, order)


def _cycle_is_bounded(graph: Graph) -> bool:
    """The least period of the active sets is m, and m <= Delta + 1."""
    colors = largest_first(graph)
    length = number_of_colors(colors)
    run = cyclic_steps(colors, 3 * length)
    periods = [p for p in range(1, 2 * length) if run[p:] == run[:-p]]
    return periods[0] == length <= max_degree(graph) + 1


def _degree_pigeonhole(z3: Z3) -> list[Obligation]:
    """A task with at most D neighbours has one of the colours 0..D, D <= 7, any graph."""
    task = z3.DeclareSort("Task")
    color = z3.Function("color", task, z3.IntSort())
    adjacent = z3.Function("adjacent", task, task, z3.BoolSort())
    u, v = z3.Consts("u v", task)
    obligations = []
    for degree in range(8):
        neighbours = [z3.Const(f"neighbour_{i}", task) for i in range(degree)]
        blockers = [z3.Const(f"blocker_{c}", task) for c in range(degree + 1)]
        hypotheses = [
            z3.ForAll([u], z3.Implies(adjacent(u, v), z3.Or([u == n for n in neighbours]))),
            *(
                z3.Implies(color(v) > c, z3.And(adjacent(blocker, v), color(blocker) == c))
                for c, blocker in enumerate(blockers)
            ),
        ]
        obligations.append(Obligation(f"degree {degree}", hypotheses, color(v) <= degree))
    return obligations


def _same_recursion(z3: Z3) -> list[Obligation]:
    """Two colourings that both satisfy first-fit's two facts in one order are equal.

    Induction over the order: `w` is the first task at which they might differ.
    """
    task = z3.DeclareSort("Task")
    place = z3.Function("place", task, z3.IntSort())
    adjacent = z3.Function("adjacent", task, task, z3.BoolSort())
    u, v, w = z3.Consts("u v w", task)
    colorings = []
    hypotheses = []
    for name in ("first_fit", "class_by_class"):
        color = z3.Function(name, task, z3.IntSort())
        blocks = z3.Function(f"blocks_{name}", task, z3.IntSort(), task)
        c = z3.Int("c")
        colorings.append(color)
        hypotheses += [
            z3.ForAll([u], color(u) >= 0),
            z3.ForAll(
                [u, v],
                z3.Implies(z3.And(adjacent(u, v), place(u) < place(v)), color(u) != color(v)),
            ),
            # the fact is only used at w, for the colour that the other procedure gives it
            z3.ForAll(
                [c],
                z3.Implies(
                    z3.And(c >= 0, c < color(w)),
                    z3.And(
                        adjacent(blocks(w, c), w),
                        place(blocks(w, c)) < place(w),
                        color(blocks(w, c)) == c,
                    ),
                ),
            ),
        ]
    one, other = colorings
    hypotheses.append(z3.ForAll([u], z3.Implies(place(u) < place(w), one(u) == other(u))))
    return [Obligation("they agree at the next task", hypotheses, one(w) == other(w))]


def _proper_kernel(z3: Z3) -> list[Obligation]:
    world = first_fit_world(z3)
    u, v = z3.Consts("a b", world.task)
    return [
        Obligation(
            "tasks of one colour don't conflict",
            [*world.axioms, world.color(u) == world.color(v)],
            z3.Not(world.adjacent(u, v)),
        )
    ]


GREEDY_PROOF = proof(
    "first-fit in any order is proper and uses at most Delta + 1 colours",
    (
        Step(
            "When a task is coloured, the colours that it may not have are those of its already "
            "coloured neighbours. It gets another one; so no edge joins equal colours."
        ),
        Step(
            "It has at most Delta neighbours, so at most Delta colours are taken, and one of the "
            "first Delta + 1 is free: its colour is among these.",
            z3_proves(_degree_pigeonhole),
        ),
        Step("This holds for each task, so at most Delta + 1 colours occur."),
    ),
)

ALL_ORDERS = look(
    "all orders",
    _ordered_graphs,
    _keeps_bound,
    lambda case: f"edges {edges_of(case[0])}, order {case[1]}",
    "all graphs with at most 6 tasks, all orders",
    doc="First-fit on every graph (up to names) in every order: proper, at most Delta + 1.",
)

WORST_ORDER = look(
    "worst order by recursion",
    _unnamed_graphs,
    lambda graph: grundy_number(graph) <= max_degree(graph) + 1,
    lambda graph: f"edges {edges_of(graph)}",
    _unnamed_reach,
    doc="Grundy number, the worst case over all orders, computed without any order.",
)

ALL_NAMES = look(
    "Welsh-Powell on all named graphs",
    _named_graphs,
    _welsh_powell_keeps_bound,
    lambda graph: f"edges {edges_of(graph)}",
    "all named graphs with at most 6 tasks",
    doc="Ties by index; every naming is there, so every way to break ties is.",
)

BOUNDED_DEGREE = solver(
    "pigeonhole",
    _degree_pigeonhole,
    "a task with at most 7 conflicts gets one of the first 8 colours, whatever the graph's size",
    doc="z3 over an unbounded sort of tasks, one query for each degree.",
    kind="up_to",
)

greedy_bound_checks = (GREEDY_PROOF, WORST_ORDER, BOUNDED_DEGREE)
"""The evidence for "at most Delta + 1 colours", for the other rows that lean on it."""

COL_P9 = Claim(
    id="COL-P9",
    family="coloring",
    title="First-fit uses at most Delta + 1 colours",
    statement=r"Let $G$ be a finite simple undirected graph with maximum degree $\Delta$. The "
    r"greedy (first-fit) coloring algorithm produces a proper vertex coloring with "
    r"$\chi_{greedy}(G)\le\Delta+1$ colors.",
    plain="First-fit, in any order of the tasks, is proper and uses at most Delta + 1 colours.",
    source=Source("SON-GOKU", "App. H.1, Proposition 9", ("101",)),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Length of the schedule; Proposition 8; sections 4.3, 5.5, 7.3.2, H.2.",
    checks=(*greedy_bound_checks, ALL_ORDERS),
    reading="any order, of which Welsh-Powell's is one",
    notes="Attained in two ways: by cliques, where it has to be, and by crowns, where it need not "
    "(EXT-6-CROWN). The paper's own proof is right.",
)

COL_P9_SHARP = Claim(
    id="COL-P9-SHARP",
    family="coloring",
    title="Welsh and Powell's own bound",
    statement=r"If $d_i$ is the degree of the $i$-th vertex in the order, first-fit uses at most "
    r"$1+\max_i\min(d_i,i-1)\le\Delta+1$ colors.",
    plain="First-fit uses at most 1 + max_i min(d_i, i - 1) colours, never more than Delta + 1.",
    source=Source("songoku", "on App. H.1, Proposition 9 (Welsh and Powell 1967)"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="A schedule-length bound that does not explode with one busy task: 2 on a star, "
    "where Delta + 1 = K.",
    checks=(
        proof(
            "at most 1 + max_i min(d_i, i - 1) colours",
            (
                Step(
                    "The i-th task has at most min(d_i, i - 1) coloured neighbours when its turn "
                    "comes: at most d_i neighbours, at most i - 1 coloured tasks."
                ),
                Step(
                    "So it gets one of the first 1 + min(d_i, i - 1) colours; take the largest "
                    "over i. As d_i <= Delta this is at most Delta + 1.",
                    z3_proves(_degree_pigeonhole),
                ),
            ),
        ),
        look(
            "all orders",
            _ordered_graphs,
            _keeps_sharper_bound,
            lambda case: f"edges {edges_of(case[0])}, order {case[1]}",
            "all graphs with at most 6 tasks, all orders",
            doc="Colours against the bound, and the bound against Delta + 1.",
        ),
    ),
)

COL_43A = Claim(
    id="COL-4.3a",
    family="coloring",
    title="Welsh-Powell uses at most Delta + 1 colours",
    statement=r"Classical graph-theory results guarantee that the Welsh-Powell heuristic uses no "
    r"more than $\Delta+1$ colors, where $\Delta$ is the maximum vertex degree.",
    plain="Welsh-Powell (largest degree first, then first-fit) uses at most Delta + 1 colours.",
    source=Source("SON-GOKU", "4.3; 5.5; App. H footnote 1"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Length m_r of the schedule in section 4.4.",
    checks=(GREEDY_PROOF, ALL_NAMES, WORST_ORDER, BOUNDED_DEGREE),
)

COL_P8_COLORS = Claim(
    id="COL-P8-COLORS",
    family="coloring",
    title="The scheduler's colouring is proper and has at most Delta + 1 classes",
    statement=r"Greedy graph coloring produces a proper coloring $C_1,\ldots,C_m$ with "
    r"$m\le\Delta+1$.",
    plain="Greedy colouring of the conflict graph is proper and has m <= Delta + 1 classes.",
    source=Source("SON-GOKU", "App. G, Proposition 8, part A", ("99",)),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Eq. 100.",
    checks=(
        *greedy_bound_checks,
        solver(
            "proper",
            _proper_kernel,
            "tasks of one class do not conflict, whatever the graph's size",
            doc="From first-fit's first fact.",
            kind="instances",
        ),
    ),
    notes='Part B of the proof cites "Equation 8" for this bound; it means eq. 99.',
)

COL_P9_PERIOD = Claim(
    id="COL-P9-PERIOD",
    family="coloring",
    title="The cycle length is at most Delta + 1",
    statement=r"When the scheduler activates the color classes in a cyclic order, the cycle length "
    r"is bounded by $\Delta+1$.",
    plain="Activated in cyclic order, the classes come round after m <= Delta + 1 steps.",
    source=Source("SON-GOKU", "App. H.1, Proposition 9; H.2"),
    assumptions=(
        SIMPLE_GRAPH,
        Assumption("fixed cycle", "One colouring, activated in one cyclic order.", None),
    ),
    used_for="Update frequency (section 5.5, 7.3.2).",
    checks=(
        proof(
            "the cycle has length m <= Delta + 1",
            (
                Step("One class a step, m classes: the sequence of active sets has period m."),
                Step(
                    "It has no smaller one: classes are not empty and have no task in common, so "
                    "C_1 = C_(1+p) only if p is a multiple of m."
                ),
                Step("m <= Delta + 1 by Proposition 9.", z3_proves(_degree_pigeonhole)),
            ),
        ),
        look(
            "least period of the active sets",
            lambda context: (g for n in range(1, 6) for g in labelled_graphs(n)),
            _cycle_is_bounded,
            lambda graph: f"edges {edges_of(graph)}",
            "all named graphs with at most 5 tasks",
            doc="Three cycles written out; the least period is read off.",
        ),
    ),
)

COL_P9_FN = Claim(
    id="COL-P9-FN",
    family="coloring",
    title="Footnote 1 is Welsh and Powell's procedure",
    statement=r"Order the vertices in non-increasing degree and assign to each the smallest "
    r"positive integer (color) not used by its previously colored neighbors.",
    plain="Footnote 1's vertex-by-vertex first-fit gives the same colours as the procedure that "
    "Welsh and Powell published, which fills one class after the other.",
    source=Source("SON-GOKU", "App. H.1, footnote 1"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Results on either description may be used for the other.",
    checks=(
        proof(
            "both procedures give the same colours, in every order",
            (
                Step(
                    "First-fit: v's colour differs from that of every earlier neighbour, and each "
                    "smaller colour is that of an earlier neighbour."
                ),
                Step(
                    "Class by class: v is not put into a class that has an earlier neighbour of "
                    "it, and it was passed over for each earlier class because that had one."
                ),
                Step(
                    "These are the same two facts, and they fix the colouring: at the first task "
                    "where two colourings with these facts differ, say one gives a smaller colour "
                    "c, the other has an earlier neighbour of colour c; there they agree, so the "
                    "first has it too.",
                    z3_proves(_same_recursion),
                ),
            ),
        ),
        look(
            "all orders",
            _ordered_graphs,
            _procedures_agree,
            lambda case: f"edges {edges_of(case[0])}, order {case[1]}",
            "all graphs with at most 6 tasks, all orders",
            doc="Runs both procedures.",
        ),
        look(
            "orders of non-increasing degree",
            _named_graphs,
            lambda graph: _procedures_agree((graph, tuple(largest_first_order(graph)))),
            lambda graph: f"edges {edges_of(graph)}",
            "all named graphs with at most 6 tasks, Welsh-Powell order",
            doc="The order of the footnote itself, ties by index.",
        ),
    ),
    notes='"Non-increasing degree" leaves ties open, and the number of colours can depend on how '
    "they are broken: row COL-P9-LENGTH.",
)

CLAIMS = (COL_P9, COL_P9_SHARP, COL_43A, COL_P8_COLORS, COL_P9_PERIOD, COL_P9_FN)
