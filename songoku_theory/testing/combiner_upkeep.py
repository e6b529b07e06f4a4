"""Checks of combiners beyond one small problem: many tasks, batches, answers that are kept."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songoku_theory.errors import SongokuError
from songoku_theory.testing.combiner_subject import CombinerSubject, Problem, problems, solve
from songoku_theory.testing.named import NamedCheck, global_generators_moved

__all__ = ["UPKEEP_CHECKS"]

Matrix = NDArray[np.float64]
_CLOSE = 1e-5


def _weights(found: Any) -> Matrix:  # noqa: ANN401 - whatever the rule returns
    weights = found.weights
    host = weights.detach().cpu() if hasattr(weights, "detach") else weights
    return np.asarray(host, dtype=np.float64)


@cache
def _crowds() -> tuple[Problem, ...]:
    """More tasks than a word has bits."""
    rng = np.random.default_rng(13)
    return tuple(Problem(f"{size} tasks", rng.normal(size=(size, 200)) + 0.1) for size in (40, 70))


def check_many_tasks(subject: CombinerSubject) -> str:
    """With 40 and 70 tasks each has a finite weight, and those that are not active have 0."""
    for problem in _crowds():
        size = problem.num_tasks
        for active in (None, tuple(range(0, size, 3)), (size - 2, size - 1)):
            weights = _weights(solve(subject, problem.gram, active))
            where = f"{problem.name}, active {'all' if active is None else len(active)}"
            if weights.shape != (size,) or not np.isfinite(weights).all():
                return f"{where}: weights {weights.tolist()[:6]}... of shape {weights.shape}"
            others = sorted({*range(size)} - {*(range(size) if active is None else active)})
            if weights[others].any():
                return f"{where}: a task that is not active has a weight"
            if not weights.any():
                return f"{where}: every weight is 0"
    return ""


def check_many_tasks_renamed(subject: CombinerSubject) -> str:
    """With 40 and 70 tasks, too, renaming tasks renames weights."""
    for problem in _crowds():
        rows = problem.rows
        order = np.random.default_rng(14).permutation(problem.num_tasks)
        one = _weights(solve(subject, problem.gram)) @ rows
        other = _weights(solve(subject, rows[order] @ rows[order].T)) @ rows[order]
        apart = float(np.linalg.norm(one - other)) / max(float(np.linalg.norm(one)), 1e-300)
        if not apart <= _CLOSE:
            return f"{problem.name} in another order give another update, by {apart:.2g} of it"
    return ""


def check_answer_kept(subject: CombinerSubject) -> str:
    """Weights that were returned stay as they are when something else is combined."""
    six = [p for p in problems() if p.num_tasks == 6]
    found = solve(subject, six[0].gram)
    before = _weights(found).copy()
    for other in six[1:]:
        solve(subject, other.gram[::-1, ::-1].copy())
        solve(subject, other.gram, (1, 3))
    if not np.array_equal(before, _weights(found), equal_nan=True):
        return (
            "the weights of one problem changed when another was combined: they lie in a buffer "
            "that is used again. Return a new array"
        )
    return ""


def check_nobody_active(subject: CombinerSubject) -> str:
    """With nobody active it refuses, or every weight is 0; () does not mean all."""
    problem = problems()[3]
    try:
        weights = _weights(solve(subject, problem.gram, ()))
    except (SongokuError, ValueError, IndexError, ZeroDivisionError, ArithmeticError):
        return ""
    if np.nan_to_num(weights).any():
        return f"active is (), and the weights are {weights.tolist()}"
    return ""


def check_input_with_active(subject: CombinerSubject) -> str:
    """The Gram matrix stays as it was when some tasks are active only."""
    for problem in problems():
        if problem.num_tasks < 3:
            continue
        gram = problem.gram
        before = gram.copy()
        solve(subject, gram, (0, problem.num_tasks - 1))
        if not np.array_equal(before, gram):
            return f"{problem.name}, active (0, {problem.num_tasks - 1}): it changed the Gram"
    return ""


def check_converged_has_residual(subject: CombinerSubject) -> str:
    """Who says "converged" says how well: the residual is a finite number."""
    for problem in problems():
        found = solve(subject, problem.gram)
        if str(found.status) == "converged" and not np.isfinite(found.residual):
            return f"{problem.name}: status converged, residual {found.residual}"
    return ""


def check_batch_together(subject: CombinerSubject) -> str:
    """``combine_batch`` on several problems says what it says on each."""
    batch = getattr(subject.rule, "combine_batch", None)
    if batch is None:
        return ""
    rows = np.random.default_rng(8).normal(size=(6, 5, 9))
    grams = rows @ rows.swapaxes(1, 2)
    for active in (None, (0, 2, 3)):
        together = _weights(batch(grams, active, rng=np.random.default_rng(0)))
        for n in range(len(grams)):
            single = _weights(solve(subject, grams[n], active))
            apart = float(np.abs(together[n] - single).max())
            if not apart <= _CLOSE * max(float(np.abs(single).max()), 1e-300):
                return (
                    f"problem {n} of 6, active {active or 'all'}: {together[n].round(5).tolist()} "
                    f"in the batch, {single.round(5).tolist()} alone"
                )
    return ""


def check_global_generators(subject: CombinerSubject) -> str:
    """The global generators of ``random`` and numpy are neither drawn from nor seeded."""
    moved = global_generators_moved(lambda: [solve(subject, p.gram) for p in problems()])
    if moved:
        return (
            f"it drew from or seeded the global generator of {moved}; a generator is passed to "
            f"combine as rng"
        )
    return ""


UPKEEP_CHECKS: tuple[NamedCheck, ...] = (
    NamedCheck("input-untouched-active", None, check_input_with_active),
    NamedCheck("answer-kept", None, check_answer_kept),
    NamedCheck("nobody-active", None, check_nobody_active),
    NamedCheck("converged-has-residual", None, check_converged_has_residual),
    NamedCheck("many-tasks", None, check_many_tasks),
    NamedCheck("many-tasks-renamed", "permutation-equivariant", check_many_tasks_renamed),
    NamedCheck("batch-together", "deterministic", check_batch_together),
    NamedCheck("global-generators", "deterministic", check_global_generators),
)
