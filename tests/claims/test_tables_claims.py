"""The family tables: the paper's digits, turned entries turn verdicts, cells are the tables'."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from proofs_check import counterexamples
from proofs_check.claims.tables import accuracy, relations, seconds
from proofs_check.claims.tables._checks import Comparison
from proofs_check.claims.tables._data import (
    COLUMNS,
    MIOU,
    ONE,
    SCHEDULED,
    SIZES,
    TWO,
    UNSCHEDULED,
    Scores,
    Times,
    rescaled,
)
from proofs_check.claims.tables.ablation import single_step_checks, static_checks
from proofs_check.counterexamples import available, load, replay
from proofs_check.model import Check, CheckContext, Outcome, VerdictKind
from proofs_check.registry import get_claim
from proofs_check.runner import ClaimResult, run_claim


def judged(claim_id: str, checks: tuple[Check, ...]) -> ClaimResult:
    return run_claim(replace(get_claim(claim_id), checks=checks), CheckContext())


def with_score(row: str, column: int, value: str, scores: Scores = ONE) -> Scores:
    values = list(scores[row])
    values[column] = value
    return {**scores, row: tuple(values)}


def with_time(times: Times, row: str, place: int, mean: str) -> Times:
    cells = list(times[row])
    cells[place] = (mean, cells[place][1])
    return {**times, row: tuple(cells)}


FAULTS: dict[str, tuple[str, Callable[[], tuple[Check, ...]]]] = {
    "an entry missing": (
        "TAB-7-COUNT",
        lambda: accuracy.count_checks({**ONE, "FAMO": ONE["FAMO"][:9]}),
    ),
    "a baseline on top": (
        "TAB-7-BEST-R",
        lambda: accuracy.best_checks(with_score("MGDA", 9, "0.59", rescaled())),
    ),
    "mIOU as printed": ("TAB-7-BEST-R", lambda: accuracy.best_checks(ONE)),
    "Uniform on a level": (
        "TAB-7.1-UNIFORM",
        lambda: accuracy.uniform_checks(with_score("Uniform", 4, "0.53")),
    ),
    "Static One-Shot better once": (
        "TAB-7.2-STATIC",
        lambda: static_checks(with_score("Static One-Shot", 6, "0.49")),
    ),
    "Single-Step not so bad": (
        "TAB-7.2-SINGLE",
        lambda: single_step_checks(with_score("Single-Step", 6, "0.54")),
    ),
    "a digit of Table 2": (
        "TAB-2-4",
        lambda: seconds.agree_checks(with_time(TWO, "Uniform", 1, "0.3241")),
    ),
    "PCGrad slower than K²": (
        "TAB-7.4-STEEP",
        lambda: seconds.steep_checks(with_time(UNSCHEDULED, "PCGrad", 3, "1100.0000")),
    ),
    "a longer period dearer": (
        "TAB-4.5-PERIOD",
        lambda: seconds.period_checks(
            {**SCHEDULED, 256: with_time(SCHEDULED[256], "SON-GOKU + PCGrad", 2, "6.1396")}
        ),
    ),
    "FAMO times another factor": ("TAB-4-FAMO", lambda: relations.famo_checks(factor="0.951")),
    "FAMO off by a digit": (
        "TAB-4-FAMO",
        lambda: relations.famo_checks(with_time(UNSCHEDULED, "FAMO", 2, "2.1712")),
    ),
    "FairGrad with another constant": (
        "TAB-4-FAIRGRAD",
        lambda: relations.fairgrad_checks(c="0.42245"),
    ),
    "Nash-MTL times another factor": (
        "TAB-4-NASH",
        lambda: relations.nash_checks(factor="1.5001"),
    ),
    "one more related pair": (
        "TAB-4-ONLY",
        lambda: relations.only_checks(
            {**relations._everything(), "Uniform": UNSCHEDULED["AdaTask"]}
        ),
    ),
    "a relation less": (
        "TAB-4-ONLY",
        lambda: relations.only_checks(with_time(relations._everything(), "Nash-MTL", 0, "5.7040")),
    ),
}


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_changed_digit_or_factor_turns_the_verdict(name: str) -> None:
    claim_id, checks = FAULTS[name]
    result = judged(claim_id, checks())
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert any(item.outcome is Outcome.REFUTES for item in result.evidence)


def test_a_changed_digit_is_seen_on_both_routes() -> None:
    checks = relations.famo_checks(with_time(UNSCHEDULED, "FAMO", 2, "2.1712"))
    assert {c.run(CheckContext()).outcome for c in checks} == {Outcome.REFUTES}


@pytest.mark.parametrize(
    ("left", "right", "strict", "holds"),
    [
        (("0.9", "10"), ("9.00",), True, False),
        (("0.9", "10"), ("9.00",), False, True),
        (("1.1", "0.5"), ("0.56",), True, True),
        (("0.7",), ("0.07", "9"), True, False),
    ],
)
def test_both_routes_compare_products_of_decimals(
    left: tuple[str, ...], right: tuple[str, ...], strict: bool, holds: bool
) -> None:
    comparison = Comparison(left, right, strict)
    assert comparison.in_fractions() is holds
    assert comparison.in_integers() is holds


# What makes each counterexample one: its faulty cell (or claimed factor), mended.
MENDED: dict[str, dict[str, int | str]] = {
    "tab_7_every": {"s": 64},
    "tab_7_best": {"b": "17/25"},
    "tab_8_alone": {"s": 71},
    "tab_7_1_cifar": {"s": 66},
    "tab_7_1_cifar_points": {"s": 65},
    "tab_7_1_imdb": {"s": 60},
    "tab_7_1_nyu": {"s": "7/100"},
    "tab_7_3_1_pcgrad": {"a2": "98/5"},
    "tab_7_3_2_own": {"s": "16/25"},
    "tab_7_3_2_alone": {"c": 65},
    "tab_1_scale": {"h": "63/1000"},
    "tab_7_4_linear": {"t40": 24},
    "tab_7_4_refresh": {"a40": 6},
}


def test_every_stored_cell_has_a_mended_one() -> None:
    assert set(MENDED) == {s for s in available() if load(s).kind == "tab-cells"}


@pytest.mark.parametrize("stem", sorted(MENDED))
def test_a_mended_cell_violates_nothing(stem: str) -> None:
    example = load(stem)
    assert replay(stem).violated
    cells = [
        {**cell, "value": MENDED[stem].get(cell["name"], cell["value"])}
        for cell in example.data["cells"]
    ]
    mended = counterexamples._REPLAYERS[example.kind]({**example.data, "cells": cells})
    assert not mended.violated, mended.steps


def printed(where: str) -> Fraction:
    """The cell that a counterexample names, from the tables."""
    table, rest = where.split(", ", 1)
    if table == "Table 1":
        column, row = rest.split(", ")
        index = [column in c.name or (column == c.dataset) for c in COLUMNS].index(True)
        return Fraction(ONE[row][index])
    place = SIZES.index(int(rest.rsplit("K = ", 1)[1]))
    row = rest.split(", ")[0]
    if table == "Table 2":
        return Fraction(TWO[row][place][0])
    return Fraction(SCHEDULED[int(re.findall(r"R = (\d+)", rest)[0])][row][place][0])


@pytest.mark.parametrize("stem", sorted(MENDED))
def test_counterexamples_hold_cells_of_the_tables(stem: str) -> None:
    for cell in load(stem).data["cells"]:
        assert counterexamples.rational(cell["value"]) == printed(cell["where"]), cell


def test_only_four_entries_are_rescaled() -> None:
    changed = {row for row in ONE if ONE[row] != rescaled()[row]}
    assert changed == {"MGDA", "CAGrad", "AdaTask", "SON-GOKU + AdaTask"}
    for row in changed:
        assert Decimal(rescaled()[row][MIOU]) * 10 == Decimal(ONE[row][MIOU])


@pytest.mark.skipif(
    "SONGOKU_PAPERS" not in os.environ, reason="SONGOKU_PAPERS names a folder with the papers' text"
)
def test_the_tables_are_the_papers() -> None:
    """Every row, digit by digit, from the paper's text, which does not come with this project."""
    path = Path(os.environ["SONGOKU_PAPERS"]) / "son_goku_paper.txt"
    lines = [
        re.sub(r"\s+", " ", re.sub(r"[$]|\(R ?= ?\d+\)", "", line))
        .strip()
        .replace("- GOKU", "-GOKU")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "\t" in line
    ]
    for row, values in ONE.items():
        assert " ".join((row, *values)) in lines, row
    for times in (TWO, UNSCHEDULED, *SCHEDULED.values()):
        for row, cells in times.items():
            wanted = " ".join((row, *(f"{mean} ± {sd}" for mean, sd in cells)))
            assert wanted in lines, row
