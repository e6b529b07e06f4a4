"""What the scheduler's memory modes cost, measured."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler.options import Memory, TorchOptions

__all__ = ["MemoryReport", "MemoryRow", "MemoryTable", "compare_memory", "measure_peak"]


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """What a scheduler holds between steps, in bytes.

    Attributes
    ----------
    mode : str
    device_bytes, host_bytes : int
    parts : mapping from part to bytes
    """

    mode: str
    device_bytes: int
    host_bytes: int
    parts: Mapping[str, int]


def report_of(mode: str, parts: Mapping[str, Tensor], device: torch.device) -> MemoryReport:
    """Add up tensors by where they are."""
    on_device = sum(t.nbytes for t in parts.values() if t.device == device)
    elsewhere = sum(t.nbytes for t in parts.values() if t.device != device)
    if device.type == "cpu" and mode == "offload":
        # Everything is on the host: "rows" and "averages" are what a GPU would not hold.
        elsewhere = sum(t.nbytes for n, t in parts.items() if n in ("rows", "averages", "squares"))
        on_device -= elsewhere
    return MemoryReport(mode, on_device, elsewhere, {n: t.nbytes for n, t in parts.items()})


class _Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the storages that are made while it is entered."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live: dict[int, int] = {}
        self.now = 0
        self.peak = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        before = {id(t.untyped_storage()) for t in tree_leaves((args, kwargs)) if _counts(t)}
        outcome = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(outcome):
            if _counts(tensor):
                self._note(tensor, before)
        return outcome

    def _note(self, tensor: Tensor, before: set[int]) -> None:
        storage = tensor.untyped_storage()
        key = id(storage)
        if key in before or key in self.live:
            return
        self.live[key] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.now -= self.live.pop(key, 0)


def _counts(value: object) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided


def measure_peak(function: Callable[[], object], device: torch.device | str = "cpu") -> int:
    """Return how many bytes of tensors a call holds at its peak beyond those held before it.

    On a CUDA device from the allocator; on a CPU by following every tensor that is made.

    Parameters
    ----------
    function : callable
        Called once.
    device : device

    Returns
    -------
    int

    Examples
    --------
    >>> measure_peak(lambda: torch.zeros(1000) + 1)
    8000
    """
    where = torch.device(device)
    gc.collect()
    if where.type == "cuda":
        torch.cuda.synchronize(where)
        torch.cuda.reset_peak_memory_stats(where)
        before = torch.cuda.memory_allocated(where)
        function()
        torch.cuda.synchronize(where)
        return torch.cuda.max_memory_allocated(where) - before
    ledger = _Ledger()
    with ledger:
        function()
    return ledger.peak


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """One way to train, measured.

    Attributes
    ----------
    mode : str
        ``"all tasks"`` or a memory mode.
    device_bytes, host_bytes : int
        Held by the scheduler between steps.
    peak_bytes : int
        Of one step, forward pass and all, beyond what was held before it.
    """

    mode: str
    device_bytes: int
    host_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """Rows to compare; ``str()`` of it is a table.

    Attributes
    ----------
    rows : tuple of MemoryRow
        The baseline first.
    """

    rows: tuple[MemoryRow, ...]

    def __str__(self) -> str:
        base = max(1, self.rows[0].device_bytes + self.rows[0].peak_bytes)
        lines = ["mode        held on device   held on host   peak of a step   vs all tasks"]
        for r in self.rows:
            ratio = (r.device_bytes + r.peak_bytes) / base
            lines.append(
                f"{r.mode:<10}  {_mib(r.device_bytes):>14}  {_mib(r.host_bytes):>13}  "
                f"{_mib(r.peak_bytes):>15}  {ratio:>11.2f}x"
            )
        return "\n".join(lines)


def _mib(count: int) -> str:
    return f"{count / 2**20:.2f} MiB"


def compare_memory(
    make: Callable[[SchedulerConfig, TorchOptions], tuple[Callable[[], object], MemoryReport]],
    config: SchedulerConfig,
    options: TorchOptions,
    device: torch.device | str = "cpu",
) -> MemoryTable:
    """Measure each memory mode beside training all tasks at each step.

    Parameters
    ----------
    make : callable
        From settings to a training step and its scheduler's report. Called for each mode; the
        step is run once to warm up and once to be measured.
    config : SchedulerConfig
        The baseline is this with ``policy="all_tasks"``.
    options : TorchOptions
        The modes are this with another `memory`.
    device : device

    Returns
    -------
    MemoryTable
    """
    baseline = SchedulerConfig(num_tasks=config.num_tasks, policy="all_tasks")
    modes: tuple[Memory, ...] = ("full", "offload", "sketch")
    cases = [("all tasks", baseline, replace(options, memory="full"))]
    cases += [(mode, config, replace(options, memory=mode)) for mode in modes]
    rows = []
    for name, settings, chosen in cases:
        step, report = make(settings, chosen)
        step()
        peak = measure_peak(step, device)
        rows.append(MemoryRow(name, report.device_bytes, report.host_bytes, peak))
    return MemoryTable(tuple(rows))
