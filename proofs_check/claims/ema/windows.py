"""Eq. 18 against eq. 8: the windowed average, the carried buffer, and where they part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import ModuleType
from typing import Any

from proofs_check.claims.ema.assumptions import BETA, BETA_POSITIVE, WINDOW, ZERO_BUFFER
from proofs_check.claims.ema.formulas import Number
from proofs_check.claims.ema.objects import (
    Vector,
    carried_weights,
    cosine_text,
    is_conflict,
    run_buffer,
    scaled,
    signed_square_cosine,
    vector,
    window_weights,
    windowed,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, rational_grid, refuted_by
from proofs_check.methods.polynomial import Polynomial, add, monomial, multiply, subtract
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import (
    Assumption,
    Check,
    CheckContext,
    Claim,
    Finding,
    Method,
    Source,
)

__all__ = ["CLAIMS", "sum_checks", "window_weight_sum"]

SumFormula = Callable[[Number, Number, Number], Number]

_PATH: tuple[Vector, ...] = (
    vector(3, -1),
    vector(Fraction(1, 2), 4),
    vector(-2, 0),
    vector(7, Fraction(-5, 3)),
    vector(-1, -1),
    vector(0, 2),
    vector(5, Fraction(1, 7)),
    vector(-4, 3),
)


def window_weight_sum(beta: Number, power: Number, geometric: Number) -> Number:
    """Return the sum of eq. 18's weights, ``geometric`` standing for 1 + β + ... + β^(R-1)."""
    return (1 - beta) * geometric / (1 - power)


def sum_checks(total: SumFormula = window_weight_sum) -> tuple[Check, ...]:
    """Return the checks of EMA-18-SUM for this normalisation."""

    def by_symbols(_: CheckContext) -> Finding:
        def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
            beta, power = sympy.symbols("beta x")
            geometric = (1 - power) / (1 - beta)
            return [
                ("1 + ... + β^(R-1) = (1-β^R)/(1-β) at R = 1", geometric.subs(power, beta), 1),
                (
                    "the same from R to R+1: adding β^R",
                    geometric + power,
                    geometric.subs(power, beta * power),
                ),
                ("the weights sum to one", total(beta, power, geometric), 1),
                ("at β = 0, x = 0, where the sum is 0⁰ = 1", total(sympy.Integer(0), 0, 1), 1),
            ]

        return prove_identities(build, "Σ w_t = 1 for every R ≥ 1 and 0 ≤ β < 1")

    def on_a_grid(_: CheckContext) -> Finding:
        cases = [(window, beta) for window in range(1, 25) for beta in rational_grid(8)]

        def holds(case: tuple[int, Fraction]) -> bool:
            window, beta = case
            geometric = sum((beta**s for s in range(window)), Fraction(0))
            printed = window_weights(window, beta)
            return total(beta, beta**window, geometric) == 1 and sum(printed) == 1

        return for_every(
            cases,
            holds,
            lambda case: f"R = {case[0]}, β = {case[1]}",
            "R ≤ 24, every β < 1 with denominator ≤ 8, eq. 18 summed term by term",
        )

    def as_polynomials(_: CheckContext) -> Finding:
        def holds(window: int) -> bool:
            geometric: Polynomial = ()
            for s in range(window):
                geometric = add(geometric, monomial(s))
            product = multiply(subtract(monomial(0), monomial(1)), geometric)
            return product == subtract(monomial(0), monomial(window))

        return for_every(
            range(1, 65),
            holds,
            lambda window: f"R = {window}",
            "R ≤ 64, every β: (1-β)(1 + ... + β^(R-1)) = 1 - β^R coefficient by coefficient",
            "up_to",
        )

    return (
        Check("geometric sum by induction", Method.SYMBOLIC, by_symbols),
        Check("weights summed term by term", Method.EXACT, on_a_grid),
        Check("polynomial identity", Method.EXHAUSTIVE, as_polynomials),
    )


