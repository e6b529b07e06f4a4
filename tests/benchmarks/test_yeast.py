"""Yeast: fourteen yes-or-no tasks from a table that arrives with a package."""

from __future__ import annotations

import gzip
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from simulations.training.benchmarks import yeast
from simulations.training.benchmarks.base import SPLITS, Role
from simulations.training.benchmarks.yeast import YEAST
from simulations.training.datasets.base import Provenance
from simulations.training.formats.yeast_csv import read_yeast
from songoku_theory.errors import InvalidInputError

HEADER = ",".join([f"Att{n}" for n in range(1, 104)] + [f"Class{n}" for n in range(1, 15)])


@pytest.fixture
def table(tmp_path, rng, monkeypatch, no_packages):
    """Write a small table; returns its path, features and classes."""
    features = rng.normal(size=(50, 103)).round(6)
    classes = rng.integers(0, 2, (50, 14))
    path = tmp_path / "yeast" / "yeast.csv.gz"
    path.parent.mkdir()
    monkeypatch.setattr(yeast, "_GENES", 50)
    monkeypatch.setattr(yeast, "_HAVE", tuple(classes.sum(axis=0).tolist()))
    write(path, lines(features, classes))
    return path, features, classes


def lines(features, classes):
    rows = zip(features, classes, strict=True)
    return [HEADER, *(",".join(map(str, [*x.tolist(), *y.tolist()])) for x, y in rows)]


def write(path, content):
    path.write_bytes(gzip.compress("\n".join(content).encode()))


def test_every_gene_is_in_one_split_with_its_own_labels(table, tmp_path, rng):
    _, features, classes = table
    loaded = YEAST.load(tmp_path, rng)
    assert loaded.provenance is Provenance.EXACT
    assert [len(loaded.tasks[0].splits[s]) for s in SPLITS] == [30, 10, 10]
    assert {(t.role, t.view, t.num_outputs) for t in loaded.tasks} == {(Role.MAIN, "genes", 1)}
    found = torch.cat([loaded.tasks[0].splits[s].inputs["gene"] for s in SPLITS]).numpy()
    place = [int(np.abs(features - row).sum(axis=1).argmin()) for row in found]
    assert sorted(place) == list(range(50))
    for k, task in enumerate(loaded.tasks):
        labels = torch.cat([task.splits[s].labels for s in SPLITS])[:, 0]
        assert np.array_equal(labels, classes[place, k]), task.name


def test_another_seed_is_another_split_and_the_same_seed_the_same(table, tmp_path):
    def genes_tested_with(seed):
        loaded = YEAST.load(tmp_path, np.random.default_rng(seed))
        return loaded.tasks[0].splits["test"].inputs["gene"]

    assert torch.equal(genes_tested_with(3), genes_tested_with(3))
    assert not torch.equal(genes_tested_with(3), genes_tested_with(4))


def test_features_are_standardised_by_the_training_part(table, tmp_path, rng):
    train = YEAST.load(tmp_path, rng).tasks[0].splits["train"]
    batch, _ = train.at(torch.arange(len(train)))
    assert torch.allclose(batch["gene"].mean(0), torch.zeros(103), atol=1e-5)
    assert torch.allclose(batch["gene"].std(0, correction=0), torch.ones(103), atol=1e-5)


def test_chance_is_the_error_of_the_commoner_answer(table, tmp_path, rng):
    for task in YEAST.load(tmp_path, rng).tasks:
        yes = float(task.splits["train"].labels.mean()) > 0.5
        test = task.splits["test"].labels
        assert task.chance == pytest.approx(float((test == 0).double().mean() if yes else
                                                  test.double().mean()))  # fmt: skip
        assert not task.metrics[0].higher_is_better
        logits = torch.where(test > 0, 3.0, -3.0)
        assert task.metrics[0].measure(logits, test) == 0
        assert float(task.loss(logits, test)) == pytest.approx(np.log1p(np.exp(-3)))
        assert task.metrics[1].measure(-logits, test) == pytest.approx(np.log1p(np.exp(3)))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda rows: rows[:-1], r"50 genes.*found 49"),
        (lambda rows: rows[1:], "columns Att1"),
        (lambda rows: [], "columns Att1"),
        (lambda rows: [*rows[:3], rows[3][:-2], *rows[4:]], "117 fields in line 4; found 116"),
        (lambda rows: [*rows[:3], rows[3][:-1] + "2", *rows[4:]], "0 and 1; found others in line"),
        (lambda rows: [*rows[:3], "nan" + rows[3][rows[3].index(",") :], *rows[4:]], "in line 4"),
        (lambda rows: [*rows[:3], "x" + rows[3][rows[3].index(",") :], *rows[4:]], "numbers alone"),
        (lambda rows: [*rows[:-1], rows[1]], "truncated, or edited"),
    ],
)
def test_a_spoilt_table_is_refused(table, tmp_path, rng, spoil, says):
    path, features, classes = table
    classes[0] = 1 - classes[-1]  # so that a gene given twice changes the counts
    write(path, spoil(lines(features, classes)))
    if says == "truncated, or edited":
        says = r"50 genes, of which .* found 50 and .*truncated, or edited"
    with pytest.raises(InvalidInputError, match=says):
        YEAST.load(tmp_path, rng)


def test_a_truncated_file_and_none_are_refused(table, tmp_path, rng):
    path, _, _ = table
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InvalidInputError, match="a whole table"):
        YEAST.load(tmp_path, rng)
    path.unlink()
    assert YEAST.look(tmp_path).provenance is None
    with pytest.raises(InvalidInputError, match="pip install --no-deps river"):
        YEAST.load(tmp_path, rng)


def test_the_table_of_the_package(tmp_path, rng):
    if find_spec("river") is None:
        pytest.skip("river is not installed")
    loaded = YEAST.load(tmp_path, rng)
    assert "river" not in sys.modules
    assert "river" in YEAST.look(tmp_path).what
    assert [len(loaded.tasks[0].splits[s]) for s in SPLITS] == [1450, 484, 483]
    # The file's second line, read by hand: it ends 0,0,0,0,0,0,1,1,0,0,0,1,1,0.
    features, has = read_yeast(loaded.files[0])
    assert np.allclose(features[0, :4], [0.004168, -0.170975, -0.156748, -0.142151])
    assert has[0].tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0]
