"""``songoku table1``: run or resume the whole of Table 1, and print it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from simulations.sweep.options import SecondsType, store_option
from simulations.training.data_command import data_root_option
from simulations.training.numbers_option import NumbersType

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from simulations.sweep.cell import Cell
    from simulations.sweep.progress import Progress
    from simulations.sweep.run import Plan
    from simulations.training.table.plan import Request
    from simulations.training.table.stages import Bench

__all__ = ["table1"]


@click.command(
    short_help="Tune and train every method on every benchmark; print Table 1 with intervals.",
    epilog="""\b
Examples:
  songoku table1 --preset small --data-root ~/data --workers 2 --dry-run
  songoku table1 --preset small --data-root ~/data --workers 2
  songoku table1 --benchmark cifar10 --method son_goku --method single_task --seeds 0-4
  songoku table1 --preset small --stored --csv table1.csv

The same command goes on with a table that was stopped, at any point and in any way.""",
)
@click.option("--preset", default="small", show_default=True, help="smoke, small or paper.")
@click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path),
    help="A TOML file that is laid over the preset.",
)  # fmt: skip
@click.option(
    "--benchmark", "benchmarks", multiple=True,
    help="Only this one; may be given several times.  [default: the paper's six, where their data "
    "are here]",
)  # fmt: skip
@click.option(
    "--method", "methods", multiple=True,
    help="Only this one and uniform; may be given several times.  [default: all]",
)  # fmt: skip
@click.option(
    "--seeds",
    type=NumbersType("SEEDS"),
    default="0-2",
    help="Like 0-4.  [default: 0-2; with --recorded, those that were recorded]",
)
@store_option
@click.option(
    "--workers", type=click.IntRange(min=1), default=None,
    help="Runs at once, one thread each.  [default: one a core]",
)  # fmt: skip
@click.option("--device", default="cpu", show_default=True, type=click.Choice(["cpu", "cuda"]))
@click.option(
    "--cell-timeout", type=SecondsType(), metavar="SECONDS",
    help="Stop a run that takes longer, and record it as failed.  [default: any time]",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say how many runs and how long, run none.")
@click.option("--stored", is_flag=True, help="Print what is stored; run nothing.")
@click.option(
    "--recorded", is_flag=True,
    help="Load the preset's runs that come along into the store, and print; run nothing.",
)  # fmt: skip
@click.option(
    "--export", "export_to", type=click.Path(file_okay=False, path_type=Path),
    help="Also write the stored runs of this table to this folder, as small CSV files.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON instead.")
@click.option(
    "--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path),
    help="Write every number to this file too.",
)  # fmt: skip
@click.option(
    "--markdown", "markdown_file", type=click.Path(dir_okay=False, path_type=Path),
    help="Write the tables to this file too.",
)  # fmt: skip
@data_root_option
@click.pass_context
def table1(
    context: click.Context,
    preset: str,
    config: Path | None,
    benchmarks: tuple[str, ...],
    methods: tuple[str, ...],
    seeds: tuple[int, ...],
    store: Path,
    workers: int | None,
    device: str,
    cell_timeout: float | None,
    dry_run: bool,
    stored: bool,
    recorded: bool,
    export_to: Path | None,
    as_json: bool,
    csv_file: Path | None,
    markdown_file: Path | None,
    data_root: Path,
) -> None:
    """Tune every method with the same budget, train it with each seed, and print Table 1.

    First each method's candidates (the preset's table [tuning]: as many for every method) are
    trained for a share of the steps, with a seed of their own; the best on the validation split is
    chosen. Then what was chosen is trained with each seed. Every run is a cell of the store, so
    the same command resumes after Ctrl-C, kill -9 or a power cut.

    Exit status 1 when a run failed, 130 after Ctrl-C, 143 after SIGTERM. A run that diverged is a
    result: it is shown, not tried again.
    """
    from simulations.sweep.engine import usable_cores
    from simulations.training.run.settings import load_settings
    from simulations.training.table.cells import DATA_ROOT, SCRATCH
    from simulations.training.table.recorded import recorded_folder, recorded_seeds
    from simulations.training.table.stages import prepare

    settings = load_settings(preset, config)
    if recorded and context.get_parameter_source("seeds") is ParameterSource.DEFAULT:
        seeds = recorded_seeds(recorded_folder(preset)) or seeds
    request = _request(settings, preset, methods, seeds, device)
    os.environ[DATA_ROOT] = str(data_root.absolute())
    os.environ[SCRATCH] = str(store.absolute().parent / "train")
    if recorded:
        _load_recorded(preset, store)
        stored = True
    names = _benchmarks(settings, benchmarks, data_root, stored)
    benches = [prepare(request, name, store, data_root, stored) for name in names]
    count = usable_cores() if workers is None else workers
    if dry_run:
        _dry_run(request, benches, store, count, data_root)
        return
    status = 0
    if not stored:
        status = _run(request, benches, store, count, cell_timeout)
    if status < 2:
        if export_to is not None:
            _export(request, benches, store, export_to)
        _show(request, benches, store, as_json, csv_file, markdown_file, stored)
    context.exit(status)


def _request(
    settings: object, preset: str, methods: tuple[str, ...], seeds: tuple[int, ...], device: str
) -> Request:
    from simulations.sweep.device import torch_device
    from simulations.training.methods import available_methods, method_info
    from simulations.training.run.settings import Settings
    from simulations.training.table.plan import UNIFORM, Request

    assert isinstance(settings, Settings)
    torch_device({"device": device})
    for method in methods:
        method_info(method)
    if methods and UNIFORM not in methods:
        click.echo("uniform runs as well: every method is compared with it", err=True)
    chosen = {UNIFORM, *methods} if methods else {*available_methods()}
    ordered = tuple(method for method in available_methods() if method in chosen)
    return Request(settings, preset, ordered, seeds, device)


def _benchmarks(
    settings: object, asked: tuple[str, ...], data_root: Path, stored: bool
) -> tuple[str, ...]:
    """Return the benchmarks to run: those asked for, or the paper's that can be."""
    from simulations.training.benchmarks import get_benchmark
    from simulations.training.run.settings import Settings
    from simulations.training.table.plan import PAPER_BENCHMARKS
    from simulations.training.table.stages import missing_data
    from songoku_theory.errors import InvalidInputError

    assert isinstance(settings, Settings)
    for name in asked:
        get_benchmark(name)
        settings.architecture(name)
    if asked or stored:
        return tuple(dict.fromkeys(asked or _known(settings)))
    if not data_root.is_dir():
        raise InvalidInputError(
            f"the data root {data_root} is no folder. Name yours with --data-root or SONGOKU_DATA; "
            f"'songoku data fetch NAME' downloads."
        )
    found: list[str] = []
    for name in PAPER_BENCHMARKS:
        why = missing_data(name, data_root)
        if name not in _known(settings):
            click.echo(f"{name} is left out: {settings.source} has no settings for it", err=True)
        elif why is not None:
            click.echo(f"{name} is left out: {why}", err=True)
        else:
            found.append(name)
    if not found:
        raise InvalidInputError(
            f"none of the paper's benchmarks is under {data_root}; 'songoku data status "
            f"--data-root {data_root}' says what is missing and where to get it."
        )
    return tuple(found)


