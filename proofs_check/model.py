"""The vocabulary of the ledger: a claim, its checks, what a check found, and the verdict.

A claim stands together with its checks. A check is a plain function from a
:class:`CheckContext` to a :class:`Finding`; the runner adds the time and the replay command
and makes it :class:`Evidence`; :mod:`proofs_check.verdicts` turns evidence into a verdict.

Differs from
    Nothing here computes: all types are frozen, so that a verdict can't be changed after
    the rules gave it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal, get_args

from songoku_theory.errors import InvalidInputError

__all__ = [
    "Assumption",
    "Check",
    "CheckContext",
    "Claim",
    "Evidence",
    "Finding",
    "Method",
    "Outcome",
    "Profile",
    "Scope",
    "ScopeKind",
    "Source",
    "VacuityFinding",
    "Verdict",
    "VerdictKind",
]

Profile = Literal["quick", "full"]
"""``quick`` checks run always; ``full`` ones only when asked for."""

ScopeKind = Literal["all_sizes", "up_to", "gap", "interval", "instances"]
"""How far a finding reaches: every size, every object up to a size, a certified gap,
a confidence interval, or only the instances that were looked at."""

PaperName = Literal["SON-GOKU", "PTG", "songoku"]


class Method(StrEnum):
    """How a check works; two checks are independent when their methods differ."""

    EXACT = "exact"
    SYMBOLIC = "symbolic"
    SMT = "smt"
    EXHAUSTIVE = "exhaustive"
    CERTIFICATE = "certificate"
    STATISTICAL = "statistical"
    SEARCH = "search"
    WRITTEN_PROOF = "written_proof"


class Outcome(StrEnum):
    """What a check says about the statement that it was given."""

    SUPPORTS = "supports"
    REFUTES = "refutes"
    INCONCLUSIVE = "inconclusive"


class VerdictKind(StrEnum):
    """What the ledger says about a claim; VACUOUS is a flag beside any of them."""

    PROVED = "PROVED"
    PROVED_UP_TO = "PROVED_UP_TO"
    CERTIFIED = "CERTIFIED"
    SUPPORTED = "SUPPORTED"
    REFUTED = "REFUTED"
    CONDITIONAL = "CONDITIONAL"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True, slots=True)
class Scope:
    """How far a finding reaches.

    Parameters
    ----------
    kind : ScopeKind
        ``"all_sizes"`` (everything that the statement quantifies over), ``"up_to"``
        (every object up to a size), ``"gap"``, ``"interval"`` or ``"instances"``.
    value : str
        The reach in words, e.g. ``"all graphs with at most 6 vertices"``.

    Examples
    --------
    >>> Scope("up_to", "n = 6").value
    'n = 6'
    """

    kind: ScopeKind
    value: str

    def __post_init__(self) -> None:
        if self.kind not in get_args(ScopeKind):
            raise InvalidInputError(
                f"a scope's kind should be one of {', '.join(get_args(ScopeKind))}; "
                f"found {self.kind!r}."
            )


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement stands: paper, section, and the numbers of its equations.

    Equations are bare numbers (``"19"``); a theorem or assumption stands by name in ``section``
    (``"App. B.3, Theorem 1"``): :mod:`proofs_check.paper_index` looks for both.
    """

    paper: PaperName
    section: str
    equations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        odd = [number for number in self.equations if not number.isalnum()]
        if odd:
            raise InvalidInputError(
                f"equations should be bare numbers such as '19'; found {odd[0]!r} ({self.section})."
            )

    def __str__(self) -> str:
        where = self.section
        if self.equations:
            where += f", eq. {', '.join(self.equations)}"
        return where


@dataclass(frozen=True, slots=True)
class Assumption:
    """A hypothesis of a claim, in words and, where it can be, as a predicate.

    The predicate takes the objects that the hypothesis speaks of and says whether they meet
    it, in exact arithmetic where the objects are exact. ``None``: nothing that a computer
    could look at.
    """

    name: str
    text: str
    predicate: Callable[..., bool] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check returns.

    Parameters
    ----------
    outcome : Outcome
        Whether the check supports the claim, refutes it, or can't say.
    scope : Scope
        How far that reaches.
    detail : str
        What was done and what came out, with numbers: a person reads this in ``claims show``.
    counterexample : str, optional
        Stem of a file in ``proofs_check/counterexamples``. Without one that replays, a
        refutation is not enough for the verdict REFUTED.
    """

    outcome: Outcome
    scope: Scope
    detail: str
    counterexample: str | None = None


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What a check may use: profile, the store of rows if there is one, and a seed."""

    profile: Profile = "quick"
    store: Path | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """One way to look at a claim.

    Parameters
    ----------
    name : str
        Short, unique within its claim, e.g. ``"closed form by induction"``.
    method : Method
        How it works.
    run : callable
        ``run(context) -> Finding``. Pure: the same context gives the same finding.
    profile : {"quick", "full"}
        ``full`` checks are left out of a quick run.
    doc : str
        What it does, in a sentence.
    under_condition : bool
        True if it looks at the claim *with* ``claim.condition`` added. Such evidence never
        counts for the claim as printed; it decides between REFUTED and CONDITIONAL.
    """

    name: str
    method: Method
    run: Callable[[CheckContext], Finding]
    profile: Profile = "quick"
    doc: str = ""
    under_condition: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """A finding with its origin: which check, by which method, how long, how to repeat it."""

    name: str
    method: Method
    outcome: Outcome
    scope: Scope
    detail: str
    seconds: float
    replay: str
    counterexample: str | None = None
    replayed: bool = False
    """True if the counterexample was replayed and does violate the claim."""
    under_condition: bool = False


@dataclass(frozen=True, slots=True)
class VacuityFinding:
    """Whether a claim says nothing, and at which settings that was evaluated."""

    is_vacuous: bool
    at: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules made of the evidence.

    ``qualifier`` belongs to the kind: the n of PROVED_UP_TO, the gap of CERTIFIED, the
    interval of SUPPORTED, the condition of CONDITIONAL. ``reason`` says which evidence
    decided, or what was missing.
    """

    kind: VerdictKind
    qualifier: str | None = None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.kind}({self.qualifier})" if self.qualifier else str(self.kind)


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of a paper (or of this project) with everything needed to judge it.

    Parameters
    ----------
    id : str
        E.g. ``"EMA-19"``; a repaired row ends in ``-R``.
    family : str
        E.g. ``"ema"``.
    title : str
        A few words.
    statement : str
        As the paper gives it, with LaTeX between dollar signs.
    plain : str
        The same in readable Unicode, exactly as it was judged.
    source : Source
        Where it stands.
    assumptions : tuple of Assumption
        Its hypotheses.
    used_for : str
        What leans on it.
    checks : tuple of Check
        At least two methods where the claim is to be PROVED.
    reading : str
        Which reading of an ambiguous text this row judges.
    condition : str, optional
        The assumption that the paper does not state and without which the claim is false.
    repairs, repaired_by : str, optional
        Ids that link a false claim to its repaired row.
    vacuous : callable, optional
        ``vacuous(context) -> VacuityFinding``.
    notes : str
        Anything a reader should know: doubts, other readings, written proofs.
    """

    id: str
    family: str
    title: str
    statement: str
    plain: str
    source: Source
    assumptions: tuple[Assumption, ...]
    used_for: str
    checks: tuple[Check, ...]
    reading: str = "as printed"
    condition: str | None = None
    repairs: str | None = None
    repaired_by: str | None = None
    vacuous: Callable[[CheckContext], VacuityFinding] | None = field(default=None)
    notes: str = ""
