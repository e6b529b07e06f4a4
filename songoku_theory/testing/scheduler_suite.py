"""The conformance suite for schedulers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, cast, get_args

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.testing.named import run_checks, settle_promises
from songoku_theory.testing.results import CheckResult
from songoku_theory.testing.scheduler_checks import (
    DEFAULT_SCHEDULER_PROMISES,
    SCHEDULER_CHECKS,
    SCHEDULER_PROMISES,
)
from songoku_theory.testing.scheduler_crowds import CROWD_CHECKS
from songoku_theory.testing.scheduler_resume import HASH_SEED_CHECK, RESUME_CHECKS
from songoku_theory.testing.scheduler_subject import Factory, GradientsOf, SchedulerSubject
from songoku_theory.testing.subjects import load_object

__all__ = ["check_scheduler"]


def check_scheduler(
    factory: Factory | str,
    *,
    promises: Iterable[str] = (),
    gradients: GradientsOf = "active",
    expected_failures: Mapping[str, str] | None = None,
    time_limit: float = 60.0,
    isolate: bool = True,
    start_method: Literal["fork", "spawn"] | None = None,
    interpreters: bool = True,
) -> list[CheckResult]:
    """Run every check that a scheduler's promises call for.

    Parameters
    ----------
    factory : callable or str
        :class:`Settings` -> an object with ``active()``, the tasks to update at this step, and
        ``step(gradients)``, which takes a mapping from task to gradient and moves on. Or
        ``package.module:name``, ``path/to/file.py:name`` of one.
    promises : iterable of str, optional
        By default the factory's attribute ``promises``, or without it all of
        ``SCHEDULER_PROMISES`` but ``algorithm-1``. Names alone replace these; ``+name`` adds one
        and ``no-name`` takes one away.
    gradients : {"active", "all"}
        Whose gradients ``step`` gets: those of the active tasks (Algorithm 1, line 17) or all.
    expected_failures : mapping from name to reason, optional
    time_limit : float, default 60
        Seconds for one check.
    isolate : bool, default True
        Run it in a child process; False, for debuggers, gives up the time limit.
    start_method : {"fork", "spawn"}, optional
        How the child is started; ``"spawn"`` where the scheduler uses threads of its own.
    interpreters : bool, default True
        Also start two interpreters with other hash seeds (a few seconds), if the factory can be
        imported there.

    Returns
    -------
    list of CheckResult

    Raises
    ------
    InvalidInputError
        When the factory can't be called or imported.
    UnknownNameError
        When a promise or an expected failure has no such name.

    Examples
    --------
    >>> from songoku_theory.testing import reference_factory, succeeded
    >>> succeeded(check_scheduler(reference_factory, promises=["+algorithm-1"]))
    True
    """
    found = load_object(factory) if isinstance(factory, str) else factory
    if not callable(found):
        raise InvalidInputError(
            f"expected a factory, a function from Settings to a scheduler; found "
            f"{type(found).__name__}."
        )
    if gradients not in get_args(GradientsOf):
        raise unknown_name("gradients", str(gradients), get_args(GradientsOf))
    declared = getattr(found, "promises", DEFAULT_SCHEDULER_PROMISES)
    return run_checks(
        SchedulerSubject(cast("Factory", found), gradients),
        (*SCHEDULER_CHECKS, *CROWD_CHECKS, *RESUME_CHECKS, *([HASH_SEED_CHECK] * interpreters)),
        settle_promises(promises, declared, SCHEDULER_PROMISES),
        expected_failures=expected_failures,
        time_limit=time_limit,
        isolate=isolate,
        start_method=start_method,
    )
