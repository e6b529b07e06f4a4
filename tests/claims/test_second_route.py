"""Counterexamples of the families descent, convergence and complexity, derived a second time.

The replays compute in fractions with the claim modules' own code; here floating point, the
library's scheduler, colourings and bounds, and torch's derivatives come to the same conclusion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from proofs_check.counterexamples import load
from songoku_theory.bounds.descent import class_descent_bound, conflict_ratio, descent_ratio
from songoku_theory.coloring import color, color_classes
from songoku_theory.conflict import conflict_graph
from songoku_theory.scheduler import SchedulerConfig, active, init, step


def floats(rows: Sequence[Sequence[int | str]]) -> np.ndarray:
    return np.array([[float(Fraction(x)) for x in row] for row in rows])


def number(value: int | str) -> float:
    return float(Fraction(value))


def data_of(stem: str) -> Mapping[str, Any]:
    return load(stem).data


def upward(value: int | str) -> float:
    """A float at least as large as a rational: 3/5 has no double, and the next below is less."""
    return float(np.nextafter(number(value), 1.0))


def edges(vectors: np.ndarray, tau: float) -> int:
    return len(conflict_graph(vectors, tau).edges())


def test_three_gradients_cancel_without_a_conflict() -> None:
    data = data_of("DES-12-DIR")
    vectors, tau = floats(data["gradients"]), number(data["tau"])
    assert edges(vectors, tau) == 0
    assert float(descent_ratio(vectors @ vectors.T)) == pytest.approx(0.0, abs=1e-12)
    assert float(class_descent_bound(tau, len(vectors))) <= 0


def test_a_long_step_climbs_by_torchs_derivative() -> None:
    data = data_of("DES-12-FLIP")
    x = torch.tensor(number(data["x"]), dtype=torch.float64, requires_grad=True)
    loss = number(data["smoothness"]) * x**2 / 2
    (slope,) = torch.autograd.grad(loss, x)
    after = number(data["smoothness"]) * (x - number(data["eta"]) * slope) ** 2 / 2
    assert after.item() > loss.item()


def test_agreeing_noise_climbs() -> None:
    data = data_of("DES-12-NOISE")
    seen, means = floats(data["minibatch"]), floats(data["population"])
    assert edges(seen, number(data["tau"])) == 0
    assert seen.sum(axis=0) @ means.sum(axis=0) < 0


def test_the_scheduler_itself_runs_the_class_that_raises_f() -> None:
    data = data_of("DES-12-FULL")
    vectors = floats(data["gradients"])
    config = SchedulerConfig(
        num_tasks=2, tau=number(data["tau"]), beta=0.0, refresh_period=2, observe_tasks="all"
    )
    state = init(config)
    for _ in range(2):
        state = step(config, state, dict(enumerate(vectors)))
    ran = active(config, state)
    assert len(ran) == 1
    changes = []
    for _ in range(2):
        members = list(active(config, state))
        changes.append(-float(vectors.sum(axis=0) @ vectors[members].sum(axis=0)))
        state = step(config, state, dict(enumerate(vectors)))
    assert max(changes) > 0 > min(changes)


def test_one_class_harms_its_weak_member() -> None:
    data = data_of("DES-SAME")
    vectors, tau = floats(data["gradients"]), number(data["tau"])
    classes = color_classes(color(conflict_graph(vectors, tau).adjacency))
    assert classes == ((0, 1),)
    assert vectors[data["task"]] @ vectors.sum(axis=0) < 0


def test_replacing_the_norm_in_the_quadratic_term() -> None:
    data = data_of("DES-E2-REPLACE")
    vectors, eta = floats(data["gradients"]), number(data["eta"])
    gram = vectors @ vectors.T
    bound = (1 - float(conflict_ratio(gram))) * np.trace(gram)
    start = float(vectors.sum() ** 2) / 2
    after = start * (1 - eta) ** 2
    assert after > start - eta * gram.sum() + eta**2 / 2 * bound + 1e-9
    assert after <= start - eta * gram.sum() + eta**2 / 2 * gram.sum() + 1e-12


def test_a_certified_member_with_slope_zero() -> None:
    data = data_of("EXT-12-MEMBER")
    vectors, tau = floats(data["gradients"]), number(data["tau"])
    norms = np.linalg.norm(vectors, axis=1)
    assert norms[0] >= tau * norms[1] - 1e-12
    assert vectors[0] @ vectors.sum(axis=0) == pytest.approx(0.0, abs=1e-12)


def test_eq_13_under_the_scheduler_with_torchs_gradients() -> None:
    """The schedule is the library's, from the first refresh on; no class is written down here."""
    data = data_of("CVG-13")
    tau, eta = number(data["tau"]), number(data["c"]) / data["root"]
    centres = [number(row[0]) for row in data["centres"]]
    config = SchedulerConfig(
        num_tasks=2, tau=tau, beta=0.0, refresh_period=1, observe_tasks="all", phase="global"
    )
    x = torch.tensor(number(data["start"][0]), dtype=torch.float64, requires_grad=True)

    def gradients() -> list[float]:
        return [float(torch.autograd.grad((x - c) ** 2 / 2, x)[0]) for c in centres]

    state = init(config)
    for _ in range(2):  # two steps at the start only to have a graph, and an even phase
        state = step(config, state, {k: np.array([g]) for k, g in enumerate(gradients())})
    slack = sum((x.item() - c) ** 2 / 2 for c in centres) - 1.0
    squared = []
    for _ in range(data["steps"]):
        found = gradients()
        squared.append(sum(found) ** 2)
        (running,) = active(config, state)
        state = step(config, state, {k: np.array([g]) for k, g in enumerate(found)})
        with torch.no_grad():
            x -= eta * found[running]
    bound = 2 * slack / (number(data["c"]) * data["root"]) * (1 + tau)
    assert min(squared) > bound * 1.1


