"""The one switch for compiled code: numba when it is installed and wanted.

Nothing depends on it: everything that is compiled has a plain counterpart with the same results.
``SONGOKU_NUMBA=0`` in the environment, or :func:`use_numba`, switches it off. Compiled code is
cached beside the source, so it is compiled once a machine.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar, cast

__all__ = ["accelerated", "compiled", "numba_installed", "numba_loaded", "use_numba"]

F = TypeVar("F", bound=Callable[..., Any])

_wanted: bool = os.environ.get("SONGOKU_NUMBA", "1") != "0"


@cache
def numba_installed() -> bool:
    """Say whether numba can be imported, without importing it."""
    return importlib.util.find_spec("numba") is not None


def numba_loaded() -> bool:
    """Say whether numba is imported already, so that using it costs nothing more."""
    return "numba" in sys.modules


def accelerated() -> bool:
    """Say whether compiled code is installed and switched on."""
    return _wanted and numba_installed()


@contextmanager
def use_numba(wanted: bool) -> Iterator[None]:
    """Switch the compiled code on or off for a while.

    Parameters
    ----------
    wanted : bool
        Without numba installed, True has no effect.
    """
    global _wanted
    before, _wanted = _wanted, wanted
    try:
        yield
    finally:
        _wanted = before


def compiled(*fastmath: str) -> Callable[[F], F]:
    """Return a decorator that compiles a function at its first call.

    Parameters
    ----------
    *fastmath : str
        LLVM's names of what the compiler may assume of floating-point sums; nothing by default.

    Returns
    -------
    callable
        Without numba it returns the function as it is.
    """

    def decorate(function: F) -> F:
        if not numba_installed():
            return function
        njit = importlib.import_module("numba").njit
        options = {"error_model": "numpy", "fastmath": set(fastmath)}
        try:
            return cast(F, njit(cache=True, **options)(function))
        except RuntimeError:  # nowhere to write a cache to: compile anew in each process
            return cast(F, njit(**options)(function))

    return decorate
