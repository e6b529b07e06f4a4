"""Every claim with its source and verdict: the ledger as a table, one part a family."""

from __future__ import annotations

import polars as pl

from paper_figures.engine.ledger_file import Claim
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import table
from paper_figures.engine.table import Column, Part, Table
from paper_figures.engine.verdict_looks import LOOKS

__all__ = ["lay"]

COLUMNS = (
    Column("claim", "text"),
    Column("what it says", "text"),
    Column("source", "text"),
    Column("verdict", "text"),
)


@table(name="claims", title="The claims ledger", needs=("ledger",), place=16, on_request=True)
def lay(given: FigureInput) -> Table:
    """List every claim; statements, counterexamples and evidence are in the ledger itself."""
    ledger = given.ledger
    assert ledger is not None
    families = list(dict.fromkeys(claim["family"] for claim in ledger["claims"]))
    parts = tuple(
        Part(
            title=family.replace("_", " "),
            columns=COLUMNS,
            rows=tuple(_row(claim) for claim in ledger["claims"] if claim["family"] == family),
        )
        for family in families
    )
    return Table(
        parts,
        pl.DataFrame([_datum(claim) for claim in ledger["claims"]]),
        caption=(
            "Every claim that was checked, by family, with where it stands and what the evidence "
            "made of it. An arrow names the row that repairs a false or conditional statement. "
            "'songoku claims show ID' gives the statement, the evidence and the counterexample; "
            "'songoku claims export --format latex' sets the statements of all."
        ),
        n=f"{len(ledger['claims']):,} claims, profile {ledger['profile']}",
        interval="none: verdicts are listed",
    )


def _row(claim: Claim) -> tuple[str, ...]:
    verdict = claim["verdict"]
    said = LOOKS[verdict["kind"]].label
    if verdict["qualifier"]:
        said += f" ({verdict['qualifier']})"
    if claim["vacuous"]["is"]:
        said += ", vacuous"
    if claim["repaired_by"]:
        said += f" → {claim['repaired_by']}"
    return (claim["id"], claim["title"], _source(claim), said)


def _source(claim: Claim) -> str:
    source = claim["source"]
    equations = f", eq. {', '.join(source['equations'])}" if source["equations"] else ""
    return f"{source['paper']}, {source['section']}{equations}"


def _datum(claim: Claim) -> dict[str, object]:
    return {
        "id": claim["id"],
        "family": claim["family"],
        "title": claim["title"],
        "source": _source(claim),
        "verdict": claim["verdict"]["kind"],
        "qualifier": claim["verdict"]["qualifier"] or "",
        "vacuous": claim["vacuous"]["is"],
        "repaired_by": claim["repaired_by"] or "",
    }
