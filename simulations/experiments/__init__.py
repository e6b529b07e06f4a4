"""The experiments that sweeps can run, found by name and imported only when asked for.

Two ways to add one:

- in this project: a module ``simulations/experiments/NAME.py`` with ``EXPERIMENT = Experiment(
  name="NAME", ...)``;
- in a package of yours: an entry point ``NAME = "your.module:OBJECT"`` in the group
  ``songoku.experiments`` that names an `Experiment`.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from simulations.sweep.experiment import Experiment
from songoku_theory.errors import DependencyMissingError, InvalidInputError, unknown_name

__all__ = ["ENTRY_POINT_GROUP", "available_experiments", "get_experiment"]

ENTRY_POINT_GROUP = "songoku.experiments"


def _built_in() -> list[str]:
    return [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]


def _plugged() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def _load(name: str) -> tuple[str, object]:
    """Return where an experiment is declared, and what stands there."""
    if name in _built_in():
        module = f"{__name__}.{name}"
        return f"{module}:EXPERIMENT", getattr(import_module(module), "EXPERIMENT", None)
    point = _plugged()[name]
    return f"entry point {point.value} (group {ENTRY_POINT_GROUP})", point.load()


def available_experiments() -> list[str]:
    """Return the names of all experiments, sorted, without importing any."""
    return sorted({*_built_in(), *_plugged()})


@cache  # looking for plug-ins reads a file of every installed package; a table asks 1,776 times
def get_experiment(name: str) -> Experiment:
    """Return an experiment by name.

    Parameters
    ----------
    name : str

    Returns
    -------
    Experiment

    Raises
    ------
    UnknownNameError
        When there is none of that name; names the nearest.
    InvalidInputError
        When what is found there is not an `Experiment` of that name.
    DependencyMissingError
        When it can't be imported.
    """
    if name not in available_experiments():
        raise unknown_name("experiment", name, available_experiments())
    try:
        where, found = _load(name)
    except ImportError as error:
        raise DependencyMissingError(
            f"experiment {name!r} can't be imported: {error}. If a package is missing, install "
            f"everything with: pip install 'songoku[all]'"
        ) from error
    if not isinstance(found, Experiment) or found.name != name:
        what = f"one named {found.name!r}" if isinstance(found, Experiment) else repr(found)
        raise InvalidInputError(f"{where} should be an Experiment named {name!r}; found {what}.")
    return found
