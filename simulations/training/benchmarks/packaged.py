"""Real data that arrives with a Python package: found, and the package is not imported."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

__all__ = ["packaged_file"]


def packaged_file(package: str, path: str) -> Path | None:
    """Return a file of an installed package, or None when there is no such package or file.

    Parameters
    ----------
    package : str
        A top-level package. It is looked up, not run: importing some of these takes seconds and
        needs packages that their data files don't.
    path : str
        Inside the package, with "/".

    Examples
    --------
    >>> packaged_file("no_such_package", "data.csv") is None
    True
    >>> packaged_file("numpy", "__init__.py").name
    '__init__.py'
    """
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder).joinpath(*path.split("/"))
        if file.is_file():
            return file
    return None
