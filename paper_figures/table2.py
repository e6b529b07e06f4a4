"""Table 2: milliseconds a step against the number of tasks, here and in the paper."""

from __future__ import annotations

from paper_figures import _table_four as printed
from paper_figures._times_table import (
    METHODS,
    measured_cell,
    ours,
    printed_cell,
    theirs,
    times_data,
)
from paper_figures._wallclock_rows import NEED, select
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import table
from paper_figures.engine.table import Column, Part, Table

__all__ = ["lay"]

PRINTED_PERIOD = 32


@table(
    name="table2",
    title="Table 2: wall-clock time against the number of tasks",
    needs=(NEED,),
    place=9,
)
def lay(given: FigureInput) -> Table:
    """Set our times at the refresh period next to 32, and the paper's at 32."""
    times = select(given.rows["wallclock"], "methods")
    periods = sorted({int(p) for p in times.points["refresh_period"].to_list() if p})
    period = min(periods, key=lambda found: abs(found - PRINTED_PERIOD)) if periods else 0
    sizes = sorted(set(times.points["num_tasks"].to_list()))
    here, there, numbers = [], [], []
    for method in METHODS:
        label = f"{method} (R = {{}})" if method in printed.SCHEDULED else method
        asked = period if method in printed.SCHEDULED else 0
        found = [ours(times, method, size, asked) for size in sizes]
        here.append((label.format(period), *map(measured_cell, found)))
        numbers += [
            ("here", method, size, asked, cell["mean"], cell["low"], cell["high"])
            for size, cell in zip(sizes, found, strict=True)
            if cell is not None
        ]
        asked = PRINTED_PERIOD if method in printed.SCHEDULED else 0
        shown = [theirs(method, size, asked) for size in printed.SIZES]
        there.append((label.format(PRINTED_PERIOD), *map(printed_cell, shown)))
        numbers += [
            ("paper", method, size, asked, cell[0], cell[0] - cell[1], cell[0] + cell[1])
            for size, cell in zip(printed.SIZES, shown, strict=True)
            if cell is not None
        ]
    rules = (len(printed.PLAIN),)
    heads = Column("method", "left")
    parts = (
        Part("measured here", (heads, *(Column(f"K = {k}") for k in sizes)), tuple(here), rules),
        Part(
            "printed in the paper",
            (heads, *(Column(f"K = {k}") for k in printed.SIZES)),
            tuple(there),
            rules,
        ),
    )
    return Table(
        parts,
        times_data(numbers),
        caption=(
            f"Milliseconds a step. Here, mean [95%]: d = {times.dim:,}, runs of {times.steps:,} "
            f"steps on pre-generated gradients ({times.workload}), one thread, on {times.device} "
            f"({times.device_name}), SON-GOKU with R = {period}, the stored period next to the "
            f"paper's {PRINTED_PERIOD}. In the paper, mean ± standard deviation: its Table 2 "
            f"divided by {printed.STEPS} steps, on a device that it does not name, so that growth "
            "with K compares and milliseconds do not."
        ),
        n=f"{times.repeats} repeats a cell here, {printed.REPEATS} in the paper",
        interval="here 95% of a (geometric) mean by Student's t on logarithms over the repeats",
        keys=times.keys,
    )
