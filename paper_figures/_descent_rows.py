"""From stored rows of the experiment ``descent`` to what its figure draws and says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError

__all__ = ["NEED", "DescentRows", "pooled_share", "select", "share_words"]

NEED = Need("descent")
TAUS = 3
LAWS = ("random", "adversarial", "planted")


@dataclass(frozen=True, slots=True)
class DescentRows:
    """The rows, and which of them the panels by class size show.

    ``sizes`` has the rows of random directions in one dimension d, and all adversarial ones, at
    the chosen taus. ``random`` says which random cells.
    """

    rows: pl.DataFrame
    sizes: pl.DataFrame
    taus: tuple[float, ...]
    random: str
    keys: tuple[str, ...]


def select(rows: pl.DataFrame) -> DescentRows:
    """Choose the taus and the dimension that the panels by class size show.

    Raises
    ------
    MissingRowsError
        If there are no rows.
    """
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'descent' is finished.")
    steps = rows.filter(pl.col("seen") == "step")
    settings = ("num_tasks", "dim", "spread")
    spans = (
        steps.filter(pl.col("law") == "random")
        .group_by(*settings)
        .agg(pl.col("size").n_unique().alias("span"), pl.col("tau").n_unique().alias("taus"))
        .sort("taus", "span", *settings, descending=[True, True, False, False, False])
    )
    chosen = pl.lit(False)
    named = "none stored"
    if spans.height:
        tasks, dim, spread = spans.select(*settings).row(0)
        chosen = (
            (pl.col("law") == "random")
            & (pl.col("num_tasks") == tasks)
            & (pl.col("dim") == dim)
            & (pl.col("spread") == spread)
        )
        named = f"K = {tasks} tasks in {dim} dimensions, log-norms spread by {spread:g}"
    sizes = steps.filter(chosen | (pl.col("law") == "adversarial"))
    taus = _spread(sorted(set(sizes["tau"])))
    return DescentRows(
        rows,
        sizes.filter(pl.col("tau").is_in(taus)),
        tuple(taus),
        named,
        tuple(sorted(set(rows["key"]))),
    )


def _spread(taus: list[float]) -> list[float]:
    """Keep three: the second smallest, the middle one and the largest, where there are more."""
    if len(taus) <= TAUS:
        return taus
    return [taus[1], taus[len(taus) // 2 + len(taus) % 2 - 1], taus[-1]]


def pooled_share(rows: pl.DataFrame, column: str) -> tuple[float, float, float, int, int]:
    """Pool a count among picked classes: share, its interval, count, n.

    Rows of one cell split its independent picks by class size, so that their sums are a count of
    independent trials again.
    """
    count, trials = int(rows[column].sum()), int(rows["picked"].sum())
    if trials == 0:
        return 0.0, 0.0, 1.0, 0, 0
    low, high = clopper_pearson(count, trials)
    return count / trials, low, high, count, trials


def share_words(rows: pl.DataFrame, column: str) -> str:
    """Write a pooled share: ``12.3% [11.0, 13.7] of 2,000``."""
    value, low, high, _, trials = pooled_share(rows, column)
    return f"{100 * value:.1f}% [{100 * low:.1f}, {100 * high:.1f}] of {trials:,}"


def shares_by(rows: pl.DataFrame, axis: str, columns: Iterable[str]) -> pl.DataFrame:
    """Pooled shares of several columns for each law and value of an axis."""
    found = []
    for law in LAWS:
        mine = rows.filter(pl.col("law") == law)
        for at in sorted(set(mine[axis])):
            part = mine.filter(pl.col(axis) == at)
            for column in columns:
                value, low, high, _, trials = pooled_share(part, column)
                if trials:
                    found.append((column, law, float(at), value, low, high, trials))
    names = ("line", "law", "x", "value", "low", "high", "n")
    return pl.DataFrame(found, schema=list(names), orient="row")
