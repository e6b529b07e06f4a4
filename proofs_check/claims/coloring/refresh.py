"""The same bounds over a whole run, in which the graph is rebuilt and recoloured every R steps.

Proposition 8 speaks of one fixed cycle; section 5 (overview), 5.5 (1), 7.3.2 and H.2 speak of the
scheduler, which refreshes. Across a refresh a task's class, the number of classes and (by the
rule that is chosen) the position in the cycle change. Eq. 11 as printed takes the position from
the training step, ``t mod m_r``; the two other rules that a reader could think of are judged too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import lcm
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
from proofs_check.claims.coloring._runs import (
    PHASES,
    Phase,
    active_classes,
    gaps_of,
    longest_wait,
    updates_of,
)
from proofs_check.claims.coloring.greedy import SIMPLE_GRAPH
from proofs_check.counterexamples import Replay, replayer
from proofs_check.model import Assumption, CheckContext, Claim, Source
from songoku_theory.errors import InvalidInputError

__all__ = ["CLAIMS"]

ACROSS = "col_p8_run"
STARVED = "col_7_3_2_starved"

Run = tuple[int, tuple[Graph, ...], Phase]
"""Refresh period, the conflict graph of each round, and the phase rule."""


def _at_least_as_long(refresh_period: int, rounds: Sequence[Sequence[int]]) -> bool:
    return all(refresh_period >= number_of_colors(colors) for colors in rounds)


LONG_ROUNDS = Assumption(
    "R >= m_r",
    "The refresh period is at least the number of classes, in every round.",
    _at_least_as_long,
)
ANY_PHASE = Assumption(
    "any phase",
    "Within a round the classes follow each other cyclically; where a round begins in its cycle is "
    "free (eq. 11's t mod m_r, from the first class, or where the last round stopped).",
)


def passes_to_be_sure(rounds: Sequence[Sequence[int]]) -> int:
    """Return how often to go through these rounds to see all that ever happens.

    With eq. 11 the run repeats after ``lcm(m_r)`` passes; with a carried position it has met a
    position at the start of a pass twice after ``max m_r + 1`` passes.
    """
    lengths = [number_of_colors(colors) for colors in rounds]
    return max(lcm(*lengths), max(lengths) + 1)


@replayer("coloring-run")
def replay_run(data: Mapping[str, Any]) -> Replay:
    """Gradients of each round, conflict graphs, classes, and the run itself."""
    tau, period, phase = read_tau(data), int(data["refresh_period"]), data["phase"]
    if phase not in PHASES or period < 1:
        raise InvalidInputError(
            f"phase should be one of {', '.join(PHASES)} and refresh_period at least 1; found "
            f"{phase!r} and {period}."
        )
    graphs = [conflict_graph(read_gradients(rows), tau) for rows in data["rounds"]]
    rounds = [largest_first(graph) for graph in graphs]
    task = int(data["task"])
    steps = [
        f"round {r}: conflicts {edges_of(graph)}, Delta = {max_degree(graph)}, classes "
        f"{classes_of(colors)}"
        for r, (graph, colors) in enumerate(zip(graphs, rounds, strict=True))
    ]
    if data["claimed"] == "updated":
        run = active_classes(rounds * passes_to_be_sure(rounds), period, phase)
        steps.append(f"R = {period}, phase {phase}: these rounds, again and again")
        steps.append(
            f"task {task} is updated {len(updates_of(run, task))} times in {len(run)} steps, "
            f"after which everything repeats"
        )
        return Replay(tuple(steps), not updates_of(run, task))
    if data["claimed"] != "wait of at most Delta":
        raise InvalidInputError(
            f"claimed should be 'updated' or 'wait of at most Delta'; found {data['claimed']!r}."
        )
    run = active_classes(rounds, period, phase)
    steps += [f"step {t}: tasks {sorted(active)}" for t, active in enumerate(run)]
    largest = max(max_degree(graph) for graph in graphs)
    long_enough = all(period >= number_of_colors(colors) for colors in rounds)
    steps.append(
        f"task {task} is updated at steps {updates_of(run, task)}: gaps {gaps_of(run, task)}, "
        f"where the largest Delta + 1 = {largest + 1}"
    )
    return Replay(tuple(steps), long_enough and max(gaps_of(run, task)) > largest + 1)


def _described(case: Run) -> str:
    period, graphs, phase = case
    rounds = "; then ".join(str(edges_of(graph)) for graph in graphs)
    return f"K = {len(graphs[0])}, R = {period}, phase {phase}, edges {rounds}"


def _two_rounds(
    phases: Sequence[Phase], *, long_rounds: bool | None, most_tasks: int = 3
) -> Iterator[Run]:
    """Yield two-round runs with R <= 4, smallest first; `long_rounds`: whether R >= m_r."""
    for num_tasks in range(1, most_tasks + 1):
        graphs = tuple(labelled_graphs(num_tasks))
        lengths = {graph: number_of_colors(largest_first(graph)) for graph in graphs}
        for period in range(1, 5):
            for pair in product(graphs, repeat=2):
                fits = period >= max(lengths[graph] for graph in pair)
                if long_rounds is None or fits == long_rounds:
                    for phase in phases:
                        yield period, pair, phase


def _most_tasks(context: CheckContext) -> int:
    return 4 if context.profile == "full" else 3


def _long_rounds(context: CheckContext) -> Iterator[Run]:
    """Yield the two-round runs with R >= m_r under all three phase rules."""
    return _two_rounds(PHASES, long_rounds=True, most_tasks=_most_tasks(context))


def _long_reach(context: CheckContext) -> str:
    return (
        f"all two-round runs with K <= {_most_tasks(context)} tasks and R <= 4 with R at least the "
        "number of classes, three phase rules"
    )


def _waits_within_delta(case: Run) -> bool:
    period, graphs, phase = case
    run = active_classes([largest_first(graph) for graph in graphs], period, phase)
    largest = max(max_degree(graph) for graph in graphs)
    return all(gap <= largest + 1 for task in range(len(graphs[0])) for gap in gaps_of(run, task))


def _gaps_within_sum(case: Run) -> bool:
    period, graphs, phase = case
    rounds = [largest_first(graph) for graph in graphs]
    run = active_classes(rounds, period, phase)
    old, new = (number_of_colors(colors) for colors in rounds)
    degrees = sum(max_degree(graph) for graph in graphs)
    return old + new - 1 <= degrees + 1 and all(
        longest_wait(run, task) <= old + new - 2 and max(gaps_of(run, task)) <= old + new - 1
        for task in range(len(graphs[0]))
    )


def _everyone_is_updated(case: Run) -> bool:
    """Is every task updated at all when these two rounds alternate for ever?"""
    period, graphs, phase = case
    rounds = [largest_first(graph) for graph in graphs]
    run = active_classes(rounds * passes_to_be_sure(rounds), period, phase)
    return all(updates_of(run, task) for task in range(len(graphs[0])))


def _updated_in_every_round(case: Run) -> bool:
    period, graphs, phase = case
    rounds = [largest_first(graph) for graph in graphs]
    run = active_classes(rounds * 3, period, phase)
    return all(
        any(task in active for active in run[start : start + period])
        for task in range(len(graphs[0]))
        for start in range(0, len(run), period)
    )


def _enough_updates(case: Run) -> bool:
    period, graphs, phase = case
    rounds = [largest_first(graph) for graph in graphs]
    run = active_classes(rounds, period, phase)
    return all(
        sum(task in active for active in run[r * period : (r + 1) * period])
        >= period // number_of_colors(colors)
        for r, colors in enumerate(rounds)
        for task in range(len(colors))
    )


def _boundary(z3: Z3) -> list[Obligation]:
    """Task in class a (mod m) before step b and class a' (mod n) from b on; Q, Q' multiples."""
    m, n, b, a, a_new, r, r_new, q, q_new, period = z3.Ints("m n b a a' r r' Q Q' R")
    last, first = a + q, a_new + q_new
    hypotheses = [
        m >= 1,
        n >= 1,
        period >= m,
        period >= n,
        b - 1 - a == q + r,  # division by m: Q = m * quotient, remainder r
        r >= 0,
        r < m,
        b + n - 1 - a_new == q_new + r_new,
        r_new >= 0,
        r_new < n,
    ]
    return [
        Obligation(
            "the last update before b lies in the last m steps of the old round",
            hypotheses,
            z3.And(last <= b - 1, last >= b - m, last >= b - period),
        ),
        Obligation(
            "the first update from b on lies in the first n steps of the new round",
            hypotheses,
            z3.And(first >= b, first <= b + n - 1, first <= b + period - 1),
        ),
        Obligation("the gap is at most m + n - 1", hypotheses, first - last <= m + n - 1),
    ]


def clique_around(color: int, size: int, place: int, num_tasks: int) -> Graph:
    """Return a clique in which Welsh-Powell gives task `place` this colour; the rest is lonely.

    Source
    ------
    All members have degree ``size - 1``, so ties by index order them: the task's colour is the
    number of members with a smaller index.

    Examples
    --------
    >>> largest_first(clique_around(color=1, size=3, place=2, num_tasks=5))
    (0, 0, 1, 2, 0)
    """
    members = range(place - color, place - color + size)
    return from_edges(num_tasks, [(i, j) for j in members for i in members if i < j])


def _slot_at(rounds: Sequence[int], period: int, phase: Phase, step: int) -> int:
    """Return which class runs at `step` when the rounds have these numbers of classes."""
    run = active_classes([tuple(range(length)) for length in rounds], period, phase)
    (slot,) = run[step]
    return slot


def _boundary_sizes(context: CheckContext) -> Iterator[tuple[int, int, int, Phase]]:
    largest = 6 if context.profile == "full" else 5
    for old, new in product(range(1, largest + 1), repeat=2):
        for period in range(max(old, new), max(old, new) + 6):
            for phase in PHASES:
                yield old, new, period, phase


def _sum_is_attained(case: tuple[int, int, int, Phase]) -> bool:
    old, new, period, phase = case
    before = _slot_at((old, new), period, phase, period - old)
    after = _slot_at((old, new), period, phase, period + new - 1)
    place = max(before, after)
    num_tasks = place + max(old - before, new - after)
    graphs = (
        clique_around(before, old, place, num_tasks),
        clique_around(after, new, place, num_tasks),
    )
    rounds = [largest_first(graph) for graph in graphs]
    run = active_classes(rounds, period, phase)
    return [number_of_colors(colors) for colors in rounds] == [old, new] and (
        max(gaps_of(run, place)) == old + new - 1
    )


def _short_rounds(context: CheckContext) -> Iterator[tuple[int, int, Phase]]:
    for num_classes in range(2, 8 if context.profile == "full" else 7):
        for period in range(1, num_classes):
            for phase in PHASES:
                yield num_classes, period, phase


def _someone_starves(case: tuple[int, int, Phase]) -> bool:
    """R < m: rounds of m classes, some task in a class that the round does not reach."""
    num_classes, period, phase = case
    num_rounds = 4 * num_classes
    place, num_tasks = num_classes - 1, 2 * num_classes - 1
    slots = active_classes([tuple(range(num_classes))] * num_rounds, period, phase)
    rounds = []
    for start in range(0, len(slots), period):
        reached = frozenset().union(*slots[start : start + period])
        unreached = min(set(range(num_classes)) - reached)
        rounds.append(largest_first(clique_around(unreached, num_classes, place, num_tasks)))
    # the position of a round with m classes repeats after m rounds, so these rounds can too
    run = active_classes(rounds, period, phase)
    return not updates_of(run, place) and all(
        number_of_colors(colors) == num_classes for colors in rounds
    )


def _unchanged(context: CheckContext) -> Iterator[tuple[int, int]]:
    largest = 9 if context.profile == "full" else 7
    return ((m, period) for m in range(1, largest) for period in range(1, 3 * largest))


def _phase_rule_holds(case: tuple[int, int]) -> bool:
    num_classes, period = case
    rounds = [tuple(range(num_classes))] * (4 * num_classes + 4)
    kept = all(
        set(gaps_of(active_classes(rounds, period, phase), task)) == {num_classes}
        for phase in ("global", "carried")
        for task in range(num_classes)
    )
    restarted = active_classes(rounds, period, "restart")
    if period < num_classes:
        return kept and all(
            bool(updates_of(restarted, task)) == (task < period) for task in range(num_classes)
        )
    worst = max(max(gaps_of(restarted, task)) for task in range(num_classes))
    return kept and worst == num_classes + period % num_classes


def _restart(z3: Z3) -> list[Obligation]:
    """R = Q + s, Q a multiple of m, 0 <= s < m; class c runs at Q' + c within each round."""
    m, s, c, q, period = z3.Ints("m s c Q R")
    hypotheses = [m >= 1, s >= 0, s < m, c >= 0, c < m, q >= m, period == q + s]
    last = z3.If(c < s, q + c, q - m + c)
    return [
        Obligation(
            "the last update of class c in a round, and none later",
            hypotheses,
            z3.And(last >= 0, last < period, last + m >= period),
        ),
        Obligation(
            "the gap across the boundary is s or m + s",
            hypotheses,
            period + c - last == z3.If(c < s, s, m + s),
        ),
        Obligation("m + s occurs, at class s", [*hypotheses, c == s], period + c - last == m + s),
    ]


