"""check_scheduler on schedulers with other options, other policies, and other shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.testing import (
    ReferenceScheduler,
    Settings,
    Status,
    check_scheduler,
    reference_factory,
    succeeded,
)

Vector = NDArray[np.float64]


def with_options(options: Mapping[str, object]) -> Callable[[Settings], ReferenceScheduler]:
    def factory(settings: Settings) -> ReferenceScheduler:
        plain = reference_factory(settings).config
        return ReferenceScheduler(replace(plain, **options))  # type: ignore[arg-type]

    return factory


def failures(options: Mapping[str, object]) -> set[str]:
    return {r.check for r in check_scheduler(with_options(options)) if not r.ok}


def test_options_that_keep_every_promise() -> None:
    assert failures({"short_window": "extend", "ema_at_refresh": "reset"}) == set()


def test_options_lose_exactly_what_they_give_up() -> None:
    assert failures({"phase": "restart"}) == {"no-starvation"}
    assert failures({"policy": "static"}) == {"refresh-on-time", "every-refresh"}
    assert failures({"policy": "single_step"}) == {"averages-decide", "beta-used"}
    assert "conflict-free" in failures({"policy": "all_tasks"})
    assert "mild-disagreement" in failures({"policy": "round_robin"})


def test_one_that_takes_all_gradients() -> None:
    results = check_scheduler(with_options({"observe_tasks": "all"}), gradients="all")
    assert succeeded(results), [r for r in results if not r.ok]
    refused = check_scheduler(with_options({"observe_tasks": "all"}), gradients="active")
    assert not succeeded(refused)


def test_promises_are_declared_by_the_factory_or_asked_for() -> None:
    def everybody(settings: Settings) -> ReferenceScheduler:
        return with_options({"policy": "all_tasks"})(settings)

    everybody.promises = ("deterministic", "warm-start")  # type: ignore[attr-defined]
    names = {r.check for r in check_scheduler(everybody)}
    assert "instances-apart" in names
    assert "conflict-free" not in names
    assert succeeded(check_scheduler(everybody))
    without = check_scheduler(with_options({"phase": "restart"}), promises=["no-no-starvation"])
    assert succeeded(without)


def test_one_that_hangs_or_raises_is_reported() -> None:
    class Hangs(ReferenceScheduler):
        def step(self, gradients: Mapping[int, Vector]) -> None:
            while self.state.step > 5:
                pass
            super().step(gradients)

    def factory(settings: Settings) -> Hangs:
        return Hangs(reference_factory(settings).config)

    results = check_scheduler(factory, time_limit=0.3)
    assert any("no answer within 0.3 s" in r.reason for r in results)
    assert any(r.status is Status.ERROR for r in results)

    def broken(settings: Settings) -> ReferenceScheduler:
        raise RuntimeError("no licence")

    assert all("no licence" in r.reason for r in check_scheduler(broken) if not r.ok)


def test_arguments_are_checked() -> None:
    with pytest.raises(InvalidInputError, match="factory"):
        check_scheduler(3)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        check_scheduler(reference_factory, promises=["no-starvatoin"])
    with pytest.raises(UnknownNameError):
        check_scheduler(reference_factory, gradients="some")  # type: ignore[arg-type]
