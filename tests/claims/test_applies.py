"""``songoku applies``: hypotheses held to runs made up by hand, and to a stored one."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from proofs_check.applies.command import applies
from proofs_check.applies.comparison import comparison
from proofs_check.applies.convergence import convergence
from proofs_check.applies.descent import descent
from proofs_check.applies.finding import Applied, Held, Tightness
from proofs_check.applies.read_run import read_run
from proofs_check.applies.recovery import recovery
from proofs_check.applies.run_log import Curvature, Measurement, Moment, RunLog
from proofs_check.applies.staleness import staleness
from songoku_theory.errors import InvalidInputError, UnknownNameError

TAU = 0.25


def measurement(vectors: np.ndarray, colors: list[int], **changes: object) -> Measurement:
    groups = np.stack([vectors[np.array(colors) == r].sum(axis=0) for r in range(max(colors) + 1)])
    size = len(groups)
    fields: dict[str, object] = {
        "means": vectors @ vectors.T,
        "noise_total": np.full(len(vectors), 4.0),
        "noise_top": np.full(len(vectors), 1.0),
        "drift": None,
        "between": groups @ groups.T,
        "rate": 0.1,
        "objective": 1.0,
        "aggregated": 0.5,
        "scheduled": 0.6,
        "step_descent": np.ones(size),
        "step_norm": np.ones(size),
    }
    bent: dict[str, object] = {
        "cross": np.zeros((size, size)),
        "smoothness": 2.0,
        "class_smoothness": np.ones(size),
        "order_slope": 0.0,
        "phi_slope": 0.0,
    }
    bent |= {name: changes.pop(name) for name in tuple(changes) if name in bent}
    fields["curvature"] = Curvature(**bent)  # type: ignore[arg-type]
    return Measurement(**{**fields, **changes})  # type: ignore[arg-type]


def moment(
    vectors: np.ndarray, colors: list[int], step: int = 0, measured: Measurement | None = None
) -> Moment:
    norms = np.linalg.norm(vectors, axis=1)
    cosines = vectors @ vectors.T / np.outer(norms, norms)
    edges = cosines < -TAU
    np.fill_diagonal(edges, False)
    return Moment(
        1, step, TAU, np.array(colors), cosines, norms, np.full(len(norms), 9.0), edges, measured
    )


def run(moments: list[Moment], active: np.ndarray, **params: object) -> RunLog:
    settings = {"refresh_period": 4, "policy": "cycle", "combine": "sum", **params}
    names = tuple(f"t{k}" for k in range(active.shape[1]))
    return RunLog(
        "ab" * 16, settings, "made up (SYNTH)", names, tuple(moments), active, len(active)
    )


def named(found: tuple[Applied, ...], start: str) -> Applied:
    return next(it for it in found if it.theorem.startswith(start))


PAIR = np.array([[1.0, 0.0], [-0.1, 1.0], [-1.0, 0.0]])
EVERY = np.ones((8, 3), dtype=bool)


def test_a_class_with_a_conflict_inside_is_no_compatible_class() -> None:
    good, bad = moment(PAIR, [0, 0, 1]), moment(PAIR, [0, 1, 0])
    found = named(descent(run([good, bad], EVERY)), "Proposition 6")
    assert found.hypotheses[0].held == (True, False)
    assert found.applied == 0.5
    assert found.conclusion is not None
    assert found.conclusion.held == (True, False)  # 1 - tau = 0.75; the pair cancels to 0


def test_the_tightness_is_bound_over_ratio() -> None:
    found = named(descent(run([moment(PAIR, [0, 0, 1])], EVERY)), "Proposition 6")
    squares = 1.0 + 1.01
    ratio = (0.9**2 + 1.0) / squares
    assert found.tightness is not None
    assert found.tightness.values == pytest.approx([0.75 / ratio])


def test_large_classes_say_nothing() -> None:
    many = np.eye(6)
    found = named(descent(run([moment(many, [0] * 6)], np.ones((4, 6), bool))), "Proposition 6")
    assert found.hypotheses[1].held == (False,)  # 1 - 0.25 * 5 < 0


def test_without_a_measurement_nothing_is_said_of_population_gradients() -> None:
    found = recovery(run([moment(PAIR, [0, 0, 1])], EVERY))
    assert all(it.applied is None for it in found)
    assert all(hypothesis.share is None for it in found for hypothesis in it.hypotheses)


def test_theorem_2_against_its_two_sides() -> None:
    """Cosines -0.1/1.005, -1 and 0.0995: the margin is what -0.0995 leaves above -0.25."""
    measured = measurement(PAIR, [0, 0, 1])
    exact = named(recovery(run([moment(PAIR, [0, 0, 1], measured=measured)], EVERY)), "Theorem 2")
    assert exact.applied == 1.0
    assert exact.conclusion is not None
    assert exact.conclusion.held == (True,)
    moved = PAIR + np.array([[0.0, 0.0], [-0.3, 0.0], [0.0, 0.0]])
    off = named(recovery(run([moment(moved, [0, 1, 1], measured=measured)], EVERY)), "Theorem 2")
    margin = TAU - 0.1 / math.sqrt(1.01)
    error = 0.4 / math.sqrt(1.16) - 0.1 / math.sqrt(1.01)
    assert off.hypotheses[1].held == (False,)
    assert off.conclusion is not None
    assert off.conclusion.held == (False,)
    assert off.tightness is not None
    assert off.tightness.values == pytest.approx([error / margin])


def test_the_multipartite_model_and_its_parts() -> None:
    """Opposite directions: parts {0, 1} and {2}; and a path, which is bipartite, not complete."""
    lines = np.array([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0]])
    right = moment(lines, [0, 0, 1], measured=measurement(lines, [0, 0, 1]))
    wrong = moment(lines, [0, 1, 2], measured=measurement(lines, [0, 1, 2]))
    found = named(recovery(run([right, wrong], EVERY)), "Theorem 4")
    assert found.applied == 1.0
    assert found.conclusion is not None
    assert found.conclusion.held == (True, False)
    path = np.array([[1.0, 0.0, 0.0], [-1.0, 1.0, 0.0], [0.0, -1.0, 0.5], [0.0, 0.0, 1.0]])
    alone = moment(path, [0, 1, 0, 1], measured=measurement(path, [0, 1, 0, 1]))
    lost = named(recovery(run([alone], np.ones((4, 4), bool))), "Theorem 4")
    assert lost.hypotheses[0].held == (False,)


def test_the_component_model_never_meets_assumption_1() -> None:
    lines = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    alone = moment(lines, [0, 1, 0], measured=measurement(lines, [0, 1, 0]))
    found = named(recovery(run([alone], EVERY)), "Theorem 3")
    assert found.applied == 0.0


def test_gaps_inside_a_round_and_across_a_refresh() -> None:
    """Two conflicting tasks. Each round alternates, and the refresh turns the order round."""
    two = np.array([[1.0, 0.0], [-1.0, 0.0]])
    active = np.array([[1, 0], [0, 1], [1, 0], [0, 1], [0, 1], [1, 0], [0, 1], [1, 0]], dtype=bool)
    log = run([moment(two, [0, 1], 0), moment(two, [1, 0], 4)], active)
    found = staleness(log)
    assert named(found, "Proposition 8").conclusion == Held(
        "gaps inside a round <= Delta + 1 steps", (True, True), "rounds"
    )
    repaired = named(found, "Staleness across a refresh, repaired")
    assert repaired.conclusion is not None
    assert repaired.conclusion.held == (True,)  # 3 = m_old + m_new - 1
    assert repaired.tightness is not None
    assert repaired.tightness.values == (1.0,)
    across = named(found, "Staleness over the whole run")
    assert across.conclusion is not None
    assert across.conclusion.held == (False,)  # task 0: from step 2 to step 5
    assert across.tightness is not None
    assert across.tightness.values == (1.5,)


def test_a_task_that_a_round_forgot_has_starved() -> None:
    three = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    active = np.eye(3, dtype=bool)[[0, 1, 0, 1]]
    log = run([moment(three, [0, 1, 2], 0), moment(three, [0, 1, 2], 2)], active, refresh_period=2)
    found = named(staleness(log), "No task starves")
    assert found.applied == 0.0
    assert found.conclusion is not None
    assert found.conclusion.held == (False, False)


def test_one_class_is_the_only_unbiased_cycle() -> None:
    both = moment(PAIR, [0, 0, 1], measured=measurement(PAIR, [0, 0, 1]))
    one = moment(np.eye(3), [0, 0, 0], measured=measurement(np.eye(3), [0, 0, 0]))
    found = convergence(run([both, one], EVERY))[0]
    assert found.hypotheses[0].held == (False, False, True)
    assert found.tightness is not None
    # grad F = (-0.1, 1), classes (0.9, 1) and (-1, 0): each is away by the other.
    size = math.sqrt(1.01)
    assert found.tightness.values == pytest.approx([1 / size, math.sqrt(1.81) / size, 0.0])


def test_the_bounds_and_the_truth_are_told_apart() -> None:
    """Orthogonal classes, no curvature between them: eq. 59 has no gain to show."""
    axes = np.eye(2)
    found = comparison(
        run(
            [
                moment(axes, [0, 1], measured=measurement(axes, [0, 1])),
                moment(axes, [0, 1], measured=measurement(axes, [0, 1], scheduled=0.4)),
            ],
            np.ones((4, 2), bool),
        )
    )
    six = named(found, "Theorem 6")
    assert six.hypotheses[0].held == (True, True)
    assert six.hypotheses[1].held == (True, True)
    assert six.hypotheses[2].held == (False, False)
    truth = named(found, "The bounds").conclusion
    assert truth is not None
    assert truth.held == (False, True)


def test_eq_59_holds_where_curvature_pays() -> None:
    """Strong negative cross terms and no drift: the condition and the bounds agree."""
    axes = np.eye(2)
    cross = np.array([[0.0, -1.5], [-1.5, 0.0]])
    # grad F(x_1) gains 0.1 * 1.5 along G_2: the second step descends by 1 + 0.15.
    paid = measurement(
        axes,
        [0, 1],
        cross=cross,
        class_smoothness=np.zeros(2),
        step_descent=np.array([1.0, 1.15]),
    )
    found = comparison(run([moment(axes, [0, 1], measured=paid)], np.ones((4, 2), bool)))
    six = named(found, "Theorem 6")
    assert six.applied == 1.0
    assert six.conclusion is not None
    assert six.conclusion.held == (True,)


def test_shares_and_quantiles() -> None:
    assert Held("x", ()).share is None
    assert Held("x", (True, False, True, True)).share == 0.75
    assert Tightness("x", ()).quantiles() is None
    assert Tightness("x", (3.0, 1.0, 2.0)).quantiles() == (1.0, 2.0, 3.0)
    both = Applied("x", (), (Held("a", (True, False)), Held("b", (True, True)), Held("c", ())))
    assert both.applied == 0.5


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored run of 60 steps, and one that was never refreshed."""
    from simulations.training.command import trace

    path = tmp_path_factory.mktemp("applies") / "store.sqlite"
    small = ["--width", "4", "--batch-size", "16", "--measure-every", "2", "--store", str(path)]
    for more in (["--steps", "60", "--refresh", "10"], ["--steps", "5", "--refresh", "10"]):
        result = CliRunner().invoke(trace, [*small, *more])
        assert result.exit_code == 0, result.output
    return path


