"""``songoku sweep replay``."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulations.sweep.options import store_option

if TYPE_CHECKING:
    from simulations.sweep.cell import Cell
    from simulations.sweep.worker import Outcome
    from songoku_theory.storage.inventory import CellRecord

__all__ = ["replay"]

_SHOWN = 10


@click.command("replay", short_help="Run one stored cell again and compare, bit for bit.")
@click.argument("key")
@store_option
@click.pass_context
def replay(context: click.Context, key: str, store: Path) -> None:
    """Run the cell whose key starts with KEY (4 hex digits or more) again, in this process.

    Its params are printed, and its rows compared with the stored ones. Nothing is written. Ends
    with exit status 1 when a bit differs, with what is different: the values, and the versions
    and machines that both came from. A cell that failed shows its error again.

    \b
    Examples:
      songoku sweep replay 1f3a
      songoku sweep replay 1f3a77 --store runs/other.sqlite
    """
    from simulations.sweep.engine import InProcess
    from simulations.sweep.estimate import task_of
    from simulations.sweep.progress import duration
    from songoku_theory.storage import open_read_only
    from songoku_theory.storage.inventory import find_key, read_cell
    from songoku_theory.storage.problems import store_problems

    with closing(open_read_only(store)) as connection, store_problems(store, "reading"):
        record = read_cell(connection, find_key(connection, key))
    cell = _cell_of(record)
    click.echo(f"cell {record.key}\n{record.experiment}, version {record.version}")
    for name, value in record.params.items():
        click.echo(f"  {name} = {value}")
    engine = InProcess()
    engine.start()
    try:
        outcome = engine.submit(task_of(cell)).result()
    finally:
        engine.stop(at_once=False)
    took = f"{duration(outcome.seconds)} now, {duration(record.seconds)} then"
    if record.rows is None:
        context.exit(_again(record, outcome))
    if outcome.rows == record.rows:
        click.echo(f"the same bits: {record.num_rows} rows, digest {record.digest} ({took})")
        return
    click.echo(f"not the same ({took})")
    if cell.experiment.measures_time:
        click.echo(
            "  (this experiment measures time: what it read off the clock differs each time)"
        )
    for line in _differences(record, outcome):
        click.echo(f"  {line}")
    context.exit(1)


def _cell_of(record: CellRecord) -> Cell:
    """Return the cell that a record is of, if there still is such an experiment.

    Raises
    ------
    StoreError
        When the experiment has changed since.
    """
    from simulations.experiments import get_experiment
    from simulations.sweep.cell import make_cell
    from songoku_theory.errors import StoreError

    experiment = get_experiment(record.experiment)
    if experiment.version != record.version:
        raise StoreError(
            f"cell {record.key[:8]} was run by version {record.version} of experiment "
            f"{record.experiment!r}; this is version {experiment.version}, whose rows differ. "
            f"Replay it with the songoku that ran it (commit {record.provenance.get('commit')})."
        )
    cell = make_cell(experiment, record.params)
    if cell.key != record.key:
        raise StoreError(
            f"cell {record.key[:8]} has params that experiment {record.experiment!r} no longer "
            f"declares so: its key would be {cell.key[:8]} now."
        )
    return cell


def _again(record: CellRecord, outcome: Outcome) -> int:
    """Say whether a cell that failed fails again; that is the same only if it does."""
    if outcome.error is None:
        click.echo(f"it failed when it was stored; now it gives {outcome.num_rows} rows")
        return 1
    click.echo(f"it failed when it was stored, and fails now:\n{outcome.error.rstrip()}")
    return 0


def _differences(record: CellRecord, outcome: Outcome) -> list[str]:
    from json import loads

    from songoku_theory.storage.codec import decode_rows

    assert record.rows is not None
    lines: list[str] = []
    if outcome.rows is None:
        assert outcome.error is not None
        lines.append(f"it fails now: {outcome.error.rstrip().splitlines()[-1]}")
    else:
        then, now = decode_rows(record.rows), decode_rows(outcome.rows)
        if outcome.num_rows != record.num_rows:
            lines.append(f"{outcome.num_rows} rows now, {record.num_rows} then")
        found = [
            f"row {row}, {name}: {b!r} now, {a!r} then"
            for name in record.columns
            for row, (a, b) in enumerate(zip(then[name], now[name], strict=False))
            if (a, type(a)) != (b, type(b))
        ]
        lines += found[:_SHOWN]
        if len(found) > _SHOWN:
            lines.append(f"... and {len(found) - _SHOWN} values more")
    here = loads(outcome.provenance)
    for name in sorted({*here, *record.provenance}):
        a, b = record.provenance.get(name), here.get(name)
        if a != b and not isinstance(b, dict):
            lines.append(f"{name}: {b} now, {a} then")
        elif a != b and isinstance(a, dict) and isinstance(b, dict):
            for package in sorted({*a, *b}):
                if a.get(package) != b.get(package):
                    lines.append(f"{package}: {b.get(package)} now, {a.get(package)} then")
    return lines
