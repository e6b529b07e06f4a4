"""check_combiner on registered combiners and plain functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from songoku_theory.combine import (
    CAGrad,
    FairGrad,
    GradNormWarmStart,
    NashMTL,
    PCGrad,
    Sum,
    available_combiners,
)
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.testing import (
    COMBINER_PROMISES,
    CheckResult,
    check_combiner,
    check_conflict_rule,
    check_ema,
    succeeded,
)

Matrix = NDArray[np.float64]
Thing: TypeAlias = Any  # Gram matrices, states, options


def failures(results: list[CheckResult]) -> dict[str, str]:
    return {r.check: r.reason for r in results if not r.ok}


@pytest.mark.parametrize("name", available_combiners())
def test_registered_combiners_keep_their_promises(name: str) -> None:
    assert failures(check_combiner(name)) == {}


@pytest.mark.parametrize(
    "rule",
    [
        CAGrad(c=0.0),
        CAGrad(c=0.9),
        FairGrad(alpha=0.5),
        NashMTL(update_every=4),
        NashMTL(max_norm=1.0),
        PCGrad(reduction="mean"),
        GradNormWarmStart(steps=3),
    ],
    ids=repr,
)
def test_other_options_do_too(rule: Thing) -> None:
    assert failures(check_combiner(rule)) == {}


def test_a_plain_function_of_the_gram_matrix() -> None:
    assert failures(check_combiner(lambda gram: np.ones(len(gram)))) == {}
    found = failures(check_combiner(lambda gram: np.ones(len(gram) + 1)))
    assert "weights for" in found["answer"]
    uphill = failures(check_combiner(lambda gram: -np.ones(len(gram)), promises=["+descent"]))
    assert {"descent", "one-task"} <= set(uphill)
    assert "goes uphill" in uphill["descent"]


def test_a_reference_and_variants() -> None:
    assert failures(check_combiner(Sum(), reference=Sum())) == {}
    assert set(failures(check_combiner(Sum(), reference=CAGrad(c=0.9)))) == {"same-as-reference"}
    assert failures(check_combiner(CAGrad(c=0.2), variants=[CAGrad(c=0.8)])) == {}
    assert set(failures(check_combiner(Sum(), variants=[Sum()]))) == {"options-used"}
    with pytest.raises(InvalidInputError, match="Gram space"):
        check_combiner("famo", reference=Sum())


def test_promises_that_are_too_much() -> None:
    found = failures(check_combiner(Sum(), promises=["+descent", "+simplex"]))
    assert set(found) == {"descent", "simplex"}
    with pytest.raises(UnknownNameError, match="Did you mean 'descent'"):
        check_combiner(Sum(), promises=["decent"])
    assert {"learns", "same-as-reference", "options-used"} <= set(COMBINER_PROMISES)


def test_a_status_that_lies_is_found() -> None:
    class Quiet(Sum):
        def combine(
            self, gram: Thing, state: Thing, active: Thing = None, *, rng: Thing = None
        ) -> Thing:
            answer = super().combine(gram, state, active, rng=rng)
            return replace(answer, weights=np.full(len(gram), np.nan))

    assert "nan" in failures(check_combiner(Quiet()))["answer"]


def test_what_is_no_combiner_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="expected a combiner"):
        check_combiner(7)
    with pytest.raises(UnknownNameError):
        check_combiner("nash")


def test_rules_and_averages_say_what_is_wrong() -> None:
    def complete(rows: Matrix, tau: float) -> Matrix:
        return 1.0 - np.eye(len(rows))

    found = failures(check_conflict_rule(complete))
    assert "tau = 1.0" in found["strict"] or "tau = 0.5" in found["strict"]
    assert "not expected" in found["sign"]

    def half(rows: Matrix, beta: float) -> Matrix:
        return np.asarray(rows[-1] / 2.0)

    assert "has weight 0.5" in failures(check_ema(half))["weights"]
    assert succeeded(check_ema(lambda rows, beta: rows[-1], promises=["latest"]))
    with pytest.raises(UnknownNameError):
        check_ema(half, convention="moving")  # type: ignore[arg-type]
