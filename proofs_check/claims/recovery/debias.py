"""EXT-4: squared norms freed of the noise's share, and what stays biased.

``v = (sum of w_t²) x (within-window variance)``. "Variance" has three usual meanings, and only one
makes the corrected squared norm unbiased: the sum of squared deviations from the plain mean over
R - 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from types import ModuleType
from typing import Any

from proofs_check.claims.ema.objects import dot, window_weights
from proofs_check.claims.recovery._assumptions import INDEPENDENT_TASKS
from proofs_check.claims.recovery._checks import (
    Step,
    identities,
    is_zero,
    ours,
    proof,
    replayed,
    run,
    some,
)
from proofs_check.claims.recovery._exact import Enclosure, Law, cosine, outcomes, root
from proofs_check.claims.recovery._stored import debiased_recovers_more
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Assumption, Check, CheckContext, Claim, Method

__all__ = ["CLAIMS", "Variance", "norm_checks", "sample_variance"]

Sample = Sequence[Sequence[Fraction]]
Variance = Callable[[Sample, Sequence[Fraction]], Fraction]
"""From a window of gradients and the EMA's weights to a variance (of all coordinates together)."""


def _spread(sample: Sample, centre: Sequence[Fraction]) -> list[Fraction]:
    return [
        sum(((x - c) ** 2 for x, c in zip(g, centre, strict=True)), Fraction(0)) for g in sample
    ]


def _mean(sample: Sample, weights: Sequence[Fraction]) -> tuple[Fraction, ...]:
    return tuple(
        sum((w * g[k] for w, g in zip(weights, sample, strict=True)), Fraction(0))
        for k in range(len(sample[0]))
    )


def sample_variance(sample: Sample, weights: Sequence[Fraction]) -> Fraction:
    """Return the sum of squared deviations from the plain mean over R - 1."""
    size = len(weights)
    plain = _mean(sample, [Fraction(1, size)] * size)
    return sum(_spread(sample, plain), Fraction(0)) / (size - 1)


def population_variance(sample: Sample, weights: Sequence[Fraction]) -> Fraction:
    """Return the same over R, as ``numpy.var`` does."""
    size = len(weights)
    return sample_variance(sample, weights) * (size - 1) / size


def weighted_variance(sample: Sample, weights: Sequence[Fraction]) -> Fraction:
    """Return the EMA's own variance: weighted squared deviations from the EMA."""
    spread = _spread(sample, _mean(sample, weights))
    return sum((w * x for w, x in zip(weights, spread, strict=True)), Fraction(0))


VARIANCES: dict[str, Variance] = {
    "R - 1": sample_variance,
    "R": population_variance,
    "weighted": weighted_variance,
}


def corrected(sample: Sample, weights: Sequence[Fraction], variance: Variance) -> Fraction:
    """Return |EMA|² - (sum of w²) x variance."""
    average = _mean(sample, weights)
    share = sum((w * w for w in weights), Fraction(0)) * variance(sample, weights)
    return dot(average, average) - share


def _samples(
    mean: Sequence[Fraction], window: int, law: Law
) -> Iterator[tuple[list[tuple[Fraction, ...]], Fraction]]:
    dim = len(mean)
    for values, probability in outcomes([law] * (window * dim)):
        rows = [tuple(m + values[t * dim + k] for k, m in enumerate(mean)) for t in range(window)]
        yield rows, probability


def expected_square(
    mean: Sequence[Fraction], window: int, beta: Fraction, law: Law, variance: Variance
) -> Fraction:
    """Return the expectation of the corrected squared norm, by going through all noise."""
    weights = window_weights(window, beta)
    return sum(
        (p * corrected(sample, weights, variance) for sample, p in _samples(mean, window, law)),
        Fraction(0),
    )


