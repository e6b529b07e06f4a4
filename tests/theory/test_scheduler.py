"""The state machine of Algorithm 1: each option does what its documentation says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from songoku_theory import scheduler as sgk
from songoku_theory.annealing import AnnealConfig
from songoku_theory.conflict import conflict_graph
from songoku_theory.ema import ema, n_eff
from songoku_theory.errors import InvalidInputError, UnknownNameError

Config = sgk.SchedulerConfig

# Three tasks that all pull apart: a triangle at tau = 0.3, so three classes.
TRIANGLE = np.asarray([[1.0, 0.0], [-0.5, 3**0.5 / 2], [-0.5, -(3**0.5) / 2]])


def drive(
    config: Config, gradients: NDArray[np.float64]
) -> tuple[list[tuple[int, ...]], list[sgk.SchedulerState]]:
    """Run a scheduler on gradients of shape (T, K, d); return what ran and every state."""
    state, ran, states = sgk.init(config), [], []
    for row in gradients:
        tasks = sgk.active(config, state)
        ran.append(tasks)
        seen = range(config.num_tasks) if config.observe_tasks == "all" else tasks
        probe = row if sgk.needs_probe(config, state) else None
        state = sgk.step(config, state, {k: row[k] for k in seen}, probe)
        states.append(state)
    return ran, states


def constant(vectors: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    return np.repeat(vectors[None], steps, axis=0)


def test_all_tasks_run_until_the_first_refresh_then_one_class_a_step() -> None:
    config = Config(num_tasks=3, tau=0.3, refresh_period=3)
    ran, states = drive(config, constant(TRIANGLE, 9))
    assert ran[:3] == [(0, 1, 2)] * 3
    assert ran[3:] == [(0,), (1,), (2,)] * 2
    assert [s.round for s in states] == [0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert states[-1].round_start == 9


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("global", [2, 0, 1, 2, 0, 1]),  # t mod 3 from t = 2
        ("restart", [0, 1, 0, 1, 0, 1]),  # class 2 is never reached
        ("carried", [0, 1, 2, 0, 1, 2]),  # goes on where it stopped
    ],
)
def test_the_phase_at_a_refresh_is_the_chosen_one(phase: str, expected: list[int]) -> None:
    config = Config(num_tasks=3, tau=0.3, refresh_period=2, phase=phase)  # type: ignore[arg-type]
    ran, _ = drive(config, constant(TRIANGLE, 8))
    assert [tasks[0] for tasks in ran[2:]] == expected


def test_a_carried_pointer_survives_many_refreshes_with_windows_that_do_not_divide() -> None:
    config = Config(num_tasks=3, tau=0.3, refresh_period=4, phase="carried")
    ran, _ = drive(config, constant(TRIANGLE, 40))
    assert [tasks[0] for tasks in ran[4:]] == [t % 3 for t in range(36)]


def test_short_windows_truncate_extend_or_refuse() -> None:
    base = Config(num_tasks=3, tau=0.3, refresh_period=2, phase="restart")
    ran, states = drive(base, constant(TRIANGLE, 12))
    assert not any(2 in tasks for tasks in ran[2:])
    extended = Config(
        num_tasks=3, tau=0.3, refresh_period=2, phase="restart", short_window="extend"
    )
    ran, states = drive(extended, constant(TRIANGLE, 14))
    assert [tasks[0] for tasks in ran[2:]] == [0, 1, 2] * 4
    starts = sorted({s.round_start for s in states})
    assert starts == [0, 2, 5, 8, 11, 14]
    refusing = Config(num_tasks=3, tau=0.3, refresh_period=2, short_window="error")
    with pytest.raises(InvalidInputError, match="3 slots but refresh_period is 2"):
        drive(refusing, constant(TRIANGLE, 4))


def test_windowed_averages_are_eq_18_of_the_window_and_carried_ones_are_eq_8() -> None:
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(6, 2, 4))
    shared = {"num_tasks": 2, "beta": 0.7, "refresh_period": 6, "observe_tasks": "all"}
    for convention in ("windowed", "carried"):
        config = Config(ema=convention, **shared)  # type: ignore[arg-type]
        state = sgk.init(config)
        for row in gradients:
            state = sgk.observe(config, state, dict(enumerate(row)))
        smoothed = sgk.smoothed_gradients(config, state)
        np.testing.assert_allclose(smoothed, ema(gradients, 0.7, convention))  # type: ignore[arg-type]
        np.testing.assert_allclose(sgk.effective_samples(state), n_eff(6, 0.7))


def test_the_norm_floor_sees_the_difference_between_the_two_conventions() -> None:
    """After one update at beta = 0.9 the raw average is a tenth of the gradient."""
    gradients = constant(np.asarray([[1.0, 0.0], [-1.0, 0.0]]), 1)
    shared = {"num_tasks": 2, "beta": 0.9, "refresh_period": 1, "norm_floor": 0.5, "tau": 0.2}
    _, raw = drive(Config(ema="carried", **shared), gradients)  # type: ignore[arg-type]
    _, normalised = drive(Config(ema="windowed", **shared), gradients)  # type: ignore[arg-type]
    assert raw[-1].graph is not None
    assert normalised[-1].graph is not None
    assert raw[-1].graph.edges() == ()
    assert normalised[-1].graph.edges() == ((0, 1),)


def test_a_reset_forgets_the_earlier_window_and_a_carried_average_does_not() -> None:
    early = constant(np.asarray([[1.0, 0.0], [-1.0, 0.0]]), 2)
    late = constant(np.asarray([[1.0, 0.0], [0.02, 0.01]]), 2)
    gradients = np.concatenate([early, late])
    shared = {"num_tasks": 2, "beta": 0.9, "refresh_period": 2, "tau": 0.2, "observe_tasks": "all"}
    _, carried = drive(Config(ema_at_refresh="carry", **shared), gradients)  # type: ignore[arg-type]
    _, reset = drive(Config(ema_at_refresh="reset", **shared), gradients)  # type: ignore[arg-type]
    assert carried[-1].graph is not None
    assert reset[-1].graph is not None
    assert carried[-1].graph.edges() == ((0, 1),)
    assert reset[-1].graph.edges() == ()


def test_active_only_observation_gives_a_task_fewer_samples_than_the_window() -> None:
    config = Config(num_tasks=3, tau=0.3, beta=0.9, refresh_period=3, ema_at_refresh="reset")
    state = sgk.init(config)
    for _ in range(3):
        state = sgk.step(config, state, dict(enumerate(TRIANGLE)))
    for _ in range(3):
        (task,) = sgk.active(config, state)
        state = sgk.observe(config, state, {task: TRIANGLE[task]})
    np.testing.assert_allclose(sgk.effective_samples(state), 1.0)
    assert n_eff(3, 0.9) > 2.9


def test_a_probe_enters_the_average_of_every_task() -> None:
    config = Config(num_tasks=2, tau=0.2, beta=0.5, refresh_period=1, probe="required")
    state = sgk.observe(config, sgk.init(config), {0: [1.0, 0.0], 1: [1.0, 0.0]})
    state = sgk.refresh(config, state, probe=[[1.0, 0.0], [-3.0, 0.0]])
    assert state.averages is not None
    np.testing.assert_allclose(state.averages, [[0.75, 0.0], [-1.25, 0.0]])
    assert state.graph is not None
    assert state.graph.edges() == ((0, 1),)


def test_a_probe_that_is_missing_or_unwanted_is_refused() -> None:
    wants = Config(num_tasks=1, refresh_period=1, probe="required")
    state = sgk.observe(wants, sgk.init(wants), {0: [1.0]})
    with pytest.raises(InvalidInputError, match="got no probe"):
        sgk.refresh(wants, state)
    with pytest.raises(InvalidInputError, match="shape"):
        sgk.refresh(wants, state, probe=[[1.0, 2.0]])
    refuses = Config(num_tasks=1, refresh_period=2)
    with pytest.raises(InvalidInputError, match="takes no probe"):
        sgk.step(refuses, sgk.init(refuses), {0: [1.0]}, probe=[[1.0]])
    with pytest.raises(InvalidInputError, match="got a probe"):
        sgk.refresh(refuses, state, probe=[[1.0]])


def test_tau_of_a_refresh_is_that_of_the_last_step_before_it() -> None:
    config = Config(num_tasks=3, refresh_period=4, anneal=AnnealConfig(0.3, warm_up=8))
    ran, states = drive(config, constant(TRIANGLE, 13))
    # steps 0..7 are warm-up; the refreshes after steps 3 and 7 still use tau = 1
    assert [states[t].tau for t in (3, 7, 11)] == [1.0, 1.0, 0.3]
    assert ran[:12] == [(0, 1, 2)] * 12
    assert len(ran[12]) == 1


@pytest.mark.parametrize(
    ("excluded", "slots"),
    [
        ("first_class", ((0, 2), (1,))),
        ("own_class", ((0,), (1,), (2,))),
        ("skip", ((0,), (1,))),
    ],
)
def test_a_task_without_a_direction_goes_where_the_option_says(
    excluded: str, slots: tuple[tuple[int, ...], ...]
) -> None:
    config = Config(
        num_tasks=3,
        tau=0.2,
        refresh_period=1,
        observe_tasks="all",
        excluded=excluded,  # type: ignore[arg-type]
    )
    _, states = drive(config, constant(np.asarray([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]), 1))
    assert states[-1].schedule.slots == slots
    assert states[-1].graph is not None
    assert states[-1].graph.included.tolist() == [True, True, False]


def test_skipping_every_task_or_one_that_could_never_return_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="never return"):
        Config(num_tasks=2, excluded="skip")
    config = Config(num_tasks=2, refresh_period=1, observe_tasks="all", excluded="skip")
    with pytest.raises(InvalidInputError, match="leaves none to run"):
        drive(config, np.zeros((1, 2, 3)))


def test_minimum_coverage_duplicates_rare_tasks_and_reports_what_it_can_not() -> None:
    star = np.asarray([[1.0, 0.0, 0.0], [-1.0, 0.3, 0.0], [-1.0, -0.3, 0.0], [0.0, 0.0, 1.0]])
    config = Config(num_tasks=4, tau=0.2, refresh_period=1, min_coverage=1.0)
    _, states = drive(config, constant(star, 1))
    assert states[-1].schedule.slots == ((0, 3), (1, 2, 3))
    assert states[-1].unmet_coverage == (0, 1, 2)


def test_one_task_is_a_valid_trivial_schedule_and_none_is_an_error() -> None:
    ran, states = drive(Config(num_tasks=1, refresh_period=2), np.ones((5, 1, 3)))
    assert ran == [(0,)] * 5
    assert states[-1].round == 2
    with pytest.raises(InvalidInputError, match="num_tasks should be at least 1"):
        Config(num_tasks=0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_leaves_the_state_as_it_was(bad: float) -> None:
    config = Config(num_tasks=2, refresh_period=4)
    state = sgk.observe(config, sgk.init(config), {0: [1.0, 0.0], 1: [0.0, 1.0]})
    assert state.averages is not None
    before = state.averages.copy()
    with pytest.raises(InvalidInputError, match="task 1 at step 1 is not finite"):
        sgk.observe(config, state, {0: [1.0, 0.0], 1: [0.0, bad]})
    np.testing.assert_array_equal(state.averages, before)
    assert state.step == 1


@pytest.mark.parametrize(
    ("gradients", "missing"),
    [({0: [1.0]}, ()), ({0: [1.0], 1: [1.0], 2: [1.0]}, ()), ({0: [1.0], 1: [1.0]}, (1,))],
)
def test_gradients_of_other_tasks_than_expected_are_refused(
    gradients: dict[int, list[float]], missing: tuple[int, ...]
) -> None:
    config = Config(num_tasks=2)
    with pytest.raises(InvalidInputError, match="expects the gradients of tasks"):
        sgk.observe(config, sgk.init(config), gradients, missing)


def test_a_task_without_samples_can_be_named_and_its_average_stays() -> None:
    config = Config(num_tasks=2, beta=0.5)
    state = sgk.observe(config, sgk.init(config), {0: [1.0], 1: [1.0]})
    state = sgk.observe(config, state, {0: [1.0]}, missing=[1])
    assert state.averages is not None
    assert state.averages.ravel().tolist() == [0.75, 0.5]
    assert state.last_updated.tolist() == [1, 0]


def test_gradients_of_another_length_are_refused() -> None:
    config = Config(num_tasks=2)
    with pytest.raises(InvalidInputError, match="2 entries; the other gradients have 1"):
        sgk.observe(config, sgk.init(config), {0: [1.0], 1: [1.0, 2.0]})


@pytest.mark.parametrize(
    "arguments",
    [
        {"tau": -0.1},
        {"tau": 1.1},
        {"beta": 1.0},
        {"beta": -0.1},
        {"refresh_period": 0},
        {"refresh_period": 2.5},
        {"norm_floor": -1.0},
        {"min_coverage": 2.0},
    ],
)
def test_settings_out_of_range_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(arguments))):
        Config(num_tasks=2, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [
        {"ema": "window"},
        {"ema_at_refresh": "clear"},
        {"observe_tasks": "actives"},
        {"probe": "require"},
        {"phase": "carry"},
        {"short_window": "cut"},
        {"excluded": "skipped"},
        {"coverage_eligible": "some"},
        {"heuristic": "welsh-powell"},
    ],
)
def test_an_option_that_does_not_exist_lists_those_that_do(arguments: dict[str, str]) -> None:
    with pytest.raises(UnknownNameError, match="Valid:"):
        Config(num_tasks=2, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("excluded", ["first_class", "own_class"])
def test_a_refresh_before_any_gradient_finds_no_conflict(excluded: sgk.Excluded) -> None:
    """As after gradients that are all zero: everyone is left out, so all go on in one class."""
    config = Config(num_tasks=3, tau=0.3, refresh_period=1, excluded=excluded)
    nothing = sgk.observe(config, sgk.init(config), {}, missing=range(3))
    zeros = sgk.observe(config, sgk.init(config), {k: [0.0, 0.0] for k in range(3)})
    for state in (sgk.refresh(config, nothing), sgk.refresh(config, zeros)):
        assert state.graph is not None
        assert not state.graph.included.any()
        assert (state.round, state.tau, state.schedule.slots) == (1, 0.3, ((0, 1, 2),))
    skipping = Config(num_tasks=3, refresh_period=1, excluded="skip", observe_tasks="all")
    with pytest.raises(InvalidInputError, match="excluded='skip' leaves none to run"):
        sgk.refresh(skipping, sgk.observe(skipping, sgk.init(skipping), {}, missing=range(3)))
    with pytest.raises(InvalidInputError, match="no gradient to average yet"):
        sgk.smoothed_gradients(config, nothing)


def test_who_ran_may_be_decided_elsewhere() -> None:
    """A warm start runs everyone; turns are noted and the cycle goes on."""
    config = Config(num_tasks=2, tau=0.5, refresh_period=1, phase="carried")
    apart = {0: [1.0], 1: [-1.0]}
    state = sgk.step(config, sgk.init(config), apart)
    assert sgk.active(config, state) == (0,)
    state = sgk.observe(config, state, apart, ran=(0, 1))
    assert state.last_turn.tolist() == state.last_updated.tolist() == [1, 1]
    assert sgk.active(config, state) == (1,)
    with pytest.raises(InvalidInputError, match=r"expects the gradients of tasks \[1\]"):
        sgk.observe(config, state, apart)
    with pytest.raises(InvalidInputError, match=r"tasks of 0\.\.1; found \[0, 2\]"):
        sgk.advance(config, state, ran=(2, 0))


def reference_run(config: Config, gradients: NDArray[np.float64]) -> list[tuple[int, ...]]:
    """Algorithm 1 once more, written line by line with plain loops, for the default options."""
    steps, num_tasks, _ = gradients.shape
    buffers = np.zeros(gradients.shape[1:])
    classes: list[list[int]] = [list(range(num_tasks))]
    ran = []
    for t in range(steps):
        current = classes[t % len(classes)]
        ran.append(tuple(current))
        for k in current:
            buffers[k] = config.beta * buffers[k] + (1 - config.beta) * gradients[t, k]
        if (t + 1) % config.refresh_period == 0:
            norms = np.linalg.norm(buffers, axis=1)
            edges = [
                [
                    i != j
                    and norms[i] > 0
                    and norms[j] > 0
                    and -(buffers[i] @ buffers[j]) / (norms[i] * norms[j]) > config.tau
                    for j in range(num_tasks)
                ]
                for i in range(num_tasks)
            ]
            order = sorted(range(num_tasks), key=lambda k: (-sum(edges[k]), k))
            classes = []
            for k in order:
                for members in classes:
                    if not any(edges[k][j] for j in members):
                        members.append(k)
                        break
                else:
                    classes.append([k])
            classes = [sorted(members) for members in classes]
    return ran


@settings(max_examples=150)
@given(
    st.integers(1, 6),
    st.integers(1, 7),
    st.sampled_from([0.0, 0.1, 0.4, 1.0]),
    st.sampled_from([0.0, 0.5, 0.95]),
    st.integers(0, 2**32 - 1),
)
def test_the_state_machine_makes_the_decisions_of_a_line_by_line_algorithm_1(
    num_tasks: int, period: int, tau: float, beta: float, seed: int
) -> None:
    gradients = np.random.default_rng(seed).normal(size=(30, num_tasks, 3))
    config = Config(num_tasks=num_tasks, tau=tau, beta=beta, refresh_period=period)
    ran, _ = drive(config, gradients)
    assert ran == reference_run(config, gradients)


@settings(max_examples=50)
@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_relabelling_the_tasks_relabels_the_graph_of_a_whole_run(num_tasks: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradients = rng.normal(size=(8, num_tasks, 4))
    order = rng.permutation(num_tasks)
    config = Config(num_tasks=num_tasks, tau=0.1, refresh_period=8, observe_tasks="all")
    _, states = drive(config, gradients)
    _, relabelled = drive(config, gradients[:, order])
    assert states[-1].graph is not None
    assert relabelled[-1].graph is not None
    np.testing.assert_array_equal(
        relabelled[-1].graph.adjacency, states[-1].graph.adjacency[np.ix_(order, order)]
    )


def test_adopting_a_graph_measured_elsewhere_is_the_same_as_refreshing() -> None:
    rng = np.random.default_rng(2)
    config = Config(num_tasks=5, tau=0.1, refresh_period=3, observe_tasks="all")
    state = sgk.init(config)
    for row in rng.normal(size=(3, 5, 3)):
        state = sgk.observe(config, state, dict(enumerate(row)))
    graph = conflict_graph(sgk.smoothed_gradients(config, state), 0.1)
    assert sgk.adopt_graph(config, state, graph).schedule == sgk.refresh(config, state).schedule
    with pytest.raises(InvalidInputError, match="the graph has 2 tasks"):
        sgk.adopt_graph(config, state, conflict_graph([[1.0], [1.0]], 0.1))
