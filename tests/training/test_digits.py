"""The digits: the split, and what each task asks."""

from __future__ import annotations

import sys

import pytest
import sklearn.datasets
import torch

from simulations.training.datasets import available_datasets, get_dataset
from simulations.training.datasets.base import Provenance
from simulations.training.datasets.digits import Digits, read_digits, stratified_split
from songoku_theory.errors import DependencyMissingError, InvalidInputError, UnknownNameError


@pytest.fixture(scope="module")
def tasks():
    return {t.name: t for t in Digits().load(torch.Generator().manual_seed(0))}


def as_set(images):
    return {row.numpy().tobytes() for row in images}


def test_the_images_are_the_ones_that_scikit_learn_ships():
    images, labels = read_digits()
    bunch = sklearn.datasets.load_digits()
    assert torch.equal(images * 16, torch.tensor(bunch.images, dtype=torch.float32))
    assert labels.tolist() == bunch.target.tolist()
    assert Digits.provenance is Provenance.EXACT


def test_no_image_stands_in_train_and_test_of_any_two_tasks(tasks):
    train = set().union(*(as_set(task.train.inputs) for task in tasks.values()))
    test = set().union(*(as_set(task.test.inputs) for task in tasks.values()))
    assert not train & test


def test_train_and_test_are_all_images_once(tasks):
    images, _ = read_digits()
    both = torch.cat([tasks["digit"].train.inputs, tasks["digit"].test.inputs])
    assert len(both) == len(images) == 1797
    assert as_set(both) == as_set(images.flatten(1))


def test_the_split_takes_a_quarter_of_each_digit(tasks):
    _, labels = read_digits()
    held_out = torch.bincount(tasks["digit"].test.labels)
    assert held_out.tolist() == [round(0.25 * int(n)) for n in torch.bincount(labels)]


def test_another_generator_gives_another_split_and_the_same_one_the_same(tasks):
    same = Digits().load(torch.Generator().manual_seed(0))
    other = Digits().load(torch.Generator().manual_seed(1))
    for task in same:
        assert torch.equal(task.train.inputs, tasks[task.name].train.inputs)
        assert torch.equal(task.train.labels, tasks[task.name].train.labels)
    assert not torch.equal(other[0].train.inputs, tasks["digit"].train.inputs)


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_labels_of_upright_tasks_follow_from_the_digit(tasks, part):
    digit = getattr(tasks["digit"], part)
    for name, labels in (("parity", digit.labels % 2), ("at_least_5", (digit.labels > 4).long())):
        assert torch.equal(getattr(tasks[name], part).inputs, digit.inputs)
        assert torch.equal(getattr(tasks[name], part).labels, labels)


@pytest.mark.parametrize("part", ["train", "test"])
def test_turning_an_image_back_by_its_rotation_label_gives_the_upright_image(tasks, part):
    digit, rotation, any_angle = (
        getattr(tasks[name], part) for name in ("digit", "rotation", "any_angle")
    )
    upright = digit.inputs.reshape(-1, 8, 8)
    turned = rotation.inputs.reshape(-1, 8, 8)
    assert len(turned) == 4 * len(upright)
    assert torch.equal(rotation.inputs, any_angle.inputs)
    for index in range(0, len(turned), 97):
        back = torch.rot90(turned[index], -int(rotation.labels[index]), (0, 1))
        source = index % len(upright)
        assert torch.equal(back, upright[source])
        assert any_angle.labels[index] == digit.labels[source]


@pytest.mark.parametrize("part", ["train", "test"])
def test_permuted_labels_are_the_digits_of_other_images(tasks, part):
    digit, permuted = getattr(tasks["digit"], part), getattr(tasks["permuted"], part)
    assert torch.equal(permuted.inputs, digit.inputs)
    assert torch.equal(permuted.labels.sort().values, digit.labels.sort().values)
    agreement = float((permuted.labels == digit.labels).float().mean())
    assert agreement < 0.2  # one in ten by chance


def test_stratified_split_rounds_within_each_class():
    labels = torch.tensor([0] * 10 + [1] * 6)
    chosen = stratified_split(labels, 0.25, torch.Generator().manual_seed(0))
    assert torch.bincount(labels[chosen]).tolist() == [2, 2]


def test_an_unknown_dataset_names_the_nearest():
    assert available_datasets() == ("digits",)
    with pytest.raises(UnknownNameError, match="Did you mean 'digits'"):
        get_dataset("digitz")


def test_a_changed_file_is_refused(monkeypatch):
    bunch = sklearn.datasets.load_digits()
    bunch.images = bunch.images * 2
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: bunch)
    with pytest.raises(InvalidInputError, match="Reinstall scikit-learn"):
        read_digits()


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DependencyMissingError, match=r"pip install 'songoku\[train\]'"):
        read_digits()
