"""Presets and configuration files: TOML in, checked settings out.

A preset that comes along is a file in ``simulations/training/presets``; a file of yours is laid
over it, key by key::

    description = "what it is for"

    [training]                          # every benchmark; see TrainingConfig
    epochs = 20
    lr = 1e-3

    [benchmark.cifar10]
    architecture = "resnet18"
    [benchmark.cifar10.options]         # of the architecture
    width = 0.25
    [benchmark.cifar10.data]            # of the benchmark: sizes of splits, windows
    test_per_class = 100
    [benchmark.cifar10.training]        # goes before [training]
    batch_size = 64

    [method.son_goku]                   # options of a method
    tau = 0.1
    [benchmark.cifar10.method.son_goku] # goes before [method.son_goku]
    tau = 0.05

    [tuning]                            # how ``songoku table1`` tunes; see `run.tuning`
    seed = 1000

    [grouping]                          # what ``songoku group`` does; see `grouping.options`
    seeds = 3
    [benchmark.ett.grouping]            # goes before [grouping]
    enumerate_tasks = 7
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from simulations.training.benchmarks import available_benchmarks
from simulations.training.run.tuning import Tuning, tuning_of
from songoku_theory.errors import InvalidInputError, UnknownNameError, unknown_name

__all__ = [
    "Settings",
    "available_presets",
    "load_settings",
    "over",
    "told_where",
    "with_data_options",
]

_TOP = ("description", "training", "benchmark", "method", "tuning", "grouping")
_BENCHMARK = ("architecture", "options", "data", "training", "method", "grouping")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of all benchmarks and methods, as tables; `load_settings` checked their names.

    Attributes
    ----------
    tables : mapping
    source : str
        Where they come from, for messages.
    """

    tables: Mapping[str, Any]
    source: str

    @property
    def description(self) -> str:
        """What the preset is for."""
        return str(self.tables.get("description", ""))

    def benchmarks(self) -> tuple[str, ...]:
        """Return the benchmarks that have settings."""
        return tuple(self.tables.get("benchmark", {}))

    def training(self, benchmark: str) -> dict[str, Any]:
        """Return the training settings of a benchmark; its own go before the general ones.

        Either of ``epochs`` and ``steps`` replaces the other.
        """
        found = dict(self.tables.get("training", {}))
        return _laid_over(found, self._of(benchmark).get("training", {}))

    def architecture(self, benchmark: str) -> tuple[str, dict[str, Any]]:
        """Return the name and the options of a benchmark's architecture.

        Raises
        ------
        InvalidInputError
            When none is named.
        """
        table = self._of(benchmark)
        if "architecture" not in table:
            raise InvalidInputError(
                f"{self.source} names no architecture for {benchmark}; write "
                f"[benchmark.{benchmark}] architecture = ..."
            )
        return str(table["architecture"]), dict(table.get("options", {}))

    def data(self, benchmark: str) -> dict[str, Any]:
        """Return the options of the benchmark itself."""
        return dict(self._of(benchmark).get("data", {}))

    def method(self, benchmark: str, method: str) -> dict[str, Any]:
        """Return the options of a method on a benchmark."""
        general = self.tables.get("method", {}).get(method, {})
        return {**general, **self._of(benchmark).get("method", {}).get(method, {})}

    def tuning(self) -> Tuning:
        """Return how methods are tuned.

        Raises
        ------
        InvalidInputError
            When there is no such table, or it is not what it should be.
        """
        return tuning_of(self.tables.get("tuning", {}), self.source)

    def grouping(self, benchmark: str) -> dict[str, Any]:
        """Return what ``songoku group`` does with a benchmark; its own settings go first."""
        general = dict(self.tables.get("grouping", {}))
        return {**general, **self._of(benchmark).get("grouping", {})}

    def _of(self, benchmark: str) -> Mapping[str, Any]:
        found = self.tables.get("benchmark", {})
        if benchmark not in found:
            raise InvalidInputError(
                f"{self.source} has no settings for {benchmark}; it has "
                f"{', '.join(found) or 'none at all'}."
            )
        table: Mapping[str, Any] = found[benchmark]
        return table


def available_presets(package: str = "simulations.training") -> tuple[str, ...]:
    """Return the names of the presets that come along in a package's folder ``presets``.

    Examples
    --------
    >>> available_presets(), available_presets("simulations.training.grouping")
    (('paper', 'small', 'smoke'), ('paper', 'small', 'smoke'))
    """
    folder = files(package) / "presets"
    names = (entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(name.removesuffix(".toml") for name in names))


def load_settings(preset: str, file: Path | None = None) -> Settings:
    """Return a preset, with a file of the user's laid over it.

    Parameters
    ----------
    preset : str
    file : Path, optional

    Raises
    ------
    UnknownNameError
        When there is no such preset, or a table names something that does not exist.
    InvalidInputError
        When the file can't be read or is not TOML.
    """
    if preset not in available_presets():
        raise unknown_name("preset", preset, available_presets())
    entry = files("simulations.training") / "presets" / f"{preset}.toml"
    tables = _parsed(entry.read_text(encoding="utf-8"), f"preset {preset}")
    if "tuning" in tables:
        tuning_of(tables["tuning"], f"preset {preset}")
    settings = Settings(tables, f"preset {preset}")
    return settings if file is None else over(settings, file)


