"""Two processes train what one trains; they stop, resume and fail together."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import torch
from click.testing import CliRunner

from simulations.training.run.distributed import ALONE, LostProcessError, Processes, joined
from simulations.training.train_command import train
from songoku_theory.errors import InvalidInputError

PATIENCE = 600.0  # of a test on a busy machine, not of the program
METHODS = ("uniform", "son_goku", "pcgrad", "famo", "son_goku_adatask")

SETTINGS = """
[training]
steps = 12
evaluate_every = 6
log_every = 1
[benchmark.stocks_fb.data]
window = 60
[benchmark.cifar10.training]
steps = 3
optimiser = "sgd"
lr = 0.01
"""

# Trains through the command, so that what is tested is what users call; joining once for all of it.
WORKER = """
import contextlib, json, sys
import torch
torch.set_num_threads(1)
from click.testing import CliRunner
from simulations.training.run import distributed
from simulations.training import train_command
with distributed.joined("cpu") as place:
    distributed.joined = lambda device: contextlib.nullcontext(place)
    for arguments in json.loads(sys.argv[1]):
        done = CliRunner().invoke(train_command.train, arguments)
        if done.exception is not None:
            raise done.exception
"""


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def started(command, count=2):
    """Start processes as torchrun does, without an agent that ends the others."""
    port = str(free_port())
    running = []
    for rank in range(count):
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_PORT": port,
                 "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": 1}  # fmt: skip
        running.append(subprocess.Popen(
            [sys.executable, *command], env=os.environ | {k: str(v) for k, v in place.items()},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ))  # fmt: skip
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.communicate()


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS)
    return path


@pytest.fixture
def arguments(data_root, settings, tmp_path):
    def make(benchmark, *more, out="several", methods=("son_goku",)):
        return [
            benchmark, *(part for name in methods for part in ("--method", name)),
            "--preset", "smoke", "--config", str(settings), "--data-root", str(data_root),
            "--out", str(tmp_path / out), *more,
        ]  # fmt: skip

    return make


def call(arguments):
    done = CliRunner().invoke(train, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def table(folder, name):
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def check_alike(one, other, tolerance):
    """All rows the same; numbers up to `tolerance`, relative or absolute.

    Where `other` paused it was evaluated, which `one` was not.
    """
    for name, column in (("losses.csv", "mean_loss"), ("metrics.csv", "value")):
        a = table(one, name)
        b = [row for row in table(other, name) if row["step"] in {row["step"] for row in a}]
        assert len(a) == len(b) > 0
        for left, right in zip(a, b, strict=True):
            assert float(left.pop(column)) == pytest.approx(
                float(right.pop(column)), rel=tolerance, abs=tolerance
            )
            assert left == right
    assert (one / "classes.csv").read_text() == (other / "classes.csv").read_text()
    a, b = (json.loads((f / "result.json").read_text()) for f in (one, other))
    assert a["work"] == b["work"]


def test_two_processes_train_what_one_trains(arguments, tmp_path):
    """Agreement to 1e-4, after 12 steps of Adam and float32; batches of 8 are shared as 4 and 4.

    CIFAR-10's network has batch normalisation, whose statistics are those of the whole batch. With
    8 examples it turns differences of 1e-7 into 1e-3 within five steps, of one process too, so
    only three are compared. The run "cut" begins in one process, goes on in two and ends in one.
    """
    call(arguments("stocks_fb", out="one", methods=METHODS))
    call(arguments("cifar10", out="one", methods=("uniform",)))
    call(arguments("stocks_fb", "--max-steps", "4", out="cut"))
    commands = [
        arguments("stocks_fb", methods=METHODS),
        arguments("cifar10", methods=("uniform",)),
        arguments("stocks_fb", "--max-steps", "9", out="cut"),
    ]
    with started(["-c", WORKER, json.dumps(commands)]) as running:
        for process in running:
            _, errors = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, errors
    call(arguments("stocks_fb", out="cut"))
    for name in METHODS:
        first, second = (tmp_path / o / "stocks_fb" / name / "seed-0" for o in ("one", "several"))
        check_alike(first, second, 1e-4)
        assert json.loads((second / "result.json").read_text())["processes"] == 2
    check_alike(*(tmp_path / o / "cifar10" / "uniform" / "seed-0" for o in ("one", "several")),
                1e-4)  # fmt: skip
    check_alike(*(tmp_path / o / "stocks_fb" / "son_goku" / "seed-0" for o in ("one", "cut")),
                1e-4)  # fmt: skip


def wait_for(path, running):
    until = time.monotonic() + PATIENCE
    while not path.exists():
        for process in running:
            assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_stops_one_process_stops_both(arguments, settings, tmp_path, how):
    """The second one gets a signal, during any step: asked to stop, both leave a checkpoint."""
    settings.write_text(SETTINGS.replace("steps = 12", "steps = 1000000"))
    checkpoint = tmp_path / "several" / "stocks_fb" / "son_goku" / "seed-0" / "checkpoint.pt"
    with started(["-m", "songoku_theory.cli", "train", *arguments("stocks_fb")]) as running:
        wait_for(checkpoint, running)
        time.sleep(1.0)
        running[1].send_signal(how)
        errors = [process.communicate(timeout=PATIENCE)[1] for process in running]
    step = torch.load(checkpoint, weights_only=True)["step"]
    if how == signal.SIGTERM:
        assert [process.returncode for process in running] == [143, 143]
        assert step > 0
        assert "son_goku/seed-0: stopped; the same command goes on from here." in errors[0]
        assert errors[1] == ""
    else:
        assert running[0].returncode == 1
        assert step == 0  # what the first process knew is not whole, so it is not saved
        assert "another process of this run ended" in errors[0]
        assert "process 0 of 2 stops too" in errors[0]
        assert "Traceback" not in errors[0]


@pytest.fixture
def second_of_three(monkeypatch):
    processes = Processes(None, torch.device("cpu"))
    processes.rank, processes.count = 1, 3
    return processes


def test_shares_cover_the_batch(second_of_three):
    shares = []
    for rank in range(3):
        second_of_three.rank = rank
        shares.append(second_of_three.share(8))
    assert shares == [slice(0, 3), slice(3, 6), slice(6, 8)]
    # The third has none of two; it computes one example that nobody uses.
    assert second_of_three.share(2) == slice(0, 1)
    assert ALONE.share(5) == slice(0, 5)


def test_a_device_for_all_processes_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(InvalidInputError, match=r"cpu or cuda; found 'cuda:1'"), joined("cuda:1"):
        pass
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InvalidInputError, match=r"process 1 .* finds 1 CUDA"), joined("cuda"):
        pass


def test_other_errors_are_not_taken_for_a_lost_process(second_of_three):
    with pytest.raises(RuntimeError, match="shapes"), second_of_three.told_of_losses():
        raise RuntimeError("shapes don't fit")
    with pytest.raises(LostProcessError, match="process 1 of 3"), second_of_three.told_of_losses():
        raise RuntimeError("[gloo/transport/tcp/pair.cc:1] Connection closed by peer")
    with pytest.raises(RuntimeError, match="gloo"), ALONE.told_of_losses():
        raise RuntimeError("gloo")
