"""Running checks: a crash, a wrong file or a foreign file never becomes a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proofs_check.counterexamples import load
from proofs_check.model import (
    Check,
    CheckContext,
    Claim,
    Finding,
    Method,
    Outcome,
    Scope,
    VacuityFinding,
    VerdictKind,
)
from proofs_check.registry import select
from proofs_check.runner import run_check, run_claim, run_claims
from songoku_theory.errors import InvalidInputError

INSTANCES = Scope("instances", "some")


def crashing(_: CheckContext) -> Finding:
    raise ZeroDivisionError("by zero")


def refuting(stem: str) -> Callable[[CheckContext], Finding]:
    return lambda _: Finding(Outcome.REFUTES, INSTANCES, "refuted.", stem)


def test_a_proved_claim(proved: Claim) -> None:
    result = run_claim(proved, CheckContext())
    assert result.verdict.kind is VerdictKind.PROVED
    assert result.vacuous == VacuityFinding(False, "")
    assert [item.replay for item in result.evidence] == [
        "songoku claims check X-1 --only 'check 0'",
        "songoku claims check X-1 --only 'check 1'",
    ]


def test_a_crashing_check_is_recorded_and_does_not_pass(proved: Claim) -> None:
    broken = replace(proved, checks=(Check("bad", Method.SYMBOLIC, crashing), proved.checks[1]))
    result = run_claim(broken, CheckContext())
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert "ZeroDivisionError: by zero" in result.evidence[0].detail


def test_an_interrupt_is_not_swallowed(proved: Claim) -> None:
    def interrupted(_: CheckContext) -> Finding:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_check(proved, Check("slow", Method.EXACT, interrupted), CheckContext())


def test_full_checks_wait_for_a_full_run(proved: Claim) -> None:
    slow = replace(proved.checks[0], profile="full")
    claim = replace(proved, checks=(slow, proved.checks[1]))
    quick, full = (run_claim(claim, CheckContext(profile)) for profile in ("quick", "full"))
    assert quick.skipped == ("check 0",)
    assert quick.verdict.kind is VerdictKind.UNDECIDED
    assert full.skipped == ()
    assert full.verdict.kind is VerdictKind.PROVED
    assert full.evidence[0].replay.endswith("--profile full")


def test_a_counterexample_of_another_claim_does_not_count(proved: Claim) -> None:
    claim = replace(proved, checks=(Check("no", Method.EXACT, refuting("EMA-9")),))
    result = run_claim(claim, CheckContext())
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert "belongs to claim EMA-9" in result.evidence[0].detail


def test_a_missing_counterexample_does_not_count(proved: Claim) -> None:
    claim = replace(proved, checks=(Check("no", Method.EXACT, refuting("nowhere")),))
    result = run_claim(claim, CheckContext())
    assert result.verdict.kind is VerdictKind.UNDECIDED
    assert "can't be replayed" in result.evidence[0].detail


def test_its_own_counterexample_counts_and_names_its_replay(proved: Claim) -> None:
    owner = load("EMA-9").claim
    check = Check("no", Method.EXACT, refuting("EMA-9"))
    result = run_claim(replace(proved, id=owner, checks=(check,)), CheckContext())
    assert result.verdict.kind is VerdictKind.REFUTED
    assert result.evidence[0].replay == "songoku claims replay EMA-9"


def test_vacuity_is_carried_and_its_failure_recorded(proved: Claim) -> None:
    def vacuous(_: CheckContext) -> VacuityFinding:
        return VacuityFinding(True, "K = 3")

    def failing(_: CheckContext) -> VacuityFinding:
        raise ValueError("no such setting")

    assert run_claim(replace(proved, vacuous=vacuous), CheckContext()).vacuous.is_vacuous
    failed = run_claim(replace(proved, vacuous=failing), CheckContext()).vacuous
    assert failed == VacuityFinding(False, "could not be evaluated: ValueError: no such setting")


def test_progress_is_told_of_every_claim(proved: Claim) -> None:
    seen: list[tuple[int, int, str]] = []
    claims = [proved, replace(proved, id="X-2")]
    run_claims(
        claims,
        CheckContext(),
        lambda number, total, result: seen.append((number, total, result.claim.id)),
    )
    assert seen == [(1, 2, "X-1"), (2, 2, "X-2")]


def test_workers_give_the_same_results_in_the_same_order() -> None:
    """Seconds aside; two real claims, one of them with a counterexample."""
    chosen = select(("EMA-19", "COL-P8-WINDOW", "EXT-6-CROWN"))
    alone, together = (run_claims(chosen, CheckContext(), workers=n) for n in (1, 2))
    for one, other in zip(alone, together, strict=True):
        assert one.claim.id == other.claim.id
        assert one.verdict == other.verdict
        assert one.vacuous == other.vacuous
        assert [replace(e, seconds=0.0) for e in one.evidence] == [
            replace(e, seconds=0.0) for e in other.evidence
        ]


def test_no_workers_is_an_error(proved: Claim) -> None:
    with pytest.raises(InvalidInputError, match="at least 1"):
        run_claims((proved,), CheckContext(), workers=0)
