"""From stored rows of the experiment ``contraction`` to what its figure draws and says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import Answer
from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError

__all__ = ["NEED", "ContractionRows", "answers", "failure", "select"]

NEED = Need("contraction")

SETTING = (
    "family", "num_classes", "dim", "cosine", "coupling", "curvature_ratio", "order", "eta",
)  # fmt: skip
PANELS = 4

CLAIMS = {
    "aggregated": "eq. 61, one aggregated step",
    "bound": "eq. 63, UB_sch along the path",
    "bound_promised": "eq. 63 with Theorem 5's gain, eq. 56",
    "bound_corrected": "eq. 63 with the corrected penalty",
    "bound_start": "eq. 63 at the start, drift left out",
    "inherited": "eq. 61's factor for the schedule",
}


@dataclass(frozen=True, slots=True)
class ContractionRows:
    """Rows of the settings that get a panel each, and the first and last row of every cell.

    Runs of one cell share nothing, so counts of runs (first refreshes, or runs that failed
    anywhere so far) are of independent runs; counts of refreshes are not.
    """

    panels: tuple[tuple[str, pl.DataFrame], ...]
    rows: pl.DataFrame
    first: pl.DataFrame
    last: pl.DataFrame
    keys: tuple[str, ...]


def select(rows: pl.DataFrame) -> ContractionRows:
    """Choose one setting a family: random curvature, the largest step, then three classes.

    Raises
    ------
    MissingRowsError
        If there are no rows.
    """
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'contraction' is finished.")
    ranked = (
        rows.group_by(*SETTING)
        .agg(pl.col("refresh").max().alias("last"))
        .with_columns(
            (pl.col("coupling") != "random").alias("special"),
            (pl.col("num_classes") - 3).abs().alias("from_three"),
        )
        .sort(
            ["special", "eta", "from_three", "last", *SETTING],
            descending=[False, True, False, True, *[False] * len(SETTING)],
        )
    )
    panels = []
    for family in dict.fromkeys(ranked["family"]):
        setting = ranked.filter(pl.col("family") == family).select(*SETTING).row(0, named=True)
        panels.append((_title(setting), _of(rows, setting)))
    worst = ranked.filter(pl.col("coupling") == "for_schedule").sort("cosine", *SETTING)
    if worst.height and len(panels) < PANELS + 1:
        setting = worst.select(*SETTING).row(0, named=True)
        panels.append((_title(setting), _of(rows, setting)))
    return ContractionRows(
        panels=tuple(panels[: PANELS + 1]),
        rows=rows,
        first=rows.filter(pl.col("refresh") == 0),
        last=rows.sort("key", "refresh").group_by("key", maintain_order=True).last(),
        keys=tuple(sorted(set(rows["key"]))),
    )


def _title(setting: Mapping[str, object]) -> str:
    family = str(setting["family"]).replace("_", " ")
    if setting["coupling"] != "random":
        family = f"{str(setting['coupling']).replace('_', ' ')} ({family})"
    return f"{family}, m = {setting['num_classes']}"


def _of(rows: pl.DataFrame, setting: Mapping[str, object]) -> pl.DataFrame:
    """One cell's rows: the replicate with the smallest key."""
    mine = rows.filter(pl.all_horizontal(pl.col(name) == v for name, v in setting.items()))
    return mine.filter(pl.col("key") == mine["key"].sort()[0]).sort("refresh")


def failure(rows: pl.DataFrame, claim: str) -> tuple[float, float, float, int, int]:
    """Share of runs in which a claim fails at some refresh, its interval, count, n."""
    count, runs = int(rows[f"{claim}_wrong_so_far"].sum()), int(rows["trials"].sum())
    low, high = clopper_pearson(count, runs)
    return count / runs, low, high, count, runs


def answers(found: ContractionRows) -> tuple[Answer, ...]:
    """Answer what section C.6 is asked."""
    return (
        Answer("Does a scheduled refresh contract as eq. 61 and 63 promise?", _promise(found)),
        Answer("How much do the promises say?", _vacuous(found)),
        Answer("Does a scheduled refresh contract more than one aggregated step?", _better(found)),
    )


def _words(count: int, runs: int) -> str:
    if runs == 0:
        return "none stored"
    low, high = clopper_pearson(count, runs)
    return f"{100 * count / runs:.1f}% [{100 * low:.1f}, {100 * high:.1f}] of {runs:,}"


def _promise(found: ContractionRows) -> str:
    said = [f"{name}: {_words(*failure(found.last, claim)[3:])}" for claim, name in CLAIMS.items()]
    held, broken = int(found.rows["holds_59"].sum()), int(found.rows["inherited_wrong_59"].sum())
    return (
        f"Independent runs in which it failed at some refresh: {'; '.join(said)}. Eq. 57 and 59, "
        f"the premise of inheriting the factor, held at {held:,} of "
        f"{int(found.rows['runs'].sum()):,} refreshes; the factor failed at {broken:,} of those."
    )


def _vacuous(found: ContractionRows) -> str:
    said = []
    for eta in sorted(set(found.first["eta"])):
        mine = found.first.filter(pl.col("eta") == eta)
        said.append(
            f"eta = {eta:g}/L: {_words(int(mine['vacuous'].sum()), int(mine['runs'].sum()))}"
        )
    gains = _words(int(found.first["gains"].sum()), int(found.first["runs"].sum()))
    return (
        "Eq. 63 promises no decrease at all, because Delta_UB is negative and larger than what "
        f"eq. 61 gives, in {'; '.join(said)} first refreshes. Delta_UB is positive in {gains}."
    )


def _better(found: ContractionRows) -> str:
    said = []
    for family in dict.fromkeys(found.first.sort("family")["family"]):
        mine = found.first.filter(pl.col("family") == family, pl.col("coupling") == "random")
        if mine.height:
            share = _words(int(mine["better"].sum()), int(mine["runs"].sum()))
            said.append(f"{str(family).replace('_', ' ')} {share}")
    rose = found.rows.filter(pl.col("scheduled_max") > 1.0)
    worst = float(max(found.rows["scheduled_max"].to_list()))
    listed = "; ".join(said) if said else "none stored"
    rises = (
        f"In {rose.height:,} of {found.rows.height:,} stored rows (a cell's refresh) some run's "
        f"F - F* rose, at most to {worst:.3g} times what it was: class gradients need not vanish "
        "where F is least, so a scheduled refresh moves away from the minimum again."
        if rose.height
        else "In no stored row did a run's F - F* rise."
    )
    return (
        "With curvature that does not know the gradients, the first refresh ends lower than one "
        f"aggregated step from the same point in: {listed}. {rises}"
    )
