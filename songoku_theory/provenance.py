"""Where a result came from: versions, commit, machine."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["provenance"]

_PACKAGES = (
    "songoku",
    "numpy",
    "scipy",
    "networkx",
    "torch",
    "polars",
    "sympy",
    "z3-solver",
    "matplotlib",
    "scikit-learn",
)


def provenance() -> dict[str, Any]:
    """Describe the software and the machine, as plain values that fit into JSON.

    Returns
    -------
    dict
        ``packages`` (name to version; absent ones left out), ``python``, ``platform``, ``machine``,
        ``cpus``, ``commit`` (None outside a git checkout) and ``dirty``.

    Examples
    --------
    >>> sorted(provenance())
    ['commit', 'cpus', 'dirty', 'machine', 'packages', 'platform', 'python']
    """
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    commit = _git("rev-parse", "HEAD")
    return {
        "packages": packages,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "commit": commit,
        "dirty": None if commit is None else bool(_git("status", "--porcelain")),
    }


def _git(*arguments: str) -> str | None:
    """Ask git about the checkout that this file stands in; None when there is no answer."""
    here = Path(__file__).resolve().parent
    if not (here.parent / ".git").exists():
        return None  # an installed copy: a repository further up is somebody else's
    try:
        answer = subprocess.run(
            ["git", "-C", str(here), *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
