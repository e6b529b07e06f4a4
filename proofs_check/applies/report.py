"""All theorems held to one run, with the ledger's claims about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from proofs_check.applies.comparison import comparison, predicted, truth
from proofs_check.applies.convergence import convergence
from proofs_check.applies.descent import descent
from proofs_check.applies.finding import Applied, Held
from proofs_check.applies.premises import cosine_error, margin_of, population_cosines
from proofs_check.applies.recovery import failure_of, recovery
from proofs_check.applies.run_log import Measurement, Moment, RunLog
from proofs_check.applies.staleness import staleness
from proofs_check.model import Claim
from proofs_check.paper_index import coverage
from songoku_theory.bounds.descent import conflict_ratio

__all__ = ["as_json", "at_measurements", "claims_behind", "hold", "remarks"]


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


def remarks(run: RunLog) -> tuple[str, ...]:
    """Return what a reader has to know of the run before the findings."""
    found = []
    params = run.params
    measured = run.measured
    optimiser, momentum = params.get("optimiser"), float(params.get("momentum", 0.0))
    if measured and (optimiser != "sgd" or momentum):
        named = f"{optimiser} with momentum {momentum:g}" if optimiser == "sgd" else optimiser
        found.append(
            f"The run steps with {named}; the theorems speak of plain gradient steps. So what is "
            f"said of F after a step, of eta and of a step's bias is about steps x - eta g from "
            f"the measured points, with the run's rate there as eta: not about its own steps."
        )
    if params.get("combine") != "sum":
        found.append(
            f"Active gradients are combined by {params['combine']}; the theorems are about their "
            f"sum."
        )
    policy = params.get("policy")
    if policy == "random_groups":
        found.append("The classes are random groups, not the graph's colours.")
    elif policy == "oldest_first":
        found.append("Steps run sets chosen by age; the classes below are the graph's colours.")
    if len(run.active) < run.steps:
        found.append(
            f"Who ran is recorded for the first {len(run.active):,} of {run.steps:,} steps; gaps "
            f"are held to their bounds there."
        )
    batches = {found.batches for _, found in measured if found.batches is not None}
    if batches:
        found.append(
            f"Population gradients are means over {' or '.join(map(str, sorted(batches)))} "
            f"training batches of a view; normalisation is by each batch's own statistics."
        )
    return (*found, *(f"Not measured: {why}." for why in run.unmeasured))


def at_measurements(run: RunLog) -> list[dict[str, float | int | str | None]]:
    """Return one record a measurement: margins, tau_eff, and which step was better."""
    return [_record(moment, found) for moment, found in run.measured]


def _record(moment: Moment, found: Measurement) -> dict[str, float | int | str | None]:
    cosines = population_cosines(found)
    gamma = margin_of(cosines, moment.tau)
    blocks = [moment.gram[np.ix_(c, c)] for c in moment.classes if len(c) > 1]
    curve = found.curvature
    several = moment.num_classes > 1
    said = None if curve is None or not several else predicted(found, curve)
    return {
        "refresh": moment.refresh,
        "step": moment.step,
        "tau": moment.tau,
        "classes": moment.num_classes,
        "tau_eff": max((float(conflict_ratio(block)) for block in blocks), default=0.0),
        "gamma": gamma,
        "cosine_error": cosine_error(moment, cosines),
        "failure": failure_of(moment, found, gamma),
        "eta_l": None if curve is None else found.rate * curve.smoothness,
        "predicted": said,
        "true": found.scheduled - found.aggregated if several else None,
        "agree": None if said is None else "yes" if (said < 0) == truth(found) else "no",
    }


def as_json(run: RunLog, found: Iterable[Applied]) -> dict[str, Any]:
    """Return everything as plain data."""
    return {
        "schema": 2,
        "run": run.key,
        "data": run.data,
        "params": dict(run.params),
        "refreshes": len(run.moments),
        "measured": len(run.measured),
        "remarks": list(remarks(run)),
        "measurements": at_measurements(run),
        "theorems": [
            {
                "theorem": applied.theorem,
                "items": list(applied.items),
                "applied": applied.applied,
                "concluded": applied.concluded,
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
