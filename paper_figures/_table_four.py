"""Table 4 of the paper as printed, and what its rows imply about one another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PERIODS", "PLAIN", "SCHEDULED", "SIZES", "Growth", "growth", "multiple", "relative_sd"]

SIZES = (3, 6, 16, 40)
"""K of the columns."""
PERIODS = (4, 32, 256)
STEPS = 900
REPEATS = 10

PLAIN: dict[str, tuple[tuple[float, float], ...]] = {
    "Uniform": ((0.2656, 0.1201), (0.3240, 0.0629), (0.3798, 0.1050), (0.4054, 0.1190)),
    "GradNorm": ((5.4714, 0.7137), (5.1201, 0.6112), (4.9042, 0.5869), (4.7372, 0.9286)),
    "MGDA": ((97.1081, 5.4645), (121.4371, 9.0923), (132.4913, 3.1752), (134.0878, 2.2621)),
    "PCGrad": ((3.6212, 0.3517), (23.1266, 0.8773), (176.7566, 2.8171), (1127.1337, 34.2603)),
    "CAGrad": ((102.8651, 18.3422), (136.1034, 2.4218), (134.3585, 4.0791), (132.7034, 1.2412)),
    "AdaTask": ((2.1816, 0.0934), (2.1032, 0.1012), (2.2853, 0.0718), (2.2278, 0.1370)),
    "FAMO": ((2.0725, 0.2073), (1.9980, 0.1998), (2.1710, 0.2171), (2.1164, 0.2116)),
    "FairGrad": ((3.8020, 0.5703), (15.2079, 2.2812), (108.1450, 16.2218), (675.9065, 101.3860)),
    "Nash-MTL": (
        (5.7030, 1.1406),
        (22.8118, 4.5624),
        (162.2176, 32.4435),
        (1013.8598, 202.7720),
    ),
}
"""Seconds and standard deviation of 900 steps, one pair a K: the rows without R."""

SCHEDULED: dict[str, dict[int, tuple[tuple[float, float], ...]]] = {
    "SON-GOKU": {
        4: ((2.0904, 0.3506), (3.6770, 0.4974), (6.3225, 0.7895), (14.3280, 1.4073)),
        32: ((1.9896, 0.3651), (3.3202, 0.5745), (6.0897, 0.9425), (12.1432, 1.2044)),
        256: ((1.7593, 0.2280), (3.0024, 0.3942), (4.8411, 0.7302), (11.4162, 1.6076)),
    },
    "SON-GOKU + AdaTask": {
        4: ((4.1011, 0.4174), (5.2126, 0.6066), (7.6798, 0.7107), (14.7528, 1.8671)),
        32: ((3.7718, 0.9654), (5.0511, 0.6531), (7.5903, 1.1920), (14.5182, 2.0660)),
        256: ((3.7224, 0.2696), (4.4548, 0.5837), (7.5276, 0.6230), (13.0608, 3.2925)),
    },
    "SON-GOKU + GradNorm": {
        4: ((7.3223, 0.4994), (8.5898, 0.8203), (12.1065, 2.5850), (16.8329, 1.9803)),
        32: ((7.0202, 1.0711), (8.1661, 0.9355), (10.7227, 2.2088), (16.5760, 1.8418)),
        256: ((6.0221, 1.0418), (7.8659, 0.7917), (9.5029, 1.2168), (15.6860, 2.3680)),
    },
    "SON-GOKU + PCGrad": {
        4: ((2.3489, 0.3258), (3.5925, 0.4100), (6.1549, 0.8461), (12.5729, 1.2657)),
        32: ((1.9834, 0.3586), (3.4971, 0.3840), (6.1395, 0.9425), (10.9097, 1.5263)),
        256: ((1.6776, 0.4104), (3.0189, 0.7854), (5.9893, 1.3797), (7.1915, 0.2021)),
    },
}
"""The same for the rows with R."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A power law through points: ``seconds = factor K^exponent``.

    ``low`` and ``high`` are the exponent's 95% interval by Student's t on the misfit of the
    logarithms (number of points less 2 degrees of freedom): they hold a wrong law against it.
    """

    exponent: float
    low: float
    high: float


def growth(sizes: list[int], seconds: list[float]) -> Growth:
    """Fit a power law by least squares on logarithms.

    Parameters
    ----------
    sizes : list of int
        K, at least two of them different.
    seconds : list of float
        > 0.

    Examples
    --------
    >>> found = growth([3, 6, 16, 40], [seconds for seconds, _ in PLAIN["FairGrad"]])
    >>> round(found.exponent, 4), round(found.high - found.low, 4)
    (2.0, 0.0)
    """
    from scipy.stats import t

    x: NDArray[np.float64] = np.log(np.asarray(sizes, dtype=np.float64))
    y: NDArray[np.float64] = np.log(np.asarray(seconds, dtype=np.float64))
    spread = x - x.mean()
    slope = float(spread @ y / (spread @ spread))
    if len(sizes) < 3:
        return Growth(slope, slope, slope)
    rest = y - y.mean() - slope * spread
    freedom = len(sizes) - 2
    error = math.sqrt(float(rest @ rest) / freedom / float(spread @ spread))
    half = float(t.ppf(0.975, freedom)) * error
    return Growth(slope, slope - half, slope + half)


def multiple(row: str, of: str) -> tuple[float, float] | None:
    """Return the factor if one printed row is another times it, to the last printed digit.

    Returns
    -------
    tuple of float or None
        The factors that all four numbers allow, least and most.

    Examples
    --------
    >>> [round(end, 4) for end in multiple("FAMO", "AdaTask")]
    [0.95, 0.95]
    >>> multiple("MGDA", "CAGrad") is None
    True
    """
    half = 0.5e-4  # printed to four places, each number rounded on its own
    pairs = [(a, b) for (a, _), (b, _) in zip(PLAIN[row], PLAIN[of], strict=True)]
    low = max((a - half) / (b + half) for a, b in pairs)
    high = min((a + half) / (b - half) for a, b in pairs)
    return (low, high) if low <= high else None


def relative_sd(row: str) -> tuple[float, float]:
    """Return the least and the most standard deviation over mean of a row.

    Examples
    --------
    >>> [round(share, 3) for share in relative_sd("Nash-MTL")]
    [0.2, 0.2]
    """
    shares = [sd / mean for mean, sd in PLAIN[row]]
    return min(shares), max(shares)
