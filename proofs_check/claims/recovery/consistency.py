"""B.7 as a whole: is the scheduler's graph consistent, does its error fall with n_eff, and what
does the advice on beta (B.6) recover?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

from proofs_check.claims.coloring._gradients import conflict_graph, read_gradients
from proofs_check.claims.coloring._graphs import classes_of, edges_of, largest_first
from proofs_check.claims.ema.extension import log_three
from proofs_check.claims.ema.formulas import n_eff as n_eff_formula
from proofs_check.claims.ema.objects import sample_size, window_weights
from proofs_check.claims.recovery._assumptions import (
    A1_GROUPS,
    A1_PAIRS,
    CONDITIONAL_NOISE,
    DELTA,
    MIN_NORM,
    NO_DRIFT,
)
from proofs_check.claims.recovery._checks import (
    Step,
    appendix_b,
    is_zero,
    ours,
    proof,
    replayed,
    some,
)
from proofs_check.claims.recovery._exact import (
    SIGNS,
    cosine,
    exp_minus,
    is_sub_gaussian,
)
from proofs_check.claims.recovery.repaired import recovery_checks
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.model import CheckContext, Claim, Source

__all__ = ["CLAIMS", "always_wrong", "flip_probability"]


def flip_probability(window: int, beta: Fraction, mean: Fraction) -> Fraction:
    """Return P(mean + EMA of signs < 0) exactly: one dimension, one task.

    Examples
    --------
    >>> str(flip_probability(1, Fraction(1, 2), Fraction(2, 5)))
    '1/2'
    """
    weights = window_weights(window, beta)
    flipped = sum(
        mean + sum((w * s for w, s in zip(weights, signs, strict=True)), Fraction(0)) < 0
        for signs in product((-1, 1), repeat=window)
    )
    return Fraction(flipped, 2**window)


def always_wrong(beta: Fraction, mean: Fraction, newest: int) -> tuple[bool, Fraction]:
    """Bound P(exactly one of two opposite tasks is flipped) from below, for every window.

    If the newest `newest` signs are adverse the EMA's noise is at most ``2 b - 1``, b the weight of
    all older steps, at most ``beta**newest`` for every R. So a task is flipped with probability p,
    ``2**-newest <= p <= 1/2`` (the noise is symmetric), and ``2 p (1-p) >= 2**-newest``.

    Examples
    --------
    >>> always_wrong(Fraction(1, 2), Fraction(2, 5), 2)
    (True, Fraction(1, 4))
    """
    return mean + 2 * beta**newest - 1 < 0, Fraction(1, 2**newest)


@replayer("recovery-fixed-beta")
def replay_fixed_beta(data: Mapping[str, Any]) -> Replay:
    """One dimension, beta fixed: the newest steps alone flip a task with a fixed probability."""
    beta, mean, newest = rational(data["beta"]), rational(data["mean"]), int(data["newest"])
    forced, chance = always_wrong(beta, mean, newest)
    shown = []
    for window in map(int, data["windows"]):
        flip = flip_probability(window, beta, mean)
        shown.append(f"R = {window}: P(wrong graph) = {2 * flip * (1 - flip)}")
        forced = forced and 2 * flip * (1 - flip) >= chance
    return Replay(
        (
            f"d = 1, K = 2, means {mean} and {-mean}, signs +-1 as noise, beta = {beta}",
            f"older steps weigh at most {beta**newest} together, so if the newest {newest} signs "
            f"are adverse the EMA is at most {mean + 2 * beta**newest - 1}",
            *shown,
            f"the graph is wrong with probability at least {chance} for every R: {forced}",
        ),
        0 <= beta < 1 and mean > 0 and forced and is_sub_gaussian(SIGNS, Fraction(1)),
    )


@replayer("recovery-not-monotone")
def replay_not_monotone(data: Mapping[str, Any]) -> Replay:
    """Two windows: the longer has the larger n_eff and the larger chance of a wrong graph."""
    beta, mean = rational(data["beta"]), rational(data["mean"])
    found = []
    for window in (int(data["shorter"]), int(data["longer"])):
        flip = flip_probability(window, beta, mean)
        found.append((sample_size(window_weights(window, beta)), 2 * flip * (1 - flip)))
    (small, first), (large, second) = found
    return Replay(
        (
            f"d = 1, K = 2, means {mean} and {-mean}, signs +-1 as noise, beta = {beta}; the graph "
            f"is wrong iff exactly one EMA has the wrong sign",
            f"R = {data['shorter']}: n_eff = {small}, P(wrong) = {first}",
            f"R = {data['longer']}: n_eff = {large}, P(wrong) = {second}",
        ),
        large > small and second > first and mean > 0,
    )


def _monotone_bound() -> bool:
    import sympy

    a, n = sympy.symbols("a n", positive=True)
    return is_zero(a / n - a / (n + 1) - a / (n * (n + 1)))


def _budgets(context: CheckContext) -> Iterator[Fraction]:
    del context
    yield from (Fraction(k, 3) for k in range(1, 60))


@replayer("recovery-beta-advice")
def replay_beta_advice(data: Mapping[str, Any]) -> Replay:
    """Beta = 1 - 1/L with L = log(K²/delta): wrong with more than delta, for every R."""
    log_term, mean = rational(data["log_term"]), rational(data["mean"])
    newest = int(data["newest"])
    beta = 1 - 1 / log_term
    delta = 4 * exp_minus(log_term).high
    forced, chance = always_wrong(beta, mean, newest)
    return Replay(
        (
            f"d = 1, K = 2, means {mean} and {-mean}, signs +-1 as noise (sigma² = 1)",
            f"L = {log_term} = log(K²/delta), so delta = 4 exp(-{log_term}) < {float(delta):.4f}; "
            f"beta = 1 - 1/L = {beta}, n_eff < {2 * log_term - 1} for every R",
            f"the newest {newest} signs, if adverse, flip a task: {forced}; the graph is wrong "
            f"with probability at least {chance} for every R",
        ),
        log_term > 1 and mean > 0 and forced and delta < chance,
    )


def _planned(target: Fraction) -> bool:
    """EXT-2-REACHES: beta = (2N-1)/(2N+1), R = ceil(ln(3) N) gives n_eff > N >= 1."""
    if target < 1:
        return True
    window = -int(-(log_three()[1] * target) // 1)
    beta = (2 * target - 1) / (2 * target + 1)
    return bool(n_eff_formula(beta, beta**window) > target)


@replayer("recovery-aligned")
def replay_aligned(data: Mapping[str, Any]) -> Replay:
    """No noise: two tasks of one group, one class, and a negative cosine."""
    tau, gamma = rational(data["tau"]), rational(data["gamma"])
    means = read_gradients(data["means"])
    graph = conflict_graph(means, tau)
    found = cosine(*(tuple(map(Fraction, v)) for v in means))
    classes = classes_of(largest_first(graph))
    return Replay(
        (
            f"tau = {tau}, gamma = {gamma}, means {[list(map(str, v)) for v in means]}: cosine "
            f"{found.low}, at least -(tau - gamma) = {gamma - tau}",
            f"edges {edges_of(graph)}: one group; no noise, so it is found: classes {classes}",
            "their gradients are not aligned on average: the cosine is negative",
        ),
        0 < gamma < 1 - tau
        and len(classes) == 1
        and found.low >= -(tau - gamma)
        and found.high < 0,
    )


def _same_class_cases(
    context: CheckContext,
) -> Iterator[tuple[tuple[tuple[int, ...], ...], Fraction]]:
    import numpy as np

    rng = np.random.default_rng(context.seed + 3)
    for _ in range(300):
        rows = rng.integers(-3, 4, size=(5, 3))
        rows[~rows.any(axis=1)] = 1
        tau = Fraction(int(rng.integers(1, 10)), 10)
        yield tuple(tuple(int(x) for x in row) for row in rows), tau


def _classes_are_compatible(case: tuple[tuple[tuple[int, ...], ...], Fraction]) -> bool:
    means, tau = case
    colors = largest_first(conflict_graph(means, tau))
    return all(
        cosine(tuple(map(Fraction, means[i])), tuple(map(Fraction, means[j]))).high >= -tau
        for i in range(len(means))
        for j in range(i)
        if colors[i] == colors[j]
    )


_B7 = "B.7, summary of the recovery argument"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="REC-B7-CONSISTENT",
        family="recovery",
        title="Consistency: the graph is found as n_eff grows without bound",
        statement=r"We summarize the logical flow leading to consistency of the scheduler.",
        plain="For fixed means with a margin, fixed sigma and d: P(G^ = G*) -> 1 as n_eff -> "
        "infinity.",
        source=appendix_b(_B7),
        assumptions=(A1_PAIRS, CONDITIONAL_NOISE, NO_DRIFT, MIN_NORM),
        used_for="'a small number of recent gradient measurements per task' (section 5, (3)).",
        checks=(
            proof(
                "P(G^ = G*) -> 1",
                (
                    Step("For every delta > 0 the budget of REC-C1-R is a finite number."),
                    Step("Once n_eff exceeds it, P(G^ = G*) >= 1 - delta; let delta fall to 0."),
                ),
            ),
            recovery_checks()[1],
        ),
        reading="consistency in n_eff, which needs R -> infinity and beta -> 1 together",
        notes="With beta fixed n_eff stays bounded, and it is false: REC-B7-BETA.",
    ),
    Claim(
        id="REC-B7-BETA",
        family="recovery",
        title="Consistency with a fixed beta",
        statement=r"We summarize the logical flow leading to consistency of the scheduler.",
        plain="For fixed beta and everything else fixed, P(G^ = G*) -> 1 as the window R -> "
        "infinity.",
        source=appendix_b(_B7),
        assumptions=(A1_PAIRS, CONDITIONAL_NOISE, NO_DRIFT, MIN_NORM),
        used_for="Long windows with the EMA as it is run, with one beta.",
        checks=(replayed("rec_b7_beta", "One dimension, beta = 1/2."),),
        reading="consistency in R, the number of gradients observed; the paper itself says that "
        "n_eff saturates (Corollary 2)",
        repaired_by="REC-B7-BETA-R",
    ),
    Claim(
        id="REC-B7-BETA-R",
        family="recovery",
        title="A beta that grows with R is consistent",
        statement=r"With $\beta=(2N-1)/(2N+1)$ and $R=\lceil\ln(3)N\rceil$, $\Pr(\hat G=G^*)\to "
        r"1$ as $N\to\infty$; the plain average of $R$ gradients is consistent too.",
        plain="Let N exceed REC-C1-R's budget, beta = (2N-1)/(2N+1), R >= ln(3) N: then P(G^ = "
        "G*) >= 1 - delta. This is the repaired advice of B.6.",
        source=ours("repair of B.7's consistency and B.6's advice on beta"),
        assumptions=(A1_PAIRS, CONDITIONAL_NOISE, NO_DRIFT, MIN_NORM, DELTA),
        used_for="Choosing beta and R.",
        checks=(
            proof(
                "n_eff > N, so the budget is met",
                (
                    Step("EXT-2-REACHES: n_eff(R, beta) > N for every real N >= 1."),
                    Step("REC-C1-R with any delta whose budget is at most N."),
                ),
            ),
            some(
                "targets in thirds",
                _budgets,
                _planned,
                "N = 1 ... 20 in thirds: n_eff > N",
                doc="ln 3 enclosed between rationals.",
            ),
        ),
        repairs="REC-B7-BETA",
    ),
    Claim(
        id="REC-BETA",
        family="recovery",
        title="1 - beta = 1/log(K²/delta) recovers the graph",
        statement=r"Thus, to meet the required budget as $K$ grows, one increases $n_{\rm eff}$ by "
        r"choosing $\beta$ closer to 1 (e.g., $1-\beta\approx 1/\log(K^2/\delta)$).",
        plain="With beta = 1 - 1/log(K²/delta), for some R, the graph is recovered with "
        "probability >= 1 - delta, whatever sigma, m_0, gamma and d are.",
        source=appendix_b("B.6, Corollary 2"),
        assumptions=(A1_PAIRS, CONDITIONAL_NOISE, NO_DRIFT, MIN_NORM, DELTA),
        used_for="Setting beta.",
        checks=(replayed("rec_beta_advice", "n_eff < 2L - 1 for every R; noise large."),),
        reading="as a recipe for recovery; whether it meets the paper's own budget is EMA-C2-RATE "
        "and EMA-C2-MEETS",
        repaired_by="REC-B7-BETA-R",
    ),
    Claim(
        id="REC-B7-BOUND",
        family="recovery",
        title="The tolerance falls as n_eff grows: the bound",
        statement=r"[...] $\max_{i\le j}|\hat C_{ij}-C^*_{ij}|\le\epsilon$, with probability at "
        r"least $1-\delta$, where $\epsilon$ decreases as $n_{\rm eff}$ increases.",
        plain="The eps that a bound of the form n_eff >= A/eps² gives, eps = sqrt(A/n_eff), falls "
        "strictly with n_eff.",
        source=appendix_b(_B7, "37"),
        assumptions=(),
        used_for="B.7 (ii).",
        checks=(
            proof(
                "A/n falls",
                (
                    Step("eps² = A/n_eff, A > 0 not depending on n_eff.", _monotone_bound),
                    Step("The diagonal i = j, which eq. 37 includes, has error 0 always."),
                ),
            ),
            some(
                "values",
                lambda _: [(a, n) for a in range(1, 6) for n in range(1, 40)],
                lambda case: Fraction(case[0], case[1]) > Fraction(case[0], case[1] + 1),
                "A = 1 ... 5, n_eff = 1 ... 40",
                doc="In fractions.",
            ),
        ),
        reading="eps of the bound (REC-P3-R has this form too); the actual error's quantile is "
        "REC-B7-ERROR",
    ),
    Claim(
        id="REC-B7-ERROR",
        family="recovery",
        title="The chance of an error falls as n_eff grows",
        statement=r"With the noise law, means and $\beta$ fixed, $\Pr(\hat G\ne G^*)$ does not "
        r"grow when $n_{\rm eff}$ does.",
        plain="A longer window, which has a larger n_eff, never has a larger probability of a "
        "wrong graph.",
        source=ours("a stronger reading of B.7 (ii)"),
        assumptions=(A1_PAIRS, CONDITIONAL_NOISE, NO_DRIFT),
        used_for="Longer windows are better.",
        checks=(replayed("rec_b7_not_monotone", "Signs, R = 2 and R = 3."),),
        reading="ours: the paper speaks of the eps of a bound",
        repaired_by="REC-B7-ERROR-R",
    ),
    Claim(
        id="REC-B7-ERROR-R",
        family="recovery",
        title="The bound on the chance of an error falls",
        statement=r"$K\exp(-\frac12(\sqrt{n_{\rm eff}}\,m_0\gamma/(4\sigma)-\sqrt d)_+^2)$ bounds "
        r"$\Pr(\hat G\ne G^*)$ and falls with $n_{\rm eff}$.",
        plain="REC-C1-R solved for delta: P(G^ != G*) <= K exp(-(sqrt(n_eff) m_0 gamma/(4 sigma) - "
        "sqrt d)²/2) where the bracket is positive; this falls with n_eff.",
        source=ours("repair of REC-B7-ERROR"),
        assumptions=(A1_PAIRS, CONDITIONAL_NOISE, NO_DRIFT, MIN_NORM),
        used_for="The probability of failure that a window guarantees.",
        checks=(
            proof(
                "solve the budget for delta",
                (
                    Step(
                        "sqrt(n) m_0 gamma/(4 sigma) > sqrt d + sqrt(2 log(K/delta)) is REC-C1-R's "
                        "budget; with x the left side minus sqrt d it says delta > K exp(-x²/2)."
                    ),
                    Step("x grows with n_eff, so K exp(-x²/2) falls where x > 0."),
                    Step("Every such delta bounds the probability, so their infimum does."),
                ),
            ),
            recovery_checks()[1],
        ),
        repairs="REC-B7-ERROR",
    ),
    Claim(
        id="REC-INTRO",
        family="recovery",
        title="Groups of tasks whose gradients are aligned on average",
        statement=r"SON-GOKU tends to group tasks whose gradients are, on average, aligned within "
        r"each group, with high probability.",
        plain="Under Assumption 1 and model (B), tasks of one recovered group have mean gradients "
        "with cosine >= 0.",
        source=Source("SON-GOKU", "1"),
        assumptions=(A1_GROUPS,),
        used_for="The introduction's summary of section 5.4.",
        checks=(replayed("rec_intro_aligned", "Cosine -3/5 in one group, without noise."),),
        reading="'aligned' as a cosine that is not negative; 'aligned' as 'not conflicting beyond "
        "tau' is REC-INTRO-R",
        repaired_by="REC-INTRO-R",
        notes="'Tends to' leaves room; what Assumption 1 says of a group is C* >= -(tau - gamma).",
    ),
    Claim(
        id="REC-INTRO-R",
        family="recovery",
        title="Groups of tasks that do not conflict beyond tau",
        statement=r"Tasks of one class have $C_{ij}\ge-\tau$ in the graph that was coloured; if "
        r"$\hat G=G^*$ with Assumption 1, $C^*_{ij}\ge-(\tau-\gamma)$.",
        plain="Tasks of one class have a cosine of at least -tau, and of at least -(tau-gamma) if "
        "the graph is right.",
        source=ours("repair of the introduction's 'aligned'"),
        assumptions=(A1_GROUPS,),
        used_for="What 'low-conflict' means.",
        checks=(
            proof(
                "one class, no edge",
                (
                    Step("A proper colouring gives the ends of an edge different colours."),
                    Step("No edge of G* under the margin: C* >= -(tau-gamma)."),
                ),
            ),
            some(
                "integer gradients",
                _same_class_cases,
                _classes_are_compatible,
                "300 random sets of five integer gradients, tau in tenths",
                doc="Welsh-Powell's classes, exact cosines.",
            ),
        ),
        repairs="REC-INTRO",
    ),
)
