"""Code under test may hang, crash, exit or keep state; the parent only hears about it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from songoku_theory.errors import InvalidInputError
from songoku_theory.testing.isolation import Outcome, Worker

CALLS: list[int] = []


def obeys(request: tuple[str, int]) -> int:
    """Do what the request says, badly if it says so."""
    what, number = request
    CALLS.append(number)
    if what == "hang":
        while True:
            time.sleep(0.01)
    if what == "exit":
        sys.exit("bye")
    if what == "kill":
        os._exit(7)
    if what == "fail":
        raise KeyError(f"no {number}")
    return len(CALLS) if what == "count" else number * 2


def kinds(outcomes: list[Outcome | None]) -> list[str]:
    return ["untried" if o is None else o.kind for o in outcomes]


def test_answers_come_in_order_whatever_happens_in_between() -> None:
    requests = [("x", 1), ("fail", 2), ("x", 3), ("exit", 4), ("kill", 5), ("hang", 6), ("x", 7)]
    with Worker(obeys, time_limit=1.0) as worker:
        outcomes = list(worker.map(requests))
    assert kinds(outcomes) == ["value", "raised", "value", "raised", "died", "timeout", "value"]
    values = [o.value for o in outcomes if o is not None and o.kind == "value"]
    assert values == [2, 6, 14]
    details = [o.detail for o in outcomes if o is not None]
    assert "KeyError: 'no 2'" in details[1]
    assert "test_isolation.py" in details[1]
    assert "SystemExit: bye" in details[3]
    assert "exit status 7" in details[4]
    assert "1 s" in details[5]
    assert CALLS == []  # nothing ran in this process


def test_it_gives_up_after_several_lost_children() -> None:
    with Worker(obeys, time_limit=5.0) as worker:
        outcomes = list(worker.map([("kill", 0)] * 5, give_up_after=2))
    assert kinds(outcomes) == ["died", "died", "untried", "untried", "untried"]


def test_state_lives_as_long_as_the_child() -> None:
    with Worker(obeys, time_limit=5.0) as worker:
        counts = [worker.call(("count", 0)).value for _ in range(3)]
        worker.restart()
        assert counts == [1, 2, 3]
        assert worker.call(("count", 0)).value == 1
        assert worker.starts == 2


def test_more_requests_than_fit_in_a_batch_or_a_pipe() -> None:
    with Worker(len, time_limit=20.0) as worker:
        outcomes = list(worker.map([b"x" * 20_000] * 600))
    assert [o.value for o in outcomes if o is not None] == [20_000] * 600


def test_a_spawned_child_does_as_well() -> None:
    with Worker(abs, time_limit=60.0, start_method="spawn") as worker:
        assert worker.call(-3).value == 3


def test_a_spawned_child_needs_something_picklable() -> None:
    with (
        Worker(lambda x: x, time_limit=5.0, start_method="spawn") as worker,
        pytest.raises(InvalidInputError, match="top of a module"),
    ):
        worker.call(1)


def test_without_isolation_it_runs_here() -> None:
    with Worker(obeys, time_limit=1.0, isolate=False) as worker:
        assert worker.call(("fail", 1)).kind == "raised"
        assert kinds(list(worker.map([("x", 1), ("x", 2)]))) == ["value", "value"]
        assert worker.starts == 0
    CALLS.clear()


def test_a_child_ends_with_whatever_it_has_started() -> None:
    def starts_a_sleeper(request: object) -> int:
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid

    with Worker(starts_a_sleeper, time_limit=20.0) as worker:
        sleeper = worker.call(None).value
        assert os.path.exists(f"/proc/{sleeper}") or not os.path.exists("/proc")
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{sleeper}") and time.monotonic() < deadline:
        with open(f"/proc/{sleeper}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "Z":  # dead, not yet collected
                return
        time.sleep(0.01)
    assert not os.path.exists(f"/proc/{sleeper}")


def test_a_time_limit_has_to_be_positive() -> None:
    with pytest.raises(InvalidInputError, match="time_limit"):
        Worker(abs, time_limit=0)
