"""Every setting of a traced training run, with its default and its check."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_beta, check_period, check_tau

__all__ = ["CHOICES", "DOCS", "TraceOptions"]

# Spelt out rather than imported from the scheduler: they are this command's promise to its user.
CHOICES: dict[str, tuple[str, ...]] = {
    "ema": ("carried", "windowed"),
    "ema_at_refresh": ("carry", "reset"),
    "observe_tasks": ("active", "all"),
    "phase": ("global", "restart", "carried"),
    "probe": ("none", "required"),
}


DOCS: dict[str, str] = {
    "dataset": "What to train on.",
    "seed": "Fixes split, permuted labels, initial weights and batches, whatever else is chosen.",
    "steps": "Training steps, T.",
    "refresh_period": "Steps from one refresh to the next, R.",
    "tau": "Conflict threshold in [0, 1]: two tasks conflict when their cosine is below -tau. "
    "1 trains every task at every step.",
    "beta": "EMA parameter in [0, 1).",
    "batch_size": "Examples in each task's own sub-batch.",
    "width": "Hidden units of the shared trunk; fewer units, more conflict.",
    "lr": "Step size of plain SGD.",
    "warm_up": "First steps with tau = 1.",
    "anneal_steps": "Steps over which tau then falls to its value.",
    "ema": "Averages as the recursion of eq. 8, or normalised (eq. 18).",
    "ema_at_refresh": "Go on with the averages at a refresh, or start them anew.",
    "observe_tasks": "Whose gradients enter the averages; 'all' computes every loss at each step.",
    "phase": "Where the cycle of classes stands after a refresh.",
    "probe": "Whether a refresh takes a fresh gradient of every task first.",
    "heuristic": "Colouring heuristic.",
    "measure_every": "Refreshes from one measurement of what the theory speaks of (population "
    "gradients, noise, curvature, gain) to the next; 0 measures nothing.",
    "measure_batches": "Sub-batches a task that its noise is measured with.",
}


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """Settings of one run: the parameters of the experiment ``trace``. `DOCS` says what each is.

    ``tau=1`` has no conflicts, so it is the usual summed update of every task at every step:
    the baseline to compare with.

    The defaults are chosen for the digits. Their EMA cosines spread over about -0.4 to 0.4 with a
    standard deviation of 0.12, while two unrelated directions in the trunk's 1,560 dimensions
    would have cosines within 0.03 of 0; tau = 0.1 lies between the two. Batches of 256 with beta
    0.97 average the sub-batches' noise down to a standard deviation of 0.04 in a cosine early and
    0.06 late in a run (measured with two independent streams on one trajectory). With batches of
    128 and beta 0.9 it is 0.11 late in a run, as much as the cosines themselves spread, and a
    third of the pairs fall on the other side of tau than without noise. A trunk of 24 units is
    narrow enough for the tasks to compete for it.
    """

    dataset: str = "digits"
    seed: int = 0
    steps: int = 1200
    refresh_period: int = 50
    tau: float = 0.1
    beta: float = 0.97
    batch_size: int = 256
    width: int = 24
    lr: float = 0.1
    warm_up: int = 0
    anneal_steps: int = 0
    ema: str = "carried"
    ema_at_refresh: str = "carry"
    observe_tasks: str = "active"
    phase: str = "global"
    probe: str = "required"
    heuristic: str = "welsh_powell"
    measure_every: int = 4
    measure_batches: int = 16

    def check(self) -> TraceOptions:
        """Return these options unchanged, or raise for the first one that is out of range.

        Raises
        ------
        UnknownNameError
            For a name that nothing answers to; names the nearest.
        InvalidInputError
            For a number out of its range.

        Examples
        --------
        >>> TraceOptions(tau=0.2).check().tau
        0.2
        >>> TraceOptions(width=0).check()
        Traceback (most recent call last):
        ...
        songoku_theory.errors.InvalidInputError: width should be a whole number >= 1 ...
        """
        from simulations.training.datasets import available_datasets
        from songoku_theory.coloring import available_colorings

        if self.dataset not in available_datasets():
            raise unknown_name("dataset", self.dataset, available_datasets())
        check_tau(self.tau)
        check_beta(self.beta)
        check_period(self.refresh_period)
        self._check_count("steps", 1, "nothing would be trained")
        self._check_count("batch_size", 1, "examples in a task's sub-batch")
        self._check_count("width", 1, "hidden units of the shared trunk")
        self._check_count("seed", 0, "names the random streams")
        self._check_count("warm_up", 0, "steps with tau = 1")
        self._check_count("anneal_steps", 0, "steps from tau = 1 to its value")
        self._check_count("measure_every", 0, "refreshes from one measurement to the next")
        self._check_count("measure_batches", 2, "sub-batches that a variance is taken over")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise InvalidInputError(f"lr should be a finite number > 0; found {self.lr!r}.")
        for name, valid in CHOICES.items():
            if getattr(self, name) not in valid:
                raise unknown_name(f"{name} option", str(getattr(self, name)), valid)
        if self.heuristic not in available_colorings():
            raise unknown_name("coloring heuristic", self.heuristic, available_colorings())
        return self

    def as_params(self) -> dict[str, int | float | str]:
        """Return the settings by name, as the experiment's parameters."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _check_count(self, name: str, low: int, meaning: str) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise InvalidInputError(
                f"{name} should be a whole number >= {low} ({meaning}); found {value!r}."
            )
