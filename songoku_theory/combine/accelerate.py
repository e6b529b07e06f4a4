"""Compiled kernels for one problem at a time, when numba is installed.

Nothing depends on them: a kernel only ever answers when it converged on a clean problem, everything
else goes through the array code. ``songoku_theory._numba`` has the switch.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import accelerated, numba_installed
from songoku_theory.combine.arrays import namespace
from songoku_theory.combine.problem import (
    DOUBLE,
    Precision,
    Problem,
    active_indices,
    precision,
)
from songoku_theory.combine.result import Active, Array

__all__ = [
    "FastProblem",
    "compiled_kernels",
    "fast_block",
    "fast_problem",
    "fast_slice",
    "short_products",
]


@dataclass(frozen=True, slots=True, eq=False)
class FastProblem:
    """One problem without zero gradients, checked, over its active tasks.

    Attributes
    ----------
    kernels : module
        ``songoku_theory.combine.kernels``.
    cosines : ndarray, shape (m, m)
    norms : ndarray, shape (m,)
        All positive.
    tasks : ndarray of int, shape (m,)
    floor : float
        As in ``Problem``.
    """

    kernels: Any
    cosines: NDArray[np.float64]
    norms: NDArray[np.float64]
    tasks: NDArray[np.int64]
    floor: float


@cache
def compiled_kernels() -> Any:  # noqa: ANN401
    """Return the module of kernels, or False without numba."""
    return numba_installed() and importlib.import_module("songoku_theory.combine.kernels")


def fast_problem(gram: Array, active: Active) -> FastProblem | None:
    """Return the checked problem for the compiled kernels, or None to take the general way."""
    if not accelerated():
        return None
    digits: Precision = precision(gram)
    matrix = np.ascontiguousarray(namespace(gram).host(gram), dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] < 1:
        return None
    tasks = active_indices(active, matrix.shape[0])
    kernels = compiled_kernels()
    clean, cosines, norms = kernels.prepare(matrix, tasks, digits.eps, digits.tiny)
    if not clean:
        return None
    return FastProblem(kernels, cosines, norms, tasks, digits.floor)


@cache
def _first(count: int) -> NDArray[np.int64]:
    tasks = np.arange(count)
    tasks.setflags(write=False)
    return tasks


def fast_block(block: NDArray[np.float64]) -> FastProblem | None:
    """Return the checked problem over all tasks of a float64 Gram matrix of our own making."""
    kernels = compiled_kernels()
    tasks = _first(block.shape[0])
    clean, cosines, norms = kernels.prepare(block, tasks, DOUBLE.eps, DOUBLE.tiny)
    return FastProblem(kernels, cosines, norms, tasks, DOUBLE.floor) if clean else None


def fast_slice(problem: Problem, index: int) -> FastProblem | None:
    """Return one problem of a checked batch, or None when it has zero gradients."""
    if (problem.active[index] != problem.kept[index]).any():
        return None
    tasks = np.flatnonzero(problem.active[index])
    cosines, norms = problem.cosines[index], problem.norms[index]
    if tasks.size < norms.size:
        cosines, norms = cosines[tasks[:, None], tasks], norms[tasks]
    return FastProblem(compiled_kernels(), cosines, norms, tasks, problem.floor)


def short_products(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the inner products of a few rows (K, d) in float64; only with numba."""
    found: NDArray[np.float64] = _products().inner_products(np.ascontiguousarray(rows))
    return found


@cache
def _products() -> Any:  # noqa: ANN401
    return importlib.import_module("songoku_theory._products")
