"""Results that a program can read, and expected failures."""

from __future__ import annotations

import json

import numpy as np
import pytest

from songoku_theory.errors import UnknownNameError
from songoku_theory.testing import (
    CheckResult,
    Counterexample,
    Status,
    apply_expectations,
    from_edges,
    smallest_counterexample,
    succeeded,
    to_json,
)


def results() -> list[CheckResult]:
    return [
        CheckResult("proper[small]", Status.PASS, cases=3),
        CheckResult("proper[large]", Status.FAIL, "two tasks clash"),
        CheckResult("in-time[large]", Status.ERROR, "not tried"),
        CheckResult("contiguous[small]", Status.PASS),
    ]


def statuses(expected: dict[str, str]) -> dict[str, str]:
    return {r.check: r.status.value for r in apply_expectations(results(), expected)}


def test_a_failure_can_be_expected_by_its_full_name_or_its_rule() -> None:
    for name in ("proper[large]", "proper"):
        found = statuses({name: "issue 7"})
        assert found["proper[large]"] == "expected-fail"
        assert found["proper[small]"] == "pass"
    marked = apply_expectations(results(), {"proper": "issue 7"})
    assert marked[1].reason == "issue 7 (expected): two tasks clash"


def test_what_was_expected_to_fail_and_did_not_is_no_success() -> None:
    assert statuses({"contiguous": "old"})["contiguous[small]"] == "unexpected-pass"
    found = statuses({"proper[small]": "old"})
    assert found["proper[small]"] == "unexpected-pass"
    assert not succeeded(apply_expectations([results()[0]], {"proper[small]": "old"}))


def test_a_check_that_could_not_be_decided_can_be_expected() -> None:
    assert statuses({"in-time": "too slow"})["in-time[large]"] == "expected-fail"


def test_an_expectation_of_nothing_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean 'proper\["):
        apply_expectations(results(), {"proper[lage]": "typo"})


def test_success_means_every_check() -> None:
    assert succeeded([results()[0], results()[3]])
    for status in (Status.FAIL, Status.ERROR, Status.UNEXPECTED_PASS):
        assert not succeeded([results()[0], CheckResult("x", status)])


def test_names_come_apart() -> None:
    one = CheckResult("delta+1[hypothesis]", Status.PASS)
    assert (one.rule, one.family) == ("delta+1", "hypothesis")
    assert CheckResult("descent", Status.PASS).family == ""


def test_the_smallest_counterexample_is_the_one_to_show() -> None:
    def failed(name: str, size: int, edges: list[tuple[int, int]]) -> CheckResult:
        shown = Counterexample(from_edges(size, edges), None, name)
        return CheckResult(name, Status.FAIL, counterexample=shown)

    many = [
        failed("a", 5, []),
        failed("b", 3, [(0, 1), (1, 2)]),
        failed("c", 3, [(0, 2)]),
        CheckResult("d", Status.PASS),
    ]
    smallest = smallest_counterexample(many)
    assert smallest is not None
    assert smallest.check == "c"
    assert smallest_counterexample([many[3]]) is None


def test_results_as_plain_data() -> None:
    found = Counterexample(np.asarray(from_edges(3, [(0, 2)])), (0, 1, 0), "a graph", "strings")
    text = json.dumps(to_json([CheckResult("proper[small]", Status.FAIL, "why", found, 4)]))
    assert json.loads(text) == [
        {
            "check": "proper[small]",
            "status": "fail",
            "reason": "why",
            "cases": 4,
            "counterexample": {
                "graph": "a graph",
                "num_tasks": 3,
                "edges": [[0, 2]],
                "colors": [0, 1, 0],
                "labels": "strings",
            },
        }
    ]
