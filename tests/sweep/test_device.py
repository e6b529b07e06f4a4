"""``--device``: part of a cell's key, refused where it has no meaning or there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from simulations.experiments import get_experiment
from simulations.sweep.cell import make_cell
from simulations.sweep.device import accelerator, on_device, torch_device
from simulations.sweep.experiment import Experiment
from simulations.sweep.grid import Grid, expand
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.storage import read_rows

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


def test_only_cells_that_take_a_device_move(toy: Experiment) -> None:
    placed = get_experiment("placed")
    cells = [*expand(toy, Grid(axes={"n": range(2)})), make_cell(placed, {"n": 3})]
    moved = on_device(cells, "cuda")
    assert moved[:2] == cells[:2]
    assert moved[2].params == {"n": 3, "device": "cuda"}
    assert moved[2].key != cells[2].key, "a GPU's rows are not a CPU's"
    assert on_device(cells, "cpu") == cells
    both = [make_cell(placed, {"n": 3, "device": device}) for device in ("cpu", "cuda")]
    assert on_device(both, "cpu") == [both[0]]
    with pytest.raises(InvalidInputError, match="no experiment among toy declares"):
        on_device(cells[:2], "cpu")


def test_a_cell_gets_the_device_that_it_asks_for() -> None:
    assert torch_device({}) == torch_device({"device": "cpu"}) == torch.device("cpu")
    with pytest.raises(UnknownNameError, match="Did you mean 'cuda'"):
        torch_device({"device": "cudo"})


@no_gpu
def test_a_missing_gpu_is_one_clear_error(tmp_path: Path, songoku: Callable) -> None:
    path = tmp_path / "placed.toml"
    path.write_text('[[sweep]]\nexperiment = "placed"\n[sweep.grid]\nn = [1, 2]\n')
    arguments = ("sweep", "run", path, "--store", tmp_path / "store", "--workers", 2)
    refused = songoku(*arguments, "--device", "cuda")
    assert refused.returncode == 1
    assert "device 'cuda' was asked for, but" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "store").exists()
    done = songoku(*arguments, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    rows = read_rows(tmp_path / "store", "placed")
    assert rows["device"].to_list() == rows["where"].to_list() == ["cpu", "cpu"]
    assert accelerator("cuda") == {"gpu": "none found"}
