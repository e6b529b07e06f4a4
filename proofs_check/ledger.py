"""The ledger file: rows as JSON, written atomically, read with care, compared, exported.

The schema is ``SCHEMA``; ``README`` and the report read the same file. A row is everything
that a reader needs, so that the file can be read without this package.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proofs_check.counterexamples import load, replay
from proofs_check.expected import Expectation, Found, compare
from proofs_check.model import Claim, Evidence, Outcome, Profile
from proofs_check.runner import ClaimResult
from songoku_theory.errors import StoreError

__all__ = [
    "DEFAULT_PATH",
    "SCHEMA",
    "Difference",
    "Ledger",
    "Row",
    "build",
    "claim_fields",
    "diff",
    "merge",
    "read",
    "refuse_foreign",
    "row_of",
    "rows_by_id",
    "to_json",
    "to_markdown",
    "verdict_of",
    "write",
    "write_text",
]

SCHEMA = 1
DEFAULT_PATH = Path("runs") / "ledger.json"

Row = dict[str, Any]
Ledger = dict[str, Any]
Difference = dict[str, str | None]

_ROW_KEYS = {"id", "family", "title", "plain", "source", "verdict", "vacuous", "evidence"}
_MAKE_ONE = "Make one with: songoku claims check --all"


def claim_fields(claim: Claim) -> Row:
    """Return what a row says about a claim before anything was checked."""
    return {
        "id": claim.id,
        "family": claim.family,
        "title": claim.title,
        "statement": claim.statement,
        "plain": claim.plain,
        "source": {
            "paper": claim.source.paper,
            "section": claim.source.section,
            "equations": list(claim.source.equations),
        },
        "assumptions": [{"name": item.name, "text": item.text} for item in claim.assumptions],
        "used_for": claim.used_for,
        "reading": claim.reading,
        "condition": claim.condition,
        "notes": claim.notes,
        "repaired_by": claim.repaired_by,
        "repairs": claim.repairs,
    }


def row_of(result: ClaimResult, profile: Profile) -> Row:
    """Return the row of a checked claim."""
    return {
        **claim_fields(result.claim),
        "verdict": {
            "kind": str(result.verdict.kind),
            "qualifier": result.verdict.qualifier,
            "reason": result.verdict.reason,
        },
        "vacuous": {"is": result.vacuous.is_vacuous, "at": result.vacuous.at or None},
        "evidence": [_evidence_fields(item) for item in result.evidence],
        "skipped": list(result.skipped),
        "counterexample": _counterexample_fields(result.evidence),
        "seconds": round(result.seconds, 3),
        "profile": profile,
        "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def verdict_of(row: Mapping[str, Any]) -> Found:
    """Return a row's verdict in comparable form."""
    verdict = row["verdict"]
    return Found(verdict["kind"], verdict.get("qualifier"), bool(row["vacuous"]["is"]))


def rows_by_id(ledger: Mapping[str, Any]) -> dict[str, Row]:
    """Return the rows of a ledger by claim id."""
    return {row["id"]: row for row in ledger["claims"]}


def build(
    rows: Sequence[Row],
    profile: Profile,
    provenance: Mapping[str, Any],
    expected: Mapping[str, Expectation],
    known: Iterable[str],
    whole: bool,
) -> Ledger:
    """Put a ledger together.

    Parameters
    ----------
    rows : sequence of Row
        From :func:`row_of`, in the order in which they should stand.
    profile : {"quick", "full"}
        Of this run.
    provenance : mapping
        Versions, commit, machine of this run.
    expected : mapping
        From :func:`proofs_check.expected.load_expected`.
    known : iterable of str
        Ids of all claims that this project ships.
    whole : bool
        True if this run checked every claim: then one that is expected but not there differs.

    Returns
    -------
    Ledger
        Ready for :func:`write`.
    """
    known = list(known)
    differences: list[Difference] = []
    # A ledger may hold rows of an earlier run; each is compared with its own profile.
    groups: tuple[Profile, ...] = ("quick", "full")
    for group in groups:
        found = {row["id"]: verdict_of(row) for row in rows if row["profile"] == group}
        differences += compare(found, expected, group, known, whole and group == profile)
    return {
        "schema": SCHEMA,
        "profile": profile,
        "provenance": dict(provenance),
        "claims": list(rows),
        "expected": {"matches": not differences, "differences": differences},
    }


def merge(old: Sequence[Row], new: Sequence[Row], order: Sequence[str]) -> list[Row]:
    """Replace rows by newer ones of the same id, keep the rest, in the given order of ids.

    Rows of claims that no longer exist are dropped.

    Examples
    --------
    >>> merge([{"id": "B", "v": 1}, {"id": "A", "v": 1}], [{"id": "B", "v": 2}], ["A", "B"])
    [{'id': 'A', 'v': 1}, {'id': 'B', 'v': 2}]
    """
    by_id = {row["id"]: row for row in (*old, *new)}
    return [by_id[claim_id] for claim_id in order if claim_id in by_id]


