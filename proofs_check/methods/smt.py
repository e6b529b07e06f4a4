"""Obligations decided by an SMT solver (z3), with a limit on its effort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from proofs_check.methods.findings import inconclusive, refutes, supports
from proofs_check.model import Finding, ScopeKind

__all__ = ["Obligation", "prove"]

DEFAULT_TIMEOUT_MS = 60_000


@dataclass(frozen=True, slots=True)
class Obligation:
    """From the hypotheses follows the conclusion, for all values of the free variables."""

    name: str
    hypotheses: Sequence[Any]
    conclusion: Any


def prove(
    build: Callable[[ModuleType], Sequence[Obligation]],
    conclusion: str,
    kind: ScopeKind = "all_sizes",
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
) -> Finding:
    """Ask the solver for each obligation.

    Parameters
    ----------
    build : callable
        ``build(z3) -> obligations``; called with the module, so that it is imported only when
        a check runs.
    conclusion : str
        What the obligations together say.
    kind : ScopeKind
        How far that reaches.
    timeout_ms : int
        Limit for each query, in milliseconds.

    Returns
    -------
    Finding
        Supporting if the solver proves all of them, refuting (with its model, but without a
        stored counterexample) if it finds a model against one, inconclusive on a timeout, on
        "unknown", and on hypotheses that nothing satisfies, from which anything would follow.
    """
    import z3

    _forget(z3)
    names: list[str] = []
    for obligation in build(z3):
        solver = z3.Solver()
        solver.set("timeout", timeout_ms)
        solver.add(*obligation.hypotheses)
        if (possible := solver.check()) != z3.sat:
            return inconclusive(conclusion, f"the hypotheses of {obligation.name!r} are {possible}")
        solver.add(z3.Not(obligation.conclusion))
        answer = solver.check()
        if answer == z3.sat:
            return refutes(conclusion, f"{obligation.name!r} fails at {solver.model()}")
        if answer != z3.unsat:
            return inconclusive(
                conclusion,
                f"the solver gave up on {obligation.name!r} after at most {timeout_ms} ms: "
                f"{solver.reason_unknown()}",
            )
        names.append(obligation.name)
    if not names:
        return inconclusive(conclusion, "there was nothing to prove")
    proved = "; ".join(names)
    return supports(kind, conclusion, f"{conclusion}. z3 proves: {proved}")


def _forget(z3: ModuleType) -> None:
    """Give the next query a context of its own.

    Terms are numbered within a context, and the numbers steer the search for instances of a
    quantifier. In a shared one a query can take milliseconds or give up, depending on what was
    asked before; so a verdict would depend on which claims were checked first.
    """
    z3.z3._main_ctx = None  # z3 makes a new default context when it finds none
