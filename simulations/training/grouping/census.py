"""All groupings at once, where every set of tasks was trained: is it the groups or the splitting?

The best of all groupings is chosen by the errors that it is judged by, so it lies below all tasks
together even where grouping does nothing. Two numbers say what that leaves: how many groupings lie
below, and how the best on all other seeds does on the seed that was left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulations.sweep.experiment import Row
from simulations.training.grouping.intervals import Interval, t_interval
from simulations.training.grouping.rows import number, whole

__all__ = ["Census", "census_of", "census_text", "partitions"]

Groups = tuple[tuple[int, ...], ...]

_MOST_TASKS = 8  # 4,140 groupings; of 12 tasks there are 4,213,597


@dataclass(frozen=True, slots=True)
class Census:
    """What all groupings of a benchmark's tasks did, links and sizes aside.

    Attributes
    ----------
    groupings : int
        Together among them.
    below : int
        Those with less mean total test error than all tasks together.
    mean_of : dict from number of groups to float
        Mean total test error over seeds and all groupings into so many.
    left_out : Interval or None
        Total error of the best grouping on the other seeds less that of together, on the seed left
        out, in per cent of together's mean. None with fewer than three seeds.
    """

    groupings: int
    below: int
    mean_of: dict[int, float]
    left_out: Interval | None


def partitions(items: Sequence[int]) -> Iterator[Groups]:
    """Yield every way to part items into groups, each once, groups by their first item.

    Examples
    --------
    >>> list(partitions([0, 1]))
    [((0, 1),), ((0,), (1,))]
    """
    if not items:
        yield ()
        return
    first, rest = items[0], items[1:]
    for mask in reversed(range(2 ** len(rest))):
        group = (first, *(x for place, x in enumerate(rest) if mask >> place & 1))
        for others in partitions([x for x in rest if x not in group]):
            yield (group, *others)


def census_of(rows: Sequence[Row]) -> Census | None:
    """Return the census of a comparison; None where not every set of tasks was trained.

    Parameters
    ----------
    rows : sequence of Row
        Of the experiment ``grouping``.
    """
    n = sum(r["kind"] == "task_name" for r in rows)
    enumerated = any(r["kind"] == "enumerated" and r["value"] == 1.0 for r in rows)
    if not enumerated or n > _MOST_TASKS:
        return None
    errors: dict[tuple[int, tuple[int, ...]], float] = {}
    for r in rows:
        if r["kind"] == "set_error" and r["method"] == "together":
            key = (whole(r["seed"]), tuple(int(i) for i in str(r["label"]).split()))
            errors[key] = errors.get(key, 0.0) + number(r["value"])
    seeds = sorted({seed for seed, _ in errors})
    every = list(partitions(range(n)))
    totals = np.array([[sum(errors[s, g] for g in groups) for s in seeds] for groups in every])
    base = totals[next(k for k, groups in enumerate(every) if len(groups) == 1)]
    means = totals.mean(axis=1)
    counts = np.array([len(groups) for groups in every])
    left_out = None
    if len(seeds) > 2:
        less = []
        for k in range(len(seeds)):
            best = int(np.delete(totals, k, axis=1).mean(axis=1).argmin())
            less.append(100 * float(totals[best, k] - base[k]) / float(base.mean()))
        left_out = t_interval(less)
    return Census(
        len(every),
        int((means < base.mean()).sum()),
        {m: float(means[counts == m].mean()) for m in range(1, n + 1)},
        left_out,
    )


def census_text(rows: Sequence[Row]) -> str:
    """Return the census in words; nothing where there is none."""
    found = census_of(rows)
    if found is None:
        return ""
    of = ", ".join(f"{m}: {mean:.4g}" for m, mean in found.mean_of.items())
    said = (
        f"Of all {found.groupings} groupings {found.below} have less mean total test error than "
        f"all together. Mean error of all groupings, by number of groups: {of}."
    )
    if found.left_out is not None:
        held = found.left_out
        said += (
            f" The best grouping on the other seeds, judged on the seed left out, differs from all "
            f"together by {held.mean:+.2f}% [{held.low:+.2f}, {held.high:+.2f}] (the seeds' test "
            f"examples are those of the benchmark, not new ones)."
        )
    return said
