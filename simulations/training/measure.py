"""What the theory speaks of, measured on a real model at a refresh: means, noise, curvature, gain.

Everything is taken at one point: the parameters right after the refresh, heads held still. The
objective is F, the sum of the tasks' losses over all of their training examples; the population
gradients mu_k are its terms' gradients in the shared parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulations.training.gradients import task_gradient
from simulations.training.models.multitask import MultiTaskModel
from simulations.training.tasks import Task

__all__ = ["Measured", "measure"]

Array = NDArray[np.float64]

POWER_STEPS = 20
"""Steps of the power iteration for a largest curvature; what it gives is a lower bound."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Measurements at one point. K tasks in m classes, d shared parameters, step size eta.

    Attributes
    ----------
    means : ndarray, shape (K, d)
        mu_k.
    noise_total : ndarray, shape (K,)
        Mean squared distance of a sub-batch's gradient from mu_k: the trace of its covariance.
    noise_top : ndarray, shape (K,)
        Largest eigenvalue of the same sample covariance: the variance in the noisiest direction,
        a lower estimate of the proxy sigma^2 of Assumption 2.
    smoothness : float or None
        Largest curvature of F that the power iteration found: L is at least this, here. None, as
        the next four, where curvature can't be measured.
    class_smoothness : ndarray, shape (m,), or None
        The same of each class's own sum, for L_r of Assumption 6.
    cross : ndarray, shape (m, m), or None
        <H G_p, G_q> with the Hessian H of F here: I_pq of eq. 51 as eta -> 0.
    order_slope, phi_slope : float or None
        Sum over q of <H_q grad F, sum of G_p> over p < q, and over p != q, with H_q the Hessian of
        class q's own sum. To second order F(scheduled) - F(aggregated) is eta^2 times the first,
        and eta^2 / 2 times the second on average over the orders of the classes.
    objective, aggregated, scheduled : float
        F here, after one aggregated step (eq. 41) and after one step a class in turn (eq. 43).
    step_descent : ndarray, shape (m,)
        <grad F(x_{r-1}), G_r(x_{r-1})> along the scheduled path: what step r is bound to gain per
        eta, to first order.
    step_norm : ndarray, shape (m,)
        ||G_r(x_{r-1})||.
    rate : float or None
        eta, where it is not one number for the whole run.
    batches : int or None
        Batches of a view that F is the mean over; None where F is over all examples.
    mean_error : ndarray, shape (K,), or None
        Standard error of mu_k as the gradient over all training examples.
    noise_dot : ndarray, shape (K, K), or None
        Mean inner product of two tasks' noises on one batch; 0 for tasks that share none.
    """

    means: Array
    noise_total: Array
    noise_top: Array
    smoothness: float | None
    class_smoothness: Array | None
    cross: Array | None
    order_slope: float | None
    phi_slope: float | None
    objective: float
    aggregated: float
    scheduled: float
    step_descent: Array
    step_norm: Array
    rate: float | None = None
    batches: int | None = None
    mean_error: Array | None = None
    noise_dot: Array | None = None


def measure(
    model: MultiTaskModel,
    tasks: Sequence[Task],
    colors: Sequence[int],
    lr: float,
    batch_size: int,
    batches: int,
    generators: Sequence[torch.Generator],
) -> Measured:
    """Measure at the model's present parameters; the model is left as it was, bit for bit.

    Parameters
    ----------
    model : MultiTaskModel
    tasks : sequence of Task, length K
    colors : sequence of int, length K
        The class of each task, 0 .. m - 1; the classes take their turns in this order.
    lr : float
        eta.
    batch_size : int
    batches : int
        Sub-batches a task for its noise, >= 2.
    generators : sequence of torch.Generator, length K
        Draw these sub-batches.

    Returns
    -------
    Measured
    """
    classes = [[k for k, color in enumerate(colors) if color == r] for r in range(max(colors) + 1)]
    means = torch.stack([_flat(_gradient(model, tasks, [k])) for k in range(len(tasks))])
    groups = torch.stack([means[members].sum(dim=0) for members in classes])
    noise = [
        _noise(model, task, k, batch_size, batches, generators[k], means[k])
        for k, task in enumerate(tasks)
    ]
    everyone = list(range(len(tasks)))
    whole = _Curvature(model, tasks, everyone)
    cross = torch.stack([whole.times(group) for group in groups]) @ groups.T
    own = [_Curvature(model, tasks, members) for members in classes]
    total = groups.sum(dim=0)
    pulled = torch.stack([curvature.times(total) for curvature in own]) @ groups.T
    start = _objective(model, tasks)
    with _borrowed(model):
        _move(model, total, lr)
        aggregated = _objective(model, tasks)
    with _borrowed(model):
        descent, norms = [], []
        for members in classes:
            group = _flat(_gradient(model, tasks, members))
            descent.append(float(_flat(_gradient(model, tasks, everyone)) @ group))
            norms.append(float(group.norm()))
            _move(model, group, lr)
        scheduled = _objective(model, tasks)
    return Measured(
        means=_numpy(means),
        noise_total=np.array([total for total, _ in noise]),
        noise_top=np.array([top for _, top in noise]),
        smoothness=whole.largest(total),
        class_smoothness=np.array(
            [curvature.largest(group) for curvature, group in zip(own, groups, strict=True)]
        ),
        cross=_numpy(cross),
        order_slope=float(pulled.tril(-1).sum()),
        phi_slope=float(pulled.sum() - pulled.trace()),
        objective=start,
        aggregated=aggregated,
        scheduled=scheduled,
        step_descent=np.array(descent),
        step_norm=np.array(norms),
    )


def _loss(model: MultiTaskModel, tasks: Sequence[Task], members: Sequence[int]) -> Tensor:
    """Sum of some tasks' losses over all of their training examples."""
    terms = [tasks[k].loss(model(tasks[k].train.inputs, k), tasks[k].train.labels) for k in members]
    return torch.stack(terms).sum()


