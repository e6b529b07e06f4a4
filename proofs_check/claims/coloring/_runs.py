"""Which tasks are active at which step: eq. 11 in plain Python, static and across refreshes.

Conventions
    *gap*: steps from one update of a task to its next; 1 means every step.
    *wait*: steps in a row without an update of the task; between two updates it is gap - 1.
    The first wait counts from step 0.

Differs from
    :mod:`songoku_theory.schedule`: written again, so that the library can't vouch for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

from songoku_theory.errors import InvalidInputError

__all__ = [
    "PHASES",
    "Phase",
    "active_classes",
    "cyclic_steps",
    "gaps_of",
    "longest_wait",
    "updates_of",
]

Phase = Literal["global", "restart", "carried"]
"""Where a new round begins in its cycle: ``global`` is eq. 11 as printed (``t mod m_r`` with the
training step t), ``restart`` begins with the first class, ``carried`` with the number of the class
that was due next in the old cycle, modulo the new number of classes."""

PHASES: tuple[Phase, ...] = get_args(Phase)

Colors = Sequence[int]


def cyclic_steps(colors: Colors, steps: int) -> list[frozenset[int]]:
    """Return the active tasks of the first `steps` steps of one fixed cycle.

    Examples
    --------
    >>> [sorted(active) for active in cyclic_steps((0, 1, 0), 3)]
    [[0, 2], [1], [0, 2]]
    """
    return active_classes([colors], steps, "global")


def active_classes(
    rounds: Sequence[Colors], refresh_period: int, phase: Phase
) -> list[frozenset[int]]:
    """Return the active tasks of every step of a run with one colouring a round.

    Parameters
    ----------
    rounds : sequence of sequences of int
        The colouring of each round; a round lasts `refresh_period` steps.
    refresh_period : int
        R.
    phase : {"global", "restart", "carried"}

    Returns
    -------
    list of frozenset of int
        One entry a step.

    Examples
    --------
    >>> edge_then_swapped = [(0, 1), (1, 0)]
    >>> [sorted(active) for active in active_classes(edge_then_swapped, 3, "global")]
    [[0], [1], [0], [0], [1], [0]]
    >>> [sorted(active) for active in active_classes(edge_then_swapped, 3, "carried")]
    [[0], [1], [0], [0], [1], [0]]
    """
    if phase not in PHASES:
        raise InvalidInputError(f"phase should be one of {', '.join(PHASES)}; found {phase!r}.")
    run: list[frozenset[int]] = []
    following = 0
    for colors in rounds:
        num_classes = max(colors) + 1
        for step in range(refresh_period):
            if phase == "global":
                slot = len(run) % num_classes
            elif phase == "restart":
                slot = step % num_classes
            else:
                slot = following % num_classes
            following = (slot + 1) % num_classes
            run.append(frozenset(task for task, color in enumerate(colors) if color == slot))
    return run


def updates_of(run: Sequence[frozenset[int]], task: int) -> list[int]:
    """Return the steps at which the task is updated."""
    return [step for step, active in enumerate(run) if task in active]


def gaps_of(run: Sequence[frozenset[int]], task: int) -> list[int]:
    """Return the steps from each update of the task to its next."""
    return [later - earlier for earlier, later in pairwise(updates_of(run, task))]


def longest_wait(run: Sequence[frozenset[int]], task: int) -> int:
    """Return the most steps in a row without an update, the first and last wait included.

    Examples
    --------
    >>> longest_wait([frozenset(), frozenset({0}), frozenset(), frozenset(), frozenset()], 0)
    3
    """
    longest = waiting = 0
    for active in run:
        waiting = 0 if task in active else waiting + 1
        longest = max(longest, waiting)
    return longest
