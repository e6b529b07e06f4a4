"""Grids and direct simulation on a torch device, and the experiments that take ``device``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

from simulations.experiments import _on_device, get_experiment
from simulations.generators import ema_trials_with_energy, plant_component, plant_multipartite
from simulations.generators.noise import (
    NOISE_LAWS,
    BoundedNoise,
    ColouredNoise,
    NoiseLaw,
    noise_law,
)
from simulations.sampling import GramLaw, law_grid, noise_energy_law
from simulations.sampling.grid import grid_problem
from simulations.sampling.grid_kernels import count_right_numpy, quadratics_numpy
from simulations.sampling.torch_direct import direct_rows, noise_steps
from simulations.sampling.torch_grid import TorchGrid, torch_law_grid
from simulations.sampling.torch_noise import TorchStream
from simulations.sampling.torch_rows import BartlettRows
from simulations.sweep.cell import make_cell
from simulations.sweep.device import on_device
from simulations.sweep.experiment import Row
from songoku_theory.ema import ema_weights, mean_noise_energy
from songoku_theory.errors import InvalidInputError

CPU = torch.device("cpu")
ALPHA = 0.01
SCALES = np.array([0.3, 0.02, 0.05, 0.08, 0.12])
TAUS = np.array([0.2, 0.28])


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def stream_of(seed: int) -> TorchStream:
    return TorchStream(CPU, np.random.default_rng(seed))


def grid_case(model: str, dim: int) -> tuple:
    plant = plant_multipartite if model == "multipartite" else plant_component
    rng = np.random.default_rng(1)
    tasks = plant((3, 3, 2), min(dim, 8), tau=0.2, gamma=0.15, rng=rng)
    tasks = tasks.relabelled(rng.permutation(8))
    left, lengths, _ = np.linalg.svd(tasks.means, full_matrices=False)
    rank = int((lengths > 1e-9).sum())
    return tasks, GramLaw(left[:, :rank] * lengths[:rank], 1.0, dim - rank)


def fisher(one: int, of_one: int, two: int, of_two: int) -> float:
    return float(stats.fisher_exact([[one, of_one - one], [two, of_two - two]]).pvalue)


@pytest.mark.parametrize("debias", [False, True])
@pytest.mark.parametrize(("model", "dim"), [("multipartite", 64), ("multipartite", 9),
                                            ("component", 200)])  # fmt: skip
def test_a_grid_has_the_law_of_the_compiled_one(model: str, dim: int, debias: bool) -> None:
    """n = 5000 and 20,000; Fisher of graph and edge at 10 points x 6 cases, alpha = 0.01."""
    tasks, law = grid_case(model, dim)
    energy = noise_energy_law(ema_weights(6, 0.8), dim) if debias else None
    theirs = law_grid(law, tasks, SCALES, TAUS, 20_000, np.random.default_rng(2), energy)
    ours = torch_law_grid(law, tasks, SCALES, TAUS, 5000, stream_of(3), energy)
    assert ours.trials == 5000
    for kind in ("graph_exact", "edge_kept"):
        pairs = zip(getattr(ours, kind).flat, getattr(theirs, kind).flat, strict=True)
        for one, two in pairs:
            assert fisher(int(one), 5000, int(two), 20_000) > ALPHA / 120
    again = torch_law_grid(law, tasks, SCALES, TAUS, 5000, stream_of(3), energy)
    np.testing.assert_array_equal(again.graph_exact, ours.graph_exact)
    assert 0 < ours.graph_exact.sum() < ours.graph_exact.size * 5000


@pytest.mark.parametrize("debias", [False, True])
def test_a_grid_judges_the_same_draws_alike(debias: bool) -> None:
    """The counts of the numpy kernels on the very same noise."""
    tasks, law = grid_case("multipartite", 40)
    problem = grid_problem(law, tasks, TAUS)
    scales = np.sort(SCALES)
    grid = TorchGrid(law, problem, scales, TAUS, 2000, stream_of(4))
    noise = BartlettRows(law, CPU)(2000, stream_of(5))
    linear, square = grid.quadratics(noise)
    if debias:
        square[:, :8] -= 0.9 * square[:, :8] * torch.rand(2000, 8)
        square[:100, 0] = -1.0
    rows = np.ascontiguousarray(noise.numpy().transpose(1, 2, 0))
    expected = np.empty((2, 36, 2000))
    quadratics_numpy(problem.mean_factor, rows, law.mean_factor.shape[1], expected[0], expected[1])
    np.testing.assert_allclose(linear.numpy().T, expected[0], atol=1e-12)
    if not debias:
        np.testing.assert_allclose(square.numpy().T, expected[1], rtol=1e-12, atol=1e-12)
    right, kept = np.zeros((2, 5), dtype=np.int64), np.zeros((2, 5), dtype=np.int64)
    for level, tau in enumerate(TAUS.tolist()):
        count_right_numpy(
            problem.constant, linear.numpy().T.copy(), square.numpy().T.copy(), problem.firsts,
            problem.seconds, 8, tau, problem.truths[level], debias, scales, 2000,
            int(problem.edges[level]), right[level], kept[level],
        )  # fmt: skip
    found = torch.cat(grid.counts(linear, square)).numpy().reshape(2, 5, 2)
    np.testing.assert_array_equal(found[:, :, 0], right)
    np.testing.assert_array_equal(found[:, :, 1], kept)


def test_a_grid_without_a_margin_is_refused() -> None:
    tasks, law = grid_case("multipartite", 40)
    for scales, taus, trials in (([0.1], [0.35], 5), ([0.0], [0.2], 5), ([0.1], [0.2], 0)):
        with pytest.raises(InvalidInputError):
            torch_law_grid(law, tasks, scales, taus, trials, stream_of(1))


@pytest.mark.parametrize("debias", [False, True])
def test_a_batch_of_a_grid_needs_no_values_and_one_device(debias: bool) -> None:
    """Meta tensors have no values to wait for and do not mix with a CPU's."""
    tasks, law = grid_case("multipartite", 40)
    meta, stream = torch.device("meta"), stream_of(1)
    stream.device, stream.generator = meta, None
    energy = noise_energy_law(ema_weights(4, 0.8), 40) if debias else None
    problem = grid_problem(law, tasks, TAUS)
    found = TorchGrid(law, problem, SCALES, TAUS, 10**6, stream, energy).batch(100)
    assert (found.device, found.shape, found.dtype) == (meta, (21,), torch.int64)


