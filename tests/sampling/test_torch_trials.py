"""Trials on a torch device: the law of the compiled ones, verdicts matrix by matrix, no waiting."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch.utils._python_dispatch import TorchDispatchMode

from simulations.generators import (
    PlantedTasks,
    plant_component,
    plant_multipartite,
)
from simulations.generators.noise import ColouredNoise, GaussianNoise
from simulations.sampling import (
    GramLaw,
    Tally,
    ema_gram_law,
    gram_trials,
    law_tally,
    noise_energy_law,
    tally,
    torch_noise,
)
from simulations.sampling.tally import debiased_grams, recovered_partitions
from simulations.sampling.torch_grouping import PlantedGroups, recovered
from simulations.sampling.torch_noise import TorchStream, proposals_for
from simulations.sampling.torch_rows import law_rows, sample_energy
from simulations.sampling.torch_trials import TorchTrials
from simulations.sampling.words import WordStream
from songoku_theory.ema import ema_weights
from songoku_theory.errors import InvalidInputError

CPU = torch.device("cpu")
WEIGHTS = ema_weights(8, 0.8)
ALPHA = 0.01
CASES: dict[str, tuple[str, tuple[int, ...], int, float]] = {
    "d < K": ("multipartite", (3, 3), 3, 0.5),
    "d = K": ("multipartite", (3, 3), 6, 0.5),
    "K < d < 2K": ("multipartite", (3, 3), 9, 0.4),
    "d >> K": ("multipartite", (3, 3), 300, 0.12),
    "component": ("component", (4, 3), 40, 0.2),
    "component, d < K": ("component", (4, 4), 5, 0.3),
    "three groups": ("multipartite", (4, 4, 4), 64, 0.18),
    "unlike sizes": ("multipartite", (5, 1, 2), 24, 0.25),
}

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def stream_of(seed: int, device: torch.device = CPU) -> TorchStream:
    return TorchStream(device, np.random.default_rng(seed))


def planted(name: str) -> PlantedTasks:
    model, sizes, dim, _ = CASES[name]
    plant = plant_multipartite if model == "multipartite" else plant_component
    rng = np.random.default_rng(21)
    tasks = plant(sizes, dim, tau=0.2, gamma=0.15, rng=rng)
    return tasks.relabelled(rng.permutation(tasks.num_tasks))


def law_of(name: str) -> GramLaw:
    law = ema_gram_law(GaussianNoise(CASES[name][3]), planted(name).means, WEIGHTS)
    assert isinstance(law, GramLaw)
    return law


def trials_of(
    name: str, most: int, seed: int, law: GramLaw | None = None, device: torch.device = CPU
) -> TorchTrials:
    chosen = law_of(name) if law is None else law
    stream = stream_of(seed, device)
    return TorchTrials(law_rows(chosen, device), planted(name), most, stream)


def grams_of(law: GramLaw, trials: int, seed: int) -> torch.Tensor:
    rows, energy = law_rows(law, CPU).draw(trials, stream_of(seed))
    assert energy is None
    return torch.bmm(rows, rows.transpose(1, 2))


def pvalues(ours: Tally, theirs: Tally) -> list[float]:
    found = []
    for kind in ("graph_exact", "partition_exact"):
        table = [[getattr(t, kind), t.trials - getattr(t, kind)] for t in (ours, theirs)]
        found.append(float(stats.fisher_exact(table).pvalue))
    return found


@pytest.mark.parametrize("name", CASES)
def test_counts_have_the_law_of_the_compiled_trials(name: str) -> None:
    """n = 20,000 in torch and 100,000 compiled; 2 Fisher tests x 8 cases, alpha = 0.01 in all by
    Bonferroni."""
    theirs = law_tally(law_of(name), planted(name), 100_000, np.random.default_rng(41))
    ours = trials_of(name, 20_000, 42).take(20_000)
    assert ours.trials == 20_000
    assert min(pvalues(ours, theirs)) > ALPHA / (2 * len(CASES))


@pytest.mark.parametrize("name", ["d = K", "d >> K", "component", "three groups"])
def test_a_noise_scale_that_is_five_percent_off_is_noticed(name: str) -> None:
    """Power: the declared procedure on a wrong law."""
    law = law_of(name)
    wrong = replace(law, noise_scale=1.05 * law.noise_scale)
    theirs = law_tally(law, planted(name), 100_000, np.random.default_rng(41))
    ours = trials_of(name, 20_000, 42, wrong).take(20_000)
    assert min(pvalues(ours, theirs)) <= ALPHA / (2 * len(CASES))


@pytest.mark.parametrize("name", CASES)
def test_gram_entries_have_the_law_of_the_plain_sampler(name: str) -> None:
    """n = 10,000 each; KS of an inner product, a cosine, the last squared norm and the smallest
    cosine, 4 tests x 8 cases, alpha = 0.01 in all."""

    def functionals(grams: np.ndarray) -> list[np.ndarray]:
        norms = np.sqrt(np.diagonal(grams, axis1=1, axis2=2))
        cosines = grams / norms[:, :, None] / norms[:, None, :]
        return [grams[:, 1, 0], cosines[:, 1, 0], grams[:, -1, -1], cosines.min(axis=(1, 2))]

    ours = grams_of(law_of(name), 10_000, 43).numpy()
    theirs = np.concatenate(list(gram_trials(law_of(name), 10_000, np.random.default_rng(44))))
    pairs = zip(functionals(ours), functionals(theirs), strict=True)
    assert min(stats.ks_2samp(one, two).pvalue for one, two in pairs) > ALPHA / (4 * len(CASES))


@pytest.mark.parametrize("tau", [0.1, 0.45])
@pytest.mark.parametrize("dim", [1, 2, 3, 10, 1000])
def test_two_tasks_without_means_have_a_closed_form(dim: int, tau: float) -> None:
    """n = 20,000; P(cosine < -tau) of two random directions is half an incomplete beta function.
    Exact binomial tests at 10 settings, alpha = 0.01 in all."""
    expected = 0.5 * float(special.betainc((dim - 1) / 2, 0.5, 1 - tau**2)) if dim > 1 else 0.5
    tasks = plant_multipartite([1, 1], dim=2, tau=tau, gamma=0.2)
    sampler = law_rows(GramLaw(np.zeros((2, 0)), 0.7, dim), CPU)
    found = TorchTrials(sampler, tasks, 20_000, stream_of(dim)).take(20_000)
    assert found.false_edges == 0
    assert found.graph_exact == found.partition_exact == 20_000 - found.missed_edges
    assert stats.binomtest(found.graph_exact, 20_000, expected).pvalue > ALPHA / 10


@pytest.mark.parametrize("name", CASES)
def test_verdicts_are_those_of_the_same_matrices(name: str) -> None:
    """Against `tally`: counts equal, cosine errors to rounding; plain and debiased."""
    tasks, grams = planted(name), grams_of(law_of(name), 3000, 7)
    judge = trials_of(name, 10, 0).judge
    host = np.tril(grams.numpy())
    host = host + np.tril(host, -1).transpose(0, 2, 1)
    squares = grams.diagonal(dim1=1, dim2=2)
    energy = 0.6 * squares * torch.rand(squares.shape, generator=torch.Generator().manual_seed(1))
    energy[:50, 0] = 2.0 * squares[:50, 0]  # and some without a direction
    for subtracted in (None, energy):
        clean = host if subtracted is None else debiased_grams(host, subtracted.numpy())
        expected = tally(clean, tasks)
        complete, *sums = judge(grams, subtracted).sum(dim=1).tolist()
        assert complete == expected.trials == 3000
        assert sums[:4] == [
            expected.graph_exact,
            expected.partition_exact,
            expected.false_edges,
            expected.missed_edges,
        ]
        assert sums[4] == pytest.approx(expected.cosine_error, rel=1e-12)


def all_graphs(tasks: int) -> np.ndarray:
    pairs = tasks * (tasks - 1) // 2
    bits = (np.arange(2**pairs)[:, None] >> np.arange(pairs)) & 1
    graphs = np.zeros((2**pairs, tasks, tasks), dtype=np.bool_)
    first, second = np.tril_indices(tasks, -1)
    graphs[:, first, second] = bits
    return graphs | graphs.transpose(0, 2, 1)


@pytest.mark.parametrize("model", ["multipartite", "component"])
@pytest.mark.parametrize("sizes", [(6,), (5, 1), (3, 3), (2, 2, 2), (3, 2, 1), (1,) * 6])
def test_groupings_of_every_graph_on_six_tasks(model: str, sizes: tuple[int, ...]) -> None:
    """All 32,768 graphs, in two orders of the tasks: the verdict of Welsh-Powell or components."""
    plant = plant_multipartite if model == "multipartite" else plant_component
    graphs = all_graphs(6)
    tasks = plant(sizes, 6, tau=0.1, gamma=0.05)
    for order in (np.arange(6), np.random.default_rng(3).permutation(6)):
        shuffled = tasks.relabelled(order)
        found = recovered(torch.from_numpy(graphs), PlantedGroups.of(shuffled, CPU))
        np.testing.assert_array_equal(found.numpy(), recovered_partitions(graphs, shuffled))
        assert found.any()


@pytest.mark.parametrize("model", ["multipartite", "component"])
def test_groupings_of_more_tasks_than_a_word_has_bits(model: str) -> None:
    """Graphs near the planted one, so that verdicts of both kinds occur."""
    plant = plant_multipartite if model == "multipartite" else plant_component
    rng = np.random.default_rng(4)
    tasks = plant((30, 25, 15), 70, tau=0.1, gamma=0.05).relabelled(rng.permutation(70))
    dropped = rng.random((200, 70, 70)) < rng.uniform(0.0, 0.98, (200, 1, 1))
    dropped |= dropped.transpose(0, 2, 1)
    graphs = tasks.graph.adjacency & ~dropped
    found = recovered(torch.from_numpy(graphs), PlantedGroups.of(tasks, CPU)).numpy()
    np.testing.assert_array_equal(found, recovered_partitions(graphs, tasks))
    assert 0 < found.sum() < 200


def test_chi_variables_have_their_law() -> None:
    """n = 20,000 a row; KS against scipy's chi at 7 degrees of freedom, alpha = 0.01 in all."""
    dofs = [10**9, 1000, 40, 5, 3, 2, 1]
    stream = stream_of(5)
    rows = stream.chi(dofs, 20_000).numpy()
    assert bool(stream.complete)
    for dof, row in zip(dofs, rows, strict=True):
        assert stats.kstest(row**2, stats.chi2(dof).cdf).pvalue > ALPHA / len(dofs)
    assert abs(np.corrcoef(rows)[np.tril_indices(7, -1)]).max() < 5 / math.sqrt(20_000)


