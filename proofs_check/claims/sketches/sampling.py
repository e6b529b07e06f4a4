"""Appendix D.5.3: conflict graphs from O(K log K) sampled pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType
from typing import Any

from proofs_check.claims.coloring._graphs import (
    Graph,
    complete_multipartite,
    edges_of,
    first_fit,
    from_edges,
    is_proper,
    labelled_graphs,
    largest_first_order,
)
from proofs_check.claims.sketches._exponential import exp_above, exp_below
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.findings import inconclusive, refutes
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
)

__all__ = ["CLAIMS", "component_checks", "refined_checks", "two_camp_checks"]


def _reached(graph: Graph, start: int = 0) -> int:
    """Return the set of tasks that can be reached, as bits."""
    seen, open_ = 1 << start, 1 << start
    while open_:
        task = (open_ & -open_).bit_length() - 1
        open_ &= open_ - 1
        new = graph[task] & ~seen
        seen |= new
        open_ |= new
    return seen


def _connected(graph: Graph) -> bool:
    return _reached(graph) == (1 << len(graph)) - 1


def _welsh_powell(graph: Graph) -> tuple[int, ...]:
    return first_fit(graph, largest_first_order(graph))


@replayer("ske-sampled")
def _replay_sampled(data: Mapping[str, Any]) -> Replay:
    """Colour the graph of the sampled pairs, and look at the classes in the true graph."""
    rows = [tuple(rational(x) for x in row) for row in data["averages"]]
    tau, gamma = rational(data["tau"]), rational(data["gamma"])
    groups = [int(g) for g in data["groups"]]
    size = len(rows)

    def dot(u: Sequence[Fraction], v: Sequence[Fraction]) -> Fraction:
        return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))

    def lengths(i: int, j: int) -> Fraction:
        return dot(rows[i], rows[i]) * dot(rows[j], rows[j])

    def conflict(i: int, j: int) -> bool:
        d = dot(rows[i], rows[j])
        return d < 0 and d * d > tau**2 * lengths(i, j)

    def clear(i: int, j: int) -> bool:
        """Is the cosine at least γ from -τ, on the side that the groups say?  Here γ ≤ τ."""
        d = dot(rows[i], rows[j])
        if groups[i] != groups[j]:
            return d < 0 and d * d >= (tau + gamma) ** 2 * lengths(i, j)
        return d >= 0 or d * d <= (tau - gamma) ** 2 * lengths(i, j)

    true = from_edges(size, [p for p in combinations(range(size), 2) if conflict(*p)])
    planted = 0 < gamma <= tau and all(clear(*p) for p in combinations(range(size), 2))
    sample = {(int(i), int(j)) for i, j in data["sampled"]}
    seen = from_edges(size, [p for p in edges_of(true) if p in sample])
    linked = {frozenset((groups[i], groups[j])) for i, j in edges_of(seen)}
    pairs = {frozenset(p) for p in combinations(sorted(set(groups)), 2)}
    colors = _welsh_powell(seen)
    together = [(i, j) for i, j in edges_of(true) if colors[i] == colors[j]]
    # |sample| ≥ K ln K, exactly: e^(n/K) ≥ K.
    enough = (
        exp_below(Fraction(len(sample), size)) >= size > exp_above(Fraction(len(sample) - 1, size))
    )
    return Replay(
        (
            f"groups {groups}; planted with margin: {planted}; τ = {tau}, γ = {gamma}; "
            f"{len(edges_of(true))} conflicts among {size * (size - 1) // 2} pairs",
            f"{len(sample)} pairs sampled, the smallest number ≥ K ln K: {enough}",
            f"sampled conflicts {edges_of(seen)}: connected {_connected(seen)}, every two groups "
            f"linked {linked == pairs}",
            f"Welsh-Powell on the sampled graph: {colors}",
            f"conflicts inside its classes: {together}",
            "So the graph captures the connectivity, and its classes hold conflicting tasks.",
        ),
        planted and enough and _connected(seen) and linked == pairs and bool(together),
    )


def _every_sample(_: CheckContext) -> Finding:
    """All samples of 11 of the 15 pairs, on the counterexample's graph."""
    true = complete_multipartite((0, 0, 1, 1, 2, 2))
    groups = (0, 0, 1, 1, 2, 2)
    pairs = list(combinations(range(6), 2))
    captured = bad = 0
    for sample in combinations(pairs, 11):
        seen = from_edges(6, [p for p in sample if groups[p[0]] != groups[p[1]]])
        linked = {frozenset((groups[i], groups[j])) for i, j in edges_of(seen)}
        if _connected(seen) and len(linked) == 3:
            captured += 1
            bad += not is_proper(true, _welsh_powell(seen))
    said = "three groups of two, all 1365 samples of 11 pairs"
    if not bad:
        return inconclusive(said, "no sample breaks the colouring")
    return refutes(
        said,
        f"{bad} of the {captured} samples that capture the connectivity give "
        f"classes with a conflict inside",
    )


