"""Inner products of K long rows on their device, with a bound on their rounding.

In float32 the products are added up in chunks of columns, and the chunks in float64. That costs
one pass over the rows, as a plain matrix product does, and the rounding depends on the chunk's
length instead of d. Of many rows only a triangle is computed, which halves the work.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg.blas import ssyrk
from torch import Tensor

from songoku_theory._numba import accelerated

__all__ = [
    "Products",
    "few_rows_on_host",
    "gram64",
    "lower_products",
    "many_rows_on_host",
    "mirrored_lower",
    "row_products",
    "single_rounding",
    "small_kernel",
    "smallest_square",
]

_CHUNK = 2048
_MANY_ROWS = 128
_ROW_BLOCKS = 8
_TILE = 64
_ADDED_UP = 16  # chunks that are added up in float32 before they go into float64
_BATCH_ELEMENTS = 1 << 24
_WORTH_COMPILED = 1 << 13  # below, importing numba would cost more than it saves
_SMALL = 1 << 18  # entries of all rows; above, BLAS's products are quicker


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Inner products, and how exact they are.

    Attributes
    ----------
    values : Tensor, shape (K, K)
        float64, symmetric, on the rows' device.
    rounding : float
        A cosine computed from them is at most this far from the exact one, for rows that are not
        `extreme`.
    extreme : Tensor of bool, shape (K,)
        Rows whose products may have under- or overflowed.
    """

    values: Tensor
    rounding: float
    extreme: Tensor


@cache
def small_kernel() -> Any:  # noqa: ANN401
    """Return ``songoku_theory.torch_scheduler.small_kernel``, importing numba with it."""
    return importlib.import_module("songoku_theory.torch_scheduler.small_kernel")


def few_rows_on_host(rows: Tensor, device: torch.device) -> bool:
    """Say whether these are few and short enough for calls to cost more than the work."""
    return (
        rows.dtype is torch.float32
        and device.type == "cpu"
        and rows.device.type == "cpu"
        and rows.shape[0] < _MANY_ROWS
        and _WORTH_COMPILED <= rows.numel() <= _SMALL
        and rows.is_contiguous()
    )


def row_products(rows: Tensor, device: torch.device | None = None) -> Products:
    """Return all inner products of the rows, at the speed of their own dtype.

    Parameters
    ----------
    rows : Tensor, shape (K, n)
        float32 or float64.
    device : torch.device, optional
        Where to compute, if the rows are kept elsewhere: chunks of columns are moved there.

    Returns
    -------
    Products
    """
    where = rows.device if device is None else device
    if rows.dtype == torch.float64:
        values = gram64(rows, device=where)
        squares = values.diagonal()
        extreme = ~torch.isfinite(squares)
        return Products(values, _bound(rows.shape[1], 2.0**-53), extreme)
    if few_rows_on_host(rows, where) and accelerated():
        return _small_products(rows)
    if rows.shape[0] < _MANY_ROWS:
        values = _batches(rows, _CHUNK, where)
    elif where.type == "cpu":
        values = mirrored_lower(lower_products(rows))
    else:
        values = _blocks(rows, _CHUNK, where)
    squares = values.diagonal()
    extreme = ~(torch.isfinite(squares) & (squares >= smallest_square(rows.shape[1])))
    return Products(values, single_rounding(rows.shape[1], where), extreme)


def single_rounding(length: int, device: torch.device) -> float:
    """Bound on the rounding of a cosine from rows of that length in float32."""
    return _bound(min(_CHUNK, length) + _ADDED_UP, 2.0**-24) + _reduced_precision(device)


def many_rows_on_host(rows: Tensor, device: torch.device) -> bool:
    """Say whether :func:`lower_products` is for these rows."""
    on_host = rows.device.type == device.type == "cpu"
    return on_host and rows.dtype is torch.float32 and rows.shape[0] >= _MANY_ROWS


def smallest_square(length: int) -> float:
    """Each product may lose up to 2**-126 to underflow: harmless next to a norm this large."""
    return length * 2.0**-126 * 2.0**24


def _small_products(rows: Tensor) -> Products:
    """As :func:`row_products`, with numpy's quicker calls."""
    kernels = importlib.import_module("songoku_theory._products")
    values = kernels.row_products32(rows.numpy())
    squares = values.diagonal()
    extreme = ~(np.isfinite(squares) & (squares >= smallest_square(rows.shape[1])))
    rounding = _bound(min(_CHUNK, rows.shape[1]) + _ADDED_UP, 2.0**-24)
    return Products(torch.from_numpy(values), rounding, torch.from_numpy(extreme))


def _bound(terms: int, unit: float) -> float:
    """Rounding of a cosine from sums of `terms` products: as in songoku_theory.conflict."""
    return min(2.0, (2.1 * terms + 16.0) * unit)


