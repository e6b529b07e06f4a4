"""Compiled functions that call compiled functions of other files, without stale caches.

Numba keeps compiled code beside the source and throws it away when *that* file changes. What a
function calls is compiled into it, so a change in another file would leave the old code running.
Here the stamp of a cached function covers every file that it is made of.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

from songoku_theory._numba import compiled, numba_installed

__all__ = ["linked"]

F = TypeVar("F", bound=Callable[..., Any])


def _stamp(path: str | None) -> tuple[float, int]:
    found = Path(str(path)).stat()
    return found.st_mtime, found.st_size


def linked(*modules: ModuleType) -> Callable[[F], F]:
    """Return a decorator like ``compiled()`` for functions that call those of other modules.

    Parameters
    ----------
    *modules : module
        Where the called functions stand, and the functions that those call.

    Returns
    -------
    callable
        Without numba it returns the function as it is.
    """

    def decorate(function: F) -> F:
        if not numba_installed():
            return function
        dispatcher: Any = compiled()(function)
        files = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
        if files is None:  # not cached, so never stale
            return cast(F, dispatcher)
        if not hasattr(files, "_source_stamp"):  # another numba: better slow to start than stale
            njit = importlib.import_module("numba").njit
            return cast(F, njit(error_model="numpy")(function))
        own = (files._source_stamp,)
        files._source_stamp = own + tuple(_stamp(module.__file__) for module in modules)
        return cast(F, dispatcher)

    return decorate
