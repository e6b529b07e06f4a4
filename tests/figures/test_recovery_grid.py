"""The figure of the grid on common draws: which map is drawn, and what it answers."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied
from songoku_theory.ema import n_eff
from songoku_theory.storage import read_rows

GOLDEN = Path(__file__).with_name("golden") / "recovery_grid.csv"
COLUMNS: dict[str, type] = {
    "window": int, "beta": float, "sigma": float, "threshold": float, "n_eff": float,
    "noise_scale": float, "margin": float, "common_draws": bool, "graph_exact": int,
    "graph_lo": float, "graph_hi": float, "edge_kept": int,
}  # fmt: skip


def _cell(dim: int, replicate: int = 0, tau: float = 0.2) -> tuple[dict[str, Any], list[Any]]:
    """P = exp(-d s^2 / margin) of 1000 draws: falls with s alone."""
    params = {
        "model": "multipartite", "num_groups": 2, "group_size": 2, "dim": dim, "tau": tau,
        "gamma": 0.15, "windows": "8 32", "betas": "0.9 0.99", "sigmas": "0.1 0.3",
        "taus": "0.15 0.2", "trials": 1000, "replicate": replicate, "device": "cpu",
    }  # fmt: skip
    rows = []
    for window, beta, sigma, level in itertools.product(
        (8, 32), (0.9, 0.99), (0.1, 0.3), (0.15, 0.2)
    ):
        size = float(n_eff(window, beta))
        scale, margin = sigma / size**0.5, 0.35 - level
        exact = round(1000 * np.exp(-dim * scale**2 / margin))
        low, high = clopper_pearson(exact, 1000)
        rows.append({
            "window": window, "beta": beta, "sigma": sigma, "threshold": level, "n_eff": size,
            "noise_scale": scale, "margin": margin, "common_draws": True, "graph_exact": exact,
            "graph_lo": low, "graph_hi": high, "edge_kept": exact,
        })  # fmt: skip
    return params, rows


@pytest.fixture(scope="module")
def stored(make_store: Callable[[Mapping[str, Any]], Path]) -> pl.DataFrame:
    cells = [_cell(16), _cell(256), _cell(256, replicate=1), _cell(16, tau=0.15)]
    return read_rows(make_store({"recovery_grid": (COLUMNS, cells)}), "recovery_grid")


def draw(rows: pl.DataFrame, style: str = "neurips") -> Picture:
    with applied(STYLES[style]):
        given = FigureInput({"recovery_grid": rows}, None, STYLES[style])
        return get_figure("recovery_grid").draw(given)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_no_label_is_clipped_or_covered(
    stored: pl.DataFrame, style: str, check_layout: Callable[[Figure, str], None]
) -> None:
    check_layout(draw(stored, style).figure, style)


def test_the_drawn_data_is_the_golden_data(stored: pl.DataFrame, tmp_path: Path) -> None:
    draw(stored).data.write_csv(tmp_path / "found.csv", float_precision=10)
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        GOLDEN.write_bytes((tmp_path / "found.csv").read_bytes())
    found, expected = pl.read_csv(tmp_path / "found.csv"), pl.read_csv(GOLDEN)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-9)


def test_replicates_are_not_pooled_and_the_map_is_of_the_plantings_threshold(
    stored: pl.DataFrame,
) -> None:
    """Points of a cell are dependent, so no two cells may be added up."""
    data = draw(stored).data
    assert data.filter(pl.col("panel") == "b").height == 2 * 16
    assert set(data["trials"]) == {1000}
    shown = data.filter(pl.col("panel") == "a")
    assert shown.height == 4
    assert set(shown["threshold"]) == {0.2}
    assert "2 stored cells of other settings are not drawn" in draw(stored).caption


def test_answers_change_with_the_rows(stored: pl.DataFrame) -> None:
    only_s, threshold = (answer.text for answer in draw(stored).answers)
    assert "recovery rises with s at 0: it falls, or stays, with s" in only_s
    assert "at τ = 0.15 (margin 0.2) P(graph) changes by" in threshold
    odd = stored.with_columns(
        pl.when(pl.col("window") == 8).then(1000).otherwise(0).alias("graph_exact")
    )
    assert "the order is not kept everywhere" in draw(odd).answers[0].text
    alone = draw(stored.filter(pl.col("threshold") == 0.2))
    assert "nothing can be said" in alone.answers[1].text


def test_no_rows_name_the_command(stored: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        draw(stored.clear())
