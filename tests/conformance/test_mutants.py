"""Every planted fault is found by a check, and no correct implementation is refused."""

from __future__ import annotations

from functools import cache

import pytest

from songoku_theory.testing.mutants import SPECIMENS, Kind, Specimen, Trial, try_specimen

NAMES = [f"{s.kind}: {s.name}" for s in SPECIMENS]


@cache
def tried(place: int) -> Trial:
    """Two tests look at the same trial."""
    return try_specimen(SPECIMENS[place])


@pytest.mark.parametrize("specimen", SPECIMENS, ids=NAMES)
def test_a_fault_is_found_and_a_correct_implementation_lives(specimen: Specimen) -> None:
    trial = tried(SPECIMENS.index(specimen))
    if specimen.faulty:
        assert trial.killed_by, "no check finds this fault"
    else:
        assert trial.as_expected, [r for r in trial.results if not r.ok]


def test_the_faults_seen_in_public_code_are_among_them() -> None:
    seen = {(s.kind, type_name(s)) for s in SPECIMENS if s.seen}
    assert seen >= {
        (Kind.RULE, "below_tau"),
        (Kind.SCHEDULER, "BelowTau"),
        (Kind.SCHEDULER, "CompleteAtOne"),
        (Kind.SCHEDULER, "PointerReset"),
        (Kind.SCHEDULER, "RefreshOnlyAverage"),
        (Kind.SCHEDULER, "TauSwallowed"),
        (Kind.EMA, "latest_only"),
        (Kind.COMBINER, "InnerIgnored"),
        (Kind.COMBINER, "OptionSwallowed"),
    }


def type_name(specimen: Specimen) -> str:
    subject = specimen.subject
    return str(getattr(subject, "__name__", type(subject).__name__))


def test_every_kind_has_faults_and_correct_ones_and_all_names_differ() -> None:
    for kind in Kind:
        assert {s.faulty for s in SPECIMENS if s.kind is kind} == {True, False}
    assert len(set(NAMES)) == len(NAMES)


def test_each_fault_in_a_scheduler_is_found_by_a_check_that_is_about_it() -> None:
    """Not only by some crash: the named check is the one that explains the fault."""
    expected = {
        "BelowTau": "mild-disagreement",
        "CompleteAtOne": "strict-threshold",
        "PointerReset": "no-starvation",
        "RefreshOnlyAverage": "averages-decide",
        "TauSwallowed": "tau-used",
        "BetaSwallowed": "beta-used",
        "PeriodSwallowed": "refresh-period-used",
        "TakesNan": "non-finite-gradients",
        "ResetAfterAWhile": "no-starvation",
        "EightClasses": "many-tasks-run",
        "SixteenBits": "many-tasks-apart",
        "DropsZeroTasks": "zero-gradient-runs",
        "SixRefreshes": "every-refresh",
        "AveragesThenRefuses": "non-finite-gradients",
        "SavesNoStep": "resumes",
        "CopiesShare": "copies",
        "HashOrder": "hash-seed",
    }
    for specimen in SPECIMENS:
        if type_name(specimen) in expected:
            assert expected[type_name(specimen)] in tried(SPECIMENS.index(specimen)).killed_by
