"""Table 1 laid out: one part a benchmark, at equal steps or at equal work."""

from __future__ import annotations

import math

import polars as pl

from paper_figures import _table_one as printed
from paper_figures._training_rows import Bench, method_name
from paper_figures._training_scores import (
    Compared,
    Moment,
    chance_level,
    compare,
    compares_nothing,
    metrics_of,
    scale_of,
    silent_metrics,
)
from paper_figures.engine.statistics import Mean
from paper_figures.engine.table import Column, Part

__all__ = ["mean_text", "part_of", "score_data", "score_head"]

ABOVE = ("static_one_shot", "son_goku_gradnorm", "random_groups")
"""A line is drawn above the first of each group of methods."""
SIGNS = {"better": " ▲", "worse": " ▼", "": ""}


def part_of(bench: Bench, moment: Moment) -> Part:
    """Lay out a benchmark's part, with the paper's scores beside ours."""
    found = compare(bench, moment)
    metrics = metrics_of(bench)
    higher = bench.higher_is_better()
    by_place = {(one.method, one.metric): one for one in found}
    rows = [
        (
            method_name(method),
            *(_cell(by_place[method, metric]) for metric in metrics),
            _gain(by_place[method, "delta_m"]),
            *printed.printed_scores(bench.name, method),
        )
        for method in bench.methods
    ]
    levels = [chance_level(bench, metric) for metric in metrics]
    rows.append(
        (
            "without inputs",
            *("–" if level is None else f"{level:.3g}" for level in levels),
            "–",
            *("–" for _ in printed.COLUMNS.get(bench.name, ())),
        )
    )
    heads = [Column(score_head(metric, higher[metric]), "right", "here") for metric in metrics]
    columns = (
        Column("method", "left"),
        *heads,
        Column("Δm (%) ↑", "right", "here"),
        *(Column(head, "right", "paper") for head, _ in printed.COLUMNS.get(bench.name, ())),
    )
    rules = (*_rules(bench.methods), len(rows) - 1)
    return Part(bench.title, columns, tuple(rows), rules, _notes(bench, found, moment))


def score_head(metric: str, higher: bool) -> str:
    """Name a metric with its unit and the way that is better.

    Examples
    --------
    >>> score_head("accuracy", True), score_head("RMSE (m)", False)
    ('accuracy (%) ↑', 'RMSE (m) ↓')
    """
    unit = " (%)" if scale_of(metric) != 1.0 else ""
    return f"{metric}{unit} {'↑' if higher else '↓'}"


def mean_text(mean: Mean | None) -> str:
    """Write a mean and half its interval, to two digits of the latter.

    Examples
    --------
    >>> mean_text(Mean(51.234, 49.9, 52.568, 3)), mean_text(Mean(0.5, 0.5, 0.5, 1))
    ('51.2 ± 1.3', '0.500')
    >>> mean_text(None)
    '–'
    """
    if mean is None:
        return "–"
    half = (mean.high - mean.low) / 2
    if half == 0.0:
        return f"{mean.value:.3f}" if abs(mean.value) < 10 else f"{mean.value:.1f}"
    digits = min(4, max(0, 1 - math.floor(math.log10(half))))
    return f"{mean.value:.{digits}f} ± {half:.{digits}f}".replace("-", "−")


def score_data(benches: tuple[Bench, ...], moment: Moment) -> pl.DataFrame:
    """Return every number of the parts: one row a benchmark, method and metric."""
    schema = {
        "benchmark": pl.String,
        "provenance": pl.String,
        "method": pl.String,
        "metric": pl.String,
        "seeds": pl.Int64,
        "diverged": pl.Int64,
        "mean": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "better_than_uniform": pl.Float64,
        "better_low": pl.Float64,
        "better_high": pl.Float64,
        "p_holm": pl.Float64,
    }
    rows = []
    for bench in benches:
        for one in compare(bench, moment):
            mean, gain = one.mean, one.difference
            rows.append(
                (
                    bench.name,
                    bench.provenance,
                    one.method,
                    one.metric,
                    mean.count if mean else 0,
                    one.diverged,
                    *((mean.value, mean.low, mean.high) if mean else (None,) * 3),
                    *((gain.value, gain.low, gain.high) if gain else (None,) * 3),
                    one.p,
                )
            )
    return pl.DataFrame(rows, schema=schema, orient="row")


def _cell(one: Compared) -> str:
    if one.mean is None:
        return "diverged" if one.diverged else "–"
    return mean_text(one.mean) + SIGNS[one.verdict]


def _gain(one: Compared) -> str:
    return "–" if one.mean is None else mean_text(one.mean)


def _rules(methods: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(methods.index(name) for name in ABOVE if methods.index(name) > 0) if set(
        ABOVE
    ) <= set(methods) else ()  # fmt: skip


def _notes(bench: Bench, found: tuple[Compared, ...], moment: Moment) -> tuple[str, ...]:
    training = bench.settings.get("training")
    length = ""
    if isinstance(training, dict):
        amount, unit = (
            (training["steps"], "steps")
            if training.get("steps")
            else (training.get("epochs"), "epochs")
        )
        length = f", {amount:g} {unit} of {training.get('batch_size')}" if amount else ""
    said = [f"Preset {bench.preset}{length}, {bench.device}."]
    if bench.preset == "smoke":
        said.append("The smoke preset only shows that everything runs: its scores mean nothing.")
    if compares_nothing(bench, moment):
        said.append(
            "Every run of every method has the same scores: all have learnt to answer without "
            "looking at the inputs, so this part compares nothing."
        )
    elif silent := silent_metrics(bench):
        said.append(f"In {' and '.join(silent)} no method is above what needs no inputs.")
    stopped = {method_name(one.method): one.diverged for one in found if one.diverged}
    if stopped:
        said.append(
            "Diverged and left out of the means: "
            + ", ".join(f"{name} ({count} seeds)" for name, count in stopped.items())
            + "."
        )
    if bench.notes:
        said.append(f"Data: {'; '.join(note.rstrip('.') for note in bench.notes)}.")
    return (" ".join(said),)
