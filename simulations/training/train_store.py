"""A finished run of ``songoku train`` as a cell of the experiment ``training``."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songoku_theory.errors import InvalidInputError, StoreError

if TYPE_CHECKING:
    from simulations.training.run.job import Job
    from simulations.training.run.settings import Settings

__all__ = ["check_storable", "require_place", "require_store", "store_run"]


def check_storable(device: str, compiled: bool, threads: int, processes: int) -> None:
    """Refuse, before training, a run whose bits a cell of its key would not have.

    Raises
    ------
    InvalidInputError
        When it is not one process with one thread, or is compiled.
    """
    alone = processes == 1 and not compiled
    if not alone or (device == "cpu" and threads != 1):
        raise InvalidInputError(
            f"a stored run has the bits that any worker of songoku table1 gives it: one process, "
            f"one CPU thread, not compiled; found {processes} processes, {threads} threads"
            f"{', --compile' if compiled else ''}. Add --threads 1, or leave --store out: songoku "
            f"applies reads the run's folder as well."
        )


def require_place(folder: Path, option: str) -> None:
    """Refuse, before training, a folder that can't be made; makes none.

    Raises
    ------
    StoreError
        When what stands where it would be is a file, or may not be written.
    """
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    why = None
    if not nearest.is_dir():
        why = f"{nearest} is a file"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        why = f"{nearest} may not be written"
    if why is not None:
        raise StoreError(f"can't write into {folder}: {why}. Name another with {option}.")


def require_store(store: Path) -> None:
    """Refuse, before training, a store that a run could not be put into; makes none.

    Raises
    ------
    StoreError
        When it is no store, can't be written, or another process writes it now.
    """
    from simulations.experiments.training import EXPERIMENT
    from simulations.sweep.store import StoreWriter

    if not store.exists():
        require_place(store.parent, "--store")
        return
    with closing(StoreWriter(store)) as writer:
        writer.declare(EXPERIMENT)


def store_run(
    job: Job, settings: Settings, preset: str, amp: bool, device: str, store: Path
) -> tuple[str, bool]:
    """Store a finished run, measurements included.

    Parameters
    ----------
    job : Job
        Finished.
    settings : Settings
        It was made from.
    preset : str
        What they are called.
    amp, device
        As it was trained.
    store : Path
        Made if it does not exist.

    Returns
    -------
    str
        The cell's key.
    bool
        False when a run with this key was there already; it is left as it is.

    Raises
    ------
    InvalidInputError
        When the folder's files are not complete, or it was trained in a way that is not storable.
    StoreError
        When the store can't be written.
    """
    from simulations.experiments.training import EXPERIMENT
    from simulations.sweep.cell import make_cell
    from simulations.sweep.store import StoreWriter
    from simulations.sweep.worker import Outcome, provenance_text
    from simulations.training.run.record import read_result
    from simulations.training.run.stored import folder_rows
    from simulations.training.table.cells import SINGLE_TASK, settings_text
    from songoku_theory.storage.codec import encode_rows
    from songoku_theory.storage.schema import DONE

    benchmark, method = job.benchmark, job.method_name
    training = settings.training(benchmark)
    if amp:
        training = {**training, "amp": True}
    options: dict[str, Any] = dict(settings.method(benchmark, method))
    options.pop("task", None)
    cell = make_cell(
        EXPERIMENT,
        {
            "benchmark": benchmark,
            "method": method,
            "task": str(getattr(job.method, "task", "")) if method == SINGLE_TASK else "",
            "seed": job.seed,
            "preset": preset,
            "settings": settings_text(
                settings.architecture(benchmark), settings.data(benchmark), training, options
            ),
            "device": device,
        },
    )
    rows = folder_rows(job.folder)
    result = read_result(job.folder / "result.json")
    assert result is not None
    check_storable(device, bool(result["compiled"]), int(result["threads"]), 1)
    with closing(StoreWriter(store)) as writer:
        writer.declare(EXPERIMENT)
        if writer.statuses(EXPERIMENT).get(cell.key) == DONE:
            return cell.key, False
        text = encode_rows(rows, EXPERIMENT.columns)
        seconds = float(result["seconds"])
        writer.write(
            cell, Outcome(cell.key, text, len(rows), None, seconds, provenance_text(device))
        )
    return cell.key, True
