"""All theorems held to one run, with the ledger's claims about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proofs_check.applies.comparison import comparison
from proofs_check.applies.convergence import convergence
from proofs_check.applies.descent import descent
from proofs_check.applies.finding import Applied, Held
from proofs_check.applies.recovery import recovery
from proofs_check.applies.run_log import RunLog
from proofs_check.applies.staleness import staleness
from proofs_check.model import Claim
from proofs_check.paper_index import coverage

__all__ = ["as_json", "claims_behind", "hold"]


def hold(run: RunLog) -> tuple[Applied, ...]:
    """Hold every theorem that is known here to a run.

    Parameters
    ----------
    run : RunLog

    Returns
    -------
    tuple of Applied
    """
    topics = (descent, comparison, recovery, staleness, convergence)
    return tuple(found for topic in topics for found in topic(run))


def claims_behind(applied: Applied, claims: Iterable[Claim]) -> tuple[str, ...]:
    """Return the ids of the ledger's claims about the items that a theorem rests on."""
    by_item = {str(item): ids for item, ids in coverage(claims).items() if item.paper == "SON-GOKU"}
    found = (claim for item in applied.items for claim in by_item.get(item, ()))
    return tuple(dict.fromkeys(found))


def as_json(run: RunLog, found: Iterable[Applied]) -> dict[str, Any]:
    """Return everything as plain data."""
    return {
        "schema": 1,
        "run": run.key,
        "data": run.data,
        "params": dict(run.params),
        "refreshes": len(run.moments),
        "measured": sum(moment.measured is not None for moment in run.moments),
        "theorems": [
            {
                "theorem": applied.theorem,
                "items": list(applied.items),
                "applied": applied.applied,
                "hypotheses": [_held(it) for it in applied.hypotheses],
                "conclusion": None if applied.conclusion is None else _held(applied.conclusion),
                "tightness": _tightness(applied),
            }
            for applied in found
        ],
    }


def _held(held: Held) -> Mapping[str, Any]:
    return {
        "text": held.text,
        "share": held.share,
        "instances": len(held.held),
        "of": held.of,
        "note": held.note,
    }


def _tightness(applied: Applied) -> Mapping[str, Any] | None:
    tightness = applied.tightness
    if tightness is None:
        return None
    return {
        "what": tightness.what,
        "instances": len(tightness.values),
        "quantiles": tightness.quantiles(),
    }
