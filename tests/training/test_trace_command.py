"""``songoku trace`` from the outside: runs once, shows what is stored, refuses bad input."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from simulations.experiments.trace import EXPERIMENT
from simulations.sweep.cell import make_cell
from simulations.sweep.engine import LocalProcesses
from simulations.sweep.run import run_cells
from simulations.training.command import trace
from simulations.training.display import StepLines
from simulations.training.options import CHOICES, DOCS, TraceOptions
from simulations.training.progress import listening
from songoku_theory.errors import InvalidInputError, SongokuError
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.storage import read_cells, read_rows

SMALL = ["--steps", "25", "--refresh", "10", "--width", "4", "--batch-size", "8"]


@pytest.fixture
def store(tmp_path):
    return tmp_path / "runs" / "store.sqlite"


def run(store, *arguments):
    return CliRunner().invoke(trace, [*SMALL, *arguments, "--store", str(store)])


def test_it_trains_once_and_shows_the_stored_run_afterwards(store):
    first = run(store)
    assert first.exit_code == 0, first.output
    assert "Trained in" in first.stdout
    assert "2 refreshes" in first.stdout
    assert "25 steps" in first.stderr
    second = run(store)
    assert second.exit_code == 0
    assert "Already in" in second.stdout
    assert "Trained" not in second.stdout
    summary = first.stdout.partition("\n\n")[2]
    assert summary
    assert summary == second.stdout.partition("\n\n")[2]
    assert len(read_cells(store, "trace")) == 1


def test_runs_with_other_settings_stand_beside_each_other(store):
    assert run(store).exit_code == 0
    together = run(store, "--tau", "1")
    assert together.exit_code == 0
    assert "150 gradients at steps and 12 at probes" in together.stdout
    assert "all tasks at every step would be 150." in together.stdout
    assert len(read_cells(store, "trace")) == 2


def test_a_worker_process_writes_the_same_bits(store, tmp_path):
    assert run(store).exit_code == 0
    options = TraceOptions(steps=25, refresh_period=10, width=4, batch_size=8)
    other = tmp_path / "other.sqlite"
    report = run_cells([make_cell(EXPERIMENT, options.as_params())], other, LocalProcesses(2))
    assert report.done == 1
    assert read_rows(store, "trace").equals(read_rows(other, "trace"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tau", "1.5"], r"tau should lie in \[0, 1\]"),
        (["--tau", "-0.1"], r"tau should lie in \[0, 1\]"),
        (["--tau", "nan"], "tau should be finite"),
        (["--beta", "1"], r"beta should lie in \[0, 1\)"),
        (["--refresh", "0"], "refresh_period should be at least 1"),
        (["--steps", "0"], "steps should be a whole number >= 1"),
        (["--width", "0"], "width should be a whole number >= 1"),
        (["--batch-size", "0"], "batch_size should be a whole number >= 1"),
        (["--seed", "-1"], "seed should be a whole number >= 0"),
        (["--warm-up", "-1"], "warm_up should be a whole number >= 0"),
        (["--lr", "0"], "lr should be a finite number > 0"),
        (["--lr", "inf"], "lr should be a finite number > 0"),
        (["--dataset", "digitz"], "unknown dataset 'digitz'. Did you mean 'digits'"),
        (["--heuristic", "dsature"], "Did you mean 'dsatur'"),
    ],
)
def test_bad_input_is_one_clear_error_and_nothing_is_written(store, arguments, message):
    result = run(store, *arguments)
    assert isinstance(result.exception, InvalidInputError)
    assert re.search(message, str(result.exception))
    assert not store.exists()


@pytest.mark.parametrize("flag", ["--ema", "--phase", "--probe", "--observe-tasks"])
def test_an_unknown_choice_lists_the_valid_ones(store, flag):
    result = run(store, flag, "nonsense")
    assert result.exit_code == 2
    for choice in CHOICES[flag.removeprefix("--").replace("-", "_")]:
        assert choice in result.stderr


def test_an_unknown_option_names_the_nearest(store):
    result = run(store, "--step", "3")
    assert result.exit_code == 2
    assert "--steps" in result.stderr


def test_a_diverging_run_names_task_and_step_and_can_be_tried_again(store):
    for _ in range(2):
        # Four hidden units may all die in the first step, and a dead network's loss is finite:
        # wide enough, some live on.
        result = run(store, "--lr", "1e30", "--width", "24", "--batch-size", "64")
        assert isinstance(result.exception, SongokuError)
        assert str(result.exception).startswith("the loss of task 'digit' is nan at step 1")
    cells = read_cells(store, "trace")
    assert cells["status"].to_list() == ["failed"]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_and_nothing_of_it_is_stored(store, monkeypatch, signum):
    steps = []

    @contextmanager
    def stop_at_step_five(total, label):
        def listener(done, total):
            steps.append(done)
            if done == 5:
                signal.raise_signal(signum)

        yield listener

    monkeypatch.setattr("simulations.training.session.shown_steps", stop_at_step_five)
    stopped = run(store)
    assert stopped.exit_code == 128 + signum
    assert "not stored" in stopped.stderr
    assert steps == [1, 2, 3, 4, 5]
    monkeypatch.undo()
    again = run(store)
    assert again.exit_code == 0
    assert "Trained in" in again.stdout


def test_a_file_that_is_not_a_store_is_left_alone(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("not a store")
    result = run(file)
    assert isinstance(result.exception, SongokuError)
    assert file.read_text() == "not a store"


def test_every_option_is_documented_and_the_choices_are_the_schedulers():
    options = TraceOptions().as_params()
    assert set(DOCS) == set(options)
    for name, choices in CHOICES.items():
        for choice in choices:
            assert getattr(SchedulerConfig(num_tasks=2, **{name: choice}), name) == choice
    shown = CliRunner().invoke(trace, ["--help"]).output
    assert shown.count("--") > len(options)


def test_progress_is_told_step_by_step_and_time_left_is_shown(store, capsys, monkeypatch):
    heard = []
    with listening(lambda done, total: heard.append((done, total))):
        EXPERIMENT.run(TraceOptions(steps=3, width=2).as_params(), make_cell(EXPERIMENT, {}).seed())
    assert heard == [(1, 3), (2, 3), (3, 3)]

    clock = iter([0.0, 1.0, 10.0, 20.0])
    monkeypatch.setattr("simulations.training.display.time.monotonic", lambda: next(clock))
    lines = StepLines("run")
    for done in (1, 2, 11, 100):
        lines(done, 100)
    # Ten steps took ten seconds; the second call comes too soon, the last one needs no line.
    assert capsys.readouterr().err == "run: 11/100 steps, 1 min 29 s left\n"


def test_the_command_and_the_experiment_are_there_without_importing_torch():
    code = (
        "import sys; import simulations.training.command; import simulations.experiments.trace; "
        "assert 'torch' not in sys.modules and 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
