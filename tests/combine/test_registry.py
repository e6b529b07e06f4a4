"""Combiners by name: found, described, refused with the nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import songoku_theory.combine as combine
from songoku_theory.combine import (
    PROMISES,
    available_combiners,
    combiner,
    combiner_info,
    get_combiner,
    registry,
)
from songoku_theory.errors import InvalidInputError, UnknownNameError


@pytest.fixture
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def test_every_combiner_is_found_by_name_and_described() -> None:
    assert available_combiners("gram") == (
        "cagrad",
        "fairgrad",
        "mean",
        "mgda",
        "nash_mtl",
        "pcgrad",
        "sum",
    )
    assert available_combiners("loss") == ("dwa", "famo", "gradnorm", "uncertainty")
    assert set(available_combiners()) == {
        *available_combiners("gram"),
        *available_combiners("loss"),
    }
    for name in available_combiners():
        info = combiner_info(name)
        assert info.name == name
        assert info.promises <= set(PROMISES)
        assert info.summary.endswith(".")
        assert isinstance(get_combiner(name), info.factory)
        for heading in ("Source", "Differs from", "Examples", "Residual"):
            if name not in ("sum", "mean"):
                assert heading in (info.factory.__doc__ or ""), (name, heading)


def test_unknown_names_and_options_name_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'nash_mtl'"):
        get_combiner("nashmtl")
    with pytest.raises(UnknownNameError, match="Did you mean 'alpha'"):
        get_combiner("fairgrad", {"alpah": 2.0})
    with pytest.raises(InvalidInputError):
        get_combiner("fairgrad", {"alpha": -2.0})
    assert get_combiner("fairgrad", {"alpha": 3.0}).alpha == 3.0


@pytest.mark.usefixtures("clean_registry")
def test_a_combiner_of_ones_own_can_be_registered() -> None:
    @combiner("first_only", "gram", ("deterministic",))
    @dataclass(frozen=True)
    class FirstOnly:
        """Follow the first active task."""

    assert "first_only" in available_combiners("gram")
    assert isinstance(get_combiner("first_only"), FirstOnly)
    with pytest.raises(InvalidInputError, match="registered already"):

        @combiner("first_only", "gram", ())
        @dataclass(frozen=True)
        class Other:
            """Another."""

    with pytest.raises(UnknownNameError, match="Did you mean 'descent'"):
        combiner("x", "gram", ("decent",))
    with pytest.raises(UnknownNameError, match="space"):
        combiner("x", "norm", ())  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="dataclass"):
        combiner("x", "gram", ())(int)


def test_the_package_offers_what_it_lists() -> None:
    for name in combine.__all__:
        assert getattr(combine, name) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        combine.NoSuchThing  # noqa: B018


def test_array_likes_are_taken() -> None:
    rule = get_combiner("nash_mtl")
    assert rule.combine([[4, 0], [0, 1]], rule.init(2)).weights.tolist() == pytest.approx([0.5, 1])
    np.testing.assert_allclose(
        rule.combine_batch([[[4.0, 0.0], [0.0, 1.0]]]).weights, [[0.5, 1.0]], rtol=1e-9
    )
