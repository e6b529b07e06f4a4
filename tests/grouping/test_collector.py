"""Affinities collected on a run: by definition, without a trace, at the cost that is said."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from simulations.training.grouping.affinities import GroupWatch, affinities, probes
from simulations.training.grouping.affinity_cell import masked
from simulations.training.grouping.collector import Collected, CollectOptions, Collector, draw_tasks
from simulations.training.grouping.subset import TaskSubset
from simulations.training.methods import get_method
from simulations.training.methods.base import Setting
from simulations.training.methods.scheduled import SonGoku
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.grouping import needed_cost

TASKS = ("sign", "opposite", "copy", "mean.of")


def _collected(trainer, options=None, rng=0):
    collector = Collector(trainer, options or CollectOptions(), np.random.default_rng(rng))
    found = []
    while trainer.steps < trainer.total:
        if collector.due():
            found.append(collector.collect()[0])
        trainer.step()
    return collector, found


def _flat(state):
    """Every tensor and number of a nested state, in order."""
    if isinstance(state, dict):
        return [leaf for key in state for leaf in _flat(state[key])]
    if isinstance(state, list | tuple):
        return [leaf for held in state for leaf in _flat(held)]
    return [state]


def _same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return one == other


@pytest.mark.parametrize(
    "settings",
    [
        {"optimiser": "sgd", "momentum": 0.9, "weight_decay": 0.01},
        {"optimiser": "adam", "lr": 0.01, "lr_schedule": "cosine"},
    ],
)
@pytest.mark.parametrize("options", [{}, {"interval": 2, "measured_on": "validation"},
                                     {"quantity": "metric", "sampling": True}])  # fmt: skip
def test_a_run_that_was_looked_at_has_the_same_bits(trainer_on, settings, options):
    watched, alone = trainer_on(**settings), trainer_on(**settings)
    if options.get("quantity") == "metric":
        # An accuracy may be 0 on so small a batch; errors of regressions never are.
        options = {**options, "measured_on": "validation"}
    collector = Collector(watched, CollectOptions(**options), np.random.default_rng(0))
    for _ in range(4):
        torch.manual_seed(5)
        before = torch.get_rng_state()
        grads = [p.grad for p in watched.network.parameters()]
        kept = [None if g is None else g.clone() for g in grads]
        if collector.due():
            collector.collect()
        assert torch.equal(torch.get_rng_state(), before)
        now = [p.grad for p in watched.network.parameters()]
        assert all(a is b for a, b in zip(grads, now, strict=True))
        assert all(a is None or torch.equal(a, b) for a, b in zip(kept, now, strict=True))
        assert watched.step().losses == alone.step().losses
        one, other = _flat(watched.state_dict()), _flat(alone.state_dict())
        assert len(one) == len(other)
        assert all(_same(a, b) for a, b in zip(one, other, strict=True))
        rates = [[g["lr"] for g in t.optimiser.param_groups] for t in (watched, alone)]
        assert rates[0] == rates[1]


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_losses_are_those_after_a_real_step_of_the_pair_alone(trainer_on, optimiser):
    """Definition 3 with real training runs: each pair's own network, one step old."""
    joint = trainer_on(optimiser=optimiser)
    found, _ = Collector(joint, CollectOptions(), np.random.default_rng(0)).collect()
    for i, first in enumerate(TASKS):
        for j, second in enumerate(TASKS):
            pair = tuple(t for t in TASKS if t in (first, second))
            apart = trainer_on(TaskSubset(pair, get_method("uniform")), optimiser=optimiser)
            apart.step()
            value = found.alone[j] if i == j else found.joint[i, j]
            assert value == pytest.approx(_loss(apart, apart.network, second), rel=1e-5)


def test_tag_compares_with_the_head_before_the_step(trainer_on):
    joint = trainer_on()
    found, _ = Collector(joint, CollectOptions(), np.random.default_rng(0)).collect()
    for i, first in enumerate(TASKS):
        apart = trainer_on(TaskSubset((first,), get_method("uniform")))
        apart.step()
        fresh = trainer_on()
        fresh.network.trunk.load_state_dict(apart.network.trunk.state_dict())
        for j, second in enumerate(TASKS):
            expected = _loss(fresh, fresh.network, second)
            assert found.after[i, j] == pytest.approx(expected, rel=1e-5)
    # and the loss before is that of the untouched run
    fresh = trainer_on()
    expected = [_loss(fresh, fresh.network, t) for t in TASKS]
    np.testing.assert_allclose(found.before, expected, rtol=1e-6)


def _loss(trainer, network, task):
    ((view, _),) = trainer.data.grouped([task])
    inputs, labels = trainer.data.batch(view, [task], 0)
    with torch.no_grad():
        output = network(inputs, view.index, [task])[task]
    return float(trainer.data.task(task).loss(output, labels[task]))


