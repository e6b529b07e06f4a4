"""The recovery experiment: its rows, its two methods, its presets, and what the paper expects."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from simulations.experiments import get_experiment
from simulations.generators import PlantedTasks
from simulations.sampling import Tally, tally
from simulations.sweep.cell import Cell
from simulations.sweep.preset import load_preset, parse_preset, preset_cells
from simulations.sweep.run import check_cells, local_engine, run_cells
from songoku_theory.bounds import dimension_aware_failure, probe_failure
from songoku_theory.ema import n_eff
from songoku_theory.errors import InvalidInputError, SongokuError
from songoku_theory.storage.reader import read_cells, read_rows

RECOVERY = get_experiment("recovery")
DEFAULTS = {name: param.default for name, param in RECOVERY.params.items()}


def cell(seed: int = 1, **params: object) -> dict[str, float]:
    rows = RECOVERY.run({**DEFAULTS, **params}, np.random.SeedSequence(seed))
    assert len(rows) == 1
    return rows[0]


def test_params_and_columns_are_the_published_ones() -> None:
    assert list(RECOVERY.params) == [
        "model", "num_groups", "group_size", "dim", "tau", "gamma", "sigma", "noise", "window",
        "beta", "method", "cosine", "trials", "stop_width", "replicate", "device",
    ]  # fmt: skip
    assert list(RECOVERY.columns) == [
        "n_eff", "num_tasks", "noise_scale", "trials_run", "interval", "narrow", "graph_exact",
        "graph_lo", "graph_hi", "partition_exact", "partition_lo", "partition_hi", "false_edges",
        "missed_edges", "max_cosine_error_mean", "margin", "paper_failure", "sharper_failure",
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["direct", "law"])
@pytest.mark.parametrize("model", ["multipartite", "component"])
def test_a_row_is_complete_and_consistent(model: str, method: str) -> None:
    row = cell(model=model, method=method, trials=150, dim=20, window=12, beta=0.9, sigma=0.3)
    assert set(row) == set(RECOVERY.columns)
    assert all(type(row[name]) is kind for name, kind in RECOVERY.columns.items())
    assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
    assert row["num_tasks"] == 12
    assert row["n_eff"] == pytest.approx(n_eff(12, 0.9))
    assert row["noise_scale"] == pytest.approx(0.3 / math.sqrt(row["n_eff"]))
    assert row["margin"] == pytest.approx(0.15)
    for kind in ("graph", "partition"):
        share = row[f"{kind}_exact"] / 150
        assert 0 <= row[f"{kind}_lo"] <= share <= row[f"{kind}_hi"] <= 1
    assert row["partition_exact"] >= row["graph_exact"]  # an exact graph groups exactly
    edges = 48 if model == "multipartite" else 12
    assert 0 <= row["missed_edges"] <= edges
    assert 0 <= row["false_edges"] <= 66 - edges


def test_the_seed_alone_decides_the_row() -> None:
    for method in ("direct", "law"):
        settings = {"method": method, "trials": 60, "dim": 16, "window": 8}
        assert cell(seed=3, **settings) == cell(seed=3, **settings)
        assert cell(seed=3, **settings) != cell(seed=4, **settings)


def test_the_order_of_the_tasks_tells_nothing_about_the_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Welsh-Powell breaks ties by index: tasks in the order of their groups would help it.
    orders = set()

    def noting(grams: np.ndarray, planted: PlantedTasks) -> Tally:
        orders.add(tuple(planted.labels.tolist()))
        return tally(grams, planted)

    monkeypatch.setattr("simulations.experiments.recovery.tally", noting)
    for seed in range(5):
        cell(seed=seed, trials=5, dim=16, method="direct")
    assert len(orders) > 1
    assert all(sorted(order) == [0] * 4 + [1] * 4 + [2] * 4 for order in orders)


@pytest.mark.parametrize(
    "settings",
    [
        {"dim": 16, "window": 24},
        {"dim": 64, "window": 40},
        {"model": "component", "dim": 48, "window": 30},
        {"noise": "ar1", "dim": 16, "window": 64},
        {"noise": "coloured", "dim": 64, "window": 12},
        {"dim": 4, "window": 24},
    ],
    ids=str,
)
def test_both_methods_recover_equally_often(settings: dict[str, object]) -> None:
    """n = 600 direct and 6000 law trials a case; Fisher's exact test of the two recovery
    probabilities (graph and partition), 12 tests, alpha = 0.01 in all."""
    direct = cell(beta=0.99, method="direct", trials=600, **settings)
    law = cell(beta=0.99, method="law", trials=6000, **settings)
    for kind in ("graph_exact", "partition_exact"):
        table = [[direct[kind], 600 - direct[kind]], [law[kind], 6000 - law[kind]]]
        assert stats.fisher_exact(table).pvalue > 0.01 / 12
    assert 30 < direct["graph_exact"] < 570  # the comparison says something


@pytest.mark.parametrize("model", ["multipartite", "component"])
def test_recovery_rises_with_n_eff_from_never_to_always(model: str) -> None:
    """n = 20,000 trials a point; one-sided Fisher tests of neighbours, alpha = 0.001 each."""
    windows = [4, 16, 24, 32, 64, 256]
    rows = [cell(model=model, dim=64, beta=0.99, window=w, trials=20000) for w in windows]
    counts = [row["graph_exact"] for row in rows]
    assert counts[0] <= 20
    assert counts[-1] >= 19980
    for fewer, more in pairwise(counts[:-1]):
        table = [[more, 20000 - more], [fewer, 20000 - fewer]]
        assert stats.fisher_exact(table, alternative="greater").pvalue < 1e-3
    errors = [row["max_cosine_error_mean"] for row in rows]
    assert errors == sorted(errors, reverse=True)


def test_only_n_eff_matters_not_window_and_beta() -> None:
    """Two settings with n_eff = 31.7 and 31.9; n = 6000 trials each, Fisher, alpha = 0.001."""
    one = cell(dim=64, window=32, beta=0.99, trials=6000)
    other = cell(dim=64, window=38, beta=0.96, trials=6000)
    assert one["n_eff"] == pytest.approx(other["n_eff"], rel=0.01)
    table = [[row["graph_exact"], 6000 - row["graph_exact"]] for row in (one, other)]
    assert stats.fisher_exact(table).pvalue > 0.001


@pytest.mark.parametrize("dim", [1024, 65536, 10**7])
def test_edges_at_the_margin_vanish_where_noise_energy_exceeds_gamma_over_tau(dim: int) -> None:
    """Population cosines shrink to C / (1 + lambda), lambda = s^2 d / m_0^2, so an edge at the
    margin is lost from lambda = gamma / tau = 0.75 on.

    n = 2000 trials a point, mean share of missed edges (48 in all, between 0 and 1 a trial);
    Hoeffding: within 0.06 of its expectation except with probability 1e-6.
    """
    share = {}
    for lam in (0.55, 1.0):
        window, beta = 100, 0.99
        sigma = math.sqrt(lam * float(n_eff(window, beta)) / dim)
        row = cell(dim=dim, window=window, beta=beta, sigma=sigma, trials=2000)
        share[lam] = row["missed_edges"] / 48
    assert share[0.55] < 0.5 - 0.06
    assert share[1.0] > 0.5 + 0.06


def test_the_debiased_cosine_is_the_same_by_law_and_by_simulation() -> None:
    """n = 1000 direct and 10,000 law trials; Fisher's exact test of graph and partition, alpha =
    0.01 in all. Debiasing must also matter: the plain cosine recovers less often."""
    settings = {"beta": 0.95, "window": 24, "dim": 40, "sigma": 0.25}
    direct = cell(method="direct", cosine="debiased", trials=1000, **settings)
    law = cell(method="law", cosine="debiased", trials=10000, **settings)
    for kind in ("graph_exact", "partition_exact"):
        table = [[direct[kind], 1000 - direct[kind]], [law[kind], 10000 - law[kind]]]
        assert stats.fisher_exact(table).pvalue > 0.01 / 2
    assert 50 < direct["graph_exact"] < 950
    plain = cell(method="law", trials=10000, **settings)
    assert plain["graph_exact"] < 0.9 * law["graph_exact"]


def test_a_cell_stops_once_both_intervals_are_narrow_and_says_so() -> None:
    row = cell(trials=10**6, stop_width=0.05, dim=64, window=40, beta=0.99)
    assert row["interval"] == "anytime"
    assert row["narrow"] is True
    assert row["trials_run"] < 10**5
    for kind in ("graph", "partition"):
        assert row[f"{kind}_hi"] - row[f"{kind}_lo"] <= 0.05
        assert row[f"{kind}_lo"] <= row[f"{kind}_exact"] / row["trials_run"] <= row[f"{kind}_hi"]
    cut = cell(trials=300, stop_width=0.05, dim=64, window=40, beta=0.99)
    assert (cut["trials_run"], cut["narrow"]) == (300, False)
    full = cell(trials=300, dim=64, window=40, beta=0.99)
    assert (full["trials_run"], full["interval"]) == (300, "clopper-pearson")


def test_the_bounds_beside_a_row_are_the_closed_forms() -> None:
    row = cell(trials=10, dim=64, window=400, beta=0.995)
    scale = row["noise_scale"]
    expected = dimension_aware_failure(scale, 64, 0.2, row["margin"], 12)
    assert row["sharper_failure"] == pytest.approx(expected, rel=1e-9)
    assert 0 < expected < 1
    assert row["paper_failure"] == probe_failure(row["n_eff"], 0.25, 1.0, row["margin"], 12)
    coloured = cell(trials=10, dim=64, window=400, beta=0.995, noise="coloured")
    assert coloured["sharper_failure"] < row["sharper_failure"]  # its effective rank is smaller
    assert cell(trials=10, noise="bounded", method="direct")["sharper_failure"] is None


def test_without_averaging_nothing_is_recovered_with_it_everything_is() -> None:
    alone = cell(dim=256, window=1, trials=2000)
    averaged = cell(dim=256, window=400, beta=0.995, trials=2000)
    assert alone["graph_exact"] == 0
    assert averaged["graph_exact"] == 2000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_groups": 5}, "at most 3 of these groups"),
        ({"gamma": 0.9}, "strictly between 0 and 1 - tau"),
        ({"dim": 1}, "found dim = 1"),
        ({"num_groups": 1, "group_size": 1}, "at least two tasks"),
        ({"noise": "bounded"}, "no closed law"),
        ({"noise": "student_t"}, "no closed law"),
        ({"noise": "ar1", "cosine": "debiased"}, "no closed law under ar1"),
        ({"model": "component", "gamma": 0.25}, "across components"),
    ],
)
def test_a_setting_that_can_not_exist_is_refused_before_it_runs(
    changes: dict[str, object], message: str
) -> None:
    check = RECOVERY.check
    assert check is not None
    check(DEFAULTS)
    with pytest.raises(InvalidInputError, match=message):
        check({**DEFAULTS, **changes})


@pytest.mark.parametrize("name", ["quick", "paper", "cluster"])
def test_every_cell_of_the_presets_can_exist(name: str) -> None:
    cells = preset_cells(load_preset(name), only="recovery")
    check_cells(cells)
    assert len({cell.key for cell in cells}) == len(cells)
    assert {cell.params["method"] for cell in cells} == {"direct", "law"}


def test_quick_preset_spans_the_transition_by_both_methods() -> None:
    """Every direct cell with Gaussian noise has its law counterpart, for the overlay."""
    cells = [cell.params for cell in preset_cells(load_preset("quick"), only="recovery")]
    points: dict[str, set[tuple[object, ...]]] = {"direct": set(), "law": set()}
    for params in cells:
        if params["noise"] == "gaussian" and params["model"] == "multipartite":
            points[str(params["method"])].add((params["dim"], params["window"], params["beta"]))
    assert points["direct"] <= points["law"]
    assert points["direct"]


def small_sweep() -> list[Cell]:
    text = """
    [[sweep]]
    experiment = "recovery"
    [sweep.fixed]
    dim = 20
    trials = 50
    [sweep.grid]
    method = ["law", "direct"]
    model = ["multipartite", "component"]
    window = [4, 16]
    """
    return preset_cells(parse_preset(text, "a test", "test"))


def test_a_sweep_runs_end_to_end_into_a_store(tmp_path: Path) -> None:
    stores = [tmp_path / "one.sqlite", tmp_path / "two.sqlite"]
    for store, workers in zip(stores, (1, 2), strict=True):
        report = run_cells(small_sweep(), store, local_engine(workers))
        assert (report.done, report.failed) == (8, 0)
    one, two = (read_rows(store, "recovery").sort("key") for store in stores)
    assert one.equals(two)
    assert one.height == 8
    assert set(one.columns) == {"key", *RECOVERY.params, *RECOVERY.columns}
    direct = run_cells(small_sweep(), stores[0], local_engine(1))
    assert direct.done == 0  # everything is stored


def test_a_sweep_of_an_impossible_setting_stores_nothing(tmp_path: Path) -> None:
    text = '[[sweep]]\nexperiment = "recovery"\n[sweep.grid]\nnum_groups = [2, 9]\n'
    cells = preset_cells(parse_preset(text, "a test", "test"))
    store = tmp_path / "store.sqlite"
    with pytest.raises(SongokuError, match="of these groups"):
        run_cells(cells, store, local_engine(1))
    assert read_cells(store).height == 0
