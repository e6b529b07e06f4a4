"""An error below the margin leaves every pair on its side of the threshold."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from types import ModuleType

from proofs_check.methods import smt
from proofs_check.methods.exact import for_every
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Finding, Method

__all__ = ["MARGIN", "side_checks"]

MARGIN = Assumption("margin", "every pair's cosine C satisfies |C + τ| ≥ γ")


def side_checks(slack: Fraction = Fraction(1)) -> tuple[Check, ...]:
    """Return the checks that |Ĉ - C| < slack γ and the margin keep (C < -τ) = (Ĉ < -τ)."""

    def solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            c, h, tau, gamma = z3.Reals("c h tau gamma")
            times = z3.RealVal(str(slack))
            given = [gamma > 0, h - c < times * gamma, c - h < times * gamma]
            given.append(z3.Or(c + tau >= gamma, c + tau <= -gamma))
            return [smt.Obligation("one pair", given, (c < -tau) == (h < -tau))]

        return smt.prove(build, "the pair stays on its side of -τ")

    def proof(_: CheckContext) -> Finding:
        return WrittenProof(
            "the edge set and the colouring of it are the same",
            (
                Step(
                    "If C ≤ -τ - γ, then Ĉ < C + γ ≤ -τ: an edge in both. If C ≥ -τ + γ, then "
                    "Ĉ > C - γ ≥ -τ: in neither.",
                    lambda: slack <= 1,
                ),
                Step(
                    "So both graphs are the same; a deterministic colouring of the same graph is "
                    "the same."
                ),
            ),
        ).finding()

    def grid(_: CheckContext) -> Finding:
        def cases() -> Iterator[tuple[Fraction, Fraction, Fraction, Fraction]]:
            points = [Fraction(n, 8) for n in range(-8, 9)]
            for tau in (Fraction(0), Fraction(1, 8), Fraction(1, 2)):
                for gamma in (Fraction(1, 8), Fraction(3, 8)):
                    for c in points:
                        for step in range(-9, 10):
                            yield c, c + slack * gamma * Fraction(step, 10), tau, gamma

        return for_every(
            cases(),
            lambda x: abs(x[0] + x[2]) < x[3] or (x[0] < -x[2]) == (x[1] < -x[2]),
            str,
            "cosines in eighths, three thresholds, two margins, errors up to 0.9 of the margin",
        )

    return (
        Check("two cases", Method.WRITTEN_PROOF, proof),
        Check("one pair by z3", Method.SMT, solver),
        Check("pairs in fractions", Method.EXACT, grid),
    )
