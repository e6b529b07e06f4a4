"""The figure of heuristics: how regrets are pooled, and which graphs are drawn."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal
from scipy import stats

from paper_figures._heuristics_rows import HEURISTICS, hardest, pooled_regret
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure
from paper_figures.engine.style import STYLES, applied
from songoku_theory.storage import read_rows

GOLDEN = Path(__file__).with_name("golden") / "heuristics.csv"
COLUMNS: dict[str, type] = {
    "num_tasks": int, "threshold": float, "n_eff": float, "as_meant": int, "density": float,
    "max_degree": float, "clique_max": int, "clique_limit": float, "heuristic": str,
    "colors": float, "colors_lo": float, "colors_hi": float, "colors_max": int,
    "exact_known": int, "regret": float, "regret_lo": float, "regret_hi": float,
    "regret_max": int, "optimal": int, "optimal_lo": float, "optimal_hi": float,
    "within_delta": int, "work": float, "work_filled": float, "gap_filled": float,
    "smallest_class": float, "worst_edges": str, "worst_colors": str,
}  # fmt: skip
TIMES: dict[str, type] = {
    "method": str, "refresh_period": int, "device": str, "device_name": str, "repeat": int,
    "seconds": float, "cpu_seconds": float, "running": float, "sink": float,
}  # fmt: skip
Cell = tuple[dict[str, Any], list[dict[str, Any]]]
REGRETS = {"welsh_powell": (0, 1, 2, 0), "dsatur": (0, 0, 1, 0)}
SQUARE = ("0-1 1-2 2-3 0-3", "0 1 0 2")


def _interval(values: tuple[float, ...]) -> tuple[float, float, float]:
    mean = float(np.mean(values))
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1)) / 2
    return mean, mean - half, mean + half


def _cell(family: str, size: int, shift: int = 0) -> Cell:
    params = {
        "family": family, "size": size, "num_groups": 1, "dim": 16, "tau": 0.2, "gamma": 0.1,
        "sigma": 0.1, "window": 8, "beta": 0.9, "trials": 4, "also": "", "replicate": 0,
    }  # fmt: skip
    rows = []
    for heuristic in HEURISTICS:
        regrets = tuple(r + shift for r in REGRETS.get(heuristic, (0, 0, 0, 0)))
        mean, low, high = _interval(regrets)
        hard = family in ("crown", "queens") and heuristic == "welsh_powell"
        rows.append(
            {
                "num_tasks": size,
                "threshold": 0.2,
                "n_eff": 5.0,
                "as_meant": 4,
                "density": 0.3,
                "max_degree": 3.0,
                "clique_max": 3,
                "clique_limit": 6.0,
                "heuristic": heuristic,
                "colors": 2 + mean,
                "colors_lo": 2 + low,
                "colors_hi": 2 + high,
                "colors_max": 2 + max(regrets),
                "exact_known": 4,
                "regret": mean,
                "regret_lo": low,
                "regret_hi": high,
                "regret_max": max(regrets),
                "optimal": sum(r == 0 for r in regrets),
                "optimal_lo": 0.1,
                "optimal_hi": 0.9,
                "within_delta": 4,
                "work": 2.0,
                "work_filled": 2.5,
                "gap_filled": 2.0,
                "smallest_class": 1.0,
                "worst_edges": SQUARE[0] if hard else "",
                "worst_colors": SQUARE[1] if hard else "",
            }
        )
    return params, rows


def _times(size: int) -> Cell:
    params = {
        "study": "heuristics", "num_tasks": size, "dim": 64, "steps": 2, "repeats": 2,
        "periods": "4", "workload": "noise", "size": 8, "devices": "cpu", "replicate": 0,
    }  # fmt: skip
    rows = [
        {
            "method": name, "refresh_period": 0, "device": "cpu", "device_name": "a processor",
            "repeat": repeat, "seconds": 1e-3 * size, "cpu_seconds": 1e-3 * size * (1 + place),
            "running": float(size), "sink": 1.0,
        }
        for place, name in enumerate(HEURISTICS)
        for repeat in (0, 1)
    ]  # fmt: skip
    return params, rows


@pytest.fixture(scope="module")
def both(make_store: Callable[[Mapping[str, Any]], Path]) -> dict[str, pl.DataFrame]:
    cells = [_cell("random", 8), _cell("random", 16, 1), _cell("multipartite", 6)]
    cells += [_cell("simplex", 5), _cell("crown", 4), _cell("queens", 4, 1)]
    store = make_store(
        {"heuristics": (COLUMNS, cells), "wallclock": (TIMES, [_times(8), _times(16)])}
    )
    return {name: read_rows(store, name) for name in ("heuristics", "wallclock")}


@pytest.fixture(scope="module")
def picture(both: dict[str, pl.DataFrame]) -> Picture:
    style = STYLES["neurips"]
    with applied(style):
        return get_figure("heuristics").draw(FigureInput(both, None, style))


@pytest.mark.parametrize("style", sorted(STYLES))
def test_no_label_is_clipped_or_covered(
    both: dict[str, pl.DataFrame], style: str, check_layout: Callable[[Figure, str], None]
) -> None:
    with applied(STYLES[style]):
        given = FigureInput(both, None, STYLES[style])
        fig = get_figure("heuristics").draw(given).figure
    check_layout(fig, style)


def test_the_drawn_data_is_the_golden_data(picture: Picture) -> None:
    """Write anew, after a change that is meant, with SONGOKU_GOLDEN=write."""
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        picture.data.with_columns(pl.selectors.float().round_sig_figs(10)).write_csv(GOLDEN)
    expected = pl.read_csv(GOLDEN, schema=picture.data.schema)
    assert_frame_equal(picture.data, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-10)


def test_pooling_cells_is_pooling_their_graphs(both: dict[str, pl.DataFrame]) -> None:
    """Mean and interval of the eight regrets behind the two cells, as if they were in one."""
    found = pooled_regret(both["heuristics"])
    mine = found.filter(pl.col("graphs") == "random", pl.col("heuristic") == "welsh_powell")
    graphs = np.asarray([*REGRETS["welsh_powell"], *(r + 1 for r in REGRETS["welsh_powell"])])
    half = stats.t.ppf(0.975, 7) * graphs.std(ddof=1) / np.sqrt(8)
    value, low, high, n = mine.select("value", "low", "high", "n").row(0)
    assert n == 8
    assert value == pytest.approx(graphs.mean())
    assert (low, high) == pytest.approx((graphs.mean() - half, graphs.mean() + half))


def test_the_hardest_graphs_come_first_one_a_family(both: dict[str, pl.DataFrame]) -> None:
    first, second = hardest(both["heuristics"])
    assert (first.family, first.regret) == ("queens", 3)
    assert (second.family, second.regret) == ("crown", 2)
    assert first.edges == ((0, 1), (1, 2), (2, 3), (0, 3))
    assert first.colors == (0, 1, 0, 2)
    assert first.used == 3


def test_the_answers_change_with_the_rows(both: dict[str, pl.DataFrame], picture: Picture) -> None:
    best, worst, groups = (answer.text for answer in picture.answers)
    assert "Welsh-Powell 1.25" in best
    assert "(n = 8 graphs)" in best
    assert "On 8 of 24 stored graphs" in worst
    assert "3 colours too many, on queens graphs" in worst
    assert "Δ + 1 was never exceeded" in worst
    assert "reached that limit in 0" in groups
    faulty = both["heuristics"].with_columns(pl.lit(3).alias("within_delta"))
    style = STYLES["neurips"]
    with applied(style):
        again = get_figure("heuristics").draw(
            FigureInput({**both, "heuristics": faulty}, None, style)
        )
    assert "a fault" in again.answers[1].text


def test_a_store_without_hard_graphs_is_drawn_too(both: dict[str, pl.DataFrame]) -> None:
    easy = both["heuristics"].filter(pl.col("family").is_in(["random", "multipartite"]))
    style = STYLES["neurips"]
    with applied(style):
        found = get_figure("heuristics").draw(
            FigureInput({**both, "heuristics": easy}, None, style)
        )
    assert set(found.data["panel"]) == {"a", "b", "c"}
