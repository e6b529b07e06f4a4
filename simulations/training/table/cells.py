"""One training run as a cell of a sweep: its params, its check, and what runs it.

Where the data are and where unfinished runs are kept is not part of a cell's key. Workers read both
from the environment: ``SONGOKU_DATA`` names the data root, ``SONGOKU_SCRATCH`` a folder in which a
run that was killed finds its checkpoint again. What was read is part of the rows, as a digest.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulations.sweep.device import DEVICE, device_param
from simulations.sweep.experiment import Param, Row, Scalar
from simulations.training.benchmarks import available_benchmarks
from songoku_theory.errors import InvalidInputError
from songoku_theory.storage.codec import canonical_json, digest

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import Loaded

__all__ = [
    "DATA_ROOT",
    "PARAMS",
    "SCRATCH",
    "SINGLE_TASK",
    "check",
    "cost",
    "load_benchmark",
    "run_training",
    "run_tuning",
    "settings_text",
    "work_of",
]

DATA_ROOT = "SONGOKU_DATA"
SCRATCH = "SONGOKU_SCRATCH"
SINGLE_TASK = "single_task"

PARAMS: dict[str, Param] = {
    "benchmark": Param(type=str, choices=available_benchmarks(), doc="what is trained"),
    "method": Param(type=str, doc="how; see 'songoku train --list-methods'"),
    "task": Param(type=str, default="", doc="of a single-task run: its task"),
    "seed": Param(
        type=int, low=0, doc="of weights, data order and subset: the same for every method"
    ),
    "preset": Param(type=str, doc="where the settings come from"),
    "settings": Param(
        type=str,
        doc="canonical JSON: architecture, options (of it), data, training, method (options of it)",
    ),
    DEVICE: device_param(),
}

_PARTS = ("architecture", "options", "data", "training", "method")
_CHECKPOINT_SECONDS = 20.0
_JOINT = ("uniform", "scalarised", "adatask", "famo", SINGLE_TASK)
"""Methods without a backward pass for each task, or nearly so; only used to estimate times."""

_TUNING_KINDS = (
    "provenance", "data", "digest", "task_name", "task_role", "chance", "higher_is_better",
    "score", "work", "seconds", "diverged",
)  # fmt: skip


def settings_text(
    architecture: tuple[str, Mapping[str, Any]], data: Mapping[str, Any],
    training: Mapping[str, Any], method: Mapping[str, Any],
) -> str:  # fmt: skip
    """Return the one spelling of a run's settings.

    Examples
    --------
    >>> settings_text(("resnet18", {}), {}, {"steps": 3}, {"tau": 0.1})
    '{"architecture":"resnet18","data":{},"method":{"tau":0.1},"options":{},"training":{"steps":3}}'
    """
    name, options = architecture
    return canonical_json(
        {
            "architecture": name,
            "options": dict(options),
            "data": dict(data),
            "training": dict(training),
            "method": dict(method),
        }
    )


def _settings(params: Mapping[str, Scalar]) -> dict[str, Any]:
    try:
        found = json.loads(str(params["settings"]))
    except ValueError as error:
        raise InvalidInputError(f"param 'settings' should be JSON: {error}.") from error
    if not isinstance(found, dict) or set(found) != set(_PARTS):
        raise InvalidInputError(
            f"param 'settings' should be a JSON object with {', '.join(_PARTS)}; found "
            f"{sorted(found) if isinstance(found, dict) else found!r}."
        )
    return found


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse settings that can't be trained, before anything is read.

    Raises
    ------
    UnknownNameError
        When a method, architecture, task or option does not exist.
    InvalidInputError
        When a value is out of range.
    """
    from simulations.training.architectures import get_architecture
    from simulations.training.methods import get_method
    from simulations.training.run.config import TrainingConfig
    from simulations.training.run.settings import with_data_options

    found = _settings(params)
    TrainingConfig.of(found["training"])
    get_architecture(found["architecture"], found["options"])
    with_data_options(str(params["benchmark"]), found["data"])
    get_method(str(params["method"]), _method_options(params, found))


