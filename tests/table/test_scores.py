"""Numbers of the table from runs made by hand, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulations.training.run.settings import load_settings
from simulations.training.table.claims import (
    CANNOT,
    HOLDS,
    HOLDS_NOT,
    Unit,
    all_of,
    answers,
    most_of,
)
from simulations.training.table.columns import columns_of
from simulations.training.table.grids import all_grids
from simulations.training.table.names import title_of
from simulations.training.table.plan import Entry, Request, Tuned
from simulations.training.table.runs import TaskInfo
from simulations.training.table.scores import bench_table
from simulations.training.table.select import Choice
from simulations.training.table.stages import Bench
from simulations.training.table.statistics import estimate, holm, paired_p
from songoku_theory.published import COLUMNS, METHOD_NAMES, TABLE_1

TASKS = {"a": "main", "b": "main", "c": "negative"}
SEEDS = (0, 1, 2)


def both(a, b):
    """Accuracies of two main tasks, and a MAE that falls with them."""
    return {
        ("test", "a", "accuracy"): a,
        ("test", "b", "accuracy"): b,
        ("test", "a", "MAE of classes"): 1 - a,
        ("test", "b", "MAE of classes"): 1 - b,
    }


class Made:
    """A table of made-up runs, method by method."""

    def __init__(self, make):
        self.make, self.runs, self.found = make, {}, []

    def add(self, method, runs, task=""):
        """Add runs, {seed: keyword arguments of `made_run`}."""
        entry = Entry("stocks_fb", method, task)
        one = Tuned(entry, ({"lr": 1e-3},), Choice(0, (0.0,)))
        self.found.append(one)
        methods = dict.fromkeys([found.entry.method for found in self.found])
        self.request = Request(load_settings("smoke"), "smoke", tuple(methods), SEEDS)
        for cell in self.request.training_cells(one):
            seed = cell.params["seed"]
            if seed in runs:
                self.runs[cell.key] = self.make(cell.key, seed, **runs[seed])
        return self

    def table(self):
        return bench_table(self.request, Bench("stocks_fb", TASKS), self.found, self.runs)


@pytest.fixture
def made(made_run):
    return Made(made_run)


A = {0: 0.50, 1: 0.60, 2: 0.55}
B = {0: 0.54, 1: 0.62, 2: 0.60}


def of(values, **more):
    return {seed: {"scores": both(v, v), **more} for seed, v in values.items()}


def test_means_differences_and_p_values_are_those_of_pairs_of_seeds(made):
    table = made.add("uniform", of(A)).add("son_goku", of(B)).add("pcgrad", of(A)).table()
    uniform, ours, same = (table.method(m) for m in ("uniform", "son_goku", "pcgrad"))
    assert uniform.at_steps[0].mean == estimate(list(A.values()))
    assert uniform.at_steps[0].difference is None
    differences = [0.04, 0.02, 0.05]
    assert ours.at_steps[0].difference.mean == pytest.approx(11 / 300)
    assert ours.at_steps[0].p == pytest.approx(paired_p(differences))
    assert ours.at_steps[1].difference.mean == pytest.approx(-11 / 300)  # the MAE falls
    assert same.at_steps[0].p == 1.0
    p = [cell.p for line in (ours, same) for cell in line.at_steps]
    found = [cell.p_holm for line in (ours, same) for cell in line.at_steps]
    assert found == pytest.approx(holm(p))
    assert table.comparisons == 4
    assert table.provenance == "NEAR"


def test_a_seed_that_only_one_of_them_has_is_in_no_pair(made):
    fewer = of({0: 0.54, 2: 0.60})
    fewer[1] = {"diverged": "the loss of a"}
    table = made.add("uniform", of(A)).add("son_goku", fewer).table()
    line = table.method("son_goku")
    assert line.diverged == (1,)
    assert line.missing == ()
    assert line.at_steps[0].difference.mean == pytest.approx(0.045)
    assert line.at_steps[0].difference.seeds == 2
    table = Made(made.make).add("uniform", of({0: 0.5, 1: 0.6})).add("son_goku", of(B)).table()
    assert table.method("uniform").missing == (2,)
    assert table.method("son_goku").at_steps[0].difference.seeds == 2


def test_delta_m_is_against_single_task_networks_of_the_same_seed(made):
    made.add("uniform", {s: {"scores": both(v, 0.5)} for s, v in A.items()})
    for task in "ab":
        info = TaskInfo(task, "main", {"accuracy": True, "MAE of classes": False})
        alone = {
            s: {
                "scores": {("test", task, m): 0.4 for m in info.metrics},
                "tasks": (info,),
            }
            for s in SEEDS
        }
        made.add("single_task", alone, task)
    line = made.table().method("uniform")
    expected = {s: 100 * ((v - 0.4) / 0.4 + (0.5 - 0.4) / 0.4) / 2 for s, v in A.items()}
    assert line.delta_m_values == pytest.approx(expected)
    assert line.delta_m.mean == pytest.approx(sum(expected.values()) / 3)
    single = made.table().method("single_task")
    assert single.at_steps[0].mean.mean == pytest.approx(0.4)
    assert single.delta_m is None
    assert single.backwards == 20.0  # of both networks together


def test_equal_work_is_the_last_evaluation_within_uniforms_passes(made):
    def curve(points):
        return {
            (split, task, metric): dict(points)
            for split in ("validation", "test")
            for task in "ab"
            for metric in ("accuracy", "MAE of classes")
        }

    uniform = {s: {"curves": curve({2: 0.3, 5: 0.5}), "work": 10.0} for s in SEEDS}
    costly = {
        s: {
            "curves": curve({1: 0.1, 2: 0.2, 3: 0.6, 5: 0.9}),
            "work": 25.0,
            "work_at": {1: 5.0, 2: 10.0, 3: 15.0, 5: 25.0},
        }
        for s in SEEDS
    }
    late = {s: {"curves": curve({5: 0.9}), "work": 25.0} for s in SEEDS}
    cheap = {s: {"curves": curve({5: 0.4}), "work": 5.0} for s in SEEDS}
    made.add("uniform", uniform).add("pcgrad", costly).add("mgda", late).add("son_goku", cheap)
    table = made.table()
    assert table.method("uniform").at_work[0].mean.mean == pytest.approx(0.5)
    line = table.method("pcgrad")
    assert line.work_step == dict.fromkeys(SEEDS, 2)
    assert line.at_work[0].mean.mean == pytest.approx(0.2)
    assert line.at_work[0].difference.mean == pytest.approx(-0.3)
    assert line.at_steps[0].mean.mean == pytest.approx(0.9)
    assert table.method("mgda").at_work[0].mean is None
    assert table.method("son_goku").work_step == dict.fromkeys(SEEDS, 5)


def test_no_stored_run_no_table(made):
    assert made.add("uniform", {}).table() is None


def test_columns_are_those_of_table_1():
    main = [TaskInfo(n, "main", {"accuracy": True, "MAE of classes": False}) for n in "ab"]
    accuracy, mae = columns_of("stocks_health", main)
    assert COLUMNS[accuracy.paper].name == "HEALTH accuracy (%)"
    assert COLUMNS[mae.paper].name == "HEALTH MAE"
    assert accuracy.tasks == ("a", "b")
    assert (accuracy.scale, mae.scale, mae.sign) == (100.0, 1.0, -1.0)
    rooms = [
        TaskInfo("segmentation", "main", {"mIoU": True, "pixel accuracy": True}),
        TaskInfo("depth", "main", {"RMSE (m)": False}),
        TaskInfo("normals", "main", {"angle error (degrees)": False}),
    ]
    found = columns_of("nyuv2", rooms)
    assert [COLUMNS[c.paper].name for c in found] == [
        "NYUv2 angle error", "NYUv2 Seg. mIOU", "NYUv2 depth RMSE",
    ]  # fmt: skip
    assert all(COLUMNS[c.paper].higher_is_better == c.higher_is_better for c in found)
    (other,) = columns_of("ett", [TaskInfo("HUFL", "main", {"MAE": False})])
    assert other.paper is None


def test_the_papers_table_is_whole():
    assert set(METHOD_NAMES.values()) == set(TABLE_1)
    assert {len(row) for row in TABLE_1.values()} == {len(COLUMNS)}
    assert TABLE_1["SON-GOKU + PCGrad"][5:8] == ("62", "0.45", "19.7")


FAR, NEAR, AGAINST = (1.0, 1.1, 0.9), (1.0, -1.0, 0.5), (-1.0, -1.1, -0.9)


def units(*differences):
    return [Unit(f"u{i}", (d,)) for i, d in enumerate(differences)]


def test_a_claim_about_everything():
    assert all_of(units(FAR, FAR))[0] == HOLDS
    assert all_of(units(FAR, NEAR))[0] == CANNOT
    assert all_of(units(FAR, AGAINST))[0] == HOLDS_NOT
    assert all_of(units(FAR, FAR), missing=1)[0] == CANNOT
    assert "1 more comparison is not stored" in all_of(units(FAR), missing=1)[1]
    zeros = units((0.0, 0.0, 0.0))
    assert (all_of(zeros)[0], all_of(zeros, strict=False)[0]) == (CANNOT, HOLDS)


def test_one_of_several_alternatives_is_enough_and_all_must_fail():
    assert all_of([Unit("u", (AGAINST, (10.0, 10.1, 9.9)))])[0] == HOLDS
    assert all_of([Unit("u", (AGAINST, NEAR))])[0] == CANNOT
    assert all_of([Unit("u", (AGAINST, AGAINST))])[0] == HOLDS_NOT


def test_a_claim_about_most():
    assert most_of(units((10.0, 10.1, 9.9), (10.0, 10.1, 9.9), AGAINST))[0] == HOLDS
    assert most_of(units(*[(-10.0, -10.1, -9.9)] * 2, FAR, FAR))[0] == HOLDS_NOT
    assert most_of(units(FAR, NEAR, NEAR))[0] == CANNOT
    assert most_of(units((10.0, 10.1, 9.9)), missing=1)[0] == CANNOT


def test_intervals_are_wider_the_more_is_asked_at_once():
    """At 95 % (1.0, 1.3, 0.7) is surely above 0; at the level of twenty claims it is not."""
    edge = (1.0, 1.3, 0.7)
    assert most_of(units(edge))[0] == HOLDS
    assert most_of(units(*[edge] * 20))[0] == CANNOT
    against = tuple(-x for x in edge)
    assert all_of(units(against))[0] == HOLDS_NOT
    assert all_of(units(against, *[NEAR] * 19))[0] == CANNOT


def test_one_seed_or_no_spread_tells_nothing():
    for nothing in ((1.0,), (1.0, 1.0, 1.0)):
        assert all_of(units(nothing))[0] == CANNOT
        assert all_of(units(tuple(-x for x in nothing)))[0] == CANNOT


def test_what_is_said_turns_round_with_the_scores(made):
    def said(ours, static):
        made_up = Made(made.make).add("uniform", of(A))
        made_up.add("son_goku", of(ours)).add("static_one_shot", of(static))
        answer = next(a for a in answers([made_up.table()]) if "Static One-Shot" in a.statement)
        return answer.verdict, answer.words

    high = {0: 0.8, 1: 0.9, 2: 0.85}
    verdict, words = said(high, A)
    assert verdict == CANNOT  # two of the paper's ten columns
    assert "favours it in 2, is equal in 0" in words
    assert "8 more comparisons are not stored" in words
    assert "favours it in 0, is equal in 0" in said(A, high)[1]
    assert "favours it in 0, is equal in 2" in said(A, A)[1]
    unasked = {a.verdict for a in answers([made.add("uniform", of(A)).table()])}
    assert unasked == {"not asked"}


def test_what_is_printed_names_provenance_and_what_three_seeds_can_see(made):
    table = made.add("uniform", of(A)).add("son_goku", of(B)).table()
    grids = all_grids(made.request, [table], made.found, answers([table]))
    assert [grid.title.partition(":")[0] for grid in grids[:2]] == ["STOCKS-F&B (NEAR)"] * 2
    text = " ".join(grids[0].notes)
    assert "seeds 0, 1, 2" in text
    assert "power of 80 %" in text
    assert f"only a difference of {table.detectable:.2g} standard deviations" in text
    names = [row[0] for row in grids[0].rows]
    assert names == ["Uniform", "SON-GOKU"]
    assert grids[0].rows[1][1].startswith("58.67 ± ")
    assert grids[0].rows[1][3] == "51"
    assert all(len(row) == len(grid.header) for grid in grids for row in grid.rows)
    assert title_of("single_task") == "single-task"


def test_a_method_that_is_no_better_than_chance_is_marked(made):
    table = made.add("uniform", of(dict.fromkeys(SEEDS, 0.5))).add("son_goku", of(B)).table()
    grid = all_grids(made.request, [table], made.found, [])[0]
    assert [row[-1] for row in grid.rows] == ["not above chance in accuracy", ""]


def test_a_warm_start_as_long_as_the_run_is_named(made, made_run):
    """SON-GOKU + GradNorm is GradNorm then, and a reader has to know."""
    from simulations.training.table.cells import settings_text
    from simulations.training.table.scores import _warm_start

    def remark(epochs, method="son_goku_gradnorm"):
        text = settings_text(("cnn_bilstm", {}), {}, {"steps": 5}, {"warm_epochs": epochs})
        run = made_run()
        params = {"method": method, "settings": text}
        return _warm_start(replace(run, params=params, work={**run.work, "steps_per_epoch": 2.0}))

    assert remark(2.5) == "GradNorm throughout: the run is shorter than its warm start"
    assert remark(1.5) == "GradNorm for 60 % of the run: its warm start"
    assert remark(1.0) == ""
    assert remark(2.5, "son_goku") == ""


def test_a_benchmark_where_nobody_is_above_chance_says_so(made):
    flat = dict.fromkeys(SEEDS, 0.5)
    table = made.add("uniform", of(flat)).add("son_goku", of(flat)).table()
    grid = all_grids(made.request, [table], made.found, [])[0]
    assert "say nothing of which is better" in " ".join(grid.notes)
    assert grid.rows[1][2] == "the same with each seed"


def test_a_metric_in_which_nobody_is_above_chance_is_told_once_and_not_in_each_row(made):
    flat = dict.fromkeys(SEEDS, 0.5)
    table = made.add("uniform", of(flat)).add("son_goku", of(flat)).table()
    accuracy, distance = table.chance[0], 0.9  # the runs' distances are 0.5, which is better
    grid = all_grids(made.request, [replace(table, chance=(accuracy, distance))], made.found, [])[0]
    assert "In accuracy no method is above chance" in " ".join(grid.notes)
    assert [row[-1] for row in grid.rows] == ["", ""]
