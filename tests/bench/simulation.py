"""Exact recovery trials: how many a second, and how many in the time of one direct simulation."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

import numpy as np
import torch
from timing import Pair, Row, UnmeasuredError

from simulations.generators import PlantedTasks, ema_trials, plant_component, plant_multipartite
from simulations.generators.noise import GaussianNoise
from simulations.sampling import (
    GramLaw,
    Tally,
    ema_gram_law,
    gram_trials,
    law_grid,
    law_tally,
    tally,
)
from simulations.sampling.gram_law import row_grams
from simulations.sampling.torch_grid import torch_law_grid
from simulations.sampling.torch_noise import TorchStream
from simulations.sampling.torch_rows import law_rows
from simulations.sampling.torch_trials import TorchTrials
from songoku_theory.ema import ema_weights, n_eff

__all__ = ["ROWS"]

SIZES, TAU, GAMMA, BETA = (4, 4, 4), 0.2, 0.15, 0.99
TRIALS, DRAWS, POINTS = 50_000, 20_000, 64
DEVICE_TRIALS, DEVICE_DRAWS = 500_000, 200_000
DIRECT_DIM, DIRECT_WINDOW, PER_DIRECT = 10_000, 1024, 500_000


def _tasks(model: str = "multipartite", dim: int = 12) -> PlantedTasks:
    """K = 12 in three groups, in the order that chance gives them; with room they span 12 dims."""
    plant = plant_multipartite if model == "multipartite" else plant_component
    rng = np.random.default_rng(1)
    tasks = plant(SIZES, min(dim, 12), TAU, GAMMA, rng=rng)
    return tasks.relabelled(rng.permutation(12))


def _law(tasks: PlantedTasks, dim: int, window: int, sigma: float = 0.25) -> GramLaw:
    law = ema_gram_law(GaussianNoise(sigma), tasks.means, ema_weights(window, BETA), dim)
    assert isinstance(law, GramLaw)
    return law


def _clock(seconds: float) -> Callable[[], object]:
    """Something that takes a core exactly so long: what a rate a core is compared with.

    It counts this process's time on a core, so that neighbours slow both sides down alike.
    """

    def wait() -> None:
        end = process_time() + seconds
        while process_time() < end:
            pass

    return wait


def _rate(dim: int, window: int, model: str) -> Callable[[], Pair]:
    def prepare() -> Pair:
        tasks = _tasks(model, dim)
        law = _law(tasks, dim, window)
        rng = np.random.default_rng(2)

        def note() -> str:
            found = law_tally(law, tasks, TRIALS, rng)
            return (
                f"graph right in {found.graph_exact / TRIALS:.0%}, groups in "
                f"{found.partition_exact / TRIALS:.0%}"
            )

        return Pair(lambda: law_tally(law, tasks, TRIALS, rng), _clock(TRIALS / 1e6), note)

    return prepare


def _grid(model: str) -> Callable[[], Pair]:
    def prepare() -> Pair:
        tasks = _tasks(model)
        law = _law(tasks, 256, 96)
        windows = np.unique(np.geomspace(8, 1024, 80).round().astype(np.int64))[-POINTS:]
        scales = [0.25 / np.sqrt(float(n_eff(int(window), BETA))) for window in windows]
        rng = np.random.default_rng(3)

        def ours() -> object:
            return law_grid(law, tasks, scales, [TAU], DRAWS, rng)

        def note() -> str:
            right = law_grid(law, tasks, scales, [TAU], DRAWS, rng).graph_exact[0] / DRAWS
            return f"P(graph) from {right.min():.2f} to {right.max():.2f} over the grid"

        return Pair(ours, _clock(DRAWS * POINTS / 40e6), note)

    return prepare


def _gpu() -> torch.device:
    if not torch.cuda.is_available():
        raise UnmeasuredError("torch finds no CUDA device on this machine")
    return torch.device("cuda")


def _device_trials(dim: int, window: int, model: str) -> Callable[[], Pair]:
    """Against one core. Both sides end with counts on the host: nothing is left running."""

    def prepare() -> Pair:
        device, tasks = _gpu(), _tasks(model, dim)
        law, rng = _law(tasks, dim, window), np.random.default_rng(7)
        stream = TorchStream(device, np.random.default_rng(8))
        trials = TorchTrials(law_rows(law, device), tasks, DEVICE_TRIALS, stream)
        name = torch.cuda.get_device_name()

        def note() -> str:
            found = trials.take(DEVICE_TRIALS)
            return f"{name}; graph right in {found.graph_exact / DEVICE_TRIALS:.0%}"

        return Pair(
            lambda: trials.take(DEVICE_TRIALS),
            lambda: law_tally(law, tasks, DEVICE_TRIALS, rng),
            note,
        )

    return prepare


def _device_grid() -> Pair:
    device, tasks = _gpu(), _tasks()
    law, rng = _law(tasks, 256, 96), np.random.default_rng(9)
    stream = TorchStream(device, np.random.default_rng(10))
    scales = 0.25 / np.sqrt(np.geomspace(8, 150, POINTS))
    return Pair(
        lambda: torch_law_grid(law, tasks, scales, [TAU], DEVICE_DRAWS, stream),
        lambda: law_grid(law, tasks, scales, [TAU], DEVICE_DRAWS, rng),
        torch.cuda.get_device_name,
    )


def _direct() -> Pair:
    tasks = plant_multipartite(SIZES, DIRECT_DIM, TAU, GAMMA, rng=np.random.default_rng(4))
    weights = ema_weights(DIRECT_WINDOW, BETA)
    noise, rng = GaussianNoise(0.25), np.random.default_rng(5)
    law = ema_gram_law(noise, tasks.means, weights)
    assert isinstance(law, GramLaw)

    def theirs() -> object:
        count = Tally()
        for averages in ema_trials(noise, tasks.means, weights, 1, rng):
            count += tally(row_grams(averages), tasks)
        return count

    return Pair(
        lambda: law_tally(law, tasks, PER_DIRECT, rng),
        theirs,
        lambda: f"x {PER_DIRECT:,} for a trial against a trial",
    )


def _plain_numpy() -> Pair:
    tasks = _tasks()
    law, rng = _law(tasks, 256, 96), np.random.default_rng(6)

    def theirs() -> object:
        count = Tally()
        for grams in gram_trials(law, 4000, rng):
            count += tally(grams, tasks)
        return count

    return Pair(lambda: law_tally(law, tasks, 4000, rng), theirs)


ROWS = (
    *(
        Row(
            f"trials-{name}",
            f"{TRIALS:,} exact recovery trials, K=12, d={dim:,}, R={window}, {model}",
            "the clock at 1,000,000 trials a second",
            "at least",
            1.0,
            _rate(dim, window, model),
        )
        for name, dim, window, model in (
            ("easy", 256, 1024, "multipartite"),
            ("transition", 256, 64, "multipartite"),
            ("hard", 256, 32, "multipartite"),
            ("huge-d", 16_777_216, 4096, "multipartite"),
            ("small-d", 9, 64, "multipartite"),
            ("component", 256, 64, "component"),
        )
    ),
    Row(
        "trials-direct",
        f"{PER_DIRECT:,} exact trials, d={DIRECT_DIM:,}, R={DIRECT_WINDOW}",
        "one trial by simulating every gradient",
        "at least",
        1.0,
        _direct,
    ),
    *(
        Row(
            f"trials-grid-{model}",
            f"{DRAWS:,} draws, each judged at {POINTS} values of R, K=12, {model}",
            "the clock at 40,000,000 trial-points a second",
            "at least",
            1.0,
            _grid(model),
        )
        for model in ("multipartite", "component")
    ),
    *(
        Row(
            f"trials-device-{name}",
            f"{DEVICE_TRIALS:,} exact recovery trials on a GPU, K=12, d={dim}, R={window}, {model}",
            "the compiled trials on one core",
            "at least",
            None,
            _device_trials(dim, window, model),
        )
        for name, dim, window, model in (
            ("transition", 256, 64, "multipartite"),
            ("component", 256, 64, "component"),
        )
    ),
    Row(
        "trials-device-grid",
        f"{DEVICE_DRAWS:,} draws on a GPU, each judged at {POINTS} values of R, K=12",
        "the compiled grid on one core",
        "at least",
        None,
        _device_grid,
    ),
    Row(
        "trials-numpy",
        "4,000 exact trials, K=12, d=256",
        "the plain sampler: numpy's normals and matrix products",
        "at least",
        None,
        _plain_numpy,
    ),
)
