"""Scheduled against aggregated: both bounds, their conditions, and the true F (appendix C)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.comparison.instances import FAMILIES, Wanted, check_wanted, draw_instance
from simulations.comparison.refresh import ROUNDING, Refresh, class_orders, compare_refresh
from simulations.objectives import COUPLINGS
from simulations.sampling import clopper_pearson
from simulations.sweep.experiment import Experiment, Param, Row, Scalar

__all__ = ["EXPERIMENT"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

PREDICTORS = ("bound", "c59", "criterion")
VIOLATIONS = (
    "printed",
    "telescoped",
    "aggregated",
    "theorem5",
    "theorem5_corrected",
    "theorem6",
    "theorem6_corrected",
    "growth",
    "growth_corrected",
)
GAPS = ("bound_gap", "true_gap", "promised_gap")
QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """One entry an instance, or an instance and an order: gaps in units of eta sum ||G_r||^2."""

    gaps: Mapping[str, Array]
    flags: Mapping[str, Flags]

    def pick(self, places: NDArray[np.int64]) -> _Outcomes:
        """One order an instance."""
        rows = np.arange(len(places))
        return _Outcomes(
            {name: values[rows, places] for name, values in self.gaps.items()},
            {name: values[rows, places] for name, values in self.flags.items()},
        )

    def only(self, index: int) -> _Outcomes:
        """A single instance."""
        return _Outcomes(
            {name: values[index : index + 1] for name, values in self.gaps.items()},
            {name: values[index : index + 1] for name, values in self.flags.items()},
        )


def _flags(found: Refresh) -> dict[str, Flags]:
    """What each order's predictors say, and every fault: VIOLATIONS should be False throughout."""
    slack = ROUNDING * found.scale
    gap = found.telescoped - found.aggregated_bound
    printed = found.printed - found.aggregated_bound
    return {
        "criterion": found.criterion < 0,
        "c57": found.holds_57,
        "c59": found.holds_59,
        "c59_corrected": found.holds_59_corrected,
        "printed": found.scheduled > found.printed + slack,
        "telescoped": found.scheduled > found.telescoped + slack,
        "aggregated": np.full(gap.shape, found.aggregated > found.aggregated_bound + slack),
        "theorem5": printed > found.promised + slack,
        "theorem5_corrected": gap > found.corrected + slack,
        "theorem6": found.holds_59 & (printed >= slack),
        "theorem6_corrected": found.holds_59_corrected & (gap >= slack),
        "growth": found.grown,
        "growth_corrected": found.grown_corrected,
    }


def _by_order(refreshes: Sequence[Refresh]) -> _Outcomes:
    """Arrays of shape (instances, orders)."""
    all_flags = [_flags(found) for found in refreshes]
    gaps = {
        "bound_gap": [(f.printed - f.aggregated_bound) / f.scale for f in refreshes],
        "true_gap": [(f.scheduled - f.aggregated) / f.scale for f in refreshes],
        "promised_gap": [f.promised / f.scale for f in refreshes],
    }
    return _Outcomes(
        {name: np.stack(values) for name, values in gaps.items()},
        {name: np.stack([flags[name] for flags in all_flags]) for name in all_flags[0]},
    )


def _over_orders(by_order: _Outcomes, refreshes: Sequence[Refresh]) -> _Outcomes:
    """Expectations over a uniformly random order; a condition holds if it does in every order, a
    fault counts if it occurs in some order."""
    flags: dict[str, Flags] = {
        name: np.asarray(values.all(axis=1) if name.startswith("c5") else values.any(axis=1))
        for name, values in by_order.flags.items()
    }
    flags["criterion"] = np.array([found.mean_criterion < 0 for found in refreshes])
    return _Outcomes({name: values.mean(axis=1) for name, values in by_order.gaps.items()}, flags)


