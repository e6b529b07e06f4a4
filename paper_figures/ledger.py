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
PAGE = 8.2
"""The tallest figure that still fits on a page with its caption, in inches."""
SHRINKS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.77)
"""How much smaller the type may get before the lines draw together: no less than 5 points."""
COMPACT_LINE = 0.115
"""Height of a line in a ledger of hundreds of claims, in inches: type of 5 points."""
COMPACT_MARGIN = 0.72
"""Where a family's name stands there, left of its tiles."""
COMPACT_PAGE = 8.6
"""Leaves some lines of a page of 9 inches for a short caption."""


@dataclass(frozen=True, slots=True)
class _Tile:
    claim: Claim
    line: float
    place: int
    repaired: Claim | None = None
    """Drawn at the tile's right end, where space is short."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """Tiles in their places, and how large everything is: lengths in inches, type in points."""

    tiles: list[_Tile]
    scale: float
    size: float
    width: float
    line: float
    height: float
    margin: float = 0.0
    """Left of the tiles; not 0 in the compact form, where the family's names stand there."""


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
    fit = _fitted(ledger, style)
    counts = Counter(claim["verdict"]["kind"] for claim in ledger["claims"])
    fig = Figure(figsize=(style.full, fit.height))
    # Without padding one inch of the axes is one inch of the page.
    fig.set_layout_engine(ConstrainedLayoutEngine(w_pad=0, h_pad=0))
    axis = fig.subplots()
    axis.set(xlim=(0, style.full), ylim=(0.1 * fit.line - fit.height, 0.1 * fit.line))
    axis.axis("off")
    for tile in fit.tiles:
        _draw_tile(axis, tile, fit)
    for name, first in _first_lines(fit.tiles).items():
        y = -(first + 0.42 if fit.margin else first - 0.5) * fit.line
        axis.text(EDGE * fit.scale, y, name, va="center", weight="bold", fontsize=fit.size)
    _draw_legend(axis, counts, style, fit)
    vacuous = sum(claim["vacuous"]["is"] for claim in ledger["claims"])
    said = ", ".join(f"{counts[kind]} {look.label}" for kind, look in LOOKS.items() if counts[kind])
    return Picture(
        figure=fig,
        data=_data(fit.tiles),
        caption=(
            f"The ledger: every claim and its verdict, family by family ({said}). An id that ends "
            "in -R is the repaired form of the claim of the same name"
            + (
                "; the sign at the right end of a tile is its repaired form's. "
                if fit.margin
                else ". "
            )
            + (
                f"A zero with a stroke marks the {vacuous} whose hypotheses can't be met, or "
                "whose bound says nothing, at the settings that the paper uses."
                if vacuous
                else "None was found vacuous at the settings that the paper uses."
            )
        ),
        n=f"{len(ledger['claims'])} claims, profile {ledger['profile']}",
        interval="none here: each SUPPORTED claim states its own",
    )


def _families(ledger: Ledger) -> list[str]:
    return list(dict.fromkeys(claim["family"] for claim in ledger["claims"]))


