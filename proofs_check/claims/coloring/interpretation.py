"""What section 5.5 (2) and G.1 make of the staleness bound.

Three sentences, several readings each. "Bounded delay" in the analyses that the paper cites (Niu
et al. 2011; Lian et al. 2015) is the *age of the parameters at which an applied gradient was
computed*. Proposition 8 bounds something else, the time between two updates of one task. The
scheduler's gradients have age 0, so the condition on the age holds, and would for any schedule;
what those analyses need besides, that a step is in mean a step along the full gradient, a fixed
cycle of classes does not give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

from proofs_check.claims.coloring._evidence import (
    Step,
    look,
    proof,
    replayed,
)
from proofs_check.claims.coloring._gradients import (
    Number,
    conflict_graph,
    inner,
    read_gradients,
    read_tau,
)
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
from proofs_check.claims.coloring.greedy import SIMPLE_GRAPH
from proofs_check.claims.coloring.staleness import (
    CYCLE_PROOF,
    CYCLE_SOLVER,
    FIXED_CYCLE,
    named_graphs,
    named_reach,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.findings import inconclusive, refutes, supports
from proofs_check.model import (
    Assumption,
    Check,
    CheckContext,
    Claim,
    Finding,
    Method,
    Source,
    VacuityFinding,
)

__all__ = ["CLAIMS"]

OWN_UPDATE = "col_g1_own_update"
CYCLIC = "col_g1_cyclic_descent"
CANCEL = "col_5_5_cancel"


def run_two_quadratics(
    targets: tuple[Fraction, Fraction], start: Fraction, eta: Fraction, steps: int
) -> list[Fraction]:
    """Return the iterates of eq. 6 on ``L_k = (theta - a_k)^2 / 2``, one task a step in turn."""
    iterates = [start]
    for step in range(steps):
        theta = iterates[-1]
        iterates.append(theta - eta * (theta - targets[step % 2]))
    return iterates


@replayer("coloring-cyclic-descent")
def replay_cyclic_descent(data: Mapping[str, Any]) -> Replay:
    """Two conflicting tasks in turn, from the minimiser of their sum."""
    tau, eta, start = read_tau(data), rational(data["eta"]), rational(data["start"])
    one, two = (rational(target) for target in data["targets"])
    steps = int(data["steps"])
    iterates = run_two_quadratics((one, two), start, eta, steps)
    lines = [
        f"L_0 = (theta - ({one}))^2/2, L_1 = (theta - ({two}))^2/2, F = L_0 + L_1, no noise, "
        f"eta = {eta}, theta_0 = {start}"
    ]
    same_schedule = True
    for step, theta in enumerate(iterates[:-1]):
        graph = conflict_graph([(theta - one,), (theta - two,)], tau)
        same_schedule = same_schedule and largest_first(graph) == (0, 1)
        lines.append(
            f"step {step}: theta = {theta}, conflicts {edges_of(graph)}, active task "
            f"{step % 2}, applied gradient {theta - (one, two)[step % 2]}, full gradient "
            f"{2 * theta - one - two}"
        )
    first_applied = start - one
    full_at_start = 2 * start - one - two
    lines.append(
        f"Delta = 1, m = 2, every gap 2; at step 0 the only iterate so far has full gradient "
        f"{full_at_start}, the applied one is {first_applied}; after {steps} steps the full "
        f"gradient is {2 * iterates[-1] - one - two}"
    )
    violated = same_schedule and full_at_start == 0 and first_applied != 0
    return Replay(tuple(lines), violated)


@replayer("coloring-own-update")
def replay_own_update(data: Mapping[str, Any]) -> Replay:
    """A clique: how many iterations lie between a task's own updates."""
    tau = read_tau(data)
    graph = conflict_graph(read_gradients(data["gradients"]), tau)
    degree = max_degree(graph)
    run = cyclic_steps(largest_first(graph), 2 * (degree + 1))
    task = int(data["task"])
    stretch = run[int(data["start"]) : int(data["start"]) + degree]
    return Replay(
        (
            f"conflicts at tau = {tau}: {edges_of(graph)}, a clique of size Delta + 1 = "
            f"{degree + 1}",
            *(f"step {t}: tasks {sorted(active)}" for t, active in enumerate(run)),
            f"{degree} iterations from step {data['start']} on without an update by task {task}",
        ),
        len(edges_of(graph)) == degree * (degree + 1) // 2 == len(graph) * degree // 2
        and degree >= 1
        and len(stretch) == degree
        and all(task not in active for active in stretch),
    )


