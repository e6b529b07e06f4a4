"""What the rows of the experiment ``phase`` say: its figure's caption and answers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
from scipy.stats import norm

from paper_figures._phase_rows import (
    crossing,
)
from paper_figures.engine.picture import Answer

__all__ = ["answers", "caption", "counted"]


def counted(rows: pl.DataFrame) -> str:
    least, most = int(min(rows["trials"])), int(max(rows["trials"]))
    said = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"{rows['key'].n_unique()} cells, {rows.height:,} rows of {said} draws"


def caption(main: pl.DataFrame, debiased: pl.DataFrame) -> str:
    row = main.row(0, named=True)
    clean = (
        " No cell with the debiased cosine is stored."
        if debiased.is_empty()
        else " (d) The same tasks with both cosines, the debiased one from one window's gradients."
    )
    return (
        "Noise of energy λ = s²d/m₀² shrinks every population cosine C to C/(1 + λ), so an edge at "
        "the margin crosses the threshold at λ = γ/τ (dotted lines). (a) Probability that one edge "
        f"at the margin is found: K = {row['num_tasks']}, τ = {row['tau']:g}, γ = "
        f"{row['gamma']:g}, exact law. (b) Probability that the whole graph is right against the "
        "score z of an edge, for every stored d, τ, γ and K with the plain cosine; lines: Φ(z) to "
        "the power of the number of edges, as if edges were lost independently. (c) The λ at which "
        "edge and graph are found in half of the draws, that predicted by the score, and the "
        f"largest λ at which the dimension-aware bound still promises one half.{clean}"
    )


def _said(place: float | None, low: float | None = None, high: float | None = None) -> str:
    if place is None:
        return "no stored λ"
    if low is None or high is None:
        return f"λ = {place:.4g}"
    return f"λ = {place:.4g} (surely between {low:.4g} and {high:.4g})"


def answers(
    places: pl.DataFrame, collapse: pl.DataFrame, debiased: pl.DataFrame, main: pl.DataFrame
) -> tuple[Answer, ...]:
    dims = sorted(set(places["dim"]))

    def at(line: str, dim: int) -> tuple[float | None, str]:
        part = places.filter(pl.col("line") == line, pl.col("dim") == dim)
        return part["x"][0], _said(part["x"][0], part["low"][0], part["high"][0])

    least, most = min(main["trials"]), max(main["trials"])
    said = []
    for dim in dict.fromkeys((dims[0], dims[len(dims) // 2], dims[-1])):
        said.append(
            f"at d = {dim:,} the edge at {at('edge: half', dim)[1]}, the graph at "
            f"{at('graph: half', dim)[1]} (the score predicts {at('graph: score', dim)[1]}), and "
            f"the dimension-aware bound still promises one half at {at('bound', dim)[1]}"
        )
    beyond = [
        dim
        for dim in dims
        if (bound := at("bound", dim)[0]) and (graph := at("graph: half", dim)[0])
        if bound > graph
    ]
    verdict = (
        f"The bound lies above the measurement at d = {beyond}, which refutes it."
        if beyond
        else "The bound never lies above the measurement, as a bound must not."
    )
    where = (
        f"In units of γ/τ, where an edge at the margin should be found in half of the draws "
        f"({least:,} to {most:,} a point; brackets are neighbouring points whose 95% intervals "
        f"exclude one half): {'; '.join(said)}. {verdict}"
    )
    return (
        Answer("Where is the phase transition in d?", where),
        Answer("Do the curves collapse over sigma, gamma, K and d?", _said_collapse(collapse)),
        Answer("Does the debiased cosine remove the transition?", _said_debiased(debiased)),
    )


def _said_collapse(frame: pl.DataFrame) -> str:
    edges = frame["line"].str.extract(r"(\d+)").cast(pl.Int64).to_numpy()
    predicted = norm.cdf(frame["x"].to_numpy()) ** edges
    gap = frame["value"].to_numpy() - predicted
    telling = (predicted > 0.02) & (predicted < 0.98)
    if not telling.any():
        return "No stored point lies between probabilities 0.02 and 0.98, so nothing can be said."
    sizes = frame["dim"].to_numpy()[telling]
    large = sizes >= np.median(sizes)
    rms, worst = float(np.sqrt((gap[telling] ** 2).mean())), float(np.abs(gap[telling]).max())
    beyond = float(np.sqrt((gap[telling][large] ** 2).mean()))
    side = "above" if gap[telling].mean() > 0 else "below"
    least, most = min(frame["trials"]), max(frame["trials"])
    return (
        f"Over {int(telling.sum())} points between probabilities 0.02 and 0.98 ({least:,} to "
        f"{most:,} draws each) the measured probability differs from Φ(z)^E by {rms:.3f} (root "
        f"mean square; {worst:.3f} at most), and by {beyond:.3f} over the upper half of the "
        f"dimensions; on average it lies {side}. z holds σ, n_eff, d, τ and γ, E is the number of "
        "edges, so one number and E place all curves to that accuracy."
    )


def _said_debiased(frame: pl.DataFrame) -> str:
    if frame.is_empty():
        return "No cell with the debiased cosine is stored, so nothing can be said."
    parts = []
    moved = []
    for dim in sorted(set(frame["dim"])):
        halves = {}
        for cosine in ("plain", "debiased"):
            part = frame.filter(pl.col("dim") == dim, pl.col("line") == cosine).sort("x")
            halves[cosine] = crossing(part["x"].to_list(), part["value"].to_list(), 0.5)
        trials = min(frame.filter(pl.col("dim") == dim)["trials"])
        parts.append(
            f"d = {dim:,}: {_said(halves['plain'])} plain, {_said(halves['debiased'])} debiased "
            f"(at least {trials:,} draws a point)"
        )
        if halves["plain"] and halves["debiased"]:
            moved.append(halves["debiased"] / halves["plain"])
    grows = len(moved) > 1 and all(b > a for a, b in pairwise(moved))
    end = (
        " The gain grows with d: what is left is the fluctuation of the noise, not its energy."
        if grows
        else " In these rows the gain does not grow steadily with d."
    )
    return (
        "The graph is recovered in half of the draws up to these λ over γ/τ: "
        + "; ".join(parts)
        + "."
        + end
    )
