"""Windows of daily prices, and the targets of STOCKS' tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks.base import Role
from simulations.training.formats.problem import bad_file
from simulations.training.formats.yahoo_csv import DailyPrices
from songoku_theory.errors import InvalidInputError

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import BenchmarkTask, Samples, Split

__all__ = ["VOLATILITY_DAYS", "ReturnKind", "Windows", "on_common_days", "return_classes"]

VOLATILITY_DAYS = 5
# MultiBench: the first 3,200 windows train, the next 500 validate, of some 4,700 from June 2000.
_TRAIN_WINDOWS, _VALIDATION_WINDOWS = 3200, 500
_TRAIN_SHARE, _VALIDATION_SHARE = 0.68, 0.11
_LOW, _HIGH = 0.1, 0.5
_LOST_DAYS = 0.01

ReturnKind = Literal["squared", "absolute_percent", "signed_percent"]


def return_classes(returns: NDArray[np.float64]) -> NDArray[np.int64]:
    """Discretise R as the paper does: Low 0, Medium 1, High 2.

    Parameters
    ----------
    returns : array of float
        Anything below 0.1 is Low, negative numbers included.

    Source
    ------
    SON-GOKU paper, appendix J.5.

    Examples
    --------
    >>> return_classes(np.array([-1.0, 0.0, 0.0999, 0.1, 0.4999, 0.5])).tolist()
    [0, 0, 0, 1, 1, 2]
    """
    return np.digitize(returns, (_LOW, _HIGH)).astype(np.int64)


def on_common_days(
    folder: Path, files: list[DailyPrices]
) -> tuple[NDArray[np.datetime64], NDArray[np.float64], int]:
    """Return the days that all have, their prices ``(days, tickers)``, and how many were lost.

    Raises
    ------
    InvalidInputError
        When a ticker lacks more than one in a hundred of the days that others have.
    """
    start = max(file.days[0] for file in files)
    end = min(file.days[-1] for file in files)
    inside = [file.days[(file.days >= start) & (file.days <= end)] for file in files]
    union = np.unique(np.concatenate(inside))
    for file, days in zip(files, inside, strict=True):
        if len(days) < (1 - _LOST_DAYS) * len(union):
            raise bad_file(
                folder / f"{file.ticker}.csv",
                expected=f"the {len(union)} trading days of the others from {start} to {end}",
                found=f"{len(days)} of them", todo="get this ticker's whole history",
            )  # fmt: skip
    common = union
    for days in inside:
        common = np.intersect1d(common, days)
    prices = [file.open[np.isin(file.days, common)] for file in files]
    return common, np.stack(prices, axis=1), len(union) - len(common)


class Windows:
    """Windows and targets of one sector; window i ends at the open of day i + length.

    Parameters
    ----------
    title : str
        Of the benchmark, for messages.
    returns : ReturnKind
    length : int
        Days in a window.
    days : array of datetime64, shape (n,)
    prices : array of float64, shape (n, tickers)
    tickers, outputs : tuple of str
        `outputs` are among `tickers`.
    """

    def __init__(
        self, title: str, returns: ReturnKind, length: int, days: NDArray[np.datetime64],
        prices: NDArray[np.float64], tickers: tuple[str, ...], outputs: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.title, self.returns, self.length = title, returns, length
        self.days, self.prices = days, prices
        self.outputs = outputs
        self.out = [tickers.index(ticker) for ticker in outputs]
        self.log_returns = np.diff(np.log(prices), axis=0)  # row j: from day j to day j + 1
        self.count = len(days) - 1 - length
        if self.count >= _TRAIN_WINDOWS + 2 * _VALIDATION_WINDOWS:
            train, validation = _TRAIN_WINDOWS, _VALIDATION_WINDOWS
        else:
            train, validation = (
                int(_TRAIN_SHARE * self.count), int(_VALIDATION_SHARE * self.count)
            )  # fmt: skip
        self.train = train
        self.bounds: dict[Split, slice] = {
            "train": slice(0, train),
            "validation": slice(train, train + validation),
            "test": slice(train + validation, self.count),
        }
        # Day on which window i ends, and all that a training example sees.
        self.last = np.arange(self.count) + length
        self.seen = length + train

    def tasks(self) -> tuple[BenchmarkTask, ...]:
        """Return the returns' tasks, then the auxiliary ones; see `Stocks`.

        Raises
        ------
        InvalidInputError
            When a day is on a weekend.
        """
        from simulations.training.benchmarks.kinds import classes, values

        last = self.last
        nexts = self.log_returns[last]  # from the last day of window i to the day after
        sizes = self._returns(nexts)
        rolling = np.lib.stride_tricks.sliding_window_view(
            self.log_returns, VOLATILITY_DAYS, axis=0
        ).std(axis=-1)  # row j: returns j .. j + 4
        volatility = rolling[last - VOLATILITY_DAYS][:, self.out]
        weekday = (self.days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        if int(weekday.max()) > 4:
            raise InvalidInputError(
                f"{self.title}: expected trading days from Monday to Friday; found "
                f"{self.days[int(weekday.argmax())]}, on a weekend. Check the dates of the CSV "
                "files."
            )
        price_shift, price_scale = self._price_scaling()
        today = (self.prices[last] - price_shift) / price_scale
        split = self._split
        returns = tuple(
            classes(
                f"return_{ticker}", Role.MAIN, f"size of {ticker}'s next-day return (3 classes)",
                "windows", split(return_classes(sizes[:, column])), 3, ordered=True,
            )
            for column, ticker in enumerate(self.outputs)
        )  # fmt: skip
        unit = "training standard deviations"
        return (
            *returns,
            values("volatility", Role.POSITIVE, "standard deviation of the last 5 log returns",
                   "windows", split(self._standard(volatility)), unit),
            values("sector_mean", Role.POSITIVE, "mean next-day log return of all tickers",
                   "windows", split(self._standard(nexts.mean(axis=1, keepdims=True))), unit),
            classes("day_of_week", Role.NEGATIVE, "Monday to Friday, of the last day",
                    "windows", split(weekday[last]), 5),
            values("open_price", Role.NEGATIVE, "the last day's opening prices, verbatim",
                   "windows", split(today[:, self.out]), unit),
        )  # fmt: skip

    def class_shares(self) -> NDArray[np.float64]:
        """Share of Low, Medium and High among all outputs' training labels."""
        labels = return_classes(self._returns(self.log_returns[self.last])[: self.train])
        return np.bincount(labels.ravel(), minlength=3) / labels.size

    def _returns(self, nexts: NDArray[np.float64]) -> NDArray[np.float64]:
        chosen = nexts[:, self.out]
        if self.returns == "squared":
            squared = chosen**2
            # One scale for all outputs, as MultiBench has it.
            result: NDArray[np.float64] = squared / squared[: self.train].std()
            return result
        percent = 100 * np.expm1(chosen)
        return np.abs(percent) if self.returns == "absolute_percent" else percent

    def _standard(self, targets: NDArray[np.float64]) -> NDArray[np.float64]:
        fitted = targets[: self.train]
        result: NDArray[np.float64] = (targets - fitted.mean(axis=0)) / np.maximum(
            fitted.std(axis=0), 1e-12
        )
        return result

    def _price_scaling(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        seen = self.prices[: self.seen]
        return seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-12)

    @property
    def _split(self) -> Callable[[NDArray[np.float64] | NDArray[np.int64]], dict[Split, Samples]]:
        import torch

        from simulations.training.benchmarks.base import Samples

        shift, scale = self._price_scaling()
        prices = (self.prices[1:] - shift) / scale  # aligned: return j arrives with day j + 1
        returns = self.log_returns / self.log_returns[: self.seen].std()
        channels = torch.tensor(np.stack([returns, prices], axis=1), dtype=torch.float32)
        # A view of the series, (windows, tickers, 2, days): 500 times smaller than its copy.
        windows = channels.permute(2, 1, 0).unfold(2, self.length, 1).permute(2, 0, 1, 3)

        def split(labels: NDArray[np.float64] | NDArray[np.int64]) -> dict[Split, Samples]:
            whole = torch.from_numpy(np.ascontiguousarray(labels))
            whole = whole.float() if whole.is_floating_point() else whole.long()
            return {
                name: Samples({"prices": windows[: self.count][bounds]}, whole[bounds])
                for name, bounds in self.bounds.items()
            }

        return split
