"""``songoku verify``: run a profile's steps end to end, each one a sub-command of its own.

A profile is a TOML file that lists command lines, so what verification consists of is data, and
nothing here imports the packages that do the work.
"""

from __future__ import annotations

import json
import os
import time
import tomllib
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from songoku_theory.cli import app
from songoku_theory.errors import InvalidInputError, SongokuError, unknown_name

__all__ = ["Profile", "Step", "available_profiles", "load_profile", "verify"]


@dataclass(frozen=True, slots=True)
class Step:
    """One sub-command of a profile.

    Attributes
    ----------
    title : str
    command : tuple of str
        Arguments after ``songoku``; ``{store}``, ``{ledger}``, ``{report}`` and ``{workers}`` are
        filled in.
    seconds : float
        What it took on two cores, for the time left that is shown.
    """

    title: str
    command: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A named list of steps."""

    name: str
    description: str
    steps: tuple[Step, ...]


def available_profiles() -> tuple[str, ...]:
    """Return the names of the profiles that ship with songoku."""
    folder = files("songoku_theory") / "profiles"
    return tuple(
        sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))
    )


def load_profile(name: str) -> Profile:
    """Read a profile that ships with songoku.

    Raises
    ------
    UnknownNameError
        When there is none of that name; names the nearest.
    InvalidInputError
        When the file is not a profile.

    Examples
    --------
    >>> load_profile("quick").name
    'quick'
    """
    if name not in available_profiles():
        raise unknown_name("profile", name, available_profiles())
    raw = tomllib.loads((files("songoku_theory") / "profiles" / f"{name}.toml").read_text())
    try:
        steps = tuple(
            Step(str(s["title"]), tuple(str(a) for a in s["command"]), float(s["seconds"]))
            for s in raw["step"]
        )
        return Profile(name, str(raw["description"]), steps)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(
            f"profile {name!r} should have a description and [[step]] tables with title, command "
            f"and seconds; {error!r} is missing or of another type."
        ) from error


def _run(arguments: list[str]) -> tuple[int, str]:
    """Run one sub-command in this process; return its exit status and its error, if any."""
    try:
        code = app.main(arguments, standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code, ""
    except click.ClickException as error:
        return error.exit_code, error.format_message()
    except SongokuError as error:
        return 1, str(error)
    except SystemExit as exit_:
        return (exit_.code, "") if isinstance(exit_.code, int) else (1, str(exit_.code or ""))
    return (code if isinstance(code, int) else 0), ""


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def _verdicts(ledger: Path) -> tuple[Counter[str], list[dict[str, Any]], bool]:
    """Count the ledger's verdicts; return the differences from what was expected, too."""
    try:
        content = json.loads(ledger.read_text(encoding="utf-8"))
        counts = Counter(str(c["verdict"]["kind"]) for c in content["claims"])
        expected = content["expected"]
        return counts, list(expected["differences"]), bool(expected["matches"])
    except (OSError, ValueError, KeyError, TypeError):
        return Counter(), [], False


@click.command()
@click.option("--profile", default="quick", show_default=True, help="Which steps to run.")
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("runs/store.sqlite"),
    show_default=True,
    envvar="SONGOKU_STORE",
    help="Where rows are kept; finished cells are not run again.",
)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("runs/ledger.json"),
    show_default=True,
    envvar="SONGOKU_LEDGER",
    help="Where the verdicts are written.",
)
@click.option(
    "--out",
    "report",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("report"),
    show_default=True,
    help="Where the report is written.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Processes for sweeps. [default: one a core]",
)
@click.pass_context
def verify(
    ctx: click.Context, profile: str, store: Path, ledger: Path, report: Path, workers: int | None
) -> None:
    """Verify everything, end to end: sweeps, a real run, claims, figures, report.

    Runs every step of a profile, also after one has failed, and exits with a status other than 0
    when a step failed or a verdict differs from the committed expectation.

    \b
    Example:
        songoku verify --profile quick
    """
    chosen = load_profile(profile)
    values = {
        "store": str(store),
        "ledger": str(ledger),
        "report": str(report),
        "workers": str(workers or os.cpu_count() or 1),
    }
    click.echo(f"songoku verify: {chosen.description}")
    outcomes: list[tuple[Step, int, float]] = []
    for index, step in enumerate(chosen.steps):
        left = sum(s.seconds for s in chosen.steps[index:])
        arguments = [argument.format_map(values) for argument in step.command]
        click.secho(
            f"\n[{index + 1}/{len(chosen.steps)}] {step.title}: songoku {' '.join(arguments)}"
            f"   (about {_duration(left)} left in all, less what is stored already)",
            bold=True,
        )
        started = time.monotonic()
        code, message = _run(arguments)
        if message:
            click.secho(f"error: {message}", err=True, fg="red")
        if code == 130:
            ctx.exit(130)
        outcomes.append((step, code, time.monotonic() - started))

    _print_table(outcomes, ledger)
    page = (report / "index.html").resolve()
    if page.exists():
        click.echo(f"\nreport: {page}")
    if any(code for _, code, _ in outcomes):
        click.secho("verification FAILED: see the steps above", fg="red", err=True)
        ctx.exit(1)


def _print_table(outcomes: list[tuple[Step, int, float]], ledger: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="songoku verify")
    for column, justify in (("step", "left"), ("result", "left"), ("time", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for step, code, seconds in outcomes:
        result = "ok" if code == 0 else f"FAILED (exit status {code})"
        table.add_row(step.title, result, _duration(seconds))
    counts, differences, matches = _verdicts(ledger)
    table.add_section()
    for kind, count in sorted(counts.items()):
        table.add_row(f"claims {kind}", str(count), "")
    if counts:
        table.add_row("verdicts as expected", "yes" if matches else "NO", "")
    for row in differences:
        table.add_row(
            f"  {row.get('id')}", f"expected {row.get('expected')}, found {row.get('found')}", ""
        )
    console = Console(width=None if os.isatty(1) else 100)
    console.print(table)
