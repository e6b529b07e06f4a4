"""``songoku table1`` from end to end, on made-up prices and runs of three steps."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from click.testing import CliRunner

from simulations.sweep.store import StoreWriter
from simulations.training.table.recorded import load, recorded_folder, recorded_seeds
from simulations.training.table1_command import table1
from songoku_theory.errors import InvalidInputError, StoreError, UnknownNameError
from songoku_theory.storage.codec import decode_rows

PAIR = ("--benchmark", "stocks_fb", "--method", "son_goku")
WHOLE = (*PAIR, "--method", "single_task", "--seeds", "0-1")


def invoke(tiny, root, store, *more):
    """Run the command in this process; errors come out as they are."""
    given = [
        "--preset", "smoke", "--config", str(tiny), "--data-root", str(root), "--store",
        str(store), "--workers", "1", *more,
    ]  # fmt: skip
    before = {name: os.environ.get(name) for name in ("SONGOKU_DATA", "SONGOKU_SCRATCH")}
    try:
        return CliRunner().invoke(table1, given, catch_exceptions=False, prog_name="table1")
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@pytest.fixture
def call(tiny, stocks_root):
    """A function (store, ..., root=) that runs the command."""

    def run(store, *more, root=stocks_root):
        return invoke(tiny, root, store, *more)

    return run


@pytest.fixture(scope="session")
def trained(tiny_text, stocks_root, tmp_path_factory):
    """A whole small table: its store, and what the command printed."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.toml").write_text(tiny_text)
    result = invoke(folder / "tiny.toml", stocks_root, folder / "s.sqlite", *WHOLE, "--json")
    assert result.exit_code == 0, result.output
    assert not list(folder.rglob("*.pt"))
    return folder / "s.sqlite", result


@pytest.fixture
def copied(trained, tmp_path):
    """That store, to be written to."""
    return shutil.copy(trained[0], tmp_path / "copy.sqlite")


def keys_and_rows(store):
    """Each cell's rows but for the times in them."""
    with closing(sqlite3.connect(store)) as connection:
        found = connection.execute("SELECT key, rows FROM cells").fetchall()
    kept = {}
    for key, text in found:
        rows = list(zip(*decode_rows(text).values(), strict=True))
        kept[key] = [row for row in rows if "seconds" not in row]
    return kept


def test_tunes_trains_and_prints(trained):
    told = json.loads(trained[1].stdout)
    (bench,) = told["benchmarks"]
    assert bench["provenance"] == "NEAR"
    assert bench["steps"] == 3
    assert [line["method"] for line in bench["methods"]] == ["uniform", "son_goku", "single_task"]
    assert set(bench["methods"][1]["equal_steps"][0]["values"]) == {"0", "1"}
    assert {len(one["gains"]) for one in told["tuning"]["chosen"]} == {2}
    assert "tuning: 12 runs, 0 stored already" in trained[1].stderr
    assert "table: 12 runs, 0 stored already" in trained[1].stderr
    main = [one["task"] for one in told["tuning"]["chosen"] if one["method"] == "single_task"]
    assert main == ["return_MCD", "return_KO", "return_WMT", "return_PG"]


def test_what_is_stored_is_not_run_again_and_needs_no_data(call, trained, copied, tmp_path):
    again = call(copied, *WHOLE, "--json", root=tmp_path / "nowhere")
    assert again.exit_code == 0
    assert "tuning: all 12 runs are stored" in again.stderr
    assert "table: all 12 runs are stored" in again.stderr
    assert json.loads(again.stdout) == json.loads(trained[1].stdout)
    assert keys_and_rows(copied) == keys_and_rows(trained[0])


