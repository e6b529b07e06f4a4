"""Build the report: gather what is there, say what is not, write each file whole."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import paper_figures
from paper_figures.engine.files import make_folder, write_whole
from paper_figures.engine.ledger_file import Ledger, read_ledger
from paper_figures.engine.registry import LEDGER, available_figures
from paper_figures.engine.verdict_looks import LOOKS
from paper_figures.site.claim_view import claim_views, scope_text
from paper_figures.site.figures_on_disk import KINDS, DrawnFigure, UndrawnFigure, read_figures
from paper_figures.site.markdown import ledger_markdown
from paper_figures.site.runs import Runs, read_runs
from paper_figures.site.sketch import counterexample_svg
from songoku_theory.errors import SongokuError
from songoku_theory.provenance import provenance

__all__ = ["Gap", "Report", "build_report", "gather", "render_page"]

TEMPLATES = Path(paper_figures.__file__).with_name("templates")
PROVENANCE_SCHEMA = 1
MOST_FINDINGS = 6
"""How many false or conditional claims the front screen tells in full; it lists the others."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the report should show and can't: what, why, and the command that helps."""

    what: str
    why: str
    command: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows."""

    ledger: Ledger | None
    runs: Runs | None
    drawn: tuple[DrawnFigure, ...]
    undrawn: tuple[UndrawnFigure, ...]
    gaps: tuple[Gap, ...]
    provenance: dict[str, Any]


def build_report(store: Path, ledger: Path, out: Path, figures: Path | None = None) -> Report:
    """Write the report's files and return what went into them.

    Parameters
    ----------
    store, ledger : Path
        Either may be missing: the page then says so.
    out : Path
        The folder of the report; ``index.html``, ``ledger.md``, ``ledger.json`` and
        ``provenance.json`` are written there.
    figures : Path, optional
        Where ``songoku figures`` wrote; ``out/figures`` if None. Figures from elsewhere are
        copied there.

    Raises
    ------
    InvalidInputError
        If a file can't be written; the files that were there are kept.
    """
    make_folder(out)
    own = out / "figures"
    if figures is not None and figures.resolve() != own.resolve() and figures.is_dir():
        _copy_figures(figures, own)
    report = gather(store, ledger, own)
    # Everything is ready before the first file is touched, and the page comes last: a build that
    # fails leaves the last good page.
    files: dict[str, str | bytes] = {"provenance.json": _as_json(report.provenance)}
    if report.ledger is not None:
        files["ledger.md"] = ledger_markdown(report.ledger)
        files["ledger.json"] = ledger.read_bytes()
    files["index.html"] = render_page(report)
    for name in ("ledger.md", "ledger.json"):
        if name not in files:
            (out / name).unlink(missing_ok=True)  # of an earlier build: the page does not show it
    for name, content in files.items():
        write_whole(out / name, content)
    return report


def gather(store: Path, ledger: Path, figures: Path) -> Report:
    """Read ledger, store and drawn figures; what can't be read becomes a gap."""
    gaps: list[Gap] = []
    found = _read_ledger(ledger, gaps)
    runs = _read_runs(store, gaps)
    digest = hashlib.sha256(ledger.read_bytes()).hexdigest() if found is not None else None
    drawn, undrawn = read_figures(
        figures, available_figures(), None if runs is None else runs.keys, digest
    )
    if undrawn:
        names = ", ".join(figure.name for figure in undrawn)
        gaps.append(Gap("some figures", f"Not drawn: {names}.", "songoku figures"))
    return Report(
        ledger=found,
        runs=runs,
        drawn=drawn,
        undrawn=undrawn,
        gaps=tuple(gaps),
        provenance=_origins(found, digest, runs, drawn),
    )


def _read_ledger(path: Path, gaps: list[Gap]) -> Ledger | None:
    try:
        found = read_ledger(path)
    except SongokuError as error:
        gaps.append(Gap("the ledger", str(error), LEDGER.command))
        return None
    if found is None:
        gaps.append(Gap("the ledger", f"There is no ledger at {path}.", LEDGER.command))
    return found


