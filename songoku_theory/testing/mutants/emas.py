"""Faulty exponential moving averages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from songoku_theory.ema import Convention, ema, ema_weights
from songoku_theory.testing.mutants.model import Kind, Specimen

__all__ = ["EMAS"]

Matrix = NDArray[np.float64]


def windowed(rows: Matrix, beta: float) -> Matrix:
    """Return eq. 18."""
    return ema(rows, beta, "windowed")


def carried(rows: Matrix, beta: float) -> Matrix:
    """Return eq. 8, by its recursion."""
    mean: Matrix = np.zeros(rows.shape[1:])
    for row in rows:
        mean = beta * mean + (1.0 - beta) * row
    return mean


def swapped(rows: Matrix, beta: float) -> Matrix:
    """Swap beta and 1 - beta."""
    mean: Matrix = np.zeros(rows.shape[1:])
    for row in rows:
        mean = (1.0 - beta) * mean + beta * row
    return mean


def no_new_weight(rows: Matrix, beta: float) -> Matrix:
    """Forget the factor 1 - beta."""
    mean: Matrix = np.zeros(rows.shape[1:])
    for row in rows:
        mean = beta * mean + row
    return mean


def starts_with_the_first(rows: Matrix, beta: float) -> Matrix:
    """Start the buffer with the first gradient, which then counts too much."""
    mean: Matrix = rows[0].astype(np.float64)
    for row in rows[1:]:
        mean = beta * mean + (1.0 - beta) * row
    return mean


def not_normalised(rows: Matrix, beta: float) -> Matrix:
    """Leave the weights unnormalised and call it windowed."""
    return carried(rows, beta)


def corrected_once_too_often(rows: Matrix, beta: float) -> Matrix:
    """Divide by 1 - beta**(T + 1)."""
    return np.asarray(carried(rows, beta) / (1.0 - beta ** (len(rows) + 1)))


def newest_first(rows: Matrix, beta: float) -> Matrix:
    """Give the oldest gradient the newest one's weight."""
    return windowed(rows[::-1], beta)


def plain_mean(rows: Matrix, beta: float) -> Matrix:
    """Average without any decay."""
    return np.asarray(rows.mean(axis=0))


def latest_only(rows: Matrix, beta: float) -> Matrix:
    """Update the buffer at the refresh only, so that one gradient counts."""
    return np.asarray((1.0 - beta) * rows[-1], dtype=np.float64)


def every_other(rows: Matrix, beta: float) -> Matrix:
    """Skip every other gradient."""
    return windowed(rows[::-1][::2][::-1], beta)


def short_memory(rows: Matrix, beta: float) -> Matrix:
    """Keep the last 16 gradients only."""
    return windowed(rows[-16:], beta)


def single_precision(rows: Matrix, beta: float) -> Matrix:
    """Average in 32 bits."""
    with np.errstate(over="ignore"):
        return carried(rows.astype(np.float32), beta)


def in_place(rows: Matrix, beta: float) -> Matrix:
    """Use the caller's first gradient as the buffer."""
    mean: Matrix = rows[0]
    mean *= 1.0 - beta
    for row in rows[1:]:
        mean *= beta
        mean += (1.0 - beta) * row
    return mean.copy()


def clipped(rows: Matrix, beta: float) -> Matrix:
    """Clip entries to 10 on the way in."""
    return windowed(np.clip(rows, -10.0, 10.0), beta)


def one_more_decay(rows: Matrix, beta: float) -> Matrix:
    """Decay after adding, not before."""
    weights = ema_weights(len(rows), beta, "carried") * beta
    return np.asarray(np.tensordot(weights, rows, axes=1))


def _mutant(
    function: Callable[..., Matrix], convention: Convention, seen: bool = False
) -> Specimen:
    doc = (function.__doc__ or "").splitlines()[0].rstrip(".")
    name = doc[0].lower() + doc[1:]
    return Specimen(name, Kind.EMA, function, seen=seen, options={"convention": convention})


EMAS: tuple[Specimen, ...] = (
    Specimen("ema, windowed", Kind.EMA, windowed, faulty=False, options={"convention": "windowed"}),
    Specimen("ema, carried", Kind.EMA, carried, faulty=False, options={"convention": "carried"}),
    _mutant(swapped, "carried"),
    _mutant(no_new_weight, "carried"),
    _mutant(starts_with_the_first, "carried"),
    _mutant(not_normalised, "windowed"),
    _mutant(corrected_once_too_often, "windowed"),
    _mutant(newest_first, "windowed"),
    _mutant(plain_mean, "windowed"),
    _mutant(latest_only, "carried", seen=True),
    _mutant(every_other, "windowed"),
    _mutant(short_memory, "windowed"),
    _mutant(single_precision, "carried"),
    _mutant(in_place, "carried"),
    _mutant(clipped, "windowed"),
    _mutant(one_more_decay, "carried"),
)
"""Correct averages first, then one fault each."""