@replayer("coloring-cancellation")
def replay_cancellation(data: Mapping[str, Any]) -> Replay:
    """Gradients without a conflict edge whose sum is zero."""
    tau = read_tau(data)
    gradients = read_gradients(data["gradients"])
    graph = conflict_graph(gradients, tau)
    total = [sum(column) for column in zip(*gradients, strict=True)]
    energy = sum(inner(g, g) for g in gradients)
    return Replay(
        (
            f"{len(gradients)} tasks, conflicts at tau = {tau}: {edges_of(graph)}; Delta = "
            f"{max_degree(graph)}",
            f"Welsh-Powell classes: {classes_of(largest_first(graph))}",
            f"applied gradient: {[str(x) for x in total]}; sum of squared norms {energy}",
        ),
        not edges_of(graph) and not any(total) and energy > 0,
    )


def _edges(graph: Graph) -> str:
    return f"{len(graph)} tasks, edges {edges_of(graph)}"


# --- 5.5 (2): the age of the applied gradients -------------------------------------------------


def _ages(context: CheckContext) -> Iterator[tuple[int, int]]:
    """Yield, for a run of eq. 6 on integer quadratics, how old each applied gradient is."""
    import numpy as np

    rng = np.random.default_rng(context.seed)
    for _ in range(40):
        targets = [Fraction(int(a)) for a in rng.integers(-5, 6, size=4)]
        graph = from_edges(4, [(0, 1), (1, 2)])
        run = cyclic_steps(largest_first(graph), 12)
        iterates = [Fraction(int(rng.integers(-5, 6)))]
        for active in run:
            step = sum((iterates[-1] - targets[task] for task in active), Fraction(0))
            iterates.append(iterates[-1] - step / 7)
        for t, active in enumerate(run):
            applied = (iterates[t] - iterates[t + 1]) * 7
            ages = [
                age
                for age in range(t + 1)
                if sum((iterates[t - age] - targets[k] for k in active), Fraction(0)) == applied
            ]
            yield min(ages, default=-1), max_degree(graph)


# --- G.1: the cycle as a delayed method -----------------------------------------------------


def _two_cycle(context: CheckContext) -> Finding:
    """For every eta in (0, 1) the cycle ends at +-eta/(2 - eta), where the gradient isn't 0."""
    del context
    import sympy

    eta, theta = sympy.symbols("eta theta")
    after_one = theta - eta * (theta - 1)
    after_two = after_one - eta * (after_one + 1)
    (fixed,) = sympy.solve(sympy.Eq(after_two, theta), theta)
    full = sympy.factor(2 * fixed)
    if sympy.cancel(full + 2 * eta / (2 - eta)) != 0:
        return inconclusive("two tasks in turn", f"sympy finds full gradient {full}")
    contraction = sympy.factor(sympy.diff(after_two, theta))
    return refutes(
        "all constant step sizes eta in (0, 1)",
        f"for every eta the iterates after whole cycles tend to the fixed point {fixed} "
        f"(factor {contraction} a cycle), where the full gradient is {full}, not 0; a noise-free "
        f"method that applies full gradients of any bounded age stays at the minimiser",
        CYCLIC,
    )


def _small_quadratics(context: CheckContext) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    del context
    for spread, eta in product(range(4), (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2))):
        yield Fraction(spread), Fraction(-spread), eta


def _stays_at_minimiser(case: tuple[Fraction, Fraction, Fraction]) -> bool:
    one, two, eta = case
    start = (one + two) / 2
    return all(theta == start for theta in run_two_quadratics((one, two), start, eta, 6))


def _affine_cycles(
    context: CheckContext,
) -> Iterator[tuple[tuple[tuple[Fraction, Fraction], ...], Fraction, Fraction]]:
    """Yield class gradients G_r(x) = l_r (x - a_r) in one variable, start, step size."""
    import numpy as np

    rng = np.random.default_rng(context.seed + 1)
    for _ in range(400):
        classes = tuple(
            (Fraction(int(rng.integers(0, 5)), 2), Fraction(int(rng.integers(-4, 5))))
            for _ in range(int(rng.integers(1, 6)))
        )
        yield classes, Fraction(int(rng.integers(-4, 5))), Fraction(1, int(rng.integers(1, 12)))