def _known(settings: object) -> tuple[str, ...]:
    from simulations.training.run.settings import Settings
    from simulations.training.table.plan import PAPER_BENCHMARKS

    assert isinstance(settings, Settings)
    return tuple(name for name in PAPER_BENCHMARKS if name in settings.benchmarks())


def _run(
    request: Request, benches: list[Bench], store: Path, workers: int,
    cell_timeout: float | None,
) -> int:  # fmt: skip
    """Run both stages; return the exit status."""
    from simulations.sweep.interrupt import Stopped
    from simulations.training.table.stages import training_cells, tuned_all

    try:
        tuning = [cell for bench in benches for cell in bench.tuning_cells(request)]
        later = _later(request, benches, store)
        status = _stage("tuning", tuning, store, workers, cell_timeout, later)
        if status > 1:
            return status
        found = tuned_all(request, benches, store)
        final = training_cells(request, found)
        return max(status, _stage("table", final, store, workers, cell_timeout, 0.0))
    except Stopped as stopped:
        click.echo("stopped; the same command goes on from here.", err=True)
        return 128 + stopped.signum


def _stage(
    name: str, cells: list[Cell], store: Path, workers: int, cell_timeout: float | None,
    later: float,
) -> int:  # fmt: skip
    from simulations.sweep.progress import duration
    from simulations.sweep.run import local_engine, run_cells
    from simulations.training.table.expected import shown_runs, stored_rates

    rates = stored_rates(store)

    def show(todo: Plan) -> AbstractContextManager[Progress]:
        click.echo(
            f"{name}: {todo.total} runs, {todo.stored} stored already, {len(todo.pending)} to run "
            f"on {workers} worker{'s' if workers > 1 else ''}",
            err=True,
        )
        return shown_runs(todo.pending, rates, workers, name, later)

    report = run_cells(cells, store, local_engine(workers, cell_timeout), show)
    if report.signum is not None and report.left:
        click.echo(
            f"stopped: {report.plan.stored + report.done} of {report.plan.total} runs of this "
            f"stage are stored in {store}; the same command goes on from here.",
            err=True,
        )
        return 128 + report.signum
    if not report.plan.pending:
        click.echo(f"{name}: all {report.plan.total} runs are stored", err=True)
    else:
        click.echo(
            f"{name}: {report.done + report.failed} runs in {duration(report.seconds)}", err=True
        )
    for cell, why in report.failures:
        click.echo(f"  failed: {_describe(cell)}: {why}", err=True)
    if report.failed:
        click.echo(
            f"{report.failed} runs failed; the same command tries them again. See one with "
            f"'songoku sweep show {report.failures[0][0].key[:8]} --store {store}'.",
            err=True,
        )
    return 1 if report.failed else 0


