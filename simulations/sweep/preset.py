"""Named sweeps: folders in ``simulations/presets``, or a TOML file or folder of yours by its path.

A preset that comes along is a folder with one file an experiment and ``about.toml``, which holds
nothing but the description. One file looks like this::

    name = "mine"
    description = "How recovery depends on n_eff and tau."

    [[sweep]]
    experiment = "recovery"
    [sweep.fixed]
    num_groups = 3
    [sweep.grid]                  # every combination
    tau = [0.1, 0.2]
    replicate = { range = [0, 20] }   # 0, 1, ..., 19; a third number is the step
    [sweep.zip]                   # taken together, one after the other
    window = [8, 32]
    beta = [0.5, 0.9]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from simulations.experiments import get_experiment
from simulations.sweep.cell import Cell
from simulations.sweep.grid import Grid, expand
from songoku_theory.errors import InvalidInputError, UnknownNameError, unknown_name

ABOUT = "about.toml"
"""The file of a preset's folder that describes the whole."""

__all__ = ["Preset", "Sweep", "available_presets", "load_preset", "parse_preset", "preset_cells"]


@dataclass(frozen=True, slots=True)
class Sweep:
    """One ``[[sweep]]`` table: a grid of one experiment."""

    experiment: str
    grid: Grid


@dataclass(frozen=True, slots=True)
class Preset:
    """A named list of sweeps.

    Parameters
    ----------
    name, description : str
    sweeps : tuple of Sweep
    source : str
        Where it was read, for messages.
    """

    name: str
    description: str
    sweeps: tuple[Sweep, ...]
    source: str


def available_presets() -> list[str]:
    """Return the names of the presets that come with the package, sorted."""
    folder = files("simulations") / "presets"
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if (entry / ABOUT).is_file())


def load_preset(name_or_path: str) -> Preset:
    """Return a preset by name, or a TOML file or a folder of them by its path.

    Parameters
    ----------
    name_or_path : str
        A path when it ends in ``.toml`` or has a folder in it; else a name.

    Returns
    -------
    Preset

    Raises
    ------
    UnknownNameError
        When there is no preset of that name; names the nearest.
    InvalidInputError
        When the file can't be read, is not TOML, or asks for something that does not exist.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.name != name_or_path:
        if path.is_dir():
            return _load_folder(path, name_or_path, path.name)
        if not path.is_file():
            raise InvalidInputError(
                f"there is no preset file {name_or_path}. Give the path of a TOML file or of a "
                f"folder of them, or one of the names {', '.join(available_presets())}."
            )
        return parse_preset(_read(path, name_or_path), name_or_path, path.stem)
    if name_or_path not in available_presets():
        raise unknown_name("preset", name_or_path, available_presets())
    folder = files("simulations") / "presets" / name_or_path
    return _load_folder(folder, f"preset {name_or_path}", name_or_path)


def _load_folder(folder: Traversable, source: str, name: str) -> Preset:
    """Join a folder's files, in the order of their names."""
    entries = sorted(
        (e for e in folder.iterdir() if e.name.endswith(".toml") and e.name != ABOUT),
        key=lambda entry: entry.name,
    )
    if not entries:
        raise InvalidInputError(f"{source} has no file with a [[sweep]] table: nothing to run.")
    parts = [
        parse_preset(_read(e, f"{source}/{e.name}"), f"{source}/{e.name}", name) for e in entries
    ]
    about = folder / ABOUT
    description = ""
    if about.is_file():
        with _within(f"{source}/{ABOUT}"):
            document = _parse(_read(about, f"{source}/{ABOUT}"), f"{source}/{ABOUT}")
            _check_keys(document, ("description",), "key")
            description = _text(document, "description", "")
    return Preset(name, description, tuple(s for part in parts for s in part.sweeps), source)


def _read(entry: Traversable, source: str) -> str:
    try:
        return entry.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"the preset {source} can't be read: {error}.") from error


def _parse(text: str, source: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"{source} is not valid TOML: {error}.") from error


