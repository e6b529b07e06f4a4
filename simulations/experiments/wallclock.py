"""Seconds: appendix L's study, colouring heuristics and sketches, timed in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from simulations.generators.checks import check_whole
from simulations.sweep.experiment import Experiment, Param, Row, Scalar
from simulations.wallclock.clock import device_name, devices, take_turns
from songoku_theory.errors import InvalidInputError
from songoku_theory.validation import check_period

__all__ = ["EXPERIMENT"]

Subjects = dict[str, Callable[[], float]]


def run(params: Mapping[str, Scalar], seed: np.random.SeedSequence) -> list[Row]:
    """Run one cell: time everything of one study at one size, in turn.

    Parameters
    ----------
    params : mapping
        See `EXPERIMENT`.
    seed : numpy.random.SeedSequence
        Of the workload; the seconds are whatever they are.

    Returns
    -------
    list of dict
        One row a method, refresh period, device and repeat.

    Raises
    ------
    InvalidInputError
        When a device is asked for that is not there.
    """
    if params["study"] == "methods":
        asked = str(params["devices"])
        return [row for device in devices(asked) for row in _methods(params, seed, device)]
    from simulations.wallclock.others import colorings, sketches

    rng = np.random.default_rng(seed)
    count, dim = int(params["num_tasks"]), int(params["dim"])
    if params["study"] == "heuristics":
        subjects = colorings(count, int(params["steps"]), rng)
    else:
        one = sketches(count, dim, int(params["size"]), rng)
        subjects = {name: _repeated(call, int(params["steps"])) for name, call in one.items()}
    found = take_turns(subjects, int(params["repeats"]))
    where = device_name("cpu")
    return [
        {
            "method": one.name,
            "refresh_period": 0,
            "device": "cpu",
            "device_name": where,
            "repeat": one.repeat,
            "seconds": one.seconds,
            "cpu_seconds": one.cpu_seconds,
            "running": float(count),
            "sink": one.sink,
        }
        for one in found
    ]


def _repeated(call: Callable[[], float], times: int) -> Callable[[], float]:
    def run_all() -> float:
        total = 0.0
        for _ in range(times):
            total += call()
        return total

    return run_all


def _periods(params: Mapping[str, Scalar]) -> list[int]:
    return [int(text) for text in str(params["periods"]).split("+")]


def _methods(params: Mapping[str, Scalar], seed: np.random.SeedSequence, device: str) -> list[Row]:
    import torch

    from simulations.wallclock.methods import METHODS, SCHEDULED, run_plain, run_scheduled, workload

    rng = np.random.default_rng(seed)
    count, steps = int(params["num_tasks"]), int(params["steps"])
    given = workload(str(params["workload"]), count, int(params["dim"]), steps, device, rng)
    subjects: Subjects = {name: run_plain(name, given) for name in METHODS}
    settings: dict[str, tuple[str, int]] = {name: (name, 0) for name in METHODS}
    running: dict[str, Callable[[], float]] = {}
    for period in _periods(params):
        for name in SCHEDULED:
            label = f"{name}, R = {period}"
            subjects[label], running[label] = run_scheduled(name, given, period)
            settings[label] = (name, period)

    def synchronise() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    found = take_turns(subjects, int(params["repeats"]), synchronise)
    where = device_name(device)
    return [
        {
            "method": settings[one.name][0],
            "refresh_period": settings[one.name][1],
            "device": device,
            "device_name": where,
            "repeat": one.repeat,
            "seconds": one.seconds,
            "cpu_seconds": one.cpu_seconds,
            "running": running[one.name]() if one.name in running else float(count),
            "sink": one.sink,
        }
        for one in found
    ]


def check(params: Mapping[str, Scalar]) -> None:
    """Refuse a setting that can't exist, before anything runs.

    Raises
    ------
    InvalidInputError
        When there are fewer than two tasks, the periods can't be read, or d is too small.
    """
    check_whole("num_tasks", int(params["num_tasks"]), 2, "a pair needs two tasks")
    texts = str(params["periods"]).split("+")
    if not all(text.isdigit() for text in texts):
        raise InvalidInputError(
            f"periods should be refresh periods joined by +, e.g. 4+32+256; found "
            f"{params['periods']!r}."
        )
    for text in texts:
        check_period(int(text), "periods")
    check_whole("dim", int(params["dim"]), 8, "the groups of the workload need room")


def cost(params: Mapping[str, Scalar]) -> float:
    """Return the expected seconds of a cell, on one device.

    Examples
    --------
    >>> base = {name: param.default for name, param in EXPERIMENT.params.items()}
    >>> cost({**base, "num_tasks": 3}) < cost({**base, "num_tasks": 40})
    True
    """
    count, steps, rounds = (
        int(params["num_tasks"]),
        int(params["steps"]),
        int(params["repeats"]) + 1,
    )
    if params["study"] == "methods":
        scheduled = 4 * len(str(params["periods"]).split("+"))
        return 4.0 + rounds * steps * (9 * 1.5e-4 + scheduled * 2.5e-4 + 6e-5 * count)
    if params["study"] == "heuristics":
        return 1.0 + rounds * steps * (1e-3 + 2e-6 * count**2)
    return 1.0 + rounds * steps * 8e-9 * count * int(params["dim"]) * (8 + int(params["size"]) / 8)


EXPERIMENT = Experiment(
    name="wallclock",
    version=1,
    doc=(
        "Measure seconds. methods: every method of Table 4 on the same pre-generated gradients and "
        "losses, on each device that the machine has (SON-GOKU, appendix L). heuristics: every "
        "built-in colouring on the conflict graphs of random gradients. sketches: from averages "
        "to cosines, exactly and by each sketch of appendix D.5. Subjects take turns, after a "
        "round that is not counted. One thread. For clean numbers run with --workers 1 on a quiet "
        "machine."
    ),
    params={
        "study": Param(
            type=str,
            default="methods",
            choices=("methods", "heuristics", "sketches"),
            doc="what is timed",
        ),
        "num_tasks": Param(type=int, default=6, low=2, doc="K"),
        "dim": Param(type=int, default=1024, low=8, doc="d; not of heuristics"),
        "steps": Param(
            type=int,
            default=900,
            low=1,
            doc="steps in a run; graphs (heuristics), calls (sketches)",
        ),
        "repeats": Param(type=int, default=10, low=2, doc="runs of each subject"),
        "periods": Param(
            type=str, default="4+32+256", doc="refresh periods R, joined by +; methods only"
        ),
        "workload": Param(
            type=str,
            default="noise",
            choices=("noise", "groups"),
            doc="gradients: independent normal, or groups that pull apart; methods only",
        ),
        "size": Param(type=int, default=256, low=2, doc="r of the projections; sketches only"),
        "devices": Param(
            type=str,
            default="all",
            choices=("all", "cpu", "cuda"),
            doc="where; all: every device of the machine; methods only",
        ),
        "replicate": Param(
            type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
        ),
    },
    columns={
        "method": str,
        "refresh_period": int,
        "device": str,
        "device_name": str,
        "repeat": int,
        "seconds": float,
        "cpu_seconds": float,
        "running": float,
        "sink": float,
    },
    run=run,
    statistics=(
        "One row a repeat: seconds (wall-clock) and cpu_seconds of a whole run, nothing left out "
        "but the first round. n = repeats; a mean's 95% interval is Student's t over the repeats "
        "of one process, which says nothing about another machine or another day. refresh_period "
        "is 0 for methods that have none. running is the mean number of tasks that run at a step. "
        "sink is the same in every repeat, because the work is; seconds are not."
    ),
    cost=cost,
    check=check,
    measures_time=True,
)
