"""Assumptions 3, 4 and 5: what moving drift into the noise does, what the norm rule ensures,
whether tau has to be independent of the probe; and one refresh against many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

from proofs_check.claims.coloring._kernels import Z3
from proofs_check.claims.ema.objects import sample_size, window_weights
from proofs_check.claims.recovery._assumptions import (
    A1_PAIRS,
    CONDITIONAL_NOISE,
    DELTA,
    MIN_NORM,
    TAU_FIXED,
)
from proofs_check.claims.recovery._checks import (
    Obligation,
    Step,
    appendix_b,
    is_zero,
    ours,
    proof,
    replayed,
    solver,
    some,
)
from proofs_check.claims.recovery._exact import SIGNS, exp_minus, is_sub_gaussian
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.symbolic import Expression
from proofs_check.model import Assumption, CheckContext, Claim

__all__ = ["CLAIMS", "bias_from_start"]


def bias_from_start(window: int, beta: Fraction, drift: Fraction) -> Fraction:
    """Return how far eq. 18's mean lies from mu_1 when the mean moves by `drift` a step.

    Examples
    --------
    >>> bias_from_start(2, Fraction(1, 2), Fraction(3))
    Fraction(2, 1)
    """
    return sum((w * drift * age for age, w in enumerate(window_weights(window, beta))), Fraction(0))


@replayer("recovery-drift")
def replay_drift(data: Mapping[str, Any]) -> Replay:
    """A mean that moves, in one dimension, called noise: eq. 20 at an eps that is always "
    "exceeded."""
    window, beta = int(data["window"]), rational(data["beta"])
    size = sample_size(window_weights(window, beta))
    lines = [
        f"d = 1, R = {window}, beta = {beta}, n_eff = {size}; g_t = mu + (t-1) D + sign: noise "
        f"about the start-of-window mean is (t-1) D + sign, of mean (t-1) D"
    ]
    violated = window >= 2 and is_sub_gaussian(SIGNS, Fraction(1))
    for constant in map(rational, data["constants"]):
        drift = Fraction(0)
        allowed = Fraction(2)
        while allowed >= 1:
            drift += 1
            # the signs' average is at most 1 in size, so the deviation is always above eps
            epsilon = bias_from_start(window, beta, drift) - 1 - Fraction(1, 10)
            if epsilon > 0:
                allowed = 2 * exp_minus(constant * size * epsilon**2).high
        violated = violated and epsilon > 0 and allowed < 1
        lines.append(
            f"c = {constant}: D = {drift}, bias {bias_from_start(window, beta, drift)}; |EMA - "
            f"mu| > {epsilon} always, eq. 20 (sigma² = 1) allows {float(allowed):.3g}"
        )
    return Replay(tuple(lines), violated)


def _lead_by_induction() -> bool:
    """Sum over s < R of beta^s (R-1-s), the unnormalised lead, steps from R to R+1 rightly."""
    import sympy

    beta, power, window = sympy.symbols("beta x R")
    total = (1 - power) / (1 - beta)

    def lead(x: Expression, r: Expression) -> Expression:
        age = beta / (1 - beta) - r * x / (1 - x)
        return (r - 1 - age) * (1 - x) / (1 - beta)

    return is_zero(lead(power * beta, window + 1) - lead(power, window) - total) and is_zero(
        lead(beta, sympy.Integer(1))
    )


def _drift_cases(context: CheckContext) -> Iterator[tuple[int, Fraction, Fraction, Fraction]]:
    for window in range(1, 9 if context.profile == "full" else 7):
        for beta in (Fraction(0), Fraction(1, 2), Fraction(9, 10)):
            for drift in (Fraction(-1, 3), Fraction(0), Fraction(1, 5), Fraction(2)):
                for eighths in (1, 3, 5, 7):
                    yield window, beta, drift, Fraction(eighths, 8)


def _drift_bound_holds(case: tuple[int, Fraction, Fraction, Fraction]) -> bool:
    window, beta, drift, level = case
    weights = window_weights(window, beta)
    bias = bias_from_start(window, beta, drift)
    lead = window - 1 - sum(w * (window - t) for t, w in enumerate(weights, start=1))
    beyond = sum(
        abs(bias + sum((w * s for w, s in zip(weights, signs, strict=True)), Fraction(0)))
        > level + abs(bias)
        for signs in product((-1, 1), repeat=window)
    )
    allowed = 2 * exp_minus(sample_size(weights) * level**2 / 2).low
    return abs(bias) == abs(drift) * lead and Fraction(beyond, 2**window) <= allowed


