"""The family ``conflict``: sections 3 and 4.4.2, and this project's EXT-7.

What eq. 1 to 3 and 6 say of a step with every task active, the start at τ = 1, and how large a
clique of conflicts can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType

import numpy as np

from proofs_check.methods import smt
from proofs_check.methods.exact import for_every
from proofs_check.methods.search import search_rationals
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "clique_checks"]

Vector = tuple[Fraction, ...]

_TAU = Assumption("τ in (0, 1)", "0 < τ < 1", lambda tau: 0 < tau < 1)
_NONZERO = Assumption("no zero gradient", "every gradient is nonzero, so that cosines exist")


def _dot(u: Vector, v: Vector) -> Fraction:
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def _edge(u: Vector, v: Vector, tau: Fraction) -> bool:
    """Whether the cosine is below -tau, strictly, decided by signs and squares."""
    p = _dot(u, v)
    return p < 0 and p * p > tau * tau * _dot(u, u) * _dot(v, v)


# --- eq. 1 to 3, 6 and 7: what a step is -----------------------------------------------------


def _full_step_proof(_: CheckContext) -> Finding:
    import sympy

    w1, w2, a, b, eta = sympy.symbols("w1 w2 a b eta")
    return WrittenProof(
        "with S_t = all tasks and the weights absorbed, eq. 6 is on average a gradient step on F",
        (
            Step(
                "E[g_k] = ∇_θ E[w_k ℓ_k] = w_k ∇_θ L_k, by eq. 1 and the linearity of ∇ and E "
                "(losses that may be differentiated under the expectation)."
            ),
            Step(
                "Σ_k w_k ∇_θ L_k = ∇_θ F by eq. 2; for two tasks:",
                lambda: is_zero(eta * (w1 * a + w2 * b) - eta * w1 * a - eta * w2 * b),
            ),
            Step(
                "∇_{φ_k} F = w_k ∇_{φ_k} L_k: only task k's loss depends on φ_k. So the heads' "
                "part of eq. 6 is a gradient step too when w_k is absorbed into h_k as well."
            ),
        ),
    ).finding()


def _full_step_exactly(_: CheckContext) -> Finding:
    """Two tasks with two examples each, squared losses: the mean over all mini-batches of one
    example against the derivative of F."""
    values = [Fraction(v) for v in (-1, 0, 2)]
    cases = product(
        values, values, values, (Fraction(1), Fraction(1, 3)), (Fraction(0), Fraction(3))
    )

    def holds(case: tuple[Fraction, ...]) -> bool:
        theta, y1, y2, w1, w2 = case
        examples = {1: (y1, y1 + 1), 2: (y2, y2 - 2)}
        weights = {1: w1, 2: w2}
        steps = [
            sum(
                (
                    weights[k] * 2 * (theta - examples[k][pick])
                    for k, pick in zip((1, 2), picks, strict=True)
                ),
                Fraction(0),
            )
            for picks in product((0, 1), repeat=2)
        ]
        mean = sum(steps, Fraction(0)) / len(steps)
        slope = sum(
            (weights[k] * sum(2 * (theta - y) for y in ys) / 2 for k, ys in examples.items()),
            Fraction(0),
        )
        return mean == slope

    return for_every(
        cases, holds, str, "two tasks of two examples, squared losses, every mini-batch of one"
    )


# --- section 4.4.2: the start ----------------------------------------------------------------


def _no_edges_proof(_: CheckContext) -> Finding:
    import sympy

    p, q, r = sympy.symbols("p q r")
    return WrittenProof(
        "at τ = 1 there are no edges, so one class holds every task",
        (
            Step(
                "Cauchy-Schwarz: r(qr - p²) = ‖ru - pv‖² ≥ 0 with p = ⟨u,v⟩, q = ‖u‖², r = ‖v‖².",
                lambda: is_zero((r**2 * q - 2 * r * p * p + p**2 * r) - r * (q * r - p**2)),
            ),
            Step("So every cosine is at least -1 and no ρ exceeds 1: no edge (eq. 10)."),
            Step("A graph without edges has one colour class under any greedy colouring."),
        ),
    ).finding()


def _no_edges_exactly(_: CheckContext) -> Finding:
    return for_every(
        _pairs(3),
        lambda pair: not _edge(*pair, Fraction(1)),
        str,
        "all pairs of nonzero integer vectors in the plane with entries up to 3",
    )


def _pairs(most: int) -> Iterator[tuple[Vector, Vector]]:
    points = [
        (Fraction(x), Fraction(y))
        for x, y in product(range(-most, most + 1), repeat=2)
        if (x, y) != (0, 0)
    ]
    return ((u, v) for u in points for v in points)


# --- EXT-7: geometry -------------------------------------------------------------------------


def clique_checks(slack: int = 0) -> tuple[Check, ...]:
    """Return the checks of: a clique of n tasks in G_τ has n - 1 + slack < 1/τ (slack is 0)."""

    def proof(_: CheckContext) -> Finding:
        import sympy

        n, tau = sympy.symbols("n tau")
        return WrittenProof(
            "n tasks that conflict pairwise need (n - 1)τ < 1",
            (
                Step("Let u_i = g_i/‖g_i‖. 0 ≤ ‖Σ u_i‖² = n + Σ_{i≠j} cos_ij."),
                Step(
                    "Every cosine is below -τ, and there are n(n-1) ordered pairs, so for n ≥ 2 "
                    "the right side is below n - n(n-1)τ = n(1 - (n-1)τ).",
                    lambda: is_zero(n - n * (n - 1) * tau - n * (1 - (n - 1 + slack) * tau)),
                ),
                Step("So (n - 1)τ < 1, that is n < 1 + 1/τ. For n = 1 it holds anyway."),
            ),
        ).finding()

    def solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            n, tau, total = z3.Reals("n tau total")
            given = [n >= 2, tau > 0, tau < 1, total < -n * (n - 1) * tau, n + total >= 0]
            return [smt.Obligation("a nonnegative squared sum", given, (n - 1 + slack) * tau < 1)]

        return smt.prove(build, "(n - 1)τ < 1 from ‖Σ u‖² ≥ 0")

    def attack(context: CheckContext) -> Finding:
        def violates(point: Sequence[Fraction]) -> bool:
            tau, vectors = point[0], _cut(point[1:], 3)
            if not 0 < tau < 1 or not all(any(v) for v in vectors):
                return False
            largest = max(
                (
                    size
                    for size in range(2, len(vectors) + 1)
                    for chosen in combinations(vectors, size)
                    if all(_edge(u, v, tau) for u, v in combinations(chosen, 2))
                ),
                default=1,
            )
            return largest > 1 and (largest - 1 + slack) * tau >= 1

        def draw(rng: np.random.Generator) -> list[float]:
            vectors = rng.standard_normal((int(rng.integers(2, 5)), 3))
            vectors -= vectors.mean(axis=0)
            return [float(rng.uniform(0, 1)), *map(float, vectors.ravel())]

        return search_rationals(
            draw, violates, context.seed, 10_000 if context.profile == "full" else 300
        )

    return (
        Check("the squared sum", Method.WRITTEN_PROOF, proof),
        Check("the same by z3", Method.SMT, solver),
        Check("attack with random rationals", Method.SEARCH, attack),
    )


def _cut(flat: Sequence[Fraction], dim: int) -> tuple[Vector, ...]:
    return tuple(tuple(flat[i : i + dim]) for i in range(0, len(flat), dim))


def _parts_proof(_: CheckContext) -> Finding:
    import sympy

    m, c = sympy.symbols("m c")
    return WrittenProof(
        "m groups with all cosines across at most -(τ + γ) need m ≤ 1 + 1/(τ + γ), and a simplex "
        "attains it",
        (
            Step(
                "One task of each group: 0 ≤ ‖Σ u_r‖² ≤ m - m(m-1)c with c = τ + γ, so (m-1)c ≤ 1.",
                lambda: is_zero(m - m * (m - 1) * c - m * (1 - (m - 1) * c)),
            ),
            Step(
                "Attained where 1/c is a whole number: m = 1 + 1/c unit vectors with all cosines "
                "-1/(m-1) = -c exist, because (1 + c)I - cJ has the eigenvalues 1 - (m-1)c = 0 "
                "and 1 + c.",
                lambda: is_zero((1 - (m - 1) * c).subs(m, 1 + 1 / c)),
            ),
        ),
    ).finding()


def _parts_exactly(_: CheckContext) -> Finding:
    """The simplex in integers: (m, 0, ...) - (1, ..., 1) has all cosines -1/(m-1)."""

    def holds(m: int) -> bool:
        vectors = [tuple(Fraction(m * (i == j) - 1) for j in range(m)) for i in range(m)]
        c = Fraction(1, m - 1)
        return (
            all(
                _dot(u, v) < 0 and _dot(u, v) ** 2 == c * c * _dot(u, u) * _dot(v, v)
                for u, v in combinations(vectors, 2)
            )
            and m == 1 + 1 / c
        )

    return for_every(range(2, 12), holds, lambda m: f"m = {m}", "m = 2 ... 11 integer vectors")


def _vector_coloring_proof(_: CheckContext) -> Finding:
    import sympy

    tau, k = sympy.symbols("tau k")
    return WrittenProof(
        "the unit gradients are a vector (1 + 1/τ)-colouring of G_τ",
        (
            Step(
                "A vector k-colouring gives every vertex a unit vector with ⟨u_i, u_j⟩ ≤ -1/(k-1) "
                "on every edge (Karger, Motwani and Sudan 1998)."
            ),
            Step(
                "For k = 1 + 1/τ, -1/(k-1) is -τ.",
                lambda: is_zero((-1 / (k - 1)).subs(k, 1 + 1 / tau) + tau),
            ),
            Step("On an edge the cosine is below -τ (eq. 10), so u_i = g_i/‖g_i‖ will do."),
        ),
    ).finding()


def _vector_coloring_algebra(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
        tau = sympy.symbols("tau")
        return [("-1/(k-1) at k = 1 + 1/τ", -1 / ((1 + 1 / tau) - 1), -tau)]

    return prove_identities(build, "the level of a vector (1 + 1/τ)-colouring is -τ")


def _vector_coloring_exactly(_: CheckContext) -> Finding:
    taus = (Fraction(1, 10), Fraction(1, 2), Fraction(4, 5))

    def holds(case: tuple[tuple[Vector, Vector], Fraction]) -> bool:
        (u, v), tau = case
        if not _edge(u, v, tau):
            return True
        level = -1 / ((1 + 1 / tau) - 1)
        p = _dot(u, v)
        # p / (|u||v|) <= level < 0, squared.
        return p < 0 and p * p >= level * level * _dot(u, u) * _dot(v, v)

    return for_every(
        ((pair, tau) for pair in _pairs(2) for tau in taus),
        holds,
        str,
        "all pairs of nonzero integer vectors in the plane with entries up to 2, 3 values of τ",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="CON-STEP",
        family="conflict",
        title="with every task active, eq. 6 is a stochastic gradient step on F",
        statement=r"$F=\sum_kw_kL_k$ (2), $g_k^{(t)}=\nabla_\theta L_k(\theta_t,\phi_{k,t};"
        r"\mathcal B_k^{(t)})$ (3, 7), $\theta_{t+1}=\theta_t-\eta_t\sum_{k\in S_t}g_k^{(t)}$ (6).",
        plain="If every task is active and the weights are absorbed, the expected direction of "
        "eq. 6 is the gradient of F: eq. 1, 2, 3, 6 and 7 fit together.",
        source=Source("SON-GOKU", "3.1; 3.2; 4.1", ("1", "2", "3", "6", "7")),
        assumptions=(
            Assumption(
                "unbiased mini-batches", "each B_k is drawn from D_k, independently of the others"
            ),
        ),
        used_for="τ = 1 as the baseline; what an update without the scheduler is",
        checks=(
            Check("linearity", Method.WRITTEN_PROOF, _full_step_proof),
            Check("every mini-batch of a small problem", Method.EXACT, _full_step_exactly),
        ),
        notes="Eq. 6 updates a head with h_k as eq. 3 defines it, without w_k; the heads' step is "
        "F's gradient step only if w_k is absorbed there too. With S_t a class, see I.2.",
    ),
    Claim(
        id="CON-TAU1",
        family="conflict",
        title="τ = 1 means no edges and full simultaneous training",
        statement=r"We start with $\tau=1$ (no edges, full simultaneous training) for the first "
        r"$T_{\mathrm{warm}}$ steps.",
        plain="At τ = 1 the conflict graph has no edge, and its one class holds every task.",
        source=Source("SON-GOKU", "4.4.2; App. A, Algorithm 1, line 3", ("10",)),
        assumptions=(_NONZERO,),
        used_for="the warm-up",
        checks=(
            Check("Cauchy-Schwarz", Method.WRITTEN_PROOF, _no_edges_proof),
            Check("small integer vectors", Method.EXACT, _no_edges_exactly),
        ),
        notes="τ = 1 lies outside the interval (0, 1) that 3.1.2 allows; the strict inequality of "
        "eq. 10 is what makes it harmless. With cos ≤ -τ two opposite tasks would conflict.",
    ),
    Claim(
        id="EXT-7-CLIQUE",
        family="conflict",
        title="a clique of conflicts is smaller than 1 + 1/τ",
        statement=r"The clique number of $G_\tau$ is $<1+1/\tau$.",
        plain="For 0 < τ < 1, at most 1 + 1/τ tasks (strictly fewer) conflict pairwise.",
        source=Source("songoku", "results beyond the paper, 7; on 3.1.2", ("5",)),
        assumptions=(_TAU, _NONZERO),
        used_for="how long a cycle the geometry can force; with perfect graphs, the colours needed",
        checks=clique_checks(),
    ),
    Claim(
        id="EXT-7-PARTS",
        family="conflict",
        title="the multipartite model has at most 1 + 1/(τ + γ) groups",
        statement=r"Under the multipartite model with margin $\gamma$, $m\le1+1/(\tau+\gamma)$, "
        r"attained by a simplex.",
        plain="If cosines across groups are at most -(τ + γ), there are at most 1 + 1/(τ + γ) "
        "groups; where 1/(τ + γ) is a whole number a simplex has exactly so many.",
        source=Source("songoku", "results beyond the paper, 7; on App. B.2, Assumption 1", ("16",)),
        assumptions=(_TAU, _NONZERO),
        used_for="for how many groups Assumption 1 can hold",
        checks=(
            Check("one task of each group", Method.WRITTEN_PROOF, _parts_proof),
            Check("integer simplices", Method.EXACT, _parts_exactly),
        ),
    ),
    Claim(
        id="EXT-7-VECTOR",
        family="conflict",
        title="gradients colour their own conflict graph, as vectors",
        statement=r"The gradients are a vector $(1+1/\tau)$-colouring of their own conflict graph.",
        plain="The normalised gradients are a vector (1 + 1/τ)-colouring of G_τ.",
        source=Source("songoku", "results beyond the paper, 7", ("5",)),
        assumptions=(_TAU, _NONZERO),
        used_for="geometric rounding as a colouring heuristic",
        checks=(
            Check("the definition", Method.WRITTEN_PROOF, _vector_coloring_proof),
            Check("the level", Method.SYMBOLIC, _vector_coloring_algebra),
            Check("small integer vectors", Method.EXACT, _vector_coloring_exactly),
        ),
    ),
)
