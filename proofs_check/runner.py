"""Run the checks of claims: time them, replay their counterexamples, ask for the verdict."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

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
from songoku_theory.errors import InvalidInputError, SongokuError

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
    claims: Iterable[Claim],
    context: CheckContext,
    progress: Progress | None = None,
    workers: int = 1,
) -> tuple[ClaimResult, ...]:
    """Run claims one after another, or several at once in processes of their own.

    Parameters
    ----------
    claims : iterable of Claim
    context : CheckContext
    progress : callable, optional
        Called after each claim, as they finish.
    workers : int, default 1
        How many processes. With more than one, the claims have to be in the registry: a worker
        finds them there by id.

    Returns
    -------
    tuple of ClaimResult
        In the order of the claims, whatever the number of workers.

    Raises
    ------
    InvalidInputError
        When `workers` is less than 1.
    SongokuError
        When a worker process dies.
    """
    if workers < 1:
        raise InvalidInputError(f"workers should be at least 1; found {workers}.")
    chosen = tuple(claims)
    found: dict[str, ClaimResult] = {}

    def note(result: ClaimResult) -> None:
        found[result.claim.id] = result
        if progress is not None:
            progress(len(found), len(chosen), result)

    if workers == 1 or len(chosen) < 2:
        for claim in chosen:
            note(run_claim(claim, context))
    else:
        _run_in_processes(chosen, context, note, workers)
    return tuple(found[claim.id] for claim in chosen)


def _run_in_processes(
    claims: tuple[Claim, ...],
    context: CheckContext,
    note: Callable[[ClaimResult], None],
    workers: int,
) -> None:
    by_id = {claim.id: claim for claim in claims}
    # Spawned: a fork would copy the state of solvers and of threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(_run_by_id, claim.id, context): claim.id for claim in claims}
        try:
            for future in as_completed(futures):
                note(future.result().of(by_id[futures[future]]))
        except BrokenProcessPool as error:
            raise SongokuError(
                "a worker process died while it checked claims (out of memory, or killed). Try "
                "--workers 1, which shows the cause."
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Part:
    """A result on its way between processes: a claim holds functions, which may not travel."""

    verdict: Verdict
    vacuous: VacuityFinding
    evidence: tuple[Evidence, ...]
    skipped: tuple[str, ...]
    seconds: float

    def of(self, claim: Claim) -> ClaimResult:
        return ClaimResult(
            claim, self.verdict, self.vacuous, self.evidence, self.skipped, self.seconds
        )


def _run_by_id(claim_id: str, context: CheckContext) -> _Part:
    from proofs_check.registry import get_claim

    found = run_claim(get_claim(claim_id), context)
    return _Part(found.verdict, found.vacuous, found.evidence, found.skipped, found.seconds)


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
