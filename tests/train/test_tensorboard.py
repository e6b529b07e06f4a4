"""Event files hold what the CSV files hold, once each, also when a run was cut off."""

from __future__ import annotations

import csv
import sys
import warnings
from dataclasses import replace

import pytest
from click.testing import CliRunner

from simulations.training.architectures import get_architecture
from simulations.training.methods import get_method
from simulations.training.run.config import MachineConfig, TrainingConfig
from simulations.training.run.job import Job, run_job
from simulations.training.run.tensorboard import FOLDER
from simulations.training.train_command import train
from songoku_theory.errors import DependencyMissingError

LOGGED = MachineConfig(tensorboard=True, checkpoint_seconds=0.0)


@pytest.fixture
def job(made_up, tmp_path):
    def make(out="out"):
        method = get_method(
            "son_goku", {"refresh_period": 3, "tau": 0.0, "warm_up": 0.3, "anneal": 0.3}
        )
        architecture = get_architecture("vector_fusion", {"encoder": 8, "embedding": 8})
        config = TrainingConfig(steps=12, batch_size=8, log_every=4, evaluate_every=5,
                                lr_schedule="cosine")  # fmt: skip
        return Job("made_up", made_up(), "son_goku", method, architecture, config, 0,
                   tmp_path / out / "seed-0", tmp_path / "single")  # fmt: skip

    return make


def events(folder):
    """Return tag to the list of (step, value), as TensorBoard shows them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        found = EventAccumulator(str(folder / FOLDER), size_guidance={"scalars": 0}).Reload()
        return {
            tag: [(event.step, event.value) for event in found.Scalars(tag)]
            for tag in found.Tags()["scalars"]
        }


def from_tables(folder):
    expected = {}
    for name in ("losses", "metrics"):
        with (folder / f"{name}.csv").open() as file:
            for row in csv.DictReader(file):
                if name == "losses":
                    tag, value = f"loss/{row['task']}", row["mean_loss"]
                else:
                    tag, value = f"{row['split']}/{row['metric']}/{row['task']}", row["value"]
                expected.setdefault(tag, []).append(
                    (int(row["step"]), pytest.approx(float(value), rel=1e-6))
                )
    return expected


def check(found, folder):
    expected = from_tables(folder)
    assert len(expected) > 10
    assert {tag: found[tag] for tag in expected} == expected
    others = {"training/lr", "schedule/active_class", "schedule/classes", "schedule/tau"}
    assert set(found) == set(expected) | others
    assert [step for step, _ in found["schedule/active_class"]] == list(range(12))
    assert found["training/lr"][3] == (3, pytest.approx(0.5e-3 * (1 + 2**-0.5)))


def test_events_are_those_of_the_tables(job):
    made = job()
    seen, classes = [], []
    run_job(made, LOGGED, lambda stepped, total: seen.append(stepped.active))
    found = events(made.folder)
    check(found, made.folder)
    with (made.folder / "classes.csv").open() as file:
        for row in csv.DictReader(file):
            classes.append((int(row["step"]), row["tasks"].split()))
    for step, number in found["schedule/active_class"]:
        begun = max([s for s, _ in classes if s <= step], default=None)
        slots = [tasks for s, tasks in classes if s == begun]
        if slots:
            assert set(slots[int(number)]) == set(seen[step])
    assert found["schedule/tau"][0][1] == 1.0
    assert found["schedule/tau"][-1][1] < 1.0


class Crash(BaseException):
    """As if the machine went away."""


@pytest.mark.parametrize("stop", [4, 5, 6, 9])
def test_a_run_that_was_cut_off_has_each_event_once(job, stop):
    """At 4 a row of losses is written, at 5 an evaluation; the step after is lost and repeated."""
    made, whole = job(), job("whole")
    run_job(whole, LOGGED)

    def crash(stepped, total):
        if stepped.index == stop:
            raise Crash

    with pytest.raises(Crash):
        run_job(made, LOGGED, crash)
    run_job(made, LOGGED)
    found = events(made.folder)
    check(found, made.folder)
    straight = events(whole.folder)
    for tag in (*from_tables(made.folder), "schedule/active_class", "training/lr"):
        assert found[tag] == straight[tag], tag
    for tag in ("schedule/tau", "schedule/classes"):  # said again when the run goes on
        repeated = [*found[tag][:1], *(b for a, b in zip(found[tag], found[tag][1:], strict=False)
                                       if a[1] != b[1])]  # fmt: skip
        assert repeated == straight[tag]


def test_a_run_that_began_without_events_tells_of_its_first_part_too(job):
    made = job()
    run_job(made, replace(LOGGED, tensorboard=False, max_steps=8))
    assert not (made.folder / FOLDER).exists()
    run_job(made, LOGGED)
    found = events(made.folder)
    expected = from_tables(made.folder)
    assert {tag: found[tag] for tag in expected} == expected


def test_without_the_package_nothing_is_trained(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    done = CliRunner().invoke(
        train, ["stocks_fb", "--method", "uniform", "--tensorboard", "--out", str(tmp_path / "o")]
    )
    assert isinstance(done.exception, DependencyMissingError)
    assert "pip install tensorboard" in str(done.exception)
    assert not (tmp_path / "o").exists()
