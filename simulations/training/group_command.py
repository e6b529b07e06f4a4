"""``songoku group``: which tasks should share a network, found, trained and judged."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulations.sweep.options import store_option
from simulations.training.data_command import data_root_option
from simulations.training.numbers_option import NumbersType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulations.sweep.experiment import Row
    from simulations.sweep.run import Report
    from simulations.training.grouping.options import GroupingOptions
    from simulations.training.grouping.study import Study

__all__ = ["group"]


def _pair(value: str) -> tuple[str, str]:
    from songoku_theory.errors import InvalidInputError

    names = tuple(name.strip() for name in value.split(","))
    if len(names) != 2 or not all(names):
        raise InvalidInputError(f"a link should name two tasks, like HUFL,OT; found {value!r}.")
    return names[0], names[1]


@click.command(
    short_help="Find which tasks should share a network; train the groups and compare them.",
    epilog="""\b
Examples:
  songoku group ett --data-root ~/data
  songoku group ett --recorded
  songoku group yeast --groups 2-4 --workers 2 --csv yeast.csv
  songoku group ett --cannot-link HUFL,OT --groups 3 --config mine.toml

The same command goes on with a comparison that was stopped, at any point and in any way.""",
)
@click.argument("benchmark")
@click.option(
    "--preset", default="small", show_default=True,
    help="Sizes and lengths, and what is compared: smoke, small, paper.",
)  # fmt: skip
@click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path),
    help="A TOML file that is laid over the preset.",
)  # fmt: skip
@click.option(
    "--groups",
    type=NumbersType("NUMBERS", 1, "2-4 or 2,3, all at least 1"),
    help="Numbers of groups, like 2-4.  [default: preset's]",
)
@click.option("--seeds", type=click.IntRange(min=2), help="Repetitions.  [default: preset's]")
@click.option(
    "--must-link", multiple=True, metavar="TASK,TASK",
    help="Two tasks that share a group; may be given several times.",
)  # fmt: skip
@click.option(
    "--cannot-link", multiple=True, metavar="TASK,TASK",
    help="Two tasks that share no group; may be given several times.",
)  # fmt: skip
@store_option
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True,
              help="Networks trained at once, one thread each.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print all rows as JSON.")
@click.option(
    "--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path),
    help="Write all rows to this file.",
)  # fmt: skip
@click.option(
    "--export", "export_folder", type=click.Path(file_okay=False, path_type=Path),
    help="Write them to DIR/BENCHMARK.csv, with where they come from in DIR/BENCHMARK.json.",
)  # fmt: skip
@click.option(
    "--recorded", is_flag=True,
    help="Show the comparison that comes along, and put its rows into the store; train nothing.",
)  # fmt: skip
@data_root_option
def group(
    benchmark: str,
    preset: str,
    config: Path | None,
    groups: tuple[int, ...] | None,
    seeds: int | None,
    must_link: tuple[str, ...],
    cannot_link: tuple[str, ...],
    store: Path,
    workers: int,
    as_json: bool,
    csv_file: Path | None,
    export_folder: Path | None,
    recorded: bool,
    data_root: Path,
) -> None:
    """Group the tasks of BENCHMARK ('songoku data status' lists them) and say whether it helped.

    Trains all tasks together and collects transfer gains, TAG's affinities and cosines on the way;
    finds groups; trains a network for each group, and for single tasks and random groups; prints
    affinities, groups, costs and test errors with intervals. Every network is a cell of the store,
    so the same command resumes after Ctrl-C, kill -9 or a power cut.

    Exit status 1 when a run failed, 130 after Ctrl-C, 143 after SIGTERM.
    """
    from simulations.sweep.interrupt import Stopped
    from simulations.training.grouping.recorded import export, load_recorded, write_csv
    from simulations.training.grouping.text import comparison_text, rows_json

    if recorded and (config or groups or seeds or must_link or cannot_link):
        raise click.UsageError(
            "--recorded shows a comparison as it was made; it can't be had with --config, "
            "--groups, --seeds, --must-link or --cannot-link."
        )
    study = _study(benchmark, preset, config, groups, seeds, must_link, cannot_link)
    os.environ["SONGOKU_DATA"] = str(data_root.absolute())
    try:
        rows = load_recorded(benchmark, store) if recorded else _run(study, store, workers)
    except Stopped as stopped:
        click.echo("stopped; the same command goes on from here.", err=True)
        raise click.exceptions.Exit(128 + stopped.signum) from None
    if csv_file is not None:
        write_csv(csv_file, rows)
    if export_folder is not None:
        export(export_folder, study, store, rows)
    click.echo(rows_json(rows) if as_json else comparison_text(rows, benchmark))


def _study(
    benchmark: str, preset: str, config: Path | None, groups: tuple[int, ...] | None,
    seeds: int | None, must_link: Sequence[str], cannot_link: Sequence[str],
) -> Study:  # fmt: skip
    """All that can be wrong in the settings is found before anything is read."""
    from simulations.training.benchmarks import get_benchmark
    from simulations.training.grouping.options import GroupingOptions
    from simulations.training.grouping.run import grouping_settings
    from simulations.training.grouping.study import study_of

    get_benchmark(benchmark)
    settings = grouping_settings(preset, config)
    options: GroupingOptions = GroupingOptions.of(
        settings.grouping(benchmark), f"[grouping] of {settings.source}"
    )
    given: dict[str, Any] = {}
    if groups is not None:
        given["num_groups"] = groups
    if seeds is not None:
        given["seeds"] = seeds
    if must_link:
        given["must_link"] = tuple(_pair(value) for value in must_link)
    if cannot_link:
        given["cannot_link"] = tuple(_pair(value) for value in cannot_link)
    return study_of(settings, benchmark, preset, replace(options, **given))


def _run(study: Study, store: Path, workers: int) -> list[Row]:
    from simulations.sweep.interrupt import Stopped
    from simulations.sweep.progress import duration
    from simulations.sweep.run import local_engine, run_cells
    from simulations.training.grouping.run import run_study
    from simulations.training.grouping.whole import task_names

    def run(what: str, cells: Sequence[Any]) -> Report:
        from simulations.sweep.progress import shown

        def show(todo: Any) -> Any:  # noqa: ANN401 - a context manager of the sweep's own
            click.echo(
                f"{what}: {todo.total} cells, {todo.stored} stored already, "
                f"{len(todo.pending)} to run on {workers} worker{'s' if workers > 1 else ''}",
                err=True,
            )
            return shown(len(todo.pending), what)

        report = run_cells(cells, store, local_engine(workers), show)
        if report.signum is not None and report.left:
            raise Stopped(report.signum)
        if report.done:
            click.echo(f"{what}: {report.done} cells in {duration(report.seconds)}", err=True)
        return report

    return run_study(study, task_names(study), store, run)
