"""How many claims of each family got each verdict."""

from __future__ import annotations

from collections import Counter

import polars as pl

from paper_figures.engine.ledger_file import VERDICTS, Ledger
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import table
from paper_figures.engine.table import Column, Part, Table
from paper_figures.engine.verdict_looks import LOOKS

__all__ = ["lay"]

SCHEMA = {"family": pl.String, "verdict": pl.String, "claims": pl.Int64, "vacuous": pl.Int64}


@table(name="verdicts", title="Verdicts by family", needs=("ledger",), place=15)
def lay(given: FigureInput) -> Table:
    """Count the ledger's claims by family and verdict; families in the ledger's own order."""
    ledger = given.ledger
    assert ledger is not None
    counts = Counter((c["family"], c["verdict"]["kind"]) for c in ledger["claims"])
    vacuous = Counter(c["family"] for c in ledger["claims"] if c["vacuous"]["is"])
    families = list(dict.fromkeys(claim["family"] for claim in ledger["claims"]))
    used = [kind for kind in VERDICTS if any(kind == verdict for _, verdict in counts)]
    rows = [_row(name, [counts[name, kind] for kind in used], vacuous[name]) for name in families]
    totals = [sum(counts[name, kind] for name in families) for kind in used]
    rows.append(_row("all", totals, vacuous.total()))
    part = Part(
        title="",
        columns=(
            Column("family", "left"),
            *(Column(LOOKS[kind].label) for kind in used),
            Column("all"),
            Column("vacuous"),
        ),
        rows=tuple(rows),
        rules=(len(families),),
    )
    data = pl.DataFrame(
        [
            (name, kind, counts[name, kind], 0)
            for name in families
            for kind in used
            if counts[name, kind]
        ]
        + [(name, "any", 0, vacuous[name]) for name in families if vacuous[name]],
        schema=SCHEMA,
        orient="row",
    )
    return Table((part,), data, _caption(ledger, used), _n(ledger), "none: verdicts are counted")


def _row(name: str, numbers: list[int], vacuous: int) -> tuple[str, ...]:
    cells = (*numbers, sum(numbers), vacuous)
    return (name.replace("_", " "), *(f"{number:,}" if number else "–" for number in cells))


def _n(ledger: Ledger) -> str:
    return f"{len(ledger['claims']):,} claims, profile {ledger['profile']}"


def _caption(ledger: Ledger, used: list[str]) -> str:
    meanings = "; ".join(f"{LOOKS[kind].label}: {LOOKS[kind].meaning}" for kind in used)
    matches = (
        "All verdicts are those that are committed as expected."
        if ledger["expected"]["matches"]
        else f"{len(ledger['expected']['differences'])} verdicts differ from those expected."
    )
    return (
        f"Claims of both papers, and stronger or repaired readings of them, by family. {meanings}. "
        "Vacuous, beside any verdict: the hypotheses can't be met, or the bound says nothing, at "
        f"the settings that the claim names. {matches}"
    )