@replayer("ext4-norm")
def replay_norm(data: Mapping[str, Any]) -> Replay:
    """One task: the expectation of the corrected squared norm against |mu|²."""
    mean = tuple(rational(x) for x in data["mean"])
    window, beta, variance = int(data["window"]), rational(data["beta"]), data["variance"]
    law = tuple((rational(v), rational(p)) for v, p in data["noise"])
    found = expected_square(mean, window, beta, law, VARIANCES[variance])
    target = dot(mean, mean)
    return Replay(
        (
            f"mean {[str(x) for x in mean]}, R = {window}, beta = {beta}, each coordinate's noise "
            f"{[(str(v), str(p)) for v, p in law]}, variance: {variance}",
            f"E(|EMA|² - v) = {found}, |mu|² = {target}",
        ),
        found != target and sum(v * p for v, p in law) == 0,
    )


@replayer("ext4-negative")
def replay_negative(data: Mapping[str, Any]) -> Replay:
    """One window whose corrected squared norm is not positive."""
    sample = [tuple(rational(x) for x in row) for row in data["gradients"]]
    weights = window_weights(len(sample), rational(data["beta"]))
    found = corrected(sample, weights, sample_variance)
    return Replay(
        (
            f"gradients {[[str(x) for x in row] for row in sample]}, beta = {data['beta']}",
            f"EMA {[str(x) for x in _mean(sample, weights)]}, |EMA|² - v = {found}",
        ),
        found <= 0,
    )


def debiased_cosine(first: Sample, second: Sample, weights: Sequence[Fraction]) -> Enclosure | None:
    """Enclose the debiased cosine; None if a corrected squared norm is not positive."""
    norms = [corrected(sample, weights, sample_variance) for sample in (first, second)]
    if min(norms) <= 0:
        return None
    inner = dot(_mean(first, weights), _mean(second, weights))
    length = root(norms[0] * norms[1])
    ends = (inner / length.low, inner / length.high)
    return Enclosure(min(ends), max(ends))


@replayer("ext4-ratio")
def replay_ratio(data: Mapping[str, Any]) -> Replay:
    """The expectation of the debiased cosine, enclosed, against the population cosine."""
    window, beta = int(data["window"]), rational(data["beta"])
    weights = window_weights(window, beta)
    means = [tuple(rational(x) for x in row) for row in data["means"]]
    law = tuple((rational(v), rational(p)) for v, p in data["noise"])
    quiet = [means[1]] * window
    low = high = Fraction(0)
    defined = True
    for values, probability in outcomes([law] * window):
        noisy = [(means[0][0] + x, *means[0][1:]) for x in values]
        found = debiased_cosine(noisy, quiet, weights)
        defined = defined and found is not None
        if found is not None:
            low, high = low + probability * found.low, high + probability * found.high
    true = cosine(means[0], means[1])
    return Replay(
        (
            f"means {[list(map(str, m)) for m in means]}; only the first coordinate of task 1 is "
            f"noisy, +-1; R = {window}, beta = {beta}",
            f"every corrected norm is positive: {defined}; E(debiased cosine) lies in "
            f"[{float(low):.6f}, {float(high):.6f}], C* = {true.low}",
        ),
        defined and (high < true.low or low > true.high) and sum(v * p for v, p in law) == 0,
    )


LAWS: tuple[Law, ...] = (
    ((Fraction(-1), Fraction(1, 2)), (Fraction(1), Fraction(1, 2))),
    ((Fraction(-1), Fraction(2, 3)), (Fraction(2), Fraction(1, 3))),
)