@pytest.mark.parametrize("lanes", [1, 50, 1000, 6400, 10**6])
def test_a_row_is_hardly_ever_short_of_proposals(lanes: int) -> None:
    """Exact binomial tail at the lowest acceptance, that of two degrees of freedom."""
    assert stats.binom.cdf(lanes - 1, proposals_for(lanes), 0.95) < 1e-10


def test_a_short_batch_is_drawn_again_and_changes_no_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """n = 4000 with one proposal to spare in 16, so that many batches are short;
    Fisher's tests of graph and grouping against compiled trials, alpha = 0.01 in all."""
    monkeypatch.setattr(torch_noise, "proposals_for", lambda lanes: lanes + 1)
    law, tasks = law_of("d < K"), planted("d < K")
    law = replace(law, mean_factor=law.mean_factor[:, :1], remainder_dim=2)
    trials = TorchTrials(law_rows(law, CPU), tasks, 16, stream_of(6))
    assert trials.lanes == 16
    seen: Counter[float] = Counter()
    batch = trials.batch

    def counted() -> torch.Tensor:
        found = batch()
        seen[float(found[0].min())] += 1
        return found

    monkeypatch.setattr(trials, "batch", counted)
    ours = trials.take(4000)
    assert seen[1.0] == 4000 / 16
    assert seen[0.0] > 20
    theirs = law_tally(law, tasks, 40_000, np.random.default_rng(7))
    assert min(pvalues(ours, theirs)) > ALPHA / 2


