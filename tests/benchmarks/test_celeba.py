"""CelebA: lists and images in the publisher's layout."""

from __future__ import annotations

import numpy as np
import pytest
import torch

Image = pytest.importorskip("PIL.Image")

from simulations.training.benchmarks import celeba  # noqa: E402
from simulations.training.benchmarks.base import SPLITS  # noqa: E402
from simulations.training.benchmarks.celeba import ATTRIBUTES, CELEBA, CelebA  # noqa: E402
from simulations.training.datasets.base import Provenance  # noqa: E402
from songoku_theory.errors import InvalidInputError  # noqa: E402

COUNT = 30
PARTS = [0] * 18 + [1] * 5 + [2] * 7
NAMES = [*ATTRIBUTES[:4], *(f"Other_{n}" for n in range(31)), *ATTRIBUTES[4:]]


@pytest.fixture
def faces(tmp_path, write_celeba):
    """Thirty faces; returns the folder and their attributes."""
    has, names = write_celeba(tmp_path, PARTS, ATTRIBUTES)
    assert names == NAMES
    return tmp_path / "celeba", has


def parts():
    return [f"{n + 1:06d}.jpg {part}" for n, part in enumerate(PARTS)]


def write(path, rows):
    path.write_text("\n".join(rows) + "\n")


def number_of(images):
    """Return which faces these are, from their red."""
    return (images[:, 0].float().mean(dim=(1, 2)) * COUNT / 255).round().long()


def test_every_face_has_its_own_attributes(faces, tmp_path, rng):
    _, has = faces
    loaded = CELEBA.load(tmp_path, rng)
    assert loaded.provenance is Provenance.NEAR
    assert "30 of CelebA's 202,599 faces" in " ".join(loaded.notes)
    assert [task.name for task in loaded.tasks] == list(ATTRIBUTES)
    assert {task.view for task in loaded.tasks} == {"faces"}
    for number, split in enumerate(SPLITS):
        samples = loaded.tasks[0].splits[split]
        assert samples.inputs["image"].shape[1:] == (3, 64, 64)
        found = number_of(samples.inputs["image"])
        assert found.tolist() == [n for n in range(COUNT) if PARTS[n] == number]
        for task in loaded.tasks:
            expected = has[found.numpy(), NAMES.index(task.name)]
            assert task.splits[split].labels[:, 0].tolist() == expected.tolist(), task.name


def test_limits_draw_by_seed_within_a_part(faces, tmp_path):
    some = CelebA(train_limit=5, validation_limit=2, test_limit=3, size=(16, 12))

    def drawn(seed):
        task = some.load(tmp_path, np.random.default_rng(seed)).tasks[0]
        return [number_of(task.splits[s].inputs["image"]).tolist() for s in SPLITS]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert [len(part) for part in drawn(1)] == [5, 2, 3]
    assert set(drawn(1)[0]) <= set(range(18))
    with pytest.raises(InvalidInputError, match=r"8 faces to test with \(part 2\); found 7"):
        CelebA(test_limit=8).load(tmp_path, np.random.default_rng(0))


def test_the_publishers_own_folders_do_as_well(faces, tmp_path, rng):
    folder, _ = faces
    for inside, name in (("Anno", "list_attr_celeba.txt"), ("Eval", "list_eval_partition.txt"),
                         ("Img", "img_align_celeba")):  # fmt: skip
        (folder / inside).mkdir()
        (folder / name).rename(folder / inside / name)
    assert len(CELEBA.load(tmp_path, rng).tasks[0].splits["train"]) == 18


def test_all_faces_are_exact_only_with_the_published_lists(faces, tmp_path, rng, monkeypatch):
    monkeypatch.setattr(celeba, "_SIZES", {"train": 18, "validation": 5, "test": 7})
    assert CELEBA.look(tmp_path).provenance is Provenance.EXACT
    with pytest.raises(InvalidInputError, match=r"list_attr_celeba.txt: expected md5 .*edited"):
        CELEBA.load(tmp_path, rng)


