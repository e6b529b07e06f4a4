"""A cell: one setting of one experiment, its key and its random stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulations.sweep.experiment import Experiment, Scalar
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.storage.codec import canonical_json, digest

__all__ = ["Cell", "make_cell"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of one experiment.

    Kept as text, because a sweep may hold a hundred thousand of them.

    Parameters
    ----------
    experiment : Experiment
    params_text : str
        Canonical JSON of every declared param.
    key : str
        32 hex digits; a hash of the experiment's name and version and of `params_text`.
    """

    experiment: Experiment
    params_text: str
    key: str

    @classmethod
    def of(cls, experiment: Experiment, params_text: str) -> Cell:
        """Return the cell of canonical params."""
        asked = (
            f'{{"experiment":"{experiment.name}","params":{params_text},'
            f'"version":{experiment.version}}}'
        )
        return cls(experiment, params_text, digest(asked))

    @property
    def params(self) -> dict[str, Scalar]:
        """The params, in a dict of their own."""
        found: dict[str, Scalar] = json.loads(self.params_text)
        return found

    @property
    def entropy(self) -> int:
        """What the cell's random stream starts from: its key, or a hash of its seed axes."""
        axes = self.experiment.seed_axes
        if axes is None:
            return int(self.key, 16)
        params = self.params
        return int(
            digest(
                canonical_json(
                    {
                        "experiment": self.experiment.name,
                        "seed_axes": {axis: params[axis] for axis in axes},
                        "version": self.experiment.version,
                    }
                )
            ),
            16,
        )

    def seed(self) -> np.random.SeedSequence:
        """Return the cell's random stream; the same however and wherever the cell runs."""
        return np.random.SeedSequence(self.entropy)

    def describe(self) -> str:
        """Return the cell in one line, for messages."""
        params = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.experiment.name} {self.key[:8]} ({params})"


def make_cell(experiment: Experiment, params: Mapping[str, object]) -> Cell:
    """Return the cell of a setting, with defaults filled in and every value checked.

    Parameters
    ----------
    experiment : Experiment
    params : mapping of str to scalar
        In any order; params with a default may be left out.

    Returns
    -------
    Cell

    Raises
    ------
    UnknownNameError
        When a name is not a declared param.
    InvalidInputError
        When a value is of another type or out of range, or one without default is missing.
    """
    for name in params:
        if name not in experiment.params:
            raise unknown_name(f"param of experiment {experiment.name!r}", name, experiment.params)
    values: dict[str, Scalar] = {}
    for name, param in experiment.params.items():
        if name in params:
            values[name] = param.canonical(name, params[name])
        elif param.default is not None:
            values[name] = param.default
        else:
            raise InvalidInputError(
                f"experiment {experiment.name!r} needs param {name!r} ({param.domain}: "
                f"{param.doc})."
            )
    return Cell.of(experiment, canonical_json(values))
