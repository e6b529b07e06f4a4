"""STOCKS: windows, targets and their dates, against plain loops over the prices."""

from __future__ import annotations

import dataclasses
import itertools
import math
from datetime import date

import numpy as np
import pytest
import torch

from simulations.training.benchmarks import get_benchmark
from simulations.training.benchmarks.base import SPLITS, Role
from simulations.training.benchmarks.stock_windows import return_classes
from simulations.training.benchmarks.stocks import STOCKS_FB, STOCKS_HEALTH
from simulations.training.datasets.base import Provenance
from simulations.training.formats.yahoo_csv import read_daily_prices
from simulations.training.run.settings import load_settings, with_data_options
from songoku_theory.errors import InvalidInputError, UnknownNameError

TICKERS = ("MCD", "KO", "WMT", "PG")


@pytest.fixture
def loaded(tmp_path, write_stock, rng):
    for ticker in TICKERS:
        write_stock(tmp_path / "stocks", ticker)
    prices = [read_daily_prices(tmp_path / "stocks" / f"{t}.csv", 1) for t in TICKERS]
    return STOCKS_FB.load(tmp_path, rng), prices


def whole(task):
    return torch.cat([task.splits[split].labels for split in SPLITS])


def test_the_lists_are_multibenchs_sizes():
    assert (len(STOCKS_FB.tickers), len(STOCKS_FB.outputs)) == (18, 4)
    assert (len(STOCKS_HEALTH.tickers), len(STOCKS_HEALTH.outputs)) == (63, 7)
    assert len(set(STOCKS_HEALTH.tickers)) == 63


def test_roles_and_order_of_time(loaded):
    benchmark, _ = loaded
    assert benchmark.provenance is Provenance.NEAR
    roles = {task.name: task.role for task in benchmark.tasks}
    assert roles == {f"return_{t}": Role.MAIN for t in TICKERS} | {
        "volatility": Role.POSITIVE, "sector_mean": Role.POSITIVE,
        "day_of_week": Role.NEGATIVE, "open_price": Role.NEGATIVE,
    }  # fmt: skip
    assert {task.view for task in benchmark.tasks} == {"windows"}
    sizes = [len(benchmark.tasks[0].splits[split]) for split in SPLITS]
    assert sum(sizes) == 540 - 1 - 500
    # Each part's first window is the last one's successor: one day later.
    inputs = [benchmark.tasks[0].splits[split].inputs["prices"] for split in SPLITS]
    for before, after in itertools.pairwise(inputs):
        assert torch.equal(before[-1][:, :, 1:], after[0][:, :, :-1])


def test_return_classes_are_those_of_a_plain_loop(loaded):
    benchmark, files = loaded
    train = len(benchmark.tasks[0].splits["train"])
    squared = [
        [math.log(file.open[500 + i + 1] / file.open[500 + i]) ** 2 for i in range(39)]
        for file in files
    ]
    scale = np.std([row[:train] for row in squared])
    for task, row in zip(benchmark.tasks, squared, strict=False):
        expected = [0 if r / scale < 0.1 else 1 if r / scale < 0.5 else 2 for r in row]
        assert whole(task).tolist() == expected
        assert set(expected) == {0, 1, 2}


def test_the_other_targets_are_those_of_a_plain_loop(loaded):
    benchmark, files = loaded
    tasks = {task.name: task for task in benchmark.tasks}
    train = len(tasks["volatility"].splits["train"])
    last = [500 + i for i in range(39)]
    volatility = [
        [np.std([math.log(f.open[d - k] / f.open[d - k - 1]) for k in range(5)]) for f in files]
        for d in last
    ]
    sector = [[np.mean([math.log(f.open[d + 1] / f.open[d]) for f in files])] for d in last]
    for name, target in (("volatility", volatility), ("sector_mean", sector)):
        table = np.array(target)
        standard = (table - table[:train].mean(0)) / table[:train].std(0)
        assert np.allclose(whole(tasks[name]).numpy(), standard, atol=1e-4)
    weekdays = [files[0].days[d].astype(date).weekday() for d in last]
    assert whole(tasks["day_of_week"]).tolist() == weekdays
    assert set(weekdays) == {0, 1, 2, 3, 4}


