"""Real data sets, one file each, loaded by name when asked for.

To add one: write a module here with a class that satisfies `Dataset`, and name it below.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from songoku_theory.errors import unknown_name

if TYPE_CHECKING:
    from simulations.training.datasets.base import Dataset

__all__ = ["available_datasets", "get_dataset"]

# Names, not classes: listing them must not import torch.
_DATASETS = {"digits": "simulations.training.datasets.digits:Digits"}


def available_datasets() -> tuple[str, ...]:
    """Return the names that `get_dataset` answers to.

    Examples
    --------
    >>> available_datasets()
    ('digits',)
    """
    return tuple(sorted(_DATASETS))


def get_dataset(name: str) -> Dataset:
    """Return the data set of that name (nothing is read yet).

    Raises
    ------
    UnknownNameError
        When there is none; names the nearest.

    Examples
    --------
    >>> get_dataset("digit")
    Traceback (most recent call last):
    ...
    songoku_theory.errors.UnknownNameError: unknown dataset 'digit'. Did you mean 'digits'? ...
    """
    if name not in _DATASETS:
        raise unknown_name("dataset", name, _DATASETS)
    module, _, attribute = _DATASETS[name].partition(":")
    dataset: Dataset = getattr(import_module(module), attribute)()
    return dataset
