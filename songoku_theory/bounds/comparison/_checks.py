"""Checks that the comparison's functions share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.errors import InvalidInputError

__all__ = ["Array", "constants", "dot", "norms", "pairs_above", "step", "vectors"]

Array = NDArray[np.float64]


def vectors(name: str, values: ArrayLike, least_axes: int) -> Array:
    """Return finite floats with at least so many axes."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < least_axes or 0 in array.shape[array.ndim - least_axes :]:
        shape = "(..., d)" if least_axes == 1 else "(..., m, d)"
        raise InvalidInputError(f"{name} should have shape {shape}; found {array.shape}.")
    if not np.isfinite(array).all():
        raise InvalidInputError(f"{name} should be finite; found a NaN or an infinity.")
    return array


def step(eta: ArrayLike) -> Array:
    """Return step sizes: finite and > 0 (the paper asks for ``eta <= 1 / L`` besides)."""
    values = np.asarray(eta, dtype=np.float64)
    if not (np.isfinite(values) & (values > 0)).all():
        raise InvalidInputError(f"eta should be finite and > 0; found {eta!r}.")
    return values


def constants(name: str, values: ArrayLike) -> Array:
    """Return Lipschitz or PL constants: finite and >= 0."""
    array = np.asarray(values, dtype=np.float64)
    if not (np.isfinite(array) & (array >= 0)).all():
        raise InvalidInputError(f"{name} should be finite and >= 0; found {values!r}.")
    return array


def dot(left: Array, right: Array) -> Array:
    """Inner products along the last axis."""
    return np.asarray(np.einsum("...i,...i->...", left, right), dtype=np.float64)


def norms(values: Array) -> Array:
    """Euclidean norms along the last axis."""
    return np.asarray(np.linalg.norm(values, axis=-1), dtype=np.float64)


def pairs_above(matrices: Array) -> Array:
    """Sum of the entries ``p < q`` of a stack of matrices."""
    return np.asarray(np.triu(matrices, 1).sum(axis=(-2, -1)), dtype=np.float64)