def _row(kind: str, order: str, some: int, every: int, outcomes: _Outcomes) -> Row:
    wins = outcomes.gaps["true_gap"] < -ROUNDING
    count = len(wins)
    low, high = clopper_pearson(int(wins.sum()), count)
    row: Row = {
        "kind": kind,
        "order": order,
        "instances": count,
        "wins": int(wins.sum()),
        "wins_lo": low,
        "wins_hi": high,
        "some_order_wins": some,
        "every_order_wins": every,
        "holds_57": int(outcomes.flags["c57"].sum()),
        "holds_59_corrected": int(outcomes.flags["c59_corrected"].sum()),
    }
    bound = outcomes.gaps["bound_gap"] < -ROUNDING
    for name in PREDICTORS:
        said = bound if name == "bound" else outcomes.flags[name]
        right = int((said == wins).sum())
        low, high = clopper_pearson(right, count)
        row |= {
            f"{name}_yes_win": int((said & wins).sum()),
            f"{name}_yes_loss": int((said & ~wins).sum()),
            f"{name}_no_win": int((~said & wins).sum()),
            f"{name}_no_loss": int((~said & ~wins).sum()),
            f"{name}_right_lo": low,
            f"{name}_right_hi": high,
        }
    for name in VIOLATIONS:
        row[f"{name}_violated"] = int(outcomes.flags[name].sum())
    for name in GAPS:
        for label, level in QUANTILES.items():
            row[f"{name}_{label}"] = float(np.quantile(outcomes.gaps[name], level))
    return row


def _wanted(params: Mapping[str, Scalar]) -> Wanted:
    return Wanted(
        family=str(params["family"]),
        num_classes=int(params["num_classes"]),
        dim=int(params["dim"]),
        cosine=float(params["cosine"]),
        imbalance=float(params["imbalance"]),
        coupling=str(params["coupling"]),
        strength=float(params["strength"]),
        condition=float(params["condition"]),
        curvature_ratio=float(params["curvature_ratio"]),
    )


def _refreshes(params: Mapping[str, Scalar], rng: np.random.Generator) -> list[Refresh]:
    wanted = _wanted(params)
    classes = [[task] for task in range(wanted.num_classes)]
    found = []
    for _ in range(int(params["trials"])):
        objective, point, constant = draw_instance(wanted, rng)
        eta = float(params["eta"]) / objective.constants.smoothness
        found.append(compare_refresh(objective, classes, point, eta, constant_hessian=constant))
    return found


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: draw instances, run every order of each, compare.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence

    Returns
    -------
    list of dict
        One row for the mean over orders, one for an order picked for each instance, one for each
        order, and `samples` rows of single instances.

    Raises
    ------
    InvalidInputError
        When such instances can't exist.
    """
    draw, pick = (np.random.default_rng(child) for child in seed.spawn(2))
    refreshes = _refreshes(params, draw)
    orders = class_orders(int(params["num_classes"]))
    chosen = pick.integers(0, len(orders), len(refreshes))
    by_order = _by_order(refreshes)
    won = by_order.gaps["true_gap"] < -ROUNDING
    some, every = np.asarray(won.any(axis=1)), np.asarray(won.all(axis=1))
    totals = int(some.sum()), int(every.sum())
    picked = by_order.pick(chosen)
    rows = [
        _row("mean", "", *totals, _over_orders(by_order, refreshes)),
        _row("picked", "", *totals, picked),
    ]
    names = [">".join(map(str, order)) for order in orders]
    for place, name in enumerate(names):
        outcomes = by_order.pick(np.full(len(refreshes), place))
        rows.append(_row("order", name, *totals, outcomes))
    for index in range(min(int(params["samples"]), len(refreshes))):
        one = int(some[index]), int(every[index])
        rows.append(_row("sample", names[chosen[index]], *one, picked.only(index)))
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
    >>> cost({"trials": 100, "num_classes": 2}) < cost({"trials": 100, "num_classes": 5})
    True
    """
    m, trials = int(params["num_classes"]), int(params["trials"])
    orders = len(class_orders(m))
    return 1e-2 + trials * (1.6e-3 + 4e-6 * orders * m) + orders * 1e-5 * trials


