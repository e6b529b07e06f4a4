"""The sub-commands of ``songoku sweep``, as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from polars.testing import assert_frame_equal

from songoku_theory.cli import app
from songoku_theory.errors import SongokuError
from songoku_theory.storage import read_cells, read_rows

Sweep = Callable[..., Result]
Preset = Callable[..., Path]


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """Run ``songoku sweep ARGUMENTS`` in this process, with a store of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SONGOKU_STORE", str(tmp_path / "store.sqlite"))
    monkeypatch.setenv("SONGOKU_TOY_FOLDER", str(tmp_path))

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(app, ["sweep", *map(str, arguments)])
        if result.exception is not None and not isinstance(
            result.exception, SongokuError | SystemExit
        ):
            raise result.exception
        return result

    return run


@pytest.fixture
def filled(sweep: Sweep, preset: Preset, tmp_path: Path) -> Path:
    assert sweep("run", preset(6), "--workers", 1).exit_code == 0
    return tmp_path / "store.sqlite"


def test_run_says_what_it_did_and_does_it_once(sweep: Sweep, preset: Preset) -> None:
    first = sweep("run", preset(5), "--workers", 1)
    assert first.exit_code == 0
    assert "5 cells, 0 stored already, 5 to run on 1 worker" in first.stderr
    assert "5 cells run" in first.stdout
    again = sweep("run", preset(5), "--workers", 1)
    assert "0 cells run in" in again.stdout
    assert "5 stored before" in again.stdout


