"""Named checks of combiners: weights, states, statuses, promises."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine import Status
from songoku_theory.testing.combiner_subject import (
    CombinerSubject,
    Problem,
    arrays_of,
    problems,
    solve,
    stationary_problems,
)
from songoku_theory.testing.named import NamedCheck

__all__ = ["GRAM_CHECKS", "moved_rows"]

Matrix = NDArray[np.float64]
_CLOSE = 1e-6
"""Relative: between the last digit of a solver and anything that would show in training."""


def _weights(found: Any) -> Matrix:  # noqa: ANN401 - whatever the rule returns
    weights = found.weights
    host = weights.detach().cpu() if hasattr(weights, "detach") else weights
    return np.asarray(host, dtype=np.float64)


def _usable(found: Any) -> bool:  # noqa: ANN401
    return str(found.status) != str(Status.FAILED)


def _active_sets(problem: Problem) -> Iterator[tuple[int, ...] | None]:
    yield None
    if problem.num_tasks >= 3:
        yield tuple(range(0, problem.num_tasks, 2))
        yield (problem.num_tasks - 1,)


def _difference(one: Matrix, other: Matrix) -> float:
    size = max(float(np.abs(one).max(initial=0.0)), float(np.abs(other).max(initial=0.0)))
    return float(np.abs(one - other).max(initial=0.0)) / size if size > 0 else 0.0


def _vanishes(rows: Matrix, weights: Matrix) -> bool:
    """Is the update zero to rounding, so that it has no direction?"""
    size = float(np.abs(weights) @ np.linalg.norm(rows, axis=1))
    return float(np.linalg.norm(weights @ rows)) <= 1e-7 * size


def check_answer(subject: CombinerSubject) -> str:
    """One weight a task, a known status, NaN weights exactly where it says that it failed."""
    for problem in (*problems(), *stationary_problems()):
        for active in _active_sets(problem):
            found = solve(subject, problem.gram, active)
            weights = _weights(found)
            where = f"{problem.name}, active {active or 'all'}"
            if weights.shape != (problem.num_tasks,):
                return f"{where}: weights of shape {weights.shape} for {problem.num_tasks} tasks"
            if str(found.status) not in [str(status) for status in Status]:
                return f"{where}: an unknown status {found.status!r}"
            finite = bool(np.isfinite(weights).all())
            if finite != _usable(found):
                return f"{where}: status {found.status}, but weights {weights.tolist()}"
            if not isinstance(found.residual, float | np.floating):
                return f"{where}: the residual is no number, {found.residual!r}"
    return ""


def check_solved(subject: CombinerSubject) -> str:
    """Problems without anything degenerate are solved."""
    for problem in problems():
        found = solve(subject, problem.gram)
        if not _usable(found):
            return f"{problem.name}: it failed (residual {found.residual})"
    return ""


def check_inactive_zero(subject: CombinerSubject) -> str:
    """Tasks that are not active have weight 0."""
    for problem in (*problems(), *stationary_problems()):
        for active in _active_sets(problem):
            if active is None:
                continue
            weights = _weights(solve(subject, problem.gram, active))
            for task in range(problem.num_tasks):
                if task not in active and weights[task] != 0.0:
                    return (
                        f"{problem.name}: task {task} is not active ({active} are) and has weight "
                        f"{weights[task]}"
                    )
    return ""


def check_inactive_unread(subject: CombinerSubject) -> str:
    """Inner products of tasks that are not active are not read; they may be NaN."""
    for problem in problems():
        if problem.num_tasks < 3:
            continue
        active = tuple(range(0, problem.num_tasks, 2))
        hidden = np.full_like(problem.gram, np.nan)
        hidden[np.ix_(active, active)] = problem.gram[np.ix_(active, active)]
        seen = _weights(solve(subject, problem.gram, active))
        unseen = _weights(solve(subject, hidden, active))
        if not np.array_equal(seen, unseen):
            return (
                f"{problem.name}: with NaN for the tasks that are not active the weights are "
                f"{unseen.round(4).tolist()}, not {seen.round(4).tolist()}"
            )
    return ""


def check_sub_problem(subject: CombinerSubject) -> str:
    """The active tasks get the weights that they would get if there were no others."""
    for problem in problems():
        if problem.num_tasks < 3:
            continue
        for active in (tuple(range(0, problem.num_tasks, 2)), (1, 2)):
            inside = _weights(solve(subject, problem.gram, active))[list(active)]
            alone = _weights(solve(subject, problem.gram[np.ix_(active, active)]))
            if _difference(inside, alone) > _CLOSE:
                return (
                    f"{problem.name}, active {active}: weights {inside.round(5).tolist()}; the "
                    f"same tasks without the others have {alone.round(5).tolist()}"
                )
    return ""


def check_active_order(subject: CombinerSubject) -> str:
    """The order in which the active tasks are listed does not matter."""
    for problem in problems():
        if problem.num_tasks < 3:
            continue
        active = tuple(range(problem.num_tasks - 1))
        one = _weights(solve(subject, problem.gram, active))
        other = _weights(solve(subject, problem.gram, active[::-1]))
        if not np.array_equal(one, other):
            return f"{problem.name}: other weights for active {active} and {active[::-1]}"
    return ""


def check_state_still(subject: CombinerSubject) -> str:
    """Rows of the state that belong to tasks that are not active stay bitwise as they are."""
    rng = np.random.default_rng(4)
    size = 5
    rule = subject.rule
    state = rule.init(size)
    for step, active in enumerate(((0, 1, 2, 3, 4), (0, 2), (1, 3, 4), (2,), (0, 1), (0, 2, 4))):
        rows = rng.normal(size=(size, 7))
        before = copy.deepcopy(state)
        found = rule.combine(rows @ rows.T, state, active, rng=np.random.default_rng(step))
        reason = moved_rows(before, state, range(size), "the state that was passed in")
        reason = reason or moved_rows(before, found.state, sorted({*range(size)} - {*active}), "")
        if reason:
            return f"step {step}, active {active}: {reason}"
        state = found.state
    return ""


def moved_rows(before: Any, after: Any, tasks: Iterable[int], what: str) -> str:  # noqa: ANN401 - any state
    """Say which row of a state differs, bit by bit; empty when none of these tasks' rows does."""
    old, new = dict(arrays_of(before)), dict(arrays_of(after))
    for name in old.keys() & new.keys():
        for task in tasks:
            if old[name].ndim == 0 or old[name].shape[0] <= task:
                continue
            if old[name][task].tobytes() != new[name][task].tobytes():
                owner = f"{what} was changed: " if what else "it is not active, and "
                return (
                    f"{owner}row {task} of {name} went from {old[name][task]} to {new[name][task]}"
                )
    return ""


