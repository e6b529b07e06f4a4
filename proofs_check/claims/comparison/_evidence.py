"""The kinds of check that this family uses, as one-line constructors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from types import ModuleType
from typing import Any

from proofs_check.claims.comparison._families import all_problems
from proofs_check.claims.comparison._problem import (
    Problem,
    Vector,
    dot,
    minus,
    total,
    walk,
)
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.smt import Obligation, prove
from proofs_check.methods.symbolic import Identity, is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Finding, Method

Expression = Any
"""A sympy expression or z3 term: neither ships types."""

__all__ = [
    "GROUP_LIPSCHITZ",
    "SMOOTH",
    "STEP_SIZE",
    "SUM",
    "Expression",
    "Obligation",
    "Step",
    "algebra",
    "exactly",
    "identities",
    "proof",
    "replayed",
    "searched",
    "solver",
    "thinned",
]


def _sums_up(problem: Problem) -> bool:
    return all(
        total([group(at) for group in problem.groups]) == problem.gradient(at)
        for at in walk(problem)
    )


def _moves_at_most(
    gradient: Callable[[Vector], Vector], constant: Fraction, points: Sequence[Vector]
) -> bool:
    """Whether the gradient changes by at most `constant` a unit between any two points."""
    for u, v in combinations(points, 2):
        change, step = minus(gradient(u), gradient(v)), minus(u, v)
        if dot(change, change) > constant**2 * dot(step, step):
            return False
    return True


def _is_smooth(problem: Problem) -> bool:
    return _moves_at_most(problem.gradient, problem.smoothness, walk(problem))


def _groups_are_lipschitz(problem: Problem) -> bool:
    return all(
        _moves_at_most(group, constant, walk(problem))
        for group, constant in zip(problem.groups, problem.lipschitz, strict=True)
    )


SUM = Assumption(
    "groups sum up",
    "the gradient of F is the sum of the group gradients G_r",
    _sums_up,
)
SMOOTH = Assumption(
    "L-smooth",
    "F is twice continuously differentiable and its gradient is L-Lipschitz",
    _is_smooth,
)
STEP_SIZE = Assumption(
    "step size",
    "0 < eta <= 1/L",
    lambda problem: problem.eta > 0 and problem.eta * problem.smoothness <= 1,
)
GROUP_LIPSCHITZ = Assumption(
    "Assumption 6",
    "each group gradient G_r is L_r-Lipschitz (eq. 46); L_r >= 0",
    _groups_are_lipschitz,
)
"""The predicates look along the refresh: necessary conditions there, exact."""


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


def algebra(build: Callable[[ModuleType], Sequence[Identity]]) -> Callable[[], bool]:
    """Return a test for a step of a written proof: do these identities hold?"""

    def closes() -> bool:
        import sympy

        return all(is_zero(left - right) for _, left, right in build(sympy))

    return closes


def identities(
    name: str,
    build: Callable[[ModuleType], Sequence[Identity]],
    conclusion: str,
    *,
    under_condition: bool = False,
) -> Check:
    """Make a check in which computer algebra proves identities."""
    return Check(
        name,
        Method.SYMBOLIC,
        lambda context: prove_identities(build, conclusion),
        "quick",
        "Identities as rational functions, decided by sympy.",
        under_condition,
    )


def solver(
    name: str,
    build: Callable[[Expression], Sequence[Obligation]],
    conclusion: str,
    *,
    under_condition: bool = False,
) -> Check:
    """Make a check in which z3 proves obligations over the reals.

    It is never the only proof: z3 may give up on a busy machine.
    """
    return Check(
        name,
        Method.SMT,
        lambda context: prove(build, conclusion, "instances"),
        "quick",
        "Nonlinear real arithmetic.",
        under_condition,
    )


def thinned(context: CheckContext) -> list[Problem]:
    """All kinds of problems with up to three groups, every fourth of the small ones."""
    full = context.profile == "full"
    chosen = [p for p in all_problems(context.seed, full) if p.size < 4]
    return chosen if full else [*chosen[:700:4], *chosen[700:]]


def searched(
    holds: Callable[[Problem], bool],
    *,
    among: Callable[[Problem], bool] = lambda problem: True,
    words: str = "",
    problems: Callable[[CheckContext], Sequence[Problem]] | None = None,
    under_condition: bool = False,
) -> Check:
    """Make a check that tries to break a statement on every problem of the family.

    Parameters
    ----------
    holds : callable
        Exact predicate on a problem.
    among : callable
        The statement's hypotheses, beyond those that every problem meets.
    words : str
        Those hypotheses in words.
    problems : callable, optional
        Other problems than all of them.
    """

    def run(context: CheckContext) -> Finding:
        chosen = (
            all_problems(context.seed, context.profile == "full")
            if problems is None
            else problems(context)
        )
        cases = [problem for problem in chosen if among(problem)]
        return for_every(
            cases,
            holds,
            lambda problem: problem.name,
            f"{len(cases)} exact problems{words}: stored counterexamples, small quadratics on a "
            "line, random ones in the plane, and losses on a line with piecewise linear second "
            "derivatives",
        )

    return Check(
        "exact search under the condition" if under_condition else "exact search",
        Method.SEARCH,
        run,
        "quick",
        "Tries to break the statement; all arithmetic in fractions.",
        under_condition,
    )


def exactly(name: str, run: Callable[[], Finding], doc: str) -> Check:
    """Make an exact check that needs nothing of the context."""
    return Check(name, Method.EXACT, lambda context: run(), "quick", doc)


def replayed(stem: str) -> Check:
    """Make a check that replays the stored counterexample."""
    return Check(
        "counterexample",
        Method.EXACT,
        lambda context: refuted_by(stem),
        "quick",
        "Recomputes the stored counterexample in exact arithmetic.",
    )
