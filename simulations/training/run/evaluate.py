"""Every task's metrics on a split; statistics of normalisation measured first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from simulations.training.architectures.base import Network
from simulations.training.architectures.norm import measuring
from simulations.training.benchmarks.base import Split
from simulations.training.run.data import TrainingData
from simulations.training.run.distributed import ALONE, Processes

__all__ = ["Scores", "delta_m", "evaluate", "measure_statistics"]

_BATCHES_MEASURED = 20
_EVALUATION_BATCH = 256

Scores = dict[str, dict[str, float]]
"""Task to metric to value."""


@torch.no_grad()
def measure_statistics(
    network: Network, data: TrainingData, tasks: Sequence[str], processes: Processes = ALONE
) -> None:
    """Measure the network's normalisation on the first training batches of each view.

    On at most an epoch of them, the same for every method and at any step. Several processes take
    a share of each batch; what is measured is the mean and variance of the whole batch.
    """
    network.train()
    with measuring(network) as needed:
        if not needed:
            return
        for view, chosen in data.grouped(tasks):
            for step in range(min(_BATCHES_MEASURED, data.steps_per_epoch)):
                inputs, _ = data.batch(view, chosen[:1], step, processes.share)
                network.trunk(inputs, view.index)


@torch.no_grad()
def evaluate(
    network: Network, data: TrainingData, tasks: Sequence[str], split: Split, at_most: int = 0,
    processes: Processes = ALONE, between: Callable[[], None] = lambda: None,
) -> Scores:  # fmt: skip
    """Return each task's metrics over a whole split.

    Parameters
    ----------
    network : Network
        Left in training mode. Its statistics are those of `measure_statistics`.
    data : TrainingData
    tasks : sequence of str
    split : {"train", "validation", "test"}
    at_most : int
        Examples, evenly spaced over the split; 0 for all.
    processes : Processes
        Each computes its share of every batch; all get the scores.
    between : callable
        Called before each batch.

    Returns
    -------
    dict
        Task to metric to value.
    """
    network.eval()
    scores: Scores = {}
    for view, chosen in data.grouped(tasks):
        outputs: dict[str, list[torch.Tensor]] = {task: [] for task in chosen}
        labels: dict[str, list[torch.Tensor]] = {task: [] for task in chosen}
        for inputs, meant in data.all(
            view, chosen, split, at_most, _EVALUATION_BATCH, processes.share
        ):
            between()
            parts = network(inputs, view.index, chosen)
            for task, found in processes.whole(parts, len(meant[chosen[0]])).items():
                outputs[task].append(found.float().cpu())
                labels[task].append(meant[task].cpu())
        for task in chosen:
            said, truth = torch.cat(outputs[task]), torch.cat(labels[task])
            scores[task] = {m.name: m.measure(said, truth) for m in data.task(task).metrics}
    network.train()
    return {task: scores[task] for task in tasks}


def delta_m(
    found: Mapping[str, float], single: Mapping[str, float], higher_is_better: Mapping[str, bool]
) -> float | None:
    """Return the mean relative gain over single-task networks, in per cent; positive is better.

    Parameters
    ----------
    found, single : mapping from task to float
        One metric a task.
    higher_is_better : mapping from task to bool

    Returns
    -------
    float or None
        None when a task has no single-task value, or one that is 0: no gain relative to it.

    Source
    ------
    Maninis et al. (2019), eq. 6 (there a drop; here a gain).

    Examples
    --------
    >>> round(delta_m({"a": 0.6, "b": 1.1}, {"a": 0.5, "b": 1.0}, {"a": True, "b": False}), 6)
    5.0
    """
    if not found or any(single.get(task, 0.0) == 0.0 for task in found):
        return None
    gains = [
        (1 if higher_is_better[task] else -1) * (value - single[task]) / abs(single[task])
        for task, value in found.items()
    ]
    return 100.0 * sum(gains) / len(gains)
