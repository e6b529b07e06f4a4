"""From gradients that were taken to the averages, and from flags to what the host knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from songoku_theory import scheduler as core
from songoku_theory.torch_scheduler.intake import Intake
from songoku_theory.torch_scheduler.layers.setup import Setup, Unread

__all__ = ["Averaging"]


class Averaging(Setup):
    """Lines 16 to 19 of Algorithm 1."""

    def _fold(self, intake: Intake, observes: bool, inverse_scale: Tensor | None) -> None:
        """Lines 16-19 for one intake; what is not finite moves no average."""
        tasks = tuple(sorted(intake.present))
        if not tasks:
            return
        flags = torch.stack([intake.bad[k] for k in tasks])
        if observes and self._at_once:
            kept = [k for k in tasks if k not in intake.known_bad]
            self._buffers.fold(kept, self.config.beta, inverse_scale, None)
        elif observes:
            self._buffers.fold(tasks, self.config.beta, inverse_scale, intake.bad)
        self._unread.append(Unread(self.steps, tasks, observes, intake.updated, flags))

    def _read_flags(self) -> None:
        """Enter into the state what the flags since the last look say; one transfer."""
        if not self._unread:
            return
        unread, self._unread = self._unread, []
        answers = iter(torch.cat([entry.flags for entry in unread]).cpu().tolist())
        for entry in unread:
            bad = {k for k in entry.tasks if next(answers)}
            for k in sorted(bad):
                self._log.note(self.tasks[k], entry.step)
                self._culprits.append((k, entry.step))
            good = [k for k in entry.tasks if k not in bad]
            if entry.observed:
                self._state = core.count_gradients(self.config, self._state, good)
            updated = [k for k in good if k in entry.updated]
            last = self._state.last_updated.copy()
            last[updated] = np.maximum(last[updated], entry.step)
            self._state = replace(self._state, last_updated=last)
            self._gaps.updates[updated] += 1
