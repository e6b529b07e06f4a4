"""Theorem 2 (eq. 32-34, 38): from uniformly accurate cosines to exact edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from proofs_check.claims.coloring._gradients import conflict_graph, read_gradients
from proofs_check.claims.coloring._graphs import edges_of
from proofs_check.claims.coloring._kernels import Z3
from proofs_check.claims.recovery._assumptions import A1_PAIRS, TAU_FIXED
from proofs_check.claims.recovery._checks import (
    Obligation,
    Step,
    appendix_b,
    look,
    ours,
    proof,
    replayed,
    solver,
    some,
)
from proofs_check.claims.recovery._exact import cosine
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.model import CheckContext, Claim, Method

__all__ = ["CLAIMS", "edge_obligations"]

Setting = tuple[Fraction, Fraction, Fraction, Fraction]
"""tau, gamma, C*, C^ - C*."""


def edge_obligations(z3: Z3, strict: bool = True) -> list[Obligation]:
    """Theorem 2 for one pair, over the reals; `strict` asks eps < gamma, else eps <= gamma."""
    tau, gamma, epsilon, true, found = z3.Reals("tau gamma eps C E")
    hypotheses = [
        tau > 0,
        tau < 1,
        gamma > 0,
        gamma < 1 - tau,
        epsilon < gamma if strict else epsilon <= gamma,
        found - true <= epsilon,
        true - found <= epsilon,
    ]
    margin = z3.Or(true <= -(tau + gamma), true >= -(tau - gamma))
    return [
        Obligation("an edge stays", [*hypotheses, true <= -(tau + gamma)], found < -tau),
        Obligation("a non-edge stays", [*hypotheses, true >= -(tau - gamma)], found > -tau),
        Obligation("same side of -tau", [*hypotheses, margin], (found < -tau) == (true < -tau)),
    ]


def _grid(context: CheckContext) -> Iterator[Setting]:
    del context
    for tau in (Fraction(1, 10), Fraction(1, 3), Fraction(1, 2), Fraction(4, 5)):
        for part in range(1, 5):
            gamma = (1 - tau) * Fraction(part, 5)
            for true in (Fraction(k, 12) for k in range(-12, 13)):
                if -(tau + gamma) < true < -(tau - gamma):
                    continue
                for shift in range(-9, 10):
                    yield tau, gamma, true, gamma * Fraction(shift, 10)


def _edge_kept(case: Setting) -> bool:
    tau, _, true, error = case
    return (true < -tau) == (true + error < -tau)


@replayer("recovery-edge-tie")
def replay_tie(data: Mapping[str, Any]) -> Replay:
    """Two exact gradients whose cosine is -tau: no edge, as in G*, yet not above -tau."""
    tau, gamma = rational(data["tau"]), rational(data["gamma"])
    means, found = read_gradients(data["means"]), read_gradients(data["gradients"])
    true, empirical = conflict_graph(means, tau), conflict_graph(found, tau)
    c_true = cosine(*(tuple(map(Fraction, v)) for v in means))
    c_found = cosine(*(tuple(map(Fraction, v)) for v in found))
    margin = 0 < gamma < 1 - tau and c_true.low >= -(tau - gamma)
    above = c_found.low > -tau
    return Replay(
        (
            f"tau = {tau}, gamma = {gamma}; C* = {c_true.low}, C^ = {c_found.low}",
            f"edges of G*: {edges_of(true)}, of G^: {edges_of(empirical)}; equal: "
            f"{true == empirical}",
            f"C* >= -(tau - gamma): {margin}; C^ > -tau: {above}",
        ),
        margin and true == empirical and c_found.low == c_found.high and not above,
    )


def _at_the_margin(context: CheckContext) -> Iterator[Setting]:
    for tau, gamma, _, _ in _grid(context):
        yield tau, gamma, -(tau + gamma), gamma


def _tie_obligations(z3: Z3) -> list[Obligation]:
    tau, gamma, true, found = z3.Reals("tau gamma C E")
    margin = z3.Or(true <= -(tau + gamma), true >= -(tau - gamma))
    same = (found < -tau) == (true < -tau)
    pairwise = z3.And(
        z3.Implies(true <= -(tau + gamma), found < -tau),
        z3.Implies(true >= -(tau - gamma), found >= -tau),
    )
    return [
        Obligation(
            "same edge iff the two implications",
            [tau > 0, gamma > 0, gamma < 1 - tau, margin],
            same == pairwise,
        )
    ]


REC_T2 = Claim(
    id="REC-T2",
    family="recovery",
    title="Cosines within the margin give the exact graph",
    statement=r"Assume Assumptions 1-5. If $\max_{i<j}|\hat C_{ij}-C^*_{ij}|\le\epsilon$ with "
    r"$\epsilon<\gamma$, then $\hat G=G^*$.",
    plain="If every population cosine keeps a distance gamma from -tau and every empirical one is "
    "closer than gamma to it, the two graphs are equal; each pair as in eq. 34.",
    source=appendix_b("B.5, Theorem 2; B.7 (iii)", "32", "33", "34", "38"),
    assumptions=(A1_PAIRS,),
    used_for="Corollaries 1 and 2.",
    checks=(
        solver("one pair", edge_obligations, "eq. 34 for every pair, over the reals", doc="z3"),
        proof(
            "eq. 34, pair by pair",
            (
                Step("C* <= -(tau+gamma): C^ <= C* + eps <= -(tau+gamma) + eps < -tau: an edge."),
                Step("C* >= -(tau-gamma): C^ >= -(tau-gamma) - eps > -tau: no edge."),
                Step("Every pair is of one of the two kinds, so G^ and G* have the same edges."),
            ),
        ),
        some(
            "values",
            _grid,
            _edge_kept,
            "four tau, four gamma, cosines in twelfths, errors in tenths of gamma",
            doc="In fractions.",
        ),
    ),
    reading="'Assumptions 1-5' through the margin for every pair, which Assumption 1 gives under "
    "model (B) and which is what the proof uses",
    notes="Deterministic: Assumptions 2, 3 and 5 play no part. Under model (A) Assumption 1 itself "
    "can't hold (REC-A1-A).",
)

REC_T2_SHARP = Claim(
    id="REC-T2-SHARP",
    family="recovery",
    title="An error of gamma is too much",
    statement=r"For every $\tau$ and $\gamma$ the conclusion of Theorem 2 fails for some cosines "
    r"with $\epsilon=\gamma$.",
    plain="With eps = gamma an edge at -(tau+gamma) can land on -tau, which is no edge.",
    source=ours("on Theorem 2"),
    assumptions=(),
    used_for="eps < gamma can't be relaxed.",
    checks=(
        look(
            "edges at the margin",
            _at_the_margin,
            lambda case: not _edge_kept(case),
            str,
            "the grid of REC-T2",
            doc="C* = -(tau+gamma), error gamma.",
            method=Method.EXACT,
            kind="instances",
        ),
        proof(
            "C^ = -tau is no edge",
            (Step("-(tau+gamma) + gamma = -tau, and eq. 5 asks for cosine < -tau, strictly."),),
        ),
    ),
)

REC_34 = Claim(
    id="REC-34",
    family="recovery",
    title="Eq. 34 says the same as equality of the graphs",
    statement=r"$\hat G=G^*$. Equivalently, for every $i\ne j$, "
    r"$C^*_{ij}\le-(\tau+\gamma)\Rightarrow\hat C_{ij}<-\tau$ and "
    r"$C^*_{ij}\ge-(\tau-\gamma)\Rightarrow\hat C_{ij}>-\tau$.",
    plain="Under the margin, G^ = G* holds if and only if eq. 34 holds for every pair.",
    source=appendix_b("B.5, Theorem 2", "33", "34"),
    assumptions=(A1_PAIRS,),
    used_for="A remark of Theorem 2; nothing leans on the missing direction.",
    checks=(replayed("rec_34_tie", "A cosine of exactly -tau."),),
    reading="'equivalently' as 'if and only if'; eq. 34 implies eq. 33 (REC-T2)",
    repaired_by="REC-34-R",
)

REC_34_R = Claim(
    id="REC-34-R",
    family="recovery",
    title="Equality of the graphs, pair by pair",
    statement=r"$\hat G=G^*$ iff for every $i\ne j$: $C^*_{ij}\le-(\tau+\gamma)\Rightarrow\hat "
    r"C_{ij}<-\tau$ and $C^*_{ij}\ge-(\tau-\gamma)\Rightarrow\hat C_{ij}\ge-\tau$.",
    plain="Under the margin, G^ = G* iff edges have C^ < -tau and non-edges C^ >= -tau.",
    source=ours("repair of Theorem 2's 'equivalently'"),
    assumptions=(A1_PAIRS, TAU_FIXED),
    used_for="A tie is no edge (eq. 5).",
    checks=(
        solver(
            "one pair",
            _tie_obligations,
            "the two statements agree for each pair",
            doc="z3",
        ),
        look(
            "values",
            lambda _: (
                (Fraction(t, 10), Fraction(t, 10) + Fraction(g, 20), Fraction(c, 20))
                for t in range(1, 8)
                for g in range(1, 3)
                for c in range(-20, 21)
            ),
            lambda case: (case[2] < -case[0]) == (not case[2] >= -case[0]),
            str,
            "empirical cosines in twentieths, ties included",
            doc="In fractions.",
            method=Method.EXACT,
            kind="instances",
        ),
        proof(
            "an edge is a cosine < -tau",
            (
                Step("Under the margin a pair is an edge of G* iff C* <= -(tau+gamma)."),
                Step("It is an edge of G^ iff C^ < -tau, and none iff C^ >= -tau."),
            ),
        ),
    ),
    repairs="REC-34",
)


CLAIMS = (REC_T2, REC_T2_SHARP, REC_34, REC_34_R)
