"""The compiled kernels answer what the array code answers. Needs numba (a dev dependency)."""

from __future__ import annotations

import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from songoku_theory.combine import (
    MGDA,
    CAGrad,
    FairGrad,
    Mean,
    NashMTL,
    PCGrad,
    Sum,
    accelerated,
    use_numba,
)
from songoku_theory.combine.accelerate import fast_problem
from songoku_theory.errors import InvalidInputError

Matrix = NDArray[np.float64]
RULES = (
    Sum(),
    Mean(),
    PCGrad(),
    PCGrad("mean"),
    MGDA(),
    CAGrad(0.4),
    CAGrad(2.0, "quadratic"),
    CAGrad(0.0),
    NashMTL(),
    FairGrad(2.0),
    FairGrad(0.5),
    FairGrad(0.0),
)


def disagreements(gradients: Matrix, label: str) -> list[str]:
    """The rules whose compiled and plain answers differ, in status or in the update."""
    found = []
    gram = gradients @ gradients.T
    norms = np.linalg.norm(gradients, axis=1)
    for rule in RULES:
        fast = rule.combine(gram, rule.init(len(gram)), rng=np.random.default_rng(1))
        with use_numba(False):
            slow = rule.combine(gram, rule.init(len(gram)), rng=np.random.default_rng(1))
        scale = max(float(np.abs(slow.weights) @ norms), 1e-300)
        difference = (fast.weights - slow.weights) @ gradients
        if fast.status is not slow.status or not np.linalg.norm(difference) <= 1e-7 * scale:
            found.append(f"{label}: {rule}: {fast} against {slow}")
    return found


def test_numba_is_used_when_it_is_installed(compiled: None) -> None:
    assert numba is not None
    assert accelerated()
    with use_numba(False):
        assert not accelerated()
        assert fast_problem(np.eye(2), None) is None
    assert fast_problem(np.eye(2), None) is not None


def test_compiled_and_array_code_agree(
    compiled: None, zoo: dict[str, Matrix], stationary_zoo: dict[str, Matrix]
) -> None:
    for label, gradients in {**zoo, **stationary_zoo}.items():
        for scale in (1e-12, 1.0, 1e12):
            assert disagreements(gradients * scale, f"{label} x {scale}") == []


def test_compiled_and_array_code_agree_on_random_problems(compiled: None) -> None:
    rng = np.random.default_rng(0)
    for trial in range(60):
        gradients = rng.integers(-2, 3, (int(rng.integers(1, 9)), int(rng.integers(1, 9))))
        assert disagreements(gradients.astype(float), f"integers {trial}") == []
        gradients = rng.standard_normal((int(rng.integers(1, 20)), int(rng.integers(1, 30))))
        gradients = gradients * 10.0 ** rng.uniform(-2, 2, (len(gradients), 1))
        assert disagreements(gradients, f"normal {trial}") == []


def test_compiled_code_takes_active_sets_and_leaves_refusals_to_the_array_code(
    compiled: None,
) -> None:
    gradients = np.random.default_rng(0).standard_normal((6, 9))
    gram = gradients @ gradients.T
    gram[0] = np.nan
    answer = NashMTL().combine(gram, NashMTL().init(6), (2, 5))
    assert np.flatnonzero(answer.weights).tolist() == [2, 5]
    for wrong in (gram, np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones((2, 3))):
        with pytest.raises(InvalidInputError):
            NashMTL().combine(wrong, NashMTL().init(len(wrong)))


def test_without_numba_everything_still_works() -> None:
    """A fresh process in which numba cannot be found; the kernels are then plain functions."""
    code = (
        "import sys, numpy as np\n"
        "sys.modules['numba'] = None\n"
        "from songoku_theory.combine import MGDA, CAGrad, NashMTL, PCGrad, accelerated\n"
        "import songoku_theory.combine.kernels as kernels\n"
        "gram = np.array([[2.0, -1.0, 0.5], [-1.0, 3.0, 0.0], [0.5, 0.0, 1.0]])\n"
        "rng = np.random.default_rng(0)\n"
        "for rule in (MGDA(), CAGrad(), NashMTL(), PCGrad()):\n"
        "    answer = rule.combine(gram, rule.init(3), rng=rng)\n"
        "    assert answer.status.value == 'converged', rule\n"
        "assert not accelerated()\n"
        "norms = np.sqrt(np.diag(gram))\n"
        "plain, gap, _, fine = kernels.smallest(gram / np.outer(norms, norms), norms, 1e-14)\n"
        "assert fine and np.allclose(plain, MGDA().combine(gram, MGDA().init(3)).weights)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)


@pytest.mark.parametrize("setting", ["0", "1"])
def test_the_environment_switches_compiled_code_off(setting: str) -> None:
    """A fresh process: numba is not imported until a combiner runs, nor ever when it is off."""
    code = (
        "import sys, numpy as np\n"
        "from songoku_theory.combine import MGDA, accelerated\n"
        "assert 'numba' not in sys.modules and 'torch' not in sys.modules\n"
        "MGDA().combine(np.eye(2), MGDA().init(2))\n"
        "assert 'torch' not in sys.modules\n"
        "sys.stdout.write(f\"{accelerated()} {'numba' in sys.modules}\")\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SONGOKU_NUMBA": setting},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ("True True" if setting == "1" else "False False")
