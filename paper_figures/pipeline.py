"""The paper's Figure 1 from a real run: cosines, conflict graph, classes, who trains when."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from paper_figures._pipeline_data import drawn_data, letter, spans
from paper_figures._trace_rows import NEED, Round, TracedRun, aligned_classes, read_run
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import PALETTE, Style

__all__ = ["draw"]

CLASSES = tuple(
    PALETTE[name] for name in ("blue", "orange", "yellow", "green", "purple", "sky", "vermilion")
)
"""Of the classes; the first three, which most runs need, also differ as greys."""
INKS = ("white", "black", "black", "black", "black", "black", "black")
BEFORE, AFTER = 24, 76
"""Steps of the timeline, counted from the chosen refresh."""
MOST_TICKS = 28
MOST_NUMBERS = 10
"""The largest number of tasks for which the matrix has its numbers written in."""


@figure(
    name="pipeline",
    title="From gradients to a schedule, on a real run",
    needs=(NEED,),
    claims=("EMA-8", "EMA-9-R", "COL-4.3a", "COL-4.4a", "COL-4.4b"),
    place=1,
)
def draw(given: FigureInput) -> Picture:
    """Draw one refresh in full, the steps around it, and the classes of all refreshes."""
    style, run = given.style, read_run(given.rows["trace"])
    classes = aligned_classes(run.rounds)
    place = _chosen(run)
    ruled, colors = run.rounds[place], classes[place]
    order = sorted(range(len(run.tasks)), key=lambda task: (colors[task], task))
    start = max(0, ruled.first_step - BEFORE)
    stop = min(len(run.active), ruled.first_step + AFTER)

    rows = len(run.tasks)
    heights = (1.95, 0.55 + 0.15 * rows, 0.62 + 0.15 * rows)
    fig = Figure(figsize=(style.full, sum(heights) * style.scale))
    top, middle, bottom = fig.subfigures(3, 1, height_ratios=heights, squeeze=False).ravel()
    matrix, graph, groups = top.subplots(1, 3, width_ratios=(1.55, 1.15, 1.0))
    _draw_matrix(matrix, ruled, order, run, style)
    _draw_graph(graph, ruled, colors, order, style)
    _draw_classes(groups, colors, order, run, style)
    _draw_timeline(middle.subplots(), run, classes, order, (start, stop), style)
    _draw_rounds(bottom.subplots(), run, classes, order, place, style)
    return Picture(
        figure=fig,
        data=drawn_data(run, classes, place, order, (start, stop)),
        caption=_caption(run, ruled, colors, (start, stop)),
        n=f"1 run of {len(run.active):,} steps with {len(run.rounds) - 1} refreshes",
        interval="none: one run, recorded; nothing is estimated from it",
        keys=(run.key,),
    )


def _chosen(run: TracedRun) -> int:
    """Choose the refresh with the most conflicts, the first of several, among those that rule."""
    ruling = [
        place
        for place, ruled in enumerate(run.rounds)
        if ruled.cosines is not None and ruled.first_step < len(run.active)
    ]
    if not ruling:
        raise MissingRowsError(NEED, "No refresh of the stored run is followed by a step.")
    return max(ruling, key=lambda place: (run.rounds[place].conflicts, -place))


def _color(name: int) -> str:
    return CLASSES[name % len(CLASSES)]


def _ink(name: int) -> str:
    return INKS[name % len(INKS)]


def _draw_matrix(axis: Axes, ruled: Round, order: list[int], run: TracedRun, style: Style) -> None:
    assert ruled.cosines is not None
    assert ruled.edges is not None
    shown = ruled.cosines[np.ix_(order, order)]
    edges = ruled.edges[np.ix_(order, order)]
    masked = np.ma.masked_array(shown, mask=np.eye(len(order), dtype=np.bool_))
    most = max(0.1, np.ceil(float(np.abs(masked).max()) * 10) / 10)
    image = axis.imshow(masked, cmap="RdBu", vmin=-most, vmax=most)
    axis.set_facecolor("#D9D9D9")
    for (row, column), value in np.ndenumerate(shown):
        if len(order) <= MOST_NUMBERS and row != column:
            ink = "white" if abs(value) > 0.7 * most else "black"
            axis.text(
                column,
                row,
                _short(value),
                ha="center",
                va="center",
                color=ink,
                size=style.size * 0.7,
            )
        if edges[row, column]:
            axis.add_patch(
                Rectangle(
                    (column - 0.46, row - 0.46), 0.92, 0.92, fill=False, linestyle="--", linewidth=1
                )
            )
    axis.set_xticks(range(len(order)), [f"T{task + 1}" for task in order])
    axis.set_yticks(range(len(order)), [f"{run.tasks[task]}  T{task + 1}" for task in order])
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.set_anchor("N")
    axis.set_title("(a) cosines of the EMA gradients")
    bar = axis.figure.colorbar(image, ax=axis, shrink=0.8, pad=0.03, ticks=(-most, 0, most))
    bar.ax.annotate(
        "$-\\tau$",
        (1, -ruled.tau),
        xycoords=("axes fraction", "data"),
        xytext=(2, 0),
        textcoords="offset points",
        va="center",
        size=style.small,
    )
    bar.ax.axhline(-ruled.tau, color="black", linewidth=1, linestyle="--")
    bar.outline.set_visible(False)


def _short(value: float) -> str:
    """Write a cosine to two digits in little room: −.21."""
    rounded = round(value, 2) + 0.0  # no negative zero
    return f"{rounded:.2f}".replace("0.", ".", 1).replace("-", "−")


def _draw_graph(
    axis: Axes, ruled: Round, colors: NDArray[np.int64], order: list[int], style: Style
) -> None:
    assert ruled.edges is not None
    angles = np.pi / 2 - 2 * np.pi * np.arange(len(order)) / len(order)
    places = {task: (np.cos(a), np.sin(a)) for task, a in zip(order, angles, strict=True)}
    for one, other in np.argwhere(np.triu(ruled.edges)):
        ends = np.array([places[one], places[other]])
        axis.plot(ends[:, 0], ends[:, 1], color=PALETTE["vermilion"], linestyle="--", zorder=1)
    for task, (x, y) in places.items():
        color = _color(colors[task])
        axis.plot(x, y, "o", markersize=15 * style.scale, color=color, markeredgecolor="black")
        axis.text(x, y, f"T{task + 1}", ha="center", va="center", color=_ink(colors[task]))
    axis.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))
    axis.axis("off")
    axis.set_title("(b) conflict graph")


def _draw_classes(
    axis: Axes, colors: NDArray[np.int64], order: list[int], run: TracedRun, style: Style
) -> None:
    line = 0.0
    names = sorted(set(colors.tolist()))
    for name in names:
        members = [task for task in order if colors[task] == name]
        axis.add_patch(
            Rectangle(
                (0, line + 0.06),
                0.16,
                len(members) - 0.12,
                facecolor=_color(name),
                edgecolor="black",
            )
        )
        axis.text(
            0.08, line + len(members) / 2, letter(name), ha="center", va="center", color=_ink(name)
        )
        for task in members:
            axis.text(0.21, line + 0.5, run.tasks[task], va="center", fontsize=style.small)
            line += 1
        line += 0.35
    axis.set(xlim=(0, 1), ylim=(line, 0))
    axis.axis("off")
    axis.set_title("(c) classes")


def _draw_timeline(
    axis: Axes,
    run: TracedRun,
    classes: tuple[NDArray[np.int64], ...],
    order: list[int],
    window: tuple[int, int],
    style: Style,
) -> None:
    start, stop = window
    for row, task in enumerate(order):
        for place, first, last in spans(run, window):
            steps = [step for step in range(first, last) if run.active[step, task]]
            axis.broken_barh(
                [(step - 0.5, 0.9) for step in steps],
                (row + 0.1, 0.8),
                facecolor=_color(classes[place][task]),
                edgecolor="black",
                linewidth=0.3,
            )
    for ruled in run.rounds[1:]:
        if start <= ruled.first_step < stop:
            axis.axvline(ruled.first_step - 0.5, color="black", linewidth=1)
            axis.annotate(
                "refresh",
                (ruled.first_step - 0.5, 1),
                xycoords=("data", "axes fraction"),
                xytext=(2, 1.5),
                textcoords="offset points",
                fontsize=style.small,
            )
    axis.set(xlim=(start - 0.5, stop - 0.5), ylim=(len(order), 0), xlabel="step")
    axis.set_yticks([row + 0.5 for row in range(len(order))], [run.tasks[task] for task in order])
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=False)
    axis.set_title("(d) who trains when", pad=style.size * 1.5)


def _draw_rounds(
    axis: Axes,
    run: TracedRun,
    classes: tuple[NDArray[np.int64], ...],
    order: list[int],
    chosen: int,
    style: Style,
) -> None:
    values = np.array([[names[task] for names in classes] for task in order])
    most = int(values.max()) + 1
    palette = ListedColormap([_color(name) for name in range(most)])
    axis.imshow(values, cmap=palette, vmin=-0.5, vmax=most - 0.5, aspect="auto")
    for (row, column), name in np.ndenumerate(values):
        if len(run.rounds) <= 40:
            axis.text(
                column,
                row,
                letter(name),
                ha="center",
                va="center_baseline",
                color=_ink(name),
                fontsize=style.size * 0.75,
            )
    outline = Rectangle((chosen - 0.5, -0.5), 1, len(order), fill=False, linewidth=1.6)
    outline.set_clip_on(False)
    axis.add_patch(outline)
    every = -(-len(run.rounds) // MOST_TICKS)
    ticks = range(0, len(run.rounds), every)
    axis.set_xticks(
        ticks, [f"{place}\n{run.rounds[place].conflicts if place else '–'}" for place in ticks]
    )
    axis.set_xticks(np.arange(-0.5, len(run.rounds)), minor=True)
    axis.set_yticks(range(len(order)), [run.tasks[task] for task in order])
    axis.tick_params(length=0, which="both")
    axis.grid(visible=False)
    axis.grid(visible=True, which="minor", axis="x", color="white", linewidth=1)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("refresh (0 is the start), and below it how many pairs are in conflict")
    axis.set_title("(e) classes over the whole run; (a) to (c) show the outlined refresh")


def _caption(
    run: TracedRun, ruled: Round, colors: NDArray[np.int64], window: tuple[int, int]
) -> str:
    params = run.params
    return (
        f"The scheduler on a real training run ({run.data}; {len(run.tasks)} tasks, refresh period "
        f"R = {params['refresh_period']}, β = {params['beta']:g}, seed {params['seed']}). (a) "
        f"Cosines of the tasks' EMA gradients at refresh {ruled.index} (step {ruled.first_step}), "
        f"the one with the most conflicts; the {ruled.conflicts} pairs with a cosine below "
        f"-τ = -{ruled.tau:g} are outlined with dashes. (b) The conflict graph has exactly these "
        f"edges; colours are the classes. (c) The {len(set(colors.tolist()))} classes, none with "
        f"an edge inside. (d) Who trains at steps {window[0]} to {window[1] - 1}: one class at a "
        "time, in turn; a vertical line is a refresh. (e) Classes over all refreshes. A class "
        "keeps its letter from one refresh to the next where it keeps most of its tasks."
    )
