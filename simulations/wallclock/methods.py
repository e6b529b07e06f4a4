"""Appendix L's study: every method of Table 4 on the same gradients, in the same order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from songoku_theory.combine import (
    FAMO,
    MGDA,
    CAGrad,
    FairGrad,
    GradNorm,
    NashMTL,
    PCGrad,
    Sum,
    combine_gradients,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["METHODS", "SCHEDULED", "Workload", "run_plain", "run_scheduled", "workload"]

GRAM_METHODS: dict[str, Callable[[], Any]] = {
    "Uniform": Sum,
    "MGDA": MGDA,
    "PCGrad": PCGrad,
    "CAGrad": CAGrad,
    "FairGrad": FairGrad,
    "Nash-MTL": NashMTL,
}
METHODS = (
    "Uniform",
    "GradNorm",
    "MGDA",
    "PCGrad",
    "CAGrad",
    "AdaTask",
    "FAMO",
    "FairGrad",
    "Nash-MTL",
)
"""Rows of Table 4 that don't depend on R, in its order."""
SCHEDULED = ("SON-GOKU", "SON-GOKU + AdaTask", "SON-GOKU + GradNorm", "SON-GOKU + PCGrad")

BETA = 0.9
MOST_GROUPS = 5
NOISE_TAU = 0.02  # of a cosine's standard deviation 1 / sqrt(1024) = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """Gradients and losses that are there before the clock starts.

    Attributes
    ----------
    gradients : tuple of Tensor, each of shape (K, d)
        One a step, float32.
    losses : ndarray, shape (T + 1, K)
        Positive and falling; entry t + 1 is after step t.
    tau : float
        For the scheduled methods.
    """

    gradients: tuple[Tensor, ...]
    losses: np.ndarray[Any, np.dtype[np.float64]]
    tau: float

    @property
    def num_tasks(self) -> int:
        """K."""
        return int(self.gradients[0].shape[0])

    @property
    def dim(self) -> int:
        """d."""
        return int(self.gradients[0].shape[1])


def workload(
    kind: str, num_tasks: int, dim: int, steps: int, device: str, rng: np.random.Generator
) -> Workload:
    """Generate gradients on a device.

    Parameters
    ----------
    kind : {"noise", "groups"}
        ``"noise"``: independent normal vectors. ``"groups"``: at most five groups of tasks that
        pull apart (a simplex), with noise of the same size.
    num_tasks, dim, steps : int
    device : str
    rng : numpy.random.Generator

    Returns
    -------
    Workload
        With a tau at which the tasks conflict: ``"noise"`` two thirds of a cosine's standard
        deviation at d = 1024 (it scales with d), ``"groups"`` half of the groups' cosine.
    """
    import torch

    draws = rng.standard_normal((steps, num_tasks, dim), dtype=np.float32)
    tau = min(0.9, NOISE_TAU * math.sqrt(1024 / dim))
    if kind == "groups":
        groups = min(num_tasks, MOST_GROUPS)
        corners = np.eye(groups) - 1.0 / groups
        frame = np.linalg.qr(rng.standard_normal((dim, groups)))[0]
        corners = corners / np.linalg.norm(corners, axis=1, keepdims=True) @ frame.T
        member = np.arange(num_tasks) % groups
        draws = draws / np.float32(math.sqrt(dim)) + corners[member].astype(np.float32)
        tau = 0.5 / (groups - 1)
    falling = np.exp(-np.linspace(0.0, 1.0, steps + 1))[:, None]
    losses = falling * rng.uniform(0.5, 2.0, size=(1, num_tasks))
    rows = tuple(torch.from_numpy(step).to(device) for step in draws)
    return Workload(rows, losses, tau)


def run_plain(name: str, given: Workload) -> Callable[[], float]:
    """Return a run of a method that updates all tasks at each step.

    Parameters
    ----------
    name : str
        One of `METHODS`.
    given : Workload

    Returns
    -------
    callable
        Runs all steps; returns the sum of the updates' norms.
    """
    if name == "AdaTask":
        return lambda: _adatask(given)
    if name in GRAM_METHODS:
        return lambda: _gram_method(GRAM_METHODS[name](), given)
    return lambda: _loss_method(FAMO() if name == "FAMO" else GradNorm(), given)


def _gram_method(rule: Any, given: Workload) -> float:  # noqa: ANN401 - any registered combiner
    import torch

    rng, state = np.random.default_rng(0), rule.init(given.num_tasks)
    total = torch.zeros((), device=given.gradients[0].device)
    for rows in given.gradients:
        step = combine_gradients(rule, rows, state, rng=rng)
        state = step.state
        total = total + step.update.norm()
    return float(total)


def _loss_method(rule: Any, given: Workload) -> float:  # noqa: ANN401 - GradNorm or FAMO
    import torch

    state, total = rule.init(given.num_tasks), torch.zeros((), device=given.gradients[0].device)
    for t, rows in enumerate(given.gradients):
        norms = rows.norm(dim=1) if rule.needs_gradient_norms else None
        found = rule.combine(given.losses[t], state, gradient_norms=norms)
        state = found.state
        if rule.needs_losses_after:
            state = rule.observe(given.losses[t + 1], state)
        weights = torch.as_tensor(found.weights, dtype=rows.dtype, device=rows.device)
        total = total + (weights @ rows).norm()
    return float(total)


def _adatask(given: Workload) -> float:
    import torch

    from songoku_theory.combine import AdaTask

    rows = given.gradients[0]
    shared = torch.nn.Parameter(torch.zeros(given.dim, device=rows.device))
    optimizer = AdaTask([shared], given.num_tasks)
    total = torch.zeros((), device=rows.device)
    for rows in given.gradients:
        optimizer.step(rows)
        total = total + shared.detach().norm()
    return float(total)


def run_scheduled(
    name: str, given: Workload, refresh_period: int
) -> tuple[Callable[[], float], Callable[[], float]]:
    """Return a run of SON-GOKU, alone or with a method inside the class that runs.

    Parameters
    ----------
    name : str
        One of `SCHEDULED`.
    given : Workload
    refresh_period : int
        R, in steps.

    Returns
    -------
    run : callable
        Runs all steps; returns the sum of the updates' norms.
    running : callable
        The mean number of tasks that ran at a step, of the last run.
    """
    seen: list[int] = []

    def run() -> float:
        seen.clear()
        return _scheduled(name, given, refresh_period, seen)

    return run, lambda: float(np.mean(seen)) if seen else 0.0


def _scheduled(name: str, given: Workload, refresh_period: int, seen: list[int]) -> float:
    import torch

    from songoku_theory.combine import AdaTask
    from songoku_theory.scheduler import SchedulerConfig
    from songoku_theory.torch_scheduler import TaskScheduler

    count, device = given.num_tasks, given.gradients[0].device
    shared = torch.nn.Linear(given.dim, 1, bias=False, device=device)
    with torch.no_grad():
        shared.weight.zero_()
    heads = {f"task{k}": () for k in range(count)}
    config = SchedulerConfig(
        num_tasks=count, tau=given.tau, beta=BETA, refresh_period=refresh_period
    )
    losses: Iterator[Any] = iter(given.losses)
    weigh = None
    if name.endswith("PCGrad"):
        weigh = _pcgrad_weights()
    elif name.endswith("GradNorm"):
        weigh = _gradnorm_weights(count, losses)
    scheduler = TaskScheduler(
        torch.nn.ModuleList([shared]), heads=heads, config=config, combine=weigh
    )
    adatask = AdaTask([shared.weight], count) if name.endswith("AdaTask") else None
    index = {task: k for k, task in enumerate(heads)}
    total = torch.zeros((), device=device)
    for rows in given.gradients:
        active = scheduler.active()
        seen.append(len(active))
        scheduler.add_gradients({task: rows[index[task]] for task in active})
        if adatask is not None:
            adatask.step(rows, active=[index[task] for task in active])
            total = total + shared.weight.detach().norm()
        else:
            gradient = shared.weight.grad
            assert gradient is not None
            total = total + gradient.norm()
        scheduler.step()
    return float(total)


def _pcgrad_weights() -> Callable[[Tensor, tuple[int, ...]], Tensor]:
    rule, rng = PCGrad(), np.random.default_rng(0)

    def weights(products: Tensor, tasks: tuple[int, ...]) -> Tensor:
        found = rule.combine(products, rule.init(len(tasks)), rng=rng)
        return found.weights  # type: ignore[no-any-return]

    return weights


def _gradnorm_weights(
    count: int, losses: Iterator[Any]
) -> Callable[[Tensor, tuple[int, ...]], Tensor]:
    """GradNorm on the class that runs: norms are on the diagonal of its products."""
    rule = GradNorm()
    state = [rule.init(count)]

    def weights(products: Tensor, tasks: tuple[int, ...]) -> Tensor:
        norms = np.zeros(count)
        norms[list(tasks)] = np.sqrt(products.diagonal().cpu().numpy())
        found = rule.combine(next(losses), state[0], tasks, gradient_norms=norms)
        state[0] = found.state
        return products.new_tensor(np.asarray(found.weights)[list(tasks)])

    return weights