COL_P8_RUN = Claim(
    id="COL-P8-RUN",
    family="coloring",
    title="The staleness bound over a whole run",
    statement=r"[The scheduler gives] a short schedule where every task is updated at least once "
    r"every $\Delta+1$ steps; the maximum waiting time between successive updates for any task is "
    r"bounded by $\Delta$.",
    plain="In a run that recolours every R >= m_r steps by eq. 11, no gap between two updates of a "
    "task exceeds the largest Delta_r + 1.",
    source=Source("SON-GOKU", "5, overview (3); 5.5 (1); H.2; 4.4", ("11", "100")),
    assumptions=(SIMPLE_GRAPH, LONG_ROUNDS),
    used_for="Bounded staleness of the scheduler as it is run, with refreshes.",
    checks=(
        look(
            "two rounds, smallest first",
            lambda context: _two_rounds(("global",), long_rounds=True),
            _waits_within_delta,
            _described,
            "two rounds with K <= 3 tasks, R <= 4, R at least the number of classes",
            doc="Every pair of graphs; the first violation has the fewest tasks, then the least R.",
            counterexample=ACROSS,
        ),
        replayed(ACROSS, "From gradients to the gap, step by step."),
    ),
    reading="the sentences about the scheduler, over a run with refreshes; Proposition 8 itself "
    "assumes one fixed cycle and is judged as COL-P8-WAIT",
    repaired_by="COL-P8-RUN-R",
    notes="Not a matter of R < m: both rounds of the counterexample have m = 2 = R and Delta = 1. "
    "The task's class changes from the first to the last, so it waits twice. With two tasks no "
    "counterexample exists under eq. 11 (part of the search).",
)