def _forty_tasks(context: CheckContext) -> Finding:
    """Declared: K = 40, two camps of 20, 148 pairs, n = 400 samples, 99% Clopper-Pearson."""
    import numpy as np
    from scipy.stats import beta

    rng = np.random.default_rng(context.seed)
    pairs, true = list(combinations(range(40), 2)), complete_multipartite((0,) * 20 + (1,) * 20)
    good, connected, trials = 0, 0, 400
    for _ in range(trials):
        chosen = rng.choice(len(pairs), size=148, replace=False)
        seen = from_edges(
            40, [p for p in (pairs[int(c)] for c in chosen) if (true[p[0]] >> p[1]) & 1]
        )
        connected += _connected(seen)
        good += is_proper(true, _welsh_powell(seen))
    high = float(beta.ppf(0.995, good + 1, trials - good)) if good < trials else 1.0
    said = "K = 40, two camps of 20, 148 = ⌈K ln K⌉ pairs, n = 400, 99% Clopper-Pearson"
    detail = (
        f"proper on the true graph in {good} of {trials} samples (at most {high:.3f}); the sampled "
        f"graph was connected in {connected}"
    )
    return refutes(said, detail) if high < 0.5 else inconclusive(said, detail)


# --- what connectivity does give ------------------------------------------------------------


def two_camp_checks(camps: int = 2) -> tuple[Check, ...]:
    """Return the checks that a connected sample has the camps as its only two-colouring."""

    def proof(_: CheckContext) -> Finding:
        return WrittenProof(
            "a connected bipartite graph has one partition in two classes without inner edges",
            (
                Step(
                    "Fix the colour of task 1; along an edge colours differ, so a path fixes them."
                ),
                Step("Every task is reached by a path: all colours are fixed.", lambda: camps == 2),
                Step("The camps are such a partition, since every sampled conflict joins them."),
            ),
        ).finding()

    def exactly(_: CheckContext) -> Finding:
        groups = {2: ((0, 0, 1, 1, 1), (0, 0, 1, 1)), 3: ((0, 0, 1, 2),)}[camps]

        def cases() -> Iterator[tuple[tuple[int, ...], Graph]]:
            for group in groups:
                across = [
                    p for p in combinations(range(len(group)), 2) if group[p[0]] != group[p[1]]
                ]
                for bits in product((0, 1), repeat=len(across)):
                    seen = [p for p, bit in zip(across, bits, strict=True) if bit]
                    graph = from_edges(len(group), seen)
                    if _connected(graph):
                        yield group, graph

        def holds(case: tuple[tuple[int, ...], Graph]) -> bool:
            group, graph = case
            proper = [
                colors
                for colors in product(range(camps), repeat=len(group))
                if colors[0] == group[0] and is_proper(graph, colors)
            ]
            return proper == [group]

        return for_every(
            cases(), holds, str, "two camps of up to three, every connected sample", "up_to"
        )

    return (
        Check("along paths", Method.WRITTEN_PROOF, proof),
        Check("every connected sample", Method.EXHAUSTIVE, exactly),
    )


