"""One benchmark, method and seed: train to the end, resume, stop on a signal or a NaN, report."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import torch

from simulations.sweep.interrupt import Stopped
from simulations.training.architectures.base import Architecture
from simulations.training.benchmarks.base import Loaded, Split
from simulations.training.methods.base import Method
from simulations.training.run.checkpoint import load_checkpoint, require_same_run, save_checkpoint
from simulations.training.run.compare import with_delta_m
from simulations.training.run.config import MachineConfig, TrainingConfig
from simulations.training.run.distributed import ALONE, Processes, StopTogether
from simulations.training.run.diverged import DivergedError, NonFiniteScoreError
from simulations.training.run.evaluate import Scores, evaluate, measure_statistics
from simulations.training.run.probes import NO_PROBES, ProbeOptions, Probes
from simulations.training.run.progress import Show, quiet
from simulations.training.run.record import Record, read_result, write_result
from simulations.training.run.refreshes import RefreshLog, has_graph
from simulations.training.run.tensorboard import Board
from simulations.training.run.trainer import Trainer
from songoku_theory.errors import InvalidInputError
from songoku_theory.provenance import provenance

__all__ = ["Ended", "Job", "Outcome", "device_of", "digest_of", "run_job"]

_DEVICE = re.compile(r"cpu|cuda(:\d{1,4})?")

CHECKPOINT, RESULT, DIVERGED, MODEL = "checkpoint.pt", "result.json", "diverged.pt", "model.pt"


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What to train.

    Attributes
    ----------
    benchmark : str
    loaded : Loaded
        As `seed` draws it.
    method_name : str
    method : Method
    architecture : Architecture
    config : TrainingConfig
    seed : int
    folder : Path
        Where its files go.
    single_task : Path
        Where the results of single-task networks are, if there are any.
    """

    benchmark: str
    loaded: Loaded
    method_name: str
    method: Method
    architecture: Architecture
    config: TrainingConfig
    seed: int
    folder: Path
    single_task: Path

    def identity(self) -> dict[str, str]:
        """Return everything that the run's numbers depend on, as text to compare."""
        settings = {f"training.{k}": repr(v) for k, v in asdict(self.config).items()}
        return {
            "benchmark": self.benchmark,
            "data": f"{self.loaded.provenance.value} {digest_of(self.loaded)}",
            "method": self.method_name,
            "method options": repr(self.method),
            "architecture": repr(self.architecture),
            "seed": str(self.seed),
            **settings,
        }


class Ended(StrEnum):
    """How a job ended."""

    FINISHED = "finished"
    ALREADY = "already there"
    PAUSED = "paused"
    """At ``max_steps``."""
    STOPPED = "stopped"
    """By a signal."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job.

    Attributes
    ----------
    ended : Ended
    result : mapping
        As in ``result.json``; empty when a signal stopped it.
    signum : int or None
    """

    ended: Ended
    result: Mapping[str, Any]
    signum: int | None = None


def run_job(
    job: Job, machine: MachineConfig, show: Show = quiet, processes: Processes = ALONE,
    probes: ProbeOptions | None = None,
) -> Outcome:  # fmt: skip
    """Train, or go on training, or find that it is done.

    Parameters
    ----------
    job : Job
    machine : MachineConfig
    show : Show
        Called after each step.
    processes : Processes
        Those that train together. All get the outcome; the first alone writes files.
    probes : ProbeOptions, optional
        What to measure at refreshes; by default nothing.

    Returns
    -------
    Outcome

    Raises
    ------
    InvalidInputError
        When the settings don't fit, or the folder holds another run's files.
    DivergedError
        When a loss or gradient is not finite; the batch is in ``diverged.pt``.
    StoreError
        When a file can't be written.
    """
    identity = job.identity()
    processes.wait()  # for what the run before has to write
    result = read_result(job.folder / RESULT)
    processes.require_same({**identity, "result": None if result is None else result["steps"]})
    if result is not None:
        require_same_run(job.folder / RESULT, result["run"], identity)
        if result["finished"]:
            compared = with_delta_m(result, job.single_task)
            if compared != result and processes.leads:
                write_result(job.folder / RESULT, compared)
            return Outcome(Ended.ALREADY, compared)
    return _Running(job, machine, identity, processes, probes or NO_PROBES).to_the_end(show)