def test_tables_as_text_markdown_and_csv(call, trained, tmp_path):
    files = ("--csv", str(tmp_path / "t.csv"), "--markdown", str(tmp_path / "t.md"))
    text = call(trained[0], *WHOLE, "--stored", *files)
    assert "STOCKS-F&B (NEAR): test scores at equal steps" in text.stdout
    assert "STOCKS-F&B (NEAR): at equal work" in text.stdout
    lines = (tmp_path / "t.csv").read_text().splitlines()
    ours = [line for line in lines if ",SON-GOKU," in line]
    kinds = [["equal steps", "test"], ["equal work", "validation"]]
    assert [line.split(",")[2:4] for line in ours[:6]] == [kind for kind in kinds for _ in range(3)]
    assert "log loss (nats)" in ours[2]
    assert "mean log loss (nats) ↓ 1." in text.stdout or "mean log loss (nats) ↓ 0." in text.stdout
    assert "| Uniform |" in (tmp_path / "t.md").read_text()


def test_tuning_cells_hold_no_test_score(trained):
    splits = {}
    with closing(sqlite3.connect(trained[0])) as connection:
        for name, text in connection.execute("SELECT experiment, rows FROM cells"):
            splits.setdefault(name, set()).update(decode_rows(text)["split"])
    assert splits == {"tuning": {"", "validation"}, "training": {"", "validation", "test"}}


def test_killed_without_warning_it_goes_on_to_the_same_rows(
    call, tiny, stocks_root, trained, tmp_path
):
    store = tmp_path / "s.sqlite"
    program = "from simulations.training.table1_command import table1; table1()"
    given = ["--preset", "smoke", "--config", str(tiny), "--data-root", str(stocks_root),
             "--store", str(store), "--workers", "1", *PAIR, "--seeds", "0"]  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-c", program, *given], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        while child.poll() is None and _count(store) < 1:
            time.sleep(0.01)
        assert child.poll() is None, "it ended before it could be killed"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    held = keys_and_rows(store)
    assert 1 <= len(held) < 6
    assert call(store, *PAIR, "--seeds", "0").exit_code == 0
    whole, ended = keys_and_rows(trained[0]), keys_and_rows(store)
    assert len(ended) == 6
    assert ended == {key: whole[key] for key in ended}
    assert held == {key: whole[key] for key in held}


def _count(store):
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM cells").fetchone()[0]
    except sqlite3.Error:
        return 0


def test_candidates_that_diverge_are_shown_and_neither_chosen_nor_tried_again(call, tiny, tmp_path):
    tiny.write_text(
        tiny.read_text().replace(
            "son_goku = [{ lr = 1e-3, tau = 0.0 }",
            "mgda = [{ lr = 1e36 }, { lr = 1e37 }]\nson_goku = [{ lr = 1e36, tau = 0.0 }",
        )
    )
    store, asked = tmp_path / "s.sqlite", (*PAIR, "--method", "mgda", "--seeds", "0")
    result = call(store, *asked, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    chosen = {one["method"]: one for one in told["tuning"]["chosen"]}
    assert chosen["son_goku"]["gains"][0] is None
    assert chosen["son_goku"]["chosen"] == {"lr": 1e-3, "tau": 0.2}
    assert chosen["mgda"]["gains"] == [None, None]
    lines = {line["method"]: line for line in told["benchmarks"][0]["methods"]}
    assert lines["mgda"]["every_candidate_diverged"]
    assert lines["mgda"]["equal_steps"][0]["mean"] is None
    again = call(store, *asked)
    assert "tuning: all 6 runs are stored" in again.stderr
    assert "every candidate diverged" in again.stdout.replace("\n", " ")
    assert "none: all diverged" in again.stdout


def test_a_dry_run_says_how_much_and_stores_nothing(call, tmp_path):
    store = tmp_path / "s.sqlite"
    result = call(store, *PAIR, "--seeds", "0-2", "--dry-run")
    assert "stocks_fb: 4 tuning runs and 6 runs of the table to do, about" in result.stdout
    assert "expected time: about" in result.stdout
    assert not store.exists()


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        (("--benchmark", "stok"), UnknownNameError, "unknown benchmark 'stok'"),
        (("--method", "son_gou"), UnknownNameError, "Did you mean 'son_goku'"),
        ((*PAIR, "--seeds", "99"), InvalidInputError, "seed 99 tunes the methods"),
    ],
)
def test_bad_input_is_one_clear_error_before_anything_runs(call, tmp_path, more, error, said):
    store = tmp_path / "s.sqlite"
    with pytest.raises(error, match=said):
        call(store, *more)
    assert not store.exists()


