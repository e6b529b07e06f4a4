"""A whole comparison in one go, as a cell of a sweep runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulations.sweep.cell import Cell
from simulations.sweep.experiment import Row, Scalar
from simulations.training.grouping.study import Study, study_rows

__all__ = ["task_names", "whole_study"]


def whole_study(params: Mapping[str, Scalar]) -> list[Row]:
    """Train everything and return the rows of the experiment ``grouping``."""
    study = Study.of(params)

    def fetch(what: str, cells: Sequence[Cell]) -> list[list[Row]]:
        return [cell.experiment.run(cell.params, cell.seed()) for cell in cells]

    return study_rows(study, task_names(study), fetch)


def task_names(study: Study) -> tuple[str, ...]:
    """Read the benchmark and return its tasks.

    Raises
    ------
    InvalidInputError
        When a file is missing or is not what it should be.
    """
    from simulations.training.grouping.network_cell import loaded_for

    loaded = loaded_for({"benchmark": study.benchmark, "seed": 0}, study.run)
    return tuple(task.name for task in loaded.tasks)
