"""EXT-12: what certifies that a class is safe, from its cosines and from a member's norm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType
from typing import Any

from proofs_check.claims.descent._objects import (
    COMPATIBLE,
    NOT_ALL_ZERO,
    TAUS,
    Vector,
    compatible,
    dot,
    draw_vectors,
    integer_sets,
    read_vectors,
    show,
    total,
    vectors_of,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.search import search_rationals
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS"]

_EXACT = Assumption("exact gradients", "g_k is the gradient of task k's own loss, without noise")


# --- the chain of upper bounds on tau_eff ---------------------------------------------------


def _chain_proof(_: CheckContext) -> Finding:
    import sympy

    n12, n13, n23, a1, a2, a3 = sympy.symbols("n12 n13 n23 a1 a2 a3")
    matrix = sympy.Matrix([[0, n12, n13], [n12, 0, n23], [n13, n23, 0]])
    norms = sympy.Matrix([a1, a2, a3])
    return WrittenProof(
        "τ_eff ≤ λ_max((-C)_+) ≤ τ max_i #{j: C_ij < 0}",
        (
            Step(
                "Let N = (-C)_+ off the diagonal, a the norms. (-⟨g_i, g_j⟩)_+ = N_ij a_i a_j, so "
                "τ_eff = a'Na / a'a; for three tasks:",
                lambda: is_zero(
                    (norms.T * matrix * norms)[0]
                    - 2 * (n12 * a1 * a2 + n13 * a1 * a3 + n23 * a2 * a3)
                ),
            ),
            Step(
                "N is symmetric, so a Rayleigh quotient is at most its largest eigenvalue: the "
                "first inequality, with equality where a is a top eigenvector."
            ),
            Step(
                "N ≥ 0 entry by entry, so λ_max is at most its largest row sum (for a top "
                "eigenvector v: λ|v_i| ≤ Σ_j N_ij |v_j| ≤ (Σ_j N_ij)|v_i| at the largest |v_i|)."
            ),
            Step("Under τ-compatibility every N_ij ≤ τ; a row has as many as negative pairs."),
        ),
    ).finding()


def _gram_sets() -> Iterator[tuple[tuple[Vector, ...], Fraction]]:
    # Integer vectors whose norms are integers, so that every cosine is rational.
    units = [
        tuple(Fraction(x) for x in v)
        for v in ((5, 0), (3, 4), (-3, 4), (-4, 3), (0, -5), (4, -3), (-5, 0))
    ]
    for chosen in product(units, repeat=3):
        for factors in ((1, 1, 1), (1, 2, 3), (4, 1, 1)):
            yield (
                tuple(tuple(f * x for x in u) for f, u in zip(factors, chosen, strict=True)),
                Fraction(9, 10),
            )


def _chain_exactly(_: CheckContext) -> Finding:
    def holds(case: tuple[tuple[Vector, ...], Fraction]) -> bool:
        vectors, tau = case
        if not compatible(vectors, tau):
            return True
        norms = [Fraction(_root(dot(v, v))) for v in vectors]
        size = len(vectors)
        pairs = list(combinations(range(size), 2))
        negative = [[Fraction(0)] * size for _ in range(size)]
        for i, j in pairs:
            cosine = dot(vectors[i], vectors[j]) / (norms[i] * norms[j])
            negative[i][j] = negative[j][i] = max(-cosine, Fraction(0))
        squared = sum((a * a for a in norms), Fraction(0))
        ratio = (
            2 * sum((negative[i][j] * norms[i] * norms[j] for i, j in pairs), Fraction(0)) / squared
        )
        counts = max(sum(x > 0 for x in row) for row in negative)
        # λ_max >= ratio and λ_max <= largest row sum <= τ times the count, in exact numbers:
        # ratio I - N is not positive definite, and the row sums bound it.
        shifted = [
            [(ratio if i == j else Fraction(0)) - negative[i][j] for j in range(size)]
            for i in range(size)
        ]
        quadratic = sum(
            (shifted[i][j] * norms[i] * norms[j] for i in range(size) for j in range(size)),
            Fraction(0),
        )
        rows = max(sum(row, Fraction(0)) for row in negative)
        return quadratic == 0 and ratio <= rows <= tau * counts

    return for_every(
        _gram_sets(),
        holds,
        lambda case: show(case[0]),
        "three gradients from seven directions with rational cosines, three sets of lengths, "
        "τ = 9/10: a'(τ_eff I - N)a = 0, and the ends of the chain",
    )


def _root(value: Fraction) -> int:
    from math import isqrt

    return isqrt(int(value))


def _chain_by_solver(_: CheckContext) -> Finding:
    """The ends of the chain for three tasks: the quotient against the bound by counting pairs."""

    def build(z3: ModuleType) -> list[smt.Obligation]:
        x, y, z, a, b, c, tau = z3.Reals("x y z a b c tau")
        given = [a >= 0, b >= 0, c >= 0, a + b + c > 0, tau >= 0, tau <= 1]
        given += [v >= 0 for v in (x, y, z)] + [v <= tau for v in (x, y, z)]
        quotient = 2 * (x * a * b + y * a * c + z * b * c)
        return [
            smt.Obligation(
                "two negative pairs a task at most",
                given,
                quotient <= 2 * tau * (a * a + b * b + c * c),
            ),
            smt.Obligation(
                "one negative pair a task",
                [*given, y == 0, z == 0],
                quotient <= tau * (a * a + b * b + c * c),
            ),
        ]

    return smt.prove(build, "the ends of the chain for three tasks", "up_to", timeout_ms=20_000)


# --- a member of a class ---------------------------------------------------------------------


def _others(vectors: Sequence[Vector], task: int, tau: Fraction) -> bool:
    """Decide ‖g_i‖ ≥ τ Σ_{j≠i} ‖g_j‖ for vectors whose norms are rational."""
    norms = [_exact_norm(v) for v in vectors]
    return norms[task] >= tau * (sum(norms, Fraction(0)) - norms[task])


def _exact_norm(v: Vector) -> Fraction:
    from math import isqrt

    squared = dot(v, v)
    top, bottom = isqrt(squared.numerator), isqrt(squared.denominator)
    if top * top != squared.numerator or bottom * bottom != squared.denominator:
        raise ValueError(f"the norm of {v} is not rational")
    return Fraction(top, bottom)


@replayer("des-member-edge")
def _replay_member_edge(data: Mapping[str, Any]) -> Replay:
    """Equality in the certificate: the member's slope is zero, so it does not descend."""
    vectors, tau = read_vectors(data["gradients"]), rational(data["tau"])
    task = int(data["task"])
    fits, certified = compatible(vectors, tau), _others(vectors, task, tau)
    slope = -dot(vectors[task], total(vectors))
    return Replay(
        (
            f"gradients {show(vectors)}, norms {', '.join(str(_exact_norm(v)) for v in vectors)}; "
            f"τ = {tau}: τ-compatible: {fits}",
            f"‖g_{task + 1}‖ ≥ τ (sum of the others): {certified}",
            f"slope of task {task + 1}'s loss along the class's step: {slope}",
            "So the member is certified and does not descend: its slope is zero.",
        ),
        fits and certified and slope >= 0,
    )


