"""AdaTask: one Adam a task, added up; who does not run does not move."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch

from songoku_theory.combine import AdaTask
from songoku_theory.errors import InvalidInputError


def parameters(seed: int = 0) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((3, 2), (4,))
    return [
        torch.nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float64))
        for shape in shapes
    ]


def flat(params: list[torch.nn.Parameter]) -> torch.Tensor:
    return torch.cat([p.detach().reshape(-1) for p in params])


def split(vector: torch.Tensor, params: list[torch.nn.Parameter]) -> list[torch.Tensor]:
    sizes = [p.numel() for p in params]
    return [v.reshape(p.shape) for v, p in zip(vector.split(sizes), params, strict=True)]


@pytest.mark.parametrize("rule", ["adam", "rmsprop", "adagrad"])
def test_a_step_is_the_sum_of_each_tasks_own_optimiser(rule: str) -> None:
    """Torch's own optimisers, one a task, each fed only when its task runs."""
    rng = np.random.default_rng(0)
    params = parameters()
    ours = AdaTask(params, num_tasks=3, lr=0.01, rule=rule)  # type: ignore[arg-type]
    copies = [parameters() for _ in range(3)]
    make = {
        "adam": lambda p: torch.optim.Adam(p, lr=0.01),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.999),
        "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01, eps=1e-8),
    }[rule]
    theirs = [make(c) for c in copies]
    start = flat(params)
    for step in range(25):
        active = [k for k in range(3) if rng.random() < 0.6] or [step % 3]
        gradients = torch.from_numpy(rng.standard_normal((3, 10)) * [[1.0], [1e3], [1e-3]])
        ours.step(gradients, active=active)
        for k in active:
            for parameter, part in zip(copies[k], split(gradients[k], copies[k]), strict=True):
                parameter.grad = part.clone()
            theirs[k].step()
        moved = sum((flat(c) - start for c in copies), torch.zeros(10, dtype=torch.float64))
        torch.testing.assert_close(flat(params), start + moved, rtol=1e-9, atol=1e-10)


def test_inactive_tasks_do_not_move_and_are_not_read() -> None:
    params = parameters()
    optimizer = AdaTask(params, num_tasks=3)
    gradients = torch.randn(3, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    optimizer.step(gradients)
    before = copy.deepcopy(optimizer.state_dict())["state"]
    gradients[1] = float("nan")
    optimizer.step(gradients, active=(0, 2))
    after = optimizer.state_dict()["state"]
    for index in before:
        for name in ("exp_avg", "exp_avg_sq"):
            assert torch.equal(before[index][name][1], after[index][name][1])
            assert not torch.equal(before[index][name][0], after[index][name][0])
        assert before[index]["steps"] == [1, 1, 1]
        assert after[index]["steps"] == [2, 1, 2]
    assert torch.isfinite(flat(params)).all()


def test_large_gradients_of_one_task_do_not_shrink_anothers_step() -> None:
    params = parameters()
    optimizer = AdaTask(params, num_tasks=2, lr=0.1)
    start = flat(params)
    gradients = torch.zeros(2, 10, dtype=torch.float64)
    gradients[0, 0], gradients[1, 0], gradients[1, 1] = 1e6, -1e-3, 1e-3
    optimizer.step(gradients)
    moved = flat(params) - start
    assert moved[0].item() == pytest.approx(0.0, abs=1e-5)
    assert moved[1].item() == pytest.approx(-0.1, rel=1e-4)


def test_a_mapping_gives_what_a_matrix_gives() -> None:
    gradients = torch.randn(3, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    one, two = parameters(), parameters()
    AdaTask(one, num_tasks=3).step(gradients, active=(0, 2))
    AdaTask(two, num_tasks=3).step({2: gradients[2], 0: gradients[0]})
    assert torch.equal(flat(one), flat(two))


def test_a_saved_optimiser_continues_bit_for_bit() -> None:
    generator = torch.Generator().manual_seed(2)
    gradients = torch.randn(10, 3, 10, dtype=torch.float64, generator=generator)
    whole, first = parameters(), parameters()
    reference, half = AdaTask(whole, num_tasks=3), AdaTask(first, num_tasks=3)
    for t in range(10):
        reference.step(gradients[t], active=(t % 3, (t + 1) % 3))
    for t in range(5):
        half.step(gradients[t], active=(t % 3, (t + 1) % 3))
    second = [torch.nn.Parameter(p.detach().clone()) for p in first]
    resumed = AdaTask(second, num_tasks=3)
    resumed.load_state_dict(copy.deepcopy(half.state_dict()))
    assert resumed.state[second[0]]["steps"] == half.state[first[0]]["steps"]
    for t in range(5, 10):
        resumed.step(gradients[t], active=(t % 3, (t + 1) % 3))
    assert torch.equal(flat(whole), flat(second))


def test_weight_decay_is_taken_once_a_step() -> None:
    params = parameters()
    start = flat(params)
    AdaTask(params, num_tasks=4, lr=0.1, weight_decay=0.5).step(
        torch.zeros(4, 10, dtype=torch.float64)
    )
    torch.testing.assert_close(flat(params), start * 0.95)


def test_wrong_gradients_are_refused_before_anything_moves() -> None:
    params = parameters()
    optimizer = AdaTask(params, num_tasks=3)
    start = flat(params)
    good = torch.ones(3, 10, dtype=torch.float64)
    bad = good.clone()
    bad[2, 4] = float("inf")
    cases = [
        (bad, None, "task 2"),
        (good[:, :9], None, "10 entries"),
        (good[:2], None, "shape"),
        ({0: good[0]}, (0, 1), r"tasks \[1\]"),
        (good, (3,), "task 3"),
    ]
    for gradients, active, message in cases:
        with pytest.raises(InvalidInputError, match=message):
            optimizer.step(gradients, active=active)
    assert torch.equal(flat(params), start)
    assert not optimizer.state


@pytest.mark.parametrize(
    "options",
    [
        {"lr": -1.0},
        {"eps": float("nan")},
        {"betas": (0.9, 1.0)},
        {"weight_decay": -0.1},
        {"rule": "sgd"},
        {"num_tasks": 0},
    ],
)
def test_wrong_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        AdaTask(parameters(), **{"num_tasks": 2, **options})  # type: ignore[arg-type]


def test_without_torch_the_error_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "import songoku_theory.combine as combine\n"
        "from songoku_theory.errors import DependencyMissingError\n"
        "try:\n"
        "    combine.AdaTask\n"
        "except DependencyMissingError as error:\n"
        "    sys.stdout.write(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "songoku[train]" in done.stdout
