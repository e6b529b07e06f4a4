"""MM-IMDb: features with titles joined by number, and films that stand in."""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

h5py = pytest.importorskip("h5py")

from simulations.training.benchmarks import mm_imdb  # noqa: E402
from simulations.training.benchmarks.base import SPLITS  # noqa: E402
from simulations.training.benchmarks.mm_imdb import MM_IMDB  # noqa: E402
from simulations.training.benchmarks.name_vectors import name_vectors  # noqa: E402
from simulations.training.datasets.base import Provenance  # noqa: E402
from simulations.training.formats.mmimdb_hdf5 import read_mmimdb  # noqa: E402
from songoku_theory.errors import InvalidInputError  # noqa: E402

COUNT = 40
TITLES = [f"{'AB'[n % 2]}{n}" for n in range(COUNT)]  # vowel, consonant, vowel, ...


@pytest.fixture
def features(tmp_path, rng, monkeypatch, no_packages):
    monkeypatch.setattr(mm_imdb, "_FILMS", COUNT)
    monkeypatch.setattr(mm_imdb, "_BOUNDS", (24, 30))
    folder = tmp_path / "mmimdb"
    folder.mkdir()
    with h5py.File(folder / "multimodal_imdb.hdf5", "w") as file:
        file["features"] = rng.normal(size=(COUNT, 300))
        file["vgg_features"] = rng.normal(size=(COUNT, 4096)).astype(np.float32)
        file["genres"] = rng.integers(0, 2, (COUNT, 23))
        file["imdb_ids"] = [f"{1000 + n:07d}" for n in range(COUNT)]
    lines = ["tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear"]
    for number in reversed(range(COUNT)):  # another order, and films that are not asked for
        year = 1915 + 2 * number if number != 3 else "\\N"
        lines.append(f"tt{1000 + number:07d}\tmovie\t{TITLES[number]}\tX\t0\t{year}")
        lines.append(f"tt{9000 + number:07d}\tmovie\tOther\tOther\t0\t1999")
    with gzip.open(folder / "title.basics.tsv.gz", "wt") as file:
        file.write("\n".join(lines) + "\n")
    return tmp_path


def test_titles_and_years_are_joined_by_number(features, rng):
    benchmark = MM_IMDB.load(features, rng)
    assert benchmark.provenance is Provenance.EXACT
    genres, decade, initial = benchmark.tasks
    assert [len(genres.splits[s]) for s in SPLITS] == [24, 6, 10]
    assert [len(decade.splits[s]) for s in SPLITS] == [23, 6, 10]  # film 3 has no year
    assert (genres.view, initial.view, decade.view) == ("films", "films", "films with decade")
    years = [1915 + 2 * n for n in range(24) if n != 3]
    expected = [max(0, (year - 1910) // 10) for year in years]
    assert decade.splits["train"].labels.tolist() == expected
    assert initial.splits["test"].labels.tolist() == [1 - n % 2 for n in range(30, 40)]
    with h5py.File(features / "mmimdb/multimodal_imdb.hdf5") as file:
        plot, kinds = file["features"][30:], file["genres"][30:]
        seen = file["features"][:24]
    inputs, labels = genres.splits["test"].at(torch.arange(10))
    assert np.allclose(inputs["text"], (plot - seen.mean(0)) / seen.std(0), atol=1e-4)
    assert np.array_equal(labels, kinds)
    left = decade.splits["train"].inputs["text"][3]  # film 4 follows film 2
    assert torch.equal(left, genres.splits["train"].inputs["text"][4])


def test_json_files_serve_as_well(features, rng):
    folder = features / "mmimdb" / "dataset"
    folder.mkdir()
    for number in range(COUNT):
        content = {"title": TITLES[number], "year": 1915 + 2 * number}
        (folder / f"{1000 + number:07d}.json").write_text(json.dumps(content))
    (features / "mmimdb" / "title.basics.tsv.gz").unlink()
    _, decade, initial = MM_IMDB.load(features, rng).tasks
    assert decade.view == initial.view == "films"
    (folder / "0001005.json").write_text("{")
    with pytest.raises(InvalidInputError, match=r"0001005\.json"):
        MM_IMDB.load(features, rng)


def set_field(name, values):
    def spoil(file):
        del file[name]
        if values is not None:
            file[name] = values

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (set_field("vgg_features", None), "a field 'vgg_features'; found the fields features"),
        (set_field("imdb_ids", None), "a field 'imdb_ids'"),
        (set_field("features", np.zeros((COUNT, 100))), "40 x 300"),
        (set_field("features", np.zeros((COUNT - 1, 300))), "40 x 300"),
        (set_field("features", np.full((COUNT, 300), np.nan)), "finite features"),
        (set_field("genres", np.full((COUNT, 23), 2)), r"0 and 1; found 2\.\.2"),
        (set_field("genres", np.zeros((COUNT, 26))), "any x 23"),
        (set_field("imdb_ids", ["abc"] * COUNT), "'abc'"),
        (set_field("imdb_ids", ["0000001"] * COUNT), "each film once; found 39 again"),
        (set_field("features", [b"x"] * COUNT), "to hold numbers"),
    ],
)
def test_a_spoilt_hdf5_is_refused(features, spoil, says):
    path = features / "mmimdb/multimodal_imdb.hdf5"
    with h5py.File(path, "a") as file:
        spoil(file)
    with pytest.raises(InvalidInputError, match=says):
        read_mmimdb(path)


