"""``movies.db``: films, people and genres, as the package bokeh-sampledata ships them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from simulations.training.formats.problem import bad_file

__all__ = ["Film", "read_movies_db"]

_TODO = "take it from the package bokeh-sampledata (bokeh_sampledata/_data/movies.db)"
_FIRST, _LAST = 1870, 2100
_QUERY = (
    'SELECT Title, Year, Genre, Director, Writer, "Cast", Language, Country, Runtime FROM omdb '
    "WHERE Title IS NOT NULL AND Genre IS NOT NULL ORDER BY ID, imdbID"
)


@dataclass(frozen=True, slots=True)
class Film:
    """One film; lists are split at commas. People: director, writers and cast, each once."""

    title: str
    year: int | None
    genres: tuple[str, ...]
    people: tuple[str, ...]
    facts: tuple[str, ...]


def read_movies_db(path: Path) -> list[Film]:
    """Read all films that have a title and a genre.

    Raises
    ------
    InvalidInputError
        When the file is missing, no SQLite file, damaged, without the table and columns, or has a
        year that no film is of.
    """
    if not path.is_file():
        raise bad_file(path, expected="a SQLite file of films", found="no such file", todo=_TODO)
    try:
        # Read only: a reader must not leave a journal beside the file.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            rows = connection.execute(_QUERY).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise bad_file(
            path, expected="a SQLite file with a table 'omdb'", found=str(error), todo=_TODO
        ) from error
    films = []
    for title, year, genres, director, writer, cast, language, country, runtime in rows:
        if year is not None and (not isinstance(year, int) or not _FIRST <= year <= _LAST):
            raise bad_file(
                path, expected=f"years {_FIRST}..{_LAST}", found=f"{year!r} of {title!r}",
                todo=_TODO,
            )  # fmt: skip
        people = [name for field in (director, writer, cast) for name in _listed(field)]
        facts = [f"language:{x}" for x in _listed(language)]
        facts += [f"country:{x}" for x in _listed(country)]
        if isinstance(runtime, (int, float)):
            facts.append(f"minutes:{int(runtime // 15) * 15}")
        films.append(
            Film(
                str(title),
                year,
                tuple(_listed(genres)),
                tuple(dict.fromkeys(people)),
                tuple(facts),
            )
        )
    return films


def _listed(field: object) -> list[str]:
    return [part.strip() for part in str(field).split(",") if part.strip()] if field else []