def _describe(cell: Cell) -> str:
    params = cell.params
    task = f" {params['task']}" if params["task"] else ""
    return f"{params['benchmark']} {params['method']}{task} seed {params['seed']} ({cell.key[:8]})"


def _later(request: Request, benches: list[Bench], store: Path) -> float:
    """Seconds of computing of the table's own runs, as far as stored runs can tell."""
    from simulations.training.table.expected import stored_rates

    rates = stored_rates(store)
    return rates.total(_final_as_if_tuned(request, benches, store)) or 0.0


def _final_as_if_tuned(request: Request, benches: list[Bench], store: Path) -> list[Cell]:
    """Return the table's runs that are left; untuned methods with their first candidates."""
    from simulations.sweep.run import plan
    from simulations.training.table.plan import Tuned
    from simulations.training.table.select import Choice
    from simulations.training.table.stages import training_cells, tuned_all

    known = {one.entry: one for one in tuned_all(request, benches, store)}
    entries = [
        known.get(
            entry, Tuned(entry, request.candidates(entry, bench.tasks), Choice(0, (0.0,)))
        )
        for bench in benches
        for entry in bench.entries(request)
    ]  # fmt: skip
    return list(plan(training_cells(request, entries), store).pending)


def _dry_run(
    request: Request, benches: list[Bench], store: Path, workers: int, data_root: Path
) -> None:
    from simulations.sweep.progress import duration
    from simulations.sweep.run import check_cells, plan
    from simulations.training.table.expected import stored_rates

    rates = stored_rates(store)
    total = 0.0
    for bench in benches:
        todo = plan(bench.tuning_cells(request), store)
        check_cells(todo.pending)
        final = _final_as_if_tuned(request, [bench], store)
        pending = [*todo.pending, *final]
        if pending and not rates.knows(bench.name):
            click.echo(f"timing one run of {bench.name} ...", err=True)
            reading = rates.time_one(todo.pending or final, data_root)
            total += reading * (len(request.seeds) + 1) * workers
        seconds = rates.total(pending)
        assert seconds is not None
        total += seconds
        click.echo(
            f"{bench.name}: {len(todo.pending)} tuning runs and {len(final)} runs of the table to "
            f"do, about {duration(seconds)} of computing"
        )
    click.echo(
        f"expected time: about {duration(total / workers)} on {workers} "
        f"worker{'s' if workers > 1 else ''}"
    )


def _load_recorded(preset: str, store: Path) -> None:
    from simulations.training.table.recorded import load, recorded_folder

    added, there = load(recorded_folder(preset), store)
    click.echo(f"recorded runs of {preset}: {added} added to {store}, {there} there", err=True)


def _export(request: Request, benches: list[Bench], store: Path, folder: Path) -> None:
    from simulations.training.table.recorded import export
    from simulations.training.table.stages import training_cells, tuned_all

    cells = [cell for bench in benches for cell in bench.tuning_cells(request)]
    cells += training_cells(request, tuned_all(request, benches, store))
    counts = export(cells, store, folder)
    told = ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
    click.echo(f"runs written to {folder}: {told}", err=True)


def _show(
    request: Request, benches: list[Bench], store: Path, as_json: bool, csv_file: Path | None,
    markdown_file: Path | None, only_stored: bool,
) -> None:  # fmt: skip
    """Print the table of what is stored; with `only_stored`, nothing at all is an error."""
    import json

    from simulations.training.table import write
    from simulations.training.table.claims import answers
    from simulations.training.table.grids import all_grids
    from simulations.training.table.runs import read_runs
    from simulations.training.table.scores import bench_table
    from simulations.training.table.stages import training_cells, tuned_all
    from songoku_theory.errors import InvalidInputError

    found = tuned_all(request, benches, store)
    cells = training_cells(request, found)
    runs = read_runs(store, (cell.key for cell in cells))
    tables = []
    for bench in benches:
        mine = [one for one in found if one.entry.benchmark == bench.name]
        table = bench_table(request, bench, mine, runs)
        if table is None:
            click.echo(f"{bench.name}: no run of these settings is stored in {store}", err=True)
        else:
            tables.append(table)
    if not tables and only_stored:
        raise InvalidInputError(
            f"there is nothing to show: {store} holds no run of these settings. Leave --stored and "
            f"--recorded out to train them, or name another preset or store."
        )
    said = answers(tables) if tables else []
    grids = all_grids(request, tables, found, said)
    if csv_file is not None:
        write.write_text(csv_file, write.as_csv(tables))
    if markdown_file is not None:
        write.write_text(markdown_file, write.as_markdown(grids))
    if as_json:
        content = write.as_json(request, tables, found, said)
        click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        write.print_grids(grids)
