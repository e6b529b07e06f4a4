"""From stored rows of ``convergence`` to what its figure draws: means over instances, slopes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import t as student

from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError

__all__ = [
    "NEED",
    "SCHEMA",
    "Selected",
    "interval",
    "select",
]

NEED = Need("convergence")

INSTANCE = (
    "objective", "groups", "group_size", "dim", "conflict", "coupling", "condition",
)  # fmt: skip
"""What a family of instances shares; `replicate` tells its members apart."""

SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "objective": pl.String,
    "x": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
}

LABELS = {
    "aggregated": "all tasks at once",
    "cyclic": "cyclic",
    "shuffled": "shuffled cycles",
    "mixed": "cycle, then all",
    "sampled": "drawn, not scaled",
    "sampled_scaled": "drawn and scaled",
}


@dataclass(frozen=True, slots=True)
class Selected:
    """What the figure draws, panel by panel, in the columns of `SCHEMA`.

    Attributes
    ----------
    rows : polars.DataFrame
        The cells behind it: exact where their constants hold (`inside`).
    rates, slopes, factors, thresholds, energies, bends : polars.DataFrame
    """

    rows: pl.DataFrame
    rates: pl.DataFrame
    slopes: pl.DataFrame
    factors: pl.DataFrame
    thresholds: pl.DataFrame
    energies: pl.DataFrame
    bends: pl.DataFrame

    @property
    def data(self) -> pl.DataFrame:
        """Everything drawn, one row a mark."""
        return pl.concat(
            [self.rates, self.slopes, self.factors, self.thresholds, self.energies, self.bends]
        )


def interval(values: list[float], level: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of independent values and the ends of Student's interval.

    Examples
    --------
    >>> [round(end, 3) for end in interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    >>> interval([4.0])
    (4.0, 4.0, 4.0)
    """
    array = np.asarray(values, dtype=np.float64)
    center = float(array.mean())
    if array.size < 2:
        return center, center, center
    half = float(student.ppf(0.5 + level / 2, array.size - 1) * array.std(ddof=1))
    half /= math.sqrt(array.size)
    return center, center - half, center + half


def select(rows: pl.DataFrame) -> Selected:
    """Choose and pool what each panel draws.

    Raises
    ------
    MissingRowsError
        If there are no rows for one of the panels.
    """
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'convergence' is finished.")
    usable = rows.filter(pl.col("inside"))
    plain = usable.filter(pl.col("sigma") == 0, pl.col("bend") == 0, pl.col("step_law") == "sqrt")
    even = plain.filter(pl.col("skew") == 0)
    rated = _richest(even, (*INSTANCE, "tau", "step"), ("rule", "steps"), each="objective")
    cyclic = even.filter(pl.col("rule") == "cyclic", pl.col("group_size") == 1)
    found = Selected(
        rows=usable,
        rates=_rates(rated),
        slopes=_slopes(rated, usable),
        factors=_factors(cyclic),
        thresholds=_thresholds(cyclic),
        energies=_energies(rated),
        bends=_bends(usable),
    )
    for name in ("rates", "slopes", "factors", "thresholds", "energies", "bends"):
        if getattr(found, name).is_empty():
            raise MissingRowsError(NEED, f"The stored cells of 'convergence' have no {name}.")
    return found


def _richest(
    rows: pl.DataFrame,
    shared: tuple[str, ...],
    counted: tuple[str, ...],
    each: str | None = None,
) -> pl.DataFrame:
    """Keep the rows of the setting that has most of what is counted; for each objective, its own.

    Equal counts are decided by the setting's values, so that the choice does not hang on an order.
    """
    if rows.is_empty():
        return rows
    sizes = (
        rows.group_by(*shared)
        .agg(pl.struct(*counted, "replicate").n_unique().alias("size"))
        .sort(["size", *shared], descending=[True, *[False] * len(shared)])
    )
    chosen = sizes.unique(subset=[each], keep="first", maintain_order=True) if each else sizes[:1]
    return rows.join(chosen.select(*shared), on=list(shared), how="semi").sort("key")


def _pooled(
    rows: pl.DataFrame, panel: str, value: pl.Expr, line: pl.Expr, x: pl.Expr, log: bool
) -> pl.DataFrame:
    """Average a value over instances; on a log scale the mean is the geometric one."""
    values = rows.select(
        line.alias("line"),
        "objective",
        x.cast(pl.Float64).alias("x"),
        value.alias("value"),
    ).filter(pl.col("value").is_not_null(), pl.col("value") > 0 if log else True)
    found = []
    for key, part in values.group_by("line", "objective", "x"):
        raw = part["value"].to_list()
        ends = interval([math.log(v) for v in raw] if log else raw)
        mean, low, high = (math.exp(e) if log else e for e in ends)
        found.append((panel, *key, mean, low, high, len(raw)))
    return _frame(found)


def _frame(found: list[tuple[object, ...]]) -> pl.DataFrame:
    frame = pl.DataFrame(found, schema=SCHEMA, orient="row")
    return frame.sort("panel", "objective", "line", "x")


def _rates(rated: pl.DataFrame) -> pl.DataFrame:
    """(a): the average of |grad F|^2 and the claim, relative to the start."""
    label = pl.col("rule").replace_strict(LABELS)
    start = pl.col("start_square")
    steps = pl.col("steps")
    measured = _pooled(rated, "a", pl.col("mean_square") / start, label, steps, log=True)
    cyclic = rated.filter(pl.col("rule") == "cyclic")
    claims = [
        _pooled(cyclic, "a", pl.col(name) / start, pl.lit(line), steps, log=True)
        for name, line in (("claimed", "eq. 13"), ("rule_bound", "bound for cycles"))
    ]
    return pl.concat([measured, *claims])


