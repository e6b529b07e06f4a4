"""Runs: every method trains, resumes to the same bits, stops on a signal or a NaN, reports."""

from __future__ import annotations

import csv
import json
import os
import pickle
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from simulations.training.architectures import get_architecture
from simulations.training.benchmarks.base import Samples
from simulations.training.methods import available_methods, get_method
from simulations.training.run.config import MachineConfig, TrainingConfig
from simulations.training.run.data import BatchOrder
from simulations.training.run.diverged import DivergedError
from simulations.training.run.evaluate import evaluate
from simulations.training.run.job import Ended, Job, run_job
from simulations.training.run.trainer import Trainer
from songoku_theory.errors import InvalidInputError

CPU = torch.device("cpu")
QUICK = {"refresh_period": 3, "tau": 0.0, "warm_up": 0.0, "anneal": 0.0}
SCHEDULED = {
    "son_goku", "son_goku_adatask", "son_goku_pcgrad", "son_goku_gradnorm", "static_one_shot",
    "single_step", "oldest_first", "random_groups",
}  # fmt: skip


def method_of(name):
    options = dict(QUICK) if name in SCHEDULED else {}
    if name == "son_goku_gradnorm":
        options["warm_epochs"] = 0.5
    if name == "single_task":
        options = {"task": "copy"}
    if name == "scalarised":
        options = {"weights": {"main": 2.0, "mean.of": 0.0}}
    return get_method(name, options)


def config_of(**options):
    return TrainingConfig.of(
        {"steps": 12, "batch_size": 8, "lr": 0.01, "log_every": 4, "evaluate_every": 5, **options}
    )


@pytest.fixture
def job(made_up, tmp_path):
    def make(name="son_goku", seed=0, out="out", loaded=None, **options):
        return Job(
            "made_up", made_up() if loaded is None else loaded, name, method_of(name),
            get_architecture("vector_fusion", {"encoder": 8, "embedding": 8, "hidden": 8}),
            config_of(**options), seed, tmp_path / out / name / f"seed-{seed}",
            tmp_path / out / "single_task",
        )  # fmt: skip

    return make


def trainer_of(job):
    return Trainer(job.loaded, job.method, job.architecture, job.config, job.seed, CPU)


def weights_of(folder):
    return torch.load(folder / "model.pt", weights_only=True)["trainer"]["network"]


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", available_methods())
def test_every_method_trains_and_reports(job, name):
    made = job(name)
    outcome = run_job(made, MachineConfig())
    assert outcome.ended is Ended.FINISHED
    result = json.loads((made.folder / "result.json").read_text())
    assert result == outcome.result
    assert (result["data"], result["steps"], result["finished"]) == ("SYNTH", 12, True)
    names = ["copy"] if name == "single_task" else ["sign", "opposite", "copy", "mean.of"]
    assert list(result["tasks"]) == names
    found = {(r["step"], r["split"], r["task"]) for r in rows(made.folder / "metrics.csv")}
    steps = {("5", "validation"), ("10", "validation"), ("12", "validation"), ("12", "test")}
    assert found == {(*where, task) for where in steps for task in names}
    assert {r["step"] for r in rows(made.folder / "losses.csv")} == {"4", "8", "12"}
    assert not (made.folder / "checkpoint.pt").exists()


@pytest.mark.parametrize("name", [n for n in available_methods() if n != "single_task"])
def test_training_moves_what_it_should(job, name):
    trainer = trainer_of(job(name))
    before = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    first = trainer.step()
    moved = {k for k, v in trainer.network.state_dict().items() if not torch.equal(v, before[k])}
    heads = {f"head_list.{i}.weight" for i, t in enumerate(trainer.network.names)
             if t in first.active and trainer.plan.loss_weights.get(t, 1.0)}  # fmt: skip
    assert {k for k in moved if k.startswith("head") and "weight" in k} == heads
    assert any(k.startswith("trunk") for k in moved)


def test_initial_weights_and_batches_do_not_depend_on_the_method(job):
    trainers = {name: trainer_of(job(name)) for name in available_methods()}
    first = trainers["uniform"].network.state_dict()
    for name, trainer in trainers.items():
        for key, value in trainer.network.trunk.state_dict().items():
            assert torch.equal(value, first[f"trunk.{key}"]), name
        for task, head in trainer.network.heads.items():
            assert torch.equal(head.weight, trainers["uniform"].network.heads[task].weight), name
    # Also after steps that ran other tasks, and so other views.
    for trainer in trainers.values():
        for _ in range(7):
            trainer.step()
    view = trainers["uniform"].data.views[1]
    expected, _ = trainers["uniform"].data.batch(view, ["copy"], 7)
    for name, trainer in trainers.items():
        found, _ = trainer.data.batch(trainer.data.views[1], ["copy"], 7)
        assert torch.equal(found["x"], expected["x"]), name
    first_view, second_view = trainers["uniform"].data._orders
    assert not torch.equal(first_view.at(7), second_view.at(7))
    other = trainer_of(job("uniform", seed=1))
    assert not torch.equal(other.network.state_dict()["trunk.projections.0.weight"],
                           first["trunk.projections.0.weight"])  # fmt: skip
    assert not torch.equal(other.data.batch(view, ["copy"], 7)[0]["x"], expected["x"])


