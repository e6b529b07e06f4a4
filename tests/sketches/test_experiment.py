"""The experiment sketches: complete rows, the same bits, and answers that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.experiments import get_experiment
from simulations.sketches.judge import same_partition
from simulations.sweep.preset import load_preset, preset_cells
from songoku_theory.errors import InvalidInputError

SKETCHES = get_experiment("sketches")
DEFAULTS = {name: param.default for name, param in SKETCHES.params.items()}
SMALL = {"trials": 20, "group_size": 3, "dim": 64}
METHODS = SKETCHES.params["method"].choices


def cell(seed: int = 1, **params: object) -> dict[str, float]:
    rows = SKETCHES.run({**DEFAULTS, **SMALL, **params}, np.random.SeedSequence(seed))
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("method", METHODS)
def test_a_row_is_complete_and_the_seed_alone_decides_it(method: str) -> None:
    settings = {"method": method, "refreshes": 3, "size": 5}
    row = cell(**settings)
    assert set(row) == set(SKETCHES.columns)
    for name, kind in SKETCHES.columns.items():
        assert row[name] is None or type(row[name]) is kind, name
    assert row == cell(**settings)
    assert row["bound_broken"] == 0
    assert row["graph_same"] <= row["colors_same"]
    assert row["flips_lo"] <= row["flips"] <= row["flips_hi"]
    assert row["flips"] == pytest.approx(row["false_edges"] + row["missed_edges"])


def test_exact_settings_flip_nothing() -> None:
    for settings in (
        {"method": "fd_rows", "size": 9},
        {"method": "fd_columns", "size": 10},
        {"method": "sampled_bounds"},
        {"method": "sampled", "pair_factor": 100.0},
        {"method": "incremental", "threshold": 0.0, "refreshes": 3, "drift": 0.1},
    ):
        row = cell(**settings)
        assert row["graph_same"] == 20, settings
        assert row["flips"] == 0.0


def test_refined_classes_are_proper_and_the_first_pass_is_not() -> None:
    rough = cell(method="sampled", group_size=14, trials=20)
    refined = cell(method="sampled_classes", group_size=14, trials=20)
    assert refined["proper"] == 20
    assert rough["proper"] == 0
    assert rough["operations"] < refined["operations"] < refined["exact_operations"]


def test_representatives_find_planted_groups_with_few_comparisons() -> None:
    row = cell(method="representatives", noise_energy=0.01)
    assert row["partition_exact"] == 20
    tasks, groups = 9, 3
    assert row["operations"] <= (tasks + tasks * groups - groups * (groups + 1) // 2) * 64


def test_the_same_averages_for_every_sketch_of_the_vectors() -> None:
    """partition_exact_full is of the averages alone."""
    noisy = {"noise_energy": 0.6, "trials": 60}
    found = {
        cell(method=method, **noisy)["partition_exact_full"]
        for method in ("sparse", "fd_rows", "fd_columns", "sampled", "representatives")
    }
    assert len(found) == 1
    assert 0 < found.pop() < 60


def test_projected_flips_are_those_of_the_exact_law() -> None:
    """n = 1,500 trials, mean within five standard errors (alpha < 1e-5, flips in bunches)."""
    row = cell(method="gaussian", size=64, trials=1500, dim=10**6)
    error = (row["flips_hi"] - row["flips_lo"]) / 2 / 1.96
    assert abs(row["flips"] - row["expected_flips"]) < 5 * error
    assert row["expected_flips"] > 1


def test_the_paper_reference_drifts_and_the_stored_row_does_not() -> None:
    moving = {"drift": 0.06, "refreshes": 20, "noise_energy": 0.02, "window": 8, "threshold": 0.1}
    paper = cell(method="incremental_paper", **moving)
    ours = cell(method="incremental", **moving)
    assert paper["paper_bound_broken"] > 0
    assert ours["bound_broken"] == 0
    assert ours["max_error_max"] <= 0.2 < paper["max_error_max"]
    assert paper["recomputed"] < ours["recomputed"] < 1


def test_partitions_are_compared_up_to_names() -> None:
    assert same_partition(np.asarray([0, 1, 0]), np.asarray([1, 0, 1]))
    assert not same_partition(np.asarray([0, 1, 0]), np.asarray([0, 1, 1]))


def test_what_can_not_exist_is_refused_beforehand() -> None:
    assert SKETCHES.check is not None
    with pytest.raises(InvalidInputError, match="size"):
        SKETCHES.check({**DEFAULTS, "size": 1})
    with pytest.raises(InvalidInputError, match="no vectors"):
        SKETCHES.check({**DEFAULTS, "num_groups": 6})
    with pytest.raises(InvalidInputError):
        SKETCHES.check({**DEFAULTS, "num_groups": 1, "group_size": 1})


@pytest.mark.parametrize("name", ["quick", "paper", "cluster"])
def test_presets_hold_valid_cells(name: str) -> None:
    cells = preset_cells(load_preset(name), only="sketches")
    assert len(cells) > {"quick": 50, "paper": 500, "cluster": 2000}[name]
    assert SKETCHES.check is not None
    for one in cells[:: max(1, len(cells) // 40)]:
        SKETCHES.check(one.params)