def norm_checks(variance: Variance = sample_variance) -> tuple[Check, ...]:
    """Return the checks of E(|EMA|² - v) = |mu|² with this variance."""

    def cases(context: CheckContext) -> Iterator[tuple[tuple[Fraction, ...], int, Fraction, Law]]:
        del context
        for mean in ((Fraction(0),), (Fraction(3, 2),), (Fraction(1), Fraction(-2))):
            for window in (2, 3, 4):
                for beta in (Fraction(0), Fraction(1, 2), Fraction(4, 5)):
                    for law in LAWS:
                        yield mean, window, beta, law

    def holds(case: tuple[tuple[Fraction, ...], int, Fraction, Law]) -> bool:
        mean, window, beta, law = case
        return expected_square(mean, window, beta, law, variance) == dot(mean, mean)

    def closes() -> bool:
        import sympy

        window, energy = sympy.symbols("R E", positive=True)
        # deviations from the plain mean: each has energy E (1 - 1/R), R of them, over R - 1
        return is_zero(window * energy * (1 - 1 / window) / (window - 1) - energy)

    return (
        proof(
            "E(|EMA|² - v) = |mu|²",
            (
                Step(
                    "E|EMA|² = |mu|² + sum w_t² E|xi_t|² = |mu|² + S E, E = sigma² d, S = sum w²."
                ),
                Step(
                    "g_t minus the plain mean has energy E (1 - 1/R); the sum of R of them over R "
                    "- 1 has the expectation E.",
                    closes,
                ),
                Step("So E v = S E, and the difference is |mu|²."),
            ),
        ),
        some(
            "all noise of small windows",
            cases,
            holds,
            "R = 2, 3, 4, one and two coordinates, symmetric and skewed two-point noise, three "
            "beta",
            doc="Expectations in fractions.",
        ),
    )


def _variance_adds_up(case: tuple[int, Fraction]) -> bool:
    """Noise only (mu = 0): the corrected squared norm of d coordinates is a sum of d "
    "independent."""
    window, beta = case
    weights = window_weights(window, beta)
    moments = []
    for dim in (1, 2):
        zero = [Fraction(0)] * dim
        values = [
            (corrected(sample, weights, sample_variance), p)
            for sample, p in _samples(zero, window, LAWS[0])
        ]
        mean = sum((p * x for x, p in values), Fraction(0))
        moments.append(sum((p * (x - mean) ** 2 for x, p in values), Fraction(0)))
    return moments[1] == 2 * moments[0]


def _chebyshev(sympy: ModuleType) -> list[Identity]:
    lam, dim, one, m2 = sympy.symbols("lambda d V m2", positive=True)
    # s² = lambda |mu|²/d; variance of the noise part: d coordinates, each s⁴ V
    s2 = lam * m2 / dim
    return [("relative variance of d coordinates", dim * s2**2 * one / m2**2, lam**2 * one / dim)]


def _factor_holds(case: tuple[int, Fraction], name: str) -> bool:
    window, beta = case
    weights = window_weights(window, beta)
    squares = sum((w * w for w in weights), Fraction(0))
    factor = 1 - squares if name == "weighted" else 1 - Fraction(1, window)

    def rescaled(sample: Sample, w: Sequence[Fraction]) -> Fraction:
        return VARIANCES[name](sample, w) / factor

    mean = (Fraction(1), Fraction(-2))
    return all(expected_square(mean, window, beta, law, rescaled) == 5 for law in LAWS)


def _rarely_negative(mean: Fraction, window: int, beta: Fraction) -> bool:
    weights = window_weights(window, beta)
    values = [
        (corrected(sample, weights, sample_variance), p)
        for sample, p in _samples([mean], window, LAWS[0])
    ]
    negative = sum((p for x, p in values if x <= 0), Fraction(0))
    variance = sum((p * (x - mean**2) ** 2 for x, p in values), Fraction(0))
    return negative <= variance / mean**4