def _fresh_by_symbols(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
        beta, power, age = sympy.symbols("beta x a")
        printed = (1 - beta) * age / (1 - power)
        return [("weight of each gradient", (1 - beta) * age, (1 - power) * printed)]

    return prove_identities(
        build, "eq. 8's weights after R updates from zero (EMA-8) are (1 - β^R) times eq. 18's"
    )


def _fresh_exactly(_: CheckContext) -> Finding:
    cases = [(window, beta) for window in range(1, 9) for beta in rational_grid(8)]

    def holds(case: tuple[int, Fraction]) -> bool:
        window, beta = case
        return run_buffer(_PATH[:window], beta) == scaled(
            1 - beta**window, windowed(_PATH[:window], beta)
        )

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β = {case[1]}",
        "R ≤ 8 gradients in dimension 2, every β < 1 with denominator ≤ 8",
    )


@replayer("ema-carried-window")
def _replay_carried(data: Mapping[str, Any]) -> Replay:
    """Run eq. 8 over several windows and compare with eq. 18 on the last one."""
    window, beta, tau = int(data["window"]), rational(data["beta"]), rational(data["tau"])
    paths = [[_read(v) for v in path] for path in data["gradients"]]
    means = [_read(v) for v in data["population_mean_of_last_window"]]
    steps = [f"R = {window}, β = {beta}, τ = {tau}, buffers zero at the start, never reset"]
    noise_free = True
    carried, averaged = [], []
    for number, path in enumerate(paths, start=1):
        last = path[-window:]
        noise_free = noise_free and all(g == means[number - 1] for g in last)
        carried.append(run_buffer(path, beta))
        averaged.append(windowed(last, beta))
        steps.append(
            f"task {number}: gradients {_show_path(path)}; in the last window all equal "
            f"μ_{number} = {_show(means[number - 1])}: no noise, no drift"
        )
        steps.append(
            f"task {number}: eq. 8 gives {_show(carried[-1])}, eq. 18 gives {_show(averaged[-1])}"
        )
    with_8 = is_conflict(carried[0], carried[1], tau)
    with_18 = is_conflict(averaged[0], averaged[1], tau)
    truth = is_conflict(means[0], means[1], tau)
    steps.append(
        f"cosine by eq. 8: {cosine_text(*carried)} ({_edge(with_8)}); by eq. 18: "
        f"{cosine_text(*averaged)} ({_edge(with_18)}); of the means: {cosine_text(*means)} "
        f"({_edge(truth)})"
    )
    opposite = signed_square_cosine(*carried) * signed_square_cosine(*averaged) < 0
    steps.append(
        "So eq. 8's carried buffers and eq. 18's averages have cosines of opposite sign and "
        "different conflict graphs."
    )
    return Replay(tuple(steps), noise_free and opposite and with_8 != with_18 and truth == with_18)


@replayer("ema-history")
def _replay_history(data: Mapping[str, Any]) -> Replay:
    """Two histories that agree within the last window and not before: do the buffers differ?"""
    window, beta, tau = int(data["window"]), rational(data["beta"]), rational(data["tau"])
    other = _read(data["other_task"])
    first, second = ([_read(v) for v in path] for path in data["histories"])
    same_window = first[-window:] == second[-window:] and len(first) == len(second)
    buffers = (run_buffer(first, beta), run_buffer(second, beta))
    edges = tuple(is_conflict(buffer, other, tau) for buffer in buffers)
    steps = (
        f"R = {window}, β = {beta}, τ = {tau}; the other task's buffer is {_show(other)}",
        f"history A: {_show_path(first)}; history B: {_show_path(second)}",
        f"the last {window} gradient(s), the whole refresh window, agree: {same_window}",
        f"eq. 8 gives {_show(buffers[0])} for A and {_show(buffers[1])} for B",
        f"conflict with the other task: A {_edge(edges[0])}, B {_edge(edges[1])}",
        "So what the refresh sees depends on gradients from before its window.",
    )
    return Replay(steps, same_window and buffers[0] != buffers[1] and edges[0] != edges[1])


def _read(entries: Sequence[object]) -> Vector:
    return tuple(rational(entry) for entry in entries)


def _show(v: Vector) -> str:
    return str(v[0]) if len(v) == 1 else "(" + ", ".join(map(str, v)) + ")"


def _show_path(path: Sequence[Vector]) -> str:
    return ", ".join(_show(v) for v in path)


def _edge(conflict: bool) -> str:
    return "edge" if conflict else "no edge"