def test_the_same_seed_gives_the_same_bits_however_trials_are_taken() -> None:
    one, two, three = (trials_of("three groups", 5000, seed) for seed in (8, 8, 9))
    whole, parts = one.take(5000), [two.take(n) for n in (1, 255, 1000, 3744)]
    assert one.lanes < 1000, "or no batch ends within a part"
    total = parts[0] + parts[1] + parts[2] + parts[3]
    assert replace(total, cosine_error=0.0) == replace(whole, cosine_error=0.0)
    assert total.cosine_error == pytest.approx(whole.cosine_error, rel=1e-12)
    assert trials_of("three groups", 5000, 8).take(5000) == whole
    assert three.take(5000) != whole


@pytest.mark.parametrize("dim", [1, 2, 64])
@pytest.mark.parametrize("share", [0.2, 1.0, 6.0])
def test_the_subtracted_energy_has_its_law_given_the_other(dim: int, share: float) -> None:
    """n = 10,000 each; KS at 9 settings, given an energy of `share` times its mean, alpha = 0.01 in
    all."""
    law = noise_energy_law(ema_weights(6, 0.6), dim)
    given = np.full(10_000, share * dim)
    ours = sample_energy(law, torch.from_numpy(given), stream_of(11)).numpy()
    theirs = law.sample(given, WordStream(np.random.default_rng(12)))
    assert stats.ks_2samp(ours, theirs).pvalue > ALPHA / 9


