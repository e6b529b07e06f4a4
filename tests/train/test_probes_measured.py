"""Measurements of a run against other routes to the same numbers; the run itself stays as it is."""

from __future__ import annotations

import copy
import os
import re
import signal
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from simulations.training.architectures import get_architecture
from simulations.training.architectures.base import Network
from simulations.training.architectures.norm import ViewNorm2d
from simulations.training.benchmarks.base import Samples
from simulations.training.determinism import torch_stream
from simulations.training.methods import get_method
from simulations.training.run import probes as probes_module
from simulations.training.run.config import MachineConfig, TrainingConfig
from simulations.training.run.job import Job, run_job
from simulations.training.run.probes import ProbeOptions, Probes, largest_curvature
from simulations.training.run.refreshes import read_refreshes
from simulations.training.run.trainer import MEASURE, Trainer, child_seed
from songoku_theory.errors import InvalidInputError

QUICK = {"refresh_period": 3, "tau": 0.05, "warm_up": 0.0, "anneal": 0.0}


@pytest.fixture
def job(made_up, tmp_path):
    def make(name="son_goku", out="out", loaded=None, architecture=None, **training):
        config = TrainingConfig.of(
            {"steps": 12, "batch_size": 8, "lr": 0.01, "log_every": 4, **training}
        )
        network = ("vector_fusion", {"encoder": 3, "embedding": 3, "hidden": 3})
        return Job(
            "made_up", made_up() if loaded is None else loaded, name,
            get_method(name, QUICK if name != "uniform" else {}),
            get_architecture(*(architecture or network)), config, 0,
            tmp_path / out / name / "seed-0", tmp_path / out / "single_task",
        )  # fmt: skip

    return make


@pytest.fixture(autouse=True)
def few_products(monkeypatch):
    """Largest curvatures are most of a measurement's cost; one test below looks at them."""
    monkeypatch.setattr(probes_module, "LANCZOS_STEPS", 2)


class ByHand:
    """F and its gradient in float64 at any point, written out; the Hessian by differences."""

    def __init__(self, trainer, batches):
        self.network = copy.deepcopy(trainer.network).double().train()
        named = dict(self.network.named_parameters())
        self.shared = [named[name] for name in trainer.scheduler.shared_names]
        self.tasks = trainer.plan.tasks
        self.blocks = {}
        for view, tasks in trainer.data.grouped(self.tasks):
            length = view.length("train")
            order = torch.randperm(
                length, generator=torch_stream(child_seed(0, MEASURE), view.index)
            )
            for task in tasks:
                self.blocks[task] = [
                    self.block(trainer, view, task, order[8 * b : 8 * b + 8])
                    for b in range(batches)
                ]
        self.here = torch.cat([p.detach().reshape(-1) for p in self.shared])

    @staticmethod
    def block(trainer, view, task, index):
        samples = trainer.data.task(task).splits["train"]
        inputs, labels = samples.at(index)
        labels = labels.double() if labels.is_floating_point() else labels
        return (
            {m: x.double() for m, x in inputs.items()},
            view.index,
            labels,
            trainer.data.task(task),
        )

    def loss(self, task, number):
        inputs, view, labels, about = self.blocks[task][number]
        return about.loss(self.network(inputs, view, [task])[task], labels)

    def at(self, point):
        with torch.no_grad():
            start = 0
            for p in self.shared:
                p.copy_(point[start : start + p.numel()].view_as(p))
                start += p.numel()

    def value(self, point, tasks):
        self.at(point)
        return sum(self.loss(t, b) for t in tasks for b in range(self.count(t))) / self.count(
            "sign"
        )

    def count(self, task):
        return len(self.blocks[task])

    def gradient(self, point, tasks):
        found = torch.autograd.grad(self.value(point, tasks), self.shared)
        return torch.cat([g.reshape(-1) for g in found])

    def row(self, entry):
        found = torch.autograd.grad(entry, self.shared, retain_graph=True, allow_unused=True)
        parts = zip(found, self.shared, strict=True)
        return torch.cat([(torch.zeros_like(p) if g is None else g).reshape(-1) for g, p in parts])

    def times(self, tasks, vector, step=1e-5):
        size = float(vector.norm())
        moved = [self.gradient(self.here + s * step * vector / size, tasks) for s in (1, -1)]
        return (moved[0] - moved[1]) / (2 * step) * size


def measured(made, options, steps=3):
    trainer = Trainer(
        made.loaded, made.method, made.architecture, made.config, 0, torch.device("cpu")
    )
    probes = Probes(trainer, options, 0)
    for _ in range(steps):
        assert not probes.due()
        trainer.step()
    assert probes.due()
    rows = probes.measure()
    assert not probes.due()
    return trainer, rows


def one(rows, kind):
    (row,) = [r for r in rows if r["kind"] == kind]
    return row["value"]


