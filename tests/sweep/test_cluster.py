"""A real Dask scheduler with real worker processes: same rows, whatever happens to them.

One scheduler serves the module; each test starts and kills workers of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from simulations.experiments import get_experiment
from simulations.sweep.cell import make_cell
from simulations.sweep.cluster import DaskCluster, connect
from simulations.sweep.engine import InProcess
from simulations.sweep.experiment import Experiment
from simulations.sweep.grid import Grid, expand
from simulations.sweep.run import run_cells
from songoku_theory.errors import InvalidInputError, SongokuError, StoreError
from songoku_theory.storage import open_read_only

pytest.importorskip("distributed")

PLUGIN = Path(__file__).parent / "plugin"


def stored(store: Path, column: str = "rows", status: str = "done") -> dict[str, str]:
    try:
        with closing(open_read_only(store)) as connection:
            query = f"SELECT key, {column} FROM cells WHERE status = ?"
            return dict(connection.execute(query, (status,)))
    except StoreError:
        return {}  # the sweep has not made it yet


def wait_until(reached: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)


class Machines:
    """A scheduler, and workers that come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.run("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", self.file)
        wait_until(self.file.exists)

    def run(self, *arguments: object, path: Path | None = None) -> subprocess.Popen[bytes]:
        folders = [str(folder) for folder in (path, PLUGIN) if folder is not None]
        folders += [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + str(arguments[0])]
                + [str(argument) for argument in arguments[1:]],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=os.environ
                | {
                    "PYTHONPATH": os.pathsep.join(folders),
                    "SONGOKU_TOY_FOLDER": str(self.folder),
                    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "20",
                },
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self, path: Path | None = None, threads: int = 1) -> subprocess.Popen[bytes]:
        """Start one; a process of its own, without a nanny, so that a kill is a kill."""
        return self.run(
            "worker", "--scheduler-file", self.file, "--nthreads", threads, "--no-nanny",
            "--no-dashboard", path=path,
        )  # fmt: skip

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def count(self) -> int:
        with connect(str(self.file)) as client:
            return len(client.nthreads())

    def dismiss(self) -> None:
        """Kill all workers."""
        for process in self.processes[1:]:
            self.kill(process)
        wait_until(lambda: self.count() == 0)
        del self.processes[1:]
        for mark in ("died", "raised", "computed"):
            (self.folder / mark).unlink(missing_ok=True)

    def close(self) -> None:
        for process in self.processes:
            self.kill(process)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    machines = Machines(tmp_path_factory.mktemp("cluster"))
    yield machines
    machines.close()


@pytest.fixture
def machines(scheduler: Machines) -> Iterator[Machines]:
    yield scheduler
    scheduler.dismiss()


@pytest.fixture
def two(machines: Machines) -> Machines:
    """Two workers that have joined."""
    machines.worker()
    machines.worker()
    wait_until(lambda: machines.count() == 2)
    return machines


def engine(machines: Machines, **options: object) -> DaskCluster:
    return DaskCluster(str(machines.file), **options)  # type: ignore[arg-type]


