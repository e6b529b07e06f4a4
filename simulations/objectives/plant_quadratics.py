"""Quadratic tasks with chosen conflict and, apart from it, chosen coupling of their curvatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_whole
from simulations.generators.realise import random_frame, realise
from simulations.objectives.quadratic import QuadraticTasks
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["COUPLINGS", "Coupling", "plant_quadratics"]

Coupling = Literal[
    "shared", "commuting", "random", "aligned", "opposed", "against_schedule", "for_schedule"
]

COUPLINGS: tuple[str, ...] = get_args(Coupling)


def plant_quadratics(
    cosines: ArrayLike,
    spectrum: ArrayLike,
    coupling: Coupling,
    rng: np.random.Generator,
    *,
    norms: float | Sequence[float] = 1.0,
) -> QuadraticTasks:
    """Plant quadratics whose gradients **at the origin** have the wanted cosines and norms.

    Every Hessian has the same eigenvalues, so that L_k does not depend on the coupling; only their
    eigenvectors do. The gradients are drawn first and the centres follow from both, so conflict
    and curvature are set apart: for one state of `rng` the gradients at the origin are the same
    under every coupling.

    Parameters
    ----------
    cosines : array_like, shape (K, K)
        Wanted cosines between the tasks' gradients at the origin: ones on the diagonal, positive
        semidefinite of rank at most d.
    spectrum : array_like, shape (d,)
        Eigenvalues of each H_k, all > 0.
    coupling : str
        ``shared``: all H_k are equal. ``commuting``: common eigenvectors, eigenvalues shuffled.
        ``random``: independent uniform eigenvectors. ``aligned`` and ``opposed``: the largest and
        the smallest possible sum over p < q of <H g_p, g_q> (I_pq of eq. 51, which for quadratics
        does not depend on eta). ``against_schedule`` and ``for_schedule``: the largest and
        the smallest possible <grad F, grad Phi>, Phi = sum over p < q of <g_p, g_q>, the
        second-order term of F(scheduled) - F(aggregated) for one class a task. All four are exact
        extremes at the origin over every choice of eigenvectors.
    rng : numpy.random.Generator
    norms : float or sequence of float, default 1
        Lengths of the gradients at the origin, > 0.

    Returns
    -------
    QuadraticTasks

    Raises
    ------
    InvalidInputError
        When the cosines are not those of K vectors in R^d, or an eigenvalue is not positive.
    UnknownNameError
        When there is no such coupling.

    Source
    ------
    The four extremes maximise or minimise a sum of terms tr(H_k S_k) with S_k fixed by the
    gradients; von Neumann's trace inequality: pair the eigenvalues of H_k with those of S_k in
    equal (largest) or opposite (smallest) order.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tasks = plant_quadratics([[1.0, -0.5], [-0.5, 1.0]], [1.0, 2.0, 4.0], "random", rng)
    >>> gradients = tasks.gradients(np.zeros(3))
    >>> np.round(gradients @ gradients.T, 12).tolist()
    [[1.0, -0.5], [-0.5, 1.0]]
    >>> np.round(tasks.constants.task_smoothness, 12).tolist()
    [4.0, 4.0]
    """
    if coupling not in COUPLINGS:
        raise unknown_name("coupling of curvatures", coupling, COUPLINGS)
    eigenvalues = np.sort(np.asarray(spectrum, dtype=np.float64))
    if eigenvalues.ndim != 1 or not (np.isfinite(eigenvalues) & (eigenvalues > 0)).all():
        raise InvalidInputError(
            f"spectrum should hold d finite eigenvalues > 0; found {spectrum!r}."
        )
    check_whole("dim", eigenvalues.size)
    wanted, rank = _check_cosines(cosines)
    tasks = wanted.shape[0]
    lengths = np.broadcast_to(np.asarray(norms, dtype=np.float64), (tasks,))
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise InvalidInputError(f"norms should be finite and > 0; found {norms!r}.")
    gradients = realise(wanted, eigenvalues.size, lengths, rank, rng)
    hessians = _hessians(coupling, gradients, eigenvalues, rng)
    # f_k has the gradient -H_k c_k at the origin.
    centers = -np.linalg.solve(hessians, gradients[..., None])[..., 0]
    return QuadraticTasks(hessians, centers)


def _check_cosines(cosines: ArrayLike) -> tuple[NDArray[np.float64], int]:
    """Return the cosines and their rank."""
    wanted = np.asarray(cosines, dtype=np.float64)
    if wanted.ndim != 2 or wanted.shape[0] != wanted.shape[1] or wanted.shape[0] < 1:
        raise InvalidInputError(f"cosines should have shape (K, K); found {wanted.shape}.")
    if not np.allclose(wanted, wanted.T, rtol=0, atol=1e-12) or not np.allclose(
        np.diag(wanted), 1.0, rtol=0, atol=1e-12
    ):
        raise InvalidInputError("cosines should be symmetric with ones on the diagonal.")
    values = np.linalg.eigvalsh(wanted)
    if values[0] < -1e-9:
        raise InvalidInputError(
            f"no vectors have these cosines: their matrix has the eigenvalue {values[0]:.6g} < 0. "
            f"K tasks can all conflict by at most 1 / (K - 1)."
        )
    return wanted, int((values > 1e-9).sum())


def _hessians(
    coupling: Coupling,
    gradients: NDArray[np.float64],
    eigenvalues: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    tasks, dim = gradients.shape
    match coupling:
        case "shared":
            frames = np.broadcast_to(random_frame(rng, dim, dim), (tasks, dim, dim))
            values = np.broadcast_to(eigenvalues, (tasks, dim))
        case "commuting":
            frames = np.broadcast_to(random_frame(rng, dim, dim), (tasks, dim, dim))
            values = np.stack([rng.permutation(eigenvalues) for _ in range(tasks)])
        case "random":
            frames = np.stack([random_frame(rng, dim, dim) for _ in range(tasks)])
            values = np.broadcast_to(eigenvalues, (tasks, dim))
        case "aligned" | "opposed":
            forms = np.broadcast_to(_cross_form(gradients), (tasks, dim, dim))
            frames = np.linalg.eigh(forms)[1]
            values = eigenvalues if coupling == "aligned" else eigenvalues[::-1]
            values = np.broadcast_to(values, (tasks, dim))
        case "against_schedule" | "for_schedule":
            frames = np.linalg.eigh(_order_forms(gradients))[1]
            values = eigenvalues if coupling == "against_schedule" else eigenvalues[::-1]
            values = np.broadcast_to(values, (tasks, dim))
    matrices = (frames * values[:, None, :]) @ frames.transpose(0, 2, 1)
    return np.asarray((matrices + matrices.transpose(0, 2, 1)) / 2.0)


def _cross_form(gradients: NDArray[np.float64]) -> NDArray[np.float64]:
    """S with tr(H S) = sum over p < q of <H g_p, g_q>."""
    total = gradients.sum(axis=0)
    return np.asarray((np.outer(total, total) - gradients.T @ gradients) / 2.0)


def _order_forms(gradients: NDArray[np.float64]) -> NDArray[np.float64]:
    """S_k with sum of tr(H_k S_k) = <grad F, grad Phi>; grad Phi = sum of H_k (grad F - g_k)."""
    total = gradients.sum(axis=0)
    products = total[None, :, None] * (total - gradients)[:, None, :]
    return np.asarray((products + products.transpose(0, 2, 1)) / 2.0)
