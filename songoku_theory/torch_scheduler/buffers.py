"""Where a step's per-task gradients and their averages are kept: one (K, n) buffer each.

``full``
    n = d, on the device. The update is added up from the rows, so a combiner can look at them.
``offload``
    n = d, on the host. The device holds one gradient at a time and the sum.
``sketch``
    n = r, on the device. As ``offload``, with each gradient projected instead of moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from songoku_theory.sketch import RandomProjection
from songoku_theory.torch_scheduler.options import TorchOptions
from songoku_theory.torch_scheduler.parameters import SharedParameters
from songoku_theory.torch_scheduler.projection import DeviceProjection

__all__ = ["Buffers", "add_into"]


class Buffers:
    """The preallocated memory of a scheduler.

    Attributes
    ----------
    total : Tensor, shape (d,)
        The update's gradient; every ``.grad`` of a shared parameter is a view of it (or a copy in
        the parameter's own dtype).
    rows : Tensor, shape (K, n), or None
        The step's gradients. None where no gradient of a single task is needed.
    averages : Tensor, shape (K, n), or None
        The raw recursion of eq. 8.
    squares : Tensor, shape (K,), or None
        The same recursion on squared norms, for the debiased cosine.
    streams : bool
        The update is added up while the gradients pass, not from the rows.
    """

    def __init__(
        self,
        shared: SharedParameters,
        num_tasks: int,
        options: TorchOptions,
        per_task: bool,
        debiased: bool,
    ) -> None:
        device = shared.device
        self._shared = shared
        self.device = device
        self.kind = options.memory
        self.streams = options.memory != "full"
        self.total = torch.zeros(shared.dim, dtype=shared.dtype, device=device)
        self.rows: Tensor | None = None
        self.averages: Tensor | None = None
        self.squares: Tensor | None = None
        self._passing: Tensor | None = None
        self._project: DeviceProjection | None = None
        if per_task:
            self._allocate(shared, num_tasks, options, debiased)
        self._look()

    def _allocate(
        self, shared: SharedParameters, num_tasks: int, options: TorchOptions, debiased: bool
    ) -> None:
        """Make room for gradients of single tasks."""
        device = self.device
        home = torch.device("cpu") if self.kind == "offload" else device
        width = options.sketch_size if self.kind == "sketch" else shared.dim
        # Rows that the update is added up from are at least as wide as the parameters.
        row_dtype = options.dtype
        if not self.streams:
            row_dtype = torch.promote_types(shared.dtype, options.dtype)
            self.total = self.total.to(row_dtype)
        pinned = self.kind == "offload" and device.type == "cuda"
        self.rows = torch.zeros((num_tasks, width), dtype=row_dtype, device=home, pin_memory=pinned)
        self.averages = torch.zeros((num_tasks, width), dtype=options.dtype, device=home)
        if debiased:
            self.squares = torch.zeros(num_tasks, dtype=torch.float64, device=home)
        if not self.streams:
            return
        length = shared.dim
        if self.kind == "sketch":
            projection = RandomProjection(shared.dim, width, options.sketch_seed)
            self._project = DeviceProjection(projection, device)
            length = projection.blocks * width
        self._passing = torch.zeros(length, dtype=shared.dtype, device=device)

    def _look(self) -> None:
        """Make the views, each part shaped like its parameter."""
        views = self._shared.views
        self.total_views = views(self.total)
        self._rows: list[Tensor] = [] if self.rows is None else list(self.rows)
        self._averages: list[Tensor] = [] if self.averages is None else list(self.averages)
        rows = () if self.streams else self._rows
        self._row_views: list[list[Tensor]] = [views(row) for row in rows]
        self.passing_views: list[Tensor] = []
        if self._passing is not None:
            self.passing_views = views(self._passing[: self._shared.dim])

    def __getstate__(self) -> dict[str, Any]:
        """Leave the views out: a pickled view is a tensor by itself, which nothing fills."""
        derived = ("total_views", "_row_views", "passing_views", "_rows", "_averages")
        return {name: value for name, value in self.__dict__.items() if name not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled or copied, and look at it anew."""
        self.__dict__.update(state)
        self._look()

    def parts(self) -> dict[str, Tensor]:
        """Return every tensor that is held, by name."""
        named = {
            "sum": self.total,
            "rows": self.rows,
            "averages": self.averages,
            "squares": self.squares,
            "passing": self._passing,
        }
        held = {name: tensor for name, tensor in named.items() if tensor is not None}
        if self._project is not None:
            held["signs"] = self._project.signs
            held["offsets"] = self._project.offsets
        return held

    def drop_rows(self) -> None:
        """Let go of everything that is kept for single tasks."""
        self.rows = self.averages = self.squares = self._passing = self._project = None
        self._row_views, self.passing_views, self._rows, self._averages = [], [], [], []

    # -- one gradient -----------------------------------------------------------------------------

    def row(self, task: int) -> Tensor:
        """Return the task's row, shape (n,)."""
        return self._rows[task]

    def fill_row(self, task: int, gradients: Sequence[Tensor | None], first: bool) -> None:
        """Write a gradient into the task's row, or add it to what the step has put there."""
        if first:
            _copy_into(self._row_views[task], gradients)
        else:
            add_into(self._row_views[task], gradients)

    def fill_passing(self, gradients: Sequence[Tensor | None]) -> Tensor:
        """Write a gradient into the vector that passes through; return it, shape (d,)."""
        assert self._passing is not None
        _copy_into(self.passing_views, gradients)
        return self._passing[: self.total.shape[0]]

    def store_passing(self, task: int, first: bool) -> None:
        """Put the passing gradient, or its sketch, into the task's row."""
        assert self.rows is not None
        assert self._passing is not None
        row = self._rows[task]
        if self._project is not None:
            arrived = self._project(self._passing).to(row.dtype)
        elif first:
            row.copy_(self._passing, non_blocking=True)
            return
        else:
            arrived = self._passing.to(row)
        if first:
            row.copy_(arrived)
        else:
            self.wait()
            row.add_(arrived)

    def wait(self) -> None:
        """Wait until what was sent to the host has arrived."""
        if self.kind == "offload" and self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)

    # -- the averages -----------------------------------------------------------------------------

    def fold(
        self,
        tasks: Sequence[int],
        beta: float,
        inverse_scale: Tensor | None,
        bad: Mapping[int, Tensor] | None,
    ) -> None:
        """Eq. 8 for some tasks.

        Parameters
        ----------
        tasks : sequence of int
        beta : float
        inverse_scale : Tensor, shape (), optional
            What undoes a gradient scaler.
        bad : mapping from int to Tensor of bool, shape (), optional
            Flags that the host has not looked at: the row is not finite. The average then stays as
            it is.
        """
        assert self.rows is not None
        assert self.averages is not None
        self.wait()
        plain = inverse_scale is None and bad is None and self.squares is None
        if plain and len(tasks) == len(self._rows) and self.rows.dtype == self.averages.dtype:
            self.averages.lerp_(self.rows, 1.0 - beta)
            return
        for task in tasks:
            row, average = self._rows[task], self._averages[task]
            if inverse_scale is not None:
                row.mul_(inverse_scale.to(row))
            weight: float | Tensor = 1.0 - beta
            if bad is not None:
                # Zero times a NaN would be one, so the row goes as well as its weight.
                row.masked_fill_(bad[task], 0.0)
                weight = torch.where(bad[task], 0.0, 1.0 - beta)
            _lerp(average, row, weight)
            if self.squares is not None:
                energy = torch.linalg.vector_norm(row, dtype=torch.float64).square()
                _lerp(self.squares[task], energy, weight)

    def clear_averages(self) -> None:
        """Start the averages from nothing."""
        if self.averages is not None:
            self.averages.zero_()
        if self.squares is not None:
            self.squares.zero_()


