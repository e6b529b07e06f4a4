"""CelebA, Taskonomy and yeast train at the smoke preset, from files in the official layouts."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

pytest.importorskip("PIL.Image")

from simulations.training.benchmarks.celeba import ATTRIBUTES
from simulations.training.train_command import train


def trained(tmp_path, benchmark, *methods):
    line = [benchmark, "--preset", "smoke", "--threads", "1", "--data-root", str(tmp_path)]
    line += ["--out", str(tmp_path / "out")]
    for method in methods:
        line += ["--method", method]
    done = CliRunner().invoke(train, line, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    for method in methods:
        path = tmp_path / "out" / benchmark / method / "seed-0" / "result.json"
        yield json.loads(path.read_text())


def test_celeba(tmp_path, write_celeba):
    write_celeba(tmp_path, [0] * 64 + [1] * 16 + [2] * 16, ATTRIBUTES)
    for result in trained(tmp_path, "celeba", "uniform", "son_goku", "pcgrad"):
        assert result["data"] == "NEAR"
        assert list(result["tasks"]) == list(ATTRIBUTES)
        for task in result["tasks"].values():
            assert 0 <= task["test"]["error rate"] <= 1


def test_taskonomy(tmp_path, write_taskonomy):
    write_taskonomy(tmp_path, {"a": 8, "b": 2, "c": 2})
    for result in trained(tmp_path, "taskonomy", "uniform", "son_goku", "pcgrad"):
        first = {name: next(iter(task["test"])) for name, task in result["tasks"].items()}
        assert first == {
            "segmentation": "mIoU", "depth": "RMSE (m)", "normals": "angle error (degrees)",
            "keypoints": "MAE (training root mean squares)",
            "edges": "MAE (training root mean squares)",
        }  # fmt: skip
