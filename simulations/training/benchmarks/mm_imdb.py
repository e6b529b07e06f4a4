"""MM-IMDb: genres from poster and plot; release decade; how the title begins."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulations.training.benchmarks.base import SPLITS, Found, Loaded, Role
from simulations.training.benchmarks.derived import derived
from simulations.training.benchmarks.name_vectors import SOURCE, hashed, name_vectors
from simulations.training.benchmarks.packaged import packaged_file
from simulations.training.benchmarks.remote import RemoteFile
from simulations.training.datasets.base import Provenance
from simulations.training.formats.film_titles import read_json_titles, read_title_basics
from simulations.training.formats.mmimdb_hdf5 import read_mmimdb
from simulations.training.formats.movies_db import read_movies_db
from simulations.training.formats.problem import bad_file

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import BenchmarkTask, Samples, Split

__all__ = ["MM_IMDB", "MmImdb", "decade_class", "initial_class"]

_FOLDER = "mmimdb"
_FEATURES, _TITLES, _JSON = "multimodal_imdb.hdf5", "title.basics.tsv.gz", "dataset"
_STAND_IN = "movies.db"
_BOUNDS = (15_552, 18_160)  # MultiBench: train, then validation, then test, in the file's order
_FILMS = 25_959
_GENRES = 23
_FIRST_DECADE, _LAST_DECADE = 1910, 2010
_WIDTHS = {"people": 300, "facts": 64}
_RARE = 50
_WHERE = (
    "'songoku data fetch mm_imdb' (features and IMDb's titles), or "
    "https://archive.org/download/mmimdb/multimodal_imdb.hdf5 with "
    "https://datasets.imdbws.com/title.basics.tsv.gz"
)
_WHERE_STAND_IN = "; a stand-in: 'pip install --no-deps bokeh-sampledata'"


@dataclass(frozen=True, slots=True)
class MmImdb:
    """MM-IMDb from its published features.

    ========  ========  ========================================================================
    genres    main      Any of 23 genres.
    decade    positive  Before 1920, then each decade up to the 2010s: 11 classes.
    initial   negative  Whether the title's first letter is a vowel or a consonant.
    ========  ========  ========================================================================

    Inputs are ``image``, (4096,), VGG16 of the poster, and ``text``, (300,), word2vec of the plot,
    both in standard deviations of the training part. A film without a year, or with a title that
    begins with no Latin letter, is left out of that task alone, which then has its own view.

    Without the features, films of ``movies.db`` stand in: ``people``, (300,), latent semantic
    vectors of director, writers and cast (who works with whom, fitted on the training part), and
    ``facts``, (64,), hashed language, country and length.

    Source
    ------
    SON-GOKU paper, appendix J.4; MultiBench for the split 15,552 / 2,608 / 7,799.

    Differs from
    ------------
    The HDF5 file holds no titles or years, and the ``metadata.npy`` that does is a pickle; they
    are taken from IMDb's table by number, or from MM-IMDb's JSON files where they are unpacked.
    """

    name: str = "mm_imdb"
    title: str = "MM-IMDb"
    doc: str = "films: poster and plot in, genres out"

    @property
    def remote(self) -> tuple[RemoteFile, ...]:
        return (
            RemoteFile(
                "https://archive.org/download/mmimdb/multimodal_imdb.hdf5",
                f"{_FOLDER}/{_FEATURES}",
            ),
            RemoteFile("https://datasets.imdbws.com/title.basics.tsv.gz", f"{_FOLDER}/{_TITLES}"),
        )

    def look(self, root: Path) -> Found:
        folder = root / _FOLDER
        missing = []
        if not (folder / _FEATURES).is_file():
            missing.append(f"{_FOLDER}/{_FEATURES}")
        if not (folder / _TITLES).is_file() and not (folder / _JSON).is_dir():
            missing.append(f"{_FOLDER}/{_TITLES} (or the folder {_FOLDER}/{_JSON} of JSON files)")
        if not missing:
            return Found(Provenance.EXACT, f"{_FOLDER}/{_FEATURES} and titles")
        stand_in = _stand_in(root)
        if stand_in is not None:
            inside = "" if stand_in.is_relative_to(root) else " of the package bokeh-sampledata"
            what = f"{stand_in.name}{inside}, films without posters and plots"
            return Found(Provenance.NEAR, what, tuple(missing), _WHERE)
        return Found(None, "nothing that would do", tuple(missing), _WHERE + _WHERE_STAND_IN)

    def load(self, root: Path, rng: np.random.Generator) -> Loaded:
        """Read the files and make the tasks; `rng` draws the stand-ins' split and vectors only."""
        found = self.look(root)
        if found.provenance is Provenance.EXACT:
            return self._from_features(root / _FOLDER)
        stand_in = _stand_in(root)
        if stand_in is None:
            raise bad_file(
                root / _FOLDER, expected="MM-IMDb", found=f"no {', no '.join(found.missing)}",
                todo=f"get it: {_WHERE}{_WHERE_STAND_IN}",
            )  # fmt: skip
        return self._from_films(stand_in, rng)

    def _from_features(self, folder: Path) -> Loaded:
        path = folder / _FEATURES
        films = read_mmimdb(path)
        if len(films.ids) != _FILMS:
            raise bad_file(
                path, expected=f"{_FILMS:,} films", found=f"{len(films.ids):,}",
                todo=f"get it again: {_WHERE}",
            )  # fmt: skip
        if (folder / _JSON).is_dir():
            source, titles = folder / _JSON, read_json_titles(folder / _JSON, films.ids)
        else:
            source, titles = folder / _TITLES, read_title_basics(folder / _TITLES, films.ids)
        if len(titles) < 0.9 * len(films.ids):
            raise bad_file(
                source, expected="titles of at least nine films in ten",
                found=f"{len(titles):,} of {len(films.ids):,}", todo=f"get it again: {_WHERE}",
            )  # fmt: skip
        pairs = [titles.get(number, ("", None)) for number in films.ids]
        train, validation = _BOUNDS
        rows: dict[Split, NDArray[np.int64]] = {
            "train": np.arange(train),
            "validation": np.arange(train, validation),
            "test": np.arange(validation, _FILMS),
        }
        inputs = {"image": films.image, "text": films.text}
        tasks, notes = _tasks(
            inputs, films.genres, [t for t, _ in pairs], [y for _, y in pairs], rows
        )
        if source.name == _TITLES:
            notes.append("Titles and years are those of IMDb's present table.")
        shapes = {"image": (4096,), "text": (300,)}
        return Loaded(self.name, Provenance.EXACT, tuple(notes), tasks, shapes, (path, source))

    def _from_films(self, path: Path, rng: np.random.Generator) -> Loaded:
        films = read_movies_db(path)
        counts = Counter(genre for film in films for genre in film.genres)
        common = sorted(genre for genre, count in counts.most_common(_GENRES) if count >= _RARE)
        films = [film for film in films if set(film.genres) & set(common)]
        if len(films) < 100:
            raise bad_file(
                path, expected=f"films of genres that {_RARE} films or more have",
                found=f"{len(films)}", todo="give the whole file",
            )  # fmt: skip
        genres = np.array([[g in film.genres for g in common] for film in films], dtype=np.uint8)
        order = rng.permutation(len(films))
        train, validation = (round(bound / _FILMS * len(films)) for bound in _BOUNDS)
        rows: dict[Split, NDArray[np.int64]] = {
            "train": order[:train],
            "validation": order[train:validation],
            "test": order[validation:],
        }
        people = [film.people for film in films]
        inputs = {
            "people": _vectors(people, rows["train"], rng),
            "facts": hashed([film.facts for film in films], _WIDTHS["facts"]),
        }
        tasks, notes = _tasks(
            inputs, genres, [f.title for f in films], [f.year for f in films], rows
        )
        notes.append(
            f"{len(films):,} films of {path.name} stand in for MM-IMDb: no posters, no plots, only "
            f"vectors of people, language, country and length; {len(common)} genres."
        )
        shapes = {name: (width,) for name, width in _WIDTHS.items()}
        return Loaded(self.name, Provenance.NEAR, tuple(notes), tasks, shapes, (path,))


