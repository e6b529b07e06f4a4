"""Faulty implementations, each with one fault, for the suites to find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from songoku_theory.testing.results import CheckResult, Status

__all__ = ["Kind", "Specimen", "Trial"]


class Kind(StrEnum):
    """Which suite a specimen goes through."""

    COLORING = "coloring"
    RULE = "conflict rule"
    EMA = "EMA"
    SCHEDULER = "scheduler"
    COMBINER = "combiner"


@dataclass(frozen=True, slots=True)
class Specimen:
    """One implementation, faulty or not.

    Attributes
    ----------
    name : str
        Names the fault, or the implementation.
    kind : Kind
    subject : object
        What the suite takes.
    faulty : bool
        False for a correct implementation, which every check has to let live.
    seen : bool
        Whether the fault was seen in public code for this method.
    options : mapping
        Further arguments for the suite.
    """

    name: str
    kind: Kind
    subject: Any
    faulty: bool = True
    seen: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a suite said about a specimen.

    Attributes
    ----------
    specimen : Specimen
    results : tuple of CheckResult
    """

    specimen: Specimen
    results: tuple[CheckResult, ...]

    @property
    def killed_by(self) -> tuple[str, ...]:
        """The checks that failed."""
        return tuple(r.check for r in self.results if r.status is Status.FAIL)

    @property
    def as_expected(self) -> bool:
        """Whether a fault was found, or a correct implementation passed everything."""
        if self.specimen.faulty:
            return bool(self.killed_by)
        return all(r.ok for r in self.results)
