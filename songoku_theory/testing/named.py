"""Suites made of named checks: one function each, picked by promises, run in a child process."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.testing.isolation import Outcome, Worker
from songoku_theory.testing.results import CheckResult, Status, apply_expectations

__all__ = ["NamedCheck", "global_generators_moved", "run_checks", "settle_promises"]


@dataclass(frozen=True, slots=True)
class NamedCheck:
    """One check.

    Attributes
    ----------
    name : str
    promise : str or None
        The promise that calls for it; None for what everything of its kind has to keep.
    run : callable
        Subject -> what is wrong; empty for nothing. An exception counts as a failure.
    """

    name: str
    promise: str | None
    run: Callable[[Any], str]

    @property
    def doc(self) -> str:
        """What is checked: the first line of the function's docstring."""
        lines = (self.run.__doc__ or "").strip().splitlines()
        return lines[0] if lines else ""


@dataclass(frozen=True, slots=True)
class _Server:
    """Runs checks of one subject by name."""

    subject: Any
    checks: Mapping[str, NamedCheck]

    def __call__(self, name: str) -> str:
        return self.checks[name].run(self.subject)


def global_generators_moved(run: Callable[[], object]) -> str:
    """Run something; say which global random generators it drew from or seeded.

    Examples
    --------
    >>> global_generators_moved(lambda: random.random())
    'random'
    """
    legacy = np.random.mtrand._rand  # the generator behind numpy.random's functions
    before = random.getstate(), legacy.get_state()
    random.seed(20_251)  # a state that no code under test would seed by accident
    legacy.seed(20_251)
    try:
        first = random.getstate(), str(legacy.get_state())
        run()
        last = random.getstate(), str(legacy.get_state())
    finally:
        random.setstate(before[0])
        legacy.set_state(before[1])
    names = ("random", "numpy.random")
    return ", ".join(n for n, a, b in zip(names, first, last, strict=True) if a != b)


def settle_promises(
    wanted: Iterable[str], declared: Iterable[str], valid: Mapping[str, str]
) -> frozenset[str]:
    """Apply what a user says about promises to those that are declared.

    Parameters
    ----------
    wanted : iterable of str
        Names alone replace the declared ones; ``+name`` adds one, ``no-name`` takes one away.
    declared : iterable of str
    valid : mapping from promise to its meaning

    Returns
    -------
    frozenset of str

    Raises
    ------
    UnknownNameError
        When there is no such promise.

    Examples
    --------
    >>> valid = {"proper": "", "exact": "", "contiguous": ""}
    >>> sorted(settle_promises(["+exact", "no-contiguous"], ["proper", "contiguous"], valid))
    ['exact', 'proper']
    >>> sorted(settle_promises(["proper"], ["exact"], valid))
    ['proper']
    """
    asked = list(wanted)
    # A promise may itself begin with "no-" ("no-starvation"), so whole names are looked up first.
    plain = [w for w in asked if w in valid or not w.startswith(("+", "no-"))]
    kept = set(plain) if plain else set(declared)
    for text in asked:
        name = text if text in valid else text.removeprefix("+").removeprefix("no-")
        if name not in valid:
            raise unknown_name("promise", name, valid)
        if text != name and text.startswith("no-"):
            kept.discard(name)
        else:
            kept.add(name)
    return frozenset(kept)


def run_checks(
    subject: Any,  # noqa: ANN401 - whatever the checks take
    checks: Sequence[NamedCheck],
    promises: frozenset[str],
    *,
    expected_failures: Mapping[str, str] | None = None,
    time_limit: float = 60.0,
    isolate: bool = True,
    start_method: Literal["fork", "spawn"] | None = None,
) -> list[CheckResult]:
    """Run the checks that the promises call for.

    Parameters
    ----------
    subject : object
    checks : sequence of NamedCheck
    promises : frozenset of str
    expected_failures : mapping from name to reason, optional
    time_limit : float
        Seconds for one check.
    isolate : bool
        False runs them in this process, without a time limit.
    start_method : {"fork", "spawn"}, optional

    Returns
    -------
    list of CheckResult

    Raises
    ------
    InvalidInputError
        When two checks have one name.
    UnknownNameError
        When an expected failure names no check.

    Examples
    --------
    >>> positive = NamedCheck("positive", None, lambda number: "" if number > 0 else "it is not")
    >>> run_checks(-1, [positive], frozenset())[0].status.value
    'fail'
    """
    called = [c for c in checks if c.promise is None or c.promise in promises]
    by_name = {c.name: c for c in called}
    if len(by_name) != len(called):
        raise InvalidInputError("two checks have the same name.")
    with Worker(
        _Server(subject, by_name), time_limit, isolate=isolate, start_method=start_method
    ) as worker:
        names = [c.name for c in called]
        found = [
            _conclude(name, outcome) for name, outcome in zip(names, worker.map(names), strict=True)
        ]
    return apply_expectations(found, expected_failures)


def _conclude(name: str, outcome: Outcome | None) -> CheckResult:
    if outcome is None:
        return CheckResult(name, Status.ERROR, "not tried: checks before it did not come back")
    if outcome.kind != "value":
        return CheckResult(name, Status.FAIL, outcome.detail, cases=1)
    reason = str(outcome.value)
    return CheckResult(name, Status.FAIL if reason else Status.PASS, reason, cases=1)
