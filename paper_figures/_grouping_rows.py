"""From stored rows of the experiment ``grouping`` to one study a benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError

__all__ = ["AFFINITIES", "NEED", "WAYS", "Study", "read_studies", "way_name"]

NEED = Need("grouping", "songoku group ett --recorded")

TITLES = {"ett": "ETT", "yeast": "yeast", "celeba": "CelebA", "taskonomy": "Taskonomy"}

WAYS = {
    "together": "all together",
    "single": "single tasks",
    "son_goku": "SON-GOKU",
    "random": "random groups",
    "cosine": "cosines",
    "ema_cosine": "EMA cosines",
    "tag": "TAG",
    "hoa": "HOA",
    "ptg": "PTG",
    "ptg_paper": "PTG as printed",
    "ptg_sampled": "PTG, sampled",
    "son_goku_in_ptg": "SON-GOKU in PTG",
    "validation": "least validation error",
    "optimum": "optimum",
}
"""In the order of tables and figures."""

AFFINITIES = ("ptg", "tag", "cosine", "ema_cosine")
"""Whose matrices are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """The comparison on one benchmark.

    Attributes
    ----------
    name, preset, key : str
    provenance : str
        EXACT, NEAR or SYNTH.
    tasks : tuple of str
    seeds : int
    enumerated : bool
        Every set of tasks was trained, so the optimum is known.
    verdict : str
        Did grouping help here? Empty if the rows do not say.
    notes : tuple of str
    unit : str
        Of the tasks' errors; several are joined.
    rows : polars.DataFrame
    left_out : int
        Other stored cells of this benchmark.
    """

    name: str
    preset: str
    key: str
    provenance: str
    tasks: tuple[str, ...]
    seeds: int
    enumerated: bool
    verdict: str
    notes: tuple[str, ...]
    unit: str
    rows: pl.DataFrame
    left_out: int

    @property
    def title(self) -> str:
        """The benchmark's name, with the data's provenance."""
        return f"{TITLES.get(self.name, self.name)} ({self.provenance})"

    def kind(self, name: str, setting: str | None = "") -> pl.DataFrame:
        """Return the rows of a kind; of the plain runs, or of all settings with None."""
        found = self.rows.filter(pl.col("kind") == name)
        return found if setting is None else found.filter(pl.col("setting") == setting)

    def ordered(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Sort rows by number of groups in the order of `WAYS`; unknown ways come last."""
        place = {way: number for number, way in enumerate(WAYS)}
        order = [place.get(way, len(place)) for way in frame["method"]]
        return (
            frame.with_columns(pl.Series("order", order, dtype=pl.Int64))
            .sort("setting", "order", "method", "num_groups")
            .drop("order")
        )


def way_name(method: str, num_groups: int, setting: str = "") -> str:
    """Name a way to group with its number of groups.

    Examples
    --------
    >>> way_name("ptg", 3), way_name("ptg", 2, "max_size=4"), way_name("optimum", 0)
    ('PTG, 3', 'PTG, 2, max size 4', 'optimum, any')
    """
    name = WAYS.get(method, method.replace("_", " "))
    if method not in ("together", "single", "son_goku"):
        name += f", {num_groups}" if num_groups > 0 else ", any" if num_groups == 0 else ""
    return f"{name}, {setting.replace('_', ' ').replace('=', ' ')}" if setting else name


def read_studies(rows: pl.DataFrame) -> tuple[Study, ...]:
    """Choose for each benchmark the stored cell with most seeds, of several the one of most rows.

    Raises
    ------
    MissingRowsError
        If there is no such cell.
    """
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'grouping' is finished.")
    cells = rows.group_by("benchmark", "key").agg(
        pl.col("seed").filter(pl.col("kind") == "total").n_unique().alias("seeds"),
        pl.len().alias("rows"),
    )
    studies = []
    for (name,), part in cells.sort("benchmark").group_by("benchmark", maintain_order=True):
        best = part.sort("seeds", "rows", "key", descending=[True, True, False]).row(0, named=True)
        mine = rows.filter(pl.col("key") == best["key"])
        studies.append(_study(str(name), mine, int(best["seeds"]), part.height - 1))
    return tuple(studies)


def _study(name: str, rows: pl.DataFrame, seeds: int, left_out: int) -> Study:
    def labels(kind: str) -> tuple[str, ...]:
        found = rows.filter(pl.col("kind") == kind).sort("i", maintain_order=True)
        return tuple(str(label) for label in found["label"])

    enumerated = rows.filter(pl.col("kind") == "enumerated")["value"].to_list()
    return Study(
        name=name,
        preset=str(rows["preset"][0]),
        key=str(rows["key"][0]),
        provenance=", ".join(labels("provenance")) or "of unknown provenance",
        tasks=labels("task_name"),
        seeds=seeds,
        enumerated=enumerated == [1.0],
        verdict=" ".join(labels("verdict")),
        notes=labels("note"),
        unit=", ".join(dict.fromkeys(labels("metric"))) or "error",
        rows=rows,
        left_out=left_out,
    )
