"""What Tables 2 and 4 have in common: our times and the paper's, in milliseconds a step."""

from __future__ import annotations

import polars as pl

from paper_figures import _table_four as printed
from paper_figures._wallclock_rows import Times

__all__ = ["METHODS", "measured_cell", "ours", "printed_cell", "theirs", "times_data"]

METHODS = (*printed.PLAIN, *printed.SCHEDULED)
"""In the paper's order."""
MS = 1e3 / printed.STEPS
"""From the paper's seconds of all steps to milliseconds a step."""


def ours(times: Times, method: str, num_tasks: int, period: int) -> dict[str, float] | None:
    """Look up a measured point; `period` is 0 for a method without one."""
    found = times.points.filter(
        pl.col("method") == method,
        pl.col("num_tasks") == num_tasks,
        pl.col("refresh_period") == period,
    )
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return {name: 1e3 * float(row[name]) for name in ("mean", "low", "high")}


def theirs(method: str, num_tasks: int, period: int) -> tuple[float, float] | None:
    """Look up mean and standard deviation in the paper's Table 4, in milliseconds a step."""
    if num_tasks not in printed.SIZES:
        return None
    by_period = printed.SCHEDULED.get(method)
    row = printed.PLAIN.get(method) if by_period is None else by_period.get(period)
    if row is None:
        return None
    mean, deviation = row[printed.SIZES.index(num_tasks)]
    return mean * MS, deviation * MS


def measured_cell(found: dict[str, float] | None) -> str:
    """Write a mean with its interval, to three significant digits.

    Examples
    --------
    >>> measured_cell({"mean": 1.2345, "low": 1.0, "high": 1.5}), measured_cell(None)
    ('1.23 [1.00, 1.50]', '–')
    """
    if found is None:
        return "–"
    return f"{short(found['mean'])} [{short(found['low'])}, {short(found['high'])}]"


def printed_cell(found: tuple[float, float] | None) -> str:
    """Write the paper's mean and standard deviation.

    Examples
    --------
    >>> printed_cell((1252.37, 38.07))
    '1252 ± 38.1'
    """
    return "–" if found is None else f"{short(found[0])} ± {short(found[1])}"


def short(value: float) -> str:
    """Write a time with three significant digits and no exponent.

    Examples
    --------
    >>> short(0.0512), short(3.0), short(1252.4)
    ('0.0512', '3.00', '1252')
    """
    digits = max(0, 2 - len(str(int(value))) + 1) if value >= 1 else 4 if value < 0.1 else 3
    return f"{value:.{digits}f}"


def times_data(rows: list[tuple[str, str, int, int, float, float, float]]) -> pl.DataFrame:
    """Make the CSV's frame: source, method, K, R, milliseconds with two limits."""
    schema = {
        "source": pl.String,
        "method": pl.String,
        "num_tasks": pl.Int64,
        "refresh_period": pl.Int64,
        "milliseconds": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