def keys(store: Path) -> dict[int, str]:
    from songoku_theory.storage import read_rows

    rows = read_rows(store, "trace")
    return dict(rows.select("steps", "key").unique().iter_rows())


def test_a_stored_run_is_read_back(store: Path) -> None:
    log = read_run(store, keys(store)[60])
    assert len(log.moments) == 6
    assert [m.measured is not None for m in log.moments] == [True, False] * 3
    assert log.active.shape == (60, 6)
    assert log.data.endswith("(EXACT)")
    for found in log.moments:
        np.testing.assert_allclose(found.gram, found.gram.T)
        assert (found.edges == ((found.cosines < -found.tau) & ~np.eye(6, dtype=bool))).all()
        if found.measured is not None:
            members = found.colors[:, None] == np.arange(found.num_classes)
            between = members.T @ found.measured.means @ members
            np.testing.assert_allclose(found.measured.between, between, rtol=1e-6, atol=1e-9)


def test_the_command_in_words_and_as_json(store: Path) -> None:
    key = keys(store)[60][:10]
    shown = CliRunner().invoke(applies, [key, "--store", str(store)])
    assert shown.exit_code == 0, shown.output
    assert "6 refreshes, 3 of them measured" in shown.output
    assert "Proposition 9" in shown.output
    assert "COL-P9" in shown.output
    found = json.loads(CliRunner().invoke(applies, [key, "--store", str(store), "--json"]).output)
    assert found["refreshes"] == 6
    colours = next(it for it in found["theorems"] if it["theorem"].startswith("Proposition 9"))
    assert colours["conclusion"]["share"] == 1.0


@pytest.mark.parametrize(
    ("wanted", "error", "message"),
    [
        (None, InvalidInputError, "2 runs fit"),
        ("zzzz", UnknownNameError, "no stored run has a key that starts with 'zzzz'"),
        (5, InvalidInputError, "was never refreshed"),
    ],
)
def test_a_run_that_can_not_be_told(
    store: Path, wanted: str | int | None, error: type[Exception], message: str
) -> None:
    name = keys(store)[wanted] if isinstance(wanted, int) else wanted
    with pytest.raises(error, match=message):
        read_run(store, name)