_ON = "result 4 beyond the paper"
_NOISE = Assumption(
    "uncorrelated noise of one energy",
    "E xi_t = 0, E<xi_s, xi_t> = 0 for s != t, E|xi_t|² = sigma² d for all t of the window",
)
_TWO = Assumption("two steps", "R >= 2: one gradient has no variance", lambda window: window >= 2)
_STATEMENT = (
    r"Subtract $v_i=(\sum_t w_t^2)\times(\text{within-window variance})$ from each squared norm "
    r"before dividing: the linear-in-$d$ term goes away."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EXT-4",
        family="recovery",
        title="The corrected squared norm is unbiased",
        statement=_STATEMENT,
        plain="With the variance over R - 1: E(|EMA|² - v) = |mu|² for every d, R >= 2 and beta.",
        source=ours(_ON),
        assumptions=(_NOISE, _TWO),
        used_for="The debiased cosine.",
        checks=norm_checks(),
        reading="'within-window variance' as the unbiased one, coordinates added up; the others: "
        "EXT-4-VAR, EXT-4-EMA",
        notes="Numerators are unbiased without correction if tasks are independent.",
    ),
    Claim(
        id="EXT-4-VAR",
        family="recovery",
        title="The same with the variance over R",
        statement=_STATEMENT,
        plain="With the variance over R, as numpy.var has it: E(|EMA|² - v) = |mu|².",
        source=ours(_ON),
        assumptions=(_NOISE, _TWO),
        used_for="A reading of 'variance'.",
        checks=(replayed("ext4_over_r", "Two steps, signs, mean 0."),),
        reading="'variance' over R",
        repaired_by="EXT-4-FACTORS",
    ),
    Claim(
        id="EXT-4-EMA",
        family="recovery",
        title="The same with the EMA's own weighted variance",
        statement=_STATEMENT,
        plain="With sum w_t |g_t - EMA|² as the variance: E(|EMA|² - v) = |mu|².",
        source=ours(_ON),
        assumptions=(_NOISE, _TWO),
        used_for="A reading of 'variance', the one that needs no second buffer of gradients.",
        checks=(replayed("ext4_weighted", "Two steps, signs, mean 0."),),
        reading="'variance' with the EMA's weights, about the EMA",
        repaired_by="EXT-4-FACTORS",
    ),
    Claim(
        id="EXT-4-FACTORS",
        family="recovery",
        title="The factor that each variance needs",
        statement=r"$E\sum_t w_t|g_t-\tilde g|^2=(1-S)\sigma^2d$ and $E\frac1R\sum_t|g_t-\bar "
        r"g|^2=(1-\frac1R)\sigma^2d$, $S=\sum_t w_t^2$.",
        plain="Divide the variance over R by 1 - 1/R, or the EMA's weighted one by 1 - S = 1 - "
        "1/n_eff: then E(|EMA|² - v) = |mu|².",
        source=ours(f"repair of EXT-4-VAR and EXT-4-EMA ({_ON})"),
        assumptions=(_NOISE, _TWO),
        used_for="An implementation that keeps EMAs only.",
        checks=(
            proof(
                "weighted deviations have the energy (1 - S) sigma² d",
                (
                    Step(
                        "sum w_t |g_t - EMA|² = sum w_t |g_t|² - |EMA|² (as sum w_t = 1), of "
                        "expectation |mu|² + E - |mu|² - S E = (1 - S) E."
                    ),
                    Step("w_t = 1/R gives S = 1/R: the variance over R."),
                ),
            ),
            *(
                some(
                    name,
                    lambda _: [(w, b) for w in (2, 3, 4) for b in (Fraction(1, 2), Fraction(4, 5))],
                    holds,
                    "R = 2, 3, 4, beta = 1/2 and 4/5, two laws of noise",
                    doc="Expectations in fractions.",
                )
                for name, holds in (
                    ("weighted, over 1 - S", lambda case: _factor_holds(case, "weighted")),
                    ("over R, over 1 - 1/R", lambda case: _factor_holds(case, "R")),
                )
            ),
        ),
        repairs="EXT-4-EMA",
        reading="beta > 0 or R = 1 aside: S < 1",
    ),
    Claim(
        id="EXT-4-RATIO",
        family="recovery",
        title="The debiased cosine is unbiased",
        statement=r"With corrected norms the cosine has the expectation $C^*_{ij}$.",
        plain="E(debiased cosine) = C* whenever the corrected norms are positive.",
        source=ours("a stronger reading of result 4 beyond the paper"),
        assumptions=(_NOISE, _TWO, INDEPENDENT_TASKS),
        used_for="What 'debiased' may not be taken to mean.",
        checks=(replayed("ext4_ratio", "Two steps, one noisy coordinate."),),
        reading="ours: the extension speaks of the norms and of the term linear in d",
        repaired_by="EXT-4-RATIO-R",
    ),
    Claim(
        id="EXT-4-RATIO-R",
        family="recovery",
        title="The debiased cosine tends to C* as d grows",
        statement=r"With $\lambda_i=s^2d/\|\mu_i\|^2$ fixed, $R\ge 2$ and independent coordinates "
        r"with bounded fourth moments, the debiased cosine tends to $C^*$ in probability as "
        r"$d\to\infty$; the plain one to $C^*/\sqrt{(1+\lambda_i)(1+\lambda_j)}$.",
        plain="The term linear in d goes away: the debiased cosine is consistent in d where the "
        "plain one shrinks. What is left is of order sqrt(d), not 0.",
        source=ours(f"repair of EXT-4-RATIO ({_ON})"),
        assumptions=(_NOISE, _TWO, INDEPENDENT_TASKS),
        used_for="When a debiased mode pays: lambda >= gamma/tau.",
        checks=(
            proof(
                "Chebyshev for numerator and norms",
                (
                    Step("E(|EMA|² - v) = |mu|² (EXT-4), E<EMA_i, EMA_j> = <mu_i, mu_j>."),
                    Step(
                        "Variances: the coordinates' noise parts are independent, each of order "
                        "s⁴ = (lambda |mu|²/d)²; d of them give lambda²/d times a constant, "
                        "relative to |mu|⁴; terms linear in the noise have variance of order s² "
                        "|mu|²."
                    ),
                    Step("So numerator and corrected norms converge, and so does their ratio."),
                ),
            ),
            identities("order of the variance", _chebyshev, "lambda² V/d -> 0", doc="sympy"),
            some(
                "variances add up over coordinates",
                lambda _: [(w, b) for w in (2, 3) for b in (Fraction(0), Fraction(1, 2))],
                _variance_adds_up,
                "R = 2, 3, two beta: twice the coordinates, twice the variance",
                doc="All noise, exactly.",
            ),
            run(
                "stored sweeps, debiased and plain",
                Method.STATISTICAL,
                debiased_recovers_more,
                doc="Settings with lambda >= gamma/tau run both ways; alpha = 0.001 over all.",
            ),
        ),
        repairs="EXT-4-RATIO",
    ),
    Claim(
        id="EXT-4-POSITIVE",
        family="recovery",
        title="The corrected squared norm is positive",
        statement=r"$\|\tilde g_i\|^2-v_i>0$, so that one can divide by its root.",
        plain="|EMA|² - v > 0 for every window.",
        source=ours("what result 4 beyond the paper needs to be carried out"),
        assumptions=(_TWO,),
        used_for="An implementation has to say what it does otherwise.",
        checks=(replayed("ext4_negative", "Two gradients of opposite signs."),),
        reading="ours: a condition that the extension leaves unsaid",
        repaired_by="EXT-4-POSITIVE-R",
    ),
    Claim(
        id="EXT-4-POSITIVE-R",
        family="recovery",
        title="Positive with high probability, once lambda is moderate",
        statement=r"$\Pr(\|\tilde g_i\|^2-v_i\le 0)\le \mathrm{Var}(\|\tilde "
        r"g_i\|^2-v_i)/\|\mu_i\|^4$.",
        plain="By Chebyshev the corrected squared norm fails to be positive with probability at "
        "most its variance over |mu|⁴.",
        source=ours("repair of EXT-4-POSITIVE"),
        assumptions=(_NOISE, _TWO),
        used_for="How often a fallback (exclude the task) is needed.",
        checks=(
            proof(
                "Chebyshev",
                (
                    Step("The mean is |mu|² (EXT-4); not being positive is a deviation by |mu|²."),
                    Step("Chebyshev bounds its probability by the variance over |mu|⁴."),
                ),
            ),
            some(
                "signs in one dimension",
                lambda _: [
                    (Fraction(m, 2), w, b)
                    for m in range(1, 7)
                    for w in (2, 3, 4)
                    for b in (Fraction(0), Fraction(1, 2))
                ],
                lambda case: _rarely_negative(*case),
                "means 1/2 ... 3, R = 2, 3, 4, two beta",
                doc="All signs, exactly.",
            ),
        ),
        repairs="EXT-4-POSITIVE",
    ),
)
