"""The store: whole cells or nothing, one writer, and clear refusals that change nothing."""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from simulations.sweep.cell import Cell, make_cell
from simulations.sweep.engine import InProcess, LocalProcesses
from simulations.sweep.estimate import task_of
from simulations.sweep.experiment import Experiment
from simulations.sweep.grid import Grid, expand
from simulations.sweep.run import run_cells
from simulations.sweep.store import StoreWriter
from simulations.sweep.worker import Outcome, run_task
from songoku_theory.errors import InvalidInputError, StoreError, UnknownNameError
from songoku_theory.storage import (
    experiments,
    inventory,
    open_read_only,
    read_cells,
    read_rows,
)
from songoku_theory.storage.codec import decode_rows
from songoku_theory.storage.reader import param_types


@pytest.fixture
def cells(toy: Experiment) -> list[Cell]:
    return expand(toy, Grid(axes={"scale": [2, 0.5], "n": range(10)}))


@pytest.fixture
def store(tmp_path: Path, cells: list[Cell]) -> Path:
    """A store of twenty toy cells, closed."""
    path = tmp_path / "folder" / "store.sqlite"
    run_cells(cells, path, InProcess())
    return path


def outcome_of(cell: Cell) -> Outcome:
    return run_task(task_of(cell))


def contents(store: Path) -> dict[str, str]:
    with closing(open_read_only(store)) as connection:
        return dict(connection.execute("SELECT key, rows FROM cells WHERE status = 'done'"))


