"""The kinds of check that this family uses, as one-line constructors.

They only put a name on what :mod:`proofs_check.methods` does, so that a claim's module holds
statements and ideas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from proofs_check.claims.coloring._kernels import Z3
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.smt import Obligation, prove
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import (
    Check,
    CheckContext,
    Finding,
    Method,
    Outcome,
    Profile,
    ScopeKind,
)

__all__ = ["Z3", "Obligation", "Step", "look", "proof", "replayed", "solver", "z3_proves"]

Case = TypeVar("Case")


def look(
    name: str,
    cases: Callable[[CheckContext], Iterable[Case]],
    holds: Callable[[Case], bool],
    describe: Callable[[Case], str],
    reach: str | Callable[[CheckContext], str],
    *,
    doc: str,
    method: Method = Method.EXHAUSTIVE,
    kind: ScopeKind = "up_to",
    counterexample: str | None = None,
    profile: Profile = "quick",
    under_condition: bool = False,
) -> Check:
    """Go through cases, smallest first; the first one at which `holds` fails refutes.

    Parameters
    ----------
    cases : callable
        ``cases(context) -> iterable``.
    holds, describe : callable
        As in :func:`proofs_check.methods.exact.for_every`.
    reach : str or callable
        What the cases are, in words; a callable where that depends on the profile.
    counterexample : str, optional
        The stored counterexample that a failing case stands for.

    Returns
    -------
    Check
    """

    def run(context: CheckContext) -> Finding:
        words = reach(context) if callable(reach) else reach
        found = for_every(cases(context), holds, describe, words, kind)
        if found.outcome is Outcome.REFUTES and counterexample is not None:
            return replace(found, counterexample=counterexample)
        return found

    return Check(name, method, run, profile, doc, under_condition)


def proof(conclusion: str, steps: Sequence[Step], *, under_condition: bool = False) -> Check:
    """Make a check out of a written proof for all sizes."""
    written = WrittenProof(conclusion, tuple(steps))
    return Check(
        "written proof under the condition" if under_condition else "written proof",
        Method.WRITTEN_PROOF,
        lambda context: written.finding(),
        "quick",
        "Numbered steps in words; a step that a machine can test is tested.",
        under_condition,
    )


def solver(
    name: str,
    build: Callable[[Z3], Sequence[Obligation]],
    conclusion: str,
    *,
    doc: str,
    kind: ScopeKind = "all_sizes",
    under_condition: bool = False,
) -> Check:
    """Make a check in which z3 proves obligations; ``kind`` says how far they reach."""
    return Check(
        name,
        Method.SMT,
        lambda context: prove(build, conclusion, kind),
        "quick",
        doc,
        under_condition,
    )


def z3_proves(build: Callable[[Z3], Sequence[Obligation]]) -> Callable[[], bool]:
    """Return a test for a step of a written proof: does z3 prove these obligations?"""
    return lambda: prove(build, "step").outcome is Outcome.SUPPORTS


def replayed(stem: str, doc: str) -> Check:
    """Make a check that replays the stored counterexample, from its gradients on."""
    return Check("counterexample", Method.EXACT, lambda context: refuted_by(stem), "quick", doc)
