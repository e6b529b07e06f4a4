"""A sentence against a table: comparisons of printed numbers, and of all that round to them.

A printed number stands for the interval of half a unit of its last digit either way. A sentence is
judged on the printed numbers, and again by a solver on every choice of numbers in the intervals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from types import ModuleType
from typing import Any, Literal

from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.findings import inconclusive, refutes
from proofs_check.methods.symbolic import Expression
from proofs_check.model import Assumption, Check, CheckContext, Finding, Method, Outcome

__all__ = [
    "PRINTED",
    "Cell",
    "Comparison",
    "cell",
    "contradicted",
    "ordered",
    "seconds",
    "upheld",
]

Relation = Literal["<", "<=", "=="]

PRINTED = Assumption("the printed numbers", "each printed number is right to its last digit")


@dataclass(frozen=True, slots=True)
class Cell:
    """A printed number, what it is, and half a unit of its last digit."""

    name: str
    value: Fraction
    half: Fraction


def cell(name: str, text: str, unit: int = 1) -> Cell:
    """Read a decimal; `unit` converts it, e.g. 60 for minutes into seconds.

    Examples
    --------
    >>> cell("a", "2.50").half
    Fraction(1, 200)
    """
    digits = len(text.partition(".")[2])
    return Cell(name, Fraction(text) * unit, Fraction(unit, 2 * 10**digits))


def seconds(name: str, text: str) -> Cell:
    """Read a time such as ``1.93m``."""
    return cell(name, text[:-1], {"s": 1, "m": 60, "h": 3600}[text[-1]])


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left relation right``; ``==`` asks that one number can round to both."""

    left: Cell
    relation: Relation
    right: Cell

    def holds(self) -> bool:
        """Decide it for the printed numbers."""
        if self.relation == "==":
            return abs(self.left.value - self.right.value) <= self.left.half + self.right.half
        if self.relation == "<":
            return self.left.value < self.right.value
        return self.left.value <= self.right.value

    def __str__(self) -> str:
        shown = [f"{c.name} ({_decimal(c.value)})" for c in (self.left, self.right)]
        return f"{shown[0]} {self.relation} {shown[1]}"


def _decimal(value: Fraction) -> str:
    return f"{float(value):.10g}"


def ordered(cells: Sequence[Cell], relation: Relation = "<") -> tuple[Comparison, ...]:
    """Return the comparisons of each cell with the next."""
    return tuple(Comparison(left, relation, right) for left, right in pairwise(cells))


def _in_intervals(
    z3: ModuleType, comparisons: Iterable[Comparison]
) -> tuple[list[Expression], list[Expression]]:
    """Return the intervals of all cells and the comparisons, over one variable a cell."""
    known: dict[Cell, Expression] = {}
    given: list[Expression] = []

    def variable(c: Cell) -> Expression:
        if c not in known:
            known[c] = z3.Real(f"x{len(known)}")
            low, high = c.value - c.half, c.value + c.half
            given.append(known[c] >= z3.Q(low.numerator, low.denominator))
            given.append(known[c] <= z3.Q(high.numerator, high.denominator))
        return known[c]

    said = []
    for item in comparisons:
        left, right = variable(item.left), variable(item.right)
        if item.relation == "<":
            said.append(left < right)
        elif item.relation == "<=":
            said.append(left <= right)
        else:
            slack = item.left.half + item.right.half
            room = z3.Q(slack.numerator, slack.denominator)
            said.append(z3.And(left - right <= 2 * room, right - left <= 2 * room))
    return given, said


def upheld(comparisons: Sequence[Comparison], under_condition: bool = False) -> tuple[Check, ...]:
    """Return two checks that all the comparisons hold."""

    def printed(_: CheckContext) -> Finding:
        return for_every(
            comparisons,
            Comparison.holds,
            str,
            f"{len(comparisons)} comparisons of printed numbers",
            "all_sizes",
        )

    def unrounded(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            given, said = _in_intervals(z3, comparisons)
            return [smt.Obligation("all comparisons", given, z3.And(*said))]

        return smt.prove(build, "the sentence holds for all numbers that round to the printed ones")

    return (
        Check("printed numbers", Method.EXACT, printed, under_condition=under_condition),
        Check("before rounding, by z3", Method.SMT, unrounded, under_condition=under_condition),
    )


def contradicted(stem: str, comparisons: Sequence[Comparison]) -> tuple[Check, ...]:
    """Return the stored contradiction, the table's own, and that rounding does not mend it."""

    def table(_: CheckContext) -> Finding:
        failing = [str(item) for item in comparisons if not item.holds()]
        if not failing:
            return inconclusive("printed numbers", "all comparisons hold in the table")
        return refutes("printed numbers", f"fails in the table: {'; '.join(failing)}")

    def unrounded(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            given, said = _in_intervals(z3, comparisons)
            return [smt.Obligation("not all", given, z3.Not(z3.And(*said)))]

        found = smt.prove(build, "some comparison fails however the numbers were rounded")
        if found.outcome is Outcome.SUPPORTS:
            return refutes("all numbers that round to the printed ones", found.detail)
        return inconclusive("before rounding", found.detail)

    return (
        Check("stored contradiction", Method.EXACT, lambda _: refuted_by(stem)),
        Check("the table", Method.EXHAUSTIVE, table),
        Check("before rounding, by z3", Method.SMT, unrounded),
    )


@replayer("ptg-compare")
def _replay_compare(data: Mapping[str, Any]) -> Replay:
    """Comparisons that a sentence makes, with the table's numbers: which fail?"""
    items = [
        Comparison(
            Cell(str(left), rational(x), rational(data["half"])),
            relation,
            Cell(str(right), rational(y), rational(data["half"])),
        )
        for left, x, relation, right, y in data["comparisons"]
    ]
    lines = [f"{item}: {'holds' if item.holds() else 'FAILS'}" for item in items]
    failing = [item for item in items if not item.holds()]
    return Replay(
        ("the sentence says, with the table's numbers:", *lines, f"{len(failing)} fail."),
        bool(failing),
    )