def _layout(ledger: Ledger, per_line: int) -> list[_Tile]:
    tiles: list[_Tile] = []
    line = 0.0
    for family in _families(ledger):
        members = [claim for claim in ledger["claims"] if claim["family"] == family]
        tiles += [
            _Tile(claim, line + 1 + index // per_line, index % per_line)
            for index, claim in enumerate(members)
        ]
        line = tiles[-1].line + 1
    return tiles


def _first_lines(tiles: list[_Tile]) -> dict[str, float]:
    first: dict[str, float] = {}
    for tile in tiles:
        first.setdefault(tile.claim["family"], tile.line)
    return first


def _fitted(ledger: Ledger, style: Style) -> _Fit:
    """Choose the largest type with which all tiles stand on one page."""
    longest = max(len(claim["id"]) for claim in ledger["claims"])
    for shrink in SHRINKS:
        scale = style.scale * shrink
        least = scale * (STRIPE + LETTER * (3 + longest))
        per_line = max(1, int(style.full / least))
        tiles = _layout(ledger, per_line)
        # The legend takes two lines and some air.
        lines = 1 + max(tile.line for tile in tiles) + 2.7
        height = lines * LINE * scale
        if height <= PAGE:
            break
    else:
        return _compact(ledger, style)
    return _Fit(
        tiles=tiles,
        scale=scale,
        size=style.size * shrink,
        width=style.full / per_line,
        line=min(height, PAGE) / lines,
        height=min(height, PAGE),
    )


def _compact(ledger: Ledger, style: Style) -> _Fit:
    """Lay out hundreds of claims: small lines, families' names beside them, a repaired form in
    the tile of what it repairs, ids without the letters that a family shares."""
    claims = {claim["id"]: claim for claim in ledger["claims"]}
    mains = [
        claim
        for claim in ledger["claims"]
        if claim["repairs"] not in claims or claim["family"] != claims[claim["repairs"]]["family"]
    ]
    longest = max(len(_short(claim)) for claim in mains)
    size = 5.0 * style.scale
    scale = style.scale * size / style.size
    margin = COMPACT_MARGIN * style.scale
    least = style.scale * (2 * STRIPE * 0.6 + LETTER * 0.62 * (3 + longest))
    per_line = max(1, int((style.full - margin) / least))
    tiles: list[_Tile] = []
    line = 0.0
    for family in dict.fromkeys(claim["family"] for claim in mains):
        members = [claim for claim in mains if claim["family"] == family]
        for index, claim in enumerate(members):
            repaired = claims.get(claim["repaired_by"] or "")
            if repaired is not None and repaired["repairs"] != claim["id"]:
                repaired = None
            tiles.append(_Tile(claim, line + index // per_line, index % per_line, repaired))
        line = tiles[-1].line + 1.35
    lines = line + 3.0
    height = min(lines * COMPACT_LINE * style.scale, COMPACT_PAGE * style.scale)
    return _Fit(
        tiles=tiles,
        scale=scale,
        size=size,
        width=(style.full - margin) / per_line,
        line=height / lines,
        height=height,
        margin=margin,
    )


def _short(claim: Claim) -> str:
    """Drop the letters that a family's ids share; an extension keeps its EXT."""
    head, _, tail = claim["id"].partition("-")
    return claim["id"] if head == "EXT" or not tail else tail


def _draw_tile(axis: Axes, tile: _Tile, fit: _Fit) -> None:
    x = fit.margin + EDGE * fit.scale + tile.place * fit.width
    top = -tile.line * fit.line
    width, height = fit.width - 0.06 * fit.scale, 0.84 * fit.line
    box = Rectangle((x, top - height), width, height, facecolor="#F6F6F6", edgecolor="#8A8A8A")
    box.set_linewidth(0.5)
    axis.add_patch(box)
    _draw_sign(axis, LOOKS[tile.claim["verdict"]["kind"]], x, top, fit)
    if tile.repaired is not None:
        right = x + width - STRIPE * fit.scale
        _draw_sign(axis, LOOKS[tile.repaired["verdict"]["kind"]], right, top, fit)
    mark = "  ∅" if tile.claim["vacuous"]["is"] else ""
    axis.text(
        x + (STRIPE + 0.05) * fit.scale,
        top - height / 2,
        (_short(tile.claim) if fit.margin else tile.claim["id"]) + mark,
        va="center",
        fontsize=fit.size * (1.0 if fit.margin else 0.88),
    )


def _draw_sign(axis: Axes, look: VerdictLook, x: float, top: float, fit: _Fit) -> None:
    width, height = STRIPE * fit.scale, 0.84 * fit.line
    stripe = Rectangle(
        (x, top - height), width, height, facecolor=look.color, edgecolor="#8A8A8A", linewidth=0.5
    )
    axis.add_patch(stripe)
    axis.text(
        x + width / 2,
        top - height / 2,
        look.sign,
        ha="center",
        va="center_baseline",
        color=look.ink,
        weight="bold",
        fontsize=fit.size,
    )


def _draw_legend(axis: Axes, counts: Counter[str], style: Style, fit: _Fit) -> None:
    """Name every verdict, with its count, in two lines of four places."""
    size = fit.size * (1.0 if fit.margin else 0.88)
    places, top = 4, -(1.4 + max(tile.line for tile in fit.tiles)) * fit.line
    for index, look in enumerate(LOOKS.values()):
        x = EDGE * fit.scale + (index % places) * style.full / places
        y = top - (index // places) * fit.line
        _draw_sign(axis, look, x, y, fit)
        text = f"{look.label}: {counts[look.kind]}"
        x += (STRIPE + 0.06) * fit.scale
        axis.text(x, y - 0.42 * fit.line, text, va="center", fontsize=size)
    x = EDGE * fit.scale + (len(LOOKS) % places) * style.full / places
    y = top - (len(LOOKS) // places) * fit.line
    axis.text(x, y - 0.42 * fit.line, "∅   vacuous", va="center", fontsize=size)


def _data(tiles: list[_Tile]) -> pl.DataFrame:
    """One row a claim; a repaired form stands where the tile of what it repairs does."""
    drawn = [
        (claim, tile)
        for tile in tiles
        for claim in (tile.claim, *([] if tile.repaired is None else [tile.repaired]))
    ]
    return pl.DataFrame(
        {
            "family": [claim["family"] for claim, _ in drawn],
            "id": [claim["id"] for claim, _ in drawn],
            "verdict": [claim["verdict"]["kind"] for claim, _ in drawn],
            "qualifier": [claim["verdict"]["qualifier"] for claim, _ in drawn],
            "vacuous": [claim["vacuous"]["is"] for claim, _ in drawn],
            "line": [tile.line for _, tile in drawn],
            "place": [tile.place for _, tile in drawn],
        },
        schema_overrides={"qualifier": pl.String, "line": pl.Float64},
    )
