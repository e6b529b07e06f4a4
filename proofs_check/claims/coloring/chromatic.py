"""Proposition 1, Theorem 1, and what first-fit does on complete multipartite graphs.

Model (B) says that the conflict graph is complete multipartite with the planted groups as
parts. The paper identifies the groups by an *optimal* colouring (Theorem 1), which nobody
computes; the scheduler runs a greedy one. EXT-6 closes that gap: on these graphs every
first-fit colouring, in every order, has the parts as its classes.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    chromatic_number,
    complete_multipartite,
    first_fit,
    from_edges,
    is_proper,
    proper_colorings,
)
from proofs_check.claims.coloring._kernels import first_fit_world
from proofs_check.model import Assumption, CheckContext, Claim, Method, Source

__all__ = ["CLAIMS"]

MAX_TASKS = {"quick": 6, "full": 7}


def part_sizes(total: int, largest: int | None = None) -> Iterator[tuple[int, ...]]:
    """Yield every way to cut `total` tasks into non-empty parts, up to the tasks' names.

    Examples
    --------
    >>> list(part_sizes(3))
    [(3,), (2, 1), (1, 1, 1)]
    """
    if total == 0:
        yield ()
        return
    for first in range(min(total, largest or total), 0, -1):
        for rest in part_sizes(total - first, first):
            yield (first, *rest)


def planted(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the part of each task when the parts have these sizes.

    Examples
    --------
    >>> planted((2, 1))
    (0, 0, 1)
    """
    return tuple(part for part, size in enumerate(sizes) for _ in range(size))


