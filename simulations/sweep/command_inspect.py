"""``songoku sweep list``, ``status`` and ``show``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulations.sweep.options import store_option

if TYPE_CHECKING:
    from simulations.sweep.experiment import Experiment
    from songoku_theory.storage.inventory import CellRecord

__all__ = ["list_", "show", "status"]

_SHOWN_FAILURES = 5
_SHOWN_ROWS = 20
_SIDE_BY_SIDE = 3


@click.command("list", short_help="List presets and experiments with their params.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def list_(names: tuple[str, ...]) -> None:
    """List the presets and the experiments, or only those that are named.

    A preset is shown with the number of its cells, an experiment with its params (type, range,
    default, meaning), its columns and what its statistics claim.

    \b
    Examples:
      songoku sweep list
      songoku sweep list recovery
    """
    from simulations.experiments import available_experiments
    from simulations.sweep.preset import available_presets
    from songoku_theory.errors import DependencyMissingError, unknown_name

    presets, experiments = available_presets(), available_experiments()
    for name in names:
        if name not in presets and name not in experiments:
            raise unknown_name("preset or experiment", name, {*presets, *experiments})
    for name in presets:
        if not names or name in names:
            _list_preset(name)
    for name in experiments:
        if not names or name in names:
            try:
                _list_experiment(name)
            except DependencyMissingError as error:
                click.echo(f"experiment {name}: not available. {error}\n")


@click.command("status", short_help="Say what a store holds, and what of a preset is missing.")
@click.argument("preset", metavar="[PRESET_OR_TOML]", required=False)
@store_option
def status(preset: str | None, store: Path) -> None:
    """Say how many cells of each experiment are stored, and how many failed.

    With PRESET_OR_TOML, also how many of its cells are stored and how many are to run. Two
    stores that print the same fingerprint hold the same cells with the same bits.

    \b
    Examples:
      songoku sweep status
      songoku sweep status quick --store runs/other.sqlite
    """
    from simulations.sweep.lock import holder
    from simulations.sweep.preset import load_preset, preset_cells
    from simulations.sweep.progress import duration
    from simulations.sweep.run import plan
    from songoku_theory.storage import open_read_only
    from songoku_theory.storage.inventory import failures, summaries
    from songoku_theory.storage.problems import store_problems

    if preset is not None:
        loaded = load_preset(preset)
        cells = preset_cells(loaded)
        names = dict.fromkeys(cell.experiment.name for cell in cells)
        parts = {
            name: plan([cell for cell in cells if cell.experiment.name == name], store)
            for name in names
        }
        _table(
            f"preset {loaded.name}",
            ("experiment", "cells", "stored", "failed", "to run"),
            (
                (name, *map(str, (part.total, part.stored, part.retried, len(part.pending))))
                for name, part in parts.items()
            ),
        )
        stored = sum(part.stored for part in parts.values())
        click.echo(f"{stored} of {len(cells)} cells stored, {len(cells) - stored} to run\n")
        if not store.exists():
            click.echo(f"there is no store at {store} yet")
            return
    with closing(open_read_only(store)) as connection, store_problems(store, "reading"):
        found = summaries(connection)
        failed = failures(connection, _SHOWN_FAILURES)
    _table(
        f"store {store}",
        ("experiment", "version", "done", "failed", "computing", "fingerprint"),
        (
            (
                item.experiment,
                str(item.version),
                str(item.done),
                str(item.failed),
                duration(item.seconds),
                item.fingerprint if item.done else "",
            )
            for item in found
        ),
    )
    if (writing := holder(store)) is not None:
        click.echo(f"last taken for writing, and not given back, by {writing}")
    for experiment, key, why in failed:
        click.echo(f"failed: {experiment} {key[:8]}: {why}")
    more = sum(item.failed for item in found) - len(failed)
    if more > 0:
        click.echo(f"... and {more} more")


@click.command("show", short_help="Show one cell: params, rows, where they came from.")
@click.argument("key")
@store_option
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    default=_SHOWN_ROWS,
    show_default=True,
    help="How many rows to print.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything, as one JSON object.")
def show(key: str, store: Path, rows: int, as_json: bool) -> None:
    """Show the cell whose key starts with KEY (4 hex digits or more).

    Keys stand in the column 'key' of an export and beside every figure and claim that used the
    cell. A failed cell is shown with its traceback.

    \b
    Examples:
      songoku sweep show 1f3a
      songoku sweep show 1f3a77 --json | jq .params
    """
    from songoku_theory.storage import open_read_only
    from songoku_theory.storage.inventory import find_key, read_cell
    from songoku_theory.storage.problems import store_problems

    with closing(open_read_only(store)) as connection, store_problems(store, "reading"):
        record = read_cell(connection, find_key(connection, key))
    if as_json:
        click.echo(json.dumps(_as_dict(record), indent=2))
    else:
        _show_record(record, rows)


def _as_dict(record: CellRecord) -> dict[str, object]:
    from dataclasses import asdict

    from songoku_theory.storage.codec import decode_rows

    found = asdict(record)
    found["rows"] = None if record.rows is None else decode_rows(record.rows)
    return found


def _show_record(record: CellRecord, limit: int) -> None:
    from simulations.sweep.progress import duration
    from songoku_theory.storage.codec import decode_rows

    click.echo(
        f"cell {record.key}\n{record.experiment}, version {record.version}: {record.status} on "
        f"{record.finished_at} in {duration(record.seconds)}\n"
    )
    _table("params", ("param", "value"), ((n, str(v)) for n, v in record.params.items()))
    if record.rows is not None:
        stored = decode_rows(record.rows)
        columns = {name: stored[name] for name in record.columns}
        title = (
            f"{record.num_rows} row{'s' if record.num_rows != 1 else ''}, digest {record.digest}"
        )
        if record.num_rows > limit:
            title += f" (the first {limit})"
        _rows_table(title, {name: values[:limit] for name, values in columns.items()})
    if record.error is not None:
        click.echo(f"error\n{record.error.rstrip()}\n")
    flat = {
        name: ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        for name, value in record.provenance.items()
    }
    _table("provenance", ("what", "value"), ((n, _text(v)) for n, v in flat.items()))


def _rows_table(title: str, columns: Mapping[str, Sequence[object]]) -> None:
    """Print a few rows side by side, where long numbers have room; many below one another."""
    count = len(next(iter(columns.values())))
    if count <= _SIDE_BY_SIDE:
        head = ("column", *(f"row {number}" for number in range(count)))
        _table(title, head, ([n, *map(_text, values)] for n, values in columns.items()))
    else:
        lines = zip(*columns.values(), strict=True)
        _table(title, tuple(columns), ([_text(value) for value in line] for line in lines))


def _list_preset(name: str) -> None:
    from simulations.sweep.preset import load_preset

    preset = load_preset(name)
    click.echo(f"preset {name}: {preset.description or 'no description'}")
    sizes: dict[str, list[int]] = {}
    for sweep in preset.sweeps:
        sizes.setdefault(sweep.experiment, []).append(sweep.grid.size)
    for experiment, found in sizes.items():
        grids = f" in {len(found)} grids" if len(found) > 1 else ""
        click.echo(f"  {experiment}: {sum(found):,} cells{grids}")
    click.echo()


def _list_experiment(name: str) -> None:
    from simulations.experiments import get_experiment

    experiment = get_experiment(name)
    click.echo(f"experiment {name}, version {experiment.version}: {experiment.doc.strip()}")
    _table(None, ("param", "values", "default", "meaning"), _param_lines(experiment))
    click.echo(f"columns: {', '.join(experiment.columns)}")
    click.echo(f"statistics: {experiment.statistics.strip()}\n")


def _param_lines(experiment: Experiment) -> Iterable[tuple[str, ...]]:
    for name, param in experiment.params.items():
        default = "(required)" if param.default is None else str(param.default)
        yield name, param.domain, default, " ".join(param.doc.split())


def _text(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _table(title: str | None, head: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Print a table as wide as the terminal, or as wide as it needs to be in a file."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for name in head:
        table.add_column(name, overflow="fold")
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    if title is not None:
        console.print(Text(title, style="bold"))
    console.print(table)
