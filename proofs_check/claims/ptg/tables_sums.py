"""Tables 2 to 5: do the rows add up to their printed totals?"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from proofs_check.claims.ptg._data import COP_GROUPS, COP_TOTALS, ROWS
from proofs_check.claims.ptg._tables import PRINTED, cell
from proofs_check.methods.exact import for_every
from proofs_check.methods.findings import inconclusive, supports
from proofs_check.model import Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "sum_checks"]

Row = tuple[str, Sequence[str], str]
"""Name, cells, printed total."""


def _adds_up(row: Row) -> bool:
    _, cells, total = row
    parts, whole = [cell("", text) for text in cells], cell("", total)
    slack = sum((c.half for c in parts), Fraction(0)) + whole.half
    return abs(sum((c.value for c in parts), Fraction(0)) - whole.value) <= slack


def _round(value: Fraction, like: str) -> Decimal:
    quotient = Decimal(value.numerator) / Decimal(value.denominator)
    return quotient.quantize(Decimal(like), ROUND_HALF_EVEN)


def _witness(row: Row) -> bool:
    """Spread the difference over the cells: do these numbers round to what is printed?"""
    _, cells, total = row
    printed = [Fraction(text) for text in cells]
    # A hair less than the whole difference, so that no number sits on a rounding boundary.
    share = (Fraction(total) - sum(printed, Fraction(0))) / len(cells) * Fraction(99, 100)
    exact = [value + share for value in printed]
    return all(
        _round(value, text) == Decimal(text) for value, text in zip(exact, cells, strict=True)
    ) and _round(sum(exact, Fraction(0)), total) == Decimal(total)


def sum_checks(rows: Sequence[Row]) -> tuple[Check, ...]:
    """Return the checks that each row's cells can add up to its total."""

    def slack(_: CheckContext) -> Finding:
        return for_every(
            rows, _adds_up, lambda row: row[0], f"{len(rows)} rows within rounding", "all_sizes"
        )

    def witness(_: CheckContext) -> Finding:
        failing = [row[0] for row in rows if not _witness(row)]
        if failing:
            return inconclusive("unrounded numbers", f"none found for {', '.join(failing)}")
        return supports(
            "instances",
            "unrounded numbers",
            f"numbers that round to every printed cell and add up to the printed total, in all "
            f"{len(rows)} rows",
        )

    return (
        Check("within rounding", Method.EXACT, slack),
        Check("unrounded numbers, in decimals", Method.CERTIFICATE, witness),
    )


def _plain_rows(table: str) -> tuple[Row, ...]:
    return tuple(
        (f"{table}, {name}", cells.split(), total) for name, (cells, total) in ROWS[table].items()
    )


def _best_rows() -> tuple[Row, ...]:
    found: list[Row] = []
    for name, rows in COP_GROUPS.items():
        columns = zip(*(row.split() for row in rows), strict=True)
        best = [min((t for t in column if t != "-"), key=Fraction) for column in columns]
        method, groups = name[:-4], int(name[-2])
        found.append((f"Table 4, {name}", best, COP_TOTALS[groups][method]))
    return tuple(found)


def _sums(number: int, what: str, rows: tuple[Row, ...], notes: str = "") -> Claim:
    return Claim(
        id=f"PTG-T{number}-SUMS",
        family="ptg",
        title=f"rows of Table {number} add up to their totals",
        statement=rf"[Table {number}] {what} is the sum of the row.",
        plain=f"In the {len(rows)} rows of Table {number} of one network for all tasks or one a "
        f"task, the cells add up to the printed total within rounding.",
        source=Source("PTG", f"App. C, Table {number}"),
        assumptions=(PRINTED,),
        used_for="comparing methods by one number",
        checks=sum_checks(rows),
        notes=notes
        or "Rows of grouping methods are not judged: in the text at hand their cells are merged.",
    )


CLAIMS: tuple[Claim, ...] = (
    _sums(2, "Loss reduction", _plain_rows("Table 2")),
    _sums(3, "Total error", _plain_rows("Table 3")),
    _sums(4, "Total gap", _plain_rows("Table 4")),
    _sums(
        5,
        "MAE",
        _plain_rows("Table 5"),
        "In the text at hand Naive-MTL, Random (2) and MTG (2, 3 and 4) show the same seven cells "
        "with totals 3.038, 3.035, 3.033, 3.033 and 3.018; two digits allow that, and the cells of "
        "the grouping methods may be damaged.",
    ),
    Claim(
        id="PTG-T4-BEST",
        family="ptg",
        title="a task in several groups counts with its best",
        statement=r"[Table 4] 3 groups: OPT $2.492\%$ with (TSP20, TSP50, CVRP20), (CVRP20, "
        r"CVRP50), (TSP50, CVRP20, OP20, OP50); Ours $2.774\%$.",
        plain="The totals of OPT and Ours for three groups are sums over tasks of the smallest gap "
        "among the task's groups.",
        source=Source("PTG", "App. C.5, Table 4"),
        assumptions=(PRINTED,),
        used_for="what a total of overlapping groups is; Formulation 8 counts every group instead",
        checks=sum_checks(_best_rows()),
        reading="rows assigned to methods by the groups that C.5 names",
    ),
)
