"""A benchmark of a few made-up stock prices in the official layout, and runs made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pytest

from simulations.training.table.runs import Run, TaskInfo

TINY = """
[training]
steps = 3
batch_size = 4
test_examples = 8
log_every = 2

[benchmark.stocks_fb]
architecture = "cnn_bilstm"
options = { channels = 2, recurrent = 2, embedding = 2, hidden = 4 }

[tuning]
seed = 99
share = 0.67
learning_rates = [1e-3, 1e-2]

[tuning.candidates]
son_goku = [{ lr = 1e-3, tau = 0.0 }, { lr = 1e-3, tau = 0.2 }]
"""


@pytest.fixture(scope="session")
def tiny_text():
    """The configuration of runs that take no time."""
    return TINY


@pytest.fixture
def tiny(tmp_path):
    """That configuration as a file."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def stocks_root(tmp_path_factory):
    """A data root with the four stand-in tickers, 530 days each."""
    root = tmp_path_factory.mktemp("data")
    (root / "stocks").mkdir()
    for ticker in ("MCD", "KO", "WMT", "PG"):
        draw = np.random.default_rng([0, *ticker.encode()])
        prices = 50 * np.exp(np.cumsum(draw.normal(0, 0.012, 530)))
        lines, day = ["Date,Open,High,Low,Close,Volume,Name"], date(2010, 1, 4)
        for price in prices:
            lines.append(f"{day},{price:.4f},{price:.4f},{price:.4f},{price:.4f},1000,{ticker}")
            day += timedelta(days=3 if day.weekday() == 4 else 1)
        (root / "stocks" / f"{ticker}.csv").write_text("\n".join(lines) + "\n")
    return root


MAIN = TaskInfo("a", "main", {"accuracy": True, "MAE of classes": False}, {"accuracy": 0.5})
OTHER = TaskInfo("b", "main", {"accuracy": True, "MAE of classes": False}, {"accuracy": 0.5})
SIDE = TaskInfo("c", "negative", {"accuracy": True}, {"accuracy": 0.5})


@pytest.fixture
def made_run():
    """A function that returns a run with these last scores: split, task and metric to value."""

    def make(
        key: str = "k",
        seed: int = 0,
        scores: Mapping[tuple[str, str, str], float] | None = None,
        curves: Mapping[tuple[str, str, str], Mapping[int, float]] | None = None,
        work: float = 10.0,
        work_at: Mapping[int, float] | None = None,
        diverged: str | None = None,
        error: str | None = None,
        tasks: tuple[TaskInfo, ...] = (MAIN, OTHER, SIDE),
    ) -> Run:
        last = {name: {5: value} for name, value in (scores or {}).items()}
        return Run(
            key, {"seed": seed, "benchmark": "stocks_fb"}, "failed" if error else "done", error,
            1.0, diverged, "NEAR", "d", ("A note.",), () if diverged else tasks,
            {**last, **{n: dict(c) for n, c in (curves or {}).items()}},
            {"backwards": work, "steps": 5.0}, {"backwards": dict(work_at or {5: work})}, 0.5,
        )  # fmt: skip

    return make
