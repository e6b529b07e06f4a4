"""The figure of sketches: which problem is drawn, what the theory's lines are, what it answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures._sketches_rows import select
from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied
from songoku_theory.storage import read_rows

GOLDEN = Path(__file__).with_name("golden") / "sketches.csv"
COUNTS = ("graph_same", "colors_same", "partition_exact", "partition_exact_full")
COLUMNS: dict[str, type] = {
    "num_tasks": int,
    **{f"{n}{e}": k for n in COUNTS for e, k in (("", int), ("_lo", float), ("_hi", float))},
    "proper": int, "flips": float, "flips_lo": float, "flips_hi": float,
    "expected_flips": float, "false_edges": float, "missed_edges": float,
    "max_error_mean": float, "max_error_max": float, "bound": float, "bound_broken": int,
    "paper_bound": float, "paper_bound_broken": int, "operations": float,
    "exact_operations": int, "held": int, "exact_held": int, "recomputed": float,
}  # fmt: skip
Cell = tuple[dict[str, Any], list[dict[str, Any]]]


def _cell(method: str, same: int, **more: object) -> Cell:
    params: dict[str, Any] = {
        "method": method, "size": 8, "pair_factor": 1.0, "threshold": 0.1, "rebuild_every": 0,
        "model": "multipartite", "num_groups": 3, "group_size": 4, "dim": 64, "tau": 0.2,
        "gamma": 0.15, "noise_energy": 0.1, "window": 32, "beta": 0.99, "drift": 0.05,
        "refreshes": 4, "trials": 40, "replicate": 0,
    }  # fmt: skip
    row: dict[str, Any] = {"num_tasks": 12}
    for name in COUNTS:
        low, high = clopper_pearson(same, 40)
        row |= {name: same, f"{name}_lo": low, f"{name}_hi": high}
    row |= {
        "proper": same, "flips": 2.0, "flips_lo": 1.0, "flips_hi": 3.0, "expected_flips": None,
        "false_edges": 1.0, "missed_edges": 1.0, "max_error_mean": 0.2, "max_error_max": 0.4,
        "bound": None, "bound_broken": 0, "paper_bound": None, "paper_bound_broken": 0,
        "operations": 2496.0, "exact_operations": 4992, "held": 1000, "exact_held": 768,
        "recomputed": 1.0,
    }  # fmt: skip
    for name, value in more.items():
        (params if name in params else row)[name] = value
    return params, [row]


def _cells() -> list[Cell]:
    found = [
        _cell("gaussian", same, size=size, bound=bound, expected_flips=law, operations=9984.0)
        for size, same, bound, law in ((8, 4, 2.0, 2.5), (64, 20, 1.5, 3.5), (512, 40, 0.4, 2.0))
    ]
    found += [_cell("sparse", 39, size=size) for size in (8, 64)]
    found += [
        _cell("fd_rows", same, size=size, bound=bound, paper_bound=24.0 / size)
        for size, same, bound in ((2, 0, 2.0), (6, 40, 1.2), (12, 40, 0.5))
    ]
    found += [_cell("sampled", 0), _cell("sampled_classes", 40), _cell("representatives", 40)]
    found += [
        _cell("incremental", 30, threshold=0.1, bound=0.2),
        _cell("incremental_paper", 10, threshold=0.1, paper_bound=0.2, paper_bound_broken=7),
        _cell("gaussian", 40, size=8, noise_energy=0.5),
    ]
    return found


@pytest.fixture(scope="module")
def stored(make_store: Callable[[Mapping[str, Any]], Path]) -> pl.DataFrame:
    return read_rows(make_store({"sketches": (COLUMNS, _cells())}), "sketches")


@pytest.fixture(scope="module")
def picture(stored: pl.DataFrame) -> Picture:
    style = STYLES["neurips"]
    with applied(style):
        return get_figure("sketches").draw(FigureInput({"sketches": stored}, None, style))


@pytest.mark.parametrize("style", sorted(STYLES))
def test_no_label_is_clipped_or_covered(
    stored: pl.DataFrame, style: str, check_layout: Callable[[Figure, str], None]
) -> None:
    with applied(STYLES[style]):
        given = FigureInput({"sketches": stored}, None, STYLES[style])
        fig = get_figure("sketches").draw(given).figure
    check_layout(fig, style)


def test_the_drawn_data_is_the_golden_data(picture: Picture) -> None:
    """Write anew, after a change that is meant, with SONGOKU_GOLDEN=write."""
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        picture.data.with_columns(pl.selectors.float().round_sig_figs(10)).write_csv(GOLDEN)
    expected = pl.read_csv(GOLDEN, schema=picture.data.schema)
    assert_frame_equal(picture.data, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-10)


def test_one_problem_is_drawn_and_the_others_are_counted(stored: pl.DataFrame) -> None:
    found = select(stored)
    assert found.problems["projection"]["noise_energy"] == 0.1
    assert found.left_out == 1
    assert len(found.keys) == stored["key"].n_unique() - 1


def test_a_bound_is_drawn_only_where_it_says_something(picture: Picture) -> None:
    bound = picture.data.filter(pl.col("panel") == "a", pl.col("line") == "bound")
    assert bound.sort("x").select("x", "value").rows() == [(64.0, 1.5), (512.0, 0.4)]


def test_decisions_stand_at_their_cost_with_exact_intervals(picture: Picture) -> None:
    mine = picture.data.filter(pl.col("panel") == "d", pl.col("line") == "sampled_classes")
    low, high = clopper_pearson(40, 40)
    assert mine.select("x", "value", "low", "high").row(0) == (0.5, 1.0, low, high)
    assert "incremental" not in set(picture.data.filter(pl.col("panel") == "d")["line"])


def test_the_answers_change_with_the_rows(stored: pl.DataFrame, picture: Picture) -> None:
    texts = {answer.question: answer.text for answer in picture.answers}
    cheaper = texts["Do sketches of the gradients make a refresh cheaper?"]
    assert "gaussian: 2.00x (100.0%" in cheaper
    assert "sampled: at no stored setting" in cheaper
    assert "Cheaper than exact: fd rows, representatives, sampled classes, sparse." in cheaper
    size = texts["How large must a random projection be?"]
    assert "from r = 512" in size
    assert "at 2 of the 3 sizes" in size  # 3.5 lies outside [1, 3]
    rows = texts["Does Frequent Directions preserve the graph?"]
    assert "from l = 6 of K = 12" in rows
    assert "vacuous at 2 of the 2" in rows
    drift = texts["Does an incremental Gram matrix drift?"]
    assert "17.5% [7.3, 32.8] of 40 trials (at η = 0.1)" in drift
    worse = stored.with_columns(pl.lit(0).alias("colors_same"), pl.lit(0).alias("graph_same"))
    style = STYLES["neurips"]
    with applied(style):
        again = get_figure("sketches").draw(FigureInput({"sketches": worse}, None, style))
    assert "Cheaper than exact: none." in again.answers[0].text
    assert "at no stored l below K" in again.answers[2].text


def test_families_that_are_not_stored_are_left_out(stored: pl.DataFrame) -> None:
    style = STYLES["neurips"]
    with applied(style):
        some = FigureInput(
            {"sketches": stored.filter(pl.col("method") == "sampled_classes")}, None, style
        )
        found = get_figure("sketches").draw(some)
    assert set(found.data["panel"]) == {"d"}
    assert len(found.answers) == 1
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        select(stored.clear())
