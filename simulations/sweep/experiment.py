"""What an experiment declares: params, columns, version, and the function that runs one cell."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.storage.codec import TYPE_NAMES, Row, RowValue, Scalar

__all__ = ["Experiment", "Param", "Row", "RowValue", "Scalar", "unit_cost"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One declared param of an experiment.

    Parameters
    ----------
    type : type
        int, float, str or bool.
    doc : str
        What it is, with its unit; shown by ``songoku sweep list``.
    default : scalar, optional
        Used where a sweep does not give it. None: a sweep must give it.
    low, high : number, optional
        The range, ends included unless `low_open` or `high_open`.
    low_open, high_open : bool, default False
        Leave the end out.
    choices : tuple of scalars, optional
        The only values.

    Raises
    ------
    InvalidInputError
        When the declaration contradicts itself.

    Examples
    --------
    >>> beta = Param(type=float, default=0.9, low=0, high=1, high_open=True, doc="EMA parameter")
    >>> beta.canonical("beta", 0)
    0.0
    >>> beta.canonical("beta", 1.0)
    Traceback (most recent call last):
    ...
    songoku_theory.errors.InvalidInputError: param 'beta' should be in [0, 1); found 1.0.
    """

    type: type
    doc: str
    default: Scalar | None = None
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: tuple[Scalar, ...] | None = None

    def __post_init__(self) -> None:
        if self.type not in TYPE_NAMES:
            raise InvalidInputError(
                f"a param's type should be one of int, float, str, bool; found {self.type!r}."
            )
        if (self.low is not None or self.high is not None) and self.type not in (int, float):
            raise InvalidInputError("only a param of type int or float can have a range.")
        if self.choices is not None and not self.choices:
            raise InvalidInputError("a param's choices should not be empty; leave them out.")
        if self.default is not None:
            object.__setattr__(self, "default", self.canonical("default", self.default))

    @property
    def domain(self) -> str:
        """The values that it takes, in words: ``float in [0, 1)``."""
        name = TYPE_NAMES[self.type]
        if self.choices is not None:
            return f"one of {', '.join(str(choice) for choice in self.choices)}"
        return name if self.low is None and self.high is None else f"{name} in {self._range}"

    @property
    def _range(self) -> str:
        left = "(-inf" if self.low is None else f"{'(' if self.low_open else '['}{self.low:g}"
        right = "inf)" if self.high is None else f"{self.high:g}{')' if self.high_open else ']'}"
        return f"{left}, {right}"

    def canonical(self, name: str, value: object) -> Scalar:
        """Return the one spelling of a value, so that equal settings get equal keys.

        A float param takes an int (1 and 1.0 are one setting; so are 0.0 and -0.0); an int param
        takes a float without fraction. A bool is not a number, and a text is never converted.

        Parameters
        ----------
        name : str
            Named in the errors.
        value : object

        Returns
        -------
        int, float, str or bool

        Raises
        ------
        InvalidInputError
            When the value is of another type or out of range.
        """
        found = self._as_type(name, value)
        if self.choices is not None and found not in self.choices:
            if isinstance(found, str):
                raise unknown_name(f"value of param {name!r}", found, map(str, self.choices))
            raise InvalidInputError(f"param {name!r} should be {self.domain}; found {found!r}.")
        if isinstance(found, int | float) and not isinstance(found, bool):
            low = self.low is None or (found > self.low if self.low_open else found >= self.low)
            high = self.high is None or (
                found < self.high if self.high_open else found <= self.high
            )
            if not (low and high):
                raise InvalidInputError(
                    f"param {name!r} should be in {self._range}; found {found!r}."
                )
        return found

    def _as_type(self, name: str, value: object) -> Scalar:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if self.type is float and number:
            return self._as_float(name, value)
        if self.type is int and number:
            return self._as_int(name, value)
        if (self.type is bool and isinstance(value, bool)) or (
            self.type is str and isinstance(value, str)
        ):
            return value
        hint = (
            " Write a number without quotes."
            if isinstance(value, str)
            else " Write it between quotes."
            if self.type is str
            else ""
        )
        raise InvalidInputError(
            f"param {name!r} should be of type {TYPE_NAMES[self.type]}; found {value!r} "
            f"({type(value).__name__}).{hint}"
        )

    @staticmethod
    def _as_float(name: str, value: object) -> float:
        assert isinstance(value, int | float)
        try:
            found = float(value)
        except OverflowError:
            found = math.inf
        if not math.isfinite(found):
            raise InvalidInputError(f"param {name!r} should be finite; found {value!r}.")
        if found != value:
            raise InvalidInputError(f"param {name!r}: {value!r} is not exactly a double.")
        return found + 0.0  # -0.0 + 0.0 is 0.0: one spelling of zero

    @staticmethod
    def _as_int(name: str, value: object) -> int:
        assert isinstance(value, int | float)
        if isinstance(value, float) and not value.is_integer():
            raise InvalidInputError(f"param {name!r} should be a whole number; found {value!r}.")
        found = int(value)
        if found not in _INT64:
            raise InvalidInputError(f"param {name!r} should fit 64 bits; found {value!r}.")
        return found


