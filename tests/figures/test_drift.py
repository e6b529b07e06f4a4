"""The figure of drift: which cells are drawn, where the best n_eff lies, what it answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures._drift_rows import best_points, jump_points, steady_rows
from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied
from songoku_theory.bounds import memory_of_a_jump, tracking_error
from songoku_theory.ema import best_n_eff, n_eff
from songoku_theory.storage import read_rows

GOLDEN = Path(__file__).with_name("golden") / "drift.csv"
COLUMNS: dict[str, type] = {
    "ema": str, "refresh": int, "steps_since_jump": int, "n_eff": float, "noise_energy": float,
    "error": float, "error_se": float, "predicted": float, "old_share": float,
    "graph_exact": int, "graph_lo": float, "graph_hi": float,
}  # fmt: skip
BETAS = (0.5, 0.8, 0.9, 0.95)
Cell = tuple[dict[str, Any], list[dict[str, Any]]]


def _params(**more: object) -> dict[str, Any]:
    return {
        "kind": "linear", "step": 0.05, "num_groups": 2, "group_size": 1, "dim": 16, "tau": 0.2,
        "gamma": 0.15, "sigma": 0.25, "window": 200, "windows": 1, "beta": 0.9, "trials": 100,
        "replicate": 0, **more,
    }  # fmt: skip


def _row(params: dict[str, Any], ema: str, refresh: int, exact: int, off: float = 1.0,
         since: int = 0) -> dict[str, Any]:  # fmt: skip
    window, beta = int(params["window"]), float(params["beta"])
    predicted = tracking_error(window, beta, 1.0, float(params["step"]))
    low, high = clopper_pearson(exact, 100)
    return {
        "ema": ema, "refresh": refresh, "steps_since_jump": since,
        "n_eff": float(n_eff(window, beta)), "noise_energy": 1.0, "error": off * predicted,
        "error_se": 0.01 * predicted, "predicted": predicted,
        "old_share": memory_of_a_jump(since, beta) if since and ema == "carried" else 0.0,
        "graph_exact": exact, "graph_lo": low, "graph_hi": high,
    }  # fmt: skip


def _steady(step: float, beta: float, off: float = 1.0) -> Cell:
    params = _params(step=step, beta=beta)
    return params, [_row(params, ema, 1, 80, off) for ema in ("reset", "carried")]


def _jump(beta: float, carried: tuple[int, ...]) -> Cell:
    params = _params(kind="jump", step=0.0, beta=beta, window=20, windows=4)
    rows = []
    for refresh, exact in enumerate(carried, 1):
        since = max(0, (refresh - 2) * 20)
        rows.append(_row(params, "reset", refresh, 80, since=since))
        rows.append(_row(params, "carried", refresh, exact, since=since))
    return params, rows


CELLS = [
    *(_steady(step, beta) for step in (0.02, 0.05, 0.3) for beta in BETAS),
    _jump(0.9, (80, 85, 60, 85)),
    _jump(0.97, (80, 99, 0, 20)),
]


@pytest.fixture(scope="module")
def stored(make_store: Callable[[Mapping[str, Any]], Path]) -> pl.DataFrame:
    return read_rows(make_store({"drift": (COLUMNS, CELLS)}), "drift")


def draw(rows: pl.DataFrame, style: str = "neurips") -> Picture:
    with applied(STYLES[style]):
        return get_figure("drift").draw(FigureInput({"drift": rows}, None, STYLES[style]))


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


def test_the_best_is_between_those_that_surely_are_worse(stored: pl.DataFrame) -> None:
    best = best_points(steady_rows(stored)).rows_by_key(("line", "drift"), named=True, unique=True)
    sizes = {beta: float(n_eff(200, beta)) for beta in BETAS}
    middle = best[("measured", 0.05)]  # the optimum of E = 1, D = 0.05 is 9.6
    assert middle["value"] == sizes[0.8]
    assert (middle["low"], middle["high"]) == (sizes[0.5], sizes[0.9])
    assert best[("optimum", 0.05)]["value"] == best_n_eff(1.0, 0.05)
    ends = [line for line, drift in best if drift == 0.02 and line.startswith("measured")]
    assert ends == ["measured"]
    assert best[("measured, at the grid's end", 0.3)]["value"] == sizes[0.5]
    assert best[("EXT-5", 0.05)]["value"] == pytest.approx((1 / 0.05**2) ** (1 / 3))


def test_refreshes_are_counted_from_the_jump(stored: pl.DataFrame) -> None:
    jump = jump_points(stored).filter(pl.col("beta") == 0.97, pl.col("line") == "carried")
    assert jump["x"].to_list() == [-1.0, 0.0, 1.0, 2.0]
    assert jump["value"].to_list() == [0.8, 0.99, 0.0, 0.2]


def test_answers_come_from_the_rows(stored: pl.DataFrame) -> None:
    said = {answer.question: answer.text for answer in draw(stored).answers}
    assert len(said) == 4
    exact = said["How far is the average from a mean that moves?"]
    assert "40 (100%)" in exact
    off = stored.with_columns(pl.col("error") * 1.5)
    assert "0 (0%)" in draw(off).answers[0].text
    after = said["What does a carried EMA do after the means change?"]
    assert "β = 0.97: right with probability 0.00" in after
    assert "surely worse than reset up to refresh 2" in after
    assert "3 of 3 drifts" in said["What is the best n_eff under drift?"]
    without = draw(stored.filter(pl.col("kind") == "linear"))
    assert "nothing can be said" in without.answers[3].text


def test_no_rows_name_the_command(stored: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        draw(stored.clear())
    with pytest.raises(MissingRowsError, match="kind = 'linear'"):
        draw(stored.filter(pl.col("kind") == "jump"))
