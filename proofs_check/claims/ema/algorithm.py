"""Eq. 19 against Algorithm 1: how many gradients a task's buffer is really made of."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any, cast

from proofs_check.claims.ema import formulas
from proofs_check.claims.ema.assumptions import BETA, BETA_POSITIVE, WINDOW, ZERO_BUFFER
from proofs_check.claims.ema.objects import (
    Probe,
    Vector,
    run_algorithm,
    run_buffer,
    sample_size,
    vector,
    window_weights,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, rational_grid, refuted_by
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS"]

_PROBES = {
    "none": "line 21 adds nothing",
    "fresh": "line 21 updates every buffer once with a new gradient",
    "reused": "line 21 updates every buffer once with its latest gradient again (D.2)",
}


@replayer("ema-algorithm-samples")
def _replay_samples(data: Mapping[str, Any]) -> Replay:
    """Run Algorithm 1 exactly and count what a task's buffer is made of at a refresh."""
    window, beta, tau = int(data["window"]), rational(data["beta"]), rational(data["tau"])
    probe = cast("Probe", data["probe"])
    refresh = int(data["refresh"])
    constant = [vector(*(rational(x) for x in g)) for g in data["constant_gradients"]]
    run = run_algorithm(
        [[g] * (window * (refresh + 1)) for g in constant],
        window,
        beta,
        tau,
        refresh + 1,
        probe,
    )
    wanted = sample_size(window_weights(window, beta))
    steps = [
        f"K = {len(constant)}, R = {window}, β = {beta}, τ = {tau}; {_PROBES[probe]}; task k's "
        f"gradient is always {', '.join(str(g[0]) for g in constant)}",
        f"classes in round {refresh}: "
        + " | ".join("{" + ",".join(str(k + 1) for k in c) + "}" for c in run.classes[refresh]),
    ]
    inside = {str(t) for t in range(refresh * window, (refresh + 1) * window)}
    inside.add(f"probe {refresh}")
    violated = True
    for number, made_of in enumerate(run.samples[refresh], start=1):
        own = [weight for label, weight in made_of if label in inside]
        sizes = (sample_size(own), sample_size([weight for _, weight in made_of]))
        violated = violated and wanted not in sizes
        steps.append(
            f"task {number} at the end of this window: {len(own)} gradient(s) of the window with "
            f"weights {', '.join(map(str, own))}: effective sample size {sizes[0]}; with what is "
            f"carried from before ({len(made_of)} in all): {sizes[1]}"
        )
    steps.append(f"eq. 19 says n_eff({window}, {beta}) = {wanted} for every task: it is neither.")
    return Replay(tuple(steps), violated)


def _own_count_proof(_: CheckContext) -> Finding:
    import sympy

    beta, power = sympy.symbols("beta x")
    return WrittenProof(
        "a buffer with n updates since it was zero has n_eff = eq. 19 at n; a window of R steps "
        "with m classes in turn brings ⌊R/m⌋ or ⌈R/m⌉ of them",
        (
            Step(
                "Lines 16-19 change a task's buffer only when the task is active; in between it "
                "is kept. So only its own updates count, and EMA-8 holds with n of them.",
                None,
            ),
            Step(
                "Its weights are (1 - β^n) times eq. 18's with R = n (EMA-18-FRESH); (Σ w)²/Σ w² "
                "does not depend on the factor, so it is eq. 19 with n in place of R.",
                lambda: is_zero(
                    (1 - power) ** 2 / ((1 - power) ** 2 * formulas.sum_of_squares(beta, power))
                    - formulas.n_eff(beta, power)
                ),
            ),
            Step(
                "A class is active at the steps t ≡ r (mod m): among R consecutive steps that is "
                "⌊R/m⌋ or ⌈R/m⌉ of them.",
                None,
            ),
        ),
    ).finding()


