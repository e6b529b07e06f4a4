"""The few array operations that numpy and torch spell differently.

The batched solvers are written once, against this; torch is only reached through a tensor that
the caller made, so it is never imported for its own sake.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from songoku_theory.combine.result import Array

__all__ = ["Namespace", "is_tensor", "namespace"]


def is_tensor(value: object) -> bool:
    """Say whether a value is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


@dataclass(frozen=True, slots=True)
class Namespace:
    """Array functions for one library, in float64, on one device.

    Functions that both libraries call by the same name with ``axis`` are reached through `lib`.

    Attributes
    ----------
    lib : module
        numpy or torch.
    device : object
        None for numpy.
    """

    lib: Any
    device: Any = None

    def asarray(self, value: Array) -> Array:
        """Return `value` as float64 on this device."""
        if self.device is None:
            return np.asarray(value, dtype=np.float64)
        tensor = self.lib.as_tensor(value, dtype=self.lib.float64, device=self.device)
        return tensor.detach()

    def mask(self, value: Array) -> Array:
        """Return `value` as booleans on this device."""
        if self.device is None:
            return np.asarray(value, dtype=bool)
        return self.lib.as_tensor(value, dtype=self.lib.bool, device=self.device)

    def indices(self, value: Array) -> Array:
        """Return `value` as int64 on this device."""
        if self.device is None:
            return np.asarray(value, dtype=np.int64)
        return self.lib.as_tensor(value, dtype=self.lib.int64, device=self.device)

    def eye(self, size: int) -> Array:
        """Return the identity of that size."""
        return self.asarray(np.eye(size))

    def full(self, shape: tuple[int, ...], value: float) -> Array:
        """Return an array filled with one value."""
        return self.asarray(np.full(shape, value))

    def take(self, values: Array, index: Array, axis: int) -> Array:
        """Gather along an axis."""
        if self.device is None:
            return np.take_along_axis(values, index, axis=axis)
        return self.lib.take_along_dim(values, index, dim=axis)

    def solve(self, matrices: Array, vectors: Array) -> Array:
        """Solve (N, K, K) systems, of diagonals of order one, for (N, K) right-hand sides.

        An exactly singular system is solved with a little added to its diagonal; every solver
        measures its answer afterwards, so the trace of it is seen.
        """
        jitter = 0.0
        while True:
            try:
                if jitter:
                    matrices = matrices + jitter * self.eye(int(matrices.shape[-1]))
                return self.lib.linalg.solve(matrices, vectors[..., None])[..., 0]
            except self.lib.linalg.LinAlgError:
                if jitter > 1e-7:
                    raise
                jitter = max(1e-12, 100.0 * jitter)

    def apply(self, matrices: Array, vectors: Array) -> Array:
        """Multiply (N, K, K) matrices with (N, K) vectors."""
        return (matrices @ vectors[..., None])[..., 0]

    def host(self, value: Array) -> Any:  # noqa: ANN401
        """Return `value` as a numpy array on the host."""
        if self.device is None:
            return value
        there = value.detach().cpu()
        half = there.is_floating_point() and there.element_size() < 4
        return (there.float() if half else there).numpy()  # numpy has no bfloat16


def namespace(value: Array) -> Namespace:
    """Return the operations for the library and device that `value` lives on."""
    if is_tensor(value):
        return Namespace(sys.modules["torch"], value.device)
    return Namespace(np)
