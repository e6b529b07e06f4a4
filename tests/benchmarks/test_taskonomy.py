"""Taskonomy: six files a view, in the folders that the publisher's tool makes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

Image = pytest.importorskip("PIL.Image")

from simulations.training.benchmarks.base import SPLITS  # noqa: E402
from simulations.training.benchmarks.taskonomy import Taskonomy  # noqa: E402
from simulations.training.datasets.base import Provenance  # noqa: E402
from simulations.training.formats.taskonomy_folders import read_parts  # noqa: E402
from songoku_theory.errors import InvalidInputError, UnknownNameError  # noqa: E402

VIEWS = {"allensville": 5, "beechwood": 2, "corozal": 3}
ALL = Taskonomy(size=(16, 16), train_images=None, validation_images=None, test_images=None)


@pytest.fixture
def rooms(tmp_path, write_taskonomy):
    return write_taskonomy(tmp_path, VIEWS)


def levels(samples):
    """Return which views these are: the number that fills their image."""
    return samples.inputs["image"][:, 0, 0, 0].long()


def test_every_view_has_its_own_labels(rooms, tmp_path, rng):
    loaded = ALL.load(tmp_path, rng)
    assert loaded.provenance is Provenance.EXACT
    tasks = {task.name: task for task in loaded.tasks}
    assert list(tasks) == ["segmentation", "depth", "normals", "keypoints", "edges"]
    expected = {"train": [1, 2, 3, 4, 5], "validation": [6, 7], "test": [8, 9, 10]}
    for split in SPLITS:
        found = levels(tasks["depth"].splits[split])
        assert found.tolist() == expected[split]
        labels = {name: task.splits[split].labels for name, task in tasks.items()}
        for row, level in enumerate(found.tolist()):
            assert set(labels["segmentation"][row].flatten().tolist()) == {level - 1}
            depth = labels["depth"][row, 0]
            assert torch.all(depth[:, :4] == 0)  # the hole
            assert torch.all(depth[:, 4:] == level)  # metres
            normal = labels["normals"][row]
            assert torch.all(normal[:, :, :4] == 0)
            assert torch.allclose(normal[2, :, 4:], torch.ones(16, 12), atol=1e-3)
    train = tasks["keypoints"].splits["train"].labels
    assert float(train.square().mean().sqrt()) == pytest.approx(1, abs=1e-5)
    ratio = train[3, 0, 0, 0] / train[0, 0, 0, 0]
    assert float(ratio) == pytest.approx(4, rel=1e-5)


def test_uncertain_pixels_do_not_count(rooms, tmp_path, rng):
    path = next((rooms / "segment_semantic" / "corozal").glob("point_0_*"))
    Image.fromarray(np.zeros((32, 32), dtype=np.uint8)).save(path)
    task = ALL.load(tmp_path, rng).tasks[0]
    assert set(task.splits["test"].labels[0].flatten().tolist()) == {-1}
    outputs = torch.zeros(1, 17, 16, 16)
    assert task.metrics[1].measure(outputs, task.splits["test"].labels[1:2]) == 0.0


def test_no_building_is_in_two_parts_when_there_is_no_list(tmp_path, write_taskonomy):
    write_taskonomy(tmp_path, {f"house{n}": 2 for n in range(7)}, listed=False)

    def parts(seed):
        loaded = ALL.load(tmp_path, np.random.default_rng(seed))
        assert loaded.provenance is Provenance.NEAR
        assert "no list of parts" in loaded.notes[1]
        samples = loaded.tasks[0].splits
        return [sorted({(n - 1) // 2 for n in levels(samples[s]).tolist()}) for s in SPLITS]

    assert parts(0) == parts(0)
    assert parts(0) != parts(1)
    found = parts(0)
    assert sorted(n for part in found for n in part) == list(range(7))
    assert [len(part) for part in found] == [5, 1, 1]


@pytest.mark.parametrize("houses", [3, 4, 5, 20])
def test_each_part_gets_a_building(tmp_path, write_taskonomy, rng, houses):
    write_taskonomy(tmp_path, {f"house{n}": 1 for n in range(houses)}, listed=False)
    task = ALL.load(tmp_path, rng).tasks[0]
    sizes = [len(task.splits[s]) for s in SPLITS]
    assert sum(sizes) == houses
    assert min(sizes) >= 1
    assert sizes[0] >= sizes[1]


def test_two_buildings_are_too_few(tmp_path, write_taskonomy, rng):
    write_taskonomy(tmp_path, {"a": 3, "b": 3}, listed=False)
    with pytest.raises(InvalidInputError, match=r"a building to test with.*found 2 buildings"):
        ALL.load(tmp_path, rng)


def test_omnidatas_folders_do_as_well_and_a_part_of_the_buildings_is_near(
    tmp_path, write_taskonomy, rng
):
    folder = write_taskonomy(tmp_path, VIEWS, inside="taskonomy")
    assert [len(ALL.load(tmp_path, rng).tasks[0].splits[s]) for s in SPLITS] == [5, 2, 3]
    listed = folder / "splits_taskonomy" / "train_val_test_tiny.csv"
    listed.write_text(listed.read_text() + "darden,1,0,0\n")
    found = ALL.look(tmp_path)
    assert found.provenance is Provenance.NEAR
    assert found.missing == ("1 of the 4 buildings of tiny",)
    assert ALL.load(tmp_path, rng).provenance is Provenance.NEAR


def test_limits_draw_by_seed(rooms, tmp_path):
    some = Taskonomy(size=(16, 16), train_images=2, validation_images=1, test_images=1)

    def drawn(seed):
        loaded = some.load(tmp_path, np.random.default_rng(seed))
        return levels(loaded.tasks[0].splits["train"]).tolist()

    assert drawn(0) == drawn(0)
    assert len({tuple(drawn(seed)) for seed in range(6)}) > 1
    with pytest.raises(InvalidInputError, match="6 views to train with; found 5"):
        Taskonomy(train_images=6).load(tmp_path, np.random.default_rng(0))


def view(rooms, domain):
    return next((rooms / domain / "allensville").glob("point_1_*"))


def resized(path):
    Image.open(path).resize((16, 32)).save(path)


def cut(path):
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) - 30])


def swapped_with(other):
    def swap(path):
        path.write_bytes(view(path.parents[2], other).read_bytes())

    return swap


def too_high(path):
    Image.fromarray(np.full((32, 32), 18, dtype=np.uint8)).save(path)


def as_jpeg(path):
    Image.new("RGB", (32, 32)).save(path, format="JPEG")


def misnamed(path):
    path.rename(path.with_name(path.name.replace("rgb", "normal")))


@pytest.mark.parametrize(
    ("domain", "spoil", "says"),
    [
        ("normal", lambda path: path.unlink(), "a picture; found no such file"),
        ("depth_zbuffer", cut, "a whole PNG"),
        ("rgb", cut, "a whole PNG"),
        ("rgb", as_jpeg, "a PNG; found no such picture"),
        ("rgb", misnamed, "a name like point_0_view_1_domain_rgb.png"),
        ("edge_texture", resized, r"16-bit numbers, 32 x 32 \(h x w\); found mode .*, 32 x 16"),
        ("edge_texture", swapped_with("rgb"), "16-bit numbers.*found mode 'RGB'"),
        ("segment_semantic", swapped_with("depth_zbuffer"), "8-bit numbers"),
        ("normal", swapped_with("rgb"), "unit vectors, centred at 127; found lengths about 1.7"),
        ("segment_semantic", too_high, r"classes 0\.\.17; found 18"),
    ],
)
def test_a_spoilt_file_is_refused_by_name(rooms, tmp_path, rng, domain, spoil, says):
    path = view(rooms, domain)
    spoil(path)
    with pytest.raises(InvalidInputError, match=says) as caught:
        ALL.load(tmp_path, rng)
    assert str(path.parent) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "columns id,train,val,test"),
        ("name,train,val,test\na,1,0,0\n", "columns id,train,val,test"),
        ("id,train,val,test\na,1,0,0\na,0,1,0\n", "a new building in one part in line 3"),
        ("id,train,val,test\na,1,1,0\n", "in one part in line 2"),
        ("id,train,val,test\na,0,0,0\n", "in one part in line 2"),
        ("id,train,val,test\na,1,0\n", "in one part in line 2"),
    ],
)
def test_a_spoilt_list_is_refused_when_loading_and_told_when_looking(rooms, tmp_path, rng, text,
                                                                     says):  # fmt: skip
    path = rooms / "splits_taskonomy" / "train_val_test_tiny.csv"
    path.write_text(text)
    assert ALL.look(tmp_path).provenance is Provenance.NEAR
    with pytest.raises(InvalidInputError, match=says):
        ALL.load(tmp_path, rng)


def test_columns_may_come_in_another_order(tmp_path):
    path = tmp_path / "parts.csv"
    path.write_text("id,test,val,train\na,1,0,0\nb,0,0,1\n")
    assert read_parts(path) == {"train": ["b"], "val": [], "test": ["a"]}


def test_what_is_missing_is_named(tmp_path, rng):
    (tmp_path / "taskonomy" / "rgb").mkdir(parents=True)
    assert "taskonomy/normal/" in ALL.look(tmp_path).missing
    with pytest.raises(InvalidInputError, match="no taskonomy/segment_semantic/"):
        ALL.load(tmp_path, rng)
    with pytest.raises(UnknownNameError, match="Did you mean 'tiny'"):
        Taskonomy(partition="tinny")