def test_a_task_paired_with_itself_counts_its_shared_gradient_twice(trainer_on):
    trainer = trainer_on(momentum=0.0)
    found, vectors = Collector(trainer, CollectOptions(), np.random.default_rng(0)).collect()
    for j, task in enumerate(TASKS):
        apart = trainer_on(TaskSubset((task,), get_method("uniform")), momentum=0.0)
        apart.step()
        with torch.no_grad():
            at = 0
            for p in apart.scheduler.shared_parameters:
                p.sub_(0.05 * vectors[j, at : at + p.numel()].reshape(p.shape))
                at += p.numel()
        assert found.joint[j, j] == pytest.approx(_loss(apart, apart.network, task), rel=1e-5)


def test_the_look_ahead_of_all_tasks_is_the_step_that_follows(trainer_on):
    trainer = trainer_on(optimiser="adam")
    for _ in range(2):
        trainer.step()
    found, _ = Collector(trainer, CollectOptions(), np.random.default_rng(0)).collect()
    step = trainer.steps
    trainer.step()
    for j, task in enumerate(TASKS):
        ((view, _),) = trainer.data.grouped([task])
        inputs, labels = trainer.data.batch(view, [task], step)
        with torch.no_grad():
            output = trainer.network(inputs, view.index, [task])[task]
        value = float(trainer.data.task(task).loss(output, labels[task]))
        assert found.together[j] == pytest.approx(value, rel=1e-4)


def test_operations_are_counted_as_hooks_count_them(trainer_on, monkeypatch):
    trainer = trainer_on()
    seen = Counter()
    trainer.network.trunk.register_forward_hook(lambda *_: seen.update(["trunk"]))
    for head in trainer.network.head_list:
        head.register_forward_hook(lambda *_: seen.update(["forward"]))
    step, grad = trainer.optimiser.step, torch.autograd.grad
    monkeypatch.setattr(trainer.optimiser, "step", lambda: (seen.update(["parameter"]), step())[1])
    monkeypatch.setattr(
        torch.autograd, "grad", lambda *a, **k: (seen.update(["backward"]), grad(*a, **k))[1]
    )
    collector = Collector(trainer, CollectOptions(), np.random.default_rng(0))
    for _ in range(3):
        collector.collect()
    counted = dict(
        zip(("forward", "backward", "parameter", "trunk"), collector.operations["all"], strict=True)
    )
    assert counted == seen


@pytest.mark.parametrize("sampling", [False, True])
def test_each_affinity_costs_what_its_definition_needs(trainer_on, sampling):
    collector, found = _collected(trainer_on(steps=12), CollectOptions(sampling=sampling))
    for name, needed in (
        ("ptg", "ptg"), ("ptg_paper", "ptg_recorded_self"), ("tag", "tag"), ("cosine", "cosine"),
    ):  # fmt: skip
        costs = [needed_cost(needed, len(step.drawn)) for step in found]
        expected = tuple(
            sum(int(getattr(cost, what)) for cost in costs)
            for what in ("forward", "backward", "parameter")
        )
        assert collector.operations[name][:3] == expected


def test_lazy_collection_is_the_same_at_fewer_steps(trainer_on):
    """So a study of intervals needs one run."""
    _, every = _collected(trainer_on())
    _, lazy = _collected(trainer_on(), CollectOptions(interval=3))
    kept = [s for s in every if s.step % 3 == 0]
    assert [s.step for s in lazy] == [0, 3]
    for name, found in affinities(lazy, [False] * 4).items():
        np.testing.assert_array_equal(found.gains, affinities(kept, [False] * 4)[name].gains)


