"""Proposition 8 and section 5.5 on one fixed cycle: how long a task waits.

Eq. 100 says that a task is updated "at least once every m - 1 iterations"; section 5.5 says
"every m steps"; the proof of Proposition 8 counts m - 1 *intervening* steps. The last two agree
and are right. Eq. 100 taken at its word is off by one, at every graph that has an edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
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
    labelled_graphs,
    largest_first,
    max_degree,
    number_of_colors,
)
from proofs_check.claims.coloring._runs import cyclic_steps, gaps_of, longest_wait, updates_of
from proofs_check.claims.coloring.greedy import SIMPLE_GRAPH, greedy_bound_checks
from proofs_check.counterexamples import Replay, replayer
from proofs_check.model import Assumption, CheckContext, Claim, Method, Source
from songoku_theory.errors import InvalidInputError

__all__ = ["CLAIMS", "FIXED_CYCLE", "cycle_checks", "named_graphs"]

WINDOW = "col_p8_window"


def _is_fixed_cycle(rounds: tuple[tuple[int, ...], ...]) -> bool:
    return len(set(rounds)) == 1


FIXED_CYCLE = Assumption(
    "fixed cycle",
    "One colouring, classes activated C_1, C_2, ..., C_m, C_1, ... (eq. 11 within one round, or "
    "with a colouring that no refresh changes).",
    _is_fixed_cycle,
)


@replayer("coloring-window")
def replay_window(data: Mapping[str, Any]) -> Replay:
    """Gradients, conflict graph, Welsh-Powell, cycle; then a stretch without an update."""
    tau = read_tau(data)
    graph = conflict_graph(read_gradients(data["gradients"]), tau)
    colors = largest_first(graph)
    lengths = {"m - 1": number_of_colors(colors) - 1, "Delta": max_degree(graph)}
    if data["window"] not in lengths:
        raise InvalidInputError(
            f"window should be one of {', '.join(lengths)}; found {data['window']!r}."
        )
    length, start, task = lengths[data["window"]], int(data["start"]), int(data["task"])
    run = cyclic_steps(colors, start + length)
    stretch = run[start:]
    return Replay(
        (
            f"conflicts at tau = {tau}: {edges_of(graph)}; Delta = {max_degree(graph)}",
            f"Welsh-Powell classes: {classes_of(colors)}, m = {number_of_colors(colors)}",
            f"claimed: an update of every task in every {data['window']} = {length} iterations",
            *(f"step {step}: tasks {sorted(active)}" for step, active in enumerate(run)),
            f"steps {start}..{start + length - 1}: {length} iterations without task {task}",
        ),
        length >= 1 and all(task not in active for active in stretch),
    )


def named_graphs(context: CheckContext) -> Iterator[Graph]:
    """Yield all named graphs with at most 5 tasks (6 in the full profile), smallest first."""
    for num_tasks in range(1, 7 if context.profile == "full" else 6):
        yield from labelled_graphs(num_tasks)


def named_reach(context: CheckContext) -> str:
    """Say in words what :func:`named_graphs` yields."""
    return f"all named graphs with at most {6 if context.profile == 'full' else 5} tasks"


def _with_an_edge(context: CheckContext) -> Iterator[Graph]:
    return (graph for graph in named_graphs(context) if max_degree(graph) >= 1)


def _edges(graph: Graph) -> str:
    return f"{len(graph)} tasks, edges {edges_of(graph)}"


def _updated_in_every(graph: Graph, length: int) -> bool:
    """Is every task updated in every `length` steps in a row of its Welsh-Powell cycle?"""
    colors = largest_first(graph)
    run = cyclic_steps(colors, 3 * number_of_colors(colors) + length)
    return all(
        any(task in active for active in run[start : start + length])
        for task in range(len(graph))
        for start in range(len(run) - length + 1)
    )


def _updated_every_m_minus_1(graph: Graph) -> bool:
    return _updated_in_every(graph, number_of_colors(largest_first(graph)) - 1)


def _updated_every_m_and_no_less(graph: Graph) -> bool:
    length = number_of_colors(largest_first(graph))
    if length > max_degree(graph) + 1 or not _updated_in_every(graph, length):
        return False
    colors = largest_first(graph)
    run = cyclic_steps(colors, 3 * length)
    # for each task there is a stretch of m - 1 steps without it
    return length == 1 or all(longest_wait(run, task) == length - 1 for task in range(len(graph)))


def _waits_m_minus_1(graph: Graph) -> bool:
    colors = largest_first(graph)
    length = number_of_colors(colors)
    run = cyclic_steps(colors, 4 * length)
    return length - 1 <= max_degree(graph) and all(
        set(gaps_of(run, task)) == {length} and longest_wait(run, task) <= length - 1
        for task in range(len(graph))
    )


def _first_wait_is_color(graph: Graph) -> bool:
    colors = largest_first(graph)
    run = cyclic_steps(colors, number_of_colors(colors))
    return all(
        updates_of(run, task)[0] == color <= max_degree(graph) for task, color in enumerate(colors)
    )


def _once_a_cycle(graph: Graph) -> bool:
    colors = largest_first(graph)
    length = number_of_colors(colors)
    run = cyclic_steps(colors, 3 * length)
    return length <= max_degree(graph) + 1 and all(
        sum(task in active for active in run[start : start + length]) == 1
        for task in range(len(graph))
        for start in range(2 * length)
    )


def _networkx_gaps(seed: int) -> bool:
    """Gaps on a random graph, coloured and cycled by networkx: all equal m <= Delta + 1."""
    import networkx as nx

    graph = nx.gnp_random_graph(12, 0.3, seed=seed)
    colors = nx.greedy_color(graph, strategy="largest_first")
    length = len(set(colors.values()))
    run = [frozenset(t for t in graph if colors[t] == step % length) for step in range(4 * length)]
    return length <= max(dict(graph.degree).values()) + 1 and all(
        gaps_of(run, task) == [length] * 3 for task in graph
    )


def _cyclic_arithmetic(z3: Z3) -> list[Obligation]:
    """Class c runs at steps Q + c, Q a multiple of m. No m is fixed: Q is any such number."""
    m, c, t, r, multiple, other, count = z3.Ints("m c t r Q Q2 d")
    cycle = [m >= 1, c >= 0, c < m]
    return [
        Obligation(
            "every m steps in a row t..t+m-1 contain a step of class c",
            [*cycle, t == multiple + r, r >= 0, r < m],
            z3.Or(
                z3.And(t <= multiple + c, multiple + c < t + m),
                z3.And(t <= multiple + m + c, multiple + m + c < t + m),
            ),
        ),
        Obligation(
            "two steps of class c are at least m apart",
            [*cycle, other == multiple + count * m, other > multiple],
            other - multiple >= m,
        ),
        Obligation(
            "the first step of class c is step c <= m - 1",
            [*cycle, multiple == 0],
            z3.And(multiple + c >= 0, multiple + c <= m - 1),
        ),
    ]


CYCLE_PROOF = proof(
    "on a fixed cycle a task of class j (from 0) is updated first at step j, then every m steps",
    (
        Step("Eq. 11 runs class j at the steps t with t mod m = j, that is j, j + m, j + 2m, ..."),
        Step(
            "So the first wait is j <= m - 1 steps, each gap is m, and m - 1 steps lie strictly "
            "between two updates.",
            z3_proves(_cyclic_arithmetic),
        ),
        Step(
            "Any m steps in a row meet every residue mod m once, so every class once; for m >= 2 "
            "the m - 1 steps after an update of a task contain none."
        ),
        Step("m <= Delta + 1 by Proposition 9."),
    ),
)

CYCLE_SOLVER = solver(
    "arithmetic of a cycle",
    _cyclic_arithmetic,
    "class c runs once in every m steps in a row, at steps m apart, for every m",
    doc="z3 over the integers, m not fixed.",
)

RANDOM_NETWORKX = look(
    "networkx",
    lambda context: range(100),
    _networkx_gaps,
    lambda seed: f"seed {seed}",
    "100 random graphs with 12 tasks",
    doc="networkx's graphs and largest_first colouring; gaps of the cycle read off.",
    method=Method.SEARCH,
    kind="instances",
)

EVERY_M = look(
    "every graph, every window",
    named_graphs,
    _updated_every_m_and_no_less,
    _edges,
    named_reach,
    doc="Every stretch of m steps has every task, and for each task one of m - 1 has it not.",
)

WAITS = look(
    "every graph, every wait",
    named_graphs,
    _waits_m_minus_1,
    _edges,
    named_reach,
    doc="All gaps are m, all waits (the first included) at most m - 1 <= Delta.",
)

ONCE_A_CYCLE = look(
    "every graph, every cycle",
    named_graphs,
    _once_a_cycle,
    _edges,
    named_reach,
    doc="Every task exactly once in every m steps in a row; m <= Delta + 1.",
)

cycle_checks = (CYCLE_PROOF, CYCLE_SOLVER, EVERY_M, RANDOM_NETWORKX)
"""Evidence for "once every m <= Delta + 1 steps" on a fixed cycle, for rows that lean on it."""

COL_P8_WINDOW = Claim(
    id="COL-P8-WINDOW",
    family="coloring",
    title="Eq. 100 at its word: an update every m - 1 iterations",
    statement=r"If the scheduler activates the color classes in the cyclic order $C_1\to C_2\to"
    r"\ldots\to C_m\to C_1\to\ldots$, then every task is updated at least once every "
    r"$s_{\max}=m-1\le\Delta$ iterations.",
    plain="On a fixed cycle with m >= 2, every m - 1 iterations in a row contain an update of "
    "every task.",
    source=Source("SON-GOKU", "App. G, Proposition 8", ("100",)),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for='"A bounded inter-update delay of at most Delta iterations per task"; G.1.',
    checks=(
        look(
            "every graph with an edge",
            _with_an_edge,
            _updated_every_m_minus_1,
            lambda graph: f"{_edges(graph)}, the smallest graph with an edge",
            named_reach,
            doc="Smallest first: is every task in every stretch of m - 1 steps?",
            counterexample=WINDOW,
        ),
        replayed(WINDOW, "From gradients to the stretch without an update."),
    ),
    reading='"at least once every s iterations" as in section 5.5, where it is "every m steps": '
    'any s iterations in a row contain an update. For m = 1 it would be "every 0 iterations"',
    repaired_by="COL-P8-WINDOW-R",
    notes="Off by one, and not only at one graph: it fails at every graph with an edge, for every "
    "task (COL-P8-WINDOW-R). What the proof shows, m - 1 intervening steps, is true: COL-P8-WAIT. "
    "Section 5.5 prints the right number: COL-5.5a.",
)

COL_P8_WINDOW_R = Claim(
    id="COL-P8-WINDOW-R",
    family="coloring",
    title="An update every m iterations, and no fewer",
    statement=r"On a fixed cycle every task is updated exactly once in every $m\le\Delta+1$ "
    r"consecutive iterations; for $m\ge2$ and every task there are $m-1$ consecutive iterations "
    r"without an update of it.",
    plain="Every m <= Delta + 1 iterations in a row contain an update of every task; for m >= 2 "
    "and each task some m - 1 in a row contain none.",
    source=Source("songoku", "on App. G, Proposition 8", ("100",)),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="The update frequency that the schedule really guarantees: 1/m.",
    checks=cycle_checks,
    repairs="COL-P8-WINDOW",
)

COL_P8_WAIT = Claim(
    id="COL-P8-WAIT",
    family="coloring",
    title="Eq. 100 as proved: m - 1 steps between two updates",
    statement=r"The number of intervening steps between two consecutive executions of $C_j$ is "
    r"exactly $m-1$. Hence task $T$ never waits more than $s_{\max}=m-1\le\Delta$ iterations for "
    r"an update.",
    plain="On a fixed cycle exactly m - 1 <= Delta steps lie between two updates of a task, and "
    "its first update comes after at most m - 1 steps.",
    source=Source("SON-GOKU", "App. G, Proposition 8 and part B of its proof", ("100",)),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="Bounded staleness.",
    checks=(CYCLE_PROOF, CYCLE_SOLVER, WAITS, RANDOM_NETWORKX),
    reading="the waiting time counts the steps strictly between two updates",
)

COL_P8_START = Claim(
    id="COL-P8-START",
    family="coloring",
    title="The first wait",
    statement=r"From the start of the cycle, a task of class $C_j$ waits $j-1\le m-1\le\Delta$ "
    r"iterations for its first update.",
    plain="From step 0 on, a task of class j = 1..m waits exactly j - 1 <= Delta steps.",
    source=Source("songoku", "on App. G, Proposition 8, part B"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for='"Never waits more than m - 1" includes the wait before the first update.',
    checks=(
        CYCLE_PROOF,
        CYCLE_SOLVER,
        look(
            "every graph",
            named_graphs,
            _first_wait_is_color,
            _edges,
            named_reach,
            doc="First update of every task of the Welsh-Powell cycle.",
        ),
    ),
)

COL_55A = Claim(
    id="COL-5.5a",
    family="coloring",
    title="An update at least every m <= Delta + 1 steps",
    statement=r"Running the colors in a fixed cycle means each task is updated at least once every "
    r"$m\le\Delta+1$ steps.",
    plain="On a fixed cycle every task is updated at least once in every m <= Delta + 1 steps.",
    source=Source("SON-GOKU", "5.5, first paragraph; 5, overview (3)"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for='"A short schedule where every task is updated at least once every Delta + 1 steps".',
    checks=cycle_checks,
)


def _sequences(context: CheckContext) -> Iterator[tuple[tuple[int, ...], int]]:
    for length in range(1, 13 if context.profile == "full" else 11):
        for updates in product((0, 1), repeat=length):
            for bound in range(1, length + 1):
                yield updates, bound


def _windows_and_waits_agree(case: tuple[tuple[int, ...], int]) -> bool:
    updates, bound = case
    run = [frozenset({0} if update else ()) for update in updates]
    windows = all(any(updates[start : start + bound]) for start in range(len(updates) - bound + 1))
    return windows == (longest_wait(run, 0) <= bound - 1)


COL_55B = Claim(
    id="COL-5.5b",
    family="coloring",
    title='"Equivalently": every Delta + 1 steps, or a wait of at most Delta',
    statement=r"[Each task is updated at least once every $\Delta+1$ steps.] Equivalently, no task "
    r"waits more than $\Delta$ steps between updates (bounded staleness).",
    plain="For any sequence of updates: every Delta + 1 steps in a row contain an update if and "
    "only if no wait, the first and the last included, is longer than Delta steps.",
    source=Source("SON-GOKU", "5.5, first paragraph"),
    assumptions=(),
    used_for="Reads section 5.5 and eq. 100 in one convention.",
    checks=(
        proof(
            "a window without an update is a wait as long as the window",
            (
                Step(
                    "Delta + 1 steps in a row without an update lie inside one wait of at least "
                    "Delta + 1 steps."
                ),
                Step(
                    "A wait of at least Delta + 1 steps contains Delta + 1 steps in a row without "
                    "an update."
                ),
            ),
        ),
        look(
            "every sequence of updates",
            _sequences,
            _windows_and_waits_agree,
            lambda case: f"updates {case[0]}, bound {case[1]}",
            "all 0/1 sequences with at most 10 steps (12 in the full profile), all bounds",
            doc="Windows against waits.",
        ),
    ),
    reading="a wait counts the steps without an update, the first and last waits included; counted "
    "only between two updates, a task that is never updated would have no wait at all",
)


def _cliques(context: CheckContext) -> Iterator[tuple[int, int]]:
    del context
    for degree in range(5):
        for cliques in (1, 2, 5, 20, 40):
            yield degree, cliques


def _length_ignores_number(case: tuple[int, int]) -> bool:
    degree, cliques = case
    size = degree + 1
    edges = [
        (size * q + i, size * q + j) for q in range(cliques) for j in range(size) for i in range(j)
    ]
    graph = from_edges(size * cliques, edges)
    return max_degree(graph) == degree and number_of_colors(largest_first(graph)) == degree + 1


COL_55C = Claim(
    id="COL-5.5c",
    family="coloring",
    title="The schedule's length is bounded through Delta, not through K",
    statement=r"The schedule length is controlled by the worst conflict degree $\Delta$ rather "
    r"than by the total number of tasks $K$.",
    plain="m <= Delta + 1 whatever K is.",
    source=Source("SON-GOKU", "5.5, second paragraph"),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Both benefits that section 5.5 lists.",
    checks=(
        *greedy_bound_checks,
        look(
            "Delta fixed, K growing",
            _cliques,
            _length_ignores_number,
            lambda case: f"{case[1]} cliques of {case[0] + 1} tasks",
            "disjoint cliques, Delta <= 4, up to 200 tasks",
            doc="m stays Delta + 1 while K grows.",
            method=Method.EXACT,
            kind="instances",
        ),
    ),
    reading='"controlled by" as bounded above by a function of Delta alone',
    notes="Only an upper bound: on a star Delta = K - 1 but m = 2 (COL-4.3b), and Delta itself may "
    "grow with K, up to K - 1.",
)

COL_55D = Claim(
    id="COL-5.5d",
    family="coloring",
    title="Minimum update frequency on one cycle",
    statement=r"[Benefit (1)] a minimum update-frequency guarantee, since every task receives an "
    r"update at least once per cycle of length $\le\Delta+1$.",
    plain="On a fixed cycle every task is updated (exactly) once in each cycle of m <= Delta + 1 "
    "steps: frequency 1/m >= 1/(Delta + 1).",
    source=Source("SON-GOKU", "5.5 (1)"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="No task is neglected.",
    checks=(CYCLE_PROOF, CYCLE_SOLVER, ONCE_A_CYCLE, RANDOM_NETWORKX),
    reading="within one round, or while no refresh changes the colouring",
    notes="For a run with refreshes see COL-P8-RUN and COL-7.3.2b.",
)

COL_732A = Claim(
    id="COL-7.3.2a",
    family="coloring",
    title="Every task once per period",
    statement=r"This $\Delta+1$ color bound ensures that every task is scheduled at least once per "
    r"period.",
    plain="On a fixed cycle every task is scheduled once per period, and the period is at most "
    "Delta + 1.",
    source=Source("SON-GOKU", "7.3.2"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for='"This prevents tasks from being essentially starved of updates" (COL-7.3.2b).',
    checks=(CYCLE_PROOF, CYCLE_SOLVER, ONCE_A_CYCLE, RANDOM_NETWORKX),
    reading="the period is one full cycle of one round",
    notes="That each task comes once per period follows from the classes being a partition, "
    "whatever their number; the colour bound only says how long the period is.",
)

CLAIMS = (
    COL_P8_WINDOW,
    COL_P8_WINDOW_R,
    COL_P8_WAIT,
    COL_P8_START,
    COL_55A,
    COL_55B,
    COL_55C,
    COL_55D,
    COL_732A,
)
