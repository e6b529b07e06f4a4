"""The same bits whatever the engine, the order and what goes wrong on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from simulations.experiments import get_experiment
from simulations.sweep.cell import Cell, make_cell
from simulations.sweep.engine import ExecutorEngine, InProcess, LocalProcesses
from simulations.sweep.estimate import Rate, TimeLeft, task_of, timed_rate
from simulations.sweep.experiment import Experiment
from simulations.sweep.grid import Grid, expand
from simulations.sweep.interrupt import Stopped, StopSignals
from simulations.sweep.run import local_engine, plan, run_cells
from simulations.sweep.store import StoreWriter
from simulations.sweep.stream import stream
from simulations.sweep.worker import Outcome, one_thread
from songoku_theory.errors import InvalidInputError, SongokuError
from songoku_theory.storage import open_read_only


def contents(store: Path) -> dict[str, str]:
    with closing(open_read_only(store)) as connection:
        return dict(connection.execute("SELECT key, rows FROM cells WHERE status = 'done'"))


def failures(store: Path) -> dict[str, str]:
    with closing(open_read_only(store)) as connection:
        return dict(connection.execute("SELECT key, error FROM cells WHERE status = 'failed'"))


@pytest.fixture(autouse=True)
def toy_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONGOKU_TOY_FOLDER", str(tmp_path))


def test_one_and_two_workers_and_any_order_give_the_same_bits(
    tmp_path: Path, toy: Experiment, paired: Experiment
) -> None:
    cells = expand(toy, Grid(axes={"n": range(12), "scale": [1.0, 3.5]}))
    cells += expand(paired, Grid(axes={"replicate": range(4), "by": [0.0, 1.0]}))
    engines = {
        "one": (InProcess(), cells),
        "backwards": (InProcess(), cells[::-1]),
        "two": (LocalProcesses(2), cells),
        "interleaved": (LocalProcesses(2), cells[::2] + cells[1::2]),
    }
    found = {}
    for name, (engine, order) in engines.items():
        report = run_cells(order, tmp_path / name, engine)
        assert (report.done, report.failed, report.left) == (len(cells), 0, 0)
        found[name] = contents(tmp_path / name)
    assert found["one"] == found["backwards"] == found["two"] == found["interleaved"]
    assert len(found["one"]) == len(cells)


def test_what_is_stored_is_not_run_again(tmp_path: Path, toy: Experiment) -> None:
    store = tmp_path / "store"
    cells = expand(toy, Grid(axes={"n": range(9)}))
    assert plan(cells, store).stored == 0
    run_cells(cells[:4], store, InProcess())
    assert plan(cells, store).stored == 4
    report = run_cells(cells, store, InProcess())
    assert (report.plan.stored, report.done) == (4, 5)
    assert len((tmp_path / "computed").read_text().splitlines()) == 9
    again = run_cells(cells, store, InProcess())
    assert (again.plan.stored, again.done) == (9, 0)
    assert len((tmp_path / "computed").read_text().splitlines()) == 9


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failed_cell_is_kept_with_its_traceback_and_stops_no_other(
    tmp_path: Path, toy: Experiment, workers: int
) -> None:
    store = tmp_path / "store"
    moods = ["good", "raise", "nan", "exit"]
    cells = expand(toy, Grid(axes={"n": range(1, 4), "mood": moods}))
    report = run_cells(cells, store, local_engine(workers))
    assert (report.done, report.failed) == (3 + 1, 3 + 2 + 3)  # n = 3 gives no row to hold a NaN
    assert len(report.failures) == 5
    reasons = {cell.params["mood"]: failures(store).get(cell.key, "") for cell in cells[:4]}
    assert "ValueError: a toy's failure" in reasons["raise"]
    assert "row 0, column 'total' is nan" in reasons["nan"]
    assert "SystemExit: a toy leaves" in reasons["exit"]


def test_failed_cells_are_tried_again(tmp_path: Path, toy: Experiment) -> None:
    store = tmp_path / "store"
    cells = expand(toy, Grid(axes={"n": [1, 2], "mood": ["good", "raise_once"]}))
    first = run_cells(cells, store, InProcess())
    assert (first.done, first.failed) == (3, 1)
    assert plan(cells, store).retried == 1
    second = run_cells(cells, store, InProcess())
    assert (second.plan.stored, second.done, second.failed) == (3, 1, 0)
    assert failures(store) == {}


def test_a_cell_that_kills_its_worker_is_named_and_stops_no_other(
    tmp_path: Path, toy: Experiment
) -> None:
    store = tmp_path / "store"
    cells = expand(toy, Grid(axes={"n": range(8)}))
    bad = make_cell(toy, {"n": 100, "mood": "die"})
    once = make_cell(toy, {"n": 101, "mood": "die_once"})
    report = run_cells([*cells[:3], bad, *cells[3:], once], store, LocalProcesses(2))
    # `die` leaves the mark that `die_once` looks for, so `once` may not even die once
    assert (report.done, report.failed) == (9, 1)
    assert list(failures(store)) == [bad.key]
    assert "worker process died 2 times" in failures(store)[bad.key]


def test_a_worker_killed_once_costs_nothing(tmp_path: Path, toy: Experiment) -> None:
    cells = expand(toy, Grid(axes={"n": range(6)}))
    cells.insert(2, make_cell(toy, {"n": 9, "mood": "die_once"}))
    report = run_cells(cells, tmp_path / "killed", LocalProcesses(2))
    assert (tmp_path / "died").exists()
    assert (report.done, report.failed) == (7, 0)
    run_cells(cells, tmp_path / "quiet", InProcess())
    assert contents(tmp_path / "killed") == contents(tmp_path / "quiet")


class Brittle(Executor):
    """Breaks as told: at each submit that `plan` marks."""

    def __init__(self, marks: list[bool]) -> None:
        self.marks = marks
        self.broken = False

    def submit(self, fn, /, *args):
        if self.broken:
            raise BrokenExecutor
        future: Future = Future()
        if fn is not os.getpid and self.marks and self.marks.pop(0):
            self.broken = True
            future.set_exception(BrokenExecutor())
        else:
            future.set_result(fn(*args))
        return future


def test_every_cell_ends_exactly_once_however_the_pool_breaks(toy: Experiment) -> None:
    cells = expand(toy, Grid(axes={"n": range(5)}))
    for pattern in range(1 << 7):
        marks = [bool(pattern >> bit & 1) for bit in range(7)]
        engine = ExecutorEngine(lambda marks=marks: Brittle(marks), workers=2)
        outcomes = [o for o in stream(map(task_of, cells), engine) if o is not None]
        assert sorted(o.key for o in outcomes) == sorted(cell.key for cell in cells)
        assert sum(o.error is not None for o in outcomes) <= bin(pattern).count("1") // 2


def test_workers_that_never_start_are_an_error(toy: Experiment) -> None:
    class Dead(Executor):
        def submit(self, fn, /, *args):
            raise BrokenExecutor

    engine = ExecutorEngine(Dead, workers=2)
    with pytest.raises(SongokuError, match="die as soon as they start"):
        list(stream([task_of(make_cell(toy, {"n": 1}))], engine))


def test_any_executor_is_an_engine(tmp_path: Path, toy: Experiment) -> None:
    cells = expand(toy, Grid(axes={"n": range(6)}))
    run_cells(cells, tmp_path / "threads", ExecutorEngine(lambda: ThreadPoolExecutor(2), 2))
    run_cells(cells, tmp_path / "here", InProcess())
    assert contents(tmp_path / "threads") == contents(tmp_path / "here")


def test_tasks_are_taken_as_they_are_needed(toy: Experiment) -> None:
    taken = 0

    def tasks(cells: Sequence[Cell]):
        nonlocal taken
        for cell in cells:
            taken += 1
            yield task_of(cell)

    outcomes = stream(
        tasks(expand(toy, Grid(axes={"n": range(50)}))),
        ExecutorEngine(lambda: ThreadPoolExecutor(2), 2),
    )
    next(outcomes)
    assert taken <= 4
    outcomes.close()


def test_a_function_that_can_not_travel_is_refused(tmp_path: Path, toy: Experiment) -> None:
    local = replace(toy, version=2, run=lambda params, seed: [])
    with pytest.raises(InvalidInputError, match="top level of a module, or use --workers 1"):
        run_cells([make_cell(local, {"n": 1})], tmp_path / "store", LocalProcesses(2))
    report = run_cells([make_cell(local, {"n": 1})], tmp_path / "store", InProcess())
    assert report.done == 1


def test_impossible_params_are_found_before_anything_runs(tmp_path: Path, toy: Experiment) -> None:
    cells = expand(toy, Grid(axes={"n": [1, 666]}))
    with pytest.raises(InvalidInputError, match=r"n=666.*can't exist"):
        run_cells(cells, tmp_path / "store", InProcess())
    assert not (tmp_path / "computed").exists()
    assert contents(tmp_path / "store") == {}


# -- stopping ----------------------------------------------------------------------------------


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_once_and_not_inside_a_shield(signum: int) -> None:
    before = signal.getsignal(signum)
    reached = []

    def store_a_cell(signals: StopSignals) -> None:
        with signals.shielded():
            signal.raise_signal(signum)
            reached.append(True)

    with StopSignals() as signals:
        with pytest.raises(Stopped) as stopped:
            store_a_cell(signals)
        assert reached
        assert stopped.value.signum == signum
        signal.raise_signal(signum)  # a second one does not disturb the cleaning up
    assert signal.getsignal(signum) == before


def test_a_signal_outside_a_shield_stops_at_once() -> None:
    with StopSignals(), pytest.raises(Stopped):
        signal.raise_signal(signal.SIGINT)


def test_a_stopped_run_says_what_is_left(tmp_path: Path, toy: Experiment) -> None:
    cells = expand(toy, Grid(axes={"n": range(6)}))

    @contextmanager
    def show(todo):
        def progress(done: int, failed: int, seconds_left: float | None) -> None:
            if done == 4:
                signal.raise_signal(signal.SIGINT)

        yield progress

    report = run_cells(cells, tmp_path / "store", InProcess(), show)
    assert (report.signum, report.done, report.left) == (signal.SIGINT, 4, 2)
    assert len(contents(tmp_path / "store")) == 4


def test_a_cell_that_is_being_stored_is_stored_and_counted(
    tmp_path: Path, toy: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Struck(StoreWriter):
        def write(self, cell: Cell, outcome: Outcome) -> None:
            signal.raise_signal(signal.SIGTERM)
            super().write(cell, outcome)

    monkeypatch.setattr("simulations.sweep.run.StoreWriter", Struck)
    cells = expand(toy, Grid(axes={"n": range(3)}))
    report = run_cells(cells, tmp_path / "store", InProcess())
    assert (report.signum, report.done, report.left) == (signal.SIGTERM, 1, 2)
    assert list(contents(tmp_path / "store")) == [cells[0].key]


# -- times -------------------------------------------------------------------------------------


def test_time_left_follows_the_declared_cost(toy: Experiment) -> None:
    short, long = (make_cell(toy, {"n": 1, "pause": pause}) for pause in (0.999, 2.999))
    left = TimeLeft([short, long, long], {}, workers=2)
    assert left.seconds() is None
    left.finished(short, seconds=10.0)
    assert left.work() == pytest.approx(60.0)
    assert left.seconds() == pytest.approx(30.0)
    known = TimeLeft([short, long], {"toy": Rate(5.0, "")}, workers=1)
    assert known.seconds() == pytest.approx(20.0)


def test_stored_cells_calibrate_the_plan(tmp_path: Path, toy: Experiment) -> None:
    cells = expand(toy, Grid(axes={"n": range(4)}, fixed={"pause": 0.01}))
    run_cells(cells[:2], tmp_path / "store", InProcess())
    rate = plan(cells, tmp_path / "store").rates["toy"]
    assert rate.seconds_per_cost >= 0.01 / 0.011
    assert "2 stored cells" in rate.basis


def test_timing_runs_the_cheapest_cell_and_stores_nothing(tmp_path: Path, toy: Experiment) -> None:
    dear = make_cell(toy, {"n": 1, "pause": 0.2, "mood": "raise"})
    cheap = make_cell(toy, {"n": 1, "pause": 0.01})
    assert timed_rate(toy, [dear, cheap, dear]).seconds_per_cost >= 0.01 / 0.011
    assert {p.name for p in tmp_path.iterdir()} == {"computed"}
    with pytest.raises(InvalidInputError, match=r"cheapest cell fails.*a toy's failure"):
        timed_rate(toy, [make_cell(toy, {"n": 1, "mood": "raise"})])


def test_a_cost_that_is_no_positive_number_is_refused(toy: Experiment) -> None:
    for cost in (0.0, -1.0, float("nan")):
        free = replace(toy, cost=lambda params, cost=cost: cost)
        with pytest.raises(InvalidInputError, match="positive number"):
            TimeLeft([make_cell(free, {"n": 1})], {}, 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cell_has_one_thread(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with threadpool_limits(2):
        cells = expand(get_experiment("threads"), Grid(axes={"n": range(3)}))
        run_cells(cells, tmp_path / "store", local_engine(workers))
    assert set(contents(tmp_path / "store").values()) == {'{"most":[1],"variable":["1"]}'}


def test_one_thread_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with one_thread():
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
