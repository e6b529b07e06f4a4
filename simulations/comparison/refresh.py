"""One refresh from one point, for every order of the classes: the truth and every bound on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from simulations.objectives import MultiTaskObjective, total_loss
from songoku_theory.bounds.comparison import (
    aggregated_bound,
    condition_57,
    condition_59,
    corrected_drift_penalty,
    corrected_norms,
    drift_norms,
    drift_penalty,
    gap_bound,
    mean_hessian_product,
    order_criterion,
    random_order_criterion,
    scheduled_bound,
    start_bound,
    telescoped_bound,
)
from songoku_theory.errors import InvalidInputError

__all__ = ["MAX_CLASSES", "Refresh", "class_orders", "compare_refresh"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

MAX_CLASSES = 6
"""All 720 orders of six classes are still evaluated at once."""

ROUNDING = 1e-9
"""Differences below this, relative to eta sum ||G_r||^2, count as ties; those of the bounds are
1e-12 or smaller in double precision."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """One point x; arrays of shape (P,) have one entry an order of the classes.

    Attributes
    ----------
    scale : float
        ``eta sum ||G_r(x)||^2``, the unit in which gaps are compared.
    aggregated, aggregated_bound : float
        F(x_agg) and UB_agg, both less F(x).
    scheduled : ndarray, shape (P,)
        F(x_sch) less F(x).
    ends : ndarray, shape (P, d)
        x_sch.
    printed, telescoped, started : ndarray, shape (P,)
        UB_sch as eq. 49 prints it, as smoothness gives it, and with everything taken at x.
    promised, corrected : ndarray, shape (P,)
        Theorem 5's bound on UB_sch - UB_agg with eq. 56 for R_m, and with the corrected penalty.
    holds_57, holds_59 : ndarray of bool, shape (P,)
        Assumption 7, and it together with eq. 59 (R_m by eq. 56).
    holds_59_corrected : ndarray of bool, shape (P,)
        The same with the corrected penalty.
    grown, grown_corrected : ndarray of bool, shape (P,)
        Whether some ``||G_r(x_{r-1})||`` exceeds eq. 55, and its corrected form.
    criterion : ndarray, shape (P,)
        F(x_sch) - F(x_agg) to second order.
    mean_criterion : float
        The same over a uniformly random order.
    """

    scale: float
    aggregated: float
    aggregated_bound: float
    scheduled: Array
    ends: Array
    printed: Array
    telescoped: Array
    started: Array
    promised: Array
    corrected: Array
    holds_57: Flags
    holds_59: Flags
    holds_59_corrected: Flags
    grown: Flags
    grown_corrected: Flags
    criterion: Array
    mean_criterion: float


@cache
def class_orders(num_classes: int) -> NDArray[np.int64]:
    """Return every order of the classes, shape (m!, m), in lexicographic order.

    Raises
    ------
    InvalidInputError
        When there are more than `MAX_CLASSES`.

    Examples
    --------
    >>> class_orders(2).tolist()
    [[0, 1], [1, 0]]
    """
    if not 1 <= num_classes <= MAX_CLASSES:
        raise InvalidInputError(
            f"all orders are tried for 1 to {MAX_CLASSES} classes; found {num_classes}."
        )
    orders = np.array(list(permutations(range(num_classes))), dtype=np.int64)
    orders.setflags(write=False)
    return orders


class _Classes:
    """Class gradients of an objective."""

    def __init__(self, objective: MultiTaskObjective, classes: Sequence[Sequence[int]]) -> None:
        listed = sorted(task for tasks in classes for task in tasks)
        if listed != list(range(objective.num_tasks)):
            raise InvalidInputError(
                f"classes should hold each of the {objective.num_tasks} tasks once; found "
                f"{[list(tasks) for tasks in classes]}."
            )
        self.objective = objective
        self.masks = np.zeros((len(classes), objective.num_tasks))
        for row, tasks in zip(self.masks, classes, strict=True):
            row[list(tasks)] = 1.0
        self.smoothness = np.array([objective.group_smoothness(tasks) for tasks in classes])

    def __call__(self, points: Array) -> Array:
        """Class gradients, shape (..., m, d)."""
        return np.asarray(self.masks @ self.objective.gradients(points), dtype=np.float64)

    def hessian_vectors(self, point: Array, vectors: Array) -> Array:
        """``J_q v_p`` at (p, q)."""
        points = np.broadcast_to(point, vectors.shape)
        return np.asarray(self.masks @ self.objective.hessian_vectors(points, vectors))


def compare_refresh(
    objective: MultiTaskObjective,
    classes: Sequence[Sequence[int]],
    point: Array,
    eta: float,
    *,
    constant_hessian: bool = False,
    orders: NDArray[np.int64] | None = None,
) -> Refresh:
    """Run one refresh from a point in every order, and evaluate appendix C on it.

    Parameters
    ----------
    objective : MultiTaskObjective
    classes : sequence of sequences of int
        A partition of the tasks; at most `MAX_CLASSES` classes.
    point : ndarray, shape (d,)
    eta : float
        Step size > 0.
    constant_hessian : bool, default False
        Whether F is known to be quadratic: then the corrected drift penalty is smaller.
    orders : ndarray of int, shape (P, m), optional
        The orders to run; by default all (`class_orders`).

    Returns
    -------
    Refresh

    Raises
    ------
    InvalidInputError
        When the classes are no partition, or there are too many of them.

    Examples
    --------
    >>> import numpy as np
    >>> from simulations.objectives import QuadraticTasks
    >>> tasks = QuadraticTasks([[[1.0]], [[1.0]]], [[1.0], [-0.5]])
    >>> found = compare_refresh(tasks, [[0], [1]], np.zeros(1), eta=0.5)
    >>> found.aggregated, found.scheduled.tolist()
    (-0.0625, [0.0, -0.046875])
    """
    groups = _Classes(objective, classes)
    orders = class_orders(len(classes)) if orders is None else orders
    lip, lips = objective.constants.smoothness, groups.smoothness[orders]
    start = groups(point)
    gradient = start.sum(axis=0)
    after_start = groups(point - eta * start).sum(axis=-2)
    at_start = mean_hessian_product(np.broadcast_to(gradient, start.shape), after_start, eta)

    places = np.broadcast_to(point, (len(orders), point.size)).copy()
    rows = np.arange(len(orders))
    full, path, printed = [], [], []
    for r in range(orders.shape[1]):
        here = groups(places)
        step = here[rows, orders[:, r]]
        full.append(here.sum(axis=-2))
        path.append(step)
        probed = groups(point - eta * step).sum(axis=-2)
        printed.append(mean_hessian_product(np.broadcast_to(gradient, probed.shape), probed, eta))
        places = places - eta * step
    steps = np.stack(path, axis=1)

    value = float(total_loss(objective, point))
    ordered, products = start[orders], at_start[orders]
    penalty = drift_penalty(ordered, lips, eta, lip)
    third = 0.0 if constant_hessian else None
    better = corrected_drift_penalty(ordered, lips, eta, lip, third)
    jacobians = groups.hessian_vectors(point, start)
    sizes = np.linalg.norm(steps, axis=-1)
    ub_agg = aggregated_bound(0.0, gradient, eta, lip)
    return Refresh(
        scale=float(eta * (start**2).sum()),
        aggregated=float(total_loss(objective, point - eta * gradient)) - value,
        aggregated_bound=float(ub_agg),
        scheduled=total_loss(objective, places) - value,
        ends=places,
        printed=scheduled_bound(0.0, gradient, steps, np.stack(printed, axis=1), eta, lip),
        telescoped=telescoped_bound(0.0, np.stack(full, axis=1), steps, eta, lip),
        started=start_bound(0.0, gradient, ordered, products, eta, lip),
        promised=gap_bound(ordered, products, penalty, eta, lip),
        corrected=gap_bound(ordered, products, better, eta, lip),
        holds_57=condition_57(ordered, products),
        holds_59=condition_59(ordered, products, penalty, eta, lip),
        holds_59_corrected=condition_59(ordered, products, better, eta, lip),
        grown=_exceeds(sizes, drift_norms(ordered, lips, eta)),
        grown_corrected=_exceeds(sizes, corrected_norms(ordered, lips, eta)),
        criterion=order_criterion(gradient, jacobians[orders[:, :, None], orders[:, None, :]], eta),
        mean_criterion=float(random_order_criterion(gradient, jacobians, eta)),
    )


def _exceeds(sizes: Array, bounds: Array) -> Flags:
    return np.asarray((sizes > bounds * (1.0 + ROUNDING)).any(axis=-1), dtype=np.bool_)
