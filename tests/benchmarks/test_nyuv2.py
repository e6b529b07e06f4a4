"""NYUv2: both layouts, written from rendered rooms, and the renderer's own geometry."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy.io import savemat

from simulations.training.benchmarks.base import SPLITS
from simulations.training.benchmarks.nyuv2 import NYUV2, NyuV2, light_of
from simulations.training.benchmarks.room_files import MARKER, write_rooms
from simulations.training.benchmarks.rooms import ROOM_CLASSES, render_rooms
from simulations.training.datasets.base import Provenance
from simulations.training.formats.nyu_mat import normals_of
from songoku_theory.errors import InvalidInputError

SMALL = NyuV2(train_images=4, validation_images=1, test_images=3, size=(24, 32))


@pytest.fixture(scope="module")
def rooms():
    draw = np.random.default_rng(0)
    return render_rooms(6, (48, 64), draw), render_rooms(3, (48, 64), draw)


@pytest.fixture
def folders(tmp_path, rooms):
    write_rooms(*rooms, tmp_path / "nyuv2", "folders")
    return tmp_path


def test_rooms_are_what_they_say(rooms):
    train, _ = rooms
    assert 5 <= len(np.unique(train.label)) <= len(ROOM_CLASSES) == 14
    assert np.allclose(np.linalg.norm(train.normal, axis=1), 1, atol=1e-5)
    assert 0.05 < train.depth.min() < train.depth.max() < 10
    # A normal faces the camera: it points against the ray through its pixel.
    height, width = 48, 64
    u = (np.arange(width) + 0.5 - width / 2) / (518.86 / 640 * width)
    v = (np.arange(height) + 0.5 - height / 2) / (518.86 / 640 * width)
    ray = np.stack([np.broadcast_to(u, (48, 64)), np.broadcast_to(v[:, None], (48, 64)),
                    np.ones((48, 64))])  # fmt: skip
    assert ((train.normal * ray).sum(axis=1) < 0).all()


def test_depth_and_normals_agree(rooms):
    """Planes through neighbouring depths have the rendered normals, wherever one face is seen."""
    train, _ = rooms
    focal = 518.86 / 640 * 64
    found = normals_of(train.depth[:, 0].astype(float), (focal, focal, 31.5, 23.5), reach=1)
    cosine = (found * train.normal).sum(axis=1)
    flat = np.ones(train.label.shape, bool)
    for axis in (1, 2):
        for step in (-1, 1):
            flat &= (np.roll(train.normal, step, axis=axis + 1) == train.normal).all(axis=1)
            flat &= np.roll(train.label, step, axis=axis) == train.label
    flat[:, [0, -1]] = flat[:, :, [0, -1]] = False
    assert flat.mean() > 0.5
    assert np.quantile(cosine[flat], 0.05) > 0.999


def test_rooms_follow_from_the_seed(rooms):
    again = render_rooms(6, (48, 64), np.random.default_rng(0))
    assert np.array_equal(again.image, rooms[0].image)
    other = render_rooms(2, (48, 64), np.random.default_rng(1))
    assert not np.array_equal(other.image, rooms[0].image[:2])
    first, second = rooms[0].image[0], rooms[0].image[1]
    assert not np.array_equal(first, second)


def test_the_folders_come_back_and_stay_synth(folders, rooms, rng):
    spec = dataclasses.replace(SMALL, size=(48, 64))
    benchmark = spec.load(folders, rng)
    assert benchmark.provenance is Provenance.SYNTH
    segmentation, depth, normals, temperature = benchmark.tasks
    assert [len(depth.splits[s]) for s in SPLITS] == [4, 1, 3]
    _, test = rooms
    assert np.array_equal(segmentation.splits["test"].labels, test.label)
    assert np.array_equal(depth.splits["test"].labels, test.depth)
    assert np.allclose(normals.splits["test"].labels, test.normal, atol=1e-6)
    assert np.array_equal(segmentation.splits["test"].inputs["image"], test.image)
    assert temperature.view == "dyed"
    assert {task.view for task in (segmentation, depth, normals)} == {"upright"}
    taken = {s: {x.numpy().tobytes() for x in depth.splits[s].inputs["image"]} for s in SPLITS}
    assert not taken["train"] & taken["validation"]


def test_the_mat_files_come_back(tmp_path, rooms, rng):
    pytest.importorskip("h5py")
    write_rooms(*rooms, tmp_path / "nyuv2", "mat")
    spec = dataclasses.replace(SMALL, size=(48, 64))
    benchmark = spec.load(tmp_path, rng)
    assert benchmark.provenance is Provenance.SYNTH
    segmentation, depth, normals, _ = benchmark.tasks
    _, test = rooms
    assert np.array_equal(segmentation.splits["test"].inputs["image"], test.image)
    assert np.array_equal(segmentation.splits["test"].labels, test.label)
    assert np.array_equal(depth.splits["test"].labels, test.depth)
    length = normals.splits["test"].labels.norm(dim=1)
    assert torch.allclose(length[length > 0.5], torch.ones(()), atol=1e-4)
    (tmp_path / "nyuv2" / MARKER).unlink()
    assert NYUV2.look(tmp_path).provenance is Provenance.EXACT  # the marker alone tells


def test_spoilt_mat_files_are_refused(tmp_path, rooms, rng):
    h5py = pytest.importorskip("h5py")
    folder = tmp_path / "nyuv2"
    write_rooms(*rooms, folder, "mat")
    savemat(folder / "splits.mat", {"trainNdxs": [[1], [2]], "testNdxs": [[2]]})
    with pytest.raises(InvalidInputError, match="1 in both"):
        SMALL.load(tmp_path, rng)
    savemat(folder / "splits.mat", {"trainNdxs": [[1]]})
    with pytest.raises(InvalidInputError, match="testNdxs"):
        SMALL.load(tmp_path, rng)
    (folder / "splits.mat").write_bytes(b"no matlab")
    with pytest.raises(InvalidInputError, match="MATLAB file of version 5"):
        SMALL.load(tmp_path, rng)
    savemat(folder / "splits.mat", {"trainNdxs": np.arange(1, 7), "testNdxs": np.arange(7, 11)})
    many = dataclasses.replace(SMALL, test_images=None)
    with pytest.raises(InvalidInputError, match="10 views, as splits"):
        many.load(tmp_path, rng)
    savemat(folder / "splits.mat", {"trainNdxs": np.arange(1, 7), "testNdxs": np.arange(7, 10)})
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "a") as file:
        file["labels"][0:9, 0, 0] = 99
    with pytest.raises(InvalidInputError, match="labels up to 99"):
        SMALL.load(tmp_path, rng)
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "a") as file:
        del file["depths"]
    with pytest.raises(InvalidInputError, match="a field 'depths'"):
        SMALL.load(tmp_path, rng)


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("image/0.npy", np.zeros((48, 64)), "any x any x 3"),
        ("image/0.npy", np.full((48, 64, 3), 255.0), r"values in 0\.\.1"),
        ("label/0.npy", np.zeros((24, 64)), "48 x 64; found 24 x 64"),
        ("label/0.npy", np.full((48, 64), 13.0), r"-1\.\.12"),
        ("label/0.npy", np.full((48, 64), 0.5), "classes"),
        ("depth/0.npy", np.full((48, 64, 1), -1.0), r"0\.\.20"),
        ("depth/0.npy", np.full((48, 64, 1), 5000.0), r"0\.\.20"),
        ("normal/0.npy", np.full((48, 64, 3), 3.0), "values in"),
    ],
)
def test_spoilt_folders_are_refused(folders, rng, name, array, says):
    for number in range(3):
        np.save(folders / "nyuv2/val" / name.replace("0.npy", f"{number}.npy"), array)
    with pytest.raises(InvalidInputError, match=says):
        SMALL.load(folders, rng)


def test_missing_files_are_named(folders, rng):
    (folders / "nyuv2/train/depth/3.npy").unlink()
    with pytest.raises(InvalidInputError, match="missing or too many: 3"):
        SMALL.load(folders, rng)
    np.save(folders / "nyuv2/train/depth/3.npy", np.ones((48, 64, 1)))
    with pytest.raises(InvalidInputError, match="300 views to train"):
        NYUV2.load(folders, rng)


def test_without_files_rooms_are_rendered_and_say_so(tmp_path, rng):
    benchmark = dataclasses.replace(SMALL, train_images=2, test_images=1).load(tmp_path, rng)
    assert benchmark.provenance is Provenance.SYNTH
    assert benchmark.files == ()
    assert any("rendered" in note for note in benchmark.notes)
    for task in benchmark.tasks:
        inputs, labels = task.splits["train"].at(torch.tensor([0]))
        assert inputs["image"].shape == (1, 3, 24, 32)
        assert bool(labels.isfinite().all() if labels.is_floating_point() else (labels >= 0).all())


def test_real_data_is_not_written_over(tmp_path, rooms):
    folder = tmp_path / "nyuv2"
    folder.mkdir()
    (folder / "splits.mat").write_text("mine")
    with pytest.raises(InvalidInputError, match="not rendered here"):
        write_rooms(*rooms, folder, "mat")
    assert (folder / "splits.mat").read_text() == "mine"


def test_the_colour_tells_the_temperature(folders, rng):
    """Warmer light, more red than blue: the label orders the ratio that dyeing changed."""
    warm = light_of(np.array([2500.0, 4000.0, 6500.0, 10000.0]))
    assert (np.diff(warm[:, 0] / warm[:, 2]) < 0).all()
    benchmark = dataclasses.replace(SMALL, size=(48, 64)).load(folders, rng)
    dyed, plain = benchmark.tasks[3].splits["test"], benchmark.tasks[0].splits["test"]
    ratio = [
        dyed.inputs["image"][:, c].float().mean(dim=(1, 2))
        / plain.inputs["image"][:, c].float().mean(dim=(1, 2))
        for c in (0, 2)
    ]
    warmth = ratio[0] / ratio[1]
    assert torch.equal(warmth.argsort(), dyed.labels[:, 0].argsort())
