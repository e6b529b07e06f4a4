"""Figures and tables of real training, from made-up runs: golden data, layout, answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures._training_refreshes import read_refreshes
from paper_figures._training_rows import read_benches
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure, get_table
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied

GOLDEN = Path(__file__).parents[1] / "golden"
FIGURES = (
    "training_classes", "training_conflict", "training_cosines", "training_curves",
    "training_theorems", "training_work",
)  # fmt: skip
TABLES = ("table1", "table1_work", "table3", "training_premises")


def draw(name: str, rows: pl.DataFrame, style: str = "neurips") -> Picture:
    with applied(STYLES[style]):
        return get_figure(name).draw(FigureInput({"training": rows}, None, STYLES[style]))


def data_of(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    if name in FIGURES:
        return draw(name, rows).data
    return get_table(name).lay(FigureInput({"training": rows}, None, STYLES["neurips"])).data


@pytest.mark.parametrize("style", sorted(STYLES))
@pytest.mark.parametrize("name", FIGURES)
def test_no_label_is_clipped_or_covered(
    name: str, style: str, training: pl.DataFrame, check_layout: Callable[[Figure, str], None]
) -> None:
    check_layout(draw(name, training, style).figure, style)


@pytest.mark.parametrize("name", [*FIGURES, *TABLES])
def test_the_data_is_the_golden_data(name: str, training: pl.DataFrame, tmp_path: Path) -> None:
    """Text and counts exactly; floats to 1e-8, for libm differs in the last digits."""
    path = GOLDEN / ("tables" if name in TABLES else "") / f"{name}.csv"
    data_of(name, training).write_csv(tmp_path / "found.csv", float_precision=10)
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((tmp_path / "found.csv").read_bytes())
    found, expected = pl.read_csv(tmp_path / "found.csv"), pl.read_csv(path)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-9)


@pytest.mark.parametrize("name", FIGURES)
def test_captions_keys_and_n(name: str, training: pl.DataFrame) -> None:
    picture = draw(name, training)
    assert picture.full_caption(get_figure(name).claims).isprintable()
    assert any(sign.isdigit() for sign in picture.n)
    assert picture.keys
    assert set(picture.keys) <= set(training["key"])


def test_curves_are_validation_scores_and_their_means(training: pl.DataFrame) -> None:
    """Uniform on CIFAR-10 at the last step: the mean of three seeds, in per cent."""
    row = draw("training_curves", training).data.filter(
        pl.col("benchmark") == "cifar10", pl.col("method") == "uniform", pl.col("step") == 60
    )
    source = training.filter(
        pl.col("benchmark") == "cifar10", pl.col("method") == "uniform", pl.col("i") == 0,
        pl.col("kind") == "score", pl.col("split") == "validation", pl.col("step") == 60,
    )  # fmt: skip
    assert row["value"][0] == pytest.approx(100 * source["value"].to_numpy().mean())
    assert row["seeds"][0] == source.height == 3
    assert row["low"][0] < row["value"][0] < row["high"][0]


def test_work_counts_both_kinds_of_passes(training: pl.DataFrame) -> None:
    data = draw("training_work", training).data.filter(pl.col("benchmark") == "cifar10")
    ends = dict(data.filter(pl.col("step") == 60).select("method", "x").iter_rows())
    assert ends["uniform"] == pytest.approx(0.12)
    assert ends["pcgrad"] == pytest.approx(0.24)


def test_refreshes_are_read_as_they_were_made_up(training: pl.DataFrame) -> None:
    found = read_refreshes(read_benches(training)[0], ("son_goku",))
    mine = found.filter(pl.col("seed") == 1).sort("refresh")
    assert mine["classes"].to_list() == [1, 2, 2]
    assert mine["max_degree"].to_list() == [0, 1, 2]
    assert mine["conflicts"].to_list() == pytest.approx([0, 1 / 3, 2 / 3])
    assert mine["margin"].to_list() == pytest.approx([0.2, 0.15, 0.1])
    assert mine["least_cosine"].to_list() == pytest.approx([0.1, -0.3, -0.51])
    assert mine["period"].to_list() == [20, 20, 20]
    assert mine["class_bound"].to_list() == pytest.approx([0.8, 0.9, 0.9])
    # One edge of three pairs: its tasks and the third are no two sides of a complete bipartite
    # graph; two edges at one task are.
    assert mine["multipartite"].to_list() == [True, False, True]


def test_theorems_are_counted(training: pl.DataFrame) -> None:
    data = draw("training_theorems", training).data.filter(pl.col("benchmark") == "cifar10")
    held = {row["statement"]: (row["held"], row["of"]) for row in data.iter_rows(named=True)}
    by_word = {
        word: next(counts for statement, counts in held.items() if word in statement)
        for word in ("R ≥ m", "multipartite", "more than one class", "longest gap", "τ_eff")
    }
    assert by_word == {
        "R ≥ m": (9, 9), "multipartite": (6, 9), "more than one class": (6, 9),
        "longest gap": (9, 9), "τ_eff": (9, 9),
    }  # fmt: skip
    short = training.with_columns(
        pl.col("label").str.replace("refresh_period=20", "refresh_period=1")
    )
    changed = draw("training_theorems", short).data.filter(
        pl.col("benchmark") == "cifar10", pl.col("statement").str.starts_with("R ≥ m")
    )
    assert (changed["held"][0], changed["of"][0]) == (3, 9)


def test_answers_come_from_the_rows(training: pl.DataFrame) -> None:
    classes = draw("training_classes", training).answers[0].text
    assert "CIFAR-10 1 to 2 of 3 tasks (a single class at 3 of 9 refreshes)" in classes
    conflict = draw("training_conflict", training).answers[0].text
    assert "CIFAR-10 0% at the first refresh, 67% at the last (3 runs)" in conflict
    margins = draw("training_cosines", training).answers[0].text
    assert "CIFAR-10: median margin 0.15 (9 refreshes, 0.1 to 0.2)" in margins


@pytest.mark.parametrize("name", ["training_classes", "training_theorems"])
def test_runs_without_refreshes_name_the_command(name: str, training: pl.DataFrame) -> None:
    bare = training.filter(pl.col("kind") != "cosine")
    with pytest.raises(MissingRowsError, match="songoku table1"):
        draw(name, bare)


def test_table3_lists_tasks_by_role_with_the_papers_size(training: pl.DataFrame) -> None:
    table = get_table("table3").lay(FigureInput({"training": training}, None, STYLES["neurips"]))
    assert table.parts[0].rows == (
        ("CIFAR-10", "NEAR", "class", "quadrant", "rotation", "48", "2,500"),
        ("NYUv2", "SYNTH", "segmentation, depth", "–", "temperature", "48", "250"),
    )