def same_partition(left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    """Say whether two labellings put the same tasks together.

    Examples
    --------
    >>> same_partition((0, 0, 1), (5, 5, 3)), same_partition((0, 0, 1), (0, 1, 1))
    (True, False)
    """
    return len(set(zip(left, right, strict=True))) == len(set(left)) == len(set(right))


def _is_complete_multipartite(graph: Graph, part_of: tuple[int, ...]) -> bool:
    return graph == complete_multipartite(part_of)


def _parts_are_not_empty(part_of: tuple[int, ...], num_parts: int) -> bool:
    return set(part_of) == set(range(num_parts))


MODEL_B = Assumption(
    "model (B)",
    "G* is complete m-partite: tasks conflict exactly when their parts differ (Definition B.2).",
    _is_complete_multipartite,
)
NON_EMPTY = Assumption(
    "parts not empty",
    'Every part has a task. The paper says so in the proof of Theorem 1 ("m nonempty parts").',
    _parts_are_not_empty,
)


def _sizes_up_to(context: CheckContext) -> Iterator[tuple[int, ...]]:
    for total in range(1, MAX_TASKS[context.profile] + 1):
        yield from part_sizes(total)


def _reach(context: CheckContext) -> str:
    return f"all complete multipartite graphs with at most {MAX_TASKS[context.profile]} tasks"


def _chromatic_number_is_parts(sizes: tuple[int, ...]) -> bool:
    return chromatic_number(complete_multipartite(planted(sizes))) == len(sizes)


def _optimal_colorings(
    context: CheckContext,
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    for sizes in _sizes_up_to(context):
        part_of = planted(sizes)
        graph = complete_multipartite(part_of)
        fewest = chromatic_number(graph)
        for colors in proper_colorings(graph, fewest):
            if len(set(colors)) == fewest:
                yield part_of, colors


def _orders(context: CheckContext) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    for sizes in _sizes_up_to(context):
        part_of = planted(sizes)
        for order in permutations(range(len(part_of))):
            yield part_of, order


def _first_fit_finds_parts(case: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
    part_of, order = case
    return same_partition(part_of, first_fit(complete_multipartite(part_of), order))


def _colors_needed(z3: Z3) -> list[Obligation]:
    """m parts, any number of tasks: m - 1 colours don't do, the parts themselves do."""
    task = z3.DeclareSort("Task")
    part = z3.Function("part", task, z3.IntSort())
    color = z3.Function("color", task, z3.IntSort())
    u, v = z3.Consts("u v", task)
    proper = z3.ForAll([u, v], z3.Implies(part(u) != part(v), color(u) != color(v)))
    obligations = []
    for m in range(1, 8):
        some = [z3.Const(f"task_of_part_{p}", task) for p in range(m)]
        hypotheses = [
            z3.ForAll([u], z3.And(part(u) >= 0, part(u) < m, color(u) >= 0)),
            *(part(task_of_part) == p for p, task_of_part in enumerate(some)),
            proper,
        ]
        too_few = z3.And([color(task_of_part) < m - 1 for task_of_part in some])
        obligations.append(
            Obligation(
                f"{m} parts can't be coloured with {m - 1} colours", hypotheses, z3.Not(too_few)
            )
        )
    by_part = z3.ForAll([u], color(u) == part(u))
    obligations.append(Obligation("colouring by part is proper", [by_part], proper))
    return obligations


def _classes_are_parts(z3: Z3) -> list[Obligation]:
    """m parts, m colours, any number of tasks: same colour iff same part."""
    task = z3.DeclareSort("Task")
    part = z3.Function("part", task, z3.IntSort())
    color = z3.Function("color", task, z3.IntSort())
    u, v, x, y = z3.Consts("u v x y", task)
    obligations = []
    for m in range(1, 6):
        some = [z3.Const(f"task_of_part_{p}", task) for p in range(m)]
        hypotheses = [
            z3.ForAll([u], z3.And(part(u) >= 0, part(u) < m, color(u) >= 0, color(u) < m)),
            *(part(task_of_part) == p for p, task_of_part in enumerate(some)),
            z3.ForAll([u, v], z3.Implies(part(u) != part(v), color(u) != color(v))),
        ]
        conclusion = (color(x) == color(y)) == (part(x) == part(y))
        obligations.append(Obligation(f"m = {m}", hypotheses, conclusion))
    return obligations


def _same_color_same_part(z3: Z3) -> list[Obligation]:
    task, parts = z3.DeclareSort("Task"), z3.DeclareSort("Part")
    part = z3.Function("part", task, parts)
    color = z3.Function("color", task, z3.IntSort())
    u, v, x, y = z3.Consts("u v x y", task)
    proper = z3.ForAll([u, v], z3.Implies(part(u) != part(v), color(u) != color(v)))
    of_part = z3.Function("task_of_part", parts, task)
    p = z3.Const("p", parts)
    onto = [
        z3.ForAll([p], part(of_part(p)) == p),
        z3.ForAll([u], z3.Exists([p], color(of_part(p)) == color(u))),
    ]
    return [
        Obligation("same colour, same part", [proper, color(x) == color(y)], part(x) == part(y)),
        Obligation(
            "if every colour is that of some part's chosen task: same part, same colour",
            [proper, *onto, part(x) == part(y)],
            color(x) == color(y),
        ),
    ]


def _first_fit_on_model_b(z3: Z3) -> list[Obligation]:
    parts = z3.DeclareSort("Part")
    part = z3.Function("part", z3.DeclareSort("Task"), parts)
    world = first_fit_world(z3, lambda u, v: part(u) != part(v))
    x, y = z3.Consts("x y", world.task)
    same_part, same_color = part(x) == part(y), world.color(x) == world.color(y)
    return [Obligation("same part iff same colour", world.axioms, same_part == same_color)]


def _hypotheses_needed() -> Iterator[tuple[str, Graph, int, bool]]:
    """Yield what was dropped, the graph, m, and whether the conclusion still holds."""
    lonely = from_edges(1, [])
    yield (
        "an empty part allowed: one task, parts {1} and {}",
        lonely,
        2,
        (chromatic_number(lonely) == 2),
    )
    pair = from_edges(2, [])
    split = (0, 1)
    yield (
        "one colour more than chi: parts {1, 2}, colours 1 and 2",
        pair,
        1,
        (is_proper(pair, split) and same_partition((0, 0), split)),
    )
    yield "a cross edge missing: parts {1} and {2}, no edge", pair, 2, (chromatic_number(pair) == 2)


def _polynomial_route(context: CheckContext) -> Iterator[tuple[str, int, int]]:
    """Yield graph, m and the number of proper colourings with m - 1 resp. m colours."""
    del context
    import networkx as nx

    for name, graph, colors in (
        ("one task", nx.empty_graph(1), 1),
        ("two tasks without conflict", nx.empty_graph(2), 1),
        ("two tasks without conflict", nx.empty_graph(2), 2),
    ):
        polynomial = nx.chromatic_polynomial(graph)
        (variable,) = polynomial.free_symbols
        yield name, colors, int(polynomial.subs(variable, colors))


COL_P1 = Claim(
    id="COL-P1",
    family="coloring",
    title="Chromatic number of a complete multipartite graph",
    statement=r"If $G^*$ is complete $m$-partite with parts $\{P_r\}_{r=1}^m$, then $\chi(G^*)=m$.",
    plain="If G* is complete m-partite with parts P_1, ..., P_m, then chi(G*) = m.",
    source=Source("SON-GOKU", "App. B.3, Proposition 1"),
    assumptions=(MODEL_B, NON_EMPTY),
    used_for="Theorem 1 and Theorem 4: the number of groups is the number of colours.",
    checks=(
        proof(
            "chi(complete m-partite) = m",
            (
                Step(
                    "Take one task of each part: m tasks, pairwise in different parts, so "
                    "pairwise adjacent. A proper colouring gives them m different colours."
                ),
                Step(
                    "Colour each task by its part: an edge joins different parts, so it joins "
                    "different colours. This uses m colours, since no part is empty."
                ),
                Step("So at least m and at most m.", z3_proves(_colors_needed)),
            ),
        ),
        look(
            "all part sizes",
            _sizes_up_to,
            _chromatic_number_is_parts,
            str,
            _reach,
            doc="chi by recursion over all subsets of tasks, against the number of parts.",
        ),
        solver(
            "pigeonhole",
            _colors_needed,
            "m <= 7 parts, any number of tasks: chi = m",
            doc="z3 over an unbounded sort of tasks, one query for each m.",
            kind="up_to",
        ),
    ),
    reading="a part is not empty, as in the proof of Theorem 1",
    repaired_by=None,
    notes="With an empty part it would fail at one task (row COL-T1-SHARP). Definition B.2 prints "
    '"m >= !" for m >= 1.',
)

COL_T1 = Claim(
    id="COL-T1",
    family="coloring",
    title="An optimal colouring's classes are the parts",
    statement=r"Let $G^*$ be complete $m$-partite with parts $\{P_r\}_{r=1}^m$ and let $c$ be a "
    r"proper coloring of $G^*$ that uses exactly $\chi(G^*)$ colors. Then each color class "
    r"equals some part $P_r$ (up to relabeling).",
    plain="On a complete m-partite graph, the classes of every proper colouring with exactly "
    "chi colours are the parts.",
    source=Source("SON-GOKU", "App. B.3, Theorem 1"),
    assumptions=(
        MODEL_B,
        NON_EMPTY,
        Assumption("optimal", "c is proper and uses exactly chi(G*) colours.", None),
    ),
    used_for="Theorem 4, recovery of the groups under the multipartite model; eq. 39 (ii).",
    checks=(
        proof(
            "the classes of an optimal colouring are the parts",
            (
                Step(
                    "Two tasks of one colour are not adjacent, so they are in one part: each "
                    "class lies inside a part."
                ),
                Step(
                    "Choose a task in each part. Their m colours differ; by Proposition 1 there "
                    "are only m colours; so every colour is that of exactly one chosen task."
                ),
                Step(
                    "Let x lie in part P with chosen task p. The colour of x is that of some "
                    "chosen task q; same colour, same part, so q lies in P, so q = p: all of P "
                    "has the colour of p.",
                    z3_proves(_same_color_same_part),
                ),
                Step("So classes and parts coincide."),
            ),
        ),
        look(
            "all optimal colourings",
            _optimal_colorings,
            lambda case: same_partition(*case),
            lambda case: f"parts {case[0]}, colours {case[1]}",
            _reach,
            doc="Every proper colouring with chi colours, enumerated.",
        ),
        solver(
            "same colour iff same part",
            _classes_are_parts,
            "m <= 5 parts and colours, any number of tasks: same colour iff same part",
            doc="z3 over an unbounded sort of tasks, one query for each m.",
            kind="up_to",
        ),
    ),
    notes="The scheduler's colouring is greedy, not optimal; EXT-6 shows that on these graphs "
    "that makes no difference.",
)

COL_T1_SHARP = Claim(
    id="COL-T1-SHARP",
    family="coloring",
    title="Every hypothesis of Proposition 1 and Theorem 1 is needed",
    statement=r"The conclusions of Proposition 1 and Theorem 1 fail for some graph when (a) a part "
    r"may be empty, (b) the coloring may use one color more than $\chi(G^*)$, or (c) one "
    r"cross-part edge is missing.",
    plain="Drop 'no part is empty', 'exactly chi colours' or 'all cross edges': each time a graph "
    "with at most two tasks breaks the conclusion.",
    source=Source("songoku", "on App. B.3, Proposition 1 and Theorem 1"),
    assumptions=(),
    used_for="Says where the recovery argument stops: one missed edge is enough.",
    checks=(
        look(
            "three witnesses",
            lambda context: _hypotheses_needed(),
            lambda case: not case[3],
            lambda case: f"{case[0]}: the conclusion survives",
            "three graphs, which is all that a statement of existence needs",
            doc="Each witness is at most two tasks; the conclusion is evaluated exactly.",
            method=Method.EXACT,
            kind="all_sizes",
        ),
        look(
            "by chromatic polynomial",
            _polynomial_route,
            lambda case: case[2] > 0,
            lambda case: f"{case[0]} has no proper colouring with {case[1]} colours",
            "the same graphs",
            doc="networkx counts proper colourings: the witnesses have those that they need.",
            method=Method.SYMBOLIC,
            kind="instances",
        ),
    ),
    reading="a row about the hypotheses, not a refutation: the paper states all three",
)

EXT_6 = Claim(
    id="EXT-6",
    family="coloring",
    title="First-fit finds the parts, in every order",
    statement=r"If $G$ is complete $m$-partite, first-fit in any order of the tasks uses exactly "
    r"$m$ colors and its classes are the parts. Welsh-Powell, DSATUR and smallest-last are "
    r"first-fit in some order.",
    plain="On a complete multipartite graph, first-fit in every order gives the parts as classes: "
    "an optimal colouring is not needed.",
    source=Source("songoku", "results beyond the paper, 6; on App. B.3, Theorem 1 and section 5.4"),
    assumptions=(MODEL_B,),
    used_for="Section 5.4 with the colouring that the scheduler really runs.",
    checks=(
        solver(
            "same part iff same colour",
            _first_fit_on_model_b,
            "on a complete multipartite graph of any size, first-fit's classes are the parts",
            doc="z3, tasks and parts of uninterpreted sorts: no bound on either.",
        ),
        proof(
            "first-fit's classes are the parts",
            (
                Step(
                    "First-fit gives a proper colouring in which a task of colour c has a "
                    "neighbour of every colour below c: each was taken when c was chosen."
                ),
                Step("Same colour, same part: tasks of different parts are adjacent."),
                Step(
                    "Same part, same colour: let x, y share a part and color(x) < color(y). By "
                    "(1) y has a neighbour w of colour color(x); w is in another part than y, so "
                    "in another than x, so adjacent to x, which has its colour: contradiction.",
                    z3_proves(_first_fit_on_model_b),
                ),
            ),
        ),
        look(
            "all orders",
            _orders,
            _first_fit_finds_parts,
            lambda case: f"parts {case[0]}, order {case[1]}",
            lambda context: f"{_reach(context)}, all orders",
            doc="Runs first-fit in every order.",
        ),
    ),
    notes="The second half of result 6, the crown graphs, is row EXT-6-CROWN.",
)

CLAIMS = (COL_P1, COL_T1, COL_T1_SHARP, EXT_6)
