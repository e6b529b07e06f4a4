"""Run the checks of claims: time them, replay their counterexamples, ask for the verdict."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from proofs_check.counterexamples import load, replay
from proofs_check.model import (
    Check,
    CheckContext,
    Claim,
    Evidence,
    Finding,
    Outcome,
    Scope,
    VacuityFinding,
    Verdict,
)
from proofs_check.verdicts import decide
from songoku_theory.errors import SongokuError

__all__ = ["ClaimResult", "run_check", "run_claim", "run_claims"]

Progress = Callable[[int, int, "ClaimResult"], None]
"""Called after each claim with its number (from 1), how many there are, and its result."""


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim, the evidence of one run, and what the rules made of it."""

    claim: Claim
    verdict: Verdict
    vacuous: VacuityFinding
    evidence: tuple[Evidence, ...]
    skipped: tuple[str, ...]
    """Names of checks that only a full run does."""
    seconds: float


def run_check(claim: Claim, check: Check, context: CheckContext) -> Evidence:
    """Run one check of a claim.

    A check that raises does not take the ledger down with it: it becomes inconclusive evidence
    that says what was raised, so its claim can't pass on it.

    Parameters
    ----------
    claim : Claim
    check : Check
        One of the claim's.
    context : CheckContext

    Returns
    -------
    Evidence
        With ``replayed`` true only if the counterexample's file belongs to this claim and
        violates it when replayed here.
    """
    start = time.perf_counter()
    try:
        finding = check.run(context)
    except Exception as error:  # noqa: BLE001 - recorded: it turns the verdict to UNDECIDED
        finding = Finding(
            Outcome.INCONCLUSIVE,
            Scope("instances", "none"),
            f"the check itself failed: {type(error).__name__}: {error}",
        )
    replayed, detail = False, finding.detail
    if finding.counterexample is not None:
        replayed, trouble = _replays(claim, finding.counterexample)
        detail += trouble
    return Evidence(
        name=check.name,
        method=check.method,
        outcome=finding.outcome,
        scope=finding.scope,
        detail=detail,
        seconds=time.perf_counter() - start,
        replay=_replay_command(claim, check, finding),
        counterexample=finding.counterexample,
        replayed=replayed,
        under_condition=check.under_condition,
    )


def run_claim(claim: Claim, context: CheckContext) -> ClaimResult:
    """Run all checks of a claim that the context's profile includes.

    Parameters
    ----------
    claim : Claim
    context : CheckContext

    Returns
    -------
    ClaimResult
    """
    start = time.perf_counter()
    chosen = [c for c in claim.checks if context.profile == "full" or c.profile == "quick"]
    evidence = tuple(run_check(claim, check, context) for check in chosen)
    return ClaimResult(
        claim=claim,
        verdict=decide(evidence, claim.condition),
        vacuous=_vacuity(claim, context),
        evidence=evidence,
        skipped=tuple(check.name for check in claim.checks if check not in chosen),
        seconds=time.perf_counter() - start,
    )


def run_claims(
    claims: Iterable[Claim], context: CheckContext, progress: Progress | None = None
) -> tuple[ClaimResult, ...]:
    """Run claims one after another.

    Parameters
    ----------
    claims : iterable of Claim
    context : CheckContext
    progress : callable, optional
        Called after each claim.

    Returns
    -------
    tuple of ClaimResult
        In the order of the claims.
    """
    chosen = tuple(claims)
    results = []
    for number, claim in enumerate(chosen, start=1):
        results.append(run_claim(claim, context))
        if progress is not None:
            progress(number, len(chosen), results[-1])
    return tuple(results)


def _replays(claim: Claim, stem: str) -> tuple[bool, str]:
    """Replay a counterexample; say what is wrong with it, if anything is."""
    try:
        owner = load(stem).claim
        if owner != claim.id:
            return False, f" (the counterexample {stem} belongs to claim {owner})"
        if not replay(stem).violated:
            return False, f" (the counterexample {stem} violates nothing when replayed)"
    except SongokuError as error:
        return False, f" (the counterexample can't be replayed: {error})"
    return True, ""


def _replay_command(claim: Claim, check: Check, finding: Finding) -> str:
    if finding.counterexample is not None:
        return f"songoku claims replay {shlex.quote(finding.counterexample)}"
    profile = " --profile full" if check.profile == "full" else ""
    return f"songoku claims check {shlex.quote(claim.id)} --only {shlex.quote(check.name)}{profile}"


def _vacuity(claim: Claim, context: CheckContext) -> VacuityFinding:
    if claim.vacuous is None:
        return VacuityFinding(False, "")
    try:
        return claim.vacuous(context)
    except Exception as error:  # noqa: BLE001 - recorded beside the verdict
        return VacuityFinding(False, f"could not be evaluated: {type(error).__name__}: {error}")
