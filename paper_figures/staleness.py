"""How long does a task wait? Gaps of every policy beside their bounds, and who starves."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from paper_figures._staleness_answers import answers
from paper_figures._staleness_rows import NEED, POLICIES, StalenessPoints, select
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

SEQUENCES = ("static", "redrawn", "adversarial")
TITLES = {
    "static": "one graph for ever",
    "redrawn": "redrawn at each refresh",
    "drifting": "drifting",
    "adversarial": "chosen by an adversary",
}
KINDS = {"within": (PALETTE["blue"], -0.17), "across": (PALETTE["orange"], 0.17)}
"""Colour, and how far below a policy's line; across is drawn as a ring."""

LINES: dict[str, tuple[str, str, str]] = {
    "eq. 11, static": (PALETTE["grey"], "-", "o"),
    "eq. 11, redrawn": (PALETTE["blue"], "--", "s"),
    "eq. 11, adversarial": (PALETTE["vermilion"], "-", "^"),
    "restarted cycle, static": (PALETTE["purple"], "-.", "D"),
    "oldest first, adversarial": (PALETTE["green"], ":", "v"),
    "extended windows, adversarial": (PALETTE["black"], "", "x"),
}

BESIDE = 0.011
TIGHT = (0, (2, 1.2))
"""Dashes short enough for the marks of one policy."""

SCHEMA = {
    "panel": pl.String,
    "sequence": pl.String,
    "policy": pl.String,
    "kind": pl.String,
    "x": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "count": pl.Int64,
}


@figure(
    name="staleness",
    title="How long tasks wait for their turn, and when they starve",
    needs=(NEED,),
    claims=("COL-P8-WAIT", "COL-5.5a", "COL-P8-RUN", "COL-P8-RUN-R", "COL-7.3.2b"),
    place=6,
)
def draw(given: FigureInput) -> Picture:
    """Draw the distribution of gaps for each policy and sequence, and starvation against R."""
    style, found = given.style, select(given.rows["staleness"])
    sequences = [s for s in (*SEQUENCES, "drifting") if s in set(found.runs["sequence"])][:3]
    policies = [name for name in POLICIES if name in set(found.runs["policy"])]
    distribution = _distribution(found, sequences)
    starving = _starving(found.starving)

    fig = Figure(figsize=(style.full, (4.9 if starving.height else 2.9) * style.scale))
    heights = (1.25, 1) if starving.height else (1,)
    parts = fig.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).ravel()
    axes = parts[0].subplots(1, len(sequences), sharex=True, sharey=True, squeeze=False)[0]
    for sequence, axis in zip(sequences, axes, strict=True):
        mine = distribution.filter(pl.col("sequence") == sequence)
        _draw_policies(axis, mine, policies, style)
        axis.set_title(TITLES[sequence])
    axes[0].set_yticks(range(len(policies)), [name.replace("_", " ") for name in policies])
    axes[0].set_ylim(len(policies) - 0.45, -0.6)
    axes[0].set_ylabel("(a)  policy")
    parts[0].supxlabel("gap from one turn of a task to its next, in steps", fontsize=style.size)
    if starving.height:
        left, right = parts[1].subplots(1, 2, width_ratios=(1.5, 1))
        _draw_starving(left, starving, style)
        _draw_legend(right, starving, style)
    else:
        _legend_of_gaps(axes[-1])
    return Picture(
        figure=fig,
        data=pl.concat([distribution, starving]),
        caption=_caption(found, sequences),
        n=_counted(found),
        interval=(
            "exact (Clopper-Pearson) 95% of the share of runs in (b); none in (a): gaps of one run "
            "depend on each other"
        ),
        keys=found.keys,
        answers=answers(found),
    )


def _distribution(found: StalenessPoints, sequences: list[str]) -> pl.DataFrame:
    """Give the circles of the upper panels, and the marks of the bounds."""
    gaps = found.gaps.filter(pl.col("sequence").is_in(sequences)).select(
        pl.lit("a").alias("panel"),
        "sequence",
        "policy",
        "kind",
        pl.col("gap").cast(pl.Float64).alias("x"),
        pl.col("share").alias("value"),
        pl.lit(None, dtype=pl.Float64).alias("low"),
        pl.lit(None, dtype=pl.Float64).alias("high"),
        "count",
    )
    marks = []
    for kind, column in (
        ("bound", pl.col("bound")),
        ("always", pl.col("always")),
        ("Delta + 1", pl.col("max_degree").replace(0, None) + 1),
    ):
        marks.append(
            found.runs.filter(pl.col("sequence").is_in(sequences))
            .select(
                pl.lit("a").alias("panel"),
                "sequence",
                "policy",
                pl.lit(kind).alias("kind"),
                column.cast(pl.Float64).alias("x"),
                pl.lit(None, dtype=pl.Float64).alias("value"),
                pl.lit(None, dtype=pl.Float64).alias("low"),
                pl.lit(None, dtype=pl.Float64).alias("high"),
                "count",
            )
            .drop_nulls("x")
        )
    return pl.concat([gaps, *marks]).cast(pl.Schema(SCHEMA)).select(*SCHEMA)


def _starving(points: pl.DataFrame) -> pl.DataFrame:
    return points.select(
        pl.lit("b").alias("panel"),
        pl.lit(None, dtype=pl.String).alias("sequence"),
        pl.lit(None, dtype=pl.String).alias("policy"),
        pl.col("line").alias("kind"),
        (pl.col("refresh_period") / pl.col("classes")).alias("x"),
        pl.col("share").alias("value"),
        "low",
        "high",
        pl.col("runs").alias("count"),
    ).cast(pl.Schema(SCHEMA))


