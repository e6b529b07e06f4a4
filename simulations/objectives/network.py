"""A wide two-layer network with a shared layer: PL near its start, by its tangent kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.generators.checks import check_whole
from simulations.objectives.base import Ball, Constants, as_points
from simulations.objectives.certificates import extreme_eigenvalues
from songoku_theory.errors import InvalidInputError

__all__ = ["NetworkTasks", "plant_network"]

_BEND = 4.0 / (3.0 * math.sqrt(3.0))
"""max |tanh''|, at tanh(z)^2 = 1/3; max |tanh'| is 1."""


@dataclass(frozen=True, eq=False)
class NetworkTasks:
    """Squared errors of K heads on one hidden tanh layer, as functions of that layer's weights W.

    ``f_k(W) = 1/2 sum_i (sum_j a_kj tanh(<w_j, z_i>) / sqrt(M) - y_ki)^2``, d = M p.

    Parameters
    ----------
    inputs : array_like, shape (n, p)
        z_i.
    targets : array_like, shape (K, n)
        y_ki.
    heads : array_like, shape (K, M)
        a_kj, fixed.
    start : array_like, shape (M p,)
        W_0, row after row: the centre of the ball that the constants hold on.

    Raises
    ------
    InvalidInputError
        When shapes differ, or no ball has a certificate (give a larger width M).

    Source
    ------
    Liu, Zhu and Belkin (2022), with every constant explicit. Let J be the Jacobian of all K n
    outputs, r the residuals, so F = |r|^2 / 2, grad F = J' r. With A = max_j |a_.j| / sqrt(M),
    A1 = max |a_kj| / sqrt(M), |z| the largest |z_i| and |Z| the norm of the matrix of inputs:

    1. ``|J(W) - J(V)| <= c |W - V|`` with ``c = A max|tanh''| |z| |Z|``: the squared Frobenius
       norm of the difference is the sum over k, i, j of
       ``a_kj^2 / M (tanh'(<w_j, z_i>) - tanh'(<v_j, z_i>))^2 |z_i|^2``, at most
       ``A^2 max|tanh''|^2 |z|^2`` times the sum over j, i of ``<w_j - v_j, z_i>^2``.
    2. On the ball of radius rho: ``sigma_min(J) >= sigma_min(J_0) - c rho =: s``. If s > 0 then
       ``|grad F|^2 / 2 >= s^2 F``: mu = s^2, for F* = 0.
    3. F* = 0 is attained in the ball if ``rho >= sqrt(2 F(W_0)) / s``: along the gradient flow
       ``d sqrt(2F) / dt <= -s |grad F|``, so its path is no longer than that.
    4. ``|Hessian F| <= (|J_0| + c rho)^2 + A1 max|tanh''| sum_ki |r_ki| |z_i|^2 =: L``, and
       ``|r| <= |r_0| + (|J_0| + c rho) rho``.

    Certified in floats: extreme eigenvalues of J_0 J_0' are rounded to the safe side; what the
    rounding of J_0 itself (relative 1e-15) may change is taken off as 1e-9 of it.
    """

    inputs: NDArray[np.float64]
    targets: NDArray[np.float64]
    heads: NDArray[np.float64]
    start: NDArray[np.float64]
    constants: Constants

    def __init__(
        self, inputs: ArrayLike, targets: ArrayLike, heads: ArrayLike, start: ArrayLike
    ) -> None:
        shown = np.array(inputs, dtype=np.float64)
        wanted = np.array(targets, dtype=np.float64)
        out = np.array(heads, dtype=np.float64)
        first = np.array(start, dtype=np.float64)
        if (
            shown.ndim != 2
            or out.ndim != 2
            or wanted.shape != (out.shape[0], shown.shape[0])
            or first.shape != (out.shape[1] * shown.shape[1],)
            or first.size * wanted.size == 0
        ):
            raise InvalidInputError(
                "inputs (n, p), targets (K, n), heads (K, M), start (M p,) do not fit; found "
                f"{shown.shape}, {wanted.shape}, {out.shape}, {first.shape}."
            )
        for name, array in (
            ("inputs", shown),
            ("targets", wanted),
            ("heads", out),
            ("start", first),
        ):
            if not np.isfinite(array).all():
                raise InvalidInputError(f"{name} should be finite.")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "constants", self._certify())

    @property
    def num_tasks(self) -> int:
        """K."""
        return int(self.heads.shape[0])

    @property
    def dim(self) -> int:
        """d = M p."""
        return int(self.start.shape[0])

    @property
    def width(self) -> int:
        """M, hidden units."""
        return int(self.heads.shape[1])

    @cached_property
    def _scaled(self) -> NDArray[np.float64]:
        return np.asarray(self.heads / math.sqrt(self.width))

    def jacobian(self, x: ArrayLike) -> NDArray[np.float64]:
        """Jacobian of the K n outputs at one point, shape (K n, d)."""
        bends = 1.0 - np.tanh(self._hidden(as_points(x, self.dim))) ** 2  # (n, M)
        full = self._scaled[:, None, :, None] * bends[None, :, :, None]
        return np.asarray((full * self.inputs[None, :, None, :]).reshape(-1, self.dim))

    def _hidden(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        layers = points.reshape(*points.shape[:-1], self.width, self.inputs.shape[1])
        return np.asarray(self.inputs @ np.swapaxes(layers, -1, -2))

    def _residuals(self, active: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outputs minus targets, (..., K, n), from the hidden activations (..., n, M)."""
        return np.asarray(np.swapaxes(active @ self._scaled.T, -1, -2) - self.targets)

    def losses(self, x: ArrayLike) -> NDArray[np.float64]:
        """f_k at points of shape (..., d): shape (..., K)."""
        active = np.tanh(self._hidden(as_points(x, self.dim)))
        return np.asarray(0.5 * (self._residuals(active) ** 2).sum(axis=-1))

    def _pulled(
        self, errors: NDArray[np.float64], factors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Sum over i of errors_ki a_kj factors_ij z_i: shape (..., K, d)."""
        weights = errors[..., None] * self._scaled[:, None, :] * factors[..., None, :, :]
        found = np.swapaxes(weights, -1, -2) @ self.inputs
        return np.asarray(found.reshape(*found.shape[:-2], self.dim))

    def gradients(self, x: ArrayLike) -> NDArray[np.float64]:
        """Gradients at points of shape (..., d): shape (..., K, d)."""
        active = np.tanh(self._hidden(as_points(x, self.dim)))
        return self._pulled(self._residuals(active), 1.0 - active**2)

    def hessian_vectors(self, x: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """Hessians times v, both of shape (..., d): shape (..., K, d)."""
        active = np.tanh(self._hidden(as_points(x, self.dim)))
        moved = self._hidden(as_points(v, self.dim))
        slopes = 1.0 - active**2
        outputs = np.swapaxes((slopes * moved) @ self._scaled.T, -1, -2)
        curved = -2.0 * active * slopes * moved
        return self._pulled(outputs, slopes) + self._pulled(self._residuals(active), curved)

    def _certify(self) -> Constants:
        jacobian = self.jacobian(self.start)
        low, high = extreme_eigenvalues(jacobian @ jacobian.T)
        least = math.sqrt(max(low, 0.0)) * (1.0 - 1e-9)
        most = math.sqrt(high) * (1.0 + 1e-9)
        longest = float(np.linalg.norm(self.inputs, axis=1).max())
        spread = longest * float(np.linalg.norm(self.inputs, ord=2)) * (1.0 + 1e-9)
        drift = _BEND * spread * float(np.linalg.norm(self._scaled, axis=0).max())
        losses = self.losses(self.start)
        away = math.sqrt(2.0 * float(losses.sum()))  # |r_0|
        radius = self._radius(least, drift, away)
        smallest, largest = least - drift * radius, most + drift * radius

        def smoothness(residual: float, count: int, head: float) -> float:
            """Step 4; sum of |r_ki| <= sqrt(count) |r|."""
            bent = head * _BEND * longest**2 * math.sqrt(count)
            return largest**2 + bent * (residual + largest * radius)

        samples = self.inputs.shape[0]
        return Constants(
            smoothness=smoothness(
                away, self.num_tasks * samples, float(np.abs(self._scaled).max())
            ),
            task_smoothness=np.array(
                [
                    smoothness(math.sqrt(2.0 * loss), samples, float(np.abs(head).max()))
                    for loss, head in zip(losses, self._scaled, strict=True)
                ]
            ),
            optimum=0.0,
            pl=smallest**2,
            region=Ball(self.start, radius),
            certified=(
                f"on the ball of radius {radius:.4g} around the start: least singular value of the "
                f"Jacobian {least:.4g} there, Lipschitz constant of the Jacobian {drift:.4g}; "
                f"F* = 0 is attained in the ball"
            ),
        )

    def _radius(self, least: float, drift: float, away: float) -> float:
        """The least rho with (least - drift rho) rho >= |r_0|: steps 2 and 3."""
        room = least**2 - 4.0 * drift * away
        if room <= 0:
            raise InvalidInputError(
                f"no ball around the start has a certificate: sigma_min(J_0)^2 = {least**2:.3g} "
                f"should exceed 4 c |r_0| = {4 * drift * away:.3g}. Give a larger width "
                f"(c shrinks as 1 / sqrt(M); now {self.width}), or targets nearer to the outputs."
            )
        # The smaller root, written without cancellation, and a little room for rounding.
        return 2.0 * away / (least + math.sqrt(room)) * (1.0 + 1e-9)

    def group_smoothness(self, tasks: Sequence[int]) -> float:
        """L_r of Assumption 6, on the ball: the sum of these tasks' L_k, and at most L.

        L bounds every group's Hessian too: step 4 with the terms of the other tasks left out.
        """
        total = float(self.constants.task_smoothness[list(tasks)].sum())
        return min(total, self.constants.smoothness)


def plant_network(
    num_tasks: int,
    samples: int,
    inputs: int,
    width: int,
    rng: np.random.Generator,
    *,
    distance: float = 0.1,
) -> NetworkTasks:
    """Plant a network of random signs on the sphere, with targets near its first outputs.

    Parameters
    ----------
    num_tasks, samples, inputs, width : int
        K, n, p and M, all >= 1.
    rng : numpy.random.Generator
    distance : float, default 0.1
        |r_0| relative to the most that the width can certify at this start; in (0, 1).

    Returns
    -------
    NetworkTasks

    Raises
    ------
    InvalidInputError
        When the tangent kernel at the start is singular (too few parameters, or inputs).

    Examples
    --------
    >>> tasks = plant_network(2, 3, 4, 64, np.random.default_rng(0))
    >>> known = tasks.constants
    >>> known.region is not None and 0 < known.pl < known.smoothness
    True
    """
    sizes = {"num_tasks": num_tasks, "samples": samples, "inputs": inputs, "width": width}
    for name, value in sizes.items():
        check_whole(name, value)
    if not 0 < distance < 1:
        raise InvalidInputError(f"distance should lie in (0, 1); found {distance}.")
    shown = rng.standard_normal((samples, inputs))
    shown /= np.linalg.norm(shown, axis=1, keepdims=True)
    heads = rng.choice([-1.0, 1.0], size=(num_tasks, width))
    start = rng.standard_normal(width * inputs)
    outputs = np.tanh(shown @ start.reshape(width, inputs).T) @ heads.T / math.sqrt(width)
    wanted = np.ascontiguousarray(outputs.T)
    # With targets at the outputs the ball has radius 0, and its certificate is the kernel's alone.
    exact = NetworkTasks(shown, wanted, heads, start)
    drift = _BEND * float(np.linalg.norm(shown, ord=2)) * math.sqrt(num_tasks / width)
    errors = rng.standard_normal((num_tasks, samples))
    errors *= distance * exact.constants.pl / (4.0 * drift) / np.linalg.norm(errors)
    return NetworkTasks(shown, wanted - errors, heads, start)