def _own_count_exactly(_: CheckContext) -> Finding:
    """Every activity pattern of 8 steps: the buffer depends on the active steps alone."""
    cases = [
        (pattern, beta)
        for pattern in product((False, True), repeat=8)
        if any(pattern)
        for beta in (Fraction(0), Fraction(1, 2), Fraction(5, 6))
    ]

    def holds(case: tuple[tuple[bool, ...], Fraction]) -> bool:
        pattern, beta = case
        steps = [t for t, active in enumerate(pattern) if active]
        buffer: Vector = (Fraction(0),) * 8
        for t in steps:
            buffer = run_buffer([tuple(Fraction(int(t == s)) for s in range(8))], beta, buffer)
        wanted = sample_size(window_weights(len(steps), beta))
        return sample_size(buffer) == wanted

    return for_every(
        cases,
        holds,
        lambda case: f"active at {[t for t, a in enumerate(case[0]) if a]}, β = {case[1]}",
        "all 255 activity patterns of 8 steps with β = 0, 1/2, 5/6",
    )


def _updates_per_window(_: CheckContext) -> Finding:
    cases = [
        (window, classes, start)
        for window in range(1, 25)
        for classes in range(1, 13)
        for start in range(classes)
    ]

    def holds(case: tuple[int, int, int]) -> bool:
        window, classes, start = case
        counts = [sum((start + t) % classes == r for t in range(window)) for r in range(classes)]
        return set(counts) <= {window // classes, -(-window // classes)}

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, m = {case[1]}, first step ≡ {case[2]}",
        "R ≤ 24, m ≤ 12, every phase of the cycle at the window's start",
        "up_to",
    )


def _probe_window_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "with a gradient of every task at each of R steps and buffers zero before them, n_eff is "
        "eq. 19",
        (
            Step("Each buffer then has R updates, so it is (1 - β^R) times eq. 18 (EMA-18-FRESH)."),
            Step(
                "(Σ w)²/Σ w² does not depend on the factor, and is 1/Σ w_t² for eq. 18's weights."
            ),
            Step("Σ w_t² has the closed form of eq. 19 (EMA-19)."),
        ),
    ).finding()


def _probe_window_exactly(_: CheckContext) -> Finding:
    cases = [(window, beta) for window in range(1, 13) for beta in rational_grid(7)]

    def holds(case: tuple[int, Fraction]) -> bool:
        window, beta = case
        units = [
            tuple(Fraction(int(row == column)) for column in range(window)) for row in range(window)
        ]
        size = sample_size(run_buffer(units, beta))
        return bool(size == formulas.n_eff(beta, beta**window))

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β = {case[1]}",
        "R ≤ 12, every β < 1 with denominator ≤ 7, weights read off eq. 8",
    )


def _reuse_proof(_: CheckContext) -> Finding:
    import sympy

    p, q, r, lam = sympy.symbols("p q r lambda")
    return WrittenProof(
        "updating a buffer once more with its latest gradient lowers its effective sample size, "
        "strictly if n ≥ 2 and β > 0",
        (
            Step(
                "Let p be the normalised weights before (newest last) and e the unit weight on "
                "the newest. The update mixes: afterwards they are q = λ p + (1-λ) e with 0 ≤ λ < "
                "1.",
                None,
            ),
            Step(
                "‖q‖² - ‖p‖² = 2(1-λ)⟨p, e - p⟩ + (1-λ)²‖e - p‖² (shown for three weights).",
                lambda: is_zero(
                    sum((lam * a + (1 - lam) * b) ** 2 - a**2 for a, b in ((p, 0), (q, 0), (r, 1)))
                    - 2 * (1 - lam) * sum(a * (b - a) for a, b in ((p, 0), (q, 0), (r, 1)))
                    - (1 - lam) ** 2 * sum((b - a) ** 2 for a, b in ((p, 0), (q, 0), (r, 1)))
                ),
            ),
            Step(
                "⟨p, e - p⟩ = p_n - Σ p_j² ≥ 0, because the newest weight is the largest and Σ "
                "p_j² ≤ max p_j · Σ p_j = p_n.",
                None,
            ),
            Step("The second term is > 0 unless p = e, which is n = 1 or β = 0 (EMA-H1).", None),
            Step("So Σ q² > Σ p²: the effective sample size 1/Σ q² is smaller.", None),
        ),
    ).finding()


