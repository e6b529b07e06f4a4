"""The family ``complexity``: sections 4.1 and 4.5, appendix D.1 to D.4.

Costs are counted by running the operations on numbers that count (``_Counter``), then compared with
what the paper says; an asymptotic statement is one about two constants for all sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType
from typing import Any

from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "refresh_checks"]


@dataclass(slots=True)
class _Counter:
    """Counts the multiplications, additions and comparisons of a refresh as the paper words it."""

    count: int = 0

    def dot(self, dim: int) -> None:
        self.count += 2 * dim - 1

    def scale(self, dim: int) -> None:
        self.count += dim

    def compare(self) -> None:
        self.count += 1


def _ema_cost(tasks: int, dim: int) -> int:
    """Eq. 65 for every row: two products and a sum a coordinate."""
    return 3 * tasks * dim


def _refresh_cost(tasks: int, dim: int) -> int:
    """EMA, row norms, Gram, threshold, greedy colouring in the worst case (a complete graph)."""
    counter = _Counter(_ema_cost(tasks, dim))
    for _ in range(tasks):
        counter.dot(dim)
        counter.scale(dim)
    for _ in range(tasks * tasks):
        counter.dot(dim)  # D.2: K² dot products
    for _ in range(tasks * (tasks - 1) // 2):
        counter.compare()
    keys = max(tasks - 1, 0).bit_length() * tasks  # comparisons of a merge sort, at most
    counter.count += keys
    for _ in range(tasks):
        counter.count += tasks  # one mark a neighbour, one scan for the smallest free colour
    return counter.count


def _sizes() -> Iterator[tuple[int, int]]:
    return product((1, 2, 3, 5, 8, 13), (1, 2, 7, 50))


def refresh_checks(power: int = 2) -> tuple[Check, ...]:
    """Return the checks that one refresh costs between K^power d and 12 K^power d (power 2)."""

    def proof(_: CheckContext) -> Finding:
        import sympy

        k, d = sympy.symbols("K d", positive=True)
        return WrittenProof(
            "Θ(Kd) + Θ(K²d) + Θ(K²) + O(K²) = Θ(K²d) for K, d ≥ 1",
            (
                Step(
                    "Kd ≤ K²d because K ≥ 1; K² ≤ K²d because d ≥ 1 (the difference is a product "
                    "of nonnegative factors).",
                    lambda: (
                        is_zero(k**2 * d - k * d - k * d * (k - 1))
                        and is_zero(k**power * d - k**2 - k**2 * (d - 1))
                    ),
                ),
                Step(
                    "So the sum is at most a constant times K²d, and the Gram term alone is at "
                    "least a constant times it."
                ),
                Step(
                    "Greedy colouring: sorting K degrees takes O(K log K) ≤ O(K²) comparisons, and "
                    "each edge blocks one colour of one vertex: O(K + |E|) = O(K²)."
                ),
            ),
        ).finding()

    def counted(_: CheckContext) -> Finding:
        return for_every(
            _sizes(),
            lambda size: (
                size[0] ** power * size[1]
                <= _refresh_cost(*size)
                <= 12 * size[0] ** power * size[1]
            ),
            lambda size: f"K = {size[0]}, d = {size[1]}: {_refresh_cost(*size)} operations",
            "operations counted for 24 sizes: between K²d and 12 K²d",
        )

    def solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            k, d = z3.Reals("K d")
            given = [k >= 1, d >= 1]
            return [
                smt.Obligation("EMA and norms", given, k * d <= k * k * d),
                smt.Obligation("threshold and colouring", given, k * k <= k * k * d),
            ]

        return smt.prove(build, "the lower-order terms are absorbed")

    return (
        Check("absorbing terms", Method.WRITTEN_PROOF, proof),
        Check("operations counted", Method.EXACT, counted),
        Check("absorbing terms by z3", Method.SMT, solver),
    )


def _cosines_proof(_: CheckContext) -> Finding:
    import sympy

    k, d = sympy.symbols("K d")
    return WrittenProof(
        "K(K-1)/2 inner products of length d and K norms are O(K²d)",
        (
            Step(
                "Each inner product takes 2d - 1 operations: (2d - 1) K(K+1)/2 with the norms.",
                lambda: is_zero(k * (k - 1) / 2 + k - k * (k + 1) / 2),
            ),
            Step(
                "(2d - 1) K(K+1)/2 ≤ 2d · K² for K ≥ 1, since K + 1 ≤ 2K.",
                lambda: is_zero(2 * d * k**2 - 2 * d * k * (k + 1) / 2 - d * k * (k - 1)),
            ),
        ),
    ).finding()


def _cosines_counted(_: CheckContext) -> Finding:
    def cost(tasks: int, dim: int) -> int:
        counter = _Counter()
        for _ in combinations(range(tasks), 2):
            counter.dot(dim)
        for _ in range(tasks):
            counter.dot(dim)
        return counter.count

    return for_every(
        _sizes(),
        lambda size: cost(*size) <= 2 * size[0] ** 2 * size[1],
        lambda size: f"K = {size[0]}, d = {size[1]}",
        "operations counted for 24 sizes: at most 2 K²d",
    )


# --- amortised ---------------------------------------------------------------------------------


def _refreshes(steps: int, period: int, at_zero: bool) -> int:
    if at_zero:
        return sum(t % period == 0 for t in range(steps))
    return sum((t + 1) % period == 0 for t in range(steps))


def _count_exactly(_: CheckContext) -> Finding:
    def holds(case: tuple[int, int]) -> bool:
        steps, period = case
        floor, ceil = steps // period, -(-steps // period)
        return (
            _refreshes(steps, period, False) == floor
            and _refreshes(steps, period, True) == ceil
            and Fraction(ceil) <= Fraction(steps, period) + 1
        )

    return for_every(
        product(range(1, 61), range(1, 41)),
        holds,
        lambda c: f"T = {c[0]}, R = {c[1]}",
        "T ≤ 60, R ≤ 40, refreshes counted by running the loop",
        "up_to",
    )


def _count_proof(_: CheckContext) -> Finding:
    import sympy

    t, r, cost = sympy.symbols("T R c", positive=True)
    return WrittenProof(
        "the amortised time of refreshes is at most T_refresh/R + T_refresh/T",
        (
            Step("Multiples of R in {1, .., T}: ⌊T/R⌋; in {0, .., T-1}: ⌈T/R⌉ < T/R + 1."),
            Step(
                "Times T_refresh, divided by T (eq. 69); the last term goes to 0 as T → ∞ (eq. "
                "70).",
                lambda: is_zero((t / r + 1) * cost / t - cost / r - cost / t),
            ),
        ),
    ).finding()


@replayer("cpx-amortised")
def _replay_amortised(data: Mapping[str, Any]) -> Replay:
    """Algorithm 1's own EMA updates, against any constant times K²d/R."""
    tasks, dim = int(data["tasks"]), int(data["dim"])
    constant, period = rational(data["constant"]), int(data["period"])
    # Lines 17 to 19 run at every step for the active tasks: at least one task, three operations
    # a coordinate.
    a_step = 3 * dim
    claimed = constant * tasks**2 * dim / period
    return Replay(
        (
            f"K = {tasks} tasks, d = {dim}, R = {period}; Algorithm 1 with gradients reused",
            f"EMA (lines 17-19) of the active tasks, at least one a step: {a_step} operations a "
            f"step, refresh or not",
            f"{constant} K²d/R = {claimed} operations a step",
            "So no constant makes (1/R) Θ(K²d) an upper bound for every R.",
        ),
        a_step > claimed,
    )


