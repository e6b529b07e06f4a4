"""Observation 1: when a larger gain is a larger decrease, and what eq. 7's average over steps says.

With f = L_j(·, θ_j^{t+1}) and D = f(φ_{j}), S_{A→j} = 1 - f(φ_{A,j})/D. Two gains to the same task
at the same step share D, and everything depends on its sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.ptg._losses import LEARNING_RATE, gain, read_tasks, step
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.findings import inconclusive, refutes
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "order_checks"]


@replayer("ptg-larger-gain")
def _replay_larger_gain(data: Mapping[str, Any]) -> Replay:
    """Two sources, one target, one step: the larger gain, and the larger decrease."""
    tasks = read_tasks(data["tasks"])
    phi, eta = tuple(map(rational, data["phi"])), rational(data["eta"])
    first, second, target = 0, 1, 2
    gains = [gain(tasks, (i,), target, phi, eta) for i in (first, second)]
    after = [tasks[target].loss(step(tasks, (i, target), phi, eta, "sum")) for i in (first, second)]
    before = tasks[target].loss(phi)
    alone = tasks[target].loss(step(tasks, (target,), phi, eta, "sum"))
    falls = [before - x for x in after]
    return Replay(
        (
            f"task 3 before the step: {before}; after its own step alone: {alone}",
            f"after a step of tasks 1 and 3: {after[0]}; of tasks 2 and 3: {after[1]}",
            f"gains S_1→3 = {gains[0]}, S_2→3 = {gains[1]}",
            f"decreases of task 3's loss: {falls[0]} with task 1, {falls[1]} with task 2",
        ),
        gains[0] > gains[1] and falls[0] <= falls[1],
    )


@replayer("ptg-accuracy")
def _replay_accuracy(data: Mapping[str, Any]) -> Replay:
    """Accuracies after the step: with the one source, with the other, and alone."""
    better, worse, alone = (rational(data[key]) for key in ("first", "second", "alone"))
    gains = [1 - better / alone, 1 - worse / alone]
    return Replay(
        (
            f"validation accuracy of task j alone {alone}, with task 1 {better}, with task 2 "
            f"{worse}",
            f"eq. 3 with the accuracy as L_j: S_1→j = {gains[0]}, S_2→j = {gains[1]}",
            "The larger gain belongs to the lower accuracy."
            if gains[0] > gains[1] and better < worse
            else "The larger gain belongs to the higher accuracy.",
        ),
        gains[0] > gains[1] and better < worse,
    )


def order_checks(sign: int, under_condition: bool = False) -> tuple[Check, ...]:
    """Return the checks that S_1 > S_2 iff f_1 < f_2, and S_1 = S_2 iff f_1 = f_2.

    Parameters
    ----------
    sign : int
        The sign that D is assumed to have: 1 as the repaired row says, -1 a planted fault.
    under_condition : bool
        Whether the checks stand for a claim with its condition added.
    """

    def proof(_: CheckContext) -> Finding:
        import sympy

        before, one, two, low = sympy.symbols("f0 f1 f2 D", positive=True)
        return WrittenProof(
            "for D > 0, S_1 > S_2 iff training with A_1 leaves task j with the lower loss",
            (
                Step(
                    "S_1 - S_2 = (f_2 - f_1)/D: both gains have the same denominator D.",
                    lambda: is_zero((1 - one / low) - (1 - two / low) - sign * (two - one) / low),
                ),
                Step(
                    "The decreases are f_0 - f_1 and f_0 - f_2 from the same f_0; their difference "
                    "is f_2 - f_1.",
                    lambda: is_zero((before - one) - (before - two) - (two - one)),
                ),
                Step("Division by D > 0 keeps the sign, so all three signs agree; 0 goes to 0."),
            ),
        ).finding()

    def solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            one, two, low = z3.Reals("f1 f2 D")
            given = [sign * low > 0]
            more = 1 - one / low > 1 - two / low
            same = 1 - one / low == 1 - two / low
            return [
                smt.Obligation("larger gain iff lower loss", given, more == (one < two)),
                smt.Obligation("equal gain iff equal loss", given, same == (one == two)),
            ]

        return smt.prove(build, "the order of the gains is the order of the decreases")

    def exactly(_: CheckContext) -> Finding:
        values = [Fraction(x, 2) for x in range(-4, 5)]
        return for_every(
            ((one, two, low) for one, two, low in product(values, repeat=3) if sign * low > 0),
            lambda c: (1 - c[0] / c[2] > 1 - c[1] / c[2]) == (c[0] < c[1]),
            str,
            "losses and denominators in halves from -2 to 2",
        )

    return (
        Check("one denominator", Method.WRITTEN_PROOF, proof, under_condition=under_condition),
        Check("quotients by z3", Method.SMT, solver, under_condition=under_condition),
        Check("halves", Method.EXACT, exactly, under_condition=under_condition),
    )


def _smallest_signs(_: CheckContext) -> Finding:
    """A second route: linear losses with slopes -1, 0, 1 and constants 0, 1, 2, all of them."""
    found = 0
    for own, one, two, constant in product((-1, 0, 1), (-1, 0, 1), (-1, 0, 1), (0, 1, 2)):
        data = {
            "tasks": [
                {"constant": 0, "slope": [one], "curvature": [0]},
                {"constant": 0, "slope": [two], "curvature": [0]},
                {"constant": constant, "slope": [own], "curvature": [0]},
            ],
            "phi": [0],
            "eta": 1,
        }
        low = Fraction(constant - own * own)
        if low != 0 and _replay_larger_gain(data).violated:
            if low > 0:
                return inconclusive(
                    "81 linear cases", f"violated with a positive denominator: {data}"
                )
            found += 1
    if not found:
        return inconclusive("81 linear cases", "no violation")
    return refutes(
        "81 linear cases",
        f"{found} of 81 linear triples violate it, every one of them with L_j(φ_{{j}}) < 0",
    )


def _accuracy_proof(_: CheckContext) -> Finding:
    import sympy

    one, two, low = sympy.symbols("f1 f2 D", positive=True)
    return WrittenProof(
        "with S' = f/D - 1 and D > 0, a larger gain is a higher metric",
        (
            Step(
                "S'_1 - S'_2 = (f_1 - f_2)/D.",
                lambda: is_zero((one / low - 1) - (two / low - 1) - (one - two) / low),
            ),
            Step("D > 0 keeps the sign."),
        ),
    ).finding()


def _accuracy_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        one, two, low = z3.Reals("f1 f2 D")
        return [smt.Obligation("order", [low > 0], (one / low - 1 > two / low - 1) == (one > two))]

    return smt.prove(build, "S' orders as the metric does")


@replayer("ptg-cumulative")
def _replay_cumulative(data: Mapping[str, Any]) -> Replay:
    """Average the gains along the joint run (eq. 7); then train each pair for as many steps."""
    tasks = read_tasks(data["tasks"])
    start, eta = tuple(map(rational, data["phi"])), rational(data["eta"])
    steps, target = int(data["steps"]), 2
    totals, phi = [Fraction(0), Fraction(0)], start
    lines = [f"all three tasks trained jointly for {steps} steps of η = {eta}:"]
    for t in range(steps):
        gains = [gain(tasks, (i,), target, phi, eta) for i in (0, 1)]
        lines.append(
            f"step {t}, φ = {', '.join(map(str, phi))}: S_1→3 = {gains[0]}, S_2→3 = {gains[1]}"
        )
        totals = [a + b / steps for a, b in zip(totals, gains, strict=True)]
        phi = step(tasks, (0, 1, 2), phi, eta, "sum")
    ends = []
    for source in (0, 1):
        point = start
        for _ in range(steps):
            point = step(tasks, (source, target), point, eta, "sum")
        ends.append(tasks[target].loss(point))
    lines.append(f"eq. 7: S_1→3 = {totals[0]}, S_2→3 = {totals[1]}")
    lines.append(
        f"task 3's loss after {steps} steps with task 1: {ends[0]}, with task 2: {ends[1]}"
    )
    return Replay(tuple(lines), totals[0] > totals[1] and ends[0] >= ends[1])


def _one_step_is_enough(_: CheckContext) -> Finding:
    """T = 1: eq. 7 is eq. 3, and Observation 1 applies; all small cases, and a written reason."""
    return WrittenProof(
        "for T = 1 a larger cumulative gain is a larger decrease, if L_j(φ_{j}) > 0",
        (
            Step("For T = 1 eq. 7 averages one term: S_{i→j} = S_{i→j}^1."),
            Step("PTG-O1-R: with a positive denominator the gains order as the decreases do."),
        ),
    ).finding()


def _one_step_exactly(_: CheckContext) -> Finding:
    def tasks(case: tuple[int, ...]) -> dict[str, Any]:
        one, two, own, bend = case
        return {
            "tasks": [
                {"constant": 0, "slope": [one], "curvature": [1]},
                {"constant": 0, "slope": [two], "curvature": [2]},
                {"constant": 9, "slope": [own], "curvature": [bend]},
            ],
            "phi": [0],
            "eta": 1,
            "steps": 1,
        }

    return for_every(
        product((-2, -1, 1, 2), (-2, -1, 1, 2), (-1, 1), (0, 1)),
        lambda case: not _replay_cumulative(tasks(case)).violated,
        str,
        "64 triples of quadratic tasks, one step",
    )


_POSITIVE = Assumption(
    "positive denominator", "L_j(φ_{j}, θ_j) > 0 after the step of j alone", lambda loss: loss > 0
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="PTG-O1",
        family="ptg",
        title="a larger gain is a larger loss decrease, without additional assumptions",
        statement=r"This substantial distinction allows us to establish the relationship between "
        r"loss decrease and the value of $\mathcal S_{i\to j}^t$ without additional assumptions. "
        r"[...] If $\mathcal S_{A_1\to i}^t>\mathcal S_{A_2\to i}^t$, then training task group "
        r"$A_1$ induces a larger loss decrease than $A_2$ for task $i$.",
        plain="For all losses, S_{A1→i} > S_{A2→i} implies that the step of A1 ∪ {i} lowers L_i by "
        "more than the step of A2 ∪ {i}.",
        source=Source("PTG", "4.1, Observation 1; App. F.1", ("3", "4")),
        assumptions=(LEARNING_RATE,),
        used_for="the gain as a measure of task relations; 'explicitly guarantees' in F.1",
        checks=(
            Check("a negative loss", Method.EXACT, lambda _: refuted_by("PTG-O1")),
            Check("linear losses with slopes -1, 0, 1", Method.EXHAUSTIVE, _smallest_signs),
            *order_checks(1, under_condition=True),
        ),
        condition="L_i(φ_{i}, θ_i) > 0 after the step",
        repaired_by="PTG-O1-R",
        notes="Losses that can be negative are common: log-densities, rewards, and the paper's own "
        "OP20 metric (Table 4). Cross-entropy and squared errors are positive, and there the "
        "observation holds. It needs neither convexity nor smoothness: that part stands.",
    ),
    Claim(
        id="PTG-O1-R",
        family="ptg",
        title="with a positive denominator the order of gains is the order of decreases",
        statement=r"If $L_i(\phi_{\{i\}}^{t+1},\theta_i^{t+1})>0$, then $\mathcal S_{A_1\to i}^t>"
        r"\mathcal S_{A_2\to i}^t$ if and only if the step of $A_1\cup\{i\}$ decreases $L_i$ more "
        r"than that of $A_2\cup\{i\}$; equality goes with equality.",
        plain="With L_i(φ_{i}) > 0: larger gain iff larger decrease, equal gain iff equal "
        "decrease.",
        source=Source("songoku", "repair of PTG's Observation 1", ("3", "4")),
        assumptions=(_POSITIVE, LEARNING_RATE),
        used_for="reading the gains of one step for one task",
        checks=order_checks(1),
        repairs="PTG-O1",
        notes="It compares sources of one task at one step on one batch. Gains to different tasks "
        "have different denominators.",
    ),
    Claim(
        id="PTG-O1-ACC",
        family="ptg",
        title="L_j may be a validation accuracy",
        statement=r"In this equation, $L_j$ represents a task-specific metric, such as the loss "
        r"function or validation accuracy.",
        plain="With an accuracy in eq. 3 a larger gain is a better result for task j.",
        source=Source("PTG", "4.1, Definition 3 and Observation 1", ("3",)),
        assumptions=(_POSITIVE,),
        used_for="using eq. 3 with metrics that are to be maximised",
        checks=(Check("two accuracies", Method.EXACT, lambda _: refuted_by("PTG-O1-ACC")),),
        repaired_by="PTG-O1-ACC-R",
    ),
    Claim(
        id="PTG-O1-ACC-R",
        family="ptg",
        title="for a metric to be maximised the gain is f/D - 1",
        statement=r"With $\mathcal S'=L_j(\phi_{A\cup\{j\}}^{t+1})/L_j(\phi_{\{j\}}^{t+1})-1$ and "
        r"a positive denominator a larger gain is a higher metric.",
        plain="With the sign turned a larger gain is a higher accuracy.",
        source=Source("songoku", "repair of PTG's Definition 3 for accuracies", ("3",)),
        assumptions=(_POSITIVE,),
        used_for="accuracies",
        checks=(
            Check("one denominator", Method.WRITTEN_PROOF, _accuracy_proof),
            Check("quotients by z3", Method.SMT, _accuracy_solver),
        ),
        repairs="PTG-O1-ACC",
    ),
    Claim(
        id="PTG-7-CUM",
        family="ptg",
        title="a larger cumulative gain is a larger decrease over the whole training",
        statement=r"These metrics quantify the impact of training group $A$ on task $j$ over the "
        r"entire training period.",
        plain="If the average of S_{i→j}^t over the joint run exceeds that of S_{k→j}^t, training "
        "i with j for as many steps lowers L_j more than training k with j.",
        source=Source("songoku", "a strong reading of PTG's sentence after eq. 7", ("7",)),
        assumptions=(_POSITIVE,),
        used_for="choosing groups that are then trained from the start",
        checks=(Check("two steps", Method.EXACT, lambda _: refuted_by("PTG-7-CUM")),),
        reading="stronger than the text, which says 'quantify'; this is what grouping needs",
        repaired_by="PTG-7-CUM-R",
        notes="The gains are collected along the joint run of all tasks; groups are trained "
        "elsewhere. All denominators in the counterexample are positive.",
    ),
    Claim(
        id="PTG-7-CUM-R",
        family="ptg",
        title="for one step it is",
        statement=r"For $T=1$ and $L_j(\phi_{\{j\}})>0$, a larger $\mathcal S_{i\to j}$ of eq. 7 "
        r"is a larger decrease of $L_j$.",
        plain="For T = 1 eq. 7 orders the sources of a task by the decrease they bring.",
        source=Source("songoku", "repair of PTG-7-CUM", ("7",)),
        assumptions=(_POSITIVE,),
        used_for="how far Observation 1 carries eq. 7",
        checks=(
            Check("one term", Method.WRITTEN_PROOF, _one_step_is_enough),
            Check("64 triples", Method.EXACT, _one_step_exactly),
        ),
        repairs="PTG-7-CUM",
    ),
)