def over(settings: Settings, file: Path) -> Settings:
    """Return settings with a file laid over them, key by key.

    Raises
    ------
    UnknownNameError
        When a table names something that does not exist.
    InvalidInputError
        When the file can't be read or is not TOML.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidInputError(
            f"the configuration {file} can't be read: {why}. Name a TOML file with --config."
        ) from error
    tables = _laid_over(settings.tables, _parsed(text, str(file)))
    source = f"{settings.source} with {file}"
    if "tuning" in tables:
        tuning_of(tables["tuning"], source)
    return Settings(tables, source)


def _parsed(text: str, source: str) -> dict[str, Any]:
    from simulations.training.architectures import get_architecture
    from simulations.training.methods import method_info
    from simulations.training.run.config import TrainingConfig

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"{source} is not TOML: {error}.") from error
    _check_keys(tables, _TOP, "table", source)
    training = [f.name for f in fields(TrainingConfig)]
    _check_keys(_table(tables, "training", source), training, "training setting", source)
    _check_methods(_table(tables, "method", source), source)
    for name, table in _table(tables, "benchmark", source).items():
        where = f"{source}, [benchmark.{name}]"
        if name not in available_benchmarks():
            raise unknown_name(f"benchmark in {source}", name, available_benchmarks())
        _check_keys(table, _BENCHMARK, "key", where)
        _check_keys(_table(table, "training", where), training, "training setting", where)
        _check_methods(_table(table, "method", where), where)
        with told_where(where):
            if "architecture" in table:
                get_architecture(str(table["architecture"]), _table(table, "options", where))
            with_data_options(name, _table(table, "data", where))
    for name in tables.get("method", {}):
        method_info(name)
    return tables


@contextmanager
def told_where(where: str) -> Iterator[None]:
    """Put the file and the table before what is wrong there."""
    try:
        yield
    except UnknownNameError as error:
        raise UnknownNameError(f"{where}: {error}") from error
    except InvalidInputError as error:
        raise InvalidInputError(f"{where}: {error}") from error


def _check_methods(tables: Mapping[str, Any], source: str) -> None:
    from simulations.training.methods import method_info

    for name, options in tables.items():
        if not isinstance(options, dict):
            raise InvalidInputError(
                f"{source}: method {name} should be a table; found {options!r}."
            )
        info = method_info(name)
        _check_keys(options, info.options, f"option of {name}", source)


def _table(tables: Mapping[str, Any], name: str, source: str) -> dict[str, Any]:
    found = tables.get(name, {})
    if not isinstance(found, dict):
        raise InvalidInputError(f"{source}: {name} should be a table; found {found!r}.")
    return found


def _check_keys(table: object, valid: tuple[str, ...] | list[str], what: str, source: str) -> None:
    if not isinstance(table, dict):
        raise InvalidInputError(f"{source} should be a table; found {table!r}.")
    for name in table:
        if name not in valid:
            raise unknown_name(f"{what} in {source}", name, valid)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for one, other in (("epochs", "steps"), ("steps", "epochs")):
        if one in above and other not in above:
            found.pop(other, None)
    if above.get("architecture", found.get("architecture")) != found.get("architecture"):
        found.pop("options", None)  # they are another architecture's
    for name, value in above.items():
        held = found.get(name)
        if isinstance(value, dict) and isinstance(held, dict):
            found[name] = _laid_over(held, value)
        else:
            found[name] = value
    return found


def with_data_options(name: str, options: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return a benchmark with some of its options set.

    Parameters
    ----------
    name : str
        Of a benchmark.
    options : mapping

    Returns
    -------
    Benchmark

    Raises
    ------
    UnknownNameError
        When there is no such benchmark or option.
    InvalidInputError
        When a value is out of range.
    """
    from simulations.training.benchmarks import get_benchmark

    benchmark: Any = get_benchmark(name)
    if not options:
        return benchmark
    valid = [f.name for f in fields(benchmark)] if is_dataclass(benchmark) else []
    valid = [option for option in valid if option not in ("name", "title", "doc")]
    for option in options:
        if option not in valid:
            raise unknown_name(f"option of benchmark {name}", option, valid)
    given = {
        option: _of_the_kind(getattr(benchmark, option), value, f"{option} of benchmark {name}")
        for option, value in options.items()
    }
    return replace(benchmark, **given)


def _of_the_kind(default: Any, value: object, what: str) -> object:  # noqa: ANN401
    """Return a benchmark's option; refuse what is of another type than its default.

    All whole numbers among them count something, and None stands for as many as there are.
    """
    if isinstance(default, tuple):
        items = value if isinstance(value, list | tuple) else ()
        numbers = isinstance(default[0], int)
        if not items or (numbers and len(items) != len(default)):
            kind = f"a list of {len(default)} whole numbers" if numbers else "a list of names"
            raise InvalidInputError(f"{what} should be {kind}; found {value!r}.")
        return tuple(_of_the_kind(default[0], item, f"each {what}") for item in items)
    if isinstance(default, bool | str):
        if not isinstance(value, type(default)):
            kind = "true or false" if isinstance(default, bool) else "a name"
            raise InvalidInputError(f"{what} should be {kind}; found {value!r}.")
    elif default is None or isinstance(default, int):
        if value is None and default is None:
            return value
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidInputError(f"{what} should be a whole number >= 1; found {value!r}.")
    return value
