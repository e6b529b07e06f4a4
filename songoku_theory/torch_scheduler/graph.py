"""The conflict graph of rows on a device: only K x K crosses to the host.

The rule is that of ``songoku_theory.conflict``: an edge where ``-cos > tau``, strictly. Pairs
within rounding of the threshold are decided again from their rows in float64, and those within
rounding even there exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from songoku_theory.conflict import ConflictGraph, exceeds_threshold
from songoku_theory.torch_scheduler.gram import gram64, row_products

__all__ = ["Measured", "measure_graph"]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A conflict graph and where it came from.

    Attributes
    ----------
    graph : ConflictGraph
    products : Tensor, shape (K, K)
        Inner products of the rows; float64, still on the device.
    rechecked : int
        Pairs that were decided again in float64.
    exact : int
        Pairs that were decided exactly.
    """

    graph: ConflictGraph
    products: Tensor
    rechecked: int
    exact: int


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
    measured = row_products(rows, where)
    factors = torch.as_tensor(scale, dtype=torch.float64, device=where)
    norms = measured.values.diagonal().clamp(min=0.0).sqrt()
    included = (norms > 0) & (norms * factors >= norm_floor) & (factors > 0)
    safe = torch.where(included, norms, torch.ones_like(norms))
    rho = -measured.values / safe[:, None] / safe[None, :]
    edge = rho > tau
    # `not (far)`, so that a NaN counts as close.
    close = ~((rho - tau).abs() > measured.rounding)
    extreme = measured.extreme & (factors > 0)
    close |= extreme[:, None] | extreme[None, :]
    close &= (factors[:, None] > 0) & (factors[None, :] > 0)
    kept = included | extreme
    edge &= kept[:, None] & kept[None, :]
    close &= kept[:, None] & kept[None, :]
    if tau >= 1.0:
        # No cosine is below -1.
        edge, close = torch.zeros_like(edge), torch.zeros_like(close)
    code = edge.to(torch.uint8) + 2 * close.to(torch.uint8)
    code.diagonal().copy_(included.to(torch.uint8) + 2 * extreme.to(torch.uint8))
    answers = code.cpu().numpy()  # the one transfer

    adjacency = (answers & 1).astype(np.bool_)
    undecided = (answers & 2).astype(np.bool_)
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
    pairs = np.argwhere(np.triu(undecided, 1))
    if pairs.size:
        rechecked = len(pairs)
        exact = _decide_again(rows, pairs, tau, adjacency, where)
    graph = ConflictGraph(adjacency | adjacency.T, decided, float(tau))
    return Measured(graph, products, rechecked, exact)


def _decide_again(
    rows: Tensor,
    pairs: NDArray[np.int64],
    tau: float,
    adjacency: NDArray[np.bool_],
    device: torch.device,
) -> int:
    """Decide pairs from their rows in float64, and exactly where that is not enough."""
    involved = np.unique(pairs)
    index = torch.as_tensor(involved, device=rows.device)
    dots = gram64(rows, index, device=device).cpu().numpy()
    sizes = gram64(rows, index, magnitudes=True, device=device).cpu().numpy()
    norms = np.sqrt(np.clip(np.diag(dots), 0.0, None))
    place = {int(k): i for i, k in enumerate(involved)}
    # Products of float32 numbers are exact in float64; the sums round, once a term.
    unit = (rows.shape[1] + 8.0) * 2.0**-53
    counted = 0
    for i, j in pairs.tolist():
        a, b = place[i], place[j]
        bound = tau * norms[a] * norms[b]
        excess = -dots[a, b] - bound
        slack = 2.0 * unit * (sizes[a, b] + 2.0 * bound)
        if abs(excess) > slack or slack == 0.0:
            verdict = bool(excess > 0)
        else:
            counted += 1
            verdict = exceeds_threshold(rows[i].numpy(force=True), rows[j].numpy(force=True), tau)
        adjacency[i, j] = adjacency[j, i] = verdict
    return counted
