"""The command as a user meets it: plug-ins, help, misspelt names, errors without tracebacks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from simulations import experiments
from songoku_theory import cli
from songoku_theory.errors import InvalidInputError

COMMANDS = ("claims", "figures", "report", "sweep", "trace", "verify")


def plug_in(monkeypatch: pytest.MonkeyPatch, points: dict[str, EntryPoint]) -> None:
    monkeypatch.setattr(cli._PluggedGroup, "_entry_points", staticmethod(lambda: points))


def test_every_sub_command_is_found_through_its_entry_point_and_has_an_example() -> None:
    listed = CliRunner().invoke(cli.app, ["--help"])
    assert listed.exit_code == 0
    for name in COMMANDS:
        assert name in listed.output
        shown = CliRunner().invoke(cli.app, [name, "--help"])
        assert shown.exit_code == 0, shown.output
        assert "not available" not in shown.output
        assert "songoku " in shown.output.split("Usage:", 1)[1].split("\n", 1)[1]


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (["swep"], "sweep"),
        (["verify", "--profil", "quick"], "--profile"),
        (["claims", "lst"], "list"),
        (["sweep", "run", "quick", "--worker", "2"], "--workers"),
    ],
)
def test_a_misspelt_command_or_option_is_refused_with_the_nearest(
    arguments: list[str], nearest: str
) -> None:
    outcome = CliRunner().invoke(cli.app, arguments)
    assert outcome.exit_code == 2
    assert nearest in outcome.output


def test_an_unknown_profile_is_refused_with_the_nearest() -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "songoku_theory.cli", "verify", "--profile", "quik"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert outcome.returncode == 1
    assert "Did you mean 'quick'" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_command_whose_package_is_missing_is_listed_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    point = EntryPoint("paint", "no_such_package.cli:paint", cli.ENTRY_POINT_GROUP)
    plug_in(monkeypatch, {"paint": point})
    assert "needs no_such_package" in CliRunner().invoke(cli.app, ["--help"]).output
    outcome = CliRunner().invoke(cli.app, ["paint", "--anything"])
    assert outcome.exit_code == 1
    assert "pip install 'songoku[all]'" in outcome.output


def test_an_entry_point_that_is_no_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("odd", "math:pi", cli.ENTRY_POINT_GROUP)
    plug_in(monkeypatch, {"odd": point})
    outcome = CliRunner().invoke(cli.app, ["odd"])
    assert outcome.exit_code == 1
    assert "should name a click command; found float" in outcome.output


def test_a_deliberate_error_is_one_message_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command("fail")
    def fail() -> None:
        raise InvalidInputError("tau should lie in [0, 1]; found 7.")

    monkeypatch.setitem(cli.app.commands, "fail", fail)
    monkeypatch.setattr(sys, "argv", ["songoku", "fail"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    assert capsys.readouterr().err == "error: tau should lie in [0, 1]; found 7.\n"


def test_a_full_disk_is_one_message_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command("fill")
    def fill() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "rows.csv")

    monkeypatch.setitem(cli.app.commands, "fill", fill)
    monkeypatch.setattr(sys, "argv", ["songoku", "fill"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    assert capsys.readouterr().err == "error: No space left on device: rows.csv\n"


def test_a_table_of_nothing_is_an_error_and_not_an_empty_page(tmp_path: Path) -> None:
    line = ["table1", "--preset", "smoke", "--benchmark", "yeast", "--stored"]
    outcome = CliRunner().invoke(cli.app, [*line, "--store", str(tmp_path / "none.sqlite")])
    assert isinstance(outcome.exception, InvalidInputError)
    assert "there is nothing to show" in str(outcome.exception)
    assert outcome.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_an_experiment_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table asks for its experiment at every cell; plug-ins are sought in every package."""
    asked: list[str] = []

    def sought(*, group: str) -> tuple[EntryPoint, ...]:
        asked.append(group)
        return ()

    monkeypatch.setattr(experiments, "entry_points", sought)
    experiments.get_experiment.cache_clear()
    found = {id(experiments.get_experiment("training")) for _ in range(20)}
    assert len(found) == 1
    assert len(asked) <= 2


def test_an_interrupt_ends_with_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command("wait")
    def wait() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(cli.app.commands, "wait", wait)
    monkeypatch.setattr(sys, "argv", ["songoku", "wait"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 130
