"""The ledger as a picture: every claim with its verdict, on one page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from paper_figures.engine.ledger_file import Claim, Ledger
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import LEDGER, figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import Style
from paper_figures.engine.verdict_looks import LOOKS, VerdictLook

__all__ = ["draw"]

LINE = 0.24
"""Height of a line of tiles, in inches at a paper's type size."""
STRIPE = 0.2
EDGE = 0.04
LETTER = 0.06
"""Room for one character of an id."""
PAGE = 9.0
"""The tallest figure that still fits on a page under its caption, in inches."""


@dataclass(frozen=True, slots=True)
class _Tile:
    claim: Claim
    line: int
    place: int


@figure(
    name="ledger",
    title="Every claim and its verdict",
    needs=("ledger",),
    place=4,
)
def draw(given: FigureInput) -> Picture:
    """Draw one tile a claim, family by family."""
    ledger, style = given.ledger, given.style
    if ledger is None or not ledger["claims"]:
        raise MissingRowsError(LEDGER, "The ledger holds no claim.")
    least = STRIPE + LETTER * (3 + max(len(claim["id"]) for claim in ledger["claims"]))
    per_line = max(1, int(style.full / (least * style.scale)))
    tiles, width = _layout(ledger, per_line), style.full / per_line
    counts = Counter(claim["verdict"]["kind"] for claim in ledger["claims"])
    lines = 1 + max(tile.line for tile in tiles)
    height = lines + 2.7  # the legend takes two lines and some air
    line = min(LINE * style.scale, PAGE / height)
    fig = Figure(figsize=(style.full, height * line))
    # Without padding one inch of the axes is one inch of the page.
    fig.set_layout_engine(ConstrainedLayoutEngine(w_pad=0, h_pad=0))
    axis = fig.subplots()
    axis.set(xlim=(0, style.full), ylim=((0.1 - height) * line, 0.1 * line))
    axis.axis("off")
    for tile in tiles:
        x = EDGE * style.scale + tile.place * width
        _draw_tile(axis, tile, x, -tile.line * line, width, line, style)
    for name, first in _first_lines(tiles).items():
        y = -(first - 0.5) * line
        axis.text(EDGE * style.scale, y, name, va="center", weight="bold")
    _draw_legend(axis, counts, -(lines + 0.4) * line, line, style)
    vacuous = sum(claim["vacuous"]["is"] for claim in ledger["claims"])
    said = ", ".join(f"{counts[kind]} {look.label}" for kind, look in LOOKS.items() if counts[kind])
    return Picture(
        figure=fig,
        data=_data(tiles),
        caption=(
            f"The ledger: every claim and its verdict, family by family ({said}). An id that ends "
            "in -R is the repaired form of the claim of the same name. "
            + (
                f"A zero with a stroke marks the {vacuous} whose hypotheses can't be met, or "
                "whose bound says nothing, at the settings that the paper uses."
                if vacuous
                else "None was found vacuous at the settings that the paper uses."
            )
        ),
        n=f"{len(tiles)} claims, profile {ledger['profile']}",
        interval="none here: each SUPPORTED claim states its own",
    )


def _families(ledger: Ledger) -> list[str]:
    return list(dict.fromkeys(claim["family"] for claim in ledger["claims"]))


def _layout(ledger: Ledger, per_line: int) -> list[_Tile]:
    tiles: list[_Tile] = []
    line = 0
    for family in _families(ledger):
        members = [claim for claim in ledger["claims"] if claim["family"] == family]
        tiles += [
            _Tile(claim, line + 1 + index // per_line, index % per_line)
            for index, claim in enumerate(members)
        ]
        line = tiles[-1].line + 1
    return tiles


def _first_lines(tiles: list[_Tile]) -> dict[str, int]:
    first: dict[str, int] = {}
    for tile in tiles:
        first.setdefault(tile.claim["family"], tile.line)
    return first


def _draw_tile(
    axis: Axes, tile: _Tile, x: float, top: float, width: float, line: float, style: Style
) -> None:
    look = LOOKS[tile.claim["verdict"]["kind"]]
    height, gap = 0.84 * line, 0.06 * style.scale
    box = Rectangle(
        (x, top - height), width - gap, height, facecolor="#F6F6F6", edgecolor="#8A8A8A", lw=0.5
    )
    axis.add_patch(box)
    _draw_sign(axis, look, x, top, height, style)
    mark = "  ∅" if tile.claim["vacuous"]["is"] else ""
    axis.text(
        x + (STRIPE + 0.05) * style.scale,
        top - height / 2,
        tile.claim["id"] + mark,
        va="center",
        fontsize=style.small,
    )


def _draw_sign(
    axis: Axes, look: VerdictLook, x: float, top: float, height: float, style: Style
) -> None:
    stripe = Rectangle(
        (x, top - height), STRIPE * style.scale, height, facecolor=look.color, edgecolor="#8A8A8A"
    )
    stripe.set_linewidth(0.5)
    axis.add_patch(stripe)
    axis.text(
        x + STRIPE * style.scale / 2,
        top - height / 2,
        look.sign,
        ha="center",
        va="center_baseline",
        color=look.ink,
        weight="bold",
    )


def _draw_legend(axis: Axes, counts: Counter[str], top: float, line: float, style: Style) -> None:
    """Name every verdict, with its count, in two lines of four places."""
    places = 4
    for index, look in enumerate(LOOKS.values()):
        x = EDGE * style.scale + (index % places) * style.full / places
        y = top - (index // places) * line
        _draw_sign(axis, look, x, y, 0.84 * line, style)
        text = f"{look.label}: {counts[look.kind]}"
        axis.text(
            x + (STRIPE + 0.06) * style.scale,
            y - 0.42 * line,
            text,
            va="center",
            fontsize=style.small,
        )
    x = EDGE * style.scale + (len(LOOKS) % places) * style.full / places
    y = top - (len(LOOKS) // places) * line
    axis.text(
        x + 0.04 * style.scale, y - 0.42 * line, "∅   vacuous", va="center", fontsize=style.small
    )


def _data(tiles: list[_Tile]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "family": [tile.claim["family"] for tile in tiles],
            "id": [tile.claim["id"] for tile in tiles],
            "verdict": [tile.claim["verdict"]["kind"] for tile in tiles],
            "qualifier": [tile.claim["verdict"]["qualifier"] for tile in tiles],
            "vacuous": [tile.claim["vacuous"]["is"] for tile in tiles],
            "line": [tile.line for tile in tiles],
            "place": [tile.place for tile in tiles],
        },
        schema_overrides={"qualifier": pl.String},
    )