def device_of(name: str) -> torch.device:
    """Return a device that is there.

    Raises
    ------
    InvalidInputError
        When it is not.
    """
    if _DEVICE.fullmatch(name) is None:  # torch knows many more, and explains them at length
        raise InvalidInputError(f"device {name!r} should be cpu, cuda or, of several, cuda:1.")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidInputError(
            f"device {name!r} can't be used here ({reason}). Use --device cpu."
        ) from error
    return device


def digest_of(loaded: Loaded) -> str:
    """Return a short hash of all labels and some inputs: other data has another."""
    found = hashlib.sha256(repr(sorted(loaded.input_shapes.items())).encode())
    for task in loaded.tasks:
        for split, samples in task.splits.items():
            found.update(f"{task.name} {split} {tuple(samples.labels.shape)}".encode())
            ends = [values[i] for values in samples.inputs.values() for i in (0, -1)]
            for values in (samples.labels, *ends):
                found.update(values.contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


class _Running:
    """A job under way."""

    def __init__(
        self, job: Job, machine: MachineConfig, identity: dict[str, str], processes: Processes,
        probes: ProbeOptions,
    ) -> None:  # fmt: skip
        self.job, self.machine, self.identity = job, machine, identity
        self.processes = processes
        self.device = device_of(machine.device)
        self.trainer = Trainer(
            job.loaded, job.method, job.architecture, job.config, job.seed, self.device,
            machine.compile, processes,
        )  # fmt: skip
        plan = self.trainer.plan
        log = RefreshLog(plan, job.config, self.trainer.total) if has_graph(plan) else None
        self.probes = Probes(self.trainer, probes, job.seed)
        self.record = Record(plan.tasks, job.config.log_every, log)
        self.checkpoint = job.folder / CHECKPOINT
        if self.checkpoint.exists():
            self._resume()
        # Also: nobody writes a checkpoint while another still reads the last one.
        processes.require_same({"step of the checkpoint": self.trainer.steps})
        self.board: Board | None = None
        if machine.tensorboard and processes.leads:
            self.board = Board(job.folder, self.trainer, self.record)

    def _resume(self) -> None:
        saved = load_checkpoint(self.checkpoint, self.device)
        require_same_run(self.checkpoint, saved["run"], self.identity)
        self.trainer.load_state_dict(saved["trainer"])
        self.record.load_state_dict(saved["record"])
        self.probes.load_state_dict(saved["record"].get("probes", {}))

    def to_the_end(self, show: Show) -> Outcome:
        stop_at = min(self.trainer.total, self.machine.max_steps or self.trainer.total)
        with self._logged():
            # Before hours of training: can anything be written here?
            self._save()
            with StopTogether(self.processes) as signals:
                try:
                    self._train(stop_at, signals, show)
                    validation, test = self._evaluate(signals, "validation", "test")
                except Stopped as stopped:
                    self._save()
                    self._write_tables()
                    return Outcome(Ended.STOPPED, {}, stopped.signum)
            return self._report(validation, test)

    @contextmanager
    def _logged(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self.board is not None:
                self.board.close()

    def _train(self, stop_at: int, signals: StopTogether, show: Show) -> None:
        trainer, record, every = self.trainer, self.record, self.job.config.evaluate_every
        saved = time.monotonic()
        while trainer.steps < stop_at:
            # Before the step, not after the one before it: a stop in between must not skip it.
            due = every and trainer.steps and trainer.steps % every == 0
            if due and not record.has_scores(trainer.steps, "validation"):
                record.scores(trainer.steps, "validation", *self._evaluate(signals, "validation"))
                record.worked(trainer.steps, trainer.work)
            signals.check()
            if record.refreshes is not None and self.probes.due():
                record.refreshes.add(self.probes.measure())
            # A signal waits for the end of the step, so that what is saved is whole.
            with signals.shielded():
                start = time.perf_counter()
                try:
                    stepped = trainer.step()
                except DivergedError as error:
                    kept = self._keep_batch(error)
                    raise DivergedError(error.task, error.step, error.what, kept) from error
                seconds = time.perf_counter() - start
                classes = trainer.scheduler.classes() if stepped.refreshed else ()
                record.step(stepped, classes, seconds)
                if record.refreshes is not None:
                    record.refreshes.step(stepped, trainer.scheduler)
                if self.board is not None:
                    self.board.step(stepped)
            show(stepped, trainer.total)
            if time.monotonic() - saved >= self.machine.checkpoint_seconds:
                with signals.shielded():
                    self._save()
                saved = time.monotonic()

    def _evaluate(self, signals: StopTogether, *splits: Split) -> list[Scores]:
        trainer = self.trainer
        tasks = trainer.plan.tasks
        measure_statistics(trainer.network, trainer.data, tasks, self.processes)
        limits = {"test": self.job.config.test_examples}
        return [
            evaluate(
                trainer.network,
                trainer.data,
                tasks,
                split,
                limits.get(split, 0),
                self.processes,
                signals.check,
            )
            for split in splits
        ]

    def _write_tables(self) -> None:
        if self.processes.leads:
            self.record.write(self.job.folder)

    def _save(self) -> None:
        if not self.processes.leads:
            return
        if self.board is not None:
            self.board.flush()
        save_checkpoint(
            self.checkpoint, self.identity, self.trainer.steps, self.trainer.state_dict(),
            {**self.record.state_dict(), "probes": self.probes.state_dict()},
        )  # fmt: skip

    def _keep_batch(self, error: DivergedError) -> Path:
        kept = self.job.folder / DIVERGED
        if not self.processes.leads:
            return kept
        trainer = self.trainer
        view, _ = trainer.data.grouped([error.task])[0]
        inputs, labels = trainer.data.batch(view, [error.task], error.step)
        save_checkpoint(
            kept, self.identity, error.step,
            {"network": trainer.network.state_dict()},
            {"task": error.task, "inputs": inputs, "labels": labels[error.task]},
        )  # fmt: skip
        self.record.write(self.job.folder)
        return kept

    def _report(self, validation: Scores, test: Scores) -> Outcome:
        trainer, job, folder = self.trainer, self.job, self.job.folder
        finished = trainer.steps >= trainer.total
        for split, scores in (("validation", validation), ("test", test)):
            self.record.scores(trainer.steps, split, scores)
        self.record.worked(trainer.steps, trainer.work)
        self._write_tables()
        by_name = {task.name: task for task in job.loaded.tasks}
        result: dict[str, Any] = {
            "run": self.identity,
            "benchmark": job.benchmark,
            "data": job.loaded.provenance.value,
            "notes": list(job.loaded.notes),
            "method": job.method_name,
            "seed": job.seed,
            "finished": finished,
            "steps": trainer.steps,
            "steps_planned": trainer.total,
            "steps_per_epoch": trainer.data.steps_per_epoch,
            "tasks": {
                name: {
                    "role": by_name[name].role.value,
                    "chance": by_name[name].chance,
                    "chances": {
                        m.name: m.chance for m in by_name[name].metrics if m.chance is not None
                    },
                    "higher_is_better": {m.name: m.higher_is_better for m in by_name[name].metrics},
                    "validation": validation[name],
                    "test": test[name],
                }
                for name in trainer.plan.tasks
            },
            "work": asdict(trainer.work),
            "seconds": self.record.seconds,
            "device": str(self.device),
            "compiled": self.machine.compile,
            "threads": torch.get_num_threads(),
            "processes": self.processes.count,
            "provenance": _provenance(),
        }
        _refuse_nonfinite(result["tasks"])
        result = with_delta_m(result, job.single_task)
        ended = Ended.FINISHED if finished else Ended.PAUSED
        if not self.processes.leads:
            return Outcome(ended, result)
        if finished and self.machine.save_model:
            save_checkpoint(
                folder / MODEL, self.identity, trainer.steps,
                {"network": trainer.network.state_dict()}, {},
            )  # fmt: skip
        if not finished:
            self._save()
        write_result(folder / RESULT, result)
        if finished:
            self.checkpoint.unlink(missing_ok=True)
        return Outcome(ended, result)


@cache
def _provenance() -> dict[str, Any]:
    return provenance()  # asks git: once a process is enough


def _refuse_nonfinite(tasks: Mapping[str, Any]) -> None:
    for name, task in tasks.items():
        for split in ("validation", "test"):
            for metric, value in task[split].items():
                if value != value or value in (float("inf"), float("-inf")):
                    raise NonFiniteScoreError(name, split, metric, value)
