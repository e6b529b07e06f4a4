"""From Gram matrices to what the solvers work on: cosines and norms of the tasks that count.

Dividing by the norms first is what lets one tolerance serve gradients from 1e-12 to 1e12, and tasks
whose scales differ by many orders of magnitude from each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine.arrays import Namespace, is_tensor, namespace
from songoku_theory.combine.result import Active, Array
from songoku_theory.errors import InvalidInputError

__all__ = [
    "DOUBLE",
    "Precision",
    "Problem",
    "active_indices",
    "batch_problem",
    "one_problem",
    "part_of",
    "precision",
]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """N problems of K tasks each, in cosine form.

    Attributes
    ----------
    xp : Namespace
    cosines : array, shape (N, K, K)
        Ones on the diagonal; rows and columns of tasks that are not `kept` are those of the
        identity, so that they decouple in every solver.
    norms : array, shape (N, K)
        Gradient norms; 1 for tasks that are not kept.
    active : bool array, shape (N, K)
        Tasks that the caller asked for.
    kept : bool array, shape (N, K)
        Active tasks whose gradient is not zero.
    floor : float
        Squared relative size below which a combination of gradients counts as vanished: what the
        Gram matrix's own precision cannot tell from zero.
    """

    xp: Namespace
    cosines: Array
    norms: Array
    active: Array
    kept: Array
    floor: float


def active_indices(active: Active, num_tasks: int) -> NDArray[np.int64]:
    """Return the active tasks in increasing order.

    Parameters
    ----------
    active : sequence of int, or None
        None means all.
    num_tasks : int
        K.

    Raises
    ------
    InvalidInputError
        When it is empty, repeats a task, names one that does not exist, or holds something else
        than whole numbers.

    Examples
    --------
    >>> active_indices((2, 0), 3)
    array([0, 2])
    >>> active_indices((3,), 3)
    Traceback (most recent call last):
    ...
    songoku_theory.errors.InvalidInputError: active names task 3, but there are 3 tasks (0 to 2).
    """
    if active is None:
        return np.arange(num_tasks)
    if not isinstance(active, np.ndarray):
        active = list(active)
        plain = set(map(type, active)) <= {int}
        if not plain and any(isinstance(k, bool) or not isinstance(k, Integral) for k in active):
            raise InvalidInputError(
                f"active should hold task indices; found {active!r}. For a boolean mask, pass "
                f"numpy.flatnonzero(mask)."
            )
    given = np.asarray(active)
    if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "iu":
        raise InvalidInputError(
            f"active should be a non-empty sequence of task indices; found {active!r}. For a "
            f"boolean mask, pass numpy.flatnonzero(mask)."
        )
    tasks = np.sort(given.astype(np.int64, copy=False))
    for end in (int(tasks[0]), int(tasks[-1])):
        if not 0 <= end < num_tasks:
            raise InvalidInputError(
                f"active names task {end}, but there are {num_tasks} tasks (0 to {num_tasks - 1})."
            )
    if tasks.size > 1 and (tasks[1:] == tasks[:-1]).any():
        raise InvalidInputError(f"active should name each task once; found {active!r}.")
    return tasks


class Precision(NamedTuple):
    """What the type of the input can tell apart.

    Attributes
    ----------
    eps : float
        Relative spacing of numbers.
    tiny : float
        Smallest normal number; squared norms near it have lost their digits.
    """

    eps: float
    tiny: float

    @property
    def floor(self) -> float:
        """Squared relative size below which a combination of gradients counts as vanished.

        Inner products of long vectors are off by tens of eps; half-precision ones are at least
        rounded to a few.
        """
        return min(64.0 * self.eps, max(4.0 * self.eps, 1e-4))


DOUBLE = Precision(2.0**-52, float(np.finfo(np.float64).tiny))


def precision(values: Array) -> Precision:
    """Return the precision of an array's or tensor's type; whole numbers count as float64.

    Raises
    ------
    InvalidInputError
        When it does not hold real numbers.
    """
    if is_tensor(values):
        if not values.is_floating_point():
            return DOUBLE
        info = namespace(values).lib.finfo(values.dtype)
        return Precision(float(info.eps), float(info.tiny))
    dtype = np.asarray(values).dtype
    if dtype == np.float64:
        return DOUBLE
    if dtype.kind not in "iufb":
        raise InvalidInputError(f"a Gram matrix should hold real numbers; found dtype {dtype}.")
    if dtype.kind != "f":
        return DOUBLE
    return Precision(float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny))


def one_problem(gram: Array, active: Active) -> tuple[Problem, NDArray[np.int64]]:
    """Check one (K, K) Gram matrix and cut out its active tasks, on the host.

    Returns
    -------
    problem : Problem
        N = 1, over the active tasks only.
    tasks : ndarray of int
        Which they are.

    Raises
    ------
    InvalidInputError
        When the matrix is not square, or its active part is not finite, not symmetric, or no Gram
        matrix at all.
    """
    digits = precision(gram)
    matrix = np.asarray(namespace(gram).host(gram), dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] < 1:
        raise InvalidInputError(
            f"a Gram matrix should have shape (K, K) with K >= 1; found {matrix.shape}. For many "
            f"problems at once use combine_batch with shape (N, K, K)."
        )
    tasks = active_indices(active, matrix.shape[0])
    if tasks.size < matrix.shape[0]:
        matrix = matrix[tasks[:, None], tasks]
    everyone = np.ones((1, tasks.size), dtype=bool)
    return _normalised(Namespace(np), matrix[None], everyone, digits, tasks), tasks


def batch_problem(grams: Array, active: Array) -> Problem:
    """Check many Gram matrices at once, on the device that they are on.

    Parameters
    ----------
    grams : array or tensor, shape (N, K, K)
    active : None, sequence of int, or bool array of shape (N, K) or (K,)
        The same tasks for all problems, or a mask.

    Raises
    ------
    InvalidInputError
        As :func:`one_problem`; the message names the first problem that is wrong.
    """
    digits = precision(grams)
    xp = namespace(grams)
    matrices = xp.asarray(grams)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2] or matrices.shape[1] < 1:
        raise InvalidInputError(
            f"a batch of Gram matrices should have shape (N, K, K) with K >= 1; found "
            f"{tuple(matrices.shape)}."
        )
    count, size = int(matrices.shape[0]), int(matrices.shape[1])
    return _normalised(xp, matrices, _batch_mask(xp, active, count, size), digits, np.arange(size))


def part_of(problem: Problem, chosen: list[int]) -> Problem:
    """Return some of the problems."""
    return Problem(
        problem.xp,
        problem.cosines[chosen],
        problem.norms[chosen],
        problem.active[chosen],
        problem.kept[chosen],
        problem.floor,
    )


def _batch_mask(xp: Namespace, active: Array, count: int, size: int) -> Array:
    is_mask = (is_tensor(active) or isinstance(active, np.ndarray)) and "bool" in str(active.dtype)
    if not is_mask:
        same = np.zeros((count, size), dtype=bool)
        same[:, active_indices(active, size)] = True
        return xp.mask(same)
    mask: NDArray[np.bool_] = np.asarray(namespace(active).host(active))
    if mask.ndim == 1 and mask.size == size:
        mask = np.repeat(mask[None], count, axis=0)
    if mask.shape != (count, size) or not mask.any(axis=1).all():
        raise InvalidInputError(
            f"a mask of active tasks should have shape {(count, size)} with at least one active "
            f"task in each problem; found shape {mask.shape}."
        )
    return xp.mask(mask)


def _normalised(
    xp: Namespace, matrices: Array, active: Array, digits: Precision, tasks: NDArray[np.int64]
) -> Problem:
    lib = xp.lib
    eye = xp.eye(int(matrices.shape[1]))
    zero, one = xp.full((), 0.0), xp.full((), 1.0)
    pairs = active[:, :, None] & active[:, None, :]
    with np.errstate(all="ignore"):
        matrices = lib.where(pairs, matrices, zero)
        squares = lib.sum(matrices * eye, axis=-1)
        if not bool(lib.all(lib.isfinite(matrices))):
            _refuse_not_finite(xp, matrices, tasks)
        # Below this a squared norm has lost its digits: 1 / norm would amplify noise.
        kept = active & (squares > 4.0 * digits.tiny)
        norms = lib.sqrt(lib.where(kept, squares, one))
        cosines = matrices / norms[:, :, None] / norms[:, None, :]
        both = kept[:, :, None] & kept[:, None, :]
        mirrored = lib.swapaxes(cosines, 1, 2)
        wrong = lib.where(both, lib.abs(cosines - mirrored), zero) > max(1e-5, 16.0 * digits.eps)
        wrong = wrong | (
            lib.where(both, lib.abs(cosines), zero) > 1.0 + max(1e-6, 1024.0 * digits.eps)
        )
        # A task without a norm has no inner products either, up to what underflow leaves.
        largest = lib.amax(norms, axis=-1)[:, None, None]
        stray = lib.where(both, zero, lib.abs(matrices))
        wrong = wrong | (stray > 8.0 * digits.tiny**0.5 * largest) | (squares < 0)[:, :, None]
        if bool(lib.any(wrong)):
            _refuse_no_gram(xp, matrices, wrong, tasks)
        cosines = lib.where(both, lib.clip((cosines + mirrored) * 0.5, -1.0, 1.0), zero)
        cosines = cosines * (1.0 - eye) + eye
    return Problem(xp, cosines, norms, active, kept, digits.floor)


def _refuse_not_finite(xp: Namespace, matrices: Array, tasks: NDArray[np.int64]) -> None:
    host = xp.host(matrices)
    problem, row, column = (int(x) for x in np.argwhere(~np.isfinite(host))[0])
    i, j = int(tasks[row]), int(tasks[column])
    where = f" of problem {problem}" if host.shape[0] > 1 else ""
    raise InvalidInputError(
        f"the Gram matrix{where} is not finite at ({i}, {j}): {host[problem, row, column]}. Look "
        f"for a NaN or infinite gradient of task {i} or {j}, or inner products that overflow."
    )


def _refuse_no_gram(xp: Namespace, matrices: Array, wrong: Array, tasks: NDArray[np.int64]) -> None:
    problem, row, column = (int(x) for x in np.argwhere(xp.host(wrong))[0])
    i, j = int(tasks[row]), int(tasks[column])
    host = xp.host(matrices)[problem]
    where = f" of problem {problem}" if matrices.shape[0] > 1 else ""
    raise InvalidInputError(
        f"this is no Gram matrix{where}: for tasks {i} and {j} it has {host[row, column]:.6g} and "
        f"{host[column, row]:.6g} as inner products, with squared norms {host[row, row]:.6g} and "
        f"{host[column, column]:.6g}. It should be symmetric with "
        f"<g_i, g_j>^2 <= <g_i, g_i> <g_j, g_j>; compute it with songoku_theory.linalg.gram."
    )
