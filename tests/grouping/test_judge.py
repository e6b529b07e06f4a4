"""Errors, intervals, tests, the optimum and the verdict, on networks made by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from simulations.training.grouping.decide import Decision, fixed
from simulations.training.grouping.intervals import holm, paired_p, t_interval
from simulations.training.grouping.judge import enumerated_decisions, judged, whole_decisions
from simulations.training.grouping.networks import Networks
from simulations.training.grouping.options import GroupingOptions
from simulations.training.grouping.rows import COLUMNS
from simulations.training.grouping.verdict import verdict
from songoku_theory.errors import InvalidInputError

TASKS = ("a", "b", "c", "d")
SETS = [g for size in range(1, 5) for g in itertools.combinations(range(4), size)]


def _networks(seeds=3, shift=None, rng=0):
    """Every set's network, with errors drawn at random; a shift for some sets."""
    draw = np.random.default_rng(rng)
    networks = Networks(4)
    for seed in range(seeds):
        for group in SETS:
            rows = []
            for split in ("validation", "test"):
                for i in group:
                    value = float(draw.uniform(1.0, 1.1)) + (shift or {}).get(group, 0.0)
                    rows.append({"kind": "error", "split": split, "i": i, "value": value})
            networks.add("uniform", seed, group, rows)
            networks.add("son_goku", seed, group, rows)
    return networks


def _partitions(m=None):
    found = set()
    for labels in itertools.product(range(4), repeat=4):
        groups = tuple(sorted(tuple(i for i in range(4) if labels[i] == g) for g in set(labels)))
        if m is None or len(groups) == m:
            found.add(groups)
    return found


def _total(networks, seed, groups, split="test"):
    return sum(
        np.nansum(getattr(networks.get("uniform", seed, g), split)) for g in groups
    )  # fmt: skip


OPTIONS = GroupingOptions(num_groups=(2, 3), random_draws=2)


def test_the_optimum_is_the_best_of_all_partitions():
    networks = _networks()
    found = enumerated_decisions(OPTIONS, TASKS, networks)
    for m in (2, 3, 0):
        best = min(
            np.mean([_total(networks, s, g) for s in range(3)]) for g in _partitions(m or None)
        )
        chosen = [d for d in found if d.method == "optimum" and d.num_groups == m]
        assert len({d.answer.groups for d in chosen}) == 1  # one grouping for all seeds
        total = np.mean([networks.test_errors(d).sum() for d in chosen])
        assert total == pytest.approx(best)
    for d in found:
        if d.method == "validation":
            best = min(
                _total(networks, d.seed, g, "validation") for g in _partitions(d.num_groups or None)
            )
            assert _total(networks, d.seed, d.answer.groups, "validation") == pytest.approx(best)


def test_a_task_of_two_groups_counts_where_its_validation_error_is_least():
    networks = Networks(3)
    rows = [("validation", 0, 1.0), ("test", 0, 5.0), ("validation", 1, 1.0), ("test", 1, 6.0)]
    other = [("validation", 1, 0.5), ("test", 1, 9.0), ("validation", 2, 1.0), ("test", 2, 7.0)]
    for group, held in (((0, 1), rows), ((1, 2), other)):
        networks.add("uniform", 0, group, [
            {"kind": "error", "split": s, "i": i, "value": v} for s, i, v in held
        ])  # fmt: skip
    decision = Decision("ptg", "", 2, 0, fixed([(0, 1), (1, 2)], "subset_dp"))
    # by its validation error, though the other network's test error is smaller
    np.testing.assert_array_equal(networks.test_errors(decision), [5.0, 9.0, 7.0])
    with pytest.raises(InvalidInputError, match=r"no network was trained for tasks \(0,\)"):
        networks.get("uniform", 0, (0,))


def _judged(networks, groups=((0, 1), (2, 3)), seeds=3, optimum=True):
    options = GroupingOptions(num_groups=(2, 3), random_draws=2, seeds=seeds)
    decisions = []
    for seed in range(seeds):
        decisions += whole_decisions(4, seed)
        decisions.append(Decision("ptg", "", 2, seed, fixed(groups, "subset_dp")))
        for draw, random in enumerate((((0,), (1, 2, 3)), ((0, 1, 2), (3,)))):
            decisions.append(Decision("random", "", 2, seed, fixed(random, "random"), draw))
    if optimum:
        decisions += enumerated_decisions(options, TASKS, networks)
    rows = judged(options, decisions, networks, {0: [0, 0, 1, 1]})
    assert all(set(row) == set(COLUMNS) for row in rows)
    return rows


def _one(rows, kind, method, m=2, label=None):
    (found,) = [
        r for r in rows
        if (r["kind"], r["method"], r["num_groups"], r["i"]) == (kind, method, m, -1)
        and (label is None or r["label"] == label) and r["seed"] == -1
    ]  # fmt: skip
    return found


