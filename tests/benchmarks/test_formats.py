"""Readers: what is written comes back, and each way to spoil a file is one clear error."""

from __future__ import annotations

import os
import pickle
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.training.formats.cifar_binary import read_cifar_binary
from simulations.training.formats.cifar_pickle import read_cifar_pickle
from simulations.training.formats.ett_csv import read_ett
from simulations.training.formats.idx import read_idx
from simulations.training.formats.log_mel import log_mel
from simulations.training.formats.npy import map_npy
from simulations.training.formats.wav import read_wav
from simulations.training.formats.yahoo_csv import read_daily_prices
from songoku_theory.errors import InvalidInputError


def test_the_binary_version_comes_back(tmp_path, write_cifar_binary, cifar_images):
    folder = write_cifar_binary(tmp_path)
    images, labels = read_cifar_binary(folder / "data_batch_1.bin")
    expected, expected_labels = cifar_images(12, 1)
    assert np.array_equal(images, expected)
    assert np.array_equal(labels, expected_labels)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_the_python_version_is_the_binary_version(
    tmp_path, protocol, write_cifar_pickle, write_cifar_binary
):
    binary = read_cifar_binary(write_cifar_binary(tmp_path) / "test_batch.bin")
    python = read_cifar_pickle(write_cifar_pickle(tmp_path, protocol=protocol) / "test_batch")
    assert np.array_equal(binary[0], python[0])
    assert np.array_equal(binary[1], python[1])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda raw: raw[:-1], "whole number of records"),
        (lambda raw: b"", "0 bytes"),
        (lambda raw: bytes([10]) + raw[1:], "label 10 in record 0"),
    ],
)
def test_a_spoilt_binary_file_is_refused(tmp_path, write_cifar_binary, spoil, says):
    path = write_cifar_binary(tmp_path) / "test_batch.bin"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(InvalidInputError, match=says):
        read_cifar_binary(path)


