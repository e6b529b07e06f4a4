"""The experiment heuristics: complete rows, known answers, and graphs that are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.experiments import get_experiment
from simulations.experiments.heuristics import BUILT_IN
from simulations.heuristics.instances import HARD, Settings, hard_graph, instances
from simulations.heuristics.worth import Tally, least_colors
from simulations.sweep.preset import load_preset, preset_cells
from songoku_theory.coloring import available_colorings, chromatic_number, welsh_powell
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.testing.graphs import crown

HEURISTICS = get_experiment("heuristics")
DEFAULTS = {name: param.default for name, param in HEURISTICS.params.items()}


def cell(seed: int = 1, **params: object) -> dict[str, dict[str, float]]:
    rows = HEURISTICS.run({**DEFAULTS, "trials": 5, **params}, np.random.SeedSequence(seed))
    return {str(row["heuristic"]): row for row in rows}


def test_every_built_in_heuristic_but_the_exact_one_is_run() -> None:
    assert {*BUILT_IN, "exact"} <= set(available_colorings())
    assert set(cell()) == {*BUILT_IN, "geometric_gradients"}
    assert "exact" in cell(also="exact")


@pytest.mark.parametrize("family", HEURISTICS.params["family"].choices)
def test_rows_are_complete_and_consistent(family: str) -> None:
    sizes = {"queens": 5, "kneser": 5, "paley": 13, "random": 14}
    settings = {"family": family, "size": sizes.get(family, 3), "window": 512}
    found = cell(**settings)
    assert found == cell(**settings)
    for row in found.values():
        assert set(row) == set(HEURISTICS.columns)
        for name, kind in HEURISTICS.columns.items():
            assert row[name] is None or type(row[name]) is kind, name
        assert row["within_delta"] == 5
        assert row["colors_lo"] <= row["colors"] <= row["colors_hi"]
        assert row["clique_max"] < row["clique_limit"]
        assert row["work"] <= row["work_filled"]
        assert row["gap_filled"] <= row["colors_max"]


def test_planted_groups_are_found_without_noise_by_every_heuristic() -> None:
    for family, colors in (("multipartite", 3), ("component", 2)):
        for row in cell(family=family, sigma=0.0).values():
            assert row["as_meant"] == 5
            assert row["colors"] == colors
            assert row["regret"] == 0.0


def test_the_simplex_has_as_many_groups_as_the_limit_allows() -> None:
    row = cell(family="simplex", sigma=0.0, tau=0.15, gamma=0.05, size=2)["welsh_powell"]
    assert row["colors"] == 6  # 1 + 1 / 0.2
    assert row["clique_max"] == 6 < row["clique_limit"]


@pytest.mark.parametrize("family", HARD)
def test_gradients_realise_the_named_graph_and_its_number_is_right(family: str) -> None:
    size = {"queens": 4, "kneser": 5, "paley": 13, "first_fit_tree": 4}.get(family, 4)
    settings = Settings(family, size, 1, 64, 0.2, 0.1, 0.0, 8, 0.9, 3)
    rngs = np.random.default_rng(0), np.random.default_rng(1)
    graph, known = hard_graph(family, size)
    for one in instances(settings, *rngs):
        assert one.as_meant
        assert sorted(one.adjacency.sum(axis=1)) == sorted(graph.sum(axis=1))
    if known is not None:
        assert chromatic_number(graph) == known


def test_forced_crowns_are_bad_for_welsh_powell_in_any_order() -> None:
    found = cell(family="forced_crown", size=4, sigma=0.0)
    assert found["welsh_powell"]["regret"] == 2.0
    assert found["welsh_powell"]["optimal"] == 0
    assert found["dsatur"]["regret"] == 0.0


def test_the_worst_graph_is_kept_with_the_colours_it_got() -> None:
    tally = Tally("welsh_powell")
    matrix = crown(4)
    colors = welsh_powell(matrix)
    tally.add(matrix, colors, 2)
    row = tally.row()
    assert row["regret_max"] == 2
    edges = [tuple(map(int, pair.split("-"))) for pair in str(row["worst_edges"]).split()]
    assert len(edges) == matrix.sum() // 2
    assert all(matrix[i, j] for i, j in edges)
    assert list(map(int, str(row["worst_colors"]).split())) == colors.tolist()


def test_a_number_that_is_not_proved_is_not_given() -> None:
    rng = np.random.default_rng(0)
    upper = np.triu(rng.random((120, 120)) < 0.5, 1)
    assert least_colors(upper | upper.T, None) is None
    assert least_colors(upper | upper.T, 7) == 7


def test_what_can_not_exist_is_refused_beforehand() -> None:
    assert HEURISTICS.check is not None
    with pytest.raises(InvalidInputError, match="prime"):
        HEURISTICS.check({**DEFAULTS, "family": "paley", "size": 9})
    with pytest.raises(InvalidInputError, match="at least 2"):
        HEURISTICS.check({**DEFAULTS, "family": "crown", "size": 1})
    with pytest.raises(UnknownNameError, match="dsatur"):
        HEURISTICS.check({**DEFAULTS, "also": "dsatr"})
    with pytest.raises(InvalidInputError):
        HEURISTICS.check({**DEFAULTS, "num_groups": 8})


@pytest.mark.parametrize("name", ["quick", "paper", "cluster"])
def test_presets_hold_valid_cells(name: str) -> None:
    cells = preset_cells(load_preset(name), only="heuristics")
    assert HEURISTICS.check is not None
    for one in cells[:: max(1, len(cells) // 40)]:
        HEURISTICS.check(one.params)
