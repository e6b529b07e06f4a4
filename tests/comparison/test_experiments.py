"""Descent, comparison, contraction and adversary as experiments: rows, seeds, faults, presets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulations.comparison import classes as class_module
from simulations.comparison.classes import class_steps
from simulations.comparison.gradients import adversarial_gradients, random_gradients
from simulations.experiments import get_experiment
from simulations.sweep.preset import load_preset, preset_cells
from simulations.sweep.run import check_cells
from songoku_theory.errors import InvalidInputError

NAMES = ("adversary", "comparison", "contraction", "descent")
SMALL: dict[str, list[dict[str, object]]] = {
    "adversary": [
        {"statement": "eq56", "budget": 3000, "restarts": 4, "steps": 10},
        {"statement": "lemma3", "budget": 3000, "restarts": 4, "steps": 10},
    ],
    "comparison": [
        {"trials": 6, "num_classes": 3, "samples": 2},
        {"trials": 6, "family": "waves", "eta": 1.0},
        {"trials": 4, "family": "network", "dim": 64},
        {"trials": 6, "strength": 0.5, "coupling": "opposed", "curvature_ratio": 20.0},
    ],
    "contraction": [
        {"trials": 4, "refreshes": 3},
        {"trials": 4, "refreshes": 3, "family": "sine_square", "order": "fixed"},
    ],
    "descent": [
        {"trials": 80},
        {"trials": 80, "law": "adversarial", "tau": 0.1},
        {"trials": 80, "law": "planted", "seen": "average", "sigma": 0.4, "dim": 12},
    ],
}  # fmt: skip


def run(name: str, seed: int = 1, **params: object) -> list[dict]:
    experiment = get_experiment(name)
    defaults = {key: param.default for key, param in experiment.params.items()}
    settings = {**defaults, **params}
    if experiment.check is not None:
        experiment.check(settings)  # type: ignore[arg-type]
    return experiment.run(settings, np.random.SeedSequence(seed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "params"), [(name, params) for name in NAMES for params in SMALL[name]]
)
def test_rows_are_complete_finite_and_repeatable(name: str, params: dict[str, object]) -> None:
    rows = run(name, **params)
    columns = get_experiment(name).columns
    assert rows
    for row in rows:
        assert set(row) == set(columns)
        for column, kind in columns.items():
            assert row[column] is None or type(row[column]) is kind, column
            assert not isinstance(row[column], float) or math.isfinite(row[column]), column
    assert run(name, **params) == rows
    if name != "adversary":
        assert run(name, seed=2, **params) != rows


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("preset", ["quick", "paper", "cluster"])
def test_presets_hold_valid_cells(name: str, preset: str) -> None:
    """One cell in fifty of the large ones is checked in full: planting thousands takes long."""
    cells = preset_cells(load_preset(preset), only=name)
    check_cells(cells if preset == "quick" else cells[::50])
    assert len(cells) >= {"quick": 20, "paper": 100, "cluster": 400}[preset]


@pytest.mark.parametrize("params", SMALL["descent"])
def test_descent_counts_add_up_and_no_guarantee_fails(params: dict[str, object]) -> None:
    rows = run("descent", **params)
    assert sum(row["picked"] for row in rows) == 80
    for row in rows:
        violated = [row[key] for key in row if key.endswith("_violated")]
        assert violated == [0] * len(violated)
        assert row["member_wrong"] == row["objective_wrong"] == 0
        assert row["member_up"] + row["member_safe"] <= row["picked"]
        if row["picked"] and params.get("seen") != "average":
            assert row["incompatible"] == 0
        if row["picked"]:
            assert row["ratio_min"] <= row["ratio_q05"] <= row["ratio_q50"] <= row["ratio_q95"]
            assert row["member_up_lo"] * row["picked"] <= row["member_up"] + 1e-9


def test_near_the_worst_case_proposition_6_is_nearly_attained() -> None:
    rows = run("descent", law="adversarial", num_tasks=5, tau=0.2, dim=8, trials=400)
    row = next(row for row in rows if row["size"] == 4)
    assert 0 <= row["excess_min"] < 1e-3
    assert row["objective_up"] > 0


def test_averages_let_classes_through_that_break_the_premise() -> None:
    """At sigma = 0.4 most steps' own cosines are noise: far more than 1 in 100 break eq. 76."""
    rows = run(
        "descent", law="planted", seen="average", sigma=0.4, tau=0.2, num_tasks=8, dim=16,
        trials=400,
    )  # fmt: skip
    assert sum(row["incompatible"] for row in rows) > 40


