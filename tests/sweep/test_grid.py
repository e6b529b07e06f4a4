"""Cells and their keys: what is asked decides, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulations.sweep.cell import make_cell
from simulations.sweep.experiment import Experiment, Param, Scalar
from simulations.sweep.grid import Grid, expand
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.storage.codec import canonical_json, digest

names = st.from_regex(re.compile(r"[a-j][a-z0-9_]{0,6}", re.ASCII), fullmatch=True)
floats = st.floats(allow_nan=False, allow_infinity=False)
ints = st.integers(-(2**63), 2**63 - 1)
scalars = st.one_of(
    st.tuples(st.just(int), ints),
    st.tuples(st.just(float), floats),
    st.tuples(st.just(str), st.text(max_size=8)),
    st.tuples(st.just(bool), st.booleans()),
)
settings.register_profile("grid", suppress_health_check=[HealthCheck.function_scoped_fixture])
relaxed = settings(settings.get_profile("grid"), max_examples=60, deadline=None)


def experiment_of(types: Mapping[str, type], **changes: object) -> Experiment:
    return replace(
        Experiment(
            name="any",
            version=1,
            doc="",
            params={name: Param(type=type_, doc="") for name, type_ in types.items()},
            columns={"z": int},
            run=lambda params, seed: [],
            statistics="",
        ),
        **changes,
    )


@relaxed
@given(st.dictionaries(names, scalars, min_size=1, max_size=6), st.randoms())
def test_key_does_not_depend_on_the_order_of_params(typed, random) -> None:
    experiment = experiment_of({name: type_ for name, (type_, _) in typed.items()})
    params = [(name, value) for name, (_, value) in typed.items()]
    cell = make_cell(experiment, dict(params))
    random.shuffle(params)
    assert make_cell(experiment, dict(params)) == cell


@relaxed
@given(st.integers(-(2**53), 2**53))
def test_int_and_float_spellings_of_one_number_are_one_cell(value: int) -> None:
    for type_ in (int, float):
        experiment = experiment_of({"x": type_})
        assert (
            make_cell(experiment, {"x": value}).key
            == make_cell(experiment, {"x": float(value)}).key
        )


def test_both_zeros_are_one_cell() -> None:
    experiment = experiment_of({"x": float})
    assert make_cell(experiment, {"x": -0.0}).key == make_cell(experiment, {"x": 0.0}).key


@relaxed
@given(floats, floats)
def test_distinct_floats_have_distinct_keys(a: float, b: float) -> None:
    experiment = experiment_of({"x": float})
    keys = {make_cell(experiment, {"x": value}).key for value in (a, b)}
    assert (len(keys) == 1) == (a == b)


@relaxed
@given(st.lists(st.tuples(ints, st.text(max_size=5), st.booleans()), unique=True, max_size=8))
def test_distinct_params_have_distinct_keys(settings_: list[tuple[int, str, bool]]) -> None:
    experiment = experiment_of({"n": int, "s": str, "b": bool})
    keys = {make_cell(experiment, {"n": n, "s": s, "b": b}).key for n, s, b in settings_}
    assert len(keys) == len(settings_)


def test_name_and_version_are_part_of_the_key() -> None:
    experiment = experiment_of({"x": int})
    others = (replace(experiment, version=2), replace(experiment, name="other"))
    keys = {make_cell(which, {"x": 1}).key for which in (experiment, *others)}
    assert len(keys) == 3


def test_the_key_is_the_documented_hash(toy: Experiment) -> None:
    """Changing this would orphan every stored cell."""
    cell = make_cell(toy, {"n": 3})
    asked = {"experiment": "toy", "version": 1, "params": cell.params}
    assert cell.key == digest(canonical_json(asked))
    assert cell.params == {"n": 3, "scale": 1.0, "pause": 0.0, "mood": "good"}
    assert cell.key == "26d580e6064bc4c11393ef31e4f0609c"


def test_random_stream_follows_from_the_key(toy: Experiment) -> None:
    cell = make_cell(toy, {"n": 3})
    expected = np.random.SeedSequence(int(cell.key, 16)).generate_state(4)
    assert (cell.seed().generate_state(4) == expected).all()


def test_common_random_numbers_depend_on_the_seed_axes_alone(paired: Experiment) -> None:
    a, b, c = (
        make_cell(paired, {"replicate": replicate, "by": by})
        for replicate, by in ((0, 0.0), (0, 5.0), (1, 0.0))
    )
    assert a.entropy == b.entropy != c.entropy
    assert a.key != b.key


@relaxed
@given(
    st.lists(ints, unique=True, min_size=1, max_size=4),
    st.lists(floats, unique=True, min_size=1, max_size=4),
    st.lists(st.tuples(st.booleans(), st.text(max_size=4)), unique=True, min_size=1, max_size=4),
)
def test_expansion_gives_each_combination_once(
    a: list[int], b: list[float], zipped: list[tuple[bool, str]]
) -> None:
    experiment = experiment_of({"a": int, "b": float, "c": bool, "d": str, "e": int})
    flags, texts = zip(*zipped, strict=True)
    grid = Grid(fixed={"e": 7}, axes={"b": b, "a": a}, zipped={"d": texts, "c": flags})
    cells = expand(experiment, grid)
    expected = [
        make_cell(experiment, {"a": x, "b": y, "c": flag, "d": text, "e": 7}).params_text
        for x in a
        for y in b
        for flag, text in zipped
    ]
    assert len(cells) == grid.size == len(a) * len(b) * len(zipped)
    assert {cell.params_text for cell in cells} == set(expected)
    assert len({cell.key for cell in cells}) == len(cells)
    for cell in cells[:3]:
        assert cell == make_cell(experiment, json.loads(cell.params_text))


def test_an_empty_grid_is_one_cell_of_defaults() -> None:
    experiment = experiment_of({})
    assert len(expand(experiment, Grid())) == 1


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (Grid(axes={"n": []}), "axis 'n' has no values"),
        (Grid(axes={"n": [1, 2, 1]}), 'lists "n":1 twice'),
        (Grid(axes={"n": [1, 1.0]}), "twice"),
        (
            Grid(fixed={"n": 1}, axes={"n": [1]}),
            "given twice: in .sweep.fixed. and in .sweep.grid.",
        ),
        (Grid(fixed={"scale": 2.0}), "needs param 'n'"),
        (Grid(axes={"n": [1, -1]}), "'n' should be in .0, inf.; found -1"),
        (Grid(axes={"n": [1.5]}), "whole number; found 1.5"),
        (Grid(axes={"n": [True]}), "should be of type int; found True"),
        (Grid(axes={"n": ["1"]}), "without quotes"),
        (Grid(axes={"n": [2**70]}), "64 bits"),
        (Grid(axes={"n": [1]}, fixed={"scale": 0}), "'scale' should be in .0, 10.; found 0.0"),
        (Grid(axes={"n": [1]}, fixed={"scale": float("nan")}), "should be finite"),
        (Grid(axes={"n": [1]}, fixed={"scale": 2**53 + 1}), "not exactly a double"),
        (Grid(axes={"n": range(10**9)}), "1,000,000,000 cells"),
        (Grid(zipped={"n": [1, 2], "scale": [1.0]}), "one length; n has 2, scale has 1"),
        (Grid(zipped={"n": [1, 1], "scale": [1.0, 1]}), "zip lists"),
    ],
)
def test_bad_grids_say_what_is_wrong(toy: Experiment, grid: Grid, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        expand(toy, grid)


@pytest.mark.parametrize("group", ["fixed", "axes", "zipped"])
def test_unknown_params_name_the_nearest(toy: Experiment, group: str) -> None:
    values: dict[str, Scalar | list[Scalar]] = {"scael": 1.0 if group == "fixed" else [1.0]}
    with pytest.raises(UnknownNameError, match="Did you mean 'scale'"):
        expand(toy, Grid(**{group: values}))


def test_unknown_choice_names_the_nearest(toy: Experiment) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'raise'"):
        make_cell(toy, {"n": 1, "mood": "raize"})


def test_declarations_that_contradict_themselves_are_refused(toy: Experiment) -> None:
    for change, message in (
        ({"version": 0}, "version"),
        ({"columns": {"n": int}}, "both a column and a param"),
        ({"columns": {"key": int}}, "both a column and a param"),
        ({"columns": {}}, "at least one column"),
        ({"columns": {"x": list}}, "int, float, str or bool"),
        ({"columns": {"X y": int}}, "lower-case"),
        ({"seed_axes": ("m",)}, "Did you mean 'n'|unknown seed axis"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            replace(toy, **change)
    with pytest.raises(InvalidInputError, match="default"):
        Param(type=float, default=3.0, high=1.0, doc="")
    with pytest.raises(InvalidInputError, match="range"):
        Param(type=str, low=1.0, doc="")


@pytest.mark.parametrize("low_open", [False, True])
@pytest.mark.parametrize("high_open", [False, True])
def test_the_ends_of_a_range_are_taken_unless_open(low_open: bool, high_open: bool) -> None:
    param = Param(type=float, low=-1, high=2, low_open=low_open, high_open=high_open, doc="")
    assert param.canonical("x", 0.5) == 0.5
    for value, refused in ((-1.0, low_open), (2.0, high_open), (-1.001, True), (2.001, True)):
        if refused:
            with pytest.raises(InvalidInputError, match=r"should be in [\[(]-1, 2[\])]"):
                param.canonical("x", value)
        else:
            assert param.canonical("x", value) == value