def _amortised_proof(_: CheckContext) -> Finding:
    import sympy

    k, d, r, s = sympy.symbols("K d R s", positive=True)
    return WrittenProof(
        "Algorithm 1's overhead is Θ(s̄ d + K²d/R) a step, s̄ the mean number of active tasks",
        (
            Step("At every step the active tasks' EMAs: 3 |S_t| d operations; the mean is 3 s̄ d."),
            Step("At every R-th step a refresh of Θ(K²d) (CPX-P5): its share is Θ(K²d)/R."),
            Step(
                "The first term is absorbed by the second exactly when s̄ R is at most a constant "
                "times K², in particular when R ≤ K, since s̄ ≤ K.",
                lambda: is_zero(k**2 * d / r - s * d - d * (k**2 - s * r) / r),
            ),
        ),
    ).finding()


def _amortised_counted(_: CheckContext) -> Finding:
    """Run the loop with m classes of equal size, and count."""

    def holds(case: tuple[int, int, int, int]) -> bool:
        tasks, classes, dim, period = case
        if tasks % classes:
            return True
        active = tasks // classes
        steps = period * classes
        total = sum(
            3 * active * dim + (_refresh_cost(tasks, dim) if (t + 1) % period == 0 else 0)
            for t in range(steps)
        )
        exact = Fraction(total, steps)
        low = Fraction(active * dim) + Fraction(tasks**2 * dim, period)
        return low <= exact <= 12 * low

    return for_every(
        product((2, 4, 6), (1, 2, 3), (1, 9), (1, 4, 64)),
        holds,
        str,
        "runs with equal classes, operations counted: between s̄d + K²d/R and 12 times that",
    )


