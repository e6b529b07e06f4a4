"""An equal budget for every method, and a choice that no test score can move."""

from __future__ import annotations

import pytest

from simulations.training.methods import available_methods, get_method
from simulations.training.run.settings import load_settings
from simulations.training.run.tuning import RATE, tuning_of
from simulations.training.table.plan import Entry, Request, tuned
from simulations.training.table.runs import TaskInfo
from simulations.training.table.select import choose, gain, reference_of
from songoku_theory.errors import InvalidInputError, UnknownNameError

GOOD = {"seed": 9, "share": 0.5, "learning_rates": [0.1, 0.2]}
TASKS = {"a": "main", "b": "main", "c": "negative"}


@pytest.mark.parametrize("preset", ["small", "paper"])
def test_presets_give_every_method_eight_candidates_from_one_range_of_rates(preset):
    tuning = load_settings(preset).tuning()
    assert tuning.one_range
    for method in available_methods():
        candidates = tuning.of(method)
        assert len(candidates) == 8
        rates = [one[RATE] for one in candidates]
        assert (min(rates), max(rates)) == (tuning.learning_rates[0], tuning.learning_rates[-1])
        for one in candidates:
            options = {name: value for name, value in one.items() if name != RATE}
            get_method(method, {**options, **({"task": "a"} if method == "single_task" else {})})


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"candidates": {"cagrad": [{"lr": 0.1, "c": 0.2}]}}, InvalidInputError, "cagrad: 1"),
        ({"candidates": {"cagrad": [{"lr": 0.1}] * 2}}, InvalidInputError, "twice"),
        ({"candidates": {"cagrad": [{"cc": 1}, {"c": 2}]}}, UnknownNameError, "Did you mean 'c'"),
        ({"candidates": {"cagrat": []}}, UnknownNameError, "Did you mean 'cagrad'"),
        ({"candidates": {"cagrad": [{"lr": 0}, {"lr": 1}]}}, InvalidInputError, "number > 0"),
        ({"candidates": {"cagrad": {"c": [0.1, 0.2]}}}, InvalidInputError, "crossed_rates, which"),
        (
            {"crossed_rates": [1.0], "candidates": {"cagrad": {"c": 0.1}}},
            InvalidInputError,
            "should be a list of values",
        ),
        (
            {"crossed_rates": [1.0], "candidates": {"cagrad": {"d": [0.1, 0.2]}}},
            UnknownNameError,
            "'d'",
        ),
        (
            {"crossed_rates": [1.0], "candidates": {"cagrad": {"c": [0.1, 0.1]}}},
            InvalidInputError,
            "twice",
        ),
        ({"crossed_rates": [1.0, 1.0]}, InvalidInputError, "crossed_rates names one twice"),
        ({"candidates": 3}, InvalidInputError, "should be a table"),
        ({"candidates": {"cagrad": "x"}}, InvalidInputError, "list of tables"),
        ({"learning_rates": []}, InvalidInputError, "learning_rates"),
        ({"learning_rates": [0.1, 0.1]}, InvalidInputError, "twice"),
        ({"share": 0}, InvalidInputError, "share"),
        ({"share": 1.5}, InvalidInputError, "share"),
        ({"seed": -1}, InvalidInputError, "seed"),
        ({"sead": 1}, UnknownNameError, "Did you mean 'seed'"),
    ],
)
def test_an_unequal_or_impossible_budget_is_refused(change, error, said):
    with pytest.raises(error, match=said):
        tuning_of({**GOOD, **change}, "mine")
    tuning_of(GOOD, "mine")


def test_options_are_crossed_with_rates():
    table = {**GOOD, "learning_rates": [0.1, 0.2, 0.4, 0.8], "crossed_rates": [0.1, 0.8]}
    tuning = tuning_of({**table, "candidates": {"cagrad": {"c": [1, 2]}}}, "mine")
    assert tuning.of("cagrad") == (
        {"lr": 0.1, "c": 1}, {"lr": 0.1, "c": 2}, {"lr": 0.8, "c": 1}, {"lr": 0.8, "c": 2},
    )  # fmt: skip
    assert tuning.one_range
    narrow = {"cagrad": [{"lr": 0.1, "c": c} for c in range(4)]}
    assert not tuning_of({**table, "candidates": narrow}, "mine").one_range
    assert tuning_of({**GOOD}, "mine").one_range


def test_a_preset_without_tuning_says_what_it_lacks():
    with pytest.raises(InvalidInputError, match=r"\[tuning\] lacks 'seed'"):
        tuning_of({}, "mine")


def request(**changes):
    settings = load_settings("smoke")
    return Request(settings, "smoke", ("uniform", "son_goku", "scalarised"), (0, 1), **changes)


def params_of(cell):
    import json

    return {**cell.params, "settings": json.loads(str(cell.params["settings"]))}


def test_tuning_runs_are_shortened_and_use_a_seed_of_their_own():
    asked = request()
    cells = asked.tuning_cells(Entry("stocks_fb", "son_goku"), TASKS)
    found = [params_of(cell) for cell in cells]
    assert {one["seed"] for one in found} == {1000}
    assert {one["settings"]["training"]["steps"] for one in found} == {2}
    assert {one["settings"]["training"]["evaluate_every"] for one in found} == {0}
    assert [one["settings"]["method"]["tau"] for one in found] == [0.0, 0.2]
    assert len({cell.key for cell in cells}) == 2
    with pytest.raises(InvalidInputError, match="seed 1000 tunes the methods"):
        Request(asked.settings, "smoke", ("uniform",), (1000,))


