"""The verdict rules, over every combination of kinds of evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, combinations

import pytest

from proofs_check.model import Evidence, Method, Outcome, VerdictKind
from proofs_check.verdicts import decide

SUPPORTS, REFUTES, UNKNOWN = Outcome.SUPPORTS, Outcome.REFUTES, Outcome.INCONCLUSIVE
Make = Callable[..., Evidence]


@pytest.fixture(scope="module")
def atoms(make_evidence: Make) -> dict[str, Evidence]:
    """One piece of evidence of every kind that a rule tells apart."""
    make = make_evidence
    return {
        "symbolic proof": make(Method.SYMBOLIC, SUPPORTS, "all_sizes", name="a"),
        "written proof": make(Method.WRITTEN_PROOF, SUPPORTS, "all_sizes", name="b"),
        "exact instances": make(Method.EXACT, SUPPORTS, "instances", name="c"),
        "symbolic instances": make(Method.SYMBOLIC, SUPPORTS, "instances", name="d"),
        "exhaustive": make(Method.EXHAUSTIVE, SUPPORTS, "up_to", reach="n = 6", name="e"),
        "smt bounded": make(Method.SMT, SUPPORTS, "up_to", reach="n = 4", name="f"),
        "certificate": make(Method.CERTIFICATE, SUPPORTS, "gap", reach="1e-6", name="g"),
        "statistical": make(Method.STATISTICAL, SUPPORTS, "interval", reach="[0, 1]", name="h"),
        "timeout": make(Method.SMT, UNKNOWN, name="i"),
        "exact refutation": make(
            Method.EXACT, REFUTES, counterexample="x", replayed=True, name="j"
        ),
        "broken refutation": make(
            Method.EXACT, REFUTES, counterexample="x", replayed=False, name="k"
        ),
        "float refutation": make(Method.STATISTICAL, REFUTES, name="l"),
        "conditional proof": make(
            Method.SYMBOLIC, SUPPORTS, "all_sizes", under_condition=True, name="m"
        ),
        "conditional instances": make(Method.EXACT, SUPPORTS, under_condition=True, name="n"),
        "conditional refutation": make(Method.EXACT, REFUTES, under_condition=True, name="o"),
    }


def expected_kind(names: frozenset[str], condition: bool) -> VerdictKind:
    """State the rules a second time, on names."""
    conditional_holds = (
        condition
        and {"conditional proof", "conditional instances"} <= names
        and "conditional refutation" not in names
    )
    proofs = names & {"symbolic proof", "written proof"}
    if "exact refutation" in names:
        return VerdictKind.CONDITIONAL if conditional_holds and not proofs else VerdictKind.REFUTED
    if names & {"broken refutation", "float refutation"}:
        return VerdictKind.UNDECIDED
    methods = {
        "symbolic proof": "symbolic",
        "written proof": "written",
        "exact instances": "exact",
        "symbolic instances": "symbolic",
        "exhaustive": "exhaustive",
        "smt bounded": "smt",
        "certificate": "certificate",
        "statistical": "statistical",
    }
    supporting = {methods[name] for name in names if name in methods}
    if proofs and len(supporting) >= 2:
        return VerdictKind.PROVED
    if names & {"exhaustive", "smt bounded"}:
        return VerdictKind.PROVED_UP_TO
    if "certificate" in names:
        return VerdictKind.CERTIFIED
    if "statistical" in names:
        return VerdictKind.SUPPORTED
    return VerdictKind.UNDECIDED


@pytest.mark.parametrize("condition", [None, "the sun shines"])
def test_every_combination_of_evidence(atoms: dict[str, Evidence], condition: str | None) -> None:
    names = sorted(atoms)
    subsets = chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))
    for subset in subsets:
        verdict = decide([atoms[name] for name in subset], condition)
        wanted = expected_kind(frozenset(subset), condition is not None)
        assert verdict.kind is wanted, (subset, verdict)
        assert verdict.reason


def test_order_does_not_matter(atoms: dict[str, Evidence]) -> None:
    evidence = [atoms[name] for name in sorted(atoms)]
    for subset in combinations(evidence, 4):
        assert decide(subset).kind is decide(subset[::-1]).kind


@pytest.mark.parametrize(
    ("names", "qualifier"),
    [
        (["exhaustive"], "n = 6"),
        (["exhaustive", "smt bounded"], "n = 6; n = 4"),
        (["certificate"], "1e-6"),
        (["statistical"], "[0, 1]"),
        (["symbolic proof", "exact instances"], None),
    ],
)
def test_qualifier_says_how_far(
    atoms: dict[str, Evidence], names: Sequence[str], qualifier: str | None
) -> None:
    assert decide([atoms[name] for name in names]).qualifier == qualifier


def test_condition_is_the_qualifier(atoms: dict[str, Evidence]) -> None:
    evidence = [
        atoms[name] for name in ("exact refutation", "conditional proof", "conditional instances")
    ]
    assert str(decide(evidence, "K > 2")) == "CONDITIONAL(K > 2)"
    assert decide(evidence).kind is VerdictKind.REFUTED  # no condition named: no way out


def test_a_conditional_proof_alone_says_so(atoms: dict[str, Evidence]) -> None:
    evidence = [atoms["conditional proof"], atoms["conditional instances"]]
    verdict = decide(evidence, "K > 2")
    assert verdict.kind is VerdictKind.UNDECIDED
    assert "holds if K > 2" in verdict.reason


def test_a_contradiction_is_called_one(atoms: dict[str, Evidence]) -> None:
    verdict = decide([atoms["exact refutation"], atoms["symbolic proof"]])
    assert verdict.kind is VerdictKind.REFUTED
    assert "CONTRADICTED by a [symbolic]" in verdict.reason


def test_two_checks_of_one_method_are_not_independent(make_evidence: Make) -> None:
    proof = make_evidence(Method.SYMBOLIC, SUPPORTS, "all_sizes")
    again = make_evidence(Method.SYMBOLIC, SUPPORTS, "all_sizes", name="again")
    assert decide([proof, again]).kind is VerdictKind.UNDECIDED


@pytest.mark.parametrize("method", [Method.EXHAUSTIVE, Method.CERTIFICATE, Method.STATISTICAL])
def test_only_proving_methods_prove(make_evidence: Make, method: Method) -> None:
    claimed = make_evidence(method, SUPPORTS, "all_sizes")
    other = make_evidence(Method.EXACT, SUPPORTS, "instances")
    assert decide([claimed, other]).kind is not VerdictKind.PROVED


def test_inconclusive_evidence_changes_nothing(atoms: dict[str, Evidence]) -> None:
    names = [name for name in sorted(atoms) if name != "timeout"]
    for subset in combinations(names, 3):
        evidence = [atoms[name] for name in subset]
        assert decide([*evidence, atoms["timeout"]]).kind is decide(evidence).kind