def test_a_failed_cell_makes_the_status_non_zero(sweep: Sweep, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(
        '[[sweep]]\nexperiment = "toy"\n[sweep.grid]\nn = { range = [1, 8] }\n'
        'mood = ["good", "raise"]\n'
    )
    result = sweep("run", "bad.toml", "--workers", 1)
    assert result.exit_code == 1
    assert "error: 7 of 14 cells failed; the others are stored" in result.stderr
    assert "... and 2 more" in result.stderr
    assert read_cells(tmp_path / "store.sqlite")["status"].to_list().count("done") == 7
    status = sweep("status")
    assert "ValueError: a toy's failure" in status.stdout
    assert "... and 2 more" in status.stdout
    key = status.stdout.split("failed: toy ")[1][:8]
    assert "Traceback" in sweep("show", key).stdout


def test_dry_run_writes_nothing_and_names_its_basis(
    sweep: Sweep, preset: Preset, tmp_path: Path
) -> None:
    path = preset(8, pause=0.05)
    result = sweep("run", path, "--dry-run", "--workers", 2)
    assert result.exit_code == 0
    assert "8 cells, 0 stored already, 8 to run" in result.stdout
    assert "timing the cheapest cell" in result.stdout
    assert "expected time: about" in result.stdout
    assert not (tmp_path / "store.sqlite").exists()
    sweep("run", preset(3, pause=0.05, name="part.toml"), "--workers", 1)
    result = sweep("run", path, "--dry-run")
    assert "8 cells, 3 stored already, 5 to run" in result.stdout
    assert "3 stored cells run last" in result.stdout
    assert "nothing to run" in sweep("run", preset(3, pause=0.05), "--dry-run").stdout


def test_status_counts_what_a_preset_lacks(filled: Path, sweep: Sweep, preset: Preset) -> None:
    result = sweep("status", preset(10))
    assert "6 of 10 cells stored, 4 to run" in result.stdout
    assert "fingerprint" in result.stdout


def test_equal_stores_have_equal_fingerprints(
    filled: Path, sweep: Sweep, preset: Preset, tmp_path: Path
) -> None:
    def fingerprint(store: Path) -> str:
        (line,) = [x for x in sweep("status", "--store", store).stdout.splitlines() if " toy " in x]
        return line.split()[-1]

    other = tmp_path / "other.sqlite"
    sweep("run", preset(4), "--store", other, "--workers", 1)
    assert fingerprint(other) != fingerprint(filled)
    sweep("run", preset(6), "--store", other, "--workers", 1)
    assert fingerprint(other) == fingerprint(filled)


def test_status_of_a_preset_without_a_store(sweep: Sweep, preset: Preset) -> None:
    result = sweep("status", preset(3))
    assert result.exit_code == 0
    assert "0 of 3 cells stored" in result.stdout
    assert "no store at" in result.stdout


def test_show_finds_a_cell_by_the_start_of_its_key(filled: Path, sweep: Sweep) -> None:
    key = read_rows(filled, "toy", {"n": 5})["key"][0]
    result = sweep("show", key[:8])
    assert key in result.stdout
    for shown in ("2 rows", "even", "songoku 0.1.0", "python"):
        assert shown in result.stdout
    found = json.loads(sweep("show", key[:8], "--json").stdout)
    assert found["params"]["n"] == 5
    assert found["rows"]["i"] == [0, 1]
    assert found["rows"]["x"] == read_rows(filled, "toy", {"n": 5})["x"].to_list()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_export_reads_back_as_what_is_stored(
    filled: Path, sweep: Sweep, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "deep" / f"rows.{kind}"
    assert sweep("export", "--experiment", "toy", "--out", out).exit_code == 0
    expected = read_rows(filled, "toy")
    if kind == "csv":
        found = pl.read_csv(out, schema_overrides=expected.schema)
    else:
        found = pl.read_parquet(out)
    assert_frame_equal(found, expected, check_exact=True)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_export_replaces_only_when_told(filled: Path, sweep: Sweep, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    out.write_text("dear")
    result = sweep("export", "--experiment", "toy", "--out", out)
    assert "say --force" in str(result.exception)
    assert out.read_text() == "dear"
    failed = sweep("export", "--experiment", "toyy", "--out", out, "--force")
    assert "Did you mean 'toy'" in str(failed.exception)
    assert out.read_text() == "dear"
    sweep("export", "--experiment", "toy", "--out", out, "--force", "--where", "n=4")
    assert len(out.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("export", "--experiment", "toy", "--out", "rows.txt"),
            "--format csv or --format parquet",
        ),
        (("export", "--experiment", "toy", "--out", "r.csv", "--where", "n"), "PARAM=VALUE"),
        (("export", "--experiment", "toy", "--out", "r.csv", "--where", "n=x"), "type int"),
        (("export", "--experiment", "toy", "--out", "r.csv", "--where", "m=1"), "unknown param"),
        (("export", "--experiment", "toy", "--out", "r.csv", "--where", "n=99"), "no stored cell"),
        (("export", "--experiment", "toy", "--out", "/proc/r.csv"), "can't be written"),
        (("show", "ffff"), "nearest"),
        (("show", "nothex"), "hex digits"),
        (("run", "no_such_preset"), "unknown preset"),
        (("run", "none.toml"), "no preset file"),
        (("run", "toys.toml", "--only", "tyo"), "Did you mean 'toy'"),
        (("list", "tyo"), "Did you mean 'toy'"),
        (("status", "--store", "none.sqlite"), "there is no store at"),
    ],
)
def test_bad_input_is_one_clear_error(
    filled: Path, sweep: Sweep, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = read_cells(filled)
    result = sweep(*arguments)
    assert isinstance(result.exception, SongokuError)
    assert message in str(result.exception)
    assert_frame_equal(read_cells(filled), before)
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rnu",), "'run'"),
        (("run", "toys.toml", "--worker", "2"), "--workers"),
        (("run", "toys.toml", "--workers", "0"), "x>=1"),
        (("run", "toys.toml", "--cell-timeout", "nan"), "x>0"),
        (("run", "toys.toml", "--cell-timeout", "0"), "x>0"),
        (("export", "--experiment", "toy"), "--out"),
    ],
)
def test_misspelt_commands_and_options(
    sweep: Sweep, arguments: tuple[str, ...], message: str
) -> None:
    result = sweep(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_list_documents_params(sweep: Sweep) -> None:
    result = sweep("list", "toy")
    assert "float in (0, 10]" in result.stdout
    assert "Seconds asleep." in result.stdout
    assert "(required)" in result.stdout
    assert "paired" not in result.stdout
    assert "paired" in sweep("list").stdout


def test_list_adds_up_what_a_preset_asks_of_one_experiment(sweep: Sweep) -> None:
    lines = sweep("list", "paper").stdout.splitlines()
    names = [line.split(":")[0] for line in lines if line.startswith("  ")]
    assert len(names) == len(set(names)) > 5
    assert any(" cells in " in line and line.endswith(" grids") for line in lines)


@pytest.mark.parametrize("command", ["list", "run", "status", "show", "export"])
def test_help_teaches_with_an_example(sweep: Sweep, command: str) -> None:
    result = sweep(command, "--help")
    assert "Example" in result.stdout
    assert f"songoku sweep {command}" in result.stdout