def test_each_epoch_shows_every_example_once():
    order = BatchOrder(12, 4, np.random.SeedSequence(1))
    epochs = [torch.cat([order.at(3 * e + i) for i in range(3)]) for e in range(2)]
    for epoch in epochs:
        assert sorted(epoch.tolist()) == list(range(12))
    assert not torch.equal(*epochs)
    assert torch.equal(order.at(1), BatchOrder(12, 4, np.random.SeedSequence(1)).at(1))


@pytest.mark.parametrize("weights", [None, {"main": 2.0, "copy": 0.5}])
def test_joint_training_is_a_plain_loop_over_the_weighted_sum(job, weights):
    made = job("uniform")
    if weights is not None:
        made = replace(made, method=get_method("scalarised", {"weights": weights}))
    trainer, plain = trainer_of(made), trainer_of(made)
    optimiser = torch.optim.AdamW(plain.network.parameters(), lr=0.01, weight_decay=0.0)
    scale = {"sign": 2.0, "copy": 0.5} if weights else {}
    for step in range(5):
        trainer.step()
        optimiser.zero_grad()
        total = 0.0
        for view, tasks in plain.data.grouped(plain.network.names):
            inputs, labels = plain.data.batch(view, tasks, step)
            outputs = plain.network(inputs, view.index, tasks)
            for t in tasks:
                total = total + scale.get(t, 1.0) * plain.data.task(t).loss(outputs[t], labels[t])
        total.backward()
        optimiser.step()
    for a, b in zip(trainer.network.parameters(), plain.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "forwards", "backwards", "updates"),
    [
        ("uniform", 24, 24, 48),  # 12 steps, 2 views, one pass for the tasks of a view
        ("mgda", 24, 48, 48),  # a pass for each of 4 tasks
        ("famo", 48, 48, 48),  # and the losses after each step
        ("single_task", 12, 12, 12),
    ],
)
def test_work_is_counted(job, name, forwards, backwards, updates):
    work = run_job(job(name), MachineConfig()).result["work"]
    assert work == {"forwards": forwards, "backwards": backwards, "task_updates": updates}


def test_a_weight_of_zero_costs_no_backward_pass(job):
    made = replace(
        job("scalarised"),
        method=get_method("scalarised", {"weights": {"sign": 0.0, "opposite": 0.0}}),
    )
    assert run_job(made, MachineConfig()).result["work"]["backwards"] == 12


def test_a_schedule_of_classes_costs_less_than_every_task(job):
    made = job("son_goku", steps=30)
    trainer = trainer_of(made)
    active, several = [], 0
    for _ in range(30):
        classes = trainer.scheduler.classes()
        active.append(trainer.step().active)
        assert active[-1] in classes
        several += len(classes) > 1
    assert several > 5
    assert trainer.work.backwards == trainer.work.task_updates == sum(map(len, active)) < 120


class Crash(BaseException):
    """As if the machine went away."""


@pytest.mark.parametrize("name", [
    "son_goku", "son_goku_adatask", "son_goku_pcgrad", "son_goku_gradnorm", "famo", "nash_mtl",
    "random_groups", "uniform",
])  # fmt: skip
@pytest.mark.parametrize("how", ["crash", "signal"])
def test_a_run_that_was_cut_off_ends_with_the_same_bits(job, name, how):
    """The step at which it stops is drawn once a method; 1 to 11 of 12."""
    whole = job(name, out="whole")
    straight = run_job(whole, MachineConfig(save_model=True)).result
    stop = int(np.random.default_rng([*name.encode(), *how.encode()]).integers(1, 12))
    check_cut(job, name, how, whole, straight, stop)


@pytest.mark.parametrize("stop", [4, 5, 10])
def test_a_stop_where_something_is_due_skips_nothing(job, stop):
    """After 4 steps a row of losses is written, before the 6th and 11th an evaluation."""
    whole = job("uniform", out="whole")
    straight = run_job(whole, MachineConfig(save_model=True)).result
    check_cut(job, "uniform", "signal", whole, straight, stop)


