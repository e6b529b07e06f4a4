"""The kinds of check that this family uses, as one-line constructors, and its counterexamples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import TypeVar

from proofs_check.claims.coloring._evidence import look, proof, replayed, solver, z3_proves
from proofs_check.methods.smt import Obligation
from proofs_check.methods.symbolic import Identity, is_zero, prove_identities
from proofs_check.methods.written import Step
from proofs_check.model import Check, CheckContext, Finding, Method, Profile, Source

__all__ = [
    "Obligation",
    "Step",
    "appendix_b",
    "identities",
    "is_zero",
    "look",
    "ours",
    "proof",
    "replayed",
    "run",
    "solver",
    "some",
    "z3_proves",
]

Case = TypeVar("Case")


def identities(
    name: str, build: Callable[[ModuleType], Sequence[Identity]], conclusion: str, *, doc: str
) -> Check:
    """Make a check out of identities that computer algebra decides."""
    return Check(name, Method.SYMBOLIC, lambda _: prove_identities(build, conclusion), "quick", doc)


def run(
    name: str,
    method: Method,
    function: Callable[[CheckContext], Finding],
    *,
    doc: str,
    profile: Profile = "quick",
) -> Check:
    """Make a check out of a function of the context."""
    return Check(name, method, function, profile, doc)


def some(
    name: str,
    cases: Callable[[CheckContext], Iterable[Case]],
    holds: Callable[[Case], bool],
    reach: str,
    *,
    doc: str,
    method: Method = Method.EXACT,
    profile: Profile = "quick",
) -> Check:
    """Make a check that looks at exact instances, none of which may fail."""
    return look(
        name,
        cases,
        holds,
        str,
        reach,
        doc=doc,
        method=method,
        kind="instances",
        profile=profile,
    )


def appendix_b(section: str, *equations: str) -> Source:
    """Name a place in the paper's appendix B."""
    return Source("SON-GOKU", f"App. {section}", equations)


def ours(on: str) -> Source:
    """Name this project as the author of a statement about something in the paper."""
    return Source("songoku", on)