def test_means_differences_and_distances_are_over_seeds_and_paired():
    networks = _networks()
    rows = _judged(networks)
    groups = ((0, 1), (2, 3))
    ptg = [_total(networks, s, groups) for s in range(3)]
    together = [_total(networks, s, ((0, 1, 2, 3),)) for s in range(3)]
    random = [
        np.mean([_total(networks, s, g) for g in (((0,), (1, 2, 3)), ((0, 1, 2), (3,)))])
        for s in range(3)
    ]
    mean = _one(rows, "mean", "ptg")
    expected = stats.t.interval(0.95, 2, np.mean(ptg), stats.sem(ptg))
    assert (mean["low"], mean["high"]) == pytest.approx(expected)
    assert (mean["value"], mean["count"]) == (pytest.approx(np.mean(ptg)), 3)
    assert _one(rows, "mean", "random")["value"] == pytest.approx(np.mean(random))
    less = np.subtract(ptg, together)
    found = _one(rows, "difference", "ptg")
    assert found["value"] == pytest.approx(less.mean())
    assert found["high"] - found["low"] == pytest.approx(
        2 * stats.t.ppf(0.975, 2) * stats.sem(less)
    )
    raw = _one(rows, "p_value", "ptg", label="raw")["value"]
    assert raw == pytest.approx(stats.ttest_1samp(less, 0.0).pvalue)
    best = min(np.mean([_total(networks, s, g) for s in range(3)]) for g in _partitions(2))
    assert _one(rows, "distance", "ptg", label="same")["value"] == pytest.approx(
        np.mean(ptg) - best
    )
    any_best = min(np.mean([_total(networks, s, g) for s in range(3)]) for g in _partitions())
    assert _one(rows, "distance", "ptg", label="any")["value"] == pytest.approx(
        np.mean(ptg) - any_best
    )
    agreement = [r for r in rows if r["kind"] == "agreement" and r["method"] == "ptg"]
    assert [(r["seed"], r["value"]) for r in agreement] == [(0, 1.0)]


def test_holm_is_over_every_way_but_together_and_optimum():
    rows = _judged(_networks())
    raw = {
        (r["method"], r["num_groups"]): r["value"]
        for r in rows if r["kind"] == "p_value" and r["label"] == "raw"
    }  # fmt: skip
    holmed = {
        (r["method"], r["num_groups"]): r["value"]
        for r in rows if r["kind"] == "p_value" and r["label"] == "holm"
    }  # fmt: skip
    assert set(raw) == {
        ("single", 4), ("son_goku", 1), ("ptg", 2), ("random", 2), ("validation", 2),
        ("validation", 3), ("validation", 0),
    }  # fmt: skip
    smallest = min(raw, key=lambda way: raw[way])
    assert holmed[smallest] == pytest.approx(min(1.0, 7 * raw[smallest]))
    assert all(holmed[way] >= raw[way] for way in raw)


def test_the_verdict_changes_with_the_intervals():
    helped = _judged(_networks(shift={(0, 1): -0.5, (2, 3): -0.5}), optimum=False)
    nothing = _judged(_networks(), optimum=False)
    worse = _judged(_networks(shift={(0, 1): 0.5, (2, 3): 0.5}), optimum=False)
    assert verdict(helped).startswith("Grouping helped: 1 of 3 ways")
    assert "PTG, 2 groups: -" in verdict(helped)
    assert verdict(nothing).startswith("No way to group (3 compared) has demonstrably less")
    assert "1 have more (PTG, 2 groups: +" in verdict(worse)
    assert "The optimum was not enumerated." in verdict(nothing)


def test_a_way_that_can_t_be_met_has_a_reason_and_no_mean():
    from songoku_theory.grouping import GroupingProblem, solve

    networks = _networks()
    answer = solve(GroupingProblem(np.zeros((4, 4)), num_groups=2, min_size=3))
    decisions = [d for s in range(3) for d in whole_decisions(4, s)]
    decisions += [Decision("ptg", "min_size=3", 2, s, answer) for s in range(3)]
    rows = judged(OPTIONS, decisions, networks, {})
    assert {r["label"] for r in rows if r["kind"] == "reason"} == {
        "2 groups of at least 3 tasks need 6 tasks; there are 4 and none may be in two groups"
    }
    assert not [r for r in rows if r["kind"] == "mean" and r["setting"]]


def test_intervals_and_tests_of_few_values():
    assert t_interval([2.0, 2.0]).low == 2.0
    assert paired_p([0.3, 0.3, 0.3]) == 1.0  # without spread the test says nothing
    assert paired_p([0.0, 0.0]) == 1.0
    assert holm({}) == {}
    adjusted = holm({"a": 0.01, "b": 0.011, "c": 0.9})
    assert adjusted == {"a": pytest.approx(0.03), "b": pytest.approx(0.03), "c": 0.9}
    for refused in (lambda: t_interval([1.0]), lambda: paired_p([1.0])):
        with pytest.raises(InvalidInputError, match="at least two"):
            refused()
