"""Appendix D.5.2: Frequent Directions, eq. 74 and 75."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.sketches._sides import MARGIN, side_checks
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.findings import inconclusive, refutes
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

__all__ = ["CLAIMS", "cosine_checks", "gram_checks", "never_cheaper_checks"]

Row = tuple[int, int]
"""An axis and a length: the row ``length * e_axis``. On such rows every step is rational."""

_AXES = 3


def _sketched(rows: Sequence[Row], size: int) -> list[Fraction]:
    """Return the diagonal of BᵀB after Frequent Directions with `size` rows.

    Reads row by row; when the sketch has more than `size` nonzero axes, or exactly `size`, the
    size-th largest square is subtracted from all, as in the algorithm. The matrices are
    diagonal, so their singular vectors are the axes.
    """
    squares = [Fraction(0)] * _AXES
    for axis, length in rows:
        squares[axis] += length * length
        order = sorted(squares, reverse=True)
        lost = order[size - 1] if size <= _AXES else Fraction(0)
        squares = [max(s - lost, Fraction(0)) for s in squares]
    return squares


def _axis_cases() -> Iterator[tuple[tuple[Row, ...], int]]:
    kinds = [(axis, length) for axis in range(_AXES) for length in (1, 2)]
    for count in (1, 2, 3, 4):
        for rows in product(kinds, repeat=count):
            for size in (1, 2, 3):
                yield rows, size


def gram_checks(scale: Fraction = Fraction(1), power: int = 2) -> tuple[Check, ...]:
    """Return the checks of eq. 74: error ≤ scale ‖M‖²/ℓ, hence ≤ ε‖M‖² if ℓ ≥ ε^-power."""

    def size_step(z3: ModuleType) -> list[smt.Obligation]:
        size, eps = z3.Reals("l eps")
        grown = size * eps * eps if power == 2 else size * eps
        return [
            smt.Obligation("1/ℓ ≤ ε", [size >= 1, eps > 0, eps <= 1, grown >= 1], size * eps >= 1)
        ]

    def loss_step(z3: ModuleType) -> list[smt.Obligation]:
        delta, size, total = z3.Reals("delta l F")
        given = [delta >= 0, size >= 1, total >= 0, delta * size <= total]
        return [smt.Obligation("the loss", given, delta * size <= z3.RealVal(str(scale)) * total)]

    def proof(_: CheckContext) -> Finding:
        return WrittenProof(
            "Frequent Directions with ℓ ≥ 1/ε rows gives a Gram matrix within ε‖M‖_F² of MMᵀ",
            (
                Step(
                    "Each shrinking subtracts some δ_t from the ℓ largest squared singular values "
                    "at least (the smaller ones are set to 0), so ‖·‖_F² falls by at least ℓδ_t "
                    "and any |Bx|² by at most δ_t: with Δ = Σδ_t, 0 ≤ MᵀM - BᵀB ≤ ΔI and ℓΔ ≤ "
                    "‖M‖_F².",
                    lambda: smt.prove(loss_step, "step").outcome is Outcome.SUPPORTS,
                ),
                Step(
                    "Rows on span(B), P its projector: MMᵀ - MPMᵀ = M(I - P)Mᵀ ≥ 0, of norm "
                    "max |Mx|² over unit x orthogonal to B; there |Mx|² = xᵀ(MᵀM - BᵀB)x ≤ Δ."
                ),
                Step(
                    "Columns read instead of rows: A = Mᵀ has AᵀA = MMᵀ, and BᵀB is within Δ of it."
                ),
                Step(
                    "ℓ ≥ ε⁻² (or only ℓ ≥ ε⁻¹) gives Δ ≤ ‖M‖_F²/ℓ ≤ ε‖M‖_F² for ε ≤ 1.",
                    lambda: smt.prove(size_step, "step").outcome is Outcome.SUPPORTS,
                ),
                Step("An entry or a squared norm is off by at most the spectral norm."),
            ),
        ).finding()

    def holds(case: tuple[tuple[Row, ...], int]) -> bool:
        rows, size = case
        total = sum(length * length for _, length in rows)
        kept = _sketched(rows, size)
        true = [Fraction(sum(n * n for a, n in rows if a == axis)) for axis in range(_AXES)]
        # Directions: the difference of the diagonals; projection: axes that B has lost.
        by_directions = max(t - s for t, s in zip(true, kept, strict=True))
        by_rows = max((t for t, s in zip(true, kept, strict=True) if s == 0), default=Fraction(0))
        return max(by_directions, by_rows) * size <= scale * total

    def exactly(_: CheckContext) -> Finding:
        return for_every(
            _axis_cases(),
            holds,
            str,
            "up to four rows along three axes, lengths 1 and 2, ℓ = 1, 2, 3, both readings",
            "up_to",
        )

    def searched(context: CheckContext) -> Finding:
        import numpy as np

        from songoku_theory.sketch import gram_from_columns, gram_from_rows

        rng = np.random.default_rng(context.seed)
        worst, tries = 0.0, 150
        for _ in range(tries):
            tasks, dim = int(rng.integers(2, 9)), int(rng.integers(1, 12))
            decay = np.arange(1, dim + 1) ** -rng.uniform(0.0, 2.0)
            matrix = rng.normal(size=(tasks, dim)) * decay
            size = int(rng.integers(1, tasks + 1))
            for read in (gram_from_rows, gram_from_columns):
                error = np.linalg.norm(matrix @ matrix.T - read(matrix, size).gram, 2)
                worst = max(worst, float(error) * size / float((matrix**2).sum()))
        reach = f"{tries} random matrices, both readings"
        if worst > float(scale) + 1e-9:
            return refutes(reach, f"error times ℓ over ‖M‖² reaches {worst:.4f}")
        return inconclusive(reach, f"error times ℓ over ‖M‖² reaches {worst:.4f} of {scale}")

    return (
        Check("shrinking, then projecting", Method.WRITTEN_PROOF, proof),
        Check("rows along axes", Method.EXHAUSTIVE, exactly),
        Check("random matrices", Method.SEARCH, searched),
    )


def _needed_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "no ℓ with ℓ + 1 < 1/ε suffices, for any way to make a Gram matrix of rank ℓ",
        (
            Step("Take M with K = ℓ + 1 orthonormal rows: MMᵀ = I, ‖M‖_F² = ℓ + 1."),
            Step(
                "A matrix G of rank ≤ ℓ < K has a unit x with Gx = 0, so ‖(I - G)x‖ = 1 and "
                "‖MMᵀ - G‖₂ ≥ 1 = ‖M‖_F²/(ℓ + 1)."
            ),
            Step("ε‖M‖_F² ≥ 1 asks for ε ≥ 1/(ℓ + 1)."),
        ),
    ).finding()


def _needed_exactly(_: CheckContext) -> Finding:
    def holds(size: int) -> bool:
        # Any symmetric G = diag of zeros and ones with `size` ones: what a projection leaves.
        return all(
            max(1 - bit for bit in bits) * (size + 1) >= size + 1
            for bits in product((0, 1), repeat=size + 1)
            if sum(bits) <= size
        )

    return for_every(range(1, 7), holds, str, "ℓ up to 6, projections on axes", "up_to")


def cosine_checks(first: Fraction = Fraction(2)) -> tuple[Check, ...]:
    """Return the checks that |cos - ĉos| ≤ first u + 4u² for u = ε‖M‖²/m_0² ≤ 1/2."""

    def build(z3: ModuleType) -> list[smt.Obligation]:
        c, x, s, u = z3.Reals("c x s u")
        one = z3.RealVal(str(first))
        given = [u >= 0, 2 * u <= 1, c >= -1, c <= 1, x <= u, -x <= u, s >= 1 - u, s <= 1 + u]
        off = (one * u + 4 * u * u) * s
        return [
            smt.Obligation("a cosine", given, z3.And(c + x - c * s <= off, c * s - c - x <= off))
        ]

    def proof(_: CheckContext) -> Finding:
        return WrittenProof(
            "|cos - ĉos| ≤ 2u + 4u² with u = ε‖M‖_F²/m_0² ≤ 1/2",
            (
                Step(
                    "Entries are off by at most ε‖M‖_F²; divided by the norms, ĉos = (c + x)/s "
                    "with |x| ≤ u and s = √((1 + a)(1 + b)) in [1 - u, 1 + u], |a|, |b| ≤ u."
                ),
                Step(
                    "|(c + x)/s - c| ≤ (|x| + |c| |1 - s|)/s ≤ 2u/(1 - u) ≤ 2u + 4u² for u ≤ 1/2.",
                    lambda: smt.prove(build, "step").outcome is Outcome.SUPPORTS,
                ),
            ),
        ).finding()

    def grid(_: CheckContext) -> Finding:
        def cases() -> Iterator[tuple[Fraction, Fraction, Fraction, Fraction]]:
            for u in (Fraction(1, 50), Fraction(1, 10), Fraction(1, 4), Fraction(1, 2)):
                for c, i, j in product(range(-4, 5), (-1, 0, 1), (-1, 0, 1)):
                    yield u, Fraction(c, 4), i * u, 1 + j * u

        return for_every(
            cases(),
            lambda t: abs((t[1] + t[2]) / t[3] - t[1]) <= first * t[0] + 4 * t[0] ** 2,
            str,
            "cosines in quarters, four u, errors at the ends of their ranges",
        )

    return (
        Check("perturbation", Method.WRITTEN_PROOF, proof),
        Check("perturbation by z3", Method.SMT, lambda _: smt.prove(build, "2u + 4u²")),
        Check("perturbation in fractions", Method.EXACT, grid),
    )


def _worst(tasks: int, dim: int, size: int) -> int:
    """Return an error of the Gram matrix that no sketch of `size` rows can be below, unit rows.

    Rows along min(size + 1, K, d) axes in turn: the Gram matrix has as many eigenvalues of at
    least K divided by that number, rounded down, and a matrix of lower rank misses one of them.
    """
    return tasks // (size + 1) if size < min(tasks, dim) else 0


@replayer("ske-directions-cost")
def _replay_cost(data: Mapping[str, Any]) -> Replay:
    """Unit rows: the smallest ℓ for which eq. 75 can guarantee the decisions, and what it costs."""
    tasks, dim, gamma = int(data["tasks"]), int(data["dim"]), rational(data["gamma"])
    size = 1
    while not 2 * _worst(tasks, dim, size) < gamma:
        size += 1
    sketched, exact = tasks * dim * size + tasks**2 * size, tasks**2 * dim
    return Replay(
        (
            f"K = {tasks} unit rows of length {dim}: ‖M‖_F² = {tasks}, m_0 = 1; γ = {gamma}",
            f"rows along ℓ + 1 axes in turn: any Gram matrix of rank ℓ < {min(tasks, dim)} is off "
            f"by at least ⌊K/(ℓ+1)⌋, so eq. 74 asks for ε‖M‖_F² ≥ ⌊K/(ℓ+1)⌋",
            f"the right side of eq. 75 is below γ first at ℓ = {size}",
            f"Kdℓ + K²ℓ = {sketched}; K²d = {exact}",
            f"So the refresh with the guarantee costs {'more' if sketched > exact else 'no more'}.",
        ),
        0 < gamma <= 1 and sketched >= exact,
    )


def never_cheaper_checks(margin: Fraction = Fraction(1)) -> tuple[Check, ...]:
    """Return the checks that eq. 75 below γ ≤ margin forces ℓ ≥ min(K, d), hence more than K²d."""

    def build(z3: ModuleType) -> list[smt.Obligation]:
        k, d, size, gamma, error = z3.Reals("K d l gamma e")
        given = [k >= 1, d >= 1, size >= 1, gamma > 0, gamma <= z3.RealVal(str(margin))]
        given += [z3.Implies(z3.And(size < k, size < d), error >= 1), error >= 0, 2 * error < gamma]
        full = z3.Or(size >= k, size >= d)
        cost = k * (d * size) + k * (k * size)
        return [
            smt.Obligation("ℓ ≥ min(K, d)", given, full),
            smt.Obligation("ℓ ≥ K is dearer", [*given, size >= k], cost > k * (k * d)),
            smt.Obligation("ℓ ≥ d is dearer", [*given, size >= d], cost > k * (k * d)),
        ]

    def proof(_: CheckContext) -> Finding:
        return WrittenProof(
            "where eq. 75 guarantees the decisions for all unit rows, Kdℓ + K²ℓ > K²d",
            (
                Step(
                    "ℓ < min(K, d): rows along ℓ + 1 axes in turn have ℓ + 1 eigenvalues of at "
                    "least ⌊K/(ℓ+1)⌋ ≥ 1; a matrix of rank ℓ is off by the smallest of them at "
                    "least (Eckart and Young). So ε‖M‖_F² ≥ 1, and the right side is at least 2."
                ),
                Step(
                    "Below γ ≤ 1, therefore, ℓ ≥ K or ℓ ≥ d. Then Kdℓ ≥ K²d or K²ℓ ≥ K²d, and the "
                    "other term comes on top.",
                    lambda: smt.prove(build, "step").outcome is Outcome.SUPPORTS,
                ),
            ),
        ).finding()

    def counted(_: CheckContext) -> Finding:
        def holds(case: tuple[int, int, int]) -> bool:
            k, d, parts = case
            gamma, size = margin / parts, 1
            while not 2 * _worst(k, d, size) < gamma:
                size += 1
            return k * d * size + k * k * size > k * k * d

        return for_every(
            product((1, 2, 5, 40), (1, 3, 16, 1024), (1, 2, 7)),
            holds,
            str,
            "K up to 40, d up to 1024, three margins: the smallest ℓ, and its cost",
        )

    return (
        Check("the smallest ℓ", Method.WRITTEN_PROOF, proof),
        Check("the smallest ℓ by z3", Method.SMT, lambda _: smt.prove(build, "dearer")),
        Check("costs counted", Method.EXACT, counted),
    )


def _at_forty(_: CheckContext) -> VacuityFinding:
    tasks, dim = 40, 1024
    least = min(2 * _worst(tasks, dim, size) for size in range(1, tasks))
    return VacuityFinding(
        least >= 2,
        f"K = {tasks}, d = {dim}: for every ℓ < K a right side that holds for all unit rows is at "
        f"least {least}, and two cosines never differ by more than 2; with Frequent Directions' "
        f"own ε = 1/ℓ it takes ℓ > {2 * tasks * Fraction(20, 3)} to get below γ = 3/20",
    )


_NORMS = Assumption("norm floor", "min ‖m_i‖ ≥ m_0 > 0")
_SMALL = Assumption("small error", "ε‖M‖_F² ≤ m_0²/2, so that the O-term is one")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="SKE-74",
        family="sketches",
        title="Frequent Directions bounds the Gram matrix's error",
        statement=r"Frequent Directions gives a spectral-norm bound "
        r"$|MM^\top-\widehat{MM^\top}|_2\le\epsilon|M|_F^2$ when $\ell=\Theta(\epsilon^{-2})$, "
        r"which yields a uniform bound on inner-product and squared-norm errors.",
        plain="For 0 < ε ≤ 1 and ℓ ≥ ε⁻², the Gram matrix of the rows projected on span(B), and "
        "the one sketched from M's columns, are within ε‖M‖_F² of MMᵀ in spectral norm, so in "
        "every entry.",
        source=Source("SON-GOKU", "App. D.5.2", ("74",)),
        assumptions=(),
        used_for="eq. 75",
        checks=gram_checks(),
        reading="the two constructions of the text for which the dimensions fit: rows projected on "
        "span(B), or the columns read; Θ as 'this many suffice'",
        notes="What Frequent Directions itself bounds is ‖MᵀM - BᵀB‖, d x d: that BBᵀ, ℓ x ℓ, were "
        "near MMᵀ is not meant and not true. Reading columns, the sketch takes O(ℓK) numbers and "
        "not the O(ℓd) of the text. ε⁻² is more than needed: SKE-74-SIZE.",
    ),
    Claim(
        id="SKE-74-SIZE",
        family="sketches",
        title="1/ε rows suffice",
        statement=r"(74) holds for $\ell\ge\epsilon^{-1}$.",
        plain="For 0 < ε ≤ 1, ℓ ≥ 1/ε suffices for eq. 74.",
        source=Source("songoku", "a stronger reading of App. D.5.2, eq. 74", ("74",)),
        assumptions=(),
        used_for="the best ε for a given ℓ, in eq. 75 and in the costs",
        checks=gram_checks(power=1),
        notes="Ghashami et al. (2016) give 1/ε as well, and better for M near low rank: "
        "‖M - M_k‖_F²/(ℓ - k).",
    ),
    Claim(
        id="SKE-74-NEED",
        family="sketches",
        title="about 1/ε rows are needed",
        statement=r"For no $\ell<\epsilon^{-1}-1$ does (74) hold for all $M$, whatever matrix of "
        r"rank $\ell$ is used.",
        plain="If ℓ + 1 < 1/ε there is an M such that every matrix of rank ℓ is off MMᵀ by more "
        "than ε‖M‖_F².",
        source=Source("songoku", "on App. D.5.2, eq. 74", ("74",)),
        assumptions=(),
        used_for="that 1/ε can't be improved but by a constant",
        checks=(
            Check("orthonormal rows", Method.WRITTEN_PROOF, _needed_proof),
            Check("orthonormal rows, axes", Method.EXHAUSTIVE, _needed_exactly),
        ),
    ),
    Claim(
        id="SKE-75",
        family="sketches",
        title="the cosines' error",
        statement=r"$|\cos(m_i,m_j)-\widehat{\cos}(m_i,m_j)|\le\frac{2\epsilon\|M\|_F^2}{m_0^2}+"
        r"O\big(\frac{\epsilon^2\|M\|_F^4}{m_0^4}\big)$.",
        plain="If all entries of a Gram matrix are off by at most ε‖M‖_F² and u = ε‖M‖_F²/m_0² ≤ "
        "1/2, each cosine is off by at most 2u + 4u².",
        source=Source("SON-GOKU", "App. D.5.2", ("75",)),
        assumptions=(_NORMS, _SMALL),
        used_for="'decisions preserved deterministically'",
        checks=cosine_checks(),
        vacuous=_at_forty,
        notes="Vacuous for every sketch with fewer rows than M (SKE-75-COST-R). The bound is in "
        "terms of ‖M‖_F, at least K m_0², which counts all tasks; on averages near low rank the "
        "sketch can do better than any such bound says.",
    ),
    Claim(
        id="SKE-75-DECIDE",
        family="sketches",
        title="an error below γ preserves the decisions deterministically",
        statement=r"Taking $\epsilon$ small enough so that the right-hand side is $<\gamma$ "
        r"ensures that all threshold decisions and the resulting coloring are preserved "
        r"deterministically.",
        plain="If the right side of eq. 75 is below γ and every cosine is at least γ away from -τ, "
        "edges and colouring are the same.",
        source=Source("SON-GOKU", "App. D.5.2", ("75",)),
        assumptions=(MARGIN, _NORMS, _SMALL),
        used_for="'the effective dimension drops from d to ℓ'",
        checks=side_checks(),
        vacuous=_at_forty,
    ),
    Claim(
        id="SKE-75-COST",
        family="sketches",
        title="with the guarantee, the refresh becomes cheaper",
        statement=r"Thus the effective dimension drops from $d$ to $\ell$ in the worst case, and "
        r"the refresh cost becomes $O(Kd\ell+K^2\ell)$.",
        plain="At an ℓ for which the right side of eq. 75 is below γ ≤ 1, Kdℓ + K²ℓ is less than "
        "K²d.",
        source=Source("SON-GOKU", "App. D.5.2", ("74", "75")),
        assumptions=(MARGIN,),
        used_for="'reducing time complexity'",
        checks=(Check("two unit rows", Method.EXACT, lambda _: refuted_by("ske_directions_cost")),),
        reading="a reduction, as the section's title says, and with the decisions preserved, as "
        "the sentence before says",
        repaired_by="SKE-75-COST-R",
    ),
    Claim(
        id="SKE-75-COST-R",
        family="sketches",
        title="with the guarantee, the sketch never is cheaper",
        statement=r"If (74) holds for all $M$ with unit rows and makes the right side of (75) less "
        r"than $\gamma\le1$, then $\ell\ge\min(K,d)$ and $Kd\ell+K^2\ell>K^2d$.",
        plain="For all K, d, ℓ and γ ≤ 1: if a bound ε‖M‖_F² on the Gram matrix's error holds for "
        "all unit rows and 2ε‖M‖_F²/m_0² < γ, then ℓ ≥ min(K, d) and Kdℓ + K²ℓ > K²d.",
        source=Source("songoku", "repair of App. D.5.2", ("75",)),
        assumptions=(),
        used_for="what Frequent Directions can be for here: a sketch without this guarantee, for "
        "averages near low rank",
        checks=never_cheaper_checks(),
        repairs="SKE-75-COST",
    ),
)