def _vectors(
    people: list[tuple[str, ...]], train: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return `name_vectors`, from the cache where they are: they take some seconds."""
    width = _WIDTHS["people"]
    text = "\n".join("\t".join(names) for names in people)
    made = derived(
        "mm_imdb", lambda rng: {"people": name_vectors(people, train, width, rng)}, rng,
        inputs={"people": np.frombuffer(text.encode(), dtype=np.uint8), "train": train},
        options={"width": width}, code=(SOURCE,),
    )  # fmt: skip
    return made["people"]


def _stand_in(root: Path) -> Path | None:
    """Return ``movies.db`` under the root, else that of the package bokeh-sampledata."""
    here = root / _FOLDER / _STAND_IN
    return here if here.is_file() else packaged_file("bokeh_sampledata", f"_data/{_STAND_IN}")


def decade_class(year: int | None) -> int:
    """Return 0 before 1920, 1 for the 1920s, ... 10 from 2010 on; -1 for no year.

    Examples
    --------
    >>> [decade_class(y) for y in (1894, 1919, 1920, 1999, 2010, 2024, None)]
    [0, 0, 1, 8, 10, 10, -1]
    """
    if year is None:
        return -1
    return (min(max(year, _FIRST_DECADE), _LAST_DECADE) - _FIRST_DECADE) // 10


def initial_class(title: str) -> int:
    """Return 1 when a title begins with a vowel (a, e, i, o, u), 0 with a consonant, else -1.

    Accents do not count; quotation marks and the like before the first word are passed over.

    Examples
    --------
    >>> [initial_class(t) for t in ("Alien", "The Thing", "Élan", "'Ouija'", "2001", "七人", "")]
    [1, 0, 1, 1, -1, -1, -1]
    """
    plain = unicodedata.normalize("NFKD", title)
    first = next((letter for letter in plain.lower() if letter.isalnum()), "")
    if not ("a" <= first <= "z"):
        return -1
    return int(first in "aeiou")


def _tasks(
    inputs: dict[str, NDArray[np.float32]], genres: NDArray[np.uint8], titles: list[str],
    years: list[int | None], rows: dict[Split, NDArray[np.int64]],
) -> tuple[tuple[BenchmarkTask, ...], list[str]]:  # fmt: skip
    import torch

    from simulations.training.benchmarks.base import Samples
    from simulations.training.benchmarks.kinds import classes, many_labels

    tensors = {name: torch.from_numpy(values) for name, values in inputs.items()}
    affine = {}
    for name, values in inputs.items():
        seen = values[rows["train"]]
        affine[name] = (
            torch.from_numpy(seen.mean(axis=0)),
            torch.from_numpy(np.maximum(seen.std(axis=0), np.float32(1e-6))),
        )
    decade = np.array([decade_class(year) for year in years])
    initial = np.array([initial_class(title) for title in titles])
    notes = []

    def samples(
        task: str, labels: torch.Tensor, known: NDArray[np.bool_]
    ) -> tuple[str, dict[Split, Samples]]:
        made = {}
        for split in SPLITS:
            kept = torch.from_numpy(rows[split][known[rows[split]]])
            made[split] = Samples(
                {name: values[kept] for name, values in tensors.items()}, labels[kept], affine
            )
        if known.all():
            return "films", made
        notes.append(
            f"{int((~known).sum())} films have no label for {task} and are left out of it."
        )
        return f"films with {task}", made

    every = np.ones(len(titles), dtype=np.bool_)
    _, with_genres = samples("genres", torch.from_numpy(genres).float(), every)
    decade_view, with_decade = samples("decade", torch.from_numpy(decade), decade >= 0)
    initial_view, with_initial = samples("initial", torch.from_numpy(initial), initial >= 0)
    tasks = (
        many_labels("genres", Role.MAIN, f"any of {genres.shape[1]} genres", "films",
                    with_genres, genres.shape[1]),
        classes("decade", Role.POSITIVE, "release decade", decade_view, with_decade,
                decade_class(_LAST_DECADE) + 1),
        classes("initial", Role.NEGATIVE, "title begins with a vowel or a consonant",
                initial_view, with_initial, 2),
    )  # fmt: skip
    return tasks, notes


MM_IMDB = MmImdb()
