"""Checks on the quantities that every module takes: one place, one wording."""

from __future__ import annotations

import math
from fractions import Fraction
from numbers import Integral, Rational, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError

__all__ = [
    "check_beta",
    "check_gradient",
    "check_gradients",
    "check_norm_floor",
    "check_num_tasks",
    "check_period",
    "check_tau",
]


def _check_real(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real | Rational):
        raise InvalidInputError(f"{name} should be a number; found {value!r}.")
    if not math.isfinite(value):
        raise InvalidInputError(f"{name} should be finite; found {value!r}.")


def check_tau(tau: float | Fraction) -> None:
    """Check a conflict threshold: ``0 <= tau <= 1``.

    The paper writes ``tau in (0, 1)``; 0 is needed by its section I.2 and 1 by its warm-up
    (section 4.4.2), so both ends are valid.

    Raises
    ------
    InvalidInputError
        When `tau` is not a finite number in [0, 1].
    """
    _check_real("tau", tau)
    if not 0 <= tau <= 1:
        raise InvalidInputError(
            f"tau should lie in [0, 1] (an edge means cosine < -tau); found tau = {tau}. "
            f"Give a threshold on the *negative* cosine, e.g. tau = 0.2."
        )


def check_beta(beta: float | Fraction) -> None:
    """Check an EMA parameter: ``0 <= beta < 1`` (eq. 8).

    Raises
    ------
    InvalidInputError
        When `beta` is not a finite number in [0, 1).
    """
    _check_real("beta", beta)
    if not 0 <= beta < 1:
        raise InvalidInputError(
            f"beta should lie in [0, 1); found beta = {beta}. beta = 0 keeps only the latest "
            f"gradient; closer to 1 averages over more steps."
        )


def _check_count(name: str, value: object, meaning: str) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InvalidInputError(f"{name} should be a whole number ({meaning}); found {value!r}.")
    if int(value) < 1:
        raise InvalidInputError(f"{name} should be at least 1 ({meaning}); found {value}.")


def check_period(refresh_period: int, name: str = "refresh_period") -> None:
    """Check a refresh period or window R, in steps: a whole number >= 1.

    Raises
    ------
    InvalidInputError
        When it is not.
    """
    _check_count(name, refresh_period, "steps")


def check_num_tasks(num_tasks: int) -> None:
    """Check a number of tasks K: a whole number >= 1 (one task is a valid, trivial schedule).

    Raises
    ------
    InvalidInputError
        When it is not.
    """
    _check_count("num_tasks", num_tasks, "K; there is nothing to schedule without tasks")


def check_norm_floor(norm_floor: float) -> None:
    """Check nu of Assumption 4, the norm below which a task is left out: ``>= 0``.

    Raises
    ------
    InvalidInputError
        When it is not a finite number >= 0.
    """
    _check_real("norm_floor", norm_floor)
    if norm_floor < 0:
        raise InvalidInputError(f"norm_floor should be >= 0; found {norm_floor}.")


def check_gradient(
    gradient: ArrayLike, task: int, step: int | None = None, dim: int | None = None
) -> NDArray[np.floating]:
    """Check one task's gradient: a finite real vector, of length `dim` if that is given.

    Parameters
    ----------
    gradient : array_like, shape (d,)
    task : int
        Named in the error.
    step : int, optional
        Named in the error.
    dim : int, optional
        The length that it should have.

    Returns
    -------
    ndarray, shape (d,)
        Of float32 or float64 as given; anything else is converted to float64.

    Raises
    ------
    InvalidInputError
        When it is not a vector, has another length, or holds a NaN or an infinity.
    """
    where = f"the gradient of task {task}" + ("" if step is None else f" at step {step}")
    vector = _as_float(gradient, where)
    if vector.ndim != 1:
        raise InvalidInputError(f"{where} should be a vector (d,); found shape {vector.shape}.")
    if dim is not None and vector.shape[0] != dim:
        raise InvalidInputError(
            f"{where} has {vector.shape[0]} entries; the other gradients have {dim}. Pass the "
            f"gradients of the shared parameters only, in one fixed order."
        )
    bad = ~np.isfinite(vector)
    if bad.any():
        first = int(np.argmax(bad))
        raise InvalidInputError(
            f"{where} is not finite: {int(bad.sum())} of {vector.shape[0]} entries, the first at "
            f"index {first} ({vector[first]}). Skip this step or lower the learning rate; it was "
            f"not added to the average."
        )
    return vector


def check_gradients(gradients: ArrayLike, step: int | None = None) -> NDArray[np.floating]:
    """Check the gradients of all tasks: a finite real matrix with at least one row.

    Parameters
    ----------
    gradients : array_like, shape (K, d)
        Row k belongs to task k.
    step : int, optional
        Named in the error.

    Returns
    -------
    ndarray, shape (K, d)

    Raises
    ------
    InvalidInputError
        When it has another shape, or a row holds a NaN or an infinity (names the task).

    Examples
    --------
    >>> check_gradients([[1.0, float("nan")]], step=3)
    Traceback (most recent call last):
    ...
    songoku_theory.errors.InvalidInputError: the gradient of task 0 at step 3 is not finite: ...
    """
    where = "gradients" + ("" if step is None else f" at step {step}")
    matrix = _as_float(gradients, where)
    if matrix.ndim != 2 or matrix.shape[0] < 1 or matrix.shape[1] < 1:
        raise InvalidInputError(
            f"{where} should have shape (K, d) with K >= 1 tasks and d >= 1 shared parameters; "
            f"found shape {matrix.shape}."
        )
    if not np.isfinite(matrix).all():
        task = int(np.argmax(~np.isfinite(matrix).all(axis=1)))
        check_gradient(matrix[task], task, step)
    return matrix


def _as_float(values: ArrayLike, where: str) -> NDArray[np.floating]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InvalidInputError(
            f"{where} should be a rectangular array of numbers: {error}."
        ) from error
    if array.dtype == np.float32 or array.dtype == np.float64:
        return array
    if array.dtype.kind not in "iufb":
        raise InvalidInputError(
            f"{where} should be an array of real numbers; found dtype {array.dtype}."
        )
    return array.astype(np.float64)