def parse_preset(text: str, source: str, name: str) -> Preset:
    """Return the preset that a TOML text describes.

    Parameters
    ----------
    text : str
    source : str
        Where it came from, for messages.
    name : str
        Used where the text gives no name.

    Returns
    -------
    Preset

    Raises
    ------
    UnknownNameError
        When a key is not one of the format's; names the nearest.
    InvalidInputError
        When it is not TOML, or a value is of another kind than the format wants.
    """
    document = _parse(text, source)
    with _within(source):
        _check_keys(document, ("name", "description", "sweep"), "key at the top")
        tables = document.get("sweep")
        if not isinstance(tables, list) or not tables:
            raise InvalidInputError("it has no [[sweep]] table, so there is nothing to run.")
        title = _text(document, "name", name)
        description = _text(document, "description", "")
    sweeps = []
    for number, table in enumerate(tables, start=1):
        with _within(f"{source}, [[sweep]] number {number}"):
            sweeps.append(_sweep(table))
    return Preset(title, description, tuple(sweeps), source)


def preset_cells(preset: Preset, only: str | None = None) -> list[Cell]:
    """Return the cells of a preset, each once.

    Parameters
    ----------
    preset : Preset
    only : str, optional
        Keep this experiment's.

    Returns
    -------
    list of Cell
        In the preset's order.

    Raises
    ------
    UnknownNameError
        When an experiment, a param or `only` does not exist; names the nearest.
    InvalidInputError
        When a grid is empty or a value is not valid.
    """
    names = {sweep.experiment for sweep in preset.sweeps}
    if only is not None and only not in names:
        raise unknown_name(f"experiment in {preset.source}", only, names)
    cells: dict[str, Cell] = {}
    for number, sweep in enumerate(preset.sweeps, start=1):
        if only is not None and sweep.experiment != only:
            continue
        with _within(f"{preset.source}, [[sweep]] number {number} ({sweep.experiment})"):
            for cell in expand(get_experiment(sweep.experiment), sweep.grid):
                cells.setdefault(cell.key, cell)
    return list(cells.values())


@contextmanager
def _within(where: str) -> Iterator[None]:
    """Say where in the preset an error was found."""
    try:
        yield
    except UnknownNameError as error:
        raise UnknownNameError(f"{where}: {error}") from error
    except InvalidInputError as error:
        raise InvalidInputError(f"{where}: {error}") from error


def _check_keys(table: Mapping[str, object], valid: tuple[str, ...], what: str) -> None:
    for key in table:
        if key not in valid:
            raise unknown_name(what, key, valid)


def _text(table: Mapping[str, object], key: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise InvalidInputError(f"{key!r} should be a text; found {value!r}.")
    return value


def _sweep(table: object) -> Sweep:
    if not isinstance(table, Mapping):
        raise InvalidInputError(f"expected a table with 'experiment'; found {table!r}.")
    _check_keys(table, ("experiment", "fixed", "grid", "zip"), "key of a [[sweep]] table")
    if "experiment" not in table:
        raise InvalidInputError("it does not name its 'experiment'.")
    groups: dict[str, Mapping[str, object]] = {}
    for group in ("fixed", "grid", "zip"):
        found = table.get(group, {})
        if not isinstance(found, Mapping):
            raise InvalidInputError(f"[sweep.{group}] should be a table; found {found!r}.")
        groups[group] = found
    return Sweep(
        _text(table, "experiment", ""),
        Grid(
            fixed=groups["fixed"],
            axes={name: _values(name, value) for name, value in groups["grid"].items()},
            zipped={name: _values(name, value) for name, value in groups["zip"].items()},
        ),
    )


def _values(name: str, value: object) -> Sequence[object]:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        _check_keys(value, ("range",), f"way to list the values of {name!r}")
        bounds = value.get("range")
        if (
            isinstance(bounds, list)
            and len(bounds) in (2, 3)
            and all(type(bound) is int and abs(bound) < 1 << 62 for bound in bounds)
            and bounds[2:] != [0]
        ):
            return range(*bounds)
        raise InvalidInputError(
            f"the range of {name!r} should be [start, stop] or [start, stop, step], whole numbers "
            f"with stop left out; found {bounds!r}."
        )
    raise InvalidInputError(
        f"axis {name!r} should be a list of values; found {value!r}. One value for all cells "
        f"belongs in [sweep.fixed]."
    )
