"""'... not impacted by applying positive scaling' (sections 3.1 and 4.1), and eq. 9 as printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType
from typing import Any

from proofs_check.claims.ema.assumptions import BETA, WINDOW, ZERO_BUFFER
from proofs_check.claims.ema.objects import (
    Vector,
    dot,
    is_conflict,
    run_buffer,
    scaled,
    signed_square_cosine,
    vector,
    windowed,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, rational_grid, refuted_by
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS"]

_PATHS: tuple[tuple[Vector, Vector], ...] = (
    (vector(1, 0), vector(-3, 1)),
    (vector(2, -1), vector(1, 1)),
    (vector(-1, Fraction(1, 3)), vector(5, 2)),
    (vector(4, 4), vector(-1, Fraction(-7, 2))),
)
_FACTORS = (Fraction(1, 100), Fraction(1, 3), Fraction(1), Fraction(7, 2), Fraction(1000))
_TAUS = (Fraction(0), Fraction(1, 10), Fraction(1, 2), Fraction(9, 10))


def _scaling_proof(_: CheckContext) -> Finding:
    import sympy

    a, b, p, q, r = sympy.symbols("a b p q r", positive=True)
    beta, m, g = sympy.symbols("beta m g")
    return WrittenProof(
        "with factors a_k > 0 that stay the same, no cosine and no edge changes",
        (
            Step(
                "Eq. 8 is linear: a update of a m with a g is a times the update of m with g; "
                "from zero, the buffer of the scaled gradients is a times the buffer (eq. 18 "
                "likewise).",
                lambda: is_zero(
                    beta * (a * m) + (1 - beta) * (a * g) - a * (beta * m + (1 - beta) * g)
                ),
            ),
            Step(
                "Write p = ⟨u, v⟩, q = ‖u‖², r = ‖v‖². Scaling by a and b turns them into abp, "
                "a²q, b²r; cos² = p²/(qr) is unchanged.",
                lambda: is_zero((a * b * p) ** 2 / ((a**2 * q) * (b**2 * r)) - p**2 / (q * r)),
            ),
            Step("The sign of p is the sign of abp, because ab > 0. So cos is unchanged.", None),
            Step(
                "Edges are the pairs with -cos > τ: unchanged for every τ, in every dimension.",
                None,
            ),
        ),
    ).finding()


def _scaling_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        a, b, p, q, r, tau = z3.Reals("a b p q r tau")
        in_range = [a > 0, b > 0, q > 0, r > 0, tau >= 0, tau <= 1]
        scaled_p, scaled_q, scaled_r = a * b * p, a * a * q, b * b * r
        edge = z3.And(p < 0, p * p > tau * tau * q * r)
        scaled_edge = z3.And(scaled_p < 0, scaled_p * scaled_p > tau * tau * scaled_q * scaled_r)
        return [
            smt.Obligation("sign of the inner product", in_range, (scaled_p < 0) == (p < 0)),
            smt.Obligation("an edge stays", [*in_range, edge], scaled_edge),
            smt.Obligation("no edge appears", [*in_range, scaled_edge], edge),
        ]

    return smt.prove(build, "signs and edges are those of the unscaled vectors")


def _scaling_exactly(_: CheckContext) -> Finding:
    cases = [
        (beta, a, b, tau)
        for beta in rational_grid(5)
        for a in _FACTORS
        for b in _FACTORS
        for tau in _TAUS
    ]

    def holds(case: tuple[Fraction, Fraction, Fraction, Fraction]) -> bool:
        beta, a, b, tau = case
        first, second = ([pair[task] for pair in _PATHS] for task in (0, 1))
        plain = (run_buffer(first, beta), run_buffer(second, beta))
        changed = (
            run_buffer([scaled(a, g) for g in first], beta),
            run_buffer([scaled(b, g) for g in second], beta),
        )
        return signed_square_cosine(*plain) == signed_square_cosine(*changed) and is_conflict(
            *plain, tau
        ) == is_conflict(*changed, tau)

    return for_every(
        cases,
        holds,
        lambda case: f"β = {case[0]}, factors {case[1]} and {case[2]}, τ = {case[3]}",
        "4 steps of 2 tasks in dimension 2, β with denominator ≤ 5, 25 pairs of factors, 4 values "
        "of τ",
    )


@replayer("ema-zero-weight")
def _replay_zero_weight(data: Mapping[str, Any]) -> Replay:
    """A weight of zero: is the conflict graph still the same?"""
    tau = rational(data["tau"])
    vectors = [tuple(rational(x) for x in v) for v in data["gradients"]]
    weights = [rational(w) for w in data["weights"]]
    allowed = all(w >= 0 for w in weights)
    before = is_conflict(vectors[0], vectors[1], tau)
    absorbed = [scaled(w, v) for w, v in zip(weights, vectors, strict=True)]
    norms = [dot(v, v) for v in absorbed]
    undefined = 0 in norms
    return Replay(
        (
            f"gradients {_show_all(vectors)}, τ = {tau}: an edge between task 1 and 2: {before}",
            f"weights w = {', '.join(map(str, weights))}, nonnegative as eq. 2 allows: {allowed}",
            f"absorbed into the gradients: {_show_all(absorbed)}; squared norms "
            f"{', '.join(map(str, norms))}",
            f"eq. 4 divides by a zero norm: {undefined}; the pair has no cosine and no edge",
            "So absorbing a nonnegative weight has removed an edge of the conflict graph.",
        ),
        allowed and before and undefined,
    )


def _absorbed_graphs(_: CheckContext) -> Finding:
    paths = [
        [vector(1, 0), vector(2, -1)],
        [vector(-3, 1), vector(1, 1)],
        [vector(0, 2), vector(-1, -1)],
        [vector(-2, -2), vector(1, -3)],
    ]
    weights = (Fraction(0), Fraction(1, 3), Fraction(5))
    cases = [
        (beta, tau, w)
        for beta in (Fraction(0), Fraction(1, 2), Fraction(9, 10))
        for tau in _TAUS
        for w in product(weights, repeat=4)
    ]

    def edges(vectors: Sequence[Vector], tau: Fraction) -> set[tuple[int, int]]:
        return {
            (i, j)
            for i, j in combinations(range(4), 2)
            if any(vectors[i]) and any(vectors[j]) and is_conflict(vectors[i], vectors[j], tau)
        }

    def holds(case: tuple[Fraction, Fraction, tuple[Fraction, ...]]) -> bool:
        beta, tau, w = case
        plain = [run_buffer(path, beta) for path in paths]
        absorbed = [
            run_buffer([scaled(a, g) for g in path], beta) for a, path in zip(w, paths, strict=True)
        ]
        kept = {(i, j) for i, j in edges(plain, tau) if w[i] > 0 and w[j] > 0}
        return edges(absorbed, tau) == kept

    return for_every(
        cases,
        holds,
        lambda case: f"β = {case[0]}, τ = {case[1]}, w = {', '.join(map(str, case[2]))}",
        "4 tasks in dimension 2, weights 0, 1/3 and 5 in all combinations, 3 values of β, 4 of τ",
    )


@replayer("ema-changing-factor")
def _replay_changing_factor(data: Mapping[str, Any]) -> Replay:
    """Positive factors that change from step to step: is the edge still the same?"""
    beta, tau = rational(data["beta"]), rational(data["tau"])
    path = [tuple(rational(x) for x in v) for v in data["gradients"]]
    other = tuple(rational(x) for x in data["other_task"])
    factors = [rational(a) for a in data["factors"]]
    positive = all(a > 0 for a in factors)
    plain = windowed(path, beta)
    changed = windowed([scaled(a, g) for a, g in zip(factors, path, strict=True)], beta)
    edges = (is_conflict(plain, other, tau), is_conflict(changed, other, tau))
    return Replay(
        (
            f"one window of {len(path)} steps, β = {beta}, τ = {tau}; the other task: {other[0]}",
            f"gradients {_show_all(path)}, positive factors {', '.join(map(str, factors))}",
            f"eq. 18 without factors: {_show_all([plain])}; with them: {_show_all([changed])}",
            f"edge without factors: {edges[0]}; with them: {edges[1]}",
            "So positive factors that change within the window have changed the conflict graph.",
        ),
        positive and edges[0] != edges[1],
    )


def _show_all(vectors: Sequence[Vector]) -> str:
    return ", ".join(str(v[0]) if len(v) == 1 else f"({', '.join(map(str, v))})" for v in vectors)


def _constant_within_windows(_: CheckContext) -> Finding:
    import sympy

    a, w, g = sympy.symbols("a w g")
    return WrittenProof(
        "factors that change only between windows leave every graph of eq. 18 as it is",
        (
            Step(
                "Within a window every gradient of task k has one factor a_k > 0, so eq. 18's "
                "average is a_k times that of the unscaled gradients: Σ w_t (a_k g_t) = a_k Σ w_t "
                "g_t.",
                lambda: is_zero(w * (a * g) - a * (w * g)),
            ),
            Step("Positive multiples have the same cosines and edges (EMA-SCALE).", None),
            Step(
                "Eq. 18 uses no gradient from before the window, so earlier factors do not matter.",
                None,
            ),
        ),
    ).finding()


def _constant_within_windows_exactly(_: CheckContext) -> Finding:
    cases = [
        (beta, a, b, tau)
        for beta in rational_grid(5)
        for a in _FACTORS
        for b in _FACTORS
        for tau in _TAUS
    ]

    def holds(case: tuple[Fraction, Fraction, Fraction, Fraction]) -> bool:
        beta, a, b, tau = case
        for window in (_PATHS[:2], _PATHS[2:]):
            first, second = ([pair[task] for pair in window] for task in (0, 1))
            plain = (windowed(first, beta), windowed(second, beta))
            changed = (
                windowed([scaled(a, g) for g in first], beta),
                windowed([scaled(b, g) for g in second], beta),
            )
            if is_conflict(*plain, tau) != is_conflict(*changed, tau):
                return False
            a, b = b, a  # the factors change between the windows
        return True

    return for_every(
        cases,
        holds,
        lambda case: f"β = {case[0]}, factors {case[1]} and {case[2]}, τ = {case[3]}",
        "2 windows of 2 steps, factors swapped between them, β with denominator ≤ 5, 4 values of τ",
    )


@replayer("ema-eq9-printed")
def _replay_eq9(data: Mapping[str, Any]) -> Replay:
    """Eq. 9 as printed, with the norm of task i twice."""
    tau = rational(data["tau"])
    u, v = (tuple(rational(x) for x in vec) for vec in data["buffers"])
    forward, backward = -dot(u, v) / dot(u, u), -dot(v, u) / dot(v, v)
    return Replay(
        (
            f"buffers {_show_all([u, v])}, τ = {tau}",
            f"eq. 9 as printed divides by ‖g̃_i‖ twice: ρ_12 = {forward}, ρ_21 = {backward}",
            f"eq. 4 gives ρ_12 = ρ_21 with ρ|ρ| = {-signed_square_cosine(u, v)}",
            f"edge (1,2): {forward > tau}; edge (2,1): {backward > tau}",
            "So eq. 9 as printed is not symmetric, not in [-1, 1], and not eq. 4.",
        ),
        forward != backward and (forward > tau) != (backward > tau),
    )


def _integer_vectors() -> Iterator[tuple[Vector, Vector]]:
    entries = (-2, -1, 0, 1, 3)
    points = [vector(x, y) for x in entries for y in entries if (x, y) != (0, 0)]
    return ((u, v) for u in points for v in points)


def _eq4_exactly(_: CheckContext) -> Finding:
    return for_every(
        _integer_vectors(),
        lambda pair: (
            signed_square_cosine(*pair) == signed_square_cosine(pair[1], pair[0])
            and -1 <= signed_square_cosine(*pair) <= 1
        ),
        lambda pair: f"u = {pair[0]}, v = {pair[1]}",
        "all pairs of 24 integer vectors in dimension 2",
    )


def _eq4_proof(_: CheckContext) -> Finding:
    import sympy

    p, q, r, s = sympy.symbols("p q r s", real=True)
    return WrittenProof(
        "with ‖g̃_i‖‖g̃_j‖ below the line, ρ is symmetric and lies in [-1, 1]",
        (
            Step(
                "⟨u, v⟩ = ⟨v, u⟩ and the product of the norms does not depend on the order.", None
            ),
            Step(
                "Cauchy-Schwarz: 0 ≤ ‖ru - pv‖² with p = ⟨u,v⟩, r = ‖v‖² is r(qr - p²), q = ‖u‖²; "
                "r > 0, so p² ≤ qr.",
                lambda: is_zero((r**2 * q - 2 * r * p * p + p**2 * r) - r * (q * r - p**2)),
            ),
            Step(
                "In dimension 2 this is Lagrange's identity: qr - p² = (u_1 v_2 - u_2 v_1)².",
                lambda: is_zero(
                    (p**2 + q**2) * (r**2 + s**2) - (p * r + q * s) ** 2 - (p * s - q * r) ** 2
                ),
            ),
        ),
    ).finding()


def _eq4_by_symbols(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
        p, q, r = sympy.symbols("p q r")
        return [("ρ_ij² = ρ_ji²", p**2 / (q * r), p**2 / (r * q))]

    return prove_identities(build, "eq. 4 is symmetric")


_POSITIVE = Assumption("positive factors", "every factor is > 0", lambda *factors: min(factors) > 0)
_CONSTANT = Assumption("constant factors", "the factor of a task does not change over time")
_SCALE_SOURCE = Source("SON-GOKU", "sections 3.1 and 4.1", ("4", "5", "7"))
_SCALE_SENTENCE = (
    r"Cosine calculations and graph construction are not impacted by applying positive scaling."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EMA-SCALE",
        family="ema",
        title="positive scaling changes no cosine and no edge",
        statement=_SCALE_SENTENCE,
        plain="Multiplying all gradients of task k by one number a_k > 0, task by task, changes "
        "no cosine of the EMAs (eq. 4) and no edge of the conflict graph.",
        source=_SCALE_SOURCE,
        assumptions=(
            BETA,
            ZERO_BUFFER,
            _POSITIVE,
            _CONSTANT,
            Assumption("no zero buffer", "both EMAs are nonzero, so that eq. 4 is defined"),
        ),
        used_for="absorbing the task weights w_k; the factor 1 - β^t of eq. 8 against eq. 18",
        checks=(
            Check("linearity and cancellation", Method.WRITTEN_PROOF, _scaling_proof),
            Check("edges by z3", Method.SMT, _scaling_by_solver),
            Check("EMAs run in fractions", Method.EXACT, _scaling_exactly),
        ),
        reading="one constant factor a task, as eq. 2's weights; cosine as in eq. 4",
        notes="Buffers count as scaled too: a factor introduced in mid-run meets an old buffer "
        "that does not have it (EMA-SCALE-T).",
    ),
    Claim(
        id="EMA-SCALE-0",
        family="ema",
        title="nonnegative task weights may be absorbed into the gradients",
        statement=r"... with nonnegative task weights $w_k$ (default $w_k = 1$). Note that, for "
        r"simplicity in later sections, we absorb $w_k$ into the per-task gradient estimates. "
        r"This is permissible since positive scalings do not change cosine signs or the induced "
        r"conflict graph.",
        plain="Absorbing any weights w_k ≥ 0 into the gradients leaves the conflict graph "
        "unchanged.",
        source=Source("SON-GOKU", "section 3.1", ("2",)),
        assumptions=(BETA, ZERO_BUFFER, _CONSTANT),
        used_for="every later section works with the absorbed weights",
        checks=(
            Check(
                "a weight of zero",
                Method.EXACT,
                lambda _: refuted_by("EMA-SCALE-0"),
            ),
            Check(
                "linearity and cancellation",
                Method.WRITTEN_PROOF,
                _scaling_proof,
                under_condition=True,
            ),
            Check("EMAs run in fractions", Method.EXACT, _scaling_exactly, under_condition=True),
        ),
        reading="eq. 2 allows w_k = 0, the reason that is given covers w_k > 0",
        condition="every w_k > 0",
        repaired_by="EMA-SCALE-0-R",
        notes="A task of weight zero has no gradient and eq. 4 is 0/0 for it. The norm floor of "
        "Assumption 4 would leave it out of the graph.",
    ),
    Claim(
        id="EMA-SCALE-0-R",
        family="ema",
        title="absorbing nonnegative weights keeps the edges between positive ones",
        statement=r"Absorbing $w_k \ge 0$ leaves the conflict graph as it is on the tasks with "
        r"$w_k > 0$; a task with $w_k = 0$ has no cosine.",
        plain="Absorbing weights w_k ≥ 0 leaves the conflict graph as it is on the tasks with "
        "w_k > 0; a task with w_k = 0 has a zero buffer, no cosine, and so no edge.",
        source=Source("songoku", "repair of section 3.1 for w_k = 0", ("2", "4")),
        assumptions=(BETA, ZERO_BUFFER, _CONSTANT),
        used_for="absorbing the task weights w_k",
        checks=(
            Check("linearity and cancellation", Method.WRITTEN_PROOF, _scaling_proof),
            Check("graphs of four tasks", Method.EXACT, _absorbed_graphs),
        ),
        repairs="EMA-SCALE-0",
    ),
    Claim(
        id="EMA-SCALE-T",
        family="ema",
        title="positive factors that change over time change no edge",
        statement=_SCALE_SENTENCE,
        plain="Multiplying the gradients of a task by positive factors, possibly another one at "
        "each step, changes no edge of the conflict graph.",
        source=Source("songoku", "on section 4.1 with section 6.3 (AdaTask, GradNorm)", ("7",)),
        assumptions=(BETA, WINDOW, _POSITIVE),
        used_for="combining the scheduler with methods that reweight the losses as they train",
        checks=(
            Check(
                "factors that change within a window",
                Method.EXACT,
                lambda _: refuted_by("EMA-SCALE-T"),
            ),
        ),
        reading="factors that change from step to step: not eq. 2's constant weights, for which "
        "EMA-SCALE holds, but what the weights of section 6.3's methods do",
        repaired_by="EMA-SCALE-T-R",
    ),
    Claim(
        id="EMA-SCALE-T-R",
        family="ema",
        title="factors may change between windows, with eq. 18",
        statement=r"If each task's positive factor is constant within each window, eq. 18's "
        r"graphs do not change.",
        plain="Positive factors that stay the same within each window and may change between "
        "windows change no edge of the graphs made from eq. 18's averages.",
        source=Source("songoku", "repair of section 4.1 for changing weights", ("18",)),
        assumptions=(BETA, WINDOW, _POSITIVE),
        used_for="when to update loss weights: at a refresh, with windowed EMAs",
        checks=(
            Check("linearity within a window", Method.WRITTEN_PROOF, _constant_within_windows),
            Check("two windows in fractions", Method.EXACT, _constant_within_windows_exactly),
        ),
        repairs="EMA-SCALE-T",
        notes="Not so for eq. 8's carried buffers, which mix the windows (EMA-18-CARRIED-R).",
    ),
    Claim(
        id="EMA-9",
        family="ema",
        title="eq. 9 as printed is eq. 4",
        statement=r"$\rho_{ij}^{(t)} = -\frac{\langle \tilde g_i^{(t)}, \tilde g_j^{(t)} "
        r"\rangle}{\|\tilde g_i^{(t)}\|\,\|\tilde g_i^{(t)}\|}$",
        plain="Eq. 9 as printed, with ‖g̃_i‖ twice below the line, is the negative cosine of eq. "
        "4: symmetric, in [-1, 1], unchanged by positive scaling.",
        source=Source("SON-GOKU", "section 4.1", ("9",)),
        assumptions=(),
        used_for="Algorithm 1, line 22",
        checks=(Check("two tasks on a line", Method.EXACT, lambda _: refuted_by("EMA-9")),),
        reading="to the letter; almost certainly a printing error for ‖g̃_i‖‖g̃_j‖ (see EMA-9-R)",
        repaired_by="EMA-9-R",
    ),
    Claim(
        id="EMA-9-R",
        family="ema",
        title="eq. 9 with both norms is a negative cosine",
        statement=r"$\rho_{ij} = -\frac{\langle \tilde g_i, \tilde g_j \rangle}{\|\tilde "
        r"g_i\|\,\|\tilde g_j\|}$ is symmetric and in $[-1, 1]$.",
        plain="With ‖g̃_i‖‖g̃_j‖ below the line, ρ is symmetric and lies in [-1, 1].",
        source=Source("songoku", "eq. 9 read as eq. 4", ("4", "9")),
        assumptions=(Assumption("no zero buffer", "both EMAs are nonzero"),),
        used_for="Algorithm 1, line 22; what this project computes",
        checks=(
            Check("Cauchy-Schwarz", Method.WRITTEN_PROOF, _eq4_proof),
            Check("small integer vectors", Method.EXACT, _eq4_exactly),
            Check("symmetry", Method.SYMBOLIC, _eq4_by_symbols),
        ),
        repairs="EMA-9",
    ),
)
