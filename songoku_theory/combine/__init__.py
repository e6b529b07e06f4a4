"""Combiners: from several tasks' gradients or losses to one update, knowing who is active.

SON-GOKU activates one class of tasks a step. A combiner therefore takes the active index set: the
weights of inactive tasks are 0, their entries of the input are not read, and their rows of the
state do not move. Every answer says how the solve ended (:class:`Status`) and how good it is
(``residual``, scale-free).

Gram-space methods need only the inner products of the active gradients, and share one type::

    combine(gram (K, K), state, active, rng=...) -> Combined(weights (K,), state, status, residual)
    combine_batch(grams (N, K, K), active)       -> CombinedBatch(weights (N, K), ...)

=============  ==========================================  =====================================
name           what it solves                              state
=============  ==========================================  =====================================
``sum``        weight 1 each                               none
``mean``       weight 1/m each                             none
``pcgrad``     project conflicting gradients away          none (needs ``rng`` or permutations)
``mgda``       shortest vector in the hull                 none
``cagrad``     best worst case near the mean               none
``nash_mtl``   ``a_k (G a)_k = 1``                         weights a task, if ``update_every > 1``
``fairgrad``   ``(G a)_k = a_k^{-1/alpha}``                none
=============  ==========================================  =====================================

Loss-space methods weigh losses: ``famo``, ``gradnorm`` (needs gradient norms), ``uncertainty``,
``dwa``; all their state is a row a task. :class:`AdaTask` is an optimiser with accumulators a task,
:class:`TorchJDCombiner` wraps any TorchJD aggregator; both are imported on first use.

Arrays may be numpy's or torch tensors on any device. One matrix is solved on the host (a few
kilobytes cross, once a step); ``combine_batch`` runs on the tensor's own device. With numba
installed one problem is solved by compiled code, with the same results to rounding
(``SONGOKU_NUMBA=0`` or :func:`use_numba` switch it off).

The paper's three combinations
------------------------------
A scheduler with four tasks, of which the first two pull apart:

>>> import numpy as np
>>> from songoku_theory import scheduler
>>> config = scheduler.SchedulerConfig(num_tasks=4, tau=0.2, refresh_period=2)
>>> gradients = {0: [1.0, 0.0, 0.2], 1: [-1.0, 0.1, 0.0], 2: [0.0, 1.0, 0.1], 3: [0.1, -0.1, 1.0]}
>>> state = scheduler.init(config)
>>> for _ in range(2):
...     state = scheduler.step(config, state, gradients)
>>> run = scheduler.active(config, state)
>>> run
(0, 2, 3)

SON-GOKU + PCGrad: surgery inside the class that runs.

>>> rule = PCGrad()
>>> rng = np.random.default_rng(0)
>>> step = combine_gradients(rule, gradients, rule.init(4), run, num_tasks=4, rng=rng)
>>> step.update.shape, step.combined.weights[1].item(), step.combined.status.value
((3,), 0.0, 'converged')

SON-GOKU + GradNorm warm start: all tasks under GradNorm for 3 epochs, then the schedule.

>>> warm = GradNormWarmStart(steps=3 * 100)  # 100 steps an epoch
>>> weighing = warm.init(4)
>>> warm.active(weighing, run)
(0, 1, 2, 3)
>>> warm.combine([1.0] * 4, weighing, warm.active(weighing, run), gradient_norms=[1.0] * 4).weights
array([1., 1., 1., 1.])

SON-GOKU + AdaTask: one optimiser for the shared parameters, stepped with the class that runs::

    optimizer = AdaTask(model.shared.parameters(), num_tasks=4, lr=1e-3)
    optimizer.step(gradients, active=run)  # gradients: tensor (K, d), or {task: (d,)}

In a training loop ``songoku_theory.torch_scheduler.TaskScheduler(..., combine=...)`` drives all of
this; its docstring shows the three combinations, one line each.
"""

from typing import TYPE_CHECKING, Any

from songoku_theory._numba import accelerated, use_numba
from songoku_theory.combine.cagrad import CAGrad
from songoku_theory.combine.dwa import DWA, DWAState
from songoku_theory.combine.fairgrad import FairGrad
from songoku_theory.combine.famo import FAMO, FAMOState
from songoku_theory.combine.gradients import CombinedGradient, combine_gradients
from songoku_theory.combine.gradnorm import GradNorm, GradNormState
from songoku_theory.combine.linear import Mean, Sum
from songoku_theory.combine.mgda import MGDA
from songoku_theory.combine.nash_mtl import NashMTL, NashState
from songoku_theory.combine.pcgrad import PCGrad
from songoku_theory.combine.registry import (
    PROMISES,
    CombinerInfo,
    available_combiners,
    combiner,
    combiner_info,
    get_combiner,
)
from songoku_theory.combine.result import (
    Combined,
    CombinedBatch,
    CombineError,
    GramCombiner,
    LossCombiner,
    NoState,
    Status,
)
from songoku_theory.combine.torchjd_adapter import TorchJDCombiner
from songoku_theory.combine.uncertainty import UncertaintyState, UncertaintyWeighting
from songoku_theory.combine.warm_start import GradNormWarmStart, WarmStartState

if TYPE_CHECKING:
    from songoku_theory.combine.adatask import AdaTask

__all__ = [
    "DWA",
    "FAMO",
    "MGDA",
    "PROMISES",
    "AdaTask",
    "CAGrad",
    "CombineError",
    "Combined",
    "CombinedBatch",
    "CombinedGradient",
    "CombinerInfo",
    "DWAState",
    "FAMOState",
    "FairGrad",
    "GradNorm",
    "GradNormState",
    "GradNormWarmStart",
    "GramCombiner",
    "LossCombiner",
    "Mean",
    "NashMTL",
    "NashState",
    "NoState",
    "PCGrad",
    "Status",
    "Sum",
    "TorchJDCombiner",
    "UncertaintyState",
    "UncertaintyWeighting",
    "WarmStartState",
    "accelerated",
    "available_combiners",
    "combine_gradients",
    "combiner",
    "combiner_info",
    "get_combiner",
    "use_numba",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import AdaTask, and torch with it, only when it is asked for."""
    if name == "AdaTask":
        from songoku_theory.combine.adatask import AdaTask

        return AdaTask
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
