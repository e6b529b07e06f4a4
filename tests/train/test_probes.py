"""What a run records of its schedule: against a run stepped by hand, and after a crash."""

from __future__ import annotations

import csv
import os
import signal
from itertools import pairwise

import numpy as np
import pytest
import torch

from simulations.training.architectures import get_architecture
from simulations.training.methods import available_methods, get_method
from simulations.training.run import refreshes
from simulations.training.run.config import MachineConfig, TrainingConfig
from simulations.training.run.job import Job, run_job
from simulations.training.run.refreshes import read_refreshes
from simulations.training.run.trainer import Trainer
from songoku_theory.errors import InvalidInputError

CPU = torch.device("cpu")
GRAPH = {
    "son_goku", "son_goku_adatask", "son_goku_pcgrad", "son_goku_gradnorm", "static_one_shot",
    "single_step", "oldest_first", "random_groups",
}  # fmt: skip
QUICK = {"refresh_period": 3, "tau": 0.05, "warm_up": 0.0, "anneal": 0.0}


@pytest.fixture
def job(made_up, tmp_path):
    def make(name="son_goku", out="out", **method):
        options = {**QUICK, **method} if name in GRAPH else dict(method)
        if name == "son_goku_gradnorm":
            options["warm_epochs"] = 0.5
        config = TrainingConfig.of({"steps": 12, "batch_size": 8, "lr": 0.01, "log_every": 4})
        return Job(
            "made_up", made_up(), name, get_method(name, options),
            get_architecture("vector_fusion", {"encoder": 8, "embedding": 8, "hidden": 8}),
            config, 0, tmp_path / out / name / "seed-0", tmp_path / out / "single_task",
        )  # fmt: skip

    return make


def stepped_by_hand(made, steps=12):
    """(who was active, the scheduler's classes, cosines, norms, samples) after each refresh."""
    trainer = Trainer(made.loaded, made.method, made.architecture, made.config, made.seed, CPU)
    trainer.scheduler._drop_rows = lambda: None  # one-shot colouring lets go of its averages
    names, active, seen = trainer.plan.tasks, [], []
    for _ in range(steps):
        done = trainer.step()
        active.append({names.index(task) for task in done.active})
        if done.refreshed:
            averages = trainer.scheduler._buffers.averages.double().numpy()
            norms = np.linalg.norm(averages, axis=1)
            seen.append(
                {
                    "step": done.index + 1,
                    "slots": [{names.index(t) for t in s} for s in trainer.scheduler.classes()],
                    "cosines": averages @ averages.T / np.outer(norms, norms),
                    "norms": norms,
                    "samples": trainer.scheduler.effective_samples(),
                    "edges": trainer.scheduler.graph.adjacency.copy(),
                }
            )
    return active, seen


def of(rows, kind, refresh=None):
    return [r for r in rows if r["kind"] == kind and refresh in (None, r["refresh"])]


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_the_rows_are_what_happened(job, name):
    made = job(name)
    run_job(made, MachineConfig())
    rows = read_refreshes(made.folder / "refreshes.csv")
    active, seen = stepped_by_hand(made)
    assert seen
    found = [set() for _ in active]
    for row in of(rows, "active"):
        found[row["step"]].add(row["i"])
    assert found == active
    assert max(r["refresh"] for r in rows) == len(seen)
    for number, truth in enumerate(seen, 1):
        classes = of(rows, "class", number)
        slots = [set() for _ in truth["slots"]]
        for row in classes:
            slots[int(row["value"])].add(row["i"])
        assert slots == truth["slots"]
        assert {r["step"] for r in classes} == {truth["step"]}
        for row in of(rows, "cosine", number):
            assert row["value"] == pytest.approx(truth["cosines"][row["i"], row["j"]], abs=1e-6)
        for row in of(rows, "edge", number):
            assert row["value"] == truth["edges"][row["i"], row["j"]]
        norms = [r["value"] for r in of(rows, "norm", number)]
        assert norms == pytest.approx(truth["norms"], rel=1e-5)
        assert [r["value"] for r in of(rows, "n_eff", number)] == list(truth["samples"])
    for task in range(4):
        times = [step for step, tasks in enumerate(active) if task in tasks]
        gaps = [b - a for a, b in pairwise(times)]
        assert of(rows, "updates")[task]["value"] == len(times)
        assert of(rows, "gap")[task]["value"] == max(gaps, default=0)


