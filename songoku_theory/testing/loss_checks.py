"""Named checks of combiners that weigh losses."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songoku_theory.combine import Status
from songoku_theory.testing.combiner_checks import moved_rows
from songoku_theory.testing.combiner_subject import CombinerSubject
from songoku_theory.testing.named import NamedCheck

__all__ = ["LOSS_CHECKS"]

Matrix = NDArray[np.float64]
_ACTIVE = ((0, 1, 2, 3), (0, 2), (1, 3), (0, 1, 2, 3), (2,), (0, 3), (1, 2, 3), (0, 1, 2, 3))


def _losses(steps: int = 8, size: int = 4, seed: int = 3) -> tuple[Matrix, Matrix, Matrix]:
    """Losses before and after each step, and gradient norms, shape (steps, K)."""
    rng = np.random.default_rng(seed)
    before = rng.uniform(0.5, 3.0, size=(steps, size)) * 0.95 ** np.arange(steps)[:, None]
    after = before * rng.uniform(0.7, 1.0, size=(steps, size))
    return before, after, rng.uniform(0.2, 5.0, size=(steps, size))


def _train(
    rule: Any,  # noqa: ANN401 - any combiner
    active_sets: tuple[tuple[int, ...], ...] = _ACTIVE,
    order: NDArray[np.int64] | None = None,
    hide: bool = False,
) -> list[Any]:
    """Run a rule over some steps; return what it said at each."""
    before, after, norms = _losses()
    size = before.shape[1]
    kept = np.arange(size) if order is None else order
    place = {int(task): position for position, task in enumerate(kept)}
    state, said = rule.init(size), []
    for t, active in enumerate(active_sets):
        moved = tuple(sorted(place[k] for k in active))
        now, then, norm = before[t][kept].copy(), after[t][kept].copy(), norms[t][kept].copy()
        if hide:
            others = [k for k in range(size) if k not in moved]
            for values in (now, then, norm):
                values[others] = np.nan
        extra = {"gradient_norms": norm} if rule.needs_gradient_norms else {}
        found = rule.combine(now, state, moved, **extra)
        said.append(found)
        state = found.state
        if rule.needs_losses_after:
            state = rule.observe(then, state, moved)
    return said


def _weights(found: Any) -> Matrix:  # noqa: ANN401
    return np.asarray(found.weights, dtype=np.float64)


def check_answer(subject: CombinerSubject) -> str:
    """One finite weight a task, and a known status."""
    for t, found in enumerate(_train(subject.rule)):
        weights = _weights(found)
        if weights.shape != (4,) or not np.isfinite(weights).all():
            return f"step {t}: weights {weights.tolist()}"
        if str(found.status) not in [str(status) for status in Status]:
            return f"step {t}: an unknown status {found.status!r}"
    return ""


def check_inactive_zero(subject: CombinerSubject) -> str:
    """Tasks that are not active have weight 0."""
    for t, (active, found) in enumerate(zip(_ACTIVE, _train(subject.rule), strict=True)):
        for task in set(range(4)) - set(active):
            if _weights(found)[task] != 0.0:
                return f"step {t}: task {task} is not active and has weight {_weights(found)[task]}"
    return ""


def check_inactive_unread(subject: CombinerSubject) -> str:
    """Losses and norms of tasks that are not active are not read; they may be NaN."""
    pairs = zip(_train(subject.rule), _train(subject.rule, hide=True), strict=True)
    for t, (seen, unseen) in enumerate(pairs):
        if not np.array_equal(_weights(seen), _weights(unseen)):
            return (
                f"step {t}: with NaN for the tasks that are not active the weights are "
                f"{_weights(unseen).tolist()}, not {_weights(seen).tolist()}"
            )
    return ""


def check_state_still(subject: CombinerSubject) -> str:
    """Rows of the state that belong to tasks that are not active stay bitwise as they are."""
    before, after, norms = _losses()
    rule = subject.rule
    state = rule.init(4)
    for t, active in enumerate(_ACTIVE):
        others = sorted({*range(4)} - {*active})
        extra = {"gradient_norms": norms[t]} if rule.needs_gradient_norms else {}
        old = copy.deepcopy(state)
        found = rule.combine(before[t], state, active, **extra)
        reason = moved_rows(old, state, range(4), "the state that was passed in")
        reason = reason or moved_rows(old, found.state, others, "")
        old, state = copy.deepcopy(found.state), found.state
        if rule.needs_losses_after and not reason:
            state = rule.observe(after[t], found.state, active)
            reason = moved_rows(old, found.state, range(4), "the state that was passed in")
            reason = reason or moved_rows(old, state, others, "")
        if reason:
            return f"step {t}, active {active}: {reason}"
    return ""


def check_nonnegative(subject: CombinerSubject) -> str:
    """No weight is negative."""
    for t, found in enumerate(_train(subject.rule)):
        if _weights(found).min() < 0:
            return f"step {t}: weights {_weights(found).tolist()}"
    return ""


def check_simplex(subject: CombinerSubject) -> str:
    """Active weights sum to 1."""
    for t, found in enumerate(_train(subject.rule)):
        if abs(_weights(found).sum() - 1.0) > 1e-9 or _weights(found).min() < 0:
            return f"step {t}: weights {_weights(found).tolist()}"
    return ""


def check_permutation(subject: CombinerSubject) -> str:
    """Renaming tasks renames weights, and nothing else."""
    order = np.asarray([2, 0, 3, 1])
    plain, renamed = _train(subject.rule), _train(subject.rule, order=order)
    for t, (one, other) in enumerate(zip(plain, renamed, strict=True)):
        if not np.allclose(_weights(one)[order], _weights(other), rtol=1e-9, atol=1e-12):
            return (
                f"step {t}: renumbered tasks have weights {_weights(other).tolist()}, not "
                f"{_weights(one)[order].tolist()}"
            )
    return ""


def check_deterministic(subject: CombinerSubject) -> str:
    """The same losses give the same weights."""
    for t, (one, other) in enumerate(zip(_train(subject.rule), _train(subject.rule), strict=True)):
        if not np.array_equal(_weights(one), _weights(other)):
            return f"step {t}: {_weights(one).tolist()} first, then {_weights(other).tolist()}"
    return ""


def check_learns(subject: CombinerSubject) -> str:
    """What it saw changes its weights at some later step; otherwise it does nothing."""
    everybody = tuple((0, 1, 2, 3) for _ in range(8))
    weights = [_weights(found) for found in _train(subject.rule, everybody)]
    if all(np.array_equal(one, weights[0]) for one in weights[1:]):
        return f"after 8 steps the weights are still {weights[0].tolist()}"
    return ""


LOSS_CHECKS: tuple[NamedCheck, ...] = (
    NamedCheck("answer", None, check_answer),
    NamedCheck("inactive-weight-0", None, check_inactive_zero),
    NamedCheck("inactive-unread", None, check_inactive_unread),
    NamedCheck("inactive-state-still", None, check_state_still),
    NamedCheck("nonnegative", "nonnegative", check_nonnegative),
    NamedCheck("simplex", "simplex", check_simplex),
    NamedCheck("permutation-equivariant", "permutation-equivariant", check_permutation),
    NamedCheck("deterministic", "deterministic", check_deterministic),
    NamedCheck("learns", "learns", check_learns),
)
"""Every check of a combiner in loss space, in the order of the report."""
