"""The family ptg: wrong formulas must not pass, repairs must mend, sentences follow the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.claims.ptg._data import ROWS
from proofs_check.claims.ptg._losses import Task, four_squares, gain
from proofs_check.claims.ptg._tables import Cell, Comparison, cell, contradicted, upheld
from proofs_check.claims.ptg._worked_data import SOLUTION
from proofs_check.claims.ptg.complexity import lower_checks
from proofs_check.claims.ptg.first_order import mean_checks, sum_checks
from proofs_check.claims.ptg.formulation import transformation_checks
from proofs_check.claims.ptg.observation import order_checks
from proofs_check.claims.ptg.proposition import bound_checks, folded_gains
from proofs_check.claims.ptg.steps import sign_checks
from proofs_check.claims.ptg.tables_sums import sum_checks as row_checks
from proofs_check.claims.ptg.worked import best_checks, is_feasible
from proofs_check.counterexamples import load, replay
from proofs_check.model import Check, CheckContext, Outcome, VerdictKind
from proofs_check.registry import get_claim, select
from proofs_check.runner import ClaimResult, run_claim


def judged(claim_id: str, checks: tuple[Check, ...]) -> ClaimResult:
    return run_claim(replace(get_claim(claim_id), checks=checks), CheckContext())


WRONG: dict[str, tuple[str, Callable[[], tuple[Check, ...]]]] = {
    "Proposition 1 with |A| - 3/2": ("PTG-P1-SHARP", lambda: bound_checks(Fraction(-3, 2), True)),
    "the sum with half the remainder": (
        "EXT-13-SHARP",
        lambda: sum_checks("sharp", Fraction(1, 2)),
    ),
    "the sum with a third of BEYOND's": ("EXT-13", lambda: sum_checks("stated", Fraction(1, 3))),
    "averaged updates give the average": ("EXT-13-MEAN", lambda: mean_checks(Fraction(1))),
    "the printed sign of appendix A": ("PTG-A-SIGN-R", lambda: sign_checks(-1)),
    "gains order with a negative loss": ("PTG-O1-R", lambda: order_checks(-1)),
    "y is 1/n": ("PTG-9", lambda: transformation_checks(per_group=False)),
    "sampling saves twice as much": ("PTG-E2-LOWER-R", lambda: lower_checks(4)),
    "eq. 12 is optimal": ("PTG-12-R", lambda: best_checks(SOLUTION, disjoint=False)),
    "eq. 12 is the best partition": (
        "PTG-12-DISJOINT-R",
        lambda: best_checks(SOLUTION, disjoint=True),
    ),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_formula_is_neither_proved_nor_left_standing(name: str) -> None:
    claim_id, checks = WRONG[name]
    result = judged(claim_id, checks())
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert any(item.outcome is Outcome.REFUTES for item in result.evidence)
    for item in result.evidence:
        if item.method in ("written_proof", "symbolic") and item.scope.kind == "all_sizes":
            assert item.outcome is not Outcome.SUPPORTS, item.name


def test_a_wrong_constant_breaks_the_written_proof() -> None:
    for extra, sharp in ((Fraction(0), False), (Fraction(-3, 2), True)):
        proof = bound_checks(extra, sharp)[0].run(CheckContext())
        assert proof.outcome is Outcome.INCONCLUSIVE
        assert "DOES NOT CLOSE" in proof.detail


_LINE = {"constant": 1, "slope": [1], "curvature": [0]}

MENDED: tuple[tuple[str, dict[str, object]], ...] = (
    ("PTG-D2", {"groups": 3}),
    ("PTG-3-FREE", {"eta": "1/2"}),
    ("PTG-11", {"diagonal": [0, 0]}),
    ("PTG-A-UPDATE", {"tasks": [_LINE, _LINE], "target": 1}),
    ("PTG-A-SIGN", {"tasks": [{**_LINE, "slope": [0]}, {**_LINE, "constant": 2}]}),
    ("PTG-O1-ACC", {"first": "3/4", "second": "1/4"}),
    ("PTG-7-CUM", {"steps": 1}),
    ("PTG-P1-SMALL", {"sources": [1]}),
    ("EXT-13-RANK", {"groups": [[2, 2], [2, 1]]}),
    ("PTG-9-DIM", {"length": "m"}),
    ("PTG-8-OTHERS", {"gains": [[0, 0], [0, 0]]}),
    ("PTG-12", {"groups": [[1, 2, 4], [3, 6], [5]]}),
    ("PTG-12", {"groups": [[1, 2, 6], [2, 3, 4], [1, 4, 5]]}),  # 12 GB on a node of 8
    ("PTG-12-DISJOINT", {"groups": [[1, 2, 6], [3, 4], [3]]}),  # T5 in no group
    ("PTG-43-T9", {"tasks": 1}),
    ("PTG-E1-UPDATES", {"repeated": True}),
    ("PTG-E2-LOWER", {"tasks": 3}),
    ("PTG-GAP", {"bad": "1/2"}),
    ("PTG-T1-LAW", {"rows": [[10, "359/50"], [100, "931/50"]]}),
)


@pytest.mark.parametrize(("stem", "change"), MENDED)
def test_a_counterexample_whose_fault_is_mended_violates_nothing(
    stem: str, change: dict[str, object]
) -> None:
    from proofs_check import counterexamples

    example = load(stem)
    assert replay(stem).violated
    mended = counterexamples._REPLAYERS[example.kind]({**example.data, **change})
    assert not mended.violated, mended.steps


def test_a_positive_loss_mends_observation_1() -> None:
    from proofs_check import counterexamples

    example = load("PTG-O1")
    tasks = [dict(task) for task in example.data["tasks"]]
    tasks[2]["constant"] = 9
    mended = counterexamples._REPLAYERS[example.kind]({**example.data, "tasks": tasks})
    assert replay("PTG-O1").violated
    assert not mended.violated, mended.steps


@pytest.mark.parametrize(
    "stem",
    sorted(
        c.id
        for c in select(family="ptg")
        if any(k.name == "stored contradiction" for k in c.checks)
    ),
)
def test_a_table_that_agrees_with_the_sentence_violates_nothing(stem: str) -> None:
    from proofs_check import counterexamples

    example = load(stem)
    assert replay(stem).violated
    agreeing = [[a, x, "<=", b, x] for a, x, _, b, _ in example.data["comparisons"]]
    mended = counterexamples._REPLAYERS[example.kind]({**example.data, "comparisons": agreeing})
    assert not mended.violated


def test_a_sentence_is_proved_only_beyond_rounding() -> None:
    close = Comparison(cell("a", "0.10"), "<", cell("b", "0.11"))
    tied = Comparison(cell("a", "0.1"), "<", cell("b", "0.15"))
    wrong = Comparison(cell("a", "0.3"), "<", cell("b", "0.1"))
    assert judged("PTG-T2-OURS", upheld((close,))).verdict.kind is VerdictKind.UNDECIDED
    assert judged("PTG-T2-OURS", upheld((tied,))).verdict.kind is VerdictKind.UNDECIDED
    found = contradicted("PTG-T3-STG", (wrong,))
    assert all(check.run(CheckContext()).outcome is Outcome.REFUTES for check in found)
    kept = contradicted("PTG-T3-STG", (close,))[1:]
    assert all(check.run(CheckContext()).outcome is Outcome.INCONCLUSIVE for check in kept)


@pytest.mark.parametrize("table", sorted(ROWS))
def test_one_changed_cell_breaks_a_sum(table: str) -> None:
    cells, total = next(iter(ROWS[table].values()))
    moved = cells.split()
    digits = len(total.partition(".")[2])
    moved[0] = f"{float(Fraction(cells.split()[0]) + 1):.{digits}f}"
    checks = row_checks([("row", moved, total)])
    assert [check.run(CheckContext()).outcome for check in checks] == [
        Outcome.REFUTES,
        Outcome.INCONCLUSIVE,
    ]


def test_printed_numbers_of_the_worked_example() -> None:
    assert is_feasible(SOLUTION)
    assert not is_feasible(((0, 1, 2), (3, 5), (4,)))  # 12 GB on a node of 10
    assert not is_feasible(((0, 1, 3), (2,), (4,)))  # T6 nowhere
    assert not is_feasible(((0, 1, 3), (2, 5), ()))


_SMALL = st.fractions(min_value=-3, max_value=3, max_denominator=4)


@given(own=_SMALL, sources=st.lists(_SMALL, min_size=1, max_size=4), bend=_SMALL)
def test_first_order_law_on_trained_quadratics(
    own: Fraction, sources: list[Fraction], bend: Fraction
) -> None:
    """EXT-13-SHARP by the step of eq. 4 itself, not by the formula that the claim uses."""
    flat = (Fraction(0),)
    tasks = [Task(Fraction(0), (g,), flat) for g in sources]
    tasks.append(Task(Fraction(99), (own,), (bend,)))
    last, eta = len(sources), Fraction(1, 2)
    alone = tasks[last].loss((-eta * own,))
    whole = gain(tasks, range(last), last, flat, eta)
    single = [gain(tasks, (i,), last, flat, eta) for i in range(last)]
    longest = max(abs(g) for g in sources)
    remainder = abs(bend) * (eta * longest) ** 2 * Fraction(last * last - last, 2)
    assert abs(whole - sum(single, Fraction(0))) * alone <= remainder
    if last == 1:
        assert whole == single[0]


@given(value=st.integers(min_value=0, max_value=5000))
def test_four_squares(value: int) -> None:
    assert sum(x * x for x in four_squares(value)) == value


def test_the_folded_loss_is_within_its_hypotheses() -> None:
    """Slopes of the folded loss stay within 1, and the group loses what it should."""
    for size in (2, 3, 5):
        for width in (Fraction(1), Fraction(1, 3)):
            group, each = folded_gains(size, width)
            assert group == 2 - size
            assert each == 1 - width / 2
            assert abs(group - each) <= size - 1


def test_rounding_intervals() -> None:
    assert cell("m", "1.93", 60) == Cell("m", Fraction(579, 5), Fraction(3, 10))


def test_every_refuted_row_has_a_proved_repair() -> None:
    for claim in select(family="ptg"):
        if claim.repaired_by is not None:
            repaired = run_claim(get_claim(claim.repaired_by), CheckContext())
            assert repaired.verdict.kind is VerdictKind.PROVED, claim.id
