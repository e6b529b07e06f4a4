"""Results as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from songoku_theory.testing.compare import Comparison
from songoku_theory.testing.mutants.model import Trial
from songoku_theory.testing.results import CheckResult, Status

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["comparison_table", "matrix_table", "mutant_table", "result_table"]

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

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    families = list(dict.fromkeys(r.family for r in results))
    table.add_column("", no_wrap=True)
    for family in families:
        table.add_column(family.replace("-", "\n"), justify="center", overflow="fold", min_width=5)
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
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for column in ("check", "result", "reason"):
        table.add_column(column, overflow="fold")
    for result in results:
        table.add_row(escape(result.check), _MARKS[result.status], escape(result.reason))
    return table


def mutant_table(trials: Sequence[Trial]) -> Table:
    """Every specimen with the checks that found its fault."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1), show_edge=False)
    table.add_column("specimen", max_width=52)
    table.add_column("result")
    table.add_column("found by", overflow="fold")
    kind = ""
    for trial in trials:
        specimen = trial.specimen
        if specimen.kind != kind:
            kind = specimen.kind
            table.add_section()
            table.add_row(f"[bold]{kind}[/]", "", "")
        if not specimen.faulty:
            mark = "[green]lives[/]" if trial.as_expected else "[bold red]REFUSED[/]"
            table.add_row(f"{escape(specimen.name)} (correct)", mark, "")
            continue
        mark = "[green]found[/]" if trial.as_expected else "[bold red]SURVIVES[/]"
        seen = " [yellow](seen in public code)[/]" if specimen.seen else ""
        shown = list(trial.killed_by[:4])
        more = len(trial.killed_by) - len(shown)
        text = escape(", ".join(shown)) + (f" and {more} more" if more else "")
        table.add_row(f"{escape(specimen.name)}{seen}", mark, text)
    return table


def comparison_table(rows: Sequence[Comparison]) -> Table:
    """A heuristic beside the built-in ones."""
    from rich.markup import escape
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
        worst = (
            f"+{row.worst_regret} on {escape(row.worst_graph)}" if row.worst_regret > 0 else "none"
        )
        table.add_row(
            f"[bold]{escape(row.name)}[/]" if index == 0 else escape(row.name),
            str(row.solved),
            str(row.colors) if row.solved else "-",
            f"{row.exact} of {row.known}",
            "-" if row.mean_regret is None else f"{row.mean_regret:.3f}",
            worst if row.known else "-",
            f"{row.milliseconds:.2f} ms" if row.solved else "-",
        )
    table.caption = (
        "graphs: coloured properly; colours: their sum where all were proper; regret: colours "
        "beyond the exact number"
    )
    table.caption_justify = "left"
    return table
