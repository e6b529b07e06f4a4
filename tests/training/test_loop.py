"""The loop: who moves, who is computed, and that the pure scheduler decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from simulations.training.loop import LoopConfig, evaluate, train
from songoku_theory import scheduler as reference
from songoku_theory.errors import InvalidInputError
from songoku_theory.scheduler import SchedulerConfig

OPTIONS = [
    {},
    {"observe_tasks": "all", "probe": "none"},
    {"ema_at_refresh": "reset", "phase": "restart"},
    {"ema": "windowed", "phase": "carried", "probe": "none"},
]


def config_for(num_tasks, **options):
    settings = {"tau": 0.0, "beta": 0.5, "refresh_period": 4, "probe": "required"} | options
    return SchedulerConfig(num_tasks=num_tasks, **settings)


LOOP = LoopConfig(steps=14, batch_size=6, lr=0.3)


def weights(parameters):
    return [p.detach().clone() for p in parameters]


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def noting(loss, notes, note=None):
    """The same loss, which notes each call (by `note`, or by the labels that it got)."""

    def noted(outputs, labels):
        notes.append(labels if note is None else note)
        return loss(outputs, labels)

    return noted


@pytest.mark.parametrize("options", OPTIONS)
def test_only_active_heads_move_and_each_active_one_does(
    made_up_tasks, small_model, streams, options
):
    tasks = made_up_tasks(4)
    model = small_model(tasks)
    heads = [weights(model.head_parameters(k)) for k in range(4)]
    idle = 0
    for step in train(model, tasks, config_for(4, **options), LOOP, streams(4)):
        for k in range(4):
            now = weights(model.head_parameters(k))
            assert same(heads[k], now) == (k not in step.active)
            idle += k not in step.active
            heads[k] = now
    assert idle > 0  # otherwise nothing was tested


@pytest.mark.parametrize("options", OPTIONS)
def test_the_trunk_moves_by_the_sum_of_the_active_gradients(
    made_up_tasks, small_model, streams, options
):
    tasks = made_up_tasks(4)
    model = small_model(tasks)
    before = torch.cat([p.reshape(-1) for p in weights(model.shared_parameters())])
    for step in train(model, tasks, config_for(4, **options), LOOP, streams(4)):
        after = torch.cat([p.reshape(-1) for p in weights(model.shared_parameters())])
        total = np.sum([step.gradients[k] for k in step.active], axis=0)
        np.testing.assert_allclose((before - after).numpy(), LOOP.lr * total, atol=1e-6)
        before = after


def test_a_head_moves_by_its_own_gradient(made_up_tasks, small_model, streams):
    tasks = made_up_tasks(2)
    model, twin = small_model(tasks), small_model(tasks)
    next(train(model, tasks, config_for(2), LOOP, streams(2)))
    for k, task in enumerate(tasks):
        inputs, labels = task.train.batch(LOOP.batch_size, streams(2).train[k])
        task.loss(twin(inputs, k), labels).backward()
        for moved, start in zip(model.head_parameters(k), twin.head_parameters(k), strict=True):
            torch.testing.assert_close(moved, start - LOOP.lr * start.grad, rtol=0, atol=1e-6)


@pytest.mark.parametrize("options", OPTIONS)
def test_every_decision_is_the_pure_schedulers(made_up_tasks, small_model, streams, options):
    tasks = made_up_tasks(5)
    config = config_for(5, **options)
    state = reference.init(config)
    refreshes = 0
    for step in train(small_model(tasks), tasks, config, LOOP, streams(5)):
        assert step.active == reference.active(config, state)
        assert (step.probe is not None) == reference.needs_probe(config, state)
        state = reference.step(config, state, step.gradients, step.probe)
        assert step.state.round == state.round
        assert step.state.schedule == state.schedule
        np.testing.assert_array_equal(step.state.averages, state.averages)
        if step.measured is not None:
            refreshes += 1
            np.testing.assert_array_equal(step.measured.graph.adjacency, state.graph.adjacency)
            np.testing.assert_array_equal(step.measured.colors, state.colors)
    assert refreshes == 3


def test_after_a_reset_the_averages_that_made_the_graph_are_still_shown(
    made_up_tasks, small_model, streams
):
    tasks = made_up_tasks(3)
    config = config_for(3, ema_at_refresh="reset")
    for step in train(small_model(tasks), tasks, config, LOOP, streams(3)):
        if step.measured is not None:
            assert not step.state.averages.any()
            assert step.measured.averages.any(axis=1).all()


def test_only_what_is_needed_is_computed(made_up_tasks, small_model, streams):
    calls = []
    tasks = [
        replace(task, loss=noting(task.loss, calls, k)) for k, task in enumerate(made_up_tasks(4))
    ]
    for step in train(small_model(tasks), tasks, config_for(4), LOOP, streams(4)):
        probed = list(range(4)) if step.measured is not None else []
        assert calls == [*step.active, *probed]
        assert tuple(step.losses) == tuple(step.gradients) == step.active
        calls.clear()


def test_observing_all_computes_all_but_updates_only_the_active(
    made_up_tasks, small_model, streams
):
    tasks = made_up_tasks(4)
    config = config_for(4, observe_tasks="all", probe="none")
    steps = list(train(small_model(tasks), tasks, config, LOOP, streams(4)))
    assert all(set(step.losses) == {0, 1, 2, 3} for step in steps)
    assert any(len(step.active) < 4 for step in steps)


def test_the_nth_update_of_a_task_sees_the_same_examples_whatever_the_schedule(
    made_up_tasks, small_model, streams
):
    seen = {}
    for tau in (0.0, 1.0):
        batches = {k: [] for k in range(4)}
        tasks = [
            replace(task, loss=noting(task.loss, batches[k]))
            for k, task in enumerate(made_up_tasks(4))
        ]
        config = config_for(4, tau=tau, probe="none")
        steps = list(train(small_model(tasks), tasks, config, LOOP, streams(4)))
        seen[tau] = batches
    assert any(len(step.active) == 4 for step in steps)
    for k in range(4):
        assert 0 < len(seen[0.0][k]) < len(seen[1.0][k])
        assert same(seen[0.0][k], seen[1.0][k][: len(seen[0.0][k])])


def test_probing_does_not_change_what_is_trained_on(made_up_tasks, small_model, streams):
    tasks = made_up_tasks(3)
    losses = {}
    for probe in ("none", "required"):
        config = config_for(3, tau=1.0, probe=probe)  # one schedule for both
        steps = list(train(small_model(tasks), tasks, config, LOOP, streams(3)))
        losses[probe] = [step.losses for step in steps]
    assert losses["none"] == losses["required"]


def test_tau_one_runs_every_task_at_every_step(made_up_tasks, small_model, streams):
    tasks = made_up_tasks(3)
    steps = list(train(small_model(tasks), tasks, config_for(3, tau=1.0), LOOP, streams(3)))
    assert [step.active for step in steps] == [(0, 1, 2)] * LOOP.steps


def test_one_task_is_a_valid_run(made_up_tasks, small_model, streams):
    tasks = made_up_tasks(1)
    steps = list(train(small_model(tasks), tasks, config_for(1), LOOP, streams(1)))
    assert {step.active for step in steps} == {(0,)}


def test_training_learns_what_can_be_learnt(made_up_tasks, small_model, streams):
    tasks = made_up_tasks(2)
    easy = []
    for k, task in enumerate(tasks):
        examples = replace(task.train, labels=(task.train.inputs[:, k] > 0).long())
        easy.append(replace(task, train=examples, test=examples))
    model = small_model(easy)
    for _ in train(model, easy, config_for(2), LoopConfig(300, 20, 0.3), streams(2)):
        pass
    assert min(evaluate(model, easy, "test")) > 0.9


def test_a_loss_that_diverges_stops_the_run_and_names_where(made_up_tasks, small_model, streams):
    tasks = made_up_tasks(2)
    wild = LoopConfig(steps=50, batch_size=6, lr=1e30)
    with pytest.raises(InvalidInputError, match=r"task 'task[01]' is nan at step [12]\b"):
        list(train(small_model(tasks), tasks, config_for(2), wild, streams(2)))


def test_numbers_of_tasks_that_differ_are_refused(made_up_tasks, small_model, streams):
    tasks = made_up_tasks(2)
    with pytest.raises(InvalidInputError, match="2 tasks, 2 heads, 3 scheduled tasks"):
        next(train(small_model(tasks), tasks, config_for(3), LOOP, streams(2)))


def test_evaluation_reads_the_part_that_it_is_asked_for(made_up_tasks, small_model):
    (task,) = made_up_tasks(1)
    flipped = replace(task, test=replace(task.test, labels=1 - task.test.labels))
    model = small_model([task])
    (on_train,) = evaluate(model, [flipped], "train")
    (on_test,) = evaluate(model, [flipped], "test")
    assert on_train + on_test == pytest.approx(1.0)
