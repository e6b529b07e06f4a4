"""``songoku train`` on the real loaders with tiny files; presets; bad input."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from simulations.training.benchmarks import available_benchmarks, get_benchmark
from simulations.training.methods import available_methods
from simulations.training.run.settings import available_presets, load_settings
from simulations.training.train_command import train
from songoku_theory.errors import InvalidInputError, StoreError


@pytest.fixture
def songoku(data_root, tmp_path):
    def call(*arguments):
        done = CliRunner().invoke(
            train, [*arguments, "--data-root", str(data_root), "--out", str(tmp_path / "runs")]
        )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call


def result_of(tmp_path, *parts):
    return json.loads(tmp_path.joinpath("runs", *parts, "result.json").read_text())


@pytest.mark.parametrize(
    ("benchmark", "provenance", "tasks"),
    [
        ("cifar10", "NEAR", ["class", "quadrant", "texture", "corruption", "rotation"]),
        ("stocks_fb", "NEAR", ["return_MCD", "return_KO", "return_WMT", "return_PG", "volatility",
                               "sector_mean", "day_of_week", "open_price"]),
    ],
)  # fmt: skip
def test_every_method_on_a_real_loader(songoku, tmp_path, benchmark, provenance, tasks):
    methods = [part for name in available_methods() for part in ("--method", name)]
    done = songoku(benchmark, *methods, "--preset", "smoke")
    assert done.exit_code == 0, done.output
    for name in available_methods():
        if name != "single_task":
            found = result_of(tmp_path, benchmark, name, "seed-0")
            assert (found["data"], found["finished"]) == (provenance, True)
            assert list(found["tasks"]) == tasks
            assert f"{name}/seed-0 ({provenance}): finished, 3 steps" in done.output
    for task in tasks:
        alone = result_of(tmp_path, benchmark, "single_task", task, "seed-0")
        assert list(alone["tasks"]) == [task]
    # Single-task values were there for none; now they are.
    again = songoku(benchmark, "--method", "uniform", "--preset", "smoke")
    assert "already there" in again.output
    path = tmp_path / "runs" / benchmark / "uniform" / "seed-0" / "losses.csv"
    with path.open() as file:
        assert {row["task"] for row in csv.DictReader(file)} == set(tasks)


def test_seeds_and_a_config_laid_over_a_preset(songoku, tmp_path):
    config = tmp_path / "mine.toml"
    config.write_text(
        "[training]\nsteps = 4\n[method.son_goku]\ntau = 0.3\n"
        "[benchmark.stocks_fb.method.son_goku]\nbeta = 0.5\n"
    )
    songoku("stocks_fb", "--method", "son_goku", "--seeds", "1-2", "--preset", "smoke",
            "--config", str(config), "--save-model")  # fmt: skip
    one, two = (result_of(tmp_path, "stocks_fb", "son_goku", f"seed-{s}") for s in (1, 2))
    assert one["steps"] == two["steps"] == 4
    assert "tau=0.3, beta=0.5, refresh_period=2" in one["run"]["method options"]
    assert one["tasks"]["open_price"] != two["tasks"]["open_price"]


def test_kill_9_and_the_same_line_again(songoku, data_root, tmp_path):
    """Killed when its checkpoint says that some steps are done, wherever that is."""
    config = tmp_path / "long.toml"
    config.write_text("[training]\nsteps = 30\nevaluate_every = 7\n")
    line = ["stocks_fb", "--method", "son_goku_pcgrad", "--preset", "smoke", "--config",
            str(config), "--save-model", "--threads", "1"]  # fmt: skip
    code = (
        "from dataclasses import fields\n"
        "import simulations.training.run.config as c\n"
        "kept = {f.name: f.default for f in fields(c.MachineConfig)}\n"
        "kept['checkpoint_seconds'] = 0.0\n"
        "c.MachineConfig.__init__.__defaults__ = tuple(kept.values())\n"
        "from simulations.training.train_command import train; train()"
    )
    out = tmp_path / "runs"
    arguments = [*line, "--data-root", str(data_root), "--out", str(out)]
    checkpoint = out / "stocks_fb" / "son_goku_pcgrad" / "seed-0" / "checkpoint.pt"
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=root, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    step = 0
    while process.poll() is None and step < 9:
        time.sleep(0.01)
        if checkpoint.exists():
            step = torch.load(checkpoint, weights_only=True)["step"]
    process.send_signal(signal.SIGKILL)
    errors = process.communicate()[1].decode()
    assert process.returncode == -signal.SIGKILL, errors
    assert 9 <= step < 30
    threads = torch.get_num_threads()
    try:
        assert songoku(*line).exit_code == 0
        cut = result_of(tmp_path, "stocks_fb", "son_goku_pcgrad", "seed-0")
        (out / "stocks_fb").rename(out / "cut")
        assert songoku(*line).exit_code == 0
    finally:
        torch.set_num_threads(threads)
    straight = result_of(tmp_path, "stocks_fb", "son_goku_pcgrad", "seed-0")
    assert cut["tasks"] == straight["tasks"]
    assert cut["work"] == straight["work"]
    models = [
        torch.load(out / part / "son_goku_pcgrad" / "seed-0" / "model.pt", weights_only=True)
        for part in ("cut", "stocks_fb")
    ]
    a, b = (model["trainer"]["network"] for model in models)
    assert all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("cifar", "--method", "uniform"), "unknown benchmark 'cifar'. Did you mean 'cifar10'"),
        (("cifar10", "--method", "unifrom"), "unknown method 'unifrom'. Did you mean 'uniform'"),
        (("cifar10", "--method", "uniform", "--preset", "tiny"), "unknown preset 'tiny'"),
        (("ett", "--method", "uniform", "--preset", "smoke"), "ett"),
        (("cifar10", "--method", "uniform", "--device", "cuda:99"), "can't be used here"),
        (("cifar10", "--method", "uniform", "--device", "meta"), "'meta' should be cpu, cuda or"),
        (("cifar10", "--method", "uniform", "--device", "cuda:x"), "'cuda:x' should be cpu, cuda"),
    ],
)
def test_what_is_wrong_is_one_clear_error(songoku, tmp_path, arguments, match):
    with pytest.raises(Exception, match=match) as error:
        songoku(*arguments)
    assert isinstance(error.value, InvalidInputError)
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def no_data_are_read(monkeypatch):
    """Loading takes minutes on real files, so what can be known before is said before."""

    def load(self, root, rng):
        raise AssertionError("data were read")

    monkeypatch.setattr(type(get_benchmark("stocks_fb")), "load", load)


def test_a_place_that_cannot_be_written_is_refused_before_data_are_read(
    tmp_path, data_root, no_data_are_read, monkeypatch
):
    (tmp_path / "file").write_text("no store")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # which --store needs
    line = ["stocks_fb", "--method", "uniform", "--preset", "smoke", "--data-root", str(data_root)]
    good, bad = str(tmp_path / "out"), str(tmp_path / "file" / "x")
    for more, match in (
        (["--out", bad], "file is a file. Name another with --out"),
        (["--out", good, "--store", bad], "file is a file. Name another with --store"),
        (["--out", good, "--store", str(tmp_path / "file")], "is not a store"),
    ):
        done = CliRunner().invoke(train, [*line, *more])
        assert isinstance(done.exception, StoreError)
        assert re.search(match, str(done.exception))
    assert {path.name for path in tmp_path.iterdir()} == {"file", data_root.name}
    assert (tmp_path / "file").read_text() == "no store"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[method.son_goku]\ntau = 2.0", "mine.toml, method son_goku: tau should lie in"),
        ("[method.son_goku]\ntau = nan", "method son_goku: tau should be finite"),
        ("[method.son_goku]\nrefresh_period = 0", "refresh_period should be at least 1"),
        ("[method.son_goku]\nheuristic = 'welsh'", "Did you mean 'welsh_powell'"),
        ("[method.son_goku]\nheuristic = 3", "do not fit son_goku"),
        ("[benchmark.stocks_fb.options]\nhidden = -3", "architecture of stocks_fb: hidden should"),
        ("[training]\nlr = 'a'", "mine.toml, training of stocks_fb: lr should be a number"),
        ("[training]\nepochs = 'a'", "epochs should be a number > 0; found 'a'"),
        ("[training]\nepochs = true", "epochs should be a number > 0; found True"),
    ],
)
def test_a_value_out_of_range_is_refused_before_data_are_read(
    songoku, tmp_path, no_data_are_read, text, match
):
    config = tmp_path / "mine.toml"
    config.write_text(text)
    with pytest.raises(InvalidInputError, match=match):
        songoku("stocks_fb", "--method", "son_goku", "--preset", "smoke", "--config", str(config))


def test_a_method_named_twice_is_trained_once(songoku):
    done = songoku("stocks_fb", "--method", "uniform", "--method", "uniform", "--preset", "smoke")
    assert done.output.count("uniform/seed-0 (") == 1


def test_another_config_in_the_same_folder_names_run_and_difference(songoku, tmp_path):
    line = ("stocks_fb", "--method", "uniform", "--preset", "smoke")
    songoku(*line, "--max-steps", "2")
    config = tmp_path / "mine.toml"
    config.write_text("[training]\nlr = 0.5\n")
    with pytest.raises(Exception, match=r"uniform/seed-0: .*training\.lr: there 0\.001, here 0\.5"):
        songoku(*line, "--config", str(config))


@pytest.mark.parametrize("seeds", ["4-0", "a", "0,0", ""])
def test_seeds_that_are_none(songoku, seeds):
    done = songoku("ett", "--method", "uniform", "--seeds", seeds)
    assert done.exit_code == 2
    assert "each number once" in done.output


@pytest.mark.parametrize("seeds", ["0-99999999", "0-9999,10000", str(2**63), f"0-{10**40}"])
def test_more_or_larger_seeds_than_can_be_meant(songoku, seeds):
    done = songoku("ett", "--method", "uniform", "--seeds", seeds)
    assert done.exit_code == 2
    assert "at most 10,000 numbers" in " ".join(done.output.split())


def test_methods_are_listed():
    done = CliRunner().invoke(train, ["--list-methods"])
    assert done.exit_code == 0
    assert all(f"\n{name}\n" in f"\n{done.output}" for name in available_methods())


@pytest.mark.parametrize("preset", available_presets())
def test_a_preset_has_settings_for_every_benchmark(preset):
    settings = load_settings(preset)
    assert settings.description
    missing = set(available_benchmarks()) - set(settings.benchmarks())
    # A benchmark without settings is refused by name, so its loader may come first.
    assert not missing & {"cifar10", "av_mnist", "stocks_fb", "stocks_health", "ett"}
    for benchmark in settings.benchmarks():
        settings.architecture(benchmark)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[trainig]", "unknown table in .*'trainig'. Did you mean 'training'"),
        ("[training]\nlearning = 1", "unknown training setting in"),
        ("[method.songoku]", "unknown method 'songoku'"),
        ("[method.son_goku]\ntua = 0.1", "unknown option of son_goku in"),
        ("[benchmark.cifar]", "unknown benchmark in"),
        ("[benchmark.cifar10]\nmodel = 'x'", "unknown key in"),
        ("[benchmark.cifar10]\narchitecture = 'resnet'", "unknown architecture 'resnet'"),
        ("[benchmark.cifar10]\ndata = { trian = 3 }", "unknown option of benchmark cifar10"),
        ("[benchmark.cifar10]\ndata = { name = 'x' }", "unknown option of benchmark cifar10"),
        ("[benchmark.cifar10]\narchitecture = 3", "unknown architecture '3'"),
        ("[benchmark.ett]\ndata = { history = 'a' }", "history of benchmark ett should be a whole"),
        ("[benchmark.cifar10]\ndata = { test_per_class = 0 }", "whole number >= 1; found 0"),
        ("[benchmark.cifar10]\ndata = { train_per_class = true }", "whole number >= 1; found True"),
        ("[benchmark.nyuv2]\ndata = { size = 3 }", "a list of 2 whole numbers; found 3"),
        ("[benchmark.nyuv2]\ndata = { size = [3] }", "a list of 2 whole numbers"),
        ("[benchmark.nyuv2]\ndata = { size = [0, 3] }", "each size of benchmark nyuv2 should be"),
        ("[benchmark.stocks_fb]\ndata = { tickers = 'KO' }", "should be a list of names"),
        ("[benchmark.stocks_fb]\ndata = { tickers = [1, 2] }", "should be a name; found 1"),
        ("[benchmark.stocks_fb]\ndata = { allow_jumps = 1 }", "should be true or false"),
        (
            "[benchmark.ett]\narchitecture = 'patch_transformer'\noptions = { width = -3 }",
            r"mine.toml, \[benchmark.ett\]: width should be",
        ),
        ("training = 3", "training should be a table"),
        ("[training", "is not TOML"),
    ],
)
def test_a_config_that_names_what_is_not_there(tmp_path, text, match):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=match):
        load_settings("smoke", path)


def test_a_config_that_is_not_there(tmp_path):
    with pytest.raises(InvalidInputError, match=r"none\.toml can't be read: No such file"):
        load_settings("smoke", tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInputError, match="it is not UTF-8 text"):
        load_settings("smoke", tmp_path / "bytes.toml")


def test_steps_replace_epochs_and_another_architecture_drops_the_options(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[training]\nsteps = 7\n[benchmark.cifar10]\narchitecture = 'vector_fusion'\n")
    settings = load_settings("paper", path)
    assert settings.training("ett").get("epochs") == 10  # the benchmark's own go first
    assert settings.architecture("cifar10") == ("vector_fusion", {})
    assert load_settings("paper").training("av_mnist")["epochs"] == 15
