"""The suites on code that runs on torch: our scheduler, and TorchJD's aggregators.

torch is imported inside the tests, and they come last: a child is started faster from a process
that has not loaded it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from songoku_theory.combine import TorchJDCombiner
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.testing import CheckResult, Settings, check_combiner, check_scheduler, succeeded

Vector = NDArray[np.float64]
Thing: TypeAlias = Any


def failures(results: list[CheckResult]) -> dict[str, str]:
    return {r.check: r.reason for r in results if not r.ok}


class TorchScheduler:
    """The torch scheduler fed with losses whose gradients are the given ones."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.scheduler: Thing | None = None
        self.weights: Thing | None = None

    def active(self) -> tuple[int, ...]:
        if self.scheduler is None:
            return tuple(range(self.settings.num_tasks))
        return tuple(int(name) for name in self.scheduler.active())

    def step(self, gradients: Mapping[int, Vector]) -> None:
        if self.scheduler is None or self.weights is None:
            self._build(next(iter(gradients.values())).size)
            self.step(gradients)
            return
        import torch

        losses = {
            str(k): (self.weights * torch.from_numpy(vector)).sum()
            for k, vector in gradients.items()
        }
        self.scheduler.backward(losses)
        self.scheduler.step()

    def _build(self, dim: int) -> None:
        import torch

        from songoku_theory.torch_scheduler import TaskScheduler

        model = torch.nn.ParameterList([torch.nn.Parameter(torch.ones(dim, dtype=torch.float64))])
        self.weights = model[0]
        settings = self.settings
        config = SchedulerConfig(
            num_tasks=settings.num_tasks,
            tau=settings.tau,
            beta=settings.beta,
            refresh_period=settings.refresh_period,
        )
        heads: dict[str, tuple[()]] = {str(k): () for k in range(settings.num_tasks)}
        self.scheduler = TaskScheduler(model, heads=heads, config=config)


def test_the_torch_scheduler_goes_through_the_same_checks() -> None:
    """Its averages are float32, so an exact tie is not asked of it beyond what float32 holds."""
    results = check_scheduler(TorchScheduler, promises=["+algorithm-1"])
    assert succeeded(results), [r for r in results if not r.ok]


@pytest.mark.parametrize("name", ["MGDA", "Mean", "AlignedMTL", "IMTLG"])
def test_aggregators_of_torchjd(name: str) -> None:
    import torchjd.aggregation as jd

    assert failures(check_combiner(TorchJDCombiner(getattr(jd, name)()))) == {}


def test_a_random_aggregator_is_told_from_a_deterministic_one() -> None:
    import torchjd.aggregation as jd

    found = failures(check_combiner(TorchJDCombiner(jd.Random())))
    assert "deterministic" in found
    assert "answer" not in found
