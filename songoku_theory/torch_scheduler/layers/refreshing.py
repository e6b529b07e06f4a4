"""The refresh: probes, the conflict graph measured on the device, and the next schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from songoku_theory import scheduler as core
from songoku_theory.conflict import ConflictGraph, conflict_graph_from_gram
from songoku_theory.torch_scheduler.capture import check_loss
from songoku_theory.torch_scheduler.gram import gram64
from songoku_theory.torch_scheduler.graph import measure_graph
from songoku_theory.torch_scheduler.intake import Handling, Intake
from songoku_theory.torch_scheduler.layers.averaging import Averaging
from songoku_theory.torch_scheduler.layers.setup import inverse_scale_of
from songoku_theory.torch_scheduler.layers.taking import Taking

__all__ = ["Refreshing"]


class Refreshing(Taking, Averaging):
    """Lines 20 to 26 of Algorithm 1."""

    def _refresh(
        self,
        probe: Callable[[str], Tensor | None] | None,
        scaler: torch.amp.GradScaler | None,
    ) -> None:
        """Lines 20-26."""
        if probe is not None:
            self._take_probe(probe, scaler)
        self._read_flags()
        before = core.situation(self.config, self._state)
        if self._policy.needs_graph:
            with self._quiet():
                if self._ranks.several and not self._average_rows:
                    assert self._buffers.averages is not None
                    self._ranks.mean_(self._buffers.averages)
                graph = self._ranks.graph_of_first(self._measure())
            self._state = core.adopt_graph(self.config, self._state, graph)
            if self.config.ema_at_refresh == "reset":
                self._buffers.clear_averages()
                self._state = core.clear_averages(self._state)
        else:
            self._state = core.adopt_schedule(self.config, self._state)
        after = core.situation(self.config, self._state)
        self._gaps.refreshed(self._policy, before, after)
        self._drop_rows()

    def _drop_rows(self) -> None:
        """A policy that colours once needs no gradient of a single task after that."""
        if not self._keeps_rows(core.needs_averages(self.config, self._state)):
            self._buffers.drop_rows()

    def _take_probe(
        self,
        probe: Callable[[str], Tensor | None],
        scaler: torch.amp.GradScaler | None,
    ) -> None:
        """Line 21: one more gradient of every task, at the parameters as they are now."""
        everyone = range(len(self.tasks))
        handling = Handling(self._at_once, hides=scaler is None)
        intake = Intake(self._buffers, self._ranks, self._parts.heads, everyone, (), True, handling)
        for k, name in enumerate(self.tasks):
            loss = probe(name)
            if loss is None:
                continue
            check_loss(loss, name, self.steps)
            scaled = loss if scaler is None else scaler.scale(loss)
            self._take_each(intake, [(k, scaled)], shared_graph=False)
        with self._quiet():
            intake.settle()
            if self._average_rows:
                for k in sorted(intake.present):
                    self._ranks.mean_(self._buffers.row(k))
            inverse = None if scaler is None else inverse_scale_of(scaler, self.device)
            self._fold(intake, True, inverse)

    def _measure(self) -> ConflictGraph:
        """Lines 22-23, on the device."""
        averages = self._buffers.averages
        assert averages is not None
        tau = core.threshold(self.config, self._state)
        weights = self._state.weight_sum
        scale = np.ones(len(self.tasks))
        if self.config.ema == "windowed":
            scale = 1.0 / np.where(weights > 0, weights, 1.0)
        scale = np.where(weights > 0, scale, 0.0)
        if self.config.cosine == "debiased":
            return self._measure_debiased(averages, tau, scale)
        measured = measure_graph(averages, tau, self.config.norm_floor, scale, self.device)
        self._products = measured
        return measured.graph

    def _measure_debiased(
        self, averages: Tensor, tau: float, scale: NDArray[np.float64]
    ) -> ConflictGraph:
        """With the noise taken out of the norms: an estimate, so nothing to decide exactly."""
        assert self._buffers.squares is not None
        found = gram64(averages, device=self.device)
        self._products = found
        products = found.cpu().numpy() * scale[:, None] * scale[None, :]
        squares = self._buffers.squares.numpy(force=True)
        known = replace(self._state, mean_squares=squares)
        np.fill_diagonal(products, core.debiased_squares(self.config, known, np.diag(products)))
        return conflict_graph_from_gram(products, tau, self.config.norm_floor)
