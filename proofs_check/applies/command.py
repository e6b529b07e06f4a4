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


@click.command(short_help="Say which theorems apply to a stored training run.")
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
    """Say which theorems' hypotheses held in a stored training run, at what share of its
    refreshes, and how tight each bound was there.

    RUN is the first digits of the run's key; it can be left out if only one run is stored.

    \b
    songoku trace
    songoku applies
    """
    import json

    from proofs_check.applies.report import as_json, hold
    from proofs_check.applies.run_log import read_run

    log = read_run(store, run)
    found = hold(log)
    if json_:
        click.echo(json.dumps(as_json(log, found), indent=1, ensure_ascii=False))
        return
    from proofs_check.render import console

    _show(console(), log, found)


def _show(out: Console, log: RunLog, found: tuple[Applied, ...]) -> None:
    from rich.text import Text

    from proofs_check.applies.report import claims_behind
    from proofs_check.registry import all_claims

    measured = sum(moment.measured is not None for moment in log.moments)
    out.print(
        Text(
            f"Run {log.key[:12]}: {log.data}\n{len(log.tasks)} tasks, {len(log.active)} steps, "
            f"{len(log.moments)} refreshes, {measured} of them measured."
        )
    )
    if not measured:
        out.print(
            Text(
                "Nothing was measured beside what the scheduler saw, so theorems about population "
                "gradients can't be held to it. Train with: songoku trace --measure-every 1"
            )
        )
    claims = all_claims()
    for applied in found:
        out.print()
        out.print(Text(applied.theorem, style="bold"))
        for hypothesis in applied.hypotheses:
            out.print(_line("needs", hypothesis))
        if len(applied.hypotheses) > 1 and applied.applied is not None:
            out.print(Text(f"  all at once: {_percent(applied.applied)}"))
        if applied.conclusion is not None:
            out.print(_line("says", applied.conclusion))
        if applied.tightness is not None:
            quantiles = applied.tightness.quantiles()
            if quantiles is not None:
                low, middle, high = (f"{value:.3g}" for value in quantiles)
                out.print(Text(f"  {applied.tightness.what}: {low} to {high}, median {middle}"))
        behind = claims_behind(applied, claims)
        if behind:
            shown = ", ".join(behind[:6]) + (", ..." if len(behind) > 6 else "")
            out.print(Text(f"  claims: {shown}", style="dim"))


def _line(label: str, held: Held) -> Text:
    from rich.text import Text

    share = held.share
    line = Text(f"  {label}: {held.text}: ")
    if share is None:
        line.append("not recorded", style="magenta")
    else:
        style = "green" if share == 1 else "red" if share == 0 else "yellow"
        line.append(f"held at {_percent(share)} of {len(held.held)} {held.of}", style=style)
    if held.note:
        line.append(f" ({held.note})", style="dim")
    return line


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
