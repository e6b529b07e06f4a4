"""Try to refute: random instances, rounded to rationals, judged in exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from proofs_check.methods.findings import inconclusive, refutes
from proofs_check.model import Finding

__all__ = ["search_rationals"]

Draw = Callable[[np.random.Generator], Sequence[float]]


def search_rationals(
    draw: Draw,
    violates: Callable[[Sequence[Fraction]], bool],
    seed: int,
    tries: int,
    denominators: Sequence[int] = (2, 3, 5, 10, 100, 10_000),
) -> Finding:
    """Draw points at random and round each to rationals, coarsest first.

    A violation is only ever reported in exact arithmetic; of one drawn point the smallest
    denominators that still violate are kept, so what is found is already nearly shrunk.

    Parameters
    ----------
    draw : callable
        ``draw(rng) -> floats``, a random instance.
    violates : callable
        Exact predicate: True if the rationals violate the statement. It also has to say False
        to a point that rounding moved out of the statement's hypotheses.
    seed : int
    tries : int
    denominators : sequence of int
        Largest denominators to try, ascending.

    Returns
    -------
    Finding
        Refuting with the instance, or inconclusive: not finding one is not evidence enough to
        count as a method.

    Examples
    --------
    >>> found = search_rationals(lambda rng: [rng.uniform(-1, 1)], lambda x: x[0] < 0, 0, 100)
    >>> found.outcome.value
    'refutes'
    """
    rng = np.random.default_rng(seed)
    for number in range(1, tries + 1):
        point = [float(value) for value in draw(rng)]
        for denominator in denominators:
            rounded = [Fraction(value).limit_denominator(denominator) for value in point]
            if violates(rounded):
                shown = ", ".join(str(value) for value in rounded)
                return refutes(
                    "random search", f"violated at ({shown}), try {number} (seed {seed})"
                )
    return inconclusive("random search", f"no violation in {tries} random tries (seed {seed})")
