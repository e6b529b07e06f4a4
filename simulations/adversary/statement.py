"""A statement that an adversary may try to break: premises and a slack, as plain functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from simulations.generators.checks import check_whole
from songoku_theory.errors import InvalidInputError

__all__ = ["Judgement", "Statement", "judge_exactly", "judge_floats"]

Points = NDArray[np.float64]
Values = Callable[[NDArray], NDArray]  # type: ignore[type-arg]  # floats, or objects (Fraction)


def _no_premises(points: NDArray) -> NDArray:  # type: ignore[type-arg]
    return np.empty((len(points), 0), dtype=points.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """``slack(x) >= 0 wherever every premise is >= 0``, for x in R^n.

    Parameters
    ----------
    name : str
    doc : str
        The statement in words.
    variables : tuple of str
        Names of the n coordinates, for messages.
    slack : callable (N, n) -> (N,)
        What the statement says is not negative. Uses only ``+ - * /``, comparisons, ``abs``,
        ``numpy.where`` and the like, so that it also works on arrays of ``Fraction``: the same
        code is then judged exactly.
    premises : callable (N, n) -> (N, c), optional
        Each is ``>= 0`` where the statement applies. Strict ones: `strict`.
    strict : callable (N, n) -> (N, c), optional
        Each is ``> 0`` where the statement applies.
    scale : float, default 1
        Typical size of a coordinate.
    scale_free : bool, default False
        Whether the slack does not shrink with the point, so that a slack near 0 means a bound that
        is attained.

    Raises
    ------
    InvalidInputError
        When there are no variables.

    Examples
    --------
    >>> square = Statement(
    ...     name="square",
    ...     doc="x^2 >= x",
    ...     variables=("x",),
    ...     slack=lambda x: x[:, 0] ** 2 - x[:, 0],
    ... )
    >>> judge_exactly(square, [Fraction(1, 2)]).slack
    Fraction(-1, 4)
    """

    name: str
    doc: str
    variables: tuple[str, ...]
    slack: Values
    premises: Values = _no_premises
    strict: Values = _no_premises
    scale: float = 1.0
    scale_free: bool = False

    def __post_init__(self) -> None:
        check_whole("the number of variables", len(self.variables))
        if not self.scale > 0:
            raise InvalidInputError(f"scale should be > 0; found {self.scale!r}.")

    @property
    def size(self) -> int:
        """n."""
        return len(self.variables)

    def describe(self, point: Sequence[Fraction]) -> str:
        """Write a point as ``x = 1, y = -1/2``."""
        pairs = zip(self.variables, point, strict=True)
        return ", ".join(f"{name} = {value}" for name, value in pairs)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A statement at one point, in exact arithmetic.

    Attributes
    ----------
    applies : bool
        Whether all premises hold.
    slack : Fraction or None
        None where they do not.
    """

    applies: bool
    slack: Fraction | None

    @property
    def broken(self) -> bool:
        """Whether the point is a counterexample."""
        return self.slack is not None and self.slack < 0


def judge_exactly(statement: Statement, point: Sequence[Fraction]) -> Judgement:
    """Evaluate a statement at a rational point without rounding.

    Parameters
    ----------
    statement : Statement
    point : sequence of Fraction, length n

    Returns
    -------
    Judgement

    Raises
    ------
    InvalidInputError
        When the point has another length, or a function of the statement left the rationals.
    """
    if len(point) != statement.size:
        raise InvalidInputError(
            f"{statement.name} has {statement.size} variables; found a point of {len(point)}."
        )
    row = np.empty((1, statement.size), dtype=object)
    row[0, :] = [Fraction(value) for value in point]
    for premises, strict in ((statement.premises, False), (statement.strict, True)):
        for value in premises(row)[0]:
            held = _rational(statement, value)
            if held < 0 or (strict and held == 0):
                return Judgement(False, None)
    return Judgement(True, _rational(statement, statement.slack(row)[0]))


def _rational(statement: Statement, value: object) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return Fraction(int(value))
    raise InvalidInputError(
        f"{statement.name}: its functions should keep rationals rational; found {value!r}. "
        "Use + - * /, comparisons and abs, and no float constants."
    )


def judge_floats(statement: Statement, points: Points) -> tuple[Points, Points]:
    """Evaluate a statement at many points in double precision.

    Parameters
    ----------
    statement : Statement
    points : ndarray, shape (N, n)

    Returns
    -------
    slack : ndarray, shape (N,)
        Infinite where it is not defined.
    missing : ndarray, shape (N,)
        By how much the premises fail in all; 0 where they hold.
    """
    with np.errstate(all="ignore"):
        slack = np.asarray(statement.slack(points), dtype=np.float64)
        closed = np.asarray(statement.premises(points), dtype=np.float64)
        opened = np.asarray(statement.strict(points), dtype=np.float64)
        missing = np.clip(-closed, 0.0, None).sum(axis=1)
        missing = missing + np.where(opened > 0, 0.0, 1e-12 - opened).sum(axis=1)
    bad = ~np.isfinite(slack) | ~np.isfinite(missing)
    return np.where(bad, np.inf, slack), np.where(bad, np.inf, missing)
