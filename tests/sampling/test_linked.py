"""A compiled function is compiled anew when a file that it calls into changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from songoku_theory._numba import accelerated

INNER = """from songoku_theory._numba import compiled


@compiled()
def inner(x):
    return x + {}
"""
OUTER = """import inner as module
from inner import inner
from simulations.sampling.linked import linked


@linked(module)
def outer(x):
    return inner(x)


if __name__ != "__main__":
    found = outer(1.0)
"""


def _run(folder: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", "import outer; print(outer.found)"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    return float(done.stdout)


def test_a_changed_callee_is_not_served_from_a_stale_cache(tmp_path: Path) -> None:
    if not accelerated():
        pytest.skip("numba is not installed")
    (tmp_path / "outer.py").write_text(OUTER)
    (tmp_path / "inner.py").write_text(INNER.format(1))
    assert _run(tmp_path) == 2.0
    (tmp_path / "inner.py").write_text(INNER.format(40))  # another size, so another stamp
    assert _run(tmp_path) == 41.0
