"""Brute force, random small problems with every kind of constraint, and a tiny benchmark."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from songoku_theory.grouping import GroupingProblem, faults, objective

Rng = np.random.Generator


def _brute_force(problem: GroupingProblem) -> float:
    """The best objective over all families of groups; -inf where none meets the constraints."""
    n = problem.num_tasks
    groups = [g for size in range(1, n + 1) for g in itertools.combinations(range(n), size)]
    worth = {group: objective(problem, [group]) for group in groups}
    best = -math.inf
    for m in [problem.num_groups] if problem.num_groups else range(1, n + 1):
        families = (
            itertools.product(groups, repeat=m)
            if problem.identities
            else itertools.combinations_with_replacement(groups, m)
        )
        for family in families:
            total = sum(worth[group] for group in family)
            if total > best and not faults(problem, family):
                best = total
    return best


def _random_problem(rng: Rng) -> GroupingProblem:
    """One to five tasks; most kinds of constraint are present in a third of the draws each."""
    m = int(rng.integers(1, 4)) if rng.random() < 0.8 else None
    n = int(rng.integers(1, 6 if m != 3 else 5)) if m else int(rng.integers(1, 5))
    several = m is not None and rng.random() < 0.4
    options: dict[str, Any] = {"num_groups": m, "distinct": bool(rng.random() < 0.7)}
    options["overlap"] = m is not None and bool(rng.random() < 0.5)
    if rng.random() < 0.4:
        options["costs"] = rng.integers(0, 5, (n, m) if several and m else n)
        options["limits"] = rng.integers(3, 13, m if several else None)
    if rng.random() < 0.3:
        options["min_size"] = rng.integers(1, 3, m) if several else int(rng.integers(1, 3))
    if rng.random() < 0.3:
        options["max_size"] = rng.integers(1, n + 1, m) if several else int(rng.integers(1, n + 1))
    pairs = list(itertools.combinations(range(n), 2))
    for name in ("must_link", "cannot_link"):
        if pairs and rng.random() < 0.3:
            chosen = rng.choice(len(pairs), size=min(len(pairs), 2), replace=False)
            options[name] = [pairs[i] for i in chosen[: int(rng.integers(1, 3))]]
    if rng.random() < 0.3:
        worth = rng.integers(-20, 20, 1 << n).astype(float)
        return GroupingProblem(
            value=lambda group: float(worth[sum(1 << i for i in group)]), num_tasks=n, **options
        )
    return GroupingProblem(rng.integers(-9, 10, (n, n)) + rng.integers(0, 4), **options)


@pytest.fixture(scope="session")
def brute_force() -> Callable[[GroupingProblem], float]:
    """Return the best objective, by trying all families of groups."""
    return _brute_force


@pytest.fixture(scope="session")
def random_problem() -> Callable[[Rng], GroupingProblem]:
    """Return a small random problem."""
    return _random_problem


@pytest.fixture
def made_up():
    """Four tasks in two views of vectors: two of them pull the trunk apart."""
    import torch

    from simulations.training.benchmarks.base import SPLITS, Loaded, Role, Samples
    from simulations.training.benchmarks.kinds import classes, values
    from simulations.training.datasets.base import Provenance

    generator = torch.Generator().manual_seed(3)

    def parts(label):
        found = {}
        for split in SPLITS:
            x = torch.randn(48, 6, generator=generator)
            found[split] = Samples({"x": x}, label(x))
        return found

    def relabelled(source, label):
        return {s: Samples(source[s].inputs, label(source[s].inputs["x"])) for s in SPLITS}

    first = parts(lambda x: (x[:, 0] > 0).long())
    second = parts(lambda x: x[:, :2].contiguous())
    tasks = (
        classes("sign", Role.MAIN, "sign of x0", "plain", first, 2),
        classes("opposite", Role.MAIN, "its opposite", "plain",
                relabelled(first, lambda x: (x[:, 0] < 0).long()), 2),
        values("copy", Role.MAIN, "x0 and x1", "other", second, "units"),
        values("mean.of", Role.MAIN, "mean of x", "other",
               relabelled(second, lambda x: x.mean(1, keepdim=True)), "units"),
    )  # fmt: skip
    return Loaded("made_up", Provenance.SYNTH, ("Made up.",), tasks, {"x": (6,)}, ())


@pytest.fixture
def trainer_on(made_up):
    """Return a run on the made-up benchmark, by the method and settings asked for."""
    import torch

    from simulations.training.architectures import get_architecture
    from simulations.training.methods import get_method
    from simulations.training.run.config import TrainingConfig
    from simulations.training.run.trainer import Trainer

    def make(method=None, seed=1, **settings):
        config = TrainingConfig(**{"steps": 6, "batch_size": 16, "optimiser": "sgd", "lr": 0.05,
                                   **settings})  # fmt: skip
        architecture = get_architecture(
            "vector_fusion", {"encoder": 8, "embedding": 8, "hidden": 8}
        )
        chosen = get_method("uniform") if method is None else method
        return Trainer(made_up, chosen, architecture, config, seed, torch.device("cpu"))

    return make
