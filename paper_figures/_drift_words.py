"""What the rows of the experiment ``drift`` say: its figure's caption and answers."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl

from paper_figures._drift_rows import (
    Z,
)
from paper_figures.engine.picture import Answer

__all__ = ["answers", "caption", "counted"]


def counted(rows: pl.DataFrame) -> str:
    least, most = int(min(rows["trials"])), int(max(rows["trials"]))
    said = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"{rows['key'].n_unique()} cells of {said} repetitions"


def caption(steady: pl.DataFrame, jump: pl.DataFrame) -> str:
    row = steady.row(0, named=True)
    last = (
        "No cell with a jump is stored."
        if jump.is_empty()
        else "(c) P(graph of the current means recovered) at each refresh; the tasks take over one "
        "another's means after refresh 0. Solid: the average is carried over and still holds the "
        "old means; dashed: it starts anew at each refresh."
    )
    return (
        "Averages of gradients whose means move by D a step. (a) Squared distance of the windowed "
        f"EMA from the mean of the last step, noise energy E = {row['noise_energy']:.3g}, window R "
        f"= {row['window']}: every gradient simulated (marks), E/n_eff + D² lag² (lines, exact). "
        "Stars: the best n_eff for long windows. (b) The n_eff with the least measured error, "
        "the bar reaching to the nearest that surely are worse, and two formulas: the root of "
        f"N²(N - 1) = 2E/D², and (E/D²)^(1/3). {last}"
    )


def answers(
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
        f"{len(drifts)} drifts; (E/D²)^(1/3), smaller by the cube root of 2, lies outside them at "
        f"{short}."
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
        f"{least['n_eff']:.3g}. A window that cuts the average off forgets the oldest gradients "
        "and lags less for the same n_eff; this is computed from the closed form, without interval."
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
