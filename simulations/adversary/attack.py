"""Attack a statement: small rationals first, then gradients, then shrink what was found."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from simulations.adversary.descend import search_by_gradient
from simulations.adversary.exact import (
    complexity,
    rationalise,
    search_small_rationals,
    shrink,
)
from simulations.adversary.statement import Statement, judge_exactly

__all__ = ["Attack", "attack"]

BROKEN_IN_FLOATS = 1e-7
"""How far below zero a float slack has to be before anybody believes it."""

TIGHT = 1e-2
"""How near to zero a scale-free slack has to come for a bound to count as attained."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What an attack found.

    Attributes
    ----------
    statement : str
        Its name.
    outcome : {"broken", "suspect", "survived"}
        ``broken``: `counterexample` breaks it in exact arithmetic. ``suspect``: it fails in
        floats, but no rational nearby breaks it. ``survived``: neither; no proof.
    counterexample : tuple of Fraction or None
        Shrunk.
    slack : Fraction or None
        Of the counterexample, exact and negative.
    text : str
        The counterexample in words; else "".
    least : float
        The smallest slack found in floats where the premises hold; infinite if nowhere.
    evaluations : int
    tight : bool or None
        Whether a statement that survived was nearly broken (`TIGHT`): its bound can't be improved
        by more. None where it was broken, or its slack is not scale-free.
    """

    statement: str
    outcome: Literal["broken", "suspect", "survived"]
    counterexample: tuple[Fraction, ...] | None
    slack: Fraction | None
    text: str
    least: float
    evaluations: int
    tight: bool | None = None


def attack(
    statement: Statement,
    rng: np.random.Generator,
    *,
    budget: int = 200_000,
    restarts: int = 64,
    steps: int = 200,
) -> Attack:
    """Try to break a statement, and to come as near as possible where that fails.

    Parameters
    ----------
    statement : Statement
        Yours, or one of `simulations.adversary.STATEMENTS`.
    rng : numpy.random.Generator
    budget : int, default 200_000
        Small rational points to try.
    restarts, steps : int
        Of the search by gradients.

    Returns
    -------
    Attack

    Examples
    --------
    >>> import numpy as np
    >>> wrong = Statement(
    ...     name="mean",
    ...     doc="x y >= ((x + y) / 2)^2",
    ...     variables=("x", "y"),
    ...     slack=lambda p: p[:, 0] * p[:, 1] - ((p[:, 0] + p[:, 1]) / 2) ** 2,
    ... )
    >>> found = attack(wrong, np.random.default_rng(0), restarts=4, steps=20)
    >>> found.outcome, found.text, str(found.slack)
    ('broken', 'x = 1, y = 0', '-1/4')
    """
    small, _, tried = search_small_rationals(statement, rng, budget=budget)
    candidates = [] if small is None else [small]
    found = search_by_gradient(statement, rng, restarts=restarts, steps=steps)
    least = float(found.slacks[0]) if len(found.slacks) else float("inf")
    for point, slack in zip(found.points[:8], found.slacks[:8], strict=True):
        rounded = rationalise(statement, point) if slack < 0 else None
        if rounded is not None:
            candidates.append(rounded)
    evaluations = tried + found.evaluations
    if not candidates:
        outcome: Literal["suspect", "survived"] = (
            "suspect" if least < -BROKEN_IN_FLOATS else "survived"
        )
        tight = least <= TIGHT if statement.scale_free and outcome == "survived" else None
        return Attack(statement.name, outcome, None, None, "", least, evaluations, tight)
    smallest = min((shrink(statement, point) for point in candidates), key=complexity)
    exact = judge_exactly(statement, smallest).slack
    assert exact is not None  # shrink returns counterexamples only
    least = min(least, float(exact))
    return Attack(
        statement.name,
        "broken",
        smallest,
        exact,
        statement.describe(smallest),
        least,
        evaluations,
    )
