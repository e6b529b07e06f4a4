"""EXT-3, second half: how noise shrinks cosines, and when edges vanish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.coloring._gradients import read_gradients
from proofs_check.claims.ema.objects import dot
from proofs_check.claims.recovery._assumptions import GAUSSIAN, INDEPENDENT_TASKS, MIN_NORM
from proofs_check.claims.recovery._checks import (
    Step,
    identities,
    is_zero,
    ours,
    proof,
    replayed,
    some,
)
from proofs_check.claims.recovery._exact import sign_sum_at_least
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Check, CheckContext, Claim, Method

__all__ = ["CLAIMS", "ratio_checks"]


@replayer("ext3-shrink")
def replay_shrink(data: Mapping[str, Any]) -> Replay:
    """Noise of energy s² d on means of unequal norms: what the ratio of expectations becomes."""
    means = [tuple(map(Fraction, v)) for v in read_gradients(data["means"])]
    energy = rational(data["energy"])
    inner = dot(means[0], means[1])
    norms = [dot(mean, mean) for mean in means]
    least = min(norms)
    ratio = energy / least
    # squares of: E<g_1, g_2>/sqrt(E|g_1|² E|g_2|²) and of C/(1 + lambda)
    true = inner**2 / ((norms[0] + energy) * (norms[1] + energy))
    claimed = inner**2 / (norms[0] * norms[1]) / (1 + ratio) ** 2
    return Replay(
        (
            f"squared norms {norms[0]} and {norms[1]}, m_0² = {least}, s² d = {energy}, lambda = "
            f"{ratio}; inner product {inner} in mean too (independent noise)",
            f"squared ratio of expectations: {true}",
            f"(C/(1 + lambda))² = {claimed}",
        ),
        inner != 0 and energy > 0 and true != claimed,
    )


def _ratio(sympy: ModuleType) -> list[Identity]:
    c, a, b, energy, m0 = sympy.symbols("C a b e m0", positive=True)
    square = (c * a * b) ** 2 / ((a**2 + energy) * (b**2 + energy))
    return [
        (
            "squared ratio = C²/((1+lambda_i)(1+lambda_j))",
            square,
            c**2 / ((1 + energy / a**2) * (1 + energy / b**2)),
        ),
        (
            "equal norms m_0: C²/(1+lambda)²",
            square.subs({a: m0, b: m0}),
            c**2 / (1 + energy / m0**2) ** 2,
        ),
    ]


def _sign_cases(context: CheckContext) -> Iterator[tuple[int, int, int, int]]:
    del context
    for x in range(-3, 4):
        for y in (1, 2, 3):
            for dim in (1, 2, 3):
                yield x, y, 2, dim


def _expectations_by_enumeration(case: tuple[int, int, int, int]) -> bool:
    """Signs on all of d coordinates of two tasks: E<g_i,g_j> and E|g_i|² exactly."""
    x, y, z, dim = case
    mu_i = (x, y) + (0,) * dim
    mu_j = (z, -1) + (0,) * dim
    size = len(mu_i)
    inner = norm = 0
    for signs in product((-1, 1), repeat=2 * size):
        g_i = [m + s for m, s in zip(mu_i, signs[:size], strict=True)]
        g_j = [m + s for m, s in zip(mu_j, signs[size:], strict=True)]
        inner += sum(a * b for a, b in zip(g_i, g_j, strict=True))
        norm += sum(a * a for a in g_i)
    count = 2 ** (2 * size)
    true = sum(a * b for a, b in zip(mu_i, mu_j, strict=True))
    energy = sum(a * a for a in mu_i) + size
    return bool(inner == count * true and norm == count * energy)


def ratio_checks(under_condition: bool = False) -> tuple[Check, ...]:
    """Return the checks of the ratio of expectations."""
    checks = (
        proof(
            "E<g_i,g_j> = <mu_i,mu_j>, E|g_i|² = |mu_i|² + s² d",
            (
                Step("Noise of mean zero, independent between the two tasks: cross terms vanish."),
                Step("E|g_i|² = |mu_i|² + E|noise|² = |mu_i|² (1 + lambda_i)."),
                Step("Equal norms m_0: both factors are sqrt(1 + lambda)."),
            ),
        ),
        identities("ratio", _ratio, "the ratio of expectations, and its equal-norm case", doc=""),
        some(
            "signs",
            _sign_cases,
            _expectations_by_enumeration,
            "integer means, signs on 3 to 5 coordinates of both tasks",
            doc="All signs, exactly.",
        ),
    )
    if not under_condition:
        return checks
    return tuple(
        replace(check, name=f"{check.name}, equal norms", under_condition=True) for check in checks
    )


def _moments(sympy: ModuleType) -> list[Identity]:
    s2, d, a2, lam = sympy.symbols("s2 d a2 lambda", positive=True)
    # Gaussian: Var<z_i,z_j> = d, Var|z|² = 2d, Var<mu,z> = a²; with s² = lambda a²/d
    scale = lam * a2 / d
    return [
        ("Var(s²<z_i,z_j>)/a⁴ -> 0", (s2**2 * d).subs(s2, scale) / a2**2, lam**2 / d),
        ("Var(s²|z|²)/a⁴ -> 0", (2 * s2**2 * d).subs(s2, scale) / a2**2, 2 * lam**2 / d),
        ("Var(2s<mu,z>)/a⁴ -> 0", (4 * s2 * a2).subs(s2, scale) / a2**2, 4 * lam / d),
    ]


def _gaussian_limit(context: CheckContext) -> Iterator[tuple[int, float]]:
    del context
    yield from ((d, lam) for d in (400, 6400) for lam in (0.25, 1.0, 4.0))


def _near_the_limit(case: tuple[int, float]) -> bool:
    """One Gaussian draw of 200 pairs: the mean cosine is C/(1+lambda) within 6 standard errors."""
    import numpy as np

    dim, lam = case
    rng = np.random.default_rng([7, dim, int(4 * lam)])
    means = np.zeros((2, dim))
    means[0, 0], means[1, :2] = 1.0, (-0.6, 0.8)
    found = means + np.sqrt(lam / dim) * rng.standard_normal((200, 2, dim))
    unit = found / np.linalg.norm(found, axis=2, keepdims=True)
    cosines = (unit[:, 0] * unit[:, 1]).sum(axis=1)
    # the ratio's bias is of order 1/d; 6 standard errors of 200 draws
    return bool(abs(cosines.mean() + 0.6 / (1 + lam)) <= 6 * cosines.std() / np.sqrt(200) + 6 / dim)


def _threshold() -> bool:
    import sympy

    tau, gamma, lam = sympy.symbols("tau gamma lambda", positive=True)
    gap = tau - (tau + gamma) / (1 + lam)
    return is_zero(gap - (tau * lam - gamma) / (1 + lam))


def _margin_cases(context: CheckContext) -> Iterator[tuple[Fraction, Fraction, int, int]]:
    del context
    for tenths in (2, 5, 7):
        tau = Fraction(tenths, 10)
        for part in (1, 2, 3):
            gamma = (1 - tau) * Fraction(part, 4)
            for m0 in (1, 2, 3):
                for axes in range(1, 60):
                    yield tau, gamma, m0, axes


def _vanishes(case: tuple[Fraction, Fraction, int, int]) -> bool:
    """An edge at C = -(tau+gamma), signs on D axes across the means, s = 1, exactly."""
    tau, gamma, m0, axes = case
    lam = Fraction(axes, m0**2)
    if lam < gamma / tau:
        return True
    # no edge iff -(tau+gamma) m_0² + S >= -tau (m_0² + D)
    bound = (tau + gamma) * m0**2 - tau * (m0**2 + axes)
    return sign_sum_at_least(axes, bound) >= Fraction(1, 2)


_ON = "result 3 beyond the paper"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EXT-3-SHRINK",
        family="recovery",
        title="Noise shrinks every population cosine to C/(1+lambda)",
        statement=r"Noise shrinks every population cosine to $C/(1+\lambda)$, "
        r"$\lambda=s^2d/m_0^2$.",
        plain="E<g_i,g_j>/sqrt(E|g_i|² E|g_j|²) = C/(1+lambda) for every pair, lambda = s² "
        "d/m_0², m_0 the smallest norm.",
        source=ours(_ON),
        assumptions=(GAUSSIAN, MIN_NORM),
        used_for="The phase transition in d.",
        checks=(
            replayed("ext3_shrink", "Norms 1 and 2."),
            *ratio_checks(under_condition=True),
        ),
        reading="'every'; cosine as the ratio of expectations, which the cosine approaches for "
        "large d (EXT-3-SHRINK-R)",
        condition="both means have the norm m_0",
        repaired_by="EXT-3-SHRINK-R",
    ),
    Claim(
        id="EXT-3-SHRINK-R",
        family="recovery",
        title="Noise shrinks a cosine by each task's own factor",
        statement=r"$\hat C_{ij}\to C_{ij}/\sqrt{(1+\lambda_i)(1+\lambda_j)}$ in probability as "
        r"$d\to\infty$ with $\lambda_i=s^2d/\|\mu_i\|^2$ fixed; it is the ratio of expectations "
        r"for every $d$.",
        plain="The ratio of expectations is C/sqrt((1+lambda_i)(1+lambda_j)) exactly, and the "
        "cosine tends to it as d grows with s² d fixed.",
        source=ours(f"repair of EXT-3-SHRINK ({_ON})"),
        assumptions=(GAUSSIAN, INDEPENDENT_TASKS),
        used_for="An edge at the margin vanishes for lambda > gamma/tau if norms are equal, later "
        "if they are larger.",
        checks=(
            *ratio_checks(),
            identities("variances", _moments, "all variances are O(1/d)", doc="Chebyshev."),
            some(
                "Gaussian draws",
                _gaussian_limit,
                _near_the_limit,
                "d = 400 and 6400, lambda = 1/4, 1, 4: 200 draws each, six standard errors",
                doc="Declared tolerance; fixed seed.",
                method=Method.STATISTICAL,
            ),
        ),
        repairs="EXT-3-SHRINK",
        notes="Limit: <g_i,g_j>/(ab) -> C, |g_i|²/a² -> 1+lambda_i by Chebyshev, and the cosine "
        "is a continuous function of the three.",
    ),
    Claim(
        id="EXT-3-VANISH",
        family="recovery",
        title="Edges at the margin vanish from lambda = gamma/tau on",
        statement=r"Edges at the margin vanish once $\lambda\ge\gamma/\tau$: the phase transition "
        r"in $d$.",
        plain="For equal norms: C/(1+lambda) >= -tau iff lambda >= gamma/tau at C = -(tau+gamma). "
        "With signs as noise across the means the edge is then missed with probability >= 1/2 at "
        "every d; for lambda > gamma/tau and Gaussian noise the probability tends to 1.",
        source=ours(_ON),
        assumptions=(INDEPENDENT_TASKS,),
        used_for="bounds.recovery.critical_noise_ratio.",
        checks=(
            proof(
                "the threshold is lambda = gamma/tau",
                (
                    Step(
                        "-(tau+gamma)/(1+lambda) + tau = (tau lambda - gamma)/(1+lambda).",
                        _threshold,
                    ),
                    Step(
                        "Signs on D axes across the means: |g_i|² = m_0² (1+lambda) exactly, and "
                        "<g_i,g_j> = C m_0² + X with X symmetric: X >= 0, of probability >= 1/2, "
                        "gives C^ >= -(tau+gamma)/(1+lambda) >= -tau."
                    ),
                    Step("Gaussian noise, lambda > gamma/tau: the limit is above -tau (SHRINK-R)."),
                ),
            ),
            some(
                "probability of a missed edge",
                _margin_cases,
                _vanishes,
                "three tau, three gamma, m_0 = 1, 2, 3, up to 59 axes",
                doc="The binomial law, exactly.",
            ),
        ),
        reading="at lambda = gamma/tau itself the limit is -tau, and the edge is there about half "
        "of the time",
        notes="tau = 0: shrinking changes no sign, and no edge vanishes.",
    ),
)
