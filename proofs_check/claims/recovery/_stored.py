"""Stored rows of the `recovery` experiment as evidence; without a store a check says so.

Declared before any row is read. Level alpha = 0.001, divided by the number of cells looked at
(Bonferroni), one-sided exact binomial tests a cell. Only cells with Gaussian noise count.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from proofs_check.methods.findings import inconclusive, refutes, supports
from proofs_check.model import CheckContext, Finding
from songoku_theory.errors import StoreError, UnknownNameError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ALPHA", "bound_holds_in_rows", "direct_equals_law", "failures_by_dimension"]

ALPHA = 1e-3
DELTA = 0.05

Row = dict[str, object]


def _rows(context: CheckContext) -> pl.DataFrame | str:
    """Return the experiment's rows, or why there are none."""
    if context.store is None:
        return "no store was given: run a sweep and name its store with --store"
    from songoku_theory.storage import read_rows

    try:
        return read_rows(context.store, "recovery", {"noise": "gaussian"})
    except (StoreError, UnknownNameError) as error:
        return f"no rows of the recovery experiment: {error}"


def _fewer_than(successes: int, trials: int, probability: float) -> float:
    """Return the chance of so few successes when each has at least this probability."""
    from scipy.stats import binom

    return float(binom.cdf(successes, trials, probability))


def failures_by_dimension(context: CheckContext) -> Finding:
    """Find, for each dimension, the largest C that eq. 35 meets while recovery clearly fails.

    Statistic: C = n_eff m_0² gamma²/(sigma² log(K²/delta)) with m_0 = 1, delta = 0.05, over cells
    in which P(graph recovered) >= 0.95 is rejected. Supports if it grows with every fourfold d.
    """
    rows = _rows(context)
    where = "stored rows of recovery"
    if isinstance(rows, str):
        return inconclusive(where, rows)
    chosen = rows.filter((rows["model"] == "multipartite") & (rows["method"] == "law"))
    worst: dict[int, float] = {}
    for row in chosen.iter_rows(named=True):
        budget = row["sigma"] ** 2 / row["gamma"] ** 2 * math.log(row["num_tasks"] ** 2 / DELTA)
        chance = _fewer_than(row["graph_exact"], row["trials"], 1 - DELTA)
        if chance < ALPHA / max(chosen.height, 1):
            worst[row["dim"]] = max(worst.get(row["dim"], 0.0), row["n_eff"] / budget)
    dims = sorted(worst)
    shown = ", ".join(f"d = {d}: {worst[d]:.3g}" for d in dims)
    ladder = [d for n, d in enumerate(dims) if n == 0 or d >= 4 * dims[0]]
    grows = len(ladder) >= 3 and all(
        worst[big] > worst[small] for small in ladder for big in ladder if big >= 4 * small
    )
    detail = (
        f"{chosen.height} cells; recovery with probability 0.95 is rejected (alpha = {ALPHA} over "
        f"all cells) up to these multiples of eq. 35's budget with C = 1: {shown}"
    )
    if grows:
        return supports("interval", f"{where}, least C above {shown}", detail)
    return inconclusive(where, detail)


def bound_holds_in_rows(
    deviation: Callable[[float, float, float, int, float], float],
) -> Callable[[CheckContext], Finding]:
    """Return a check of "deviation < gamma implies P(graph) >= 1 - delta" against the rows.

    Parameters
    ----------
    deviation : callable
        ``deviation(u, d, tau, K, delta)``, u = sigma/(m_0 sqrt(n_eff)) with m_0 = 1.
    """

    def check(context: CheckContext) -> Finding:
        rows = _rows(context)
        where = "stored rows of recovery"
        if isinstance(rows, str):
            return inconclusive(where, rows)
        covered = []
        for row in rows.iter_rows(named=True):
            for delta in (0.2, 0.05, 0.01):
                margin = deviation(
                    row["noise_scale"], row["dim"], row["tau"], row["num_tasks"], delta
                )
                if margin < row["gamma"]:
                    covered.append((row, delta))
        for row, delta in covered:
            chance = _fewer_than(row["graph_exact"], row["trials"], 1 - delta)
            if chance < ALPHA / len(covered):
                return refutes(
                    where,
                    f"cell {row['key']}: {row['graph_exact']} of {row['trials']} recovered, but "
                    f"the bound promises {1 - delta}",
                )
        if not covered:
            return inconclusive(where, f"the bound covers none of the {rows.height} cells")
        return supports(
            "interval",
            f"{len(covered)} pairs of cell and delta that the bound covers",
            f"none of {len(covered)} pairs (cell, delta in 0.2, 0.05, 0.01) that the bound covers "
            f"rejects P >= 1 - delta at alpha = {ALPHA} over all of them",
        )

    return check


def direct_equals_law(context: CheckContext) -> Finding:
    """Compare gradient-by-gradient simulation with the closed law, cell by cell.

    Two-sided Fisher tests on graph_exact and on partition_exact for every setting that was run both
    ways; alpha = 0.001 over all tests.
    """
    rows = _rows(context)
    where = "stored rows of recovery, method direct against method law"
    if isinstance(rows, str):
        return inconclusive(where, rows)
    from scipy.stats import fisher_exact

    params = ("model", "num_groups", "group_size", "dim", "tau", "gamma", "sigma", "window", "beta")
    sides: dict[tuple[object, ...], dict[str, Row]] = {}
    for row in rows.iter_rows(named=True):
        sides.setdefault(tuple(row[name] for name in params), {})[str(row["method"])] = row
    pairs = [pair for pair in sides.values() if len(pair) == 2]
    smallest = 1.0
    for pair in pairs:
        for column in ("graph_exact", "partition_exact"):
            table = [
                [int(str(side[column])), int(str(side["trials"])) - int(str(side[column]))]
                for side in pair.values()
            ]
            smallest = min(smallest, float(fisher_exact(table).pvalue))
    if not pairs:
        return inconclusive(where, "no setting was run both ways")
    detail = f"{len(pairs)} settings, {2 * len(pairs)} tests, smallest p-value {smallest:.3g}"
    if smallest < ALPHA / (2 * len(pairs)):
        return refutes(where, detail)
    return supports("interval", f"{where}: {detail}", detail)