def check_input_untouched(subject: CombinerSubject) -> str:
    """The Gram matrix stays as it was."""
    for problem in (*problems(), *stationary_problems()):
        gram = problem.gram
        before = gram.copy()
        solve(subject, gram)
        if not np.array_equal(before, gram):
            return f"{problem.name}: it changed the Gram matrix in place"
    return ""


def check_one_task(subject: CombinerSubject) -> str:
    """One active task moves along its own gradient, not against it."""
    for size in (1e-3, 1.0, 1e3):
        weights = _weights(solve(subject, np.diag([size, 1.0, 1.0]) ** 2, (0,)))
        if not weights[0] > 0:
            return f"one active task with a gradient of norm {size:g}: weight {weights[0]}"
    return ""


def check_scales(subject: CombinerSubject) -> str:
    """Gradients from 1e-12 to 1e12 are combined, not refused and not NaN."""
    for problem in problems():
        for factor in (1e-12, 1e-6, 1e6, 1e12):
            found = solve(subject, (factor * problem.rows) @ (factor * problem.rows).T)
            if not _usable(found) or not np.isfinite(_weights(found)).all():
                return f"{problem.name} times {factor:g}: status {found.status}"
    return ""


def check_descent(subject: CombinerSubject) -> str:
    """The update has no negative inner product with any active task's gradient."""
    for problem, weights in _solved(subject):
        update = weights @ problem.rows
        gains = problem.rows @ update
        floor = -_CLOSE * np.linalg.norm(problem.rows, axis=1) * np.linalg.norm(update)
        if (gains < floor).any():
            task = int(np.argmin(gains - floor))
            return f"{problem.name}: task {task} goes uphill, <g, d> = {gains[task]:.4g}"
    return ""


