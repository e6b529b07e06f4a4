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

__all__ = [
    "ALPHA",
    "bound_holds_in_rows",
    "debiased_recovers_more",
    "direct_equals_law",
    "failures_by_dimension",
]

ALPHA = 1e-3
DELTA = 0.05

SETTING = ("model", "num_groups", "group_size", "dim", "tau", "gamma", "sigma", "window", "beta")


def _rows(context: CheckContext, cosine: str = "plain") -> pl.DataFrame | str:
    """Return the rows that the tests below are made for, or why there are none.

    One kind of cosine, and no cell that stopped early: its counts are not binomial.
    """
    if context.store is None:
        return "no store was given: run a sweep and name its store with --store"
    from songoku_theory.storage import read_rows

    try:
        rows = read_rows(context.store, "recovery", {"noise": "gaussian"})
    except (StoreError, UnknownNameError) as error:
        return f"no rows of the recovery experiment: {error}"
    for column, wanted in (("cosine", cosine), ("interval", "clopper-pearson")):
        if column in rows.columns:
            rows = rows.filter(rows[column] == wanted)
    if "trials_run" in rows.columns:
        rows = rows.drop("trials").rename({"trials_run": "trials"})
    return rows


def _fewer_than(successes: int, trials: int, probability: float) -> float:
    """Return the chance of so few successes when each has at least this probability."""
    from scipy.stats import binom

    return float(binom.cdf(successes, trials, probability))


def _more_than(successes: int, trials: int, probability: float) -> float:
    """Return the chance of so many successes when each has at most this probability."""
    from scipy.stats import binom

    return float(binom.sf(successes - 1, trials, probability))


def failures_by_dimension(context: CheckContext) -> Finding:
    """Compare, at settings that differ in d alone, where recovery succeeds and where it fails.

    Statistic: C = n_eff m_0² gamma²/(sigma² log(K²/delta)), m_0 = 1, delta = 0.05. For each d the
    least C with P(graph) <= 0.95 rejected and the largest with P >= 0.95 rejected. Supports if, for
    some geometry, recovery fails at a large d where it succeeds with a smaller C at a small d.
    """
    rows = _rows(context)
    where = "stored rows of recovery"
    if isinstance(rows, str):
        return inconclusive(where, rows)
    chosen = rows.filter((rows["model"] == "multipartite") & (rows["method"] == "law"))
    level = ALPHA / max(2 * chosen.height, 1)
    succeeds: dict[tuple[object, ...], dict[int, float]] = {}
    fails: dict[tuple[object, ...], dict[int, float]] = {}
    for row in chosen.iter_rows(named=True):
        budget = row["sigma"] ** 2 / row["gamma"] ** 2 * math.log(row["num_tasks"] ** 2 / DELTA)
        constant = row["n_eff"] / budget
        geometry = tuple(row[name] for name in SETTING if name not in ("dim", "window", "beta"))
        dim, good, all_ = row["dim"], row["graph_exact"], row["trials"]
        if _fewer_than(good, all_, 1 - DELTA) < level:
            here = fails.setdefault(geometry, {})
            here[dim] = max(here.get(dim, 0.0), constant)
        elif _more_than(good, all_, 1 - DELTA) < level:
            here = succeeds.setdefault(geometry, {})
            here[dim] = min(here.get(dim, math.inf), constant)
    best: tuple[float, str] | None = None
    for geometry in fails.keys() & succeeds.keys():
        for small, enough in succeeds[geometry].items():
            for large, too_little in fails[geometry].items():
                if large > small and too_little > enough:
                    words = (
                        f"d = {small} succeeds with C = {enough:.3g}, d = {large} fails with C = "
                        f"{too_little:.3g}"
                    )
                    if best is None or too_little / enough > best[0]:
                        best = (too_little / enough, words)
    detail = f"{chosen.height} cells, alpha = {ALPHA} over all tests: "
    if best is None:
        return inconclusive(where, detail + "no two dimensions tell the constants apart")
    return supports("interval", f"{where}: {best[1]}", detail + best[1])


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

    sides: dict[tuple[object, ...], dict[str, list[int]]] = {}
    for row in rows.iter_rows(named=True):
        side = sides.setdefault(tuple(row[name] for name in SETTING), {})
        counts = side.setdefault(row["method"], [0, 0, 0])
        for place, column in enumerate(("graph_exact", "partition_exact", "trials")):
            counts[place] += row[column]  # cells of one setting are independent repeats
    pairs = [(side["direct"], side["law"]) for side in sides.values() if len(side) == 2]
    smallest = 1.0
    for direct, law in pairs:
        for place in (0, 1):
            table = [[side[place], side[2] - side[place]] for side in (direct, law)]
            smallest = min(smallest, float(fisher_exact(table).pvalue))
    if not pairs:
        return inconclusive(where, "no setting was run both ways")
    detail = f"{len(pairs)} settings, {2 * len(pairs)} tests, smallest p-value {smallest:.3g}"
    if smallest < ALPHA / (2 * len(pairs)):
        return refutes(where, detail)
    return supports("interval", f"{where}: {detail}", detail)


def debiased_recovers_more(context: CheckContext) -> Finding:
    """Compare debiased with plain cosines where noise shrinks edges at the margin away.

    Settings with ``lambda = s² d >= gamma/tau`` (m_0 = 1) that were run both ways; one-sided Fisher
    tests on graph_exact, alpha = 0.001 over all of them. Supports if debiased cosines recover
    clearly more in one and clearly less in none.
    """
    plain, debiased = _rows(context), _rows(context, "debiased")
    where = "stored rows of recovery, debiased against plain cosines, lambda >= gamma/tau"
    if isinstance(plain, str) or isinstance(debiased, str):
        return inconclusive(where, plain if isinstance(plain, str) else str(debiased))
    from scipy.stats import fisher_exact

    sides: dict[tuple[object, ...], dict[str, list[int]]] = {}
    for name, rows in (("plain", plain), ("debiased", debiased)):
        for row in rows.iter_rows(named=True):
            if row["noise_scale"] ** 2 * row["dim"] * row["tau"] >= row["gamma"]:
                side = sides.setdefault(tuple(row[key] for key in SETTING), {})
                counts = side.setdefault(name, [0, 0])
                counts[0] += row["graph_exact"]
                counts[1] += row["trials"]
    pairs = [(side["debiased"], side["plain"]) for side in sides.values() if len(side) == 2]
    more = less = 0
    for new, old in pairs:
        table = [[new[0], new[1] - new[0]], [old[0], old[1] - old[0]]]
        more += float(fisher_exact(table, "greater").pvalue) < ALPHA / (2 * len(pairs))
        less += float(fisher_exact(table, "less").pvalue) < ALPHA / (2 * len(pairs))
    detail = f"{len(pairs)} settings: clearly more in {more}, clearly less in {less}"
    if more and not less:
        return supports("interval", f"{where}: {detail}", detail)
    return inconclusive(where, detail)
