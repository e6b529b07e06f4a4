"""The edge rule: which side of the threshold, τ = 1, and an option that is not used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from types import ModuleType
from typing import Any

from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Check, Claim, Method, Outcome, Source

__all__ = ["CLAIMS", "agreement_checks", "empty_checks", "option_checks"]

Vector = tuple[Fraction, ...]
SEEN = "a rule seen in public code"


def _below(u: Vector, v: Vector, level: Fraction) -> bool:
    """Is the cosine below `level`, exactly?  For nonzero vectors."""
    dot = sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))
    size = sum((a * a for a in u), Fraction(0)) * sum((b * b for b in v), Fraction(0))
    left, right = dot * abs(dot), level * abs(level) * size  # signed squares keep the order
    return left < right


Edges = tuple[tuple[int, int], ...]


def _edges(rows: Sequence[Vector], level: Fraction) -> Edges:
    return tuple(
        (i + 1, j + 1)
        for i, j in combinations(range(len(rows)), 2)
        if _below(rows[i], rows[j], level)
    )


@replayer("code-edges")
def _replay_edges(data: Mapping[str, Any]) -> Replay:
    """The paper's edges (cosine < -τ) against those of a rule (cosine < level)."""
    rows = [tuple(rational(x) for x in row) for row in data["gradients"]]
    tau, level = rational(data["tau"]), rational(data["level"])
    paper, rule = _edges(rows, -tau), _edges(rows, level)
    return Replay(
        (
            f"gradients {data['gradients']}, τ = {tau}",
            f"the paper's rule, cosine < {-tau}: edges {paper}",
            f"the other rule, {data['rule']}: edges {rule}",
            f"So the two graphs are {'the same' if paper == rule else 'different'}.",
        ),
        paper != rule,
    )


_GRID = tuple(Fraction(n, 12) for n in range(-12, 13))
_TAUS = tuple(Fraction(n, 12) for n in range(13))


def _three(
    build: Callable[[ModuleType], list[smt.Obligation]],
    steps: Callable[[], tuple[Step, ...]],
    cases: Callable[[], Iterator[tuple[Fraction, ...]]],
    holds: Callable[[tuple[Fraction, ...]], bool],
    conclusion: str,
    reach: str,
) -> tuple[Check, ...]:
    return (
        Check(
            "case by case",
            Method.WRITTEN_PROOF,
            lambda _: WrittenProof(conclusion, steps()).finding(),
        ),
        Check("one pair by z3", Method.SMT, lambda _: smt.prove(build, conclusion)),
        Check("a grid", Method.EXHAUSTIVE, lambda _: for_every(cases(), holds, str, reach)),
    )


def agreement_checks(*, closed: bool = False) -> tuple[Check, ...]:
    """Return the checks that cos < τ and cos < -τ differ exactly for -τ ≤ cos < τ.

    With `closed` the interval is taken with its right end: a planted fault.
    """

    def build(z3: ModuleType) -> list[smt.Obligation]:
        c, tau = z3.Reals("c tau")
        given = [tau >= 0, tau <= 1, c >= -1, c <= 1]
        between = z3.And(-tau <= c, c <= tau if closed else c < tau)
        return [smt.Obligation("one pair", given, ((c < tau) != (c < -tau)) == between)]

    def steps() -> tuple[Step, ...]:
        return (
            Step(
                "cos < -τ implies cos < τ for τ ≥ 0, so the rules differ iff the second holds "
                "and the first does not.",
                lambda: smt.prove(build, "step").outcome is Outcome.SUPPORTS,
            ),
            Step("That is -τ ≤ cos < τ, which is empty for τ = 0."),
        )

    def holds(case: tuple[Fraction, ...]) -> bool:
        c, tau = case
        between = -tau <= c <= tau if closed else -tau <= c < tau
        return ((c < tau) != (c < -tau)) == between

    return _three(
        build,
        steps,
        lambda: ((c, tau) for c in _GRID for tau in _TAUS),
        holds,
        "the rules differ exactly for -τ ≤ cos < τ, and agree everywhere at τ = 0",
        "cosines and thresholds in twelfths",
    )


def empty_checks(*, strict: bool = True) -> tuple[Check, ...]:
    """Return the checks that at τ = 1 the paper's rule has no edge, for any gradients."""

    def build(z3: ModuleType) -> list[smt.Obligation]:
        a, b, x, y = z3.Reals("a b x y")
        # Lagrange: (a² + b²)(x² + y²) - (ax + by)² = (ay - bx)² >= 0, so |cos| <= 1.
        dot, size = a * x + b * y, (a * a + b * b) * (x * x + y * y)
        edge = z3.And(dot < 0, dot * dot > size if strict else dot * dot >= size)
        return [smt.Obligation("a pair in the plane", [size > 0], z3.Not(edge))]

    def steps() -> tuple[Step, ...]:
        return (
            Step("|⟨u, v⟩| ≤ ‖u‖ ‖v‖ (Cauchy-Schwarz), so every cosine is at least -1."),
            Step("cos < -1 never holds; cos ≤ -1 holds for opposite gradients.", lambda: strict),
        )

    def cases() -> Iterator[tuple[Fraction, ...]]:
        points = [Fraction(n) for n in range(-2, 3)]
        for a in points:
            for b in points:
                for x in points:
                    for y in points:
                        if (a or b) and (x or y):
                            yield a, b, x, y

    def holds(case: tuple[Fraction, ...]) -> bool:
        a, b, x, y = case
        dot, size = a * x + b * y, (a * a + b * b) * (x * x + y * y)
        return not (dot < 0 and (dot * dot > size if strict else dot * dot >= size))

    return _three(
        build,
        steps,
        cases,
        holds,
        "with cos < -τ and τ = 1 the graph has no edges",
        "pairs of vectors with coordinates -2 to 2",
    )


