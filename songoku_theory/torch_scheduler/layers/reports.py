"""What a task scheduler says about itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songoku_theory import scheduler as core
from songoku_theory.linalg import cosines
from songoku_theory.torch_scheduler.graph import Measured
from songoku_theory.torch_scheduler.layers.averaging import Averaging
from songoku_theory.torch_scheduler.memory import MemoryReport, report_of
from songoku_theory.torch_scheduler.nonfinite import NonFiniteLog
from songoku_theory.torch_scheduler.staleness import StalenessReport

__all__ = ["Reports"]


class Reports(Averaging):
    """Staleness, memory, what was not finite, cosines, effective samples."""

    def staleness(self) -> StalenessReport:
        """Return how long tasks waited, beside what the policy guarantees.

        Returns
        -------
        StalenessReport
            ``str()`` of it is a table.
        """
        self._read_flags()
        return self._gaps.report(
            self.tasks,
            self._policy,
            core.situation(self.config, self._state),
            core.guaranteed_gap(self.config),
        )

    def memory(self) -> MemoryReport:
        """Return what the scheduler holds, in bytes; see also ``compare_memory``."""
        return report_of(self.options.memory, self._buffers.parts(), self.device)

    def nonfinite(self) -> NonFiniteLog:
        """Return how often each task's gradient was not finite."""
        self._read_flags()
        return self._log

    def cosines(self) -> NDArray[np.float64] | None:
        """Return the cosines of the last refresh, shape (K, K); None before the first one.

        Of the averages as they were then (or their sketches), without any debiasing.
        """
        if self._products is None:
            return None
        held = self._products
        products = held.products if isinstance(held, Measured) else held
        return cosines(products.numpy(force=True), 0.0).values

    def average_norms(self) -> NDArray[np.float64] | None:
        """Return the norms of the averages of the last refresh, shape (K,); None before it.

        Of the raw recursion of eq. 8 as it was then (or of its sketches).
        """
        if self._products is None:
            return None
        held = self._products
        products = held.products if isinstance(held, Measured) else held
        return cosines(products.numpy(force=True), 0.0).norms

    def effective_samples(self) -> NDArray[np.float64]:
        """Return the effective sample size behind each task's average, shape (K,)."""
        self._read_flags()
        return core.effective_samples(self._state)
