"""All settings of ``recovery`` on one axis: the score of an edge at the margin."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from scipy.stats import norm

from paper_figures._recovery_rows import plain_cells
from paper_figures.engine.intervals import clopper_pearson
from songoku_theory.bounds import edge_score

__all__ = ["collapse", "predicted"]

POINT = ["num_groups", "group_size", "tau", "gamma", "sigma", "dim", "window", "beta"]


def collapse(rows: pl.DataFrame) -> pl.DataFrame:
    """Pool the law's points of the multipartite model and give each its score.

    Returns
    -------
    polars.DataFrame
        ``dim``, ``n_eff``, ``num_tasks``, ``edges``, ``score``, ``trials``, ``value``, ``low``,
        ``high``: one row a setting, window and beta.
    """
    mine = plain_cells(rows).filter(
        pl.col("method") == "law",
        pl.col("model") == "multipartite",
        pl.col("noise") == "gaussian",
        pl.col("num_groups") >= 2,
    )
    sums = mine.group_by(*POINT).agg(
        pl.col("n_eff", "margin").first(), pl.col("trials", "graph_exact").sum()
    )
    sums = sums.sort(*POINT)
    ends = [
        clopper_pearson(exact, trials)
        for exact, trials in sums.select("graph_exact", "trials").iter_rows()
    ]
    columns = ("num_groups", "group_size", "tau", "margin", "sigma", "dim", "n_eff")
    scores, edges = [], []
    for groups, size, tau, margin, sigma, dim, n_eff in sums.select(*columns).iter_rows():
        scores.append(float(edge_score(sigma / math.sqrt(n_eff), dim, tau, margin)))
        edges.append(groups * (groups - 1) // 2 * size * size)
    return sums.select(
        "dim",
        "n_eff",
        (pl.col("num_groups") * pl.col("group_size")).alias("num_tasks"),
        pl.Series("edges", edges, dtype=pl.Int64),
        pl.Series("score", scores, dtype=pl.Float64),
        "trials",
        (pl.col("graph_exact") / pl.col("trials")).alias("value"),
        pl.Series("low", [low for low, _ in ends], dtype=pl.Float64),
        pl.Series("high", [high for _, high in ends], dtype=pl.Float64),
    )


def predicted(score: np.ndarray, edges: np.ndarray | int) -> np.ndarray:
    """P(graph) if all edges had this score and were lost independently."""
    return np.asarray(norm.cdf(score) ** edges, dtype=np.float64)
