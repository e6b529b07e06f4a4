"""What the rows of ``recovery`` say, question by question."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl

from paper_figures._recovery_collapse import predicted
from paper_figures._recovery_rows import RecoveryPoints
from paper_figures.engine.picture import Answer

__all__ = ["answers"]

FAILURES = (0.5, 0.1, 0.05, 0.01, 0.001)


def answers(
    found: RecoveryPoints,
    rows: pl.DataFrame,
    budgets: pl.DataFrame,
    constants: dict[int, float],
    points: pl.DataFrame,
) -> tuple[Answer, ...]:
    """Answer the issue's questions from the rows."""
    return (
        Answer("How many effective samples does recovery take?", _budget(budgets)),
        Answer("Does the paper's budget hold, with which constant?", _constant(constants)),
        Answer("Do window and beta matter beyond n_eff?", _same_n_eff(found)),
        Answer("Do all settings fall on one curve?", _collapsed(points)),
        Answer("What does a smaller failure probability delta cost?", _smaller_delta(found)),
        Answer("Are the groups easier to find than the graph?", _groups(found)),
        Answer("Does the law of the noise matter?", _noise(rows)),
        Answer("What does stopping early save?", _stopping(rows)),
    )


def _number(value: float | None) -> str:
    return "beyond the sweep" if value is None else f"{value:.3g}"


def _budget(budgets: pl.DataFrame) -> str:
    parts = []
    for dim in sorted(set(budgets["dim"])):
        mine = budgets.filter(pl.col("dim") == dim)
        measured = mine.filter(pl.col("line") == "graph", pl.col("method") == "law")
        if measured.is_empty():
            continue
        sharper = mine.filter(pl.col("line") == "dimension-aware")["n_eff"][0]
        parts.append(
            f"d = {dim:,}: more than {_number(measured['low'][0])} and at most "
            f"{_number(measured['high'][0])}, by the dimension-aware bound {_number(sharper)}"
        )
    if not parts:
        return "No point by the exact law is stored, so nothing can be said."
    shape = budgets.filter(pl.col("line") == "paper, C = 1")["n_eff"][0]
    return (
        "n_eff for P(graph) = 0.95, between the last setting that surely is not enough and the "
        f"first that surely is (95% intervals): {'; '.join(parts)}. The paper's budget at C = 1 "
        f"says {_number(shape)} for every d."
    )


def _constant(constants: dict[int, float]) -> str:
    dims = sorted(constants)
    listed = ", ".join(f"{constants[dim]:.2g} at d = {dim:,}" for dim in dims)
    needed = max(constants.values())
    grows = len(dims) > 1 and all(constants[b] > constants[a] for a, b in pairwise(dims))
    end = (
        " It grows with d in these rows, so no constant taken from small d is safe for large d."
        if grows
        else " It does not grow steadily with d in these rows."
    )
    verdict = "C = 1 is refuted by them" if needed > 1 else "C = 1 is not contradicted by them"
    return (
        "Eq. 35 does not name its constant C. The least C that no measured point contradicts (its "
        f"95% upper limit below the bound) is {listed}; {verdict}.{end}"
    )


def _same_n_eff(found: RecoveryPoints) -> str:
    law = found.points.filter(pl.col("method") == "law").sort("dim", "n_eff")
    pairs = apart = 0
    for dim in sorted(set(law["dim"])):
        mine = law.filter(pl.col("dim") == dim).to_dicts()
        for one, other in pairwise(mine):
            if one["beta"] == other["beta"] or other["n_eff"] > 1.01 * one["n_eff"]:
                continue
            pairs += 1
            apart += one["graph_high"] < other["graph_low"] or (
                other["graph_high"] < one["graph_low"]
            )
    if not pairs:
        return "No two stored points with different beta have n_eff within 1%."
    return (
        f"Of {pairs} pairs of neighbouring points with n_eff within 1% but different beta and "
        f"window, {apart} have 95% intervals that do not meet. For independent noise the law of "
        "the average depends on them through n_eff alone, so any that do differ by chance or by "
        "that 1%."
    )