def cycle_error(
    classes: tuple[tuple[Fraction, Fraction], ...], start: Fraction, eta: Fraction
) -> tuple[Fraction, Fraction]:
    """Return |sum of applied class gradients - full gradient at the start|, and its bound."""
    theta, applied, largest = start, Fraction(0), Fraction(0)
    for slope, center in classes:
        gradient = slope * (theta - center)
        applied += gradient
        largest = max(largest, abs(gradient))
        theta -= eta * gradient
    full = sum((slope * (start - center) for slope, center in classes), Fraction(0))
    weighted = sum((r * slope for r, (slope, _) in enumerate(classes)), Fraction(0))
    return abs(applied - full), eta * largest * weighted


def _error_within_bound(
    case: tuple[tuple[tuple[Fraction, Fraction], ...], Fraction, Fraction],
) -> bool:
    error, bound = cycle_error(*case)
    return error <= bound


# --- G.1: refreshed at least once every Delta iterations -------------------------------------


def _cliques(context: CheckContext) -> Iterator[int]:
    del context
    return iter(range(1, 12))


def _clique(degree: int) -> Graph:
    return from_edges(degree + 1, [(i, j) for j in range(degree + 1) for i in range(j)])


def _own_update_every_delta(degree: int) -> bool:
    """In a clique of Delta + 1 tasks, does every stretch of Delta steps update every task?"""
    run = cyclic_steps(largest_first(_clique(degree)), 3 * (degree + 1))
    return all(
        any(task in active for active in run[start : start + degree])
        for task in range(degree + 1)
        for start in range(2 * (degree + 1))
    )


def _own_update_every_delta_plus_1(graph: Graph) -> bool:
    bound = max_degree(graph) + 1
    colors = largest_first(graph)
    run = cyclic_steps(colors, 2 * bound + number_of_colors(colors))
    clique = len(graph) == bound and number_of_colors(colors) == bound
    return (
        all(run)
        and all(
            any(task in active for active in run[start : start + bound])
            for task in range(len(graph))
            for start in range(bound + 1)
        )
        and (not clique or not _own_update_every_delta(bound - 1) or bound == 1)
    )


def _someone_every_step(graph: Graph) -> bool:
    colors = largest_first(graph)
    return all(cyclic_steps(colors, 3 * number_of_colors(colors)))


def _no_conflicts_per_step(graph: Graph) -> bool:
    colors = largest_first(graph)
    length = number_of_colors(colors)
    run = cyclic_steps(colors, 2 * length)
    return length <= max_degree(graph) + 1 and not any(
        {i, j} <= active for active in run for i, j in edges_of(graph)
    )


# --- 5.5, last sentence: low interference ----------------------------------------------------


