"""Table 1 from made-up runs: means, tests and choices checked against plain computations."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from paper_figures._training_rows import read_benches
from paper_figures._training_scores import compare, final_scores, metrics_of, silent_metrics
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import get_table
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES
from paper_figures.engine.table import Table
from paper_figures.engine.table_latex import POINTS, natural_width
from songoku_theory.errors import InvalidInputError


def lay(rows: pl.DataFrame, name: str = "table1") -> Table:
    return get_table(name).lay(FigureInput({"training": rows}, None, STYLES["neurips"]))


def test_benchmarks_come_in_the_papers_order_with_their_provenance(training: pl.DataFrame) -> None:
    parts = lay(training).parts
    assert [part.title for part in parts] == ["CIFAR-10 (NEAR)", "NYUv2 (SYNTH)"]
    assert [row[0] for row in parts[0].rows] == [
        "Uniform", "PCGrad", "Single-Step", "SON-GOKU", "random groups", "single-task networks",
        "without inputs",
    ]  # fmt: skip


def test_means_and_intervals_are_those_of_plain_numpy(training: pl.DataFrame) -> None:
    """n = 3 seeds; Student's 95% interval."""
    bench = read_benches(training)[0]
    found = {one.method: one for one in compare(bench) if one.metric == "accuracy"}
    last = training.filter(
        pl.col("benchmark") == "cifar10", pl.col("method") == "son_goku",
        pl.col("kind") == "score", pl.col("split") == "test", pl.col("step") == 60,
        pl.col("i") == 0, ~pl.col("settings").str.contains("5.0"),
    )  # fmt: skip
    values = 100 * last.sort("seed")["value"].to_numpy()
    assert len(values) == 3
    low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    mean = found["son_goku"].mean
    assert mean is not None
    assert np.allclose((mean.value, mean.low, mean.high), (values.mean(), low, high))


def test_the_test_is_paired_and_corrected_by_holm(training: pl.DataFrame) -> None:
    """The p-values of scipy's paired t test, times what is left, made monotone."""
    bench = read_benches(training)[1]
    scores = final_scores(bench)
    raw = {}
    for metric in metrics_of(bench):
        part = scores.filter(pl.col("metric") == metric)
        base = dict(part.filter(pl.col("method") == "uniform").select("seed", "value").iter_rows())
        for method in bench.methods:
            mine = dict(part.filter(pl.col("method") == method).select("seed", "value").iter_rows())
            if method != "uniform":
                seeds = sorted(mine.keys() & base.keys())
                gaps = [mine[s] - base[s] for s in seeds]
                flat = np.ptp(gaps) < 1e-12
                raw[method, metric] = 1.0 if flat else stats.ttest_1samp(gaps, 0).pvalue
    ordered = sorted(raw, key=lambda place: raw[place])
    adjusted, most = {}, 0.0
    for rank, place in enumerate(ordered):
        most = max(most, min(1.0, (len(ordered) - rank) * raw[place]))
        adjusted[place] = most
    found = {(o.method, o.metric): o for o in compare(bench) if o.p is not None}
    assert found.keys() == adjusted.keys()
    for place, one in found.items():
        assert math.isclose(one.p or 0.0, adjusted[place], rel_tol=1e-6, abs_tol=1e-9), place
    assert found["son_goku", "RMSE (m)"].verdict == "better"
    assert found["single_step", "mIoU"].verdict == "worse"
    assert found["random_groups", "mIoU"].difference is not None


def test_signs_follow_the_way_that_is_better(training: pl.DataFrame) -> None:
    rows = {row[0]: row for row in lay(training).parts[1].rows}
    assert rows["SON-GOKU"][1].endswith(" ▲")
    assert rows["SON-GOKU"][2].endswith(" ▲")
    assert rows["Single-Step"][2].endswith(" ▼")
    assert not rows["Uniform"][1].endswith(("▲", "▼"))


def test_delta_m_is_the_mean_relative_gain_over_single_tasks(training: pl.DataFrame) -> None:
    bench = read_benches(training)[1]
    found = {o.method: o.mean for o in compare(bench) if o.metric == "delta_m"}
    scores = final_scores(bench).rows_by_key(["method", "seed", "name"], named=True)
    gains = []
    for seed in range(3):
        mine = {n: scores["son_goku", seed, n][0]["value"] for n in ("segmentation", "depth")}
        alone = {n: scores["single_task", seed, n][0]["value"] for n in mine}
        up = (mine["segmentation"] - alone["segmentation"]) / alone["segmentation"]
        down = (alone["depth"] - mine["depth"]) / alone["depth"]
        gains.append(50 * (up + down))
    mean = found["son_goku"]
    assert mean is not None
    assert math.isclose(mean.value, float(np.mean(gains)))