def test_the_same_rows_whatever_goes_wrong_with_a_cell(
    two: Machines, tmp_path: Path, toy: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell that raises, kills its process, hangs or prints: named, and no other is touched."""
    monkeypatch.setenv("SONGOKU_TOY_FOLDER", str(two.folder))
    good = expand(toy, Grid(axes={"n": range(12), "scale": [1.0, 3.5]}))
    bad = {mood: make_cell(toy, {"n": 99, "mood": mood}) for mood in ("raise", "die", "hang")}
    once = make_cell(toy, {"n": 99, "mood": "die_once"})
    talk = make_cell(toy, {"n": 99, "mood": "talk"})
    threads = expand(get_experiment("threads"), Grid(axes={"n": range(3)}))
    cells = [*good[:5], once, *bad.values(), talk, *threads, *good[5:]]
    store = tmp_path / "store"
    report = run_cells(cells, store, engine(two, cell_timeout=1.0))
    assert (report.done, report.failed, report.left) == (len(good) + 5, 3, 0)
    why = stored(store, "error", "failed")
    assert "ValueError: a toy's failure" in why[bad["raise"].key]
    assert "Traceback" in why[bad["raise"].key]
    assert "died 2 times on worker" in why[bad["die"].key]
    assert "ran longer than 1 s (--cell-timeout)" in why[bad["hang"].key]
    assert {stored(store)[cell.key] for cell in threads} == {'{"most":[1],"variable":["1"]}'}
    run_cells([*good, once, talk, *threads], tmp_path / "here", InProcess())
    assert stored(store) == stored(tmp_path / "here")
    again = run_cells(cells, store, engine(two, cell_timeout=1.0))
    assert (again.plan.stored, again.failed) == (len(good) + 5, 3)


def test_workers_are_killed_and_join_in_the_middle(
    two: Machines, tmp_path: Path, toy: Experiment
) -> None:
    cells = expand(toy, Grid(axes={"n": range(44)}, fixed={"pause": 0.04}))
    store = tmp_path / "store"
    first, second = two.processes[1:]
    steps = iter([(6, lambda: two.kill(first)), (12, two.worker), (18, lambda: two.kill(second))])
    state = {"next": next(steps)}
    most = 0

    class Watched(DaskCluster):
        @property
        def workers(self) -> int:
            nonlocal most
            done = len(stored(store))
            if state["next"] is not None and done >= state["next"][0]:
                state["next"][1]()
                state["next"] = next(steps, None)
            most = max(most, super().workers)
            return super().workers

    report = run_cells(cells, store, Watched(str(two.file)))
    assert state["next"] is None
    assert most == 2
    assert (report.done, report.failed, report.left) == (44, 0, 0)
    run_cells(cells, tmp_path / "here", InProcess())
    assert stored(store) == stored(tmp_path / "here")


def test_the_client_is_killed_and_comes_back(
    two: Machines, tmp_path: Path, preset: Callable[..., Path], start, songoku
) -> None:
    store = tmp_path / "store.sqlite"
    path = preset(40, 0.04)
    arguments = ("sweep", "run", path, "--store", store, "--cluster", two.file)
    process = start(*arguments)
    wait_until(lambda: len(stored(store)) >= 8)
    process.kill()
    process.communicate()
    before = stored(store)
    assert 8 <= len(before) < 40
    # Ctrl-C ends the second one, with a command that resumes
    process = start(*arguments)
    wait_until(lambda: len(stored(store)) >= len(before) + 5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert f"--cluster {two.file}" in errors
    middle = stored(store)
    assert before.items() <= middle.items()
    done = songoku(*arguments)
    assert done.returncode == 0, done.stderr
    assert f"{len(middle)} stored before" in done.stdout
    assert f"{40 - len(middle)} cells run" in done.stdout
    alone = songoku("sweep", "run", path, "--store", tmp_path / "alone", "--workers", 1)
    assert alone.returncode == 0
    assert stored(store) == stored(tmp_path / "alone")


def other_songoku(folder: Path) -> Path:
    """A folder that makes another version of songoku be found first."""
    (folder / "songoku-9.9.dist-info").mkdir(parents=True)
    (folder / "songoku-9.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: songoku\nVersion: 9.9\n"
    )
    return folder


def test_workers_with_another_songoku_are_refused(
    machines: Machines, tmp_path: Path, toy: Experiment
) -> None:
    """Alone: an error. Beside a good one, also when they join later: they get no cell."""
    said: list[str] = []
    other = other_songoku(tmp_path / "other")
    cells = expand(toy, Grid(axes={"n": range(20)}, fixed={"pause": 0.05}))
    machines.worker(other)
    wait_until(lambda: machines.count() == 1)
    with pytest.raises(SongokuError, match=r"no worker .*it has songoku 9\.9, not .*same songoku"):
        run_cells(cells, tmp_path / "store", engine(machines))
    assert stored(tmp_path / "store") == {}

    broken = tmp_path / "broken" / "simulations"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('half an installation')\n")
    good = machines.worker()
    wait_until(lambda: machines.count() == 2)

    class Watched(DaskCluster):
        joined = left = False

        @property
        def workers(self) -> int:
            done = len(stored(tmp_path / "store"))
            if not self.joined and done >= 2:
                self.joined = True
                machines.worker(other)
                machines.worker(broken.parent)
                wait_until(lambda: machines.count() == 4)
            if not self.left and done >= 8:
                self.left = True
                machines.worker()
                wait_until(lambda: machines.count() == 5)
                machines.kill(good)  # with cells that were to run nowhere else
            return super().workers

    report = run_cells(cells, tmp_path / "store", Watched(str(machines.file), announce=said.append))
    assert (report.done, report.failed) == (20, 0)
    assert all("is refused" in line for line in said)
    assert "it has songoku 9.9, not" in said[0]
    assert any("can't be imported there (half an installation)" in line for line in said)
    run_cells(cells, tmp_path / "here", InProcess())
    assert stored(tmp_path / "store") == stored(tmp_path / "here")


def test_a_sweep_may_start_before_the_first_worker_and_a_worker_may_have_threads(
    machines: Machines, tmp_path: Path, toy: Experiment
) -> None:
    said: list[str] = []

    def announce(line: str) -> None:
        said.append(line)
        machines.worker(threads=3)

    cells = expand(toy, Grid(axes={"n": range(12)}))
    report = run_cells(cells, tmp_path / "store", engine(machines, announce=announce))
    assert (report.done, report.failed) == (12, 0)
    assert said == ["the cluster has no worker yet; cells run as soon as one joins"]
    run_cells(cells, tmp_path / "here", InProcess())
    assert stored(tmp_path / "store") == stored(tmp_path / "here")


def test_a_scheduler_that_dies_ends_the_sweep_clearly(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, toy: Experiment
) -> None:
    own = Machines(tmp_path_factory.mktemp("doomed"))
    try:
        own.worker()
        wait_until(lambda: own.count() == 1)
        cells = expand(toy, Grid(axes={"n": range(100)}, fixed={"pause": 0.05}))

        class Watched(DaskCluster):
            @property
            def workers(self) -> int:
                if len(stored(tmp_path / "store")) >= 4:
                    own.kill(own.processes[0])
                return super().workers

        with pytest.raises(SongokuError, match=r"connection to the Dask scheduler is lost"):
            run_cells(cells, tmp_path / "store", Watched(str(own.file)))
        assert 4 <= len(stored(tmp_path / "store")) < 100
    finally:
        own.close()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nowhere.json", "there is no such file"),
        ("gopher://host:1", "is not the address of a scheduler"),
        ("tcp://host", "is not the address of a scheduler"),
    ],
)
def test_an_address_that_is_none_is_refused(address: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        connect(address)


def test_a_file_that_is_no_scheduler_file_is_refused(tmp_path: Path) -> None:
    for text in ("", "[1]", '{"id": 1}'):
        (tmp_path / "scheduler.json").write_text(text)
        with pytest.raises(InvalidInputError, match="is not a scheduler file"):
            connect(str(tmp_path / "scheduler.json"))
