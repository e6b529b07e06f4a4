"""One table: what this package takes, beside what the usual tools take for the same work.

    make bench
    .venv/bin/python tests/bench/run.py --only coloring --repeats 51

Nothing here fails because something is slow: the ratios are printed as they come.
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

# Before numpy and torch start their threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import torch
from engine import ROWS as ENGINE
from grouping import ROWS as GROUPING
from grouping import reaches as grouping_reaches
from rich.console import Console
from rich.table import Table
from rows_capture import ROWS as CAPTURE
from rows_coloring import ROWS as COLORING
from rows_combine import ROWS as COMBINE
from rows_scheduler import ROWS as SCHEDULER
from rows_training import ROWS as TRAINING
from simulation import ROWS as SIMULATION
from threadpoolctl import threadpool_limits
from timing import Row, Timed, UnmeasuredError, compare

from songoku_theory._numba import accelerated

ROWS: tuple[Row, ...] = (
    *COMBINE,
    *SCHEDULER,
    *COLORING,
    *CAPTURE,
    *SIMULATION,
    *ENGINE,
    *GROUPING,
    *TRAINING,
)
PACKAGES = ("numpy", "scipy", "numba", "torch", "torchjd", "cvxpy", "clarabel", "rustworkx")


def _seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} us"


def _ratio(row: Row, timed: Timed) -> tuple[str, str]:
    """The ratio with its quartiles, and whether it reaches."""
    values = [timed.ratio, timed.low, timed.high]
    if row.sense == "at most":
        values = [1.0 / timed.ratio, 1.0 / timed.high, 1.0 / timed.low]
    shown = f"{values[0]:.3g}x ({values[1]:.3g} to {values[2]:.3g})"
    if row.reach is None:
        return shown, ""
    reached = values[0] >= row.reach if row.sense == "at least" else values[0] <= row.reach
    sign = ">=" if row.sense == "at least" else "<="
    return shown, f"{sign} {row.reach:g}x: {'yes' if reached else 'no'}"


def _machine() -> str:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} absent")
    processor = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if line[:10] == "model name"]
        processor = names[0] if names else processor
    except OSError:
        pass
    compiled = "on" if accelerated() else "off"
    return (
        f"{processor}, {os.cpu_count()} cores, {platform.system()}; Python "
        f"{platform.python_version()}; {', '.join(found)}; compiled kernels {compiled}"
    )


@click.command()
@click.option("--only", multiple=True, help="Rows whose name starts so; may be repeated.")
@click.option("--repeats", default=15, show_default=True, type=click.IntRange(2), help="Turns.")
def bench(only: tuple[str, ...], repeats: int) -> None:
    """Time this package beside the usual tools, in turn, and print the ratios."""
    rows = [row for row in ROWS if not only or row.name.startswith(only)]
    if not rows:
        raise click.UsageError(f"no such row; the rows are {', '.join(r.name for r in ROWS)}.")
    console = Console(width=None if Console().is_terminal else 170)
    console.print(_machine(), highlight=False)
    console.print(
        f"One thread. {repeats} turns, ours and theirs by turns after a warm-up, each sample of "
        "about 10 ms or one call; medians, quartiles of the ratio in brackets. 'at least': their "
        "time over ours; 'at most': ours over theirs.",
        highlight=False,
    )
    table = Table(show_lines=False)
    for column in ("name", "what", "against", "ours", "theirs", "ratio", "reach", "note"):
        table.add_column(column, no_wrap=column in ("name", "ours", "theirs", "reach"))
    torch.set_num_threads(1)
    with threadpool_limits(1), console.status("measuring ...") as status:
        for row in rows:
            status.update(f"measuring {row.name} ...")
            table.add_row(row.name, row.what, row.against, *_measure(row, repeats))
    console.print(table, highlight=False)
    if not only or any("grouping".startswith(name) for name in only):
        with threadpool_limits(1):
            for line in grouping_reaches():
                console.print(line, highlight=False)


def _measure(row: Row, repeats: int) -> tuple[str, str, str, str, str]:
    try:
        pair = row.prepare()
    except UnmeasuredError as reason:
        return "", "", "not measured", "", str(reason)
    timed = compare(pair, repeats)
    return _seconds(timed.ours), _seconds(timed.theirs), *_ratio(row, timed), pair.note()


if __name__ == "__main__":
    bench()