def _collapsed(points: pl.DataFrame) -> str:
    if points.is_empty():
        return "No point by the exact law of the multipartite model is stored."
    edges, score = points["edges"].to_numpy(), points["score"].to_numpy()
    guess, seen = predicted(score, edges), points["value"].to_numpy()
    telling = (guess > 0.02) & (guess < 0.98)
    if not telling.any():
        return "No stored point lies between probabilities 0.02 and 0.98."
    gap = (seen - guess)[telling]
    rms = float(np.sqrt((gap**2).mean()))
    return (
        f"{'Nearly' if rms < 0.05 else 'Not quite'}. Over {int(telling.sum())} points between "
        f"probabilities 0.02 and 0.98 (K from {min(points['num_tasks'])} to "
        f"{max(points['num_tasks'])}, d from {min(points['dim']):,} to {max(points['dim']):,}, "
        f"several sigma, tau and gamma; {min(points['trials']):,} to {max(points['trials']):,} "
        f"trials each) P(graph) differs from Φ(z)^E by {rms:.3f} (root mean square, "
        f"{float(np.abs(gap).max()):.3f} at most), z the score of one edge at the margin and E the "
        "number of edges."
    )


def _smaller_delta(found: RecoveryPoints) -> str:
    law = found.points.filter(pl.col("method") == "law")
    parts = []
    for dim in sorted(set(law["dim"])):
        mine = law.filter(pl.col("dim") == dim).sort("n_eff")
        reached = []
        for delta in FAILURES:
            sure = mine.filter(pl.col("graph_low") >= 1 - delta)["n_eff"].to_list()
            if sure:
                reached.append(f"{min(sure):.3g} for {delta:g}")
        if reached:
            parts.append(f"d = {dim:,}: {', '.join(reached)}")
    if not parts:
        return "No stored point surely recovers the graph with probability one half."
    return (
        "The least stored n_eff at which the failure probability surely (95%) is at most delta: "
        f"{'; '.join(parts)}. A delta that is missing would need more trials or longer windows."
    )


def _groups(found: RecoveryPoints) -> str:
    law = found.points.filter(pl.col("method") == "law")
    parts = []
    for dim in sorted(set(law["dim"])):
        mine = law.filter(pl.col("dim") == dim)
        ends = [
            min(mine.filter(pl.col(f"{what}_low") >= 0.95)["n_eff"].to_list(), default=None)
            for what in ("partition", "graph")
        ]
        if ends[0] is not None:
            parts.append(f"{_number(ends[0])} against {_number(ends[1])} at d = {dim:,}")
    if not parts:
        return "No stored point surely finds the groups with probability 0.95."
    return (
        "The first stored n_eff that surely (95%) finds the groups with probability 0.95, against "
        f"the whole graph: {'; '.join(parts)}. The colouring forgives missed edges as long as "
        "enough of them are left."
    )


def _noise(rows: pl.DataFrame) -> str:
    direct = rows.filter(pl.col("method") == "direct", pl.col("model") == "multipartite")
    direct = direct.filter(pl.col("cosine") == "plain") if "cosine" in rows.columns else direct
    point = ["dim", "window", "beta", "sigma", "tau", "gamma", "num_groups", "group_size"]
    gauss = rows.filter(
        pl.col("noise") == "gaussian", pl.col("method") == "law", pl.col("model") == "multipartite"
    )
    gauss = gauss.filter(pl.col("cosine") == "plain") if "cosine" in rows.columns else gauss
    parts = []
    for noise in sorted(set(direct["noise"]) - {"gaussian"}):
        mine = direct.filter(pl.col("noise") == noise)
        both = mine.join(gauss.unique(point, keep="first", maintain_order=True), on=point)
        if both.is_empty():
            continue
        higher = (both["graph_lo"] > both["graph_hi_right"]).sum()
        lower = (both["graph_hi"] < both["graph_lo_right"]).sum()
        parts.append(f"{noise}: surely more often at {higher}, less often at {lower} of "
                     f"{both.height}")  # fmt: skip
    if not parts:
        return "Only Gaussian noise is stored."
    return (
        "P(graph) by simulating every gradient, against Gaussian noise of the same sigma and "
        f"n_eff by its law (95% intervals that do not meet): {'; '.join(parts)} settings."
    )


def _stopping(rows: pl.DataFrame) -> str:
    if "stop_width" not in rows.columns or rows.filter(pl.col("stop_width") > 0).is_empty():
        return "No cell that may stop early is stored."
    mine = rows.filter(pl.col("stop_width") > 0)
    done = mine.filter(pl.col("narrow"))
    run, most = (int(mine[name].to_numpy().sum()) for name in ("trials_run", "trials"))
    widest = float((mine["graph_hi"] - mine["graph_lo"]).to_numpy().max())
    return (
        f"{done.height} of {mine.height} cells that may stop did, after "
        f"{min(mine['trials_run']):,} to {max(mine['trials_run']):,} of at most "
        f"{max(mine['trials']):,} trials: {run / most:.1%} of the trials. Their intervals are "
        f"confidence sequences of 95%, which hold whenever a cell stops; the widest is "
        f"{widest:.3f}."
    )