def component_checks(share: Fraction = Fraction(1, 4)) -> tuple[Check, ...]:
    """Return the checks that m ≥ 2 equal groups are cut by ≥ share K|S| conflicts."""

    def build(z3: ModuleType) -> list[smt.Obligation]:
        k, m, s, q = z3.Reals("K m s q")
        # q is the sum of squares of |S ∩ group|, at least s²/m by Cauchy-Schwarz.
        given = [k >= 2, m >= 2, s >= 1, 2 * s <= k, q * m >= s * s]
        crossing = s * (k - k / m) - (s * s - q)
        return [smt.Obligation("cut", given, crossing >= z3.RealVal(str(share)) * k * s)]

    def proof(_: CheckContext) -> Finding:
        import sympy

        k, m, s, q = sympy.symbols("K m s q", positive=True)
        return WrittenProof(
            "pairs sampled with probability p = 12 ln K / K each connect all tasks with "
            "probability at least 1 - 2/K²",
            (
                Step(
                    "A set S of s ≤ K/2 tasks is left by s(K - K/m) - (s² - Σ s_i²) conflicts, s_i "
                    "its tasks in group i; with Σ s_i² ≥ s²/m that is at least (1 - 1/m) s (K - "
                    "s).",
                    lambda: is_zero(
                        s * (k - k / m) - (s**2 - s**2 / m) - (1 - 1 / m) * s * (k - s)
                    ),
                ),
                Step(
                    "(1 - 1/m)(K - s) ≥ K/4.",
                    lambda: smt.prove(build, "step").outcome is Outcome.SUPPORTS,
                ),
                Step(
                    "P(no sampled pair leaves S) ≤ (1 - p)^(Ks/4) ≤ exp(-3 s ln K) = K^(-3s). "
                    "There are at most K^s sets of size s: Σ_s K^(-2s) ≤ 2/K² for K ≥ 2.",
                    lambda: is_zero(12 * q / k * k * s / 4 - 3 * q * s),
                ),
                Step("The number of pairs is about p K²/2 = 6 K ln K = O(K log K)."),
            ),
        ).finding()

    def cuts(_: CheckContext) -> Finding:
        def cases() -> Iterator[tuple[Graph, int]]:
            for sizes in ((1, 1), (2, 2), (3, 3), (4, 4), (1, 1, 1), (2, 2, 2), (2, 2, 2, 2)):
                graph = complete_multipartite(
                    [part for part, size in enumerate(sizes) for _ in range(size)]
                )
                for members in range(1, 1 << len(graph)):
                    if 2 * members.bit_count() <= len(graph):
                        yield graph, members

        def holds(case: tuple[Graph, int]) -> bool:
            graph, members = case
            crossing = sum(
                (graph[i] & ~members).bit_count() for i in range(len(graph)) if members >> i & 1
            )
            return crossing >= share * len(graph) * members.bit_count()

        return for_every(
            cases(), holds, str, "every set of tasks of seven multipartite graphs", "up_to"
        )

    return (
        Check("union over cuts", Method.WRITTEN_PROOF, proof),
        Check("cuts by z3", Method.SMT, lambda _: smt.prove(build, "cuts are large", "up_to")),
        Check("every cut", Method.EXHAUSTIVE, cuts),
    )