def files(folder: Path) -> dict[str, str]:
    """What the store is made of; the log of an idle store and its index hold nothing."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix not in (".sqlite-wal", ".sqlite-shm", ".lock")
    }


def change(store: Path, *statements: str) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def refused(store: Path, message: str, *, writers_too: bool = True) -> bool:
    """Whether reading and writing both fail with the message, and no byte changes."""
    before = files(store.parent)
    with pytest.raises(StoreError, match=message):
        open_read_only(store).close()
    if writers_too:
        with pytest.raises(StoreError, match=message):
            StoreWriter(store)
    return files(store.parent) == before


# -- reading -----------------------------------------------------------------------------------


def test_rows_come_with_key_and_params_in_an_order_of_their_own(
    store: Path, cells: list[Cell]
) -> None:
    frame = read_rows(store, "toy")
    assert frame.columns == [
        *("key", "mood", "n", "pause", "scale"),
        *("i", "x", "total", "even", "label"),
    ]
    assert frame.height == sum(n % 3 for n in range(10)) * 2
    assert frame["n"].to_list() == sorted(frame["n"].to_list())
    assert frame.schema["label"] == pl.String
    assert frame["label"].null_count() == frame.height
    expected = {cell.key: outcome_of(cell) for cell in cells}
    for key, part in frame.partition_by("key", as_dict=True).items():
        assert part["x"].to_list() == decode_rows(expected[key[0]].rows)["x"]


def test_where_keeps_the_cells_with_these_values(store: Path) -> None:
    frame = read_rows(store, "toy", {"n": 4, "scale": 2})
    assert frame["scale"].to_list() == [2.0]
    assert_frame_equal(frame, read_rows(store, "toy").filter(n=4, scale=2.0))
    assert read_rows(store, "toy", {"n": 99}).is_empty()
    with pytest.raises(UnknownNameError, match="Did you mean 'scale'"):
        read_rows(store, "toy", {"scal": 2.0})
    with pytest.raises(InvalidInputError, match=r"of type int; found 4\.5"):
        read_rows(store, "toy", {"n": 4.5})
    with pytest.raises(InvalidInputError, match="of type int; found True"):
        read_rows(store, "toy", {"n": True})


def test_cells_and_experiments(store: Path) -> None:
    assert experiments(store) == ["toy"]
    frame = read_cells(store, "toy")
    assert frame.height == 20
    assert set(frame["status"]) == {"done"}
    assert_frame_equal(frame, read_cells(store))
    assert param_types(store, "toy") == {
        "mood": "str",
        "n": "int",
        "pause": "float",
        "scale": "float",
    }
    for read in (read_cells, read_rows):
        with pytest.raises(UnknownNameError, match="Did you mean 'toy'"):
            read(store, "toyy")


def test_only_the_newest_finished_version_is_read(store: Path, toy: Experiment) -> None:
    newer = replace(toy, version=2, columns={"y": int}, run=lambda params, seed: [{"y": 1}])
    run_cells([make_cell(newer, {"n": 0})], store, InProcess())
    assert read_rows(store, "toy")["y"].to_list() == [1]
    failing = replace(toy, version=3)
    run_cells([make_cell(failing, {"n": 0, "mood": "raise"})], store, InProcess())
    assert read_rows(store, "toy")["y"].to_list() == [1]
    assert read_cells(store)["version"].unique().sort().to_list() == [1, 2, 3]


def test_failed_cells_have_no_rows(tmp_path: Path, toy: Experiment) -> None:
    store = tmp_path / "store.sqlite"
    run_cells([make_cell(toy, {"n": 1, "mood": "raise"})], store, InProcess())
    assert experiments(store) == []
    with pytest.raises(UnknownNameError, match="all failed"):
        read_rows(store, "toy")
    (error,) = read_cells(store)["error"]
    assert "in run_toy" in error
    assert "ValueError: a toy's failure" in error


def test_a_store_can_be_read_while_it_is_written(store: Path, toy: Experiment) -> None:
    with StoreWriter(store) as writer:
        cell = make_cell(toy, {"n": 100})
        writer.write(cell, outcome_of(cell))
        assert cell.key in contents(store)
        assert read_rows(store, "toy", {"n": 100}).height == 1


def test_a_store_can_be_read_where_nothing_can_be_written(store: Path) -> None:
    expected = contents(store)
    for name in ("store.sqlite-shm", "store.sqlite-wal"):
        (store.parent / name).unlink(missing_ok=True)
    (store.parent / "store.sqlite-shm").mkdir()  # so that SQLite can't make its index, even as root
    assert contents(store) == expected
    assert read_rows(store, "toy").height > 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_can_be_read_in_a_read_only_folder(store: Path) -> None:
    expected = contents(store)
    for path in store.parent.iterdir():
        if path != store:
            path.unlink()
    store.parent.chmod(0o555)
    try:
        assert contents(store) == expected
    finally:
        store.parent.chmod(0o755)


def test_a_reader_can_not_write(store: Path) -> None:
    with (
        closing(open_read_only(store)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("DELETE FROM cells")


def test_keys_are_found_by_their_start(store: Path, cells: list[Cell]) -> None:
    with closing(open_read_only(store)) as connection:
        key = cells[3].key
        assert inventory.find_key(connection, key[:6].upper()) == key
        record = inventory.read_cell(connection, key)
        assert record.params == cells[3].params
        assert record.provenance["python"] == sys.version.split()[0]
        wrong = key[:10] + ("0" if key[10] != "0" else "1")
        with pytest.raises(UnknownNameError, match=f"nearest is {key}"):
            inventory.find_key(connection, wrong)
        with pytest.raises(InvalidInputError, match="hex digits"):
            inventory.find_key(connection, "xyz1")
        with pytest.raises(InvalidInputError, match="hex digits"):
            inventory.find_key(connection, key[:3])


def test_an_ambiguous_start_lists_the_keys(store: Path, cells: list[Cell]) -> None:
    twin = cells[0].key[:31] + ("0" if cells[0].key[31] != "0" else "1")
    change(store, f"UPDATE cells SET key = '{twin}' WHERE key = '{cells[1].key}'")
    with (
        closing(open_read_only(store)) as connection,
        pytest.raises(InvalidInputError, match="several keys"),
    ):
        inventory.find_key(connection, twin[:8])


# -- writing -----------------------------------------------------------------------------------


def test_a_finished_cell_is_never_replaced_and_a_failed_one_is(
    tmp_path: Path, toy: Experiment
) -> None:
    cell = make_cell(toy, {"n": 4})
    good = outcome_of(cell)
    bad = Outcome(cell.key, None, 0, "ValueError: no", 0.0, good.provenance)
    other = replace(good, rows='{"i":[9]}')
    with StoreWriter(tmp_path / "store.sqlite") as writer:
        writer.declare(toy)
        for outcome, status in ((bad, "failed"), (good, "done"), (bad, "done"), (other, "done")):
            writer.write(cell, outcome)
            assert writer.statuses(toy) == {cell.key: status}
    assert contents(tmp_path / "store.sqlite") == {cell.key: good.rows}


def test_a_full_disk_loses_only_the_cell_that_did_not_fit(tmp_path: Path, toy: Experiment) -> None:
    store = tmp_path / "store.sqlite"
    cells = expand(toy, Grid(axes={"n": range(2, 600, 3)}))
    written = {}
    with StoreWriter(store) as writer:
        writer.declare(toy)
        (pages,) = writer.connection.execute("PRAGMA page_count").fetchone()
        writer.connection.execute(f"PRAGMA max_page_count = {pages + 8}")

        def fill() -> None:
            for cell in cells:
                outcome = outcome_of(cell)
                writer.write(cell, outcome)
                written[cell.key] = outcome.rows

        with pytest.raises(StoreError, match=r"full.*unchanged.*run the same command again"):
            fill()
    assert 0 < len(written) < len(cells)
    assert contents(store) == written
    run_cells(cells, store, InProcess())  # with room again it goes on
    uninterrupted = tmp_path / "other.sqlite"
    run_cells(cells, uninterrupted, InProcess())
    assert contents(store) == contents(uninterrupted)


def test_a_sweep_that_fills_the_disk_stops_its_workers(
    tmp_path: Path, toy: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SmallStore(StoreWriter):
        def _prepare(self, new: bool) -> None:
            super()._prepare(new)
            self.connection.execute("PRAGMA max_page_count = 14")

    monkeypatch.setattr("simulations.sweep.run.StoreWriter", SmallStore)
    store = tmp_path / "store.sqlite"
    cells = expand(toy, Grid(axes={"n": range(2, 600, 3)}))
    with pytest.raises(StoreError, match="full"):
        run_cells(cells, store, LocalProcesses(2))
    kept = contents(store)
    assert 0 < len(kept) < len(cells)
    with closing(open_read_only(store)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_disk_that_is_full_from_the_start_is_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("simulations.sweep.lock.FileLock.acquire", full)
    with pytest.raises(StoreError, match=r"disk .* is full.*Free some space"):
        StoreWriter(tmp_path / "store.sqlite")


def test_a_second_writer_is_told_who_writes(store: Path) -> None:
    message = rf"being written by process {os.getpid()} on .*Wait"
    with StoreWriter(store), pytest.raises(StoreError, match=message):
        StoreWriter(store)
    StoreWriter(store).close()


def test_changed_declarations_need_another_version(store: Path, toy: Experiment) -> None:
    before = contents(store)
    fewer = {name: type_ for name, type_ in toy.columns.items() if name != "x"}
    for changed in (
        replace(toy, columns=fewer),
        replace(toy, params={**toy.params, "m": toy.params["n"]}),
        replace(toy, seed_axes=("n",)),
    ):
        with pytest.raises(StoreError, match="Raise its version"):
            run_cells(
                [make_cell(changed, {"n": 77} | ({"m": 1} if "m" in changed.params else {}))],
                store,
                InProcess(),
            )
    assert contents(store) == before
    reordered = dict(reversed(toy.columns.items()))
    run_cells([make_cell(replace(toy, columns=reordered), {"n": 77})], store, InProcess())


def test_an_empty_file_becomes_a_store(tmp_path: Path, toy: Experiment) -> None:
    """A kill can leave an empty file, or an SQLite file without tables."""
    for name, prepare in (
        ("zero", lambda path: path.touch()),
        ("header", lambda path: change(path, "PRAGMA journal_mode = WAL")),
    ):
        path = tmp_path / name / "store.sqlite"
        path.parent.mkdir()
        prepare(path)
        with pytest.raises(StoreError, match="is empty"):
            open_read_only(path)
        run_cells([make_cell(toy, {"n": 1})], path, InProcess())
        assert len(contents(path)) == 1


# -- refusals ----------------------------------------------------------------------------------


def test_a_store_of_another_version_is_refused(store: Path) -> None:
    for version, message in ((2, "a newer songoku: its format is version 2"), (0, "an older")):
        change(store, f"PRAGMA user_version = {version}")
        assert refused(store, message)


def test_what_is_not_a_store_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a" / "notes.txt"
    text.parent.mkdir()
    text.write_text("not a database, but something dear to its owner", encoding="utf-8")
    assert refused(text, "is not a store: expected an SQLite file")
    assert not list(text.parent.glob("*.lock"))
    foreign = tmp_path / "b" / "photos.sqlite"
    foreign.parent.mkdir()
    change(foreign, "CREATE TABLE photos (x)")
    assert refused(foreign, "not a songoku store")
    with pytest.raises(StoreError, match="is a folder"):
        open_read_only(tmp_path / "b")
    with pytest.raises(StoreError, match="is a folder"):
        StoreWriter(tmp_path / "b")


def test_a_missing_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .*songoku sweep run"):
        open_read_only(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_store_is_refused(store: Path) -> None:
    for size in (store.stat().st_size - 4096, 5000, 60):
        with store.open("r+b") as stream:
            stream.truncate(size)
        assert refused(store, "damaged|not a store|not an SQLite")


def test_an_overwritten_page_is_found(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'cells'"
        ).fetchone()
    with store.open("r+b") as stream:
        stream.seek((root - 1) * 4096)
        stream.write(b"\xff" * 4096)
    before = files(store.parent)
    with pytest.raises(StoreError, match="damaged"):
        StoreWriter(store)
    with pytest.raises(StoreError, match="damaged"):
        read_rows(store, "toy")
    assert files(store.parent) == before


def test_rows_that_were_edited_are_not_given_out(store: Path) -> None:
    change(store, "UPDATE cells SET rows = replace(rows, 'true', 'false')")
    with pytest.raises(StoreError, match="not the ones that were written"):
        read_rows(store, "toy")


def _unwritable(tmp_path: Path) -> Path:
    """A folder where even root may not make files, or one that this user may not write."""
    if os.geteuid() == 0:
        return Path("/sys")
    tmp_path.chmod(0o555)
    return tmp_path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a folder root can't write")
@pytest.mark.parametrize("name", ["store.sqlite", "folder/store.sqlite"])
def test_a_folder_that_can_not_be_written_is_a_clear_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="may write there, or name another store"):
        StoreWriter(_unwritable(tmp_path) / name)


def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="name another store"):
        StoreWriter(tmp_path / "file" / "store.sqlite")