COL_P8_RUN_R = Claim(
    id="COL-P8-RUN-R",
    family="coloring",
    title="Staleness across a refresh",
    statement=r"If $R\ge m_r$ in every round, then under any phase rule every task is updated in "
    r"every round, a gap inside round $r$ is $m_r$, and a gap across the boundary is at most "
    r"$m_r+m_{r+1}-1\le\Delta_r+\Delta_{r+1}+1$.",
    plain="If R >= m_r always: gaps are at most m_r within a round and at most m_r + m_(r+1) - 1 "
    "across a refresh, wherever a round begins in its cycle.",
    source=Source("songoku", "on App. G, Proposition 8 and section 5.5", ("11", "100")),
    assumptions=(SIMPLE_GRAPH, LONG_ROUNDS, ANY_PHASE),
    used_for="The staleness that the scheduler really guarantees; attained (COL-P8-RUN-SHARP).",
    checks=(
        solver(
            "arithmetic of a boundary",
            _boundary,
            "gap across a refresh <= m + n - 1, for all m, n, R >= max(m, n) and every phase",
            doc="z3 over the integers, none of them fixed.",
        ),
        proof(
            "a gap across a refresh is at most m_r + m_(r+1) - 1",
            (
                Step(
                    "Within a round a task of a class runs at the steps of one residue mod m_r; "
                    "gaps inside are m_r."
                ),
                Step(
                    "R >= m_r: the last m_r steps of the round have each residue once, so the "
                    "task's last update is at most m_r steps before the boundary b."
                ),
                Step(
                    "R >= m_(r+1): likewise its first update in the new round is at step "
                    "b + m_(r+1) - 1 at the latest.",
                    z3_proves(_boundary),
                ),
                Step(
                    "Each round has an update, so no gap crosses two boundaries; the difference "
                    "is at most m_r + m_(r+1) - 1. Proposition 9 bounds both numbers."
                ),
            ),
        ),
        look(
            "two rounds",
            _long_rounds,
            _gaps_within_sum,
            _described,
            _long_reach,
            doc="Every pair of graphs under all three phase rules.",
        ),
    ),
    repairs="COL-P8-RUN",
)

