"""What the torch scheduler can be told beyond the schedule itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_period

__all__ = ["AverageRanks", "Memory", "NonFinite", "Report", "TorchOptions"]

Memory = Literal["full", "offload", "sketch"]
NonFinite = Literal["raise", "skip", "count"]
Report = Literal["auto", "step", "refresh"]
AverageRanks = Literal["auto", "step", "refresh"]


@dataclass(frozen=True, slots=True)
class TorchOptions:
    """Settings of the torch scheduler.

    Attributes
    ----------
    memory : {"full", "offload", "sketch"}
        Where the per-task gradients and their averages are kept. ``"full"``: two (K, d) buffers
        on the device. ``"offload"``: the same on the host; the device keeps two vectors of
        length d. ``"sketch"``: two (K, r) buffers of random projections on the device.
    sketch_size : int
        r; used by ``"sketch"`` only. A cosine moves by about ``1 / sqrt(r)``.
    sketch_seed : int
        >= 0.
    dtype : torch.dtype
        Of the averages: float32, whatever autocast and the model do, or float64.
    nonfinite : {"raise", "skip", "count"}
        What a NaN or infinite gradient leads to; it never enters an average, and is always
        counted. ``"raise"``: an error that names the task and the step. ``"skip"``: the task is
        left out of the update. ``"count"``: the update gets what was computed. With a gradient
        scaler it is always ``"count"``: the scaler has to see it.
    nonfinite_report : {"auto", "step", "refresh"}
        When it is looked at on the host: at each step, or at the next refresh so that the device
        is never waited for in between (the task is left out of the update until then, unless it
        is to be counted). ``"auto"``: at each step on a CPU and across processes, else at the
        refresh.
    average_ranks : {"auto", "step", "refresh"}
        Across processes, when the gradients of single tasks are averaged. ``"step"``: at each
        step, so that every process holds the same averages at any time. ``"refresh"``: only their
        sum at each step, as plain data-parallel training does, and the averages at a refresh;
        between refreshes each process has its own, and must save its own. ``"auto"``: at the
        refresh for ``memory="offload"``, else at each step. Means are over all processes, as in
        DistributedDataParallel: one without samples of a task contributes zero to it.

    Raises
    ------
    InvalidInputError
        When a value is out of range.
    UnknownNameError
        When an option's value is not one of those listed.
    """

    memory: Memory = "full"
    sketch_size: int = 4096
    sketch_seed: int = 0
    dtype: torch.dtype = torch.float32
    nonfinite: NonFinite = "raise"
    nonfinite_report: Report = "auto"
    average_ranks: AverageRanks = "auto"

    def __post_init__(self) -> None:
        check_period(self.sketch_size, "sketch_size")
        seed = self.sketch_seed
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InvalidInputError(f"sketch_seed should be a whole number >= 0; found {seed!r}.")
        if self.dtype not in (torch.float32, torch.float64):
            raise InvalidInputError(
                f"dtype should be torch.float32 or torch.float64; found {self.dtype}. The averages "
                f"are kept in it whatever autocast and the model do."
            )
        for option, value, valid in (
            ("memory", self.memory, get_args(Memory)),
            ("nonfinite", self.nonfinite, get_args(NonFinite)),
            ("nonfinite_report", self.nonfinite_report, get_args(Report)),
            ("average_ranks", self.average_ranks, get_args(AverageRanks)),
        ):
            if value not in valid:
                raise unknown_name(option, str(value), valid)
