"""The conflict graph of rows on a device: only K x K crosses to the host.

The rule is that of ``songoku_theory.conflict``: an edge where ``-cos > tau``, strictly. Pairs
within rounding of the threshold are decided again from their rows in float64, and those within
rounding even there exactly.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from songoku_theory._numba import accelerated
from songoku_theory.conflict import ConflictGraph, exceeds_threshold
from songoku_theory.torch_scheduler.gram import (
    Products,
    few_rows_on_host,
    gram64,
    lower_products,
    many_rows_on_host,
    mirrored_lower,
    row_products,
    single_rounding,
    small_kernel,
    smallest_square,
)

__all__ = ["Measured", "measure_graph"]

_PAIR_COST = 16  # a pair alone costs this many times its share of a whole matrix product
_AT_ONCE = 1 << 18
_WORTH_COMPILED = 1 << 14  # products; below, importing numba would cost more than it saves


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A conflict graph and where it came from.

    Attributes
    ----------
    graph : ConflictGraph
    found : Tensor, shape (K, K), or ndarray
        Inner products of the rows on the device, or the lower triangle of them.
    rechecked : int
        Pairs that were decided again in float64.
    exact : int
        Pairs that were decided exactly.
    """

    graph: ConflictGraph
    found: Tensor | NDArray[np.floating]
    rechecked: int
    exact: int

    @property
    def products(self) -> Tensor:
        """Inner products of the rows, shape (K, K): float64, still on the device."""
        return self.found if isinstance(self.found, Tensor) else mirrored_lower(self.found)


def measure_graph(
    rows: Tensor,
    tau: float,
    norm_floor: float,
    scale: NDArray[np.float64],
    device: torch.device | None = None,
) -> Measured:
    """Build the conflict graph of the rows.

    Parameters
    ----------
    rows : Tensor, shape (K, n)
        Averages (or sketches of them) up to a positive factor each.
    tau : float
        In [0, 1].
    norm_floor : float
        Applies to the norms times `scale`.
    scale : ndarray, shape (K,)
        The factors; 0 for a row that has no gradient yet, which is left out.
    device : torch.device, optional
        Where to compute, if the rows are kept elsewhere.

    Returns
    -------
    Measured
    """
    where = rows.device if device is None else device
    if where.type == "mps":  # no float64 there
        rows, where = rows.cpu(), torch.device("cpu")
    if many_rows_on_host(rows, where) and accelerated():
        many = _measure_triangle(rows, tau, norm_floor, scale)
        if many is not None:
            return many
    measured = row_products(rows, where)
    codes = _codes_compiled if _is_small(rows, where) else _codes
    answers = codes(measured, tau, norm_floor, scale)

    adjacency = (answers & 1).view(np.bool_)
    if not (answers & 2).any():
        included = adjacency.diagonal().copy()
        np.fill_diagonal(adjacency, False)
        return Measured(ConflictGraph(adjacency, included, float(tau)), measured.values, 0, 0)
    undecided = (answers & 2) != 0
    decided = np.diag(adjacency).copy()
    np.fill_diagonal(adjacency, False)
    unsure = np.diag(undecided).copy()
    np.fill_diagonal(undecided, False)
    products, rechecked, exact = measured.values, 0, 0
    if unsure.any():
        products = gram64(rows, device=where)
        sizes = products.diagonal().clamp(min=0.0).sqrt().cpu().numpy()
        decided[unsure] = (sizes > 0)[unsure] & (sizes * scale >= norm_floor)[unsure]
    undecided &= decided[:, None] & decided[None, :]
    adjacency &= decided[:, None] & decided[None, :]
    # Of many tasks this costs a tenth of argwhere(triu(...)).
    pairs = np.stack(np.divmod(np.flatnonzero(undecided), undecided.shape[0]), axis=1)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    if pairs.size:
        rechecked = len(pairs)
        exact = _decide_again(rows, pairs, tau, adjacency, where)
    # Symmetric: only pairs within rounding, which were decided together, could differ.
    graph = ConflictGraph(adjacency, decided, float(tau))
    return Measured(graph, products, rechecked, exact)


def _measure_triangle(
    rows: Tensor, tau: float, norm_floor: float, scale: NDArray[np.float64]
) -> Measured | None:
    """Many tasks on a CPU: one compiled look at a triangle; None where a row is extreme."""
    lower = lower_products(rows)
    length = rows.shape[1]
    fine, adjacency, included, pairs = small_kernel().triangle_graph(
        lower,
        float(tau),
        float(norm_floor),
        np.ascontiguousarray(scale, dtype=np.float64),
        single_rounding(length, rows.device),
        smallest_square(length),
    )
    if not fine:
        return None
    exact = _decide_again(rows, pairs, tau, adjacency, rows.device) if len(pairs) else 0
    return Measured(ConflictGraph(adjacency, included, float(tau)), lower, len(pairs), exact)


def _is_small(rows: Tensor, device: torch.device) -> bool:
    """Is this the few tasks on a CPU for which there is compiled code?"""
    return few_rows_on_host(rows, device) and accelerated()


