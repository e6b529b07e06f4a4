"""``songoku group`` from end to end on a tiny file in ETT's layout, and what it refuses."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from simulations.sweep.cell import make_cell
from simulations.training.benchmarks import ett
from simulations.training.formats.ett_csv import ETT_SERIES
from simulations.training.group_command import group
from simulations.training.grouping import recorded
from simulations.training.grouping.run import PACKAGE, grouping_settings, stored_rows
from simulations.training.grouping.study import study_of
from simulations.training.grouping.verdict import WAYS
from simulations.training.grouping.whole import whole_study
from simulations.training.run.settings import available_presets
from songoku_theory.errors import InvalidInputError, SongokuError, UnknownNameError
from songoku_theory.storage import experiments, read_cells, read_rows

ROWS = 600
CONFIG = """
[benchmark.ett]
options = { patch = 8, width = 8, heads = 2, layers = 1 }
data = { history = 16, horizon = 8 }
training = { steps = 3, batch_size = 4, optimiser = "sgd", lr = 0.01, test_examples = 8 }
[grouping]
random_draws = 1
min_sizes = [4]
max_sizes = []
"""


@pytest.fixture
def songoku(tmp_path, monkeypatch):
    """Call the command; the file has 600 hours in place of two years."""
    monkeypatch.setenv("SONGOKU_DATA", str(tmp_path))  # the command sets it: put it back after
    monkeypatch.setitem(ett._ROWS, "ETTh1.csv", ROWS)
    draw = np.random.default_rng(0)
    values = draw.normal(size=(ROWS, 7)).cumsum(axis=0)
    start = datetime(2016, 7, 1)
    lines = [",".join(("date", *ETT_SERIES))]
    lines += [
        f"{start + timedelta(hours=i)}," + ",".join(f"{v:.4f}" for v in row)
        for i, row in enumerate(values)
    ]
    (tmp_path / "ett").mkdir()
    (tmp_path / "ett" / "ETTh1.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "config.toml").write_text(CONFIG)

    def call(*arguments, config="config.toml"):
        done = CliRunner().invoke(
            group,
            [*arguments, "--preset", "smoke", "--config", str(tmp_path / config), "--store",
             str(tmp_path / "store.sqlite"), "--data-root", str(tmp_path)],
        )  # fmt: skip
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call


def test_affinity_groups_networks_and_table(songoku, tmp_path, monkeypatch):
    csv, folder = tmp_path / "rows.csv", tmp_path / "out"
    done = songoku("ett", "--csv", str(csv), "--export", str(folder))
    assert done.exit_code == 0, done.output
    for said in ("Grouping the 7 tasks of ett (NEAR)", "PTG: from the row's task", "ptg, Table 9",
                 "Lazy collection (PTG 5.4)", "The optimum was not enumerated",
                 "min_size=4: infeasible, 2 groups of at least 4 tasks need 8 tasks"):  # fmt: skip
        assert said in done.output
    store = tmp_path / "store.sqlite"
    assert experiments(store) == ["grouping", "grouping_affinity", "grouping_network"]
    (cell,) = read_cells(store, "grouping").iter_rows(named=True)

    # the same command runs nothing and says the same
    networks = len(read_cells(store, "grouping_network"))
    again = songoku("ett", "--json")
    assert len(read_cells(store, "grouping_network")) == networks
    rows = json.loads(again.stdout)
    assert again.stderr == ""
    assert recorded.read_csv(csv.read_text(), "rows.csv") == rows
    assert {r["method"] for r in rows if r["kind"] == "mean"} <= set(WAYS)

    # more random groups share every network that is there
    (tmp_path / "more.toml").write_text(CONFIG.replace("random_draws = 1", "random_draws = 2"))
    songoku("ett", config="more.toml")
    assert networks < len(read_cells(store, "grouping_network")) <= networks + 4

    # a sweep that runs the cell in one go gets the same rows, but for those of seconds
    in_one_go = whole_study(json.loads(cell["params"]))
    timed = [r["kind"] == "speedup" and r["label"] == "seconds" for r in rows]
    assert sum(timed) == 2
    assert [r for r, t in zip(in_one_go, timed, strict=True) if not t] == [
        r for r, t in zip(rows, timed, strict=True) if not t
    ]

    # what was exported is shown and stored without training
    package = tmp_path / "package"
    (package / "recorded").mkdir(parents=True)
    folder.rename(package / "recorded" / "grouping")
    monkeypatch.setattr(recorded, "files", lambda name: package)
    elsewhere = tmp_path / "elsewhere.sqlite"
    shown = CliRunner().invoke(group, ["ett", "--recorded", "--store", str(elsewhere), "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout) == rows
    assert len(read_rows(elsewhere, "grouping")) == len(rows)
    (held,) = read_cells(elsewhere, "grouping").iter_rows(named=True)
    assert held["key"] == cell["key"]
    unknown = CliRunner().invoke(group, ["cifar10", "--recorded", "--store", str(elsewhere)])
    assert isinstance(unknown.exception, UnknownNameError)
    assert "recorded comparison 'cifar10'" in str(unknown.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["etx"], "benchmark 'etx'. Did you mean 'ett'"),
        (["ett", "--groups", "8"], "7 tasks can't fill 8 groups; ask for at most 7"),
        (["ett", "--cannot-link", "HUFL,OX"], "task 'OX'. Did you mean 'OT'"),
        (["ett", "--must-link", "HUFL"], "a link should name two tasks"),
        (["ett", "--must-link", "OT,OT"], "pairs of different tasks; found OT,OT"),
        (["ett", "--must-link", "HUFL,OT", "--cannot-link", "OT,HUFL"],
         "tasks 0 and 6 can't be linked, and must-links tie them together"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_anything_is_trained(songoku, tmp_path, arguments, said):
    with pytest.raises(SongokuError) as caught:
        songoku(*arguments)
    assert said in str(caught.value)
    assert not (tmp_path / "store.sqlite").exists()


@pytest.mark.parametrize("numbers", ["0-2", "2,2", "two", "4-2"])
def test_numbers_of_groups_are_read_with_care(songoku, numbers):
    done = songoku("ett", "--groups", numbers)
    assert done.exit_code == 2
    assert "should be like 2-4 or 2,3, all at least 1" in done.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("grouping = 3", "wrong.toml: grouping should be a table; found 3"),
        (CONFIG.replace("steps = 3", "steps = 2"), "less than the run's 2 steps, .* found 2"),
    ],
)
def test_settings_without_a_meaning_are_refused(songoku, tmp_path, text, said):
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(InvalidInputError, match=said):
        songoku("ett", config="wrong.toml")


def test_a_run_that_diverges_is_named(songoku, tmp_path):
    wild = CONFIG.replace("lr = 0.01", "lr = 1e30")
    (tmp_path / "wild.toml").write_text(wild)
    with pytest.raises(SongokuError, match=r"2 of 2 runs failed, .* ett seed 0"):
        songoku("ett", config="wild.toml")


def test_recorded_rows_that_don_t_fit_are_refused():
    with pytest.raises(InvalidInputError, match="should have the columns kind, method"):
        recorded.read_csv("kind,value\n", "ett.csv")
    text = recorded.csv_text([]) + "mean,ptg,,2,0,-1,-1,-1,-1,-1,much,,,-1,\n"
    with pytest.raises(InvalidInputError, match="line 2: could not convert"):
        recorded.read_csv(text, "ett.csv")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """What comes along for yeast, in a folder in which it may be damaged."""
    whole = recorded.files("simulations.training") / "recorded" / "grouping"
    folder = tmp_path / "package" / "recorded" / "grouping"
    folder.mkdir(parents=True)
    for name in ("yeast.csv", "yeast.json"):
        (folder / name).write_bytes((whole / name).read_bytes())
    monkeypatch.setattr(recorded, "files", lambda name: tmp_path / "package")
    return folder


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("yeast.csv", lambda text: text[: len(text) // 2].rpartition("\n")[0] + "\n",
         "yeast.csv is not what yeast.json was written with .* truncated or changed"),
        ("yeast.csv", lambda text: text[: text.rindex("\nverdict") + 12],
         r"yeast.csv, line \d+: 15 columns are expected; found fewer"),
        ("yeast.csv", lambda text: text.replace(",0.5", ",0.6", 1), "sha256 differs"),
        ("yeast.csv", lambda text: "", "should have the columns .* found none"),
        ("yeast.json", lambda text: text[:100], "yeast can't be read: .* Install songoku again"),
        ("yeast.json", lambda text: "{}", "yeast.json lacks finished_at, params"),
    ],
)  # fmt: skip
def test_what_comes_along_is_whole_or_refused(package, tmp_path, name, damage, said):
    text = (package / name).read_text()
    assert damage(text) != text
    (package / name).write_text(damage(text))
    with pytest.raises(InvalidInputError, match=said) as caught:
        recorded.load_recorded("yeast", tmp_path / "store.sqlite")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store.sqlite").exists()


def test_rows_without_what_is_said_of_them_are_refused(package, tmp_path):
    (package / "yeast.json").unlink()
    with pytest.raises(InvalidInputError, match="recorded comparison of yeast can't be read"):
        recorded.load_recorded("yeast", tmp_path / "store.sqlite")


@pytest.mark.parametrize(
    "given", [("--groups", "3"), ("--seeds", "4"), ("--cannot-link", "HUFL,OT")]
)
def test_a_comparison_that_comes_along_has_no_other_settings(given, tmp_path):
    store = tmp_path / "store.sqlite"
    done = CliRunner().invoke(group, ["ett", "--recorded", *given, "--store", str(store)])
    assert done.exit_code == 2
    assert "it can't be had with --config, --groups" in done.output
    assert not store.exists()


@pytest.mark.parametrize("preset", available_presets(PACKAGE))
def test_every_preset_has_settings_that_make_sense(preset):
    from simulations.training.grouping.options import GroupingOptions

    settings = grouping_settings(preset)
    for benchmark in ("ett", "yeast"):
        options = GroupingOptions.of(settings.grouping(benchmark))
        study = study_of(settings, benchmark, preset, options)
        assert type(study).of(study.cell().params) == study


@pytest.mark.parametrize("benchmark", recorded.available_recorded())
def test_what_comes_along_loads(benchmark, tmp_path):
    rows = recorded.load_recorded(benchmark, tmp_path / "store.sqlite")
    kinds = {r["kind"] for r in rows}
    assert {"affinity", "group", "error", "mean", "difference", "needed", "verdict"} <= kinds
    # its params are those of a cell, under which it was stored
    (held,) = read_cells(tmp_path / "store.sqlite", "grouping").iter_rows(named=True)
    from simulations.experiments import get_experiment

    cell = make_cell(get_experiment("grouping"), json.loads(held["params"]))
    assert stored_rows(tmp_path / "store.sqlite", [cell])[0] == rows
