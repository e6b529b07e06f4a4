"""The figure of waiting times: its marks are the rows, and its answers change with them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied
from paper_figures.staleness import draw
from songoku_theory.storage import read_rows

GOLDEN = Path(__file__).with_name("golden") / "staleness.csv"
Cell = tuple[dict[str, Any], list[dict[str, Any]]]
Maker = Callable[[Mapping[str, tuple[dict[str, type], Sequence[Cell]]]], Path]

COLUMNS: dict[str, type] = {
    "kind": str, "gap": int, "count": int, "at_bound": int, "over_bound": int, "over_delta": int,
    "bound": float, "always": float, "starved_tasks": int, "starved_runs": int,
    "starved_runs_lo": float, "starved_runs_hi": float, "over_delta_runs": int,
    "over_delta_runs_lo": float, "over_delta_runs_hi": float, "longest_wait": int, "misses": int,
    "chances": int, "classes_mean": float, "classes_max": int, "max_degree": int,
}  # fmt: skip


def _cell(params: dict[str, Any], gaps: dict[tuple[str, int], int], **runs: object) -> Cell:
    settings = {
        "policy": "cycle", "sequence": "redrawn", "model": "random", "num_tasks": 4,
        "density": 0.5, "num_groups": 2, "churn": 0.1, "refresh_period": 4, "rounds": 3,
        "phase": "global", "short_window": "truncate", "runs": 10, "replicate": 0,
    } | params  # fmt: skip
    nothing = dict.fromkeys(COLUMNS)
    rows = [
        nothing | {"kind": kind, "gap": gap, "count": count, "at_bound": 1, "over_bound": 0,
                   "over_delta": 0}
        for (kind, gap), count in gaps.items()
    ]  # fmt: skip
    last = nothing | {
        "kind": "runs", "count": 10, "over_bound": 0, "over_delta": 0, "at_bound": 2,
        "bound": 5.0, "starved_tasks": 0, "starved_runs": 0, "over_delta_runs": 0,
        "longest_wait": 4, "misses": 0, "chances": 120, "classes_mean": 2.0, "classes_max": 3,
        "max_degree": 2,
    } | runs  # fmt: skip
    for name in ("starved_runs", "over_delta_runs"):
        low, high = clopper_pearson(last[name], last["count"])
        last |= {f"{name}_lo": low, f"{name}_hi": high}
    return settings, [*rows, last]


def _cells(starved: int = 7, over_delta: int = 3, over_bound: int = 0) -> list[Cell]:
    short = {"model": "multipartite", "num_groups": 3, "num_tasks": 6}
    return [
        _cell({"sequence": "static"}, {("within", 2): 30, ("across", 2): 10}),
        _cell(
            {},
            {("within", 2): 20, ("within", 3): 10, ("across", 1): 5, ("across", 5): 5},
            over_delta_runs=over_delta,
            over_delta=over_delta,
            over_bound=over_bound,
        ),
        _cell({"policy": "oldest_first"}, {("within", 1): 50}, bound=3.0, always=4.0),
        _cell(short | {"refresh_period": 1}, {("across", 3): 9}, bound=None, starved_runs=starved,
              misses=80, classes_max=3),
        _cell(short | {"refresh_period": 3}, {("across", 3): 9}, classes_max=3),
        _cell(short | {"refresh_period": 1, "policy": "oldest_first", "sequence": "adversarial"},
              {("across", 3): 9}),
    ]  # fmt: skip


@pytest.fixture
def picture(make_store: Maker) -> Callable[..., Picture]:
    def make(cells: Sequence[Cell]) -> Picture:
        rows = read_rows(make_store({"staleness": (COLUMNS, cells)}), "staleness")
        with applied(STYLES["neurips"]):
            return draw(FigureInput({"staleness": rows}, None, STYLES["neurips"]))

    return make


@pytest.mark.parametrize("style", sorted(STYLES))
def test_no_label_is_clipped_or_covered(
    make_store: Maker, style: str, check_layout: Callable[[Figure, str], None]
) -> None:
    rows = read_rows(make_store({"staleness": (COLUMNS, _cells())}), "staleness")
    with applied(STYLES[style]):
        fig = draw(FigureInput({"staleness": rows}, None, STYLES[style])).figure
    check_layout(fig, style)


def test_the_drawn_data_is_the_golden_data(picture: Callable[..., Picture], tmp_path: Path) -> None:
    """Anew with ``SONGOKU_GOLDEN=write``."""
    picture(_cells()).data.write_csv(tmp_path / "found.csv")
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        GOLDEN.write_bytes((tmp_path / "found.csv").read_bytes())
    found, expected = pl.read_csv(tmp_path / "found.csv"), pl.read_csv(GOLDEN)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-10)


def test_the_marks_are_the_rows(picture: Callable[..., Picture]) -> None:
    data = picture(_cells()).data
    redrawn = data.filter(pl.col("sequence") == "redrawn", pl.col("policy") == "cycle")
    shares = {(k, x): v for k, x, v in redrawn.select("kind", "x", "value").iter_rows()}
    assert shares["within", 2.0] == pytest.approx(2 / 3)
    assert shares["across", 5.0] == pytest.approx(1 / 2)
    assert ("bound", 5.0) in shares
    assert ("Delta + 1", 3.0) in shares
    points = data.filter(pl.col("panel") == "b", pl.col("kind") == "eq. 11, redrawn").sort("x")
    assert points["x"].to_list() == pytest.approx([1 / 3, 1.0])
    assert points["value"].to_list() == [0.7, 0.0]
    assert points["low"][0] == pytest.approx(clopper_pearson(7, 10)[0])


def test_the_answers_change_with_the_rows(picture: Callable[..., Picture]) -> None:
    bounds, delta, starving = (answer.text for answer in picture(_cells()).answers)
    assert bounds.startswith("No gap is longer than the bound proved for it (n = 60 runs")
    assert delta.startswith("No: with R >= m")
    assert "redrawn graphs: 3 of 20 runs (15.0% [3.2, 37.9])" in delta
    assert starving.startswith("Yes, when R < m and the graph changes")
    assert "eq. 11, redrawn: at worst 7 of 10 runs (70.0% [34.8, 93.3]) at R = 1" in starving
    assert "misses a share 1 - R/m of the windows" in starving
    other = [a.text for a in picture(_cells(starved=0, over_delta=0, over_bound=2)).answers]
    assert other[0].startswith("2 gaps are longer than the bound proved for them")
    assert other[1].startswith("No gap above it occurred in these rows")
    assert other[2].startswith("Not in these rows under eq. 11")


def test_without_known_classes_the_lower_panel_is_left_out(
    picture: Callable[..., Picture],
) -> None:
    drawn = picture(_cells()[:3])
    assert set(drawn.data["panel"]) == {"a"}
    assert len(drawn.answers) == 2
    with pytest.raises(MissingRowsError, match=r"eq\. 11's phase"):
        picture([_cell({"phase": "restart"}, {("within", 2): 1})])