def vector(rows, kind):
    return np.array([r["value"] for r in rows if r["kind"] == kind])


def matrix(rows, kind, size):
    found = np.zeros((size, size))
    for r in rows:
        if r["kind"] == kind:
            found[r["i"], r["j"]] = found[r["j"], r["i"]] = r["value"]
    return found


def classes_by_name(trainer):
    return [list(slot) for slot in trainer.scheduler.classes()]


def test_every_number_by_another_route(job, monkeypatch):
    """Gradients written out in float64, Hessians by finite differences of them."""
    monkeypatch.setattr(probes_module, "LANCZOS_STEPS", 8)
    made = job()
    trainer, rows = measured(made, ProbeOptions(1, 4, 4))
    hand, lr = ByHand(trainer, 4), 0.01
    names, groups = hand.tasks, classes_by_name(trainer)
    assert len(groups) > 1
    means = torch.stack([hand.gradient(hand.here, [task]) for task in names])
    sizes = means.norm(dim=1).numpy()
    assert vector(rows, "mean_norm") == pytest.approx(sizes, rel=1e-4)
    cosines = (means @ means.T).numpy() / np.outer(sizes, sizes)
    np.fill_diagonal(cosines, 0.0)
    assert matrix(rows, "mean_cosine", 4) == pytest.approx(cosines, abs=1e-4)
    parts = torch.stack([means[[names.index(t) for t in group]].sum(dim=0) for group in groups])
    total = parts.sum(dim=0)

    assert one(rows, "objective") == pytest.approx(hand.value(hand.here, names).item(), rel=1e-12)
    after = hand.value(hand.here - lr * total, names)
    assert one(rows, "aggregated") == pytest.approx(after.item(), rel=1e-7)
    x = hand.here
    for r, group in enumerate(groups):
        step = hand.gradient(x, group)
        assert vector(rows, "step_descent")[r] == pytest.approx(
            float(hand.gradient(x, names) @ step), rel=1e-4
        )
        assert vector(rows, "step_norm")[r] == pytest.approx(float(step.norm()), rel=1e-4)
        x = x - lr * step
    assert one(rows, "scheduled") == pytest.approx(hand.value(x, names).item(), rel=1e-7)

    curved = torch.stack([hand.times(names, part) for part in parts])
    cross = (curved @ parts.T).numpy()
    np.fill_diagonal(cross, 0.0)
    scale = np.abs(cross).max()
    assert matrix(rows, "class_cross", len(groups)) == pytest.approx(cross, abs=2e-3 * scale)
    pulled = torch.stack([hand.times(group, total) for group in groups]) @ parts.T
    assert one(rows, "order_slope") == pytest.approx(float(pulled.tril(-1).sum()), rel=2e-3)
    phi = float(pulled.sum() - pulled.trace())
    assert one(rows, "phi_slope") == pytest.approx(phi, rel=2e-3)
    assert one(rows, "rate") == lr
    assert one(rows, "batches") == 4

    # Not by differences: a unit without input lies on the kink of its ReLU.
    hand.at(hand.here)
    total_loss = sum(hand.loss(t, b) for t in names for b in range(4)) / 4
    slope = torch.autograd.grad(total_loss, hand.shared, create_graph=True)
    entries = torch.cat([g.reshape(-1) for g in slope])
    hessian = torch.stack([hand.row(entry) for entry in entries])
    top = float(torch.linalg.eigvalsh((hessian + hessian.T) / 2).abs().max())
    assert 0.9 * top < one(rows, "smoothness") <= top * (1 + 1e-3)


def test_the_slope_is_what_the_look_ahead_shows_for_small_steps(job):
    _, rows = measured(job(lr=1e-4), ProbeOptions(1, 4, 4))
    shown = (one(rows, "scheduled") - one(rows, "aggregated")) / 1e-4**2
    assert one(rows, "order_slope") == pytest.approx(shown, rel=0.02)


def test_noise_is_the_batches_own(job):
    made = job()
    trainer, rows = measured(made, ProbeOptions(1, 5))
    hand = ByHand(trainer, 5)
    errors = []
    for task in hand.tasks:
        each = []
        for b in range(5):
            hand.at(hand.here)
            found = torch.autograd.grad(hand.loss(task, b), hand.shared)
            each.append(torch.cat([g.reshape(-1) for g in found]))
        errors.append(torch.stack(each) - torch.stack(each).mean(dim=0))
    noise = torch.stack(errors)  # (tasks, batches, d)
    for i in range(4):
        covariance = noise[i].T @ noise[i] / 4
        assert vector(rows, "noise_total")[i] == pytest.approx(float(covariance.trace()), rel=1e-4)
        top = float(torch.linalg.eigvalsh(covariance)[-1])
        assert vector(rows, "noise_top")[i] == pytest.approx(top, rel=1e-4)
        # 5 of the 6 batches of an epoch.
        own = float(covariance.trace()) / 5 * (1 - 5 / 6)
        assert vector(rows, "mean_error")[i] == pytest.approx(own**0.5, rel=1e-4)
    dots = matrix(rows, "noise_dot", 4)
    for i, j, shared in ((0, 1, True), (2, 3, True), (0, 2, False), (1, 3, False)):
        together = float((noise[i] * noise[j]).sum() / 4) if shared else 0.0
        assert dots[i, j] == pytest.approx(together, rel=1e-3, abs=1e-9)


