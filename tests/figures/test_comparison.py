"""The figure of ``comparison``: drawn from hand-made rows, with answers that change with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures._comparison_rows import confusion, select
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied

GOLDEN = Path(__file__).with_name("golden") / "comparison.csv"
FAULTS = (
    "printed", "telescoped", "aggregated", "theorem5", "theorem5_corrected", "theorem6",
    "theorem6_corrected", "growth", "growth_corrected",
)  # fmt: skip


def row(kind: str, key: str, wins: int, **more: object) -> dict[str, object]:
    """Ten instances; the criterion is right about all, eq. 59 never holds, the bound says lose."""
    lost = 10 - wins
    base: dict[str, object] = {
        "key": key, "family": "quadratic", "num_classes": 3, "dim": 6, "cosine": -0.3,
        "imbalance": 2.0, "coupling": "random", "strength": 1.0, "condition": 10.0,
        "curvature_ratio": 1.0, "eta": 0.5, "trials": 10, "samples": 2, "replicate": 0,
        "kind": kind, "order": "", "instances": 10, "wins": wins, "wins_lo": 0.1, "wins_hi": 0.9,
        "some_order_wins": 8, "every_order_wins": 1, "holds_57": 4, "holds_59_corrected": 0,
        **{f"{name}_violated": 0 for name in FAULTS},
        **{
            f"{gap}_{label}": value
            for gap, value in (("bound_gap", 0.1), ("true_gap", -0.01), ("promised_gap", 1.0))
            for label in ("q05", "q50", "q95")
        },
    }  # fmt: skip
    counts = {
        "criterion": (wins, 0, 0, lost),
        "bound": (0, 0, wins, lost),
        "c59": (0, 0, wins, lost),
    }
    for name, cells in counts.items():
        for cell, count in zip(("yes_win", "yes_loss", "no_win", "no_loss"), cells, strict=True):
            base[f"{name}_{cell}"] = count
        base |= {f"{name}_right_lo": 0.5, f"{name}_right_hi": 1.0}
    return {**base, **more}


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """A map of 2 x 3 cells, two families at two steps, and two samples."""
    listed, kinds = [], ("mean", "picked")
    sides = (
        ("for_schedule", 1.0, (9, 4)),
        ("random", 0.0, (1, 0)),
        ("against_schedule", 1.0, (0, 0)),
    )
    for coupling, strength, wins in sides:
        for cosine, count in zip((-0.4, 0.2), wins, strict=True):
            place = {"coupling": coupling, "strength": strength, "cosine": cosine}
            listed += [
                row(kind, f"{coupling}{cosine}", count, **place) for kind in ("mean", "picked")
            ]
    for family, count in (("waves", 5), ("quadratic", 1)):
        for eta in (0.1, 1.0):
            place = {"family": family, "eta": eta, "imbalance": 1.0}
            listed += [row(kind, f"{family}{eta}", count, **place) for kind in kinds]
    listed += [row("sample", "waves0.1", 1, family="waves", instances=1, imbalance=1.0)] * 2
    return pl.DataFrame(listed)


def drawn(rows: pl.DataFrame, style: str = "neurips") -> Picture:
    with applied(STYLES[style]):
        return get_figure("comparison").draw(FigureInput({"comparison": rows}, None, STYLES[style]))


def test_the_drawn_data_is_the_golden_data(rows: pl.DataFrame, tmp_path: Path) -> None:
    drawn(rows).data.write_csv(tmp_path / "comparison.csv")
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        GOLDEN.write_bytes((tmp_path / "comparison.csv").read_bytes())
    found, expected = pl.read_csv(tmp_path / "comparison.csv"), pl.read_csv(GOLDEN)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-10)


def test_the_map_and_the_matrices_are_the_rows_counts(rows: pl.DataFrame) -> None:
    data = drawn(rows).data
    cells = data.filter(pl.col("panel") == "b").select("x", "y", "value").rows()
    assert sorted(cells) == [
        (-0.4, -1.0, 0.9), (-0.4, 0.0, 0.1), (-0.4, 1.0, 0.0),
        (0.2, -1.0, 0.4), (0.2, 0.0, 0.0), (0.2, 1.0, 0.0),
    ]  # fmt: skip
    matrix = data.filter(pl.col("panel") == "e").select("x", "y", "value").rows()
    assert sorted(matrix) == [(0.0, 0.0, 12.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 28.0)]
    never = data.filter(pl.col("panel") == "c", pl.col("line") == "never")
    assert never["value"].to_list() == [0.7, 0.7]


def test_confusions_add_up(rows: pl.DataFrame) -> None:
    found = select(rows)
    counted = confusion(found.plain_mean, "criterion")
    assert counted.total == 40
    assert counted.right[0] == 1.0
    assert confusion(found.plain_mean, "never").words.startswith("70.0% [")
    assert found.map.height == 6
    assert found.samples.height == 2


@pytest.mark.parametrize("style", STYLES)
def test_no_label_is_clipped_or_covered(
    rows: pl.DataFrame, style: str, check_layout: Callable[[Figure, str], None]
) -> None:
    check_layout(drawn(rows, style).figure, style)


def test_it_can_be_drawn_without_a_map_or_samples(rows: pl.DataFrame, tmp_path: Path) -> None:
    bare = rows.filter(pl.col("family") == "waves", pl.col("kind") != "sample")
    picture = drawn(bare)
    with applied(STYLES["neurips"]):
        picture.figure.savefig(tmp_path / "bare.png")
    assert "No map" in picture.answers[1].text


def test_answers_are_computed_from_the_rows(rows: pl.DataFrame) -> None:
    texts = [answer.text for answer in drawn(rows).answers]
    assert "waves: on the mean over all orders in 50.0% [27.2, 72.8] of 20" in texts[0]
    assert "at coupling -1, 90.0% [55.5, 99.7] of 10 and 40.0%" in texts[1]
    assert "decides, not the cosines alone" in texts[1]
    alike = drawn(rows.with_columns(pl.lit(5).alias("wins"))).answers[1].text
    assert "makes no difference" in alike
    assert "eta = 0.1/L: 100.0%" in texts[3]
    assert "none was violated" in texts[4]
    wrong = rows.with_columns(pl.lit(3).alias("telescoped_violated"))
    assert "along the path in 30" in drawn(wrong).answers[4].text
    unsure = rows.with_columns(pl.lit(0).alias("c59_no_loss"), pl.lit(5).alias("c59_yes_win"))
    assert drawn(unsure).answers[2].text != texts[2]


def test_no_rows_name_the_command(rows: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        select(rows.clear())
