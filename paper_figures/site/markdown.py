"""The ledger as markdown, for people who read it beside the code."""

from __future__ import annotations

import re

from paper_figures.engine.ledger_file import VERDICTS, Claim, Ledger
from paper_figures.site.claim_view import scope_text, source_text, verdict_text

__all__ = ["ledger_markdown"]

_SPECIAL = re.compile(r"([\\`*<>|\[\]#])")


def ledger_markdown(ledger: Ledger) -> str:
    """Write the whole ledger: counts, a table, then a section for each claim.

    Parameters
    ----------
    ledger : dict
        As :func:`paper_figures.engine.ledger_file.read_ledger` gives it.
    """
    claims = ledger["claims"]
    kinds = [claim["verdict"]["kind"] for claim in claims]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in VERDICTS if kind in kinds)
    lines = [
        "# Ledger of claims",
        "",
        f"{len(claims)} claims: {counts}. Profile {_plain(ledger['profile'])}.",
        "",
        *_expected(ledger),
        "| id | claim | verdict | source |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {_plain(claim['id'])} | {_plain(claim['title'])} | {_flagged(claim)} | "
        f"{_plain(source_text(claim))} |"
        for claim in claims
    ]
    for claim in claims:
        lines += ["", *_section(claim)]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Take the meaning from markdown's special characters and keep the text on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence} {' '.join(text.split())} {fence}" if "`" in text else f"`{text}`"


def _flagged(claim: Claim) -> str:
    text = _plain(verdict_text(claim))
    return f"{text}, VACUOUS" if claim["vacuous"]["is"] else text


def _expected(ledger: Ledger) -> list[str]:
    if ledger["expected"]["matches"]:
        return ["Every verdict is the committed one.", ""]
    lines = ["**Verdicts that differ from the committed ones:**", ""]
    lines += [
        f"- {_plain(item['id'])}: expected {_plain(item['expected'] or 'no such claim')}, "
        f"found {_plain(item['found'] or 'no such claim')}"
        for item in ledger["expected"]["differences"]
    ]
    return [*lines, ""]


def _section(claim: Claim) -> list[str]:
    lines = [
        f"## {_plain(claim['id'])}: {_plain(claim['title'])}",
        "",
        f"**{_flagged(claim)}** ({_plain(source_text(claim))})",
        "",
        _plain(claim["plain"]),
        "",
        f"As printed: {_code(claim['statement'])}",
        "",
    ]
    lines += [f"- reading: {_plain(claim['reading'])}", f"- used for: {_plain(claim['used_for'])}"]
    lines += [f"- assumes {_plain(a['name'])}: {_plain(a['text'])}" for a in claim["assumptions"]]
    if claim["vacuous"]["is"]:
        lines.append(f"- vacuous at: {_plain(claim['vacuous']['at'] or 'not said')}")
    if claim["counterexample"] is not None:
        lines.append(
            f"- counterexample {_code(claim['counterexample']['file'])}: "
            f"{_plain(claim['counterexample']['summary'])}"
        )
    for name, other in (("repaired by", claim["repaired_by"]), ("repairs", claim["repairs"])):
        if other:
            lines.append(f"- {name} {_plain(other)}")
    lines += [
        "",
        "| check | method | outcome | scope | seconds | replay |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {_plain(e['name'])} | {_plain(e['method'])} | {_plain(e['outcome'])} | "
        f"{_plain(scope_text(e['scope']))} | {e['seconds']:.2f} | {_code(e['replay'])} |"
        for e in claim["evidence"]
    ]
    return lines
