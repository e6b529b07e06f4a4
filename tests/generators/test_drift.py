"""Means that move, and the experiment that measures what an average makes of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulations.experiments import get_experiment
from simulations.generators import MeanPath
from simulations.sweep.cell import make_cell
from simulations.sweep.preset import load_preset, preset_cells
from simulations.sweep.run import check_cells
from songoku_theory.bounds import best_beta, lag_energy, memory_of_a_jump, tracking_error
from songoku_theory.ema import best_n_eff, ema_lag, ema_weights, n_eff
from songoku_theory.errors import InvalidInputError, UnknownNameError

DRIFT = get_experiment("drift")
DEFAULTS = {name: param.default for name, param in DRIFT.params.items()}


def rows(seed: int = 1, **params: object) -> list[dict[str, float]]:
    return DRIFT.run({**DEFAULTS, **params}, np.random.SeedSequence(seed))


def steps_of(kind: str, step: float, count: int, jump_at: int = 0, dim: int = 7) -> np.ndarray:
    start = np.random.default_rng(0).standard_normal((3, dim))
    path = MeanPath(start, kind, step, jump_at, rng=np.random.default_rng(1))  # type: ignore[arg-type]
    found = np.stack([path.advance() for _ in range(count)])
    np.testing.assert_array_equal(found[0], start)
    return found


@pytest.mark.parametrize("kind", ["linear", "turn"])
def test_a_steady_mean_moves_by_its_step(kind: str) -> None:
    path = steps_of(kind, 0.05, 30)
    np.testing.assert_allclose(np.linalg.norm(np.diff(path, axis=0), axis=2), 0.05, rtol=1e-9)


def test_a_line_is_straight_and_a_turn_keeps_lengths() -> None:
    line = steps_of("linear", 0.05, 11)
    np.testing.assert_allclose(np.linalg.norm(line[10] - line[0], axis=1), 0.5)
    turn = np.linalg.norm(steps_of("turn", 0.05, 40), axis=2)
    np.testing.assert_allclose(turn, np.broadcast_to(turn[0], turn.shape))


def test_a_walk_moves_by_its_root_mean_square() -> None:
    """n = 3 x 4000 steps in 7 dimensions; mean square against 0.05^2, z-test, alpha = 1e-4."""
    moves = np.diff(steps_of("walk", 0.05, 4001), axis=0)
    squares = (moves**2).sum(axis=2).ravel() / 0.05**2
    assert abs(squares.mean() - 1) < 3.9 * math.sqrt(2 / 7 / squares.size)


def test_a_jump_hands_the_means_on_once() -> None:
    path = steps_of("jump", 0.0, 6, jump_at=4)
    assert (path[:4] == path[0]).all()
    assert (path[4:] == np.roll(path[0], -1, axis=0)).all()


@pytest.mark.parametrize(
    ("kind", "step", "jump_at", "message"),
    [
        ("linear", -0.1, 0, "step should be >= 0"),
        ("linear", 0.1, 3, "go together"),
        ("jump", 0.0, 0, "go together"),
        ("turn", 99.0, 0, "twice its length"),
    ],
)
def test_a_path_that_can_not_be_is_refused(
    kind: str, step: float, jump_at: int, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        steps_of(kind, step, 2, jump_at)


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'walk'"):
        steps_of("wlak", 0.1, 2)


@given(st.integers(1, 60), st.floats(0, 0.99), st.floats(0, 2), st.floats(0, 9))
def test_the_closed_form_is_the_sum_over_the_weights(
    window: int, beta: float, drift: float, energy: float
) -> None:
    weights = ema_weights(window, beta)
    behind = drift * np.arange(window - 1, -1, -1)
    expected = energy * float(weights @ weights) + float(weights @ behind) ** 2
    assert tracking_error(window, beta, energy, drift) == pytest.approx(expected, rel=1e-9)
    assert lag_energy(window, beta) == pytest.approx(ema_lag(window, beta) ** 2, abs=1e-12)


@pytest.mark.parametrize("wanted", [1.5, 4.0, 25.0, 100.0])
def test_the_best_beta_of_a_long_window_is_the_best_n_eff(wanted: float) -> None:
    energy = wanted**2 * (wanted - 1) / 2 * 0.3**2
    assert best_n_eff(energy, 0.3) == pytest.approx(wanted)
    beta = best_beta(2000, energy, 0.3)
    assert (1 + beta) / (1 - beta) == pytest.approx(wanted, rel=1e-3)


def test_what_is_left_of_a_jump_is_the_weight_before_it() -> None:
    for after, before, beta in ((0, 5, 0.9), (7, 12, 0.8), (3, 1, 0.99)):
        share = ema_weights(after + before, beta)[:before].sum()
        assert memory_of_a_jump(after, beta, before) == pytest.approx(share)
    assert memory_of_a_jump(10, 0.9) == pytest.approx(0.9**10)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "linear", "step": 0.05, "beta": 0.9, "window": 60},
        {"kind": "linear", "step": 0.05, "beta": 0.97, "window": 12},
        {"kind": "walk", "step": 0.1, "beta": 0.85, "window": 60},
        {"kind": "none", "beta": 0.5, "window": 9},
        {"kind": "jump", "beta": 0.95, "window": 20, "windows": 4},
        {"kind": "linear", "step": 0.03, "beta": 0.95, "window": 15, "windows": 3},
    ],
    ids=str,
)
def test_measured_errors_are_the_predicted_ones(settings: dict[str, object]) -> None:
    """n = 1000 a row; z-test of the mean, alpha = 0.001 in all over at most 8 rows and 6 cases."""
    found = rows(trials=1000, dim=12, **settings)
    for row in found:
        score = (row["error"] - row["predicted"]) / row["error_se"]
        assert abs(score) < stats.norm.isf(0.001 / 2 / 48), row


def test_a_prediction_without_the_lag_would_be_refused() -> None:
    """Power of the test above."""
    row = rows(trials=1000, dim=12, kind="linear", step=0.05, beta=0.9, window=60)[0]
    noise_alone = row["noise_energy"] / row["n_eff"]
    assert (row["error"] - noise_alone) / row["error_se"] > 20


def test_after_a_jump_the_carried_average_is_wrong_and_the_reset_one_is_not() -> None:
    """n = 400; exact 95% intervals that do not meet, at a probability near 0 against near 1."""
    found = rows(
        kind="jump", num_groups=3, group_size=2, dim=24, sigma=0.2, window=40, windows=8,
        beta=0.98, trials=400,
    )  # fmt: skip
    first = {row["ema"]: row for row in found if row["refresh"] == 5}
    last = {row["ema"]: row for row in found if row["refresh"] == 8}
    assert first["carried"]["graph_hi"] < 0.05 < 0.9 < first["reset"]["graph_lo"]
    assert first["carried"]["old_share"] == pytest.approx(memory_of_a_jump(40, 0.98, 160))
    assert last["carried"]["graph_exact"] > first["carried"]["graph_exact"]
    before = {row["ema"]: row for row in found if row["refresh"] == 4}
    assert before["carried"]["error"] < before["reset"]["error"]


def test_rows_are_complete_and_the_seed_decides_them() -> None:
    found = rows(seed=3, trials=20, windows=2, window=8, kind="turn", step=0.1)
    assert found == rows(seed=3, trials=20, windows=2, window=8, kind="turn", step=0.1)
    assert [(row["ema"], row["refresh"]) for row in found] == [
        ("reset", 1), ("carried", 1), ("reset", 2), ("carried", 2),
    ]  # fmt: skip
    for row in found:
        assert set(row) == set(DRIFT.columns)
        assert row["predicted"] is None
    assert found[0]["error"] == found[1]["error"]  # the first window has nothing to carry
    assert found[3]["n_eff"] == pytest.approx(float(n_eff(16, 0.9)))


def test_cells_that_differ_in_beta_share_their_gradients() -> None:
    cells = [make_cell(DRIFT, {"kind": "none", "beta": beta}) for beta in (0.5, 0.9)]
    assert cells[0].key != cells[1].key
    assert cells[0].entropy == cells[1].entropy
    assert cells[0].entropy != make_cell(DRIFT, {"kind": "none", "dim": 33}).entropy


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "linear", "step": 0.0}, "need step > 0"),
        ({"kind": "jump", "step": 0.0}, "windows >= 2"),
        ({"kind": "none", "num_groups": 1}, "at least two tasks"),
        ({"kind": "turn", "step": 3.0}, "unit mean"),
    ],
)
def test_a_setting_that_can_not_exist_is_refused(changes: dict[str, object], message: str) -> None:
    assert DRIFT.check is not None
    DRIFT.check({**DEFAULTS, "step": 0.1})
    with pytest.raises(InvalidInputError, match=message):
        DRIFT.check({**DEFAULTS, **changes})


@pytest.mark.parametrize("preset", ["quick", "paper", "cluster"])
@pytest.mark.parametrize("name", ["drift", "phase", "recovery_grid", "recovery_rounds"])
def test_every_cell_of_the_presets_can_exist(name: str, preset: str) -> None:
    cells = preset_cells(load_preset(preset), only=name)
    check_cells(cells)
    assert len({cell.key for cell in cells}) == len(cells) > 1