def refined_checks(*, refine: bool = True) -> tuple[Check, ...]:
    """Return the checks that looking inside the classes until all is known is enough."""

    def proof(_: CheckContext) -> Finding:
        return WrittenProof(
            "after the refinement no class holds a conflict",
            (
                Step("Each round evaluates a pair that was not, so there are at most K² rounds."),
                Step(
                    "At the end every pair of one class is known, and is no known conflict, since "
                    "the colouring is proper on the known ones: so it is no conflict.",
                    lambda: refine,
                ),
            ),
        ).finding()

    def settled(true: Graph, sample: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        known = set(sample)
        while True:
            colors = _welsh_powell(from_edges(len(true), [p for p in edges_of(true) if p in known]))
            inside = {
                (i, j) for i, j in combinations(range(len(true)), 2) if colors[i] == colors[j]
            }
            if not refine or inside <= known:
                return colors
            known |= inside

    def exactly(_: CheckContext) -> Finding:
        pairs = list(combinations(range(4), 2))

        def cases() -> Iterator[tuple[Graph, tuple[tuple[int, int], ...]]]:
            for true in labelled_graphs(4):
                for count in range(len(pairs) + 1):
                    for sample in combinations(pairs, count):
                        yield true, sample

        return for_every(
            cases(),
            lambda case: is_proper(case[0], settled(*case)),
            str,
            "all graphs on four tasks, every set of pairs as the first sample",
            "up_to",
        )

    return (
        Check("until nothing inside is unknown", Method.WRITTEN_PROOF, proof),
        Check("every graph and sample", Method.EXHAUSTIVE, exactly),
    )


def _cost_proof(_: CheckContext) -> Finding:
    import sympy

    k, d, c, t = sympy.symbols("K d c L", positive=True)
    return WrittenProof(
        "n = c K log K sampled products and K norms take O(Kd log K)",
        (
            Step(
                "(n + K)(2d - 1) ≤ 2d(n + K); with n = cK log K that is 2Kd(c log K + 1).",
                lambda: is_zero(2 * d * (c * k * t + k) - 2 * k * d * (c * t + 1)),
            ),
            Step("1 ≤ 2 log K for K ≥ 2."),
        ),
    ).finding()


def _cost_counted(_: CheckContext) -> Finding:
    def holds(case: tuple[int, int]) -> bool:
        k, d = case
        bits = (k - 1).bit_length()  # ⌈log₂ K⌉
        pairs = min(k * bits, k * (k - 1) // 2)
        return (pairs + k) * (2 * d - 1) <= 4 * k * d * bits

    return for_every(
        product((2, 3, 8, 40, 500), (1, 9, 1024)),
        holds,
        str,
        "K up to 500, K⌈log₂ K⌉ pairs counted",
    )


_PLANTED = Assumption(
    "planted separation", "cosines across groups below -τ - γ, within groups above -τ + γ"
)
_DENSE = Assumption("dense conflicts", "every two tasks of different groups are in conflict")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="SKE-D53-COST",
        family="sketches",
        title="the first pass costs O(Kd log K)",
        statement=r"We still compute all $K$ row norms once in $O(Kd)$ time for normalization, and "
        r"the first pass costs $O(Kd\log K)$ for the sampled dot products.",
        plain="K norms and c K log K inner products of length d take O(Kd log K) operations.",
        source=Source("SON-GOKU", "App. D.5.3"),
        assumptions=(),
        used_for="'reduces the pairwise work from K² to near K log K'",
        checks=(
            Check("counting", Method.WRITTEN_PROOF, _cost_proof),
            Check("operations counted", Method.EXACT, _cost_counted),
        ),
    ),
    Claim(
        id="SKE-D53-COMPONENT",
        family="sketches",
        title="the component structure is captured",
        statement=r"Under a planted separation model with margin $\gamma$ and reasonably dense "
        r"cross-group conflicts, one can show with high probability that the sampled graph already "
        r"captures the correct inter-group connectivity, so the [...] component structure is "
        r"recovered after the first pass.",
        plain="With m ≥ 2 groups of equal size, all pairs across groups in conflict, and each pair "
        "sampled independently with probability 12 ln K / K (about 6 K ln K pairs), the sampled "
        "conflict graph is connected, as the true one is, with probability at least 1 - 2/K².",
        source=Source("SON-GOKU", "App. D.5.3"),
        assumptions=(_PLANTED, _DENSE),
        used_for="D.5.3's first pass",
        checks=component_checks(),
        reading="components of the conflict graph; independent sampling; K with 12 ln K ≤ K",
        notes="There is one component, all tasks: knowing it says nothing on the groups. At K = 40 "
        "the constant 12 asks for every pair; the theorem is about large K.",
    ),
    Claim(
        id="SKE-D53-COLOR",
        family="sketches",
        title="the colouring is recovered after the first pass",
        statement=r"[...] the sampled graph already captures the correct inter-group connectivity, "
        r"so the coloring [...] is recovered after the first pass and only boundary pairs need "
        r"refinement.",
        plain="If the sampled graph of a planted model is connected and links every two groups, "
        "its Welsh-Powell classes hold no conflict of the true graph.",
        source=Source("SON-GOKU", "App. D.5.3"),
        assumptions=(_PLANTED, _DENSE),
        used_for="'while preserving the final decisions'",
        checks=(
            Check("three groups of two", Method.EXACT, lambda _: refuted_by("ske_sampled")),
            Check("every sample of that size", Method.EXHAUSTIVE, _every_sample),
            Check("forty tasks", Method.STATISTICAL, _forty_tasks),
        ),
        reading="the step from connectivity to colouring, which the sentence asserts; the paper's "
        "own colouring, Welsh-Powell. In the counterexample every two-colouring of the sampled "
        "graph is the same, so an exact colouring fails as well",
        repaired_by="SKE-D53-COLOR-R",
        notes="A conflict that was not sampled is missing from the graph. Its cosine may be far "
        "from the threshold (in the counterexample all are), so it is no boundary pair; and "
        "whether a pair is near the threshold is not known before it is evaluated.",
    ),
    Claim(
        id="SKE-D53-COLOR-R",
        family="sketches",
        title="refining inside the classes gives a proper colouring",
        statement=r"If pairs inside the classes are evaluated, and the graph coloured again, until "
        r"every pair of one class is known, the classes hold no conflict.",
        plain="Evaluating all unknown pairs inside classes and recolouring, until there are none, "
        "ends in a colouring that is proper on the true conflict graph.",
        source=Source("songoku", "repair of App. D.5.3"),
        assumptions=(),
        used_for="edge sampling without wrong decisions",
        checks=refined_checks(),
        repairs="SKE-D53-COLOR",
        notes="It looks at every pair inside its final classes: at least K²/(2m) - K/2 pairs for m "
        "classes, which is K log K only if there are about K/log K classes. The colouring need not "
        "be the one that the true graph would have got.",
    ),
    Claim(
        id="SKE-D53-TWO",
        family="sketches",
        title="two groups are recovered from a connected sample",
        statement=r"With two groups, all cross pairs in conflict, a connected sampled graph has "
        r"the groups as its only two-colouring.",
        plain="If there are two groups and the sampled conflicts connect all tasks, the only "
        "colouring with two colours is by group.",
        source=Source("songoku", "on App. D.5.3, where the sentence is right"),
        assumptions=(_PLANTED, _DENSE),
        used_for="recovering two groups; by a search for a two-colouring, not by Welsh-Powell",
        checks=two_camp_checks(),
        notes="Welsh-Powell on the sampled graph does not look for two colours: see the last check "
        "of SKE-D53-COLOR.",
    ),
)
