"""What the rows of ``staleness`` say, in words."""

from __future__ import annotations

import polars as pl

from paper_figures._staleness_rows import StalenessPoints
from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import Answer

__all__ = ["answers"]


def answers(found: StalenessPoints) -> tuple[Answer, ...]:
    """Answer what appendix G and section 5.5 are asked."""
    said = [
        Answer("Do the proved bounds on gaps hold, and are they reached?", _bounds(found)),
        Answer("Is Delta + 1 a bound for a whole run, as section 5.5 is read?", _delta(found)),
    ]
    if found.starving.height:
        said.append(Answer("Can a task starve?", _starving(found)))
    return tuple(said)


def share(count: int, runs: int) -> str:
    """Say a share of runs with its exact interval."""
    low, high = clopper_pearson(count, runs)
    value = f"{100 * count / runs:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{count:,} of {runs:,} runs ({value})"


def _bounds(found: StalenessPoints) -> str:
    broken, runs = int(found.everything["over_bound"].sum()), int(found.everything["count"].sum())
    gaps = found.gaps.group_by("policy", "kind").agg(
        pl.col("count", "at_bound").sum(), pl.col("gap").max()
    )
    kept = (
        "No gap is longer than the bound proved for it"
        if broken == 0
        else f"{broken:,} gaps are longer than the bound proved for them, so a proof or the code "
        f"is wrong"
    )
    parts = []
    for policy in ("cycle", "oldest_first"):
        for kind in ("within", "across"):
            mine = gaps.filter(pl.col("policy") == policy, pl.col("kind") == kind)
            if mine.height:
                row = mine.row(0, named=True)
                parts.append(
                    f"{policy.replace('_', ' ')} {kind} "
                    f"{'a window' if kind == 'within' else 'refreshes'}: "
                    f"{100 * row['at_bound'] / row['count']:.1f}% of {row['count']:,} gaps equal "
                    f"their own bound, the longest is {row['gap']} steps"
                )
    return (
        f"{kept} (n = {runs:,} runs of all stored policies, sequences and refresh periods; every "
        f"gap is compared with the bound of its own task and windows). At the drawn setting, all "
        f"sequences together: {'; '.join(parts)}. A share above zero means that the bound can't "
        f"be lowered for that kind."
    )


def _delta(found: StalenessPoints) -> str:
    cycle = found.everything.filter(
        pl.col("policy") == "cycle",
        pl.col("phase") == "global",
        pl.col("short_window") == "truncate",
        pl.col("classes_max") <= pl.col("refresh_period"),
    )
    if cycle.is_empty():
        return "No row of the paper's cycle with R >= m is stored."
    said = []
    for sequence in ("static", "drifting", "redrawn", "adversarial"):
        mine = cycle.filter(pl.col("sequence") == sequence)
        if mine.height:
            count, runs = int(mine["over_delta_runs"].sum()), int(mine["count"].sum())
            said.append(f"{sequence} graphs: {share(count, runs)}")
    changing = cycle.filter(pl.col("sequence") != "static")
    broken = int(changing["over_delta_runs"].sum()) > 0
    verdict = (
        "No: with R >= m, every class reached in every window, a refresh can still part two turns "
        "by more than the largest Delta + 1 that the gap touches"
        if broken
        else "No gap above it occurred in these rows; the ledger has runs where one does "
        "(COL-P8-RUN)"
    )
    return (
        f"{verdict}. Runs of the paper's cycle (eq. 11, R >= m, all stored graphs) with such a "
        f"gap, exact 95% intervals: {'; '.join(said)}. What holds across a refresh is "
        f"m_old + m_new - 1."
    )


def _starving(found: StalenessPoints) -> str:
    points = found.starving
    classes, rounds = int(points["classes"][0]), int(points["rounds"][0])
    short = points.filter(pl.col("refresh_period") < classes)
    parts = []
    for line in dict.fromkeys(points["line"]):
        mine = short.filter(pl.col("line") == line)
        if mine.height:
            worst = mine.sort("share", descending=True).row(0, named=True)
            parts.append(
                f"{line}: at worst {share(worst['starved'], worst['runs'])} at R = "
                f"{worst['refresh_period']}"
            )
    long = points.filter(pl.col("refresh_period") >= classes)
    rest = ""
    if long.height:
        # No interval: the lines share their random graphs.
        starved, runs = int(long["starved"].sum()), int(long["runs"].sum())
        rest = f" With R >= m some task starved in {starved} of {runs:,} runs, all lines together."
    slots = short.filter(pl.col("line").str.starts_with("eq. 11"))
    missed = ""
    if slots.height:
        off = max(
            abs(share_ - (1 - period / classes))
            for share_, period in slots.select("missed", "refresh_period").iter_rows()
        )
        missed = (
            f" Under eq. 11 a window of R < m steps leaves out m - R classes, so a task misses a "
            f"share 1 - R/m of the windows; measured, the share differs from that by at most "
            f"{off:.2g}."
        )
    anyone = short.filter(pl.col("line").str.starts_with("eq. 11"), pl.col("starved") > 0)
    verdict = (
        "Yes, when R < m and the graph changes"
        if anyone.height
        else "Not in these rows under eq. 11"
    )
    return (
        f"{verdict}. Share of runs in which some task has no turn in {rounds} windows, m = "
        f"{classes}, exact 95% intervals: {'; '.join(parts)}.{rest}{missed}"
    )
