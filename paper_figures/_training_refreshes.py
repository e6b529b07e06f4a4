"""What the scheduler of each stored run saw and decided, refresh by refresh."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
from numpy.typing import NDArray

from paper_figures._training_rows import NEED, Bench
from paper_figures.engine.source_rows import MissingRowsError
from songoku_theory.bounds.descent import conflict_ratio, descent_ratio

__all__ = ["REFRESH_METHODS", "read_refreshes", "refreshed"]

REFRESH_METHODS = ("son_goku", "single_step", "random_groups")
"""Methods whose graphs are drawn: the scheduler, and two that differ from it in one thing."""

SCHEMA = {
    "benchmark": pl.String,
    "method": pl.String,
    "seed": pl.Int64,
    "key": pl.String,
    "refresh": pl.Int64,
    "step": pl.Int64,
    "period": pl.Int64,
    "tau": pl.Float64,
    "tasks": pl.Int64,
    "classes": pl.Int64,
    "largest_class": pl.Int64,
    "max_degree": pl.Int64,
    "conflicts": pl.Float64,
    "least_cosine": pl.Float64,
    "median_cosine": pl.Float64,
    "largest_cosine": pl.Float64,
    "margin": pl.Float64,
    "least_n_eff": pl.Float64,
    "multipartite": pl.Boolean,
    "tau_eff": pl.Float64,
    "class_ratio": pl.Float64,
    "class_bound": pl.Float64,
}

Array = NDArray[np.float64]


def refreshed(benches: tuple[Bench, ...]) -> tuple[Bench, ...]:
    """Keep the benchmarks with a stored refresh.

    Raises
    ------
    MissingRowsError
        If there is none.
    """
    found = tuple(bench for bench in benches if not bench.kind("cosine").is_empty())
    if not found:
        raise MissingRowsError(NEED, "No stored run of 'training' has a refresh with cosines.")
    return found


def read_refreshes(bench: Bench, methods: tuple[str, ...] = REFRESH_METHODS) -> pl.DataFrame:
    """Return one row a refresh of every run of these methods.

    ``margin`` is the smallest distance of a pair's cosine from -tau; ``conflicts`` the share of
    pairs with an edge; ``tau_eff``, ``class_ratio`` (``||sum g||^2 / sum ||g||^2``) and
    ``class_bound`` (``1 - tau (|S| - 1)``) are those of the class with the smallest bound or
    ratio, of classes with two tasks or more, missing where all have one. Cosines and norms are of
    the smoothed gradients.
    """
    kinds = ("cosine", "edge", "class", "norm", "n_eff", "tau")
    mine = bench.kind(*kinds).filter(pl.col("method").is_in(methods), pl.col("refresh") > 0)
    periods = _periods(bench)
    rows = [
        {
            "benchmark": bench.name,
            "method": place[0],
            "seed": place[1],
            "key": place[2],
            "refresh": place[3],
            "step": int(part["step"][0]),
            "period": periods.get(str(place[2])),
            **_summary({kind: frame for (kind,), frame in part.group_by("kind")}),
        }
        for place, part in _moments(mine)
    ]
    return pl.DataFrame(rows, schema=SCHEMA).sort("method", "seed", "refresh")


def _moments(rows: pl.DataFrame) -> Iterator[tuple[tuple[Any, ...], pl.DataFrame]]:
    for place, part in rows.group_by("method", "seed", "key", "refresh", maintain_order=True):
        if {"cosine", "edge", "class", "tau"} <= set(part["kind"]):
            yield place, part


def _periods(bench: Bench) -> dict[str, int]:
    found = bench.kind("setting").filter(pl.col("label").str.starts_with("refresh_period="))
    return {
        key: int(label.partition("=")[2]) for key, label in found.select("key", "label").iter_rows()
    }


def _summary(kinds: dict[Any, pl.DataFrame]) -> dict[str, object]:
    colors = kinds["class"].sort("i")["value"].to_numpy().astype(int)
    count, tau = len(colors), float(kinds["tau"]["value"][0])
    cosines, edges = _matrix(kinds["cosine"], count), _matrix(kinds["edge"], count) > 0
    np.fill_diagonal(cosines, 1.0)
    pairs = cosines[np.triu_indices(count, 1)]
    samples = kinds.get("n_eff")
    sizes = np.bincount(colors)
    found: dict[str, object] = {
        "tau": tau,
        "tasks": count,
        "classes": len(np.unique(colors)),
        "largest_class": int(sizes.max()),
        "max_degree": int(edges.sum(axis=1).max()),
        "conflicts": float(edges[np.triu_indices(count, 1)].mean()) if len(pairs) else 0.0,
        "least_cosine": float(pairs.min()) if len(pairs) else None,
        "median_cosine": float(np.median(pairs)) if len(pairs) else None,
        "largest_cosine": float(pairs.max()) if len(pairs) else None,
        "margin": float(np.abs(pairs + tau).min()) if len(pairs) else None,
        "least_n_eff": None if samples is None else float(samples["value"].to_numpy().min()),
        "multipartite": _is_multipartite(edges),
    }
    return {**found, **_descent(kinds.get("norm"), cosines, colors, tau)}


def _descent(
    norms: pl.DataFrame | None, cosines: Array, colors: NDArray[np.int_], tau: float
) -> dict[str, float | None]:
    groups = [np.flatnonzero(colors == color) for color in np.unique(colors)]
    groups = [members for members in groups if len(members) > 1]
    if norms is None or not groups:
        return {"tau_eff": None, "class_ratio": None, "class_bound": None}
    lengths = norms.sort("i")["value"].to_numpy()
    gram = cosines * np.outer(lengths, lengths)
    parts = [gram[np.ix_(members, members)] for members in groups]
    return {
        "tau_eff": max(float(conflict_ratio(part)) for part in parts),
        "class_ratio": min(float(descent_ratio(part)) for part in parts),
        "class_bound": min(1.0 - tau * (len(members) - 1) for members in groups),
    }


def _matrix(frame: pl.DataFrame, size: int) -> Array:
    values = np.zeros((size, size))
    first, second = frame["i"].to_numpy(), frame["j"].to_numpy()
    values[first, second] = values[second, first] = frame["value"].to_numpy()
    return values


def _is_multipartite(edges: NDArray[np.bool_]) -> bool:
    """Whether no two tasks of a component of the complement conflict (Definition B.2)."""
    apart = nx.from_numpy_array(~edges & ~np.eye(len(edges), dtype=np.bool_))
    return not any(edges[np.ix_(list(c), list(c))].any() for c in nx.connected_components(apart))
