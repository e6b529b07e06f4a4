"""Results as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from songoku_theory.testing.compare import Comparison
from songoku_theory.testing.results import CheckResult, Status

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["comparison_table", "matrix_table", "result_table"]

_MARKS = {
    Status.PASS: "[green]ok[/]",
    Status.FAIL: "[bold red]FAIL[/]",
    Status.EXPECTED_FAIL: "[yellow]xfail[/]",
    Status.UNEXPECTED_PASS: "[bold red]XPASS[/]",
    Status.ERROR: "[red]?[/]",
}


def matrix_table(results: Sequence[CheckResult]) -> Table:
    """Rules down, families of graphs across.

    Examples
    --------
    >>> matrix_table([CheckResult("proper[small]", Status.PASS)]).row_count
    1
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1))
    families = list(dict.fromkeys(r.family for r in results))
    table.add_column("")
    for family in families:
        table.add_column(family, justify="center")
    marks = {(r.rule, r.family): _MARKS[r.status] for r in results}
    for rule in dict.fromkeys(r.rule for r in results):
        table.add_row(rule, *(marks.get((rule, family), "") for family in families))
    return table


def result_table(results: Sequence[CheckResult]) -> Table:
    """One line a check.

    Examples
    --------
    >>> result_table([CheckResult("descent", Status.FAIL, "why")]).row_count
    1
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for column in ("check", "result", "reason"):
        table.add_column(column, overflow="fold")
    for result in results:
        table.add_row(result.check, _MARKS[result.status], result.reason)
    return table


def comparison_table(rows: Sequence[Comparison]) -> Table:
    """A heuristic beside the built-in ones."""
    from rich.table import Table

    table = Table(
        title="Compared with the built-in heuristics",
        title_justify="left",
        box=None,
        padding=(0, 1),
    )
    for column, justify in (
        ("heuristic", "left"),
        ("graphs", "right"),
        ("colours", "right"),
        ("as few as possible", "right"),
        ("mean regret", "right"),
        ("worst", "left"),
        ("time a graph", "right"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for index, row in enumerate(rows):
        worst = f"+{row.worst_regret} on {row.worst_graph}" if row.worst_regret > 0 else "none"
        table.add_row(
            f"[bold]{row.name}[/]" if index == 0 else row.name,
            str(row.solved),
            str(row.colors),
            f"{row.exact} of {row.known}",
            "-" if row.mean_regret is None else f"{row.mean_regret:.3f}",
            worst if row.known else "-",
            f"{row.milliseconds:.2f} ms",
        )
    table.caption = (
        "graphs: coloured properly; colours: their sum where all were proper; regret: colours "
        "beyond the exact number"
    )
    table.caption_justify = "left"
    return table
