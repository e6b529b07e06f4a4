"""What ``songoku group`` does with a benchmark: the table ``[grouping]`` of a preset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["GroupingOptions"]

_LISTS = ("num_groups", "max_sizes", "min_sizes", "intervals")
_LINKS = ("must_link", "cannot_link")


@dataclass(frozen=True, slots=True)
class GroupingOptions:
    """Settings of a comparison; `CollectOptions` has those of the collection.

    Attributes
    ----------
    seeds : int
        Repetitions of everything, seeds 0, 1, ...; >= 2, for an interval.
    num_groups : tuple of int
        m of the plain runs.
    random_draws : int
        Random groupings for each m and seed.
    hoa : bool
        Higher-order approximation, which trains all pairs of tasks.
    enumerate_tasks : int
        With at most so many tasks every set of them is trained, so that the optimum is known.
    overlap : bool
        Whether a task may be in several groups; of its networks the one with the least validation
        error then counts, and no optimum is known.
    must_link, cannot_link : tuple of (str, str)
        Tasks that share all groups, or none; of every way to group but together, single, son_goku.
    max_sizes, min_sizes : tuple of int
        Size limits of the runs of PTG 5.3.
    sized_groups : int
        m of those, and of the lazy ones.
    intervals : tuple of int
        Steps from one collection to the next, of PTG 5.4.
    sampled : bool
        Whether to add ``ptg_sampled`` (PTG 4.3).
    interval : int
        Steps from one collection to the next in the plain runs.
    quantity, measured_on, validation_examples
        See `CollectOptions`.
    time_limit : float
        Seconds of a solver.

    Raises
    ------
    InvalidInputError
        When a value is out of range.
    """

    seeds: int = 3
    num_groups: tuple[int, ...] = (2, 3, 4)
    random_draws: int = 10
    hoa: bool = True
    enumerate_tasks: int = 0
    overlap: bool = False
    must_link: tuple[tuple[str, str], ...] = ()
    cannot_link: tuple[tuple[str, str], ...] = ()
    max_sizes: tuple[int, ...] = ()
    min_sizes: tuple[int, ...] = ()
    sized_groups: int = 2
    intervals: tuple[int, ...] = ()
    sampled: bool = True
    interval: int = 1
    quantity: str = "loss"
    measured_on: str = "step"
    validation_examples: int = 256
    time_limit: float = 60.0

    def __post_init__(self) -> None:
        lowest = {
            "seeds": 2,
            "random_draws": 1,
            "enumerate_tasks": 0,
            "sized_groups": 1,
            "interval": 1,
            "validation_examples": 1,
        }
        for name, least in lowest.items():
            _whole(name, getattr(self, name), least)
        for name in _LISTS:
            values = getattr(self, name)
            for value in values:
                _whole(f"each of {name}", value, 1)
            if len(set(values)) < len(values):
                raise InvalidInputError(f"{name} should hold each value once; found {values}.")
        for name in _LINKS:
            for one, other in getattr(self, name):
                if one == other:
                    raise InvalidInputError(
                        f"{name} should hold pairs of different tasks; found {one},{other}."
                    )
        if not self.num_groups:
            raise InvalidInputError("num_groups should hold at least one number of groups.")
        if self.enumerate_tasks > 12:
            raise InvalidInputError(
                f"enumerate_tasks should be at most 12 (12 tasks have 4,095 sets, each a network); "
                f"found {self.enumerate_tasks}."
            )
        if any(value % self.interval for value in self.intervals):
            raise InvalidInputError(
                f"intervals should be multiples of interval = {self.interval}, the steps at which "
                f"affinities are collected; found {self.intervals}."
            )
        if not self.time_limit > 0:
            raise InvalidInputError(f"time_limit should be > 0 seconds; found {self.time_limit!r}.")

    @classmethod
    def of(cls, table: Mapping[str, Any], source: str = "[grouping]") -> GroupingOptions:
        """Return the options that a table names, defaults for the rest.

        Raises
        ------
        UnknownNameError
            When an option does not exist; names the nearest.
        InvalidInputError
            When a value is of another kind than it should be.
        """
        valid = [f.name for f in fields(cls)]
        given: dict[str, Any] = {}
        for name, value in table.items():
            if name not in valid:
                raise unknown_name(f"option in {source}", name, valid)
            given[name] = _frozen(name, value)
            default = next(f.default for f in fields(cls) if f.name == name)
            number = isinstance(default, float) and isinstance(value, int)
            if not number and not isinstance(given[name], type(default)):
                raise InvalidInputError(
                    f"{source}: {name} should be like {default!r}; found {value!r}."
                )
        return cls(**given)

    def as_table(self) -> dict[str, Any]:
        """Return all options as plain values, for JSON."""
        return asdict(self)


def _whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidInputError(f"{name} should be a whole number >= {least}; found {value!r}.")


def _frozen(name: str, value: object) -> object:
    if name in _LISTS and isinstance(value, list | tuple):
        return tuple(value)
    if name in _LINKS and isinstance(value, list | tuple):
        pairs = tuple(tuple(pair) if isinstance(pair, list | tuple) else () for pair in value)
        if any(len(pair) != 2 or not all(isinstance(t, str) for t in pair) for pair in pairs):
            raise InvalidInputError(f"{name} should hold pairs of task names; found {value!r}.")
        return pairs
    return value