# --- D.2: keeping few entries a row ------------------------------------------------------------


@replayer("cpx-sparse")
def _replay_sparse(data: Mapping[str, Any]) -> Replay:
    """Keep only the k most negative cosines of each row, then colour what is left."""
    rows = [[rational(x) for x in row] for row in data["cosines"]]
    keep, tau = int(data["keep"]), rational(data["tau"])
    size = len(rows)
    full = {(i, j) for i, j in combinations(range(size), 2) if rows[i][j] < -tau}
    kept: set[tuple[int, int]] = set()
    for i in range(size):
        order = sorted((j for j in range(size) if j != i), key=lambda j: (rows[i][j], j))
        kept |= {(min(i, j), max(i, j)) for j in order[:keep] if rows[i][j] < -tau}
    colors: list[int] = []
    for i in range(size):
        taken = {colors[j] for j in range(i) if (j, i) in kept}
        colors.append(next(c for c in range(size) if c not in taken))
    together = [(i + 1, j + 1) for i, j in sorted(full) if colors[i] == colors[j]]
    return Replay(
        (
            f"τ = {tau}; conflicts {[(i + 1, j + 1) for i, j in sorted(full)]}",
            f"the {keep} most negative entries a row leave "
            f"{[(i + 1, j + 1) for i, j in sorted(kept)]}",
            f"first-fit on what is left: colours {colors}",
            f"conflicting pairs in one class: {together}",
            "So the sparsified graph's classes are not free of conflicts.",
        ),
        bool(together),
    )


def _sparse_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "keeping the k most negative entries a row keeps every conflict iff every task has at most "
        "k conflicts, or the other end keeps it",
        (
            Step(
                "Row i keeps min(k, deg i) of its conflicts; an edge is lost iff both ends drop it."
            ),
            Step("If k ≥ Δ no row drops any, so the graph and every colouring are the same."),
            Step("The size is at most kK entries (each row at most k)."),
        ),
    ).finding()


def _sparse_exactly(_: CheckContext) -> Finding:
    """All sign patterns on four tasks: with k = Δ nothing is lost."""
    pairs = list(combinations(range(4), 2))

    def holds(bits: tuple[bool, ...]) -> bool:
        edges = {pair for pair, bit in zip(pairs, bits, strict=True) if bit}
        degree = [sum(v in pair for pair in edges) for v in range(4)]
        keep = max(degree)
        kept = set()
        for i in range(4):
            mine = sorted(pair for pair in edges if i in pair)
            kept |= set(mine[:keep])
        return kept == edges and len(kept) <= max(keep, 1) * 4

    return for_every(
        product((False, True), repeat=len(pairs)), holds, str, "all graphs on four tasks", "up_to"
    )


# --- D.4 -----------------------------------------------------------------------------------------


