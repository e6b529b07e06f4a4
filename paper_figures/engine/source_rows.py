"""Fetch what figures need from the store and the ledger, once for all figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from paper_figures.engine.ledger_file import Ledger, read_ledger
from paper_figures.engine.registry import LEDGER, Need, Spec
from songoku_theory.errors import SongokuError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MissingRowsError", "Sources"]


class MissingRowsError(SongokuError):
    """Rows of a figure or table are not stored; the message names the command that makes them."""

    def __init__(self, need: Need, why: str) -> None:
        super().__init__(f"{why} Make it with: {need.command}")
        self.need = need
        self.why = why


@dataclass(slots=True)
class Sources:
    """The store and the ledger on disk, each part read at most once."""

    store: Path
    ledger: Path
    _rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    _ledger: Ledger | None = None

    def fetch(self, spec: Spec) -> tuple[Mapping[str, pl.DataFrame], Ledger | None]:
        """Read what a figure or a table needs.

        Raises
        ------
        MissingRowsError
            If something is not there, with the command that makes it.
        StoreError, InvalidInputError
            If the store or the ledger can't be read.
        """
        rows = {need.experiment: self._experiment(need) for need in spec.experiments}
        return rows, self._read_ledger() if spec.needs_ledger else None

    def _experiment(self, need: Need) -> pl.DataFrame:
        from songoku_theory.storage.reader import experiments, read_rows

        if need.experiment not in self._rows:
            if not self.store.exists():
                raise MissingRowsError(need, f"There is no store at {self.store}.")
            if need.experiment not in experiments(self.store):
                raise MissingRowsError(
                    need, f"The store {self.store} holds no rows of {need.experiment!r}."
                )
            frame = read_rows(self.store, need.experiment)
            if frame.is_empty():
                raise MissingRowsError(
                    need, f"No cell of {need.experiment!r} in {self.store} is finished."
                )
            self._rows[need.experiment] = frame
        return self._rows[need.experiment]

    def _read_ledger(self) -> Ledger:
        if self._ledger is None:
            self._ledger = read_ledger(self.ledger)
        if self._ledger is None:
            raise MissingRowsError(LEDGER, f"There is no ledger at {self.ledger}.")
        return self._ledger
