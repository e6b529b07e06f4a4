"""From a run's folder to rows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from simulations.experiments import get_experiment
from simulations.sweep.cell import make_cell
from simulations.training.run.stored import COLUMNS, diverged_rows, folder_rows
from simulations.training.table.cells import run_tuning, settings_text
from simulations.training.table.runs import run_of
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.storage.codec import decode_rows, encode_rows

RESULT = {
    "run": {"data": "NEAR 0123"}, "benchmark": "stocks_fb", "data": "NEAR", "notes": ["A note."],
    "finished": True, "steps": 4, "steps_per_epoch": 2, "seconds": 1.5,
    "work": {"forwards": 4, "backwards": 6, "task_updates": 7},
    "tasks": {
        "go on": {"role": "main", "chance": 0.5, "higher_is_better": {"accuracy": True},
                  "validation": {"accuracy": 0.6}, "test": {"accuracy": 0.7}},
        "go": {"role": "negative", "chance": 1.0, "higher_is_better": {"MAE": False},
               "validation": {"MAE": 0.4}, "test": {"MAE": 0.3}},
    },
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(RESULT))
    (tmp_path / "metrics.csv").write_text(
        "step,split,task,metric,value\n2,validation,go on,accuracy,0.5\n"
        "2,validation,go,MAE,nan\n4,validation,go on,accuracy,0.6\n4,test,go on,accuracy,0.7\n"
    )
    (tmp_path / "losses.csv").write_text("step,task,mean_loss,updates,observed\n2,go,0.25,1,2\n")
    (tmp_path / "classes.csv").write_text("step,class,tasks\n2,0,go go on\n4,0,go on\n4,1,go\n")
    (tmp_path / "work.csv").write_text("step,forwards,backwards,task_updates\n2,2,3,4\n4,4,6,7\n")
    return tmp_path


def chosen(rows, kind, *columns):
    return [tuple(row[c] for c in columns) for row in rows if row["kind"] == kind]


def test_every_file_becomes_rows(folder):
    rows = folder_rows(folder)
    assert all(set(row) == set(COLUMNS) for row in rows)
    assert chosen(rows, "provenance", "label") == [("NEAR",)]
    assert chosen(rows, "digest", "label") == [("0123",)]
    assert chosen(rows, "task_name", "i", "label") == [(0, "go on"), (1, "go")]
    assert chosen(rows, "chance", "i", "metric", "value") == [(0, "accuracy", 0.5), (1, "MAE", 1.0)]
    assert chosen(rows, "higher_is_better", "i", "metric", "value") == [
        (0, "accuracy", 1.0), (1, "MAE", 0.0),
    ]  # fmt: skip
    assert chosen(rows, "score", "step", "i", "split", "metric", "value") == [
        (2, 0, "validation", "accuracy", 0.5), (2, 1, "validation", "MAE", None),
        (4, 0, "validation", "accuracy", 0.6), (4, 0, "test", "accuracy", 0.7),
    ]  # fmt: skip
    assert chosen(rows, "loss", "step", "i", "value") == [(2, 1, 0.25)]
    assert ("steps_per_epoch", 2.0) in chosen(rows, "work", "label", "value")
    assert (2, "backwards", 3.0) in chosen(rows, "work_at", "step", "label", "value")
    assert chosen(rows, "seconds", "value") == [(1.5,)]


def test_classes_are_read_though_names_hold_spaces(folder):
    """'go go on' is 'go' and 'go on': the longest name that fits is taken, and the whole line."""
    rows = chosen(folder_rows(folder), "class", "refresh", "step", "i", "value")
    assert rows == [(1, 2, 1, 0.0), (1, 2, 0, 0.0), (2, 4, 0, 0.0), (2, 4, 1, 1.0)]
    (folder / "classes.csv").write_text("step,class,tasks\n2,0,stop\n")
    with pytest.raises(InvalidInputError, match="found 'stop'"):
        folder_rows(folder)


def test_rows_of_refreshes_come_along_and_name_the_classes(folder):
    (folder / "refreshes.csv").write_text(
        "kind,refresh,step,i,j,value,label\ntau,1,2,-1,-1,0.2,\nclass,1,2,0,-1,1.0,\n"
        "cosine,1,2,0,1,-0.5,\nsetting,-1,-1,-1,-1,,policy=cycle\n"
    )
    rows = folder_rows(folder)
    assert chosen(rows, "class", "i", "value") == [(0, 1.0)]
    assert chosen(rows, "cosine", "i", "j", "value") == [(0, 1, -0.5)]
    assert chosen(rows, "setting", "label", "value") == [("policy=cycle", None)]


def test_a_folder_without_a_finished_run_is_refused(folder):
    (folder / "losses.csv").unlink()
    with pytest.raises(InvalidInputError, match=r"losses.csv can't be read"):
        folder_rows(folder)
    (folder / "result.json").write_text(json.dumps({**RESULT, "finished": False}))
    with pytest.raises(InvalidInputError, match="no finished run"):
        folder_rows(folder)
    with pytest.raises(InvalidInputError, match="no finished run"):
        folder_rows(folder / "nowhere")


def test_rows_are_read_back_as_a_run(folder):
    table = decode_rows(encode_rows(folder_rows(folder), COLUMNS))
    run = run_of("k", {"seed": 1}, "done", None, 2.0, table, {})
    assert run.finished
    assert [(t.name, t.role, t.metric) for t in run.tasks] == [
        ("go on", "main", "accuracy"), ("go", "negative", "MAE"),
    ]  # fmt: skip
    assert run.scores["validation", "go on", "accuracy"] == {2: 0.5, 4: 0.6}
    assert ("validation", "go", "MAE") not in run.scores
    assert run.work_at["backwards"] == {2: 3.0, 4: 6.0}
    assert run.last("test", "go on", "accuracy") == 0.7
    assert run.training_seconds == 1.5
    table = decode_rows(encode_rows(diverged_rows(7, "the loss of go"), COLUMNS))
    gone = run_of("k", {"seed": 1}, "done", None, 2.0, table, {})
    assert not gone.finished
    assert gone.diverged == "the loss of go"


def cell(**changes):
    method = changes.pop("options", {})
    text = settings_text(
        ("cnn_bilstm", {"channels": 2, "recurrent": 2, "embedding": 2, "hidden": 4}), {},
        {"steps": 2, "batch_size": 4, "test_examples": 4}, method,
    )  # fmt: skip
    given = {"benchmark": "stocks_fb", "method": "uniform", "seed": 3, "preset": "mine"}
    return make_cell(get_experiment("training"), {**given, "settings": text, **changes})


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"method": "son_gou"}, UnknownNameError, "Did you mean 'son_goku'"),
        ({"method": "cagrad", "options": {"d": 1}}, UnknownNameError, "option of cagrad"),
        ({"method": "single_task"}, InvalidInputError, "names the task"),
        ({"task": "return_KO"}, InvalidInputError, "names the task"),
        ({"settings": "{"}, InvalidInputError, "should be JSON"),
        ({"settings": "{}"}, InvalidInputError, "architecture, options, data"),
    ],
)
def test_a_cell_that_can_not_be_trained_is_refused_before_any_runs(changes, error, said):
    found = cell(**changes)
    with pytest.raises(error, match=said):
        found.experiment.check(found.params)
    fine = cell()
    fine.experiment.check(fine.params)


def test_the_runs_own_seed_decides_and_not_the_cells(stocks_root, monkeypatch):
    monkeypatch.setenv("SONGOKU_DATA", str(stocks_root))
    monkeypatch.delenv("SONGOKU_SCRATCH", raising=False)
    one, other = (run_tuning(cell().params, np.random.SeedSequence(n)) for n in (1, 2))
    another = run_tuning(cell(seed=4).params, np.random.SeedSequence(1))

    def scores(rows):
        return chosen(rows, "score", "i", "metric", "value")

    assert scores(one) == scores(other)
    assert scores(one) != scores(another)
    assert {row["split"] for row in one} == {"", "validation"}