def _reuse_exactly(_: CheckContext) -> Finding:
    cases = [(window, beta) for window in range(1, 13) for beta in rational_grid(7)]

    def holds(case: tuple[int, Fraction]) -> bool:
        window, beta = case
        constant = [[vector(1)] * window, [vector(1)] * window]
        run = run_algorithm(constant, window, beta, Fraction(1, 2), 1, "reused")
        size = sample_size([weight for _, weight in run.samples[0][0]])
        before = sample_size(window_weights(window, beta))
        return size == before if window == 1 or beta == 0 else size < before

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β = {case[1]}",
        "Algorithm 1's first window, R ≤ 12, every β < 1 with denominator ≤ 7",
    )


def _reuse_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        newest, rest, lam = z3.Reals("p r lambda")  # newest weight, squares of the others
        before = newest * newest + rest
        after = (lam * newest + 1 - lam) * (lam * newest + 1 - lam) + lam * lam * rest
        return [
            smt.Obligation(
                "Σ q² > Σ p²",
                [newest > 0, newest < 1, rest > 0, before <= newest, lam >= 0, lam < 1],
                after > before,
            )
        ]

    return smt.prove(build, "mixing in the newest gradient raises Σ w², with Σ p² ≤ p_n")


_A1 = "Algorithm 1, lines 6, 16-21; appendix B.2"
_EQ19_TEXT = (
    r"In the refresh window of length $R$, ... $t=1,\dots,R$; $n_{\rm eff}^{-1} := \sum_{t=1}^R "
    r"w_t^2$ (eq. 17-19)."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EMA-19-PROBE",
        family="ema",
        title="eq. 19 is the n_eff of a probe window with every task at every step",
        statement=r"... computes a per-task exponential moving average (EMA) of stochastic "
        r"gradients over a probe window of R iterations.",
        plain="If every task gets a gradient at each of R steps and its buffer is zero before "
        "them, the effective sample size of its EMA is eq. 19's n_eff(R, β).",
        source=Source("SON-GOKU", "appendix B.1 (i), B.2", ("17", "18", "19")),
        assumptions=(BETA, WINDOW, ZERO_BUFFER),
        used_for="the recovery theorems, in the setting that they describe",
        checks=(
            Check("from EMA-18-FRESH and EMA-19", Method.WRITTEN_PROOF, _probe_window_proof),
            Check("weights read off eq. 8", Method.EXACT, _probe_window_exactly),
        ),
        reading="a probe of R steps in which all tasks take part and buffers start from zero; "
        "Algorithm 1 has no such probe (EMA-19-A1)",
    ),
    Claim(
        id="EMA-19-A1",
        family="ema",
        title="eq. 19 is the n_eff of Algorithm 1's buffers",
        statement=_EQ19_TEXT,
        plain="At each refresh of Algorithm 1 every task's buffer averages the R gradients of the "
        "window, so its effective sample size is eq. 19's n_eff(R, β).",
        source=Source("SON-GOKU", _A1, ("18", "19")),
        assumptions=(BETA_POSITIVE, WINDOW, ZERO_BUFFER),
        used_for="applying the recovery theorems to the scheduler",
        checks=(Check("two conflicting tasks", Method.EXACT, lambda _: refuted_by("EMA-19-A1")),),
        reading="only active tasks are updated (lines 16-19), line 21 adds nothing",
        repaired_by="EMA-19-A1-R",
        notes="As soon as the graph has an edge no task is active at every step. The "
        "counterexample's n_eff differs from eq. 19 both with and without the weight carried over "
        "from earlier windows.",
    ),
    Claim(
        id="EMA-19-A1-PROBE",
        family="ema",
        title="eq. 19 is the n_eff of Algorithm 1's buffers with a probe at the refresh",
        statement=_EQ19_TEXT + r" EMA refresh: update all $\tilde g_i$ using small mini-batches.",
        plain="At each refresh of Algorithm 1, after one more update of every buffer with a new "
        "gradient, the effective sample size of each task is eq. 19's n_eff(R, β).",
        source=Source("SON-GOKU", _A1 + "; appendix D.2", ("18", "19", "65")),
        assumptions=(BETA_POSITIVE, WINDOW, ZERO_BUFFER),
        used_for="applying the recovery theorems to the scheduler",
        checks=(
            Check("two conflicting tasks", Method.EXACT, lambda _: refuted_by("EMA-19-A1-PROBE")),
            Check(
                "two aligned tasks",
                Method.EXACT,
                lambda _: refuted_by("EMA-19-A1-PROBE-aligned"),
                doc="without conflicts there is one gradient too many, not too few",
            ),
        ),
        reading="line 21 gives every task one update with a new gradient (eq. 65)",
        repaired_by="EMA-19-A1-R",
        notes="If line 21 is read as R updates of every task from zero buffers, it is "
        "EMA-19-PROBE.",
    ),
    Claim(
        id="EMA-19-A1-R",
        family="ema",
        title="n_eff counts a task's own updates",
        statement=r"A buffer with $n$ updates since it was zero has $n_{\rm eff}$ of eq. 19 at "
        r"$n$; $R$ steps with $m$ classes in turn bring $\lfloor R/m \rfloor$ or $\lceil R/m "
        r"\rceil$.",
        plain="A task with n ≥ 1 updates since its buffer was zero, whenever they came, has eq. "
        "19's n_eff(n, β) (as (Σ w)²/Σ w²); a window of R steps with m classes in turn, one slot "
        "each, adds ⌊R/m⌋ or ⌈R/m⌉ updates, and a probe with a new gradient one more.",
        source=Source("songoku", "repair of eq. 17-19 for Algorithm 1", ("19",)),
        assumptions=(
            BETA,
            ZERO_BUFFER,
            Assumption("one slot", "no coverage duplicates (4.4.1) within the window"),
        ),
        used_for="the samples that the recovery theorems may count on: about R/m a window",
        checks=(
            Check("own updates only", Method.WRITTEN_PROOF, _own_count_proof),
            Check("all activity patterns", Method.EXACT, _own_count_exactly),
            Check("updates in a window", Method.EXHAUSTIVE, _updates_per_window),
        ),
        repairs="EMA-19-A1",
        notes="With R < m some task has no update in the window at all: what it shows at the "
        "refresh is as old as its buffer.",
    ),
    Claim(
        id="EMA-65",
        family="ema",
        title="a reused gradient at the refresh lowers n_eff",
        statement=r"Updating once more with the latest gradient lowers $(\sum w)^2/\sum w^2$, "
        r"strictly for $\beta>0$ and $n\ge2$ updates.",
        plain="Updating a buffer once more with its latest gradient lowers its effective sample "
        "size: strictly for β > 0 and n ≥ 2 updates before, and else it leaves it as it is.",
        source=Source("songoku", "appendix D.2's 'probe (or reused) gradient'", ("65", "19")),
        assumptions=(BETA, ZERO_BUFFER),
        used_for="what to do at a refresh without a probe: leave the buffers as they are",
        checks=(
            Check("mixing with the newest", Method.WRITTEN_PROOF, _reuse_proof),
            Check("Algorithm 1 run exactly", Method.EXACT, _reuse_exactly),
            Check("squares by z3", Method.SMT, _reuse_by_solver),
        ),
        reading="'reused' as: the gradient that lines 16-19 already put into the buffer, again",
        notes="The paper speaks only of the cost of reusing gradients (D.2, D.3). If 'reused' "
        "means that training gradients update the EMA once, nothing is counted twice. With β = "
        "1/2 and two gradients n_eff falls from 9/5 to 49/37.",
    ),
)
