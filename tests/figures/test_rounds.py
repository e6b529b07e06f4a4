"""The figure of the scheduler's rounds: which setting is drawn, and what it answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied
from songoku_theory.storage import read_rows

GOLDEN = Path(__file__).with_name("golden") / "rounds.csv"
COLUMNS: dict[str, type] = {
    "round": int, "num_tasks": int, "n_eff_mean": float, "n_eff_least": float, "unseen": float,
    "classes": float, "graph_exact": int, "graph_lo": float, "graph_hi": float,
    "partition_exact": int, "partition_lo": float, "partition_hi": float,
}  # fmt: skip
Cell = tuple[dict[str, Any], list[dict[str, Any]]]


def _cell(ema: str, observe: str, graphs: tuple[int, ...], sizes: tuple[float, ...],
          **more: object) -> Cell:  # fmt: skip
    params: dict[str, Any] = {
        "model": "multipartite", "num_groups": 3, "group_size": 2, "dim": 64, "tau": 0.2,
        "gamma": 0.15, "sigma": 0.25, "window": 32, "beta": 0.97, "ema": ema, "observe": observe,
        "probe": False, "rounds": 2, "trials": 200, "replicate": 0, **more,
    }  # fmt: skip
    rows = []
    for index, (graph, size) in enumerate(zip(graphs, sizes, strict=True), 1):
        low, high = clopper_pearson(graph, 200)
        rows.append({
            "round": index, "num_tasks": 6, "n_eff_mean": size, "n_eff_least": size, "unseen": 0.0,
            "classes": 3.0, "graph_exact": graph, "graph_lo": low, "graph_hi": high,
            "partition_exact": 200, "partition_lo": 0.98, "partition_hi": 1.0,
        })  # fmt: skip
    return params, rows


CELLS = [
    _cell("reset", "all", (100, 100), (30.0, 30.0)),
    _cell("reset", "active", (100, 2), (30.0, 10.0)),
    _cell("carried", "all", (100, 190), (30.0, 50.0)),
    _cell("carried", "active", (100, 150), (30.0, 40.0)),
    _cell("reset", "all", (0, 0), (5.0, 5.0), window=5),
]


@pytest.fixture(scope="module")
def stored(make_store: Callable[[Mapping[str, Any]], Path]) -> pl.DataFrame:
    return read_rows(make_store({"recovery_rounds": (COLUMNS, CELLS)}), "recovery_rounds")


def draw(rows: pl.DataFrame, style: str = "neurips") -> Picture:
    with applied(STYLES[style]):
        return get_figure("rounds").draw(
            FigureInput({"recovery_rounds": rows}, None, STYLES[style])
        )


@pytest.mark.parametrize("style", sorted(STYLES))
def test_it_draws_at_every_width(
    stored: pl.DataFrame, style: str, check_layout: Callable[[Figure, str], None]
) -> None:
    """As wide as the page, and no label clipped or covered."""
    fig = draw(stored, style).figure
    assert fig.get_figwidth() == STYLES[style].full
    check_layout(fig, style)


def test_the_drawn_data_is_the_golden_data(stored: pl.DataFrame, tmp_path: Path) -> None:
    data = draw(stored).data
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        data.write_csv(GOLDEN, float_precision=10)
    data.write_csv(tmp_path / "found.csv", float_precision=10)
    found, expected = pl.read_csv(tmp_path / "found.csv"), pl.read_csv(GOLDEN)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-9)


def test_the_setting_with_every_way_is_drawn(stored: pl.DataFrame) -> None:
    data = draw(stored).data
    assert set(data["window"]) == {32}
    assert data.height == 8


def test_answers_come_from_the_rows(stored: pl.DataFrame) -> None:
    which, cost = (answer.text for answer in draw(stored).answers)
    assert which.index("carried, every task seen: P(graph) = 0.950") < which.index("reset, active")
    assert "0.33 to 0.80 times" in cost
    assert "less often in 2 and more often in 0" in cost
    alone = draw(stored.filter(pl.col("observe") == "all"))
    assert "nothing can be said" in alone.answers[1].text


def test_no_rows_name_the_command(stored: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        draw(stored.clear())
