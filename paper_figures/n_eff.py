"""How many samples an EMA is worth: eq. 19 against window and beta, and what a target costs."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.style import PALETTE, Style
from songoku_theory.ema import n_eff, n_eff_limit, plan_window

__all__ = ["draw"]

BETAS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
WINDOWS = (4, 16, 64, 256)
TARGETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
FIXED_BETAS = (0.5, 0.9, 0.99)
DEAREST = 3.0
"""The largest cost drawn in (c), in steps a sample."""
LONGEST = 1024
"""The longest window on the axes, in steps."""

LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)))
COLORS = tuple(PALETTE[name] for name in ("blue", "vermilion", "green", "purple", "orange", "sky"))
LOOKS = dict(zip(BETAS, zip(COLORS, LINES, strict=True), strict=True))
"""Colour and line of each beta, the same in (a) and (c)."""

N_EFF = "$n_\\mathrm{eff}$ (samples)"
SCHEMA = {
    "panel": pl.String,
    "line": pl.String,
    "window": pl.Int64,
    "beta": pl.Float64,
    "n_eff": pl.Float64,
}


@figure(
    name="n_eff",
    title="What an EMA is worth, and what a target costs",
    claims=("EMA-19", "EMA-19-LIMIT", "EMA-C2-SAT", "EXT-2-NEEDS", "EXT-2-REACHES"),
    place=3,
)
def draw(given: FigureInput) -> Picture:
    """Draw n_eff against the window, against beta, and the window that a target needs."""
    style = given.style
    frames = {"window": _against_window(), "beta": _against_beta(), "cost": _cost()}
    fig = Figure(figsize=(style.full, 2.3 * style.scale))
    axes = fig.subplots(1, 3)
    _draw_window(axes[0], frames["window"], style)
    _draw_beta(axes[1], frames["beta"], style)
    _draw_cost(axes[2], frames["cost"], style)
    return Picture(
        figure=fig,
        data=pl.concat(frames.values()),
        caption=(
            "Effective sample size n_eff of the windowed EMA (eq. 19). (a) Against the window R: "
            "each β saturates at (1 + β)/(1 - β), the triangle at the right edge, however long "
            "the window is. (b) Against β, on a scale of 1 - β: each window saturates at R, so "
            "n_eff = N needs both R >= N and β >= (N - 1)/(N + 1). (c) Steps of window a sample "
            "that a target N costs: at a fixed β the cost runs off to infinity where the limit is "
            "reached (β = 0.9 can't exceed 19); β = (2N - 1)/(2N + 1) reaches every N for about "
            "ln 3 = 1.1 steps a sample (dotted line); no choice does for less than 1."
        ),
        n=f"{sum(frame.height for frame in frames.values())} evaluations of the closed form",
        interval="none: nothing is random",
    )


def _frame(panel: str, line: str, window: list[int], beta: list[float]) -> pl.DataFrame:
    values = np.asarray(n_eff(np.asarray(window), np.asarray(beta)), dtype=np.float64)
    return pl.DataFrame(
        {
            "panel": [panel] * len(window),
            "line": [line] * len(window),
            "window": window,
            "beta": beta,
            "n_eff": values,
        },
        schema=SCHEMA,
    )


def _against_window() -> pl.DataFrame:
    windows = sorted({round(2 ** (step / 4)) for step in range(4 * 10 + 1)})
    return pl.concat(_frame("a", f"β = {beta:g}", windows, [beta] * len(windows)) for beta in BETAS)


def _against_beta() -> pl.DataFrame:
    betas = [1.0 - 10 ** (-step / 16) for step in range(16 * 3 + 1)]
    return pl.concat(
        _frame("b", f"R = {window}", [window] * len(betas), betas) for window in WINDOWS
    )


def _cost() -> pl.DataFrame:
    plans = [plan_window(target) for target in TARGETS]
    lines = [
        _frame("c", "planned", [plan.window for plan in plans], [plan.beta for plan in plans]),
    ]
    for beta in FIXED_BETAS:
        windows = [round(2 ** (step / 8)) for step in range(8 * 10 + 1)]
        affordable = sorted({window for window in windows if _cost_of(window, beta) <= DEAREST})
        lines.append(_frame("c", f"β = {beta:g}", affordable, [beta] * len(affordable)))
    return pl.concat(lines)


def _cost_of(window: int, beta: float) -> float:
    return window / float(n_eff(window, beta))


def _draw_window(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.plot([1, LONGEST], [1, LONGEST], color="black", linewidth=0.6, linestyle="-")
    axis.annotate(
        "$n_\\mathrm{eff} = R$",
        (36, 56),
        fontsize=style.small,
        rotation=45,
        ha="center",
        rotation_mode="anchor",
    )
    for beta, (color, line) in LOOKS.items():
        part = frame.filter(pl.col("beta") == beta)
        axis.plot(part["window"], part["n_eff"], color=color, linestyle=line)
        edge = (LONGEST, n_eff_limit(beta))
        axis.plot(*edge, marker="<", color=color, clip_on=False, zorder=3)
        _label(axis, f"{beta:g}", edge, style)
    _label(axis, "$\\beta$", (LONGEST, 420), style)
    axis.set(xscale="log", yscale="log", xlim=(1, LONGEST), ylim=(0.8, LONGEST))
    axis.set(
        xticks=(1, 10, 100, 1000),
        xlabel="window $R$ (steps)",
        ylabel=N_EFF,
        title="(a) the window saturates",
    )


def _draw_beta(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    for window, color, line in zip(WINDOWS, COLORS, LINES, strict=False):
        part = frame.filter(pl.col("window") == window)
        axis.plot(1 - part["beta"], part["n_eff"], color=color, linestyle=line)
        edge = (1e-3, window)
        axis.plot(*edge, marker="<", color=color, clip_on=False, zorder=3)
        _label(axis, f"{window}", edge, style)
    _label(axis, "$R$", (1e-3, 540), style)
    axis.set(xscale="log", yscale="log", xlim=(1, 1e-3), ylim=(0.8, LONGEST))
    axis.set(
        xticks=(1, 0.1, 0.01, 1e-3), xlabel="$1 - \\beta$", ylabel=N_EFF, title="(b) so does β"
    )


def _label(axis: Axes, text: str, edge: tuple[float, float], style: Style) -> None:
    """Name a line at its right end, where neither colour nor legend is needed."""
    axis.annotate(
        text,
        edge,
        xytext=(style.small * 0.7, 0),
        textcoords="offset points",
        fontsize=style.small,
        verticalalignment="center",
        annotation_clip=False,
    )


def _draw_cost(axis: Axes, frame: pl.DataFrame, style: Style) -> None:
    axis.axhline(1, color="black", linewidth=0.6, linestyle="-")
    axis.axhline(math.log(3), color="black", linewidth=0.6, linestyle=":")
    for beta in FIXED_BETAS:
        part = frame.filter(pl.col("line") == f"β = {beta:g}")
        color, line = LOOKS[beta]
        cost = part["window"] / part["n_eff"]
        axis.plot(part["n_eff"], cost, color=color, linestyle=line)
        axis.annotate(
            f"$\\beta = {beta:g}$",
            (part["n_eff"][-1], 2.3),
            xytext=(-3, 0),
            textcoords="offset points",
            fontsize=style.small,
            rotation=90,
            ha="right",
            va="center",
        )
    part = frame.filter(pl.col("line") == "planned")
    cost = part["window"] / part["n_eff"]
    axis.plot(part["n_eff"], cost, color="black", linestyle="-", marker="o")
    axis.annotate("dots: planned β", (1.4, 0.76), fontsize=style.small)
    _label(axis, "ln 3", (400, math.log(3)), style)
    axis.set(xscale="log", xlim=(1, 400), ylim=(0.7, DEAREST), yticks=(1, 1.5, 2, 2.5, 3))
    axis.set(xlabel="target $N$ (samples)", ylabel="steps a sample, $R/N$")
    axis.set(title="(c) what $N$ costs")