def test_random_groups_are_recorded_as_they_ran_not_as_colours(job):
    """The colours are the graph's, and so free of conflicts; random groups need not be."""
    made = job("random_groups", refresh_period=1)
    run_job(made, MachineConfig())
    rows = read_refreshes(made.folder / "refreshes.csv")
    inside = 0
    for number in range(1, 12):
        place = {r["i"]: r["value"] for r in of(rows, "class", number)}
        inside += sum(r["value"] for r in of(rows, "edge", number)
                      if place[r["i"]] == place[r["j"]])  # fmt: skip
    assert inside > 0


@pytest.mark.parametrize("name", [n for n in available_methods() if n not in GRAPH])
def test_a_method_without_a_graph_writes_none(job, name):
    made = job(name, **({"task": "copy"} if name == "single_task" else {}))
    run_job(made, MachineConfig(max_steps=4))
    assert (made.folder / "losses.csv").exists()
    assert not (made.folder / "refreshes.csv").exists()


class Crash(BaseException):
    """As if the machine went away."""


@pytest.mark.parametrize("name", ["son_goku", "random_groups", "static_one_shot"])
@pytest.mark.parametrize("how", ["crash", "signal"])
@pytest.mark.parametrize("stop", [3, 7])
def test_the_rows_survive_a_stop_bit_for_bit(job, name, how, stop):
    """At step 3 right after a refresh; at step 7 between two."""
    whole, cut = job(name, out="whole"), job(name, out="cut")
    run_job(whole, MachineConfig())

    def interrupt(stepped, total):
        if stepped.index + 1 == stop:
            if how == "crash":
                raise Crash
            os.kill(os.getpid(), signal.SIGTERM)

    if how == "crash":
        with pytest.raises(Crash):
            run_job(cut, MachineConfig(checkpoint_seconds=0.0), interrupt)
    else:
        run_job(cut, MachineConfig(checkpoint_seconds=0.0), interrupt)
        assert len(of(read_refreshes(cut.folder / "refreshes.csv"), "active")) > 0
    run_job(cut, MachineConfig(checkpoint_seconds=0.0))
    files = [(made.folder / "refreshes.csv").read_text() for made in (whole, cut)]
    assert files[0] == files[1]


def test_a_long_run_keeps_its_first_steps_and_all_its_gaps(job, monkeypatch):
    made = job()
    monkeypatch.setattr(refreshes, "ACTIVE_ROWS", 14)
    run_job(made, MachineConfig())
    rows = read_refreshes(made.folder / "refreshes.csv")
    active, _ = stepped_by_hand(made)
    kept = {(r["step"], r["i"]) for r in of(rows, "active")}
    whole = [(step, i) for step, tasks in enumerate(active) for i in tasks]
    last = max(step for step, _ in kept)
    assert 0 < len(kept) <= 14 < len(whole)
    assert kept == {pair for pair in whole if pair[0] <= last}
    assert sum(r["value"] for r in of(rows, "updates")) == len(whole)


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda text: text[: len(text) - 9], r"line \d+: .* is no row of it"),
        (lambda text: text.replace("kind,", "sort,", 1), "should begin with the columns"),
        (lambda text: "", "found nothing"),
        (lambda text: text.replace("cosine,1,3,0,1,", "cosine,1,3,0,1,x"), "is no row of it"),
    ],
)
def test_a_spoilt_file_is_one_clear_error(job, spoil, match):
    made = job()
    run_job(made, MachineConfig())
    path = made.folder / "refreshes.csv"
    spoilt = spoil(path.read_text())
    assert spoilt != path.read_text()
    path.write_text(spoilt)
    with pytest.raises(InvalidInputError, match=match):
        read_refreshes(path)


def test_what_is_read_is_what_was_written(job):
    made = job()
    run_job(made, MachineConfig())
    path = made.folder / "refreshes.csv"
    with path.open() as file:
        raw = list(csv.DictReader(file))
    read = read_refreshes(path)
    assert len(read) == len(raw)
    for text, row in zip(raw, read, strict=True):
        for name, value in row.items():
            assert text[name] == ("" if value is None else str(value))
