"""From evidence to a verdict: one pure function, no judgement anywhere else.

The rules, in order
    1. A refutation whose counterexample replays in exact arithmetic: REFUTED; but
       CONDITIONAL, if the claim names a missing condition and the evidence under that
       condition is a proof, a bounded proof or a certificate.
    2. A refutation without such a counterexample (a float, a statistic, a solver's word):
       UNDECIDED, whatever else there is.
    3. Support for all sizes by an exact, symbolic, SMT or written proof, and support by at
       least one further method: PROVED.
    4. Support for everything up to a size, by enumeration or SMT: PROVED_UP_TO.
    5. A certificate with its gap: CERTIFIED.
    6. A pre-declared statistical test with its interval: SUPPORTED.
    7. Anything else: UNDECIDED. A timeout, a solver's "unknown", one proof without a second
       method, instances alone: none of them is a pass.

Differs from
    The paper's own standard, a single written proof: one method alone is not enough here,
    because a slip in the proof and a slip in the check would have to agree to go unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proofs_check.model import Evidence, Method, Outcome, Verdict, VerdictKind

__all__ = ["decide"]

_PROOF_METHODS = frozenset({Method.EXACT, Method.SYMBOLIC, Method.SMT, Method.WRITTEN_PROOF})
_BOUNDED_METHODS = frozenset({Method.EXHAUSTIVE, Method.SMT})
_HOLDS_UNDER_CONDITION = frozenset(
    {VerdictKind.PROVED, VerdictKind.PROVED_UP_TO, VerdictKind.CERTIFIED}
)


def decide(evidence: Sequence[Evidence], condition: str | None = None) -> Verdict:
    """Apply the rules of this module.

    Parameters
    ----------
    evidence : sequence of Evidence
        All that the claim's checks found, in any order.
    condition : str, optional
        The claim's missing assumption, if it names one.

    Returns
    -------
    Verdict
        With the reason.

    Examples
    --------
    >>> decide([])
    Verdict(kind=<VerdictKind.UNDECIDED: 'UNDECIDED'>, qualifier=None, reason='no evidence')
    """
    printed = [item for item in evidence if not item.under_condition]
    refuting = [item for item in printed if item.outcome is Outcome.REFUTES]
    exact = [item for item in refuting if item.counterexample is not None and item.replayed]
    if exact:
        return _refuted(exact, printed, evidence, condition)
    if refuting:
        return Verdict(
            VerdictKind.UNDECIDED,
            None,
            f"refuted by {_names(refuting)}, but without a counterexample that replays in "
            f"exact arithmetic",
        )
    verdict = _from_support(printed)
    if verdict.kind is VerdictKind.UNDECIDED and condition is not None:
        conditional = _conditional(evidence)
        if conditional is not None:
            return Verdict(
                VerdictKind.UNDECIDED,
                None,
                f"holds if {condition} ({conditional}), but nothing refutes it without that",
            )
    return verdict


def _refuted(
    exact: Sequence[Evidence],
    printed: Sequence[Evidence],
    evidence: Sequence[Evidence],
    condition: str | None,
) -> Verdict:
    files = ", ".join(sorted({str(item.counterexample) for item in exact}))
    reason = f"counterexample {files}, found by {_names(exact)}, replays in exact arithmetic"
    proofs = [item for item in printed if _is_proof(item)]
    if proofs:
        reason += f"; CONTRADICTED by {_names(proofs)}: one of these checks is wrong"
    elif condition is not None:
        conditional = _conditional(evidence)
        if conditional is not None:
            return Verdict(
                VerdictKind.CONDITIONAL,
                condition,
                f"{reason}; with the condition: {conditional}",
            )
        reason += f"; with the condition ({condition}) it is not established either"
    return Verdict(VerdictKind.REFUTED, None, reason)


def _conditional(evidence: Sequence[Evidence]) -> Verdict | None:
    """The verdict on the claim with its condition added, if that verdict is strong enough."""
    conditional = [item for item in evidence if item.under_condition]
    if any(item.outcome is Outcome.REFUTES for item in conditional):
        return None
    verdict = _from_support(conditional)
    return verdict if verdict.kind in _HOLDS_UNDER_CONDITION else None


def _from_support(evidence: Sequence[Evidence]) -> Verdict:
    supporting = [item for item in evidence if item.outcome is Outcome.SUPPORTS]
    proofs = [item for item in supporting if _is_proof(item)]
    for proof in proofs:
        others = [item for item in supporting if item.method is not proof.method]
        if others:
            return Verdict(VerdictKind.PROVED, None, f"{_names([proof])}; and {_names(others)}")
    bounded = [
        item
        for item in supporting
        if item.method in _BOUNDED_METHODS and item.scope.kind == "up_to"
    ]
    if bounded:
        return Verdict(VerdictKind.PROVED_UP_TO, _reach(bounded), _names(bounded))
    certified = [
        item
        for item in supporting
        if item.method is Method.CERTIFICATE and item.scope.kind == "gap"
    ]
    if certified:
        return Verdict(VerdictKind.CERTIFIED, _reach(certified), _names(certified))
    statistical = [
        item
        for item in supporting
        if item.method is Method.STATISTICAL and item.scope.kind == "interval"
    ]
    if statistical:
        return Verdict(VerdictKind.SUPPORTED, _reach(statistical), _names(statistical))
    return Verdict(VerdictKind.UNDECIDED, None, _what_is_missing(evidence, supporting, proofs))


def _what_is_missing(
    evidence: Sequence[Evidence], supporting: Sequence[Evidence], proofs: Sequence[Evidence]
) -> str:
    if not evidence:
        return "no evidence"
    if proofs:
        return f"{_names(proofs)} for all sizes, but no second, independent method supports it"
    if supporting:
        return f"{_names(supporting)}, but only on instances: no proof, no bound"
    return f"inconclusive: {_names(evidence)}"


def _is_proof(item: Evidence) -> bool:
    return (
        item.outcome is Outcome.SUPPORTS
        and item.method in _PROOF_METHODS
        and item.scope.kind == "all_sizes"
    )


def _names(evidence: Iterable[Evidence]) -> str:
    return ", ".join(f"{item.name} [{item.method}]" for item in evidence)


def _reach(evidence: Iterable[Evidence]) -> str:
    return "; ".join(dict.fromkeys(item.scope.value for item in evidence))
