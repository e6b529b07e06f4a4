"""One pytest test for each check of each heuristic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from songoku_theory.errors import DependencyMissingError, unknown_name
from songoku_theory.testing.coloring_suite import ColoringOptions, ColoringSuite
from songoku_theory.testing.results import CheckResult, Status, apply_expectations
from songoku_theory.testing.subjects import make_subject

__all__ = ["BoundCheck", "parametrize_with_checks"]


@dataclass(slots=True)
class BoundCheck:
    """A check of one heuristic; call it to run it.

    Attributes
    ----------
    name : str
    suite : ColoringSuite
        Shared by all checks of the heuristic, which runs each family of graphs once.
    expected_failures : mapping
    """

    name: str
    suite: ColoringSuite
    expected_failures: Mapping[str, str] = field(default_factory=dict)

    def result(self) -> CheckResult:
        """Run it, if that was not done before, and return the result."""
        own = self.suite.result(self.name)
        rule = own.rule
        if rule in self.expected_failures and own.check not in self.expected_failures:
            # Expected of the rule as a whole: it has to fail for some family of graphs.
            names = [n for n in self.suite.names() if n.partition("[")[0] == rule]
            results = [self.suite.result(n) for n in names]
        else:
            results = [own]
        known = {r.check for r in results} | {rule}
        relevant = {n: why for n, why in self.expected_failures.items() if n in known}
        marked = apply_expectations(results, relevant)
        return next(r for r in marked if r.check == self.name)

    def __call__(self) -> None:
        """Pass, xfail, or raise.

        Raises
        ------
        AssertionError
            When the check failed, could not be decided, or passed unexpectedly.
        """
        import pytest

        result = self.result()
        if result.status is Status.EXPECTED_FAIL:
            pytest.xfail(result.reason)
        if not result.ok:
            raise AssertionError(f"{result.check}: {result.status.value}: {result.reason}")


def parametrize_with_checks(
    heuristics: Sequence[str | Callable[..., Any]],
    *,
    expected_failures: Mapping[str, Mapping[str, str]] | None = None,
    options: ColoringOptions | None = None,
    promises: tuple[str, ...] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a test so that it runs once for each check of each heuristic.

    The test takes one argument, ``check``, and calls it.

    Parameters
    ----------
    heuristics : sequence
        Functions or names, as for ``check_coloring``.
    expected_failures : mapping from heuristic's name to {check: reason}, optional
        Such checks are reported as xfail; one that passes fails.
    options : ColoringOptions, optional
    promises : tuple of str
        As for ``check_coloring``, for all of them.

    Returns
    -------
    callable
        The decorator.

    Raises
    ------
    DependencyMissingError
        When pytest is not installed.
    UnknownNameError
        When an expected failure names no check or no heuristic.

    Examples
    --------
    >>> @parametrize_with_checks(["welsh_powell"], options=ColoringOptions(families=("hard",)))
    ... def test_coloring(check):
    ...     check()
    >>> len(test_coloring.pytestmark[0].args[1]) > 5
    True
    """
    try:
        import pytest
    except ImportError as error:
        raise DependencyMissingError(
            "parametrize_with_checks needs pytest: pip install pytest."
        ) from error

    expected = dict(expected_failures or {})
    parameters = []
    names = set()
    for heuristic in heuristics:
        subject = make_subject(heuristic, promises=promises)
        suite = ColoringSuite(subject, options or ColoringOptions())
        names.add(subject.name)
        known = expected.get(subject.name, {})
        checks = suite.names()
        valid = {*checks, *(n.partition("[")[0] for n in checks)}
        for name in known:
            if name not in valid:
                raise unknown_name(f"check of {subject.name}", name, valid)
        parameters += [
            pytest.param(BoundCheck(name, suite, known), id=f"{subject.name}-{name}")
            for name in checks
        ]
    for name in expected:
        if name not in names:
            raise unknown_name("heuristic", name, names)
    return pytest.mark.parametrize("check", parameters)
