"""The rows of a run: the same bits each time, and consistent with one another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from simulations.experiments.trace import EXPERIMENT, options_of
from simulations.sweep.cell import make_cell
from simulations.training.determinism import deterministic, torch_stream
from simulations.training.loop import LoopConfig, evaluate, train
from simulations.training.options import TraceOptions
from simulations.training.rows import COLUMNS
from simulations.training.traced import prepare, scheduler_config, traced_run
from songoku_theory.coloring import is_proper
from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule import update_gaps
from songoku_theory.storage.codec import encode_rows

SEED = 7


def of_kind(rows, kind):
    return [row for row in rows if row["kind"] == kind]


def active_matrix(rows, options):
    matrix = np.zeros((options.steps, 6), dtype=bool)
    for row in of_kind(rows, "active"):
        matrix[row["step"], row["i"]] = True
    return matrix


def test_the_same_cell_gives_the_same_bits_even_with_the_same_seed_object(
    small_rows, small_options
):
    seed = np.random.SeedSequence(SEED)
    again = [traced_run(small_options, seed) for _ in range(2)]
    assert encode_rows(again[0], COLUMNS) == encode_rows(small_rows, COLUMNS)
    assert encode_rows(again[1], COLUMNS) == encode_rows(small_rows, COLUMNS)


def test_another_seed_gives_another_run(small_rows, small_options):
    other = traced_run(small_options, np.random.SeedSequence(SEED + 1))
    for kind in ("loss", "cosine"):
        values = [[row["value"] for row in of_kind(r, kind)] for r in (small_rows, other)]
        assert values[0][0] != values[1][0]


def test_a_run_neither_reads_nor_moves_a_global_generator(small_rows, small_options):
    torch.manual_seed(123)
    np.random.seed(123)  # noqa: NPY002 - the global generator is what is watched here
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    rows = traced_run(small_options, np.random.SeedSequence(SEED))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert encode_rows(rows, COLUMNS) == encode_rows(small_rows, COLUMNS)


def test_settings_of_torch_are_put_back():
    threads = torch.get_num_threads()
    found = []

    def fail_inside():
        with deterministic():
            found.append((torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert found == [(1, True)]
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_streams_of_different_places_differ():
    seed = np.random.SeedSequence(SEED)
    draws = {
        float(torch.rand(1, generator=torch_stream(seed, *path)))
        for path in [(0,), (1,), (2, 0), (2, 1), (3, 0), (3, 1)]
    }
    assert len(draws) == 6


def test_runs_that_differ_only_in_tau_share_data_weights_and_first_window(
    small_rows, small_options
):
    settings = small_options.as_params()
    cells = [make_cell(EXPERIMENT, settings | {"tau": tau}) for tau in (0.05, 1.0)]
    assert cells[0].key != cells[1].key
    assert cells[0].entropy == cells[1].entropy
    assert make_cell(EXPERIMENT, settings | {"seed": 1}).entropy != cells[0].entropy
    rows = traced_run(replace(small_options, tau=1.0), np.random.SeedSequence(SEED))
    for found, other in zip(of_kind(rows, "loss"), of_kind(small_rows, "loss"), strict=False):
        if found["step"] < small_options.refresh_period:
            assert found == other


def test_what_is_recorded_is_what_the_averages_and_the_trained_model_say(small_rows, small_options):
    with deterministic():
        _, tasks, model, streams = prepare(small_options, np.random.SeedSequence(SEED))
        schedule = scheduler_config(small_options, len(tasks))
        loop = LoopConfig(small_options.steps, small_options.batch_size, small_options.lr)
        states = [s.state for s in train(model, tasks, schedule, loop, streams) if s.measured]
        for kind, part in (("metric", "test"), ("train_metric", "train")):
            recorded = [row["value"] for row in of_kind(small_rows, kind)]
            assert recorded == list(evaluate(model, tasks, part))
    assert len(states) == 4
    for row in of_kind(small_rows, "cosine"):
        averages = states[row["refresh"] - 1].averages
        u, v = averages[row["i"]], averages[row["j"]]
        expected = float(u @ v) / float(np.linalg.norm(u) * np.linalg.norm(v))
        assert row["value"] == pytest.approx(expected, abs=1e-12)
    for row in of_kind(small_rows, "norm"):
        expected = np.linalg.norm(states[row["refresh"] - 1].averages[row["i"]])
        assert row["value"] == pytest.approx(expected, rel=1e-12)
    # Ten updates and a probe of every task: sum(w)**2 / sum(w**2) of eleven weights.
    weights = 0.97 ** np.arange(11)
    first = [row["value"] for row in of_kind(small_rows, "n_eff") if row["refresh"] == 1]
    assert first == pytest.approx([weights.sum() ** 2 / (weights**2).sum()] * 6)


def test_an_edge_stands_exactly_where_the_cosine_is_below_minus_tau(small_rows, small_options):
    cosine = {(r["refresh"], r["i"], r["j"]): r["value"] for r in of_kind(small_rows, "cosine")}
    edge = {(r["refresh"], r["i"], r["j"]): r["value"] for r in of_kind(small_rows, "edge")}
    assert (
        set(cosine)
        == set(edge)
        == {(r, i, j) for r in range(1, 5) for i in range(6) for j in range(i + 1, 6)}
    )
    assert {edge[pair] for pair in edge} == {0.0, 1.0}
    for pair, value in cosine.items():
        assert edge[pair] == float(value < -small_options.tau)


def test_classes_are_proper_and_rule_the_steps_after_their_refresh(small_rows, small_options):
    active = active_matrix(small_rows, small_options)
    rounds = {row["refresh"]: row["step"] for row in of_kind(small_rows, "tau")}
    assert rounds == {0: 0, 1: 10, 2: 20, 3: 30, 4: 40}
    for refresh, start in rounds.items():
        color = np.zeros(6, dtype=int)
        for row in of_kind(small_rows, "class"):
            if row["refresh"] == refresh:
                color[row["i"]] = row["value"]
        if refresh:
            adjacency = np.zeros((6, 6), dtype=bool)
            for row in of_kind(small_rows, "edge"):
                if row["refresh"] == refresh and row["value"]:
                    adjacency[row["i"], row["j"]] = adjacency[row["j"], row["i"]] = True
            assert is_proper(adjacency, color)
        for step in range(start, min(start + 10, small_options.steps)):
            slot = step % (color.max() + 1)  # phase "global": eq. 11
            assert active[step].tolist() == (color == slot).tolist()


def test_losses_are_recorded_for_the_active_tasks_and_no_others(small_rows):
    active = {(row["step"], row["i"]) for row in of_kind(small_rows, "active")}
    losses = {(row["step"], row["i"]) for row in of_kind(small_rows, "loss")}
    assert losses == active


def test_gaps_and_counts_follow_from_the_active_rows(small_rows, small_options):
    report = update_gaps(active_matrix(small_rows, small_options))
    assert [row["value"] for row in of_kind(small_rows, "gap")] == report.max_gap.tolist()
    assert [row["value"] for row in of_kind(small_rows, "updates")] == report.counts.tolist()


def test_a_warm_up_keeps_all_tasks_together_and_then_tau_falls(small_options):
    options = replace(small_options, warm_up=20, anneal_steps=10)
    rows = traced_run(options, np.random.SeedSequence(SEED))
    tau = {row["refresh"]: row["value"] for row in of_kind(rows, "tau")}
    assert tau[1] == tau[2] == 1.0
    assert 1.0 > tau[3] >= tau[4] == options.tau
    assert active_matrix(rows, options)[:30].all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tau", 0.3),
        ("beta", 0.5),
        ("refresh_period", 7),
        ("ema", "windowed"),
        ("ema_at_refresh", "reset"),
        ("observe_tasks", "all"),
        ("phase", "restart"),
        ("phase", "carried"),
        ("probe", "none"),
        ("heuristic", "dsatur"),
    ],
)
def test_each_setting_reaches_the_scheduler(name, value):
    plain, changed = (
        scheduler_config(options, 6)
        for options in (TraceOptions(), replace(TraceOptions(), **{name: value}))
    )
    assert getattr(changed, name) == value
    assert changed == replace(plain, **{name: value})


def test_every_row_has_the_declared_columns(small_rows):
    encode_rows(small_rows, COLUMNS)
    assert {row["kind"] for row in small_rows} == {
        "provenance", "data", "task_name", "task_about", "chance", "tau", "class", "cosine",
        "edge", "norm", "n_eff", "active", "loss", "gap", "updates", "metric", "train_metric",
        "mean_norm", "mean_cosine", "noise_total", "noise_top", "objective", "aggregated",
        "scheduled", "smoothness", "class_smoothness", "class_norm", "class_dot", "class_cross",
        "step_descent", "step_norm", "order_slope", "phi_slope",
    }  # fmt: skip
    assert [row["label"] for row in of_kind(small_rows, "provenance")] == ["EXACT"]


def test_the_experiment_refuses_what_the_command_refuses(small_options):
    params = small_options.as_params()
    assert options_of(params) == small_options
    with pytest.raises(InvalidInputError, match=r"tau should lie in \[0, 1\]"):
        EXPERIMENT.check(params | {"tau": 1.5})
