"""Which cosines can exist: the closed form against brute force, in both directions."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq

from simulations.generators import BlockCosines, plant_component, plant_multipartite
from simulations.generators.feasibility import last_possible, least_within, most_groups
from songoku_theory.errors import InvalidInputError

cosine = st.floats(-1, 1)


@st.composite
def blocks(draw: st.DrawFn, max_blocks: int = 5) -> BlockCosines:
    """Any request, possible or not; singular ones are likely because of the rounded values."""
    values = st.one_of(cosine, st.sampled_from([-1.0, -0.5, -1 / 3, 0.0, 0.5, 1.0]))
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=max_blocks))
    count = len(sizes)
    between = np.zeros((count, count))
    for p in range(count):
        for q in range(p):
            between[p, q] = between[q, p] = draw(values)
    return BlockCosines(tuple(sizes), tuple(draw(values) for _ in sizes), between)


def equal_blocks(m: int, k: int, within: float, between: float) -> BlockCosines:
    return BlockCosines((k,) * m, (within,) * m, np.full((m, m), between))


@given(blocks())
def test_closed_form_eigenvalues_are_those_of_the_whole_matrix(request_: BlockCosines) -> None:
    brute = np.linalg.eigvalsh(request_.matrix)
    np.testing.assert_allclose(request_.eigenvalues, brute, atol=1e-12 * request_.num_tasks)


@given(blocks())
def test_decision_and_rank_agree_with_brute_force(request_: BlockCosines) -> None:
    brute = np.linalg.eigvalsh(request_.matrix)
    clear = 1e-10
    assume(not ((np.abs(brute) > request_.rounding / 4) & (np.abs(brute) < clear)).any())
    assert request_.exists == (brute[0] > -clear)
    assert request_.rank == int((brute > clear).sum())


@given(st.integers(2, 6), st.integers(1, 6), cosine, cosine)
def test_equal_groups_follow_the_printed_condition(m: int, k: int, w: float, b: float) -> None:
    assume(b <= w or k == 1)
    bound = -((1 - w) / k + w) / (m - 1)
    own = (1 - w) / k + w  # the block's own eigenvalue over k, with no other block
    assume(abs(b - bound) > 1e-9 and abs(own) > 1e-9)
    one = equal_blocks(m, k, w if k > 1 else 1.0, b)
    if k == 1:
        bound, own = -1 / (m - 1), 1.0
        assume(abs(b - bound) > 1e-9)
    # The other end of the interval, between <= own, is where two blocks would coincide.
    assume(abs(b - own) > 1e-9)
    assert one.exists == (own >= 0 and bound <= b <= own)


@pytest.mark.parametrize("m", range(2, 40))
def test_a_simplex_is_possible_although_no_float_is_one_over_m_minus_one(m: int) -> None:
    simplex = equal_blocks(m, 3, 1.0, -1.0 / (m - 1))
    assert simplex.exists
    assert simplex.rank == m - 1
    assert not equal_blocks(m, 3, 1.0, -1.0 / (m - 1) - 1e-9).exists


@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=6),
    st.floats(0, 1),
)
def test_strongest_conflict_solves_the_secular_equation(sizes: list[int], within: float) -> None:
    # |b| * sum_p 1 / (a_p + |b|) = 1 with a_p = (1 - w) / k_p + w, and a_p = 1 for a single task.
    a = np.array([1.0 if k == 1 else (1 - within) / k + within for k in sizes])
    strongest = brentq(lambda b: float((b / (a + b)).sum()) - 1.0, 1e-12, 10.0, xtol=1e-14)
    m = len(sizes)
    found = last_possible(
        lambda b: BlockCosines(tuple(sizes), (within,) * m, np.full((m, m), b)), 0.0, -1.0
    )
    assert found is not None
    assert -found == pytest.approx(min(strongest, 1.0), abs=1e-8)


@pytest.mark.parametrize(("m", "k", "between"), [(3, 4, -0.35), (2, 5, -0.9), (4, 2, -0.25)])
def test_least_within_is_where_the_printed_condition_is_tight(
    m: int, k: int, between: float
) -> None:
    expected = (-between * (m - 1) - 1 / k) / (1 - 1 / k)
    assert least_within(equal_blocks(m, k, 0.0, between)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("strength", "most"), [(0.5, 3), (0.34, 3), (1 / 3, 4), (0.3, 4)])
def test_most_groups_is_one_plus_one_over_the_conflict(strength: float, most: int) -> None:
    request_ = equal_blocks(7, 2, 1.0, -strength)
    assert most_groups(request_, np.arange(7)) == most == int(1 + 1 / strength + 1e-12)


multipartite_requests = st.tuples(
    st.lists(st.integers(1, 4), min_size=2, max_size=5),
    st.floats(0.0, 0.6),  # tau
    st.floats(0.01, 0.39),  # gamma
    st.floats(0, 1),  # where between the margin and 1 the within cosine lies
    st.floats(0, 1),  # where between the margin and -1 the between cosine lies
)


@given(multipartite_requests)
def test_planting_succeeds_exactly_where_brute_force_says_so(
    request_: tuple[list[int], float, float, float, float],
) -> None:
    sizes, tau, gamma, up, down = request_
    within = (gamma - tau) + up * (1 - (gamma - tau))
    between = -(tau + gamma) - down * (1 - tau - gamma)
    m = len(sizes)
    wanted = BlockCosines(tuple(sizes), (within,) * m, np.full((m, m), between)).matrix
    smallest = float(np.linalg.eigvalsh(wanted)[0])
    assume(abs(smallest) > 1e-9)
    if smallest > 0:
        tasks = plant_multipartite(sizes, 40, tau, gamma, within=within, between=between)
        gram = tasks.means @ tasks.means.T
        np.testing.assert_allclose(gram, wanted, atol=1e-12)
    else:
        with pytest.raises(InvalidInputError, match="no vectors have these cosines"):
            plant_multipartite(sizes, 40, tau, gamma, within=within, between=between)


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.integers(2, 4),
    st.floats(-1, 1),
    st.floats(-1, -0.31),
    st.floats(-0.09, 1),
)
def test_component_planting_succeeds_exactly_where_brute_force_says_so(
    sizes: list[int], camps: int, within: float, between: float, across: float
) -> None:
    tau, gamma = 0.2, 0.1
    assume(within >= gamma - tau)
    component = np.repeat(np.arange(len(sizes)), sizes)
    camp = np.concatenate([np.sort(np.arange(size) % min(camps, size)) for size in sizes])
    wanted = np.where(
        component[:, None] == component[None, :],
        np.where(camp[:, None] == camp[None, :], within, between),
        across,
    )
    np.fill_diagonal(wanted, 1.0)
    smallest = float(np.linalg.eigvalsh(wanted)[0])
    assume(abs(smallest) > 1e-9)

    def plant() -> np.ndarray:
        tasks = plant_component(
            sizes, 40, tau, gamma, camps=camps, within=within, between=between, across=across
        )
        return np.asarray(tasks.cosines)

    if smallest > 0:
        np.testing.assert_array_equal(plant(), wanted)
    else:
        with pytest.raises(InvalidInputError, match="no vectors have these cosines"):
            plant()


def test_the_dimension_must_hold_the_rank_and_the_error_names_it() -> None:
    arguments = {"tau": 0.2, "gamma": 0.1, "within": 0.7, "between": -0.35}
    assert plant_multipartite([3, 2, 2], dim=7, **arguments).dim == 7
    with pytest.raises(InvalidInputError, match=r"found dim = 6.*smallest dim .* is 7.*needs 3"):
        plant_multipartite([3, 2, 2], dim=6, **arguments)


@pytest.mark.parametrize("dim", [2, 3, 5, 12, 100])
def test_defaults_fit_any_dimension_that_can_hold_the_groups(dim: int) -> None:
    tasks = plant_multipartite([4, 4, 4], dim, tau=0.2, gamma=0.1)
    assert tasks.margin >= 0.1 - 1e-12
    with pytest.raises(InvalidInputError, match="found dim = 1"):
        plant_multipartite([4, 4, 4], 1, tau=0.2, gamma=0.1)


def test_what_the_error_offers_is_possible_and_a_little_more_is_not() -> None:
    sizes, tau, gamma = [4, 4, 4], 0.2, 0.15
    with pytest.raises(InvalidInputError) as caught:
        plant_multipartite(sizes, 64, tau, gamma, within=0.3)
    message = str(caught.value)
    within = float(re.search(r"within cosine of at least ([\d.]+)", message).group(1))
    total = float(re.search(r"tau \+ gamma <= ([\d.]+)", message).group(1))
    count = int(re.search(r"at most (\d+) of these groups", message).group(1))
    plant_multipartite(sizes, 64, tau, gamma, within=within)
    plant_multipartite(sizes, 64, tau, total - tau, within=0.3)
    plant_multipartite(sizes[:count], 64, tau, gamma, within=0.3)
    for worse in (
        lambda: plant_multipartite(sizes, 64, tau, gamma, within=within - 1e-3),
        lambda: plant_multipartite(sizes, 64, tau, total - tau + 1e-3, within=0.3),
        lambda: plant_multipartite(sizes[: count + 1], 64, tau, gamma, within=0.3),
    ):
        with pytest.raises(InvalidInputError, match="no vectors have these cosines"):
            worse()


def test_too_many_groups_for_the_threshold_names_how_many_fit() -> None:
    # m <= 1 + 1 / (tau + gamma): 1 + 1 / 0.3 allows four groups.
    plant_multipartite([2] * 4, 64, tau=0.2, gamma=0.1)
    with pytest.raises(InvalidInputError, match="at most 4 of these groups"):
        plant_multipartite([2] * 5, 64, tau=0.2, gamma=0.1)
