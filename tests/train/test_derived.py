"""The cache of derived inputs: the same bits as without it, and no trust in what it holds."""

from __future__ import annotations

import logging
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch

from simulations.training.benchmarks import derived as module
from simulations.training.benchmarks.base import SPLITS
from simulations.training.benchmarks.cifar10 import Cifar10, _tasks
from simulations.training.benchmarks.derived import CACHE_VARIABLE, cache_folder, derived, source_of
from simulations.training.benchmarks.nyuv2 import NyuV2

CODE = ("a digest",)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and a process that was told nothing yet."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_told", set())
    return tmp_path / "cache" / "derived"


@pytest.fixture
def made():
    """``made(seed, ...)``: arrays, how often they were computed, and what is drawn next."""
    calls = []

    def make(rng):
        calls.append(1)
        return {
            "noise": rng.normal(size=(3, 4)).astype(np.float32),
            "labels": rng.integers(0, 9, 5),
            "flags": np.array([True, False]),
            "none/of it": np.empty((0, 2), np.uint8),
        }

    def run(seed=0, name="made", inputs=None, options=None, code=CODE):
        rng = np.random.default_rng(seed)
        found = derived(
            name, make, rng, inputs=inputs or {"x": np.arange(6)}, options=options or {"n": 1},
            code=code,
        )  # fmt: skip
        return found, len(calls), rng.integers(1 << 40)

    return run


def entries(folder):
    return sorted(folder.iterdir())


def same(first, second):
    assert list(first) == list(second)
    for name, values in first.items():
        assert values.dtype == second[name].dtype
        assert values.shape == second[name].shape
        assert values.tobytes() == second[name].tobytes()


def test_a_second_call_reads_the_same_bits_and_leaves_the_generator_the_same(
    cache, made, monkeypatch
):
    monkeypatch.setenv(CACHE_VARIABLE, "")
    without, _, drawn_without = made()
    assert not cache.exists()
    monkeypatch.setenv(CACHE_VARIABLE, str(cache.parent))
    first, calls, drawn_first = made()
    again, calls_again, drawn_again = made()
    assert calls_again == calls
    same(without, first)
    same(first, again)
    assert drawn_without == drawn_first == drawn_again
    again["noise"] += 1  # what was read may be written to, without harm to the entry
    same(first, made()[0])


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"name": "other"},
        {"inputs": {"x": np.arange(7)}},
        {"inputs": {"x": np.arange(6, dtype=np.uint64)}},  # the same bytes
        {"inputs": {"x": np.arange(6).reshape(2, 3)}},
        {"inputs": {"y": np.arange(6)}},
        {"options": {"n": 2}},
        {"options": {"m": 1}},
        {"code": ("another digest",)},
    ],
    ids=str,
)
def test_whatever_the_content_depends_on_gives_another_entry(cache, made, other):
    _, before, _ = made()
    _, after, _ = made(**other)
    assert after == before + 1
    assert len(entries(cache)) == 2


def test_another_version_of_numpy_gives_another_entry(cache, made, monkeypatch):
    made()
    monkeypatch.setattr(np, "__version__", "0.0")
    assert made()[1] == 2


@pytest.mark.parametrize("fault", ["cut off", "a bit turned", "empty", "text", "appended"])
def test_a_damaged_entry_is_announced_and_made_again(cache, made, caplog, fault):
    first, _, drawn = made()
    (path,) = entries(cache)
    content = path.read_bytes()
    turned = bytearray(content)
    turned[len(turned) // 2] ^= 1
    path.write_bytes(
        {
            "cut off": content[:-100],
            "a bit turned": bytes(turned),
            "empty": b"",
            "text": b"no such thing\n",
            "appended": content + b"x",
        }[fault]
    )
    with caplog.at_level(logging.WARNING, "songoku"):
        again, calls, drawn_again = made()
    assert calls == 2
    assert "damaged or cut off; it is made again" in caplog.text
    same(first, again)
    assert drawn == drawn_again
    assert path.read_bytes()[:64] == content[:64]  # mended
    assert made()[1] == 2


def test_an_entry_under_anothers_name_is_not_trusted(cache, made, caplog):
    made(0)
    (path,) = entries(cache)
    first = path.read_bytes()
    path.unlink()
    wanted, _, _ = made(1)
    (other,) = entries(cache)
    other.write_bytes(first)
    found, calls, _ = made(1)
    assert calls == 3
    assert "something else than its name says" in caplog.text
    same(wanted, found)


def signed(content):
    return module._digest(content).encode() + b"\n" + content


def zipped(**arrays):
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_no_pickle_is_read_even_with_the_right_checksum(cache, made, caplog, tmp_path):
    """An object array that would make a folder when it is unpickled."""

    class Harm:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "harm"),))

    made()
    (path,) = entries(cache)
    path.write_bytes(signed(zipped(noise=np.array([Harm()], dtype=object))))
    assert made()[1] == 2
    assert not (tmp_path / "harm").exists()
    assert "is not an entry of this cache" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a zip",
        zipped(noise=np.zeros(3)),
        zipped(songoku=np.frombuffer(b"{}", np.uint8)),
        zipped(songoku=np.frombuffer(b"[1]", np.uint8)),
        zipped(songoku=np.frombuffer(b"{", np.uint8)),
    ],
    ids=["nothing", "not a zip", "no meta", "empty meta", "meta of another kind", "broken meta"],
)
def test_what_is_signed_but_no_entry_is_made_again(cache, made, caplog, content):
    made()
    (path,) = entries(cache)
    path.write_bytes(signed(content))
    assert made()[1] == 2
    assert "made again" in caplog.text


