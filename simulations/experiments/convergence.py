"""How fast the full gradient shrinks when classes of tasks take turns (5.2, appendices F and I)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import numpy as np

from simulations.convergence import OBJECTIVES, RULES, Problem, Trace, descend, plan, plant_problem
from simulations.convergence.bounds_of_rules import bound_of_rule, bounded_steps
from simulations.convergence.estimate import Mean, mean_of_runs
from simulations.convergence.problems import NETWORK_INPUTS, Recipe, least_dim
from simulations.convergence.rules import Plan
from simulations.objectives import COUPLINGS, Coupling, GradientNoise, gradient_noise
from simulations.sweep.experiment import Experiment, Param, Row, RowValue, Scalar
from songoku_theory.bounds.convergence import claimed_rate, energy_bound, sgd_bound
from songoku_theory.errors import InvalidInputError

__all__ = ["EXPERIMENT"]


def _recipe(params: Mapping[str, Scalar]) -> Recipe:
    return Recipe(
        objective=str(params["objective"]),
        groups=int(params["groups"]),
        group_size=int(params["group_size"]),
        dim=int(params["dim"]),
        conflict=float(params["conflict"]),
        coupling=cast(Coupling, params["coupling"]),
        condition=float(params["condition"]),
        bend=float(params["bend"]),
        tau=float(params["tau"]),
        # On the plateau L = 1, and this is how far steps of grad F / m come.
        distance=_step(params, 1.0) * int(params["steps"]) / int(params["groups"]),
    )


def _step(params: Mapping[str, Scalar], smoothness: float) -> float:
    """Return eta."""
    step = float(params["step"]) / smoothness
    return step / math.sqrt(int(params["steps"])) if params["step_law"] == "sqrt" else step


def _is_random(params: Mapping[str, Scalar]) -> bool:
    return params["rule"] in ("shuffled", "sampled", "sampled_scaled") or bool(params["sigma"])


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: plant an instance, descend, average |grad F|^2, and put the bounds beside it.

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
    instance, order, noise_rng = (np.random.default_rng(child) for child in seed.spawn(3))
    problem = plant_problem(_recipe(params), instance)
    eta = _step(params, problem.objective.constants.smoothness)
    runs, steps = int(params["runs"]) if _is_random(params) else 1, int(params["steps"])
    noise = gradient_noise(
        float(params["sigma"]) ** 2 * problem.start_square,
        problem.objective.num_tasks,
        problem.objective.dim,
        task_decay=float(params["task_decay"]),
        direction_decay=float(params["direction_decay"]),
    )
    planned = plan(
        str(params["rule"]), len(problem.members), steps, runs, order, skew=float(params["skew"])
    )
    trace = descend(problem, planned, eta, runs, noise, noise_rng)
    row: dict[str, RowValue] = {
        "runs_done": runs,
        "eta": eta,
        "num_classes": len(problem.members),
        "largest_class": int(problem.members.sum(axis=1).max()),
        "gap": problem.gap,
        "smoothness": problem.objective.constants.smoothness,
        "pl": problem.objective.constants.pl,
        "start_square": problem.start_square,
        "inside": trace.inside,
        "diverged": trace.diverged,
    }
    row |= _measured(params, problem, trace)
    row |= _claims(params, problem, planned, eta, trace, noise)
    return [{name: _finite(value) for name, value in row.items()}]


def _finite(value: RowValue) -> RowValue:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _measured(params: Mapping[str, Scalar], problem: Problem, trace: Trace) -> dict[str, RowValue]:
    """Averages over the steps, each a mean over the runs with its interval."""
    row: dict[str, RowValue] = {"diverged": trace.diverged}
    chosen = bounded_steps(str(params["rule"]), len(problem.members), len(trace.squares))
    values = {
        "mean_square": trace.squares.mean(axis=0),
        "min_square": trace.squares.min(axis=0),
        "bounded_square": trace.squares[chosen].mean(axis=0) if chosen.any() else None,
        "final_gap": trace.final_gap,
    }
    for name, value in values.items():
        usable = value is not None and not trace.diverged
        mean = mean_of_runs(value) if usable else Mean(math.nan, math.nan, math.nan)
        row |= {name: mean.value, f"{name}_lo": mean.low, f"{name}_hi": mean.high}
    if trace.diverged:  # the start counts among the steps, so this much is known
        least = float(np.fmin.reduce(trace.squares, axis=0).mean())
        row |= {"min_square": least, "min_square_lo": least, "min_square_hi": least}
    row["least_mean_square"] = float(np.fmin.reduce(trace.squares.mean(axis=1)))
    return row


def _claims(
    params: Mapping[str, Scalar],
    problem: Problem,
    planned: Plan,
    eta: float,
    trace: Trace,
    noise: GradientNoise,
) -> dict[str, RowValue]:
    """What the paper claims of this cell, what holds, and the quantities that both take."""
    known, steps = problem.objective.constants, len(planned.active)
    rate = (problem.gap, known.smoothness, eta, steps)
    scaled = params["rule"] == "sampled_scaled" and trace.variance is not None
    spread = trace.variance if scaled and trace.variance is not None else noise.total
    worst = trace.worst_factor
    return {
        "class_gradient": trace.class_gradient,
        "step_variance": trace.variance,
        "noise_variance": noise.total,
        "claimed": float(claimed_rate(*rate, noise.total, float(params["tau"]))),
        "unbiased_bound": float(sgd_bound(*rate, noise.total)),
        "rule_bound": bound_of_rule(str(params["rule"]), problem, planned, eta, trace, noise),
        "energy": trace.energy,
        "step_energy": trace.step_energy,
        "mean_factor": trace.mean_factor,
        "worst_factor": worst,
        "energy_claim": None if worst is None else float(energy_bound(worst, *rate, spread)),
    }


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        When the dimension is too small, or a random rule has too few runs for an interval.
    """
    recipe = _recipe(params)
    if recipe.dim < least_dim(recipe):
        raise InvalidInputError(
            f"objective {recipe.objective!r} with {recipe.num_tasks} tasks in {recipe.groups} "
            f"groups needs dim >= {least_dim(recipe)}; found {recipe.dim}."
        )
    if _is_random(params) and int(params["runs"]) < 2:
        raise InvalidInputError("a random rule, or noise, needs runs >= 2 for an interval.")


