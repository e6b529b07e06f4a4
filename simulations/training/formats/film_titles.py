"""Titles and years of films, from IMDb's own table or from MM-IMDb's JSON files."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable
from pathlib import Path

from simulations.training.formats.problem import bad_file

__all__ = ["read_json_titles", "read_title_basics"]

_TODO = "run 'songoku data fetch mm_imdb', or get https://datasets.imdbws.com/title.basics.tsv.gz"
_COLUMNS = ("tconst", "primaryTitle", "startYear")


def read_title_basics(path: Path, wanted: Iterable[str]) -> dict[str, tuple[str, int | None]]:
    """Read ``title.basics.tsv.gz``.

    Parameters
    ----------
    path : Path
    wanted : iterable of str
        IMDb numbers, seven digits or more, without "tt".

    Returns
    -------
    dict
        Number to title and year (None where IMDb has none), for those of `wanted` that are there.

    Raises
    ------
    InvalidInputError
        When the file is missing, truncated, or has other columns.
    """
    numbers = set(wanted)
    found: dict[str, tuple[str, int | None]] = {}
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            header = lines.readline().rstrip("\n").split("\t")
            if any(name not in header for name in _COLUMNS):
                raise bad_file(
                    path, expected=f"columns {', '.join(_COLUMNS)}",
                    found=f"{' '.join(header)[:80]!r}", todo=_TODO,
                )  # fmt: skip
            number_at, title_at, year_at = map(header.index, _COLUMNS)
            for line in lines:
                fields = line.rstrip("\n").split("\t")
                number = fields[number_at].removeprefix("tt")
                if number in numbers and len(fields) == len(header):
                    year = fields[year_at]
                    found[number] = (fields[title_at], int(year) if year.isdecimal() else None)
    except FileNotFoundError:
        raise bad_file(path, expected="IMDb's titles", found="no such file", todo=_TODO) from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise bad_file(
            path, expected="a whole gzipped table", found=str(error), todo=_TODO
        ) from error
    return found


def read_json_titles(folder: Path, wanted: Iterable[str]) -> dict[str, tuple[str, int | None]]:
    """Read ``NUMBER.json`` of MM-IMDb's raw data, for those of `wanted` that are there.

    Raises
    ------
    InvalidInputError
        When a file is no JSON object with a title.
    """
    found: dict[str, tuple[str, int | None]] = {}
    for number in wanted:
        path = folder / f"{number}.json"
        if not path.is_file():
            continue
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise bad_file(
                path, expected="a JSON object", found=str(error), todo="unpack mmimdb.tar.gz again"
            ) from error
        title = content.get("title") if isinstance(content, dict) else None
        if not isinstance(title, str):
            raise bad_file(
                path, expected="a field 'title'", found=f"{sorted(content)[:10]}",
                todo="unpack mmimdb.tar.gz again",
            )  # fmt: skip
        year = content.get("year")
        found[number] = (title, year if isinstance(year, int) else None)
    return found