def test_more_than_half_is_lost() -> None:
    data = data_of("CVG-13-HALF")
    vectors = floats(data["gradients"])
    assert edges(vectors, upward(data["tau"])) == 0
    assert float(descent_ratio(vectors @ vectors.T)) < 0.5


def test_the_mean_of_products_with_the_librarys_colouring() -> None:
    data = data_of("CVG-95")
    vectors, tau = floats(data["gradients"]), upward(data["tau"])
    classes = color_classes(color(conflict_graph(vectors, tau).adjacency))
    assert [list(c) for c in classes] == data["classes"]
    grams = [vectors[list(c)] @ vectors[list(c)].T for c in classes]
    energy = np.mean([np.trace(g) for g in grams])
    gamma = np.mean([1 / (1 - float(conflict_ratio(g))) for g in grams])
    squared = np.mean([g.sum() for g in grams])
    assert energy > gamma * squared * 1.1


def test_eq_97_by_torchs_gradients() -> None:
    data = data_of("CVG-97")
    curvatures = torch.tensor(floats(data["curvatures"]))
    x = torch.tensor([number(v) for v in data["start"]], dtype=torch.float64)
    eta, steps = number(data["c"]) / data["root"], data["steps"]
    slack = float((curvatures.sum(dim=0) * x**2 / 2).sum())
    energies, factors = [], []
    for _ in range(steps):
        point = x.clone().requires_grad_(True)
        found = torch.stack(
            [torch.autograd.grad((h * point**2 / 2).sum(), point)[0] for h in curvatures]
        )
        gram = (found @ found.T).numpy()
        energies.append(np.trace(gram))
        factors.append(1 / (1 - float(conflict_ratio(gram))))
        x = x - eta * found.sum(dim=0)
    assert np.mean(energies) > np.mean(factors) * 2 * slack / (eta * steps)


def test_a_scaled_draw_has_a_variance_without_bound() -> None:
    data = data_of("CVG-I21-i-VAR")
    rng = np.random.default_rng(0)
    x = number(data["points"][-1][0])
    slopes = np.array([number(row[0]) * x for row in data["curvatures"]])
    drawn = len(slopes) * slopes[rng.integers(len(slopes), size=4000)]
    assert abs(drawn.mean() - slopes.sum()) < 0.1 * abs(slopes.sum())
    assert drawn.var() > number(data["sigma_squared"])


def test_no_class_of_the_cycle_is_the_full_gradient() -> None:
    groups = floats(data_of("CVG-I21")["class_gradients"])
    assert all(np.abs(g - groups.sum(axis=0)).max() > 0 for g in groups)


def test_a_legal_step_size_diverges() -> None:
    data = data_of("CVG-I21-ii")
    x, eta = 1.0, number(data["c"]) / data["root"]
    slopes = [number(row[0]) for row in data["curvatures"]]
    mean = 0.0
    for t in range(data["steps"]):
        mean += (sum(slopes) * x) ** 2 / data["steps"]
        x -= eta * slopes[t % 2] * x
    assert mean > number(data["claimed_constant"]) * 2 * 0.5 / (number(data["c"]) * data["root"])


def test_the_averages_cost_at_every_step() -> None:
    data = data_of("CPX-D3-STEP")
    claimed = data["constant"] * data["tasks"] ** 2 * data["dim"] / data["period"]
    assert 3 * data["dim"] > claimed


def test_the_sparsified_graph_coloured_by_the_library() -> None:
    data = data_of("CPX-D2-SPARSE")
    cosines, tau = floats(data["cosines"]), number(data["tau"])
    conflicts = cosines < -tau
    kept = np.zeros_like(conflicts)
    for i, row in enumerate(cosines):
        others = [j for j in np.argsort(row, kind="stable") if j != i][: data["keep"]]
        kept[i, others] = kept[others, i] = conflicts[i, others]
    colors = np.array(color(kept, "welsh_powell"))
    assert (conflicts & (colors[:, None] == colors[None, :])).any()
