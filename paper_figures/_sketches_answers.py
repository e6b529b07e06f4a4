"""What the rows of ``sketches`` say, in words."""

from __future__ import annotations

import polars as pl

from paper_figures._sketches_rows import SketchPoints, share
from paper_figures.engine.picture import Answer
from songoku_theory.bounds.complexity import (
    frequent_directions_break_even,
    projection_break_even,
)
from songoku_theory.sketch import sketch_size

__all__ = ["answers"]

RELIABLE = 0.95


def answers(found: SketchPoints) -> tuple[Answer, ...]:
    """Answer what appendix D.5 is asked, from the families that are stored."""
    said = [Answer("Do sketches of the gradients make a refresh cheaper?", _cheaper(found))]
    if "projection" in found.problems:
        said.append(Answer("How large must a random projection be?", _projection(found)))
    if "directions" in found.problems:
        said.append(Answer("Does Frequent Directions preserve the graph?", _directions(found)))
    if "moving" in found.problems:
        said.append(Answer("Does an incremental Gram matrix drift?", _moving(found)))
    return tuple(said)


def _percent(count: int, trials: int) -> str:
    value, low, high = share(count, trials)
    return f"{100 * value:.1f}% [{100 * low:.1f}, {100 * high:.1f}] of {trials} trials"


def _cheaper(found: SketchPoints) -> str:
    """Name the cheapest setting of each method that keeps the classes."""
    kept = found.points.filter(
        pl.col("family") != "moving", pl.col("colors_same") >= RELIABLE * pl.col("trials")
    ).sort("cost")
    said = []
    for method in dict.fromkeys(found.points.filter(pl.col("family") != "moving")["method"]):
        mine = kept.filter(pl.col("method") == method)
        name = str(method).replace("_", " ")
        if mine.is_empty():
            said.append(f"{name}: at no stored setting")
            continue
        best = mine.row(0, named=True)
        said.append(
            f"{name}: {best['cost']:.2f}x ({_percent(best['colors_same'], best['trials'])})"
        )
    cheaper = kept.filter(pl.col("cost") < 1)["method"].unique().sort().to_list()
    named = ", ".join(str(m).replace("_", " ") for m in cheaper) if cheaper else "none"
    return (
        "Multiply-adds over those of the exact Gram matrix, at the cheapest stored setting that "
        f"gives the exact graph's Welsh-Powell classes in at least {100 * RELIABLE:.0f}% of the "
        f"trials: {'; '.join(said)}. Cheaper than exact: {named}. Counts are of operations; "
        "measured "
        "seconds are in the figure of wall-clock times and its rows."
    )


def _projection(found: SketchPoints) -> str:
    rows = found.points.filter(pl.col("method") == "gaussian").sort("size")
    if rows.is_empty():
        return "No row of the Gaussian projection is stored."
    problem = found.problems["projection"]
    count = int(rows["num_tasks"][0])
    gamma = float(str(problem["gamma"]))
    asked = sketch_size(gamma, count, 0.05)
    enough = rows.filter(pl.col("graph_same") >= RELIABLE * pl.col("trials"))
    reached = "at no stored size"
    if enough.height:
        first = enough.row(0, named=True)
        reached = f"from r = {first['size']} ({_percent(first['graph_same'], first['trials'])})"
    # Where flips are rare they come in bunches, and Student's t is no guide.
    often = rows.filter(pl.col("flips") >= 1)
    inside = often.filter(
        (pl.col("flips_lo") <= pl.col("expected_flips"))
        & (pl.col("expected_flips") <= pl.col("flips_hi"))
    ).height
    dim = int(str(problem["dim"]))
    return (
        f"With K = {count} the union bound behind 'r = Θ(ε⁻² log K)' asks for r = {asked:,} at "
        f"ε = γ = {gamma:g} and 95%; measured, the whole graph is the exact one in at least "
        f"{100 * RELIABLE:.0f}% of the trials {reached}. The exact law of a projected cosine gives "
        "the expected number of flipped edges: it lies in the 95% interval of the measured mean "
        "at "
        f"{inside} of the {often.height} sizes with an edge flipped a trial or more. A dense "
        "projection takes fewer multiply-adds than the "
        f"exact Gram matrix only for r <= {projection_break_even(count, dim)} (below (K + 1)/2, "
        "whatever d is), far below either size; a sparse one costs K d whatever r is."
    )


def _directions(found: SketchPoints) -> str:
    rows = found.points.filter(pl.col("method") == "fd_rows").sort("size")
    if rows.is_empty():
        return "No row of Frequent Directions on rows is stored."
    count = int(rows["num_tasks"][0])
    below = rows.filter(pl.col("size") < count)
    vacuous = below.filter(pl.col("paper_bound") >= 2).height
    ours = below.filter(pl.col("bound") >= 2).height
    same = below.filter(pl.col("graph_same") == pl.col("trials"))
    held = f"from l = {min(same['size'].to_list())}" if same.height else "at no stored l below K"
    worst = max(below["max_error_max"].to_list(), default=0.0)
    even = frequent_directions_break_even(count)
    broken = int(rows["bound_broken"].sum())
    return (
        f"Measured, yes, {held} of K = {count} on every trial (n = {rows['trials'][0]} a size), "
        f"with cosines off by up to {worst:.2f}. The guarantee does not say so: eq. 75 is at "
        "least 2K/l "
        f"at its best ε = 1/l, so above 2 for every l < K: vacuous at {vacuous} of the "
        f"{below.height} "
        f"stored sizes below K, and the sharper bound with the tail's energy at {ours}. That bound "
        f"was broken in {broken} trials. With l >= K the sketch is exact and holds as much as the "
        f"gradients; it takes fewer multiply-adds than the exact Gram matrix only for l <= {even}."
    )


def _moving(found: SketchPoints) -> str:
    said = []
    for method, name in (
        ("incremental", "compared with the stored row"),
        ("incremental_paper", "compared with the last refresh, as the paper has it"),
    ):
        rows = found.points.filter(pl.col("method") == method).sort("threshold")
        if rows.is_empty():
            continue
        broken = "bound_broken" if method == "incremental" else "paper_bound_broken"
        over = rows.filter(pl.col(broken) > 0)
        trials = int(rows["trials"].sum())
        count = int(rows[broken].sum())
        last = rows.row(-1, named=True)
        low = over["threshold"].to_list()
        where = f" (at η = {', '.join(f'{x:g}' for x in low)})" if low else ""
        said.append(
            f"{name}: some cosine is off by more than 2η in {_percent(count, trials)}{where}; at "
            f"η = {last['threshold']:g} {100 * last['recomputed']:.0f}% of the rows are recomputed "
            f"at a refresh, the largest error is {last['max_error_max']:.2f} and the graph is "
            f"right at every refresh in {_percent(last['graph_same'], last['trials'])}"
        )
    problem = found.problems["moving"]
    return (
        f"With means that turn by {problem['drift']:g} rad a refresh over "
        f"{problem['refreshes']} refreshes, rows {'; '.join(said)}. Each row of an EMA moves at "
        "each "
        "refresh, so 'only a small subset has meaningfully changed' is a matter of η alone, and "
        "seeing which rows moved takes K d operations and a second copy of all rows."
    )
