"""The registry of methods, and what each asks of the scheduler."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulations.training.methods import Setting, available_methods, get_method, method_info
from songoku_theory.combine import GradNormWarmStart
from songoku_theory.errors import InvalidInputError

SETTING = Setting(("a", "b", "c"), ("main", "positive", "negative"), 200, 10, 7)
TABLE_1 = {
    "uniform", "gradnorm", "mgda", "pcgrad", "cagrad", "adatask", "famo", "fairgrad", "nash_mtl",
    "static_one_shot", "single_step", "son_goku_gradnorm", "son_goku_adatask", "son_goku_pcgrad",
    "son_goku",
}  # fmt: skip


def plan(name, **options):
    if name == "single_task":
        options = {"task": "b", **options}
    return get_method(name, options).plan(SETTING)


def test_table_1_is_complete():
    assert {n for n in available_methods() if method_info(n).in_table} == TABLE_1


@pytest.mark.parametrize("name", available_methods())
def test_every_method_says_what_it_is_and_whence(name):
    info = method_info(name)
    assert len(info.doc) > 20
    assert info.source
    assert plan(name).config.num_tasks == len(plan(name).tasks)


@pytest.mark.parametrize(
    ("name", "policy", "beta"),
    [
        ("son_goku", "cycle", 0.8),
        ("static_one_shot", "static", 0.8),
        ("single_step", "single_step", 0.0),
        ("oldest_first", "oldest_first", 0.8),
        ("son_goku_pcgrad", "cycle", 0.8),
        ("son_goku_adatask", "cycle", 0.8),
        ("son_goku_gradnorm", "cycle", 0.8),
    ],
)
def test_scheduled_methods_differ_where_they_say(name, policy, beta):
    config = plan(name, beta=0.8, tau=0.3, warm_up=0.1, anneal=0.25).config
    assert (config.policy, config.beta) == (policy, beta)
    assert (config.anneal.tau_target, config.anneal.warm_up, config.anneal.anneal_steps) == (
        0.3, 20, 50,
    )  # fmt: skip
    assert plan(name, warm_up=0.0, anneal=0.0).config.anneal is None


def test_random_groups_follow_the_seed():
    method = get_method("random_groups")
    first = method.plan(SETTING).config.policy
    assert first == method.plan(SETTING).config.policy
    assert first != method.plan(replace(SETTING, seed=8)).config.policy


def test_warm_start_lasts_three_epochs():
    found = plan("son_goku_gradnorm").combine
    assert isinstance(found, GradNormWarmStart)
    assert found.steps == 30


def test_only_pcgrad_draws():
    drawing = {name for name in available_methods() if plan(name).draws}
    assert drawing == {"pcgrad", "son_goku_pcgrad"}


def test_weights_of_tasks_go_before_weights_of_roles():
    found = plan("scalarised", weights={"main": 2.0, "negative": 0.0, "c": 0.5})
    assert found.loss_weights == {"a": 2.0, "b": 1.0, "c": 0.5}


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("songoku", {}, "unknown method 'songoku'"),
        ("pcgrad", {"tau": 0.1}, "unknown option of pcgrad"),
        ("uniform", {"tau": 0.1}, "unknown option of uniform"),
        ("cagrad", {"c": -1.0}, "c should"),
        ("son_goku", {"warm_up": 2.0}, "warm_up is a share"),
        ("son_goku", {"tau": 2.0}, "tau"),
        ("son_goku", {"heuristic": "welsh"}, "unknown"),
        ("son_goku_gradnorm", {"warm_epochs": -1}, "warm_epochs should"),
        ("scalarised", {"weights": {"d": 1.0}}, "unknown task or role 'd'"),
        ("scalarised", {"weights": {"a": -1.0}}, "should be a finite number"),
        ("scalarised", {"weights": {"main": 0, "positive": 0, "negative": 0}}, "nothing to train"),
        ("single_task", {"task": "d"}, "unknown task 'd'"),
        ("single_task", {}, "do not fit single_task"),
    ],
)
def test_bad_options_are_errors(name, options, match):
    with pytest.raises(InvalidInputError, match=match):
        get_method(name, options).plan(SETTING)
