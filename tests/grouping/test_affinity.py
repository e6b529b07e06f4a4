"""Affinities on losses whose look-ahead steps are taken here; costs by counting what is read."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.grouping import (
    GroupingProblem,
    collected_every,
    cosine_affinity,
    cumulative,
    ema_cosine_affinity,
    group_gain,
    group_transfer_gain,
    group_value,
    higher_order_approximation,
    needed_cost,
    printed_costs,
    tag_affinity,
    task_gain,
    transfer_gain,
)

Array = NDArray[np.float64]
N, DIM = 5, 6


class Quadratics:
    """Losses ``1 + |A_k phi - b_k|^2 / 2`` with look-ahead steps on any set of tasks."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.a, self.b = rng.standard_normal((N, 4, DIM)), rng.standard_normal((N, 4))
        self.phi = rng.standard_normal(DIM)

    def losses(self, phi: Array) -> Array:
        return np.asarray(1.0 + ((self.a @ phi - self.b) ** 2).sum(axis=1) / 2.0)

    def after(self, tasks: set[int], eta: float) -> Array:
        gradients = np.einsum("krd,kr->kd", self.a, self.a @ self.phi - self.b)
        return self.losses(self.phi - eta * gradients[sorted(tasks)].sum(axis=0))

    def pairs(self, eta: float) -> Array:
        return np.array(
            [[self.after({i, j}, eta)[j] for j in range(N)] for i in range(N)], dtype=float
        )

    def alone(self, eta: float) -> Array:
        return np.array([self.after({j}, eta)[j] for j in range(N)])


def test_the_sum_is_right_to_first_order_and_the_average_is_not() -> None:
    world, group, task = Quadratics(0), (0, 1, 3, 4), 3
    errors: dict[str, list[float]] = {"sum": [], "others": []}
    for eta in (1e-3, 1e-4):
        gains = transfer_gain(world.pairs(eta), world.alone(eta))
        after = world.after(set(group), eta)
        truth = group_transfer_gain(after, world.alone(eta))[task]
        for rule, found in errors.items():
            found.append(abs(task_gain(gains, group, task, rule) - truth))  # type: ignore[arg-type]
    # A tenth of the step: a hundredth of a second-order error, a tenth of a first-order one.
    assert errors["sum"][1] < 0.02 * errors["sum"][0]
    assert errors["others"][1] > 0.05 * errors["others"][0]
    assert errors["others"][1] > 100 * errors["sum"][1]


def test_transfer_gain_is_definition_3() -> None:
    world, eta = Quadratics(1), 0.01
    gains = transfer_gain(world.pairs(eta), world.alone(eta))
    expected = 1 - world.after({1, 4}, eta)[4] / world.after({4}, eta)[4]
    assert gains[1, 4] == pytest.approx(expected, rel=1e-12)
    assert gains[1, 4] != pytest.approx(gains[4, 1], rel=1e-3)  # from row to column
    assert not gains.diagonal().any()
    # {j, j} is {j}: what the definition gives by itself.
    recorded = transfer_gain(world.pairs(eta), world.alone(eta), self_gain="recorded")
    np.testing.assert_allclose(recorded, gains, atol=1e-15)


def test_a_step_axis_changes_nothing() -> None:
    steps = [Quadratics(seed) for seed in range(3)]
    joint = np.stack([w.pairs(0.01) for w in steps])
    alone = np.stack([w.alone(0.01) for w in steps])
    together = transfer_gain(joint, alone)
    for t in range(3):
        np.testing.assert_array_equal(together[t], transfer_gain(joint[t], alone[t]))
    mean, counts = cumulative(together)
    np.testing.assert_allclose(mean, together.mean(axis=0))
    assert (counts == 3).all()


def test_pairs_that_were_not_drawn_do_not_count() -> None:
    steps = np.full((4, 3, 3), np.nan)
    steps[0, 0, 1], steps[2, 0, 1], steps[1, 1, 2] = 1.0, 3.0, -1.0
    mean, counts = cumulative(steps)
    assert mean[0, 1] == 2.0
    assert counts[0, 1] == 2
    assert mean[1, 2] == -1.0
    assert np.isnan(mean[2, 0])
    with pytest.raises(InvalidInputError, match=r"gains\[0, 0\] is nan"):
        GroupingProblem(mean, num_groups=2)


