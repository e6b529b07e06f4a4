"""The suites can be imported with the mathematics alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "songoku_theory" / "testing"


def test_only_the_command_needs_more_than_the_mathematics_to_be_imported() -> None:
    allowed = {"numpy", "scipy", "networkx", "songoku_theory", *sys.stdlib_module_names}
    for path in PACKAGE.rglob("*.py"):
        if path.name == "command.py":
            continue
        for node in ast.parse(path.read_text()).body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            assert {name.partition(".")[0] for name in names} <= allowed, path


def test_importing_it_loads_no_optional_library() -> None:
    code = (
        "import sys, songoku_theory.testing, songoku_theory.testing.mutants\n"
        "heavy = {'torch', 'matplotlib', 'click', 'rich', 'hypothesis', 'pytest', 'numba'}\n"
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert outcome.returncode == 0, outcome.stderr


def test_missing_libraries_are_named_when_they_are_asked_for() -> None:
    """With hypothesis, pytest and matplotlib hidden, checks run and the rest says what it needs."""
    code = """
import sys
from pathlib import Path
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("hypothesis", "pytest", "matplotlib"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda n, p=None: None if n == "hypothesis" else real(n, p)
from songoku_theory.errors import DependencyMissingError
from songoku_theory.testing import *
from songoku_theory.testing.render import draw_counterexample
from songoku_theory.testing.strategies import graphs
results = check_coloring("dsatur", families=["hard"])
assert succeeded(results)
assert not any("hypothesis" in n for n in ColoringSuite(make_subject("dsatur")).names())
failed = next(r for r in check_coloring(lambda adjacency: [0] * len(adjacency), families=["hard"])
              if r.counterexample is not None)
for call in (
    lambda: graphs(),
    lambda: check_coloring("dsatur", families=["hypothesis"]),
    lambda: parametrize_with_checks(["dsatur"]),
    lambda: draw_counterexample(failed, Path("x.png"), "mine"),
):
    try:
        call()
    except DependencyMissingError as error:
        assert "pip install" in str(error)
    else:
        raise SystemExit("nothing was said")
"""
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
