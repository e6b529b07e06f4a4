"""Whole batches of recovery trials in one compiled call: nothing of Python between two batches.

`simulations.sampling.trials` does the same with numpy between the loops; the words are taken, and
every number computed, in the same order, so both give the same bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulations.sampling import grid_kernels as _grid
from simulations.sampling import normals as _normals
from simulations.sampling import trial_kernels as _trial
from simulations.sampling import words as _words
from simulations.sampling.grid_kernels import count_right, quadratics
from simulations.sampling.linked import linked
from simulations.sampling.normals import (
    NORMALS_AT_ONCE,
    WORDS_AT_ONCE,
    chi_loop,
    fill_normals_loop,
)
from simulations.sampling.trial_kernels import group_words, judge_loop
from simulations.sampling.words import LANES, fill_words_loop

__all__ = ["noise_loop", "run_grid", "run_trials"]

_linked = linked(_grid, _normals, _trial, _words)

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Counts = NDArray[np.int64]


@_linked
def _words_into(state: Words, out: Words) -> None:
    fill_words_loop(state[0], state[1], state[2], state[3], out)


@_linked
def _redraw(
    state: Words, proposals: Floats, uniform: Words, shapes: Floats, spreads: Floats, out: Floats
) -> None:
    """Draw rejected chi variables anew, as `fill_chi` does."""
    rejected = chi_loop(proposals, uniform, shapes, spreads, out)
    while rejected > 0:
        rows, lanes = np.nonzero(out < 0.0)
        count = rows.size
        if count == 0:
            return
        groups = (count + NORMALS_AT_ONCE - 1) // NORMALS_AT_ONCE
        needed = groups * WORDS_AT_ONCE
        fresh = np.empty(((needed + count + LANES - 1) // LANES, LANES), dtype=np.uint64)
        _words_into(state, fresh)
        flat = fresh.reshape(-1)
        numbers = np.empty(groups * NORMALS_AT_ONCE)
        fill_normals_loop(flat[:needed], numbers)
        found = np.empty((count, 1))
        rejected = chi_loop(
            numbers[:count].reshape(count, 1),
            flat[needed : needed + count].reshape(count, 1),
            shapes[rows],
            spreads[rows],
            found,
        )
        for k in range(count):
            out[rows[k], lanes[k]] = found[k, 0]


@_linked
def noise_loop(
    state: Words,
    tasks: int,
    rank: int,
    dofs: Floats,
    words: Words,
    numbers: Floats,
    diagonal: Floats,
) -> None:
    """Draw a batch's standardised noise, as `draw_noise` does.

    `words` has room for whole steps of the stream; `numbers` for the normals, padded. On return
    its first ``K r + q`` rows are P and the entries of L below the diagonal.
    """
    columns, lanes = diagonal.shape
    below = columns * (columns - 1) // 2 + (tasks - columns) * columns
    drawn = (tasks * rank + below) * lanes
    taken = numbers.size // NORMALS_AT_ONCE * WORDS_AT_ONCE
    _words_into(state, words)
    flat = words.reshape(-1)
    fill_normals_loop(flat[:taken], numbers)
    if columns == 0:
        return
    shapes, spreads = np.empty(columns), np.empty(columns)
    single = False
    for c in range(columns):
        single = single or dofs[c] == 1.0
        shapes[c] = (1.0 if dofs[c] == 1.0 else 0.5 * dofs[c]) - 1.0 / 3.0
        spreads[c] = 1.0 / np.sqrt(9.0 * shapes[c])
    proposals = numbers[drawn : drawn + columns * lanes].reshape(columns, lanes)
    uniform = flat[taken : taken + columns * lanes].reshape(columns, lanes)
    if single:  # one degree of freedom: the absolute value of a normal, never a rejection
        kept = 0
        while kept < columns and dofs[kept] != 1.0:
            kept += 1
        for t in range(lanes):
            diagonal[kept, t] = abs(proposals[kept, t])
        _redraw(state, proposals[:kept], uniform[:kept], shapes, spreads, diagonal[:kept])
    else:
        _redraw(state, proposals, uniform, shapes, spreads, diagonal)


@_linked
def _buffers(tasks: int, rank: int, columns: int, lanes: int) -> tuple[Words, Floats, Floats]:
    """Room for a batch's words (whole steps of the stream), normals and chi variables."""
    below = columns * (columns - 1) // 2 + (tasks - columns) * columns
    normals = (tasks * rank + below + columns) * lanes
    groups = (normals + NORMALS_AT_ONCE - 1) // NORMALS_AT_ONCE
    count = groups * WORDS_AT_ONCE + columns * lanes
    words = np.empty(((count + LANES - 1) // LANES, LANES), dtype=np.uint64)
    return words, np.empty(groups * NORMALS_AT_ONCE), np.empty((columns, lanes))


@_linked
def run_trials(
    state: Words,
    mean_factor: Floats,
    scale: float,
    dofs: Floats,
    lanes: int,
    trials: int,
    tau: float,
    truth: Bytes,
    cosines: Floats,
    fatal: NDArray[np.bool_],
    by_color: bool,
    same: Words,
    follows: bool,
) -> tuple[int, int, int, int, float]:
    """Draw and judge; returns graphs and groupings recovered, false and missed edges, errors."""
    tasks, rank = mean_factor.shape
    columns = dofs.size
    words, numbers, diagonal = _buffers(tasks, rank, columns, lanes)
    rows = np.zeros((tasks, rank + columns, lanes))
    energy = np.zeros((tasks, lanes))
    edges = np.empty((truth.size, lanes), dtype=np.uint8)
    false, missed = np.empty(lanes, dtype=np.int64), np.empty(lanes, dtype=np.int64)
    error = np.empty(lanes)
    verdict = np.empty(lanes, dtype=np.uint8)
    graphs, groupings, too_many, too_few, errors = 0, 0, 0, 0, 0.0
    for start in range(0, trials, lanes):
        noise_loop(state, tasks, rank, dofs, words, numbers, diagonal)
        place = 0
        for i in range(tasks):
            for k in range(rank):
                row, number, mean = rows[i, k], numbers[place : place + lanes], mean_factor[i, k]
                for t in range(lanes):
                    row[t] = number[t] * scale + mean
                place += lanes
        for i in range(tasks):
            for k in range(min(i, columns)):
                row, number = rows[i, rank + k], numbers[place : place + lanes]
                for t in range(lanes):
                    row[t] = number[t] * scale
                place += lanes
            if i < columns:
                row, number = rows[i, rank + i], diagonal[i]
                for t in range(lanes):
                    row[t] = number[t] * scale
        judge_loop(rows, rank, energy, tau, truth, cosines, edges, false, missed, error)
        kept = min(lanes, trials - start)
        batch_error = 0.0
        for t in range(kept):
            right = false[t] == 0 and missed[t] == 0
            graphs += right
            too_many += false[t]
            too_few += missed[t]
            batch_error += error[t]
            verdict[t] = 1 if right and follows else 0
            if not right and (false[t] > 0):
                for pair in range(truth.size):
                    if fatal[pair] and edges[pair, t]:
                        verdict[t] = 2
        errors += batch_error
        groupings += group_words(edges, tasks, by_color, same, verdict[:kept])
    return graphs, groupings, too_many, too_few, errors


@_linked
def run_grid(
    state: Words,
    mean_factor: Floats,
    dofs: Floats,
    lanes: int,
    trials: int,
    constant: Floats,
    firsts: Counts,
    seconds: Counts,
    taus: Floats,
    truths: NDArray[np.uint8],
    scales: Floats,
    weakest: Counts,
    right: Counts,
    edges_kept: Counts,
) -> None:
    """Draw, and judge every point of a grid on each draw; see `simulations.sampling.grid`."""
    tasks, rank = mean_factor.shape
    columns = dofs.size
    words, numbers, diagonal = _buffers(tasks, rank, columns, lanes)
    rows = np.zeros((tasks, rank + columns, lanes))
    linear, square = np.empty((firsts.size, lanes)), np.empty((firsts.size, lanes))
    spare = np.empty(lanes)
    for start in range(0, trials, lanes):
        noise_loop(state, tasks, rank, dofs, words, numbers, diagonal)
        place = 0
        for i in range(tasks):
            for k in range(rank):
                rows[i, k] = numbers[place : place + lanes]
                place += lanes
        for i in range(tasks):
            for k in range(min(i, columns)):
                rows[i, rank + k] = numbers[place : place + lanes]
                place += lanes
            if i < columns:
                rows[i, rank + i] = diagonal[i]
        quadratics(mean_factor, rows, rank, linear, square, spare)
        kept = min(lanes, trials - start)
        for level in range(taus.size):
            count_right(
                constant,
                linear,
                square,
                firsts,
                seconds,
                tasks,
                taus[level],
                truths[level],
                False,
                scales,
                kept,
                weakest[level],
                right[level],
                edges_kept[level],
            )
