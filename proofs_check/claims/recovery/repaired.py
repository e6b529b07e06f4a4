"""What holds instead of eq. 30, 35, 36 and 39: a budget in which d stands.

The noise need only be sub-Gaussian given the past; between tasks anything goes. Norms replace the
four directions of Lemma 2, so the dimension enters as ``sqrt(d)`` beside ``sqrt(log(K/delta))``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from proofs_check.claims.ema.objects import sample_size, window_weights
from proofs_check.claims.recovery._assumptions import (
    A1_PAIRS,
    CONDITIONAL_NOISE,
    DELTA,
    MIN_NORM,
    NO_DRIFT,
)
from proofs_check.claims.recovery._checks import Step, identities, is_zero, ours, proof, run, some
from proofs_check.claims.recovery._exact import exp_minus, root
from proofs_check.methods.findings import inconclusive, supports
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Check, CheckContext, Claim, Finding, Method, VacuityFinding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "CLAIMS",
    "TRIALS",
    "accuracy_checks",
    "failure_limit",
    "lost_graphs",
    "norm_checks",
    "recovery_checks",
    "three_at_the_margin",
]

TRIALS = 2000
ALPHA = 1e-3
DELTA_TRIED = 0.05


def _exponent_closes() -> bool:
    """theta x - d theta²/(1 - 2 theta) = t at theta = sqrt(t)/(sqrt(d) + 2 sqrt(t))."""
    import sympy

    q, r = sympy.symbols("q r", positive=True)  # sqrt(d), sqrt(t)
    theta = r / (q + 2 * r)
    excess = 2 * q * r + 2 * r**2
    return is_zero(theta * excess - q**2 * theta**2 / (1 - 2 * theta) - r**2)


def _series_is_dominated() -> bool:
    """-theta - log(1-2 theta)/2 = sum (2 theta)^k/(2k), k >= 2, against theta²/(1-2 theta)."""
    import sympy

    theta = sympy.Symbol("theta")
    left = sympy.series(-theta - sympy.log(1 - 2 * theta) / 2, theta, 0, 9).removeO()
    right = sympy.series(theta**2 / (1 - 2 * theta), theta, 0, 9).removeO()
    known = all(
        left.coeff(theta, k) == sympy.Rational(2**k, 2 * k)
        and right.coeff(theta, k) == sympy.Rational(2**k, 4)
        for k in range(2, 9)
    )
    k = sympy.Symbol("k", positive=True)
    return known and is_zero((1 / sympy.Integer(4) - 1 / (2 * k)) - (k - 2) / (4 * k))


def _radii(sympy: ModuleType) -> list[Identity]:
    q, r = sympy.symbols("q r", positive=True)
    two = sympy.sqrt(2)
    gap = 2 * (two - 1) * q * r
    return [
        (
            "(sqrt d + sqrt(2t))² - (d + 2 sqrt(dt) + 2t) = 2 (sqrt 2 - 1) sqrt(dt) >= 0",
            sympy.expand((q + two * r) ** 2 - (q**2 + 2 * q * r + 2 * r**2) - gap),
            sympy.Integer(0),
        )
    ]


def norm_checks(slope: Fraction = Fraction(2)) -> tuple[Check, ...]:
    """Return the checks of the norm's tail, ``d + slope sqrt(dt) + slope t`` for the radius."""

    def cases(context: CheckContext) -> Iterator[tuple[int, int, Fraction, Fraction]]:
        longest = 12 if context.profile == "full" else 8
        for dim in (1, 2, 3, 4):
            for window in range(1, longest // dim + 1):
                for beta in (Fraction(0), Fraction(1, 2), Fraction(9, 10)):
                    for quarters in range(1, 13, 1 if context.profile == "full" else 3):
                        yield dim, window, beta, Fraction(quarters, 4)

    def holds(case: tuple[int, int, Fraction, Fraction]) -> bool:
        dim, window, beta, level = case
        weights = window_weights(window, beta)
        radius = (dim + slope * root(dim * level).low + slope * level) / sample_size(weights)
        law: dict[Fraction, int] = {}
        for signs in product((-1, 1), repeat=window):
            value = sum((w * s for w, s in zip(weights, signs, strict=True)), Fraction(0)) ** 2
            law[value] = law.get(value, 0) + 1
        total = {Fraction(0): 1}
        for _ in range(dim):
            longer: dict[Fraction, int] = {}
            for (a, n), (b, m) in product(total.items(), law.items()):
                longer[a + b] = longer.get(a + b, 0) + n * m
            total = longer
        beyond = sum(count for value, count in total.items() if value > radius)
        return Fraction(beyond, 2 ** (window * dim)) <= exp_minus(level).low

    return (
        proof(
            "P(|delta|² > s² (d + 2 sqrt(dt) + 2t)) <= exp(-t)",
            (
                Step(
                    "For every u: E exp(<u, delta>) <= exp(s² |u|²/2), s² = sigma²/n_eff "
                    "(REC-L1-R, step 1, with any u)."
                ),
                Step(
                    "Let z be standard normal and independent: exp(theta |delta|²/s²) = E_z "
                    "exp(sqrt(2 theta) <z, delta>/s). Take E over delta first: at most E_z "
                    "exp(theta |z|²) = (1 - 2 theta)^(-d/2), 0 <= theta < 1/2."
                ),
                Step(
                    "-theta - log(1-2 theta)/2 = sum over k >= 2 of (2 theta)^k/(2k) <= sum of (2 "
                    "theta)^k/4 = theta²/(1-2 theta), since 2k >= 4.",
                    _series_is_dominated,
                ),
                Step(
                    "Markov: P(|delta|² > s² (d+x)) <= exp(-theta x + d theta²/(1-2 theta)); at "
                    "theta = sqrt(t)/(sqrt(d)+2 sqrt(t)), x = 2 sqrt(dt) + 2t this is exp(-t).",
                    _exponent_closes,
                ),
            ),
        ),
        some(
            "signs in few dimensions",
            cases,
            holds,
            "d = 1 ... 4, windows of d R <= 8 (full: 12) signs, three beta, t = 1/4 ... 3",
            doc="Exact law of the squared norm, enclosures of root and exponential.",
        ),
        identities("radius", _radii, "d + 2 sqrt(dt) + 2t <= (sqrt d + sqrt(2t))²", doc="sympy"),
    )


def failure_limit(failures: int, trials: int) -> float:
    """Return the upper end of the one-sided exact interval for the failure probability."""
    from scipy.stats import beta

    return (
        1.0 if failures == trials else float(beta.ppf(1 - ALPHA, failures + 1, trials - failures))
    )


def three_at_the_margin(tau: float, gamma: float, dim: int) -> NDArray[np.float64]:
    """Return three unit means: cosines -(tau+gamma), -(tau-gamma), -(tau-gamma)."""
    import numpy as np

    strength, low = tau + gamma, -(tau - gamma)
    second = (low + strength * low) / math.sqrt(1 - strength**2)
    means = np.zeros((3, dim))
    means[0, 0] = 1.0
    means[1, :2] = -strength, math.sqrt(1 - strength**2)
    means[2, :3] = low, second, math.sqrt(1 - low**2 - second**2)
    return means


def lost_graphs(
    context: CheckContext,
    law: Literal["gaussian", "sphere"],
    *,
    shared: bool,
    factor: float = 16.0,
    constant: float = 84.0,
    count: Literal["graphs", "errors"] = "graphs",
) -> int:
    """Count lost graphs in `TRIALS` trials at a budget: K = 3, d = 20, every cosine at the margin.

    Parameters
    ----------
    law : {"gaussian", "sphere"}
        Gaussian noise at the budget of REC-C1-R, as its average; or noise of length sigma, R = 8
        steps with beta = 0.9, at eq. 35's budget times `constant`.
    shared : bool
        The same noise for all tasks, which both budgets allow.
    factor, constant : float
        Of the two budgets.
    count : {"graphs", "errors"}
        Lost graphs, or trials in which some cosine is off by more than gamma.
    """
    import numpy as np

    rng = np.random.default_rng([context.seed, int(shared), len(law)])
    tasks, dim, tau, gamma = 3, 20, 0.25, 0.2
    means = three_at_the_margin(tau, gamma, dim)
    radius = math.sqrt(dim) + math.sqrt(2 * math.log(tasks / DELTA_TRIED))
    owners = 1 if shared else tasks
    if law == "gaussian":
        scale = gamma / (math.sqrt(factor) * radius)  # n_eff = factor sigma² radius²/gamma²
        noise = scale * rng.standard_normal((TRIALS, owners, dim))
    else:
        weights = 0.9 ** np.arange(8)
        weights /= weights.sum()
        # sigma from n_eff = constant sigma²/gamma² log(K²/delta)
        log_term = math.log(tasks**2 / DELTA_TRIED)
        sigma = gamma / math.sqrt(constant * log_term * float(weights @ weights))
        steps = rng.standard_normal((TRIALS, owners, 8, dim))
        steps *= sigma / np.linalg.norm(steps, axis=-1, keepdims=True)
        noise = np.einsum("t,nktd->nkd", weights, steps)
    found = means + noise
    unit = found / np.linalg.norm(found, axis=2, keepdims=True)
    cosines = (unit @ unit.transpose(0, 2, 1))[:, [0, 0, 1], [1, 2, 2]]
    if count == "errors":
        true = (means @ means.T)[[0, 0, 1], [1, 2, 2]]
        return int((np.abs(cosines - true) > gamma).any(axis=1).sum())
    wanted = np.array([True, False, False])
    return int(((cosines < -tau) != wanted).any(axis=1).sum())


def recovery_checks(factor: int = 16) -> tuple[Check, ...]:
    """Return the checks of the repaired budget with this factor."""

    def closes() -> bool:
        import sympy

        proxy, size, gamma, m0, radius = sympy.symbols("sigma2 n gamma m0 rho", positive=True)
        budget = factor * proxy * radius**2 / (m0**2 * gamma**2)
        # (4 s rho/m_0)² at n_eff = budget is gamma²
        return is_zero((16 * proxy / size * radius**2 / m0**2).subs(size, budget) - gamma**2)

    def simulated(context: CheckContext) -> Finding:
        limits = []
        for shared in (False, True):
            lost = lost_graphs(context, "gaussian", shared=shared, factor=factor)
            limits.append((lost, failure_limit(lost, TRIALS)))
        detail = (
            f"Gaussian noise, independent and shared between tasks: {limits[0][0]} and "
            f"{limits[1][0]} graphs lost in {TRIALS} trials each; one-sided exact limits (alpha = "
            f"{ALPHA}) {limits[0][1]:.4f}, {limits[1][1]:.4f} against delta = {DELTA_TRIED}"
        )
        if max(limit for _, limit in limits) <= DELTA_TRIED:
            return supports("interval", "K = 3, d = 20, every cosine at the margin", detail)
        return inconclusive("K = 3, d = 20, every cosine at the margin", detail)

    return (
        proof(
            f"n_eff > {factor} sigma²/(m_0² gamma²) (sqrt d + sqrt(2 log(K/delta)))² gives P(G^ = "
            f"G*) "
            ">= 1 - delta",
            (
                Step(
                    "REC-NORM with t = log(K/delta) for each task: with probability >= 1 - K "
                    "exp(-t) = 1 - delta all |delta_i| <= s rho, rho = sqrt d + sqrt(2t)."
                ),
                Step(
                    "REC-L2-R: then every |C^ - C*| <= 4 s rho/m_0, and no EMA is 0, since s rho < "
                    "m_0."
                ),
                Step("4 s rho/m_0 < gamma says n_eff > 16 sigma² rho²/(m_0² gamma²).", closes),
                Step("REC-T2: the graphs are equal."),
            ),
        ),
        run(
            "Gaussian noise at the budget",
            Method.STATISTICAL,
            simulated,
            doc=f"n = {TRIALS} trials each, one-sided exact binomial limit, alpha = {ALPHA}.",
        ),
    )


def accuracy_checks(factor: int = 16) -> tuple[Check, ...]:
    """Return the checks of the repaired Proposition 3 with this factor."""

    def closes() -> bool:
        import sympy

        proxy, epsilon, m0, radius = sympy.symbols("sigma2 eps m0 rho", positive=True)
        budget = factor * proxy * radius**2 / (m0**2 * epsilon**2)
        return is_zero(16 * proxy / budget * radius**2 / m0**2 - epsilon**2)

    def simulated(context: CheckContext) -> Finding:
        off = [
            lost_graphs(context, "gaussian", shared=shared, factor=factor, count="errors")
            for shared in (False, True)
        ]
        limit = failure_limit(max(off), TRIALS)
        detail = (
            f"Gaussian noise, independent and shared between tasks: some cosine off by more than "
            f"eps = 0.2 in {off[0]} and {off[1]} of {TRIALS} trials; one-sided exact limit "
            f"{limit:.4f} (alpha = {ALPHA}) against delta = {DELTA_TRIED}"
        )
        if limit <= DELTA_TRIED:
            return supports("interval", "K = 3, d = 20", detail)
        return inconclusive("K = 3, d = 20", detail)

    return (
        proof(
            f"n_eff >= {factor} sigma²/(m_0² eps²) (sqrt d + sqrt(2 log(K/delta)))² gives max |C^ "
            f"- "
            "C*| <= eps with probability >= 1 - delta",
            (
                Step(
                    "REC-NORM with t = log(K/delta) for each task: with probability >= 1 - delta "
                    "all |delta_i| <= s rho, rho = sqrt d + sqrt(2t)."
                ),
                Step(
                    "At the budget 4 s rho/m_0 <= eps < 4, so s rho < m_0 and no EMA is 0.", closes
                ),
                Step("REC-L2-R: every |C^ - C*| <= 4 s rho/m_0 <= eps."),
            ),
        ),
        run(
            "Gaussian noise at the budget",
            Method.STATISTICAL,
            simulated,
            doc=f"n = {TRIALS} trials each, one-sided exact binomial limit, alpha = {ALPHA}.",
        ),
    )


def _needs(_: CheckContext) -> VacuityFinding:
    parts = []
    for window in (4, 32, 256):
        dim, tasks, delta, gamma = 11_000_000, 6, 0.05, 0.1
        rho = math.sqrt(dim) + math.sqrt(2 * math.log(tasks / delta))
        energy = window * gamma**2 * dim / (16 * rho**2)
        parts.append(f"R = {window}: {energy:.2g} m_0²")
    return VacuityFinding(
        False,
        "largest noise energy sigma² d that the budget allows at the paper's R (n_eff <= R), d = "
        "1.1 10^7, K = 6, delta = 0.05, gamma = 0.1: " + "; ".join(parts) + ". The paper reports "
        "no sigma, m_0 or gamma.",
    )


def _radius_is_monotone() -> bool:
    import sympy

    n, c = sympy.symbols("n c", positive=True)
    return is_zero(c / n - c / (n + 1) - c / (n * (n + 1)))


_BUDGET = (
    r"$n_{\rm eff}>\frac{16\sigma^2}{m_0^2\gamma^2}\left(\sqrt d+\sqrt{2\log(K/\delta)}\right)^2$"
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="REC-NORM",
        family="recovery",
        title="The norm of an EMA's noise",
        statement=r"$\Pr(\|\tilde g_i-\mu_i\|^2>\frac{\sigma^2}{n_{\rm eff}}(d+2\sqrt{dt}+2t))\le "
        r"e^{-t}$, and $d+2\sqrt{dt}+2t\le(\sqrt d+\sqrt{2t})^2$.",
        plain="The EMA's noise has squared norm above s² (d + 2 sqrt(dt) + 2t) with probability at "
        "most exp(-t), s² = sigma²/n_eff.",
        source=ours("what Lemma 1 is missing"),
        assumptions=(CONDITIONAL_NOISE, NO_DRIFT),
        used_for="REC-P3-R, REC-C1-R; for Gaussian noise it is Laurent and Massart's bound.",
        checks=norm_checks(),
    ),
    Claim(
        id="REC-P3-R",
        family="recovery",
        title="Uniform cosine accuracy with the dimension",
        statement=_BUDGET.replace(r"\gamma", r"\epsilon").replace(">", r"\ge ")
        + r" implies $\max_{i<j}|\hat C_{ij}-C^*_{ij}|\le\epsilon$ with probability at least "
        r"$1-\delta$ ($\epsilon<4$).",
        plain="n_eff >= 16 sigma²/(m_0² eps²) (sqrt d + sqrt(2 log(K/delta)))² gives max |C^ - "
        "C*| <= eps with probability >= 1 - delta.",
        source=ours("repair of Proposition 3"),
        assumptions=(CONDITIONAL_NOISE, NO_DRIFT, MIN_NORM, DELTA),
        used_for="REC-C1-R.",
        checks=accuracy_checks(),
        repairs="REC-P3-LOG",
    ),
    Claim(
        id="REC-C1-R",
        family="recovery",
        title="Exact recovery with a budget in d",
        statement=_BUDGET + r" implies $\Pr(\hat G=G^*)\ge 1-\delta$.",
        plain="n_eff > 16 sigma²/(m_0² gamma²) (sqrt d + sqrt(2 log(K/delta)))² gives P(G^ = G*) "
        ">= 1 - delta, for noise sub-Gaussian given the past, dependent between tasks or not.",
        source=ours("repair of Corollaries 1 and 2 and eq. 39"),
        assumptions=(A1_PAIRS, CONDITIONAL_NOISE, NO_DRIFT, MIN_NORM, DELTA),
        used_for="Theorems 3 and 4; consistency; choosing beta.",
        checks=recovery_checks(),
        repairs="REC-C1",
        vacuous=_needs,
        notes="For Gaussian noise independent between tasks the d-term is tau d/gamma instead of "
        "16 d/gamma² (EXT-3).",
    ),
    Claim(
        id="REC-T34-R",
        family="recovery",
        title="Group recovery under both models with the budget in d",
        statement=r"Under "
        + _BUDGET
        + r", with probability at least $1-\delta$: under model (A) the components of $\hat G$ are "
        r"$\mathcal P^*$; under model (B) $\chi(\hat G)=m$, and the classes of any optimal "
        r"coloring and of first-fit in any order are $\{P_r\}$.",
        plain="Under REC-C1-R's budget and the margin for every pair, components (A), or the "
        "classes of optimal and of first-fit colourings (B), are the groups, with probability >= "
        "1 - delta.",
        source=ours("repair of Theorems 3 and 4"),
        assumptions=(A1_PAIRS, CONDITIONAL_NOISE, NO_DRIFT, MIN_NORM, DELTA),
        used_for="Section 5.4.",
        checks=(
            proof(
                "on the event G^ = G* the groups are found",
                (
                    Step("REC-C1-R: G^ = G* with probability >= 1 - delta."),
                    Step("Model (A): REC-P2. Model (B): COL-P1, COL-T1; first-fit: EXT-6."),
                ),
            ),
            recovery_checks()[1],
        ),
        repairs="REC-T4",
    ),
)