def _member_proof(_: CheckContext) -> Finding:
    import sympy

    n, s, tau = sympy.symbols("n s tau")
    return WrittenProof(
        "if ‖g_i‖ > τ Σ_{j≠i} ‖g_j‖ the class's step descends on task i, and with ≥ it does not "
        "ascend",
        (
            Step("The slope of L_i is -⟨g_i, Σ_k g_k⟩ = -‖g_i‖² - Σ_{j≠i} ⟨g_i, g_j⟩."),
            Step("Each ⟨g_i, g_j⟩ ≥ -τ‖g_i‖‖g_j‖ (eq. 76)."),
            Step(
                "So the slope is at most -‖g_i‖(‖g_i‖ - τ Σ_{j≠i} ‖g_j‖), which is < 0 (≤ 0).",
                lambda: is_zero(-(n**2) + tau * n * s + n * (n - tau * s)),
            ),
        ),
    ).finding()


def _member_exactly(_: CheckContext) -> Finding:
    units = [
        tuple(Fraction(x) for x in v)
        for v in ((5, 0), (3, 4), (-3, 4), (-4, 3), (0, -5), (4, -3), (-5, 0))
    ]
    cases = (
        (tuple(tuple(f * x for x in u) for f, u in zip(factors, chosen, strict=True)), tau)
        for chosen in product(units, repeat=3)
        for factors in ((1, 1, 1), (3, 1, 1), (7, 2, 3))
        for tau in TAUS
    )

    def holds(case: tuple[tuple[Vector, ...], Fraction]) -> bool:
        vectors, tau = case
        if not compatible(vectors, tau):
            return True
        norms = [_exact_norm(v) for v in vectors]
        joint, whole = total(vectors), sum(norms, Fraction(0))
        for vector, norm in zip(vectors, norms, strict=True):
            slope = -dot(vector, joint)
            if norm > tau * (whole - norm) and slope >= 0:
                return False
            if norm >= tau * (whole - norm) and slope > 0:
                return False
        return True

    return for_every(
        cases,
        holds,
        lambda case: f"g = {show(case[0])}, τ = {case[1]}",
        "three gradients with integer norms from seven directions, 5 values of τ",
    )


def _member_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        n, a, b, p, q, tau = z3.Reals("n a b p q tau")
        given = [n > 0, a >= 0, b >= 0, tau >= 0, tau <= 1]
        given += [p >= -tau * n * a, q >= -tau * n * b]
        return [
            smt.Obligation(
                "strict certificate",
                [*given, n > tau * (a + b)],
                n * n + p + q > 0,
            ),
            smt.Obligation("certificate", [*given, n >= tau * (a + b)], n * n + p + q >= 0),
        ]

    return smt.prove(build, "a member of a class of three", "up_to")


