"""``songoku applies``: which theorems' hypotheses held in a training run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from proofs_check.applies.finding import Applied, Held
    from proofs_check.applies.run_log import RunLog

__all__ = ["applies"]


@click.command(short_help="Say which theorems apply to a training run.")
@click.argument("run", required=False)
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("runs") / "store.sqlite",
    show_default=True,
    envvar="SONGOKU_STORE",
    help="Where the run is stored.",
)
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def applies(run: str | None, store: Path, json_: bool) -> None:
    """Say which theorems' hypotheses held in a training run, at what share of its refreshes, and
    how tight each bound was there.

    RUN is a folder that songoku train wrote, or the first digits of a stored run's key; it can be
    left out if only one run is stored.

    \b
    songoku trace
    songoku applies
    songoku train ett --method son_goku --measure-every 4
    songoku applies runs/train/ett/son_goku/seed-0
    """
    import json

    from proofs_check.applies.read_run import read_folder, read_run
    from proofs_check.applies.report import as_json, hold

    is_folder = run is not None and Path(run).is_dir()
    log = read_folder(Path(str(run))) if is_folder else read_run(store, run)
    found = hold(log)
    if json_:
        click.echo(json.dumps(as_json(log, found), indent=1, ensure_ascii=False))
        return
    from proofs_check.render import console

    _show(console(), log, found)


def _show(out: Console, log: RunLog, found: tuple[Applied, ...]) -> None:
    from rich.text import Text

    from proofs_check.applies.report import claims_behind, remarks
    from proofs_check.registry import all_claims

    measured = len(log.measured)
    out.print(
        Text(
            f"Run {log.key}: {log.data}\n{len(log.tasks)} tasks, {log.steps} steps, "
            f"{len(log.moments)} refreshes, {measured} of them measured."
        )
    )
    if not measured:
        out.print(
            Text(
                "Nothing was measured beside what the scheduler saw, so theorems about population "
                "gradients can't be held to it. Train with --measure-every 1."
            )
        )
    for remark in remarks(log):
        out.print(Text(remark))
    claims = all_claims()
    told: set[str] = set()
    for applied in found:
        out.print()
        out.print(Text(applied.theorem, style="bold"))
        for hypothesis in applied.hypotheses:
            out.print(_line("needs", hypothesis, told))
        if len(applied.hypotheses) > 1 and applied.applied is not None:
            out.print(Text(f"  all at once: {_percent(applied.applied)}"))
        if applied.conclusion is not None:
            out.print(_line("says", applied.conclusion, told))
            if applied.concluded is not None:
                true, of = applied.concluded
                what = applied.conclusion.of
                out.print(Text(f"  where it applied: true at {true} of {of} {what}"))
        if applied.tightness is not None:
            quantiles = applied.tightness.quantiles()
            if quantiles is not None:
                low, middle, high = (f"{value:.3g}" for value in quantiles)
                out.print(Text(f"  {applied.tightness.what}: {low} to {high}, median {middle}"))
        behind = claims_behind(applied, claims)
        if behind:
            shown = ", ".join(behind[:6]) + (", ..." if len(behind) > 6 else "")
            out.print(Text(f"  claims: {shown}", style="dim"))
    if measured:
        out.print()
        _show_measurements(out, log)


_COLUMNS = {
    "refresh": "refresh",
    "step": "step",
    "tau": "tau",
    "classes": "classes",
    "tau_eff": "tau_eff",
    "gamma": "gamma",
    "cosine_error": "cos error",
    "failure": "P(fail) <=",
    "eta_l": "eta L",
    "predicted": "predicted",
    "true": "true",
    "agree": "agree",
}


def _show_measurements(out: Console, log: RunLog) -> None:
    """One line a measurement."""
    from rich.table import Table
    from rich.text import Text

    from proofs_check.applies.report import at_measurements

    out.print(
        Text(
            "At each measurement. tau_eff: of the smoothed gradients, in the worst class. gamma, "
            "cos error: margin and largest error of a cosine. P(fail): dimension-aware bound. "
            "predicted, true: F(scheduled) - F(aggregated), to second order and evaluated."
        )
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in _COLUMNS.values():
        table.add_column(title, justify="right", no_wrap=True)
    for record in at_measurements(log):
        table.add_row(*(_cell(record[name]) for name in _COLUMNS))
    out.print(table)


def _cell(value: float | int | str | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _line(label: str, held: Held, told: set[str]) -> Text:
    """One line; a note stands where it is needed first."""
    from rich.text import Text

    share = held.share
    line = Text(f"  {label}: {held.text}: ")
    if share is None:
        line.append("not recorded", style="magenta")
    else:
        style = "green" if share == 1 else "red" if share == 0 else "yellow"
        line.append(f"held at {_percent(share)} of {len(held.held)} {held.of}", style=style)
    if held.note and held.note not in told:
        line.append(f" ({held.note})", style="dim")
        told.add(held.note)
    return line


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
