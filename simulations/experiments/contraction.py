"""PL contraction of F - F* over one refresh, promised (eq. 61, 63) and measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from simulations.comparison.contraction import RefreshContraction, contract
from simulations.comparison.instances import Wanted, check_wanted, draw_instance
from simulations.objectives import COUPLINGS
from simulations.sampling import clopper_pearson
from simulations.sweep.experiment import Experiment, Param, Row, Scalar

__all__ = ["EXPERIMENT"]

PL_FAMILIES = ("quadratic", "least_squares", "sine_square", "network")
QUANTITIES = (
    "factor",
    "aggregated",
    "scheduled",
    "bound",
    "bound_start",
    "bound_promised",
    "bound_corrected",
)
CLAIMS = ("aggregated", "bound", "bound_start", "bound_promised", "bound_corrected", "inherited")
QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}


def _row(
    index: int, found: Sequence[RefreshContraction], left: int, so_far: Mapping[str, int]
) -> Row:
    count = len(found)
    better = sum(one.scheduled < one.aggregated for one in found)
    low, high = clopper_pearson(better, count)
    row: Row = {
        "refresh": index,
        "runs": count,
        "left_region": left,
        "better": better,
        "better_lo": low,
        "better_hi": high,
        "gains": sum(one.gains for one in found),
        "holds_59": sum(one.holds_59 for one in found),
        "inherited_wrong_59": sum("inherited" in one.wrong for one in found if one.holds_59),
        "vacuous": sum(one.vacuous for one in found),
        "scheduled_max": max(one.scheduled for one in found),
    }
    for claim in CLAIMS:
        row[f"{claim}_wrong"] = sum(claim in one.wrong for one in found)
        row[f"{claim}_wrong_so_far"] = so_far[claim]
    for name in QUANTITIES:
        values = [float(getattr(one, name)) for one in found]
        for label, level in QUANTILES.items():
            row[f"{name}_{label}"] = float(np.quantile(values, level))
    return row


def _wanted(params: Mapping[str, Scalar]) -> Wanted:
    return Wanted(
        family=str(params["family"]),
        num_classes=int(params["num_classes"]),
        dim=int(params["dim"]),
        cosine=float(params["cosine"]),
        coupling=str(params["coupling"]),
        curvature_ratio=float(params["curvature_ratio"]),
    )


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: draw objectives, run refreshes from a point of each.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict
        One row a refresh that some run reached.

    Raises
    ------
    InvalidInputError
        When such instances can't exist.
    """
    draw, order = (np.random.default_rng(child) for child in seed.spawn(2))
    wanted = _wanted(params)
    classes = [[task] for task in range(wanted.num_classes)]
    by_index: dict[int, list[RefreshContraction]] = {}
    first_wrong: list[dict[str, int]] = []
    left = 0
    for _ in range(int(params["trials"])):
        objective, point, constant = draw_instance(wanted, draw)
        found, gone = contract(
            objective,
            classes,
            point,
            float(params["eta"]) / objective.constants.smoothness,
            int(params["refreshes"]),
            order,
            random_order=params["order"] == "random",
            constant_hessian=constant,
        )
        left += gone
        first_wrong.append({})
        for one in reversed(found):
            first_wrong[-1] |= dict.fromkeys(one.wrong, one.index)
        for one in found:
            by_index.setdefault(one.index, []).append(one)
    rows = []
    for index, found in sorted(by_index.items()):
        so_far = {
            claim: sum(claim in wrong and wrong[claim] <= index for wrong in first_wrong)
            for claim in CLAIMS
        }
        rows.append(_row(index, found, left, so_far))
    return rows


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        See `simulations.comparison.instances.check_wanted`.
    """
    check_wanted(_wanted(params))


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell.

    Examples
    --------
    >>> cost({"trials": 100, "refreshes": 10, "num_classes": 3, "dim": 6}) > 1
    True
    """
    steps = int(params["trials"]) * int(params["refreshes"])
    return 1e-2 + steps * (1.2e-3 + 1e-4 * int(params["num_classes"]) + 5e-7 * int(params["dim"]))


EXPERIMENT = Experiment(
    name="contraction",
    version=1,
    doc=(
        "Run scheduled refreshes on PL objectives with certified mu and L, and compare (F(x') - "
        "F*) / (F(x) - F*) of each with eq. 61's factor and eq. 63 in its readings (SON-GOKU, "
        "section C.6). From every point one aggregated step is taken besides, for comparison."
    ),
    params={
        "family": Param(
            type=str,
            default="quadratic",
            choices=PL_FAMILIES,
            doc="see experiment comparison; all have a certified PL constant",
        ),
        "num_classes": Param(type=int, default=3, low=2, high=5, doc="m"),
        "dim": Param(type=int, default=6, low=1, doc="d; for network: 4 x width"),
        "cosine": Param(
            type=float, default=-0.3, low=-1, high=1, doc="between class gradients at the start"
        ),
        "coupling": Param(
            type=str, default="random", choices=COUPLINGS, doc="of the Hessians; quadratics only"
        ),
        "curvature_ratio": Param(
            type=float, default=1.0, low=0, low_open=True, doc="as in experiment comparison"
        ),
        "order": Param(
            type=str,
            default="random",
            choices=("fixed", "random"),
            doc="of the classes: the same in every refresh, or a new one each",
        ),
        "eta": Param(
            type=float, default=1.0, low=0, low_open=True, high=1, doc="step size times L"
        ),
        "refreshes": Param(type=int, default=8, low=1, doc="refreshes of a run"),
        "trials": Param(type=int, default=50, low=1, doc="independent runs in a cell"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        "refresh": int,
        "runs": int,
        "left_region": int,
        "better": int,
        "better_lo": float,
        "better_hi": float,
        "gains": int,
        "holds_59": int,
        "inherited_wrong_59": int,
        "vacuous": int,
        "scheduled_max": float,
        **{f"{claim}_wrong{what}": int for claim in CLAIMS for what in ("", "_so_far")},
        **{f"{name}_{label}": float for name in QUANTITIES for label in QUANTILES},
    },
    run=run,
    statistics=(
        "n = runs independent runs at each refresh (trials, less those that ended: excess below "
        "1e-8 of its start, or outside the region of certified constants, counted in left_region "
        "for the whole cell). Rows of different refreshes share runs. better counts refreshes "
        "that end lower than one aggregated step from the same point; [better_lo, better_hi] is an "
        "exact binomial (Clopper-Pearson) interval of coverage >= 95% (alpha = 0.05), not adjusted "
        "for the number of rows. All quantities are in units of F(x) - F*; quantiles are over the "
        "runs. *_wrong counts bounds that fail by more than 1e-9, and *_wrong_so_far the cell's "
        "runs, of n = trials, that failed at this refresh or an earlier one: aggregated is eq. 61, "
        "bound eq. 63 with UB_sch of eq. 49, bound_start with both bounds at the start of the "
        "refresh, bound_promised with Theorem 5's gain (R_m by eq. 56), bound_corrected with the "
        "corrected penalty; inherited is eq. 61's factor for the scheduled refresh, and "
        "inherited_wrong_59 those failures where eq. 57 and 59 hold."
    ),
    cost=cost,
    check=check,
)