EXPERIMENT = Experiment(
    name="comparison",
    version=1,
    doc=(
        "Draw objectives and a point, run one refresh of class steps in every order and one "
        "aggregated step from it, and compare the true F with UB_sch (eq. 49), UB_agg (eq. 50), "
        "Theorem 5 (eq. 52, R_m by eq. 56), Assumption 7 (eq. 57), eq. 59, and with the sign of "
        "the second-order term <grad F, grad Phi> (SON-GOKU, section 5.3, appendix C). One task is "
        "one class."
    ),
    params={
        "family": Param(
            type=str,
            default="quadratic",
            choices=FAMILIES,
            doc=(
                "quadratic: positive definite; least_squares: over-parameterised (PL); "
                "sine_square: sums of z^2 + 3 sin^2 z (PL, not convex); waves: cosines (neither); "
                "network: two layers, PL near its start (dim: a few hundred)"
            ),
        ),
        "num_classes": Param(type=int, default=2, low=2, high=5, doc="m"),
        "dim": Param(type=int, default=6, low=1, doc="d"),
        "cosine": Param(
            type=float, default=-0.3, low=-1, high=1, doc="between every two class gradients"
        ),
        "imbalance": Param(
            type=float,
            default=1.0,
            low=0,
            low_open=True,
            doc="norm of the first class's gradient over the last one's; geometric between",
        ),
        "coupling": Param(
            type=str,
            default="random",
            choices=COUPLINGS,
            doc="of the class Hessians; see simulations.objectives.plant_quadratics",
        ),
        "strength": Param(
            type=float, default=1.0, low=0, high=1, doc="share of `coupling`, the rest is random"
        ),
        "condition": Param(type=float, default=10.0, low=1, doc="of each class Hessian"),
        "curvature_ratio": Param(
            type=float,
            default=1.0,
            low=0,
            low_open=True,
            doc="L of the first class over the last one's; geometric between",
        ),
        "eta": Param(
            type=float, default=0.5, low=0, low_open=True, high=1, doc="step size times L"
        ),
        "trials": Param(type=int, default=200, low=1, doc="independent instances in a cell"),
        "samples": Param(type=int, default=0, low=0, doc="instances stored one by one besides"),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        "kind": str,
        "order": str,
        "instances": int,
        "wins": int,
        "wins_lo": float,
        "wins_hi": float,
        "some_order_wins": int,
        "every_order_wins": int,
        "holds_57": int,
        "holds_59_corrected": int,
        **{
            f"{name}_{answer}": float if answer.startswith("right") else int
            for name in PREDICTORS
            for answer in ("yes_win", "yes_loss", "no_win", "no_loss", "right_lo", "right_hi")
        },
        **{f"{name}_violated": int for name in VIOLATIONS},
        **{f"{name}_{label}": float for name in GAPS for label in QUANTILES},
    },
    run=run,
    statistics=(
        "n = trials independent instances a cell; every row but kind = sample counts all of them. "
        "kind = mean: expectations over a uniformly random order, exact because all m! orders are "
        "run (a condition holds if it does in every order; *_violated counts instances with a "
        "violation in some order). kind = picked: one order an instance, uniform, so that entries "
        "are independent. kind = order: the named order, classes numbered from the longest "
        "gradient (imbalance > 1); rows of one cell share their instances. wins counts F(x_sch) < "
        "F(x_agg); NAME_yes_win and its kin cross it with a predictor's answer; intervals "
        "(wins_lo, wins_hi, right_lo, right_hi: the share of right answers) are exact binomial "
        "(Clopper-Pearson) with coverage >= 95% (alpha = 0.05) each, not adjusted for the number "
        "of rows. Gaps are scheduled less aggregated in units of eta sum ||G_r||^2; ties within "
        "1e-9 of it count as losses of scheduling and as no violation."
    ),
    cost=cost,
    check=check,
)
