"""The suite inside somebody else's pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from songoku_theory.errors import UnknownNameError
from songoku_theory.testing import ColoringOptions, parametrize_with_checks

FILE = """
from songoku_theory.testing import ColoringOptions, parametrize_with_checks
from users_heuristics import looks_at_three, right, wrong_when_large

@parametrize_with_checks(
    [right, looks_at_three, wrong_when_large],
    expected_failures=EXPECTED,
    options=ColoringOptions(families=("hard", "disconnected"), max_tasks=60),
)
def test_colorings(check):
    check()
"""


def run(folder: Path, expected: str) -> str:
    (folder / "test_theirs.py").write_text(FILE.replace("EXPECTED", expected))
    outcome = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rA", "-p", "no:cacheprovider", "test_theirs.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return outcome.stdout + outcome.stderr


def test_one_test_a_check(users_folder: Path) -> None:
    said = run(users_folder, "None")
    assert "PASSED test_theirs.py::test_colorings[right-proper[hard]]" in said
    assert "FAILED test_theirs.py::test_colorings[looks_at_three-proper[hard]]" in said
    assert "FAILED test_theirs.py::test_colorings[wrong_when_large-proper[hard]]" in said
    assert "AssertionError: proper[hard]: fail: tasks" in said
    assert "4 failed, 56 passed" in said


def test_expected_failures_are_xfails_and_must_fail(users_folder: Path) -> None:
    said = run(
        users_folder,
        '{"looks_at_three": {"proper": "three only"}, '
        '"wrong_when_large": {"proper[hard]": "lazy"}, "right": {"contiguous": "was so once"}}',
    )
    assert "contiguous[hard]: unexpected-pass" in said
    # wrong_when_large[disconnected] is not expected; neither is that right keeps its promise.
    assert "3 failed, 54 passed, 3 xfailed" in said


def test_names_that_do_not_exist_are_refused_at_once() -> None:
    options = ColoringOptions(families=("hard",))
    for expected in ({"welsh_powell": {"propper": "x"}}, {"somebody": {"proper": "x"}}):
        with pytest.raises(UnknownNameError):
            parametrize_with_checks(["welsh_powell"], expected_failures=expected, options=options)