def _slopes(rated: pl.DataFrame, usable: pl.DataFrame) -> pl.DataFrame:
    """(b): slopes of log(average |grad F|^2) against log T, instance by instance."""
    variants = [(rated, pl.col("rule").replace_strict(LABELS))]
    shared = (*INSTANCE, "tau")
    for condition, most, note in (
        (pl.col("skew") > 0, "skew", " (uneven p)"),
        (pl.col("sigma") > 0, "sigma", " (noisy)"),
        (pl.col("step_law") == "constant", "step", " (constant η)"),
    ):
        part = usable.filter(condition, pl.col("bend") == 0)
        part = part.filter(pl.col("task_decay") == 0, pl.col("direction_decay") == 0)
        if part.height:
            part = part.filter(pl.col(most) == part[most].max())
            part = _richest(part, shared, ("rule", "steps"), each="objective")
            variants.append((part, pl.col("rule").replace_strict(LABELS) + note))
    found: list[tuple[object, ...]] = []
    for rows, label in variants:
        named = rows.with_columns(label.alias("label"))
        for (line, objective), part in named.group_by("label", "objective"):
            slopes = [_slope(one) for _, one in part.group_by("replicate", maintain_order=True)]
            known = [slope for slope in slopes if slope is not None]
            if known:
                mean, low, high = interval(known)
                found.append(("b", line, objective, mean, mean, low, high, len(known)))
    return _frame(found)


def _slope(rows: pl.DataFrame) -> float | None:
    """Least-squares slope over at least three values of T; None where there are fewer."""
    part = rows.filter(pl.col("mean_square").is_not_null())
    if part["steps"].n_unique() < 3:
        return None
    log_t, log_y = np.log(part["steps"].to_numpy()), np.log(part["mean_square"].to_numpy())
    return float(np.polyfit(log_t, log_y, 1)[0])


def _factors(cyclic: pl.DataFrame) -> pl.DataFrame:
    """(c): what cyclic runs do relative to eq. 13, against the number of classes."""
    fixed = tuple(name for name in INSTANCE if name != "groups")
    shared = (*fixed, "tau", "step", "steps")
    chosen = _richest(cyclic, shared, ("groups",), each="objective")
    wide = chosen.group_by("objective").agg(pl.col("num_classes").n_unique().alias("widths"))
    chosen = chosen.join(wide.filter(pl.col("widths") >= 4), on="objective", how="semi")
    x = pl.col("num_classes")
    parts = [
        _pooled(chosen, "c", pl.col(name) / pl.col("claimed"), pl.lit(line), x, log=False)
        for name, line in (("min_square", "least"), ("mean_square", "average"))
    ]
    if chosen.height:
        worst = chosen.select((x / (2 * (1 + pl.col("tau")))).alias("value"), x.alias("x"))
        lines = sorted(set(worst.select("x", "value").iter_rows()))
        parts.append(
            _frame([("c", "m / (2 (1 + τ))", "any", float(m), v, v, v, 1) for m, v in lines])
        )
    return pl.concat(parts)


def _thresholds(cyclic: pl.DataFrame) -> pl.DataFrame:
    """(d): the same relative to eq. 13 at tau = 0, against tau; and the number of classes."""
    shared = (*INSTANCE, "step", "steps")
    chosen = _richest(cyclic, shared, ("tau",))
    chosen = chosen if chosen["tau"].n_unique() >= 3 else chosen.clear()
    x = pl.col("tau")
    lines = {
        "average": pl.col("mean_square") / pl.col("unbiased_bound"),
        "eq. 13": pl.col("claimed") / pl.col("unbiased_bound"),
        "classes": pl.col("num_classes").cast(pl.Float64),
    }
    return pl.concat(
        [_pooled(chosen, "d", value, pl.lit(line), x, log=False) for line, value in lines.items()]
    )


def _energies(rated: pl.DataFrame) -> pl.DataFrame:
    """(e): the energy of eq. 98 over its claim, against T."""
    part = rated.filter(pl.col("rule").is_in(["cyclic", "sampled_scaled"]))
    ratio = pl.col("energy") / pl.col("energy_claim")
    label = pl.col("rule").replace_strict(LABELS)
    return _pooled(part, "e", ratio, label, pl.col("steps"), log=True)


def _bends(usable: pl.DataFrame) -> pl.DataFrame:
    """(f): least |grad F|^2 over eq. 13, against the curvature that cancels in F."""
    part = usable.filter(
        pl.col("rule") == "cyclic", pl.col("sigma") == 0, pl.col("step_law") == "sqrt"
    )
    keys = [*INSTANCE, "tau", "step", "steps"]
    bent = _richest(part.filter(pl.col("bend") > 0), tuple(keys), ("bend",))
    chosen = part.join(bent.select(keys).unique(), on=keys, how="semi")
    lines = {
        "least": pl.col("min_square") / pl.col("claimed"),
        "average, over its bound": pl.col("bounded_square") / pl.col("rule_bound"),
    }
    return pl.concat(
        [
            _pooled(chosen, "f", value, pl.lit(line), pl.col("bend"), log=True)
            for line, value in lines.items()
        ]
    )
