"""The phase transition, the grid on common draws, and the scheduler's rounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from simulations.experiments import get_experiment
from simulations.experiments.recovery_grid import numbers
from simulations.experiments.recovery_rounds import gradients_seen
from simulations.generators import plant_component, plant_multipartite
from songoku_theory.ema import n_eff
from songoku_theory.errors import InvalidInputError
from songoku_theory.scheduler import SchedulerConfig, active, effective_samples, init, step


def run(name: str, seed: int = 1, **params: object) -> list[dict[str, float]]:
    experiment = get_experiment(name)
    settings = {key: param.default for key, param in experiment.params.items()}
    settings.update(params)
    assert experiment.check is not None
    experiment.check(settings)
    found = experiment.run(settings, np.random.SeedSequence(seed))
    for row in found:
        assert set(row) == set(experiment.columns)
        assert all(math.isfinite(v) for v in row.values() if isinstance(v, float))
    return found


@pytest.mark.parametrize("dim", [1024, 65536])
def test_an_edge_at_the_margin_is_lost_where_lambda_is_gamma_over_tau(dim: int) -> None:
    """n = 20,000; at 0.9 and 1.1 times the critical energy the exact 95% intervals lie on either
    side of one half, and the score's prediction is within 0.02 (Hoeffding: chance 1e-6) + 0.02."""
    found = run("phase", dim=dim, low=0.9, high=1.1, points=2)
    assert found[0]["relative_energy"] == pytest.approx(0.9)
    assert found[0]["edge_lo"] > 0.5 > found[1]["edge_hi"]
    for row in found:
        guess = stats.norm.cdf(row["edge_score"])
        assert abs(row["edge_kept"] / 20_000 - guess) < 0.04
        assert row["sharper_failure"] == 1.0


def test_common_and_independent_draws_have_the_same_probabilities() -> None:
    """n = 5000 each; Fisher's test at 8 points for graph and edge, alpha = 0.01 in all."""
    common, alone = (
        run("phase", dim=200, low=0.1, high=2.0, points=8, trials=5000, random_numbers=kind)
        for kind in ("common", "independent")
    )
    for one, other in zip(common, alone, strict=True):
        for count in ("graph_exact", "edge_kept"):
            table = [[one[count], 5000 - one[count]], [other[count], 5000 - other[count]]]
            assert stats.fisher_exact(table).pvalue > 0.01 / 16
    shares = [row["graph_exact"] for row in common]
    assert shares == sorted(shares, reverse=True)


def test_debiasing_moves_the_transition_and_plain_cosines_do_not() -> None:
    """n = 2000; exact 95% intervals that do not meet at twice the critical energy."""
    plain, clean = (
        run("phase", dim=16384, low=2.0, high=4.0, points=2, trials=2000, cosine=cosine)[0]
        for cosine in ("plain", "debiased")
    )
    assert plain["graph_hi"] < 0.01 < 0.9 < clean["graph_lo"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tau": 0.0}, "no phase transition"),
        ({"num_groups": 1}, "no edge to lose"),
        ({"low": 5.0}, "smaller than high"),
        ({"model": "component", "group_size": 1}, "no edge to lose"),
    ],
)
def test_a_transition_that_can_not_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        run("phase", trials=10, **changes)


def test_a_grid_on_common_draws_agrees_with_cells_of_their_own() -> None:
    """n = 20,000 against 20,000; Fisher at 4 points, alpha = 0.01 in all."""
    found = run("recovery_grid", windows="24 64", betas="0.9 0.99", dim=64, trials=20_000)
    assert [(row["window"], row["beta"]) for row in found] == [
        (24, 0.9), (24, 0.99), (64, 0.9), (64, 0.99),
    ]  # fmt: skip
    for row in found:
        own = run("recovery", window=row["window"], beta=row["beta"], dim=64, trials=20_000)[0]
        assert row["n_eff"] == own["n_eff"]
        assert row["common_draws"] is True
        table = [[r["graph_exact"], 20_000 - r["graph_exact"]] for r in (row, own)]
        assert stats.fisher_exact(table).pvalue > 0.01 / 4


def test_differences_on_common_draws_lose_their_noise() -> None:
    """Two settings whose n_eff differs by 1 percent, 60 seeds of 2000 draws: the spread of the
    difference must be less than half of that of independent cells (F-test, alpha = 1e-6)."""
    grid, apart = [], []
    for seed in range(60):
        first, second = run("recovery_grid", seed, windows="50 51", betas="0.99", dim=64,
                            trials=2000)  # fmt: skip
        grid.append(second["graph_exact"] - first["graph_exact"])
        one = run("recovery", 2 * seed, window=50, beta=0.99, dim=64, trials=2000)[0]
        two = run("recovery", 2 * seed + 1, window=51, beta=0.99, dim=64, trials=2000)[0]
        apart.append(two["graph_exact"] - one["graph_exact"])
    ratio = np.var(apart, ddof=1) / (4 * np.var(grid, ddof=1))
    assert stats.f.sf(ratio, 59, 59) < 1e-6