def noises() -> list[NoiseLaw]:
    return [*(noise_law(name, 0.6) for name in NOISE_LAWS), BoundedNoise(0.6, "uniform")]


@pytest.mark.parametrize("noise", noises(), ids=[*NOISE_LAWS, "uniform"])
def test_direct_simulation_has_the_law_of_the_one_in_numpy(noise: NoiseLaw) -> None:
    """n = 4000 each; KS of a squared norm, a cosine, one coordinate and the subtracted energy, 4
    tests x 6 laws, alpha = 0.01 in all."""
    means = np.random.default_rng(6).standard_normal((3, 7))
    weights = ema_weights(5, 0.8)
    batches = ema_trials_with_energy(noise, means, weights, 4000, np.random.default_rng(7))
    theirs, spreads = (np.concatenate(part) for part in zip(*batches, strict=True))
    energies = mean_noise_energy(spreads, 0.0, float(weights @ weights))
    sampler = direct_rows(noise, means, weights, CPU, debiased=True)
    rows, energy = sampler.draw(4000, stream_of(8))
    assert energy is not None

    def functionals(vectors: np.ndarray, subtracted: np.ndarray) -> list[np.ndarray]:
        inner = (vectors[:, 0] * vectors[:, 1]).sum(axis=1)
        norms = np.linalg.norm(vectors, axis=2)
        cosine = inner / norms[:, 0] / norms[:, 1]
        return [norms[:, 2], cosine, vectors[:, 1, 6], subtracted[:, 0]]

    meta = torch.device("meta")
    nowhere = stream_of(1)
    nowhere.device, nowhere.generator = meta, None
    drawn = direct_rows(noise, means, weights, meta, debiased=True).draw(9, nowhere)
    assert [part.device for part in drawn if part is not None] == [meta, meta]

    pairs = zip(
        functionals(rows.numpy(), energy.numpy()), functionals(theirs, energies), strict=True
    )
    found = [stats.ks_2samp(one, two).pvalue for one, two in pairs]
    assert min(found) > ALPHA / 24, found


def test_ar1_noise_remembers_and_bounded_noise_is_bounded() -> None:
    """n = 20,000; the correlation of neighbouring steps within 5 / sqrt(n)."""
    step = noise_steps(noise_law("ar1", 2.0), 1, CPU)
    stream = stream_of(9)
    first = step((20_000, 1, 1), stream, None)
    second = step((20_000, 1, 1), stream, first)
    found = np.corrcoef(first.flatten().numpy(), second.flatten().numpy())[0, 1]
    assert abs(found - 0.5) < 5 / math.sqrt(20_000)
    drawn = noise_steps(BoundedNoise(0.3), 4, CPU)((50, 2, 4), stream, None)
    assert drawn.dtype == torch.float64
    assert np.unique(drawn.numpy()).tolist() == [-0.3, 0.3]


def test_one_gradient_has_no_spread_and_an_unknown_law_is_refused() -> None:
    sampler = direct_rows(ColouredNoise(1.0), np.eye(2), [1.0], CPU, debiased=True)
    assert sampler.draw(3, stream_of(1))[1] is None
    odd = SimpleNamespace(name="odd", sigma=1.0)
    with pytest.raises(InvalidInputError, match="odd noise can't be simulated on a device"):
        noise_steps(odd, 2, CPU)  # type: ignore[arg-type]