class Attack:
    """A pickle of this would make a folder when read by the usual means."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_would_run_code_runs_nothing(tmp_path, protocol):
    trap = tmp_path / "made by the pickle"
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps({b"data": Attack(trap), b"labels": []}, protocol=protocol))
    with pytest.raises(InvalidInputError, match="mkdir"):
        read_cifar_pickle(path)
    assert not trap.exists()
    pickle.loads(path.read_bytes())  # the trap works, so its absence above means something
    assert trap.exists()


@pytest.mark.parametrize("name", ["eval", "getattr", "exec", "__import__"])
def test_no_builtin_is_reached(tmp_path, name):
    path = tmp_path / "data_batch_1"
    path.write_bytes(f"cbuiltins\n{name}\n(S'1+1'\ntR.".encode())
    with pytest.raises(InvalidInputError, match=f"builtins.{name}"):
        read_cifar_pickle(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([1, 2], "list"),
        ({b"data": np.zeros((2, 3072), np.uint8)}, "data"),
        ({b"data": np.zeros((2, 1024), np.uint8), b"labels": [0, 1]}, r"\(2, 1024\)"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]}, "1 labels"),
        ({b"data": np.zeros((1, 3072), np.uint8), b"labels": [10]}, "labels 0..9"),
        ({b"data": np.zeros((1, 3072), np.uint8), b"labels": [True]}, "labels 0..9"),
        ({b"data": np.zeros((1, 3072), np.float64), b"labels": [1]}, "other than bytes"),
        ({b"data": np.array([[None]]), b"labels": [1]}, "other than bytes"),
    ],
)
def test_a_pickle_of_something_else_is_refused(tmp_path, content, says):
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(InvalidInputError, match=says):
        read_cifar_pickle(path)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_whatever_escape_as_another_error(tmp_path_factory, noise, cut):
    """Random bytes, and a good pickle cut and continued with random bytes."""
    good = pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": [1]}, protocol=2)
    path = tmp_path_factory.getbasetemp() / "noise"
    for raw in (noise, good[:cut] + noise):
        path.write_bytes(raw)
        with pytest.raises(InvalidInputError):
            read_cifar_pickle(path)


@pytest.mark.parametrize("packed", [False, True])
def test_idx_comes_back_and_truncation_is_seen(tmp_path, write_idx, rng, packed):
    images = rng.integers(0, 256, (4, 28, 28))
    path = tmp_path / ("x.gz" if packed else "x")
    write_idx(path, images, packed)
    assert np.array_equal(read_idx(path, 3), images)
    with pytest.raises(InvalidInputError, match="swapped"):
        read_idx(path, 1)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InvalidInputError, match="expected"):
        read_idx(path, 3)


def test_idx_of_something_else_is_refused(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(InvalidInputError, match="3c 68 74 6d"):
        read_idx(path, 3)


def test_wav_comes_back(tmp_path, write_wav):
    write_wav(tmp_path / "a.wav", [0, 16384, -32768])
    assert read_wav(tmp_path / "a.wav", 8000).tolist() == [0.0, 0.5, -1.0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rate": 16000}, "16000 Hz"),
        ({"channels": 2}, "2 channels"),
        ({"width": 4}, "32 bits"),
    ],
)
def test_wav_of_another_kind_is_refused(tmp_path, write_wav, options, says):
    write_wav(tmp_path / "a.wav", [0, 1, 2, 3], **options)
    with pytest.raises(InvalidInputError, match=says):
        read_wav(tmp_path / "a.wav", 8000)


def test_a_truncated_wav_is_refused(tmp_path, write_wav):
    path = tmp_path / "a.wav"
    write_wav(path, range(100))
    for length in (100, 20, 0):
        path.write_bytes(path.read_bytes()[:length])
        with pytest.raises(InvalidInputError, match="expected"):
            read_wav(path, 8000)


def test_a_tone_is_loudest_in_the_row_of_its_frequency():
    time = np.arange(7168) / 8000
    waves = np.stack([np.sin(2 * np.pi * hertz * time) for hertz in (300, 1000, 3000)])
    rows = log_mel(waves.astype(np.float32), 8000, 40, 30).mean(axis=2).argmax(axis=1)
    mel = 2595 * np.log10(1 + np.array([300, 1000, 3000]) / 700)
    expected = mel / (2595 * np.log10(1 + 4000 / 700)) * 41 - 1
    assert np.abs(rows - expected).max() <= 1


def test_a_shape_or_range_that_is_wrong_is_said(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.full((3, 2), 7.0))
    assert map_npy(path, (None, 2), 0, 9, "x").shape == (3, 2)
    for shape, high, says in (((3, 3), 9, "3 x 2"), ((3,), 9, "3 x 2"), ((3, 2), 6, "7")):
        with pytest.raises(InvalidInputError, match=says):
            map_npy(path, shape, 0, high, "x")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InvalidInputError, match="npy file"):
        map_npy(path, (3, 2), 0, 9, "x")


def test_an_array_of_objects_is_never_unpickled(tmp_path):
    trap = tmp_path / "trap"
    np.save(tmp_path / "a.npy", np.array([Attack(trap)], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidInputError):
        map_npy(tmp_path / "a.npy", (1,), 0, 1, "x")
    assert not trap.exists()


def replace_line(lines, number, text):
    return [*lines[:number], *([text] if text is not None else []), *lines[number + 1 :]]


SPOIL_STOCK = {
    "twice": (lambda rows: [*rows[:5], rows[4], *rows[5:]], "again in line 6"),
    "out of order": (lambda rows: [*rows[:5], rows[6], rows[5], *rows[7:]], "rising order"),
    "a gap": (lambda rows: rows[:20] + rows[30:], "no gap of more than 7 days"),
    "too short": (lambda rows: rows[:400], "at least 500 trading days; found 399"),
    "truncated": (lambda rows: [*rows[:-1], rows[-1][:20]], "truncated"),
    "another ticker": (lambda rows: [row.replace("KO", "PG") for row in rows], "prices of 'PG'"),
    "no header": (lambda rows: rows[1:], "header"),
    "no number": (lambda rows: replace_line(rows, 9, "2010-01-14,x,1,1,1,1,KO"), "'x'"),
    "negative": (lambda rows: replace_line(rows, 9, "2010-01-14,-3,1,1,1,1,KO"), "'-3'"),
    "a bad date": (lambda rows: replace_line(rows, 9, "14/01/2010,1,1,1,1,1,KO"), "date like"),
    "blank at once": (lambda rows: replace_line(rows, 1, "2010-01-04,,1,1,1,1,KO"), "blank"),
    "empty": (lambda rows: [], "header"),
}


@pytest.mark.parametrize("way", SPOIL_STOCK)
def test_a_spoilt_stock_is_refused(tmp_path, write_stock, way):
    spoil, says = SPOIL_STOCK[way]
    lines = write_stock(tmp_path, "KO")
    (tmp_path / "KO.csv").write_text("\n".join(spoil(lines)))
    with pytest.raises(InvalidInputError, match=says):
        read_daily_prices(tmp_path / "KO.csv", 500)


@pytest.mark.parametrize(("factor", "split"), [(0.5, "2:1"), (1 / 3, "3:1"), (1.5, "1.5:1")])
def test_a_jump_like_a_split_is_refused_unless_allowed(tmp_path, write_stock, factor, split):
    lines = write_stock(tmp_path, "KO")
    for number in range(300, len(lines)):
        day, price, *rest = lines[number].split(",")
        lines[number] = ",".join([day, f"{float(price) * factor:.4f}", *rest])
    (tmp_path / "KO.csv").write_text("\n".join(lines))
    with pytest.raises(InvalidInputError, match=f"about {split}"):
        read_daily_prices(tmp_path / "KO.csv", 500)
    assert len(read_daily_prices(tmp_path / "KO.csv", 500, allow_jumps=True).open) == 540


def test_a_blank_opening_price_is_the_close_before(tmp_path, write_stock):
    lines = write_stock(tmp_path, "KO")
    day, _, *rest = lines[50].split(",")
    lines[50] = ",".join([day, "", *rest])
    (tmp_path / "KO.csv").write_text("\n".join(lines))
    read = read_daily_prices(tmp_path / "KO.csv", 500)
    assert read.filled == 1
    assert read.open[49] == float(lines[49].split(",")[4])  # line 50 is day 49
    for number in range(60, 64):
        lines[number] = lines[number].replace(lines[number].split(",")[1], "", 1)
    (tmp_path / "KO.csv").write_text("\n".join(lines))
    with pytest.raises(InvalidInputError, match="5 of 540"):
        read_daily_prices(tmp_path / "KO.csv", 500)


def test_ett_comes_back(tmp_path, write_ett):
    _, values = write_ett(tmp_path / "x.csv", 50, timedelta(minutes=15))
    read = read_ett(tmp_path / "x.csv")
    assert np.array_equal(read.values, values)
    assert read.step == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda rows: rows[:9] + rows[10:], "one row every 1:00:00"),
        (lambda rows: [*rows[:9], rows[8], *rows[9:]], "one row every"),
        (lambda rows: [*rows[:-1], rows[-1][:30]], "line 51"),
        (lambda rows: [rows[0].replace("OT", "TO"), *rows[1:]], "header"),
        (lambda rows: [*rows[:9], rows[9].rpartition(",")[0] + ",nan", *rows[10:]], "finite"),
        (lambda rows: [], "empty"),
        (lambda rows: rows[:2], "two rows"),
    ],
)
def test_spoilt_ett_is_refused(tmp_path, write_ett, spoil, says):
    lines, _ = write_ett(tmp_path / "x.csv", 50)
    (tmp_path / "x.csv").write_text("\n".join(spoil(lines)))
    with pytest.raises(InvalidInputError, match=says):
        read_ett(tmp_path / "x.csv")


@pytest.mark.parametrize(
    "read",
    [
        read_cifar_binary, read_cifar_pickle, read_ett, lambda p: read_idx(p, 3),
        lambda p: read_wav(p, 8000), lambda p: read_daily_prices(p, 500),
        lambda p: map_npy(p, (1,), 0, 1, "get it"),
    ],
)  # fmt: skip
def test_a_missing_file_is_named_with_what_to_do(tmp_path, read):
    with pytest.raises(InvalidInputError, match=r"nowhere.*no such file\. To do: \w"):
        read(tmp_path / "nowhere")
