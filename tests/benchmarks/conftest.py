"""Tiny files in the layouts that the data sets are published in."""

from __future__ import annotations

import gzip
import os
import pickle
import struct
import wave
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def real_root():
    """The folder with real data, or skip."""
    root = os.environ.get("SONGOKU_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("SONGOKU_DATA names no folder with real data")
    return Path(root)


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    """Everything is computed here, and nothing is left behind."""
    monkeypatch.setenv("SONGOKU_CACHE", "")


@pytest.fixture
def no_packages(monkeypatch):
    """As if no package with data were installed."""
    from simulations.training.benchmarks import packaged

    monkeypatch.setattr(packaged, "find_spec", lambda name: None)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def write_stock():
    """Write ``TICKER.csv``; returns its lines, so that a test can spoil one."""

    def write(folder, ticker, days=540, seed=0, start=date(2010, 1, 4)):
        folder.mkdir(parents=True, exist_ok=True)
        draw = np.random.default_rng([seed, *ticker.encode()])
        prices = 50 * np.exp(np.cumsum(draw.normal(0, 0.012, days)))
        lines, day = ["Date,Open,High,Low,Close,Volume,Name"], start
        for price in prices:
            lines.append(f"{day},{price:.4f},{price:.4f},{price:.4f},{price:.4f},1000,{ticker}")
            day += timedelta(days=3 if day.weekday() == 4 else 1)
        (folder / f"{ticker}.csv").write_text("\n".join(lines) + "\n")
        return lines

    return write


@pytest.fixture
def cifar_images():
    """Return images that differ from one another, and labels, equally many of each class."""

    def make(per_class, seed):
        draw = np.random.default_rng(seed)
        labels = draw.permutation(np.repeat(np.arange(10), per_class))
        return draw.integers(0, 256, (len(labels), 3, 32, 32), dtype=np.uint8), labels

    return make


@pytest.fixture
def write_cifar_binary(cifar_images):
    def write(root, train=12, test=3):
        folder = root / "cifar-10-batches-bin"
        folder.mkdir(parents=True)
        for name, per_class, seed in (("data_batch_1", train, 1), ("test_batch", test, 2)):
            images, labels = cifar_images(per_class, seed)
            records = np.concatenate(
                [labels[:, None].astype(np.uint8), images.reshape(len(labels), -1)], axis=1
            )
            (folder / f"{name}.bin").write_bytes(records.tobytes())
        return folder

    return write


@pytest.fixture
def write_cifar_pickle(cifar_images):
    """As the Python version: a dictionary with bytes for keys, in an old protocol."""

    def write(root, train=12, test=3, protocol=2):
        folder = root / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        for name, per_class, seed in (("data_batch_1", train, 1), ("test_batch", test, 2)):
            images, labels = cifar_images(per_class, seed)
            content = {
                b"batch_label": b"a batch",
                b"labels": labels.tolist(),
                b"data": images.reshape(len(labels), -1),
                b"filenames": [b"x.png"] * len(labels),
            }
            (folder / name).write_bytes(pickle.dumps(content, protocol=protocol))
        return folder

    return write


@pytest.fixture
def write_idx():
    def write(path, array, packed=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        raw = header + array.astype(np.uint8).tobytes()
        path.write_bytes(gzip.compress(raw) if packed else raw)

    return write


@pytest.fixture
def write_wav():
    def write(path, samples, rate=8000, channels=1, width=2):
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(width)
            file.setframerate(rate)
            file.writeframes(np.asarray(samples, dtype=f"<i{width}").tobytes())

    return write


@pytest.fixture
def write_speech(write_wav):
    """One recording of each digit to test with and two to train with: a tone for each digit."""

    def write(root):
        folder = root / "fsdd" / "recordings"
        for digit in range(10):
            for index in (0, 7, 8):
                time = np.arange(2400 + 100 * index) / 8000
                tone = 8000 * np.sin(2 * np.pi * (300 + 250 * digit) * time)
                write_wav(folder / f"{digit}_ann_{index}.wav", tone)
        return folder

    return write


@pytest.fixture
def write_celeba():
    """Write faces whose red is their number; returns their attributes and those' names."""

    def write(root, parts, chosen):
        from PIL import Image

        names = [*chosen[:4], *(f"Other_{n}" for n in range(40 - len(chosen))), *chosen[4:]]
        folder = root / "celeba"
        (folder / "img_align_celeba").mkdir(parents=True)
        has = np.random.default_rng(5).integers(0, 2, (len(parts), 40))
        rows = [str(len(parts)), " ".join(names)]
        for n in range(len(parts)):
            rows.append(f"{n + 1:06d}.jpg " + " ".join(f"{2 * x - 1:2d}" for x in has[n]))
            pixels = np.zeros((218, 178, 3), dtype=np.uint8)
            pixels[:, :, 0] = 255 * n // len(parts)
            Image.fromarray(pixels).save(folder / "img_align_celeba" / f"{n + 1:06d}.jpg")
        listed = [f"{n + 1:06d}.jpg {part}" for n, part in enumerate(parts)]
        (folder / "list_attr_celeba.txt").write_text("\n".join(rows) + "\n")
        (folder / "list_eval_partition.txt").write_text("\n".join(listed) + "\n")
        return has, names

    return write


@pytest.fixture
def write_taskonomy():
    """Write views of buildings, 32 x 32; view n is n + 1 everywhere, but for a hole on the left."""

    def write(root, views, listed=True, inside=""):
        from PIL import Image

        number = 0
        for building, count in views.items():
            for view in range(count):
                level = number + 1
                wide = np.full((32, 32), level)
                wide[:, :8] = 65535  # a hole of the mesh
                colour = np.full((32, 32, 3), level, dtype=np.uint8)
                arrows = np.full((32, 32, 3), 127, dtype=np.uint8)
                arrows[:, :, 2] = 255
                classes = np.full((32, 32), level % 18, dtype=np.uint8)
                for domain, name, pixels in (
                    ("rgb", "rgb", colour),
                    ("segment_semantic", "segmentsemantic", classes),
                    ("depth_zbuffer", "depth_zbuffer", (512 * wide).clip(0, 65535)),
                    ("normal", "normal", arrows),
                    ("keypoints2d", "keypoints2d", np.full((32, 32), 100 * level)),
                    ("edge_texture", "edge_texture", np.full((32, 32), 200 * level)),
                ):
                    folder = root / "taskonomy" / domain / inside / building
                    folder.mkdir(parents=True, exist_ok=True)
                    deep = pixels.astype(np.uint16) if pixels.dtype == np.int64 else pixels
                    path = folder / f"point_{view}_view_{view % 3}_domain_{name}.png"
                    Image.fromarray(deep).save(path)
                number += 1
        if listed:
            rows = ["id,train,val,test"]
            marks = ["1,0,0", "0,1,0", "0,0,1"]
            rows += [f"{name},{marks[min(n, 2)]}" for n, name in enumerate(views)]
            folder = root / "taskonomy" / "splits_taskonomy"
            folder.mkdir()
            (folder / "train_val_test_tiny.csv").write_text("\n".join(rows) + "\n")
        return root / "taskonomy"

    return write


@pytest.fixture
def write_ett():
    def write(path, rows, step=timedelta(hours=1)):
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(3).normal(size=(rows, 7)).round(4)
        from datetime import datetime

        lines = ["date,HUFL,HULL,MUFL,MULL,LUFL,LULL,OT"]
        for number, row in enumerate(values):
            lines.append(f"{datetime(2016, 7, 1) + number * step}," + ",".join(map(str, row)))
        path.write_text("\n".join(lines) + "\n")
        return lines, values

    return write
