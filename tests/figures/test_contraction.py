"""The figure of ``contraction``: drawn from hand-made rows, with answers that change with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures._contraction_rows import CLAIMS, failure, select
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied

GOLDEN = Path(__file__).with_name("golden") / "contraction.csv"
QUANTITIES = {
    "factor": 0.8, "aggregated": 0.5, "scheduled": 0.7, "bound": 1.4, "bound_start": 0.9,
    "bound_promised": 2.0, "bound_corrected": 2.5,
}  # fmt: skip


def row(refresh: int, family: str = "quadratic", **more: object) -> dict[str, object]:
    base = {
        "key": f"{family}{more.get('coupling', 'random')}{more.get('eta', 1.0)}", "family": family,
        "num_classes": 3, "dim": 6, "cosine": -0.2, "coupling": "random", "curvature_ratio": 1.0,
        "order": "random", "eta": 1.0, "refreshes": 2, "trials": 20, "replicate": 0,
        "refresh": refresh, "runs": 20, "left_region": 0, "better": 3, "better_lo": 0.03,
        "better_hi": 0.4, "gains": 5, "holds_59": 0, "inherited_wrong_59": 0, "vacuous": 12,
        "scheduled_max": 0.9,
        **{f"{claim}_wrong": 0 for claim in CLAIMS},
        **{f"{claim}_wrong_so_far": 0 for claim in CLAIMS},
        **{
            f"{name}_{label}": value * scale
            for name, value in QUANTITIES.items()
            for label, scale in (("q05", 0.9), ("q50", 1.0), ("q95", 1.1))
        },
    }  # fmt: skip
    return {**base, **more}


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Three cells of two refreshes; the last has failures."""
    listed = [row(refresh, family) for family in ("quadratic", "sine_square") for refresh in (0, 1)]
    special = {"coupling": "for_schedule"}
    listed.append(row(0, **special, inherited_wrong_so_far=2, inherited_wrong=2))
    listed.append(row(1, **special, inherited_wrong_so_far=6, inherited_wrong=5, scheduled_max=1.7))
    return pl.DataFrame(listed)


def drawn(rows: pl.DataFrame, style: str = "neurips") -> Picture:
    with applied(STYLES[style]):
        return get_figure("contraction").draw(
            FigureInput({"contraction": rows}, None, STYLES[style])
        )


def test_the_drawn_data_is_the_golden_data(rows: pl.DataFrame, tmp_path: Path) -> None:
    drawn(rows).data.write_csv(tmp_path / "contraction.csv")
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        GOLDEN.write_bytes((tmp_path / "contraction.csv").read_bytes())
    found, expected = pl.read_csv(tmp_path / "contraction.csv"), pl.read_csv(GOLDEN)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-10)


def test_each_family_has_a_panel_and_failures_are_counted_by_run(rows: pl.DataFrame) -> None:
    found = select(rows)
    titles = [title for title, _ in found.panels]
    assert titles == ["quadratic, m = 3", "sine square, m = 3", "for schedule (quadratic), m = 3"]
    assert failure(found.last, "inherited")[3:] == (6, 60)
    bars = drawn(rows).data.filter(pl.col("panel") == "failures")
    assert bars["value"].to_list() == [0.0, 0.0, 0.0, 0.0, 0.0, 0.1]


@pytest.mark.parametrize("style", STYLES)
def test_no_label_is_clipped_or_covered(
    rows: pl.DataFrame, style: str, check_layout: Callable[[Figure, str], None]
) -> None:
    check_layout(drawn(rows, style).figure, style)


def test_answers_are_computed_from_the_rows(rows: pl.DataFrame) -> None:
    texts = [answer.text for answer in drawn(rows).answers]
    assert "eq. 61's factor for the schedule: 10.0% [3.8, 20.5] of 60" in texts[0]
    assert "eta = 1/L: 60.0% [46.5, 72.4] of 60" in texts[1]
    assert "In 1 of 6 stored rows" in texts[2]
    calm = rows.with_columns(pl.lit(0.9).alias("scheduled_max"))
    assert "In no stored row" in drawn(calm).answers[2].text


def test_no_rows_name_the_command(rows: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        select(rows.clear())