def test_todays_price_stands_in_the_input_and_tomorrows_does_not(loaded):
    """Opening prices are the last column of channel 1; no later price can be in the window."""
    benchmark, files = loaded
    task = next(task for task in benchmark.tasks if task.name == "open_price")
    for split in SPLITS:
        inputs, labels = task.splits[split].at(torch.arange(len(task.splits[split])))
        assert torch.allclose(inputs["prices"][:, :, 1, -1], labels, atol=1e-5)
        assert inputs["prices"].shape[1:] == (4, 2, 500)
    first = task.splits["train"].inputs["prices"][0]
    returns = np.diff(np.log(files[0].open[:501]))
    assert np.corrcoef(first[0, 0].numpy(), returns)[0, 1] > 0.999999


def test_scales_come_from_the_training_part_alone(tmp_path, write_stock, rng):
    """Later prices may be anything: training inputs and labels stay the same bits."""
    for ticker in TICKERS:
        write_stock(tmp_path / "stocks", ticker)
    before = STOCKS_FB.load(tmp_path, rng)
    path = tmp_path / "stocks" / "KO.csv"
    lines = path.read_text().splitlines()
    for number in range(535, len(lines)):
        day, price, *rest = lines[number].split(",")
        lines[number] = ",".join([day, str(float(price) * 1.2), *rest])
    path.write_text("\n".join(lines))
    after = STOCKS_FB.load(tmp_path, rng)
    for one, other in zip(before.tasks, after.tasks, strict=True):
        assert torch.equal(one.splits["train"].labels, other.splits["train"].labels)
        assert torch.equal(
            one.splits["train"].inputs["prices"], other.splits["train"].inputs["prices"]
        )
    assert not torch.equal(whole(before.tasks[1]), whole(after.tasks[1]))


@pytest.mark.parametrize("kind", ["squared", "absolute_percent", "signed_percent"])
def test_each_reading_of_negative_returns_is_said(tmp_path, write_stock, rng, kind):
    for ticker in TICKERS:
        write_stock(tmp_path / "stocks", ticker)
    spec = dataclasses.replace(STOCKS_FB, returns=kind)
    benchmark = spec.load(tmp_path, rng)
    assert benchmark.notes[0].startswith("R is")
    file = read_daily_prices(tmp_path / "stocks" / "MCD.csv", 1)
    down = torch.tensor([bool(file.open[501 + i] < file.open[500 + i]) for i in range(39)])
    assert bool((whole(benchmark.tasks[0])[down] > 0).any()) is (kind != "signed_percent")


def test_borders_belong_to_the_class_above():
    returns = np.array([-0.2, 0.0, np.nextafter(0.1, 0), 0.1, np.nextafter(0.5, 0), 0.5, 9.0])
    assert return_classes(returns).tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_all_of_the_benchmarks_own_tickers_make_it_exact(tmp_path, write_stock, rng):
    for ticker in STOCKS_FB.tickers:
        write_stock(tmp_path / "stocks", ticker, days=520)
    benchmark = STOCKS_FB.load(tmp_path, rng)
    assert benchmark.provenance is Provenance.EXACT
    assert benchmark.input_shapes == {"prices": (18, 2, 500)}
    mains = [task.name for task in benchmark.tasks if task.role is Role.MAIN]
    assert mains == ["return_MCD", "return_SBUX", "return_HSY", "return_HRL"]


def test_a_ticker_that_lacks_days_is_named(tmp_path, write_stock, rng):
    for ticker in TICKERS:
        lines = write_stock(tmp_path / "stocks", ticker, days=560)
        if ticker == "PG":
            (tmp_path / "stocks" / "PG.csv").write_text("\n".join(lines[:100] + lines[101:]))
    kept = STOCKS_FB.load(tmp_path, rng)
    assert any("1 days that not every ticker has" in note for note in kept.notes)
    thinned = [line for number, line in enumerate(lines) if number % 50 or number == 0]
    (tmp_path / "stocks" / "PG.csv").write_text("\n".join(thinned))
    with pytest.raises(InvalidInputError, match=r"PG\.csv.*trading days of the others"):
        STOCKS_FB.load(tmp_path, rng)


def test_nothing_there_says_where_to_get_it(tmp_path, rng):
    with pytest.raises(InvalidInputError, match=r"finance\.yahoo\.com"):
        STOCKS_FB.load(tmp_path, rng)


def test_wrong_options_are_refused():
    with pytest.raises(UnknownNameError, match="squared"):
        dataclasses.replace(STOCKS_FB, returns="square")
    with pytest.raises(InvalidInputError, match="AAPL"):
        dataclasses.replace(STOCKS_FB, outputs=("AAPL",))


