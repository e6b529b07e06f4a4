"""Known faults, planted into a copy of the package one at a time: each must turn tests red.

Each is a small textual change to one file. The copy is imported in place of the installed package
and the tests that guard the spot are run in a process of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Fault:
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


FAULTS = {
    "the sign of the threshold flipped": Fault(
        "conflict.py",
        "    adjacency = rho > tau\n",
        "    adjacency = -rho > tau\n",
        ("tests/theory/test_conflict.py",),
    ),
    "the sign flipped in batches": Fault(
        "conflict.py",
        "    adjacency = -matrices > bound\n",
        "    adjacency = matrices > bound\n",
        ("tests/theory/test_conflict.py",),
    ),
    "an edge exactly at tau": Fault(
        "conflict.py",
        "    return Fraction(dot * dot) > Fraction(tau) ** 2 * squares\n",
        "    return Fraction(dot * dot) >= Fraction(tau) ** 2 * squares\n",
        ("tests/theory/test_conflict.py",),
    ),
    "the edge rule cos < tau": Fault(
        "conflict.py",
        "    adjacency = rho > tau\n",
        "    adjacency = -rho < tau\n",
        ("tests/theory/test_conflict.py",),
    ),
    "the windowed EMA not normalised": Fault(
        "ema.py",
        '    if convention == "windowed":\n        weights = weights /',
        '    if convention == "windowed" and window < 0:\n        weights = weights /',
        ("tests/theory/test_ema.py",),
    ),
    "the scheduler's windowed average not normalised": Fault(
        "scheduler/observation.py",
        "    return np.asarray(state.averages / total[:, None], dtype=np.float64)\n",
        "    return np.asarray(state.averages * 1.0, dtype=np.float64)\n",
        ("tests/theory/test_scheduler.py",),
    ),
    "colours assigned smallest degree first": Fault(
        "coloring/welsh_powell.py",
        "order = np.argsort(-matrix.sum(axis=1)",
        "order = np.argsort(matrix.sum(axis=1)",
        ("tests/theory/test_coloring.py",),
    ),
    "the last class skipped": Fault(
        "schedule/periodic.py",
        "        return step % period\n",
        "        return step % max(1, period - 1)\n",
        ("tests/theory/test_schedule.py", "tests/theory/test_scheduler.py"),
    ),
    "the phase reset at a refresh where it should be carried": Fault(
        "scheduler/adoption.py",
        "        pointer=state.pointer % schedule.period,\n",
        "        pointer=0,\n",
        ("tests/theory/test_scheduler.py",),
    ),
    "an average that every task enters though only active ones should": Fault(
        "scheduler/observation.py",
        "    averages[task] = config.beta * averages[task] + (1.0 - config.beta) * gradient\n",
        "    averages[:] = config.beta * averages + (1.0 - config.beta) * gradient\n",
        ("tests/theory/test_scheduler.py",),
    ),
    "two conflicting tasks duplicated into one slot": Fault(
        "schedule/coverage.py",
        "if s not in held and not matrix[task, slots[s]].any()]",
        "if s not in held and not matrix[task, list(schedule.slots[s])].any()]",
        ("tests/theory/test_schedule.py",),
    ),
    "n_eff with the exponent of eq. 19 off by one": Fault(
        "ema.py",
        "    decay = np.exp(exponent)\n",
        "    decay = np.exp(exponent * (windows + 1) / windows)\n",
        ("tests/theory/test_ema.py",),
    ),
}


def run_tests(package_root: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run test files against the copy of songoku_theory under `package_root`."""
    environment = {**os.environ, "PYTHONPATH": str(package_root), "HYPOTHESIS_PROFILE": "default"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(REPOSITORY), *(str(REPOSITORY / t) for t in tests)]
    return subprocess.run(
        command, cwd=package_root, env=environment, capture_output=True, text=True, timeout=300
    )


def copy_package(folder: Path) -> Path:
    package = folder / "songoku_theory"
    shutil.copytree(
        REPOSITORY / "songoku_theory", package, ignore=shutil.ignore_patterns("__pycache__")
    )
    return package


def test_the_copy_itself_is_what_the_tests_import_and_passes(tmp_path: Path) -> None:
    """Without this, a copy that can't be imported would look like a caught fault."""
    package = copy_package(tmp_path)
    check = tmp_path / "test_where.py"
    check.write_text(
        "import songoku_theory\n\n\n"
        "def test_where() -> None:\n"
        f"    assert songoku_theory.__file__ == {str(package / '__init__.py')!r}\n"
    )
    outcome = run_tests(tmp_path, (str(check), "tests/theory/test_ema.py"))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_turns_a_test_red(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    target = copy_package(tmp_path) / fault.file
    source = target.read_text()
    assert source.count(fault.before) == 1, f"the spot for {name!r} has moved in {fault.file}"
    target.write_text(source.replace(fault.before, fault.after))
    outcome = run_tests(tmp_path, fault.tests)
    assert outcome.returncode == 1, outcome.stdout[-2000:] + outcome.stderr[-2000:]
    assert "failed" in outcome.stdout