def write(path: Path, ledger: Ledger) -> None:
    """Write a ledger atomically: readers see the old file or the new one, never half of one.

    Parameters
    ----------
    path : Path
        Folders are made as needed.
    ledger : Ledger

    Raises
    ------
    StoreError
        If it can't be written; a ledger that was there before is unchanged.
    """
    write_text(path, to_json(ledger))


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically; see :func:`write`.

    Raises
    ------
    StoreError
        If it can't be written; what was there before is unchanged.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as handle:
            temporary = Path(handle.name)
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.chmod(0o644)  # temporary files are private; a ledger is read by others
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise StoreError(
            f"{path} can't be written: {error.strerror or error}. What was there before is "
            f"unchanged; free some space or name another file."
        ) from error


def read(path: Path) -> Ledger:
    """Read a ledger.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Ledger

    Raises
    ------
    StoreError
        If there is none, it is cut short or no ledger, or it has another schema.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise StoreError(f"there is no ledger at {path}. {_MAKE_ONE} --ledger {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"the ledger {path} can't be read: {error}.") from error
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise StoreError(
            f"the ledger {path} is not complete JSON (line {error.lineno}: {error.msg}); it was "
            f"cut short, edited or no ledger. Move it away. {_MAKE_ONE} --ledger {path}"
        ) from error
    _check_shape(content, path)
    ledger: Ledger = content
    return ledger


def refuse_foreign(path: Path) -> None:
    """Refuse to replace a file that can't be a ledger, such as a store of rows.

    A ledger that was cut short or has another schema may be replaced: its verdicts are made
    again from nothing.

    Raises
    ------
    StoreError
        If the file is there and does not start as a JSON object does.
    """
    try:
        with path.open("rb") as handle:
            start = handle.read(64).lstrip()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"the ledger {path} can't be read: {error}.") from error
    if start and not start.startswith(b"{"):
        raise StoreError(
            f"{path} is no ledger and would be overwritten; name another file with --ledger PATH."
        )


def diff(before: Ledger, after: Ledger) -> list[Difference]:
    """List the claims whose verdict or flag differs between two ledgers.

    Returns
    -------
    list of dict
        Each with ``id``, ``before``, ``after``; None where a ledger has no such row.
    """
    old, new = rows_by_id(before), rows_by_id(after)
    differences: list[Difference] = []
    for claim_id in dict.fromkeys((*old, *new)):
        left = str(verdict_of(old[claim_id])) if claim_id in old else None
        right = str(verdict_of(new[claim_id])) if claim_id in new else None
        if left != right:
            differences.append({"id": claim_id, "before": left, "after": right})
    return differences


def to_json(ledger: Ledger) -> str:
    """Return the ledger as JSON text."""
    return json.dumps(ledger, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_markdown(ledger: Ledger) -> str:
    """Return the ledger as markdown: a summary table, then a section for each claim."""
    from proofs_check.markdown import ledger_markdown

    return ledger_markdown(ledger)


def _check_shape(content: object, path: Path) -> None:
    if not isinstance(content, dict) or "schema" not in content:
        raise StoreError(f'{path} is not a ledger: it has no "schema". {_MAKE_ONE}')
    if content["schema"] != SCHEMA:
        raise StoreError(
            f"the ledger {path} has schema {content['schema']!r}; this version reads schema "
            f"{SCHEMA}. Keep the file elsewhere if you need it. {_MAKE_ONE}"
        )
    rows = content.get("claims")
    if not isinstance(rows, list) or not isinstance(content.get("expected"), dict):
        raise StoreError(f'{path} is not a ledger: expected a list "claims" and an "expected".')
    for number, row in enumerate(rows):
        missing = _ROW_KEYS - set(row) if isinstance(row, dict) else _ROW_KEYS
        if missing:
            raise StoreError(
                f"row {number} of the ledger {path} lacks {', '.join(sorted(missing))}. {_MAKE_ONE}"
            )


def _evidence_fields(item: Evidence) -> Row:
    return {
        "name": item.name,
        "method": str(item.method),
        "outcome": str(item.outcome),
        "scope": {"kind": item.scope.kind, "value": item.scope.value},
        "detail": item.detail,
        "seconds": round(item.seconds, 3),
        "replay": item.replay,
        "counterexample": item.counterexample,
        "under_condition": item.under_condition,
    }


def _counterexample_fields(evidence: Iterable[Evidence]) -> Row | None:
    for item in evidence:
        if item.outcome is Outcome.REFUTES and item.counterexample and item.replayed:
            example = load(item.counterexample)
            return {
                "file": item.counterexample,
                "summary": example.summary,
                "data": dict(example.data),
                "steps": list(replay(item.counterexample).steps),
            }
    return None