def check_cut(job, name, how, whole, straight, stop):
    cut = job(name, out="cut")

    def interrupt(stepped, total):
        if stepped.index + 1 == stop:
            if how == "crash":
                raise Crash
            os.kill(os.getpid(), signal.SIGTERM)

    # A crash loses what came after the last checkpoint; it is trained again.
    machine = MachineConfig(save_model=True, checkpoint_seconds=0.0)
    if how == "crash":
        with pytest.raises(Crash):
            run_job(cut, machine, interrupt)
    else:
        outcome = run_job(cut, machine, interrupt)
        assert (outcome.ended, outcome.signum) == (Ended.STOPPED, signal.SIGTERM)
        saved = torch.load(cut.folder / "checkpoint.pt", weights_only=True)
        assert saved["step"] == stop
    resumed = run_job(cut, machine).result
    a, b = weights_of(whole.folder), weights_of(cut.folder)
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert resumed["tasks"] == straight["tasks"]
    assert resumed["work"] == straight["work"]
    for file in ("losses.csv", "metrics.csv", "classes.csv"):
        assert (whole.folder / file).read_text() == (cut.folder / file).read_text()


def test_max_steps_pauses_and_the_same_job_goes_on(job):
    whole, cut = job(out="whole"), job(out="cut")
    straight = run_job(whole, MachineConfig()).result
    paused = run_job(cut, MachineConfig(max_steps=5))
    assert (paused.ended, paused.result["steps"]) == (Ended.PAUSED, 5)
    assert paused.result["delta_m"] == {"main": None, "all": None}
    assert run_job(cut, MachineConfig(max_steps=5)).result["steps"] == 5
    finished = run_job(cut, MachineConfig())
    assert finished.ended is Ended.FINISHED
    assert finished.result["tasks"] == straight["tasks"]
    assert run_job(cut, MachineConfig()).ended is Ended.ALREADY


def with_nan(loaded, example):
    """One training example of the view "other" holds a NaN."""
    spoilt = loaded.tasks[2].splits["train"].inputs["x"].clone()
    spoilt[example] = torch.nan
    tasks = []
    for task in loaded.tasks:
        splits = dict(task.splits)
        if task.view == "other":
            splits["train"] = Samples({"x": spoilt}, task.splits["train"].labels)
        tasks.append(replace(task, splits=splits))
    return replace(loaded, tasks=tuple(tasks))


@pytest.mark.parametrize("name", ["uniform", "mgda", "son_goku"])
def test_a_nan_stops_the_run_and_keeps_the_batch(job, made_up, name):
    loaded = with_nan(made_up(), 11)
    made = job(name, loaded=loaded)
    clean = trainer_of(job(name, out="clean"))
    with pytest.raises(
        DivergedError, match=r"loss of task '(copy|mean.of)' .*diverged\.pt"
    ) as error:
        run_job(made, MachineConfig())
    step = error.value.step
    index = trainer_of(made).data._orders[1].at(step)
    assert 11 in index.tolist()
    saved = torch.load(made.folder / "diverged.pt", weights_only=True)
    assert torch.equal(saved["record"]["inputs"]["x"],
                       loaded.tasks[2].splits["train"].inputs["x"][index]) is False  # fmt: skip
    torch.testing.assert_close(
        saved["record"]["inputs"]["x"],
        loaded.tasks[2].splits["train"].inputs["x"][index],
        equal_nan=True,
    )
    for _ in range(step):
        clean.step()
    kept = saved["trainer"]["network"]
    for key, value in clean.network.state_dict().items():
        assert torch.equal(kept[key], value), f"{key} moved in the step that was refused"


def test_a_checkpoint_of_another_config_is_one_clear_error(job):
    run_job(job(), MachineConfig(max_steps=3))
    for options, match in (
        ({"lr": 0.5}, r"training\.lr: there 0\.01, here 0\.5"),
        ({"batch_size": 4}, r"training\.batch_size"),
    ):
        with pytest.raises(InvalidInputError, match=match):
            run_job(job(**options), MachineConfig())
    other = job()
    spoilt = replace(other, loaded=with_nan(other.loaded, 0))
    with pytest.raises(InvalidInputError, match=r"data: there SYNTH"):
        run_job(spoilt, MachineConfig())
    with pytest.raises(InvalidInputError, match="method options"):
        run_job(replace(other, method=get_method("son_goku", {**QUICK, "tau": 0.1})),
                MachineConfig())  # fmt: skip


def test_a_checkpoint_alone_is_compared_too(job):
    made = job()
    run_job(made, MachineConfig(max_steps=3))
    (made.folder / "result.json").unlink()
    with pytest.raises(InvalidInputError, match=r"checkpoint\.pt is of a run with other settings"):
        run_job(job(lr=0.5), MachineConfig())


class Harmful:
    def __reduce__(self):
        return (os.mkdir, ("harm",))