def _small_gradients(context: CheckContext) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield gradients that sum to zero: two tasks, then three, entries in -2..2, d <= 3."""
    del context
    for dim in (1, 2, 3):
        vectors = [v for v in product(range(-2, 3), repeat=dim) if any(v)]
        for one in vectors:
            yield one, tuple(-x for x in one)
    for dim in (1, 2, 3):
        vectors = [v for v in product(range(-1, 3), repeat=dim) if any(v)]
        for one, two in product(vectors, repeat=2):
            rest = tuple(-x - y for x, y in zip(one, two, strict=True))
            if any(rest):
                yield one, two, rest


def _cancelling_tasks_conflict(gradients: tuple[tuple[int, ...], ...]) -> bool:
    """Gradients whose sum is zero: is there a conflict edge at tau = 3/5?"""
    return bool(edges_of(conflict_graph(gradients, Fraction(3, 5))))


def _random_compatible(
    context: CheckContext,
) -> Iterator[tuple[tuple[tuple[int, ...], ...], Fraction]]:
    import numpy as np

    rng = np.random.default_rng(context.seed + 2)
    for _ in range(600):
        rows = rng.integers(-3, 4, size=(int(rng.integers(2, 6)), 3))
        gradients = tuple(tuple(int(x) for x in row) for row in rows if row.any())
        for tau in (Fraction(1, 10), Fraction(1, 3), Fraction(3, 5)):
            if len(gradients) >= 2 and not edges_of(conflict_graph(gradients, tau)):
                yield gradients, tau


def _energy_bound_holds(case: tuple[tuple[tuple[int, ...], ...], Fraction]) -> bool:
    gradients, tau = case
    total: list[Number] = [sum(column) for column in zip(*gradients, strict=True)]
    energy = sum(inner(g, g) for g in gradients)
    return inner(total, total) >= (1 - tau * (len(gradients) - 1)) * energy


def _sum_of_squares(context: CheckContext) -> Finding:
    """(s - 1) sum n_i^2 - sum_{i != j} n_i n_j = sum_{i < j} (n_i - n_j)^2, for s <= 8."""
    del context
    import sympy

    for size in range(1, 9):
        norms = sympy.symbols(f"n0:{size}")
        left = (size - 1) * sum(n**2 for n in norms) - sum(
            norms[i] * norms[j] for i in range(size) for j in range(size) if i != j
        )
        right = sum((norms[i] - norms[j]) ** 2 for i in range(size) for j in range(i))
        if sympy.expand(left - right) != 0:
            return inconclusive(f"s = {size}", "the identity does not close")
    return supports(
        "up_to",
        "groups of at most 8 tasks",
        "(s-1) sum n_i^2 - sum_{i != j} n_i n_j = sum_{i<j} (n_i - n_j)^2 expands to 0 = 0 for "
        "s = 1..8",
    )


def _identity_holds() -> bool:
    return _sum_of_squares(CheckContext()).outcome.value == "supports"


def _says_little(context: CheckContext) -> VacuityFinding:
    del context
    return VacuityFinding(
        False,
        "the bound is positive for groups of fewer than 1 + 1/tau tasks, and says nothing for "
        "larger ones (K = 40 without conflicts, tau = 1/30)",
    )


COL_55E = Claim(
    id="COL-5.5e",
    family="coloring",
    title="The bounded-delay condition, with delay at most Delta",
    statement=r"[Benefit (2)] compatibility with standard bounded-delay conditions used in "
    r"analyses of asynchronous SGD (e.g., Niu et al. 2011; Lian et al. 2015), with delay parameter "
    r"at most $\Delta$.",
    plain="Every gradient that a step applies was computed at parameters at most Delta steps old "
    "(in fact at the current ones).",
    source=Source("SON-GOKU", "5.5 (2); App. G, Proposition 8, last sentence", ("6",)),
    assumptions=(SIMPLE_GRAPH,),
    used_for="G.1 (COL-G1b).",
    checks=(
        proof(
            "the age of every applied gradient is 0 <= Delta",
            (
                Step(
                    "Algorithm 1, lines 8-13: the gradients of the active tasks are computed at "
                    "theta_t and applied in the step to theta_(t+1). Their age is 0."
                ),
                Step("Delta >= 0."),
            ),
        ),
        look(
            "runs of eq. 6",
            _ages,
            lambda case: 0 <= case[0] <= case[1],
            lambda case: f"age {case[0]}, Delta = {case[1]}",
            "40 exact runs of 12 steps on integer quadratics",
            doc="Finds the iterate at which the applied gradient is the class's gradient.",
            method=Method.EXACT,
            kind="instances",
        ),
    ),
    reading="the delay of those analyses: the age of the parameters at which an applied gradient "
    "was computed",
    notes="True for a reason that has nothing to do with colouring: a synchronous method has delay "
    "0 under any schedule. What Proposition 8 bounds, the time between updates of one task, is not "
    "the delay of those analyses; read as that, the sentence is COL-P8-WAIT. Whether their "
    "conclusions follow is COL-G1b.",
)

COL_G1A_ANY = Claim(
    id="COL-G1a-ANY",
    family="coloring",
    title="The shared parameters are refreshed every Delta iterations",
    statement=r"The bound guarantees that the shared parameters used by any task are refreshed at "
    r"least once every $\Delta$ iterations in the worst case (e.g., when the conflict graph is a "
    r"clique of size $\Delta+1$).",
    plain="If Delta >= 1, every Delta iterations in a row contain an update of the shared "
    "parameters, by some task. (Every single iteration does.)",
    source=Source("SON-GOKU", "App. G.1", ("100",)),
    assumptions=(
        SIMPLE_GRAPH,
        Assumption(
            "Delta >= 1",
            "Otherwise it says 'every 0 iterations'.",
            lambda graph: max_degree(graph) >= 1,
        ),
    ),
    used_for="Low parameter staleness.",
    checks=(
        proof(
            "every iteration updates the shared parameters",
            (
                Step(
                    "Classes are not empty, so every step applies the gradients of at least one "
                    "task to the shared parameters (eq. 6)."
                ),
                Step("So every iteration does, hence every Delta >= 1 in a row do."),
            ),
        ),
        look(
            "every graph",
            named_graphs,
            _someone_every_step,
            _edges,
            named_reach,
            doc="No step of the cycle is empty.",
        ),
    ),
    reading='"refreshed" as changed by whichever tasks are active',
    notes="Then neither the clique nor Delta matters; the sentence seems to mean row COL-G1a-OWN.",
)

COL_G1A_OWN = Claim(
    id="COL-G1a-OWN",
    family="coloring",
    title="In a clique of Delta + 1 tasks, an update every Delta iterations",
    statement=r"The bound guarantees that the shared parameters used by any task are refreshed at "
    r"least once every $\Delta$ iterations in the worst case (e.g., when the conflict graph is a "
    r"clique of size $\Delta+1$).",
    plain="In a clique of Delta + 1 >= 2 tasks, every Delta iterations in a row contain an update "
    "by each task.",
    source=Source("SON-GOKU", "App. G.1", ("100",)),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="Low parameter staleness.",
    checks=(
        look(
            "cliques",
            _cliques,
            _own_update_every_delta,
            lambda degree: f"the clique of {degree + 1} tasks, the smallest with a conflict",
            "cliques of 2..12 tasks",
            doc="Smallest first.",
            counterexample=OWN_UPDATE,
        ),
        replayed(OWN_UPDATE, "From gradients to the stretch without an update."),
    ),
    reading='"refreshed" as updated by the task itself, which is what the worst case is one of',
    repaired_by="COL-G1a-OWN-R",
    notes="The off-by-one of eq. 100 (COL-P8-WINDOW), at the very example that the paper gives: in "
    "a clique of Delta + 1 tasks each is updated every Delta + 1 iterations.",
)

COL_G1A_OWN_R = Claim(
    id="COL-G1a-OWN-R",
    family="coloring",
    title="An update by each task every Delta + 1 iterations",
    statement=r"The shared parameters are updated at every iteration, and by any given task at "
    r"least once every $\Delta+1$ iterations; in a clique of size $\Delta+1$ no smaller number "
    r"will do.",
    plain="Every iteration updates the shared parameters; each task does in every Delta + 1 in a "
    "row, and in a clique of Delta + 1 >= 2 tasks not in every Delta.",
    source=Source("songoku", "on App. G.1"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="G.1 with the right number.",
    checks=(
        CYCLE_PROOF,
        CYCLE_SOLVER,
        look(
            "every graph",
            named_graphs,
            _own_update_every_delta_plus_1,
            _edges,
            named_reach,
            doc="Every stretch of Delta + 1 steps; cliques also with Delta steps.",
        ),
    ),
    repairs="COL-G1a-OWN",
)

COL_G1B = Claim(
    id="COL-G1b",
    family="coloring",
    title="Bounded-delay convergence proofs apply to the cyclic schedule",
    statement=r"This aligns with the bounded-delay assumption common in analyses of asynchronous "
    r"SGD and lock-free training, so convergence proofs built under that assumption apply to our "
    r"cyclic schedule with delay parameter at most $\Delta$ (Niu et al., 2011; Lian et al., 2015).",
    plain="With gaps bounded as in Proposition 8, each applied gradient of the cyclic schedule is "
    "in mean (a multiple of) the full gradient at an iterate at most Delta steps old, as those "
    "proofs require; so without noise the run stays at a minimiser of F and tends to stationary "
    "points.",
    source=Source("SON-GOKU", "App. G.1"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="Convergence of the cyclic schedule.",
    checks=(
        look(
            "two quadratics",
            _small_quadratics,
            _stays_at_minimiser,
            lambda case: (
                f"targets {case[0]}, {case[1]}, eta = {case[2]}: the run leaves the minimiser"
            ),
            "L_k = (theta -+ a)^2/2, a = 0..3, three step sizes",
            doc="Starts at the minimiser of F; no noise.",
            method=Method.SEARCH,
            kind="instances",
            counterexample=CYCLIC,
        ),
        replayed(
            CYCLIC, "Gradients, conflict graph, classes, iterates and full gradients, exactly."
        ),
        Check(
            "every step size",
            Method.SYMBOLIC,
            _two_cycle,
            doc="The limit of the cycle for every constant step size.",
        ),
    ),
    reading="as an implication: bounded update gaps make the proofs of the two cited papers apply. "
    "Both assume, besides bounded age, that the component is drawn at random so that the gradient "
    "is unbiased for the full one (Lian et al. state it as an assumption; Niu et al. draw it "
    "uniformly)",
    repaired_by="COL-G1b-R",
    notes="Nothing here says that the cyclic schedule does not converge: with step sizes that tend "
    "to zero it does, as incremental gradient methods do under their usual assumptions, and with a "
    "constant one it comes within O(eta). The point is that the cited proofs do not show it: "
    "bounded age is met (COL-5.5e), unbiasedness is not.",
)

COL_G1B_R = Claim(
    id="COL-G1b-R",
    family="coloring",
    title="A cycle is one full gradient step up to O(eta)",
    statement=r"Let $G_r$ be the gradient of class $r$'s loss, $L_r$-Lipschitz, with $\|G_r\|\le "
    r"B$ along the cycle $x_r=x_{r-1}-\eta G_r(x_{r-1})$, $r=1,\ldots,m$. Then "
    r"$x_m=x_0-\eta(\nabla F(x_0)+e)$ with $\|e\|\le\eta B\sum_{r=1}^m(r-1)L_r$.",
    plain="One cycle is a step along the full gradient at its start, whose parts were computed at "
    "iterates at most m - 1 <= Delta steps later, with error at most eta B sum (r - 1) L_r.",
    source=Source("songoku", "on App. G.1; compare results beyond the paper, 9"),
    assumptions=(
        FIXED_CYCLE,
        Assumption(
            "sum", "F is the sum of the class losses (weights absorbed), heads included.", None
        ),
    ),
    used_for="Where Delta does enter a convergence proof: through the length of the cycle.",
    checks=(
        proof(
            "the error of a cycle is at most eta B sum (r - 1) L_r",
            (
                Step(
                    "x_m = x_0 - eta sum_r G_r(x_(r-1)) and grad F = sum_r G_r, so "
                    "e = sum_r [G_r(x_(r-1)) - G_r(x_0)]."
                ),
                Step("|x_(r-1) - x_0| <= eta sum_(s<r) |G_s(x_(s-1))| <= eta (r - 1) B."),
                Step("|e| <= sum_r L_r |x_(r-1) - x_0| <= eta B sum_r (r - 1) L_r."),
            ),
        ),
        look(
            "affine class gradients",
            _affine_cycles,
            _error_within_bound,
            str,
            "400 cycles of up to five affine class gradients, in rationals",
            doc="Error of a cycle against the bound.",
            method=Method.EXACT,
            kind="instances",
        ),
    ),
    repairs="COL-G1b",
)

COL_55F = Claim(
    id="COL-5.5f",
    family="coloring",
    title="Few conflicts per step and short gaps when Delta << K",
    statement=r"When $\Delta\ll K$, we achieve both low interference (few conflicts per step) and "
    r"low staleness (short update gaps).",
    plain="No step activates a conflicting pair, and every gap is m <= Delta + 1, hence short "
    "compared with K when Delta is.",
    source=Source("SON-GOKU", "5.5, last sentence; G.1, last sentence"),
    assumptions=(SIMPLE_GRAPH, FIXED_CYCLE),
    used_for="The case for colouring: both at once.",
    checks=(
        proof(
            "no conflicts within a step, gaps at most Delta + 1",
            (
                Step("A step activates one class of a proper colouring: no edges within."),
                Step("On a fixed cycle every gap is m <= Delta + 1 (COL-P8-WAIT)."),
            ),
        ),
        CYCLE_SOLVER,
        look(
            "every graph",
            named_graphs,
            _no_conflicts_per_step,
            _edges,
            named_reach,
            doc="Edges inside active sets, and the length of the cycle.",
        ),
    ),
    reading='"low interference" as the parenthesis explains it: few (in fact no) conflict edges '
    "in a step; gaps as on a fixed cycle",
)

COL_55F_CANCEL = Claim(
    id="COL-5.5f-CANCEL",
    family="coloring",
    title="Little cancellation within a step when Delta << K",
    statement=r"When $\Delta\ll K$, we achieve [...] low interference.",
    plain="Without conflict edges (Delta = 0) the gradients of a step do not cancel each other: "
    "their sum is not zero.",
    source=Source("SON-GOKU", '5.5, last sentence; "interference" as in section 1'),
    assumptions=(SIMPLE_GRAPH,),
    used_for="Reading a class of the colouring as a group that does not work against itself.",
    checks=(
        look(
            "small integer gradients",
            _small_gradients,
            _cancelling_tasks_conflict,
            lambda gradients: (
                f"{len(gradients)} tasks with gradients {gradients}; two tasks whose "
                "gradients cancel always conflict"
            ),
            "two tasks, then three, small integer entries, tau = 3/5",
            doc="Gradients whose sum is zero, fewest tasks first: is there a conflict edge?",
            counterexample=CANCEL,
        ),
        replayed(CANCEL, "Three gradients of one class with sum zero."),
    ),
    reading='"interference" as in the introduction: gradients in a step that slow or cancel each '
    "other. The reading of the paper's parenthesis is row COL-5.5f, and holds",
    repaired_by="COL-5.5f-CANCEL-R",
    notes="Pairs below the threshold add up: K vectors towards the corners of a simplex have "
    "cosines -1/(K - 1), no conflict edge for tau >= 1/(K - 1), and sum zero. With K = 40 that is "
    "tau = 1/39.",
)

COL_55F_CANCEL_R = Claim(
    id="COL-5.5f-CANCEL-R",
    family="coloring",
    title="Cancellation within a class, bounded by its size",
    statement=r"For a class $S$ of the conflict graph $G_\tau$, $\|\sum_{k\in "
    r"S}g_k\|^2\ge(1-\tau(|S|-1))\sum_{k\in S}\|g_k\|^2$, which is positive for $|S|<1+1/\tau$.",
    plain="A class of fewer than 1 + 1/tau tasks can't cancel; larger ones can.",
    source=Source("songoku", "on section 5.5; the same bound as eq. 12", ("12",)),
    assumptions=(SIMPLE_GRAPH,),
    used_for="How large a class may be for a step to be sure of progress.",
    checks=(
        proof(
            "|sum g|^2 >= (1 - tau (s - 1)) sum |g|^2 for a class of s tasks",
            (
                Step("No edge within the class: g_i.g_j >= -tau |g_i| |g_j| for i != j."),
                Step("So |sum g|^2 >= sum n_i^2 - tau sum_(i != j) n_i n_j with n_i = |g_i|."),
                Step(
                    "sum_(i != j) n_i n_j = (s - 1) sum n_i^2 - sum_(i<j) (n_i - n_j)^2 <= "
                    "(s - 1) sum n_i^2.",
                    _identity_holds,
                ),
            ),
        ),
        Check(
            "sum of squares",
            Method.SYMBOLIC,
            _sum_of_squares,
            doc="The identity of step 3, expanded.",
        ),
        look(
            "integer gradients",
            _random_compatible,
            _energy_bound_holds,
            str,
            "random integer gradients of up to five tasks without conflicts, three thresholds",
            doc="Both sides in rationals.",
            method=Method.EXACT,
            kind="instances",
        ),
    ),
    repairs="COL-5.5f-CANCEL",
    vacuous=_says_little,
    notes="The paper's own eq. 12; judged with its consequences in the family of descent.",
)

CLAIMS = (
    COL_55E,
    COL_G1A_ANY,
    COL_G1A_OWN,
    COL_G1A_OWN_R,
    COL_G1B,
    COL_G1B_R,
    COL_55F,
    COL_55F_CANCEL,
    COL_55F_CANCEL_R,
)