def test_ticker_lists_given_in_a_config(tmp_path, write_stock, rng):
    """14 + 4 made-up series: as many inputs and outputs as the paper's F&B, but not its own."""
    names = [f"AB{n}" for n in range(18)]
    config = tmp_path / "mine.toml"
    config.write_text(
        f"[benchmark.stocks_fb.data]\ntickers = {names}\noutputs = {names[-4:]}\nwindow = 100\n"
    )
    settings = load_settings("smoke", config)
    mine = with_data_options("stocks_fb", settings.data("stocks_fb"))
    for name in names[:-1]:
        write_stock(tmp_path / "stocks", name, days=140)
    for ticker in TICKERS:  # what would stand in for the paper's does not for one's own
        write_stock(tmp_path / "stocks", ticker)
    assert mine.look(tmp_path).provenance is None
    with pytest.raises(InvalidInputError, match=r"a file for each of AB0 .*no stocks/AB17\.csv"):
        mine.load(tmp_path, rng)
    write_stock(tmp_path / "stocks", names[-1], days=140)
    loaded = mine.load(tmp_path, rng)
    assert loaded.provenance is Provenance.NEAR
    assert loaded.input_shapes == {"prices": (18, 2, 100)}
    mains = [task.name for task in loaded.tasks if task.role is Role.MAIN]
    assert mains == [f"return_{name}" for name in names[-4:]]
    assert any(note.startswith("Tickers as asked for") for note in loaded.notes)


def test_the_papers_lists_in_another_order_are_still_the_papers(tmp_path, write_stock):
    for ticker in STOCKS_FB.tickers:
        write_stock(tmp_path / "stocks", ticker, days=5)
    same = dataclasses.replace(STOCKS_FB, tickers=STOCKS_FB.tickers[::-1])
    assert same.look(tmp_path).provenance is Provenance.EXACT
    fewer = dataclasses.replace(STOCKS_FB, outputs=("MCD",))
    assert fewer.look(tmp_path).provenance is Provenance.NEAR


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"tickers": ("A", "B", "A"), "outputs": ("A",)}, "each once; found 3, A again"),
        ({"tickers": ("A",), "outputs": ("A",)}, "tickers should be 2 or more"),
        ({"outputs": ()}, "outputs should be 1 or more"),
        ({"outputs": ("MCD", "MCD")}, "MCD again"),
        ({"tickers": ("A", "../B"), "outputs": ("A",)}, r"like KO or BRK\.B; found '\.\./B'"),
        ({"tickers": ("A", 3), "outputs": ("A",)}, "found 3"),
        ({"outputs": ("AAPL",)}, "AAPL besides"),
        ({"window": 4}, "at least 5 days"),
        ({"window": 500.0}, "at least 5 days"),
    ],
)
def test_wrong_lists_are_refused(given, says):
    with pytest.raises(InvalidInputError, match=says):
        dataclasses.replace(STOCKS_FB, **given)


def test_one_history_under_two_names_is_refused(tmp_path, write_stock, rng):
    """Yahoo's own files do not say whose prices they are."""
    for ticker in TICKERS:
        lines = write_stock(tmp_path / "stocks", ticker)
        bare = [line.rpartition(",")[0] for line in lines]
        (tmp_path / "stocks" / f"{ticker}.csv").write_text("\n".join(bare))
    STOCKS_FB.load(tmp_path, rng)
    (tmp_path / "stocks" / "WMT.csv").write_bytes((tmp_path / "stocks" / "MCD.csv").read_bytes())
    with pytest.raises(InvalidInputError, match=r"WMT\.csv: expected prices of WMT; found"):
        STOCKS_FB.load(tmp_path, rng)


def test_a_day_on_a_weekend_is_refused(tmp_path, write_stock, rng):
    for ticker in TICKERS:
        write_stock(tmp_path / "stocks", ticker, start=date(2010, 1, 9))  # a Saturday
    with pytest.raises(InvalidInputError, match="Monday to Friday"):
        STOCKS_FB.load(tmp_path, rng)


@pytest.mark.parametrize("name", ["stocks_fb", "stocks_health"])
def test_the_real_files(real_root, rng, name):
    benchmark = get_benchmark(name).load(real_root, rng)
    assert benchmark.provenance is Provenance.NEAR
    assert len(benchmark.tasks) == 8
    for task in benchmark.tasks:
        inputs, labels = task.splits["test"].at(torch.tensor([0, 5]))
        assert inputs["prices"].shape == (2, 4, 2, 500)
        assert bool(inputs["prices"].isfinite().all())
        assert bool(labels.isfinite().all())
