"""SON-GOKU for an existing PyTorch training loop, on a CPU, one GPU or several.

Five lines (marked) in a loop that you have::

    from songoku_theory.torch_scheduler import TaskScheduler                              # 1

    scheduler = TaskScheduler(model, heads={"a": model.head_a, "b": model.head_b})        # 2
    for x, targets in loader:
        losses = {t: loss_of[t](model(x, t), targets[t]) for t in scheduler.active()}     # 3
        scheduler.backward(losses)                                                        # 4
        optimizer.step()
        scheduler.step()                                                                  # 5

Every decision (who runs, when to refresh, the colouring) is one of the pure scheduler in
``songoku_theory.scheduler``; its ``SchedulerConfig`` has the schedule's settings and
:class:`TorchOptions` those of the tensors.
"""

from songoku_theory.torch_scheduler.combining import Combine, Combiner
from songoku_theory.torch_scheduler.memory import (
    MemoryReport,
    MemoryRow,
    MemoryTable,
    compare_memory,
    measure_peak,
)
from songoku_theory.torch_scheduler.nonfinite import NonFiniteGradientError, NonFiniteLog
from songoku_theory.torch_scheduler.options import TorchOptions
from songoku_theory.torch_scheduler.parameters import Selection
from songoku_theory.torch_scheduler.scheduler import TaskScheduler
from songoku_theory.torch_scheduler.staleness import StalenessReport, TaskStaleness
from songoku_theory.torch_scheduler.vectors import VectorScheduler

__all__ = [
    "Combine",
    "Combiner",
    "MemoryReport",
    "MemoryRow",
    "MemoryTable",
    "NonFiniteGradientError",
    "NonFiniteLog",
    "Selection",
    "StalenessReport",
    "TaskScheduler",
    "TaskStaleness",
    "TorchOptions",
    "VectorScheduler",
    "compare_memory",
    "measure_peak",
]