COL_P8_RUN_SHARP = Claim(
    id="COL-P8-RUN-SHARP",
    family="coloring",
    title="The bound across a refresh is attained",
    statement=r"For all $m,n\ge1$, every $R\ge\max(m,n)$ and each of the three phase rules there "
    r"are two conflict graphs with $m$ and $n$ Welsh-Powell classes and a task with a gap of "
    r"$m+n-1$.",
    plain="m_r + m_(r+1) - 1 can't be improved, whichever phase rule is used.",
    source=Source("songoku", "on App. G, Proposition 8"),
    assumptions=(),
    used_for="No phase rule repairs the bound Delta + 1; only keeping classes does (COL-PHASE).",
    checks=(
        proof(
            "cliques attain m + n - 1 under every phase rule",
            (
                Step(
                    "Let b be the boundary. Whatever the phase, one class c runs at step b - m "
                    "and not again before b; one class c' runs at step b + n - 1 and not before "
                    "from b on: both rounds last at least that long."
                ),
                Step(
                    "In a clique on m tasks, the others being lonely, Welsh-Powell's ties by index "
                    "give a task the colour 'number of members with smaller index'. So some "
                    "clique on m tasks gives task v the class c, another, on n tasks, c'."
                ),
                Step("Then v is updated at b - m and next at b + n - 1."),
            ),
        ),
        look(
            "cliques",
            _boundary_sizes,
            _sum_is_attained,
            lambda case: f"m = {case[0]}, n = {case[1]}, R = {case[2]}, phase {case[3]}",
            lambda context: (
                f"m, n <= {6 if context.profile == 'full' else 5}, six values of R, "
                "three phase rules"
            ),
            doc="Builds the two graphs, colours and runs them.",
        ),
    ),
)

