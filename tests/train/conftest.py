"""A tiny made-up benchmark, and settings that train it in no time."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
import torch
from torch.nn import functional

from simulations.training.benchmarks.base import (
    SPLITS,
    BenchmarkTask,
    Head,
    Loaded,
    Metric,
    Role,
    Samples,
)
from simulations.training.benchmarks.kinds import classes, values
from simulations.training.datasets.base import Provenance


@pytest.fixture
def made_up():
    """Four tasks in two views of vectors: two of them pull the trunk apart."""

    def make(n=48, seed=3):
        generator = torch.Generator().manual_seed(seed)

        def parts(label):
            found = {}
            for split in SPLITS:
                x = torch.randn(n, 6, generator=generator)
                found[split] = Samples({"x": x}, label(x))
            return found

        def relabelled(source, label):
            return {s: Samples(source[s].inputs, label(source[s].inputs["x"])) for s in SPLITS}

        first = parts(lambda x: (x[:, 0] > 0).long())
        second = parts(lambda x: x[:, :2].contiguous())
        tasks = (
            classes("sign", Role.MAIN, "sign of x0", "plain", first, 2),
            classes("opposite", Role.NEGATIVE, "its opposite", "plain",
                    relabelled(first, lambda x: (x[:, 0] < 0).long()), 2),
            values("copy", Role.POSITIVE, "x0 and x1", "other", second, "units"),
            values("mean.of", Role.POSITIVE, "mean of x", "other",
                   relabelled(second, lambda x: x.mean(1, keepdim=True)), "units"),
        )  # fmt: skip
        return Loaded("made_up", Provenance.SYNTH, ("Made up.",), tasks, {"x": (6,)}, ())

    return make


@pytest.fixture
def with_series():
    """One task for each kind of head that a trunk of tokens can serve."""

    def make(n=12):
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(n, 3, 20, generator=generator)
        future = {s: Samples({"series": x}, x[:, 0, :10].contiguous()) for s in SPLITS}
        kind = {s: Samples({"series": x}, (x.mean((1, 2)) > 0).long()) for s in SPLITS}
        metric = (Metric("MSE", False, lambda a, b: float(functional.mse_loss(a, b))),)
        tasks = (
            BenchmarkTask("next", Role.MAIN, "", "w", Head.SERIES, 10, future,
                          functional.mse_loss, metric, 1.0),
            classes("kind", Role.MAIN, "", "w", kind, 2),
        )  # fmt: skip
        return Loaded("series", Provenance.SYNTH, (), tasks, {"series": (3, 20)}, ())

    return make


@pytest.fixture
def data_root(tmp_path):
    """Tiny files in the layouts that the real loaders read: CIFAR-10 and four stocks."""
    folder = tmp_path / "data" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name, per_class, seed in (("data_batch_1", 12, 1), ("test_batch", 2, 2)):
        draw = np.random.default_rng(seed)
        labels = draw.permutation(np.repeat(np.arange(10), per_class)).astype(np.uint8)
        pixels = draw.integers(0, 256, (len(labels), 3072), dtype=np.uint8)
        records = np.concatenate([labels[:, None], pixels], axis=1)
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    stocks = tmp_path / "data" / "stocks"
    stocks.mkdir()
    for ticker in ("MCD", "KO", "WMT", "PG"):
        draw = np.random.default_rng([0, *ticker.encode()])
        prices = 50 * np.exp(np.cumsum(draw.normal(0, 0.012, 560)))
        lines, day = ["Date,Open,High,Low,Close,Volume,Name"], date(2010, 1, 4)
        for price in prices:
            lines.append(f"{day},{price:.4f},{price:.4f},{price:.4f},{price:.4f},1000,{ticker}")
            day += timedelta(days=3 if day.weekday() == 4 else 1)
        (stocks / f"{ticker}.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "data"
