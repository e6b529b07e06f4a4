"""Child processes: what a cell prints, how long it may take, and what is left of it afterwards."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from simulations.sweep import children
from simulations.sweep.cell import Cell, make_cell
from simulations.sweep.children import ChildDiedError, Children, NoChildError
from simulations.sweep.engine import InProcess, LocalProcesses
from simulations.sweep.estimate import task_of
from simulations.sweep.experiment import Experiment
from simulations.sweep.grid import Grid, expand
from simulations.sweep.run import local_engine, run_cells
from simulations.sweep.worker import pickled
from songoku_theory.errors import InvalidInputError
from songoku_theory.storage import open_read_only


@pytest.fixture(autouse=True)
def toy_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGOKU_TOY_FOLDER", str(tmp_path))


def stored(store: Path, column: str, status: str) -> dict[str, str]:
    with closing(open_read_only(store)) as connection:
        return dict(
            connection.execute(f"SELECT key, {column} FROM cells WHERE status = ?", (status,))
        )


def asked(cell: Cell) -> tuple[str, bytes]:
    return cell.key, pickled(task_of(cell))


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cell_that_hangs_is_stopped_and_named_and_stops_no_other(
    tmp_path: Path, toy: Experiment, workers: int
) -> None:
    cells = expand(toy, Grid(axes={"n": range(6)}))
    hang = make_cell(toy, {"n": 100, "mood": "hang"})
    store = tmp_path / "store"
    report = run_cells([*cells[:3], hang, *cells[3:]], store, local_engine(workers, 0.5))
    assert (report.done, report.failed, report.left) == (6, 1, 0)
    (named, why), *_ = report.failures
    assert named.key == hang.key
    assert "ran longer than 0.5 s (--cell-timeout)" in why
    assert list(stored(store, "error", "failed")) == [hang.key]
    hung = [int(path.name.split()[1]) for path in tmp_path.glob("hung *")]
    assert len(hung) == 1, "a cell that hung once has hung long enough"
    assert gone(hung[0])
    run_cells(cells, tmp_path / "here", InProcess())
    assert stored(store, "rows", "done") == stored(tmp_path / "here", "rows", "done")


def test_time_counts_from_the_cells_start_and_for_each_cell_anew(
    tmp_path: Path, toy: Experiment
) -> None:
    """One child, three cells of 0.2 s: 0.6 s in all, and more with the start of the process."""
    cells = expand(toy, Grid(axes={"n": range(3)}, fixed={"pause": 0.2}))
    report = run_cells(cells, tmp_path / "store", LocalProcesses(1, 0.55))
    assert (report.done, report.failed) == (3, 0)


def test_what_a_cell_prints_is_not_taken_for_its_rows(
    tmp_path: Path, toy: Experiment, capfd: pytest.CaptureFixture[str]
) -> None:
    run_cells([make_cell(toy, {"n": 1, "mood": "talk"})], tmp_path / "store", LocalProcesses(1, 60))
    assert len(stored(tmp_path / "store", "rows", "done")) == 1
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "a toy's own output\n")


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_a_time_limit_is_a_positive_number(limit: float) -> None:
    with pytest.raises(InvalidInputError, match="positive number of seconds"):
        local_engine(2, limit)


def test_a_child_that_dies_is_replaced(toy: Experiment) -> None:
    pool = Children()
    try:
        with pytest.raises(ChildDiedError, match="SIGKILL"):
            pool.run(*asked(make_cell(toy, {"n": 1, "mood": "die"})))
        assert pool.run(*asked(make_cell(toy, {"n": 1}))).error is None
    finally:
        pool.close()


def test_a_child_that_left_unneeded_costs_nothing(
    toy: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        children,
        "_PROGRAM",
        "import simulations.sweep.child_main as c; c.IDLE_SECONDS = 0.2; c.main()",
    )
    pool = Children()
    try:
        for n in range(2):
            assert pool.run(*asked(make_cell(toy, {"n": n}))).error is None
            time.sleep(0.6)
    finally:
        pool.close()


def test_processes_that_never_start_are_an_error(
    toy: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "_PROGRAM", "import sys; sys.exit(3)")
    pool = Children()
    with pytest.raises(NoChildError, match=r"die as soon as they start \(exit status 3\)"):
        pool.run(*asked(make_cell(toy, {"n": 1})))
    pool.close()


def test_closing_stops_the_cells_that_run(toy: Experiment, tmp_path: Path) -> None:
    pool = Children()
    ended: list[BaseException] = []

    def hang() -> None:
        try:
            pool.run(*asked(make_cell(toy, {"n": 1, "mood": "hang"})))
        except ChildDiedError as error:
            ended.append(error)

    thread = threading.Thread(target=hang)
    thread.start()
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("hung *")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pool.close()
    thread.join(10)
    assert len(ended) == 1
    with pytest.raises(ChildDiedError, match="being stopped"):
        pool.run(*asked(make_cell(toy, {"n": 1})))