COL_PHASE = Claim(
    id="COL-PHASE",
    family="coloring",
    title="What a refresh does when the colouring stays the same",
    statement=r"If no refresh changes the coloring: with eq. 11 (or a carried position) every gap "
    r"is $m$ for every $R$. With a position that restarts at each refresh the largest gap is "
    r"$m+(R\bmod m)$ if $R\ge m$; if $R<m$, the tasks of the classes $C_{R+1},\ldots,C_m$ are "
    r"never updated.",
    plain="Unchanged colouring: eq. 11's global step keeps all gaps at m; restarting the cycle at "
    "each refresh makes the worst gap m + (R mod m), and starves classes beyond R if R < m.",
    source=Source("songoku", "on section 4.4 and Algorithm 1, lines 6 and 26", ("11",)),
    assumptions=(ANY_PHASE,),
    used_for="Why eq. 11 should be read with the training step t, as printed.",
    checks=(
        solver(
            "arithmetic of a restart",
            _restart,
            "gaps across a restart are R mod m or m + (R mod m), for all m and R >= m",
            doc="z3 over the integers, none of them fixed.",
            kind="instances",
        ),
        proof(
            "gaps of an unchanged colouring",
            (
                Step(
                    "With t mod m, or with the position carried on, the sequence of classes does "
                    "not notice the refresh: it is one fixed cycle, all gaps m."
                ),
                Step(
                    "With a restart, let R = q m + s, 0 <= s < m, q >= 1. Class c (from 0) runs at "
                    "c, c + m, ... within the round: last at q m + c if c < s, else at "
                    "(q - 1) m + c; next at R + c. The gap is s or m + s; m + s occurs at c = s.",
                    z3_proves(_restart),
                ),
                Step("If s = 0 this says m. Inside the round gaps are m. So the largest is m + s."),
                Step(
                    "If R < m only the classes 0..R-1 run before the next restart, in every "
                    "round: the others never do."
                ),
            ),
        ),
        look(
            "run",
            _unchanged,
            _phase_rule_holds,
            lambda case: f"m = {case[0]}, R = {case[1]}",
            lambda context: "m <= 8, R <= 26" if context.profile == "full" else "m <= 6, R <= 20",
            doc="Runs all three rules and reads the gaps off.",
        ),
    ),
)