def change(line, old, new):
    def spoil(rows):
        rows[line] = rows[line].replace(old, new, 1)
        return rows

    return spoil


@pytest.mark.parametrize(
    ("name", "spoil", "says"),
    [
        ("list_attr_celeba.txt", lambda rows: rows[:-1], "30 faces, as its first line says"),
        ("list_attr_celeba.txt", lambda rows: rows[1:], "the number of faces, then 40 names"),
        ("list_attr_celeba.txt", lambda rows: [], "found nothing"),
        ("list_attr_celeba.txt", change(1, "Goatee", "Beard"), "found no Goatee"),
        ("list_attr_celeba.txt", change(1, "Other_3", "Other_4"), "found one twice"),
        ("list_attr_celeba.txt", change(4, "1", "x"), "a name like 000001.jpg"),
        ("list_attr_celeba.txt", change(7, " 1", " 0"), "-1 or 1 in line 8"),
        ("list_attr_celeba.txt", change(7, "000006.jpg", "../../a.jpg"), "in line 8"),
        ("list_attr_celeba.txt", change(5, "000004", "000005"), "each once"),
        ("list_attr_celeba.txt", lambda rows: parts(), "the number of faces"),  # the other list
        ("list_eval_partition.txt", lambda rows: rows[:-1], "000030.jpg in one alone"),
        ("list_eval_partition.txt", change(3, " 0", " 3"), "0, 1 or 2 in line 4"),
        ("list_eval_partition.txt", change(3, "000004", "000003"), "a new file .* in line 4"),
        ("list_eval_partition.txt", lambda rows: ["30", "a b"], "0, 1 or 2 in line 1"),
    ],
)
def test_a_spoilt_list_is_refused(faces, tmp_path, rng, name, spoil, says):
    path = faces[0] / name
    write(path, spoil(path.read_text().splitlines()))
    with pytest.raises(InvalidInputError, match=says) as caught:
        CELEBA.load(tmp_path, rng)
    assert name in str(caught.value)


def test_a_spoilt_image_is_refused(faces, tmp_path, rng):
    path = faces[0] / "img_align_celeba" / "000020.jpg"
    whole = path.read_bytes()
    spoilt = {
        "a whole JPEG": whole[: len(whole) // 2],
        "a JPEG; found no such picture": b"no picture",
    }
    for says, raw in spoilt.items():
        path.write_bytes(raw)
        with pytest.raises(InvalidInputError, match=says):
            CELEBA.load(tmp_path, rng)
    for size, mode, form in (((178, 200), "RGB", "JPEG"), ((178, 218), "L", "JPEG")):
        Image.new(mode, size).save(path, format=form)
        with pytest.raises(InvalidInputError, match=r"8-bit colours, 218 x 178"):
            CELEBA.load(tmp_path, rng)
    Image.new("RGB", (178, 218)).save(path, format="PNG")  # under a name that says JPEG
    with pytest.raises(InvalidInputError, match="a JPEG; found no such picture"):
        CELEBA.load(tmp_path, rng)
    path.unlink()
    with pytest.raises(InvalidInputError, match=r"000020\.jpg: expected a picture; found no such"):
        CELEBA.load(tmp_path, rng)


def test_what_is_missing_is_named(faces, tmp_path, rng):
    (faces[0] / "list_eval_partition.txt").unlink()
    found = CELEBA.look(tmp_path)
    assert (found.provenance, found.missing) == (None, ("celeba/list_eval_partition.txt",))
    with pytest.raises(InvalidInputError, match=r"no celeba/list_eval_partition\.txt.*mmlab"):
        CELEBA.load(tmp_path, rng)


def test_images_are_standardised_by_the_training_part(faces, tmp_path, rng):
    train = CELEBA.load(tmp_path, rng).tasks[0].splits["train"]
    batch, _ = train.at(torch.arange(len(train)))
    assert abs(float(batch["image"][:, 0].mean())) < 1e-4
    assert float(batch["image"][:, 0].std(correction=0)) == pytest.approx(1, abs=1e-3)
