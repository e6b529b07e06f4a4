"""The stored counterexamples as files: each replays, belongs to its claim, and holds no float."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from proofs_check import counterexamples
from proofs_check.counterexamples import Replay, available, load, rational, replay, replayer
from proofs_check.expected import load_expected
from proofs_check.registry import get_claim
from songoku_theory.errors import InvalidInputError, UnknownNameError


@pytest.mark.parametrize("stem", available())
def test_every_file_replays_and_belongs_to_a_refuted_claim(stem: str) -> None:
    example = load(stem)
    claim = get_claim(example.claim)
    outcome = replay(stem)
    assert outcome.violated
    assert outcome.steps
    assert load_expected()[claim.id].quick.kind in ("REFUTED", "CONDITIONAL")


@pytest.mark.parametrize("stem", available())
def test_numbers_are_exact(stem: str) -> None:
    def floats(value: object) -> list[object]:
        if isinstance(value, float):
            return [value]
        if isinstance(value, Mapping):
            return [f for item in value.values() for f in floats(item)]
        return [f for item in value for f in floats(item)] if isinstance(value, list) else []

    assert floats(dict(load(stem).data)) == []


@pytest.mark.parametrize("value", [0.5, "0.5", "1e-3", "", "1/0", True, None, "a/b", "1 /2"])
def test_only_exact_numbers_are_read(value: object) -> None:
    with pytest.raises(InvalidInputError, match="integers or rationals"):
        rational(value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the counterexamples somewhere else for a test."""
    monkeypatch.setattr(counterexamples, "directory", lambda: tmp_path)
    return tmp_path


def tampered(stem: str, changes: dict[str, Any], folder: Path) -> str:
    original = Path(counterexamples.__file__).parent / f"{stem}.json"
    content = json.loads(original.read_text(encoding="utf-8"))
    content["data"] |= changes
    (folder / f"{stem}.json").write_text(json.dumps(content), encoding="utf-8")
    return stem


@pytest.mark.parametrize(
    ("stem", "changes"),
    [
        ("EMA-18-CARRIED", {"gradients": [[[-1], [1]], [[1], [1]]]}),
        ("EMA-18-CARRIED", {"population_mean_of_last_window": [[2], [1]]}),
        ("EMA-18-CARRIED-two-steps", {"beta": "1/2"}),
        ("EMA-3.1", {"histories": [[[-1], [1]], [[1], [1]]]}),
        ("EMA-3.1", {"histories": [[[-3], [1]], [[1], [2]]]}),
        (
            "EMA-8-BUF-MIN",
            {"program": [["scale", "current", "beta"], ["add", "current", "g", "1"]]},
        ),
        ("EMA-8-BUF-MIN", {"claimed_minimum": 1}),
        ("EMA-SCALE-0", {"weights": [1, 1]}),
        ("EMA-SCALE-0", {"weights": [-1, 0]}),
        ("EMA-SCALE-T", {"factors": [1, 1]}),
        ("EMA-SCALE-T", {"factors": [-3, 1]}),
        ("EMA-9", {"buffers": [[1], [-1]]}),
        ("EMA-STAB", {"law": [["2", "9/10"], ["-1", "1/10"]]}),
        ("EMA-STAB", {"law": [["2", "9/10"], ["-8", "1/5"]]}),
        ("EMA-19-A1", {"refresh": 0}),
        ("EMA-19-A1", {"constant_gradients": [[1], [1]], "refresh": 0}),
        ("EMA-19-A1-PROBE-aligned", {"probe": "none"}),
        ("EMA-C2-BETA", {"budget": "3/2"}),
        ("EMA-C2-MEETS", {"ratio": 1}),
        ("EMA-C2-UNNORM", {"budget": 2}),
    ],
)
def test_a_tampered_file_violates_nothing(stem: str, changes: dict[str, Any], folder: Path) -> None:
    assert not replay(tampered(stem, changes, folder)).violated


def test_unknown_stem_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'EMA-STAB'"):
        load("EMA-STAP")


def test_unknown_kind_is_an_error(folder: Path) -> None:
    content = {
        "claim": "X",
        "kind": "no such kind",
        "summary": "",
        "data": {},
        "violates": "",
        "found_by": "",
    }
    (folder / "X.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UnknownNameError, match="kind"):
        replay("X")


@pytest.mark.parametrize("text", ["{", "[]", '{"claim": "X"}', '{"claim": "X", "kind": "k"}'])
def test_a_broken_file_is_a_clear_error(folder: Path, text: str) -> None:
    (folder / "X.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"X\.json"):
        load("X")


def test_two_functions_for_one_kind_are_refused() -> None:
    def other(data: Mapping[str, Any]) -> Replay:
        return Replay((), bool(data))

    with pytest.raises(InvalidInputError, match="two functions replay"):
        replayer("ema-program")(other)