# Seconds on one core, measured: one step's calls, and one number of one run's gradients.
_SECONDS_PER_STEP, _SECONDS_PER_NUMBER = 1.2e-4, 2e-9


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell."""
    dim = int(params["dim"]) * (NETWORK_INPUTS if params["objective"] == "network" else 1)
    runs = int(params["runs"]) if _is_random(params) else 1
    tasks = int(params["groups"]) * int(params["group_size"])
    inner = dim if params["objective"] == "quadratic" or params["bend"] else 4
    numbers = runs * tasks * dim * inner
    return int(params["steps"]) * (_SECONDS_PER_STEP + _SECONDS_PER_NUMBER * numbers)


EXPERIMENT = Experiment(
    name="convergence",
    version=2,
    doc=(
        "Descend with classes of tasks in turn, drawn at random (scaled or not), or mixed with "
        "aggregated steps, on objectives whose L, mu and minimum are certified, and average "
        "|grad F|^2 over the steps. The classes are the scheduler's at the start and stay. Beside "
        "it: the paper's rates (eq. 13, 90, 95-98, 103) and a bound that holds for each rule. "
        "Cells of one instance share their random numbers."
    ),
    params={
        "objective": Param(
            type=str,
            default="quadratic",
            choices=tuple(OBJECTIVES),
            doc="see the package "
            "simulations.objectives; plateau: worst case, with the bowl just out of reach",
        ),
        "groups": Param(type=int, default=3, low=1, doc="groups of tasks that agree"),
        "group_size": Param(type=int, default=2, low=1, doc="tasks in each group"),
        "dim": Param(type=int, default=16, low=1, doc="d; for network the width, d = 6 width"),
        "conflict": Param(
            type=float,
            default=1.0,
            low=0,
            doc="length of the part of a group's gradient that cancels in grad F, relative to "
            "|grad F| at the start",
        ),
        "coupling": Param(
            type=str, default="random", choices=COUPLINGS, doc="of curvatures; quadratic only"
        ),
        "condition": Param(
            type=float, default=30.0, low=1, doc="curvatures' ratio of a task; quadratic only"
        ),
        "bend": Param(
            type=float,
            default=0.0,
            low=0,
            doc="curvature of the groups that cancels in F, relative to L",
        ),
        "tau": Param(type=float, default=0.1, low=0, high=1, doc="threshold at the start"),
        "rule": Param(type=str, default="cyclic", choices=RULES, doc="which class at which step"),
        "skew": Param(
            type=float, default=0.0, low=0, doc="class r is drawn with p proportional to r^-skew"
        ),
        "step_law": Param(
            type=str,
            default="sqrt",
            choices=("sqrt", "constant"),
            doc="sqrt: eta = step / (L sqrt(T)), so c = step / L; constant: eta = step / L",
        ),
        "step": Param(
            type=float, default=1.0, low=0, low_open=True, doc="step size in units of 1 / L"
        ),
        "steps": Param(type=int, default=1344, low=1, doc="T"),
        "sigma": Param(
            type=float,
            default=0.0,
            low=0,
            doc="root of E|noise of the full gradient|^2, relative to |grad F| at the start",
        ),
        "task_decay": Param(
            type=float, default=0.0, low=0, doc="task k has noise in proportion to k^-task_decay"
        ),
        "direction_decay": Param(
            type=float, default=0.0, low=0, doc="the same for the coordinates"
        ),
        "runs": Param(
            type=int, default=32, low=1, doc="independent runs, where anything is random"
        ),
        "replicate": Param(type=int, default=0, low=0, doc="names an independent instance"),
    },
    columns={
        "runs_done": int,
        "eta": float,
        "num_classes": int,
        "largest_class": int,
        "gap": float,
        "smoothness": float,
        "pl": float,
        "start_square": float,
        "inside": bool,
        "diverged": bool,
        "mean_square": float,
        "mean_square_lo": float,
        "mean_square_hi": float,
        "min_square": float,
        "min_square_lo": float,
        "min_square_hi": float,
        "bounded_square": float,
        "bounded_square_lo": float,
        "bounded_square_hi": float,
        "final_gap": float,
        "final_gap_lo": float,
        "final_gap_hi": float,
        "least_mean_square": float,
        "class_gradient": float,
        "step_variance": float,
        "noise_variance": float,
        "claimed": float,
        "unbiased_bound": float,
        "rule_bound": float,
        "energy": float,
        "step_energy": float,
        "mean_factor": float,
        "worst_factor": float,
        "energy_claim": float,
    },
    run=run,
    seed_axes=(
        "objective",
        "groups",
        "group_size",
        "dim",
        "conflict",
        "coupling",
        "condition",
        "bend",
        "replicate",
    ),
    statistics=(
        "n = runs_done independent runs from one start (1 where nothing is random: then intervals "
        "have no width). *_lo and *_hi are Student's 95% intervals (alpha = 0.05) of means over "
        "the runs, nominal for values that are not Gaussian, for each cell alone. mean_square "
        "averages |grad F|^2 over steps 0..T-1; bounded_square over the steps that rule_bound is "
        "about (starts of cycles; with mixed steps also the aggregated ones). min_square is the "
        "mean over runs of each run's least value, so its expectation is at most min_t E|grad F|^2 "
        "and that is at most E mean_square: eq. 13 is broken beyond doubt where min_square_lo > "
        "claimed, kept beyond doubt where mean_square_hi <= claimed. least_mean_square, the least "
        "over t of the means over runs, is biased low and has no interval. class_gradient and "
        "step_variance are the largest seen, not certified. energy and factors are of exact "
        "gradients. Cells that differ in rule, steps, step size, tau or noise share the instance "
        "and its random stream, so only replicates are independent."
    ),
    cost=cost,
    check=check,
)
