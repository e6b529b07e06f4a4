"""``songoku claims``, as a user meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proofs_check.cli import claims
from proofs_check.ledger import read
from proofs_check.registry import shipped_ids
from songoku_theory.errors import InvalidInputError, StoreError, UnknownNameError

CHEAP = ("EMA-8-BUF", "EMA-9", "EMA-SCALE-T")
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a runner of the command in an empty folder, without a terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SONGOKU_LEDGER", raising=False)
    monkeypatch.delenv("SONGOKU_STORE", raising=False)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(claims, list(arguments))

    return invoke


def expectation(path: Path, verdicts: dict[str, str]) -> str:
    content = {"schema": 1, "verdicts": {i: {"kind": kind} for i, kind in verdicts.items()}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def rows_of(output: str) -> list[list[str]]:
    """Return the first words of the table's rows that name a claim."""
    ids = set(shipped_ids())
    return [words for line in output.splitlines() if (words := line.split()) and words[0] in ids]


def test_list_before_anything_was_checked(run: Run) -> None:
    result = run("list")
    assert result.exit_code == 0
    rows = rows_of(result.output)
    assert {row[0] for row in rows} == set(shipped_ids())
    assert all("expected" in row and "checked" not in row for row in rows)
    assert "songoku claims check --all" in result.output


def test_show_before_anything_was_checked(run: Run) -> None:
    output = run("show", "EMA-18-CARRIED").output
    assert "not checked yet; the committed expectation is REFUTED" in output
    for part in ("statement", "in words", "source", "reading", "assumes", "used for", "notes"):
        assert f"\n{part}" in output
    assert "cosine by eq. 8: -1 (edge); by eq. 18: 1 (no edge)" in output
    assert "repaired     EMA-18-CARRIED-R" in output
    assert "songoku claims replay EMA-18-CARRIED" in output


def test_check_writes_the_ledger_and_passes(run: Run) -> None:
    result = run("check", *CHEAP)
    assert result.exit_code == 0, result.output
    assert "Every verdict is the expected one." in result.output
    ledger = read(Path("runs/ledger.json"))
    assert {row["id"]: row["verdict"]["kind"] for row in ledger["claims"]} == {
        "EMA-8-BUF": "PROVED",
        "EMA-9": "REFUTED",
        "EMA-SCALE-T": "REFUTED",
    }
    assert ledger["expected"] == {"matches": True, "differences": []}
    assert ledger["provenance"]


def test_a_flip_fails(run: Run, tmp_path: Path) -> None:
    wrong = expectation(tmp_path / "expected.json", {"EMA-9": "PROVED"})
    result = run("check", "EMA-9", "--expected", wrong)
    assert result.exit_code == 1
    assert "EMA-9: expected PROVED, found REFUTED" in result.output
    ledger = read(Path("runs/ledger.json"))
    assert ledger["expected"]["differences"] == [
        {"id": "EMA-9", "expected": "PROVED", "found": "REFUTED"}
    ]


def test_a_claim_without_expectation_fails(run: Run, tmp_path: Path) -> None:
    nothing = expectation(tmp_path / "expected.json", {})
    assert run("check", "EMA-9", "--expected", nothing).exit_code == 1


def test_check_of_some_keeps_the_other_rows(run: Run) -> None:
    run("check", "EMA-9")
    run("check", "EMA-8-BUF")
    ledger = read(Path("runs/ledger.json"))
    assert [row["id"] for row in ledger["claims"]] == ["EMA-8-BUF", "EMA-9"]
    rows = rows_of(run("list", "--family", "ema").output)
    origins = {row[0]: "checked" in row for row in rows}
    assert [claim_id for claim_id, checked in origins.items() if checked] == ["EMA-8-BUF", "EMA-9"]


def test_list_filters(run: Run) -> None:
    run("check", *CHEAP)
    refuted = rows_of(run("list", "--verdict", "refuted").output)
    assert {"EMA-9", "EMA-SCALE-T", "EMA-18-CARRIED"} <= {row[0] for row in refuted}
    assert all("REFUTED" in row for row in refuted)
    assert {row[0] for row in rows_of(run("list", "--flag", "repair").output)} >= {"EMA-9-R"}
    unchecked = {row[0] for row in rows_of(run("list", "--flag", "unchecked").output)}
    assert unchecked == set(shipped_ids()) - set(CHEAP)
    assert rows_of(run("list", "--flag", "mismatch").output) == []
    readings = {row[0] for row in rows_of(run("list", "--flag", "reading").output)}
    assert "EMA-9" in readings
    assert "EMA-19" not in readings