def option_checks(*, shifted: bool = False) -> tuple[Check, ...]:
    """Return the checks that thresholds s ≤ t differ on a pair exactly for -t ≤ cos < -s."""

    def build(z3: ModuleType) -> list[smt.Obligation]:
        c, s, t = z3.Reals("c s t")
        given = [s >= 0, s <= t, t <= 1, c >= -1, c <= 1]
        between = z3.And(-t < c if shifted else -t <= c, c < -s)
        return [smt.Obligation("one pair", given, ((c < -s) != (c < -t)) == between)]

    def steps() -> tuple[Step, ...]:
        return (
            Step(
                "cos < -t implies cos < -s, so they differ iff cos < -s and not cos < -t.",
                lambda: smt.prove(build, "step").outcome is Outcome.SUPPORTS,
            ),
        )

    def holds(case: tuple[Fraction, ...]) -> bool:
        c, s, t = case
        between = (-t < c if shifted else -t <= c) and c < -s
        return ((c < -s) != (c < -t)) == between

    return _three(
        build,
        steps,
        lambda: ((c, s, t) for c in _GRID for s in _TAUS[::3] for t in _TAUS[::3] if s <= t),
        holds,
        "two thresholds s ≤ t differ on a pair exactly for -t ≤ cos < -s",
        "cosines in twelfths, thresholds in quarters",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="CODE-EDGE",
        family="code",
        title="edges where cos < τ are the paper's edges",
        statement=r"The rule $(i,j)\in E\iff\cos(\tilde g_i,\tilde g_j)<\tau$ gives the conflict "
        r"graph of section 4.2, $\rho_{ij}>\tau$.",
        plain="An edge where cos < τ is the same as an edge where -cos > τ, for every τ in [0, 1].",
        source=Source("songoku", f"{SEEN}, against section 4.2"),
        assumptions=(),
        used_for="every decision of the scheduler",
        checks=(Check("two tasks", Method.EXACT, lambda _: refuted_by("code_edge")),),
        repaired_by="CODE-EDGE-R",
        notes="The rule separates tasks that the paper trains together: unrelated and mildly "
        "aligned ones. A larger τ makes its graph denser and the paper's sparser.",
    ),
    Claim(
        id="CODE-EDGE-R",
        family="code",
        title="the rules differ exactly for -τ ≤ cos < τ",
        statement=r"The edges $\cos<\tau$ and $\cos<-\tau$ differ exactly for the pairs with $-\tau"
        r"\le\cos<\tau$; at $\tau=0$ they are the same.",
        plain="For τ in [0, 1] a pair is an edge of one rule and not of the other iff -τ ≤ cos < "
        "τ.",
        source=Source("songoku", "repair of CODE-EDGE"),
        assumptions=(),
        used_for="why a test at τ = 0 can't see the sign",
        checks=agreement_checks(),
        repairs="CODE-EDGE",
    ),
    Claim(
        id="CODE-ONE",
        family="code",
        title="τ = 1 gives one class of all tasks",
        statement=r"Under the rule $\cos<\tau$, $\tau=1$ gives no edges, full simultaneous "
        r"training (4.4.2).",
        plain="With edges where cos < τ and τ = 1 the graph has no edges.",
        source=Source("songoku", f"{SEEN}, against section 4.4.2"),
        assumptions=(),
        used_for="the warm-up, in which all tasks should be active",
        checks=(Check("two tasks", Method.EXACT, lambda _: refuted_by("code_one")),),
        repaired_by="CODE-ONE-R",
        notes="The graph is complete unless two gradients point the same way: each task is alone "
        "in its class, the opposite of the warm-up that the paper describes.",
    ),
    Claim(
        id="CODE-ONE-R",
        family="code",
        title="with the paper's rule τ = 1 gives no edges",
        statement=r"With $\rho_{ij}>\tau$ and $\tau=1$ the graph has no edges, whatever the "
        r"gradients.",
        plain="No pair of gradients has cosine below -1.",
        source=Source("songoku", "repair of CODE-ONE"),
        assumptions=(),
        used_for="warm-up by τ = 1",
        checks=empty_checks(),
        repairs="CODE-ONE",
        notes="In floating point a cosine can round to less than -1; a rule has to allow for that.",
    ),
    Claim(
        id="CODE-OPTION",
        family="code",
        title="an option that is accepted is used",
        statement=r"A threshold $\tau$ that is passed and swallowed (a default is used) gives the "
        r"graph of the $\tau$ that was asked for.",
        plain="The graph at the default threshold 1/5 is the graph at the threshold that was asked "
        "for.",
        source=Source("songoku", f"{SEEN}: an option swallowed without a word"),
        assumptions=(),
        used_for="every sweep over τ",
        checks=(Check("two tasks", Method.EXACT, lambda _: refuted_by("code_option")),),
        repaired_by="CODE-OPTION-R",
        notes="The same can happen to β, R and an inner method's options; here an unknown option "
        "is an error that lists the valid ones.",
    ),
    Claim(
        id="CODE-OPTION-R",
        family="code",
        title="when two thresholds give the same graph",
        statement=r"Thresholds $s\le t$ give the same graph iff no cosine lies in $[-t,-s)$.",
        plain="For 0 ≤ s ≤ t ≤ 1 a pair is an edge at one of s, t and not at the other iff -t ≤ "
        "cos < -s.",
        source=Source("songoku", "repair of CODE-OPTION"),
        assumptions=(),
        used_for="which runs a swallowed option changes",
        checks=option_checks(),
        repairs="CODE-OPTION",
    ),
)