def check_average_descent(subject: CombinerSubject) -> str:
    """The update has no negative inner product with the mean gradient."""
    for problem, weights in _solved(subject):
        update, mean = weights @ problem.rows, problem.rows.mean(axis=0)
        gain = float(update @ mean)
        if gain < -_CLOSE * float(np.linalg.norm(update) * np.linalg.norm(mean)):
            return f"{problem.name}: <mean gradient, update> = {gain:.4g}"
    return ""


def _solved(subject: CombinerSubject) -> Iterator[tuple[Problem, Matrix]]:
    for problem in problems():
        found = solve(subject, problem.gram)
        if _usable(found) and not _vanishes(problem.rows, _weights(found)):
            yield problem, _weights(found)


def check_nonnegative(subject: CombinerSubject) -> str:
    """No weight is negative."""
    for problem in (*problems(), *stationary_problems()):
        found = solve(subject, problem.gram)
        weights = _weights(found)
        if _usable(found) and weights.min() < -1e-12 * max(1.0, float(np.abs(weights).max())):
            return f"{problem.name}: weights {weights.round(6).tolist()}"
    return ""


def check_simplex(subject: CombinerSubject) -> str:
    """Active weights are not negative and sum to 1."""
    for problem in (*problems(), *stationary_problems()):
        for active in _active_sets(problem):
            found = solve(subject, problem.gram, active)
            weights = _weights(found)
            if _usable(found) and (weights.min() < -1e-12 or abs(weights.sum() - 1.0) > 1e-9):
                return f"{problem.name}, active {active or 'all'}: weights {weights.tolist()}"
    return ""


def check_scale_equivariant(subject: CombinerSubject) -> str:
    """One factor on all gradients leaves the update's direction as it is."""
    for problem, weights in _solved(subject):
        one = weights @ problem.rows
        for factor in (1e-9, 1e-3, 7.0, 1e9):
            scaled = _weights(solve(subject, (factor * problem.rows) @ (factor * problem.rows).T))
            other = scaled @ problem.rows
            apart = _difference(one / np.linalg.norm(one), other / np.linalg.norm(other))
            if not apart <= 1e-5:
                return (
                    f"{problem.name}: with all gradients times {factor:g} the update's direction "
                    f"changes by {apart:.2g}"
                )
    return ""


def check_task_scale_invariant(subject: CombinerSubject) -> str:
    """A positive factor on one gradient leaves the update as it is."""
    for problem, weights in _solved(subject):
        one = weights @ problem.rows
        for task in {0, problem.num_tasks - 1}:
            factors = np.ones((problem.num_tasks, 1))
            factors[task] = 40.0
            rows = factors * problem.rows
            apart = _difference(one, _weights(solve(subject, rows @ rows.T)) @ rows)
            if not apart <= 1e-5:
                return (
                    f"{problem.name}: with the gradient of task {task} times 40 the update changes "
                    f"by {apart:.2g} of its size"
                )
    return ""


def check_permutation(subject: CombinerSubject) -> str:
    """Renaming tasks renames weights, and nothing else."""
    rng = np.random.default_rng(6)
    for problem, weights in _solved(subject):
        order = rng.permutation(problem.num_tasks)
        rows = problem.rows[order]
        one, other = weights @ problem.rows, _weights(solve(subject, rows @ rows.T)) @ rows
        # Updates, not weights: duplicates may share a weight in many ways.
        if not _difference(one, other) <= 1e-5:
            return (
                f"{problem.name}: tasks in the order {order.tolist()} give another update, by "
                f"{_difference(one, other):.2g} of its size"
            )
    return ""


def check_deterministic(subject: CombinerSubject) -> str:
    """The same input and state give the same weights."""
    for problem in problems():
        one, other = (_weights(solve(subject, problem.gram, seed=seed)) for seed in (0, 1))
        if not np.array_equal(one, other):
            return f"{problem.name}: {one.tolist()} first, then {other.tolist()}"
    return ""


