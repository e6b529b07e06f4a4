"""The figure of the phase transition: what is pooled, where curves cross, what it answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures._phase_rows import collapse_points, crossing, half_places, main_rows
from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied
from songoku_theory.bounds import edge_score
from songoku_theory.storage import read_rows

GOLDEN = Path(__file__).with_name("golden") / "phase.csv"
COLUMNS: dict[str, type] = {
    "noise_energy": float, "relative_energy": float, "noise_scale": float, "sigma": float,
    "n_eff": float, "num_tasks": int, "num_edges": int, "edge_score": float, "graph_exact": int,
    "graph_lo": float, "graph_hi": float, "edge_kept": int, "edge_lo": float, "edge_hi": float,
    "sharper_failure": float,
}  # fmt: skip
ENERGIES = (0.25, 0.5, 1.0, 2.0)
Cell = tuple[dict[str, Any], list[dict[str, Any]]]


def _cell(dim: int, graphs: tuple[int, ...], edges: tuple[int, ...], **more: object) -> Cell:
    params: dict[str, Any] = {
        "model": "multipartite", "num_groups": 3, "group_size": 4, "dim": dim, "tau": 0.2,
        "gamma": 0.15, "low": 0.25, "high": 2.0, "points": 4, "window": 32, "beta": 0.97,
        "cosine": "plain", "random_numbers": "common", "trials": 1000, "replicate": 0, **more,
    }  # fmt: skip
    rows = []
    for ratio, graph, edge in zip(ENERGIES, graphs, edges, strict=True):
        energy = ratio * 0.75
        ends = [*clopper_pearson(graph, 1000), *clopper_pearson(edge, 1000)]
        rows.append({
            "noise_energy": energy, "relative_energy": ratio, "noise_scale": (energy / dim) ** 0.5,
            "sigma": 0.1, "n_eff": 29.7, "num_tasks": 12, "num_edges": 48,
            "edge_score": float(edge_score((energy / dim) ** 0.5, dim, 0.2, 0.15)),
            "graph_exact": graph, "graph_lo": ends[0], "graph_hi": ends[1],
            "edge_kept": edge, "edge_lo": ends[2], "edge_hi": ends[3],
            "sharper_failure": None if params["cosine"] == "debiased" else min(1.0, ratio),
        })  # fmt: skip
    return params, rows


CELLS = (
    _cell(64, (400, 100, 0, 0), (990, 900, 520, 200)),
    _cell(4096, (1000, 1000, 0, 0), (1000, 1000, 510, 0)),
    _cell(4096, (1000, 1000, 900, 0), (1000, 1000, 1000, 900), cosine="debiased"),
)


@pytest.fixture(scope="module")
def stored(make_store: Callable[[Mapping[str, Any]], Path]) -> pl.DataFrame:
    return read_rows(make_store({"phase": (COLUMNS, list(CELLS))}), "phase")


def draw(rows: pl.DataFrame, style: str = "neurips") -> Picture:
    with applied(STYLES[style]):
        return get_figure("phase").draw(FigureInput({"phase": rows}, None, STYLES[style]))


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


def test_replicates_add_up_and_their_interval_is_of_the_sum(stored: pl.DataFrame) -> None:
    again = stored.with_columns(
        (pl.col("replicate") + 1).alias("replicate"), pl.col("key").str.reverse()
    )
    twice = main_rows(pl.concat([stored, again]))
    row = twice.filter(pl.col("dim") == 64, pl.col("relative_energy") == 0.25).row(0, named=True)
    assert (row["graph_exact"], row["trials"]) == (800, 2000)
    assert (row["graph_lo"], row["graph_hi"]) == clopper_pearson(800, 2000)


def test_a_place_is_where_the_curve_falls_through_one_half(stored: pl.DataFrame) -> None:
    places = half_places(main_rows(stored)).rows_by_key(("line", "dim"), named=True, unique=True)
    edge = places[("edge: half", 64)]
    assert 1.0 < edge["x"] < 1.1  # 520 at 1, 200 at 2
    assert (edge["low"], edge["high"]) == (0.5, 2.0)  # 520 of 1000 is not surely above
    graph = places[("graph: half", 4096)]
    assert (graph["low"], graph["high"]) == (0.5, 1.0)
    assert places[("graph: half", 64)]["x"] is None  # below one half from the start
    assert places[("bound", 64)]["x"] == pytest.approx(0.5)


def test_crossing_is_straight_in_log_x() -> None:
    assert crossing([1.0, 4.0], [0.75, 0.25], 0.5) == pytest.approx(2.0)
    assert crossing([1.0, 4.0], [0.4, 0.2], 0.5) is None


def test_every_plain_cell_is_in_the_collapse(stored: pl.DataFrame) -> None:
    assert collapse_points(stored).height == 8
    assert set(collapse_points(stored)["line"]) == {"48 edges"}


def test_answers_come_from_the_rows(stored: pl.DataFrame) -> None:
    said = {answer.question: answer.text for answer in draw(stored).answers}
    assert len(said) == 3
    where = said["Where is the phase transition in d?"]
    assert "1,000 to 1,000 a point" in where
    assert "no stored λ" in where
    assert "never lies above" in where
    # A bound that promises more than was measured is called refuted.
    lying = stored.with_columns(pl.lit(0.0).alias("sharper_failure"))
    high = lying.with_columns(
        pl.when(pl.col("relative_energy") >= 2).then(1.0).otherwise(0.0).alias("sharper_failure")
    )
    changed = {answer.question: answer.text for answer in draw(high).answers}
    assert "which refutes it" in changed["Where is the phase transition in d?"]
    none = draw(stored.filter(pl.col("cosine") == "plain"))
    assert "nothing can be said" in none.answers[2].text


def test_curves_are_falling_in_the_fixture(stored: pl.DataFrame) -> None:
    for _, rows in CELLS:
        assert all(a["edge_kept"] >= b["edge_kept"] for a, b in pairwise(rows))


def test_no_rows_name_the_command(stored: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        draw(stored.clear())
    with pytest.raises(MissingRowsError, match="plain cosine"):
        draw(stored.filter(pl.col("cosine") == "debiased"))
