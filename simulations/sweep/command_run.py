"""``songoku sweep run``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulations.sweep.options import SecondsType, device_option, store_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from simulations.sweep.cell import Cell
    from simulations.sweep.engine import Engine
    from simulations.sweep.progress import Progress
    from simulations.sweep.run import Plan, Report

__all__ = ["run"]


@click.command("run", short_help="Run a preset; resumes where it was stopped.")
@click.argument("preset", metavar="PRESET_OR_TOML")
@store_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Processes that simulate, one thread each. 1 runs in this process.  [default: one a core]",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Run on a Dask cluster: tcp://HOST:PORT of its scheduler, or a scheduler file.",
)
@click.option(
    "--cell-timeout",
    type=SecondsType(),
    metavar="SECONDS",
    help="Stop a cell that takes longer, and record it as failed.  [default: any time]",
)
@device_option
@click.option(
    "--experiment",
    "--only",
    "only",
    metavar="NAME",
    help="Only the preset's sweeps of this experiment.",
)
@click.option("--dry-run", is_flag=True, help="Say how many cells and how long, run none.")
@click.pass_context
def run(
    context: click.Context,
    preset: str,
    store: Path,
    workers: int | None,
    cluster: str | None,
    cell_timeout: float | None,
    device: str | None,
    only: str | None,
    dry_run: bool,
) -> None:
    """Run the cells of PRESET_OR_TOML that are not stored yet.

    PRESET_OR_TOML is a name of 'songoku sweep list' or the path of a TOML file of yours.

    Cells that are stored are skipped and cells that failed are tried again, so the same command
    resumes a sweep that was stopped; its rows have the same bits as if it had not been. Ends with
    exit status 1 when a cell failed, 130 after Ctrl-C, 143 after SIGTERM.

    With --cluster the cells run on the workers of a Dask cluster, which need the same songoku; the
    store is written here. Workers may come and go meanwhile. Rows have the same bits as here.

    \b
    Examples:
      songoku sweep run quick --dry-run
      songoku sweep run quick --workers 2
      songoku sweep run cluster --cluster tcp://head:8786 --cell-timeout 3600
      songoku sweep run mine.toml --store runs/mine.sqlite --experiment recovery

    \b
    A TOML file of yours:
      [[sweep]]
      experiment = "recovery"
      [sweep.fixed]                        # the same in every cell
      num_groups = 3
      [sweep.grid]                         # every combination
      tau = [0.1, 0.2]
      replicate = { range = [0, 20] }
      [sweep.zip]                          # taken together
      window = [8, 32]
      beta = [0.5, 0.9]
    """
    from simulations.sweep.engine import usable_cores
    from simulations.sweep.interrupt import Stopped
    from simulations.sweep.preset import load_preset, preset_cells
    from simulations.sweep.progress import shown
    from simulations.sweep.run import local_engine, plan, run_cells

    if cluster is not None and workers is not None:
        raise click.UsageError(
            "--workers is for this machine; a cluster's workers are those that it has. Leave one "
            "of --workers and --cluster out."
        )
    loaded = load_preset(preset)
    cells = preset_cells(loaded, only)
    if device is not None:
        cells = _on_device(cells, device, here=cluster is None)
    count = usable_cores() if workers is None else workers
    if dry_run:
        _dry_run(loaded.name, plan(cells, store), count)
        return

    again = ["songoku", "sweep", "run", preset, "--store", str(store)]
    again += ["--workers", str(count)] if cluster is None else ["--cluster", cluster]
    again += ["--cell-timeout", f"{cell_timeout:g}"] if cell_timeout is not None else []
    again += ["--device", device] if device is not None else []
    again += ["--experiment", only] if only is not None else []
    if cluster is None:
        engine = local_engine(count, cell_timeout)
        where = f"on {count} worker{'s' if count > 1 else ''}"
    else:
        engine = _on_cluster(cluster, cell_timeout)
        where = f"on the cluster at {cluster}"

    def show(todo: Plan) -> AbstractContextManager[Progress]:
        click.echo(
            f"sweep {loaded.name}: {todo.total} cells, {todo.stored} stored already, "
            f"{len(todo.pending)} to run {where}",
            err=True,
        )
        return shown(len(todo.pending), f"sweep {loaded.name}")

    try:
        report = run_cells(cells, store, engine, show)
    except Stopped as stopped:
        click.echo(f"stopped before any cell ran. Resume with:\n  {shlex.join(again)}", err=True)
        context.exit(128 + stopped.signum)
    context.exit(_conclude(loaded.name, report, store, shlex.join(again)))


def _on_device(cells: Sequence[Cell], device: str, here: bool) -> list[Cell]:
    """Move the cells; see that there is such a device, if it is to be on this machine."""
    from simulations.sweep.device import DEVICE, on_device, torch_device

    moved = on_device(cells, device)
    if here:
        torch_device({DEVICE: device})
    return moved


def _on_cluster(address: str, cell_timeout: float | None) -> Engine:
    from simulations.sweep.cluster import DaskCluster

    return DaskCluster(address, cell_timeout, lambda said: click.echo(said, err=True))


def _conclude(name: str, report: Report, store: Path, again: str) -> int:
    """Say what happened; return the exit status."""
    from simulations.sweep.progress import duration

    ran = report.done + report.failed
    if report.signum is not None and report.left:
        click.echo(
            f"stopped: {report.plan.stored + report.done} of {report.plan.total} cells are "
            f"stored in {store} ({report.done} of them new), {report.left} left"
            + (f", {report.failed} failed" if report.failed else "")
            + f". Resume with:\n  {again}",
            err=True,
        )
        return 128 + report.signum
    click.echo(
        f"sweep {name}: {ran} cell{'s' if ran != 1 else ''} run in {duration(report.seconds)}, "
        f"{report.plan.stored} stored before; store: {store}"
    )
    if not report.failed:
        return 0
    for cell, why in report.failures:
        click.echo(f"  failed: {cell.describe()}: {why}", err=True)
    if report.failed > len(report.failures):
        click.echo(f"  ... and {report.failed - len(report.failures)} more", err=True)
    first = report.failures[0][0].key[:8]
    click.echo(
        f"error: {report.failed} of {ran} cells failed; the others are stored. See one with "
        f"'songoku sweep show {first} --store {shlex.quote(str(store))}'; the next run tries "
        f"them again.",
        err=True,
    )
    return 1


def _dry_run(name: str, todo: Plan, workers: int) -> None:
    from simulations.sweep.estimate import TimeLeft, timed_rate
    from simulations.sweep.progress import duration
    from simulations.sweep.run import check_cells

    check_cells(todo.pending)
    retried = f" ({todo.retried} of them failed the last time)" if todo.retried else ""
    click.echo(
        f"sweep {name}: {todo.total} cells, {todo.stored} stored already, "
        f"{len(todo.pending)} to run{retried}"
    )
    rates = dict(todo.rates)
    for experiment in sorted({cell.experiment.name for cell in todo.pending}):
        cells = [cell for cell in todo.pending if cell.experiment.name == experiment]
        if experiment not in rates:
            click.echo(f"timing one cell of {experiment} ...", err=True)
            rates[experiment] = timed_rate(cells[0].experiment, cells)
        work = TimeLeft(cells, rates, 1).work()
        assert work is not None
        click.echo(
            f"  {experiment}: {len(cells)} cells, about {duration(work)} of computing "
            f"(from {rates[experiment].basis})"
        )
    left = TimeLeft(todo.pending, rates, workers).seconds()
    assert left is not None
    click.echo(
        f"expected time: about {duration(left)} on {workers} worker{'s' if workers > 1 else ''}"
        if todo.pending
        else "nothing to run"
    )
