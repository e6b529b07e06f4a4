"""A ledger file that can't be used is refused with the place and the command that helps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paper_figures.engine.ledger_file import read_ledger
from songoku_theory.errors import InvalidInputError


def _break(change: Callable[[dict[str, Any]], object], ledger: dict[str, Any], path: Path) -> Path:
    change(ledger)
    path.write_text(json.dumps(ledger), encoding="utf-8")
    return path


def test_no_file_is_no_ledger(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "none.json") is None


def test_a_good_ledger_is_read_whole(ledger: dict[str, Any], ledger_file: Path) -> None:
    assert read_ledger(ledger_file) == ledger


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda it: it.update(schema=2), "has schema 2"),
        (lambda it: it.pop("claims"), "claims missing"),
        (lambda it: it.update(claims={}), "'claims' should be a list; found dict"),
        (lambda it: it["claims"].append(None), "number 11: expected an object; found nothing"),
        (lambda it: it["claims"][1].pop("plain"), "number 2: plain missing"),
        (lambda it: it["claims"][1].update(id="EMA-8"), "ids should be text, each used once"),
        (lambda it: it["claims"][0]["verdict"].update(kind="TRUE"), "verdict should be one of"),
        (lambda it: it["claims"][0]["source"].pop("section"), "its source: section missing"),
        (lambda it: it["claims"][0]["evidence"][0].pop("replay"), "its evidence: replay missing"),
        (lambda it: it["claims"][0].update(vacuous=None), "'vacuous': expected an object"),
        (lambda it: it.update(expected={}), "differences, matches missing"),
    ],
)
def test_what_is_wrong_is_named(
    change: Callable[[dict[str, Any]], object],
    message: str,
    ledger: dict[str, Any],
    tmp_path: Path,
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read_ledger(_break(change, ledger, tmp_path / "ledger.json"))


@pytest.mark.parametrize("text", ["", '{"schema": 1,', "[]", '"ledger"'])
def test_half_a_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=str(path)):
        read_ledger(path)
