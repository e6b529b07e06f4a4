"""Nothing is clipped, nothing overlaps, nothing is too small: measured, at every page's width."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from matplotlib.figure import Figure, SubFigure
from matplotlib.transforms import Bbox

from paper_figures.engine.ledger_file import Ledger
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import get_figure
from paper_figures.engine.style import PALETTE, STYLES, applied

Drawn = list[tuple[str, float, Bbox]]


@pytest.fixture(params=sorted(STYLES))
def style_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("name", ["pipeline", "recovery", "n_eff", "ledger"])
def test_no_label_is_clipped_or_covered(
    name: str,
    style_name: str,
    rows: dict[str, pl.DataFrame],
    ledger: Ledger,
    check_layout: Callable[[Figure, str], None],
) -> None:
    style = STYLES[style_name]
    with applied(style):
        fig = get_figure(name).draw(FigureInput(rows, ledger, style)).figure
    check_layout(fig, style_name)


@pytest.mark.parametrize("count", [1, 60, 200])
def test_any_ledger_fits_one_page(
    count: int, ledger: Ledger, check_layout: Callable[[Figure, str], None]
) -> None:
    model = ledger["claims"][0]
    ledger["claims"] = [{**model, "id": f"EMA-19-MONO-{n}"} for n in range(count)]
    style = STYLES["neurips"]
    with applied(style):
        fig = get_figure("ledger").draw(FigureInput({}, ledger, style)).figure
    assert fig.get_figheight() <= 8.2
    check_layout(fig, "neurips")


def test_a_figure_is_as_wide_as_its_page(rows: dict[str, pl.DataFrame], ledger: Ledger) -> None:
    for style in STYLES.values():
        with applied(style):
            for name in ("pipeline", "recovery", "n_eff", "ledger"):
                picture = get_figure(name).draw(FigureInput(rows, ledger, style))
                assert picture.figure.get_figwidth() in (style.full, style.column)
                assert picture.figure.get_figheight() <= 1.05 * style.full


def _luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_ink_on_a_verdicts_colour_is_readable() -> None:
    """Contrast of at least 4.5, as WCAG asks of text."""
    from paper_figures.engine.verdict_looks import LOOKS

    for look in LOOKS.values():
        lighter, darker = sorted((_luminance(look.color), _luminance(look.ink)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, look.kind
    assert len({look.sign for look in LOOKS.values()}) == len(LOOKS)


def test_curves_differ_without_colour() -> None:
    from paper_figures.n_eff import LOOKS as N_EFF
    from paper_figures.recovery import LINES

    dashes = [(dash, width) for _, dash, width in LINES.values()]
    assert len(set(dashes)) == len(dashes)
    assert len({str(dash) for _, dash in N_EFF.values()}) == len(N_EFF)
    assert len(set(PALETTE.values())) == len(PALETTE)


def test_subfigures_are_searched_too(texts_of: Callable[[Figure], Drawn]) -> None:
    """The measuring above would pass for nothing if it looked only at the outer figure."""
    fig = Figure()
    inner = fig.subfigures(1, 2, squeeze=False).ravel()[0]
    assert isinstance(inner, SubFigure)
    inner.subplots().set_title("inside")
    assert "inside" in {text for text, _, _ in texts_of(fig)}