def _objective(model: MultiTaskModel, tasks: Sequence[Task]) -> float:
    with torch.no_grad():
        return float(_loss(model, tasks, range(len(tasks))).double())


def _gradient(
    model: MultiTaskModel, tasks: Sequence[Task], members: Sequence[int]
) -> tuple[Tensor, ...]:
    return torch.autograd.grad(_loss(model, tasks, members), model.shared_parameters())


def _flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.reshape(-1) for part in parts]).double()


def _numpy(tensor: Tensor) -> Array:
    return np.asarray(tensor.numpy(force=True), dtype=np.float64)


def _noise(
    model: MultiTaskModel,
    task: Task,
    index: int,
    batch_size: int,
    batches: int,
    generator: torch.Generator,
    mean: Tensor,
) -> tuple[float, float]:
    """Return trace and largest eigenvalue of the sub-batch gradients' covariance around `mean`."""
    drawn = torch.stack(
        [
            _flat(task_gradient(model, task, index, -1, batch_size, generator).shared)
            for _ in range(batches)
        ]
    )
    centred = drawn - mean
    gram = (centred @ centred.T) / batches
    return float(gram.trace()), float(torch.linalg.eigvalsh(gram)[-1])


class _Curvature:
    """Products with the Hessian of some tasks' sum, in the shared parameters."""

    def __init__(
        self, model: MultiTaskModel, tasks: Sequence[Task], members: Sequence[int]
    ) -> None:
        self._parameters = model.shared_parameters()
        self._gradient = torch.autograd.grad(
            _loss(model, tasks, members), self._parameters, create_graph=True
        )

    def times(self, vector: Tensor) -> Tensor:
        """Return H v, shape (d,)."""
        parts, start = [], 0
        for parameter in self._parameters:
            size = parameter.numel()
            parts.append(vector[start : start + size].view_as(parameter).to(parameter.dtype))
            start += size
        # A trunk that is linear in a parameter has no second derivative there.
        found = torch.autograd.grad(
            self._gradient,
            self._parameters,
            grad_outputs=parts,
            retain_graph=True,
            allow_unused=True,
        )
        return _flat(
            [
                torch.zeros_like(parameter) if part is None else part
                for part, parameter in zip(found, self._parameters, strict=True)
            ]
        )

    def largest(self, start: Tensor) -> float:
        """Return the largest curvature in absolute value that the power iteration reaches."""
        vector, found = start, 0.0
        for _ in range(POWER_STEPS):
            norm = float(vector.norm())
            if norm == 0.0:
                break
            vector = self.times(vector / norm)
            found = float(vector.norm())
        return found


def _move(model: MultiTaskModel, direction: Tensor, lr: float) -> None:
    start = 0
    with torch.no_grad():
        for parameter in model.shared_parameters():
            size = parameter.numel()
            part = direction[start : start + size].view_as(parameter).to(parameter.dtype)
            parameter.sub_(part, alpha=lr)
            start += size


@contextmanager
def _borrowed(model: MultiTaskModel) -> Iterator[None]:
    """Put the shared parameters back afterwards."""
    kept = [parameter.detach().clone() for parameter in model.shared_parameters()]
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(model.shared_parameters(), kept, strict=True):
                parameter.copy_(value)
