"""Presets: what they ask for, and what is said when they ask for something that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulations.sweep.preset import (
    available_presets,
    load_preset,
    parse_preset,
    preset_cells,
)
from songoku_theory.errors import InvalidInputError, UnknownNameError

GOOD = """
name = "mine"
description = "Two grids."
[[sweep]]
experiment = "toy"
[sweep.fixed]
scale = 2
[sweep.grid]
n = { range = [0, 10, 3] }
[sweep.zip]
mood = ["good", "nan"]
pause = [0, 0.5]
[[sweep]]
experiment = "toy"
[sweep.fixed]
n = 3
scale = 2.0
[[sweep]]
experiment = "paired"
[sweep.grid]
replicate = [1, 2]
by = [0.5]
"""


def test_a_preset_is_its_cells_each_once() -> None:
    preset = parse_preset(GOOD, "mine.toml", "other")
    assert (preset.name, preset.description) == ("mine", "Two grids.")
    cells = preset_cells(preset)
    assert len(cells) == 4 * 2 + 2  # the second table repeats a cell of the first
    assert [cell.params["n"] for cell in cells[:8]] == [0, 3, 6, 9] * 2
    assert {cell.params["pause"] for cell in cells[:4]} == {0.0}
    assert {cell.params["pause"] for cell in cells[4:8]} == {0.5}
    assert preset_cells(preset, only="paired") == cells[8:]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('name = "mine"', "nmae = 1"), r"mine.toml: unknown key at the top 'nmae'\. .*'name'"),
        (("[sweep.zip]", "[sweep.zipp]"), r"number 1: unknown key .* 'zipp'\. .*'zip'"),
        (('experiment = "paired"', 'experiment = "pairde"'), r"number 3.*'pairde'\. .*'paired'"),
        (("replicate =", "replicates ="), r"number 3 \(paired\): unknown param .*'replicate'"),
        (("[1, 2]", "[]"), "axis 'replicate' has no values"),
        (("[1, 2]", "1"), r"'replicate' should be a list .*belongs in \[sweep.fixed\]"),
        (("[0, 10, 3]", "[0]"), "range of 'n' should be"),
        (("[0, 10, 3]", "[0, 10, 0]"), "range of 'n' should be"),
        (("[0, 10, 3]", "[5, 2]"), "axis 'n' has no values"),
        (("range", "rnage"), "unknown way to list the values of 'n' 'rnage'"),
        (
            ("scale = 2\n", "scale = 20\n"),
            r"number 1 \(toy\): param 'scale' should be in \(0, 10\]",
        ),
        (("scale = 2\n", 'scale = "2"\n'), "without quotes"),
        (('description = "Two grids."', "description = 2"), "'description' should be a text"),
        (('experiment = "paired"', ""), "number 3: it does not name its 'experiment'"),
        (("[sweep.fixed]\nscale = 2\n", "fixed = 3\n"), r"\[sweep.fixed\] should be a table"),
        (("[1, 2]", "[1, 2"), "not valid TOML.*line"),
    ],
)
def test_what_a_preset_asks_for_in_vain_is_named(change: tuple[str, str], message: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(InvalidInputError, match=message):
        preset_cells(parse_preset(GOOD.replace(*change, 1), "mine.toml", "mine"))


@pytest.mark.parametrize("text", ["", 'name = "empty"', "sweep = 3", "sweep = []"])
def test_a_preset_without_sweeps_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"has no .*sweep.* table, so there is nothing"):
        parse_preset(text, "mine.toml", "mine")


def test_only_names_an_experiment_of_the_preset() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'paired'"):
        preset_cells(parse_preset(GOOD, "mine.toml", "mine"), only="paird")


def test_unknown_presets_and_files(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown preset 'no_such_preset'"):
        load_preset("no_such_preset")
    with pytest.raises(InvalidInputError, match="there is no preset file"):
        load_preset(str(tmp_path / "none.toml"))
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(InvalidInputError, match="can't be read"):
        load_preset(str(tmp_path / "latin.toml"))


@pytest.mark.parametrize("name", available_presets())
def test_the_presets_that_come_along_are_valid(name: str) -> None:
    preset = load_preset(name)
    assert preset.name == name
    assert preset.description
    assert preset_cells(preset)
