"""The tuning budget of a preset: the same number of candidates for every method.

::

    [tuning]
    seed = 1000                       # of the tuning runs; the table's runs must not use it
    share = 0.25                      # of a run's steps; a schedule of rates is squeezed with them
    learning_rates = [1e-3, 3e-3, 1e-2, 3e-2]  # of methods that are not named below
    crossed_rates = [1e-3, 3e-2]      # each with every combination of a named method's options

    [tuning.candidates]
    cagrad = { c = [0.2, 0.5] }       # crossed with crossed_rates; or a list of whole candidates:
    famo = [{ lr = 1e-3, learning_rate = 0.005 }, { lr = 1e-3, learning_rate = 0.025 }]
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["RATE", "Tuning", "tuning_of"]

RATE = "lr"
"""The name of the learning rate in a candidate; every other name is an option of the method."""

_KEYS = ("seed", "share", "learning_rates", "crossed_rates", "candidates")

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

    @property
    def one_range(self) -> bool:
        """Whether every method may choose from the same smallest to the same largest rate."""
        own = [{one[RATE] for one in given if RATE in one} for given in self.candidates.values()]
        ends = {(min(rates), max(rates)) for rates in (*own, self.learning_rates) if rates}
        return len(ends) == 1 and all(own)

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
    seed, share = table["seed"], table["share"]
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidInputError(f"{where}: seed should be a whole number >= 0; found {seed!r}.")
    if not _positive(share) or share > 1:
        raise InvalidInputError(f"{where}: share should lie in (0, 1]; found {share!r}.")
    rates = _rates(table["learning_rates"], f"{where}: learning_rates")
    crossed = table.get("crossed_rates")
    crossed = None if crossed is None else _rates(crossed, f"{where}: crossed_rates")
    own = table.get("candidates", {})
    if not isinstance(own, dict):
        raise InvalidInputError(f"{where}: candidates should be a table; found {own!r}.")
    found = {name: _candidates(name, given, crossed, where) for name, given in own.items()}
    uneven = {name: len(given) for name, given in found.items() if len(given) != len(rates)}
    if uneven:
        raise InvalidInputError(
            f"{where}: every method should have the same number of candidates, here {len(rates)} "
            f"as learning_rates has; found "
            f"{', '.join(f'{name}: {n}' for name, n in sorted(uneven.items()))}."
        )
    return Tuning(seed, float(share), rates, found)


def _rates(given: object, where: str) -> tuple[float, ...]:
    if not isinstance(given, list) or not given or not all(map(_positive, given)):
        raise InvalidInputError(f"{where} should be a list of numbers > 0; found {given!r}.")
    if len(set(given)) != len(given):
        raise InvalidInputError(f"{where} names one twice: {given!r}.")
    return tuple(float(rate) for rate in given)


def _crossed(
    method: str, options: Mapping[str, Any], rates: tuple[float, ...] | None, where: str
) -> list[dict[str, Any]]:
    """Return every rate with every combination of the options' values; rates change slowest."""
    if rates is None:
        raise InvalidInputError(
            f"{where}: the options of {method} are crossed with crossed_rates, which is not there."
        )
    for name, several in options.items():
        if not isinstance(several, list) or not several:
            raise InvalidInputError(
                f"{where}: {name} of {method} should be a list of values to try; found {several!r}."
            )
    return [
        {RATE: rate, **dict(zip(options, values, strict=True))}
        for rate in rates
        for values in itertools.product(*options.values())
    ]


def _candidates(
    method: str, given: object, rates: tuple[float, ...] | None, where: str
) -> tuple[Candidate, ...]:
    from simulations.training.methods import method_info

    options = method_info(method).options
    if isinstance(given, dict):
        given = _crossed(method, given, rates, where)
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise InvalidInputError(
            f"{where}: candidates of {method} should be a list of tables, or a table of lists; "
            f"found {given!r}."
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
