"""The adversary finds what is wrong, leaves what is right, and shrinks exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from simulations.adversary import (
    STATEMENTS,
    Statement,
    attack,
    complexity,
    get_statement,
    judge_exactly,
    judge_floats,
    rationalise,
    search_by_gradient,
    search_small_rationals,
    shrink,
)
from songoku_theory.errors import InvalidInputError, UnknownNameError

TRUE = {
    "class_descends", "class_descends_data", "member_certified", "cycle_descends", "lemma3",
    "eq56_corrected", "eq63_path", "eq55_corrected", "eq49_telescoped",
}  # fmt: skip


def small(name: str):
    return attack(
        get_statement(name), np.random.default_rng(1), budget=20_000, restarts=16, steps=60
    )


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_each_statement_breaks_or_survives_as_known(name: str) -> None:
    found = small(name)
    assert found.outcome == ("survived" if name in TRUE else "broken")
    if name in TRUE:
        assert found.counterexample is None
        assert found.least > -1e-7
        return
    assert found.counterexample is not None
    judged = judge_exactly(get_statement(name), found.counterexample)
    assert judged.applies
    assert judged.slack == found.slack
    assert found.slack is not None
    assert found.slack < 0
    assert str(found.counterexample[0]) in found.text


@pytest.mark.parametrize("name", ["class_descends", "member_certified"])
def test_a_bound_that_is_attained_is_found_tight(name: str) -> None:
    found = attack(
        get_statement(name), np.random.default_rng(0), budget=1000, restarts=64, steps=200
    )
    assert found.tight


def test_a_bound_that_is_off_by_a_little_is_broken() -> None:
    """Proposition 7 with tau_eff less 1/1000: only near-tight instances break it."""
    sound = get_statement("class_descends_data")
    planted = Statement(
        name="planted",
        doc="wrong by 1/1000",
        variables=sound.variables,
        slack=lambda x: (
            sound.slack(x) - Fraction(1, 1000) if x.dtype == object else sound.slack(x) - 0.001
        ),
        premises=sound.premises,
        strict=sound.strict,
    )
    found = attack(planted, np.random.default_rng(0), budget=20_000, restarts=16, steps=60)
    assert found.outcome == "broken"
    assert found.slack is not None
    assert -Fraction(1, 1000) <= found.slack < 0


def test_gradients_find_what_no_small_rational_breaks() -> None:
    """The wrong region is a disc of radius 1/20 around (0.31, 0.31)."""
    centre, radius = Fraction(31, 100), Fraction(1, 400)

    def slack(x):
        c, r = (centre, radius) if x.dtype == object else (0.31, 0.0025)
        return (x[:, 0] - c) ** 2 + (x[:, 1] - c) ** 2 - r

    hidden = Statement(name="hidden", doc="", variables=("x", "y"), slack=slack)
    rng = np.random.default_rng(0)
    assert search_small_rationals(hidden, rng, budget=100_000)[0] is None
    found = attack(hidden, rng, budget=10_000, restarts=8, steps=100)
    assert found.outcome == "broken"
    assert found.counterexample is not None
    assert max(value.denominator for value in found.counterexample) <= 10


def test_the_smallest_known_instances() -> None:
    assert small("objective_descends").text == "g1 = -1, g2 = 2, tau = 0"
    assert complexity(small("bound_never_worse").counterexample) == (2, 2)  # type: ignore[arg-type]
    assert complexity(small("eq56").counterexample)[0] <= 4  # type: ignore[arg-type]


def test_premises_and_strict_premises_are_kept() -> None:
    guarded = Statement(
        name="guarded",
        doc="x >= 2 where x >= 1 and x > 1",
        variables=("x",),
        slack=lambda x: x[:, 0] - 2,
        premises=lambda x: x - 1,
        strict=lambda x: x - 1,
    )
    assert not judge_exactly(guarded, [Fraction(1)]).applies
    assert judge_exactly(guarded, [Fraction(3, 2)]).broken
    assert not judge_exactly(guarded, [Fraction(2)]).broken
    _, missing = judge_floats(guarded, np.array([[0.5], [1.0], [1.5]]))
    assert missing[0] > 0
    assert missing[1] > 0
    assert missing[2] == 0
    found = search_by_gradient(guarded, np.random.default_rng(0), restarts=8, steps=50)
    assert (found.points > 1).all()
    assert found.slacks[0] == pytest.approx(-1, abs=0.05)


def test_shrinking_keeps_a_counterexample_and_never_grows() -> None:
    statement = get_statement("member_descends")
    raw = tuple(Fraction(v, 1000) for v in (997, 3, -1493, 2011, 603))
    assert judge_exactly(statement, raw).broken
    least = shrink(statement, raw)
    assert judge_exactly(statement, least).broken
    assert complexity(least) < complexity(raw)
    assert max(abs(value.numerator) for value in least) <= 4


def test_rationalise_gives_up_where_rounding_repairs() -> None:
    sound = get_statement("lemma3")
    assert rationalise(sound, [0.1, 0.2, 0.3, 0.4]) is None


def test_an_attack_is_repeatable() -> None:
    assert small("eq55") == small("eq55")


def test_floats_do_not_pass_for_exact_and_names_are_checked() -> None:
    inexact = Statement(name="inexact", doc="", variables=("x",), slack=lambda x: x[:, 0] * 0.5)
    with pytest.raises(InvalidInputError, match="keep rationals rational"):
        judge_exactly(inexact, [Fraction(1)])
    with pytest.raises(InvalidInputError, match="1 variables"):
        judge_exactly(inexact, [Fraction(1), Fraction(2)])
    with pytest.raises(UnknownNameError, match="eq55"):
        get_statement("eq5")
