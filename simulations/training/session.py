"""Run one traced cell through the sweep's engine and store, and show what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from simulations.experiments.trace import EXPERIMENT
from simulations.sweep.cell import Cell, make_cell
from simulations.sweep.progress import duration
from simulations.sweep.run import local_engine, plan, run_cells
from simulations.training.display import shown_steps
from simulations.training.options import TraceOptions
from simulations.training.progress import listening
from simulations.training.summary import summarise
from simulations.training.text import summary_text
from songoku_theory.errors import SongokuError
from songoku_theory.schedule import Phase
from songoku_theory.storage import read_rows

__all__ = ["run_and_report"]


def run_and_report(options: TraceOptions, store: Path) -> None:
    """Train unless this run is stored, then print its summary.

    Parameters
    ----------
    options : TraceOptions
        Checked.
    store : Path
        Made if it does not exist.

    Raises
    ------
    StoreError
        When the store can't be read or written.
    SongokuError
        When the run failed; says why.
    click.exceptions.Exit
        When a signal stopped it; nothing is stored then.
    """
    cell = make_cell(EXPERIMENT, options.as_params())
    if plan([cell], store).stored:
        click.echo(f"Already in {store} as cell {cell.key[:8]}; not trained again.\n")
    else:
        _run(cell, options, store)
    rows = read_rows(store, EXPERIMENT.name, where=cell.params)
    summary = summarise(rows.iter_rows(named=True), options.steps, cast("Phase", options.phase))
    click.echo(summary_text(summary, options))


def _run(cell: Cell, options: TraceOptions, store: Path) -> None:
    label = f"trace of {options.dataset}, seed {options.seed}"
    with shown_steps(options.steps, label) as listener, listening(listener):
        report = run_cells([cell], store, local_engine(1))
    if report.signum is not None:
        click.echo("stopped; this run was not stored. The same command starts it anew.", err=True)
        raise click.exceptions.Exit(128 + report.signum)
    if report.failures:
        # The store keeps the whole traceback; its last line is "package.Error: what went wrong".
        _, last_line = report.failures[0]
        raise SongokuError(
            f"{last_line.partition(': ')[2] or last_line} (The run is noted as failed in {store}.)"
        )
    click.echo(
        f"Trained in {duration(report.seconds)}; stored in {store} as cell {cell.key[:8]}.\n"
    )
