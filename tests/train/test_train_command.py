"""``songoku train`` on the real loaders with tiny files; presets; bad input."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from simulations.training.benchmarks import available_benchmarks
from simulations.training.methods import available_methods
from simulations.training.run.settings import available_presets, load_settings
from simulations.training.train_command import train
from songoku_theory.errors import InvalidInputError


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
    ],
)
def test_what_is_wrong_is_one_clear_error(songoku, tmp_path, arguments, match):
    with pytest.raises(Exception, match=match) as error:
        songoku(*arguments)
    assert isinstance(error.value, InvalidInputError)
    assert not (tmp_path / "runs").exists()


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
    with pytest.raises(InvalidInputError, match="can't be read"):
        load_settings("smoke", tmp_path / "none.toml")


def test_steps_replace_epochs_and_another_architecture_drops_the_options(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[training]\nsteps = 7\n[benchmark.cifar10]\narchitecture = 'vector_fusion'\n")
    settings = load_settings("paper", path)
    assert settings.training("ett").get("epochs") == 10  # the benchmark's own go first
    assert settings.architecture("cifar10") == ("vector_fusion", {})
    assert load_settings("paper").training("av_mnist")["epochs"] == 15