def run(name: str, device: str, **params: object) -> list[Row]:
    cell = make_cell(get_experiment(name), {**params, "device": device})
    assert cell.experiment.check is not None
    cell.experiment.check(cell.params)
    # One seed for both devices: coloured noise does not look the same from every placement.
    rows = cell.experiment.run(cell.params, np.random.SeedSequence(12))
    for row in rows:
        assert set(row) == set(cell.experiment.columns)
        assert all(math.isfinite(v) for v in row.values() if isinstance(v, float))
    return rows


SETTINGS: tuple[tuple[str, dict[str, object]], ...] = (
    ("recovery", {"window": 96, "beta": 0.99, "trials": 4000}),
    ("recovery", {"window": 24, "model": "component", "dim": 40, "trials": 4000}),
    ("recovery", {"window": 16, "dim": 32, "noise": "coloured", "trials": 3000}),
    ("recovery", {"window": 32, "dim": 32, "noise": "ar1", "trials": 4000}),
    ("recovery", {"window": 8, "dim": 32, "cosine": "debiased", "trials": 3000}),
    ("recovery", {"window": 6, "dim": 16, "method": "direct", "noise": "student_t",
                  "cosine": "debiased", "trials": 1000}),
    ("recovery", {"window": 64, "beta": 0.99, "stop_width": 0.1, "trials": 50_000}),
    ("recovery_grid", {"windows": "48 96", "betas": "0.99", "taus": "0.2 0.25", "trials": 5000}),
    ("phase", {"points": 3, "low": 0.3, "high": 1.2, "dim": 300, "trials": 3000}),
    ("phase", {"points": 3, "low": 0.2, "high": 2.0, "dim": 300, "trials": 2000,
               "cosine": "debiased", "window": 4, "random_numbers": "independent"}),
)  # fmt: skip


@pytest.mark.parametrize(("name", "params"), SETTINGS)
def test_experiments_find_the_same_on_either_device(
    name: str, params: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fisher's tests of every count in every row (34 in all), alpha = 0.01 in all; what is no count
    is equal. The GPU's code, on a CPU."""
    theirs = run(name, "cpu", **params)
    asked: list[str] = []

    def instead(cell: dict[str, str]) -> torch.device:
        asked.append(cell["device"])
        return CPU

    monkeypatch.setattr(_on_device, "torch_device", instead)
    ours = run(name, "cuda", **params)
    assert asked == ["cuda"]
    assert run(name, "cuda", **params) == ours, "the same bits each time"
    for mine, other in zip(ours, theirs, strict=True):
        of_mine, of_other = (int(row.get("trials_run", params["trials"])) for row in (mine, other))
        for column in ("graph_exact", "partition_exact", "edge_kept"):
            if column in mine:
                found = fisher(int(mine[column]), of_mine, int(other[column]), of_other)
                assert found > ALPHA / 34, (column, mine, other)
        for column in ("n_eff", "noise_scale", "margin", "sharper_failure", "edge_score"):
            if mine.get(column) is not None:
                assert mine[column] == pytest.approx(other[column], rel=1e-12)
            assert (mine.get(column) is None) is (other.get(column) is None)
        if name == "recovery":
            error = "max_cosine_error_mean"
            assert mine[error] == pytest.approx(other[error], rel=0.1)
            assert mine["interval"] == other["interval"]
            assert mine["narrow"] is other["narrow"] is True


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize(("name", "params"), SETTINGS)
def test_experiments_find_the_same_on_a_gpu(name: str, params: dict[str, object]) -> None:
    """As the test above, on the device itself: Fisher's tests of 34 counts, alpha = 0.01 in all."""
    ours, theirs = run(name, "cuda", **params), run(name, "cpu", **params)
    assert run(name, "cuda", **params) == ours, "the same bits each time"
    for mine, other in zip(ours, theirs, strict=True):
        trials = [int(row.get("trials_run", params["trials"])) for row in (mine, other)]
        for column in {"graph_exact", "partition_exact", "edge_kept"} & set(mine):
            found = fisher(int(mine[column]), trials[0], int(other[column]), trials[1])
            assert found > ALPHA / 34, (column, mine, other)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("name", ["recovery", "recovery_grid", "phase"])
def test_without_a_gpu_there_is_one_clear_error(name: str) -> None:
    with pytest.raises(InvalidInputError, match="device 'cuda' was asked for, but"):
        run(name, "cuda", trials=10)


@pytest.mark.parametrize("name", ["recovery", "recovery_grid", "phase"])
def test_rows_of_a_gpu_are_cells_of_their_own(name: str) -> None:
    cell = make_cell(get_experiment(name), {})
    assert cell.params["device"] == "cpu"
    (moved,) = on_device([cell], "cuda")
    assert (moved.params["device"], moved.key == cell.key) == ("cuda", False)
    assert on_device([moved], "cpu") == [cell]
