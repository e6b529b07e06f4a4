"""Figures and the table of task grouping, from made-up rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure, get_table
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied
from paper_figures.engine.table import Table

GOLDEN = Path(__file__).parents[1] / "golden"
FIGURES = ("grouping_affinity", "grouping_errors", "grouping_groups")


def draw(name: str, rows: pl.DataFrame, style: str = "neurips") -> Picture:
    with applied(STYLES[style]):
        return get_figure(name).draw(FigureInput({"grouping": rows}, None, STYLES[style]))


def lay(rows: pl.DataFrame) -> Table:
    return get_table("ptg").lay(FigureInput({"grouping": rows}, None, STYLES["neurips"]))


@pytest.mark.parametrize("style", sorted(STYLES))
@pytest.mark.parametrize("name", FIGURES)
def test_no_label_is_clipped_or_covered(
    name: str, style: str, grouping: pl.DataFrame, check_layout: Callable[[Figure, str], None]
) -> None:
    check_layout(draw(name, grouping, style).figure, style)


@pytest.mark.parametrize("name", [*FIGURES, "ptg"])
def test_the_data_is_the_golden_data(name: str, grouping: pl.DataFrame, tmp_path: Path) -> None:
    """Text and counts exactly; floats to 1e-8."""
    path = GOLDEN / ("tables" if name == "ptg" else "") / f"{name}.csv"
    data = lay(grouping).data if name == "ptg" else draw(name, grouping).data
    data.write_csv(tmp_path / "found.csv", float_precision=10)
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        path.write_bytes((tmp_path / "found.csv").read_bytes())
    found, expected = pl.read_csv(tmp_path / "found.csv"), pl.read_csv(path)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-9)


def test_affinities_are_means_over_seeds(grouping: pl.DataFrame) -> None:
    data = draw("grouping_affinity", grouping).data
    row = data.filter(
        pl.col("benchmark") == "ett", pl.col("method") == "tag", pl.col("from") == "oil",
        pl.col("to") == "heat",
    )  # fmt: skip
    assert row["value"].to_list() == pytest.approx([0.25])
    assert (row["least"][0], row["largest"][0], row["seeds"][0]) == (0.2, 0.3, 2) or (
        row["least"][0] == pytest.approx(0.2) and row["largest"][0] == pytest.approx(0.3)
    )


def test_groups_are_those_found_most_often_and_how_often(grouping: pl.DataFrame) -> None:
    data = draw("grouping_groups", grouping).data.filter(pl.col("benchmark") == "ett")
    assert data["way"].unique().to_list() == ["PTG, 2"]
    assert data["group"].to_list() == [0, 0, 1]
    assert set(data["found"]) == {1}
    agreed = grouping.with_columns(
        pl.when(pl.col("kind") == "group", pl.col("i") == 1)
        .then(1)
        .otherwise(pl.col("group"))
        .alias("group")
    )
    same = draw("grouping_groups", agreed).data.filter(pl.col("benchmark") == "ett")
    assert same["group"].to_list() == [0, 1, 1]
    assert set(same["found"]) == {2}


def test_distances_are_shown_where_the_optimum_is_known(grouping: pl.DataFrame) -> None:
    picture = draw("grouping_errors", grouping)
    labels = [axis.get_xlabel() for axis in picture.figure.axes]
    assert "above the optimum\nof as many groups (%)" in labels
    assert "less all together, same seed\n(the optimum is not known)" in labels
    helped, far = (answer.text for answer in picture.answers)
    assert helped == "ETT (NEAR): Nothing is sure. yeast (EXACT): Nothing is sure."
    assert "PTG, 2 12.00% (7.00 to 17.00)" in far
    assert "yeast (EXACT): not every set of tasks was trained" in far


def test_the_table_marks_what_is_sure(grouping: pl.DataFrame) -> None:
    parts = {part.title: part for part in lay(grouping).parts}
    rows = {row[0]: row for row in parts["ETT (NEAR): errors in MAE"].rows}
    assert rows["PTG, 2"][1:] == ("2", "2.85 ± 0.65", "−0.20 ± 0.20 ▲", "12.0 ± 5.0")
    assert rows["single tasks"][3].endswith(" ▼")
    assert not rows["random groups, 2"][3].endswith(("▲", "▼"))
    assert rows["PTG, 2, max size 2"][4] == "16.0 ± 5.0"
    other = {row[0]: row for row in parts["yeast (EXACT): errors in MAE"].rows}
    assert other["PTG, 2"][4] == "–"
    lazy = parts["ETT (NEAR): lazy collection"]
    assert [row[0] for row in lazy.rows] == ["1", "25"]
    costs = parts["ETT (NEAR): operations a collected step, 3 tasks"]
    assert costs.rows[0] == ("PTG", "12", "3", "6")
    assert costs.rows[1] == ("the paper: ptg, 4.3", "15", "–", "–")


def test_the_cell_with_most_seeds_is_taken(grouping: pl.DataFrame) -> None:
    fewer = grouping.filter(pl.col("benchmark") == "ett", pl.col("seed") < 1).with_columns(
        pl.lit("ab" * 16).alias("key")
    )
    both = pl.concat([grouping, fewer])
    assert draw("grouping_errors", both).keys == draw("grouping_errors", grouping).keys


@pytest.mark.parametrize("name", FIGURES)
def test_no_rows_name_the_command(name: str, grouping: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku group ett --recorded"):
        draw(name, grouping.clear())