# --- Assumption 4 ---------------------------------------------------------------------------------


@replayer("recovery-norm-rule")
def replay_norm_rule(data: Mapping[str, Any]) -> Replay:
    """A task whose mean is zero, noise of one sign or the other: its EMA is never small."""
    limit, least = rational(data["nu"]), rational(data["min_norm"])
    noise = rational(data["noise"])
    passes = noise >= limit
    return Replay(
        (
            f"d = 1, R = 1, mu = 0, noise +-{noise}; nu = {limit}, m_0 = {least}",
            f"|EMA| = {noise} >= nu always: the task is included: {passes}; |mu| = 0 < m_0",
        ),
        passes and 0 < limit < least,
    )


def _included_cases(context: CheckContext) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    del context
    for mean in range(1, 5):
        for quarters in range(1, 4 * mean):
            for window_beta in (Fraction(0), Fraction(1, 2), Fraction(4, 5)):
                yield Fraction(mean), Fraction(quarters, 4), window_beta


def _excluded_rarely(case: tuple[Fraction, Fraction, Fraction]) -> bool:
    mean, limit, beta = case
    window = 5
    weights = window_weights(window, beta)
    excluded = sum(
        abs(mean + sum((w * s for w, s in zip(weights, signs, strict=True)), Fraction(0))) < limit
        for signs in product((-1, 1), repeat=window)
    )
    allowed = 2 * exp_minus(sample_size(weights) * (mean - limit) ** 2 / 2).low
    return Fraction(excluded, 2**window) <= allowed


# --- Assumption 5 ---------------------------------------------------------------------------------


def _simultaneous(z3: Z3) -> list[Obligation]:
    """One error serves every threshold at its margin, also one chosen after the cosines."""
    true, found, gamma = z3.Reals("C E gamma")
    choose = z3.Function("tau", z3.RealSort(), z3.RealSort())  # tau may depend on what was found
    tau = choose(found)
    near = [gamma > 0, found - true < gamma, true - found < gamma]
    margin = z3.Or(true <= -(tau + gamma), true >= -(tau - gamma))
    return [
        Obligation(
            "the edge is right for any tau = tau(C^) that keeps the margin",
            [*near, margin],
            (found < -tau) == (true < -tau),
        )
    ]


def _adaptive_cases(context: CheckContext) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    del context
    for true, error, gamma in product(range(-10, 11), range(-3, 4), range(1, 5)):
        if abs(error) < gamma:
            yield Fraction(true, 10), Fraction(error, 10), Fraction(gamma, 10)


def _every_threshold(case: tuple[Fraction, Fraction, Fraction]) -> bool:
    true, error, gamma = case
    found = true + error
    taus = [Fraction(k, 40) for k in range(1, 40)]
    allowed = [t for t in taus if true <= -(t + gamma) or true >= -(t - gamma)]
    # whatever is chosen among them with knowledge of `found`, the edge is right
    return all((found < -t) == (true < -t) for t in allowed)


# --- many refreshes -------------------------------------------------------------------------------


@replayer("recovery-refreshes")
def replay_refreshes(data: Mapping[str, Any]) -> Replay:
    """Independent refreshes, each right with probability exactly 1 - delta."""
    delta, number = rational(data["delta"]), int(data["refreshes"])
    together = (1 - delta) ** number
    return Replay(
        (
            f"delta = {delta}; one refresh is right with probability {1 - delta} (two opposite "
            f"tasks in one dimension whose single gradient is flipped with that chance)",
            f"{number} independent refreshes are all right with probability {together}",
        ),
        0 < delta < 1 and together < 1 - delta,
    )


def _split_cases(context: CheckContext) -> Iterator[tuple[int, Fraction]]:
    del context
    yield from ((number, Fraction(k, 20)) for number in range(1, 30) for k in range(1, 20))


def _bernoulli_step() -> bool:
    import sympy

    x, n = sympy.symbols("x n")
    # (1 - n x)(1 - x) = 1 - (n+1) x + n x²
    return is_zero((1 - n * x) * (1 - x) - (1 - (n + 1) * x) - n * x**2)


