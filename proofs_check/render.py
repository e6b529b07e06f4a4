"""The ledger in a terminal (or a pipe): tables and one claim in full, with rich."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proofs_check.counterexamples import Counterexample, Replay
from proofs_check.expected import Expectation, Found
from proofs_check.ledger import Difference, Row, verdict_of
from proofs_check.model import Claim, Profile
from proofs_check.paper_index import Item
from proofs_check.runner import ClaimResult

__all__ = [
    "console",
    "show_claim",
    "show_differences",
    "show_index",
    "show_list",
    "show_replay",
    "show_summary",
    "status_of",
]

_STYLES = {
    "PROVED": "green",
    "PROVED_UP_TO": "green",
    "CERTIFIED": "green",
    "SUPPORTED": "cyan",
    "REFUTED": "red",
    "CONDITIONAL": "yellow",
    "UNDECIDED": "magenta",
}
_PIPE_WIDTH = 110
_LABEL_WIDTH = 13
_SHORT = 28


def console() -> Console:
    """Return a console on the command's standard output, wide enough for tables in a pipe."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(width=_PIPE_WIDTH, highlight=False)


def status_of(
    claim: Claim, row: Row | None, expected: Expectation | None, profile: Profile
) -> tuple[str, str, bool]:
    """Return a claim's verdict as text, where that comes from, and whether it is vacuous.

    Returns
    -------
    tuple
        Verdict, ``"checked"``, ``"expected"`` or ``"unchecked"``, vacuous.
    """
    if row is not None:
        found = verdict_of(row)
        return _text(found), "checked", found.vacuous
    if expected is not None:
        wanted = expected.of(profile)
        return _text(wanted), "expected", wanted.vacuous
    return "-", "unchecked", False


def show_list(
    out: Console,
    claims: Sequence[Claim],
    statuses: Mapping[str, tuple[str, str, bool]],
) -> None:
    """Print the table of claims and a summary line."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False, padding=(0, 1))
    table.add_column("id", no_wrap=True)
    table.add_column("claim", ratio=3)
    table.add_column("verdict", ratio=2)
    table.add_column("from", no_wrap=True)
    table.add_column("source", ratio=2)
    for claim in claims:
        verdict, origin, vacuous = statuses[claim.id]
        shown = Text(_shortened(verdict), style=_STYLES.get(verdict.split("(")[0], ""))
        if vacuous:
            shown.append(" VACUOUS", style="yellow")
        source = str(claim.source)
        title = claim.title + (f" (repairs {claim.repairs})" if claim.repairs else "")
        table.add_row(claim.id, Text(title), shown, origin, Text(source))
    out.print(table)
    counts = Counter(statuses[claim.id][0].split("(")[0] for claim in claims)
    out.print(Text(f"{len(claims)} claims: " + _counts(counts)))
    if any(statuses[claim.id][1] == "expected" for claim in claims):
        out.print(
            Text(
                "'expected' verdicts are the committed ones; check them: songoku claims check --all"
            )
        )


def show_index(
    out: Console, items: Mapping[Item, Sequence[str]], verdicts: Mapping[str, str]
) -> None:
    """Print each numbered item of the papers with the claims about it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False, padding=(0, 1))
    table.add_column("paper", no_wrap=True)
    table.add_column("item", no_wrap=True)
    table.add_column("claims")
    for item, ids in items.items():
        shown = Text("none" if not ids else "")
        for number, claim_id in enumerate(ids):
            kind = verdicts[claim_id].split("(")[0]
            shown.append("" if number == 0 else ", ")
            shown.append(f"{claim_id} ")
            shown.append(kind, style=_STYLES.get(kind, ""))
        table.add_row(item.paper, str(item), shown)
    out.print(table)
    without = sum(not ids for ids in items.values())
    out.print(Text(f"{len(items)} items, {without} without a claim"))


def show_claim(
    out: Console,
    claim: Claim,
    row: Row | None,
    expected: Found | None,
    replays: Sequence[tuple[Counterexample, Replay]],
    repaired: Claim | None,
) -> None:
    """Print everything about one claim."""
    out.print(Text(f"{claim.id}  {claim.title}", style="bold"))
    _field(out, "verdict", _verdict_text(row, expected))
    if row is not None and row["verdict"].get("reason"):
        _field(out, "because", Text(row["verdict"]["reason"]))
    _field(out, "statement", Text(claim.statement))
    _field(out, "in words", Text(claim.plain))
    source = f"{claim.source.paper}, {claim.source}"
    _field(out, "source", Text(source))
    _field(out, "reading", Text(claim.reading))
    for item in claim.assumptions:
        _field(out, "assumes", Text(f"{item.name}: {item.text}"))
    if claim.condition:
        _field(out, "true only if", Text(claim.condition))
    _field(out, "used for", Text(claim.used_for))
    if row is not None and row["vacuous"].get("at"):
        label = "vacuous" if row["vacuous"]["is"] else "not vacuous"
        _field(out, label, Text(row["vacuous"]["at"]))
    _show_evidence(out, claim, row)
    for example, replay in replays:
        _show_steps(out, example, replay)
    if repaired is not None:
        _field(out, "repaired", Text(f"{repaired.id}: {repaired.plain}"))
    if claim.repairs:
        _field(out, "repairs", Text(claim.repairs))
    if claim.notes:
        _field(out, "notes", Text(claim.notes))
    _field(out, "check it", Text(f"songoku claims check {claim.id}", style="bold"))


