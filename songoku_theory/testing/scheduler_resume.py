"""Checks of schedulers that are saved and loaded, copied, or run in another interpreter."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songoku_theory.errors import InvalidInputError
from songoku_theory.testing.interpreters import ask_two
from songoku_theory.testing.named import NamedCheck
from songoku_theory.testing.processes import importable_name
from songoku_theory.testing.scheduler_subject import Run, SchedulerSubject, Settings, drive
from songoku_theory.testing.subjects import load_object

__all__ = ["HASH_SEED_CHECK", "RESUME_CHECKS"]

Matrix = NDArray[np.float64]

_STEPS = 48
_STOPS = (1, 4, 5, 7, 13, 22)
"""Steps before, at and after a refresh, at every place of a cycle."""
_SETTINGS = Settings(6, tau=0.1, refresh_period=5)
_LIMIT = 120.0
_NOT_THERE = 77
_CODE = "from songoku_theory.testing.scheduler_resume import answer_on_stdin; answer_on_stdin()"


@cache
def _stream(step: int) -> Matrix:
    rng = np.random.default_rng([23, step])
    pull = np.random.default_rng(23).normal(size=(6, 5))
    return np.asarray(pull + 0.7 * rng.normal(size=(6, 5)))


def _rest(subject: SchedulerSubject, scheduler: Any, stop: int) -> Run:  # noqa: ANN401
    return drive(
        subject, _SETTINGS, lambda t: _stream(t + stop), _STEPS - stop, scheduler=scheduler
    )


def _difference(whole: Run, rest: Run, stop: int, what: str) -> str:
    for t, (expected, found) in enumerate(zip(whole.active[stop:], rest.active, strict=True), stop):
        if found != expected:
            return f"{what} after step {stop}: at step {t} {found} run, without a stop {expected}"
    return ""


def check_resumes(subject: SchedulerSubject) -> str:
    """If it has ``state_dict`` and ``load_state_dict``: a new one, loaded, goes on as the old."""
    fresh = subject.factory(_SETTINGS)
    if not all(callable(getattr(fresh, m, None)) for m in ("state_dict", "load_state_dict")):
        return ""
    whole = drive(subject, _SETTINGS, _stream, _STEPS)
    for stop in _STOPS:
        old: Any = subject.factory(_SETTINGS)
        drive(subject, _SETTINGS, _stream, stop, scheduler=old)
        saved = pickle.dumps(old.state_dict())
        _rest(subject, old, stop)  # what the old one does afterwards is not the new one's business
        new: Any = subject.factory(_SETTINGS)
        new.load_state_dict(pickle.loads(saved))
        reason = _difference(whole, _rest(subject, new, stop), stop, "saved and loaded")
        if reason:
            return reason
    return ""


def check_copies(subject: SchedulerSubject) -> str:
    """If it can be copied or pickled, the copy goes on as the original does."""
    whole = drive(subject, _SETTINGS, _stream, _STEPS)
    for stop in _STOPS:
        for what, way in (("copied", copy.deepcopy), ("pickled", _pickled)):
            old = subject.factory(_SETTINGS)
            drive(subject, _SETTINGS, _stream, stop, scheduler=old)
            try:
                new = way(old)
            except (
                TypeError,
                ValueError,
                AttributeError,
                ImportError,
                RuntimeError,
                copy.Error,
                pickle.PickleError,
            ):  # fmt: skip - it can't be copied, and says so
                continue
            for who, scheduler in (("the copy", new), ("the original", old)):
                rest = _rest(subject, scheduler, stop)
                reason = _difference(whole, rest, stop, f"{what} (this is {who})")
                if reason:
                    return reason
    return ""


def _pickled(scheduler: Any) -> Any:  # noqa: ANN401
    return pickle.loads(pickle.dumps(scheduler))


def check_hash_seed(subject: SchedulerSubject) -> str:
    """Two interpreters that differ in PYTHONHASHSEED run the same tasks."""
    target = importable_name(subject.factory)
    if target is None:
        return ""
    question = json.dumps({"target": target, "path": sys.path, "gradients": subject.gradients})
    replies = ask_two(_CODE, question, _LIMIT)
    if replies[-1].status == _NOT_THERE:
        return ""  # a test's own module, say
    if replies[-1].status != 0:
        return f"another interpreter could not run it: {replies[-1].complaint}"
    answers = [json.loads(reply.out) for reply in replies]
    for t, (one, other) in enumerate(zip(*answers, strict=True)):
        if one != other:
            return (
                f"with another PYTHONHASHSEED the active set at step {t} is {tuple(other)}, not "
                f"{tuple(one)}; so it depends on the order of a set, on the clock or on chance"
            )
    return ""


def answer_on_stdin() -> None:
    """Read a factory's name as JSON, write who ran; run in the other interpreter."""
    question = json.load(sys.stdin)
    sys.path[:] = question["path"]
    real, sys.stdout = sys.stdout, sys.stderr  # whatever it prints is not part of the answer
    try:
        factory = load_object(question["target"])
    except InvalidInputError:
        sys.exit(_NOT_THERE)
    subject = SchedulerSubject(factory, question["gradients"])
    json.dump(drive(subject, _SETTINGS, _stream, _STEPS).active, real)
    real.flush()


RESUME_CHECKS: tuple[NamedCheck, ...] = (
    NamedCheck("resumes", "resumes", check_resumes),
    NamedCheck("copies", "resumes", check_copies),
)
HASH_SEED_CHECK = NamedCheck("hash-seed", "deterministic", check_hash_seed)
"""By itself, because it starts two interpreters."""