def check_stateless(subject: CombinerSubject) -> str:
    """What was combined before does not matter."""
    sizes = [p for p in problems() if p.num_tasks == 6]
    rule = subject.rule
    fresh = _weights(solve(subject, sizes[0].gram))
    state = rule.init(6)
    for problem in (*sizes[1:], sizes[0], *sizes[1:]):
        state = rule.combine(problem.gram, state, rng=np.random.default_rng(9)).state
    later = _weights(rule.combine(sizes[0].gram, state, rng=np.random.default_rng(0)))
    if not np.array_equal(fresh, later):
        return (
            f"{sizes[0].name}: weights {fresh.round(6).tolist()} at the first step and "
            f"{later.round(6).tolist()} at a later one"
        )
    return ""


def check_batch(subject: CombinerSubject) -> str:
    """``combine_batch`` says what ``combine`` says, problem by problem."""
    batch = getattr(subject.rule, "combine_batch", None)
    if batch is None:
        return ""
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(7, 5, 9))
    grams = rows @ rows.swapaxes(1, 2)
    for active in (None, (0, 2, 3)):
        for n in range(7):
            # One problem a call, so that a randomised rule draws the same numbers.
            single = _weights(solve(subject, grams[n], active))
            together = batch(grams[n : n + 1], active, rng=np.random.default_rng(0))
            if _difference(single, np.asarray(together.weights)[0]) > _CLOSE:
                return (
                    f"active {active or 'all'}: {single.round(5).tolist()} alone, "
                    f"{np.asarray(together.weights)[0].round(5).tolist()} in a batch"
                )
        whole = np.asarray(batch(grams, active, rng=np.random.default_rng(0)).weights)
        if whole.shape != (7, 5) or not np.isfinite(whole).all():
            return f"a batch of 7 problems of 5 tasks gives weights of shape {whole.shape}"
    return ""


def check_reference(subject: CombinerSubject) -> str:
    """It gives the weights of the combiner that it was compared with."""
    if subject.reference is None:
        return ""
    for problem in problems():
        for active in _active_sets(problem):
            for seed in (0, 1):
                found = _weights(solve(subject, problem.gram, active, seed=seed))
                expected = _weights(
                    solve(subject, problem.gram, active, rule=subject.reference, seed=seed)
                )
                if not _difference(found, expected) <= _CLOSE:
                    return (
                        f"{problem.name}, active {active or 'all'}: weights "
                        f"{found.round(5).tolist()}; {type(subject.reference).__name__} gives "
                        f"{expected.round(5).tolist()}"
                    )
    return ""


def check_options(subject: CombinerSubject) -> str:
    """Each variant with other options gives other weights somewhere."""
    for variant in subject.variants:
        same = all(
            np.array_equal(
                _weights(solve(subject, problem.gram)),
                _weights(solve(subject, problem.gram, rule=variant)),
            )
            for problem in problems()
        )
        if same:
            return (
                f"{variant!r} gives the weights of {subject.rule!r} everywhere: an option is lost"
            )
    return ""


def _check(name: str, promise: str | None, run: Callable[[CombinerSubject], str]) -> NamedCheck:
    return NamedCheck(name, promise, run)


GRAM_CHECKS: tuple[NamedCheck, ...] = (
    _check("answer", None, check_answer),
    _check("solved", None, check_solved),
    _check("inactive-weight-0", None, check_inactive_zero),
    _check("inactive-unread", None, check_inactive_unread),
    _check("inactive-state-still", None, check_state_still),
    _check("sub-problem", None, check_sub_problem),
    _check("order-of-active", None, check_active_order),
    _check("input-untouched", None, check_input_untouched),
    _check("one-task", None, check_one_task),
    _check("scales", None, check_scales),
    _check("batch", None, check_batch),
    _check("descent", "descent", check_descent),
    _check("average-descent", "average-descent", check_average_descent),
    _check("nonnegative", "nonnegative", check_nonnegative),
    _check("simplex", "simplex", check_simplex),
    _check("scale-equivariant", "scale-equivariant", check_scale_equivariant),
    _check("task-scale-invariant", "task-scale-invariant", check_task_scale_invariant),
    _check("permutation-equivariant", "permutation-equivariant", check_permutation),
    _check("deterministic", "deterministic", check_deterministic),
    _check("stateless", "stateless", check_stateless),
    _check("same-as-reference", "same-as-reference", check_reference),
    _check("options-used", "options-used", check_options),
)
"""Every check of a combiner in Gram space, in the order of the report."""
