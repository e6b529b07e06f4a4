"""Statements about finite tables, judged twice: in fractions, and on the digits as integers.

A statement is a list of clauses; a clause holds if one of its comparisons does; a comparison is
between products of printed decimals. The tables are all that such a statement speaks of, so going
through all clauses settles it; what can still be wrong is a transcribed digit, for which a test
reads the paper, and the direction of a comparison, for which tests turn entries round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from proofs_check.claims.tables._data import COLUMNS, Scores
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.exact import refuted_by
from proofs_check.methods.findings import inconclusive, refutes, supports
from proofs_check.model import Check, CheckContext, Finding, Method

__all__ = ["Clause", "Comparison", "beats", "held", "not_held", "one"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The product of `left` is less than (or, if not strict, at most) the product of `right`."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    strict: bool = True

    def in_fractions(self) -> bool:
        """Decide in fractions."""
        low, high = Fraction(1), Fraction(1)
        for text in self.left:
            low *= Fraction(text)
        for text in self.right:
            high *= Fraction(text)
        return low < high if self.strict else low <= high

    def in_integers(self) -> bool:
        """Decide on the digits: both sides brought to the same number of decimal places."""
        low, places = _digits(self.left)
        high, others = _digits(self.right)
        shift = max(places, others)
        low, high = low * 10 ** (shift - places), high * 10 ** (shift - others)
        return high - low > 0 if self.strict else not low - high > 0


def _digits(factors: Sequence[str]) -> tuple[int, int]:
    """Return the product's digits and how many of them stand behind the point."""
    product, places = 1, 0
    for text in factors:
        whole, _, rest = text.partition(".")
        product *= int(whole + rest)
        places += len(rest)
    return product, places


@dataclass(frozen=True, slots=True)
class Clause:
    """One of several comparisons holds."""

    label: str
    options: tuple[Comparison, ...]


def one(label: str, left: Sequence[str], right: Sequence[str], *, strict: bool = True) -> Clause:
    """Return the clause of one comparison."""
    return Clause(label, (Comparison(tuple(left), tuple(right), strict),))


def beats(
    scores: Scores, column: int, better: str, worse: str, *, strict: bool = True
) -> Comparison:
    """Return the comparison that says that a row of Table 1 is better than another."""
    a, b = scores[better][column], scores[worse][column]
    if COLUMNS[column].higher_is_better:
        a, b = b, a
    return Comparison((a,), (b,), strict)


Build = Callable[[], Sequence[Clause]]


def _failing(clauses: Sequence[Clause], judge: Callable[[Comparison], bool]) -> list[str]:
    return [c.label for c in clauses if not any(judge(option) for option in c.options)]


def _finding(clauses: Sequence[Clause], judge: Callable[[Comparison], bool], reach: str) -> Finding:
    if not clauses:
        return inconclusive(reach, "there was nothing to compare")
    failing = _failing(clauses, judge)
    if failing:
        shown = "; ".join(failing[:6]) + ("; ..." if len(failing) > 6 else "")
        return refutes(reach, f"{len(failing)} of {len(clauses)} comparisons fail: {shown}")
    return supports("all_sizes", reach, f"all {len(clauses)} comparisons hold: {reach}")


def held(build: Build, reach: str) -> tuple[Check, ...]:
    """Return the two checks of a statement that is expected to hold."""

    def fractions(_: CheckContext) -> Finding:
        return _finding(build(), Comparison.in_fractions, reach)

    def integers(_: CheckContext) -> Finding:
        return _finding(build(), Comparison.in_integers, reach)

    return (
        Check("in fractions", Method.EXACT, fractions, doc="Every comparison, in fractions."),
        Check("on the digits", Method.EXHAUSTIVE, integers, doc="The same, in whole numbers."),
    )


def not_held(stem: str, build: Build, reach: str) -> tuple[Check, ...]:
    """Return the checks of a statement that a stored cell contradicts, and all cells that do."""

    def integers(_: CheckContext) -> Finding:
        return _finding(build(), Comparison.in_integers, reach)

    return (
        Check("the cells", Method.EXACT, lambda _: refuted_by(stem)),
        Check("on the digits", Method.EXHAUSTIVE, integers, doc="Every comparison."),
    )


@replayer("tab-cells")
def _replay_cells(data: Mapping[str, Any]) -> Replay:
    """Compare sums of products of printed cells; violated if none of the comparisons holds."""
    names = {str(c["name"]): rational(c["value"]) for c in data["cells"]}
    steps = [f"{c['where']}: {c['name']} = {c['value']}" for c in data["cells"]]

    def value(side: Sequence[Mapping[str, Any]]) -> Fraction:
        total = Fraction(0)
        for term in side:
            product = rational(term["times"])
            for name in term["of"]:
                product *= names[name]
            total += product
        return total

    kept = False
    for claimed in data["any_of"]:
        left, right = value(claimed["left"]), value(claimed["right"])
        holds = left < right if claimed["strict"] else left <= right
        relation = "<" if claimed["strict"] else "≤"
        steps.append(f"{claimed['says']}: {left} {relation} {right} is {str(holds).lower()}")
        kept = kept or holds
    steps.append(str(data["so"]))
    return Replay(tuple(steps), not kept)