def _method_options(params: Mapping[str, Scalar], found: Mapping[str, Any]) -> dict[str, Any]:
    task = str(params["task"])
    if (params["method"] == SINGLE_TASK) != bool(task):
        raise InvalidInputError(
            f"param 'task' names the task of a {SINGLE_TASK} run and is empty for other methods; "
            f"found method {params['method']!r} with task {task!r}."
        )
    return {**found["method"], "task": task} if task else dict(found["method"])


def work_of(params: Mapping[str, Scalar]) -> float:
    """Return how long a run is, in steps or epochs of its benchmark."""
    training = _settings(params)["training"]
    return float(training.get("steps") or training.get("epochs") or 1)


def cost(params: Mapping[str, Scalar]) -> float:
    """Return what a run costs, roughly: its steps, twice with a backward pass for each task."""
    return work_of(params) * (1.0 if params["method"] in _JOINT else 2.0)


_last: tuple[tuple[str, ...], Loaded] | None = None


def load_benchmark(root: Path, benchmark: str, data: Mapping[str, Any], seed: int) -> Loaded:
    """Load a benchmark as a seed draws it; the last one is kept in this process.

    Parameters
    ----------
    root : Path
        The data root.
    benchmark : str
    data : mapping
        Options of the benchmark.
    seed : int
    """
    from simulations.training.run.settings import with_data_options
    from simulations.training.run.trainer import DATA, child_seed

    global _last
    asked = (str(root.absolute()), benchmark, canonical_json(dict(data)), str(seed))
    if _last is None or _last[0] != asked:
        _last = None  # so that two benchmarks are never held at once
        source = with_data_options(benchmark, data)
        _last = asked, source.load(root, np.random.default_rng(child_seed(seed, DATA)))
    return _last[1]


def run_training(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Train a run of the table; its own seed decides, not the cell's."""
    return _run(params, "training")


def run_tuning(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Train a candidate. Its test scores are thrown away, so that nothing can select by them."""
    return [
        row
        for row in _run(params, "tuning")
        if row["kind"] in _TUNING_KINDS and row["split"] != "test"
    ]


def _run(params: Mapping[str, Scalar], experiment: str) -> list[Row]:
    import torch

    from simulations.sweep.interrupt import Stopped
    from simulations.training.architectures import get_architecture
    from simulations.training.methods import get_method
    from simulations.training.run.config import MachineConfig, TrainingConfig
    from simulations.training.run.diverged import DivergedError, NonFiniteScoreError
    from simulations.training.run.job import Job, run_job
    from simulations.training.run.stored import diverged_rows, folder_rows

    found = _settings(params)
    benchmark, method, seed = str(params["benchmark"]), str(params["method"]), int(params["seed"])
    config = TrainingConfig.of(found["training"])
    machine = MachineConfig(str(params[DEVICE]), checkpoint_seconds=_CHECKPOINT_SECONDS)
    loaded = load_benchmark(_data_root(), benchmark, found["data"], seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums are rounded in an order that depends on it
    try:
        with _work_folder(params, experiment) as folder:
            job = Job(
                benchmark, loaded, method, get_method(method, _method_options(params, found)),
                get_architecture(found["architecture"], found["options"]), config, seed, folder,
                folder / SINGLE_TASK,
            )  # fmt: skip
            try:
                outcome = run_job(job, machine)
            except DivergedError as error:
                return diverged_rows(error.step, f"the {error.what} of {error.task}")
            except NonFiniteScoreError as error:
                return diverged_rows(config.steps or -1, str(error))
            if outcome.signum is not None:
                raise Stopped(outcome.signum)
            return folder_rows(folder)
    finally:
        torch.set_num_threads(threads)


def _data_root() -> Path:
    return Path(os.environ.get(DATA_ROOT, "data"))


@contextmanager
def _work_folder(params: Mapping[str, Scalar], experiment: str) -> Iterator[Path]:
    """A folder that a killed run leaves behind and the same run finds again."""
    scratch = os.environ.get(SCRATCH)
    if scratch is None:
        with tempfile.TemporaryDirectory() as made:
            yield Path(made)
        return
    mark = digest(f"{experiment} {canonical_json(dict(params))}")[:16]
    folder = Path(scratch) / str(params["benchmark"]) / f"{params['method']}-{mark}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # after a failure or a signal it stays
