"""``songoku verify``: what its steps say decides its exit status, and no step is left out."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from songoku_theory import verify as module
from songoku_theory.cli import app
from songoku_theory.errors import InvalidInputError, UnknownNameError


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Put three stand-in commands into the app; return the list that they write to."""
    calls: list[tuple[str, ...]] = []

    @click.command("first")
    @click.argument("rest", nargs=-1)
    def first(rest: tuple[str, ...]) -> None:
        calls.append(("first", *rest))

    @click.command("second")
    def second() -> None:
        calls.append(("second",))
        raise InvalidInputError("the second step went wrong")

    @click.command("third")
    @click.pass_context
    def third(ctx: click.Context) -> None:
        calls.append(("third",))
        ctx.exit(130)

    for command in (first, second, third):
        monkeypatch.setitem(app.commands, str(command.name), command)
    return calls


def use_steps(monkeypatch: pytest.MonkeyPatch, *commands: tuple[str, ...]) -> None:
    steps = tuple(module.Step(c[0], c, 1.0) for c in commands)
    monkeypatch.setattr(module, "load_profile", lambda name: module.Profile(name, "a test", steps))


def verify(folder: Path) -> tuple[int, str]:
    outcome = CliRunner().invoke(
        app,
        [
            "verify",
            "--store",
            str(folder / "s"),
            "--ledger",
            str(folder / "l.json"),
            "--out",
            str(folder / "r"),
        ],
    )
    return outcome.exit_code, outcome.output


def test_placeholders_are_filled_in_and_success_is_0(
    ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_steps(monkeypatch, ("first", "{store}", "{ledger}", "{report}/figures"))
    code, output = verify(tmp_path)
    assert code == 0, output
    folder = str(tmp_path)
    assert ran == [("first", f"{folder}/s", f"{folder}/l.json", f"{folder}/r/figures")]
    assert "ok" in output


def test_a_failed_step_is_reported_does_not_stop_the_others_and_fails_the_whole(
    ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_steps(monkeypatch, ("second",), ("first", "x"))
    code, output = verify(tmp_path)
    assert code == 1
    assert ran == [("second",), ("first", "x")]
    assert "the second step went wrong" in output
    assert "FAILED" in output


def test_an_interrupted_step_stops_everything(
    ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_steps(monkeypatch, ("third",), ("first", "x"))
    code, _ = verify(tmp_path)
    assert code == 130
    assert ran == [("third",)]


def test_the_table_counts_verdicts_and_names_every_difference(
    ran: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_steps(monkeypatch, ("first",))
    claim = {"verdict": {"kind": "REFUTED", "qualifier": None}}
    differences = [{"id": "COL-P8", "expected": "PROVED", "found": "REFUTED"}]
    content = {"claims": [claim, claim], "expected": {"matches": False, "differences": differences}}
    (tmp_path / "l.json").write_text(json.dumps(content))
    _, output = verify(tmp_path)
    assert "claims REFUTED" in output
    assert "COL-P8" in output
    assert "expected PROVED, found REFUTED" in output


def test_every_profile_that_ships_names_commands_that_exist() -> None:
    context = click.Context(app)
    for name in module.available_profiles():
        profile = module.load_profile(name)
        assert profile.steps
        for step in profile.steps:
            command = app.get_command(context, step.command[0])
            assert command is not None, step.command
            known = {o for p in command.params for o in p.opts}
            if isinstance(command, click.Group):
                inner = command.get_command(context, step.command[1])
                assert inner is not None, step.command
                known = {o for p in inner.params for o in p.opts}
            assert {a for a in step.command if a.startswith("--")} <= known


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'quick'"):
        module.load_profile("quik")
