"""From gradients to an update: the Gram matrix of the active tasks, a combiner, one product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory._numba import accelerated
from songoku_theory.combine.accelerate import fast_block, short_products
from songoku_theory.combine.arrays import is_tensor, namespace
from songoku_theory.combine.gram_space import StatelessGramRule
from songoku_theory.combine.linear import Mean, Sum
from songoku_theory.combine.problem import active_indices
from songoku_theory.combine.result import Active, Array, Combined, GramCombiner, Status
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_gradient

__all__ = ["Accumulate", "CombinedGradient", "combine_gradients"]

Accumulate = Literal["float64", "native"]
S = TypeVar("S")
_COLUMNS = 1 << 18
_FEW_ROWS = 128


@dataclass(frozen=True, slots=True, eq=False)
class CombinedGradient(Generic[S]):
    """An update and where it came from.

    Attributes
    ----------
    update : ndarray or tensor, shape (d,)
        ``sum_k weights[k] g_k`` over the active tasks, in the gradients' own type.
    combined : Combined
        Weights (K,), state, status and residual.
    """

    update: Array
    combined: Combined[S]

    @property
    def state(self) -> S:
        """To be passed in at the next step."""
        return self.combined.state


def combine_gradients(
    rule: GramCombiner[S],
    gradients: Mapping[int, ArrayLike] | Array,
    state: S,
    active: Active = None,
    *,
    num_tasks: int | None = None,
    rng: np.random.Generator | None = None,
    accumulate: Accumulate = "float64",
) -> CombinedGradient[S]:
    """Combine the active tasks' gradients into one update of the shared parameters.

    Parameters
    ----------
    rule : GramCombiner
    gradients : mapping from task to (d,) vector, or array or tensor of shape (K, d)
        Only the active tasks' gradients are read; a mapping need not have others.
    state : S
        Of the rule.
    active : sequence of int, optional
        By default the keys of the mapping, or all rows.
    num_tasks : int, optional
        K; needed with a mapping.
    rng : numpy.random.Generator, optional
        For randomised rules.
    accumulate : {"float64", "native"}
        Type in which inner products are added up. ``"native"`` keeps float32 gradients in float32:
        about twice as fast, with a Gram matrix good to seven digits.

    Returns
    -------
    CombinedGradient

    Raises
    ------
    InvalidInputError
        When a gradient is missing, not finite (names the task) or of another length.
    CombineError
        When the solve failed: there is no update to return, and the state did not move.

    Examples
    --------
    >>> rule = Mean()
    >>> combine_gradients(rule, {0: [1.0, 0.0], 2: [0.0, 3.0]}, rule.init(3), num_tasks=3).update
    array([0.5, 1.5])
    """
    if accumulate not in get_args(Accumulate):
        raise unknown_name("accumulate", str(accumulate), get_args(Accumulate))
    tasks, rows, size = _rows(gradients, active, num_tasks)
    plain: object = rule
    if isinstance(plain, Sum | Mean):
        return _added_up(isinstance(plain, Mean), rows, state, tasks, size)
    tensors = is_tensor(rows)
    if not accelerated() or (tensors and not _plain(rows)):
        return _combine_rows(rule, rows, state, tasks, size, rng, accumulate)
    # On the host numpy's calls cost a fraction of torch's, and this is a step of microseconds.
    host = rows.numpy() if tensors else rows
    quick = _quick(rule, host, state, tasks, size, rng) if accumulate == "float64" else None
    found = quick or _combine_rows(rule, host, state, tasks, size, rng, accumulate)
    if not tensors:
        return found
    lib = namespace(rows).lib
    combined = replace(found.combined, weights=lib.from_numpy(found.combined.weights))
    return CombinedGradient(lib.from_numpy(found.update), combined)


def _plain(rows: Array) -> bool:
    if rows.requires_grad or rows.device.type != "cpu":
        return False
    lib = namespace(rows).lib
    return rows.dtype is lib.float32 or rows.dtype is lib.float64


def _quick(
    rule: GramCombiner[S],
    rows: NDArray[np.floating],
    state: S,
    tasks: NDArray[np.int64],
    size: int,
    rng: np.random.Generator | None,
) -> CombinedGradient[S] | None:
    """Do as :func:`_combine_rows` does where compiled code has the answer; else None.

    A matrix of our own making needs fewer looks, and with few tasks they take longer than the work.
    """
    plain: object = rule
    if not isinstance(plain, StatelessGramRule) or rows.dtype != np.float32:
        return None
    if rows.shape[0] > _FEW_ROWS:
        return None
    fast = fast_block(short_products(rows))
    answer = None if fast is None else plain._solve_fast(fast, rng)
    if answer is None:
        return None
    found, residual, iterations = answer
    weights = found
    if tasks.size < size:
        weights = np.zeros(size)
        weights[tasks] = found
    update = found.astype(np.float32) @ rows
    weights = weights.astype(np.float64, copy=False)
    return CombinedGradient(
        update, Combined(weights, state, Status.CONVERGED, residual, iterations)
    )


def _combine_rows(
    rule: GramCombiner[S],
    rows: Array,
    state: S,
    tasks: NDArray[np.int64],
    size: int,
    rng: np.random.Generator | None,
    accumulate: Accumulate,
) -> CombinedGradient[S]:
    """Products, weights, update."""
    block = _gram(rows, accumulate)
    if not bool(namespace(block).lib.isfinite(block.sum())):
        _refuse(rows, tasks)
    gram = block if tasks.size == size else _spread(block, tasks, size)
    combined = rule.combine(gram, state, tasks, rng=rng).raise_if_failed()
    weights = combined.weights
    if is_tensor(rows):
        chosen = weights if tasks.size == size else weights[namespace(rows).indices(tasks)]
        update = chosen.to(rows.dtype) @ rows
    else:
        chosen = weights if tasks.size == size else weights[tasks]
        update = np.asarray(chosen, dtype=rows.dtype) @ rows
    return CombinedGradient(update, combined)


def _added_up(
    mean: bool, rows: Array, state: S, tasks: NDArray[np.int64], size: int
) -> CombinedGradient[S]:
    """Sum and mean need no inner products."""
    share = 1.0 / tasks.size if mean else 1.0
    update = rows.sum(0)
    if share != 1.0:
        update = update * share
    if not bool(namespace(update).lib.isfinite(update).all()):
        _refuse(rows, tasks)
    weights = np.zeros(size)
    weights[tasks] = share
    if is_tensor(rows):
        weights = namespace(rows).lib.as_tensor(weights, dtype=rows.dtype, device=rows.device)
    return CombinedGradient(update, Combined(weights, state, Status.CONVERGED, 0.0))


def _rows(
    gradients: Mapping[int, ArrayLike] | Array, active: Active, num_tasks: int | None
) -> tuple[NDArray[np.int64], Array, int]:
    """The active tasks, their gradients (m, d), and K."""
    if isinstance(gradients, Mapping):
        if num_tasks is None:
            raise InvalidInputError("a mapping of gradients does not say K; pass num_tasks.")
        tasks = active_indices(tuple(gradients) if active is None else active, num_tasks)
        missing = [int(k) for k in tasks if int(k) not in gradients]
        if missing:
            raise InvalidInputError(
                f"active names tasks {missing}, but gradients has only {sorted(gradients)}."
            )
        first = gradients[int(tasks[0])]
        if is_tensor(first):
            lib = namespace(first).lib
            return tasks, lib.stack([gradients[int(k)] for k in tasks]), num_tasks
        vectors: list[NDArray[np.floating]] = []
        for k in tasks:
            dim = vectors[0].shape[0] if vectors else None
            vectors.append(check_gradient(gradients[int(k)], int(k), None, dim))
        return tasks, np.stack(vectors), num_tasks
    matrix = gradients if is_tensor(gradients) else np.asarray(gradients)
    if not is_tensor(matrix) and matrix.dtype.kind != "f":
        matrix = matrix.astype(np.float64)
    if matrix.ndim != 2 or (num_tasks is not None and matrix.shape[0] != num_tasks):
        raise InvalidInputError(
            f"gradients should have shape (K, d){'' if num_tasks is None else f', K = {num_tasks}'}"
            f"; found {tuple(matrix.shape)}."
        )
    size = int(matrix.shape[0])
    tasks = active_indices(active, size)
    if tasks.size == size:
        return tasks, matrix, size
    index = namespace(matrix).indices(tasks) if is_tensor(matrix) else tasks
    return tasks, matrix[index], size


def _gram(rows: Array, accumulate: Accumulate) -> Array:
    """Inner products of the rows."""
    if is_tensor(rows):
        lib = namespace(rows).lib
        if accumulate == "native" or rows.dtype == lib.float64:
            return rows @ rows.T
        total = None
        for start in range(0, max(1, rows.shape[1]), _COLUMNS):
            part = rows[:, start : start + _COLUMNS].to(lib.float64)
            total = part @ part.T if total is None else total + part @ part.T
        return total
    with np.errstate(all="ignore"):
        if accumulate == "native" or rows.dtype == np.float64:
            return rows @ rows.T
        if rows.dtype == np.float32 and accelerated() and rows.shape[0] <= _FEW_ROWS:
            return short_products(rows)
        wide = rows.astype(np.float64)
        return wide @ wide.T


def _spread(block: Array, tasks: NDArray[np.int64], size: int) -> Array:
    """Put the active block into a (K, K) matrix; the rest is never read."""
    if is_tensor(block):
        lib = namespace(block).lib
        index = namespace(block).indices(tasks)
        gram = lib.zeros((size, size), dtype=block.dtype, device=block.device)
        gram[index[:, None], index] = block
        return gram
    gram = np.zeros((size, size), dtype=block.dtype)
    gram[tasks[:, None], tasks] = block
    return gram


def _refuse(rows: Array, tasks: NDArray[np.int64]) -> None:
    for row, task in zip(namespace(rows).host(rows), tasks, strict=True):
        check_gradient(row, int(task))
    raise InvalidInputError(
        "the inner products of the gradients overflow. Scale the gradients down, or use "
        "accumulate='float64'."
    )
