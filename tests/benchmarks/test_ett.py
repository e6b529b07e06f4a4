"""ETT: 6:2:2, windows against plain slices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simulations.training.benchmarks import ett
from simulations.training.benchmarks.base import SPLITS
from simulations.training.benchmarks.ett import ETT, TransformerTemperature
from simulations.training.datasets.base import Provenance
from songoku_theory.errors import InvalidInputError


@pytest.fixture
def loaded(tmp_path, write_ett, rng, monkeypatch):
    _, values = write_ett(tmp_path / "ett" / "ETTm1.csv", 200)
    monkeypatch.setitem(ett._ROWS, "ETTm1.csv", 200)
    return TransformerTemperature(history=8, horizon=4).load(tmp_path, rng), values


def test_each_window_is_a_slice_of_the_table(loaded):
    benchmark, values = loaded
    assert benchmark.provenance is Provenance.EXACT
    standard = (values - values[:120].mean(0)) / values[:120].std(0)
    starts = {"train": (8, 120), "validation": (120, 160), "test": (160, 200)}
    for column, task in enumerate(benchmark.tasks):
        for split, (first, end) in starts.items():
            samples = task.splits[split]
            assert len(samples) == end - first - 4 + 1
            for row in (0, len(samples) - 1):
                inputs, label = samples.at(torch.tensor([row]))
                at = first + row
                assert np.allclose(inputs["series"][0].T, standard[at - 8 : at], atol=1e-5)
                assert np.allclose(label[0], standard[at : at + 4, column], atol=1e-5)


def test_no_two_parts_share_a_step_that_is_forecast(loaded):
    benchmark, _ = loaded
    assert [len(benchmark.tasks[0].splits[s]) for s in SPLITS] == [109, 37, 37]


def test_other_rows_than_published_are_refused(tmp_path, write_ett, rng):
    write_ett(tmp_path / "ett" / "ETTh1.csv", 200)
    with pytest.raises(InvalidInputError, match="17420 rows; found 200"):
        ETT.load(tmp_path, rng)


def test_windows_that_do_not_fit_are_refused(tmp_path, write_ett, rng, monkeypatch):
    write_ett(tmp_path / "ett" / "ETTm1.csv", 200)
    monkeypatch.setitem(ett._ROWS, "ETTm1.csv", 200)
    with pytest.raises(InvalidInputError, match="too few"):
        TransformerTemperature(history=8, horizon=50).load(tmp_path, rng)
    with pytest.raises(InvalidInputError, match="at least 1"):
        TransformerTemperature(history=0)


def test_the_real_file(real_root, rng):
    benchmark = ETT.load(real_root, rng)
    assert benchmark.provenance is Provenance.NEAR
    assert [task.name for task in benchmark.tasks][-1] == "OT"
    assert len(benchmark.tasks[0].splits["train"]) == 10452 - 96 - 96 + 1
