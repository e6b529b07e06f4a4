"""Moves and swaps of units between groups until none helps."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from songoku_theory.grouping.search_state import SearchState

__all__ = ["improve"]

Bool = NDArray[np.bool_]
_LEAST = 1e-12  # of the weight of a constraint: less is rounding


def improve(state: SearchState, deadline: float) -> float:
    """Change the state in place to a local optimum; return its score.

    Moves of one unit first, and where none helps swaps of two. With overlap also one unit more or
    less in a group, and an exchange of a member for another unit.

    Parameters
    ----------
    state : SearchState
    deadline : float
        On the clock of ``time.perf_counter``.
    """
    overlap = state.problem.overlap
    steps = (_flip, _exchange) if overlap else (_move, _swap)
    least = _LEAST * state.weight
    while perf_counter() < deadline:
        if not any(step(state, least) for step in steps):
            break
    return score(state)


def score(state: SearchState) -> float:
    """Return the sum of the groups' scores, less the weight of every pair of equal groups."""
    return float(state.base.sum()) - state.weight * _equal_pairs(state, state.inside)


def _equal_pairs(state: SearchState, inside: Bool) -> int:
    if not (state.problem.overlap and state.problem.distinct):
        return 0
    columns, counts = np.unique(inside, axis=1, return_counts=True)
    return int((counts * (counts - 1) // 2)[columns.any(axis=0)].sum())


def _change(state: SearchState, changes: list[tuple[int, int, bool]]) -> None:
    for unit, group, present in changes:
        state.put(unit, group, present)
    for group in {group for _, group, _ in changes}:
        state.refresh(group)


def _move(state: SearchState, least: float) -> bool:
    """Move the unit that gains most to its best other group."""
    own = state.inside.argmax(axis=1)
    units = np.arange(len(own))
    gain = (state.less[units, own] - state.base[own])[:, None] + state.more - state.base
    u, b = np.unravel_index(int(gain.argmax()), gain.shape)
    if not gain[u, b] > least:
        return False
    _change(state, [(int(u), int(own[u]), False), (int(u), int(b), True)])
    return True


def _swap(state: SearchState, least: float) -> bool:
    """Swap the two units of different groups that gain most together.

    A user's set function, and constraints, have no closed form for two changes at once: the pairs
    that promise most one by one are tried.
    """
    own = state.inside.argmax(axis=1)
    units = np.arange(len(own))
    leave = state.less[units, own] - state.base[own]
    enter = (state.more - state.base)[:, own]  # [u, v]: u into the group of v, with v still there
    promise = leave[:, None] + leave[None, :] + enter + enter.T
    gains, sizes = state.units.gains, state.units.sizes
    if gains is not None:
        promise = np.broadcast_to(_swap_values(state, own, gains, sizes), promise.shape).copy()
    promise[own[:, None] == own[None, :]] = -np.inf
    promise[np.tri(len(own), dtype=bool)] = -np.inf
    tried = min(promise.size, 40)
    best = np.argpartition(-promise.ravel(), tried - 1)[:tried]
    before = float(state.base.sum())
    for place in best[np.argsort(-promise.ravel()[best])]:
        u, v = (int(x) for x in np.unravel_index(int(place), promise.shape))
        if not np.isfinite(promise[u, v]) or (gains is not None and promise[u, v] <= least):
            return False
        there = [(u, int(own[u]), False), (v, int(own[v]), False)]
        back = [(u, int(own[v]), True), (v, int(own[u]), True)]
        _change(state, there + back)
        if float(state.base.sum()) > before + least:
            return True
        _change(state, [(g, j, not present) for g, j, present in back + there])
    return False


def _swap_values(
    state: SearchState,
    own: NDArray[np.intp],
    gains: NDArray[np.float64],
    sizes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the change of the values, constraints apart, of all swaps."""
    inside = state.inside.astype(np.float64)
    rows = gains @ inside
    totals = (inside * rows).sum(axis=0)
    counts = sizes @ inside
    units = np.arange(len(own))
    to_other = rows[:, own]  # [u, v]: u with the group of v
    mine = rows[units, own]
    own_gain = np.diag(gains)
    # The group of u, without u and with v.
    changed = (
        totals[own][:, None]
        - 2.0 * mine[:, None]
        + own_gain[:, None]
        + 2.0 * (to_other.T - gains)
        + own_gain[None, :]
    )
    count = counts[own][:, None] - sizes[:, None] + sizes[None, :]
    half = changed / count - (totals / np.maximum(counts, 1.0))[own][:, None]
    return np.asarray(half + half.T, dtype=np.float64)


def _flip(state: SearchState, least: float) -> bool:
    """Add, remove or move one unit, whichever gains most and keeps the groups distinct."""
    units, groups = state.inside.shape
    add, drop = state.more - state.base, state.less - state.base
    alone = state.inside.sum(axis=1) == 1
    options: list[tuple[float, list[tuple[int, int, bool]]]] = []
    for u in range(units):
        into = int(add[u].argmax())
        out = int(drop[u].argmax())
        options.append((float(add[u, into]), [(u, into, True)]))
        if not alone[u]:
            options.append((float(drop[u, out]), [(u, out, False)]))
        for j in np.flatnonzero(state.inside[u]):
            both = float(drop[u, j] + add[u, into])
            options.append((both, [(u, int(j), False), (u, into, True)]))
    if groups > 1:
        for u, j in zip(*np.nonzero(~state.inside), strict=True):
            options.append((float(add[u, j]), [(int(u), int(j), True)]))
    return _first_allowed(state, options, least)


def _exchange(state: SearchState, least: float) -> bool:
    """Exchange a member that is covered elsewhere, too, for another unit of the same group."""
    spare = state.inside.sum(axis=1) > 1
    promise: list[tuple[float, list[tuple[int, int, bool]]]] = []
    for j in range(state.inside.shape[1]):
        add, drop = state.more[:, j] - state.base[j], state.less[:, j] - state.base[j]
        leaving = np.flatnonzero(state.inside[:, j] & spare)
        for v in leaving[np.argsort(-drop[leaving])][:6]:
            for u in np.argsort(-add)[:6]:
                if not state.inside[u, j]:
                    both = float(add[u] + drop[v])
                    promise.append((both, [(int(v), j, False), (int(u), j, True)]))
    promise.sort(key=lambda option: -option[0])
    before = score(state)
    for _, changes in promise[:40]:
        _change(state, changes)
        if score(state) > before + least:
            return True
        _change(state, [(u, j, not present) for u, j, present in changes])
    return False


def _first_allowed(
    state: SearchState, options: list[tuple[float, list[tuple[int, int, bool]]]], least: float
) -> bool:
    options.sort(key=lambda option: -option[0])
    pairs = _equal_pairs(state, state.inside)
    for gain, changes in options:
        if gain + state.weight * pairs <= least:
            return False
        inside = state.inside.copy()
        for u, j, present in changes:
            inside[u, j] = present
        change = gain - state.weight * (_equal_pairs(state, inside) - pairs)
        if change > least:
            _change(state, changes)
            return True
    return False
