"""The family code: wrong borders must not pass, and the mutants behave as the rows say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from proofs_check import counterexamples
from proofs_check.claims.code.rules import agreement_checks, empty_checks, option_checks
from proofs_check.claims.code.running import average_checks, inner_checks, pointer_checks
from proofs_check.counterexamples import load, replay
from proofs_check.model import Check, CheckContext, Outcome, VerdictKind
from proofs_check.registry import get_claim, select
from proofs_check.runner import run_claim
from songoku_theory.combine import PCGrad, Sum
from songoku_theory.testing.mutants.rules import below_tau, plain_rule
from songoku_theory.testing.mutants.run import SPECIMENS

WRONG: dict[str, tuple[str, Callable[[], tuple[Check, ...]]]] = {
    "the interval closed": ("CODE-EDGE-R", lambda: agreement_checks(closed=True)),
    "cos <= -1 at τ = 1": ("CODE-ONE-R", lambda: empty_checks(strict=False)),
    "the interval open": ("CODE-OPTION-R", lambda: option_checks(shifted=True)),
    "one class more": ("CODE-POINTER-R", lambda: pointer_checks(1)),
    "averages always agree": ("CODE-EMA-R", lambda: average_checks(always=True)),
    "products have to be positive": ("CODE-INNER-R", lambda: inner_checks(strict=True)),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_border_is_neither_proved_nor_left_standing(name: str) -> None:
    claim_id, checks = WRONG[name]
    result = run_claim(replace(get_claim(claim_id), checks=checks()), CheckContext())
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert any(item.outcome is Outcome.REFUTES for item in result.evidence)
    proof = next(item for item in result.evidence if item.method == "written_proof")
    assert proof.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("stem", "change"),
    [
        ("code_edge", {"tau": 0, "level": 0}),  # the one value at which the sign does not show
        ("code_edge", {"level": "-1/2"}),
        ("code_one", {"level": -1}),
        ("code_option", {"tau": "1/5"}),  # the default was asked for
        ("code_pointer", {"period": 2}),
        ("code_ema", {"beta": 0}),
        ("code_ema", {"period": 1}),
        ("code_inner", {"gradients": [[1, 0], [1, 2]]}),
        ("code_inner", {"tau": "1/3"}),  # then the two are not in one class
    ],
)
def test_a_counterexample_whose_fault_is_mended_violates_nothing(
    stem: str, change: dict[str, object]
) -> None:
    example = load(stem)
    assert replay(stem).violated
    mended = counterexamples._REPLAYERS[example.kind]({**example.data, **change})
    assert not mended.violated, mended.steps


@pytest.mark.parametrize(("stem", "tau"), [("code_edge", 0.5), ("code_one", 1.0)])
def test_the_mutant_rule_and_the_plain_one_differ_there(stem: str, tau: float) -> None:
    rows = np.array(load(stem).data["gradients"], dtype=np.float64)
    assert below_tau(rows, tau)[0, 1]
    assert not plain_rule(rows, tau)[0, 1]
    assert np.array_equal(below_tau(rows, 0.0), plain_rule(rows, 0.0))


def test_the_library_combines_the_counterexample_as_replayed() -> None:
    """PCGrad on two gradients does not depend on the order; its weights give (4/5, 12/5)."""
    rows = np.array(load("code_inner").data["gradients"], dtype=np.float64)
    gram = rows @ rows.T
    combiner = PCGrad()
    found = combiner.combine(gram, combiner.init(2), rng=np.random.default_rng(0)).weights @ rows
    assert found.tolist() == pytest.approx([0.8, 2.4])
    plain = Sum()
    assert (plain.combine(gram, plain.init(2)).weights @ rows).tolist() == pytest.approx([0, 2])


def test_there_are_faults_seen_in_public_code_to_speak_of() -> None:
    """Each kind of fault that the mutants mark as seen has a row here."""
    assert {specimen.kind.value for specimen in SPECIMENS if specimen.seen}
    assert len([claim for claim in select(family="code") if claim.repairs is None]) == 6
