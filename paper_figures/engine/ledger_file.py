"""Read ledger.json, the file in which the claims' verdicts reach figures and report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, TypedDict, cast

from songoku_theory.errors import InvalidInputError

__all__ = [
    "LEDGER_SCHEMA",
    "VERDICTS",
    "Claim",
    "Counterexample",
    "Difference",
    "Evidence",
    "Expected",
    "Ledger",
    "Source",
    "Vacuous",
    "Verdict",
    "read_ledger",
]

LEDGER_SCHEMA: Final = 1

VERDICTS: Final = (
    "PROVED",
    "PROVED_UP_TO",
    "CERTIFIED",
    "SUPPORTED",
    "CONDITIONAL",
    "REFUTED",
    "UNDECIDED",
)
"""All verdicts, strongest support first."""


class Source(TypedDict):
    """Where a statement stands."""

    paper: str
    section: str
    equations: list[str]


class _NamedText(TypedDict):
    name: str
    text: str


class _Reason(TypedDict, total=False):
    reason: str


class Verdict(_Reason):
    """What the ledger's rules made of the evidence."""

    kind: str
    qualifier: str | None


# "is" is a keyword, so this one needs the functional form.
Vacuous = TypedDict("Vacuous", {"is": bool, "at": str | None})


class _EvidenceExtra(TypedDict, total=False):
    under_condition: bool
    counterexample: str | None


class Evidence(_EvidenceExtra):
    """One check: how, what came out, how far it reaches, how to repeat it."""

    name: str
    method: str
    outcome: str
    scope: str | dict[str, str]
    detail: str
    seconds: float
    replay: str


class _CounterexampleExtra(TypedDict, total=False):
    data: dict[str, Any]
    steps: list[str]


class Counterexample(_CounterexampleExtra):
    """A counterexample's file, what it shows, its numbers and its replay step by step."""

    file: str
    summary: str


class _ClaimExtra(TypedDict, total=False):
    condition: str | None
    notes: str


class Claim(_ClaimExtra):
    """One row of the ledger."""

    id: str
    family: str
    title: str
    statement: str
    plain: str
    source: Source
    assumptions: list[_NamedText]
    used_for: str
    reading: str
    verdict: Verdict
    vacuous: Vacuous
    evidence: list[Evidence]
    counterexample: Counterexample | None
    repaired_by: str | None
    repairs: str | None


class Difference(TypedDict):
    """A verdict that is not the committed one."""

    id: str
    expected: str | None
    found: str | None


class Expected(TypedDict):
    """The comparison with the committed verdicts."""

    matches: bool
    differences: list[Difference]


class Ledger(TypedDict):
    """The whole file."""

    schema: int
    profile: str
    provenance: dict[str, Any]
    claims: list[Claim]
    expected: Expected


def read_ledger(path: Path) -> Ledger | None:
    """Read and check a ledger; None if there is no such file.

    Raises
    ------
    InvalidInputError
        If the file is not a ledger of this schema: with the place and what is wrong there.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"the ledger {path} can't be read: {error}.") from error
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInputError(
            f"the ledger {path} is not JSON (line {error.lineno}: {error.msg}). "
            "Make it again: songoku claims check --all"
        ) from error
    _check_object(found, Ledger.__required_keys__, str(path))
    if found["schema"] != LEDGER_SCHEMA:
        raise InvalidInputError(
            f"the ledger {path} has schema {found['schema']!r}; this version reads "
            f"{LEDGER_SCHEMA}. Make it again: songoku claims check --all"
        )
    _check_claims(found["claims"], str(path))
    _check_object(found["expected"], Expected.__required_keys__, f"{path}, 'expected'")
    return cast("Ledger", found)


def _check_claims(claims: object, where: str) -> None:
    if not isinstance(claims, list):
        raise InvalidInputError(f"{where}: 'claims' should be a list; found {_kind(claims)}.")
    seen: set[str] = set()
    for position, claim in enumerate(claims):
        here = f"{where}, claim number {position + 1}"
        _check_object(claim, Claim.__required_keys__, here)
        here = f"{where}, claim {claim['id']!r}"
        if not isinstance(claim["id"], str) or claim["id"] in seen:
            raise InvalidInputError(f"{here}: ids should be text, each used once.")
        seen.add(claim["id"])
        _check_object(claim["verdict"], Verdict.__required_keys__, f"{here}, its verdict")
        if claim["verdict"]["kind"] not in VERDICTS:
            raise InvalidInputError(
                f"{here}: the verdict should be one of {', '.join(VERDICTS)}; "
                f"found {claim['verdict']['kind']!r}."
            )
        _check_object(claim["source"], Source.__required_keys__, f"{here}, its source")
        _check_object(claim["vacuous"], Vacuous.__required_keys__, f"{here}, 'vacuous'")
        for evidence in claim["evidence"]:
            _check_object(evidence, Evidence.__required_keys__, f"{here}, its evidence")


def _check_object(found: object, required: frozenset[str], where: str) -> None:
    if not isinstance(found, dict):
        raise InvalidInputError(f"{where}: expected an object; found {_kind(found)}.")
    absent = sorted(required - found.keys())
    if absent:
        raise InvalidInputError(
            f"{where}: {', '.join(absent)} missing. Make it again: songoku claims check --all"
        )


def _kind(found: object) -> str:
    return "nothing" if found is None else type(found).__name__