def test_a_whole_epoch_leaves_no_error_of_the_mean(job):
    _, rows = measured(job(), ProbeOptions(1, 0))
    assert one(rows, "batches") == 6
    assert vector(rows, "mean_error").tolist() == [0.0] * 4


def files_of(folder):
    return {
        p.name: p.read_text()
        for p in folder.iterdir()
        if p.name in ("losses.csv", "metrics.csv", "classes.csv")
    }


@pytest.mark.parametrize(
    "architecture", [None, ("vector_fusion", {"encoder": 6, "embedding": 6, "hidden": 6})]
)
def test_the_run_does_not_notice(job, architecture):
    plain, watched = (job(out=name, architecture=architecture) for name in ("plain", "watched"))
    state = torch.random.get_rng_state()
    a = run_job(plain, MachineConfig(save_model=True)).result
    b = run_job(watched, MachineConfig(save_model=True), probes=ProbeOptions(1, 3)).result
    assert torch.equal(state, torch.random.get_rng_state())
    for key in a:
        if key != "seconds":
            assert a[key] == b[key], key
    assert files_of(plain.folder) == files_of(watched.folder)
    weights = [
        torch.load(made.folder / "model.pt", weights_only=True)["trainer"]["network"]
        for made in (plain, watched)
    ]
    assert all(torch.equal(weights[0][k], weights[1][k]) for k in weights[0])
    rows = [read_refreshes(made.folder / "refreshes.csv") for made in (plain, watched)]
    kinds = {r["kind"] for r in rows[0]}
    assert [r for r in rows[1] if r["kind"] in kinds] == rows[0]
    assert {r["kind"] for r in rows[1]} - kinds == {
        "objective", "aggregated", "scheduled", "smoothness", "order_slope", "phi_slope", "rate",
        "batches", "mean_norm", "mean_cosine", "mean_error", "noise_total", "noise_top",
        "noise_dot", "drift", "class_norm", "class_smoothness", "class_dot", "class_cross",
        "step_descent", "step_norm",
    }  # fmt: skip


def test_at_every_second_refresh_beginning_with_the_first(job):
    made = job(steps=13)
    run_job(made, MachineConfig(), probes=ProbeOptions(2, 2))
    rows = read_refreshes(made.folder / "refreshes.csv")
    assert [r["refresh"] for r in rows if r["kind"] == "objective"] == [1, 3]
    assert {r["refresh"] for r in rows if r["kind"] == "drift"} == {3}
    assert {r["step"] for r in rows if r["kind"] == "objective"} == {3, 9}


class Crash(BaseException):
    """As if the machine went away."""


@pytest.mark.parametrize("how", ["crash", "signal", "crash while measuring"])
def test_measurements_survive_a_stop_bit_for_bit(job, how, monkeypatch):
    """At step 6, right after the second refresh: it is measured after the run goes on."""
    whole, cut = job(out="whole"), job(out="cut")
    options, machine = ProbeOptions(1, 3), MachineConfig(checkpoint_seconds=0.0)
    run_job(whole, MachineConfig(), probes=options)

    def interrupt(stepped, total):
        if stepped.index + 1 == 6 and how == "crash":
            raise Crash
        if stepped.index + 1 == 6 and how == "signal":
            os.kill(os.getpid(), signal.SIGTERM)

    if how == "crash while measuring":
        with monkeypatch.context() as patch:
            real = probes_module.measured_rows

            def fail(refresh, *rest):
                if refresh == 2:
                    raise Crash
                return real(refresh, *rest)

            patch.setattr(probes_module, "measured_rows", fail)
            with pytest.raises(Crash):
                run_job(cut, machine, probes=options)
    elif how == "crash":
        with pytest.raises(Crash):
            run_job(cut, machine, interrupt, probes=options)
    else:
        assert run_job(cut, machine, interrupt, probes=options).signum == signal.SIGTERM
    run_job(cut, machine, probes=options)
    files = [(made.folder / "refreshes.csv").read_text() for made in (whole, cut)]
    assert files[0] == files[1]
    assert files[0].count("\nobjective,") == 3


class Once(torch.autograd.Function):
    """An operation without a second derivative; torch leaves its part out without a word."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return gradient * 1.0


class Refuses(torch.autograd.Function):
    """An operation that says so, as cuDNN's recurrent layers do."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return Refuse.apply(gradient)


