"""The scheduler on gradients that are there already: a (K, d) tensor in, the update out.

For simulations and for measuring the method's own cost (appendix L feeds every method the same
tensors), where a model, heads and autograd would be in the way. Gradients are on the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from songoku_theory import scheduler as core
from songoku_theory._numba import accelerated
from songoku_theory.conflict import ConflictGraph
from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule import slot_index
from songoku_theory.schedule.policies import SlotPolicy
from songoku_theory.scheduler import SchedulerConfig, SchedulerState
from songoku_theory.torch_scheduler import checkpoint
from songoku_theory.torch_scheduler.gram import small_kernel
from songoku_theory.torch_scheduler.graph import measure_graph
from songoku_theory.torch_scheduler.nonfinite import NonFiniteGradientError
from songoku_theory.torch_scheduler.options import TorchOptions

__all__ = ["VectorScheduler"]


class VectorScheduler:
    """SON-GOKU on a sequence of gradient matrices; every decision is the pure scheduler's.

    Parameters
    ----------
    config : SchedulerConfig
        Of a policy with one group a step, the plain cosine and no probe.
    dim : int
        d, the length of a gradient.

    Raises
    ------
    InvalidInputError
        When a setting is one that only ``TaskScheduler`` knows.

    Source
    ------
    SON-GOKU, Algorithm 1, lines 6 and 16 to 26; appendix L.1 for the workload.

    Examples
    --------
    >>> config = SchedulerConfig(num_tasks=3, tau=0.5, beta=0.5, refresh_period=2)
    >>> scheduler = VectorScheduler(config, dim=2)
    >>> gradients = torch.tensor([[1.0, 0.0], [-1.0, 0.1], [0.0, 1.0]])
    >>> for _ in range(4):
    ...     print(scheduler.active(), scheduler.step(gradients).tolist())
    (0, 1, 2) [0.0, 1.100000023841858]
    (0, 1, 2) [0.0, 1.100000023841858]
    (0, 2) [1.0, 1.0]
    (1,) [-1.0, 0.10000000149011612]
    """

    def __init__(self, config: SchedulerConfig, dim: int) -> None:
        policy = core.policy_of(config)
        if config.cosine != "plain" or config.probe != "none" or policy.name == "sequential":
            raise InvalidInputError(
                "VectorScheduler is for one group a step, cosine='plain' and probe='none'; for "
                "others use TaskScheduler."
            )
        if dim < 1:
            raise InvalidInputError(f"dim should be at least 1; found {dim!r}.")
        self.config = config
        self.averages = torch.zeros((config.num_tasks, dim), dtype=torch.float32)
        self._policy = policy
        by_slots = isinstance(policy, SlotPolicy) and type(policy).groups is SlotPolicy.groups
        self._by_slots = by_slots and config.observe_tasks == "active"
        self._state = core.init(config)
        self._open_window()

    def _open_window(self) -> None:
        state = self._state
        self._slots = state.schedule.slots
        ends = list(accumulate((len(slot) for slot in self._slots), initial=0))
        self._flat, self._ends = np.array(list(chain(*self._slots))), np.array(ends)
        self._tasks = [self._flat[a:b] for a, b in pairwise(ends)]
        self._period = state.schedule.period
        # From here to the next refresh the slots follow one another, whatever the phase.
        self._first = slot_index(
            self.config.phase, state.step, state.round_start, state.pointer, self._period
        )
        self._count = 0  # steps of this window that the state does not know of yet
        self._quick = self._by_slots and core.needs_gradients(self.config, state)
        self._due = self._steps_left()
        self._array, self._shape = self.averages.numpy(), self.averages.shape
        self._weight = 1.0 - self.config.beta
        self._kernel = small_kernel() if self._quick and accelerated() else None

    def _steps_left(self) -> int:
        """Steps until the next refresh, where nothing but their number decides that; else 0."""
        state, window = self._state, self.config.refresh_period
        if not self._quick or self._policy.refreshes != "periodic":
            return 0
        if self.config.short_window == "extend":
            return max(window, state.schedule.period) - (state.step - state.round_start)
        return window - state.step % window

    @property
    def state(self) -> SchedulerState:
        """The pure scheduler's state; its averages are None, they are in :attr:`averages`."""
        if self._count:
            ran = (self._first + np.arange(self._count)) % self._period
            if self._kernel is None:
                self._state = core.run_slots(self.config, self._state, ran.tolist())
            else:
                self._state = self._replayed(ran)
            self._first = (self._first + self._count) % self._period
            self._due -= self._count
            self._count = 0
        return self._state

    def _replayed(self, ran: NDArray[np.int64]) -> SchedulerState:
        """As ``songoku_theory.scheduler.run_slots``."""
        state, beta = self._state, self.config.beta
        arrays = {
            name: getattr(state, name).copy()
            for name in ("weight_sum", "weight_square_sum", "last_turn", "last_updated")
        }
        assert self._kernel is not None
        factors = (beta, 1.0 - beta, beta**2, (1.0 - beta) ** 2)
        self._kernel.replay(ran, self._flat, self._ends, state.step, factors, *arrays.values())
        return replace(
            state,
            step=state.step + ran.size,
            pointer=(int(ran[-1]) + 1) % self._period,
            **arrays,
        )

    @property
    def graph(self) -> ConflictGraph | None:
        """The conflict graph in force; None before the first refresh."""
        return self._state.graph

    def active(self) -> tuple[int, ...]:
        """Return S_t, the tasks whose rows :meth:`step` adds up."""
        if self._quick:
            return self._slots[(self._first + self._count) % self._period]
        return core.active(self.config, self.state)

    def step(self, gradients: Tensor) -> Tensor:
        """Take one step: add up the active rows, move their averages, refresh if that is due.

        Parameters
        ----------
        gradients : Tensor, shape (K, d)
            float32, on the host; only rows of active tasks are read (of all with
            ``observe_tasks="all"``).

        Returns
        -------
        Tensor, shape (d,)

        Raises
        ------
        InvalidInputError
            When the tensor is of another kind or shape.
        NonFiniteGradientError
            When a row that is read is not finite; nothing has moved then.
        """
        if gradients.shape != self._shape or gradients.dtype is not torch.float32:
            raise InvalidInputError(
                f"gradients should be a float32 tensor of shape {tuple(self.averages.shape)} on "
                f"the host; found {gradients.dtype}, {tuple(gradients.shape)}."
            )
        if gradients.requires_grad:
            gradients = gradients.detach()
        if self._kernel is not None and gradients.is_contiguous():
            tasks = self._tasks[(self._first + self._count) % self._period]
            total, finite = self._kernel.sum_and_average(
                gradients.numpy(), self._array, tasks, self._weight
            )
            if finite:
                self._count += 1
                if self._count >= self._due:
                    self._end_step()
                update: Tensor = torch.from_numpy(total)
                return update
        return self._plain_step(gradients)

    def _plain_step(self, gradients: Tensor) -> Tensor:
        """The same in tensor code, for every policy."""
        state = self.state
        ran = core.active(self.config, state)
        observed = core.observed_tasks(self.config, state)
        for task in sorted({*ran, *observed}):
            if not bool(torch.isfinite(gradients[task]).all()):
                raise NonFiniteGradientError(f"{task}", state.step, 0)
        total = gradients[list(ran)].sum(dim=0)
        for task in observed:
            self.averages[task].lerp_(gradients[task], 1.0 - self.config.beta)
        state = core.count_gradients(self.config, state, observed)
        self._state = core.advance(self.config, state)
        self._first, self._due = (self._first + 1) % self._period, self._due - 1
        self._end_step()
        return total

    def _end_step(self) -> None:
        if not core.needs_refresh(self.config, self.state):
            return
        if self._policy.needs_graph:
            tau = core.threshold(self.config, self._state)
            found = measure_graph(self.averages, tau, self.config.norm_floor, self._scale())
            self._state = core.adopt_graph(self.config, self._state, found.graph)
            if self.config.ema_at_refresh == "reset":
                self.averages.zero_()
                self._state = core.clear_averages(self._state)
        else:
            self._state = core.adopt_schedule(self.config, self._state)
        self._open_window()

    def _scale(self) -> NDArray[np.float64]:
        weights = self._state.weight_sum
        if self.config.ema == "windowed":
            return np.where(weights > 0, 1.0 / np.where(weights > 0, weights, 1.0), 0.0)
        return (weights > 0).astype(np.float64)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next steps depend on, for ``torch.save``."""
        return {
            "settings": checkpoint.pack_settings(self.config, TorchOptions()),
            "state": checkpoint.pack_state(self.state),
            "averages": self.averages,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises
        ------
        InvalidInputError
            When it is of other settings or another length of gradients.
        """
        settings = checkpoint.pack_settings(self.config, TorchOptions())
        checkpoint.require_same("settings", saved["settings"], settings)
        if saved["averages"].shape != self.averages.shape:
            raise InvalidInputError(
                f"the saved averages have shape {tuple(saved['averages'].shape)}; expected "
                f"{tuple(self.averages.shape)}."
            )
        self._state = checkpoint.unpack_state(saved["state"], core.init(self.config))
        self.averages.copy_(saved["averages"])
        self._open_window()
