"""The committed expectation: which verdict each claim should get.

An unannounced flip must fail, so the expectation is under version control, one file a family
(``expected_verdicts/FAMILY.json``), and changes only with a commit that says why::

    {"schema": 1, "verdicts": {"EMA-19": {"kind": "PROVED"}, ...}}

An entry may add ``"qualifier"`` (compared only where it is given), ``"vacuous": true``, and
``"full": {...}``, the same fields for a full run where that differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs_check.model import Profile, VerdictKind
from songoku_theory.errors import InvalidInputError

__all__ = ["DEFAULT_PATH", "Expectation", "Found", "compare", "load_expected"]

DEFAULT_PATH = Path(__file__).parent / "expected_verdicts"

SCHEMA = 1
_KEYS = {"kind", "qualifier", "vacuous"}


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict in the form in which expectations are compared and shown."""

    kind: str
    qualifier: str | None = None
    vacuous: bool = False

    def __str__(self) -> str:
        text = f"{self.kind}({self.qualifier})" if self.qualifier else self.kind
        return f"{text} VACUOUS" if self.vacuous else text


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a claim should get in a quick and in a full run."""

    quick: Found
    full: Found

    def of(self, profile: Profile) -> Found:
        """Return the expectation for a profile."""
        return self.full if profile == "full" else self.quick


def load_expected(path: Path = DEFAULT_PATH) -> dict[str, Expectation]:
    """Read the expectation.

    Parameters
    ----------
    path : Path
        A JSON file, or a folder of them.

    Returns
    -------
    dict
        From claim id to :class:`Expectation`.

    Raises
    ------
    InvalidInputError
        If the file is missing or not what this module documents, a folder has no such file, or
        two of its files name one claim.
    """
    if not path.is_dir():
        return _load_file(path)
    found: dict[str, Expectation] = {}
    parts = sorted(path.glob("*.json"))
    if not parts:
        raise InvalidInputError(
            f"the expected verdicts should stand in {path}/FAMILY.json; there is no such file. "
            f"Restore them from version control."
        )
    for part in parts:
        entries = _load_file(part)
        twice = sorted(found.keys() & entries.keys())
        if twice:
            raise InvalidInputError(
                f"{part} expects a verdict of {twice[0]!r}, as another file of {path} does; each "
                f"claim should stand in one file."
            )
        found |= entries
    return found


def _load_file(path: Path) -> dict[str, Expectation]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInputError(
            f"the expected verdicts should stand in {path}; there is no such file. Restore it "
            f"from version control."
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not complete JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise InvalidInputError(f'{path} should have "schema": {SCHEMA}; found {found!r}.')
    verdicts = content.get("verdicts")
    if not isinstance(verdicts, dict):
        raise InvalidInputError(f'{path} should have an object "verdicts"; found {verdicts!r}.')
    return {claim_id: _expectation(claim_id, entry, path) for claim_id, entry in verdicts.items()}


def compare(
    found: Mapping[str, Found],
    expected: Mapping[str, Expectation],
    profile: Profile,
    known: Iterable[str],
    whole: bool,
) -> list[dict[str, str | None]]:
    """List where verdicts differ from the expectation.

    Parameters
    ----------
    found : mapping
        Claim id to verdict.
    expected : mapping
        Claim id to expectation.
    profile : {"quick", "full"}
    known : iterable of str
        Ids of the claims that this project ships; another package's claims need no entry.
    whole : bool
        True if every claim was checked: then an expected claim that is not there differs too.

    Returns
    -------
    list of dict
        Each with ``id``, ``expected``, ``found`` (text, or None where there is none).
    """
    own = set(known)
    differences: list[dict[str, str | None]] = []
    for claim_id, verdict in found.items():
        if claim_id not in expected:
            if claim_id in own:
                differences.append({"id": claim_id, "expected": None, "found": str(verdict)})
            continue
        wanted = expected[claim_id].of(profile)
        if not _matches(verdict, wanted):
            differences.append({"id": claim_id, "expected": str(wanted), "found": str(verdict)})
    if whole:
        differences.extend(
            {"id": claim_id, "expected": str(expectation.of(profile)), "found": None}
            for claim_id, expectation in expected.items()
            if claim_id not in found
        )
    return differences


def _matches(found: Found, wanted: Found) -> bool:
    return (
        found.kind == wanted.kind
        and found.vacuous == wanted.vacuous
        and wanted.qualifier in (None, found.qualifier)
    )


def _expectation(claim_id: str, entry: object, path: Path) -> Expectation:
    if not isinstance(entry, dict) or not set(entry) <= _KEYS | {"full"}:
        raise InvalidInputError(
            f"{path}: the entry of {claim_id!r} should be an object with the keys "
            f"{', '.join(sorted(_KEYS))} and full; found {entry!r}."
        )
    quick = _found(claim_id, {k: v for k, v in entry.items() if k != "full"}, path)
    full = _found(claim_id, entry["full"], path) if "full" in entry else quick
    return Expectation(quick, full)


def _found(claim_id: str, fields: Mapping[str, Any], path: Path) -> Found:
    kind = fields.get("kind")
    if kind not in set(VerdictKind):
        raise InvalidInputError(
            f"{path}: the kind of {claim_id!r} should be one of {', '.join(VerdictKind)}; "
            f"found {kind!r}."
        )
    return Found(str(kind), fields.get("qualifier"), bool(fields.get("vacuous", False)))