def _draw_policies(axis: Axes, frame: pl.DataFrame, policies: list[str], style: Style) -> None:
    place = {name: index for index, name in enumerate(policies)}
    area = 55.0 * style.scale**2
    for kind, (color, shift) in KINDS.items():
        part = frame.filter(pl.col("kind") == kind)
        axis.scatter(
            part["x"],
            [place[name] + shift for name in part["policy"]],
            s=[max(area * share, 2.0 * style.scale**2) for share in part["value"]],
            color=color if kind == "within" else "none",
            edgecolor=color,
            linewidth=0.9 * style.scale,
            zorder=3,
        )
    for kind, color, height, width in (
        ("Delta + 1", PALETTE["vermilion"], 0.32, 1.0),
        ("bound", PALETTE["black"], 0.4, 1.6),
    ):
        part = frame.filter(pl.col("kind") == kind)
        axis.vlines(
            part["x"],
            [place[name] - height for name in part["policy"]],
            [place[name] + height for name in part["policy"]],
            color=color,
            linestyle="-" if kind == "bound" else TIGHT,
            linewidth=width * style.scale,
            zorder=2,
        )
    axis.set_xlim(left=0)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def _draw_starving(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    for index, (line, (color, dashes, mark)) in enumerate(LINES.items()):
        part = frame.filter(pl.col("kind") == line).sort("x")
        if part.is_empty():
            continue
        # Side by side, because many lie at 0 or 1.
        axis.errorbar(
            part["x"] + (index - 2.5) * BESIDE,
            part["value"],
            yerr=[part["value"] - part["low"], part["high"] - part["value"]],
            color=color,
            linestyle=dashes,
            marker=mark,
            markerfacecolor="white",
            markersize=3.6 * style.scale,
            elinewidth=0.7 * style.scale,
            clip_on=False,
        )
    axis.axvline(1.0, color=PALETTE["grey"], linewidth=0.8 * style.scale, linestyle=(0, (4, 2)))
    axis.set(
        xlabel="refresh period over classes, R / m",
        ylabel="(b)  P(some task never\nhas a turn)",
        ylim=(-0.03, 1.03),
    )


def _gap_handles() -> tuple[list[Line2D], list[str]]:
    handles = [
        Line2D([], [], linestyle="", marker="o", color=KINDS["within"][0]),
        Line2D([], [], linestyle="", marker="o", color=KINDS["across"][0], markerfacecolor="none"),
        Line2D([], [], linestyle="", marker="|", markersize=9, color=PALETTE["black"], mew=1.6),
        Line2D([], [], linestyle=TIGHT, linewidth=1.0, color=PALETTE["vermilion"]),
    ]
    names = ["within a window", "across a refresh", "largest proved bound", "largest Δ + 1"]
    return handles, names


def _legend_of_gaps(axis: Axes) -> None:
    axis.legend(*_gap_handles(), loc="lower right")


def _draw_legend(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    handles, names = _gap_handles()
    names = [f"(a) {name}" for name in names]
    for line, (color, dashes, mark) in LINES.items():
        if line in set(frame["kind"]):
            handles.append(Line2D([], [], color=color, marker=mark, markerfacecolor="white"))
            handles[-1].set(linestyle=dashes, markersize=3.6 * style.scale)
            names.append(f"(b) {line}")
    axis.axis("off")
    axis.legend(handles, names, loc="center", borderaxespad=0)


def _counted(found: StalenessPoints) -> str:
    gaps, runs = int(found.gaps["count"].sum()), found.runs["count"]
    said = (
        f"{gaps:,} gaps of {int(runs.sum()):,} runs in (a), {min(runs):,} runs or more a policy "
        f"and sequence"
    )
    if found.starving.height:
        said += f"; {min(found.starving['runs']):,} runs or more a point in (b)"
    return said


def _caption(found: StalenessPoints, sequences: list[str]) -> str:
    setting = found.setting
    graph = (
        f"each pair in conflict with probability {setting['density']:g}"
        if setting["model"] == "random"
        else f"{setting['num_groups']} groups, all in conflict between them"
    )
    text = (
        f"(a) Gaps between the turns of a task, for each schedule policy, K = "
        f"{setting['num_tasks']} tasks, {graph}, refreshed every R = {setting['refresh_period']} "
        f"steps, {setting['rounds']} windows a run, with eq. 11's phase: discs within a window, "
        f"rings across a refresh, areas in proportion to the share of the policy's gaps of that "
        f"kind. Black: the largest of the bounds that are proved of these gaps, task by task "
        f"(m or less within a window and m_old + m_new - 1 across a refresh for slots; deg(v) + 1, "
        f"|N_old ∪ N_new| + 1 and K for oldest first); none where a policy promises nothing. "
        f"Dashed: the largest Δ + 1 of the graphs that were met, section 5.5's bound for one "
        f"graph. The warm-up's own gaps, all 1, are left out. Sequential "
        f"counts batches."
    )
    if found.starving.height:
        classes, rounds = found.starving["classes"][0], found.starving["rounds"][0]
        text += (
            f" (b) The share of runs in which some task has no turn in {rounds} windows after the "
            f"first refresh, on graphs of exactly m = {classes} classes, as the refresh period R "
            f"goes from one step to more than m (dashed)."
        )
    return text