def _read_runs(path: Path, gaps: list[Gap]) -> Runs | None:
    command = "songoku sweep run quick"
    if not path.exists():
        gaps.append(Gap("the store", f"There is no store at {path}.", command))
        return None
    try:
        return read_runs(path)
    except SongokuError as error:
        gaps.append(Gap("the store", str(error), command))
        return None


def _copy_figures(source: Path, target: Path) -> None:
    make_folder(target)
    for kind in KINDS:
        for path in sorted(source.glob(f"*.{kind}")):
            write_whole(target / path.name, path.read_bytes())


def _origins(
    ledger: Ledger | None, digest: str | None, runs: Runs | None, drawn: tuple[DrawnFigure, ...]
) -> dict[str, Any]:
    stored = None
    if runs is not None:
        stored = {
            "path": str(runs.path),
            "written_by": list(runs.provenance),
            "experiments": {
                found.name: {
                    "versions": list(found.versions),
                    "finished": found.done,
                    "failed": found.failed,
                    "seconds": round(found.seconds, 3),
                    "statistics": found.statistics,
                    "keys": list(found.keys),
                }
                for found in runs.experiments
            },
        }
    return {
        "schema": PROVENANCE_SCHEMA,
        "report": provenance(),
        "ledger": None
        if ledger is None
        else {
            "sha256": digest,
            "profile": ledger["profile"],
            "provenance": ledger["provenance"],
        },
        "store": stored,
        "figures": {
            figure.name: {
                "claims": list(figure.claims),
                "keys": list(figure.keys),
                "style": figure.style,
                "commit": figure.commit,
                "doubts": list(figure.doubts),
            }
            for figure in drawn
        },
    }


def _as_json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def render_page(report: Report) -> str:
    """Render index.html. Whatever comes from the ledger, the store or a plug-in is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=_seconds, scope=scope_text, bytes=_bytes, sketch=counterexample_svg
    )
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    views = () if report.ledger is None else claim_views(report.ledger["claims"])
    counts = Counter(view.look.kind for view in views)
    page: str = environment.get_template("report.html.j2").render(
        report=report,
        claims=views,
        anchors={view.claim["id"]: view.anchor for view in views},
        origins=_shown_origins(report),
        families=list(dict.fromkeys(view.claim["family"] for view in views)),
        looks=[(look, counts[look.kind]) for look in LOOKS.values()],
        findings=sorted(
            (view for view in views if view.matters and not view.is_ours),
            key=lambda view: (-view.mentions, view.look.kind != "REFUTED"),
        ),
        front=MOST_FINDINGS,
        stronger=[view for view in views if view.matters and view.is_ours],
        vacuous=[view for view in views if view.claim["vacuous"]["is"]],
        undecided=[view for view in views if view.look.kind == "UNDECIDED"],
        checks=sum(len(view.claim["evidence"]) for view in views),
        check_seconds=sum(view.seconds for view in views),
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=_policy_hash(script),
    )
    return page


def _shown_origins(report: Report) -> list[tuple[str, dict[str, Any]]]:
    """Where things came from: this report, the ledger, and the last writer of the store."""
    origins = [("This report", report.provenance["report"])]
    if report.ledger is not None:
        origins.append(("The ledger", report.ledger["provenance"]))
    if report.runs is not None and report.runs.provenance:
        origins.append(("The store, when last written", report.runs.provenance[-1]))
    return origins


def _policy_hash(script: str) -> str:
    """The page's own script may run and no other, whatever text ends up in the page."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _seconds(value: float) -> str:
    """Write a time for people: 0.31 s, 12 s, 3 min 20 s."""
    if value < 10:
        return f"{value:.2f} s"
    if value < 100:
        return f"{value:.0f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def _bytes(value: int) -> str:
    return f"{value / 1000:.0f} kB" if value < 1_000_000 else f"{value / 1_000_000:.1f} MB"
