"""From stored rows of the experiment ``heuristics`` to what its figure draws and says."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from paper_figures.engine.picture import Answer
from paper_figures.engine.registry import Need

__all__ = [
    "HEURISTICS",
    "KINDS",
    "NEED",
    "Hard",
    "answers",
    "hardest",
    "pooled_regret",
    "random_colors",
]

NEED = Need("heuristics")

HEURISTICS = (
    "dsatur",
    "geometric",
    "representative",
    "smallest_last",
    "welsh_powell",
    "geometric_gradients",
)

KINDS = {
    "planted": "planted groups\nthrough noise",
    "simplex": "simplex\nthrough noise",
    "random": "random\ngradients",
    "named": "named graphs,\nrealised",
}

PLANTED = ("multipartite", "component")


@dataclass(frozen=True, slots=True)
class Hard:
    """A graph on which Welsh-Powell used more colours than it had to.

    ``colors`` are its classes, from 0; ``edges`` the conflicts.
    """

    family: str
    edges: tuple[tuple[int, int], ...]
    colors: tuple[int, ...]
    regret: int

    @property
    def used(self) -> int:
        """Colours that it used."""
        return max(self.colors) + 1

    @property
    def words(self) -> str:
        """For a title."""
        return f"{self.used} colours, not {self.used - self.regret}"


def _kind() -> pl.Expr:
    family = pl.col("family")
    return (
        pl.when(family.is_in(PLANTED))
        .then(pl.lit("planted"))
        .when(family.is_in(["random", "simplex"]))
        .then(family)
        .otherwise(pl.lit("named"))
        .alias("graphs")
    )


def pooled_regret(rows: pl.DataFrame) -> pl.DataFrame:
    """Pool the mean regret of each heuristic over the cells of a kind, every graph counted once.

    The interval treats graphs of one cell and of several cells alike: variances within cells, from
    each cell's own interval, and between them, by the spread of the cells' means.
    """
    from scipy.stats import t

    known = rows.filter(pl.col("exact_known") > 1).with_columns(_kind())
    found = []
    for (kind, heuristic), part in sorted(known.group_by("graphs", "heuristic")):
        counts = part["exact_known"].to_list()
        means = part["regret"].to_list()
        halves = [
            (high - mean) for high, mean in zip(part["regret_hi"].to_list(), means, strict=True)
        ]
        total = sum(counts)
        mean = sum(n * m for n, m in zip(counts, means, strict=True)) / total
        squares = 0.0
        for n, m, half in zip(counts, means, halves, strict=True):
            deviation = half * math.sqrt(n) / float(t.ppf(0.975, n - 1))
            squares += (n - 1) * deviation**2 + n * (m - mean) ** 2
        error = math.sqrt(squares / (total - 1) / total)
        half = float(t.ppf(0.975, total - 1)) * error
        found.append((str(heuristic), str(kind), mean, mean - half, mean + half, total))
    schema = {
        "heuristic": pl.String,
        "graphs": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
    }
    return pl.DataFrame(found, schema=schema, orient="row")


def random_colors(rows: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Give the colours against K on random gradients of the setting with the most sizes."""
    mine = rows.filter(pl.col("family") == "random")
    columns = ["heuristic", "graphs", "num_tasks", "value", "low", "high", "n"]
    shown = mine.select(
        "dim",
        "tau",
        "heuristic",
        pl.lit("random").alias("graphs"),
        "num_tasks",
        pl.col("colors").alias("value"),
        pl.col("colors_lo").alias("low"),
        pl.col("colors_hi").alias("high"),
        pl.col("trials").alias("n"),
    )
    if shown.is_empty():
        return shown.select(columns), "none stored"
    settings = (
        shown.group_by("dim", "tau")
        .agg(pl.col("num_tasks").n_unique().alias("sizes"), pl.col("value").max())
        .sort("sizes", "value", "dim", descending=True)
    )
    dim, tau = settings.select("dim", "tau").row(0)
    chosen = shown.filter(pl.col("dim") == dim, pl.col("tau") == tau)
    return chosen.select(columns).unique(
        ["heuristic", "num_tasks"], keep="first", maintain_order=True
    ), f"d = {dim:,}, τ = {tau:g}"