def test_tag_compares_with_the_loss_before() -> None:
    world, eta = Quadratics(2), 0.01
    after = np.array([world.after({i}, eta) for i in range(N)])
    z = tag_affinity(after, world.losses(world.phi))
    assert z[2, 0] == pytest.approx(
        1 - world.after({2}, eta)[0] / world.losses(world.phi)[0], rel=1e-12
    )
    assert (z.diagonal() > 0).all()  # a small step on a task helps it


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf])
def test_a_ratio_needs_a_positive_loss(bad: float) -> None:
    with pytest.raises(InvalidInputError, match="losses should be finite"):
        transfer_gain(np.ones((2, 2)), [1.0, bad])
    with pytest.raises(InvalidInputError, match="losses should be finite"):
        tag_affinity(np.ones((2, 2)), [bad, 1.0])


def test_cosines() -> None:
    rng = np.random.default_rng(5)
    gradients = rng.standard_normal((7, 4, 20))
    weights = 0.8 ** np.arange(6, -1, -1)
    smooth = np.tensordot(weights, gradients, axes=1)
    unit = smooth / np.linalg.norm(smooth, axis=1, keepdims=True)
    np.testing.assert_allclose(ema_cosine_affinity(gradients, 0.8), unit @ unit.T, atol=1e-12)
    np.testing.assert_allclose(cosine_affinity(smooth @ smooth.T), unit @ unit.T, atol=1e-12)


def test_set_functions() -> None:
    rng = np.random.default_rng(0)
    gains = rng.standard_normal((5, 5))
    problem = GroupingProblem(gains)
    for size in range(1, 6):
        for group in itertools.combinations(range(5), size):
            paper = group_gain(gains, "paper")(group)
            assert paper == pytest.approx(group_value(problem, group))
            others = [
                np.mean([gains[i, j] for i in group if i != j]) if size > 1 else gains[j, j]
                for j in group
            ]
            assert group_gain(gains, "others")(group) == pytest.approx(sum(others))
            total = sum(gains[i, j] for i in group for j in group if i != j)
            assert group_gain(gains)(group) == pytest.approx(total)
    with pytest.raises(UnknownNameError, match="Did you mean 'sum'"):
        group_gain(gains, "sun")  # type: ignore[arg-type]


def test_higher_order_approximation_averages_pairs() -> None:
    pairs = np.arange(9.0).reshape(3, 3)
    single = np.array([10.0, 20.0, 30.0])
    expected = (10 - (3 + 6) / 2) + (20 - (1 + 7) / 2) + (30 - (2 + 5) / 2)
    assert higher_order_approximation(pairs, single)((0, 1, 2)) == pytest.approx(expected)
    assert higher_order_approximation(pairs, single)((1,)) == 0.0


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_needed_costs_count_what_eq_3_reads(n: int) -> None:
    tasks = range(n)
    updates = {frozenset((i, j)) for i in tasks for j in tasks}
    losses = {(frozenset((i, j)), j) for i in tasks for j in tasks}
    cost = needed_cost("ptg", n)
    assert cost.parameter == len(updates)
    assert cost.forward == n + len(losses)
    by_draw = [needed_cost("ptg", t) for t in range(1, n + 1)]
    sampled = needed_cost("ptg_sampling", n)
    assert sampled.parameter == sum(c.parameter for c in by_draw) / n
    assert sampled.forward == n + Fraction(sum(t * t for t in range(1, n + 1)), n)
    twice = needed_cost("ptg_recorded_self", n)
    assert twice == printed_costs(n)["ptg, Table 9"]
    assert (printed_costs(n)["ptg, 4.3"] == printed_costs(n)["ptg, Table 9"]) == (n == 1)


def test_lazy_collection_keeps_the_cost_of_training() -> None:
    cost = needed_cost("tag", 7)
    assert collected_every(cost, 1, 7) == cost
    rare = collected_every(cost, 1000, 7)
    assert rare.forward == 7 + Fraction(49, 1000)
    assert rare.backward == 7
    with pytest.raises(InvalidInputError):
        collected_every(cost, 0, 7)