def _ratio(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
        a, b, k, d, r, g = sympy.symbols("a b K d R G", positive=True)
        sched, probe = a / r * k**2 * d, b / r * k * g
        return [("eq. 72; R cancels", sched / probe, a / b * k * d / g)]

    return prove_identities(build, "C_sched / C_probe = (a/b) Kd/G")


def _threshold_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        a, b, k, d, g, eps = z3.Reals("a b K d G eps")
        given = [v > 0 for v in (a, b, k, d, g, eps)]
        return [
            smt.Obligation(
                "eq. 73's equivalence",
                given,
                (a * k * d <= eps * b * g) == (k * d <= b / a * eps * g),
            )
        ]

    return smt.prove(build, "the ratio is at most ε iff Kd ≤ (b/a) ε G")


_LOOP = Assumption(
    "gradients reused", "the loop computes the active tasks' gradients, as Algorithm 1 does"
)
_DENSE = Assumption("dense product", "a K x d by d x K product costs Θ(K²d)")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="CPX-41",
        family="complexity",
        title="all cosines cost O(K²d)",
        statement=r"Computing all $K(K-1)/2$ cosines is $O(K^2d)$.",
        plain="All pairwise cosines of K vectors of length d take at most a constant times K²d "
        "operations.",
        source=Source("SON-GOKU", "4.1", ("9",)),
        assumptions=(),
        used_for="4.5, Proposition 5",
        checks=(
            Check("counting", Method.WRITTEN_PROOF, _cosines_proof),
            Check("operations counted", Method.EXACT, _cosines_counted),
        ),
    ),
    Claim(
        id="CPX-P5",
        family="complexity",
        title="one refresh costs Θ(K²d) time and Θ(Kd) + Θ(K²) space",
        statement=r"$T_{\mathrm{refresh}}=\Theta(Kd)+\Theta(K^2d)+\Theta(K^2)+O(K^2)"
        r"=\Theta(K^2d)$, $S_{\mathrm{refresh}}=\Theta(Kd)+\Theta(K^2)$.",
        plain="With a dense product of Θ(K²d), EMA, normalisation, Gram, threshold and greedy "
        "colouring together take Θ(K²d); the rows take Kd numbers and the cosines K².",
        source=Source(
            "SON-GOKU",
            "4.5, first sentence; App. D.2, Proposition 5",
            ("64", "65", "66", "67", "68"),
        ),
        assumptions=(_DENSE,),
        used_for="every amortised cost in 4.5, D.3 and D.4",
        checks=refresh_checks(),
        notes="Eq. 66's normalised copy is another Kd numbers; normalising after the product needs "
        "none. Symmetry halves the product, which Θ does not see.",
    ),
    Claim(
        id="CPX-D3",
        family="complexity",
        title="how many refreshes a run has",
        statement=r"The number of refreshes is $\lfloor T/R\rfloor$ or $\lceil T/R\rceil$ and at "
        r"most $T/R+1$, so the amortized refresh time is at most $\frac1RT_{\mathrm{refresh}}+"
        r"\frac1TT_{\mathrm{refresh}}$.",
        plain="T steps with period R have ⌊T/R⌋ refreshes (⌈T/R⌉ with one at step 0), at most "
        "T/R + 1; eq. 69 and 70 follow.",
        source=Source("SON-GOKU", "App. D.1; D.3", ("69", "70")),
        assumptions=(),
        used_for="4.5's K²d/R",
        checks=(
            Check("multiples of R", Method.WRITTEN_PROOF, _count_proof),
            Check("loops run", Method.EXHAUSTIVE, _count_exactly),
        ),
    ),
    Claim(
        id="CPX-D3-STEP",
        family="complexity",
        title="the scheduler's overhead is Θ(K²d/R) a step",
        statement=r"This time complexity therefore becomes $\Theta(K^2d/R)$ amortized per training "
        r"step. [...] If the training loop already computes task-wise gradients each step and "
        r"these are reused to update the EMAs, [...] the amortized scheduler overhead remains "
        r"$\frac1R\Theta(K^2d)$.",
        plain="With gradients reused at every step, the scheduler's work a step is between two "
        "constants times K²d/R, for every R.",
        source=Source("SON-GOKU", "4.5; App. D.3; 7.4", ("70",)),
        assumptions=(_LOOP,),
        used_for="'shrinks as R grows'; 7.4's comparison with other methods",
        checks=(
            Check("EMAs at every step", Method.EXACT, lambda _: refuted_by("CPX-D3-STEP")),
            Check("both terms", Method.WRITTEN_PROOF, _amortised_proof, under_condition=True),
            Check("runs counted", Method.EXACT, _amortised_counted, under_condition=True),
        ),
        reading="overhead as D introduces it, 'EMA maintenance, cosine computation, conflict graph "
        "construction, and color'; Algorithm 1 maintains the EMAs at every step",
        condition="the mean number of active tasks times R is at most a constant times K²",
        repaired_by="CPX-D3-STEP-R",
        notes="With eq. 65's reading, EMAs updated only at refreshes, the statement holds; but "
        "then "
        "no average over R gradients exists (see the family ema).",
    ),
    Claim(
        id="CPX-D3-STEP-R",
        family="complexity",
        title="the overhead is Θ(s̄d + K²d/R) a step",
        statement=r"With gradients reused at every step the scheduler's work is $\Theta(\bar s\,d+"
        r"K^2d/R)$ a step, $\bar s$ the mean number of active tasks; it does not fall below "
        r"$\Theta(\bar s\,d)$ however large $R$ is.",
        plain="With gradients reused at every step the overhead is between constants times s̄d + "
        "K²d/R, where s̄ is the mean number of active tasks.",
        source=Source("songoku", "repair of section 4.5 and App. D.3", ("70",)),
        assumptions=(_LOOP,),
        used_for="choosing R: beyond about K²/s̄ a longer period saves nothing",
        checks=(
            Check("both terms", Method.WRITTEN_PROOF, _amortised_proof),
            Check("runs counted", Method.EXACT, _amortised_counted),
        ),
        repairs="CPX-D3-STEP",
    ),
    Claim(
        id="CPX-D2-SPARSE",
        family="complexity",
        title="keeping the k most negative entries a row keeps the classes free of conflicts",
        statement=r"... or a sparse adjacency whose size depends on the number of conflicts (e.g., "
        r"$\Theta(kK)$) when retaining the $k$ most negative entries per row).",
        plain="A proper colouring of the graph that keeps only the k most negative entries of each "
        "row is proper for the conflict graph.",
        source=Source("songoku", "on App. D.2, what the sparsification is for"),
        assumptions=(),
        used_for="a smaller adjacency at the same classes",
        checks=(Check("four tasks", Method.EXACT, lambda _: refuted_by("CPX-D2-SPARSE")),),
        reading="the paper states only the size; this row asks whether the decisions survive",
        repaired_by="CPX-D2-SPARSE-R",
    ),
    Claim(
        id="CPX-D2-SPARSE-R",
        family="complexity",
        title="k at least the largest degree loses nothing",
        statement=r"If $k\ge\Delta$, retaining the $k$ most negative entries of each row "
        r"leaves the "
        r"conflict graph as it is, with at most $kK$ entries.",
        plain="With k ≥ Δ the k most negative entries a row hold every conflict, in at most kK "
        "entries.",
        source=Source("songoku", "repair of App. D.2's sparsification"),
        assumptions=(),
        used_for="when the sparse adjacency is safe",
        checks=(
            Check("row by row", Method.WRITTEN_PROOF, _sparse_proof),
            Check("all graphs on four tasks", Method.EXHAUSTIVE, _sparse_exactly),
        ),
        repairs="CPX-D2-SPARSE",
    ),
    Claim(
        id="CPX-D4",
        family="complexity",
        title="when the scheduler's work is small beside the probes'",
        statement=r"$\frac{C_{\mathrm{sched}}}{C_{\mathrm{probe}}}=\frac ab\frac{Kd}{\mathsf G}$; "
        r"it is $\le\varepsilon$ iff $Kd\le\frac ba\varepsilon\,\mathsf G$.",
        plain="The ratio of refresh work to probe work is (a/b) Kd/G, and is at most ε exactly "
        "when "
        "Kd ≤ (b/a) ε G.",
        source=Source("SON-GOKU", "App. D.4", ("71", "72", "73")),
        assumptions=(),
        used_for="'negligible overhead'",
        checks=(
            Check("the ratio", Method.SYMBOLIC, _ratio),
            Check("the equivalence by z3", Method.SMT, _threshold_by_solver),
        ),
        notes="'For fixed R' is not needed: R cancels. Negligible beside the probes does not mean "
        "negligible beside the training, and reused gradients have no probes to compare with.",
    ),
)