def _member_attack(context: CheckContext) -> Finding:
    def violates(point: Sequence[Fraction]) -> bool:
        tau, vectors = point[0], vectors_of(point[1:], 1)
        # On the line every norm is rational: |x|.
        if not (0 <= tau < 1 and compatible(vectors, tau)):
            return False
        sizes = [abs(v[0]) for v in vectors]
        whole = sum(sizes, Fraction(0))
        joint = total(vectors)[0]
        return any(
            size > tau * (whole - size) and vector[0] * joint <= 0
            for vector, size in zip(vectors, sizes, strict=True)
        )

    return search_rationals(
        lambda rng: [float(rng.uniform(0, 1)), *draw_vectors(rng, 4, 1)],
        violates,
        context.seed,
        20_000 if context.profile == "full" else 400,
    )


def _integer_members(_: CheckContext) -> Finding:
    """The same on the line, all multisets."""

    def holds(case: tuple[tuple[Vector, ...], Fraction]) -> bool:
        vectors, tau = case
        if not compatible(vectors, tau):
            return True
        whole = sum((abs(v[0]) for v in vectors), Fraction(0))
        joint = total(vectors)[0]
        return all(v[0] * joint > 0 for v in vectors if abs(v[0]) > tau * (whole - abs(v[0])))

    return for_every(
        ((v, tau) for size in (2, 3, 4) for v in integer_sets(size, 1, 3) for tau in TAUS),
        holds,
        lambda case: show(case[0]),
        "all multisets of 2 to 4 integers from -3 to 3",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EXT-12-CHAIN",
        family="descent",
        title="three upper bounds on the conflict ratio, each coarser than the last",
        statement=r"For a $\tau$-compatible $S$ with cosine matrix $C$: $\tau_{\mathrm{eff}}\le"
        r"\lambda_{\max}((-C)_+)\le\tau\max_i|\{j:C_{ij}<0\}|$.",
        plain="For a τ-compatible class, τ_eff ≤ λ_max((-C)_+) ≤ τ times the largest number of "
        "negative pairs that a task has.",
        source=Source("songoku", "results beyond the paper, 12; on App. E.2", ("88",)),
        assumptions=(COMPATIBLE, NOT_ALL_ZERO),
        used_for="certificates that need no norms, or only counts",
        checks=(
            Check("Rayleigh quotient and row sums", Method.WRITTEN_PROOF, _chain_proof),
            Check("rational cosines", Method.EXACT, _chain_exactly),
            Check("the ends by z3", Method.SMT, _chain_by_solver),
        ),
        notes="The last bound is at most τ(|S| - 1), Proposition 6's, since a task has at most "
        "|S| - 1 pairs.",
    ),
    Claim(
        id="EXT-12-MEMBER",
        family="descent",
        title="a member with enough norm descends",
        statement=r"Task $i$ itself descends if $\|g_i\|\ge\tau\sum_{j\ne i}\|g_j\|$.",
        plain="In a τ-compatible class, if ‖g_i‖ ≥ τ Σ_{j≠i} ‖g_j‖ with g_i ≠ 0, the class's step "
        "is a descent direction for task i's own loss.",
        source=Source("songoku", "results beyond the paper, 12"),
        assumptions=(COMPATIBLE, _EXACT),
        used_for="which members of a class are safe",
        checks=(
            Check("equality", Method.EXACT, lambda _: refuted_by("EXT-12-MEMBER")),
            Check("pair by pair", Method.WRITTEN_PROOF, _member_proof, under_condition=True),
            Check("integer norms", Method.EXACT, _member_exactly, under_condition=True),
        ),
        reading="descent with a slope below zero; read as 'does not ascend' it holds with ≥",
        condition="the inequality is strict",
        repaired_by="EXT-12-MEMBER-R",
    ),
    Claim(
        id="EXT-12-MEMBER-R",
        family="descent",
        title="a member whose norm exceeds τ times the others' descends",
        statement=r"In a $\tau$-compatible class, $\|g_i\|>\tau\sum_{j\ne i}\|g_j\|$ implies "
        r"$\langle g_i,\sum_kg_k\rangle>0$, and $\ge$ implies $\ge0$.",
        plain="In a τ-compatible class, ‖g_i‖ > τ Σ_{j≠i} ‖g_j‖ makes the class's step a descent "
        "direction for task i; with ≥ it is no ascent direction.",
        source=Source("songoku", "results beyond the paper, 12; repair of the abstract's sentence"),
        assumptions=(COMPATIBLE, _EXACT),
        used_for="which members of a class are safe",
        checks=(
            Check("pair by pair", Method.WRITTEN_PROOF, _member_proof),
            Check("integer norms", Method.EXACT, _member_exactly),
            Check("by z3", Method.SMT, _member_by_solver),
            Check("on the line", Method.EXACT, _integer_members),
            Check("attack on the line", Method.SEARCH, _member_attack),
        ),
        repairs="EXT-12-MEMBER",
    ),
)
