"""Scores of a benchmark's main tasks: means over seeds, against Uniform, at equal work."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from paper_figures._table_one import METRICS
from paper_figures._training_rows import SINGLE_TASK, UNIFORM, Bench
from paper_figures.engine.statistics import Mean, holm, mean_of, paired_p

__all__ = [
    "ALPHA",
    "Compared",
    "Moment",
    "against",
    "chance_level",
    "compare",
    "compares_nothing",
    "final_scores",
    "metrics_of",
    "scale_of",
    "silent_metrics",
]

ALPHA = 0.05
MOST_METRICS = 3

Moment = str
"""``"end"`` (equal steps) or ``"work"`` (equal forward and backward passes)."""

_FRACTIONS = ("accuracy", "F1")
"""Metrics that are told in per cent."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A method's score in one metric.

    Attributes
    ----------
    method, metric : str
        The metric ``"delta_m"`` is the mean gain over single-task networks, in per cent.
    mean : Mean or None
        Over seeds; None when every run diverged.
    difference : Mean or None
        From Uniform, paired by seed, positive where the method is better.
    p : float or None
        Of the paired t test against Uniform, corrected by Holm's procedure over all comparisons of
        the benchmark; None for Uniform itself, for Delta_m and for fewer than two pairs.
    diverged : int
        Seeds whose run had to stop.
    """

    method: str
    metric: str
    mean: Mean | None
    difference: Mean | None
    p: float | None
    diverged: int

    @property
    def verdict(self) -> str:
        """``"better"``, ``"worse"`` or, where the corrected test does not tell, ``""``."""
        if self.p is None or self.difference is None or self.p >= ALPHA:
            return ""
        return "better" if self.difference.value > 0 else "worse"


def scale_of(metric: str) -> float:
    """Return 100 for a metric that is told in per cent, else 1."""
    return 100.0 if any(word in metric for word in _FRACTIONS) else 1.0


def metrics_of(bench: Bench) -> tuple[str, ...]:
    """Return the metrics to show and to test.

    Those of Table 1; of other benchmarks the main tasks' first ones, and if that is one, the second
    too.
    """
    found = bench.kind("higher_is_better").join(bench.tasks(), on=["key", "i"])
    main = found.filter(pl.col("role") == "main").select("name", "metric").unique(
        maintain_order=True
    )  # fmt: skip
    lists = [part["metric"].to_list() for _, part in main.group_by("name", maintain_order=True)]
    present = {metric for metrics in lists for metric in metrics}
    chosen = tuple(metric for metric in METRICS.get(bench.name, ()) if metric in present)
    if chosen:
        return chosen
    firsts = dict.fromkeys(metrics[0] for metrics in lists if metrics)
    if len(firsts) == 1:
        firsts |= dict.fromkeys(metrics[1] for metrics in lists if len(metrics) > 1)
    return tuple(firsts)[:MOST_METRICS]


def chance_level(bench: Bench, metric: str) -> float | None:
    """Return what a metric is without looking at the inputs, mean over the main tasks; or None."""
    found = bench.kind("chance").join(bench.tasks(), on=["key", "i"])
    found = found.filter(pl.col("role") == "main", pl.col("metric") == metric)
    each = found.drop_nulls("value").group_by("name").agg(pl.col("value").mean())
    return scale_of(metric) * float(each["value"].to_numpy().mean()) if len(each) else None


def silent_metrics(bench: Bench) -> tuple[str, ...]:
    """Return the shown metrics in which no method is above chance at the end: they tell nothing.

    So it is when all networks name the most frequent class, whatever else they know.
    """
    means = {(one.method, one.metric): one.mean for one in compare(bench)}
    higher = bench.higher_is_better()
    silent = []
    for metric in metrics_of(bench):
        level, sign = chance_level(bench, metric), 1 if higher[metric] else -1
        reached = [m.value for (_, name), m in means.items() if name == metric and m is not None]
        if level is not None and all(
            sign * (value - level) <= 1e-9 * abs(level) for value in reached
        ):
            silent.append(metric)
    return tuple(silent)


def compares_nothing(bench: Bench, moment: Moment = "end") -> bool:
    """Say whether all runs of two methods or more have the very same scores.

    That happens when each has learnt to ignore its inputs, e.g. to name the most frequent class.
    """
    scores = final_scores(bench, moment)
    if scores["method"].n_unique() < 2:
        return False
    spread = scores.group_by("name", "metric").agg(
        (pl.col("value").max() - pl.col("value").min()).alias("range")
    )
    return bool((spread["range"] <= 1e-12).all())


def final_scores(bench: Bench, moment: Moment = "end") -> pl.DataFrame:
    """Return ``method``, ``seed``, ``step``, ``name``, ``metric``, ``value`` of the main tasks.

    At the end these are test scores. With moment ``"work"`` they are validation scores, because
    runs are not tested on the way: those of a run's last evaluation at which it had done no more
    forward and backward passes than Uniform's whole run of the same seed. A single-task network
    has no share of that budget and is taken at its end.
    """
    split = "test" if moment == "end" else "validation"
    scores = bench.scores().filter(pl.col("split") == split, pl.col("role") == "main")
    if moment == "work":
        scores = scores.join(_within_work(bench), on=["key", "step"], how="semi")
    last = scores.group_by("key").agg(pl.col("step").max())
    kept = scores.join(last, on=["key", "step"])
    return kept.select("method", "seed", "step", "name", "metric", "value").sort(
        "method", "seed", "name", "metric"
    )


def _within_work(bench: Bench) -> pl.DataFrame:
    spent = bench.kind("work_at").filter(pl.col("label").is_in(["forwards", "backwards"]))
    place = ("key", "method", "seed", "step")
    done = spent.group_by(place).agg(pl.col("value").sum().alias("work"))
    uniform = done.filter(pl.col("method") == UNIFORM)
    budget = uniform.group_by("seed").agg(pl.col("work").max().alias("budget"))
    within = (pl.col("work") <= pl.col("budget")) | (pl.col("method") == SINGLE_TASK)
    return done.join(budget, on="seed").filter(within)


def compare(bench: Bench, moment: Moment = "end") -> tuple[Compared, ...]:
    """Compare every method with Uniform, in every shown metric and in Delta_m.

    A seed's value in a metric is the mean over the main tasks that have it.
    """
    higher = bench.higher_is_better()
    scores = final_scores(bench, moment)
    found: list[Compared] = []
    for metric in metrics_of(bench):
        part = scores.filter(pl.col("metric") == metric)
        tasks = part["name"].n_unique()
        seeds = part.group_by("method", "seed").agg(pl.col("value").mean(), pl.len().alias("n"))
        whole = seeds.filter(pl.col("n") == tasks)  # a seed with a diverged single task is left out
        found += _in_metric(bench, whole, metric, scale_of(metric), 1 if higher[metric] else -1)
    found += _in_metric(bench, _delta_m(bench, scores, higher), "delta_m", 1.0, 1, tested=False)
    return _corrected(found)


def against(bench: Bench, metric: str, one: str, other: str, moment: Moment = "end") -> Mean | None:
    """Return by how much a method is better than another, paired by seed; None without pairs."""
    sign, scale = 1 if bench.higher_is_better()[metric] else -1, scale_of(metric)
    scores = final_scores(bench, moment).filter(pl.col("metric") == metric)
    means = scores.group_by("method", "seed").agg(pl.col("value").mean())
    first = means.filter(pl.col("method") == one).select("seed", "value")
    second = means.filter(pl.col("method") == other).select("seed", pl.col("value").alias("other"))
    both = first.join(second, on="seed").sort("seed")
    return mean_of([sign * scale * (value - base) for _, value, base in both.iter_rows()])


def _in_metric(
    bench: Bench, seeds: pl.DataFrame, metric: str, scale: float, sign: int, tested: bool = True
) -> list[Compared]:
    values = {
        method: {
            int(seed): scale * float(value)
            for seed, value in seeds.filter(pl.col("method") == method)
            .sort("seed")
            .select("seed", "value")
            .iter_rows()
        }
        for method in bench.methods
    }
    base = values.get(UNIFORM, {})
    found = []
    for method, mine in values.items():
        pairs = [sign * (value - base[seed]) for seed, value in mine.items() if seed in base]
        compared = tested and method != UNIFORM
        stopped = bench.cells.filter(pl.col("method") == method, pl.col("diverged"))["seed"]
        found.append(
            Compared(
                method=method,
                metric=metric,
                mean=mean_of(list(mine.values())),
                difference=mean_of(pairs) if compared else None,
                p=paired_p(pairs) if compared else None,
                diverged=stopped.n_unique(),
            )
        )
    return found


def _delta_m(bench: Bench, scores: pl.DataFrame, higher: dict[str, bool]) -> pl.DataFrame:
    """Mean relative gain of the main tasks' first metrics over single-task networks, per cent."""
    chances = bench.kind("chance").join(bench.tasks(), on=["key", "i"])
    firsts = chances.select("name", "metric").unique()
    first = scores.join(firsts, on=["name", "metric"])
    alone = first.filter(pl.col("method") == SINGLE_TASK, pl.col("value") != 0.0)
    signs = pl.DataFrame(
        {"metric": list(higher), "sign": [1.0 if better else -1.0 for better in higher.values()]},
        schema={"metric": pl.String, "sign": pl.Float64},
    )
    both = first.join(
        alone.select("seed", "name", "metric", pl.col("value").alias("alone")),
        on=["seed", "name", "metric"],
    ).join(signs, on="metric")
    gains = both.with_columns(
        (100 * pl.col("sign") * (pl.col("value") - pl.col("alone")) / pl.col("alone").abs()).alias(
            "gain"
        )
    )
    tasks = first["name"].n_unique()
    means = gains.group_by("method", "seed").agg(
        pl.col("gain").mean().alias("value"), pl.len().alias("n")
    )
    return means.filter(pl.col("n") == tasks)


def _corrected(found: list[Compared]) -> tuple[Compared, ...]:
    tested = [place for place, one in enumerate(found) if one.p is not None]
    adjusted = holm([found[place].p or 0.0 for place in tested])
    for place, p in zip(tested, adjusted, strict=True):
        found[place] = replace(found[place], p=p)
    return tuple(found)
