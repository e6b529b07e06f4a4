"""What is possible, for the error message of a request that is not.

Along a straight line of requests the smallest eigenvalue is a concave function, so the possible
ones form an interval; its end is found by bisection to the last bit that matters.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulations.generators.blocks import BlockCosines

__all__ = ["advice", "last_possible", "least_within", "most_groups"]


def last_possible(
    request: Callable[[float], BlockCosines], possible: float, impossible: float
) -> float | None:
    """Walk from a possible to an impossible request and return the last possible parameter.

    Parameters
    ----------
    request : callable
        Affine in its parameter, so that the possible ones form an interval.
    possible, impossible : float
        The two ends. When `impossible` is possible after all it is the answer.

    Returns
    -------
    float or None
        None when even `possible` is not.

    Examples
    --------
    >>> import numpy as np
    >>> pair = lambda b: BlockCosines((1, 1, 1), (1.0,) * 3, np.full((3, 3), b))
    >>> round(last_possible(pair, 0.0, -1.0), 9)
    -0.5
    """
    if not request(possible).exists:
        return None
    if request(impossible).exists:
        return impossible
    while True:
        middle = 0.5 * (possible + impossible)
        if middle in (possible, impossible):
            return possible
        if request(middle).exists:
            possible = middle
        else:
            impossible = middle


def least_within(blocks: BlockCosines, floor: float = -1.0) -> float | None:
    """Return the smallest within-block cosine, at least `floor`, that the rest of a request allows.

    Identical directions in a block (cosine 1) are the easiest, so None means that no within-block
    cosine helps.

    Examples
    --------
    >>> import numpy as np
    >>> round(least_within(BlockCosines((4, 4, 4), (0.0,) * 3, np.full((3, 3), -0.35))), 9)
    0.6
    """
    return last_possible(blocks.with_within, 1.0, floor)


def most_groups(blocks: BlockCosines, groups: NDArray[np.int64]) -> int:
    """Return how many of the wanted groups fit, keeping the small ones, which are the easiest.

    Parameters
    ----------
    blocks : BlockCosines
    groups : ndarray of int, shape (B,)
        Group of each block.

    Returns
    -------
    int
    """
    sizes = np.bincount(groups, weights=blocks.sizes)
    smallest_first = np.argsort(sizes, kind="stable")
    for count in range(len(smallest_first), 0, -1):
        kept = np.isin(groups, smallest_first[:count])
        if blocks.subset([int(p) for p in np.flatnonzero(kept)]).exists:
            return count
    return 0


def advice(blocks: BlockCosines, conflicts: NDArray[np.bool_], groups: NDArray[np.int64]) -> str:
    """Say what could be asked for instead of an impossible request.

    Parameters
    ----------
    blocks : BlockCosines
        The impossible request.
    conflicts : ndarray of bool, shape (B, B)
        Block pairs that are meant to conflict.
    groups : ndarray of int, shape (B,)
        Group of each block.

    Returns
    -------
    str
        One sentence an option; at least one option.
    """
    options = []
    factor = last_possible(lambda f: blocks.with_between(f, conflicts), 0.0, 1.0)
    if factor is not None and conflicts.any():
        strongest = factor * float(blocks.between[conflicts].min())
        options.append(
            f"a conflicting cosine no lower than {_up(strongest)} with these blocks (so "
            f"tau + gamma <= {_down(-strongest)})"
        )
    within = least_within(blocks)
    if within is not None and any(size > 1 for size in blocks.sizes):
        options.append(f"a within cosine of at least {_up(within)}")
    count = most_groups(blocks, groups)
    if 0 < count < len(np.unique(groups)):
        options.append(f"at most {count} of these groups (the smallest ones)")
    if not options:
        options.append("cosines nearer to 0, or fewer and smaller groups")
    return "Possible instead: " + "; or ".join(options) + "."


def _up(value: float) -> str:
    """Four decimals, rounded towards plus infinity, so that the advice itself is possible."""
    return f"{np.ceil(value * 1e4 - 1e-6) / 1e4 + 0.0:.4f}"


def _down(value: float) -> str:
    return f"{np.floor(value * 1e4 + 1e-6) / 1e4 + 0.0:.4f}"