def test_sampled_collection_is_the_same_among_fewer_tasks(trainer_on):
    _, sampled = _collected(trainer_on(), CollectOptions(sampling=True), rng=7)
    _, whole = _collected(trainer_on())
    rng = np.random.default_rng(7)
    kept = [masked(step, draw_tasks(rng, 4)) for step in whole]
    assert [s.drawn for s in sampled] == [s.drawn for s in kept]
    assert len({s.drawn for s in sampled}) > 1
    for one, other in zip(sampled, kept, strict=True):
        for name in ("before", "alone", "joint", "after"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_allclose(one.gram, other.gram, rtol=1e-12)


def test_a_group_s_gain_is_the_sum_of_its_pairs_for_small_steps(trainer_on):
    """EXT-13 on a real network: the sum is off in second order of the rate, the average first."""
    errors = {}
    for rate in (1e-2, 1e-3):
        trainer = trainer_on(momentum=0.0, lr=rate)
        found, _ = Collector(trainer, CollectOptions(), np.random.default_rng(0)).collect()
        gains = probes([found], [False] * 4)
        size = np.abs(gains["measured"]).max()
        errors[rate] = [
            float(np.abs(gains[name] - gains["measured"]).max() / size)
            for name in ("sum", "average")
        ]
    assert errors[1e-3][0] < 0.2 * errors[1e-2][0] < 0.2
    assert errors[1e-3][1] > 0.5  # (n - 2) / (n - 1) of the gain, whatever the rate


def _step(joint, alone, **other):
    joint, alone = np.array(joint, dtype=float), np.array(alone, dtype=float)
    n = len(alone)
    held = {"before": alone, "after": joint, "together": alone, "gram": np.eye(n), **other}
    return Collected(0, held["before"], alone, joint, held["after"], held["together"],
                     held["gram"], tuple(range(n)))  # fmt: skip


def test_the_sign_is_turned_for_a_metric_of_which_more_is_better():
    """PTG-O1-ACC: with the sign as printed, a higher accuracy would be a loss."""
    step = _step([[0.4, 0.75], [0.8, 0.4]], [0.5, 0.5])
    gains = affinities([step], [True, False])["ptg"].gains
    np.testing.assert_allclose(gains, [[0.0, -0.5], [0.6, 0.0]])


def test_a_gain_from_oneself_is_zero_or_recorded():
    step = _step([[0.4, 0.75], [0.8, 0.45]], [0.5, 0.5])
    found = affinities([step], [False, False])
    np.testing.assert_allclose(np.diag(found["ptg"].gains), 0.0)
    np.testing.assert_allclose(np.diag(found["ptg_paper"].gains), [0.2, 0.1])
    np.testing.assert_allclose(found["ptg"].gains[0, 1], found["ptg_paper"].gains[0, 1])


def test_son_goku_s_classes_on_the_same_run_keep_opposite_tasks_apart():
    options = SonGoku(tau=0.2, refresh_period=4, warm_up=0.0, anneal=0.0)
    setting = Setting(("a", "b", "c"), ("main",) * 3, 8, 8, 0)
    watch = GroupWatch(options, setting)
    for step in range(8):
        watch.observe(step, [[1.0, 0.0], [-1.0, 0.1], [1.0, 0.1]], (0, 1, 2))
    assert [held.step for held in watch.classes] == [4, 8]
    colors = watch.classes[-1].colors
    assert colors[0] == colors[2] != colors[1]
    gains = watch.affinity().gains
    assert gains[0, 1] < -0.9
    assert gains[0, 2] > 0.9


def test_a_task_that_is_not_drawn_keeps_its_average():
    options = SonGoku(tau=0.2, refresh_period=2, warm_up=0.0, anneal=0.0, beta=0.5)
    watch = GroupWatch(options, Setting(("a", "b"), ("main",) * 2, 4, 4, 0))
    watch.observe(0, [[1.0, 0.0], [1.0, 1.0]], (0, 1))
    watch.observe(1, [[1.0, 0.0], [0.0, 0.0]], (0,))
    assert watch.affinity().gains[0, 1] == pytest.approx(np.sqrt(0.5))


def test_a_loss_that_is_not_positive_is_refused_with_its_task(trainer_on, monkeypatch):
    trainer = trainer_on()
    task = trainer.data.task("copy")
    zero = type(task)(**{
        **{f: getattr(task, f) for f in ("name", "role", "doc", "view", "head", "num_outputs",
                                         "splits", "metrics", "chance")},
        "loss": lambda outputs, labels: (outputs * 0.0).sum(),
    })  # fmt: skip
    real = trainer.data.task
    monkeypatch.setattr(trainer.data, "task", lambda name: zero if name == "copy" else real(name))
    collector = Collector(trainer, CollectOptions(), np.random.default_rng(0))
    with pytest.raises(
        InvalidInputError, match=r"loss of task 'copy' is 0 .* eq\. 3 has a meaning"
    ):
        collector.collect()


def test_another_method_s_run_is_refused(trainer_on):
    with pytest.raises(InvalidInputError, match="method 'uniform'"):
        Collector(trainer_on(get_method("adatask")), CollectOptions(), np.random.default_rng(0))
    with pytest.raises(InvalidInputError, match="method 'uniform'"):
        Collector(trainer_on(get_method("son_goku")), CollectOptions(), np.random.default_rng(0))


def test_one_task_is_refused(trainer_on):
    alone = trainer_on(TaskSubset(("sign",), get_method("uniform")))
    with pytest.raises(InvalidInputError, match="at least two tasks; found 1: sign"):
        Collector(alone, CollectOptions(), np.random.default_rng(0))


def test_a_set_of_tasks_is_trained_as_if_there_were_no_others(trainer_on):
    subset = trainer_on(TaskSubset(("opposite", "copy"), get_method("uniform")))
    whole = trainer_on()
    assert subset.plan.tasks == ("opposite", "copy")
    for one, other in zip(subset.network.trunk.parameters(), whole.network.trunk.parameters(),
                          strict=True):  # fmt: skip
        assert torch.equal(one, other)
    with pytest.raises(UnknownNameError, match="task 'cope'"):
        trainer_on(TaskSubset(("cope",), get_method("uniform")))
    with pytest.raises(InvalidInputError, match="benchmark's order"):
        trainer_on(TaskSubset(("copy", "opposite"), get_method("uniform")))


@pytest.mark.parametrize(
    ("name", "value"),
    [("interval", 0), ("sampling", 1), ("validation_examples", 0), ("quantity", "accuracy"),
     ("measured_on", "test")],
)  # fmt: skip
def test_options_out_of_range_are_refused(name, value):
    with pytest.raises((InvalidInputError, UnknownNameError), match=name):
        CollectOptions(**{name: value})
