"""From affinities to groups, and groups drawn at random."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.training.grouping.decide import check_feasible, decide, decide_hoa
from simulations.training.grouping.options import GroupingOptions
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.grouping import (
    GroupingProblem,
    adjusted_rand,
    faults,
    group_gain,
    random_groups,
    tabulated,
)

TASKS = ("a", "b", "c", "d")


def _gains(rng, names=("ptg", "ptg_paper", "tag", "cosine")):
    return {(name, ""): rng.normal(size=(4, 4)) for name in names}


@pytest.mark.parametrize("rule", ["paper", "others", "sum"])
def test_the_table_holds_what_each_group_is_worth(rule):
    gains = np.random.default_rng(0).normal(size=(6, 6))
    table, plain = tabulated(gains, rule), group_gain(gains, rule)
    for mask in range(1, 64):
        group = tuple(i for i in range(6) if mask >> i & 1)
        assert table(group) == pytest.approx(plain(group), abs=1e-12)


def test_each_affinity_is_grouped_by_its_own_rule():
    """Gains on which the sum of pairs and eq. 8's averages prefer other groups."""
    gains = np.array(
        [[0.9, 0.5, 0.1, 0.0], [0.5, 0.9, 0.1, 0.0], [0.1, 0.1, 0.9, 0.3], [0.0, 0.0, 0.3, 0.9]]
    )
    options = GroupingOptions(num_groups=(2,), random_draws=1)
    found = decide(
        options, TASKS, 0, {(n, ""): gains for n in ("ptg", "ptg_paper")}, np.random.default_rng(0)
    )
    groups = {d.method: d.answer.groups for d in found}
    # sum: {a, b, c} earns 1.4, {a, b} and {c, d} 1.6; without d's link to c it is another story
    assert groups["ptg"] == ((0, 1), (2, 3))
    weak = gains.copy()
    weak[2, 3] = weak[3, 2] = 0.15
    found = decide(
        options, TASKS, 0, {(n, ""): weak for n in ("ptg", "ptg_paper")}, np.random.default_rng(0)
    )
    groups = {d.method: d.answer.groups for d in found}
    assert groups["ptg"] == ((0, 1, 2), (3,))
    assert groups["ptg_paper"] == ((0, 1), (2, 3))


def test_son_goku_trains_the_very_groups_of_ptg():
    options = GroupingOptions(num_groups=(2, 3), random_draws=2)
    found = decide(options, TASKS, 5, _gains(np.random.default_rng(1)), np.random.default_rng(0))
    own = {d.num_groups: d.answer.groups for d in found if d.method == "ptg"}
    inside = {d.num_groups: d for d in found if d.method == "son_goku_in_ptg"}
    assert own == {m: d.answer.groups for m, d in inside.items()}
    assert all(d.schedule == "son_goku" and d.seed == 5 for d in inside.values())
    assert sum(d.method == "random" for d in found) == 4


def test_limits_of_size_hold_and_what_can_t_be_met_says_why():
    options = GroupingOptions(
        num_groups=(2,), max_sizes=(2, 3), min_sizes=(2, 3), sized_groups=2, random_draws=3
    )
    found = decide(options, TASKS, 0, _gains(np.random.default_rng(2)), np.random.default_rng(0))
    by = {}
    for d in found:
        by.setdefault(d.setting, []).append(d)
    assert all(len(g) == 2 for s in ("max_size=2", "min_size=2") for d in by[s]
               for g in d.answer.groups)  # fmt: skip
    assert [d.method for d in by["max_size=2"]] == ["ptg", "random", "random", "random"]
    (infeasible,) = by["min_size=3"]  # and no random groups for it
    assert infeasible.answer.status == "infeasible"
    assert "2 groups of at least 3 tasks need 6 tasks; there are 4" in infeasible.answer.reason


def test_links_are_kept_by_every_way():
    options = GroupingOptions(
        num_groups=(2,), must_link=(("a", "d"),), cannot_link=(("a", "b"),), random_draws=5
    )
    found = decide(options, TASKS, 0, _gains(np.random.default_rng(3)), np.random.default_rng(0))
    assert len(found) > 8
    for d in found:
        (home,) = [g for g in d.answer.groups if 0 in g]
        assert 3 in home
        assert 1 not in home


@pytest.mark.parametrize(
    ("options", "tasks", "said"),
    [
        ({"num_groups": (5,)}, TASKS, "4 tasks can't fill 5 groups; ask for at most 4"),
        ({"num_groups": (2,)}, ("a",), "at least two tasks; found 1: a"),
        (
            {"must_link": (("a", "b"), ("b", "c")), "cannot_link": (("a", "c"),)}, TASKS,
            "tasks 0 and 2 can't be linked, and must-links tie them together.*0 is a, 1 is b",
        ),
        (
            {"num_groups": (2,), "cannot_link": (("a", "b"), ("b", "c"), ("a", "c"))}, TASKS,
            r"can't be met together: the number of groups \(2\), the cannot-links",
        ),
    ],
)  # fmt: skip
def test_what_can_t_be_met_is_refused_before_anything_is_trained(options, tasks, said):
    with pytest.raises(InvalidInputError, match=said):
        check_feasible(GroupingOptions(**options), tasks)