def _lerp(average: Tensor, end: Tensor, weight: float | Tensor) -> None:
    """``average <- average + weight (end - average)``, in the average's dtype."""
    target = end.to(average.dtype)
    if isinstance(weight, Tensor):
        average.lerp_(target, weight.to(average.dtype))
    else:
        average.lerp_(target, weight)


def _copy_into(views: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    """Copy gradients into their places, with zeros where there is none."""
    for view, gradient in zip(views, gradients, strict=True):
        if gradient is None:
            view.zero_()
    targets, sources = _pairs(views, gradients)
    if targets:
        torch._foreach_copy_(targets, sources)


def add_into(views: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    """Add gradients into their places.

    Parameters
    ----------
    views : sequence of Tensor
    gradients : sequence of Tensor or None
        Of the same shapes; sparse ones are filled up.
    """
    targets, sources = _pairs(views, gradients)
    if targets:
        torch._foreach_add_(targets, [s.to(t.dtype) for s, t in zip(sources, targets, strict=True)])


def _pairs(
    views: Sequence[Tensor], gradients: Sequence[Tensor | None]
) -> tuple[list[Tensor], list[Tensor]]:
    pairs = [(v, g) for v, g in zip(views, gradients, strict=True) if g is not None]
    return [v for v, _ in pairs], [g.to_dense() if g.is_sparse else g for _, g in pairs]
