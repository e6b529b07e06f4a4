"""Exact arithmetic on rationals: grids of them, and "does it hold in every one of these cases"."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TypeVar

from proofs_check.counterexamples import load, replay
from proofs_check.methods.findings import inconclusive, refutes, supports
from proofs_check.model import Finding, ScopeKind

__all__ = ["for_every", "rational_grid", "refuted_by"]

Case = TypeVar("Case")


def rational_grid(max_denominator: int) -> tuple[Fraction, ...]:
    """Return every rational in [0, 1) whose denominator is at most `max_denominator`.

    Examples
    --------
    >>> [str(value) for value in rational_grid(3)]
    ['0', '1/3', '1/2', '2/3']
    """
    values = {Fraction(p, q) for q in range(1, max_denominator + 1) for p in range(q)}
    return tuple(sorted(values))


def for_every(
    cases: Iterable[Case],
    holds: Callable[[Case], bool],
    describe: Callable[[Case], str],
    reach: str,
    kind: ScopeKind = "instances",
) -> Finding:
    """Look at every case; the first that fails refutes.

    Parameters
    ----------
    cases : iterable
        At least one; none at all is inconclusive.
    holds : callable
        Exact predicate on a case.
    describe : callable
        The case in words, for the finding that it fails.
    reach : str
        What the cases are, in words.
    kind : ScopeKind
        ``"instances"``, or ``"up_to"`` when the cases are all objects up to a size.

    Returns
    -------
    Finding

    Examples
    --------
    >>> for_every([1, 2, 3], lambda n: n < 3, str, "1..3").detail
    'fails at 3 (after 2 cases that hold)'
    """
    count = 0
    for case in cases:
        if not holds(case):
            detail = f"fails at {describe(case)} (after {count} cases that hold)"
            return refutes(reach, detail)
        count += 1
    if count == 0:
        return inconclusive(reach, "there was no case to look at")
    return supports(kind, reach, f"holds exactly in all {count} cases: {reach}")


def refuted_by(stem: str) -> Finding:
    """Replay a stored counterexample and turn it into a finding.

    Parameters
    ----------
    stem : str
        A file in ``proofs_check/counterexamples``.

    Returns
    -------
    Finding
        Refuting if the replay violates the claim in exact arithmetic, inconclusive if not.
    """
    example = load(stem)
    outcome = replay(stem)
    if outcome.violated:
        return refutes(example.summary, f"{example.summary} {outcome.steps[-1]}", stem)
    return inconclusive(example.summary, f"the stored counterexample {stem} violates nothing")
