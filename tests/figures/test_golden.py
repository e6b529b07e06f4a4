"""Golden data: the fixtures' rows give exactly these CSVs.

After a change that is meant, write them anew with
``SONGOKU_GOLDEN=write python -m pytest tests/figures/test_golden.py`` and look at the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("name", ["pipeline", "recovery", "n_eff", "ledger"])
def test_the_drawn_data_is_the_golden_data(name: str, drawn: Path) -> None:
    """Text and counts exactly; floats to 1e-5, for the CSV rounds to six digits."""
    path = GOLDEN / f"{name}.csv"
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        path.write_bytes((drawn / f"{name}.csv").read_bytes())
    found, expected = pl.read_csv(drawn / f"{name}.csv"), pl.read_csv(path)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-5, abs_tol=1e-10)


def test_the_pipelines_marks_are_the_runs_rows(drawn: Path) -> None:
    """Checked by hand against the fixture, so that the golden file can't be wrong unnoticed."""
    data = pl.read_csv(drawn / "pipeline.csv")
    # Refreshes 1 and 2 have one and two conflicts; the second rules steps 4 and 5.
    matrix = data.filter(pl.col("panel") == "a")
    assert set(matrix["refresh"]) == {2}
    pairs = {frozenset(p): v for *p, v in matrix.select("task", "other", "value").iter_rows()}
    assert pairs == {
        frozenset({"upright", "turned"}): 0.2,
        frozenset({"upright", "mixed"}): -0.4,
        frozenset({"turned", "mixed"}): -0.3,
    }
    edges = data.filter(pl.col("panel") == "b", pl.col("value") == 1)
    assert {frozenset(p) for p in edges.select("task", "other").iter_rows()} == {
        frozenset({"upright", "mixed"}),
        frozenset({"turned", "mixed"}),
    }
    timeline = data.filter(pl.col("panel") == "d")
    assert timeline.height == 3 + 3 + 2 + 1 + 1 + 2
    conflicts = data.filter(pl.col("panel") == "e", pl.col("task").is_null())
    assert conflicts["value"].to_list() == [0.0, 1.0, 2.0]


def test_the_recovery_points_are_counts_over_trials(drawn: Path) -> None:
    data = pl.read_csv(drawn / "recovery.csv")
    graph = data.filter(pl.col("panel") == "a", pl.col("line") == "graph")
    law = graph.filter(pl.col("method") == "law").sort("dim", "n_eff")
    assert law["value"].to_list() == [0.04, 0.7, 1.0, 0.0, 0.09, 0.995]
    assert graph.filter(pl.col("method") == "direct")["value"].to_list() == [0.66]
    assert (graph["low"] <= graph["value"]).all()
    assert (graph["value"] <= graph["high"]).all()
    enough = data.filter(pl.col("panel") == "b", pl.col("line") == "graph", pl.col("dim") == 256)
    assert enough["low"][0] == law["n_eff"][1]
    assert enough["high"][0] == law["n_eff"][2]


def test_the_ledgers_tiles_are_its_claims_in_order(drawn: Path) -> None:
    data = pl.read_csv(drawn / "ledger.csv")
    assert data["id"].to_list()[:5] == ["EMA-8", "EMA-18", "EMA-19", "EMA-19-LIMIT", "COL-P1"]
    assert data.filter(pl.col("vacuous"))["id"].to_list() == ["COL-7"]
    places = list(data.select("line", "place").iter_rows())
    assert len(set(places)) == len(places) == 10