@pytest.mark.parametrize("kind", ["cut", "text", "pickle", "other"])
def test_a_spoilt_checkpoint_is_refused_and_runs_no_code(job, kind, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made = job()
    run_job(made, MachineConfig(max_steps=3))
    path = made.folder / "checkpoint.pt"
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:-2000])
    elif kind == "text":
        path.write_text("not a checkpoint")
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(Harmful()))
    else:
        torch.save({"something": 1}, path)
    with pytest.raises(InvalidInputError, match=r"checkpoint\.pt (can't be read|lacks)"):
        run_job(made, MachineConfig())
    assert not (tmp_path / "harm").exists()


def test_a_folder_that_cannot_be_written_is_found_before_training(job, tmp_path):
    (tmp_path / "out").write_text("a file in the way")
    with pytest.raises(Exception, match="can't write") as error:
        run_job(job(), MachineConfig())
    assert type(error.value).__name__ == "StoreError"


def test_delta_m_against_single_task_networks_of_the_same_seed(job):
    joint = run_job(job("uniform"), MachineConfig()).result
    assert joint["delta_m"] == {"main": None, "all": None}
    single = {}
    for task in joint["tasks"]:
        made = job("single_task")
        made = replace(made, method=get_method("single_task", {"task": task}),
                       folder=made.single_task / task / "seed-0")  # fmt: skip
        single[task] = run_job(made, MachineConfig()).result["tasks"][task]["test"]
    again = run_job(job("uniform"), MachineConfig())
    assert again.ended is Ended.ALREADY
    gains = {}
    for task, first, sign in (
        ("sign", "accuracy", 1), ("opposite", "accuracy", 1),
        ("copy", "MAE (units)", -1), ("mean.of", "MAE (units)", -1),
    ):  # fmt: skip
        value, alone = joint["tasks"][task]["test"][first], single[task][first]
        gains[task] = 100 * sign * (value - alone) / alone
    assert again.result["delta_m"]["main"] == pytest.approx(gains["sign"])
    assert again.result["delta_m"]["all"] == pytest.approx(sum(gains.values()) / 4)
    # Another rate is another experiment: not compared.
    other = replace(job("uniform", out="out2", lr=0.02), single_task=made.single_task)
    assert run_job(other, MachineConfig()).result["delta_m"]["main"] is None


def test_evaluation_takes_evenly_spaced_examples(job):
    trainer = trainer_of(job("uniform"))
    view = trainer.data.views[0]
    taken = [x["x"] for x, _ in trainer.data.all(view, ["sign"], "test", 6, 4)]
    assert [len(part) for part in taken] == [4, 2]
    whole = trainer.data.task("sign").splits["test"].inputs["x"]
    assert torch.equal(torch.cat(taken), whole[torch.arange(0, 48, 8)])
    scores = evaluate(trainer.network, trainer.data, ("sign",), "test")
    with torch.no_grad():
        outputs = trainer.network({"x": whole}, 0, ("sign",))["sign"]
    labels = trainer.data.task("sign").splits["test"].labels
    assert scores["sign"]["accuracy"] == (outputs.argmax(1) == labels).double().mean().item()


def test_bfloat16_trains_and_is_another_run(job):
    run_job(job(), MachineConfig(max_steps=2))
    with pytest.raises(InvalidInputError, match=r"training\.amp"):
        run_job(job(amp=True), MachineConfig())
    assert run_job(job(amp=True, out="amp"), MachineConfig()).ended is Ended.FINISHED


def test_a_compiled_trunk_trains_the_same(job, monkeypatch):
    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda m: real(m, backend="aot_eager"))
    made = job("pcgrad", steps=2)
    compiled = Trainer(made.loaded, made.method, made.architecture, made.config, 0, CPU, True)
    plain = trainer_of(made)
    for _ in range(2):
        a, b = compiled.step(), plain.step()
        for task in a.losses:
            assert a.losses[task] == pytest.approx(b.losses[task], rel=1e-4)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"steps": None}, "either epochs or steps"),
        ({"epochs": 1.0}, "either epochs or steps"),
        ({"batch_size": 0}, "batch_size should be"),
        ({"lr": 0.0}, "lr is out of range"),
        ({"optimiser": "adm"}, "Did you mean 'adam'"),
        ({"momentun": 0.1}, "unknown training setting 'momentun'. Did you mean 'momentum'"),
        ({"amp": 1}, "amp should be true or false"),
    ],
)
def test_bad_settings_are_errors(options, match):
    with pytest.raises(InvalidInputError, match=match):
        config_of(**options)


def test_sgd_with_momentum_and_decay_trains(job):
    made = job("son_goku_adatask", optimiser="sgd", weight_decay=0.01, lr_schedule="cosine")
    assert run_job(made, MachineConfig()).ended is Ended.FINISHED


def test_a_device_that_is_not_there(job):
    with pytest.raises(InvalidInputError, match=r"device 'cuda:99' can't be used"):
        run_job(job(), MachineConfig(device="cuda:99"))