def hardest(rows: pl.DataFrame, count: int = 2) -> list[Hard]:
    """Find the stored graphs with Welsh-Powell's largest regret, of different families."""
    mine = (
        rows.filter(pl.col("heuristic") == "welsh_powell", pl.col("worst_edges") != "")
        .sort("regret_max", "num_tasks", "family", "key", descending=[True, False, False, False])
        .unique("family", keep="first", maintain_order=True)
        .head(count)
    )
    found = []
    for family, edges, colors, regret in mine.select(
        "family", "worst_edges", "worst_colors", "regret_max"
    ).iter_rows():
        pairs = [pair.split("-") for pair in edges.split()]
        found.append(
            Hard(
                family,
                tuple((int(i), int(j)) for i, j in pairs),
                tuple(int(color) for color in colors.split()),
                int(regret),
            )
        )
    return found


def answers(rows: pl.DataFrame, regret: pl.DataFrame, times: pl.DataFrame) -> tuple[Answer, ...]:
    """Answer which heuristic to use, and how bad the paper's is."""
    return (
        Answer("Which colouring heuristic gives the shortest schedules?", _best(regret, times)),
        Answer("How far can Welsh-Powell be from the least number of colours?", _worst(rows)),
        Answer("How many groups can gradients have at all?", _cliques(rows)),
    )


def _best(regret: pl.DataFrame, times: pl.DataFrame) -> str:
    said = []
    for kind in KINDS:
        part = regret.filter(pl.col("graphs") == kind).sort("value", "heuristic")
        if part.is_empty():
            continue
        best, wp = part.row(0, named=True), part.filter(pl.col("heuristic") == "welsh_powell")
        text = (
            f"{KINDS[kind].replace(chr(10), ' ')}: {best['heuristic'].replace('_', ' ')} "
            f"{best['value']:.2f} [{max(best['low'], 0):.2f}, {best['high']:.2f}]"
        )
        if wp.height and best["heuristic"] != "welsh_powell":
            one = wp.row(0, named=True)
            text += (
                f", Welsh-Powell {one['value']:.2f} [{max(one['low'], 0):.2f}, {one['high']:.2f}]"
            )
        said.append(f"{text} (n = {best['n']:,} graphs)")
    largest = int(times["num_tasks"].max())  # type: ignore[arg-type]
    last = times.filter(pl.col("num_tasks") == largest).sort("mean")
    seconds = ", ".join(
        f"{method.replace('_', ' ')} {1e3 * mean:.2g} ms"
        for method, mean in last.select("method", "mean").iter_rows()
    )
    return (
        "Mean colours beyond the chromatic number with 95% intervals, the least of all heuristics "
        f"by kind of graph: {'; '.join(said)}. A graph of {largest} tasks takes {seconds}."
    )


def _worst(rows: pl.DataFrame) -> str:
    mine = rows.filter(pl.col("heuristic") == "welsh_powell", pl.col("regret_max").is_not_null())
    if mine.is_empty():
        return "No graph with a proved chromatic number is stored."
    worst = mine.sort("regret_max", "num_tasks", descending=[True, False]).row(0, named=True)
    graphs, best = int(mine["exact_known"].sum()), int(mine["optimal"].sum())
    over = int((mine["within_delta"] < mine["trials"]).sum())
    bound = (
        "Δ + 1 was never exceeded" if over == 0 else f"Δ + 1 was exceeded in {over} cells: a fault"
    )
    return (
        f"On {best:,} of {graphs:,} stored graphs with a proved chromatic number Welsh-Powell "
        f"reaches it; the most is {worst['regret_max']} colours too many, on "
        f"{worst['family'].replace('_', ' ')} graphs of {worst['num_tasks']} tasks (mean "
        f"{worst['regret']:.2f} [{worst['regret_lo']:.2f}, {worst['regret_hi']:.2f}] over "
        f"{worst['exact_known']} task orders or draws). {bound}."
    )


def _cliques(rows: pl.DataFrame) -> str:
    mine = rows.filter(pl.col("clique_limit").is_not_null()).unique("key")
    if mine.is_empty():
        return "No rows with τ > 0 are stored."
    over = mine.filter(pl.col("clique_max") >= pl.col("clique_limit")).height
    near = mine.with_columns((pl.col("clique_max") / pl.col("clique_limit")).alias("share")).sort(
        "share", descending=True
    )
    best = near.row(0, named=True)
    return (
        f"A clique of conflicts is smaller than 1 + 1/τ (the gradients' sum would have a negative "
        f"square). In {mine.height} stored cells the largest clique found reached that limit in "
        f"{over}; the nearest was {best['clique_max']} tasks against a limit of "
        f"{best['clique_limit']:.2f} ({best['family'].replace('_', ' ')}, τ = "
        f"{best['threshold']:.3g}). So a large chromatic number needs a small τ or, as in the "
        "named "
        "graphs, a graph that is hard without a large clique."
    )
