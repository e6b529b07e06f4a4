"""Learning curves: a benchmark's validation score against steps or against work."""

from __future__ import annotations

from typing import Literal

import polars as pl
from matplotlib.axes import Axes

from paper_figures._table1_parts import score_head
from paper_figures._training_panels import LOOKS, draw_line, legend, over_seeds, panels
from paper_figures._training_rows import SINGLE_TASK, Bench
from paper_figures._training_scores import metrics_of, scale_of, silent_metrics
from paper_figures.engine.picture import Picture
from paper_figures.engine.style import Style
from songoku_theory.errors import InvalidInputError

__all__ = ["curves_picture"]

Against = Literal["step", "work"]

BANDED = ("uniform", "son_goku")
"""With intervals over few seeds, more bands than two would hide each other."""


def curves_picture(benches: tuple[Bench, ...], style: Style, against: Against) -> Picture:
    """Draw a panel for each benchmark: a metric of its main tasks on the validation split.

    The first one in which some method is above chance, else the first.
    """
    shown = tuple(bench for bench in benches if metrics_of(bench))
    if not shown:
        raise InvalidInputError(
            "every stored run of 'training' diverged, so there is no curve to draw. See "
            "'songoku figures table1'."
        )
    fig, axes = panels(shown, style, foot=0.55)
    frames = []
    for bench, axis in zip(shown, axes, strict=True):
        silent = silent_metrics(bench)
        shown_metrics = metrics_of(bench)
        metric = next((name for name in shown_metrics if name not in silent), shown_metrics[0])
        frame = _curves(bench, metric, against)
        frames.append(frame)
        for method in sorted(bench.methods, key=lambda name: name in LOOKS):
            part = frame.filter(pl.col("method") == method).sort("x")
            draw_line(axis, part, "x", method, style, BANDED)
        axis.set_ylabel(score_head(metric, bench.higher_is_better()[metric]))
        axis.set_xlabel("step" if against == "step" else "passes (thousands)")
        _frame_on_lines(axis, frame)
    methods = [m for m in dict.fromkeys(m for b in shown for m in b.methods) if m != SINGLE_TASK]
    legend(fig, methods, style)
    seeds = sorted({bench.seeds for bench in shown})
    return Picture(
        figure=fig,
        data=pl.concat(frames),
        caption=_caption(shown, against),
        n=f"{seeds[0]} seeds a line" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds",
        interval=(
            "bands of Uniform and SON-GOKU: 95% of the mean by Student's t over seeds at each "
            "evaluation, not of the whole curve; other lines are means alone (their intervals are "
            "in the CSV)"
        ),
        keys=tuple(key for bench in shown for key in bench.keys),
    )


def _curves(bench: Bench, metric: str, against: Against) -> pl.DataFrame:
    """One row an evaluation and method; a seed counts where all its main tasks have a score."""
    scores = bench.scores().filter(
        pl.col("split") == "validation",
        pl.col("role") == "main",
        pl.col("metric") == metric,
        pl.col("method") != SINGLE_TASK,
    )
    each = scores.group_by("key", "method", "seed", "step").agg(
        pl.col("value").mean() * scale_of(metric)
    )
    found = over_seeds(each.sort("method", "step", "seed"), "method", "step")
    if against == "work":
        work = bench.kind("work_at").filter(pl.col("label").is_in(["forwards", "backwards"]))
        done = work.group_by("key", "method", "step").agg(pl.col("value").sum())
        means = done.group_by("method", "step").agg((pl.col("value").mean() / 1e3).alias("x"))
        found = found.join(means, on=["method", "step"])
    else:
        found = found.with_columns(pl.col("step").cast(pl.Float64).alias("x"))
    return found.select(
        pl.lit(bench.name).alias("benchmark"),
        pl.lit(bench.provenance).alias("provenance"),
        pl.lit(metric).alias("metric"),
        "method", "step", "x", "value", "low", "high", "seeds",
    ).sort("method", "step")  # fmt: skip


def _frame_on_lines(axis: Axes, frame: pl.DataFrame) -> None:
    """Frame the lines, not a band of few seeds that is many times as wide."""
    values = frame["value"].to_numpy()
    low, high = float(values.min()), float(values.max())
    room = 0.25 * (high - low) or 0.05 * abs(high) or 0.05
    axis.set_ylim(low - room, high + room)


def _caption(benches: tuple[Bench, ...], against: Against) -> str:
    what = (
        "steps"
        if against == "step"
        else "work: forward and backward passes until then (a method with a backward pass for each "
        "task does several a step), averaged over seeds"
    )
    presets = ", ".join(sorted({bench.preset for bench in benches}))
    return (
        f"Learning curves of real training runs (preset {presets}) against {what}. Mean over the "
        "main tasks of the metric named at its axis (the first in which some method is above what "
        "needs no inputs) on the validation split, an arrow to where it is better. "
        "In brackets what the data are: EXACT, the paper's; NEAR, real data of the same kind; "
        "SYNTH, generated. Axes frame the mean lines; a band of few seeds may leave them."
    )