def test_show_after_a_check(run: Run) -> None:
    run("check", "EMA-9")
    output = run("show", "EMA-9").output
    assert "verdict      REFUTED\n" in output
    assert "evidence     two tasks on a line [exact] refutes" in output
    assert "violates: eq. 9 as printed is the negative cosine of eq. 4 (yes, exactly)" in output
    assert "EMA-9-R: With" in output
    assert all(line == line.rstrip() for line in output.splitlines())


def test_one_check_by_name_writes_no_ledger(run: Run) -> None:
    result = run("check", "EMA-19", "--only", "induction on R")
    assert result.exit_code == 0
    assert "EMA-19: induction on R [symbolic] supports" in result.output
    assert not Path("runs").exists()


def test_replay_of_a_stem_and_of_a_claim(run: Run) -> None:
    one = run("replay", "EMA-STAB")
    assert one.exit_code == 0
    assert "-1 with probability 19/100" in one.output
    assert "Violated, in exact arithmetic" in one.output
    both = run("replay", "EMA-18-CARRIED")
    assert both.exit_code == 0
    assert both.output.count("Violated, in exact arithmetic") == 1  # the stem of that name wins
    several = run("replay", "EMA-19-A1-PROBE-aligned")
    assert "effective sample size 7/3" in several.output


def test_diff_of_two_ledgers(run: Run, tmp_path: Path) -> None:
    run("check", "EMA-9", "--ledger", "a.json")
    run("check", "EMA-9", "--ledger", "b.json")
    same = run("diff", "a.json", "b.json")
    assert same.exit_code == 0
    run("check", "EMA-8-BUF", "--ledger", "b.json")
    different = run("diff", "a.json", "b.json")
    assert different.exit_code == 1
    assert "EMA-8-BUF" in different.output
    assert "(no row)" in different.output


def test_export_to_output_and_to_a_file(run: Run) -> None:
    run("check", "EMA-9")
    assert run("export").output.startswith("# Claims ledger\n")
    exported = json.loads(run("export", "--format", "json").output)
    assert exported == read(Path("runs/ledger.json"))
    assert run("export", "--out", "ledger.md").exit_code == 0
    assert "## EMA-9:" in Path("ledger.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["show", "EMA-91"], UnknownNameError, "Did you mean 'EMA-9"),
        (["check", "EMA9"], UnknownNameError, "Did you mean 'EMA-9'"),
        (["replay", "EMA-STAP"], UnknownNameError, "Did you mean 'EMA-STAB'"),
        (["replay", "EMA-19"], InvalidInputError, "'EMA-19' has no counterexample"),
        (["list", "--family", "emma"], UnknownNameError, "Did you mean 'ema'"),
        (["check", "EMA-19", "--only", "induction"], UnknownNameError, "induction on R"),
        (["export"], StoreError, "there is no ledger at"),
        (["diff", "a", "b"], StoreError, "there is no ledger at a"),
    ],
)
def test_bad_names_and_missing_files(
    run: Run, arguments: list[str], error: type[Exception], message: str
) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, error)
    assert message in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "--all"),
        (["check", "EMA-9", "--all"], "not both"),
        (["check", "--all", "--only", "x"], "exactly one claim"),
        (["list", "--verdict", "TRUE"], "'proved', 'proved_up_to'"),
        (["check", "--al"], "--all"),
    ],
)
def test_wrong_use_is_explained(run: Run, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize("text", ['{"schema": 1, "claims": [', '{"schema": 99, "claims": []}'])
def test_a_damaged_ledger_is_refused_and_left_alone(run: Run, text: str) -> None:
    path = Path("runs/ledger.json")
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    for arguments in (["list"], ["show", "EMA-9"], ["check", "EMA-9"], ["export"]):
        assert isinstance(run(*arguments).exception, StoreError), arguments
    assert path.read_text(encoding="utf-8") == text


def test_another_kind_of_file_is_not_overwritten(run: Run) -> None:
    path = Path("store.sqlite")
    path.write_bytes(b"SQLite format 3\x00")
    for arguments in (["check", "--all"], ["check", "EMA-9"]):
        result = run(*arguments, "--ledger", str(path))
        assert isinstance(result.exception, StoreError)
    assert path.read_bytes() == b"SQLite format 3\x00"


def test_the_whole_command_reports_errors_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "songoku_theory.cli", "claims", "show", "EMA-91"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: unknown claim 'EMA-91'. Did you mean 'EMA-9")
    assert "Traceback" not in done.stderr


def test_output_that_takes_only_ascii(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "songoku_theory.cli", "claims", "show", "EMA-19"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert "\\u03b2" in done.stdout
