"""A task's gradient is that of its own loss on its own sub-batch, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from simulations.training.gradients import task_gradient
from songoku_theory.errors import InvalidInputError


def test_it_equals_autograd_of_that_tasks_loss_alone(made_up_tasks, small_model):
    tasks = made_up_tasks(3)
    for index, task in enumerate(tasks):
        model = small_model(tasks)
        found = task_gradient(model, task, index, 0, 8, torch.Generator().manual_seed(9))

        inputs, labels = task.train.batch(8, torch.Generator().manual_seed(9))
        loss = task.loss(model(inputs, index), labels)
        loss.backward()
        expected = torch.cat([p.grad.reshape(-1) for p in model.shared_parameters()])
        assert found.loss == pytest.approx(float(loss.detach()))
        np.testing.assert_array_equal(found.vector(), expected.numpy())
        for part, parameter in zip(found.head, model.head_parameters(index), strict=True):
            assert torch.equal(part, parameter.grad)
        others = [p for k in range(3) if k != index for p in model.head_parameters(k)]
        assert all(p.grad is None for p in others)


def test_it_equals_a_difference_quotient(made_up_tasks, small_model):
    (task,) = made_up_tasks(1)
    model = small_model([task]).double()
    task = replace(task, train=replace(task.train, inputs=task.train.inputs.double()))
    found = task_gradient(model, task, 0, 0, 8, torch.Generator().manual_seed(9)).vector()
    inputs, labels = task.train.batch(8, torch.Generator().manual_seed(9))
    weight = model.shared_parameters()[0]
    step = 1e-6
    for position in range(weight.numel()):
        losses = []
        for sign in (1, -1):
            with torch.no_grad():
                weight.view(-1)[position] += sign * step
                losses.append(float(task.loss(model(inputs, 0), labels)))
                weight.view(-1)[position] -= sign * step
        assert found[position] == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-6)


def test_it_changes_no_weight_and_leaves_no_gradient_behind(made_up_tasks, small_model):
    tasks = made_up_tasks(2)
    model = small_model(tasks)
    before = [p.detach().clone() for p in model.parameters()]
    task_gradient(model, tasks[0], 0, 0, 8, torch.Generator())
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_task_and_step(made_up_tasks, small_model, value):
    (task,) = made_up_tasks(1)
    bad = replace(task, loss=lambda outputs, labels: outputs.sum() * value)
    with pytest.raises(InvalidInputError, match=r"loss of task 'task0' is .* at step 31"):
        task_gradient(small_model([task]), bad, 0, 31, 8, torch.Generator())
