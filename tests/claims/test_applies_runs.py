"""``songoku applies`` on runs of ``songoku train``: folders, stored runs, and what is none."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from proofs_check.applies.command import applies
from proofs_check.applies.comparison import comparison
from proofs_check.applies.convergence import convergence
from proofs_check.applies.finding import Applied, Held
from proofs_check.applies.premises import known
from proofs_check.applies.read_run import read_folder
from proofs_check.applies.report import as_json, at_measurements, hold, remarks
from proofs_check.applies.run_log import Curvature, Measurement, Moment, RunLog
from songoku_theory.errors import InvalidInputError
from songoku_theory.scheduler import SchedulerConfig

NAMES = ("a", "b", "c")
TAU = 0.1


def rows_of_a_run(seed: int = 0, steps: int = 12, every: int = 2) -> list[list[object]]:
    """Three tasks in two classes, R = 4, refreshed at 4 and 8; measured at `every`-th refreshes."""
    draw = np.random.default_rng(seed)
    rows: list[list[object]] = [
        ["setting", -1, -1, -1, -1, "", f"{name}={value}"]
        for name, value in (
            ("policy", "cycle"), ("refresh_period", 4), ("optimiser", "adam"), ("combine", "sum"),
            ("momentum", 0.0),
        )
    ]  # fmt: skip
    rows += [["class", 0, 0, i, -1, 0.0, ""] for i in range(3)]
    classes = np.array([0, 1, 0])
    for refresh in (1, 2):
        vectors = draw.normal(size=(3, 5))
        vectors[1] -= 2 * vectors[0]
        add_refresh(rows, refresh, 4 * refresh, vectors, classes)
        if (refresh - 1) % every == 0:
            add_measurement(rows, refresh, 4 * refresh, vectors + 0.01, classes)
    active = np.ones((steps, 3), dtype=bool)
    for step in range(4, steps):
        active[step] = classes == step % 2
    rows += [
        ["active", -1, int(s), int(i), -1, 1.0, ""] for s, i in zip(*active.nonzero(), strict=True)
    ]
    rows += [["updates", -1, -1, i, -1, float(active[:, i].sum()), ""] for i in range(3)]
    return rows


def add_refresh(rows, refresh, step, vectors, classes):
    norms = np.linalg.norm(vectors, axis=1)
    cosines = vectors @ vectors.T / np.outer(norms, norms)
    rows.append(["tau", refresh, step, -1, -1, TAU, ""])
    for i in range(3):
        rows.append(["class", refresh, step, i, -1, float(classes[i]), ""])
        rows.append(["norm", refresh, step, i, -1, norms[i], ""])
        rows.append(["n_eff", refresh, step, i, -1, 3.5, ""])
        for j in range(i + 1, 3):
            rows.append(["cosine", refresh, step, i, j, cosines[i, j], ""])
            rows.append(["edge", refresh, step, i, j, float(cosines[i, j] < -TAU), ""])


def add_measurement(rows, refresh, step, means, classes):
    norms = np.linalg.norm(means, axis=1)
    cosines = means @ means.T / np.outer(norms, norms)
    groups = np.stack([means[classes == r].sum(axis=0) for r in range(2)])
    for kind, value in (
        ("objective", 2.0), ("aggregated", 1.9), ("scheduled", 1.91), ("rate", 0.01),
        ("batches", 8.0), ("smoothness", 30.0), ("order_slope", 90.0), ("phi_slope", 5.0),
    ):  # fmt: skip
        rows.append([kind, refresh, step, -1, -1, value, ""])
    for i in range(3):
        for kind, value in (
            ("mean_norm", norms[i]), ("noise_total", 4.0 + i), ("noise_top", 1.0),
            ("mean_error", 0.1), ("drift", 0.2),
        ):  # fmt: skip
            if kind != "drift" or refresh > 1:
                rows.append([kind, refresh, step, i, -1, value, ""])
        for j in range(i + 1, 3):
            rows.append(["mean_cosine", refresh, step, i, j, cosines[i, j], ""])
            rows.append(["noise_dot", refresh, step, i, j, 0.5 * (i + j), ""])
    for r in range(2):
        for kind, value in (
            ("class_norm", np.linalg.norm(groups[r])), ("class_smoothness", 20.0),
            ("step_descent", 3.0 + r), ("step_norm", 2.0),
        ):  # fmt: skip
            rows.append([kind, refresh, step, r, -1, value, ""])
    rows.append(["class_dot", refresh, step, 0, 1, float(groups[0] @ groups[1]), ""])
    rows.append(["class_cross", refresh, step, 0, 1, -7.0, ""])


@pytest.fixture
def folder(tmp_path):
    def make(rows=None, method="son_goku", name="run", steps=12):
        path = tmp_path / name
        path.mkdir()
        result = {
            "run": {}, "benchmark": "ett", "data": "NEAR", "method": method, "seed": 3,
            "finished": True, "steps": steps, "tasks": {task: {} for task in NAMES},
        }  # fmt: skip
        (path / "result.json").write_text(json.dumps(result))
        if rows is not None:
            lines = ["kind,refresh,step,i,j,value,label"]
            lines += [",".join(map(str, row)) for row in rows]
            (path / "refreshes.csv").write_text("\n".join(lines) + "\n")
        return path

    return make


def test_a_folder_is_read_back(folder):
    run = read_folder(folder(rows_of_a_run()))
    assert run.tasks == NAMES
    assert run.data == "ett (NEAR), son_goku, seed 3"
    assert (run.params["refresh_period"], run.params["policy"]) == (4, "cycle")
    assert [m.step for m in run.moments] == [4, 8]
    assert [m.measured is not None for m in run.moments] == [True, False]
    found = run.moments[0].measured
    assert found is not None
    assert found.curvature is not None
    assert (found.rate, found.batches, found.curvature.smoothness) == (0.01, 8, 30.0)
    assert found.noise_dot is not None
    assert found.noise_dot.tolist() == [[4.0, 0.5, 1.0], [0.5, 5.0, 1.5], [1.0, 1.5, 6.0]]
    assert found.drift is None
    assert run.active.sum() == 3 * 4 + 4 + 8
    assert [len(window) for _, window in run.windows] == [4, 4]


def test_the_command_on_a_folder(folder):
    path = folder(rows_of_a_run(every=1))
    shown = CliRunner().invoke(applies, [str(path)])
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.output.split())
    assert "3 tasks, 12 steps, 2 refreshes, 2 of them measured." in text
    assert "The run steps with adam" in text
    assert "means over 8 training batches" in text
    assert "tau_eff against tau, on population gradients" in text
    assert "where it applied: true at" in text
    assert "agree" in text
    found = json.loads(CliRunner().invoke(applies, [str(path), "--json"]).output)
    assert found["schema"] == 2
    first = found["measurements"][0]
    # eta^2 times the slope, 0.009, against 1.91 - 1.9.
    assert first["predicted"] == pytest.approx(0.009)
    assert first["true"] == pytest.approx(0.01)
    assert first["agree"] == "yes"
    assert first["eta_l"] == pytest.approx(0.3)


def test_without_measurements_nothing_is_said_of_f(folder):
    rows = [row for row in rows_of_a_run(every=10**9) if row[0] != "objective"]
    run = read_folder(folder(rows))
    assert at_measurements(run) == []
    by_name = {it.theorem: it for it in hold(run)}
    assert by_name["Theorem 6 (a strictly tighter scheduled bound)"].applied is None
    assert by_name["Proposition 9 (at most Delta + 1 classes)"].conclusion is not None
    assert not any("plain gradient steps" in text for text in remarks(run))


def test_without_curvature_the_rest_is_held(folder):
    lost = ("smoothness", "class_smoothness", "class_cross", "order_slope", "phi_slope")
    rows = [row for row in rows_of_a_run() if row[0] not in lost]
    rows.append(["unmeasured", 1, 4, -1, -1, "", "curvature: no second derivative"])
    run = read_folder(folder(rows))
    assert remarks(run)[-1] == "Not measured: curvature: no second derivative."
    by_name = {it.theorem: it for it in hold(run)}
    assert by_name["Theorem 6 (a strictly tighter scheduled bound)"].hypotheses[0].share is None
    bias = by_name["Theorems 7 and 8 (convergence of SGD)"]
    assert len(bias.hypotheses[0].held) == 2
    assert bias.hypotheses[1].share is None
    assert at_measurements(run)[0]["agree"] is None
    json.dumps(as_json(run, hold(run)), allow_nan=False)


def test_a_long_run_is_judged_on_the_steps_that_were_recorded(folder):
    rows = [row for row in rows_of_a_run() if not (row[0] == "active" and row[2] >= 7)]  # type: ignore[operator]
    run = read_folder(folder(rows))
    assert (len(run.active), run.steps) == (7, 12)
    assert run.windows == []
    assert any("first 7 of 12 steps" in text for text in remarks(run))
    assert all(it.conclusion is None or not it.conclusion.held
               for it in hold(run) if it.theorem.startswith("Proposition 8"))  # fmt: skip


def test_not_a_run_is_one_clear_error(tmp_path, folder):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidInputError, match=r"holds no result\.json.*OUT/BENCHMARK/METHOD"):
        read_folder(empty)
    (empty / "checkpoint.pt").write_text("")
    with pytest.raises(InvalidInputError, match="stopped before its end; the same songoku train"):
        read_folder(empty)
    (empty / "result.json").write_text('{"something": 1}')
    with pytest.raises(InvalidInputError, match="is no result of songoku train"):
        read_folder(empty)
    with pytest.raises(InvalidInputError, match=r"is a run of uniform, which has no record"):
        read_folder(folder(None, method="uniform"))


def test_a_run_without_a_refresh(folder):
    rows = [row for row in rows_of_a_run() if row[1] in (-1, 0)]
    with pytest.raises(InvalidInputError, match=r"never refreshed in its 12 steps.*more than 4"):
        read_folder(folder(rows))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda text: text[:-4], r"line \d+: .* is no row of it"),
        (lambda text: text[: text.rindex("updates,-1,-1,2")], "'updates'.*for each of 3.*cut off"),
        (lambda text: "".join(text.partition("active,")[0]), "'updates'"),
        (lambda text: text.replace("kind,", "sort,"), "should begin with the columns"),
        (lambda text: _without(text, "cosine,2,8,0,2"), "'cosine', refresh 2.*3 pairs; found 2"),
        (lambda text: _without(text, "n_eff,1,4,1"), r"'n_eff', refresh 1.*those of \[0, 2\]"),
        (lambda text: _without(text, "objective,1") and _without(text, "scheduled,1"),
         "'scheduled', refresh 1.*one value"),
        (lambda text: _without(text, "active,-1,3,1"), "contradict each other"),
        (lambda text: text.replace("active,-1,3,1", "active,-1,99,1"), "steps beyond 12"),
    ],
)  # fmt: skip
def test_a_record_that_is_cut_off(folder, change, match):
    path = folder(rows_of_a_run())
    file = path / "refreshes.csv"
    spoilt = change(file.read_text())
    assert spoilt != file.read_text()
    file.write_text(spoilt)
    with pytest.raises(InvalidInputError, match=match):
        read_folder(path)


def _without(text: str, start: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.startswith(start))


def test_random_groups_and_other_updates_are_named(folder):
    rows = rows_of_a_run()
    for row in rows:
        row[6] = (
            str(row[6]).replace("=cycle", "=random_groups").replace("combine=sum", "combine=PCGrad")
        )
        row[6] = str(row[6]).replace("=adam", "=sgd").replace("momentum=0.0", "momentum=0.9")
    text = " ".join(remarks(read_folder(folder(rows))))
    for part in ("random groups", "combined by PCGrad", "sgd with momentum 0.9"):
        assert part in text


def make_run(measured: Measurement, classes: list[int], edges=None) -> RunLog:
    size = len(classes)
    conflicts = np.zeros((size, size), bool) if edges is None else edges
    moment = Moment(1, 2, TAU, np.array(classes), np.eye(size), np.ones(size),
                    np.full(size, 2.0), conflicts, measured)  # fmt: skip
    return RunLog("r", {"refresh_period": 2, "combine": "sum"}, "d", NAMES[:size], (moment,),
                  np.ones((4, size), bool), 4)  # fmt: skip


def measurement(means: np.ndarray, **changes) -> Measurement:
    size = len(means)
    found = Measurement(
        means=means @ means.T, noise_total=np.full(size, 2.0), noise_top=np.ones(size),
        drift=None, between=means @ means.T, rate=0.1, objective=1.0, aggregated=0.5,
        scheduled=0.6, step_descent=np.ones(size), step_norm=np.ones(size),
        curvature=Curvature(2.0, np.ones(size), np.zeros((size, size)), 1.0, 2.0),
    )  # fmt: skip
    return replace(found, **changes)


def test_bounds_on_f_and_how_much_they_promise():
    """UB_agg = 1 - 0.1 * 2 + 2 * 0.01 / 2 * 2 = 0.82: of the true decrease 0.5 it promises 0.18."""
    found = comparison(make_run(measurement(np.eye(2)), [0, 1]))
    assert found[0].theorem.startswith("Equation 50")
    assert found[0].conclusion is not None
    assert found[0].conclusion.held == (True,)
    assert found[0].tightness is not None
    assert found[0].tightness.values == pytest.approx([0.36])
    worse = comparison(make_run(measurement(np.eye(2), aggregated=0.83), [0, 1]))
    assert worse[0].conclusion is not None
    assert worse[0].conclusion.held == (False,)
    assert found[1].tightness is not None
    assert found[1].tightness.values == pytest.approx([(0.2 - 0.02) / 0.4])


@pytest.mark.parametrize(("scheduled", "slope", "agrees"), [
    (0.6, 1.0, True), (0.4, 1.0, False), (0.4, -1.0, True), (0.6, -1.0, False),
])  # fmt: skip
def test_the_sign_of_the_criterion_against_the_truth(scheduled, slope, agrees):
    bent = Curvature(2.0, np.ones(2), np.zeros((2, 2)), slope, 0.0)
    run = make_run(measurement(np.eye(2), scheduled=scheduled, curvature=bent), [0, 1])
    found = next(it for it in comparison(run) if it.theorem.startswith("Does the second"))
    assert found.conclusion is not None
    assert found.conclusion.held == (agrees,)
    assert at_measurements(run)[0]["agree"] == ("yes" if agrees else "no")


def test_the_rate_is_the_measurements_own():
    """A rate that fell to 0.6 of what 1 / L allows, and one above it."""
    for rate, held in ((0.3, True), (0.6, False)):
        found = convergence(make_run(measurement(np.eye(2), rate=rate), [0, 1]))[0]
        assert found.hypotheses[1].held == (held, held)


def test_an_error_of_mu_that_moves_an_edge():
    """Cosine -0.11 at tau 0.1; common noise of both tasks makes it look more like a conflict."""
    means = np.array([[1.0, 0.0], [-0.11, np.sqrt(1 - 0.11**2)]])
    edge = np.array([[False, True], [True, False]])
    for dot, stays in ((0.0, True), (-1.9, False)):
        dots = np.array([[2.0, dot], [dot, 2.0]])
        seen = measurement(means, mean_error=np.full(2, 0.2), noise_dot=dots)
        run = make_run(seen, [0, 1], edge)
        moment = run.moments[0]
        (found,) = known([(moment, seen)], [moment.cosines], [edge])
        assert found.conclusion is not None
        assert found.conclusion.held == (stays,)
    hidden = measurement(means, mean_error=np.full(2, 1.1), noise_dot=2 * np.eye(2))
    (found,) = known([(moment, hidden)], [moment.cosines], [edge])
    assert found.conclusion is not None
    assert found.conclusion.held == (False,)  # a gradient that can't be told from zero


def test_one_task_alone():
    found = hold(make_run(measurement(np.eye(1), scheduled=0.5), [0]))
    assert all(it.conclusion is None or all(it.conclusion.held) for it in found)
    (record,) = at_measurements(make_run(measurement(np.eye(1)), [0]))
    assert (record["gamma"], record["cosine_error"], record["predicted"]) == (0.9, 0.0, None)


def test_a_conclusion_is_counted_where_its_theorem_applied():
    said = Held("c", (True, False, False))
    met = Applied("t", (), (Held("a", (True, True, False)), Held("b", ())), said)
    assert met.concluded == (1, 2)
    assert Applied("t", (), (Held("a", (False,) * 3),), said).concluded is None
    assert Applied("t", (), (Held("a", (True,)),), said).concluded is None
    assert Applied("t", (), (), said).concluded is None


def test_the_settings_have_the_schedulers_names():
    config = SchedulerConfig(num_tasks=3)
    assert all(hasattr(config, name) for name in ("policy", "refresh_period", "phase"))
