"""Rows as text: equal bits are equal text, and nothing doubtful is written."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.storage.codec import decode_rows, encode_rows

COLUMNS = {"n": int, "x": float, "s": str, "b": bool}
rows = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.integers(-(2**63), 2**63 - 1),
            "x": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "s": st.none() | st.text(),
            "b": st.none() | st.booleans(),
        }
    ),
    max_size=5,
)


@given(rows)
def test_rows_read_back_bit_for_bit(found: list[dict[str, object]]) -> None:
    columns = decode_rows(encode_rows(found, COLUMNS))
    assert [
        dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)
    ] == found
    for row, x in zip(found, columns["x"], strict=True):
        if row["x"] is not None:
            assert struct.pack("d", row["x"]) == struct.pack("d", x)


@given(rows, rows)
def test_different_rows_have_different_text(a: list[dict], b: list[dict]) -> None:
    def bits(found: list[dict]) -> str:
        return repr([sorted(row.items()) for row in found])

    assert (encode_rows(a, COLUMNS) == encode_rows(b, COLUMNS)) == (bits(a) == bits(b))


def test_numpy_scalars_are_the_numbers_that_they_hold() -> None:
    row = {"n": np.int64(3), "x": np.float64(0.1), "s": "a", "b": np.bool_(True)}
    assert encode_rows([row], COLUMNS) == '{"b":[true],"n":[3],"s":["a"],"x":[0.1]}'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": math.nan}, "row 1, column 'x' is nan; only finite"),
        ({"x": -math.inf}, "row 1, column 'x' is -inf"),
        ({"x": np.float64("inf")}, "is inf"),
        ({"x": 2**53 + 1}, "not exactly a double"),
        ({"x": 10**400}, "not exactly a double"),
        ({"n": 1.0}, "should be int or None; found float"),
        ({"n": True}, "should be int or None; found bool"),
        ({"n": 2**63}, "does not fit"),
        ({"b": 1}, "should be bool or None; found int"),
        ({"s": b"a"}, "should be str or None; found bytes"),
    ],
)
def test_what_is_refused_is_named(change: dict[str, object], message: str) -> None:
    good = {"n": 1, "x": 2.0, "s": "", "b": None}
    with pytest.raises(InvalidInputError, match=message):
        encode_rows([good, good | change], COLUMNS)


def test_missing_and_undeclared_columns_are_named() -> None:
    with pytest.raises(InvalidInputError, match=r"row 0 lacks the declared column\(s\) b, s"):
        encode_rows([{"n": 1, "x": 2.0}], COLUMNS)
    with pytest.raises(InvalidInputError, match=r"unknown column 'xx'\. Did you mean 'x'"):
        encode_rows([{"n": 1, "x": 2.0, "s": "", "b": None, "xx": 1}], COLUMNS)
    assert issubclass(UnknownNameError, InvalidInputError)
