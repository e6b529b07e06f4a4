"""``songoku claims``: list, show, check, replay, compare and export the ledger."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from proofs_check.expected import Expectation
    from proofs_check.ledger import Ledger, Row
    from proofs_check.model import CheckContext, Claim, Profile
    from proofs_check.runner import ClaimResult

__all__ = ["claims"]

_FLAGS = ("vacuous", "repair", "reading", "mismatch", "unchecked")
_KINDS = (
    "PROVED",
    "PROVED_UP_TO",
    "CERTIFIED",
    "SUPPORTED",
    "REFUTED",
    "CONDITIONAL",
    "UNDECIDED",
)

_ledger_option = click.option(
    "--ledger",
    "ledger_path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("runs") / "ledger.json",
    show_default=True,
    envvar="SONGOKU_LEDGER",
    help="The ledger file.",
)
_profile_option = click.option(
    "--profile",
    type=click.Choice(["quick", "full"]),
    default="quick",
    show_default=True,
    help="quick leaves out the checks that take long.",
)


@click.group()
def claims() -> None:
    """The ledger: every claim with a verdict that replays.

    \b
    songoku claims list --verdict REFUTED
    songoku claims check --all
    songoku claims show EMA-19
    songoku claims replay EMA-18-CARRIED
    """
    # Statements are full of β and ≥; a pipe that only takes ASCII gets them escaped.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@claims.command("list")
@click.option("--family", help="Only claims of this family.")
@click.option(
    "--verdict",
    type=click.Choice(_KINDS, case_sensitive=False),
    help="Only claims with this verdict (checked, or else expected).",
)
@click.option(
    "--flag",
    type=click.Choice(_FLAGS),
    help="vacuous; repair: a repaired row; reading: one reading of an ambiguous text; "
    "mismatch: differs from the expectation; unchecked: not in the ledger.",
)
@_ledger_option
def list_(family: str | None, verdict: str | None, flag: str | None, ledger_path: Path) -> None:
    """List the claims with their verdicts.

    Verdicts come from the ledger file. A claim that is not in it shows the committed
    expectation, marked as such.
    """
    from proofs_check import render
    from proofs_check.expected import load_expected
    from proofs_check.registry import select

    ledger = _read_if_there(ledger_path)
    rows = _rows(ledger)
    expected = load_expected()
    profile = _profile_of(ledger)
    chosen = select(family=family)
    statuses = {
        claim.id: render.status_of(claim, rows.get(claim.id), expected.get(claim.id), profile)
        for claim in chosen
    }
    mismatched = {item["id"] for item in ledger["expected"]["differences"]} if ledger else set()
    keep: dict[str, Callable[[Claim], bool]] = {
        "vacuous": lambda claim: statuses[claim.id][2],
        "repair": lambda claim: claim.repairs is not None,
        "reading": lambda claim: claim.reading != "as printed",
        "mismatch": lambda claim: claim.id in mismatched,
        "unchecked": lambda claim: claim.id not in rows,
    }
    shown = [
        claim
        for claim in chosen
        if (verdict is None or statuses[claim.id][0].split("(")[0] == verdict.upper())
        and (flag is None or keep[flag](claim))
    ]
    render.show_list(render.console(), shown, statuses)


@claims.command("index", short_help="List what the papers number, with the claims about it.")
@click.option("--gaps", "only_gaps", is_flag=True, help="Only items that no claim is about.")
@_ledger_option
def index_(only_gaps: bool, ledger_path: Path) -> None:
    """List every numbered equation, lemma, theorem, assumption and table of the two papers, each
    with the claims about it and their verdicts.
    """
    from proofs_check import render
    from proofs_check.expected import load_expected
    from proofs_check.paper_index import coverage
    from proofs_check.registry import all_claims

    ledger = _read_if_there(ledger_path)
    rows, expected, profile = _rows(ledger), load_expected(), _profile_of(ledger)
    verdicts = {
        claim.id: render.status_of(claim, rows.get(claim.id), expected.get(claim.id), profile)[0]
        for claim in all_claims()
    }
    found = coverage(all_claims())
    shown = {item: ids for item, ids in found.items() if not (only_gaps and ids)}
    render.show_index(render.console(), shown, verdicts)


@claims.command(short_help="Show everything about one claim.")
@click.argument("claim_id", metavar="ID")
@_ledger_option
def show(claim_id: str, ledger_path: Path) -> None:
    """Show one claim: statement, source, assumptions, verdict, evidence, counterexample step
    by step, repaired statement, and how to replay it all.
    """
    from proofs_check import render
    from proofs_check.counterexamples import load, replay
    from proofs_check.expected import load_expected
    from proofs_check.registry import get_claim

    claim = get_claim(claim_id)
    ledger = _read_if_there(ledger_path)
    expectation = load_expected().get(claim.id)
    render.show_claim(
        render.console(),
        claim,
        _rows(ledger).get(claim.id),
        expectation.of(_profile_of(ledger)) if expectation else None,
        [(load(stem), replay(stem)) for stem in _stems_of(claim.id)],
        get_claim(claim.repaired_by) if claim.repaired_by else None,
    )


@claims.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Check every claim.")
@click.option("--family", help="Check every claim of this family.")
@click.option("--only", metavar="NAME", help="Run one check of one claim; writes no ledger.")
@_profile_option
@_ledger_option
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("runs") / "store.sqlite",
    show_default=True,
    envvar="SONGOKU_STORE",
    help="Stored simulation rows, for the claims that read them.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many claims to check at once, each in a process of its own.",
)
@click.option(
    "--expected",
    "expected_path",
    type=click.Path(exists=True, path_type=Path),
    help="Compare with this file or folder instead of the committed expected verdicts.",
)
def check(
    ids: tuple[str, ...],
    all_: bool,
    family: str | None,
    only: str | None,
    profile: str,
    ledger_path: Path,
    store: Path,
    seed: int,
    workers: int,
    expected_path: Path | None,
) -> None:
    """Check claims and write the ledger.

    With ids or a family, those rows are replaced and the others kept. The exit status is 1 when
    a verdict differs from the committed expectation.
    """
    from proofs_check.ledger import refuse_foreign
    from proofs_check.model import CheckContext
    from proofs_check.registry import select

    if not (ids or all_ or family):
        raise click.UsageError("name the claims to check, or a --family, or say --all.")
    if ids and all_:
        raise click.UsageError("give either ids or --all, not both.")
    chosen = select(ids, family)
    kind = cast("Profile", profile)
    context = CheckContext(kind, store if store.exists() else None, seed)
    if only is not None:
        _check_one(chosen, only, context)
        return
    whole = all_ and family is None
    # Find out before the checks run, not after, that their result could not be kept.
    refuse_foreign(ledger_path)
    kept = [] if whole else list(_rows(_read_if_there(ledger_path)).values())
    results = _run(chosen, context, workers)
    differs = _record(results, kind, ledger_path, kept, whole, expected_path)
    click.echo(f"ledger: {ledger_path}")
    if differs:
        sys.exit(1)


@claims.command()
@click.argument("what", metavar="STEM_OR_ID")
def replay(what: str) -> None:
    """Replay a counterexample step by step in exact arithmetic.

    STEM_OR_ID names a counterexample file, or a claim (then all of its counterexamples). The
    exit status is 1 if one of them violates nothing.
    """
    from proofs_check import render
    from proofs_check.counterexamples import available, load
    from proofs_check.counterexamples import replay as replay_exactly
    from proofs_check.registry import all_claims
    from songoku_theory.errors import InvalidInputError, unknown_name

    ids = [claim.id for claim in all_claims()]
    stems = (what,) if what in available() else _stems_of(what)
    if not stems:
        if what in ids:
            raise InvalidInputError(
                f"claim {what!r} has no counterexample. See: songoku claims show {what}"
            )
        raise unknown_name("counterexample or claim", what, (*available(), *ids))
    out = render.console()
    failed = False
    for stem in stems:
        outcome = replay_exactly(stem)
        render.show_replay(out, load(stem), outcome)
        failed = failed or not outcome.violated
    if failed:
        sys.exit(1)


_existing = click.Path(dir_okay=False, path_type=Path)


@claims.command(short_help="Compare the verdicts of two ledger files.")
@click.argument("before", type=_existing)
@click.argument("after", type=_existing)
def diff(before: Path, after: Path) -> None:
    """Compare the verdicts of two ledger files; the exit status is 1 when they differ."""
    from proofs_check import render
    from proofs_check.ledger import diff as compare_ledgers
    from proofs_check.ledger import read

    differences = compare_ledgers(read(before), read(after))
    render.show_differences(render.console(), differences)
    if differences:
        sys.exit(1)


@claims.command()
@click.option(
    "--format",
    "format_",
    type=click.Choice(["md", "json", "latex"]),
    default="md",
    show_default=True,
)
@click.option("--out", type=_existing, help="Write to this file instead of standard output.")
@_ledger_option
def export(format_: str, out: Path | None, ledger_path: Path) -> None:
    """Write the ledger as markdown, JSON, or a LaTeX document."""
    from proofs_check.latex import ledger_latex
    from proofs_check.ledger import read, to_json, to_markdown, write_text

    formats = {"md": to_markdown, "json": to_json, "latex": ledger_latex}
    text = formats[format_](read(ledger_path))
    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(out, text)
        click.echo(f"written: {out}")


def _read_if_there(path: Path) -> Ledger | None:
    from proofs_check.ledger import read

    return read(path) if path.exists() else None


def _rows(ledger: Ledger | None) -> dict[str, Row]:
    from proofs_check.ledger import rows_by_id

    return rows_by_id(ledger) if ledger is not None else {}


def _profile_of(ledger: Ledger | None) -> Profile:
    return cast("Profile", ledger["profile"]) if ledger is not None else "quick"


def _stems_of(claim_id: str) -> tuple[str, ...]:
    from proofs_check.counterexamples import available, load

    return tuple(stem for stem in available() if load(stem).claim == claim_id)


def _check_one(chosen: Iterable[Claim], name: str, context: CheckContext) -> None:
    from proofs_check.runner import run_check
    from songoku_theory.errors import unknown_name

    claims_ = list(chosen)
    if len(claims_) != 1:
        raise click.UsageError("--only goes with exactly one claim id.")
    by_name = {check.name: check for check in claims_[0].checks}
    if name not in by_name:
        raise unknown_name(f"check of {claims_[0].id}", name, by_name)
    evidence = run_check(claims_[0], by_name[name], context)
    click.echo(f"{claims_[0].id}: {evidence.name} [{evidence.method}] {evidence.outcome}")
    click.echo(evidence.detail)
    click.echo(f"{evidence.seconds:.2f} s")


def _run(chosen: tuple[Claim, ...], context: CheckContext, workers: int) -> tuple[ClaimResult, ...]:
    """Run the checks with a bar on a terminal, and a line a claim elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from proofs_check.runner import run_claims

    bar_console = Console(stderr=True)
    if not bar_console.is_terminal:

        def line(number: int, total: int, result: ClaimResult) -> None:
            click.echo(
                f"[{number:>3}/{total}] {result.claim.id}: {result.verdict} "
                f"({result.seconds:.1f} s)",
                err=True,
            )

        return run_claims(chosen, context, line, workers)
    columns = (
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=bar_console) as bar:
        task = bar.add_task("checking", total=len(chosen))

        def advance(number: int, total: int, result: ClaimResult) -> None:
            bar.update(
                task,
                completed=number,
                description=f"{result.claim.id}: {result.verdict.kind}",
            )
            if number == total:
                bar.update(task, description="done")

        return run_claims(chosen, context, advance, workers)


def _record(
    results: tuple[ClaimResult, ...],
    profile: Profile,
    path: Path,
    kept: list[Row],
    whole: bool,
    expected_path: Path | None,
) -> bool:
    """Write the ledger; return whether a verdict of this run differs from the expectation."""
    from proofs_check import render
    from proofs_check.expected import DEFAULT_PATH, compare, load_expected
    from proofs_check.ledger import build, merge, row_of, verdict_of, write
    from proofs_check.registry import all_claims, shipped_ids
    from songoku_theory.provenance import provenance

    expected: dict[str, Expectation] = load_expected(expected_path or DEFAULT_PATH)
    known = shipped_ids()
    new = [row_of(result, profile) for result in results]
    found = {row["id"]: verdict_of(row) for row in new}
    differences = compare(found, expected, profile, known, whole)
    rows = merge(kept, new, [claim.id for claim in all_claims()])
    write(path, build(rows, profile, provenance(), expected, known, whole))
    render.show_summary(render.console(), results, differences)
    return bool(differences)
