"""A ledger row as the page shows it: anchors, typeset statement, verdict's look, links."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from paper_figures.engine.ledger_file import Claim
from paper_figures.engine.verdict_looks import LOOKS, VerdictLook
from paper_figures.site.mathml import typeset

__all__ = ["ClaimView", "claim_views", "scope_text", "source_text", "verdict_text"]

_PLAIN_ANCHOR = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
OWN_ANCHORS = "part-"
"""The page's own anchors start like this; no claim's does."""


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim with everything that the templates need worked out."""

    claim: Claim
    anchor: str
    look: VerdictLook
    verdict: str
    source: str
    statement: Markup | None
    seconds: float
    repaired_by: ClaimView | None
    repairs: ClaimView | None
    found_text: str
    mentions: int

    @property
    def matters(self) -> bool:
        """Whether the front screen should speak of it: it is false or conditional."""
        return self.look.kind in ("REFUTED", "CONDITIONAL")

    @property
    def is_ours(self) -> bool:
        """Whether a paper claims it, or we ask it: a stronger reading, a repair, an extension."""
        return bool(self.claim["source"]["paper"] == "songoku")


def claim_views(claims: Iterable[Claim]) -> tuple[ClaimView, ...]:
    """Prepare all claims; links between a claim and its repair go both ways."""
    listed = list(claims)
    views = {claim["id"]: _view(claim, listed) for claim in listed}
    return tuple(
        ClaimView(
            claim=view.claim,
            anchor=view.anchor,
            look=view.look,
            verdict=view.verdict,
            source=view.source,
            statement=view.statement,
            seconds=view.seconds,
            repaired_by=views.get(view.claim["repaired_by"] or ""),
            repairs=views.get(view.claim["repairs"] or ""),
            found_text=view.found_text,
            mentions=view.mentions,
        )
        for view in views.values()
    )


def _view(claim: Claim, ledger: list[Claim]) -> ClaimView:
    searched = (claim["id"], claim["title"], claim["plain"], claim["statement"])
    return ClaimView(
        claim=claim,
        anchor=_anchor(claim["id"]),
        look=LOOKS[claim["verdict"]["kind"]],
        verdict=verdict_text(claim),
        source=source_text(claim),
        statement=typeset(claim["statement"]),
        seconds=sum(evidence["seconds"] for evidence in claim["evidence"]),
        repaired_by=None,
        repairs=None,
        found_text=" ".join((*searched, source_text(claim), claim["family"])).lower(),
        mentions=_mentions(claim, ledger),
    )


def _mentions(claim: Claim, ledger: list[Claim]) -> int:
    """Count the other rows that speak of a claim, its own repair aside."""
    name = re.compile(rf"(?<![\w.-]){re.escape(claim['id'])}(?![\w-])")
    return sum(
        bool(name.search(_prose(other)))
        for other in ledger
        if other["id"] != claim["id"] and other["repairs"] != claim["id"]
    )


def _prose(claim: Claim) -> str:
    details = (evidence["detail"] for evidence in claim["evidence"])
    written = (claim["plain"], claim["reading"], claim["used_for"], claim.get("notes") or "")
    return " ".join((*written, *details))


def _anchor(claim_id: str) -> str:
    """Give the claim's address on the page: its id, or a name made from it where it has spaces."""
    if _PLAIN_ANCHOR.fullmatch(claim_id) and not claim_id.startswith(OWN_ANCHORS):
        return claim_id
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", claim_id).strip("-")
    return f"claim-{readable}-{hashlib.sha256(claim_id.encode()).hexdigest()[:8]}"


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
