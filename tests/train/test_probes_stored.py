"""A measured run in its folder and in a store: the same theorems, the same numbers."""

from __future__ import annotations

import shutil

import pytest
from click.testing import CliRunner

from proofs_check.applies.read_run import read_folder, read_run
from proofs_check.applies.report import as_json, hold
from simulations.training.run import probes
from simulations.training.train_command import train
from songoku_theory.errors import InvalidInputError, UnknownNameError


def test_folder_and_store_say_the_same(data_root, tmp_path, monkeypatch):
    """A tiny real run: trained, stored, and held to the theorems both ways."""
    store, out = tmp_path / "s" / "store.sqlite", tmp_path / "runs"
    line = ["stocks_fb", "--method", "son_goku", "--method", "uniform", "--preset", "smoke",
            "--threads", "1", "--measure-every", "1", "--measure-batches", "2", "--store",
            str(store), "--out", str(out), "--data-root", str(data_root)]  # fmt: skip
    monkeypatch.setattr(probes, "LANCZOS_STEPS", 1)  # an LSTM over 500 days is slow
    done = CliRunner().invoke(train, line)
    assert done.exit_code == 0, (done.output, done.exception)
    assert done.output.count("stored: ") == 2
    assert "measured at 1 refresh:" in done.output
    assert "not measured: uniform has no conflict graph" in done.output
    key = done.output.split("stored: ")[1].split(", ")[1][:12]
    ways = [read_folder(out / "stocks_fb" / "son_goku" / "seed-0"), read_run(store, key)]
    found = [as_json(run, hold(run)) for run in ways]
    assert found[0]["measurements"] == found[1]["measurements"]
    assert found[0]["theorems"] == found[1]["theorems"]
    assert found[0]["data"] == found[1]["data"] == "stocks_fb (NEAR), son_goku, seed 0"
    again = CliRunner().invoke(train, line)
    assert again.output.count("was there already") == 2
    with pytest.raises(InvalidInputError, match="2 runs fit"):
        read_run(store)
    other = done.output.split("stored: ")[2].split(", ")[1][:12]
    with pytest.raises(InvalidInputError, match="a run of uniform, which has no record"):
        read_run(store, other)
    with pytest.raises(UnknownNameError, match="there is no such folder"):
        read_run(store, "nowhere")
    shutil.rmtree(out)
    refused = CliRunner().invoke(train, [*line, "--compile"])
    assert isinstance(refused.exception, InvalidInputError)
    assert "--compile" in str(refused.exception)
    assert not out.exists()
