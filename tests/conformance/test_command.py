"""``songoku check`` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from songoku_theory.cli import app
from songoku_theory.errors import SongokuError, UnknownNameError
from songoku_theory.testing.command import check
from songoku_theory.testing.render import from_dimacs

FAST = ("--family", "small", "--no-compare")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(check, arguments)


def test_it_is_a_command_of_songoku() -> None:
    found = CliRunner().invoke(app, ["check", "--help"])
    assert found.exit_code == 0
    for name in ("coloring", "combiner", "mutants", "scheduler"):
        assert name in found.output


def test_a_right_heuristic_exits_with_0(users_folder: Path) -> None:
    found = run("coloring", "users_heuristics:right", *FAST)
    assert found.exit_code == 0, found.output
    assert "takes     a networkx graph (its first parameter is annotated" in found.output
    assert "promises  proper, deterministic, contiguous, delta+1, any-node-names" in found.output
    assert "10 checks: 10 pass" in found.output
    assert not (users_folder / "songoku-check").exists()


def test_a_wrong_one_exits_with_1_and_leaves_files(users_folder: Path) -> None:
    found = run("coloring", "users_heuristics:looks_at_three", *FAST, "--json", "out/results.json")
    assert found.exit_code == 1
    assert "FAIL" in found.output
    assert "Smallest failing graph, proper[small]" in found.output
    assert "!" in found.output
    folder = users_folder / "songoku-check"
    stem = "looks-at-three-proper-small"
    assert {f.name for f in folder.iterdir()} == {f"{stem}{e}" for e in (".col", ".py", ".png")}
    assert (folder / f"{stem}.png").read_bytes().startswith(b"\x89PNG")
    results = json.loads((users_folder / "out" / "results.json").read_text())
    shown = next(r for r in results if r["check"] == "proper[small]")["counterexample"]
    matrix = from_dimacs((folder / f"{stem}.col").read_text())
    assert len(matrix) == shown["num_tasks"] == 5
    assert int(matrix.sum()) == 2 * len(shown["edges"])


def test_the_script_shows_the_failure_again_and_notices_a_repair(users_folder: Path) -> None:
    run("coloring", "users_heuristics.py:looks_at_three", *FAST, "--out", "found")
    script = users_folder / "found" / "looks-at-three-proper-small.py"

    def replay() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(script)],
            cwd=users_folder.parent,
            capture_output=True,
            text=True,
            timeout=60,
        )

    before = replay()
    assert before.returncode == 1, before.stderr
    assert "conflicts inside a class: [(" in before.stdout
    module = users_folder / "users_heuristics.py"
    module.write_text(module.read_text().replace("list(G[node])[:3]", "list(G[node])"))
    after = replay()
    assert after.returncode == 0, after.stderr
    assert "conflicts inside a class: []" in after.stdout


def test_a_graph_too_large_to_draw_is_written_all_the_same(users_folder: Path) -> None:
    found = run(
        "coloring", "users_heuristics:wrong_when_large", "--family", "large", "--no-compare",
        "--max-tasks", "300", "--promise", "proper",
    )  # fmt: skip
    assert found.exit_code == 1
    assert "proper[large]" in found.output
    assert (users_folder / "songoku-check" / "wrong-when-large-proper-large.col").exists()


def test_expected_failures_make_it_exit_with_0(users_folder: Path) -> None:
    found = run(
        "coloring", "users_heuristics:looks_at_three", *FAST,
        "--expect-failure", "proper=it looks at three neighbours only",
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "1 expected-fail" in found.output
    found = run("coloring", "users_heuristics:right", *FAST, "--expect-failure", "proper=old")
    assert found.exit_code == 1
    assert "unexpected-pass" in found.output


def test_promises_can_be_changed(users_folder: Path) -> None:
    found = run("coloring", "users_heuristics:right", *FAST, "--promise", "+exact")
    assert found.exit_code == 1
    assert "as you asked" in found.output
    assert "the chromatic number allows" in found.output


def test_the_comparison_names_the_built_in_heuristics(users_folder: Path) -> None:
    found = run("coloring", "users_heuristics:right", "--family", "hard")
    assert found.exit_code == 0, found.output
    for name in ("right", "dsatur", "smallest_last", "welsh_powell"):
        assert name in found.output.partition("Compared with")[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("users_heuristics:rihgt",), "Did you mean 'right'"),
        (("users_heuristics:needs_two",), "it needs adjacency, seed"),
        (("no_module_of_that_name:f",), "could not be imported"),
        (("welsh_powel",), "Did you mean 'welsh_powell'"),
        (("users_heuristics:right", "--promise", "propper"), "Did you mean 'proper'"),
        (("users_heuristics:right", "--expect-failure", "propper=x"), "Did you mean 'proper'"),
    ],
)
def test_mistakes_are_answered_before_anything_runs(
    users_folder: Path, arguments: tuple[str, ...], words: str
) -> None:
    found = run("coloring", *arguments)
    assert found.exit_code == 1
    assert isinstance(found.exception, SongokuError)
    assert words in str(found.exception)
    assert "checks:" not in found.output


def test_an_expectation_needs_a_reason(users_folder: Path) -> None:
    found = run("coloring", "users_heuristics:right", "--expect-failure", "proper")
    assert found.exit_code == 2
    assert "NAME=REASON" in found.output


def test_a_registered_colouring_and_its_promises() -> None:
    found = run("coloring", "welsh_powell", *FAST)
    assert found.exit_code == 0, found.output
    assert "its @coloring decorator" in found.output
    assert "welsh-powell-bound" in found.output


def test_check_scheduler() -> None:
    target = "songoku_theory.testing:reference_factory"
    assert run("scheduler", target, "--promise", "+algorithm-1").exit_code == 0
    faulty = "songoku_theory.testing.mutants.schedulers:PointerReset"
    found = run("scheduler", faulty)
    assert found.exit_code == 1
    assert "never run" in " ".join(found.output.split())
    assert run("scheduler", faulty, "--expect-failure", "no-starvation=known").exit_code == 0


def test_check_combiner() -> None:
    assert run("combiner", "mgda").exit_code == 0
    found = run("combiner", "mgda", "--reference", "sum")
    assert found.exit_code == 1
    assert "same-as-reference" in found.output
    assert isinstance(run("combiner", "mgad").exception, UnknownNameError)


def test_check_mutants_says_which_check_finds_which() -> None:
    found = run("mutants", "--kind", "EMA", "--kind", "conflict rule")
    assert found.exit_code == 0, found.output
    text = " ".join(found.output.split())
    assert "seen in public code" in text
    assert "31 of 31 faults found; 4 of 4 correct implementations let live" in text


@pytest.mark.parametrize("place", ["users_heuristics", "users_heuristics.py"])
def test_a_child_can_be_spawned_instead_of_forked(place: str, users_folder: Path) -> None:
    """For heuristics with threads of their own, which may hang after a fork."""
    found = run("coloring", f"{place}:looks_at_three", *FAST, "--start-method", "spawn")
    assert found.exit_code == 1
    assert "Smallest failing graph, proper[small]" in found.output
    refused = run("coloring", f"{place}:right", *FAST, "--start-method", "thread")
    assert refused.exit_code == 2
