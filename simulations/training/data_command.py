"""``songoku data``: which benchmarks' files are here, and fetching those that may be fetched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulations.training.benchmarks import available_benchmarks, paper_of

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import Found
    from simulations.training.benchmarks.download import Progress

__all__ = ["data", "data_root_option"]

data_root_option = click.option(
    "--data-root",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="SONGOKU_DATA",
    default=Path("data"),
    show_default=True,
    show_envvar=True,
    help="Folder that holds the benchmarks' files.",
)


@click.group(short_help="Which benchmarks' files are here; fetch those that may be fetched.")
def data() -> None:
    """See which of the benchmarks' files are under the data root, and fetch what may be fetched.

    \b
    EXACT  the very files that the source publishes
    NEAR   real data of the same kind that stands in for it
    SYNTH  generated

    \b
      songoku data status --data-root ~/data
      songoku data fetch cifar10 --data-root ~/data
    """


@data.command("status", short_help="A table: what was found, how close it is, what is missing.")
@click.option("--load", "load_too", is_flag=True, help="Read and check every file; takes longer.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True,
    help="With --load: draws the subsets.",
)  # fmt: skip
@data_root_option
def status(load_too: bool, seed: int, data_root: Path) -> None:
    """Show what was found under the data root, and where to get what is missing.

    Looks at names and sizes only; with --load, every benchmark that was found is also read, and
    one that can't be read is an error.
    """
    from rich.console import Console
    from rich.table import Table

    from simulations.training.benchmarks import get_benchmark
    from songoku_theory.errors import InvalidInputError

    if not data_root.is_dir():
        raise InvalidInputError(
            f"the data root {data_root} is no folder. Name yours with --data-root or SONGOKU_DATA, "
            "or let 'songoku data fetch NAME' make it."
        )
    table = Table(title=f"Benchmarks under {data_root}")
    for heading in ("benchmark", "paper", "data", "found", "missing"):
        table.add_column(heading, overflow="fold")
    looks = {name: get_benchmark(name).look(data_root) for name in available_benchmarks()}
    for name, found in looks.items():
        table.add_row(
            name,
            paper_of(name),
            found.provenance.value if found.provenance else "-",
            found.what,
            f"{len(found.missing)} (below)" if found.missing else "nothing",
        )
    console = Console()
    console.print(table)
    for name, found in looks.items():
        _say_what_is_missing(name, found)
    if load_too:
        _load_all(looks, data_root, seed)


def _say_what_is_missing(name: str, found: Found) -> None:
    if found.missing:
        click.echo(f"{name} lacks: {'; '.join(found.missing)}\n    where to get it: {found.where}")


def _load_all(looks: dict[str, Found], data_root: Path, seed: int) -> None:
    import numpy as np

    from simulations.training.benchmarks import get_benchmark
    from songoku_theory.errors import SongokuError

    failed = 0
    for name, found in looks.items():
        if found.provenance is None or not found.on_disk:
            continue
        try:
            loaded = get_benchmark(name).load(data_root, np.random.default_rng(seed))
        except SongokuError as error:
            failed += 1
            click.echo(f"{name}: can't be read: {error}")
            continue
        click.echo(f"{name} ({loaded.provenance}):")
        for task in loaded.tasks:
            sizes = "/".join(str(len(task.splits[split])) for split in task.splits)
            click.echo(
                f"    {task.name} ({task.role}): {sizes} examples, {task.num_outputs} outputs, "
                f"{task.metrics[0].name} {task.chance:.3g} by chance"
            )
        for note in loaded.notes:
            click.echo(f"    note: {note}")
    if failed:
        raise click.ClickException(f"{failed} of the benchmarks found can't be read; see above.")


@data.command("fetch", short_help="Download a benchmark's files from their publishers.")
@click.argument("name")
@data_root_option
def fetch(name: str, data_root: Path) -> None:
    """Download what may be downloaded of benchmark NAME, from the official addresses.

    Goes on with a download that was interrupted. A file is put in place when it is complete and
    its checksum, where one is published, is right. Files that are there are left alone.
    """
    from simulations.training.benchmarks import get_benchmark
    from simulations.training.benchmarks.download import download

    benchmark = get_benchmark(name)
    if not benchmark.remote:
        raise click.ClickException(
            f"{benchmark.title} can't be fetched: {benchmark.look(data_root).where}"
        )
    for remote in benchmark.remote:
        new = download(remote, data_root, _show_progress(remote.target))
        checked = remote.checksum or "the publisher gives no checksum"
        click.echo(f"{remote.target}: {f'fetched; {checked}' if new else 'already there'}")
    found = benchmark.look(data_root)
    click.echo(f"{name}: {found.what}")
    _say_what_is_missing(name, found)


@data.command("render", short_help="Render furnished rooms in NYUv2's place.")
@click.option("--train", "train", default=300, show_default=True, help="Views to train with.")
@click.option("--test", "test", default=100, show_default=True, help="Views to test with.")
@click.option("--height", default=144, show_default=True, help="Pixels; the width is 4/3 of it.")
@click.option(
    "--layout",
    type=click.Choice(("folders", "mat")),
    default="folders",
    show_default=True,
    help="As NYUv2 is preprocessed, or as it is published.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws the rooms."
)
@data_root_option
def render(train: int, test: int, height: int, layout: str, seed: int, data_root: Path) -> None:
    """Render furnished rooms and write them to DATA_ROOT/nyuv2 in a layout of NYUv2.

    A file named SYNTH beside them keeps them from passing for NYUv2. Takes about 0.2 s a view.
    """
    import numpy as np

    from simulations.training.benchmarks.room_files import write_rooms
    from simulations.training.benchmarks.rooms import render_rooms
    from songoku_theory.errors import InvalidInputError

    if min(train, test, height) < 1 or height % 3:
        raise InvalidInputError(
            f"expected at least one view of each part and a height that is a multiple of 3; found "
            f"{train}, {test} and {height}."
        )
    rng = np.random.default_rng(seed)
    size = (height, height * 4 // 3)
    parts = render_rooms(train, size, rng), render_rooms(test, size, rng)
    write_rooms(*parts, data_root / "nyuv2", layout)
    click.echo(f"{data_root / 'nyuv2'}: {train} + {test} views (SYNTH)")


def _show_progress(label: str) -> Progress:
    """Show the bytes so far on standard error, on a terminal only, one line rewritten."""
    stream = sys.stderr
    shown = -1

    def show(done: int, total: int | None) -> None:
        nonlocal shown
        megabytes = done >> 20
        if not stream.isatty() or megabytes == shown:
            return
        shown = megabytes
        of = f" of {total >> 20} MiB ({done / total:.0%})" if total else ""
        end = "\n" if done == total else "\r"
        stream.write(f"{label}: {megabytes} MiB{of}{end}")
        stream.flush()

    return show