def _recursion_over_windows(_: CheckContext) -> Finding:
    import sympy

    beta, power, old, new, gradient = sympy.symbols("beta x m a g")
    return WrittenProof(
        "g̃ at a refresh = β^R (g̃ at the refresh before) + (1 - β^R) (eq. 18 on the window between)",
        (
            Step(
                "Let A_j be the EMA of the window's first j gradients from a zero buffer, and "
                "claim g̃ = β^j m + A_j after j of them, where m is the buffer at the window's "
                "start. j = 0: g̃ = m.",
                None,
            ),
            Step(
                "j to j+1: β (β^j m + A_j) + (1-β) g = β^(j+1) m + (β A_j + (1-β) g), and the "
                "bracket is A_(j+1).",
                lambda: is_zero(
                    beta * (power * old + new)
                    + (1 - beta) * gradient
                    - (beta * power * old + (beta * new + (1 - beta) * gradient))
                ),
            ),
            Step("A_R = (1 - β^R) times eq. 18's average (EMA-18-FRESH).", None),
            Step(
                "So for β > 0 the carried buffer points where eq. 18's average points for every "
                "choice of the window's gradients only if m = 0: otherwise take a window whose "
                "average is -c m with a small c > 0; the sum still points along m.",
                None,
            ),
        ),
    ).finding()


def _recursion_exactly(_: CheckContext) -> Finding:
    cases = [(window, beta) for window in (1, 2, 4) for beta in rational_grid(8)]

    def holds(case: tuple[int, Fraction]) -> bool:
        window, beta = case
        buffer = vector(0, 0)
        for end in range(window, len(_PATH) + 1, window):
            mixed = scaled(1 - beta**window, windowed(_PATH[end - window : end], beta))
            buffer = tuple(
                beta**window * old + part for old, part in zip(buffer, mixed, strict=True)
            )
            if buffer != run_buffer(_PATH[:end], beta):
                return False
        return True

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β = {case[1]}",
        "8 gradients in dimension 2 as windows of 1, 2 and 4, every β < 1 with denominator ≤ 8",
    )


def _share_by_symbols(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
        inside, before = sympy.symbols("x y")  # beta**R and beta**(steps before the window)
        share = inside * (1 - before) / (1 - inside * before)
        return [
            (
                "old weights sum to β^R (1-β^s), all to 1-β^(R+s)",
                inside * (1 - before) + (1 - inside),
                1 - inside * before,
            ),
            (
                "β^R - share = β^R β^s (1-β^R)/(1-β^(R+s)) > 0",
                inside - share,
                inside * before * (1 - inside) / (1 - inside * before),
            ),
        ]

    return prove_identities(
        build,
        "the share of weight from before the window is β^R (1-β^s)/(1-β^(R+s)) < β^R, s = steps "
        "before it",
    )


def _share_exactly(_: CheckContext) -> Finding:
    cases = [
        (window, before, beta)
        for window in range(1, 6)
        for before in range(8)
        for beta in rational_grid(6)
    ]

    def holds(case: tuple[int, int, Fraction]) -> bool:
        window, before, beta = case
        weights = carried_weights(window + before, beta)
        share = sum(weights[:before], Fraction(0)) / sum(weights, Fraction(0))
        wanted = beta**window * (1 - beta**before) / (1 - beta ** (window + before))
        below = share < beta**window if beta > 0 else share == 0
        return share == wanted and below

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, {case[1]} steps before, β = {case[2]}",
        "R ≤ 5, up to 7 steps before the window, every β < 1 with denominator ≤ 6",
    )


def _share_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        inside, before = z3.Reals("x y")
        share = inside * (1 - before) / (1 - inside * before)
        return [
            smt.Obligation(
                "0 ≤ share < β^R",
                [inside > 0, inside < 1, before > 0, before <= 1],
                z3.And(share >= 0, share < inside),
            )
        ]

    return smt.prove(build, "the share of weight from before the window is below β^R")


def _steps_between_refreshes(_: CheckContext) -> Finding:
    def holds(window: int) -> bool:
        refreshes = [t for t in range(6 * window + 3) if (t + 1) % window == 0]
        starts = [0, *(t + 1 for t in refreshes)]
        windows = [range(a, b + 1) for a, b in zip(starts, refreshes, strict=False)]
        return all(len(steps) == window for steps in windows) and len(windows) >= 6

    return for_every(
        range(1, 61),
        holds,
        lambda window: f"R = {window}",
        "R ≤ 60, the first windows (six or more) of Algorithm 1 counted step by step",
        "up_to",
    )


