"""A ledger as markdown, for people who read it outside a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

__all__ = ["ledger_markdown"]


def ledger_markdown(ledger: Mapping[str, Any]) -> str:
    """Return the whole ledger: a summary, a table, then a section for each claim.

    Parameters
    ----------
    ledger : mapping
        As :func:`proofs_check.ledger.read` gives it.

    Returns
    -------
    str
    """
    rows = ledger["claims"]
    counts = Counter(row["verdict"]["kind"] for row in rows)
    summary = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    parts = [
        "# Claims ledger",
        "",
        f"{len(rows)} claims ({summary or 'none'}); profile {ledger['profile']}.",
        "",
        *_expectation_lines(ledger["expected"]),
        "",
        "| id | claim | verdict | source |",
        "|---|---|---|---|",
        *(_table_line(row) for row in rows),
        "",
    ]
    for row in rows:
        parts.extend(_section(row))
    return "\n".join(parts).rstrip() + "\n"


def _expectation_lines(expected: Mapping[str, Any]) -> list[str]:
    if expected["matches"]:
        return ["Every verdict is the expected one."]
    return [
        "**Verdicts that differ from the committed expectation:**",
        "",
        *(
            f"- {item['id']}: expected {item['expected'] or 'no such claim'}, "
            f"found {item['found'] or 'no such claim'}"
            for item in expected["differences"]
        ),
    ]


def _verdict(row: Mapping[str, Any]) -> str:
    verdict = row["verdict"]
    text = verdict["kind"]
    if verdict.get("qualifier"):
        text += f" ({verdict['qualifier']})"
    return f"{text}, VACUOUS" if row["vacuous"]["is"] else str(text)


def _source(row: Mapping[str, Any]) -> str:
    source = row["source"]
    equations = f", eq. {', '.join(source['equations'])}" if source.get("equations") else ""
    return f"{source['paper']}, {source['section']}{equations}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _table_line(row: Mapping[str, Any]) -> str:
    cells = (row["id"], row["title"], _verdict(row), _source(row))
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _section(row: Mapping[str, Any]) -> list[str]:
    lines = [
        f"## {row['id']}: {row['title']}",
        "",
        f"**{_verdict(row)}** — {row['verdict'].get('reason', '')}",
        "",
        f"> {row.get('statement') or row['plain']}",
        "",
        f"In words: {row['plain']}",
        "",
        f"Source: {_source(row)}. Reading: {row.get('reading', 'as printed')}.",
        "",
    ]
    if row.get("assumptions"):
        lines += [f"- {item['name']}: {item['text']}" for item in row["assumptions"]] + [""]
    lines += [f"Used for: {row['used_for']}", ""] if row.get("used_for") else []
    lines += [f"Repaired by {row['repaired_by']}.", ""] if row.get("repaired_by") else []
    lines += [f"Repairs {row['repairs']}.", ""] if row.get("repairs") else []
    if row.get("counterexample"):
        example = row["counterexample"]
        lines += [
            f"Counterexample: {example['summary']} (`songoku claims replay {example['file']}`)",
            "",
        ]
    if row["vacuous"].get("at"):
        flag = "Vacuous" if row["vacuous"]["is"] else "Not vacuous"
        lines += [f"{flag}: {row['vacuous']['at']}", ""]
    for item in row["evidence"]:
        condition = ", under the condition" if item.get("under_condition") else ""
        lines += [
            f"- **{item['name']}** ({item['method']}{condition}, {item['outcome']}, "
            f"{item['seconds']} s; `{item['replay']}`):",
            *(f"  {line}" for line in item["detail"].splitlines()),
        ]
    lines += ["", f"Notes: {row['notes']}", ""] if row.get("notes") else [""]
    return lines