COL_732B = Claim(
    id="COL-7.3.2b",
    family="coloring",
    title="No task is starved",
    statement=r"This prevents tasks from being essentially starved of updates.",
    plain="In a run of Algorithm 1 (eq. 11, a refresh every R steps) every task is updated again "
    "and again.",
    source=Source("SON-GOKU", "7.3.2; 5.5 (1); 3.2 (1)", ("11",)),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Goal (1) of section 3.2: every task is visited regularly.",
    checks=(
        look(
            "two rounds in turn, smallest first",
            lambda context: _two_rounds(("global",), long_rounds=None),
            _everyone_is_updated,
            _described,
            "two rounds that alternate for ever, K <= 3 tasks, R <= 4",
            doc="Runs until everything repeats; the first violation has the fewest tasks.",
            counterexample=STARVED,
        ),
        replayed(STARVED, "Eq. 11 as printed: two graphs in turn, one task never updated."),
        look(
            "two rounds under the condition",
            _long_rounds,
            _updated_in_every_round,
            _described,
            _long_reach,
            doc="With the condition: every task in every round.",
            under_condition=True,
        ),
        proof(
            "if R >= m_r, every task is updated in every round",
            (
                Step("m_r steps in a row of one round run every class once, wherever they begin."),
                Step("A round has R >= m_r steps."),
            ),
            under_condition=True,
        ),
    ),
    reading="over a run with refreshes, for every refresh period R >= 1 that Algorithm 1 admits",
    condition="R >= m_r in every round",
    repaired_by="COL-7.3.2b-R",
    notes="Neither the colour bound nor tau gives the condition: m_r can be as large as K, and "
    "crown graphs (EXT-6-CROWN) have long cycles at every tau. With R = 32, as in Table 2, it can "
    "only fail with more than 32 classes. If no refresh changes the colouring, eq. 11 starves "
    "nobody for any R (COL-PHASE).",
)

COL_732B_R = Claim(
    id="COL-7.3.2b-R",
    family="coloring",
    title="No task is starved if a round holds a cycle",
    statement=r"If $R\ge m_r$ in every round, every task is updated at least "
    r"$\lfloor R/m_r\rfloor\ge1$ times in round $r$, under any phase rule.",
    plain="If R >= m_r always, every task is updated at least floor(R / m_r) times in every round.",
    source=Source("songoku", "on section 7.3.2"),
    assumptions=(SIMPLE_GRAPH, LONG_ROUNDS, ANY_PHASE),
    used_for="Choosing R: not below the number of classes.",
    checks=(
        proof(
            "at least floor(R / m) updates a round",
            (
                Step(
                    "Cut the first m floor(R/m) steps of the round into floor(R/m) stretches of m "
                    "steps; each runs every class once."
                ),
            ),
        ),
        look(
            "two rounds",
            _long_rounds,
            _enough_updates,
            _described,
            _long_reach,
            doc="Updates counted, task by task and round by round.",
        ),
    ),
    repairs="COL-7.3.2b",
)

COL_732B_SHARP = Claim(
    id="COL-7.3.2b-SHARP",
    family="coloring",
    title="The condition R >= m is needed",
    statement=r"For every $m\ge2$, every $R<m$ and each of the three phase rules there is a "
    r"sequence of conflict graphs, each with $m$ Welsh-Powell classes, along which some task is "
    r"never updated. With a restarting position one graph is enough.",
    plain="Whenever R < m, graphs with m classes exist that keep a task waiting for ever.",
    source=Source("songoku", "on section 7.3.2"),
    assumptions=(),
    used_for="Shows that COL-7.3.2b's condition is not an artefact of its proof.",
    checks=(
        proof(
            "R < m leaves a class out in every round",
            (
                Step("R < m steps of a round run R different classes, so some class is not run."),
                Step(
                    "Choose the round's graph so that task v is in such a class: a clique on m "
                    "tasks with as many members of smaller index than v's as that class's number "
                    "(COL-P8-RUN-SHARP). The phase depends on m, R and the rule only, not on "
                    "who is in which class."
                ),
            ),
        ),
        look(
            "cliques",
            _short_rounds,
            _someone_starves,
            lambda case: f"m = {case[0]}, R = {case[1]}, phase {case[2]}",
            lambda context: (
                f"m <= {7 if context.profile == 'full' else 6}, all R < m, three "
                "phase rules, 4 m rounds"
            ),
            doc="Builds the graphs, colours and runs them.",
        ),
    ),
)

CLAIMS = (
    COL_P8_RUN,
    COL_P8_RUN_R,
    COL_P8_RUN_SHARP,
    COL_PHASE,
    COL_732B,
    COL_732B_R,
    COL_732B_SHARP,
)
