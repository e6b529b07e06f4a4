"""The family sketches: wrong constants must not pass, and repairs mend the counterexamples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from proofs_check import counterexamples
from proofs_check.claims.sketches._exponential import exp_above, exp_below, smallest_size
from proofs_check.claims.sketches._sides import side_checks
from proofs_check.claims.sketches.directions import (
    cosine_checks,
    gram_checks,
    never_cheaper_checks,
)
from proofs_check.claims.sketches.incremental import drift_checks
from proofs_check.claims.sketches.projection import projection_checks
from proofs_check.claims.sketches.sampling import (
    component_checks,
    refined_checks,
    two_camp_checks,
)
from proofs_check.counterexamples import load, replay
from proofs_check.model import Check, CheckContext, Outcome, VerdictKind
from proofs_check.registry import get_claim
from proofs_check.runner import ClaimResult, run_claim
from songoku_theory.coloring import welsh_powell
from songoku_theory.conflict import conflict_graph
from songoku_theory.sketch import GaussianProjection, IncrementalGram, gram_from_rows


def judged(claim_id: str, checks: tuple[Check, ...]) -> ClaimResult:
    return run_claim(replace(get_claim(claim_id), checks=checks), CheckContext())


WRONG: dict[str, tuple[str, Callable[[], tuple[Check, ...]]]] = {
    "norms kept to half of ε": ("SKE-JL", lambda: projection_checks(Fraction(1, 2))),
    "an error up to 1.2 margins": ("SKE-JL-GRAPH", lambda: side_checks(Fraction(6, 5))),
    "half of Frequent Directions' bound": ("SKE-74", lambda: gram_checks(Fraction(1, 2))),
    "cosines off by u only": ("SKE-75", lambda: cosine_checks(Fraction(1, 2))),
    "margins up to 4": ("SKE-75-COST-R", lambda: never_cheaper_checks(Fraction(4))),
    "twice as many conflicts across": ("SKE-D53-COMPONENT", lambda: component_checks(Fraction(1))),
    "no refinement": ("SKE-D53-COLOR-R", lambda: refined_checks(refine=False)),
    "three groups": ("SKE-D53-TWO", lambda: two_camp_checks(3)),
    "one row turns, not both": ("SKE-D54-R", lambda: drift_checks(1)),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_constant_is_neither_proved_nor_left_standing(name: str) -> None:
    claim_id, checks = WRONG[name]
    result = judged(claim_id, checks())
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert any(item.outcome is Outcome.REFUTES for item in result.evidence)
    proof = next(item for item in result.evidence if item.method == "written_proof")
    assert proof.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("stem", "change"),
    [
        ("ske_projection_cost", {"tasks": 4000, "size": 369}),  # fewer dimensions than tasks
        ("ske_projection_cost", {"size": 165}),  # not the smallest size: another statement
        ("ske_kernel", {"averages": [[1, 0, "1/4"], [1, 0, "-1/4"]]}),
        ("ske_kernel", {"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}),
        ("ske_directions_cost", {"gamma": 5}),  # no margin of cosines
        ("ske_sampled", {"groups": [0, 0, 0, 1, 1, 1]}),  # other groups than the gradients have
        ("ske_incremental", {"threshold": "1/4"}),  # the change is seen
        ("ske_incremental", {"new": [[1, 0], [-4, 3]]}),  # nothing has moved
    ],
)
def test_a_counterexample_whose_fault_is_mended_violates_nothing(
    stem: str, change: dict[str, object]
) -> None:
    example = load(stem)
    assert replay(stem).violated
    mended = counterexamples._REPLAYERS[example.kind]({**example.data, **change})
    assert not mended.violated, mended.steps


def test_with_all_pairs_sampled_the_classes_are_right() -> None:
    """Fifteen pairs are not 'the smallest number' of the statement, so look at the steps."""
    example = load("ske_sampled")
    pairs = [list(p) for p in combinations(range(6), 2)]
    mended = counterexamples._REPLAYERS[example.kind]({**example.data, "sampled": pairs})
    assert not mended.violated
    assert "conflicts inside its classes: []" in mended.steps


def test_the_sampled_classes_again_with_the_librarys_code() -> None:
    """Another graph, colouring and arithmetic: the library's."""
    data = load("ske_sampled").data
    rows = np.array(data["averages"], dtype=np.float64)
    true = conflict_graph(rows, 0.25)
    matrix = np.asarray(getattr(true, "adjacency", true), dtype=np.bool_)
    seen = np.zeros_like(matrix)
    for i, j in data["sampled"]:
        seen[i, j] = seen[j, i] = matrix[i, j]
    colors = welsh_powell(seen)
    assert any(matrix[i, j] and colors[i] == colors[j] for i, j in combinations(range(6), 2))


def test_the_stale_entry_again_with_the_librarys_code() -> None:
    data = load("ske_incremental").data
    old, new = (np.array(data[key], dtype=np.float64) for key in ("old", "new"))
    kept = IncrementalGram.of(old, threshold=0.5, reference="last_refresh").updated(new)
    assert kept.changed == ()
    assert kept.gram[0, 1] / 5.0 == pytest.approx(-0.8)
    assert new[0] @ new[1] / 5.0 == pytest.approx(-0.6)


def test_a_full_rank_sketch_is_exact_and_no_smaller() -> None:
    """What SKE-75-COST-R says of guarantees: they come with a sketch of K rows."""
    rows = np.random.default_rng(5).normal(size=(4, 9))
    assert np.allclose(gram_from_rows(rows, 4).gram, rows @ rows.T)


def test_any_projection_has_a_kernel_that_hides_a_conflict() -> None:
    matrix = GaussianProjection(dim=6, size=3, seed=2).matrix()
    hidden = np.linalg.svd(matrix.T)[2][-1]
    shown = np.linalg.svd(matrix.T)[2][0]
    pair = np.stack((shown + 9 * hidden, shown - 9 * hidden))
    small = pair @ matrix
    assert pair[0] @ pair[1] < -0.9 * np.linalg.norm(pair[0]) * np.linalg.norm(pair[1])
    assert small[0] @ small[1] == pytest.approx(np.prod(np.linalg.norm(small, axis=1)))


@pytest.mark.parametrize("x", [Fraction(0), Fraction(1, 3), Fraction(369, 100), Fraction(20)])
def test_rational_bounds_enclose_the_exponential(x: Fraction) -> None:
    assert float(exp_below(x)) == pytest.approx(np.exp(float(x)), rel=1e-12)
    assert float(exp_above(x)) == pytest.approx(np.exp(float(x)), rel=1e-12)
    assert exp_below(x) <= exp_above(x)


def test_the_size_is_the_smallest() -> None:
    assert smallest_size(Fraction(3, 20), 40) == int(np.ceil(np.log(40) / 0.15**2))


@pytest.mark.parametrize("claim_id", ["SKE-JL-COST", "SKE-75", "SKE-75-DECIDE"])
def test_the_vacuous_flag_names_its_settings(claim_id: str) -> None:
    vacuous = get_claim(claim_id).vacuous
    assert vacuous is not None
    found = vacuous(CheckContext())
    assert found.is_vacuous
    assert "K = 40" in found.at
