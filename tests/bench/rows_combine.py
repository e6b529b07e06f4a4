"""One combine step: from gradients (K, d) to the update (d,)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from timing import Pair, Row, UnmeasuredError
from torch import Tensor

from songoku_theory.combine import (
    MGDA,
    CAGrad,
    FairGrad,
    NashMTL,
    PCGrad,
    combine_gradients,
)

__all__ = ["ROWS"]

NUM_TASKS, DIM, PROBLEMS = 40, 1024, 8
Rule = PCGrad | NashMTL | FairGrad | CAGrad | MGDA


def _problems() -> list[Tensor]:
    """Pre-generated random gradients, as in SON-GOKU's appendix L."""
    draws = np.random.default_rng(0).standard_normal((PROBLEMS, NUM_TASKS, DIM))
    return [torch.tensor(g, dtype=torch.float32) for g in draws]


def _pair(rule: Rule, theirs: Callable[[Tensor], object]) -> Pair:
    problems, rng, state = _problems(), np.random.default_rng(1), rule.init(NUM_TASKS)
    one, other = itertools.cycle(problems), itertools.cycle(problems)

    def ours() -> object:
        return combine_gradients(rule, next(one), state, rng=rng)

    def note() -> str:
        answers = [combine_gradients(rule, g, state, rng=rng).combined for g in problems]
        worst = max(a.residual for a in answers)
        return f"residual {worst:.0e}" if worst else ""

    return Pair(ours, lambda: theirs(next(other)), note)


def _against(rule: Rule, name: str, *arguments: object) -> Callable[[], Pair]:
    def prepare() -> Pair:
        from torchjd import aggregation

        try:
            theirs = getattr(aggregation, name)(*arguments)
        except ImportError as error:
            raise UnmeasuredError(str(error)) from error
        return _pair(rule, theirs)

    return prepare


def _nash() -> Pair:
    """TorchJD's Nash-MTL, its programs solved by Clarabel: ECOS, which it names, is under the GPL.

    The subclass is TorchJD's own code but for the solver's name.
    """
    import warnings

    import cvxpy
    from torchjd.aggregation import _nash_mtl

    class Weighting(_nash_mtl._NashMTLWeighting):
        _REQUIRED_DEPS: ClassVar[list[str]] = ["numpy", "cvxpy", "clarabel"]

        def _solve_optimization(self, gtg: NDArray[np.float64]) -> NDArray[np.float64]:
            self.G_param.value = gtg
            self.normalization_factor_param.value = self.normalization_factor
            alpha = self.prvs_alpha
            for _ in range(self.optim_niter):
                self.alpha_param.value = alpha
                self.prvs_alpha_param.value = alpha
                try:
                    self.prob.solve(solver=cvxpy.CLARABEL, warm_start=True, max_iter=100)
                except (cvxpy.SolverError, ValueError):
                    self.alpha_param.value = self.prvs_alpha_param.value
                if self._stop_criteria(gtg, alpha):
                    break
                alpha = self.alpha_param.value
            if alpha is not None:
                self.prvs_alpha = alpha
            return self.prvs_alpha

    # Its programs are no "DPP", so cvxpy can't reuse their compiled form, with any solver.
    warnings.filterwarnings("ignore", message="You are solving a parameterized problem")
    weighting = Weighting(NUM_TASKS, 1.0, 1, 20)
    pair = _pair(NashMTL(), lambda g: weighting(g) @ g)

    def note() -> str:
        residuals = []
        for g in _problems():
            with torch.no_grad():
                gram = (g.double() @ g.double().T).numpy()
                a = weighting(g).double().numpy()
            values = a * (gram @ a)
            # Their weights are scaled to norm 1 of the update; compare at the best common factor.
            residuals.append(float(np.abs(values / values.mean() - 1.0).max()))
        return f"{pair.note()}; theirs {max(residuals):.0e}"

    return Pair(pair.ours, pair.theirs, note)


WHAT = f"combine step, K={NUM_TASKS} d={DIM}"
ROWS = (
    Row("pcgrad", f"{WHAT}: PCGrad", "TorchJD", "at least", 100, _against(PCGrad(), "PCGrad")),
    Row("nash", f"{WHAT}: Nash-MTL", "TorchJD, Clarabel for ECOS", "at least", 500, _nash),
    Row(
        "fairgrad",
        f"{WHAT}: FairGrad",
        "TorchJD",
        "at least",
        50,
        _against(FairGrad(2.0), "FairGrad", 2.0),
    ),
    Row(
        "cagrad", f"{WHAT}: CAGrad", "TorchJD", "at least", 25, _against(CAGrad(0.4), "CAGrad", 0.4)
    ),
    Row("mgda", f"{WHAT}: MGDA", "TorchJD", "at least", 15, _against(MGDA(), "MGDA")),
)
