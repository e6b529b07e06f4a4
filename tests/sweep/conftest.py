"""Toy experiments, as a user's own package would bring them, and ways to run sweeps of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulations.experiments import get_experiment
from simulations.sweep.experiment import Experiment

PLUGIN = Path(__file__).parent / "plugin"

TOY_PRESET = """
description = "Toys."
[[sweep]]
experiment = "toy"
[sweep.fixed]
pause = {pause}
[sweep.grid]
n = {{ range = [0, {cells}] }}
"""


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the toys for this process and the ones that it starts."""
    monkeypatch.syspath_prepend(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN), prepend=os.pathsep)
    monkeypatch.delenv("SONGOKU_STORE", raising=False)


@pytest.fixture(autouse=True)
def ctrl_c_works() -> Iterator[None]:
    """A shell starts background jobs deaf to Ctrl-C, and a job's children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def toy(plugin: None) -> Experiment:
    return get_experiment("toy")


@pytest.fixture
def paired(plugin: None) -> Experiment:
    return get_experiment("paired")


@pytest.fixture
def preset(tmp_path: Path) -> Callable[..., Path]:
    """Write a preset of `cells` toy cells that each sleep `pause` seconds."""

    def write(cells: int, pause: float = 0.0, name: str = "toys.toml") -> Path:
        path = tmp_path / name
        path.write_text(TOY_PRESET.format(cells=cells, pause=pause), encoding="utf-8")
        return path

    return write


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start ``songoku ARGUMENTS`` in a process group of its own, as a shell would."""

    def run(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "songoku_theory.cli", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"SONGOKU_TOY_FOLDER": str(tmp_path)},
            start_new_session=True,
        )

    return run


@pytest.fixture
def songoku(
    start: Callable[..., subprocess.Popen[str]],
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``songoku ARGUMENTS`` to its end."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        process = start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run