def test_an_empty_data_root_is_found_before_anything_runs(call, tmp_path):
    store, empty = tmp_path / "s.sqlite", tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidInputError, match="expected the tickers of STOCKS-F&B"):
        call(store, *PAIR, root=empty)
    with pytest.raises(InvalidInputError, match="is no folder"):
        call(store, root=tmp_path / "nowhere")
    assert not store.exists()


def test_other_data_than_the_stored_runs_had_are_refused(call, copied, stocks_root, tmp_path):
    other = tmp_path / "other" / "stocks"
    other.mkdir(parents=True)
    for path in (stocks_root / "stocks").iterdir():
        text = path.read_text().splitlines()
        (other / path.name).write_text("\n".join([text[0], *text[9:]]) + "\n")
    with pytest.raises(InvalidInputError, match="are not those of the runs"):
        call(copied, *PAIR, "--seeds", "0-2", root=tmp_path / "other")


def test_a_second_writer_is_refused(call, copied):
    with StoreWriter(copied), pytest.raises(StoreError, match="is being written by"):
        call(copied, *PAIR, "--seeds", "0")


def test_runs_recorded_as_files_make_the_same_table(call, trained, tmp_path):
    copy, folder = tmp_path / "b.sqlite", tmp_path / "recorded"
    call(trained[0], *WHOLE, "--stored", "--export", str(folder))
    assert load(folder, copy) == (24, 0)
    assert load(folder, copy) == (0, 24)
    again = call(copy, *WHOLE, "--stored", "--json", root=tmp_path / "nowhere")
    a, b = json.loads(trained[1].stdout), json.loads(again.stdout)
    assert b["tuning"] == a["tuning"]
    for mine, theirs in zip(
        a["benchmarks"][0]["methods"], b["benchmarks"][0]["methods"], strict=True
    ):
        assert mine["settings"] == theirs["settings"]
        for x, y in zip(mine["equal_steps"], theirs["equal_steps"], strict=True):
            assert y["values"] == pytest.approx(x["values"], rel=1e-6)
    asks = "SELECT key, value FROM cells JOIN provenance ON provenance_id = id ORDER BY key"
    with closing(sqlite3.connect(trained[0])) as one, closing(sqlite3.connect(copy)) as other:
        assert one.execute(asks).fetchall() == other.execute(asks).fetchall()


def test_a_run_that_is_there_is_never_replaced_by_a_recorded_one(call, copied, tmp_path):
    folder = tmp_path / "recorded"
    call(copied, *WHOLE, "--stored", "--export", str(folder))
    before = keys_and_rows(copied)
    rows = folder / "stocks_fb-rows.csv"
    rows.write_text(rows.read_text().replace(",validation,", ",test,"))
    assert load(folder, copied) == (0, 24)
    assert keys_and_rows(copied) == before


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("rows", lambda text: text[:-20], "cut off"),
        ("rows", lambda text: text.replace("NEAR", "NEAR,", 1), "recorded runs"),
        ("runs", lambda text: text.replace('""seed"": 99', '""seed"": 98'), "changed since"),
        ("runs", lambda text: text.replace("run,key", "ran,key"), "expected the columns"),
        ("rows", lambda text: text.splitlines()[0] + "\n", "has no rows"),
    ],
)
def test_recorded_files_that_are_damaged_are_refused_whole(
    call, trained, tmp_path, name, change, said
):
    folder = tmp_path / "recorded"
    call(trained[0], *WHOLE, "--stored", "--export", str(folder))
    path = folder / f"stocks_fb-{name}.csv"
    path.write_text(change(path.read_text()))
    with pytest.raises(InvalidInputError, match=said):
        load(folder, tmp_path / "b.sqlite")
    assert not (tmp_path / "b.sqlite").exists()


def test_the_seeds_that_were_recorded_are_those_of_the_files():
    assert recorded_seeds(recorded_folder("small")) == (0, 1, 2, 3, 4)