def unit_cost(params: Mapping[str, Scalar]) -> float:
    """Every cell costs the same.

    Examples
    --------
    >>> unit_cost({"trials": 10})
    1.0
    """
    return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One kind of simulation: what it takes, what it gives, and how one cell runs.

    Parameters
    ----------
    name : str
        Lower case; also the name of its module in ``simulations/experiments``.
    version : int
        Raise it whenever the same params would give other rows. Part of every key, so that old
        rows stay in the store but are no longer taken for new ones.
    doc : str
        One paragraph; shown by ``songoku sweep list``.
    params : mapping of str to Param
    columns : mapping of str to type
        int, float, str or bool; any value may be None.
    run : callable (params, seed) -> list of rows
        A function at the top level of a module (a worker imports it by name). `params` holds
        every declared param. All randomness comes from `seed`, a ``numpy.random.SeedSequence``.
        Deterministic: no clock, no global generator, no order of calls; but see `measures_time`.
    statistics : str
        What is claimed of a cell's numbers, declared beforehand: n, interval, alpha.
    cost : callable (params) -> float, optional
        Positive, proportional to the expected seconds of a cell; only used to estimate times.
    seed_axes : tuple of str, optional
        The params that the random stream depends on. Cells that differ only elsewhere then share
        their random numbers (common random numbers: differences between them lose most of their
        noise). None: every cell has a stream of its own.
    check : callable (params) -> None, optional
        Raises InvalidInputError for a combination of params that can't exist; called before
        anything runs.
    measures_time : bool, default False
        The rows hold measured seconds, so the same cell gives other rows each time it runs: its
        bits are not to be compared between runs, machines or worker counts.

    Raises
    ------
    InvalidInputError
        When the declaration contradicts itself.
    """

    name: str
    version: int
    doc: str
    params: Mapping[str, Param]
    columns: Mapping[str, type]
    run: Callable[[Mapping[str, Scalar], np.random.SeedSequence], list[Row]] = field(repr=False)
    statistics: str
    cost: Callable[[Mapping[str, Scalar]], float] = field(default=unit_cost, repr=False)
    seed_axes: tuple[str, ...] | None = None
    check: Callable[[Mapping[str, Scalar]], None] | None = field(default=None, repr=False)
    measures_time: bool = False

    def __post_init__(self) -> None:
        where = f"experiment {self.name!r}"
        for kind, names in (
            ("experiment", [self.name]),
            ("param", self.params),
            ("column", self.columns),
        ):
            for name in names:
                if not _NAME.fullmatch(name):
                    raise InvalidInputError(
                        f"{where}: a name of an {kind} should be lower-case letters, digits and "
                        f"underscores; found {name!r}."
                    )
        if self.version < 1:
            raise InvalidInputError(f"{where}: version should be >= 1; found {self.version}.")
        if not self.columns:
            raise InvalidInputError(f"{where}: declare at least one column.")
        for name, type_ in self.columns.items():
            if type_ not in TYPE_NAMES:
                raise InvalidInputError(
                    f"{where}: column {name!r} should be int, float, str or bool; found {type_!r}."
                )
        clash = ({*self.params, "key"} & {*self.columns}) | ({*self.params} & {"key"})
        if clash:
            raise InvalidInputError(
                f"{where}: {', '.join(sorted(clash))} can't name both a column and a param "
                f"('key' is taken by the store)."
            )
        for axis in self.seed_axes or ():
            if axis not in self.params:
                raise unknown_name(f"seed axis of {where}", axis, self.params)

    def declaration(self) -> dict[str, object]:
        """Return what a store keeps to tell whether stored cells are still the same kind."""
        return {
            "params": {name: TYPE_NAMES[param.type] for name, param in self.params.items()},
            # a list, because the order in which they are shown matters
            "columns": [[name, TYPE_NAMES[type_]] for name, type_ in self.columns.items()],
            "seed_axes": None if self.seed_axes is None else sorted(self.seed_axes),
        }
