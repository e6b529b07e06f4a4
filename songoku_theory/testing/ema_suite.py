"""The conformance suite for exponential moving averages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from songoku_theory.ema import Convention, check_convention, ema_weights
from songoku_theory.testing.named import NamedCheck, run_checks, settle_promises
from songoku_theory.testing.results import CheckResult

__all__ = ["EMA_PROMISES", "check_ema"]

EmaFunction = Callable[[NDArray[np.float64], float], Any]

EMA_PROMISES: dict[str, str] = {
    "weights": "each gradient has the weight of eq. 8 (carried) or eq. 18 (windowed)",
    "linear": "the average of sums is the sum of the averages",
    "latest": "with beta = 0 only the latest gradient counts",
    "constant": "equal gradients average to themselves, up to the weights' sum",
}
"""What an average can be held to; by default all of it."""

_SETTINGS = tuple((w, b) for w in (1, 2, 5, 32, 200) for b in (0.0, 0.1, 0.5, 0.9, 0.99))


@dataclass(frozen=True, slots=True)
class _Average:
    function: EmaFunction
    convention: Convention

    def __call__(self, rows: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
        """The average, checked to be a finite vector, with the gradients left as they were."""
        given = rows.copy()
        found = np.asarray(self.function(given, beta), dtype=np.float64)
        if found.shape != rows.shape[1:]:
            raise ValueError(f"expected an average of shape {rows.shape[1:]}; found {found.shape}")
        if not np.isfinite(found).all():
            raise ValueError("the average of finite gradients is not finite")
        if not np.array_equal(given, rows):
            raise ValueError("it changed the gradients in place")
        return found


def check_weights(average: _Average) -> str:
    """The weight of each gradient, read off by averaging one unit vector a step."""
    for window, beta in _SETTINGS:
        found = average(np.eye(window), beta)
        expected = ema_weights(window, beta, average.convention)
        off = np.abs(found - expected)
        if off.max() > 1e-12:
            at = int(np.argmax(off))
            return (
                f"window {window}, beta {beta}: the gradient {window - 1 - at} steps before the "
                f"last has weight {found[at]:.6g}; {average.convention} has {expected[at]:.6g}"
            )
    return ""


def check_latest(average: _Average) -> str:
    """With beta = 0 the average is the latest gradient."""
    rows = np.random.default_rng(0).normal(size=(6, 4))
    found = average(rows, 0.0)
    return "" if np.allclose(found, rows[-1], rtol=1e-12) else "beta = 0: not the latest gradient"


def check_constant(average: _Average) -> str:
    """Equal gradients average to themselves times the sum of the weights."""
    for window, beta in _SETTINGS:
        rows = np.tile([2.0, -3.0], (window, 1))
        total = float(ema_weights(window, beta, average.convention).sum())
        found = average(rows, beta)
        if not np.allclose(found, total * rows[0], rtol=1e-10):
            return (
                f"window {window}, beta {beta}: equal gradients come out times "
                f"{found[0] / 2.0:.6g}; {average.convention} has {total:.6g}"
            )
    return ""


def check_linear(average: _Average) -> str:
    """The average of sums is the sum of averages, and factors come out, from 1e-100 to 1e100."""
    rng = np.random.default_rng(1)
    one, two = rng.normal(size=(2, 9, 5))
    if not np.allclose(average(one + two, 0.7), average(one, 0.7) + average(two, 0.7), rtol=1e-9):
        return "the average of sums is not the sum of the averages"
    for factor in (1e-100, 1e100):
        if not np.allclose(average(factor * one, 0.7) / factor, average(one, 0.7), rtol=1e-9):
            return f"gradients times {factor:g} do not average to {factor:g} times the average"
    return ""


EMA_CHECKS: tuple[NamedCheck, ...] = (
    NamedCheck("weights", "weights", check_weights),
    NamedCheck("latest", "latest", check_latest),
    NamedCheck("constant", "constant", check_constant),
    NamedCheck("linear", "linear", check_linear),
)


def check_ema(
    average: EmaFunction,
    *,
    convention: Convention = "windowed",
    promises: Iterable[str] = (),
    expected_failures: Mapping[str, str] | None = None,
    time_limit: float = 60.0,
    isolate: bool = True,
    start_method: Literal["fork", "spawn"] | None = None,
) -> list[CheckResult]:
    """Run every check of an exponential moving average.

    Parameters
    ----------
    average : callable
        ``(gradients (T, d), beta) -> average (d,)``, oldest gradient first.
    convention : {"windowed", "carried"}
        Weights that sum to one (eq. 18), or those of the recursion from zero (eq. 8).
    promises : iterable of str, optional
        By default all of ``EMA_PROMISES``.
    expected_failures, time_limit, isolate, start_method
        As in ``check_scheduler``.

    Returns
    -------
    list of CheckResult

    Examples
    --------
    >>> from songoku_theory.ema import ema
    >>> from songoku_theory.testing import succeeded
    >>> succeeded(check_ema(ema))
    True
    """
    check_convention(convention)
    return run_checks(
        _Average(average, convention),
        EMA_CHECKS,
        settle_promises(promises, EMA_PROMISES, EMA_PROMISES),
        expected_failures=expected_failures,
        time_limit=time_limit,
        isolate=isolate,
        start_method=start_method,
    )
