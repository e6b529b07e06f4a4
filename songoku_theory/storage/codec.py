"""How params and rows are written down: canonical JSON, so that equal bits are equal text.

Floats are written by ``repr``, the shortest text that reads back as the same double. NaN and the
infinities are refused: a row that holds one is a mistake to be reported, not a number to average.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = [
    "TYPE_NAMES",
    "Row",
    "RowValue",
    "Scalar",
    "canonical_json",
    "decode_rows",
    "digest",
    "encode_rows",
]

Scalar = int | float | str | bool
RowValue = int | float | str | bool | None
Row = dict[str, RowValue]

TYPE_NAMES: dict[type, str] = {int: "int", float: "float", str: "str", bool: "bool"}
"""The types that a param or a column can have, and their names in a store."""

_INT64 = range(-(2**63), 2**63)


def canonical_json(value: object) -> str:
    """Return the one JSON text of a value: sorted names, no spaces, ASCII, floats by ``repr``.

    Examples
    --------
    >>> canonical_json({"b": 0.1, "a": [1, True, None]})
    '{"a":[1,true,null],"b":0.1}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def digest(text: str) -> str:
    """Return the first 32 hex digits of the SHA-256 of a text.

    Examples
    --------
    >>> digest("songoku")
    '64c7fe232ccac4ab7651092eed515270'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def encode_rows(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, type]) -> str:
    """Return the canonical text of a cell's rows, one list a column.

    Parameters
    ----------
    rows : sequence of mapping
        Every row holds every declared column and no other; a value may be None. numpy scalars
        are taken as the Python numbers that they hold.
    columns : mapping of str to type
        int, float, str or bool for each column. An int is accepted in a float column when it is
        exactly a double.

    Returns
    -------
    str

    Raises
    ------
    InvalidInputError
        When a column is missing or undeclared, or a value is of another type, NaN, infinite, or
        does not fit 64 bits; names the row and the column.

    Examples
    --------
    >>> encode_rows([{"x": 1, "y": 0.5}, {"x": 2, "y": None}], {"x": int, "y": float})
    '{"x":[1,2],"y":[0.5,null]}'
    """
    table: dict[str, list[RowValue]] = {name: [] for name in columns}
    for number, row in enumerate(rows):
        if row.keys() != columns.keys():
            _refuse_names(number, row, columns)
        for name, type_ in columns.items():
            table[name].append(_checked(row[name], type_, f"row {number}, column {name!r}"))
    return canonical_json(table)


def decode_rows(text: str) -> dict[str, list[RowValue]]:
    """Return the columns of a cell's rows from their canonical text.

    Examples
    --------
    >>> decode_rows('{"x":[1,2],"y":[0.5,null]}')
    {'x': [1, 2], 'y': [0.5, None]}
    """
    table: dict[str, list[RowValue]] = json.loads(text)
    return table


def _refuse_names(number: int, row: Mapping[str, Any], columns: Mapping[str, type]) -> None:
    missing = sorted(columns.keys() - row.keys())
    if missing:
        raise InvalidInputError(
            f"row {number} lacks the declared column(s) {', '.join(missing)}; found "
            f"{', '.join(sorted(row)) or 'none'}. Give every column, with None where there is "
            f"no value."
        )
    undeclared = sorted(row.keys() - columns.keys())[0]
    raise InvalidInputError(f"row {number}: {unknown_name('column', undeclared, columns)}")


def _checked(value: object, type_: type, where: str) -> RowValue:
    if value is None:
        return None
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if type_ is float and type(value) is int:
        try:
            as_float = float(value)
        except OverflowError:
            as_float = math.inf
        if as_float != value:
            raise InvalidInputError(f"{where}: {value} is not exactly a double; found an int.")
        value = as_float
    if type(value) is not type_:
        raise InvalidInputError(
            f"{where} should be {TYPE_NAMES[type_]} or None; found {type(value).__name__} "
            f"({value!r})."
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInputError(
            f"{where} is {value!r}; only finite numbers are stored. Use None for 'no value', and "
            f"say in the column's documentation when that happens."
        )
    if type(value) is int and value not in _INT64:
        raise InvalidInputError(f"{where}: {value} does not fit a 64-bit integer.")
    if not isinstance(value, int | float | str | bool):  # pragma: no cover - typing only
        raise InvalidInputError(f"{where} should be a scalar; found {value!r}.")
    return value