def test_a_link_to_no_task_is_refused():
    with pytest.raises(UnknownNameError, match="task 'e'"):
        check_feasible(GroupingOptions(must_link=(("a", "e"),)), TASKS)


def test_a_pair_that_was_never_collected_is_named():
    gains = _gains(np.random.default_rng(0))
    gains["ptg", ""][1, 2] = np.nan
    with pytest.raises(InvalidInputError, match="no step collected b and c together"):
        decide(GroupingOptions(num_groups=(2,)), TASKS, 0, gains, np.random.default_rng(0))


def test_hoa_foretells_a_group_from_its_pairs():
    single = np.array([1.0, 1.0, 1.0, 1.0])
    pairs = np.full((4, 4), 1.1)
    pairs[0, 1], pairs[1, 0] = 0.2, 0.3  # 0 and 1 help each other
    pairs[2, 3], pairs[3, 2] = 0.9, 0.9
    (found,) = decide_hoa(GroupingOptions(num_groups=(2,)), TASKS, 0, pairs, single)
    assert found.answer.groups == ((0, 1), (2, 3))
    assert found.answer.objective == pytest.approx(0.7 + 0.8 + 0.1 + 0.1)


def test_random_groups_are_drawn_uniformly():
    """Chi-square over the 7 partitions of 4 tasks into 2 groups; n = 3,500, alpha = 0.001."""
    problem = GroupingProblem(np.zeros((4, 4)), num_groups=2)
    rng = np.random.default_rng(11)
    counts: dict[object, int] = {}
    for _ in range(3500):
        found = random_groups(problem, rng)
        counts[found] = counts.get(found, 0) + 1
    assert len(counts) == 7
    assert sum((c - 500) ** 2 / 500 for c in counts.values()) < 22.46  # of 6 degrees of freedom


def test_random_groups_meet_what_is_asked():
    problem = GroupingProblem(
        np.zeros((8, 8)), num_groups=3, min_size=2, max_size=4, must_link=[(0, 7)],
        cannot_link=[(1, 2)],
    )  # fmt: skip
    rng = np.random.default_rng(0)
    assert all(not faults(problem, random_groups(problem, rng)) for _ in range(20))
    impossible = GroupingProblem(np.zeros((3, 3)), num_groups=2, min_size=2)
    with pytest.raises(InvalidInputError, match="no draw of"):
        random_groups(impossible, rng)
    with pytest.raises(InvalidInputError, match="need a number of groups"):
        random_groups(GroupingProblem(np.zeros((3, 3))), rng)


def test_the_rand_index_is_one_for_the_same_groups_and_zero_on_average():
    """Mean over 2,000 random relabellings, standard error about 0.006; alpha = 0.001."""
    rng = np.random.default_rng(4)
    first = [0, 0, 0, 1, 1, 2, 2, 2]
    assert adjusted_rand(first, [5, 5, 5, 3, 3, 0, 0, 0]) == 1.0
    assert adjusted_rand([0, 0], [0, 0]) == 1.0
    found = [adjusted_rand(first, rng.permutation(first).tolist()) for _ in range(2000)]
    assert abs(np.mean(found)) < 0.02
    with pytest.raises(InvalidInputError, match="found 2 and 3"):
        adjusted_rand([0, 1], [0, 1, 1])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"seeds": 1}, "seeds should be a whole number >= 2"),
        ({"num_groups": []}, "at least one number of groups"),
        ({"num_groups": [2, 2]}, "each value once"),
        ({"intervals": [3], "interval": 2}, "multiples of interval = 2"),
        ({"enumerate_tasks": 20}, "at most 12"),
        ({"seed": 3}, "unknown option in .*Did you mean 'seeds'"),
        ({"hoa": 1}, "hoa should be like True; found 1"),
        ({"must_link": [["a"]]}, "must_link should hold pairs"),
        ({"time_limit": 0}, "time_limit should be > 0"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(table, said):
    with pytest.raises((InvalidInputError, UnknownNameError), match=said):
        GroupingOptions.of(table)


def test_options_survive_json():
    options = GroupingOptions.of({"must_link": [["a", "b"]], "intervals": [1, 2], "time_limit": 3})
    assert options.must_link == (("a", "b"),)
    import json

    assert GroupingOptions.of(json.loads(json.dumps(options.as_table()))) == options


def test_a_task_may_be_in_several_groups_where_that_is_allowed():
    gains = np.zeros((4, 4))
    gains[0, 1] = gains[1, 0] = gains[0, 2] = gains[2, 0] = 1.0
    gains[1, 2] = gains[2, 1] = -1.0
    gains[3, :3] = gains[:3, 3] = -1.0
    given = {("ptg_paper", ""): gains, ("ptg", ""): gains}
    options = GroupingOptions(num_groups=(3,), overlap=True, random_draws=1)
    found = decide(options, TASKS, 0, given, np.random.default_rng(0))
    groups = {d.method: d.answer.groups for d in found}
    assert groups["ptg"] == ((0, 1), (0, 2), (3,))
    assert sorted(i for g in groups["random"] for i in g) == [0, 1, 2, 3]
