"""Lemma 2 (eq. 22-29): what directional deviations say about a cosine, and what they leave out.

Eq. 22 controls the noise along the two means. A cosine also depends on the noise across them, by
``<delta_i, delta_j>`` in eq. 24 and
by ``|delta_i|²`` in eq. 25; in d dimensions that is most of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.coloring._gradients import read_gradients
from proofs_check.claims.coloring._kernels import Z3
from proofs_check.claims.ema.objects import Vector, dot
from proofs_check.claims.recovery._assumptions import MIN_NORM, NONZERO
from proofs_check.claims.recovery._checks import (
    Obligation,
    Step,
    appendix_b,
    identities,
    is_zero,
    ours,
    proof,
    replayed,
    run,
    solver,
    some,
)
from proofs_check.claims.recovery._exact import Enclosure, cosine, root
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.findings import inconclusive, refutes
from proofs_check.methods.symbolic import Expression, Identity
from proofs_check.model import CheckContext, Claim, Finding, Method

__all__ = ["CLAIMS", "directional_deviations", "norm_bound_holds"]

Case = tuple[Vector, Vector, Vector, Vector]
"""mu_i, mu_j, delta_i, delta_j."""


def _add(u: Vector, v: Vector) -> Vector:
    return tuple(a + b for a, b in zip(u, v, strict=True))


def directional_deviations(case: Case) -> tuple[Fraction, ...]:
    """Bound the four numbers of eq. 22 from above (exactly where the norms are rational)."""
    mu_i, mu_j, delta_i, delta_j = case
    return tuple(
        abs(dot(delta, mean)) / root(dot(mean, mean)).low
        for delta, mean in ((delta_i, mu_j), (delta_j, mu_i), (delta_i, mu_i), (delta_j, mu_j))
    )


def _error(case: Case) -> Enclosure:
    mu_i, mu_j, delta_i, delta_j = case
    return cosine(_add(mu_i, delta_i), _add(mu_j, delta_j)).minus(cosine(mu_i, mu_j))


def _read(data: Mapping[str, Any]) -> Case:
    mu_i, mu_j = (tuple(map(Fraction, v)) for v in read_gradients(data["means"]))
    delta_i, delta_j = (tuple(rational(x) for x in row) for row in data["deviations"])
    return mu_i, mu_j, delta_i, delta_j


@replayer("recovery-lemma-2")
def replay_lemma_2(data: Mapping[str, Any]) -> Replay:
    """Two means, two deviations across them: eq. 22 holds with eps, eq. 23 does not."""
    case = _read(data)
    epsilon, min_norm = rational(data["epsilon"]), rational(data["min_norm"])
    found = directional_deviations(case)
    bound = 6 * epsilon / min_norm + 4 * epsilon**2 / min_norm**2
    error = _error(case).smallest_size()
    hypotheses = (
        epsilon > 0
        and min_norm > 0
        and all(dot(mu, mu) >= min_norm**2 for mu in case[:2])
        and max(found) <= epsilon
    )
    return Replay(
        (
            f"means {[list(map(str, v)) for v in case[:2]]}, deviations "
            f"{[list(map(str, v)) for v in case[2:]]}, m_0 = {min_norm}",
            f"the four deviations of eq. 22: {', '.join(map(str, found))}; eps = {epsilon}",
            f"|C^ - C*| = {error}; eq. 23 allows {bound}",
        ),
        hypotheses and error > bound,
    )


def _search(context: CheckContext) -> Finding:
    """Raise the violation over random rational deviations: the best has them across the means."""
    import numpy as np

    rng = np.random.default_rng(context.seed)
    worst = Fraction(0)
    for _ in range(150):
        angle = [Fraction(int(x), 4) for x in rng.integers(-8, 9, size=2)]
        mu_i, mu_j = (Fraction(1), Fraction(0), Fraction(0)), (Fraction(1), angle[0], Fraction(0))
        across = [Fraction(int(x)) for x in rng.integers(-6, 7, size=2)]
        case = (
            mu_i,
            mu_j,
            (Fraction(0), Fraction(0), across[0]),
            (Fraction(0), Fraction(0), across[1]),
        )
        worst = max(worst, _error(case).smallest_size())
    if worst > Fraction(1, 2):
        return refutes(
            "random deviations across two means",
            f"deviations with all four numbers of eq. 22 equal to 0 move the cosine by up to "
            f"{float(worst):.3f}",
            "rec_l2_across",
        )
    return inconclusive("random deviations", f"largest error found {float(worst):.3f}")


def norm_bound_holds(case: Case, factor: int = 2) -> bool:
    """Whether ``|C^ - C*| <= factor (|delta_i|/|mu_i| + |delta_j|/|mu_j|)``, certainly."""
    mu_i, mu_j, delta_i, delta_j = case
    if not any(_add(mu_i, delta_i)) or not any(_add(mu_j, delta_j)):
        return True
    allowed = factor * (
        root(dot(delta_i, delta_i) / dot(mu_i, mu_i)).low
        + root(dot(delta_j, delta_j) / dot(mu_j, mu_j)).low
    )
    # equality occurs only for deviations 0; then both sides are exactly 0
    if not any(delta_i) and not any(delta_j):
        return True
    return _error(case).largest_size() <= allowed


def _norm_cases(context: CheckContext) -> Iterator[Case]:
    import numpy as np

    plane = [tuple(map(Fraction, v)) for v in product((-2, -1, 0, 1, 2), repeat=2)]
    means = [v for v in plane if any(v)][::4]
    for mu_i, mu_j in product(means, repeat=2):
        for delta_i, delta_j in product(plane[::3], plane[::4]):
            yield mu_i, mu_j, delta_i, delta_j
    rng = np.random.default_rng(context.seed)
    for _ in range(2000 if context.profile == "full" else 300):
        vectors = [
            tuple(Fraction(int(x), 6) for x in row) for row in rng.integers(-12, 13, size=(4, 4))
        ]
        if any(vectors[0]) and any(vectors[1]):
            yield vectors[0], vectors[1], vectors[2], vectors[3]


def _two_pieces() -> bool:
    import sympy

    x, y, u, v = sympy.symbols("x y u v")
    return is_zero(x * y - u * v - ((x - u) * y + u * (y - v)))


def _triangle(z3: Z3) -> list[Obligation]:
    """With a = |mu|, b = |mu + delta|, e = |delta|: the two pieces add up to at most 2e/a."""
    a, b, e = z3.Reals("a b e")
    gap = z3.If(a > b, a - b, b - a)
    return [
        Obligation(
            "| b/b - b/a | + e/a <= 2 e/a when |b - a| <= e",
            [a > 0, b > 0, e >= 0, b - a <= e, a - b <= e],
            gap / a + e / a <= 2 * e / a,
        )
    ]


def _one_coordinate() -> bool:
    import sympy

    m, n, p, q = sympy.symbols("m n p q")
    product_closes = is_zero((m + p) * (n + q) - m * n - (p * n + m * q + p * q))
    return product_closes and is_zero((m + p) ** 2 - (m**2 + 2 * m * p + p**2))


def _inner(sympy: ModuleType) -> list[Identity]:
    mi, mj, di, dj = (sympy.symbols(f"{name}0:3") for name in ("m", "n", "p", "q"))

    def ip(u: Sequence[Expression], v: Sequence[Expression]) -> Expression:
        return sum(a * b for a, b in zip(u, v, strict=True))

    gi = [a + b for a, b in zip(mi, di, strict=True)]
    gj = [a + b for a, b in zip(mj, dj, strict=True)]
    return [
        (
            "eq. 24, three coordinates",
            ip(gi, gj) - ip(mi, mj),
            ip(di, mj) + ip(mi, dj) + ip(di, dj),
        ),
        (
            "eq. 25 squared, three coordinates",
            ip(gi, gi),
            ip(mi, mi) * (1 + 2 * ip(di, mi) / ip(mi, mi) + ip(di, di) / ip(mi, mi)),
        ),
    ]


def _inner_cases(context: CheckContext) -> Iterator[Case]:
    import numpy as np

    rng = np.random.default_rng(context.seed + 1)
    for dim in (1, 2, 5, 9):
        for _ in range(20):
            rows = rng.integers(-9, 10, size=(4, dim))
            vectors = [tuple(Fraction(int(x)) for x in row) for row in rows]
            if any(vectors[0]):
                yield vectors[0], vectors[1], vectors[2], vectors[3]


def _expansions_hold(case: Case) -> bool:
    mu_i, mu_j, delta_i, delta_j = case
    gi, gj = _add(mu_i, delta_i), _add(mu_j, delta_j)
    numerator = dot(delta_i, mu_j) + dot(mu_i, delta_j) + dot(delta_i, delta_j)
    norm = dot(mu_i, mu_i)
    factor = 1 + 2 * dot(delta_i, mu_i) / norm + dot(delta_i, delta_i) / norm
    return dot(gi, gj) - dot(mu_i, mu_j) == numerator and dot(gi, gi) == norm * factor


def _scaled(z3: Z3) -> list[Obligation]:
    inner, norm, epsilon = z3.Reals("x n eps")
    size = z3.If(inner / norm > 0, inner / norm, -inner / norm)
    whole = z3.If(inner > 0, inner, -inner)
    return [
        Obligation(
            "|<delta, mu/|mu|>| <= eps gives |<delta, mu>| <= eps |mu|",
            [norm > 0, epsilon > 0, size <= epsilon],
            whole <= epsilon * norm,
        )
    ]


def _scaled_holds(case: Case) -> bool:
    mu, delta = case[0], case[2]
    norm = root(dot(mu, mu))
    epsilon = abs(dot(delta, mu)) / norm.low
    return abs(dot(delta, mu)) <= epsilon * norm.low <= epsilon * norm.high


REC_24 = Claim(
    id="REC-24",
    family="recovery",
    title="The proof of Lemma 2 expands inner product and norm correctly",
    statement=r"$\langle\tilde g_i,\tilde g_j\rangle-\langle\mu_i,\mu_j\rangle="
    r"\langle\delta_i,\mu_j\rangle+\langle\mu_i,\delta_j\rangle+\langle\delta_i,\delta_j\rangle$ "
    r"and $\|\tilde g_i\|=\|"
    r"\mu_i\|\sqrt{1+2\langle\delta_i,\mu_i\rangle/\|\mu_i\|^2+\|\delta_i\|^2/\|\mu_i\|^2}$.",
    plain="Eq. 24 and 25 are identities.",
    source=appendix_b("B.4, Lemma 2 (proof)", "24", "25"),
    assumptions=(NONZERO,),
    used_for="Lemma 2. The terms <delta_i, delta_j> and |delta_i|² are the ones eq. 22 leaves "
    "open.",
    checks=(
        proof(
            "eq. 24 and 25",
            (
                Step(
                    "Both sides of eq. 24, and of eq. 25 squared, are sums over coordinates: "
                    "(m+p)(n+q) - mn = pn + mq + pq and (m+p)² = m² + 2mp + p² in each.",
                    _one_coordinate,
                ),
                Step("Both sides of eq. 25 are >= 0, so equal squares are enough."),
            ),
        ),
        identities("three coordinates", _inner, "eq. 24 and 25 in three dimensions", doc="sympy"),
        some(
            "integer vectors",
            _inner_cases,
            _expansions_hold,
            "random integer vectors in 1, 2, 5 and 9 dimensions",
            doc="Exactly.",
        ),
    ),
)

REC_26 = Claim(
    id="REC-26",
    family="recovery",
    title="Directional bounds times the norm",
    statement=r"$|\langle\delta_i,\mu_i/\|\mu_i\|\rangle|\le\epsilon$ and [...] imply $|\langle"
    r"\delta_i,\mu_i\rangle|\le\epsilon\|\mu_i\|$ and [...]",
    plain="Eq. 26 implies eq. 28, and eq. 27 implies eq. 29.",
    source=appendix_b("B.4, Lemma 2 (proof)", "26", "27", "28", "29"),
    assumptions=(NONZERO,),
    used_for="Lemma 2.",
    checks=(
        solver("multiply by the norm", _scaled, "eq. 26 implies eq. 28", doc="By z3."),
        proof(
            "eq. 26 implies eq. 28",
            (Step("<delta, mu> = |mu| <delta, mu/|mu|>; take absolute values."),),
        ),
        some(
            "integer vectors",
            _inner_cases,
            _scaled_holds,
            "random integer vectors in 1, 2, 5 and 9 dimensions, eps the smallest that eq. 26 "
            "allows",
            doc="Squared, exactly.",
        ),
    ),
    reading="eq. 27 and 29 are printed as copies of 26 and 28; read with j for i, or with mu_j, "
    "they say the same of another pair of vectors",
    notes="'Using Assumption 4' is not needed: the lower bound m_0 plays no part.",
)

REC_L2 = Claim(
    id="REC-L2",
    family="recovery",
    title="Four directional deviations bound the error of a cosine",
    statement=r"If for a pair $(i,j)$ [the four deviations of eq. 22 are $\le\epsilon$], then "
    r"$|\hat C_{ij}-C^*_{ij}|\le\frac{6\epsilon}{m_0}+\frac{4\epsilon^2}{m_0^2}$.",
    plain="If the deviations of g_i and g_j along the directions of mu_i and mu_j are at most eps, "
    "then |C^ - C*| <= 6 eps/m_0 + 4 eps²/m_0².",
    source=appendix_b("B.4, Lemma 2", "22", "23"),
    assumptions=(MIN_NORM,),
    used_for="Proposition 3; it is why the dimension d is missing from eq. 30, 35, 36 and 39.",
    checks=(
        replayed("rec_l2_across", "Equal means, opposite deviations across them."),
        run("deviations across the means", Method.SEARCH, _search, doc="Random rationals."),
    ),
    reading="as printed; also with any other constants than 6 and 4, since all four deviations "
    "are 0 in the counterexample",
    repaired_by="REC-L2-R",
    notes="In one dimension there is no room across the means, and the lemma holds.",
)

REC_L2_R = Claim(
    id="REC-L2-R",
    family="recovery",
    title="The norms of the deviations bound the error of a cosine",
    statement=r"$|\hat C_{ij}-C^*_{ij}|\le 2\|\delta_i\|/\|\mu_i\|+2\|\delta_j\|/\|\mu_j\|$; so "
    r"$\|\delta_i\|,\|\delta_j\|\le\epsilon$ gives $|\hat C_{ij}-C^*_{ij}|\le 4\epsilon/m_0$.",
    plain="If |delta_i| and |delta_j| are at most eps and neither EMA is 0, then |C^ - C*| <= 4 "
    "eps/m_0, whatever the dimension is.",
    source=ours("repair of Lemma 2"),
    assumptions=(MIN_NORM,),
    used_for="REC-P3-R and REC-C1-R. The dimension comes back through the norms: |delta|² is "
    "about s² d.",
    checks=(
        proof(
            "|C^ - C*| <= 2 |delta_i|/|mu_i| + 2 |delta_j|/|mu_j|",
            (
                Step(
                    "With unit vectors: <x,y> - <u,v> = <x-u, y> + <u, y-v>, at most |x-u| + "
                    "|y-v|.",
                    _two_pieces,
                ),
                Step(
                    "For g = mu + delta: g/|g| - mu/|mu| = (g/|g| - g/|mu|) + delta/|mu|. The "
                    "first has the norm | |mu| - |g| |/|mu| <= |delta|/|mu|, the second "
                    "|delta|/|mu|: together at most 2 |delta|/|mu|."
                ),
                Step("Put the second into the first; |mu| >= m_0 gives 4 eps/m_0."),
            ),
        ),
        solver("the triangle step", _triangle, "each unit vector moves by at most 2e/a", doc="z3"),
        some(
            "vectors of the plane and of four dimensions",
            _norm_cases,
            norm_bound_holds,
            "small integer vectors in the plane, random rationals in four dimensions",
            doc="Enclosures of the roots to 24 digits decide.",
        ),
    ),
    repairs="REC-L2",
)

CLAIMS = (REC_24, REC_26, REC_L2, REC_L2_R)
