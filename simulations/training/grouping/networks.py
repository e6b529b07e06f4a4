"""Trained networks by their set of tasks: what every way of grouping draws its errors from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulations.training.grouping.decide import Decision
from simulations.training.grouping.rows import number, whole
from songoku_theory.errors import InvalidInputError
from songoku_theory.grouping import SetFunction

__all__ = ["Network", "Networks"]

Array = NDArray[np.float64]
Key = tuple[str, int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Network:
    """Errors of one network; NaN for tasks that it was not trained for.

    Attributes
    ----------
    validation, test : ndarray, shape (n,)
    """

    validation: Array
    test: Array


@dataclass(slots=True)
class Networks:
    """Networks by schedule, seed and set of tasks.

    Parameters
    ----------
    num_tasks : int
    """

    num_tasks: int
    held: dict[Key, Network] = field(default_factory=dict)

    def add(
        self, schedule: str, seed: int, tasks: tuple[int, ...], rows: Iterable[Mapping[str, object]]
    ) -> None:
        """Take in the rows of a cell of ``grouping_network``."""
        errors = {split: np.full(self.num_tasks, np.nan) for split in ("validation", "test")}
        for row in rows:
            if row["kind"] == "error":
                errors[str(row["split"])][whole(row["i"])] = number(row["value"])
        self.held[schedule, seed, tasks] = Network(errors["validation"], errors["test"])

    def get(self, schedule: str, seed: int, tasks: tuple[int, ...]) -> Network:
        """Return a network.

        Raises
        ------
        InvalidInputError
            When it was not trained.
        """
        if (schedule, seed, tasks) not in self.held:
            raise InvalidInputError(
                f"no network was trained for tasks {tasks} with seed {seed} and schedule "
                f"{schedule}; found {len(self.held)} networks."
            )
        return self.held[schedule, seed, tasks]

    def test_errors(self, decision: Decision) -> Array:
        """Return the test error of each task under a way of grouping.

        A task of several groups counts with the network whose validation error is least.
        """
        best = np.full(self.num_tasks, np.inf)
        errors = np.full(self.num_tasks, np.nan)
        for group in decision.answer.groups:
            network = self.get(decision.schedule, decision.seed, group)
            members = list(group)
            better = network.validation[members] < best[members]
            chosen = np.asarray(members)[better]
            best[chosen] = network.validation[chosen]
            errors[chosen] = network.test[chosen]
        return errors

    def worth(self, split: str, seeds: Iterable[int]) -> SetFunction:
        """Return minus the mean total error of a group over seeds, as a set function."""
        chosen = tuple(seeds)

        def value(group: tuple[int, ...]) -> float:
            totals = [
                np.nansum(getattr(self.get("uniform", seed, group), split)) for seed in chosen
            ]
            return -float(np.mean(totals))

        return value

    def pairs(self, seed: int) -> tuple[Array, Array]:
        """Return validation errors ``[i, j]`` of j trained with i, and of single tasks."""
        n = self.num_tasks
        pairs, single = np.zeros((n, n)), np.zeros(n)
        for i in range(n):
            single[i] = self.get("uniform", seed, (i,)).validation[i]
            for j in range(i):
                errors = self.get("uniform", seed, (j, i)).validation
                pairs[i, j], pairs[j, i] = errors[j], errors[i]
        return pairs, single
