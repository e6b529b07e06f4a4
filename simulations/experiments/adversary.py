"""Statements of the paper and ours under attack: which break, and by what smallest instance."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from simulations.adversary import STATEMENTS, attack, complexity, get_statement
from simulations.sweep.experiment import Experiment, Param, Row, Scalar

__all__ = ["EXPERIMENT"]


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: attack one statement.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict
        One row.
    """
    statement = get_statement(str(params["statement"]))
    found = attack(
        statement,
        np.random.default_rng(seed),
        budget=int(params["budget"]),
        restarts=int(params["restarts"]),
        steps=int(params["steps"]),
    )
    return [
        {
            "outcome": found.outcome,
            "claim": statement.doc,
            "counterexample": found.text,
            "slack": "" if found.slack is None else str(found.slack),
            "digits": complexity(found.counterexample)[0] if found.counterexample else None,
            "least_slack": found.least if math.isfinite(found.least) else None,
            "tight": found.tight,
            "evaluations": found.evaluations,
        }
    ]


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> cost({"budget": 1000, "restarts": 1, "steps": 1, "statement": "eq56"}) < 1
    True
    """
    size = get_statement(str(params["statement"])).size
    gradient = int(params["restarts"]) * int(params["steps"]) * (2 * size + 3)
    return 0.1 + 3e-6 * (int(params["budget"]) + gradient)


EXPERIMENT = Experiment(
    name="adversary",
    version=1,
    doc=(
        "Attack a statement on descent or comparison (SON-GOKU, sections 5.1 and 5.3, appendices C "
        "and E; some are ours): search small rationals and by gradients for an instance that "
        "breaks it, shrink that, and judge it in exact arithmetic."
    ),
    params={
        "statement": Param(type=str, choices=tuple(STATEMENTS), doc="what to attack"),
        "budget": Param(type=int, default=200_000, low=1, doc="small rational points to try"),
        "restarts": Param(type=int, default=64, low=1, doc="starts of the search by gradients"),
        "steps": Param(type=int, default=200, low=1, doc="steps from each start"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        "outcome": str,
        "claim": str,
        "counterexample": str,
        "slack": str,
        "digits": int,
        "least_slack": float,
        "tight": bool,
        "evaluations": int,
    },
    run=run,
    statistics=(
        "Nothing is estimated. outcome = broken: the counterexample breaks the statement in exact "
        "rational arithmetic, with the slack given. suspect: it fails in double precision by more "
        "than 1e-7, but no rational nearby breaks it. survived: `evaluations` points were tried "
        "and none broke it, which proves nothing; tight (null where the slack has a unit): the "
        "least slack found is at most 1e-2."
    ),
    cost=cost,
)
