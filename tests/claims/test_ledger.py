"""The ledger file: written whole or not at all, refused when it is not one, compared, exported."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofs_check.expected import Expectation, Found
from proofs_check.ledger import (
    Ledger,
    build,
    diff,
    merge,
    read,
    row_of,
    rows_by_id,
    to_json,
    to_markdown,
    write,
)
from proofs_check.model import (
    CheckContext,
    Claim,
    Finding,
    Method,
    Outcome,
    Scope,
    VacuityFinding,
)
from proofs_check.runner import run_claim
from songoku_theory.errors import StoreError

PROVED = Expectation(Found("PROVED"), Found("PROVED"))


@pytest.fixture
def ledger(proved: Claim, make_claim: Callable[..., Claim]) -> Ledger:
    """Return a ledger with a proved, a refuted and a vacuous claim."""
    refuted = make_claim(
        "EMA-9",
        [(Method.EXACT, Finding(Outcome.REFUTES, Scope("instances", "two"), "no | no", "EMA-9"))],
    )
    empty = replace(
        proved, id="X-2", vacuous=lambda _: VacuityFinding(True, "K = 3"), notes="a | b"
    )
    rows = [row_of(run_claim(claim, CheckContext()), "quick") for claim in (proved, refuted, empty)]
    expected = {"X-1": PROVED, "EMA-9": PROVED, "X-2": PROVED}
    return build(rows, "quick", {"commit": "abc"}, expected, list(expected), whole=True)


def test_rows_say_what_the_report_reads(ledger: Ledger) -> None:
    row = rows_by_id(ledger)["EMA-9"]
    assert row["verdict"]["kind"] == "REFUTED"
    assert row["counterexample"]["file"] == "EMA-9"
    assert row["evidence"][0]["scope"] == {"kind": "instances", "value": "two"}
    assert row["evidence"][0]["replay"] == "songoku claims replay EMA-9"
    assert set(row) >= {
        "id", "family", "title", "statement", "plain", "source", "assumptions", "used_for",
        "reading", "verdict", "vacuous", "evidence", "counterexample", "repaired_by", "repairs",
    }  # fmt: skip
    assert rows_by_id(ledger)["X-2"]["vacuous"] == {"is": True, "at": "K = 3"}
    assert rows_by_id(ledger)["X-1"]["counterexample"] is None


def test_differences_stand_in_the_file(ledger: Ledger) -> None:
    assert not ledger["expected"]["matches"]
    assert ledger["expected"]["differences"] == [
        {"id": "EMA-9", "expected": "PROVED", "found": "REFUTED"},
        {"id": "X-2", "expected": "PROVED", "found": "PROVED VACUOUS"},
    ]


def test_written_and_read_back(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.json"
    write(path, ledger)
    assert read(path) == ledger
    assert [item.name for item in path.parent.iterdir()] == ["ledger.json"]


def test_a_full_disk_leaves_the_old_ledger(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.json"
    write(path, ledger)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"No space left.*unchanged"):
        write(path, ledger | {"claims": []})
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["ledger.json"]


def test_a_folder_in_the_way(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="can't be written"):
        write(tmp_path / "file" / "ledger.json", ledger)


def test_every_truncation_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    whole = to_json(ledger)
    path = tmp_path / "ledger.json"
    for length in range(0, len(whole.rstrip()) - 1, 97):
        path.write_text(whole[:length], encoding="utf-8")
        with pytest.raises(StoreError, match="not complete JSON"):
            read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema 2; this version reads schema 1"),
        ({"schema": "1"}, "schema '1'"),
        ({"claims": None}, "not a ledger"),
        ({"expected": None}, "not a ledger"),
        ({"claims": [{"id": "X"}]}, r"row 0 .* lacks evidence, family"),
        ({"claims": ["X"]}, "row 0"),
    ],
)
def test_another_schema_or_shape_is_refused(
    ledger: Ledger, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(ledger | change), encoding="utf-8")
    with pytest.raises(StoreError, match=message):
        read(path)


@pytest.mark.parametrize("text", ["[]", "3", "{}", "null"])
def test_json_that_is_no_ledger(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match="not a ledger"):
        read(path)


def test_a_missing_or_binary_ledger(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="songoku claims check --all"):
        read(tmp_path / "none.json")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StoreError, match="can't be read"):
        read(tmp_path / "binary")


def test_diff_names_flips_new_rows_and_lost_rows(ledger: Ledger) -> None:
    other = json.loads(to_json(ledger))
    assert diff(ledger, other) == []
    other["claims"][0]["verdict"]["kind"] = "UNDECIDED"
    other["claims"][1]["id"] = "NEW"
    assert diff(ledger, other) == [
        {"id": "X-1", "before": "PROVED", "after": "UNDECIDED"},
        {"id": "EMA-9", "before": "REFUTED", "after": None},
        {"id": "NEW", "before": None, "after": "REFUTED"},
    ]


def test_merge_replaces_rows_and_drops_unknown_ones() -> None:
    old = [{"id": "A", "v": 1}, {"id": "GONE", "v": 1}]
    assert merge(old, [{"id": "B", "v": 2}, {"id": "A", "v": 2}], ["B", "A"]) == [
        {"id": "B", "v": 2},
        {"id": "A", "v": 2},
    ]


def test_markdown_has_every_claim_and_difference(ledger: Ledger) -> None:
    text = to_markdown(ledger)
    for row in ledger["claims"]:
        assert f"## {row['id']}: {row['title']}" in text
    assert "- EMA-9: expected PROVED, found REFUTED" in text
    assert "`songoku claims replay EMA-9`" in text
    assert "PROVED, VACUOUS" in text
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(table) == 1 + len(ledger["claims"])
    assert all(line.replace("\\|", "").count("|") == 5 for line in table)


def test_no_json_outside_the_standard(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json(ledger | {"provenance": {"x": float("nan")}})