def test_a_table_that_disagrees_with_the_arrays_is_made_again(cache, made, caplog):
    first, _, _ = made()
    (path,) = entries(cache)
    with np.load(BytesIO(path.read_bytes().partition(b"\n")[2])) as held:
        arrays = {name: held[name] for name in held.files}
    arrays["noise"] = arrays["noise"].astype(np.float64)
    path.write_bytes(signed(zipped(**arrays)))
    found, calls, _ = made()
    assert calls == 2
    assert "something else" in caplog.text
    same(first, found)


def test_a_folder_that_can_not_be_written_means_no_cache_and_one_notice(
    tmp_path, made, monkeypatch, caplog
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(module, "_told", set())
    for expected in (1, 2, 3):
        assert made()[1] == expected
    notices = [record for record in caplog.records if "not kept" in record.message]
    assert len(notices) == 1
    assert CACHE_VARIABLE in notices[0].message


def test_a_full_disk_means_no_cache_and_leaves_no_draft(cache, made, monkeypatch, caplog):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert made()[1] == 1
    assert made()[1] == 2
    assert entries(cache) == []
    assert caplog.text.count("No space left on device") == 1


def test_an_entry_that_can_not_be_read_is_computed(cache, made, caplog):
    made()
    (path,) = entries(cache)
    path.unlink()
    path.mkdir()  # reading a folder fails for root, too
    assert made()[1] == 2
    assert made()[1] == 3
    assert caplog.text.count("can't be read, so they are computed") == 1


def test_python_objects_are_refused(cache):
    with pytest.raises(TypeError, match="plain arrays only"):
        derived(
            "made", lambda rng: {"x": np.array([None])}, np.random.default_rng(0), inputs={},
            options={}, code=CODE,
        )  # fmt: skip
    assert not cache.exists()


def test_what_can_not_be_named_is_not_kept(cache, made):
    assert made(code=("",))[1] == 1  # no source at hand
    assert made(code=("",))[1] == 2
    rng = np.random.Generator(np.random.MT19937(0))  # its state is no JSON
    derived("made", lambda rng: {"x": rng.normal(size=2)}, rng, inputs={}, options={}, code=CODE)
    assert not cache.exists()


def test_entries_not_used_for_longest_make_room(cache, made, monkeypatch):
    paths = []
    for seed in range(3):
        made(seed)
        (path,) = set(cache.iterdir()) - set(paths)
        os.utime(path, (1e9 + seed, 1e9 + seed))
        paths.append(path)
    draft, young = cache / "abandoned.draft", cache / "young.draft"
    young.touch()
    draft.touch()
    os.utime(draft, (1e9, 1e9))
    made(0)  # now the one used last
    monkeypatch.setattr(module, "_AT_MOST", 3 * paths[0].stat().st_size + 10)
    made(7)
    left = set(cache.iterdir())
    assert {paths[0], paths[2], young} < left
    assert len(left) == 4
    assert not {paths[1], draft} & left


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here" / "derived"
    for nothing in ("", "  "):
        monkeypatch.setenv(CACHE_VARIABLE, nothing)
        assert cache_folder() is None
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "songoku" / "derived"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "songoku" / "derived"


def test_source_that_is_not_there_has_no_digest(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    first = source_of(str(tmp_path / "a.py"))
    (tmp_path / "a.py").write_text("x = 2")
    assert first != source_of(str(tmp_path / "a.py")) != ""
    assert source_of(str(tmp_path / "gone.py")) == ""


def test_what_is_drawn_for_the_same_images_goes_with_the_generator(cache):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 3, 32, 32), dtype=np.uint8)
    images = dict.fromkeys(SPLITS, pixels)
    labels = {split: np.arange(60) % 10 for split in SPLITS}
    drawn = []
    for seed in (1, 2, 1):
        tasks = _tasks(images, labels, np.random.default_rng(seed))
        drawn.append({t.name: t.splits["train"].labels.tolist() for t in tasks})
    assert drawn[0] == drawn[2]
    for name in ("quadrant", "corruption", "rotation"):
        assert drawn[0][name] != drawn[1][name], name
    assert len(entries(cache)) == 2


@pytest.mark.parametrize(
    "benchmark",
    [
        Cifar10(train_per_class=3, validation_per_class=2, test_per_class=2),
        NyuV2(train_images=5, validation_images=2, test_images=3, size=(8, 10)),
    ],
    ids=["cifar10", "nyuv2"],
)
def test_a_benchmark_is_the_same_with_and_without(benchmark, cache, data_root, monkeypatch):
    """Every tensor of every task, from no cache, from an empty one and from a filled one."""

    def load(seed=4):
        loaded = benchmark.load(data_root, np.random.default_rng(seed))
        return {
            f"{task.name} {split} {name}": values
            for task in loaded.tasks
            for split, samples in task.splits.items()
            for name, values in {**samples.inputs, "labels": samples.labels}.items()
        }

    monkeypatch.setenv(CACHE_VARIABLE, "")
    without = load()
    monkeypatch.setenv(CACHE_VARIABLE, str(cache.parent))
    for _ in range(2):
        found = load()
        assert len(entries(cache)) == 1
        assert list(found) == list(without)
        for name, values in found.items():
            assert values.dtype == without[name].dtype, name
            assert torch.equal(values, without[name]), name
    assert any(not torch.equal(values, without[name]) for name, values in load(5).items())
    assert len(entries(cache)) == 2