def test_a_diverged_run_is_counted_and_left_out(training: pl.DataFrame) -> None:
    found = {o.method: o for o in compare(read_benches(training)[1]) if o.metric == "mIoU"}
    mean = found["pcgrad"].mean
    assert mean is not None
    assert (mean.count, found["pcgrad"].diverged) == (2, 1)
    assert "PCGrad (1 seeds)" in lay(training).parts[1].notes[0]
    none_left = training.filter(
        (pl.col("method") != "pcgrad") | (pl.col("kind") == "diverged")
    )  # fmt: skip
    rows = {row[0]: row for row in lay(none_left).parts[1].rows}
    assert rows["PCGrad"][1] == "diverged"


def test_an_earlier_tunings_run_is_left_out_and_said(training: pl.DataFrame) -> None:
    table = lay(training)
    assert "1 stored runs of other settings are left out." in table.caption
    assert len(table.keys) == training["key"].n_unique() - 1


def test_the_level_without_inputs_stands_below(training: pl.DataFrame) -> None:
    assert lay(training).parts[0].rows[-1][1:3] == ("25", "–")


def test_scores_that_are_all_the_same_are_called_so(training: pl.DataFrame) -> None:
    """As when every method has learnt to name the most frequent class."""
    flat = training.with_columns(
        pl.when(pl.col("kind") == "score", pl.col("benchmark") == "cifar10")
        .then(0.7)
        .otherwise(pl.col("value"))
        .alias("value")
    )
    table = lay(flat)
    assert "compares nothing" in table.parts[0].notes[0]
    assert "compares nothing" not in table.parts[1].notes[0]
    assert "CIFAR-10 (NEAR): every run of every method has the same scores" in table.answers[0].text
    assert "CIFAR-10" not in table.answers[1].text


def test_what_nobody_learnt_is_silent_and_the_next_metric_speaks(training: pl.DataFrame) -> None:
    """STOCKS: every network names the most frequent class, and their log losses differ."""
    made = training.filter(pl.col("benchmark") == "cifar10").with_columns(
        pl.lit("stocks_fb").alias("benchmark")
    )
    named = pl.col("kind").is_in(["score", "chance", "higher_is_better"]) & (pl.col("i") == 0)
    scored = pl.col("kind") == "score"
    flat = made.with_columns(
        pl.when(named & scored).then(0.25).otherwise(pl.col("value")).alias("value")
    )
    loss = made.filter(named).with_columns(
        pl.lit("log loss (nats)").alias("metric"),
        pl.when(scored)
        .then(1.5 - pl.col("value"))
        .when(pl.col("kind") == "chance")
        .then(1.4)
        .otherwise(0.0)
        .alias("value"),
    )
    rows = pl.concat([flat, loss])
    (bench,) = read_benches(rows)
    assert metrics_of(bench) == ("accuracy", "log loss (nats)")
    assert silent_metrics(bench) == ("accuracy",)
    table = lay(rows)
    assert "In accuracy no method is above what needs no inputs." in table.parts[0].notes[0]
    assert "SON-GOKU less random groups in log loss (nats)" in table.answers[1].text


def test_at_equal_work_a_costly_method_is_judged_earlier(training: pl.DataFrame) -> None:
    """Uniform's 60 steps are 120 passes, so PCGrad's last evaluation within them is at step 20."""
    bench = read_benches(training)[0]
    steps = dict(final_scores(bench, "work").select("method", "step").unique().iter_rows())
    assert steps["pcgrad"] == 20
    assert {steps[m] for m in bench.methods if m != "pcgrad"} == {60}
    ends = dict(final_scores(bench).select("method", "step").unique().iter_rows())
    assert set(ends.values()) == {60}


def test_answers_change_with_the_rows(training: pl.DataFrame) -> None:
    gains, groups, single = (answer.text for answer in lay(training).answers)
    assert "CIFAR-10 (NEAR): of 1 comparisons" in gains
    assert "1 surely better (SON-GOKU in accuracy)" in gains
    assert "SON-GOKU less random groups in accuracy" in groups
    assert "(better)" in single
    alone = lay(training.filter(pl.col("method").is_in(["uniform", "pcgrad"])))
    assert "nothing can be said" in alone.answers[0].text
    one_seed = lay(training.filter(pl.col("seed") == 0))
    assert "nothing can be said" in one_seed.answers[1].text


@pytest.mark.parametrize("style", sorted(STYLES))
def test_parts_fit_a_page(training: pl.DataFrame, style: str) -> None:
    for part in lay(training).parts:
        assert natural_width(part, 8.0) <= STYLES[style].full * POINTS


def test_no_rows_name_the_command(training: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku table1 --preset small --recorded"):
        lay(training.clear())


def test_settings_that_are_no_json_are_told(training: pl.DataFrame) -> None:
    broken = training.with_columns(pl.lit("{").alias("settings"))
    with pytest.raises(InvalidInputError, match="settings should be JSON"):
        lay(broken)
