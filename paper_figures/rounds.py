"""Recovery refresh by refresh: averages reset or carried over, everyone observed or who runs."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import Answer, FigureInput, Picture
from paper_figures.engine.registry import Need, figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

NEED = Need("recovery_rounds")
SETTING = (
    "model", "num_groups", "group_size", "dim", "tau", "gamma", "sigma", "window", "beta", "probe",
)  # fmt: skip
LOOKS = {
    ("carried", "all"): ("blue", "-", "o"),
    ("carried", "active"): ("vermilion", "--", "s"),
    ("reset", "all"): ("green", "-.", "^"),
    ("reset", "active"): ("purple", ":", "D"),
}
NAMES = {"all": "every task seen", "active": "active class only"}


@figure(
    name="rounds",
    title="What the scheduler's own averages are worth",
    needs=(NEED,),
    claims=("EMA-19",),
    place=4,
)
def draw(given: FigureInput) -> Picture:
    """Draw P(graph) and the tasks' own n_eff at each refresh, for each way to average."""
    style, rows = given.style, given.rows["recovery_rounds"]
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'recovery_rounds' is finished.")
    points = _points(rows)
    fig = Figure(figsize=(style.full, 2.4 * style.scale))
    left, right = fig.subplots(1, 2)
    _draw_lines(left, points, "graph", style)
    left.set(ylabel="P(graph recovered)", ylim=(-0.03, 1.03), title="(a) the conflict graph")
    _draw_lines(right, points, "n_eff", style)
    right.set(ylabel="own $n_\\mathrm{eff}$ (samples)", title="(b) what averages are worth")
    right.set_ylim(0, 1.75 * max(points["n_eff"]))
    right.legend(loc="upper left", ncols=1)
    trials = int(min(points["trials"]))
    row = points.row(0, named=True)
    return Picture(
        figure=fig,
        data=points,
        caption=(
            "Tasks that stand still, met by the scheduler's loop: in the first window all run, "
            "then the classes of the last refresh take turns. Averages are carried over refreshes "
            "(Algorithm 1) or reset (appendix B), and see every task's gradient or the active "
            f"class's only (line 17). K = {row['num_tasks']}, d = {row['dim']}, R = "
            f"{row['window']}, β = {row['beta']:g}, σ = {row['sigma']:g}. (a) P(the estimated "
            "graph is the population's). (b) Mean over tasks of their own effective sample size."
        ),
        n=f"{trials:,} runs a line",
        interval="exact (Clopper-Pearson) 95% at each refresh (bars in (a)); none in (b)",
        keys=tuple(sorted(set(rows["key"]))),
        answers=_answers(rows, points),
    )


def _points(rows: pl.DataFrame) -> pl.DataFrame:
    """The setting with most ways to average and most contrast; replicates are pooled."""
    sizes = rows.group_by(*SETTING).agg(
        pl.struct("ema", "observe").n_unique().alias("ways"),
        (pl.col("graph_exact") / pl.col("trials")).std().fill_null(0.0).alias("contrast"),
    )
    chosen = sizes.sort(
        ["ways", "contrast", *SETTING], descending=[True, True, *[False] * len(SETTING)]
    ).row(0, named=True)
    mine = rows.filter(pl.all_horizontal(pl.col(name) == chosen[name] for name in SETTING))
    sums = mine.group_by("ema", "observe", "round").agg(
        pl.col("num_tasks", "dim", "window", "beta", "sigma", "n_eff_mean").first(),
        pl.col("trials", "graph_exact", "partition_exact").sum(),
    )
    sums = sums.sort("ema", "observe", "round")
    ends = [clopper_pearson(g, n) for g, n in sums.select("graph_exact", "trials").iter_rows()]
    return sums.select(
        "ema", "observe", "round", "num_tasks", "dim", "window", "beta", "sigma", "trials",
        pl.col("n_eff_mean").alias("n_eff"),
        (pl.col("graph_exact") / pl.col("trials")).alias("graph"),
        pl.Series("low", [low for low, _ in ends], dtype=pl.Float64),
        pl.Series("high", [high for _, high in ends], dtype=pl.Float64),
        (pl.col("partition_exact") / pl.col("trials")).alias("partition"),
    )  # fmt: skip


def _draw_lines(axis: Axes, points: pl.DataFrame, what: str, style: Style) -> None:
    for (ema, observe), (color, dashes, mark) in LOOKS.items():
        part = points.filter(pl.col("ema") == ema, pl.col("observe") == observe).sort("round")
        if part.is_empty():
            continue
        low, high = (part["low"], part["high"]) if what == "graph" else (part[what], part[what])
        axis.errorbar(
            part["round"],
            part[what],
            yerr=[part[what] - low, high - part[what]],
            color=PALETTE[color],
            linestyle=dashes,
            marker=mark,
            markersize=2.8 * style.scale,
            elinewidth=0.7,
            label=f"{ema}, {NAMES[observe]}",
        )
    axis.set(
        xlabel="refresh",
        xticks=sorted(set(points["round"]))[:: 1 + points["round"].n_unique() // 8],
    )


def _answers(rows: pl.DataFrame, points: pl.DataFrame) -> tuple[Answer, ...]:
    last = points.filter(pl.col("round") == int(max(points["round"])))
    parts = []
    for row in last.sort("graph", descending=True).to_dicts():
        parts.append(
            f"{row['ema']}, {NAMES[row['observe']]}: P(graph) = {row['graph']:.3f} "
            f"({row['low']:.3f} to {row['high']:.3f}), groups {row['partition']:.3f}, own "
            f"n_eff {row['n_eff']:.3g}"
        )
    shown = (
        f"At refresh {last['round'][0]} with R = {last['window'][0]}, β = {last['beta'][0]:g} "
        f"({min(last['trials']):,} runs, 95% intervals): {'; '.join(parts)}. Means stand still "
        "here; the figure on drift shows what carrying over costs where they do not."
    )
    final = rows.filter(pl.col("round") == pl.col("rounds"))
    keys = [*SETTING, "ema", "rounds", "replicate"]
    both = final.filter(pl.col("observe") == "active").join(
        final.filter(pl.col("observe") == "all"), on=keys, suffix="_all"
    )
    if both.is_empty():
        every = "No setting is stored with both, so nothing can be said."
    else:
        ratio = (both["n_eff_mean"] / both["n_eff_mean_all"]).to_numpy()
        worse = int((both["graph_hi"] < both["graph_lo_all"]).sum())
        better = int((both["graph_lo"] > both["graph_hi_all"]).sum())
        every = (
            f"In {both.height} stored settings a task's own n_eff at the last refresh is "
            f"{float(ratio.min()):.2f} to {float(ratio.max()):.2f} times what eq. 19's count of "
            f"every gradient gives; the graph is surely (95% intervals apart) recovered less often "
            f"in {worse} and more often in {better}. A task in one of m classes contributes about "
            "R/m gradients a window, so a probe budget in steps has to be about m times as long "
            "unless the averages are carried over and have filled."
        )
    return (
        Answer("EMA reset against carried: which finds the graph?", shown),
        Answer("What does observing only the active class cost?", every),
    )
