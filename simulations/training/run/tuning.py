"""The tuning budget of a preset: the same number of candidates for every method.

::

    [tuning]
    seed = 1000                       # of the tuning runs; the table's runs must not use it
    share = 0.25                      # of a run's steps; a schedule of rates is squeezed with them
    learning_rates = [1e-3, 1e-2]     # the candidates of methods that are not named below

    [tuning.candidates]               # `lr`, and options of the method
    cagrad = [{ lr = 1e-3, c = 0.2 }, { lr = 1e-3, c = 0.5 }]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["RATE", "Tuning", "tuning_of"]

RATE = "lr"
"""The name of the learning rate in a candidate; every other name is an option of the method."""

_KEYS = ("seed", "share", "learning_rates", "candidates")

Candidate = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tuning:
    """How every method is tuned.

    Attributes
    ----------
    seed : int
    share : float
        Of a run's steps, in (0, 1].
    learning_rates : tuple of float
        The candidates of a method without its own.
    candidates : mapping from method to tuple of candidates
    """

    seed: int
    share: float
    learning_rates: tuple[float, ...]
    candidates: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Candidates of each method."""
        return len(self.learning_rates)

    def of(self, method: str) -> tuple[Candidate, ...]:
        """Return a method's candidates."""
        default = tuple({RATE: rate} for rate in self.learning_rates)
        return self.candidates.get(method, default)


def tuning_of(table: object, source: str) -> Tuning:
    """Return the tuning that a table asks for.

    Parameters
    ----------
    table : object
        As TOML gives it.
    source : str
        Where it stands, for messages.

    Raises
    ------
    UnknownNameError
        When a key, method or option does not exist.
    InvalidInputError
        When a value is out of range, or methods have different numbers of candidates.

    Examples
    --------
    >>> tuning_of({"seed": 9, "share": 0.5, "learning_rates": [0.1, 0.2]}, "mine").of("uniform")
    ({'lr': 0.1}, {'lr': 0.2})
    """
    where = f"{source}, [tuning]"
    if not isinstance(table, dict):
        raise InvalidInputError(f"{where} should be a table; found {table!r}.")
    for name in table:
        if name not in _KEYS:
            raise unknown_name(f"key in {where}", name, _KEYS)
    for name in _KEYS[:3]:
        if name not in table:
            raise InvalidInputError(f"{where} lacks {name!r}.")
    seed, share, rates = table["seed"], table["share"], table["learning_rates"]
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidInputError(f"{where}: seed should be a whole number >= 0; found {seed!r}.")
    if not _positive(share) or share > 1:
        raise InvalidInputError(f"{where}: share should lie in (0, 1]; found {share!r}.")
    if not isinstance(rates, list) or not rates or not all(map(_positive, rates)):
        raise InvalidInputError(
            f"{where}: learning_rates should be a list of numbers > 0; found {rates!r}."
        )
    if len(set(rates)) != len(rates):
        raise InvalidInputError(f"{where}: learning_rates names one twice: {rates!r}.")
    own = table.get("candidates", {})
    if not isinstance(own, dict):
        raise InvalidInputError(f"{where}: candidates should be a table; found {own!r}.")
    found = {name: _candidates(name, given, where) for name, given in own.items()}
    uneven = {name: len(given) for name, given in found.items() if len(given) != len(rates)}
    if uneven:
        raise InvalidInputError(
            f"{where}: every method should have the same number of candidates, here {len(rates)} "
            f"as learning_rates has; found "
            f"{', '.join(f'{name}: {n}' for name, n in sorted(uneven.items()))}."
        )
    return Tuning(seed, float(share), tuple(float(r) for r in rates), found)


def _candidates(method: str, given: object, where: str) -> tuple[Candidate, ...]:
    from simulations.training.methods import method_info

    options = method_info(method).options
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise InvalidInputError(
            f"{where}: candidates of {method} should be a list of tables; found {given!r}."
        )
    for one in given:
        for name in one:
            if name != RATE and name not in options:
                raise unknown_name(f"option of {method} in {where}", name, (RATE, *options))
        if RATE in one and not _positive(one[RATE]):
            raise InvalidInputError(
                f"{where}: {RATE} of {method} should be a number > 0; found {one[RATE]!r}."
            )
    if any(one in given[:i] for i, one in enumerate(given)):
        raise InvalidInputError(f"{where}: candidates of {method} name one twice: {given!r}.")
    return tuple(given)


def _positive(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < math.inf  # type: ignore[operator]
