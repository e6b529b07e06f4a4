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

OPTIONS = ColoringOptions(families=("hard", "disconnected"), max_tasks=64)
EXPECTED = {
    "looks_at_three": {"proper": "three only"},
    "wrong_when_large": {"proper[hard]": "lazy"},
    "right": {"contiguous": "was so once"},
}

@parametrize_with_checks([right, looks_at_three, wrong_when_large], options=OPTIONS)
def test_plain(check):
    check()

@parametrize_with_checks(
    [right, looks_at_three, wrong_when_large], expected_failures=EXPECTED, options=OPTIONS
)
def test_marked(check):
    check()
"""


@pytest.fixture
def said(users_folder: Path) -> str:
    """What pytest says about a file of theirs."""
    (users_folder / "test_theirs.py").write_text(FILE)
    outcome = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rA", "-p", "no:cacheprovider", "test_theirs.py"],
        cwd=users_folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return outcome.stdout + outcome.stderr


def test_one_test_a_check(said: str) -> None:
    assert "PASSED test_theirs.py::test_plain[right-proper[hard]]" in said
    assert "FAILED test_theirs.py::test_plain[looks_at_three-proper[hard]]" in said
    assert "FAILED test_theirs.py::test_plain[wrong_when_large-proper[hard]]" in said
    assert "AssertionError: proper[hard]: fail: tasks" in said
    assert said.count("FAILED test_theirs.py::test_plain") == 4
    assert said.count("\nPASSED test_theirs.py::test_plain") == 56

    # What is expected to fail is an xfail; that it does not fail is a failure.
    assert "XFAIL test_theirs.py::test_marked[wrong_when_large-proper[hard]]" in said
    assert "FAILED test_theirs.py::test_marked[wrong_when_large-proper[disconnected]]" in said
    assert "FAILED test_theirs.py::test_marked[right-contiguous[hard]]" in said
    assert "contiguous[hard]: unexpected-pass" in said
    assert "3 xfailed" in said


def test_names_that_do_not_exist_are_refused_at_once() -> None:
    options = ColoringOptions(families=("hard",))
    for expected in ({"welsh_powell": {"propper": "x"}}, {"somebody": {"proper": "x"}}):
        with pytest.raises(UnknownNameError):
            parametrize_with_checks(["welsh_powell"], expected_failures=expected, options=options)