class Refuse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise RuntimeError("derivative for it is not implemented")


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (Once, "away from differences of gradients"),
        (Refuses, "no second derivative.*derivative for"),
    ],
)
def test_without_a_second_derivative_all_but_the_curvature_is_measured(
    job, monkeypatch, operation, reason
):
    made = job()
    _, whole = measured(made, ProbeOptions(1, 3))
    real = Network.outputs
    monkeypatch.setattr(
        Network,
        "outputs",
        lambda self, features, tasks: real(self, operation.apply(features), tasks),
    )
    _, rows = measured(made, ProbeOptions(1, 3))
    lost = {"smoothness", "class_smoothness", "class_cross", "order_slope", "phi_slope"}
    assert {r["kind"] for r in whole} - {r["kind"] for r in rows} == lost
    (why,) = [r["label"] for r in rows if r["kind"] == "unmeasured"]
    assert re.search(reason, why)
    for kind in ("objective", "mean_norm", "scheduled"):
        assert vector(rows, kind) == pytest.approx(vector(whole, kind))


def test_layers_that_normalise_by_their_batch_do_so_here_too(job, made_up):
    """Images, so that a ResNet with ViewNorm2d runs: the mean of its batches' losses."""
    loaded = made_up(n=24)
    tasks = tuple(
        replace(
            task,
            splits={
                name: Samples(
                    {"image": part.inputs["x"][:, :, None, None].expand(-1, -1, 8, 8).contiguous()},
                    part.labels,
                )
                for name, part in task.splits.items()
            },
        )
        for task in loaded.tasks
    )
    images = replace(loaded, tasks=tasks, input_shapes={"image": (6, 8, 8)})
    made = job(loaded=images, architecture=("resnet18", {"width": 0.0625}))
    trainer, rows = measured(made, ProbeOptions(1, 2, 1))
    layers = [m for m in trainer.network.modules() if isinstance(m, ViewNorm2d)]
    assert layers
    assert all(layer.counts == [0, 0] for layer in layers)
    trainer.network.train()
    values = []
    for view, names in trainer.data.grouped(trainer.plan.tasks):
        order = torch.randperm(24, generator=torch_stream(child_seed(0, MEASURE), view.index))
        for b in range(2):
            inputs, labels = trainer.data.examples(view, names, order[8 * b : 8 * b + 8])
            outputs = trainer.network(inputs, view.index, names)
            values += [trainer.data.task(t).loss(outputs[t], labels[t]).item() / 2 for t in names]
    assert one(rows, "objective") == pytest.approx(sum(values), rel=1e-5)


def test_one_task_alone(job, made_up):
    loaded = made_up()
    made = job(loaded=replace(loaded, tasks=loaded.tasks[:1]))
    _, rows = measured(made, ProbeOptions(1, 2))
    assert one(rows, "scheduled") == one(rows, "aggregated") < one(rows, "objective")
    assert one(rows, "order_slope") == one(rows, "phi_slope") == 0.0
    assert one(rows, "class_smoothness") == pytest.approx(one(rows, "smoothness"))
    assert not [r for r in rows if r["j"] != -1]


def test_a_method_without_a_graph_measures_nothing(job):
    made = job("uniform")
    run_job(made, MachineConfig(), probes=ProbeOptions(1, 2))
    assert not (made.folder / "refreshes.csv").exists()


def test_too_few_batches_are_an_error_before_training(job):
    made = job(batch_size=40)
    with pytest.raises(InvalidInputError, match=r"at least two; the view of sign, opposite has 48"):
        run_job(made, MachineConfig(), probes=ProbeOptions(1, 4))
    assert not made.folder.exists()


@pytest.mark.parametrize("options", [(-1, 4), (1, 1), (1, -2), (1, 4, 0)])
def test_options_out_of_range(options):
    with pytest.raises(InvalidInputError, match="should be >= "):
        ProbeOptions(*options)


@pytest.mark.parametrize("seed", range(3))
def test_lanczos_never_finds_more_than_there_is(seed):
    draw = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(30, 30, generator=draw, dtype=torch.float64))
    values = torch.linspace(-4.0, 3.0, 30, dtype=torch.float64)
    values[0] = -9.0
    h = basis @ torch.diag(values) @ basis.T
    start = torch.randn(30, generator=draw, dtype=torch.float64)
    found = [largest_curvature(lambda v: h @ v, start, steps) for steps in (1, 4, 8, 30, 60)]
    assert all(b >= a - 1e-9 for a, b in pairwise(found))
    assert max(found) <= 9.0 + 1e-9
    assert found[2] > 8.5
    assert found[3] == pytest.approx(9.0)
    assert largest_curvature(lambda v: h @ v, torch.zeros(30, dtype=torch.float64), 4) == 0.0
