"""``songoku data``."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from simulations.training.benchmarks import available_benchmarks, get_benchmark
from simulations.training.data_command import data
from songoku_theory.errors import InvalidInputError, SongokuError, UnknownNameError


def run(*arguments, **environment):
    return CliRunner(env={"COLUMNS": "160", "SONGOKU_DATA": None} | environment).invoke(
        data, [str(argument) for argument in arguments]
    )


def test_an_empty_root_has_nothing_and_says_where_to_get_everything(tmp_path, no_packages):
    outcome = run("status", "--data-root", tmp_path)
    assert outcome.exit_code == 0, outcome.output
    for name in available_benchmarks():
        assert f"{name} lacks: " in outcome.output
    assert outcome.output.count("where to get it: ") == len(available_benchmarks())
    assert "EXACT" not in outcome.output
    assert "NEAR" not in outcome.output


def test_what_is_there_is_shown_and_loaded(tmp_path, write_stock, no_packages):
    for ticker in ("MCD", "KO"):
        write_stock(tmp_path / "stocks", ticker)
    outcome = run("status", "--load", SONGOKU_DATA=str(tmp_path))
    assert outcome.exit_code == 0, outcome.output
    assert "2 stand-ins (MCD KO)" in outcome.output
    assert "stocks_fb (NEAR):" in outcome.output
    assert "return_KO (main): 26/4/9 examples, 3 outputs" in outcome.output
    assert "stocks_health (" not in outcome.output


def test_a_spoilt_file_fails_the_loading_and_not_the_looking(tmp_path, write_stock, no_packages):
    write_stock(tmp_path / "stocks", "KO", days=50)
    assert run("status", "--data-root", tmp_path).exit_code == 0
    outcome = run("status", "--load", "--data-root", tmp_path)
    assert outcome.exit_code == 1
    assert "stocks_fb: can't be read" in outcome.output
    assert "at least 500 trading days; found 50" in outcome.output


def test_a_root_that_is_no_folder_is_refused(tmp_path):
    outcome = run("status", "--data-root", tmp_path / "nowhere")
    assert isinstance(outcome.exception, InvalidInputError)
    assert "no folder" in str(outcome.exception)


def test_fetch_knows_what_it_can_and_cannot_fetch(tmp_path):
    outcome = run("fetch", "stocks_fb", "--data-root", tmp_path)
    assert outcome.exit_code == 1
    assert "can't be fetched" in outcome.output
    assert isinstance(run("fetch", "cifar").exception, UnknownNameError)


def test_fetch_without_a_connection_is_one_line(tmp_path, monkeypatch):
    from urllib.error import URLError

    from simulations.training.benchmarks import download

    def no_connection(*_, **__):
        raise URLError("Name or service not known")

    monkeypatch.setattr(download, "urlopen", no_connection)
    outcome = run("fetch", "ett", "--data-root", tmp_path)
    assert isinstance(outcome.exception, SongokuError)
    assert "can't reach https://raw.githubusercontent.com" in str(outcome.exception)
    assert "\n" not in str(outcome.exception)
    assert not (tmp_path / "ett" / "ETTm1.csv").exists()


@pytest.mark.parametrize("name", available_benchmarks())
def test_every_address_is_https_or_the_publishers_own_and_stays_in_the_root(name, tmp_path):
    benchmark = get_benchmark(name)
    assert benchmark.name == name
    for file in benchmark.remote:
        assert file.url.startswith(("https://", "http://horatio.cs.nyu.edu/"))
        assert (tmp_path / file.path).resolve().is_relative_to(tmp_path)
        assert (tmp_path / file.target).resolve().is_relative_to(tmp_path)
        kind, _, digest = (file.checksum or "md5:" + "0" * 32).partition(":")
        assert len(digest) == {"md5": 32, "sha256": 64}[kind]


def test_rendered_rooms_are_shown_as_synth(tmp_path):
    arguments = ("--data-root", tmp_path)
    outcome = run("render", "--train", 2, "--test", 1, "--height", 24, *arguments)
    assert outcome.exit_code == 0, outcome.output
    outcome = run("status", *arguments)
    assert "2 + 1 preprocessed views, rendered" in outcome.output
    assert "SYNTH" in outcome.output
    refused = run("render", "--height", 25, *arguments).exception
    assert isinstance(refused, InvalidInputError)


@pytest.mark.parametrize("arguments", [("status", "--load"), ("render",)])
def test_a_seed_below_0_is_refused(tmp_path, arguments):
    outcome = run(*arguments, "--seed", -1, "--data-root", tmp_path)
    assert outcome.exit_code == 2
    assert "-1 is not in the range x>=0" in outcome.output
    assert not list(tmp_path.iterdir())


def test_the_real_root(real_root):
    outcome = run("status", "--data-root", real_root)
    assert outcome.exit_code == 0
    assert outcome.output.count("NEAR") >= 5
