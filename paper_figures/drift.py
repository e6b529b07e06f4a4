"""What an average tracks while the means move: error against n_eff, the best one, and a jump."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import Answer, FigureInput, Picture
from paper_figures.engine.registry import Need, figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import MARKERS, PALETTE, Style
from songoku_theory.ema import best_n_eff

__all__ = ["draw"]

NEED = Need("drift")
COLORS = tuple(
    PALETTE[name] for name in ("blue", "vermilion", "green", "purple", "orange", "black")
)
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)))
MOST = 4
Z = 1.959963984540054

SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "drift": pl.Float64,
    "beta": pl.Float64,
    "x": pl.Float64,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "trials": pl.Int64,
}


@figure(
    name="drift",
    title="Averaging means that move",
    needs=(NEED,),
    claims=("EXT-5",),
    place=5,
)
def draw(given: FigureInput) -> Picture:
    """Draw the tracking error, the best n_eff, and the refreshes after a jump."""
    style, rows = given.style, given.rows["drift"]
    if rows.is_empty():
        raise MissingRowsError(NEED, "No cell of 'drift' is finished.")
    steady = _steady(rows)
    errors, best, jump = _errors(steady), _best(steady), _jump(rows)
    fig = Figure(figsize=(style.full, 2.5 * style.scale))
    axes = fig.subplots(1, 3)
    _draw_errors(axes[0], errors, best, style)
    _draw_best(axes[1], best, style)
    _draw_jump(axes[2], jump, style)
    return Picture(
        figure=fig,
        data=pl.concat([errors, best, jump]),
        caption=_caption(steady, jump),
        n=_counted(rows),
        interval=(
            "(a) mean ± 1.96 standard errors (95%); (b) between the nearest n_eff whose error surely "
            "is larger than the least (95% intervals apart); (c) exact (Clopper-Pearson) 95%"
        ),
        keys=tuple(sorted(set(rows["key"]))),
        answers=_answers(rows, steady, best, jump),
    )


def _steady(rows: pl.DataFrame) -> pl.DataFrame:
    """Linear drift over one window that is long: the noise energy with the most points."""
    found = rows.filter(
        pl.col("kind") == "linear", pl.col("ema") == "reset", pl.col("refresh") == 1
    )
    if found.is_empty():
        raise MissingRowsError(NEED, "No cell of 'drift' with kind = 'linear' is finished.")
    setting = ["dim", "sigma", "num_groups", "group_size", "window"]
    sizes = (
        found.group_by(*setting)
        .agg(pl.struct("step", "beta").n_unique().alias("points"))
        .sort(["points", *setting], descending=[True, *[False] * len(setting)])
    )
    chosen = sizes.row(0, named=True)
    mine = found.filter(pl.all_horizontal(pl.col(name) == chosen[name] for name in setting))
    first = mine.group_by("step", "beta").agg(pl.col("key").min())  # replicates are not pooled
    return mine.join(first, on=["step", "beta", "key"]).sort("step", "n_eff")


def _spread(values: list[float]) -> list[float]:
    if len(values) <= MOST:
        return values
    places = np.linspace(0, len(values) - 1, MOST).round().astype(int)
    return [values[place] for place in places]


def _errors(steady: pl.DataFrame) -> pl.DataFrame:
    drifts = _spread(sorted(set(steady["step"])))
    shown = steady.filter(pl.col("step").is_in(drifts))
    common = {
        "panel": pl.lit("a"),
        "drift": pl.col("step"),
        "x": pl.col("n_eff"),
    }
    measured = shown.with_columns(
        line=pl.lit("measured"),
        value=pl.col("error"),
        low=pl.col("error") - Z * pl.col("error_se"),
        high=pl.col("error") + Z * pl.col("error_se"),
        **common,
    )
    exact = shown.with_columns(
        line=pl.lit("exact"),
        value=pl.col("predicted"),
        low=pl.lit(None, dtype=pl.Float64),
        high=pl.lit(None, dtype=pl.Float64),
        **common,
    )
    both = [frame.select(*SCHEMA).cast(pl.Schema(SCHEMA)) for frame in (measured, exact)]
    return pl.concat(both)


def _best(steady: pl.DataFrame) -> pl.DataFrame:
    """For each drift the n_eff with the least error, those not surely worse, and two formulas."""
    found: list[dict[str, object]] = []
    for drift in sorted(set(steady["step"])):
        mine = steady.filter(pl.col("step") == drift).sort("n_eff")
        least = int(np.argmin(mine["error"].to_numpy()))
        at_least = mine.row(least, named=True)
        # Cells that differ in beta share their gradients, so these intervals are wide. The error
        # has one minimum, so the best n_eff lies between the nearest that surely are worse.
        worst = at_least["error"] + Z * at_least["error_se"]
        sure = mine.filter(pl.col("error") - Z * pl.col("error_se") > worst)["n_eff"].to_list()
        below = max((n for n in sure if n < at_least["n_eff"]), default=1.0)
        above = min((n for n in sure if n > at_least["n_eff"]), default=None)
        energy = float(at_least["noise_energy"])
        inside = 0 < least < mine.height - 1
        found.append(
            {
                "line": "measured" if inside else "measured, at the grid's end",
                "drift": drift,
                "x": energy / drift**2,
                "value": at_least["n_eff"],
                "low": below,
                "high": above,
                "trials": int(at_least["trials"]),
            }
        )
        for line, factor in (("optimum", None), ("EXT-5", 1.0)):
            value = (
                best_n_eff(energy, drift)
                if factor is None
                else max(1.0, (factor * energy / drift**2) ** (1 / 3))
            )
            found.append({"line": line, "drift": drift, "x": energy / drift**2, "value": value})
    frame = pl.DataFrame(
        found,
        schema={name: kind for name, kind in SCHEMA.items() if name not in ("panel", "beta")},
    )
    return frame.with_columns(
        pl.lit("b").alias("panel"), pl.lit(None, dtype=pl.Float64).alias("beta")
    ).select(*SCHEMA)


def _jump(rows: pl.DataFrame) -> pl.DataFrame:
    """P(graph) at each refresh around a jump, by beta and by what happens at a refresh."""
    found = rows.filter(pl.col("kind") == "jump")
    if found.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    setting = ["window", "windows", "num_groups", "group_size", "dim", "sigma"]
    sizes = found.group_by(*setting).agg(pl.col("beta").n_unique().alias("betas"))
    mean_window = float(np.median(found["window"].to_numpy()))
    chosen = (
        sizes.with_columns((pl.col("window") - mean_window).abs().alias("off"))
        .sort(["betas", "off", *setting], descending=[True, False, *[False] * len(setting)])
        .row(0, named=True)
    )
    mine = found.filter(pl.all_horizontal(pl.col(name) == chosen[name] for name in setting))
    kept = _spread(sorted(set(mine["beta"])))[-3:]
    mine = mine.filter(pl.col("beta").is_in(kept))
    before = chosen["windows"] // 2
    point = ["ema", "beta", "refresh"]
    sums = mine.group_by(*point).agg(pl.col("graph_exact", "trials").sum()).sort(*point)
    ends = [
        clopper_pearson(exact, trials)
        for exact, trials in sums.select("graph_exact", "trials").iter_rows()
    ]
    return (
        sums.with_columns(
            panel=pl.lit("c"),
            line=pl.col("ema"),
            drift=pl.lit(None, dtype=pl.Float64),
            x=(pl.col("refresh") - before).cast(pl.Float64),
            value=pl.col("graph_exact") / pl.col("trials"),
            low=pl.Series([low for low, _ in ends], dtype=pl.Float64),
            high=pl.Series([high for _, high in ends], dtype=pl.Float64),
        )
        .select(*SCHEMA)
        .cast(pl.Schema(SCHEMA))
    )


def _draw_errors(axis: Axes, frame: pl.DataFrame, best: pl.DataFrame, style: Style) -> None:
    for place, drift in enumerate(sorted(set(frame["drift"]))):
        look: dict[str, Any] = {"color": COLORS[place]}
        mine = frame.filter(pl.col("drift") == drift).sort("x")
        exact = mine.filter(pl.col("line") == "exact")
        axis.plot(exact["x"], exact["value"], linestyle=LINES[place], **look)
        seen = mine.filter(pl.col("line") == "measured")
        axis.errorbar(
            seen["x"],
            seen["value"],
            yerr=[seen["value"] - seen["low"], seen["high"] - seen["value"]],
            fmt=MARKERS[place],
            markersize=2.6 * style.scale,
            markerfacecolor="white",
            elinewidth=0.7,
            label=f"{drift:g}",
            **look,
        )
        optimum = best.filter(pl.col("drift") == drift, pl.col("line") == "optimum")["value"][0]
        place_on_line = np.interp(
            math.log(optimum), np.log(exact["x"].to_numpy()), np.log(exact["value"].to_numpy())
        )
        axis.plot(optimum, math.exp(place_on_line), marker="*", markersize=8 * style.scale,
                  markeredgecolor="black", markeredgewidth=0.5, zorder=4, **look)  # fmt: skip
    axis.set(xscale="log", yscale="log", title="(a) steady drift", ylabel="squared error")
    axis.set(xlabel="$n_\\mathrm{eff}$ (samples)")
    axis.legend(title="drift $D$", loc="upper right")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * (high / low) ** 0.45)  # room for the legend


BEST = {
    "optimum": ("black", "-", "$N^2(N-1) = 2E/D^2$"),
    "EXT-5": ("vermilion", "--", "$(E/D^2)^{1/3}$"),
}


def _draw_best(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    for line, (color, dashes, label) in BEST.items():
        part = frame.filter(pl.col("line") == line).sort("x")
        axis.plot(part["x"], part["value"], color=PALETTE[color], linestyle=dashes, label=label)
    seen = frame.filter(pl.col("line").str.starts_with("measured")).sort("x")
    axis.errorbar(
        seen["x"],
        seen["value"],
        yerr=[
            seen["value"] - seen["low"],
            (seen["high"] - seen["value"]).fill_null(0.0),
        ],
        fmt="o",
        color=PALETTE["blue"],
        markersize=3 * style.scale,
        markerfacecolor="white",
        elinewidth=0.8,
        label="measured",
    )
    axis.set(xscale="log", yscale="log", title="(b) the best $n_\\mathrm{eff}$")
    axis.set(xlabel="noise over drift, $E/D^2$", ylabel="$n_\\mathrm{eff}$ (samples)")
    axis.legend(loc="upper left")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * (high / low) ** 0.5)


def _draw_jump(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.axvline(0.5, color="black", linewidth=0.7, linestyle=":")
    for place, beta in enumerate(sorted(set(frame["beta"]))):
        for ema, dashes, face in (("carried", "-", COLORS[place]), ("reset", "--", "white")):
            part = frame.filter(pl.col("beta") == beta, pl.col("line") == ema).sort("x")
            axis.errorbar(
                part["x"],
                part["value"],
                yerr=[part["value"] - part["low"], part["high"] - part["value"]],
                color=COLORS[place],
                linestyle=dashes,
                marker=MARKERS[place],
                markerfacecolor=face,
                markersize=2.8 * style.scale,
                elinewidth=0.6,
                label=f"{beta:g}" if ema == "carried" else None,
            )
    axis.set(title="(c) before and after a jump", xlabel="refreshes since the jump")
    axis.set(ylabel="P(graph recovered)", ylim=(-0.03, 1.03))
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if not frame.is_empty():
        axis.legend(title="$\\beta$", loc="lower left")


def _counted(rows: pl.DataFrame) -> str:
    least, most = int(min(rows["trials"])), int(max(rows["trials"]))
    said = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"{rows['key'].n_unique()} cells of {said} repetitions"


def _caption(steady: pl.DataFrame, jump: pl.DataFrame) -> str:
    row = steady.row(0, named=True)
    last = (
        "No cell with a jump is stored."
        if jump.is_empty()
        else "(c) P(graph of the current means recovered) at each refresh; the tasks take over one "
        "another's means after refresh 0. Solid: the average is carried over and still holds the old "
        "means; dashed: it starts anew at each refresh."
    )
    return (
        "Averages of gradients whose means move by D a step. (a) Squared distance of the windowed "
        f"EMA from the mean of the last step, noise energy E = {row['noise_energy']:.3g}, window R "
        f"= {row['window']}: every gradient simulated (marks), E/n_eff + D² lag² (lines, exact). "
        "Stars: the best n_eff for long windows. (b) The n_eff with the least measured error, "
        "the bar reaching to the nearest that surely are worse, and two formulas: the root of "
        f"N²(N - 1) = 2E/D², and (E/D²)^(1/3). {last}"
    )


def _answers(
    rows: pl.DataFrame, steady: pl.DataFrame, best: pl.DataFrame, jump: pl.DataFrame
) -> tuple[Answer, ...]:
    return (
        Answer("How far is the average from a mean that moves?", _said_exact(rows)),
        Answer("What is the best n_eff under drift?", _said_best(best, steady)),
        Answer("Does the window matter beside n_eff?", _said_window(rows)),
        Answer("What does a carried EMA do after the means change?", _said_jump(rows, jump)),
    )


def _said_exact(rows: pl.DataFrame) -> str:
    known = rows.filter(pl.col("predicted").is_not_null(), pl.col("error_se") > 0)
    scores = ((known["error"] - known["predicted"]) / known["error_se"]).to_numpy()
    inside = int((np.abs(scores) <= Z).sum())
    ratio = (known["error"] / known["predicted"]).to_numpy()
    return (
        f"Of {known.height} measured errors with a closed form (steady drift, walks, jumps; "
        f"{min(known['trials']):,} to {max(known['trials']):,} repetitions each, many of them with "
        f"common gradients) {inside} ({inside / known.height:.0%}) have it in their 95% interval; "
        f"the largest relative difference is {float(np.abs(ratio - 1).max()):.1%}. The error is "
        "E/n_eff for the noise plus the squared lag, exactly."
    )


def _said_best(best: pl.DataFrame, steady: pl.DataFrame) -> str:
    parts, right, short = [], 0, 0
    drifts = sorted(set(best["drift"]))
    for drift in drifts:
        mine = best.filter(pl.col("drift") == drift)
        seen = mine.filter(pl.col("line").str.starts_with("measured")).row(0, named=True)
        exact = mine.filter(pl.col("line") == "optimum")["value"][0]
        stated = mine.filter(pl.col("line") == "EXT-5")["value"][0]
        top = math.inf if seen["high"] is None else seen["high"]
        right += seen["low"] <= exact <= top
        short += not (seen["low"] <= stated <= top)
        parts.append(
            f"D = {drift:g}: least error at n_eff = {seen['value']:.3g} (surely worse at "
            f"{seen['low']:.3g} and {top:.3g}), formula {exact:.3g}, (E/D²)^(1/3) {stated:.3g}"
        )
    count = int(min(steady["trials"]))
    return (
        f"With at least {count:,} repetitions a point: {'; '.join(parts)}. The root of N²(N - 1) = "
        f"2E/D², about (2E/D²)^(1/3), lies between the surely worse ones at {right} of "
        f"{len(drifts)} drifts; (E/D²)^(1/3), smaller by the cube root of 2, lies outside it at {short}."
    )


def _said_window(rows: pl.DataFrame) -> str:
    known = rows.filter(
        pl.col("kind") == "linear", pl.col("ema") == "reset", pl.col("refresh") == 1
    )
    windows = sorted(set(known["window"]))
    if len(windows) < 2:
        return f"Only R = {windows[0]} is stored, so nothing can be said."
    lag = known.with_columns(
        (
            (pl.col("predicted") - pl.col("noise_energy") / pl.col("n_eff")).sqrt() / pl.col("step")
        ).alias("lag"),
        ((pl.col("n_eff") - 1) / 2).alias("long"),
    ).filter(pl.col("n_eff") > 2)
    ratio = lag.with_columns((pl.col("lag") / pl.col("long")).alias("ratio"))
    least = ratio.sort("ratio").row(0, named=True)
    return (
        f"A little. Over R from {windows[0]} to {windows[-1]} ({lag.height} stored settings with "
        "n_eff above 2) the exact lag is between "
        f"{least['ratio']:.3f} and {float(ratio['ratio'].to_numpy().max()):.3f} times "
        f"(n_eff - 1)/2; the least at R = {least['window']}, β = {least['beta']:g}, n_eff = "
        f"{least['n_eff']:.3g}. A window that cuts the average off forgets the oldest gradients and lags less for the "
        "same n_eff; this is computed from the closed form, without interval."
    )


def _said_jump(rows: pl.DataFrame, jump: pl.DataFrame) -> str:
    if jump.is_empty():
        return "No cell with a jump is stored, so nothing can be said."
    parts = []
    for beta in sorted(set(jump["beta"])):
        after = jump.filter(pl.col("beta") == beta, pl.col("x") > 0).sort("x")
        carried, reset = (after.filter(pl.col("line") == name) for name in ("carried", "reset"))
        better = [
            int(x)
            for x, low, high in zip(carried["x"], carried["low"], reset["high"], strict=True)
            if low > high
        ]
        worse = [
            int(x)
            for x, high, low in zip(carried["x"], carried["high"], reset["low"], strict=True)
            if high < low
        ]
        first, last = carried.row(0, named=True), carried.row(-1, named=True)
        once = f"{reset['value'][0]:.2f}"
        said = (
            f"β = {beta:g}: right with probability {first['value']:.2f} ({first['low']:.2f} to "
            f"{first['high']:.2f}) at the first refresh after the jump and {last['value']:.2f} at "
            f"refresh {int(last['x'])}, against {once} at once for the reset one"
        )
        if worse:
            said += f"; surely worse than reset up to refresh {max(worse)}"
        if better:
            said += f"; surely better from refresh {min(better)} on"
        parts.append(said)
    trials = int(min(jump["trials"]))
    shares = rows.filter(pl.col("ema") == "carried", pl.col("old_share") > 0)
    largest = float(shares["old_share"].to_numpy().max()) if shares.height else 0.0
    falls = all(b <= a for a, b in pairwise(sorted(shares["old_share"], reverse=True)))
    end = (
        f" The old means keep the share β^j of the average after j steps (up to {largest:.2f} in "
        "these rows at a refresh); below one half only after ln 2 / -ln β steps."
        if falls and largest
        else ""
    )
    return f"Carried over, it mixes old and new ({trials:,} repetitions). {'; '.join(parts)}.{end}"
