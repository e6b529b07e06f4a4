"""CIFAR-10: the subset, and what each task asks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simulations.training.benchmarks.base import SPLITS
from simulations.training.benchmarks.cifar10 import CIFAR10, Cifar10
from simulations.training.benchmarks.corruptions import CORRUPTIONS, corrupt
from simulations.training.benchmarks.texture import gabor_features, k_means, nearest
from simulations.training.datasets.base import Provenance
from songoku_theory.errors import InvalidInputError

SMALL = Cifar10(train_per_class=8, validation_per_class=3)


@pytest.fixture
def loaded(tmp_path, write_cifar_binary, rng):
    write_cifar_binary(tmp_path)
    return SMALL.load(tmp_path, rng)


def pictures(task, split):
    return {row.numpy().tobytes() for row in task.splits[split].inputs["image"]}


def test_sizes_and_classes(loaded):
    assert loaded.provenance is Provenance.NEAR
    names = [task.name for task in loaded.tasks]
    assert names == ["class", "quadrant", "texture", "corruption", "rotation"]
    assert [task.num_outputs for task in loaded.tasks] == [10, 4, 8, 15, 4]
    for task in loaded.tasks:
        assert [len(task.splits[s]) for s in SPLITS] == [80, 30, 30]
    for split, number in (("train", 8), ("validation", 3), ("test", 3)):
        counts = torch.bincount(loaded.tasks[0].splits[split].labels)
        assert counts.tolist() == [number] * 10


def test_no_image_stands_in_two_parts(loaded):
    parts = [pictures(loaded.tasks[0], split) for split in SPLITS]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 140


def test_labels_are_those_of_the_file(loaded, cifar_images):
    images, labels = cifar_images(12, 1)
    of = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    samples = loaded.tasks[0].splits["train"]
    for image, label in zip(samples.inputs["image"], samples.labels, strict=True):
        assert of[image.numpy().tobytes()] == label


def test_a_seed_draws_the_same_and_another_one_another_subset(tmp_path, write_cifar_binary):
    write_cifar_binary(tmp_path)
    first, same, other = (SMALL.load(tmp_path, np.random.default_rng(s)) for s in (0, 0, 1))
    for one, two in zip(first.tasks, same.tasks, strict=True):
        assert torch.equal(one.splits["train"].inputs["image"], two.splits["train"].inputs["image"])
        assert torch.equal(one.splits["train"].labels, two.splits["train"].labels)
    assert pictures(first.tasks[0], "train") != pictures(other.tasks[0], "train")


def test_turning_back_and_the_placed_quadrant_agree_with_labels(loaded):
    tasks = {task.name: task for task in loaded.tasks}
    for split in SPLITS:
        upright = tasks["class"].splits[split].inputs["image"]
        turned, placed = tasks["rotation"].splits[split], tasks["quadrant"].splits[split]
        for row in range(len(upright)):
            back = torch.rot90(turned.inputs["image"][row], -int(turned.labels[row]), (-2, -1))
            assert torch.equal(back, upright[row])
            where = int(placed.labels[row])
            top, left = 16 * (where // 2), 16 * (where % 2)
            quarter = placed.inputs["image"][row, :, top : top + 16, left : left + 16]
            half = torch.nn.functional.avg_pool2d(upright[row].double(), 2)
            assert float((quarter.double() - half).abs().max()) <= 0.5
        counts = torch.bincount(turned.labels)
        assert int(counts.max() - counts.min()) <= 1


def test_inputs_are_standardised_by_the_training_images(loaded):
    samples = loaded.tasks[0].splits["train"]
    inputs, _ = samples.at(torch.arange(len(samples)))
    assert torch.allclose(inputs["image"].mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(inputs["image"].std(dim=(0, 2, 3)), torch.ones(3), atol=1e-3)


@pytest.mark.parametrize("label", range(15), ids=list(CORRUPTIONS))
def test_each_corruption_changes_an_image_and_leaves_it_recognisable(label):
    """A smooth picture: changed on the mean by 0.5 to 90 grey levels, still correlated."""
    axis = np.linspace(0, 3, 32)
    wave = 0.5 + 0.35 * np.sin(axis[:, None] * 2) * np.cos(axis[None, :] * 3)
    picture = (255 * np.stack([wave, wave**2, 1 - wave])).astype(np.uint8)
    images = np.stack([picture] * 6)
    spoilt = corrupt(images, np.full(6, label), np.random.default_rng(0))
    assert spoilt.shape == images.shape
    assert spoilt.dtype == np.uint8
    change = np.abs(spoilt.astype(float) - images).mean()
    assert 0.5 < change < 90
    similar = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(spoilt, images, strict=True)]
    assert min(similar) > 0.5


def test_corruptions_are_told_apart_by_position():
    assert len(CORRUPTIONS) == 15
    images = np.full((15, 3, 32, 32), 100, np.uint8)
    images[:, :, 9:22, 11:23] = 180
    spoilt = corrupt(images, np.arange(15), np.random.default_rng(0))
    assert len({image.tobytes() for image in spoilt}) == 15


def test_gabor_features_know_direction_and_forget_place():
    grid = np.arange(32)
    stripes = (127 + 100 * np.sin(2 * np.pi * grid * 0.1875)).astype(np.uint8)
    across, along = np.tile(stripes, (32, 1)), np.tile(stripes[:, None], (1, 32))
    images = np.stack([np.stack([x] * 3) for x in (across, np.roll(across, 3, axis=1), along)])
    features = gabor_features(images)
    assert np.allclose(features[0], features[1], atol=1e-3)
    assert np.abs(features[0] - features[2]).max() > 0.5


def test_k_means_finds_planted_clusters(rng):
    centres = rng.normal(0, 20, (8, 5))
    sizes = np.arange(90, 10, -10)
    points = np.concatenate(
        [c + rng.normal(size=(n, 5)) for c, n in zip(centres, sizes, strict=True)]
    )
    truth = np.repeat(np.arange(8), sizes)
    found = nearest(points, k_means(points, 8, rng))
    assert np.array_equal(found, truth)  # clusters come in the order of falling size


def test_swapped_and_copied_files_are_seen(tmp_path, write_cifar_binary, rng):
    folder = write_cifar_binary(tmp_path)
    train, test = folder / "data_batch_1.bin", folder / "test_batch.bin"
    (folder / "data_batch_2.bin").write_bytes(train.read_bytes())
    with pytest.raises(InvalidInputError, match="one file under two names"):
        SMALL.load(tmp_path, rng)
    (folder / "data_batch_2.bin").write_bytes(test.read_bytes())
    with pytest.raises(InvalidInputError, match="swapped or copied"):
        SMALL.load(tmp_path, rng)
    (folder / "data_batch_2.bin").unlink()
    test.write_bytes(test.read_bytes()[: 3073 * 13])
    with pytest.raises(InvalidInputError, match="as many test images of each class"):
        SMALL.load(tmp_path, rng)


def test_too_few_images_and_none_are_said(tmp_path, write_cifar_binary, rng):
    with pytest.raises(InvalidInputError, match="songoku data fetch cifar10"):
        CIFAR10.load(tmp_path, rng)
    write_cifar_binary(tmp_path)
    with pytest.raises(InvalidInputError, match="350 images of class 0; found 12"):
        CIFAR10.load(tmp_path, rng)


def test_the_python_version_gives_the_same_tasks(tmp_path, write_cifar_binary, write_cifar_pickle):
    write_cifar_binary(tmp_path / "a")
    write_cifar_pickle(tmp_path / "b")
    one, two = (SMALL.load(tmp_path / d, np.random.default_rng(0)) for d in "ab")
    for first, second in zip(one.tasks, two.tasks, strict=True):
        for split in SPLITS:
            pair = first.splits[split], second.splits[split]
            assert torch.equal(pair[0].inputs["image"], pair[1].inputs["image"])
            assert torch.equal(pair[0].labels, pair[1].labels)
    assert two.provenance is Provenance.NEAR  # its checksums are not the publisher's


def test_the_real_files(real_root, rng):
    benchmark = Cifar10(train_per_class=20, validation_per_class=5, test_per_class=10).load(
        real_root, rng
    )
    assert benchmark.provenance is Provenance.NEAR
    assert [len(benchmark.tasks[0].splits[s]) for s in SPLITS] == [200, 50, 100]
