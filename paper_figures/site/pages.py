"""The site's pages: which there are, what each shows, and how text gets into them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import paper_figures
from paper_figures.engine.verdict_looks import LOOKS
from paper_figures.site.claim_view import FLAGS, ClaimView, claim_views, scope_text
from paper_figures.site.figures_on_disk import DrawnFigure, DrawnTable
from paper_figures.site.findings import choose_findings, usual_questions
from paper_figures.site.plain_text import shown
from paper_figures.site.sketch import counterexample_svg
from paper_figures.site.training_runs import MOST_PROBES, Spread

if TYPE_CHECKING:
    from paper_figures.site.build import Report

__all__ = ["render_pages"]

TEMPLATES = Path(paper_figures.__file__).with_name("templates")
GROUPING = "grouping"
_INDENTATION = re.compile(r"\n +(?=<)")


@dataclass(frozen=True, slots=True)
class _Page:
    """One file of the site. ``part`` is the page that the menu marks while this one is read."""

    file: str
    menu: str
    heading: str
    template: str
    part: str
    title: str
    family: str | None = None
    claims: tuple[ClaimView, ...] = ()


@dataclass(frozen=True, slots=True)
class _Script:
    text: Markup
    hash: str


_PARTS = tuple(
    _Page(file, menu, heading, f"{file}.j2", file, title)
    for file, menu, heading, title in (
        ("index.html", "Overview", "What was verified", "what was verified"),
        ("answers.html", "Answers", "Questions and answers", "questions and answers"),
        ("ledger.html", "Ledger", "Ledger of claims", "ledger of claims"),
        ("figures.html", "Figures", "Figures", "figures"),
        ("tables.html", "Tables", "Tables", "tables"),
        ("runs.html", "Runs", "Runs", "runs"),
        ("provenance.html", "Provenance", "Provenance", "provenance"),
    )
)


def render_pages(report: Report) -> dict[str, str]:
    """Render every page, by file name, with the stylesheet that they share.

    Whatever comes from the ledger, the store, the figures' folder or a plug-in is escaped.
    """
    environment = _environment()
    given = _given(report)
    pages = [*_PARTS, *_family_pages(given["families"])]
    files = {page.file: _render(environment, page, given) for page in pages}
    files["site.css"] = _stylesheet()
    return files


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=_seconds,
        scope=scope_text,
        bytes=_bytes,
        number=_number,
        spread=_spread,
        sketch=counterexample_svg,
    )
    return environment


def _render(environment: Environment, page: _Page, given: dict[str, Any]) -> str:
    names = ["every_page.js", *(["ledger.js"] if page.file == "ledger.html" else [])]
    scripts = [_script((TEMPLATES / name).read_text(encoding="utf-8")) for name in names]
    text: str = environment.get_template(page.template).render(page=page, scripts=scripts, **given)
    # Without the templates' indentation. In text and scripts no line starts with blanks and "<".
    return _INDENTATION.sub("\n", text)


def _given(report: Report) -> dict[str, Any]:
    listed = () if report.ledger is None else claim_views(report.ledger["claims"], report.drawn)
    counts = Counter(view.look.kind for view in listed)
    views = {view.claim["id"]: view for view in listed}
    things: tuple[DrawnFigure | DrawnTable, ...] = (*report.drawn, *report.tables)
    questions = usual_questions(views, things, report.undrawn)
    told = sum(len(question.answers) for question in questions)
    probes = () if report.runs is None else report.runs.probes
    return {
        "report": report,
        "parts": _PARTS,
        "claims": listed,
        "views": views,
        "families": _families(listed),
        "flags": [(flag, said) for flag, said in FLAGS if any(flag in v.flags for v in listed)],
        "looks": [(look, counts[look.kind]) for look in LOOKS.values()],
        "findings": choose_findings(listed, report.drawn),
        "questions": questions,
        "other_answers": max(0, sum(len(thing.answers) for thing in things) - told),
        "undrawn": [one for one in report.undrawn if not one.is_table],
        "unmade": [one for one in report.undrawn if one.is_table],
        "answering": [thing for thing in things if thing.answers],
        "vacuous": sum(1 for view in listed if view.claim["vacuous"]["is"]),
        "undecided": counts["UNDECIDED"],
        "repaired": sum(view.repaired_by is not None and view.matters for view in listed),
        "checks": sum(len(view.claim["evidence"]) for view in listed),
        "check_seconds": sum(view.seconds for view in listed),
        "origins": _origins(report),
        "training": () if report.runs is None else report.runs.training,
        "probes": probes[:MOST_PROBES],
        "more_probes": max(0, len(probes) - MOST_PROBES),
        "stored": () if report.runs is None else [one.name for one in report.runs.experiments],
        "grouped": [thing for thing in things if GROUPING in thing.needs],
        "compared": [table for table in report.tables if table.name.startswith("table1")],
    }


def _families(views: Sequence[ClaimView]) -> list[tuple[str, tuple[ClaimView, ...]]]:
    names = dict.fromkeys(view.claim["family"] for view in views)
    return [(name, tuple(v for v in views if v.claim["family"] == name)) for name in names]


def _family_pages(families: list[tuple[str, tuple[ClaimView, ...]]]) -> Iterator[_Page]:
    for family, members in families:
        yield _Page(
            file=members[0].page,
            menu="",
            heading=f"Claims: {family}",
            template="family.html.j2",
            part="ledger.html",
            title=f"claims of the family {family}",
            family=family,
            claims=members,
        )


def _origins(report: Report) -> list[tuple[str, dict[str, Any]]]:
    """Where things came from: this report, the ledger, and the last writer of the store."""
    origins = [("This report", report.provenance["report"])]
    if report.ledger is not None:
        origins.append(("The ledger", report.ledger["provenance"]))
    if report.runs is not None and report.runs.provenance:
        origins.append(("The store, when last written", report.runs.provenance[-1]))
    return origins


def _stylesheet() -> str:
    style = (TEMPLATES / "site.css").read_text(encoding="utf-8")
    verdicts = (
        # The sign is for the eye: after the slash stands what a screen reader says, nothing.
        f".{look.kind} {{ background: {look.color}; color: {look.ink}; }} .{look.kind}::before "
        f'{{ content: "{look.sign} "; content: "{look.sign} " / ""; }}'
        for look in LOOKS.values()
    )
    return style + "\n".join(verdicts) + "\n"


def _script(text: str) -> _Script:
    """The site's own scripts may run and no other, whatever text ends up in a page."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return _Script(Markup(text), f"'sha256-{base64.b64encode(digest).decode('ascii')}'")


def _seconds(value: float) -> str:
    """Write a time for people: 0.31 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if value < 10:
        return f"{value:.2f} s"
    if value < 100:
        return f"{value:.0f} s"
    if value < 6000:
        return f"{int(value // 60)} min {int(value % 60)} s"
    return f"{int(value // 3600)} h {int(value % 3600 // 60)} min"


def _bytes(value: int) -> str:
    return f"{value / 1000:.0f} kB" if value < 1_000_000 else f"{value / 1_000_000:.1f} MB"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _spread(value: Spread | None, unit: str) -> str:
    """Write a mean with its least and most: ``51% (40 to 60)``."""
    if value is None:
        return "–"
    if unit == "percent":
        return f"{value.mean:.0%} ({100 * value.least:.0f} to {100 * value.most:.0f})"
    if unit == "count":
        return f"{value.mean:.1f} ({value.least:.0f} to {value.most:.0f})"
    return f"{value.mean:.3g} ({value.least:.3g} to {value.most:.3g})"