@pytest.mark.parametrize("text", ["", "a b", "1 1", "1 inf"])
def test_an_axis_that_can_not_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="numbers between spaces"):
        numbers("betas", text)


@pytest.mark.parametrize("ema", ["reset", "carried"])
@pytest.mark.parametrize("observe", ["all", "active"])
@pytest.mark.parametrize("probe", [False, True])
def test_rounds_count_gradients_as_the_scheduler_does(ema: str, observe: str, probe: bool) -> None:
    """Without noise to speak of, every effective sample size is the reference scheduler's own."""
    window, beta, rounds, tau, gamma = 7, 0.8, 4, 0.2, 0.15
    found = run(
        "recovery_rounds", ema=ema, observe=observe, probe=probe, window=window, beta=beta,
        rounds=rounds, trials=3, sigma=1e-9, num_groups=3, group_size=2, dim=8,
    )  # fmt: skip
    means = plant_multipartite([2, 2, 2], 8, tau, gamma).means
    config = SchedulerConfig(
        6, tau=tau, beta=beta, refresh_period=window,
        ema_at_refresh="reset" if ema == "reset" else "carry",
        observe_tasks="all" if observe == "all" else "active",
        probe="required" if probe else "none",
    )  # fmt: skip
    state, sizes = init(config), []
    for t in range(rounds * window):
        tasks = range(6) if observe == "all" else active(config, state)
        gradients = {k: means[k] for k in tasks}
        due = (t + 1) % window == 0
        before = state
        state = step(config, state, gradients, means if due and probe else None)
        if due:
            keep = SchedulerConfig(
                6, tau=tau, beta=beta, refresh_period=10**6, observe_tasks=config.observe_tasks
            )
            last = step(keep, before, gradients)
            if probe:  # line 21: one more of every task
                last = step(
                    SchedulerConfig(6, beta=beta, refresh_period=10**6, observe_tasks="all"),
                    last, {k: means[k] for k in range(6)},
                )  # fmt: skip
            sizes.append(effective_samples(last))
    for row, expected in zip(found, sizes, strict=True):
        assert row["n_eff_mean"] == pytest.approx(expected.mean(), rel=1e-9)
        assert row["n_eff_least"] == pytest.approx(expected.min(), rel=1e-9)
        assert row["graph_exact"] == row["partition_exact"] == 3
        assert row["classes"] == 3


def test_observing_only_the_active_class_costs_effective_samples() -> None:
    """n = 1000; exact 95% intervals that do not meet at the second refresh."""
    alone, everyone = (
        run("recovery_rounds", observe=observe, window=48, beta=0.99, rounds=2)[1]
        for observe in ("active", "all")
    )
    assert alone["n_eff_mean"] < 0.4 * everyone["n_eff_mean"]
    assert alone["graph_hi"] < everyone["graph_lo"]


def test_the_first_window_is_a_cell_of_recovery() -> None:
    """n = 4000 and 20,000; Fisher's tests of graph and grouping, alpha = 0.01 in all."""
    settings = {"window": 40, "beta": 0.99, "dim": 64}
    first = run("recovery_rounds", trials=4000, rounds=1, **settings)[0]
    own = run("recovery", trials=20_000, **settings)[0]
    assert first["n_eff_mean"] == pytest.approx(float(n_eff(40, 0.99)))
    for kind in ("graph_exact", "partition_exact"):
        table = [[first[kind], 4000 - first[kind]], [own[kind], 20_000 - own[kind]]]
        assert stats.fisher_exact(table).pvalue > 0.005


def test_gradients_are_counted_step_by_step() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        classes = int(rng.integers(1, 5))
        colors = np.concatenate([np.arange(classes), rng.integers(0, classes, 4)])
        start, window = int(rng.integers(0, 30)), int(rng.integers(1, 12))
        expected = [sum(t % classes == c for t in range(start, start + window)) for c in colors]
        assert gradients_seen(colors[None], start, window)[0].tolist() == expected


def test_a_component_needs_two_tasks_for_an_edge() -> None:
    assert plant_component([2, 2], 4, 0.2, 0.15).graph.edges()
    assert run("phase", model="component", group_size=2, trials=100, points=2)