def _steps_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "between two refreshes Algorithm 1 runs R steps",
        (
            Step(
                "Line 20 refreshes after step t when t + 1 = n R, n = 1, 2, ..., so after t = nR "
                "- 1."
            ),
            Step(
                "Round n runs the steps nR, ..., (n+1)R - 1, from t_r = nR of line 26: R of them."
            ),
            Step("Round 0 starts at t = 0 (line 2) and has the steps 0, ..., R-1: R of them too."),
            Step("A run whose T is no multiple of R ends within a window, without a refresh."),
        ),
    ).finding()


_B2 = Source("SON-GOKU", "appendix B.1 (i), B.2 Assumption 2; Algorithm 1", ("8", "18"))

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EMA-3.1",
        family="ema",
        title="the EMA is formed within the refresh window",
        statement=r"In our proposed method, we form exponential moving averages (EMA) of per-task "
        r"gradients within a refresh window to stabilize cosine estimates so that they do not "
        r"become stale.",
        plain="What a refresh sees depends only on the gradients of its own refresh window.",
        source=Source("SON-GOKU", "section 3.1; appendix B.1 (i)", ("8",)),
        assumptions=(BETA_POSITIVE, WINDOW, ZERO_BUFFER),
        used_for="eq. 17-19: the recovery theorems count the samples of one window",
        checks=(
            Check(
                "two histories with one window",
                Method.EXACT,
                lambda _: refuted_by("EMA-3.1"),
            ),
        ),
        reading="eq. 8 with Algorithm 1's buffers, which nothing resets",
        repaired_by="EMA-3.1-R",
        notes="Under the other reading, buffers that start from zero at each window, the sentence "
        "is true by construction (EMA-18-FRESH).",
    ),
    Claim(
        id="EMA-3.1-R",
        family="ema",
        title="how much weight comes from before the window",
        statement=r"Of eq. 8's total weight at a refresh, the share "
        r"$\beta^R(1-\beta^s)/(1-\beta^{R+s}) < \beta^R$ belongs to the $s$ updates before the "
        r"window.",
        plain="With eq. 8 carried over, the share of the weight from before the window is β^R "
        "(1-β^s)/(1-β^(R+s)), less than β^R, when s updates came before it.",
        source=Source("songoku", "repair of section 3.1's sentence", ("8",)),
        assumptions=(BETA_POSITIVE, WINDOW, ZERO_BUFFER),
        used_for="when carrying the buffers over may be neglected: when β^R is small",
        checks=(
            Check("sums of weights", Method.SYMBOLIC, _share_by_symbols),
            Check("weights read off eq. 8", Method.EXACT, _share_exactly),
            Check("bound by z3", Method.SMT, _share_by_solver),
        ),
        repairs="EMA-3.1",
        notes="R counts updates of the task in the window. At β = 0.9: 66% for R = 4, 3.4% for R "
        "= 32, nothing to speak of for R = 256 (upper bounds β^R).",
    ),
    Claim(
        id="EMA-18-SUM",
        family="ema",
        title="eq. 18's weights sum to one",
        statement=r"$w_t = \frac{(1-\beta)\beta^{R-t}}{1-\beta^R}$, $\sum_{t=1}^R w_t = 1$.",
        plain="Eq. 18's weights sum to one, for every R ≥ 1 and 0 ≤ β < 1.",
        source=Source("SON-GOKU", "appendix B.2, Assumption 2", ("18",)),
        assumptions=(BETA, WINDOW),
        used_for="g̃ - μ is centred (Lemma 1); n_eff ≤ R",
        checks=sum_checks(),
        reading="implied by calling g̃ an estimate of μ; at β = 0 with 0⁰ = 1",
        notes="At β = 1, outside eq. 18's range, the formula is 0/0; its limit is 1/R.",
    ),
    Claim(
        id="EMA-18-FRESH",
        family="ema",
        title="eq. 18 is eq. 8 from zero, divided by 1 - β^R",
        statement=r"If the buffer is zero at the window's start, eq. 8 after $R$ updates is "
        r"$(1-\beta^R)$ times eq. 18.",
        plain="From a zero buffer at the window's start, eq. 8 after R updates is (1 - β^R) times "
        "eq. 18's average: same direction, same cosines, same conflict graph, shorter vectors.",
        source=Source("SON-GOKU", "section 4.1; appendix B.2", ("8", "18")),
        assumptions=(BETA, WINDOW, ZERO_BUFFER),
        used_for="the recovery theorems speak of eq. 18; the scheduler runs eq. 8",
        checks=(
            Check("weights compared", Method.SYMBOLIC, _fresh_by_symbols),
            Check("buffers compared", Method.EXACT, _fresh_exactly),
        ),
        reading="buffers that start from zero in each window",
        notes="Under Algorithm 1 as printed this is the first window only: later ones start from "
        "a buffer that is not zero (EMA-18-CARRIED).",
    ),
    Claim(
        id="EMA-18-CARRIED",
        family="ema",
        title="eq. 18 is what eq. 8 holds at a refresh",
        statement=r"The EMA for task $i$ is $\tilde g_i = \sum_{t=1}^R w_t g_{i,t}$, $w_t = "
        r"\frac{(1-\beta)\beta^{R-t}}{1-\beta^R}$.",
        plain="At a refresh, eq. 8's buffers and eq. 18's averages of the last R gradients have "
        "the same cosines and give the same conflict graph.",
        source=_B2,
        assumptions=(BETA, WINDOW, ZERO_BUFFER),
        used_for="eq. 17-19 as a model of the scheduler: Lemma 1, Theorem 2, Corollaries 1 and 2",
        checks=(
            Check(
                "two windows of one step",
                Method.EXACT,
                lambda _: refuted_by("EMA-18-CARRIED"),
                doc="the smallest: with one window, one task or R < 1 there is nothing to compare",
            ),
            Check(
                "two windows of two steps",
                Method.EXACT,
                lambda _: refuted_by("EMA-18-CARRIED-two-steps"),
            ),
        ),
        reading="buffers carried over from window to window, as in Algorithm 1; every task "
        "updated at every step, so that only the carrying differs",
        repaired_by="EMA-18-CARRIED-R",
        notes="In both counterexamples the last window has no noise and no drift, so it meets "
        "Assumptions 1-5; the graph of eq. 8's buffers is wrong all the same. The other reading, "
        "buffers reset at each window, is EMA-18-FRESH.",
    ),
    Claim(
        id="EMA-18-CARRIED-R",
        family="ema",
        title="the carried buffer is a mixture of the old buffer and eq. 18",
        statement=r"$\tilde g^{(nR)} = \beta^R\,\tilde g^{((n-1)R)} + (1-\beta^R)\sum_{t} w_t "
        r"g_t$ (eq. 18 on the last window).",
        plain="At a refresh, eq. 8's buffer is β^R times the buffer at the refresh before plus (1 "
        "- β^R) times eq. 18's average of the window. For β > 0 the two agree in direction for "
        "every window only if the old buffer is zero.",
        source=Source("songoku", "repair of appendix B.2 for Algorithm 1", ("8", "18")),
        assumptions=(BETA, WINDOW),
        used_for="how far the recovery theorems are from the scheduler as printed",
        checks=(
            Check("induction within the window", Method.WRITTEN_PROOF, _recursion_over_windows),
            Check("windows run in fractions", Method.EXACT, _recursion_exactly),
        ),
        repairs="EMA-18-CARRIED",
    ),
    Claim(
        id="EMA-A1-WINDOW",
        family="ema",
        title="a refresh window has exactly R steps",
        statement=r"if $(t+1) \bmod R = 0$ then refresh; $r \leftarrow r+1$; $t_r \leftarrow t+1$.",
        plain="Between two refreshes Algorithm 1 runs exactly R steps, from t_r to t_r + R - 1.",
        source=Source("SON-GOKU", "Algorithm 1, lines 2, 4, 20, 26"),
        assumptions=(WINDOW, Assumption("complete window", "the run does not end within it")),
        used_for="t = 1, ..., R in eq. 17 and 18",
        checks=(
            Check("indices in words", Method.WRITTEN_PROOF, _steps_proof),
            Check("steps counted", Method.EXHAUSTIVE, _steps_between_refreshes),
        ),
    ),
)
