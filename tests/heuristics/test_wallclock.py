"""The experiment wallclock: what is timed is the work, and the rows say on what."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.experiments import get_experiment
from simulations.sweep.preset import load_preset, preset_cells
from simulations.wallclock.clock import devices, take_turns
from simulations.wallclock.methods import METHODS, SCHEDULED, run_plain, run_scheduled, workload
from simulations.wallclock.others import HEURISTICS
from songoku_theory.errors import InvalidInputError

WALLCLOCK = get_experiment("wallclock")
DEFAULTS = {name: param.default for name, param in WALLCLOCK.params.items()}
SMALL = {"steps": 6, "repeats": 2, "dim": 16, "periods": "2+3", "num_tasks": 4, "devices": "cpu"}


def rows_of(**params: object) -> list[dict[str, object]]:
    return WALLCLOCK.run({**DEFAULTS, **SMALL, **params}, np.random.SeedSequence(1))


def test_the_experiment_says_that_it_measures_time_and_no_other_does() -> None:
    assert WALLCLOCK.measures_time
    assert not get_experiment("recovery").measures_time


def test_every_method_of_table_4_is_timed_at_every_period() -> None:
    rows = rows_of()
    found = {(row["method"], row["refresh_period"]) for row in rows}
    assert found == {(name, 0) for name in METHODS} | {
        (name, period) for name in SCHEDULED for period in (2, 3)
    }
    for row in rows:
        assert set(row) == set(WALLCLOCK.columns)
        assert all(type(row[name]) is kind for name, kind in WALLCLOCK.columns.items())
        assert row["seconds"] > 0
        assert 1 <= row["running"] <= 4


def test_the_same_work_is_done_in_each_repeat_and_in_each_run() -> None:
    sinks: dict[tuple[object, object], set[object]] = {}
    for row in [*rows_of(), *rows_of(workload="noise")]:
        sinks.setdefault((row["method"], row["refresh_period"]), set()).add(row["sink"])
    assert all(len(found) == 1 for found in sinks.values())
    assert len({next(iter(found)) for found in sinks.values()}) > 8


def test_the_plain_sum_is_the_plain_sum() -> None:
    given = workload("noise", 5, 32, 4, "cpu", np.random.default_rng(0))
    norms = sum(float(rows.sum(0).norm()) for rows in given.gradients)
    assert run_plain("Uniform", given)() == pytest.approx(norms, rel=1e-6)


def test_groups_that_pull_apart_are_scheduled_apart() -> None:
    given = workload("groups", 6, 512, 40, "cpu", np.random.default_rng(0))
    run, running = run_scheduled("SON-GOKU", given, 4)
    run()
    assert running() < 3  # five groups of six tasks, after the first window
    steady = run_scheduled("SON-GOKU", given, 100)
    steady[0]()
    assert steady[1]() == 6.0  # no refresh: all tasks run


@pytest.mark.parametrize("study", ["heuristics", "sketches"])
def test_the_other_studies_time_each_subject(study: str) -> None:
    rows = rows_of(study=study, steps=2, num_tasks=12, dim=64, size=8)
    names = {row["method"] for row in rows}
    assert len(rows) == 2 * len(names)
    if study == "heuristics":
        assert set(HEURISTICS) < names
    else:
        assert {"exact", "gaussian", "sparse", "fd_rows", "incremental"} < names
    assert {row["device"] for row in rows} == {"cpu"}


def test_subjects_take_turns_after_a_round_that_is_not_counted() -> None:
    called: list[str] = []

    def subject(name: str) -> float:
        called.append(name)
        return float(len(called))

    found = take_turns({"a": lambda: subject("a"), "b": lambda: subject("b")}, 2)
    assert called == ["a", "b"] * 3
    assert [(one.name, one.repeat, one.sink) for one in found] == [
        ("a", 0, 3.0), ("b", 0, 4.0), ("a", 1, 5.0), ("b", 1, 6.0),
    ]  # fmt: skip


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert list(devices("all")) == ["cpu"]
    with pytest.raises(InvalidInputError, match="CUDA"):
        devices("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert list(devices("all")) == ["cpu", "cuda"]


def test_settings_are_checked_beforehand() -> None:
    assert WALLCLOCK.check is not None
    with pytest.raises(InvalidInputError, match="joined by"):
        WALLCLOCK.check({**DEFAULTS, "periods": "4,32"})
    with pytest.raises(InvalidInputError):
        WALLCLOCK.check({**DEFAULTS, "periods": "0+4"})


def test_the_paper_preset_is_appendix_l() -> None:
    cells = [c.params for c in preset_cells(load_preset("paper"), only="wallclock")]
    methods = [p for p in cells if p["study"] == "methods"]
    assert {p["num_tasks"] for p in methods} == {3, 6, 16, 40}
    assert {(p["dim"], p["steps"], p["repeats"], p["periods"]) for p in methods} == {
        (1024, 900, 10, "4+32+256")
    }
