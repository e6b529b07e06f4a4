"""A user's package in miniature: two experiments, found through the entry points beside it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from simulations.sweep.device import device_param, torch_device
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from songoku_theory.errors import InvalidInputError


def run_toy(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """A few sums whose last bits depend on everything that must not matter."""
    matrix = np.random.default_rng(seed).normal(scale=params["scale"], size=(40, 40))
    product = matrix @ matrix.T
    time.sleep(float(params["pause"]))
    misbehave(str(params["mood"]), Path(os.environ.get("SONGOKU_TOY_FOLDER", ".")))
    note(f"{params['n']}\n")
    mood = float("nan") if params["mood"] == "nan" else float(product.sum())
    return [
        {"i": i, "x": float(product[i, i]), "total": mood, "even": i % 2 == 0, "label": None}
        for i in range(int(params["n"]) % 3)
    ]


def misbehave(mood: str, folder: Path) -> None:
    if mood == "raise":
        raise ValueError("a toy's failure")
    if mood == "raise_once" and not (folder / "raised").exists():
        (folder / "raised").touch()
        raise ValueError("a toy's only failure")
    if mood == "exit":
        raise SystemExit("a toy leaves")
    if mood == "hang":
        (folder / f"hung {os.getpid()}").touch()
        time.sleep(600)
    if mood == "talk":
        print("a toy's own output")  # noqa: T201 - must not reach the pipe that rows take
    if mood == "die" or (mood == "die_once" and not (folder / "died").exists()):
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)


def note(line: str) -> None:
    """Say on the disk that a cell has been computed, if anybody asks."""
    folder = os.environ.get("SONGOKU_TOY_FOLDER")
    if folder is not None:
        with open(Path(folder) / "computed", "a", encoding="utf-8") as stream:
            stream.write(f"{os.getpid()} {line}")


def check_toy(params: Mapping[str, Scalar]) -> None:
    if params["n"] == 666:
        raise InvalidInputError("n = 666 can't exist; take another n.")


MOODS = ("good", "raise", "raise_once", "nan", "exit", "die", "die_once", "hang", "talk")

TOY = Experiment(
    name="toy",
    version=1,
    doc="A toy.",
    params={
        "n": Param(type=int, low=0, doc="Any number."),
        "scale": Param(type=float, default=1.0, low=0, high=10, low_open=True, doc="Of the noise."),
        "pause": Param(type=float, default=0.0, low=0, doc="Seconds asleep."),
        "mood": Param(
            type=str,
            default="good",
            choices=MOODS,
            doc="What goes wrong.",
        ),
    },
    columns={"i": int, "x": float, "total": float, "even": bool, "label": str},
    run=run_toy,
    statistics="None: a toy.",
    cost=lambda params: 0.001 + float(params["pause"]),
    check=check_toy,
)


def run_paired(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """A draw whose noise is shared by all shifts of a replicate."""
    return [{"noise": float(np.random.default_rng(seed).normal()), "shift": params["by"]}]


PAIRED = Experiment(
    name="paired",
    version=3,
    doc="Common random numbers.",
    params={
        "replicate": Param(type=int, doc="Which draw."),
        "by": Param(type=float, doc="Not a seed axis."),
    },
    columns={"noise": float, "shift": float},
    run=run_paired,
    statistics="None: a toy.",
    seed_axes=("replicate",),
)


def run_threads(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """How many threads a cell may use."""
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    pools = [pool["num_threads"] for pool in threadpool_info()]
    return [{"most": max(pools, default=1), "variable": os.environ.get("OMP_NUM_THREADS")}]


def run_placed(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Where a cell's arrays would live."""
    return [{"where": str(torch_device(params)), "n_squared": int(params["n"]) ** 2}]


PLACED = Experiment(
    name="placed",
    version=1,
    doc="Takes a device.",
    params={"n": Param(type=int, doc="Any number."), "device": device_param()},
    columns={"where": str, "n_squared": int},
    run=run_placed,
    statistics="None: a toy.",
)


THREADS = Experiment(
    name="threads",
    version=1,
    doc="Threads of a cell.",
    params={"n": Param(type=int, doc="Any number.")},
    columns={"most": int, "variable": str},
    run=run_threads,
    statistics="None: a toy.",
)
