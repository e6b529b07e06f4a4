"""STOCKS-F&B and STOCKS-HEALTH: 500 days of prices in, the size of the next day's return out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulations.training.benchmarks.base import Found, Loaded
from simulations.training.benchmarks.stock_windows import (
    VOLATILITY_DAYS,
    ReturnKind,
    Windows,
    on_common_days,
)
from simulations.training.datasets.base import Provenance
from simulations.training.formats.problem import bad_file
from simulations.training.formats.yahoo_csv import read_daily_prices
from songoku_theory.errors import InvalidInputError, unknown_name

if TYPE_CHECKING:
    from simulations.training.benchmarks.remote import RemoteFile

__all__ = ["STOCKS_FB", "STOCKS_HEALTH", "Stocks"]

_FOLDER = "stocks"
_WINDOW = 500
_WHERE = (
    "https://finance.yahoo.com/quote/TICKER/history, daily, 2000-06-01 to 2021-02-28, one CSV a "
    "ticker as stocks/TICKER.csv (Yahoo hands them out to signed-in people only, not to programs)"
)

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
_SECTORS = {
    "stocks_fb": (set(_FB.split()), set(_FB_OUT.split())),
    "stocks_health": (set(_HEALTH.split()), set(_HEALTH_OUT.split())),
}
_FEWEST = {"tickers": 2, "outputs": 1}
_NAME = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=-]{0,11}\Z")


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
        All input series, and those of them whose returns are predicted: by default MultiBench's
        14 + 4 and 56 + 7. Other lists make NEAR data, and all of their files must be there.
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
        for what, given in (("tickers", self.tickers), ("outputs", self.outputs)):
            again = sorted({name for name in given if given.count(name) > 1})
            if again or len(given) < _FEWEST[what]:
                raise InvalidInputError(
                    f"{self.title}: {what} should be {_FEWEST[what]} or more, each once; found "
                    f"{len(given)}" + (f", {' '.join(again)} again." if again else ".")
                )
        odd = [name for name in self.tickers if not isinstance(name, str) or not _NAME.match(name)]
        if odd:
            raise InvalidInputError(
                f"{self.title}: a ticker should be like KO or BRK.B; found {odd[0]!r}."
            )
        strangers = sorted(set(self.outputs) - set(self.tickers))
        if strangers:
            raise InvalidInputError(
                f"{self.title}: outputs should be among the tickers; found "
                f"{' '.join(strangers)} besides. Name all series under tickers."
            )
        if type(self.window) is not int or self.window < VOLATILITY_DAYS:
            raise InvalidInputError(
                f"{self.title}: window should be at least {VOLATILITY_DAYS} days; found "
                f"{self.window!r}."
            )

    @property
    def _listed(self) -> bool:
        """Whether the lists are others than the benchmark's."""
        return (set(self.tickers), set(self.outputs)) != _SECTORS[self.name]

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        return ()

    def look(self, root: Path) -> Found:
        here = {path.stem for path in (root / _FOLDER).glob("*.csv")}
        missing = [ticker for ticker in self.tickers if ticker not in here]
        if self._listed and missing:
            lacking = tuple(f"{_FOLDER}/{ticker}.csv" for ticker in missing)
            what = f"{len(missing)} of the {len(self.tickers)} tickers that were asked for"
            return Found(None, f"no files of {what}", lacking, _WHERE)
        if self._listed:
            what = f"all {len(self.tickers)} tickers that were asked for, not the paper's"
            return Found(Provenance.NEAR, what, ("the paper's own tickers",), _WHERE)
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
        if found.provenance is None and self._listed:
            raise bad_file(
                folder, expected=f"a file for each of {' '.join(self.tickers)}",
                found=f"no {', no '.join(found.missing)}", todo=f"get them from {_WHERE}",
            )  # fmt: skip
        if found.provenance is None:
            raise bad_file(
                folder, expected=f"the tickers of {self.title}, or stand-ins "
                f"({' '.join(self.stand_ins)})", found=found.what,
                todo=f"get them from {_WHERE}",
            )  # fmt: skip
        own = self._listed or found.provenance is Provenance.EXACT
        tickers = self.tickers if own else tuple(
            ticker for ticker in self.stand_ins if (folder / f"{ticker}.csv").exists()
        )  # fmt: skip
        outputs = self.outputs if own else tickers
        paths = tuple(folder / f"{ticker}.csv" for ticker in tickers)
        files = [
            read_daily_prices(path, self.window, allow_jumps=self.allow_jumps) for path in paths
        ]
        days, prices, lost = on_common_days(folder, files)
        twins = np.argwhere(np.triu((prices[:, :, None] == prices[:, None, :]).all(axis=0), k=1))
        for one, other in twins.tolist():
            raise bad_file(
                paths[other], expected=f"prices of {tickers[other]}",
                found=f"those of {tickers[one]}, day by day", todo="get this ticker's own history",
            )  # fmt: skip
        windows = len(days) - 1 - self.window
        if windows < 10:
            raise bad_file(
                folder, expected=f"at least {self.window + 11} days that all tickers have",
                found=f"{len(days)}", todo="give longer histories",
            )  # fmt: skip
        built = Windows(self.title, self.returns, self.window, days, prices, tickers, outputs)
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
        if self._listed:
            notes.append(f"Tickers as asked for, not {self.title}'s: {' '.join(tickers)}.")
        elif not own:
            notes.append(f"{' '.join(tickers)} stand in for {self.title}'s tickers.")
        filled = sum(file.filled for file in files)
        if filled or lost:
            notes.append(
                f"{filled} blank opening prices were taken from the close before; {lost} days that "
                "not every ticker has were left out."
            )
        shapes = {"prices": (len(tickers), 2, self.window)}
        return Loaded(self.name, found.provenance, tuple(notes), built.tasks(), shapes, paths)


STOCKS_FB = Stocks(
    "stocks_fb", "STOCKS-F&B", "restaurants and packaged food, 18 tickers, 4 of them predicted",
    tuple(_FB.split()), tuple(_FB_OUT.split()), ("MCD", "KO", "WMT", "PG"),
)  # fmt: skip
STOCKS_HEALTH = Stocks(
    "stocks_health", "STOCKS-HEALTH", "health care, 63 tickers, 7 of them predicted",
    tuple(_HEALTH.split()), tuple(_HEALTH_OUT.split()), ("JNJ", "MRK", "PFE", "UNH"),
)  # fmt: skip
