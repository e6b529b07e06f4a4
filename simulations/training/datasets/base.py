"""What a data set must offer."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import torch

from simulations.training.tasks import Task

__all__ = ["Dataset", "Provenance"]


class Provenance(StrEnum):
    """How close the data is to what its name says; stands beside every result made from it."""

    EXACT = "EXACT"
    """The very files that the source publishes."""

    NEAR = "NEAR"
    """Real data of the same kind that stands in for it."""

    SYNTH = "SYNTH"
    """Generated."""


class Dataset(Protocol):
    """A data set with its tasks.

    Attributes
    ----------
    name : str
    provenance : Provenance
    doc : str
        One sentence: what it is and where it comes from.
    """

    @property
    def name(self) -> str: ...

    @property
    def provenance(self) -> Provenance: ...

    @property
    def doc(self) -> str: ...

    def load(self, generator: torch.Generator) -> tuple[Task, ...]:
        """Read the data and make its tasks.

        Parameters
        ----------
        generator : torch.Generator
            Draws the split and whatever else the data set leaves to chance; nothing else may.

        Returns
        -------
        tuple of Task
            All with inputs of one shape; no image stands in both train and test of any two tasks.

        Raises
        ------
        InvalidInputError
            When a file is missing or is not what it should be: says which, and where to get it.
        DependencyMissingError
            When a package is missing.
        """
        ...
