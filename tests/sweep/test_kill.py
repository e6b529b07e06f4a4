"""Killed at any moment, a sweep loses at most the cells in flight and resumes to the same bits."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from songoku_theory.errors import StoreError
from songoku_theory.storage import open_read_only

Start = Callable[..., subprocess.Popen[str]]
Run = Callable[..., subprocess.CompletedProcess[str]]

CELLS = 40
PAUSE = 0.02


def contents(store: Path) -> dict[str, str]:
    try:
        with closing(open_read_only(store)) as connection:
            return dict(connection.execute("SELECT key, rows FROM cells WHERE status = 'done'"))
    except StoreError:
        return {}  # the sweep has not made it yet


def computed(folder: Path) -> list[tuple[int, int]]:
    """Process and cell of each computation that came to its end."""
    path = folder / "computed"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(pid), int(n)) for pid, n in (line.split() for line in lines)]


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the sweep does not get on"
        time.sleep(0.005)


def check_dead(pids: set[int]) -> None:
    deadline = time.monotonic() + 20
    while left := {pid for pid in pids if alive(pid)}:
        if time.monotonic() > deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            pytest.fail(f"processes {left} outlived their sweep")
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def uninterrupted(preset: Callable[..., Path], songoku: Run, tmp_path: Path) -> dict[str, str]:
    store = tmp_path / "uninterrupted.sqlite"
    done = songoku("sweep", "run", preset(CELLS, PAUSE), "--store", store, "--workers", 1)
    assert done.returncode == 0, done.stderr
    (tmp_path / "computed").unlink()
    return contents(store)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for left-over processes in /proc")
def test_kill_nine_at_random_moments(
    preset: Callable[..., Path],
    start: Start,
    songoku: Run,
    uninterrupted: dict[str, str],
    tmp_path: Path,
) -> None:
    store = tmp_path / "killed.sqlite"
    moments = random.Random(20240611)
    before = 0
    for workers in (2, 1, 2):
        process = start(
            "sweep", "run", tmp_path / "toys.toml", "--store", store, "--workers", workers
        )
        target = before + moments.randint(1, 10)
        wait_until(lambda target=target: len(contents(store)) >= target, process)
        time.sleep(moments.uniform(0, PAUSE))
        process.kill()
        process.wait()
        check_dead({pid for pid, _ in computed(tmp_path)})
        process.communicate()
        stored = contents(store)
        assert stored.items() <= uninterrupted.items()
        assert before < len(stored) < CELLS
        lost = len({n for _, n in computed(tmp_path)}) - len(stored)
        assert lost <= 2 * workers
        before = len(stored)
    done = songoku("sweep", "run", tmp_path / "toys.toml", "--store", store, "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert contents(store) == uninterrupted


@pytest.mark.parametrize(
    ("signum", "workers", "status"),
    [(signal.SIGINT, 1, 130), (signal.SIGINT, 2, 130), (signal.SIGTERM, 2, 143)],
)
def test_ctrl_c_says_how_to_resume(
    start: Start,
    songoku: Run,
    uninterrupted: dict[str, str],
    tmp_path: Path,
    signum: int,
    workers: int,
    status: int,
) -> None:
    store = tmp_path / "a store.sqlite"  # the command to resume has to quote it
    process = start("sweep", "run", tmp_path / "toys.toml", "--store", store, "--workers", workers)
    wait_until(lambda: len(contents(store)) >= 5, process)
    if signum == signal.SIGINT:
        os.killpg(process.pid, signum)  # as a terminal does: to the workers as well
    else:
        process.send_signal(signum)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    stored = contents(store)
    assert stored.items() <= uninterrupted.items()
    assert f"stopped: {len(stored)} of {CELLS} cells are stored" in errors
    assert f"{CELLS - len(stored)} left" in errors
    command = shlex.split(errors.strip().splitlines()[-1])
    assert command[0] == "songoku"
    done = songoku(*command[1:])
    assert done.returncode == 0, done.stderr
    assert f"{len(stored)} stored before" in done.stdout
    assert contents(store) == uninterrupted


def test_ctrl_c_while_workers_start_is_quiet(
    preset: Callable[..., Path], start: Start, tmp_path: Path
) -> None:
    """A worker that is still importing would show a traceback for each Ctrl-C it hears."""
    process = start("sweep", "run", preset(CELLS, PAUSE), "--store", "s.sqlite", "--workers", 2)
    assert process.stderr is not None
    assert "to run on 2 workers" in process.stderr.readline()
    time.sleep(0.06)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "Resume with" in errors


def test_a_second_sweep_of_the_same_store_is_refused(
    preset: Callable[..., Path], start: Start, songoku: Run, tmp_path: Path
) -> None:
    store = tmp_path / "store.sqlite"
    path = preset(200, 0.1)
    process = start("sweep", "run", path, "--store", store, "--workers", 1)
    wait_until(lambda: len(contents(store)) >= 1, process)
    second = songoku("sweep", "run", path, "--store", store, "--workers", 1)
    assert second.returncode == 1
    assert f"being written by process {process.pid}" in second.stderr
    assert second.stderr.count("\n") == 1
    reading = songoku("sweep", "status", "--store", store)
    assert reading.returncode == 0
    assert f"process {process.pid}" in reading.stdout
    process.kill()
    process.communicate()
    after = songoku("sweep", "run", preset(3, 0, "few.toml"), "--store", store, "--workers", 1)
    assert after.returncode == 0, after.stderr
