"""The committed expectation: any flip differs, and only a flip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proofs_check.expected import Expectation, Found, compare, load_expected
from proofs_check.registry import shipped_ids
from songoku_theory.errors import InvalidInputError


def expectation(kind: str, **full: str) -> Expectation:
    quick = Found(kind)
    return Expectation(quick, Found(full["full"]) if full else quick)


def test_the_committed_file_names_every_shipped_claim_once() -> None:
    assert sorted(load_expected()) == sorted(shipped_ids())


def test_a_match_is_no_difference() -> None:
    found, expected = {"A": Found("PROVED")}, {"A": expectation("PROVED")}
    assert compare(found, expected, "quick", ["A"], whole=True) == []


@pytest.mark.parametrize("found", ["REFUTED", "UNDECIDED", "SUPPORTED", "PROVED_UP_TO"])
def test_a_flip_is_a_difference(found: str) -> None:
    differences = compare(
        {"A": Found(found)}, {"A": expectation("PROVED")}, "quick", ["A"], whole=False
    )
    assert differences == [{"id": "A", "expected": "PROVED", "found": found}]


def test_the_vacuous_flag_counts() -> None:
    found = {"A": Found("PROVED", None, vacuous=True)}
    differences = compare(found, {"A": expectation("PROVED")}, "quick", ["A"], whole=False)
    assert differences[0]["found"] == "PROVED VACUOUS"


def test_a_qualifier_counts_where_it_is_expected() -> None:
    found = {"A": Found("PROVED_UP_TO", "n = 5")}
    exact = Expectation(*[Found("PROVED_UP_TO", "n = 6")] * 2)
    loose = Expectation(*[Found("PROVED_UP_TO")] * 2)
    assert compare(found, {"A": exact}, "quick", ["A"], whole=False)
    assert not compare(found, {"A": loose}, "quick", ["A"], whole=False)


def test_a_full_run_has_its_own_expectation() -> None:
    expected = {"A": expectation("UNDECIDED", full="PROVED")}
    found = {"A": Found("PROVED")}
    assert compare(found, expected, "full", ["A"], whole=False) == []
    assert compare(found, expected, "quick", ["A"], whole=False) != []


def test_a_shipped_claim_without_entry_differs_and_a_users_does_not() -> None:
    found = {"A": Found("PROVED"), "USER-1": Found("REFUTED")}
    differences = compare(found, {}, "quick", ["A"], whole=True)
    assert differences == [{"id": "A", "expected": None, "found": "PROVED"}]


def test_a_claim_that_is_gone_differs_only_in_a_whole_run() -> None:
    expected = {"A": expectation("PROVED")}
    assert compare({}, expected, "quick", ["A"], whole=False) == []
    assert compare({}, expected, "quick", ["A"], whole=True) == [
        {"id": "A", "expected": "PROVED", "found": None}
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not complete JSON"),
        ('{"schema": 2, "verdicts": {}}', "schema"),
        ("[]", "schema"),
        ('{"schema": 1, "verdicts": {"A": {"kind": "TRUE"}}}', "kind of 'A'"),
        ('{"schema": 1, "verdicts": {"A": {"kind": "PROVED", "vacous": true}}}', "entry of 'A'"),
        ('{"schema": 1, "verdicts": {"A": "PROVED"}}', "entry of 'A'"),
        ('{"schema": 1}', "verdicts"),
    ],
)
def test_a_broken_file_is_a_clear_error(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "expected.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=message):
        load_expected(path)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no such file"):
        load_expected(tmp_path / "none.json")


def test_entries_are_read_with_their_fields(tmp_path: Path) -> None:
    path = tmp_path / "expected.json"
    entry = {"kind": "UNDECIDED", "vacuous": True, "full": {"kind": "PROVED", "qualifier": "q"}}
    path.write_text(json.dumps({"schema": 1, "verdicts": {"A": entry}}), encoding="utf-8")
    assert load_expected(path)["A"] == Expectation(
        Found("UNDECIDED", None, True), Found("PROVED", "q")
    )
