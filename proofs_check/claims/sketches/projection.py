"""Appendix D.5.1: random projections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.sketches._exponential import exp_above, exp_below, smallest_size
from proofs_check.claims.sketches._sides import MARGIN, side_checks
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import (
    Assumption,
    Check,
    CheckContext,
    Claim,
    Finding,
    Method,
    Outcome,
    Source,
    VacuityFinding,
)

__all__ = ["CLAIMS", "cost_checks", "projection_checks"]


def projection_checks(
    share: Fraction = Fraction(1, 3), *, refreshes: bool = False
) -> tuple[Check, ...]:
    """Return the checks of the Johnson-Lindenstrauss statement with norms kept to `share` ε.

    With `refreshes` it is for N matrices of averages in place of one.
    """
    count, sizes = ("NK²", "ln(2NK²/δ)") if refreshes else ("K²", "ln(2K²/δ)")

    def build(z3: ModuleType) -> list[smt.Obligation]:
        c, p, s, e, eps = z3.Reals("c p s e eps")
        given = [eps > 0, eps < 1, e == eps * z3.RealVal(str(share)), c >= -1, c <= 1]
        given += [p - c <= e, c - p <= e, s >= 1 - e, s <= 1 + e]
        within = z3.And(p - c * s <= eps * s, c * s - p <= eps * s)
        return [smt.Obligation("a cosine after normalisation", given, within)]

    def proof(_: CheckContext) -> Finding:
        import sympy

        e, x, y, z, n = sympy.symbols("e x y z n")
        return WrittenProof(
            f"for a matrix of independent N(0, 1/r) entries, r even and at least "
            f"4 {sizes}/(e²(1 - 2e/3)) with e = ε/3, all cosines are kept within ε with "
            f"probability at least 1 - δ",
            (
                Step("For a unit vector x fixed before the matrix, r‖xR‖² is χ² with r = 2k."),
                Step(
                    "P(χ² ≥ r(1+e)) = exp(-k(1+e)) Σ_{j<k} (k(1+e))^j/j! ≤ ((1+e) exp(-e))^k, for "
                    "(1+e)^j ≤ (1+e)^k and Σ k^j/j! ≤ exp(k). Likewise P(χ² ≤ r(1-e)) = "
                    "exp(-k(1-e)) Σ_{j≥k} (k(1-e))^j/j! ≤ ((1-e) exp(e))^k.",
                    lambda: _tails_hold().outcome is Outcome.SUPPORTS,
                ),
                Step(
                    "ln(1+e) - e ≤ -e²/2 + e³/3: equal at 0, and the difference has derivative "
                    "-e³/(1+e). ln(1-e) + e ≤ -e²/2: equal at 0, derivative -e²/(1-e).",
                    lambda: (
                        is_zero(1 / (1 + e) - 1 + e - e**2 + e**3 / (1 + e))
                        and is_zero(-1 / (1 - e) + 1 + e + e**2 / (1 - e))
                    ),
                ),
                Step(
                    f"So each of K unit rows and K(K-1)/2 sums and as many differences, {count} "
                    f"vectors in all, has its squared norm kept within a share e but for "
                    f"2 exp(-r e²(1 - 2e/3)/4); altogether at most δ.",
                    lambda: (
                        is_zero(n * (x + x * (x - 1)) - n * x**2)
                        and is_zero((e**2 / 2 - e**3 / 3) / 2 - e**2 * (1 - 2 * e / 3) / 4)
                    ),
                ),
                Step(
                    "4⟨x, y⟩ = ‖x+y‖² - ‖x-y‖² and ‖x+y‖² + ‖x-y‖² = 4 for unit vectors: inner "
                    "products are within e.",
                    lambda: is_zero((y + z) ** 2 - (y - z) ** 2 - 4 * y * z),
                ),
                Step(
                    "After division by the two norms, whose product is in [1 - e, 1 + e], a cosine "
                    "is off by at most 2e/(1 - e) ≤ ε.",
                    lambda: smt.prove(build, "step").outcome is Outcome.SUPPORTS,
                ),
                Step(
                    f"1 - 2e/3 ≥ 7/9, and {sizes} with δ = 1/(N K) or 1/K is O(ln NK) or O(ln K): "
                    f"r = O(ε⁻² log) as stated, for K ≥ 2."
                ),
            ),
        ).finding()

    def normalised(_: CheckContext) -> Finding:
        def cases() -> Iterator[tuple[Fraction, Fraction, Fraction, Fraction]]:
            for eps in (Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)):
                e = eps * share
                for c, a, b in product(range(-4, 5), (-1, 0, 1), (-1, 0, 1)):
                    cosine = Fraction(c, 4)
                    yield eps, cosine, cosine + a * e, 1 + b * e

        return for_every(
            cases(),
            lambda x: abs(x[2] / x[3] - x[1]) <= x[0],
            str,
            "cosines in quarters, three ε, inner products and norms at the ends of their ranges",
        )

    return (
        Check("chi-square tails and a union bound", Method.WRITTEN_PROOF, proof),
        Check("normalisation by z3", Method.SMT, lambda _: smt.prove(build, "within ε", "up_to")),
        Check("tails in fractions", Method.EXACT, lambda _: _tails_hold()),
        Check("normalisation in fractions", Method.EXACT, normalised),
    )


def _tails_hold() -> Finding:
    """Both sums of step 2 against their bounds, term sums in fractions, exp(k) from below."""

    def holds(case: tuple[int, Fraction]) -> bool:
        k, e = case
        upper, lower, terms, power = Fraction(0), Fraction(0), Fraction(0), Fraction(1)
        for j in range(5 * k + 20):
            upper += power * (1 + e) ** j if j < k else 0
            lower += power * (1 - e) ** j if j >= k else 0
            terms += power
            power = power * k / (j + 1)
        return upper <= (1 + e) ** k * terms and lower <= (1 - e) ** k * terms

    return for_every(
        product(range(1, 13), (Fraction(1, 10), Fraction(1, 3), Fraction(4, 5))),
        holds,
        str,
        "r = 2k up to 24, three e: both tails against their bounds",
    )


@replayer("ske-projection-cost")
def _replay_cost(data: Mapping[str, Any]) -> Replay:
    """Operations of a refresh with a projection to r = ln(K)/ε² numbers, against K²d."""
    tasks, dim = int(data["tasks"]), int(data["dim"])
    epsilon, size = rational(data["epsilon"]), int(data["size"])
    wanted = exp_below(size * epsilon**2) >= tasks > exp_above((size - 1) * epsilon**2)
    sketched, exact = tasks * dim * size + tasks**2 * size, tasks**2 * dim
    return Replay(
        (
            f"K = {tasks}, d = {dim}, ε = {epsilon}: r = {size} is the smallest with r ≥ ε⁻² ln K "
            f"({wanted}; exp compared through rational bounds), the constant of Θ taken as 1",
            f"Kdr + K²r = {sketched}",
            f"K²d = {exact}",
            f"So the refresh with the sketch costs {'more' if sketched > exact else 'less'}.",
        ),
        wanted and size < dim and sketched >= exact,
    )


def cost_checks(condition: bool) -> tuple[Check, ...]:
    """Return the checks that Kdr + K²r < K²d exactly when r (K + d) < K d."""

    def build(z3: ModuleType) -> list[smt.Obligation]:
        k, d, r = z3.Reals("K d r")
        given = [k >= 1, d >= 1, r >= 1]
        return [
            smt.Obligation(
                "cheaper iff r (K + d) < K d",
                given,
                (k * (r * (k + d)) < k * (k * d)) == (r * (k + d) < k * d),
            ),
            smt.Obligation(
                "then r < K and r < d", [*given, r * (k + d) < k * d], z3.And(r < k, r < d)
            ),
        ]

    def proof(_: CheckContext) -> Finding:
        import sympy

        k, d, r = sympy.symbols("K d r", positive=True)
        return WrittenProof(
            "Kdr + K²r < K²d iff r < Kd/(K + d)",
            (
                Step(
                    "Divide by K > 0: r(d + K) < Kd.",
                    lambda: is_zero((k * d * r + k**2 * r) / k - r * (d + k)),
                ),
                Step("Kd/(K + d) < K and < d, since d/(K + d) < 1 and K/(K + d) < 1."),
            ),
        ).finding()

    return (
        Check("divide by K", Method.WRITTEN_PROOF, proof, under_condition=condition),
        Check(
            "the equivalence by z3",
            Method.SMT,
            lambda _: smt.prove(build, "cheaper exactly then"),
            under_condition=condition,
        ),
    )


def _never_cheaper(_: CheckContext) -> VacuityFinding:
    margin, tasks = Fraction(3, 20), 40
    size = smallest_size(margin, tasks)
    return VacuityFinding(
        size >= tasks,
        f"K = {tasks}, ε below γ = {margin}: r is at least {size} even with 1 for the constant, "
        f"and the condition asks for r < {tasks}; K rows lie in K dimensions anyway",
    )


@replayer("ske-projection-kernel")
def _replay_kernel(data: Mapping[str, Any]) -> Replay:
    """Two averages that differ in a direction which the fixed matrix does not see."""
    matrix = [[rational(x) for x in row] for row in data["matrix"]]
    rows = [[rational(x) for x in row] for row in data["averages"]]
    tau, gamma = rational(data["tau"]), rational(data["gamma"])
    small = [
        [
            sum((x * m[j] for x, m in zip(row, matrix, strict=True)), Fraction(0))
            for j in range(len(matrix[0]))
        ]
        for row in rows
    ]

    def below(pair: list[list[Fraction]], level: Fraction) -> bool:
        """Is the cosine below -level?  level >= 0."""
        dot = sum((a * b for a, b in zip(*pair, strict=True)), Fraction(0))
        lengths = [sum((a * a for a in v), Fraction(0)) for v in pair]
        return dot < 0 and dot * dot > level * level * lengths[0] * lengths[1]

    true, sketched = below(rows, tau + gamma), below(small, tau)
    return Replay(
        (
            f"d = {len(matrix)}, r = {len(matrix[0])}; matrix {data['matrix']}",
            f"averages {data['averages']}: cosine below -τ - γ = {-(tau + gamma)}: {true}",
            f"sketches {[[str(x) for x in row] for row in small]}: cosine below -τ = {-tau}: "
            f"{sketched}",
            "So the pair is a conflict by more than the margin, and the sketch has no edge.",
        ),
        len(matrix[0]) < len(matrix) and true and not sketched,
    )


_FIXED = Assumption("oblivious", "the averages M do not depend on the projection matrix")
_FLOOR = Assumption("norm floor", "min ‖m_i‖ ≥ m_0 > 0")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="SKE-JL",
        family="sketches",
        title="a projection to Θ(log K / ε²) numbers keeps all cosines within ε",
        statement=r"If we map the $K$ task-EMA vectors from $\mathbb R^d$ to $\mathbb R^r$ using a "
        r"suitable random matrix with $r=\Theta(\epsilon^{-2}\log K)$, then after row "
        r"normalization all pairwise inner products (hence cosines) are preserved within "
        r"$\pm\epsilon$ with high probability.",
        plain="For 0 < ε < 1 and M fixed before a Gaussian matrix, with r = C ε⁻² ln K for an "
        "absolute C, all cosines of the projected rows are within ε of the true ones with "
        "probability at least 1 - 1/K.",
        source=Source("SON-GOKU", "App. D.5.1"),
        assumptions=(_FIXED, _FLOOR),
        used_for="the decisions of D.5.1",
        checks=projection_checks(),
        reading="Gaussian as the suitable matrix; M independent of it",
        notes="The norm floor is not needed here: a projection keeps norms relatively, so a zero "
        "row is the only one without a cosine. That the conclusion holds at one refresh says "
        "nothing of a whole run: see SKE-JL-RUN.",
    ),
    Claim(
        id="SKE-JL-GRAPH",
        family="sketches",
        title="ε below the margin keeps the edges and the colouring",
        statement=r"Choosing $\epsilon<\gamma$ [...] ensures that every pair remains on the same "
        r"side of the threshold $-\tau$. Therefore the set $\{(i,j):\widehat C_{ij}<-\tau\}$ and "
        r"the resulting coloring are unchanged with high probability.",
        plain="If every cosine moves by less than γ, and every true cosine is at least γ away from "
        "-τ, the set of edges and the colouring are the same.",
        source=Source("SON-GOKU", "App. D.5.1"),
        assumptions=(MARGIN,),
        used_for="'decisions are preserved'",
        checks=side_checks(),
        reading="γ as the margin of the cosines that are sketched: the text calls it the margin of "
        "the recovery analysis, which is of the population cosines",
        notes="The estimates Ĉ have margin γ minus their own error; for the same graph as the "
        "population's, sketch and estimation error together have to stay below γ.",
    ),
    Claim(
        id="SKE-JL-RUN",
        family="sketches",
        title="one matrix for a whole run",
        statement=r"$\widetilde M=MR$ [...]. Storage for the sketched EMAs is $O(Kr)$.",
        plain="A matrix R with r < d that is kept through the run keeps every decision with margin "
        "γ, whatever averages the run brings.",
        source=Source("songoku", "on App. D.5.1, what storing sketched averages asks for"),
        assumptions=(),
        used_for="storing O(Kr) numbers: the averages then live in the sketch, under one matrix",
        checks=(
            Check("a direction that is not seen", Method.EXACT, lambda _: refuted_by("ske_kernel")),
        ),
        reading="averages that may depend on the matrix: they do, through the schedule that it "
        "decides; the guarantee SKE-JL is for averages fixed beforehand",
        repaired_by="SKE-JL-RUN-R",
        notes="Every matrix with r < d has such a pair: u + tz and u - tz, with zR = 0 and t "
        "large. That a run finds it is another matter; no theorem here excludes it.",
    ),
    Claim(
        id="SKE-JL-RUN-R",
        family="sketches",
        title="N refreshes whose averages do not depend on the matrix",
        statement=r"For $N$ matrices $M$ that are independent of $R$, $r=\Theta(\epsilon^{-2}\log "
        r"(NK))$ keeps all cosines within $\epsilon$ at all $N$ refreshes, with high probability.",
        plain="For N matrices M fixed before R, r = C ε⁻² ln(NK) keeps all cosines of all of them "
        "within ε with probability at least 1 - 1/(NK).",
        source=Source("songoku", "repair of SKE-JL-RUN"),
        assumptions=(_FIXED,),
        used_for="how long one matrix may be used",
        checks=projection_checks(refreshes=True),
        repairs="SKE-JL-RUN",
        notes="The same proof with NK² vectors in place of K²: the union bound is the only step "
        "that counts them.",
    ),
    Claim(
        id="SKE-JL-COST",
        family="sketches",
        title="the projection makes a refresh cheaper",
        statement=r"In short, dimensionality drops from $d$ to $r$, the refresh cost drops from "
        r"$\Theta(K^2d)$ to $O(Kdr+K^2r)$, and decisions are preserved as long as the chosen $r$ "
        r"makes the embedding error smaller than the margin.",
        plain="With r = ε⁻² ln K < d and ε < γ, Kdr + K²r is less than K²d.",
        source=Source("SON-GOKU", "App. D.5.1"),
        assumptions=(),
        used_for="'reducing time complexity'",
        checks=(
            Check("counted", Method.EXACT, lambda _: refuted_by("ske_projection_cost")),
            *cost_checks(True),
        ),
        reading="a dense matrix, as in the stated cost; the constant in Θ as 1, which favours the "
        "claim: Dasgupta and Gupta's is 8 or more",
        condition="r < Kd/(K + d), hence fewer dimensions than tasks",
        repaired_by="SKE-JL-COST-R",
        vacuous=_never_cheaper,
        notes="A sparse embedding costs O(d) a row instead of O(dr), and sketching each gradient "
        "saves keeping averages of length d; neither is what the text counts. K rows always have "
        "the same Gram matrix as some K rows in K dimensions, so r ≥ K saves nothing by itself.",
    ),
    Claim(
        id="SKE-JL-COST-R",
        family="sketches",
        title="a dense projection is cheaper exactly for r < Kd/(K + d)",
        statement=r"$Kdr+K^2r<K^2d$ iff $r<\frac{Kd}{K+d}$; then $r<K$ and $r<d$.",
        plain="For K, d, r ≥ 1: Kdr + K²r < K²d exactly when r < Kd/(K + d), which is less than K "
        "and less than d.",
        source=Source("songoku", "repair of App. D.5.1"),
        assumptions=(),
        used_for="when a projection pays: with r = ε⁻² ln K, for K well above ε⁻² ln K",
        checks=cost_checks(False),
        repairs="SKE-JL-COST",
    ),
)