def _codes_compiled(
    measured: Products, tau: float, norm_floor: float, scale: NDArray[np.float64]
) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = small_kernel().conflict_codes(
        measured.values.numpy(),
        float(tau),
        float(norm_floor),
        np.ascontiguousarray(scale, dtype=np.float64),
        measured.rounding,
        measured.extreme.numpy(),
    )
    return found


def _codes(
    measured: Products, tau: float, norm_floor: float, scale: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """1 for an edge, 2 for a pair to decide again; on the diagonal for tasks with a direction."""
    where = measured.values.device
    factors = torch.as_tensor(scale, dtype=torch.float64, device=where)
    norms = measured.values.diagonal().clamp(min=0.0).sqrt()
    included = (norms > 0) & (norms * factors >= norm_floor) & (factors > 0)
    safe = torch.where(included, norms, torch.ones_like(norms))
    # In place from here: for many tasks these passes over K x K cost as much as they touch.
    rho = measured.values / -safe[:, None]
    rho /= safe[None, :]
    edge = rho > tau
    # `not (far)`, so that a NaN counts as close.
    close = ~(rho.sub_(tau).abs_() > measured.rounding)
    extreme = measured.extreme & (factors > 0)
    close |= extreme[:, None]
    close |= extreme[None, :]
    kept = included | extreme
    edge &= kept[:, None]
    edge &= kept[None, :]
    close &= kept[:, None]
    close &= kept[None, :]
    if tau >= 1.0:
        # No cosine is below -1.
        edge, close = torch.zeros_like(edge), torch.zeros_like(close)
    code = edge.to(torch.uint8).add_(close, alpha=2)
    code.diagonal().copy_(included.to(torch.uint8) + 2 * extreme.to(torch.uint8))
    answers: NDArray[np.uint8] = code.cpu().numpy()  # the one transfer
    return answers


def _decide_again(
    rows: Tensor,
    pairs: NDArray[np.int64],
    tau: float,
    adjacency: NDArray[np.bool_],
    device: torch.device,
) -> int:
    """Decide pairs from their rows in float64, and exactly where that is not enough."""
    on_host = rows.device.type == device.type == "cpu"
    if on_host and len(pairs) * rows.shape[1] >= _WORTH_COMPILED and accelerated():
        kernel = importlib.import_module("songoku_theory.torch_scheduler.pair_kernel")
        dots, sizes, norms = kernel.pair_products(rows.numpy(), pairs)
    else:
        dots, sizes, norms = (t.cpu().numpy() for t in _pair_products(rows, pairs, device))
    bounds = tau * norms[:, 0] * norms[:, 1]
    excess = -dots - bounds
    # Products of float32 numbers are exact in float64; the sums round, once a term.
    slack = 2.0 * (rows.shape[1] + 8.0) * 2.0**-53 * (sizes + 2.0 * bounds)
    verdicts = excess > 0
    # Without any overlap of the two rows the sums are exactly zero, and so is the slack.
    unsure = ~((np.abs(excess) > slack) | (slack == 0.0))
    for position in np.flatnonzero(unsure):
        i, j = pairs[position]
        verdicts[position] = exceeds_threshold(
            rows[i].numpy(force=True), rows[j].numpy(force=True), tau
        )
    adjacency[pairs[:, 0], pairs[:, 1]] = verdicts
    adjacency[pairs[:, 1], pairs[:, 0]] = verdicts
    return int(unsure.sum())


def _pair_products(
    rows: Tensor, pairs: NDArray[np.int64], device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Inner products, those of the absolute values (P,), and both norms (P, 2), in float64."""
    involved, place = np.unique(pairs, return_inverse=True)
    place = place.reshape(pairs.shape)
    index = torch.as_tensor(involved, device=rows.device)
    first = torch.as_tensor(place[:, 0], device=device)
    second = torch.as_tensor(place[:, 1], device=device)
    if len(pairs) * _PAIR_COST > len(involved) ** 2:
        dots = gram64(rows, index, device=device)
        sizes = gram64(rows, index, magnitudes=True, device=device)
        norms = dots.diagonal().clamp(min=0.0).sqrt()
        return dots[first, second], sizes[first, second], _both(norms, first, second)
    dots = torch.zeros(len(pairs), dtype=torch.float64, device=device)
    sizes, squares = torch.zeros_like(dots), dots.new_zeros(len(involved))
    chunk = max(1, _AT_ONCE // max(len(pairs), len(involved)))
    for start in range(0, rows.shape[1], chunk):
        part = rows[:, start : start + chunk][index].to(device).to(torch.float64)
        squares += part.square().sum(dim=1)
        products = part[first] * part[second]
        dots += products.sum(dim=1)
        sizes += products.abs_().sum(dim=1)
    return dots, sizes, _both(squares.sqrt(), first, second)


def _both(norms: Tensor, first: Tensor, second: Tensor) -> Tensor:
    return torch.stack([norms[first], norms[second]], dim=1)