def test_debiased_trials_have_the_law_of_the_compiled_ones() -> None:
    """n = 20,000 and 40,000 trials, Fisher of graph and grouping, alpha = 0.01 in all."""
    law, tasks = law_of("three groups"), planted("three groups")
    energy = noise_energy_law(WEIGHTS, tasks.dim)
    trials = TorchTrials(law_rows(law, CPU, energy), tasks, 20_000, stream_of(113))
    compiled = law_tally(law, tasks, 40_000, np.random.default_rng(114), energy)
    assert min(pvalues(trials.take(20_000), compiled)) > ALPHA / 2
    alone = noise_energy_law([1.0], tasks.dim)
    assert not sample_energy(alone, torch.ones(3), stream_of(1)).any()


class _Watch(TorchDispatchMode):
    """Notes every operation that makes the host wait for a device's values."""

    WAITS = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select", "unique")

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        name = func.overloadpacket.__name__
        masks = [
            part
            for arg in args
            if isinstance(arg, list | tuple)
            for part in arg
            if isinstance(part, torch.Tensor) and part.dtype == torch.bool
        ]
        if name.startswith(self.WAITS) or (name.startswith("index") and masks):
            self.waited.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["three groups", "component"])
def test_nothing_waits_within_a_batch_and_one_thing_after_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    law, energy = law_of(name), noise_energy_law(WEIGHTS, planted(name).dim)
    trials = TorchTrials(law_rows(law, CPU, energy), planted(name), 4000, stream_of(15))
    with _Watch() as seen:
        trials.batch()
    assert seen.waited == []
    with _Watch() as seen:
        torch.ones(3)[torch.ones(3, dtype=torch.bool)].sum().item()
    assert seen.waited, "or the watch sees nothing"
    calls: list[str] = []
    for read in ("tolist", "item", "cpu", "numpy", "__bool__"):
        original = getattr(torch.Tensor, read)

        def noted(self, *args, read=read, original=original):  # type: ignore[no-untyped-def]
            calls.append(read)
            return original(self, *args)

        monkeypatch.setattr(torch.Tensor, read, noted)
    trials.take(3 * trials.lanes)
    assert calls == ["tolist"] * 3


@pytest.mark.parametrize("name", ["d < K", "d >> K", "component", "three groups"])
def test_a_batch_needs_no_values_and_one_device(name: str) -> None:
    """Meta tensors have no values to wait for and do not mix with a CPU's: a stand-in for a GPU."""
    tasks, meta = planted(name), torch.device("meta")
    stream = stream_of(16)
    stream.device, stream.generator = meta, None
    energy = noise_energy_law(WEIGHTS, tasks.dim)
    trials = TorchTrials(law_rows(law_of(name), meta, energy), tasks, 10**6, stream)
    verdicts = trials.batch()
    assert (verdicts.device, verdicts.shape) == (meta, (6, trials.lanes))
    assert trials.lanes > 10_000, "a GPU gets larger batches"
    with pytest.raises(RuntimeError, match="meta"):
        trials.take(1)
    with pytest.raises(RuntimeError, match="device"):
        trials.judge(grams_of(law_of(name), 3, 1))


def test_what_has_no_law_is_refused() -> None:
    noise = ColouredNoise(1.0)
    law = ema_gram_law(noise, np.eye(2, 5), [1.0])
    with pytest.raises(InvalidInputError, match="no closed law under noise with a spectrum"):
        law_rows(law, CPU, noise_energy_law(WEIGHTS, 5))
    trials = trials_of("d = K", 10, 0)
    for wrong in (0, -1):
        with pytest.raises(InvalidInputError, match="trials"):
            trials.take(wrong)


@needs_gpu
@pytest.mark.parametrize("name", CASES)
def test_a_gpu_has_the_law_and_repeats_its_bits(name: str) -> None:
    """n = 200,000 on each; 2 Fisher tests x 8 cases, alpha = 0.01 in all."""
    gpu = torch.device("cuda")
    ours = trials_of(name, 200_000, 17, device=gpu).take(200_000)
    assert ours == trials_of(name, 200_000, 17, device=gpu).take(200_000)
    theirs = law_tally(law_of(name), planted(name), 200_000, np.random.default_rng(18))
    assert min(pvalues(ours, theirs)) > ALPHA / (2 * len(CASES))
