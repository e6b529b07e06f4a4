"""What every suite returns: one result a named check, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songoku_theory.errors import unknown_name

__all__ = [
    "CheckResult",
    "Counterexample",
    "Status",
    "apply_expectations",
    "check_expectations",
    "smallest_counterexample",
    "succeeded",
    "to_json",
]


class Status(StrEnum):
    """How a check ended."""

    PASS = "pass"
    FAIL = "fail"
    EXPECTED_FAIL = "expected-fail"
    """It failed, and ``expected_failures`` says why that is known."""
    UNEXPECTED_PASS = "unexpected-pass"
    """It passed although ``expected_failures`` names it: the entry is out of date."""
    ERROR = "error"
    """Not decided; the reason says what stood in the way."""


@dataclass(frozen=True, slots=True, eq=False)
class Counterexample:
    """A graph on which a heuristic broke a promise.

    Attributes
    ----------
    adjacency : ndarray of bool, shape (n, n)
    colors : tuple of int, or None
        What the heuristic returned; None where there is nothing to show.
    graph : str
        Where the graph comes from, e.g. ``"crown of 12 tasks, shrunk to 3"``.
    labels : str
        How a networkx graph named its nodes; ``"range"`` is 0..n-1.
    """

    adjacency: NDArray[np.bool_]
    colors: tuple[int, ...] | None
    graph: str
    labels: str = "range"

    @property
    def num_tasks(self) -> int:
        """n."""
        return int(self.adjacency.shape[0])

    def edges(self) -> tuple[tuple[int, int], ...]:
        """Return the edges ``(i, j)`` with ``i < j``, in order."""
        return tuple((int(i), int(j)) for i, j in np.argwhere(np.triu(self.adjacency, 1)))


@dataclass(frozen=True, slots=True, eq=False)
class CheckResult:
    """The outcome of one named check.

    Attributes
    ----------
    check : str
        Its name: a rule, and in brackets what it was tried on, e.g. ``"proper[large]"``.
    status : Status
    reason : str
        What went wrong, or why it was not decided; empty after a pass.
    counterexample : Counterexample or None
        The smallest failing graph that was found.
    cases : int
        On how many inputs the check was decided.
    """

    check: str
    status: Status
    reason: str = ""
    counterexample: Counterexample | None = None
    cases: int = 0

    @property
    def rule(self) -> str:
        """The part of the name before the bracket."""
        return self.check.partition("[")[0]

    @property
    def family(self) -> str:
        """The part of the name in brackets; empty where there is none."""
        return self.check.partition("[")[2].rstrip("]")

    @property
    def ok(self) -> bool:
        """Whether it passed or was expected to fail."""
        return self.status in (Status.PASS, Status.EXPECTED_FAIL)


def succeeded(results: Iterable[CheckResult]) -> bool:
    """Say whether every check passed or was expected to fail.

    Examples
    --------
    >>> succeeded([CheckResult("a", Status.PASS), CheckResult("b", Status.UNEXPECTED_PASS)])
    False
    """
    return all(result.ok for result in results)


def smallest_counterexample(results: Iterable[CheckResult]) -> CheckResult | None:
    """Return the failed check whose counterexample has the fewest tasks, then edges."""
    shown = [r for r in results if r.counterexample is not None and r.status is Status.FAIL]
    return min(shown, key=_size, default=None)


def _size(result: CheckResult) -> tuple[int, int]:
    found = result.counterexample
    return (0, 0) if found is None else (found.num_tasks, int(found.adjacency.sum()) // 2)


def apply_expectations(
    results: Sequence[CheckResult], expected_failures: Mapping[str, str] | None
) -> list[CheckResult]:
    """Mark the failures that were expected, and the expectations that did not come true.

    Parameters
    ----------
    results : sequence of CheckResult
    expected_failures : mapping from name to reason, or None
        A full name (``"proper[large]"``), which then has to fail; or a rule (``"proper"``),
        which then has to fail somewhere.

    Returns
    -------
    list of CheckResult

    Raises
    ------
    UnknownNameError
        When a name is that of no check; it names the nearest.

    Examples
    --------
    >>> results = [CheckResult("proper[small]", Status.PASS),
    ...            CheckResult("proper[large]", Status.FAIL, "two tasks clash")]
    >>> [r.status.value for r in apply_expectations(results, {"proper": "known, issue 7"})]
    ['pass', 'expected-fail']
    """
    if not expected_failures:
        return list(results)
    check_expectations([r.check for r in results], expected_failures)
    failing = {r.rule for r in results if r.status in (Status.FAIL, Status.ERROR)}
    return [_expect(r, expected_failures, failing) for r in results]


def check_expectations(checks: Iterable[str], expected_failures: Iterable[str]) -> None:
    """Refuse the name of a failure that is expected of no check.

    Parameters
    ----------
    checks : iterable of str
        Full names, as in :class:`CheckResult`.
    expected_failures : iterable of str

    Raises
    ------
    UnknownNameError
        When a name is neither a check's nor a rule's; it names the nearest.
    """
    full = set(checks)
    names = full | {name.partition("[")[0] for name in full}
    for name in expected_failures:
        if name not in names:
            raise unknown_name("check", name, names)


def _expect(result: CheckResult, expected: Mapping[str, str], failing: set[str]) -> CheckResult:
    failed = result.status in (Status.FAIL, Status.ERROR)
    why = expected.get(result.check) or expected.get(result.rule)
    if why is None:
        return result
    if failed:
        return replace(
            result, status=Status.EXPECTED_FAIL, reason=f"{why} (expected): {result.reason}"
        )
    if result.check in expected or result.rule not in failing:
        return replace(
            result,
            status=Status.UNEXPECTED_PASS,
            reason=f"expected to fail ({why}) and passed; take it out of expected_failures",
        )
    return result


def to_json(results: Iterable[CheckResult]) -> list[dict[str, Any]]:
    """Return the results as plain data, ready for ``json.dumps``.

    Examples
    --------
    >>> to_json([CheckResult("proper[small]", Status.PASS, cases=3)])[0]["status"]
    'pass'
    """
    return [
        {
            "check": r.check,
            "status": r.status.value,
            "reason": r.reason,
            "cases": r.cases,
            "counterexample": None if r.counterexample is None else _plain(r.counterexample),
        }
        for r in results
    ]


def _plain(found: Counterexample) -> dict[str, Any]:
    return {
        "graph": found.graph,
        "num_tasks": found.num_tasks,
        "edges": [list(edge) for edge in found.edges()],
        "colors": None if found.colors is None else list(found.colors),
        "labels": found.labels,
    }