def show_replay(out: Console, example: Counterexample, replay: Replay) -> None:
    """Print one counterexample step by step."""
    _show_steps(out, example, replay)
    if replay.violated:
        out.print(Text(f"Violated, in exact arithmetic: {example.violates}", style="red"))
    else:
        out.print(Text("NOT violated: this file does not refute its claim.", style="bold magenta"))


def show_summary(
    out: Console, results: Sequence[ClaimResult], differences: Sequence[Difference]
) -> None:
    """Print what a run of checks came to."""
    counts = Counter(str(result.verdict.kind) for result in results)
    seconds = sum(result.seconds for result in results)
    out.print(Text(f"{len(results)} claims checked in {seconds:.1f} s: {_counts(counts)}"))
    if not differences:
        out.print(Text("Every verdict is the expected one.", style="green"))
        return
    out.print(Text("Verdicts that differ from the committed expectation:", style="bold red"))
    for item in differences:
        out.print(
            Text(
                f"  {item['id']}: expected {item['expected'] or '(no entry)'}, "
                f"found {item['found'] or '(no such claim)'}"
            )
        )


def show_differences(out: Console, differences: Sequence[Difference]) -> None:
    """Print how two ledgers differ."""
    if not differences:
        out.print("The two ledgers have the same verdicts.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("id", "before", "after"):
        table.add_column(name)
    for item in differences:
        table.add_row(item["id"], item["before"] or "(no row)", item["after"] or "(no row)")
    out.print(table)


def _text(found: Found) -> str:
    return f"{found.kind}({found.qualifier})" if found.qualifier else found.kind


def _shortened(verdict: str) -> str:
    """Keep a long qualifier out of the table; ``show`` has it in full."""
    return verdict if len(verdict) <= _SHORT else verdict[: _SHORT - 1] + "…"


def _counts(counts: Mapping[str, int]) -> str:
    known = [name for name in _STYLES if name in counts]
    names = known + sorted(set(counts) - set(known))
    return ", ".join(f"{counts[name]} {'not checked' if name == '-' else name}" for name in names)


def _verdict_text(row: Row | None, expected: Found | None) -> Text:
    if row is None:
        if expected is None:
            return Text("not checked yet")
        return Text(f"not checked yet; the committed expectation is {expected}")
    found = verdict_of(row)
    text = Text(str(found), style=_STYLES.get(found.kind, ""))
    if expected is not None and str(expected) != str(found):
        text.append(f"  (the committed expectation is {expected})", style="red")
    return text


def _field(out: Console, name: str, value: Text) -> None:
    """Print a label and its text, wrapped beside it; no padding, so that a pipe stays clean."""
    lines = value.wrap(out, max(out.width - _LABEL_WIDTH, 20))
    for number, line in enumerate(lines):
        line.rstrip()
        label = Text((name if number == 0 else "").ljust(_LABEL_WIDTH), style="dim")
        out.print(label + line, soft_wrap=True)


def _show_evidence(out: Console, claim: Claim, row: Row | None) -> None:
    if row is None:
        for check in claim.checks:
            when = " (only with --profile full)" if check.profile == "full" else ""
            _field(out, "would check", Text(f"{check.name} [{check.method}]{when} {check.doc}"))
        return
    for item in row["evidence"]:
        condition = ", under the condition" if item.get("under_condition") else ""
        head = f"{item['name']} [{item['method']}{condition}] {item['outcome']}"
        _field(out, "evidence", Text(f"{head}, {item['seconds']:.2f} s", style="bold"))
        _indent(out, (*item["detail"].splitlines(), f"replay: {item['replay']}"))
    for name in row.get("skipped", ()):
        _field(out, "not run", Text(f"{name} (only with --profile full)"))


def _show_steps(out: Console, example: Counterexample, replay: Replay) -> None:
    _field(out, "counterex.", Text(f"{example.stem}: {example.summary}", style="bold"))
    _indent(out, (f"{number}. {step}" for number, step in enumerate(replay.steps, start=1)))
    _indent(
        out,
        (
            f"violates: {example.violates} ({'yes' if replay.violated else 'NO'}, exactly)",
            f"replay: songoku claims replay {example.stem}",
        ),
    )


def _indent(out: Console, lines: Iterable[str]) -> None:
    for line in lines:
        _field(out, "", Text(line))
