"""Checks that the generators share: one wording for a number and for a whole number."""

from __future__ import annotations

import math
from numbers import Integral, Real

from songoku_theory.errors import InvalidInputError

__all__ = ["check_number", "check_whole"]


def check_number(name: str, value: object) -> None:
    """Check a finite real number.

    Raises
    ------
    InvalidInputError
        When it is not one.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise InvalidInputError(f"{name} should be a finite number; found {value!r}.")


def check_whole(name: str, value: object, least: int = 1, why: str = "") -> None:
    """Check a whole number that is at least `least`.

    Raises
    ------
    InvalidInputError
        When it is not one.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise InvalidInputError(
            f"{name} should be a whole number >= {least}{f' ({why})' if why else ''}; found "
            f"{value!r}."
        )
