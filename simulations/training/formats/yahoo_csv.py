"""Daily prices of one stock, as Yahoo Finance's CSV has them."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.training.formats.problem import bad_file, read_bytes

__all__ = ["DailyPrices", "read_daily_prices"]

_TODO = "download the daily history of this ticker again, as a Yahoo Finance CSV"
_NEEDED = ("Date", "Open", "Close")
_LONGEST_PAUSE = 7  # calendar days; September 2001 closed the exchange from the 10th to the 17th
_BLANK_SHARE = 0.002
_SPLIT_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 8.0, 10.0, 20.0)
_SPLIT_TOLERANCE = 0.06  # a day's own move comes on top of the split
_WILD_JUMP = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class DailyPrices:
    """One ticker's opening prices.

    Attributes
    ----------
    ticker : str
    days : array of datetime64[D], shape (n,)
        Strictly increasing.
    open : array of float64, shape (n,)
        Positive, in the file's currency.
    filled : int
        Days whose opening price was blank, and was taken to be the previous day's close.
    """

    ticker: str
    days: NDArray[np.datetime64]
    open: NDArray[np.float64]
    filled: int


def read_daily_prices(path: Path, min_days: int, *, allow_jumps: bool = False) -> DailyPrices:
    """Read ``TICKER.csv``.

    Parameters
    ----------
    path : Path
        Its stem is the ticker; a column ``Name``, where there is one, must agree with it.
    min_days : int
        Fewer days are an error.
    allow_jumps : bool
        Accept a jump from one day's opening price to the next that looks like a split for which
        the prices were not adjusted, or that is more than fourfold.

    Returns
    -------
    DailyPrices

    Raises
    ------
    InvalidInputError
        When the file is missing, no CSV, of another ticker, too short, has a gap of more than 7
        calendar days, a date twice or out of order, a price that is no positive number, more than
        0.2 % of blank prices, or such a jump.
    """
    raw = read_bytes(path, what=f"daily prices of {path.stem}", todo=_TODO)
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise bad_file(path, expected="a text file", found="bytes", todo=_TODO) from None
    rows = csv.reader(lines)
    header = next(rows, [])
    if any(name not in header for name in _NEEDED):
        raise bad_file(
            path,
            expected=f"a header with {', '.join(_NEEDED)}",
            found=f"the header {','.join(header)[:80]!r}",
            todo=_TODO,
        )
    column = {name: header.index(name) for name in header}
    days: list[date] = []
    opens: list[float] = []
    closes: list[float] = []
    filled = 0
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise bad_file(
                path,
                expected=f"{len(header)} fields in line {number}",
                found=f"{len(row)} (a truncated file?)",
                todo=_TODO,
            )
        if "Name" in column and row[column["Name"]] != path.stem:
            raise bad_file(
                path,
                expected=f"prices of {path.stem}",
                found=f"prices of {row[column['Name']]!r} in line {number}",
                todo="name each file after its ticker",
            )
        days.append(_day(path, number, row[column["Date"]], days))
        opens.append(_price(path, number, "Open", row[column["Open"]]))
        closes.append(_price(path, number, "Close", row[column["Close"]]))
        if math.isnan(opens[-1]):
            filled += 1
            opens[-1] = closes[-2] if len(closes) > 1 else math.nan
            if math.isnan(opens[-1]):
                raise bad_file(
                    path, expected="a price before the first blank one",
                    found=f"Open is blank in line {number}, and so is the close before it",
                    todo=_TODO,
                )  # fmt: skip
    if len(days) < min_days:
        raise bad_file(
            path, expected=f"at least {min_days} trading days", found=f"{len(days)}", todo=_TODO
        )
    if filled > _BLANK_SHARE * len(days):
        raise bad_file(
            path,
            expected=f"at most {_BLANK_SHARE:.1%} of the opening prices blank",
            found=f"{filled} of {len(days)}",
            todo=_TODO,
        )
    prices = np.array(opens)
    if not allow_jumps:
        _refuse_jumps(path, days, prices)
    return DailyPrices(path.stem, np.array(days, dtype="datetime64[D]"), prices, filled)


def _day(path: Path, number: int, text: str, before: list[date]) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise bad_file(
            path,
            expected=f"a date like 2006-01-03 in line {number}",
            found=repr(text[:40]),
            todo=_TODO,
        ) from None
    if not before:
        return day
    pause = (day - before[-1]).days
    if pause == 0:
        raise bad_file(
            path, expected="each date once", found=f"{day} again in line {number}",
            todo=_TODO,
        )  # fmt: skip
    if pause < 0:
        raise bad_file(
            path,
            expected="dates in rising order",
            found=f"{day} after {before[-1]} in line {number}",
            todo="sort the file by date",
        )
    if pause > _LONGEST_PAUSE:
        raise bad_file(
            path,
            expected=f"no gap of more than {_LONGEST_PAUSE} days",
            found=f"none between {before[-1]} and {day} (line {number})",
            todo=_TODO,
        )
    return day


def _price(path: Path, number: int, column: str, text: str) -> float:
    """Return the price, NaN for a blank one."""
    if text.strip() in ("", "null"):
        return math.nan
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not (math.isfinite(price) and price > 0):
        raise bad_file(
            path,
            expected=f"a positive price under {column} in line {number}",
            found=repr(text[:40]),
            todo=_TODO,
        )
    return price


def _refuse_jumps(path: Path, days: list[date], prices: NDArray[np.float64]) -> None:
    ratios = prices[1:] / prices[:-1]
    sizes = np.maximum(ratios, 1 / ratios)
    for where in np.flatnonzero(sizes > _SPLIT_RATIOS[0] * (1 - _SPLIT_TOLERANCE)):
        size = float(sizes[where])
        nearest = min(_SPLIT_RATIOS, key=lambda split: abs(split - size))
        if abs(size / nearest - 1) <= _SPLIT_TOLERANCE or size > _WILD_JUMP:
            raise bad_file(
                path,
                expected="opening prices adjusted for splits",
                found=f"a jump from {prices[where]:g} to {prices[where + 1]:g} between "
                f"{days[where]} and {days[where + 1]}, about {nearest:g}:1",
                todo="use adjusted prices, or allow jumps if this one really happened",
            )