def _reduced_precision(device: torch.device) -> float:
    """What a matrix product may lose when float32 inputs are shortened to TF32 or bfloat16."""
    precision = torch.get_float32_matmul_precision()
    # Newer versions of torch have a setting of their own for each backend beside the common one.
    backend = torch.backends.cuda if device.type == "cuda" else torch.backends.mkldnn
    own = getattr(getattr(backend, "matmul", None), "fp32_precision", "none")
    shortened = {"highest": 0.0, "high": 2.0**-8, "medium": 2.0**-5}[precision]
    return max(shortened, {"tf32": 2.0**-8, "bf16": 2.0**-5}.get(own, 0.0))


def _batches(rows: Tensor, chunk: int, device: torch.device) -> Tensor:
    """Few rows: chunks as a batch of small products, without copying anything."""
    count, length = rows.shape
    total = torch.zeros((count, count), dtype=torch.float64, device=device)
    whole = length // chunk
    at_once = max(1, _BATCH_ELEMENTS // (count * count))
    for first in range(0, whole, at_once):
        last = min(whole, first + at_once)
        part = rows[:, first * chunk : last * chunk].to(device)
        batch = part.view(count, last - first, chunk).transpose(0, 1)
        total += torch.bmm(batch, batch.transpose(1, 2)).sum(dim=0, dtype=torch.float64)
    if whole * chunk < length:
        rest = rows[:, whole * chunk :].to(device)
        total += rest @ rest.T
    return (total + total.T) / 2.0


def lower_products(rows: Tensor) -> NDArray[np.floating]:
    """Return the lower triangle of the products of many rows on a CPU; the rest is not set.

    BLAS's symmetric rank-k update. All sums keep BLAS's order of entries; a change of order would
    cost as much as the work saved. In float32 while one sum of chunks is enough, else in float64.
    """
    array, chunk = rows.numpy(), _CHUNK
    shape = (array.shape[0], array.shape[0])
    total: NDArray[np.floating] | None = None
    for first in range(0, array.shape[1], chunk * _ADDED_UP):
        part = np.zeros(shape, dtype=np.float32, order="F")
        last = min(array.shape[1], first + chunk * _ADDED_UP)
        for start in range(first, last, chunk):
            columns = array[:, start : min(last, start + chunk)]
            part = ssyrk(1.0, columns.T, beta=1.0, c=part, trans=1, overwrite_c=1)
        if total is None:
            total = part if last == array.shape[1] else part.astype(np.float64)
        else:
            total += part
    assert total is not None
    return total.T  # in C order


def mirrored_lower(triangle: NDArray[np.floating]) -> Tensor:
    """Return the symmetric float64 matrix with this lower triangle."""
    lower, shape = triangle.astype(np.float64), triangle.shape
    for start in range(0, shape[0], _TILE):
        block = lower[start : start + _TILE, start : start + _TILE]
        block += np.tril(block, -1).T
        for top in range(start + _TILE, shape[0], _TILE):
            source = lower[top : top + _TILE, start : start + _TILE]
            lower[start : start + _TILE, top : top + _TILE] = source.T
    return torch.from_numpy(lower)


def _blocks(rows: Tensor, chunk: int, device: torch.device) -> Tensor:
    """Many rows elsewhere: the upper triangle in blocks of rows."""
    count, length = rows.shape
    total = torch.zeros((count, count), dtype=torch.float64, device=device)
    height = -(-count // _ROW_BLOCKS)
    for first in range(0, length, chunk * _ADDED_UP):
        part = torch.zeros((count, count), dtype=rows.dtype, device=device)
        last = min(length, first + chunk * _ADDED_UP)
        for start in range(first, last, chunk):
            columns = rows[:, start : min(last, start + chunk)].to(device)
            for top in range(0, count, height):
                block = part[top : top + height, top:]
                block.addmm_(columns[top : top + height], columns[top:].T)
        total += part
    return _mirrored(total)


def _mirrored(values: Tensor) -> Tensor:
    """Return the symmetric matrix with this upper triangle."""
    return torch.triu(values) + torch.triu(values, 1).T


def gram64(
    rows: Tensor,
    index: Tensor | None = None,
    magnitudes: bool = False,
    device: torch.device | None = None,
) -> Tensor:
    """Return inner products in float64, converting a chunk of columns at a time.

    Parameters
    ----------
    rows : Tensor, shape (K, n)
    index : Tensor of int, shape (m,), optional
        Of these rows only.
    magnitudes : bool, default False
        Of the absolute values instead.
    device : torch.device, optional
        Where to compute, if the rows are kept elsewhere.

    Returns
    -------
    Tensor, shape (K, K) or (m, m)
        float64, symmetric.
    """
    where = rows.device if device is None else device
    count = rows.shape[0] if index is None else index.numel()
    total = torch.zeros((count, count), dtype=torch.float64, device=where)
    chunk = max(1, (1 << 22) // max(1, count))
    for start in range(0, rows.shape[1], chunk):
        part = rows[:, start : start + chunk]
        wide = (part if index is None else part[index]).to(where).to(torch.float64)
        if magnitudes:
            wide = wide.abs()
        total += wide @ wide.T
    return (total + total.T) / 2.0
