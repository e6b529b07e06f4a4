"""Which numbers of a benchmark stand in the table: those of the paper's Table 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulations.training.table.runs import TaskInfo

__all__ = ["Column", "columns_of", "paper_columns"]

_PAPER: dict[str, tuple[tuple[str, str, int | None], ...]] = {
    "cifar10": (("class", "accuracy", 0),),
    "av_mnist": (("digit", "accuracy", 1),),
    "mm_imdb": (("genres", "micro F1", 2),),
    "stocks_fb": (("", "accuracy", 3), ("", "MAE of classes", 4), ("", "log loss (nats)", None)),
    "stocks_health": (
        ("", "accuracy", 5),
        ("", "MAE of classes", 6),
        ("", "log loss (nats)", None),
    ),
    "nyuv2": (
        ("normals", "angle error (degrees)", 7),
        ("segmentation", "mIoU", 8),
        ("depth", "RMSE (m)", 9),
    ),
}
"""Benchmark to (main task, or "" for the mean over all of them; metric; column of Table 1 or None).

The paper calls MM-IMDb's column an accuracy and does not say of what; a film has several genres,
and micro F1 is what that benchmark is usually judged by. STOCKS' log loss is ours: one class is so
frequent that networks which differ all answer with it, and then accuracy and MAE tell nothing.
"""

_PER_CENT = ("accuracy", "micro F1")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Attributes
    ----------
    benchmark : str
    tasks : tuple of str
        Main tasks that it is the mean over.
    metric : str
    higher_is_better : bool
    paper : int or None
        Its place among the columns of the paper's Table 1.
    """

    benchmark: str
    tasks: tuple[str, ...]
    metric: str
    higher_is_better: bool
    paper: int | None

    @property
    def scale(self) -> float:
        """100 where the table shows per cent."""
        return 100.0 if self.metric in _PER_CENT else 1.0

    @property
    def title(self) -> str:
        """What it is, with its unit and an arrow to where better is."""
        unit = " (%)" if self.metric in _PER_CENT else ""
        name = f"{self.tasks[0]} " if len(self.tasks) == 1 else "mean "
        arrow = "↑" if self.higher_is_better else "↓"
        return f"{name}{self.metric}{unit} {arrow}"

    @property
    def sign(self) -> float:
        """1 where higher is better, else -1."""
        return 1.0 if self.higher_is_better else -1.0


def columns_of(benchmark: str, main: Sequence[TaskInfo]) -> tuple[Column, ...]:
    """Return a benchmark's columns.

    Parameters
    ----------
    benchmark : str
    main : sequence of TaskInfo
        Its main tasks. A benchmark that is not in Table 1 has a column for each first metric.
    """
    chosen = _PAPER.get(benchmark)
    if chosen is None:
        by_metric: dict[str, list[TaskInfo]] = {}
        for task in main:
            by_metric.setdefault(task.metric, []).append(task)
        return tuple(
            Column(benchmark, tuple(t.name for t in tasks), metric, tasks[0].metrics[metric], None)
            for metric, tasks in by_metric.items()
        )
    found = []
    for name, metric, place in chosen:
        tasks = [task for task in main if name in ("", task.name) and metric in task.metrics]
        if tasks:
            names = tuple(task.name for task in tasks)
            found.append(Column(benchmark, names, metric, tasks[0].metrics[metric], place))
    return tuple(found)


def paper_columns(benchmark: str) -> int:
    """Return how many columns of Table 1 a benchmark has.

    Examples
    --------
    >>> paper_columns("nyuv2"), paper_columns("ett")
    (3, 0)
    >>> paper_columns("stocks_fb")  # our log loss is not counted
    2
    """
    return sum(place is not None for _, _, place in _PAPER.get(benchmark, ()))
