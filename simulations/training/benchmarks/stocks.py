"""STOCKS-F&B and STOCKS-HEALTH: 500 days of prices in, the size of the next day's return out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks.base import Found, Loaded, Role
from simulations.training.datasets.base import Provenance
from simulations.training.formats.problem import bad_file
from simulations.training.formats.yahoo_csv import DailyPrices, read_daily_prices
from songoku_theory.errors import InvalidInputError, unknown_name

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import BenchmarkTask, Samples, Split
    from simulations.training.benchmarks.remote import RemoteFile

__all__ = ["STOCKS_FB", "STOCKS_HEALTH", "Stocks", "return_classes"]

_FOLDER = "stocks"
_WINDOW = 500
_VOLATILITY_DAYS = 5
# MultiBench: the first 3,200 windows train, the next 500 validate, of some 4,700 from June 2000.
_TRAIN_WINDOWS, _VALIDATION_WINDOWS = 3200, 500
_TRAIN_SHARE, _VALIDATION_SHARE = 0.68, 0.11
_LOW, _HIGH = 0.1, 0.5
_LOST_DAYS = 0.01
_WHERE = (
    "https://finance.yahoo.com/quote/TICKER/history, daily, 2000-06-01 to 2021-02-28, one CSV a "
    "ticker as stocks/TICKER.csv (Yahoo hands them out to signed-in people only, not to programs)"
)

ReturnKind = Literal["squared", "absolute_percent", "signed_percent"]

_KINDS: dict[ReturnKind, str] = {
    "squared": "R is the squared log return over its standard deviation in the training part "
    "(MultiBench's), so R >= 0 and the sign of a return does not matter",
    "absolute_percent": "R is the size of the return in per cent, its sign dropped",
    "signed_percent": "R is the return in per cent, and every negative one is Low",
}

_FB = "CAG CMG CPB DPZ DRI GIS HRL HSY K KHC LW MCD MDLZ MKC SBUX SJM TSN YUM"
_FB_OUT = "MCD SBUX HSY HRL"
_HEALTH = (
    "ABT ABBV ABMD A ALXN ALGN ABC AMGN ANTM BAX BDX BIO BIIB BSX BMY CAH CTLT CNC CERN CI COO "
    "CVS DHR DVA XRAY DXCM EW GILD HCA HSIC HOLX HUM IDXX ILMN INCY ISRG IQV JNJ LH LLY MCK MDT "
    "MRK MTD PKI PRGO PFE DGX REGN RMD STE SYK TFX TMO UNH UHS VAR VRTX VTRS WAT WST ZBH ZTS"
)
_HEALTH_OUT = "MRK WST CVS MCK ABT UNH TFX"


@dataclass(frozen=True, slots=True)
class Stocks:
    """One sector of MultiBench's STOCKS.

    ==============  ========  ===================================================================
    return_TICKER   main      Low, Medium or High: the return from the open of the window's last
                              day to the next day's open. One task an output ticker.
    volatility      positive  Standard deviation of the window's last five log returns, for each
                              output ticker.
    sector_mean     positive  Mean next-day log return of all tickers.
    day_of_week     negative  Monday to Friday, of the window's last day.
    open_price      negative  The last day's opening price of each output ticker: stands in the
                              input, to be handed through.
    ==============  ========  ===================================================================

    The input is ``prices``, (tickers, 2, 500): log returns from open to open, and opening prices,
    each in standard deviations of the training part. (The paper wants today's price back, so it
    must be in the input; MultiBench's own input is the returns alone.) All tasks share one view.

    Parameters
    ----------
    name, title, doc : str
    tickers, outputs : tuple of str
        The benchmark's: `outputs` are among `tickers`.
    stand_ins : tuple of str
        Tickers of the same sector, all of them inputs and outputs, that make NEAR data when the
        benchmark's own are not all there.
    returns : {"squared", "absolute_percent", "signed_percent"}
        What R is; the paper's classes (0 <= R < 0.1, 0.1 <= R < 0.5, R >= 0.5) say nothing of
        negative returns and no unit.
    window : int
        Days in the input.
    allow_jumps : bool
        See `read_daily_prices`.

    Source
    ------
    SON-GOKU paper, section 6.1 and appendix J.5, Table 3; tickers and R from MultiBench.

    Differs from
    ------------
    The paper does not say which stocks are outputs; the 4 and 7 here are those that MultiBench's
    README names. MultiBench coarsens inputs to 26 steps; this does not.
    """

    name: str
    title: str
    doc: str
    tickers: tuple[str, ...]
    outputs: tuple[str, ...]
    stand_ins: tuple[str, ...]
    returns: ReturnKind = "squared"
    window: int = _WINDOW
    allow_jumps: bool = False

    def __post_init__(self) -> None:
        if self.returns not in _KINDS:
            raise unknown_name("kind of return", self.returns, _KINDS)
        strangers = sorted(set(self.outputs) - set(self.tickers))
        if strangers or not self.outputs:
            raise InvalidInputError(
                f"output tickers should be one or more of the tickers; found {strangers} besides."
            )

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        return ()

    def look(self, root: Path) -> Found:
        here = {path.stem for path in (root / _FOLDER).glob("*.csv")}
        missing = [ticker for ticker in self.tickers if ticker not in here]
        if not missing:
            return Found(Provenance.EXACT, f"all {len(self.tickers)} tickers", (), _WHERE)
        lacking = (f"{len(missing)} of {len(self.tickers)} tickers ({' '.join(missing)})",)
        standing_in = [ticker for ticker in self.stand_ins if ticker in here]
        if standing_in:
            what = f"{len(standing_in)} stand-ins ({' '.join(standing_in)}) in {_FOLDER}/"
            return Found(Provenance.NEAR, what, lacking, _WHERE)
        return Found(None, "nothing that would do", lacking, _WHERE)

    def load(self, root: Path, rng: np.random.Generator) -> Loaded:
        """Read the tickers and make the tasks; nothing here is left to chance."""
        found = self.look(root)
        folder = root / _FOLDER
        if found.provenance is None:
            raise bad_file(
                folder, expected=f"the tickers of {self.title}, or stand-ins "
                f"({' '.join(self.stand_ins)})", found=found.what,
                todo=f"get them from {_WHERE}",
            )  # fmt: skip
        exact = found.provenance is Provenance.EXACT
        tickers = self.tickers if exact else tuple(
            ticker for ticker in self.stand_ins if (folder / f"{ticker}.csv").exists()
        )  # fmt: skip
        outputs = self.outputs if exact else tickers
        paths = tuple(folder / f"{ticker}.csv" for ticker in tickers)
        files = [
            read_daily_prices(path, self.window, allow_jumps=self.allow_jumps) for path in paths
        ]
        days, prices, lost = _on_common_days(folder, files)
        windows = len(days) - 1 - self.window
        if windows < 10:
            raise bad_file(
                folder, expected=f"at least {self.window + 11} days that all tickers have",
                found=f"{len(days)}", todo="give longer histories",
            )  # fmt: skip
        built = _Builder(self, days, prices, tickers, outputs)
        notes = [
            _KINDS[self.returns] + ".",
            "Prices are opening prices; the window ends at the open of its last day.",
            f"{len(days)} days from {days[0]} to {days[-1]}, {windows} windows of {self.window}, "
            f"split in order of time.",
        ]
        shares = built.class_shares()
        notes.append(
            "Low, Medium and High are "
            + ", ".join(f"{share:.0%}" for share in shares)
            + " of the training labels."
        )
        if not exact:
            notes.append(f"{' '.join(tickers)} stand in for {self.title}'s tickers.")
        filled = sum(file.filled for file in files)
        if filled or lost:
            notes.append(
                f"{filled} blank opening prices were taken from the close before; {lost} days that "
                "not every ticker has were left out."
            )
        shapes = {"prices": (len(tickers), 2, self.window)}
        return Loaded(self.name, found.provenance, tuple(notes), built.tasks(), shapes, paths)


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


def _on_common_days(
    folder: Path, files: list[DailyPrices]
) -> tuple[NDArray[np.datetime64], NDArray[np.float64], int]:
    """Return the days that all have, their prices ``(days, tickers)``, and how many were lost."""
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


class _Builder:
    """Windows and targets of one sector; window i ends at the open of day i + window."""

    def __init__(
        self, spec: Stocks, days: NDArray[np.datetime64], prices: NDArray[np.float64],
        tickers: tuple[str, ...], outputs: tuple[str, ...],
    ) -> None:  # fmt: skip
        self.spec, self.days, self.prices = spec, days, prices
        self.outputs = outputs
        self.out = [tickers.index(ticker) for ticker in outputs]
        self.log_returns = np.diff(np.log(prices), axis=0)  # row j: from day j to day j + 1
        self.count = len(days) - 1 - spec.window
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
        self.last = np.arange(self.count) + spec.window
        self.seen = spec.window + train

    def tasks(self) -> tuple[BenchmarkTask, ...]:
        from simulations.training.benchmarks.kinds import classes, values

        spec, last = self.spec, self.last
        nexts = self.log_returns[last]  # from the last day of window i to the day after
        sizes = self._returns(nexts)
        rolling = np.lib.stride_tricks.sliding_window_view(
            self.log_returns, _VOLATILITY_DAYS, axis=0
        ).std(axis=-1)  # row j: returns j .. j + 4
        volatility = rolling[last - _VOLATILITY_DAYS][:, self.out]
        weekday = (self.days[last].astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        if int(weekday.max()) > 4:
            raise InvalidInputError(
                f"{spec.title}: expected trading days from Monday to Friday; found one on a "
                "weekend. Check the dates of the CSV files."
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
                    "windows", split(weekday), 5),
            values("open_price", Role.NEGATIVE, "the last day's opening prices, verbatim",
                   "windows", split(today[:, self.out]), unit),
        )  # fmt: skip

    def class_shares(self) -> NDArray[np.float64]:
        """Share of Low, Medium and High among all outputs' training labels."""
        labels = return_classes(self._returns(self.log_returns[self.last])[: self.train])
        return np.bincount(labels.ravel(), minlength=3) / labels.size

    def _returns(self, nexts: NDArray[np.float64]) -> NDArray[np.float64]:
        chosen = nexts[:, self.out]
        if self.spec.returns == "squared":
            squared = chosen**2
            # One scale for all outputs, as MultiBench has it.
            result: NDArray[np.float64] = squared / squared[: self.train].std()
            return result
        percent = 100 * np.expm1(chosen)
        return np.abs(percent) if self.spec.returns == "absolute_percent" else percent

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
        windows = channels.permute(2, 1, 0).unfold(2, self.spec.window, 1).permute(2, 0, 1, 3)

        def split(labels: NDArray[np.float64] | NDArray[np.int64]) -> dict[Split, Samples]:
            whole = torch.from_numpy(np.ascontiguousarray(labels))
            whole = whole.float() if whole.is_floating_point() else whole.long()
            return {
                name: Samples({"prices": windows[: self.count][bounds]}, whole[bounds])
                for name, bounds in self.bounds.items()
            }

        return split


STOCKS_FB = Stocks(
    "stocks_fb", "STOCKS-F&B", "restaurants and packaged food, 18 tickers, 4 of them predicted",
    tuple(_FB.split()), tuple(_FB_OUT.split()), ("MCD", "KO", "WMT", "PG"),
)  # fmt: skip
STOCKS_HEALTH = Stocks(
    "stocks_health", "STOCKS-HEALTH", "health care, 63 tickers, 7 of them predicted",
    tuple(_HEALTH.split()), tuple(_HEALTH_OUT.split()), ("JNJ", "MRK", "PFE", "UNH"),
)  # fmt: skip