_DRIFT = Assumption("drift", "the mean moves by at most D a step: |mu_(t+1) - mu_t| <= D")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="REC-A3",
        family="recovery",
        title="Drift can be moved into the noise",
        statement=r"Over the refresh window, the changes in $\mu_i$ are small enough to be "
        r"absorbed [...] (equivalently, one can regard $\mu_i$ as constant within the window by "
        r"working at the start-of-window iterate and moving any drift into the noise process).",
        plain="With any drift counted as noise about the start-of-window mean, Lemma 1 holds as it "
        "stands.",
        source=appendix_b("B.2, Assumption 3"),
        assumptions=(CONDITIONAL_NOISE, _DRIFT),
        used_for="Lemma 1, Proposition 3 and all that follows; section 5.4's 'bounded drift'.",
        checks=(replayed("rec_a3_drift", "A steady drift and signs, in one dimension."),),
        reading="the parenthesis: 'any drift'. The first half, that drift is small enough, is an "
        "assumption and can't be false",
        repaired_by="REC-A3-R",
        notes="What is moved has no mean zero, as Assumption 2 demands; a bias does not shrink "
        "with n_eff. It grows with it: the EMA leads the start by more steps.",
    ),
    Claim(
        id="REC-A3-R",
        family="recovery",
        title="Lemma 1 with the bias of drift",
        statement=r"If $\|\mu_{t+1}-\mu_t\|\le D$: $\Pr(|\langle\tilde "
        r"g-\mu_1,u\rangle|>\varepsilon+D\,(R-1-a))\le 2\exp(-n_{\rm "
        r"eff}\varepsilon^2/(2\sigma^2))$ with the mean age "
        r"$a=\beta/(1-\beta)-R\beta^R/(1-\beta^R)$.",
        plain="Drift adds a bias of at most D (R-1-a) against the window's first mean, and D a "
        "against its last, a the mean age of eq. 18; steady drift attains both.",
        source=ours("repair of Assumption 3"),
        assumptions=(CONDITIONAL_NOISE, _DRIFT),
        used_for="Choosing R and beta when the means move (EXT-5).",
        checks=(
            proof(
                "bias D (R-1-a)",
                (
                    Step("The EMA's mean is sum w_t mu_t, and |mu_t - mu_1| <= (t-1) D."),
                    Step(
                        "sum w_t (t-1) = R-1-a, a = sum w_t (R-t) (EMA-AGE); by induction on R.",
                        _lead_by_induction,
                    ),
                    Step("|<EMA - mu_1, u>| <= |<noise, u>| + bias; REC-L1-R for the noise."),
                ),
            ),
            some(
                "steady drift and signs",
                _drift_cases,
                _drift_bound_holds,
                "R <= 6 (full: 8), three beta, four drifts, four eps",
                doc="The bias is attained; all signs, exactly.",
            ),
        ),
        repairs="REC-A3",
        notes="For R large, beta fixed: against the start the bias is about (R - 1/(1-beta)) D, "
        "against the end only beta/(1-beta) D. 'Start-of-window' is the unfavourable end.",
    ),
    Claim(
        id="REC-A4",
        family="recovery",
        title="The rule |EMA| < nu keeps out tasks without a mean gradient",
        statement=r"There exists $m_0>0$ such that $\|\mu_i\|\ge m_0$ for all tasks included in "
        r"the graph. In our implementation, we make it so that tasks with $\|\tilde g_i\|<\nu$ "
        r"(for a small $\nu\ll m_0$) are temporarily excluded from graph construction until "
        r"stabilized.",
        plain="If tasks with |EMA| < nu are excluded, every included task has |mu| >= m_0.",
        source=appendix_b("B.2, Assumption 4 and B.7 (i)"),
        assumptions=(),
        used_for="Lemma 2; 'all included tasks have nonnegligible gradient norm' (B.7 (i)).",
        checks=(replayed("rec_a4_noise", "Zero mean, and noise that is not small."),),
        reading="the rule as what makes the assumption hold; as a mere assumption it can't be "
        "false",
        repaired_by="REC-A4-R",
        notes="In d dimensions it hardly ever excludes: |EMA|² is about |mu|² + sigma² d/n_eff. "
        "Algorithm 1 does not contain the rule.",
    ),
    Claim(
        id="REC-A4-R",
        family="recovery",
        title="What the rule does ensure",
        statement=r"A task with $\|\mu_i\|\ge m_0>\nu$ is excluded with probability at most $2\exp("
        r"-n_{\rm eff}(m_0-\nu)^2/(2\sigma^2))$.",
        plain="The rule rarely excludes a task whose mean is at least m_0 > nu.",
        source=ours("repair of Assumption 4's rule"),
        assumptions=(CONDITIONAL_NOISE, MIN_NORM),
        used_for="Tasks that the analysis includes are included.",
        checks=(
            proof(
                "|EMA| >= <EMA, mu/|mu|>",
                (
                    Step("|EMA| < nu implies <EMA - mu, mu/|mu|> < nu - |mu| <= -(m_0 - nu)."),
                    Step("REC-L1-R in the direction mu/|mu|, eps slightly below m_0 - nu."),
                ),
            ),
            some(
                "signs in one dimension",
                _included_cases,
                _excluded_rarely,
                "means 1 ... 4, nu below them in quarters, five steps, three beta",
                doc="All signs, exactly.",
            ),
        ),
        repairs="REC-A4",
    ),
    Claim(
        id="REC-A5",
        family="recovery",
        title="Under the margin tau need not be independent of the probe",
        statement=r"The threshold $\tau$ is fixed across refreshes or selected using data "
        r"independent of the probe window [...]. The analysis treats $\tau$ as deterministic.",
        plain="If max |C^ - C*| < gamma, then G^ = G* for every tau at which the margin gamma "
        "holds, also for one chosen with knowledge of C^: Assumption 5 adds nothing to Theorem 2.",
        source=appendix_b("B.2, Assumption 5"),
        assumptions=(A1_PAIRS, TAU_FIXED),
        used_for="Annealed or tuned thresholds (4.4.2): what they need is the margin.",
        checks=(
            solver("tau as a function of C^", _simultaneous, "the edge is right", doc="z3"),
            proof(
                "the event of eq. 31 does not contain tau",
                (
                    Step("Eq. 31 speaks of C^ and C* only; its probability has no tau in it."),
                    Step("On it Theorem 2 holds for every tau with the margin, at once."),
                ),
            ),
            some(
                "every threshold of a grid",
                _adaptive_cases,
                _every_threshold,
                "cosines and errors in tenths, margins 1/10 ... 4/10, tau in fortieths",
                doc="All thresholds that keep the margin.",
            ),
        ),
        reading="the assumption is harmless and not needed; gamma must hold at the tau that is "
        "used",
    ),
    Claim(
        id="REC-REFRESHES",
        family="recovery",
        title="One budget for all refreshes",
        statement=r"If $\Pr(\hat G=G^*)\ge 1-\delta$ at each refresh, then with probability at "
        r"least $1-\delta$ the graph is recovered at all refreshes.",
        plain="Recovery with probability 1 - delta at each refresh is recovery with probability 1 "
        "- delta at all of them.",
        source=ours("a stronger reading of section 5.4's 'the scheduler's group structure'"),
        assumptions=(DELTA,),
        used_for="Trusting the groups of a whole run.",
        checks=(replayed("rec_refreshes", "Two independent refreshes."),),
        reading="ours: the paper speaks of one refresh and does not say 'all'",
        repaired_by="REC-REFRESHES-R",
    ),
    Claim(
        id="REC-REFRESHES-R",
        family="recovery",
        title="delta/N for each of N refreshes",
        statement=r"If each of $N$ refreshes recovers its graph with probability at least "
        r"$1-\delta/N$, all do with probability at least $1-\delta$; the budget's $\log(K/\delta)$ "
        r"becomes $\log(KN/\delta)$.",
        plain="Recovery with probability 1 - delta/N at each of N refreshes, dependent or not, is "
        "recovery at all of them with probability >= 1 - delta.",
        source=ours("repair of REC-REFRESHES"),
        assumptions=(DELTA,),
        used_for="Choosing delta for a run of T/R refreshes.",
        checks=(
            proof(
                "union bound over refreshes",
                (
                    Step("P(some refresh fails) <= N delta/N = delta, whatever the dependence."),
                    Step(
                        "For independent ones: (1 - x)^N >= 1 - N x, by induction.",
                        _bernoulli_step,
                    ),
                ),
            ),
            some(
                "independent refreshes",
                _split_cases,
                lambda case: (1 - case[1] / case[0]) ** case[0] >= 1 - case[1],
                "N <= 29, delta in twentieths",
                doc="In fractions.",
            ),
        ),
        repairs="REC-REFRESHES",
    ),
)
