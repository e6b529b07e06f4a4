"""``songoku sweep replay``: the same bits, or exactly what differs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulations.cli import sweep
from simulations.sweep.cell import make_cell
from simulations.sweep.engine import InProcess
from simulations.sweep.experiment import Experiment
from simulations.sweep.run import run_cells
from songoku_theory.errors import InvalidInputError, StoreError
from songoku_theory.storage.codec import digest


@pytest.fixture
def store(tmp_path: Path, toy: Experiment, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONGOKU_TOY_FOLDER", str(tmp_path))
    settings = [{"n": 2}, {"n": 5, "scale": 3.5}, {"n": 1, "mood": "raise_once"}]
    run_cells([make_cell(toy, setting) for setting in settings], tmp_path / "store", InProcess())
    return tmp_path / "store"


def replayed(store: Path, key: str) -> Result:
    return CliRunner().invoke(sweep, ["replay", key, "--store", str(store)])


def change(store: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(statement, values)
        connection.commit()


def test_a_stored_cell_gives_the_same_bits_again(store: Path, toy: Experiment) -> None:
    key = make_cell(toy, {"n": 5, "scale": 3.5}).key
    before = store.read_bytes()
    result = replayed(store, key[:6].upper())
    assert result.exit_code == 0, result.output
    assert f"cell {key}" in result.output
    assert "  scale = 3.5\n" in result.output
    assert "the same bits: 2 rows, digest" in result.output
    assert store.read_bytes() == before


def test_one_other_bit_is_found(store: Path, toy: Experiment) -> None:
    key = make_cell(toy, {"n": 5, "scale": 3.5}).key
    with closing(sqlite3.connect(store)) as connection:
        (rows,) = connection.execute("SELECT rows FROM cells WHERE key = ?", (key,)).fetchone()
    last = rows.index("]", rows.index('"x":[')) - 1
    other = rows[:last] + str((int(rows[last]) + 1) % 10) + rows[last + 1 :]
    change(store, "UPDATE cells SET rows = ?, digest = ? WHERE key = ?", other, digest(other), key)
    change(store, 'UPDATE provenance SET value = replace(value, \'"python":"\', \'"python":"0\')')
    result = replayed(store, key)
    assert result.exit_code == 1
    assert "not the same" in result.output
    assert result.output.count(" now, ") == 3  # the seconds, one value, the version
    assert "row 1, x: " in result.output
    assert "python: " in result.output


def test_a_failed_cell_shows_its_error_again_or_that_it_is_gone(
    store: Path, toy: Experiment, tmp_path: Path
) -> None:
    key = make_cell(toy, {"n": 1, "mood": "raise_once"}).key
    well = replayed(store, key)
    assert (well.exit_code, "now it gives 1 rows" in well.output) == (1, True)
    (tmp_path / "raised").unlink()
    ill = replayed(store, key)
    assert ill.exit_code == 0
    assert "ValueError: a toy's only failure" in ill.output


def test_a_cell_of_another_version_is_not_compared(store: Path, toy: Experiment) -> None:
    key = make_cell(toy, {"n": 2}).key
    change(store, "UPDATE experiments SET version = 7")
    change(store, "UPDATE cells SET version = 7")
    result = replayed(store, key)
    assert isinstance(result.exception, StoreError)
    assert "was run by version 7" in str(result.exception)
    with pytest.raises(InvalidInputError, match="no cell has a key"):
        raise replayed(store, "0000").exception  # type: ignore[misc]
