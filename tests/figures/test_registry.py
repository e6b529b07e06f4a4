"""Figures are found by name; a wrong name is answered with the nearest."""

from __future__ import annotations

import pytest

from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import (
    LEDGER,
    Need,
    available_figures,
    figure,
    get_figure,
)
from songoku_theory.errors import InvalidInputError, UnknownNameError


def _never(given: FigureInput) -> Picture:
    raise AssertionError(f"only registered, not drawn at {given.style.name}")


def test_the_shipped_figures_are_found_with_their_needs() -> None:
    found = available_figures()
    needs = {name: tuple(need.experiment for need in spec.needs) for name, spec in found.items()}
    assert needs.items() >= {
        ("pipeline", ("trace",)),
        ("recovery", ("recovery",)),
        ("n_eff", ()),
        ("ledger", ("ledger",)),
    }
    assert list(found) == sorted(found)


def test_every_need_names_the_command_that_makes_it() -> None:
    commands = {need.experiment: need.command for need in get_figure("pipeline").needs}
    assert commands == {"trace": "songoku trace"}
    assert get_figure("recovery").needs[0].command == "songoku sweep run quick"
    assert get_figure("ledger").needs == (LEDGER,)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'pipeline'"):
        get_figure("pipline")


def test_registering_leaves_the_function_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paper_figures.engine.registry._FIGURES", {})
    mine = figure(name="mine", title="Mine", needs=("trace", Need("other", "make it")))(_never)
    assert mine is _never
    spec = get_figure("mine")
    assert spec.draw is _never
    assert [need.command for need in spec.needs] == ["songoku trace", "make it"]
    assert spec.experiments == spec.needs
    assert not spec.needs_ledger


def test_two_figures_cant_share_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    available_figures()
    monkeypatch.setattr(_never, "__module__", "somewhere.else")
    with pytest.raises(InvalidInputError, match=r"paper_figures\.recovery, one in somewhere"):
        figure(name="recovery", title="again")(_never)


@pytest.mark.parametrize("name", ["", "Two Words", "../up", "9th", "a.b"])
def test_a_name_has_to_be_fit_for_a_file(name: str) -> None:
    with pytest.raises(InvalidInputError, match="lower-case letters"):
        figure(name=name, title="no")(_never)