def test_truncated_and_other_files_are_refused(features, rng):
    path = features / "mmimdb/multimodal_imdb.hdf5"
    titles = features / "mmimdb/title.basics.tsv.gz"
    whole = path.read_bytes()
    for raw in (whole[: len(whole) // 2], b"no HDF5", b""):
        path.write_bytes(raw)
        with pytest.raises(InvalidInputError, match="whole HDF5 file"):
            MM_IMDB.load(features, rng)
    path.write_bytes(whole)
    packed = titles.read_bytes()
    titles.write_bytes(packed[:-20])
    with pytest.raises(InvalidInputError, match="whole gzipped table"):
        MM_IMDB.load(features, rng)
    titles.write_bytes(gzip.compress(b"a\tb\n"))
    with pytest.raises(InvalidInputError, match="columns tconst"):
        MM_IMDB.load(features, rng)


def test_fewer_films_than_published_are_refused(features, rng, monkeypatch):
    monkeypatch.setattr(mm_imdb, "_FILMS", 25_959)
    with pytest.raises(InvalidInputError, match="25,959 films; found 40"):
        MM_IMDB.load(features, rng)


@pytest.fixture
def films(tmp_path, no_packages):
    (tmp_path / "mmimdb").mkdir()
    path = tmp_path / "mmimdb" / "movies.db"
    with sqlite3.connect(path) as db:
        db.execute(
            'CREATE TABLE omdb (ID, imdbID, Title, Year, Genre, Director, Writer, "Cast", '
            "Language, Country, Runtime)"
        )
        for n in range(200):
            genre = "Drama, War" if n % 2 else "Comedy"
            year = 1950 + n % 50 if n else None
            row = (
                n,
                f"tt{n}",
                f"{'AZ'[n % 2]}",
                year,
                genre,
                f"D{n % 9}",
                "W",
                "A, B",
                "x",
                "y",
                90,
            )
            db.execute(f"INSERT INTO omdb VALUES ({','.join('?' * 11)})", row)
    db.close()
    return path


def test_films_stand_in(films, rng):
    benchmark = MM_IMDB.load(films.parents[1], rng)
    assert benchmark.provenance is Provenance.NEAR
    genres, decade, initial = benchmark.tasks
    assert genres.num_outputs == 3
    assert sum(len(genres.splits[s]) for s in SPLITS) == 200
    assert sum(len(decade.splits[s]) for s in SPLITS) == 199
    drama = genres.splits["test"].labels[:, 1]
    assert torch.equal(drama, (initial.splits["test"].labels == 0).float())  # odd films: Z, Drama
    assert [path.name for path in films.parent.iterdir()] == ["movies.db"]


def test_a_damaged_database_is_refused(films, rng):
    films.write_bytes(films.read_bytes()[:1000])
    with pytest.raises(InvalidInputError, match="SQLite file with a table"):
        MM_IMDB.load(films.parents[1], rng)


@pytest.mark.parametrize("year", [20, 19999, "1999?"])
def test_a_year_that_no_film_is_of_is_refused(films, rng, year):
    with sqlite3.connect(films) as db:
        db.execute("UPDATE omdb SET Year = ? WHERE ID = 7", (year,))
    db.close()
    with pytest.raises(InvalidInputError, match=r"years 1870\.\.2100; found"):
        MM_IMDB.load(films.parents[1], rng)


def test_another_database_and_an_empty_table_are_refused(films, rng):
    with sqlite3.connect(films) as db:
        db.execute("DELETE FROM omdb WHERE ID > 60")
    db.close()
    with pytest.raises(InvalidInputError, match="films of genres that 50 films or more have"):
        MM_IMDB.load(films.parents[1], rng)
    films.unlink()
    with sqlite3.connect(films) as db:
        db.execute("CREATE TABLE customers (ID)")
    db.close()
    with pytest.raises(InvalidInputError, match="no such table: omdb"):
        MM_IMDB.load(films.parents[1], rng)


def test_nothing_there_says_where_to_get_it(tmp_path, rng, no_packages):
    with pytest.raises(InvalidInputError, match="songoku data fetch mm_imdb"):
        MM_IMDB.load(tmp_path, rng)


def test_names_that_occur_together_lie_together(rng):
    lists = [["a", "b"], ["b", "c"], ["a", "c"]] * 9 + [["x", "y"], ["y", "z"], ["x", "z"]] * 9
    lists += [["a"], ["z"], ["unheard of"], []]
    found = name_vectors(lists, np.arange(54), 2, rng)
    length = np.linalg.norm(found, axis=1)
    assert length[-2:].tolist() == [0, 0]
    unit = found[:-2] / length[:-2, None]
    left, right = [*range(27), 54], [*range(27, 54), 55]
    assert np.all(unit[left] @ unit[left].T > 0.99)
    assert np.all(np.abs(unit[left] @ unit[right].T) < 0.01)


def test_vectors_are_as_exact_as_an_svd(rng):
    lists = [[str(n) for n in rng.choice(40, 6, replace=False)] for _ in range(300)]
    found = name_vectors(lists, np.arange(200), 30, rng).astype(np.float64)
    assert found.shape == (300, 30)
    every = name_vectors(lists, np.arange(200), 40, rng).astype(np.float64)
    kept = np.linalg.svd(every[:200], compute_uv=False)[:30]
    assert np.allclose(np.linalg.svd(found[:200], compute_uv=False), kept, rtol=1e-3)


def test_vectors_see_the_training_part_alone(rng):
    lists = [["a", "b"], ["b", "a"], ["c"], ["c"]]
    found = [name_vectors(x, np.arange(3), 4, np.random.default_rng(1)) for x in
             (lists, [*lists[:3], ["c", "q"]])]  # fmt: skip
    assert np.array_equal(found[0], found[1])
    assert not found[0][3].any()  # one training list alone has a "c"


def test_the_films_of_the_package_are_found_without_importing_it(tmp_path, rng):
    before = set(sys.modules)
    if find_spec("bokeh_sampledata") is None:
        pytest.skip("bokeh-sampledata is not installed")
    assert MM_IMDB.look(tmp_path).provenance is Provenance.NEAR
    benchmark = MM_IMDB.load(tmp_path, rng)
    assert not [name for name in set(sys.modules) - before if name.startswith("bokeh")]
    assert benchmark.files[0].name == "movies.db"
    genres = benchmark.tasks[0]
    assert len(genres.splits["train"]) > 10_000
    assert 0.3 < genres.chance < 0.4
    assert any("no posters, no plots" in note for note in benchmark.notes)
