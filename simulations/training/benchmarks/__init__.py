"""The papers' benchmarks and ours: files in, tasks out; one benchmark a file, loaded by name.

To add one: write a module here with an object that satisfies `Benchmark`, and name it below.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from songoku_theory.errors import unknown_name

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import Benchmark

__all__ = ["available_benchmarks", "get_benchmark", "paper_of"]

# In the order of the papers' tables, then ours. Names, not objects: a list needs no torch.
_BENCHMARKS = {
    "cifar10": "simulations.training.benchmarks.cifar10:CIFAR10",
    "av_mnist": "simulations.training.benchmarks.av_mnist:AV_MNIST",
    "mm_imdb": "simulations.training.benchmarks.mm_imdb:MM_IMDB",
    "stocks_fb": "simulations.training.benchmarks.stocks:STOCKS_FB",
    "stocks_health": "simulations.training.benchmarks.stocks:STOCKS_HEALTH",
    "nyuv2": "simulations.training.benchmarks.nyuv2:NYUV2",
    "ett": "simulations.training.benchmarks.ett:ETT",
    "celeba": "simulations.training.benchmarks.celeba:CELEBA",
    "taskonomy": "simulations.training.benchmarks.taskonomy:TASKONOMY",
    "yeast": "simulations.training.benchmarks.yeast:YEAST",
}
_PTG = ("ett", "celeba", "taskonomy")
_OURS = ("yeast",)


def available_benchmarks() -> tuple[str, ...]:
    """Return the names that `get_benchmark` answers to, in the order of the papers' tables.

    Examples
    --------
    >>> available_benchmarks()
    ('cifar10', 'av_mnist', 'mm_imdb', 'stocks_fb', 'stocks_health', 'nyuv2', 'ett', 'celeba',
     'taskonomy', 'yeast')
    """
    return tuple(_BENCHMARKS)


def paper_of(name: str) -> str:
    """Return which paper has a benchmark: "SON-GOKU", "PTG", or "none: ours".

    Raises
    ------
    UnknownNameError
        When there is no such benchmark; names the nearest.

    Examples
    --------
    >>> paper_of("cifar10"), paper_of("ett"), paper_of("yeast")
    ('SON-GOKU', 'PTG', 'none: ours')
    """
    if name not in _BENCHMARKS:
        raise unknown_name("benchmark", name, _BENCHMARKS)
    if name in _OURS:
        return "none: ours"
    return "PTG" if name in _PTG else "SON-GOKU"


def get_benchmark(name: str) -> Benchmark:
    """Return the benchmark of that name (nothing is read yet).

    Raises
    ------
    UnknownNameError
        When there is none; names the nearest.

    Examples
    --------
    >>> get_benchmark("cifar")
    Traceback (most recent call last):
    ...
    songoku_theory.errors.UnknownNameError: unknown benchmark 'cifar'. Did you mean ...
    """
    if name not in _BENCHMARKS:
        raise unknown_name("benchmark", name, _BENCHMARKS)
    module, _, attribute = _BENCHMARKS[name].partition(":")
    benchmark: Benchmark = getattr(import_module(module), attribute)
    return benchmark
