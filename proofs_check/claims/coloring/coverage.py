"""Section 4.4: what a period covers, and the minimum coverage of 4.4.1.

The duplication of 4.4.1 runs into first-fit's own property. A task of colour c has a neighbour of
every smaller colour, so the only slots that can take it a second time belong to larger colours;
and a task alone in its class is the neighbour that every task of a larger colour must have. So
the rule never helps the tasks that it was made for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
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
    atlas,
    classes_of,
    edges_of,
    first_fit,
    independent,
    labelled_graphs,
    largest_first,
    orders,
)
from proofs_check.claims.coloring._kernels import first_fit_world
from proofs_check.claims.coloring._runs import cyclic_steps
from proofs_check.claims.coloring.greedy import SIMPLE_GRAPH
from proofs_check.claims.coloring.staleness import FIXED_CYCLE, named_graphs, named_reach
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.model import Assumption, CheckContext, Claim, Method, Source, VacuityFinding
from songoku_theory.errors import InvalidInputError

__all__ = ["CLAIMS"]

SINGLETON = "col_4_4_1_singleton"
CO_OCCUR = "col_4_4_1_co_occur"
UNREACHABLE = "col_4_4_1_unreachable"

Slots = tuple[int, ...]
"""Entry ``s`` is the set of tasks active in slot ``s`` of the period, as a bit mask."""


def duplicate(
    graph: Graph, colors: tuple[int, ...], f_min: Fraction, *, look_at_slot: bool
) -> Slots:
    """Duplicate tasks into compatible slots until each has the share `f_min`, or can't.

    Parameters
    ----------
    graph, colors
        The conflict graph and its colouring; slot ``s`` starts as class ``s``.
    f_min : Fraction
        Wanted share of the slots of a period, for every task.
    look_at_slot : bool
        False: a task may join a slot if the slot's *class* has no conflict with it (4.4.1 as
        printed). True: if nobody who is in the slot by then has.
    """
    classes = [sum(1 << task for task in members) for members in classes_of(colors)]
    slots = list(classes)
    for task in range(len(graph)):
        for slot in range(len(slots)):
            share = Fraction(sum(members >> task & 1 for members in slots), len(slots))
            against = slots[slot] if look_at_slot else classes[slot]
            if share < f_min and not slots[slot] >> task & 1 and not graph[task] & against:
                slots[slot] |= 1 << task
    return tuple(slots)


def share_of(slots: Slots, task: int) -> Fraction:
    """Return the share of the slots in which the task is active."""
    return Fraction(sum(members >> task & 1 for members in slots), len(slots))


def _tasks(members: int) -> list[int]:
    return [task for task in range(members.bit_length()) if members >> task & 1]


@replayer("coloring-duplication")
def replay_duplication(data: Mapping[str, Any]) -> Replay:
    """Gradients, conflict graph, classes, slots after 4.4.1; then what was claimed of them."""
    tau, f_min = read_tau(data), rational(data["f_min"])
    graph = conflict_graph(read_gradients(data["gradients"]), tau)
    colors = largest_first(graph)
    slots = duplicate(graph, colors, f_min, look_at_slot=False)
    task = int(data["task"])
    before = Fraction(1, len(slots))
    after = share_of(slots, task)
    meeting = [(i, j) for i, j in edges_of(graph) if any(s >> i & 1 and s >> j & 1 for s in slots)]
    alone = classes_of(colors)[colors[task]] == (task,)
    verdicts = {
        "conflicting tasks never co-occur": bool(meeting),
        "a singleton's share grows": alone and after == before < f_min,
        "every share reaches f_min": after < f_min,
    }
    if data["claimed"] not in verdicts:
        raise InvalidInputError(
            f"claimed should be one of {', '.join(verdicts)}; found {data['claimed']!r}."
        )
    return Replay(
        (
            f"conflicts at tau = {tau}: {edges_of(graph)}",
            f"Welsh-Powell classes: {classes_of(colors)}; every share is {before}",
            f"duplicated up to f_min = {f_min}, each slot judged by its class: "
            f"{[_tasks(members) for members in slots]}",
            f"task {task}: share {before} before, {after} after; conflicting tasks that share a "
            f"slot: {meeting}; claimed: {data['claimed']}",
        ),
        verdicts[data["claimed"]],
    )


def _edges(graph: Graph) -> str:
    return f"{len(graph)} tasks, edges {edges_of(graph)}"


def _colored(context: CheckContext) -> Iterator[tuple[Graph, tuple[int, ...]]]:
    """Yield every first-fit colouring of every graph with at most 6 tasks (5 in quick)."""
    for num_tasks in range(1, 7 if context.profile == "full" else 6):
        for graph in atlas(num_tasks):
            for colors in {first_fit(graph, order) for order in orders(num_tasks)}:
                yield graph, colors


def _colored_reach(context: CheckContext) -> str:
    largest = 6 if context.profile == "full" else 5
    return f"all first-fit colourings, in any order, of all graphs with at most {largest} tasks"


def _described(case: tuple[Graph, tuple[int, ...]]) -> str:
    return f"{_edges(case[0])}, colours {case[1]}"


def _one_class_a_step(graph: Graph) -> bool:
    colors = largest_first(graph)
    classes = [frozenset(members) for members in classes_of(colors)]
    run = cyclic_steps(colors, 2 * len(classes))
    return all(active in classes for active in run) and all(
        sum(task in active for active in run[start : start + len(classes)]) == 1
        for start in range(len(classes))
        for task in range(len(graph))
    )


def _never_together(graph: Graph) -> bool:
    run = cyclic_steps(largest_first(graph), len(graph) + 1)
    return all(not {i, j} <= active for active in run for i, j in edges_of(graph))


def _networkx_never_together(seed: int) -> bool:
    import networkx as nx

    graph = nx.gnp_random_graph(15, 0.4, seed=seed)
    colors = nx.greedy_color(graph, strategy="largest_first")
    return all(colors[i] != colors[j] for i, j in graph.edges)


def _singleton_gains(graph: Graph) -> bool:
    """Does duplication raise the share of every task that is alone in its class (if below 1)?"""
    colors = largest_first(graph)
    slots = duplicate(graph, colors, Fraction(1), look_at_slot=False)
    return all(
        share_of(slots, members[0]) > Fraction(1, len(slots))
        for members in classes_of(colors)
        if len(members) == 1 and len(slots) > 1
    )


def _singletons_fit_nowhere(case: tuple[Graph, tuple[int, ...]]) -> bool:
    graph, colors = case
    return all(
        any(graph[members[0]] >> other & 1 for other in foreign)
        for members in classes_of(colors)
        if len(members) == 1
        for foreign in classes_of(colors)
        if foreign != members
    )


def _apart_after_duplication(graph: Graph) -> bool:
    slots = duplicate(graph, largest_first(graph), Fraction(1), look_at_slot=False)
    return all(independent(graph, members) for members in slots)


def _apart_after_careful_duplication(case: tuple[Graph, tuple[int, ...]]) -> bool:
    graph, colors = case
    slots = duplicate(graph, colors, Fraction(1), look_at_slot=True)
    return all(independent(graph, members) for members in slots)


def _coverage_cases(context: CheckContext) -> Iterator[tuple[Graph, Fraction]]:
    del context
    wanted = sorted({Fraction(p, q) for q in range(1, 5) for p in range(1, q + 1)})
    for num_tasks in range(1, 6):
        for graph in labelled_graphs(num_tasks):
            for f_min in wanted:
                yield graph, f_min


def _reaches(case: tuple[Graph, Fraction]) -> bool:
    graph, f_min = case
    slots = duplicate(graph, largest_first(graph), f_min, look_at_slot=False)
    return all(share_of(slots, task) >= f_min for task in range(len(graph)))


def _covered_exactly_if_idle(case: tuple[Graph, tuple[int, ...]]) -> bool:
    """The tasks of the last class keep the share 1/m under the most generous duplication."""
    graph, colors = case
    slots = duplicate(graph, colors, Fraction(1), look_at_slot=False)
    last = classes_of(colors)[-1]
    return all(share_of(slots, task) == Fraction(1, len(slots)) for task in last)


def _singleton_kernel(z3: Z3) -> list[Obligation]:
    """i alone in its class; another class, that of w: some task of it conflicts with i."""
    world = first_fit_world(z3)
    i, w, u = z3.Consts("i w x", world.task)
    alone = z3.ForAll([u], z3.Implies(world.color(u) == world.color(i), u == i))
    return [
        Obligation(
            "a task alone in its class conflicts with every other class",
            [*world.axioms, alone, world.color(w) != world.color(i)],
            z3.Exists([u], z3.And(world.color(u) == world.color(w), world.adjacent(u, i))),
        )
    ]


def _last_class_kernel(z3: Z3) -> list[Obligation]:
    """v in the last class; another class, that of w: some task of it conflicts with v."""
    world = first_fit_world(z3)
    v, w, u = z3.Consts("v_last w x", world.task)
    last = z3.ForAll([u], world.color(u) <= world.color(v))
    return [
        Obligation(
            "a task of the last class conflicts with every other class",
            [*world.axioms, last, world.color(w) != world.color(v)],
            z3.Exists([u], z3.And(world.color(u) == world.color(w), world.adjacent(u, v))),
        )
    ]


def _careful_kernel(z3: Z3) -> list[Obligation]:
    """A slot without conflicts and a task without a conflict with any of its members."""
    task = z3.DeclareSort("Task")
    adjacent = z3.Function("adjacent", task, task, z3.BoolSort())
    inside = z3.Function("inside", task, z3.BoolSort())
    u, v, w, x, y = z3.Consts("u v w x y", task)

    def after(t: Z3) -> Z3:
        return z3.Or(inside(t), t == w)

    return [
        Obligation(
            "the slot stays without conflicts",
            [
                z3.ForAll([u, v], adjacent(u, v) == adjacent(v, u)),
                z3.ForAll([u], z3.Not(adjacent(u, u))),
                z3.ForAll([u, v], z3.Implies(z3.And(inside(u), inside(v)), z3.Not(adjacent(u, v)))),
                z3.ForAll([u], z3.Implies(inside(u), z3.Not(adjacent(u, w)))),
            ],
            z3.Implies(z3.And(after(x), after(y)), z3.Not(adjacent(x, y))),
        )
    ]


def _four_tasks_are_safe() -> bool:
    """With at most four tasks 4.4.1 as printed keeps conflicting tasks apart, in every order."""
    for num_tasks in range(1, 5):
        for graph in atlas(num_tasks):
            for colors in {first_fit(graph, order) for order in orders(num_tasks)}:
                slots = duplicate(graph, colors, Fraction(1), look_at_slot=False)
                if not all(independent(graph, members) for members in slots):
                    return False
    return True


def _never_applies(context: CheckContext) -> VacuityFinding:
    del context
    return VacuityFinding(
        True,
        "every first-fit colouring, so every Welsh-Powell colouring: a task alone in its class has "
        "no compatible slot (COL-4.4.1a-R)",
    )


COVERAGE = Assumption(
    "f_i",
    "f_i is the share of the period's m_r slots in which task i is active (the paper does not "
    "define it).",
)

COL_44A = Claim(
    id="COL-4.4a",
    family="coloring",
    title="One class a step, every task once a period",
    statement=r"Each training step activates exactly one color class; over one period every task "
    r"in that class receives a gradient update.",
    plain="Within a round every step activates one class, and m_r steps in a row update every task "
    "exactly once.",
    source=Source("SON-GOKU", "4.4", ("11",)),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="Update frequency; Proposition 8.",
    checks=(
        proof(
            "one class a step, every task once in m_r steps",
            (
                Step("(t mod m_r) + 1 is one of 1..m_r, so S_t is one class."),
                Step(
                    "m_r steps in a row have m_r different residues, so every class once; every "
                    "task is in exactly one class."
                ),
            ),
        ),
        look(
            "every graph",
            named_graphs,
            _one_class_a_step,
            _edges,
            named_reach,
            doc="Active sets against classes; updates counted in every stretch of m_r steps.",
        ),
    ),
    reading="a period that lies within one round; if R < m_r the round ends before (COL-7.3.2b)",
)

COL_44B = Claim(
    id="COL-4.4b",
    family="coloring",
    title="Conflicting tasks never co-occur",
    statement=r"Conflicting tasks (edges in $E_\tau^{(r)}$) are guaranteed not to co-occur.",
    plain="No step of a round activates two tasks that the round's graph joins.",
    source=Source("SON-GOKU", "4.4", ("11",)),
    assumptions=(SIMPLE_GRAPH,),
    used_for="tau-compatibility of the active set (section 5.1).",
    checks=(
        proof(
            "active sets are independent",
            (
                Step(
                    "A step activates one class, and first-fit's colouring is proper "
                    "(COL-P9): tasks of one class are not adjacent."
                ),
            ),
        ),
        look(
            "every graph",
            named_graphs,
            _never_together,
            _edges,
            named_reach,
            doc="Every edge against every step.",
        ),
        look(
            "networkx",
            lambda context: range(200),
            _networkx_never_together,
            lambda seed: f"seed {seed}",
            "200 random graphs with 15 tasks, networkx's largest_first",
            doc="Independent implementation.",
            method=Method.SEARCH,
            kind="instances",
        ),
    ),
    reading="the schedule of eq. 11, before the duplication of 4.4.1 (COL-4.4.1b)",
    notes="About the conflicts that were measured at the refresh; true gradients may have moved "
    "on.",
)

COL_441A = Claim(
    id="COL-4.4.1a",
    family="coloring",
    title="Duplicating a singleton class",
    statement=r"If the greedy coloring yields a singleton class for a rarely updated task, we "
    r"increase its update frequency by duplicating it only into steps whose active color has no "
    r"conflict edge to that task.",
    plain="If Welsh-Powell leaves a task alone in its class (and m > 1), some other class has no "
    "conflict with it, so that duplication can raise its frequency above 1/m.",
    source=Source("SON-GOKU", "4.4.1"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Minimum coverage, Algorithm 1 line 25.",
    checks=(
        look(
            "every graph",
            named_graphs,
            _singleton_gains,
            lambda graph: f"{_edges(graph)}: a task alone in its class gains nothing",
            named_reach,
            doc="Smallest first: does the most generous duplication help every singleton?",
            counterexample=SINGLETON,
        ),
        replayed(SINGLETON, "From gradients to a singleton without a compatible slot."),
    ),
    reading="as a promise that the rule can act; the sentence itself only describes the rule",
    vacuous=_never_applies,
    repaired_by="COL-4.4.1a-R",
    notes="Not only at the counterexample: it never happens (COL-4.4.1a-R), so the rule as printed "
    "is idle. All tasks have the same frequency 1/m before duplication, alone or not.",
)

COL_441A_R = Claim(
    id="COL-4.4.1a-R",
    family="coloring",
    title="A singleton class conflicts with every other class",
    statement=r"In a first-fit coloring (any order) a task that is alone in its class has a "
    r"conflict in every other class. So no slot is compatible with it, and its frequency stays "
    r"$1/m$.",
    plain="A task alone in its first-fit class conflicts with every other class: duplication can't "
    "raise its frequency.",
    source=Source("songoku", "on section 4.4.1"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="What minimum coverage can do (COL-4.4.1c-R).",
    checks=(
        solver(
            "first-fit's two facts",
            _singleton_kernel,
            "a task alone in its first-fit class conflicts with every other class, in every graph",
            doc="z3 over an unbounded sort of tasks.",
        ),
        proof(
            "a singleton is compatible with no other slot",
            (
                Step(
                    "Let i be alone in class c. For a class b < c: i has a neighbour of colour b, "
                    "for otherwise first-fit would have given i a colour of at most b."
                ),
                Step(
                    "For a class b > c: any of its tasks has a neighbour of colour c, and the only "
                    "one is i.",
                    z3_proves(_singleton_kernel),
                ),
            ),
        ),
        look(
            "every first-fit colouring",
            _colored,
            _singletons_fit_nowhere,
            _described,
            _colored_reach,
            doc="Every singleton against every other class.",
        ),
    ),
    repairs="COL-4.4.1a",
    notes="DSATUR and smallest-last give the smallest free colour too, so it holds for them. An "
    "optimal colouring that is not first-fit can have compatible slots.",
)

COL_441B = Claim(
    id="COL-4.4.1b",
    family="coloring",
    title="Conflicting tasks stay apart after duplication",
    statement=r"Minimum coverage: enforce $f_i\ge f_{\min}$ using compatible-slot duplication "
    r"[duplicating a task only into steps whose active color has no conflict edge to that task]; "
    r"conflicting tasks are guaranteed not to co-occur.",
    plain="If every task is duplicated only into slots whose class has no conflict with it, no "
    "slot holds two conflicting tasks.",
    source=Source("SON-GOKU", "4.4.1 with 4.4; Algorithm 1, line 25"),
    assumptions=(SIMPLE_GRAPH, COVERAGE),
    used_for="tau-compatibility of the active set once minimum coverage is on.",
    checks=(
        look(
            "every graph",
            named_graphs,
            _apart_after_duplication,
            lambda graph: f"{_edges(graph)}; no graph with fewer tasks violates",
            named_reach,
            doc="Smallest first, with the most generous duplication.",
            counterexample=CO_OCCUR,
        ),
        replayed(CO_OCCUR, "From gradients to the slot with two conflicting tasks."),
    ),
    reading='"active color" is the class that owns the slot, as printed; two tasks duplicated '
    "into the same slot are not compared with each other",
    repaired_by="COL-4.4.1b-R",
    notes="Algorithm 1 duplicates any task below f_min, not only singletons. Five tasks are "
    "needed: the slot's class lies above both classes and its task needs a neighbour in each of "
    "them, other than the two.",
)

COL_441B_R = Claim(
    id="COL-4.4.1b-R",
    family="coloring",
    title="Compatible-slot duplication, slot by slot",
    statement=r"If a task is added to a slot only when it has no conflict edge to any task in the "
    r"slot by then (class and earlier duplicates), no slot ever holds two conflicting tasks.",
    plain="Compare with everybody who is in the slot by then: conflicting tasks stay apart. A "
    "graph with fewer than five tasks doesn't need the care.",
    source=Source("songoku", "on section 4.4.1"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="songoku's minimum coverage.",
    checks=(
        solver(
            "one insertion",
            _careful_kernel,
            "a slot without conflicts stays so, whatever its size",
            doc="z3 over an unbounded sort of tasks; induction over the insertions.",
        ),
        proof(
            "no slot ever holds two conflicting tasks; with fewer than five tasks 4.4.1 is safe",
            (
                Step("At the start a slot is a class: no conflicts."),
                Step(
                    "An insertion adds a task without a conflict with anybody in the slot.",
                    z3_proves(_careful_kernel),
                ),
                Step(
                    "Two duplicates i, j that conflict and are both compatible with the class of "
                    "a task s: s has a larger colour than both, hence neighbours in both their "
                    "classes, which are not i and j: five different tasks.",
                    _four_tasks_are_safe,
                ),
            ),
        ),
        look(
            "every first-fit colouring",
            _colored,
            _apart_after_careful_duplication,
            _described,
            _colored_reach,
            doc="The most generous careful duplication; every slot against every edge.",
        ),
    ),
    repairs="COL-4.4.1b",
)

COL_441C = Claim(
    id="COL-4.4.1c",
    family="coloring",
    title="Enforcing a minimum frequency",
    statement=r"Minimum coverage: enforce $f_i\ge f_{\min}$ using compatible-slot duplication.",
    plain="For every f_min in (0, 1], duplication into compatible slots gives every task a share "
    "of at least f_min.",
    source=Source("SON-GOKU", "Algorithm 1, line 25; 4.4.1"),
    assumptions=(SIMPLE_GRAPH, COVERAGE),
    used_for='"Minimum coverage f_min" as an input of Algorithm 1.',
    checks=(
        look(
            "every graph, several f_min",
            _coverage_cases,
            _reaches,
            lambda case: f"{_edges(case[0])}, f_min = {case[1]}",
            "all named graphs with at most 5 tasks, f_min with denominator at most 4",
            doc="Smallest first: does every task reach f_min?",
            counterexample=UNREACHABLE,
        ),
        replayed(UNREACHABLE, "From gradients to a task below f_min."),
        look(
            "under the condition",
            lambda context: (
                case
                for case in _coverage_cases(context)
                if case[1] <= Fraction(1, max(largest_first(case[0])) + 1)
            ),
            _reaches,
            lambda case: f"{_edges(case[0])}, f_min = {case[1]}",
            "all named graphs with at most 5 tasks, f_min <= 1/m with denominator at most 4",
            doc="With the condition every task reaches f_min.",
            under_condition=True,
        ),
        proof(
            "if f_min <= 1/m_r every task has the share f_min",
            (Step("Every task is in its own class's slot: its share is at least 1/m_r."),),
            under_condition=True,
        ),
    ),
    condition="f_min <= 1/m_r in every round",
    repaired_by="COL-4.4.1c-R",
    notes="The condition is exact (COL-4.4.1c-R): as soon as f_min > 1/m_r some task can't be "
    "helped.",
)

COL_441C_R = Claim(
    id="COL-4.4.1c-R",
    family="coloring",
    title="Which minimum frequency can be enforced",
    statement=r"With a first-fit coloring, $f_i\ge f_{\min}$ can be enforced for all tasks by "
    r"compatible-slot duplication if and only if $f_{\min}\le1/m_r$, and then nothing needs to be "
    r"duplicated: a task of the last class has a conflict in every other class.",
    plain="Duplication can enforce f_min for all tasks exactly when f_min <= 1/m, where it has "
    "nothing to do; the tasks of the last class always keep the share 1/m.",
    source=Source("songoku", "on section 4.4.1 and Algorithm 1, line 25"),
    assumptions=(SIMPLE_GRAPH, COVERAGE),
    used_for="What to expect of min_coverage: some tasks gain, the last class never does.",
    checks=(
        solver(
            "first-fit's two facts",
            _last_class_kernel,
            "a task of the last first-fit class conflicts with every other class, in every graph",
            doc="z3 over an unbounded sort of tasks.",
        ),
        proof(
            "f_min is enforceable iff f_min <= 1/m",
            (
                Step("Without duplication every task has the share 1/m: f_min <= 1/m holds."),
                Step(
                    "A task of the last class has a neighbour of every smaller colour, that is in "
                    "every other class: no slot is compatible, its share stays 1/m.",
                    z3_proves(_last_class_kernel),
                ),
                Step("So f_min > 1/m fails for it."),
            ),
        ),
        look(
            "every first-fit colouring",
            _colored,
            _covered_exactly_if_idle,
            _described,
            _colored_reach,
            doc="The most generous duplication leaves the last class at 1/m.",
        ),
    ),
    repairs="COL-4.4.1c",
)

CLAIMS = (
    COL_44A,
    COL_44B,
    COL_441A,
    COL_441A_R,
    COL_441B,
    COL_441B_R,
    COL_441C,
    COL_441C_R,
)
