"""What the measured and the printed times say, in words."""

from __future__ import annotations

import math

import polars as pl

from paper_figures import _table_four as printed
from paper_figures._wallclock_rows import Times
from paper_figures.engine.picture import Answer

__all__ = ["answers", "growths"]


def growths(ours: pl.DataFrame, middle: int, theirs: pl.DataFrame) -> pl.DataFrame:
    """Fit a power law in K to each method's row, here and in the paper, as rows of panel d."""
    rows = []
    for source, frame, period in (("here", ours, middle), ("paper", theirs, 32)):
        chosen = frame.filter(pl.col("refresh_period").is_in([0, period]))
        for method in dict.fromkeys(chosen["method"]):
            part = chosen.filter(pl.col("method") == method).sort("num_tasks")
            if part.height < 2:
                continue
            found = printed.growth(part["num_tasks"].to_list(), part["value"].to_list())
            used = int(part["refresh_period"][0])
            rows.append(("d", source, method, None, used, found.exponent, found.low, found.high))
    return pl.DataFrame(rows, schema=ours.schema, orient="row")


def answers(
    times: Times, ours: pl.DataFrame, middle: int, exponents: pl.DataFrame
) -> tuple[Answer, ...]:
    """Answer what appendix L's study is asked."""
    return (
        Answer(
            "How does the time of a step grow with K and R?", _shape(times, ours, middle, exponents)
        ),
        Answer("Are the rows of the paper's Table 4 independent of one another?", _printed()),
    )


def _exponent(exponents: pl.DataFrame, source: str, method: str) -> str:
    part = exponents.filter(pl.col("source") == source, pl.col("method") == method)
    if not part.height:
        return "not measured"
    value, low, high = (round(x, 2) + 0.0 for x in part.select("value", "low", "high").row(0))
    return (
        f"{value:.2f}"
        if part["low"][0] == part["high"][0]
        else f"{value:.2f} [{low:.2f}, {high:.2f}]"
    )


def _shape(times: Times, ours: pl.DataFrame, middle: int, exponents: pl.DataFrame) -> str:
    sizes = sorted(set(ours["num_tasks"]))
    largest = sizes[-1]
    mine = ours.filter(pl.col("method") == "SON-GOKU", pl.col("num_tasks") == largest)
    mine = mine.sort("refresh_period")
    first, last = mine.row(0, named=True), mine.row(-1, named=True)
    uniform = ours.filter(pl.col("method") == "Uniform", pl.col("num_tasks") == largest)["value"][0]
    change = 100 * (last["value"] / first["value"] - 1.0)
    apart = first["low"] > last["high"] or last["low"] > first["high"]
    theirs = printed.SCHEDULED["SON-GOKU"]
    drop = 100 * (1.0 - theirs[256][3][0] / theirs[4][3][0])
    # Linear in the number of refreshes, steps / R: what is left at none of them.
    share = drop / (1.0 - 4 / 256)
    plain = "; ".join(
        f"{name} {_exponent(exponents, 'here', name)}, paper {_exponent(exponents, 'paper', name)}"
        for name in ("Uniform", "PCGrad", "FairGrad", "Nash-MTL", "MGDA", "SON-GOKU")
    )
    return (
        f"Exponents p of time ~ K^p over K = {', '.join(map(str, sizes))} with 95% intervals "
        f"({times.repeats} repeats a point, R = {middle}): {plain}. At K = {largest} a step of "
        f"SON-GOKU takes {1e3 * first['value']:.3g} ms at R = {first['refresh_period']} and "
        f"{1e3 * last['value']:.3g} ms at R = {last['refresh_period']}, a change of {change:+.0f}% "
        f"({'outside' if apart else 'within'} the intervals) for "
        f"{last['refresh_period'] / first['refresh_period']:.0f} times fewer refreshes; with few "
        "refreshes in a run, more steps run all tasks, before the first one. "
        f"The plain sum of all tasks takes {1e3 * uniform:.3g} ms. In Table 4, 64 times fewer "
        f"refreshes take {drop:.0f}% off at K = 40, and SON-GOKU's time grows like "
        f"K^{_exponent(exponents, 'paper', 'SON-GOKU')}: neither is Θ(K²d/R), which would be a "
        f"factor of 64 and an exponent of 2. If a refresh costs the same at each R, about "
        f"{100 - share:.0f}% of the printed time at R = 4 is not spent in refreshes."
    )


def _welch(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return Welch's t of two printed means of ten runs."""
    error = math.sqrt((one[1] ** 2 + other[1] ** 2) / printed.REPEATS)
    return (one[0] - other[0]) / error


def _printed() -> str:
    fair, famo = printed.multiple("Nash-MTL", "FairGrad"), printed.multiple("FAMO", "AdaTask")
    assert fair is not None
    assert famo is not None
    square = printed.growth(list(printed.SIZES), [mean for mean, _ in printed.PLAIN["FairGrad"]])
    plain, inside = printed.SCHEDULED["SON-GOKU"], printed.SCHEDULED["SON-GOKU + PCGrad"]
    cheaper = sum(
        inside[period][k][0] < plain[period][k][0] for period in printed.PERIODS for k in range(4)
    )
    steepest = _welch(plain[256][3], inside[256][3])
    shares = {name: printed.relative_sd(name) for name in ("FAMO", "FairGrad", "Nash-MTL")}
    fixed = ", ".join(f"{name} {100 * low:.1f}%" for name, (low, _) in shares.items())
    others = [printed.relative_sd(name) for name in printed.PLAIN if name not in shares]
    return (
        "Not as printed. To the last digit FairGrad's row is a "
        "constant times K² "
        f"(exponent {square.exponent:.4f} [{square.low:.4f}, {square.high:.4f}] over the four K), "
        f"Nash-MTL's is {sum(fair) / 2:.4f} times FairGrad's and FAMO's is {sum(famo) / 2:.4f} "
        f"times AdaTask's at every K; their standard deviations are the same share of the mean at "
        f"every K ({fixed}), where those of the other rows vary between "
        f"{100 * min(low for low, _ in others):.1f}% and "
        f"{100 * max(high for _, high in others):.0f}%. Independent timings of ten runs each would "
        "not agree so, at those spreads. Which row of a pair came first, and how, the table does "
        "not say; what section 7.4 concludes from these rows rests on fewer measurements than it "
        f"seems. SON-GOKU + PCGrad is printed as faster than SON-GOKU alone in {cheaper} "
        f"of 12 places, though it does all of its work and more; at R = 256, K = 40 by Welch's "
        f"t = {steepest:.1f} for n = 10 runs each."
    )
