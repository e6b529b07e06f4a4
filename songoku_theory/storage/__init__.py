"""The store on disk, seen from both sides: its format, and how to read it.

Simulations write it; claims and figures read it; nothing else passes between them. Reading rows
needs polars (``pip install 'songoku[simulations]'``); the format itself needs nothing.
"""

from __future__ import annotations

from songoku_theory.storage.codec import Row, RowValue, Scalar
from songoku_theory.storage.reader import experiments, open_read_only, read_cells, read_rows
from songoku_theory.storage.schema import DEFAULT_STORE, SCHEMA_VERSION

__all__ = [
    "DEFAULT_STORE",
    "SCHEMA_VERSION",
    "Row",
    "RowValue",
    "Scalar",
    "experiments",
    "open_read_only",
    "read_cells",
    "read_rows",
]
