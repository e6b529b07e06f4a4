"""The scheduler on gradient matrices, and the compiled steps and refreshes of few tasks."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch

from songoku_theory import scheduler as core
from songoku_theory._numba import numba_installed, use_numba
from songoku_theory.annealing import AnnealConfig
from songoku_theory.errors import InvalidInputError
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import NonFiniteGradientError, VectorScheduler, gram
from songoku_theory.torch_scheduler.graph import measure_graph

needs_numba = pytest.mark.skipif(not numba_installed(), reason="numba is not installed")


def random_config(rng: np.random.Generator) -> SchedulerConfig:
    policy: Any = str(
        rng.choice(["cycle", "cycle", "cycle", "oldest_first", "static", "all_tasks", "round_robin",
                    "random_groups", "single_step"])
    )  # fmt: skip
    settings: dict[str, Any] = {"policy": policy}
    if policy in ("cycle", "single_step"):
        settings["phase"] = str(rng.choice(["global", "restart", "carried"]))
        settings["short_window"] = str(rng.choice(["truncate", "extend"]))
        settings["min_coverage"] = float(rng.choice([0.0, 0.5]))
    if rng.random() < 0.3:
        settings["anneal"] = AnnealConfig(float(rng.choice([0.0, 0.25])), 3, 5)
    return SchedulerConfig(
        num_tasks=int(rng.integers(1, 8)),
        tau=float(rng.choice([0.0, 0.25, 0.6, 1.0])),
        beta=0.5,
        refresh_period=int(rng.integers(1, 6)),
        ema=str(rng.choice(["carried", "windowed"])),  # type: ignore[arg-type]
        ema_at_refresh=str(rng.choice(["carry", "reset"])),  # type: ignore[arg-type]
        observe_tasks=str(rng.choice(["active", "active", "all"])),  # type: ignore[arg-type]
        excluded=str(rng.choice(["first_class", "own_class"])),  # type: ignore[arg-type]
        norm_floor=float(rng.choice([0.0, 0.3])),
        **settings,
    )


@needs_numba
@pytest.mark.parametrize("compiled", [True, False])
def test_every_state_is_the_pure_scheduler_s(compiled: bool) -> None:
    """400 runs of whole numbers with beta 1/2: float32 averages are exact, and ties occur."""
    refreshes = 0
    for run in range(200):
        rng = np.random.default_rng([run, compiled])
        config, dim = random_config(rng), int(rng.integers(1, 5))
        state = core.init(config)
        with use_numba(compiled):
            vectors = VectorScheduler(config, dim)
            for rows in rng.integers(-3, 4, size=(12, config.num_tasks, dim)).astype(float):
                ran = core.active(config, state)
                assert vectors.active() == ran
                update = vectors.step(torch.tensor(rows, dtype=torch.float32))
                assert update.tolist() == rows[list(ran)].sum(axis=0).tolist()
                observed = core.observed_tasks(config, state)
                state = core.observe(config, state, {k: rows[k] for k in observed})
                if core.needs_refresh(config, state):
                    state = core.refresh(config, state)
                    refreshes += 1
                if rng.random() < 0.3:  # looking in the middle of a window changes nothing
                    compare(vectors.state, state)
                if state.averages is not None:
                    assert vectors.averages.tolist() == state.averages.tolist()
        compare(vectors.state, state)
    assert refreshes > 300


def compare(mine: core.SchedulerState, theirs: core.SchedulerState) -> None:
    assert mine.schedule == theirs.schedule
    for name in ("step", "round", "round_start", "pointer", "tau", "unmet_coverage"):
        assert getattr(mine, name) == getattr(theirs, name), name
    for name in ("weight_sum", "weight_square_sum", "last_updated", "last_turn"):
        assert getattr(mine, name).tolist() == getattr(theirs, name).tolist(), name
    assert (mine.graph is None) == (theirs.graph is None)
    if mine.graph is not None and theirs.graph is not None:
        assert (mine.graph.adjacency == theirs.graph.adjacency).all()


@needs_numba
@pytest.mark.parametrize("compiled", [True, False])
def test_what_is_not_finite_is_named_and_moves_nothing(compiled: bool) -> None:
    config = SchedulerConfig(num_tasks=3, tau=0.0, beta=0.5, refresh_period=2)
    with use_numba(compiled):
        scheduler = VectorScheduler(config, 2)
        good = torch.tensor([[1.0, 0.0], [-1.0, 0.5], [0.0, 1.0]])
        scheduler.step(good)
        for bad in (torch.nan, torch.inf, -torch.inf):
            before = scheduler.averages.clone()
            spoilt = good.clone()
            spoilt[1, 1] = bad
            with pytest.raises(NonFiniteGradientError, match="task '1' at step 1"):
                scheduler.step(spoilt)
            assert torch.equal(scheduler.averages, before)
            assert scheduler.state.step == 1
        # A sum that overflows although every gradient is finite is the caller's to see.
        assert torch.isinf(scheduler.step(torch.full((3, 2), 3e38))).all()
        assert torch.isfinite(scheduler.averages).all()
        # Rows of tasks that do not run are not read.
        (first, *_), scheduler = scheduler.active(), VectorScheduler(config, 2)
        scheduler.step(good)
        scheduler.step(good)
        spoilt = torch.full((3, 2), torch.nan)
        spoilt[list(scheduler.active())] = 1.0
        assert first == 0
        assert len(scheduler.active()) < 3
        assert torch.isfinite(scheduler.step(spoilt)).all()


def test_other_tensors_and_settings_are_refused() -> None:
    config = SchedulerConfig(num_tasks=2)
    scheduler = VectorScheduler(config, 3)
    for wrong in (torch.zeros(2, 4), torch.zeros(3, 2), torch.zeros(2, 3, dtype=torch.float64)):
        with pytest.raises(InvalidInputError, match=r"float32 tensor of shape \(2, 3\)"):
            scheduler.step(wrong)
    strided = torch.arange(6.0).reshape(3, 2).T
    assert scheduler.step(strided).tolist() == strided.sum(0).tolist()
    wanted = torch.ones(2, 3, requires_grad=True)
    assert not scheduler.step(wanted).requires_grad
    for settings in ({"probe": "required"}, {"cosine": "debiased"}, {"policy": "sequential"}):
        with pytest.raises(InvalidInputError, match="use TaskScheduler"):
            VectorScheduler(SchedulerConfig(num_tasks=2, **settings), 3)  # type: ignore[arg-type]


def test_a_stopped_run_goes_on_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    config = SchedulerConfig(num_tasks=5, tau=0.1, refresh_period=4, phase="carried")
    rows = torch.tensor(rng.standard_normal((30, 5, 6)), dtype=torch.float32)
    whole = VectorScheduler(config, 6)
    updates = [whole.step(step).clone() for step in rows]
    for stop in (3, 10, 21):
        first, second = VectorScheduler(config, 6), VectorScheduler(config, 6)
        for step in rows[:stop]:
            first.step(step)
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
        file.seek(0)
        second.load_state_dict(torch.load(file, weights_only=True))
        for t in range(stop, 30):
            assert torch.equal(second.step(rows[t]), updates[t])
        assert torch.equal(second.averages, whole.averages)
    with pytest.raises(InvalidInputError, match=r"tau: saved 0\.1, here 0\.2"):
        VectorScheduler(SchedulerConfig(num_tasks=5), 6).load_state_dict(first.state_dict())
    with pytest.raises(InvalidInputError, match="saved averages have shape"):
        VectorScheduler(config, 7).load_state_dict(first.state_dict())


@needs_numba
def test_compiled_refreshes_decide_as_tensor_code_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """300 graphs with ties, zero, tiny, huge and left-out rows; and that the code does run."""
    monkeypatch.setattr(gram, "_WORTH_COMPILED", 0)
    rechecked = 0
    for run in range(300):
        rng = np.random.default_rng(run)
        count, dim = int(rng.integers(1, 12)), int(rng.choice([1, 3, 17, 700]))
        rows = torch.tensor(rng.integers(-3, 4, size=(count, dim)), dtype=torch.float32)
        rows *= torch.tensor(rng.choice([1.0, 1.0, 1.0, 1e-20, 1e19, 0.0], size=(count, 1))).float()
        tau = float(rng.choice([0.0, 0.25, 0.5, 0.6, 1.0]))
        floor, scale = float(rng.choice([0.0, 1.0])), rng.choice([0.0, 1.0, 2.0], size=count)
        found = measure_graph(rows, tau, floor, scale)
        with use_numba(False):
            expected = measure_graph(rows, tau, floor, scale)
        assert (found.graph.adjacency == expected.graph.adjacency).all()
        assert (found.graph.included == expected.graph.included).all()
        rechecked += found.rechecked
        products = gram.gram64(rows).numpy()
        size = np.sqrt(np.maximum(products.diagonal(), 0.0))
        fine = np.isfinite(found.products.numpy())
        off = np.abs(found.products.numpy() - products)[fine]
        limit = (gram.row_products(rows).rounding * size[:, None] * size[None, :])[fine]
        assert (off <= limit + dim * 2.0**-126).all()
    assert rechecked > 100
    small = torch.ones(4, 8)
    assert gram.few_rows_on_host(small, small.device)
    assert not gram.few_rows_on_host(small.double(), small.device)
    assert not gram.few_rows_on_host(small.T, small.device)


@needs_numba
@pytest.mark.parametrize(("count", "dim"), [(128, 3), (130, 40_000), (200, 64), (257, 700)])
def test_a_triangle_of_many_tasks_decides_as_tensor_code_does(count: int, dim: int) -> None:
    """Whole numbers, so that ties occur; zero rows, rows left out, and one that is extreme."""
    rng = np.random.default_rng(count)
    rows = torch.tensor(rng.integers(-2, 3, size=(count, dim)), dtype=torch.float32)
    scale = np.where(rng.random(count) < 0.9, 1.0, 0.0)
    scale[5], scale[7], rows[5] = 0.0, 1.0, 0.0
    rechecked = 0
    for tau in (0.0, 0.02, 0.5, 1.0):
        for floor, extreme in ((0.0, False), (float(rows[0].norm()), False), (0.0, True)):
            used = rows.clone()
            if extreme:
                used[7] *= 1e-22
            found = measure_graph(used, tau, floor, scale)
            assert isinstance(found.found, np.ndarray) != extreme
            with use_numba(False):
                expected = measure_graph(used, tau, floor, scale)
            assert (found.graph.adjacency == expected.graph.adjacency).all()
            assert (found.graph.included == expected.graph.included).all()
            assert torch.equal(found.products, expected.products)
            rechecked += found.rechecked
    assert rechecked > 0
