"""Stopped at bad moments, out of disk, out of sight of gradients: nothing is lost or mixed up."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
import torch

from simulations.training.architectures import get_architecture
from simulations.training.methods import get_method
from simulations.training.run import job as jobs
from simulations.training.run.config import MachineConfig, TrainingConfig
from simulations.training.run.data import TrainingData
from simulations.training.run.job import Ended, Job, run_job
from songoku_theory.errors import StoreError

TABLES = ("losses.csv", "metrics.csv", "classes.csv", "refreshes.csv", "work.csv")
KEEPING = MachineConfig(save_model=True)


@pytest.fixture
def job(made_up, tmp_path):
    def make(out, **options):
        chosen = {"refresh_period": 3, "tau": 0.0, "warm_up": 0.0, "anneal": 0.0, **options}
        config = TrainingConfig(steps=12, batch_size=8, log_every=4, evaluate_every=5)
        return Job("made_up", made_up(), "son_goku", get_method("son_goku", chosen),
                   get_architecture("vector_fusion", {"encoder": 8, "embedding": 8}), config, 0,
                   tmp_path / out / "seed-0", tmp_path / "single")  # fmt: skip

    return make


def check_same(one, other):
    for name in TABLES:
        assert (one / name).read_text() == (other / name).read_text(), name
    a, b = (torch.load(f / "model.pt", weights_only=True)["trainer"]["network"]
            for f in (one, other))  # fmt: skip
    assert all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize(("evaluation", "step"), [(1, 5), (2, 10), (3, 12), (4, 12)])
def test_a_signal_in_the_middle_of_an_evaluation(job, monkeypatch, evaluation, step):
    """At steps 5 and 10 the validation split, at the end that and the test split."""
    whole, cut = job("whole"), job("cut")
    run_job(whole, KEEPING)
    begun, real = [], TrainingData.all

    def interrupted(self, *arguments):
        begun.append(arguments)
        for number, batch in enumerate(real(self, *arguments)):
            if len(begun) == 2 * evaluation and number == 0:  # the second view of that evaluation
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    with monkeypatch.context() as patched:
        patched.setattr(TrainingData, "all", interrupted)
        outcome = run_job(cut, KEEPING)
    assert (outcome.ended, outcome.signum) == (Ended.STOPPED, signal.SIGTERM)
    assert torch.load(cut.folder / "checkpoint.pt", weights_only=True)["step"] == step
    assert run_job(cut, KEEPING).ended is Ended.FINISHED
    check_same(whole.folder, cut.folder)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_cut_the_checkpoint_short(job, monkeypatch, second):
    whole, cut = job("whole"), job("cut")
    run_job(whole, KEEPING)
    real, saved = jobs.save_checkpoint, []

    def impatient(path, run, step, *rest):
        if step:
            os.kill(os.getpid(), second)
        real(path, run, step, *rest)
        saved.append(step)

    def stop(stepped, total):
        if stepped.index == 6:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "save_checkpoint", impatient)
        assert run_job(cut, KEEPING, stop).signum == signal.SIGINT
    assert saved == [0, 7]
    run_job(cut, KEEPING)
    check_same(whole.folder, cut.folder)


def test_a_full_disk_is_named_and_the_last_checkpoint_stands(job, monkeypatch):
    made = job("out")
    run_job(made, replace(KEEPING, max_steps=4))
    before = (made.folder / "checkpoint.pt").read_bytes()

    def full(content, file):
        file.write(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(StoreError, match=r"can't write .*checkpoint\.pt; that disk has .* kB left"):
        run_job(made, KEEPING)
    assert (made.folder / "checkpoint.pt").read_bytes() == before
    assert [p.name for p in made.folder.iterdir() if p.name.endswith(".part")] == []


@pytest.mark.parametrize("stop", [2, 3, 7])
def test_classes_from_probes_alone_cost_a_pass_and_resume_to_the_same_bits(job, stop):
    """12 steps in 2 views; 4 refreshes with a probe of 4 tasks each."""
    whole, cut = job("whole", observe_tasks="none"), job("cut", observe_tasks="none")
    active = []
    result = run_job(whole, KEEPING, lambda stepped, total: active.append(stepped.active)).result
    views = {"sign": 0, "opposite": 0, "copy": 1, "mean.of": 1}
    passes = sum(len({views[task] for task in tasks}) for tasks in active)
    assert result["work"] == {
        "forwards": passes + 16, "backwards": passes + 16, "task_updates": sum(map(len, active)),
    }  # fmt: skip
    assert len(set(active)) > 1
    run_job(cut, replace(KEEPING, max_steps=stop))
    run_job(cut, KEEPING)
    a, b = (torch.load(f / "model.pt", weights_only=True)["trainer"]["network"]
            for f in (whole.folder, cut.folder))  # fmt: skip
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert (whole.folder / "classes.csv").read_text() == (cut.folder / "classes.csv").read_text()
