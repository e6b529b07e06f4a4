"""Table 4: milliseconds a step of every method for each K and R, beside the paper's."""

from __future__ import annotations

from paper_figures import _table_four as printed
from paper_figures._times_table import (
    METHODS,
    measured_cell,
    ours,
    printed_cell,
    short,
    theirs,
    times_data,
)
from paper_figures._wallclock_rows import NEED, Times, select
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import table
from paper_figures.engine.table import Column, Part, Row, Table

__all__ = ["lay"]

COLUMNS = (
    Column("method", "left"),
    Column("R", "right"),
    Column("mean [95%]", "right", "here, ms a step"),
    Column("× Uniform", "right", "here, ms a step"),
    Column("mean ± sd", "right", "paper, ms a step"),
    Column("× Uniform", "right", "paper, ms a step"),
)

Number = tuple[str, str, int, int, float, float, float]


@table(
    name="table4",
    title="Table 4: wall-clock time for each number of tasks and refresh period",
    needs=(NEED,),
    place=9,
)
def lay(given: FigureInput) -> Table:
    """Set our times and the paper's side by side, one part a number of tasks."""
    times = select(given.rows["wallclock"], "methods")
    sizes = sorted({*times.points["num_tasks"].to_list(), *printed.SIZES})
    numbers: list[Number] = []
    parts = tuple(_part(times, size, numbers) for size in sizes)
    return Table(
        parts,
        times_data(numbers),
        caption=(
            f"Milliseconds a step. Here: d = {times.dim:,}, runs of {times.steps:,} steps on "
            f"pre-generated gradients ({times.workload}), one thread, on {times.device} "
            f"({times.device_name}). Paper: Table 4 divided by its {printed.STEPS} steps; its "
            "device is not named, so ratios to Uniform compare and milliseconds do not. A dash: "
            "not measured here, or not printed."
        ),
        n=f"{times.repeats} repeats a cell here, {printed.REPEATS} in the paper",
        interval=(
            "here 95% of a (geometric) mean by Student's t on logarithms over the repeats; the "
            "paper prints standard deviations"
        ),
        keys=times.keys,
    )


def _part(times: Times, size: int, numbers: list[Number]) -> Part:
    rows: list[Row] = []
    rules: list[int] = []
    base, printed_base = ours(times, "Uniform", size, 0), theirs("Uniform", size, 0)
    for method in METHODS:
        stored = times.points["refresh_period"].to_list()
        periods = [0] if method in printed.PLAIN else sorted({*stored, *printed.PERIODS} - {0})
        if method in printed.SCHEDULED:
            rules.append(len(rows))
        for period in periods:
            here, there = ours(times, method, size, period), theirs(method, size, period)
            if here is None and there is None:
                continue
            if here is not None:
                numbers.append(
                    ("here", method, size, period, here["mean"], here["low"], here["high"])
                )
            if there is not None:
                ends = (there[0] - there[1], there[0] + there[1])
                numbers.append(("paper", method, size, period, there[0], *ends))
            rows.append(
                (
                    method,
                    str(period) if period else "–",
                    measured_cell(here),
                    short(here["mean"] / base["mean"]) if here and base else "–",
                    printed_cell(there),
                    short(there[0] / printed_base[0]) if there and printed_base else "–",
                )
            )
    notes = () if base else (f"K = {size} was not measured here.",)
    return Part(f"K = {size} tasks", COLUMNS, tuple(rows), tuple(rules), notes)