def test_a_wrong_bound_and_a_wrong_certificate_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    step = adversarial_gradients(200, 5, 8, 0.2, rng)
    sound = class_module.class_descent_bound
    monkeypatch.setattr(class_module, "class_descent_bound", lambda tau, n: sound(tau, n) + 0.05)
    assert class_steps(step, step, 0.2, rng).violated("worst_case").any()
    assert not class_steps(step, step, 0.2, rng).violated("data_driven").any()
    monkeypatch.setattr(
        class_module, "objective_descent_bound", lambda gram, members: np.ones(len(gram))
    )
    assert class_steps(step, step, 0.2, rng).objective_wrong.any()
    monkeypatch.setattr(class_module, "conflict_ratio", lambda gram: np.zeros(len(gram)))
    assert class_steps(step, step, 0.2, rng).violated("data_driven").any()


def test_random_gradients_have_the_wanted_norms() -> None:
    """n = 4,000 norms; the mean of log-norms is N(0, 0.5 / sqrt(n)): 5 deviations, 1e-6."""
    drawn = random_gradients(1000, 4, 3, 0.5, np.random.default_rng(0))
    logs = np.log(np.linalg.norm(drawn, axis=-1)).ravel()
    assert abs(logs.mean()) < 5 * 0.5 / math.sqrt(4000)
    assert abs(logs.std() - 0.5) < 0.05


@pytest.mark.parametrize("params", SMALL["comparison"])
def test_comparison_counts_add_up(params: dict[str, object]) -> None:
    rows = run("comparison", **params)
    kinds = [row["kind"] for row in rows]
    orders = math.factorial(int(params.get("num_classes", 2)))  # type: ignore[call-overload]
    assert kinds.count("order") == orders
    assert kinds.count("mean") == kinds.count("picked") == 1
    assert kinds.count("sample") == params.get("samples", 0)
    for row in rows:
        for name in ("bound", "c59", "criterion"):
            cells = [row[f"{name}_{cell}"] for cell in ("yes_win", "yes_loss", "no_win", "no_loss")]
            assert sum(cells) == row["instances"]
            assert cells[0] + cells[2] == row["wins"]
        for name in ("telescoped", "aggregated", "theorem5_corrected", "growth_corrected"):
            assert row[f"{name}_violated"] == 0
        assert row["c59_yes_win"] + row["c59_yes_loss"] <= row["holds_57"]
    by_order = [row["wins"] for row in rows if row["kind"] == "order"]
    every, some = rows[0]["every_order_wins"], rows[0]["some_order_wins"]
    assert every <= min(by_order) <= max(by_order) <= some <= sum(by_order)


def test_eq_59_can_hold_where_scheduling_loses() -> None:
    """Opposed Hessians, a steep class before a flat one: the bounds promise, F does not follow."""
    rows = run("comparison", coupling="opposed", curvature_ratio=20.0, cosine=0.0, trials=20)
    first = next(row for row in rows if row["order"] == "0>1")
    assert (first["c59_yes_loss"], first["c59_yes_win"]) == (20, 0)
    assert (first["bound_yes_loss"], first["theorem6_violated"]) == (20, 0)
    assert first["criterion_no_loss"] == 20


def test_a_smaller_step_makes_the_criterion_right() -> None:
    small, large = (
        run("comparison", family="sine_square", num_classes=3, eta=eta, trials=60)[0]
        for eta in (0.02, 1.0)
    )
    right = [row["criterion_yes_win"] + row["criterion_no_loss"] for row in (small, large)]
    assert right[0] == 60
    assert right[0] >= right[1]


def test_contraction_rows_follow_the_runs() -> None:
    rows = run("contraction", trials=12, refreshes=4, coupling="for_schedule", cosine=-0.45)
    assert [row["refresh"] for row in rows] == list(range(len(rows)))
    for row in rows:
        assert row["aggregated_wrong"] == row["bound_wrong"] == row["bound_corrected_wrong"] == 0
        assert row["inherited_wrong"] <= row["inherited_wrong_so_far"] <= 12
    counted = [row["inherited_wrong_so_far"] for row in rows]
    assert counted == sorted(counted)
    assert rows[-1]["inherited_wrong_so_far"] > 0
    assert rows[-1]["bound_start_wrong_so_far"] > 0


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("descent", {"law": "adversarial", "dim": 3}),
        ("descent", {"law": "random", "seen": "average"}),
        ("descent", {"law": "planted", "num_groups": 9}),
        ("descent", {"law": "planted", "num_groups": 8, "tau": 0.5}),
        ("comparison", {"num_classes": 5, "cosine": -0.3}),
        ("comparison", {"family": "waves", "condition": 2.0}),
        ("contraction", {"num_classes": 5, "cosine": -0.3}),
    ],
)
def test_impossible_cells_are_refused_before_they_run(name: str, params: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        run(name, **params)