def test_options_in_epochs_are_shortened_with_the_run():
    asked = request()
    (first, _) = asked.tuning_cells(Entry("stocks_fb", "son_goku_gradnorm"), TASKS)
    assert params_of(first)["settings"]["method"]["warm_epochs"] == pytest.approx(0.1 * 0.67)
    settings = load_settings("paper")  # it does not name the option, so the paper's three epochs
    paper = Request(settings, "paper", ("uniform",), (0,))
    first = paper.tuning_cells(Entry("stocks_fb", "son_goku_gradnorm"), TASKS)[0]
    share = settings.tuning().share
    assert params_of(first)["settings"]["method"]["warm_epochs"] == pytest.approx(3 * share)


def test_weights_of_roles_that_a_benchmark_lacks_are_left_out():
    asked = request()
    entry = Entry("stocks_fb", "scalarised")
    assert set(asked.candidates(entry, TASKS)[0]["weights"]) == {"main", "negative"}
    assert set(asked.candidates(entry, {"a": "main"})[0]["weights"]) == {"main"}


def test_single_task_networks_are_of_main_tasks():
    asked = Request(load_settings("smoke"), "smoke", ("uniform", "single_task"), (0,))
    found = [entry.task for entry in asked.entries("stocks_fb", TASKS)]
    assert found == ["", "a", "b"]


def validation(a, b):
    return {("validation", "a", "accuracy"): a, ("validation", "b", "accuracy"): b}


def test_the_mean_relative_gain_of_main_tasks_decides(made_run):
    reference = reference_of([made_run(scores=validation(0.5, 0.25))])
    better_in_b = made_run(scores=validation(0.45, 0.30))  # -10 % and +20 %
    better_in_a = made_run(scores=validation(0.54, 0.25))  # +8 % and 0
    assert gain(better_in_b, reference) == pytest.approx(0.05)
    choice = choose([better_in_a, better_in_b], reference)
    assert choice.chosen == 1
    assert choice.gains == pytest.approx((0.04, 0.05))


def test_where_lower_is_better_a_fall_is_a_gain(made_run):
    tasks = (TaskInfo("a", "main", {"MAE": False}),)
    low, high = (made_run(scores={("validation", "a", "MAE"): v}, tasks=tasks) for v in (1.0, 2.0))
    assert choose([high, low], reference_of([high])).chosen == 1


def test_equals_take_the_first_and_the_diverged_are_left_out(made_run):
    run, gone = made_run(scores=validation(0.5, 0.5)), made_run(diverged="the loss of a")
    reference = reference_of([gone, run])
    assert reference == {("a", "accuracy"): 0.5, ("b", "accuracy"): 0.5}
    assert choose([run, run], reference).chosen == 0
    assert choose([gone, run], reference).chosen == 1
    assert choose([gone, gone], reference).chosen is None
    assert reference_of([gone]) is None
    assert choose([run, made_run(scores=validation(0.6, 0.5))], None).chosen == 1


def test_equals_in_the_first_metric_are_told_apart_by_the_next(made_run):
    def run(accuracy, loss):
        scores = {("validation", "a", "accuracy"): accuracy}
        if loss is not None:
            scores["validation", "a", "log loss"] = loss
        return made_run(
            scores=scores, tasks=(TaskInfo("a", "main", {"accuracy": True, "log loss": False}),)
        )

    uniform = run(0.5, 1.0)
    reference = reference_of([uniform])
    assert choose([uniform, run(0.5, 0.9), run(0.5, 1.1)], reference).chosen == 1
    assert choose([uniform, run(0.5, 0.1), run(0.6, 9.0)], reference).chosen == 2
    assert choose([run(0.5, None), run(0.5, 9.0)], reference).chosen == 1
    assert choose([uniform, run(0.5, 1.0)], reference).chosen == 0


def test_a_reference_of_nought_is_compared_by_difference(made_run):
    reference = reference_of([made_run(scores=validation(0.0, 0.5))])
    assert gain(made_run(scores=validation(0.1, 0.5)), reference) == pytest.approx(0.05)


def test_a_failed_candidate_is_no_diverged_one(made_run):
    run = made_run(scores=validation(0.5, 0.5))
    with pytest.raises(InvalidInputError, match="out of memory"):
        choose([run, made_run(error="out of memory")], reference_of([run]))


@pytest.mark.parametrize("planted", [1e9, -1e9, 0.0])
def test_no_test_score_can_move_the_choice(made_run, planted):
    """Test scores that would turn every choice round are put in; nothing may change."""
    asked = request()
    entries = list(asked.entries("stocks_fb", TASKS))
    values = iter([0.50, 0.52, 0.55, 0.51, 0.48, 0.60])
    plain, mutated = {}, {}
    for entry in entries:
        for cell in asked.tuning_cells(entry, TASKS):
            value = next(values)
            scores = validation(value, value)
            plain[cell.key] = made_run(cell.key, 1000, scores)
            tests = {("test", task, "accuracy"): planted - 100 * value for task in "ab"}
            mutated[cell.key] = made_run(cell.key, 1000, {**scores, **tests})
    one, other = (tuned(asked, entries, TASKS, runs) for runs in (plain, mutated))
    assert one == other
    assert [found.choice.chosen for found in one] == [1, 0, 1]


def test_methods_with_candidates_still_to_run_are_not_chosen_for(made_run):
    asked = request()
    entries = list(asked.entries("stocks_fb", TASKS))
    runs = {
        cell.key: made_run(cell.key, 1000, validation(0.5, 0.5))
        for entry in entries
        for cell in asked.tuning_cells(entry, TASKS)
    }
    last = asked.tuning_cells(entries[1], TASKS)[1].key
    for gone in ({}, {last: made_run(error="killed")}):
        held = {**{key: run for key, run in runs.items() if key != last}, **gone}
        names = [found.entry.method for found in tuned(asked, entries, TASKS, held)]
        assert names == ["uniform", "scalarised"]
