"""A ledger row as the pages show it: address, typeset statement, verdict's look, links."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from paper_figures.engine.ledger_file import Claim, Evidence
from paper_figures.engine.verdict_looks import LOOKS, VerdictLook
from paper_figures.site.figures_on_disk import DrawnFigure
from paper_figures.site.mathml import typeset
from paper_figures.site.plain_text import shown

__all__ = ["FLAGS", "ClaimView", "claim_views", "scope_text", "source_text", "verdict_text"]

_PLAIN_ANCHOR = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_PLAIN_FAMILY = re.compile(r"[a-z][a-z0-9_]{0,40}")
_WORD = re.compile(r"[\w.-]+")
OWN_ANCHORS = "part-"
"""The pages' own anchors start like this; no claim's does."""

FLAGS = (
    ("vacuous", "vacuous"),
    ("repaired", "repaired elsewhere"),
    ("repair", "a repair"),
    ("counterexample", "with a counterexample"),
    ("ours", "not claimed by the papers"),
    ("drawn", "drawn in a figure"),
)
"""What the ledger can be filtered by, beside verdict and family."""


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim with everything that the templates need worked out.

    ``page`` and ``anchor`` are its address; ``ledger.html#anchor`` is its row, and stays when a
    claim moves to another family.
    """

    claim: Claim
    page: str
    anchor: str
    look: VerdictLook
    verdict: str
    source: str
    statement: Markup | None
    seconds: float
    mentions: int
    figures: tuple[DrawnFigure, ...] = ()
    repaired_by: ClaimView | None = None
    repairs: ClaimView | None = None

    @property
    def address(self) -> str:
        """Where the claim stands in full."""
        return f"{self.page}#{self.anchor}"

    def repeats(self, evidence: Evidence) -> bool:
        """Whether the claim's own command, which is told once, repeats a piece of evidence."""
        asked = f"songoku claims check {self.claim['id']}"
        named = f"{asked} --only {shlex.quote(evidence['name'])}"
        return evidence["replay"] in (asked, named)

    @property
    def matters(self) -> bool:
        """Whether the front screen should speak of it: it is false or conditional."""
        return self.look.kind in ("REFUTED", "CONDITIONAL")

    @property
    def is_ours(self) -> bool:
        """Whether a paper claims it, or we ask it: a stronger reading, a repair, an extension."""
        return bool(self.claim["source"]["paper"] == "songoku")

    @property
    def flags(self) -> tuple[str, ...]:
        """Which of :data:`FLAGS` it has."""
        has = {
            "vacuous": self.claim["vacuous"]["is"],
            "repaired": self.repaired_by is not None,
            "repair": self.repairs is not None,
            "counterexample": self.claim["counterexample"] is not None,
            "ours": self.is_ours,
            "drawn": bool(self.figures),
        }
        return tuple(flag for flag, _ in FLAGS if has[flag])


def claim_views(
    claims: Iterable[Claim], figures: Sequence[DrawnFigure] = ()
) -> tuple[ClaimView, ...]:
    """Prepare all claims; links between a claim and its repair go both ways."""
    listed = list(claims)
    mentions = _mentions(listed)
    views = {claim["id"]: _view(claim, mentions[claim["id"]], figures) for claim in listed}
    return tuple(
        replace(
            view,
            repaired_by=views.get(view.claim["repaired_by"] or ""),
            repairs=views.get(view.claim["repairs"] or ""),
        )
        for view in views.values()
    )


def _view(claim: Claim, mentions: int, figures: Sequence[DrawnFigure]) -> ClaimView:
    return ClaimView(
        claim=claim,
        page=_page(claim["family"]),
        anchor=_anchor(claim["id"]),
        look=LOOKS[claim["verdict"]["kind"]],
        verdict=verdict_text(claim),
        source=source_text(claim),
        statement=typeset(str(shown(claim["statement"]))),
        seconds=sum(evidence["seconds"] for evidence in claim["evidence"]),
        mentions=mentions,
        figures=tuple(figure for figure in figures if claim["id"] in figure.claims),
    )


def _mentions(claims: Sequence[Claim]) -> Mapping[str, int]:
    """Count for each claim the other rows that speak of it, its own repair aside."""
    ids = {claim["id"] for claim in claims}
    counts: Counter[str] = Counter()
    for claim in claims:
        words = {word.strip(".-") for word in _WORD.findall(_prose(claim))}
        counts.update((words & ids) - {claim["id"], claim["repairs"]})
    return counts


def _prose(claim: Claim) -> str:
    details = (evidence["detail"] for evidence in claim["evidence"])
    written = (claim["plain"], claim["reading"], claim["used_for"], claim.get("notes") or "")
    return " ".join((*written, *details))


def _anchor(claim_id: str) -> str:
    """Give the claim's address on its page: its id, or a name made from it where it has spaces."""
    if _PLAIN_ANCHOR.fullmatch(claim_id) and not claim_id.startswith(OWN_ANCHORS):
        return claim_id
    return f"claim-{_readable(claim_id)}"


def _page(family: str) -> str:
    """Give the file of a family's page, a name that any disk can hold."""
    return f"claims-{family if _PLAIN_FAMILY.fullmatch(family) else _readable(family)}.html"


def _readable(name: str) -> str:
    letters = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40]
    return f"{letters}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def verdict_text(claim: Claim) -> str:
    """Write the verdict with its qualifier: ``PROVED UP TO (n = 6)``."""
    kind, qualifier = claim["verdict"]["kind"].replace("_", " "), claim["verdict"]["qualifier"]
    return f"{kind} ({qualifier})" if qualifier else kind


def source_text(claim: Claim) -> str:
    """Write where the statement stands: paper, section, equations."""
    source = claim["source"]
    numbers = [equation.removeprefix("eq.").strip() for equation in source["equations"]]
    equations = f", eq. {', '.join(numbers)}" if numbers else ""
    return f"{source['paper']}, {source['section']}{equations}"


def scope_text(scope: str | dict[str, str]) -> str:
    """Write how far a piece of evidence reaches."""
    if isinstance(scope, str):
        return scope
    return f"{scope.get('kind', '').replace('_', ' ')}: {scope.get('value', '')}"
