"""What affinities cost: counted in the run, needed by definition, and printed in the paper."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.sweep.experiment import Row
from simulations.training.grouping.decide import AFFINITIES, INTERVAL, Decision
from simulations.training.grouping.intervals import t_interval
from simulations.training.grouping.options import GroupingOptions
from simulations.training.grouping.rows import number, row, whole
from songoku_theory.grouping import Cost, needed_cost, printed_costs

__all__ = ["cost_rows", "speedup_rows"]

_NEEDED = {
    "ptg": "ptg",
    "ptg_paper": "ptg_recorded_self",
    "ptg_sampled": "ptg_sampling",
    "tag": "tag",
    "cosine": "cosine",
    "ema_cosine": "ema_cosine",
}


def cost_rows(
    joint: Sequence[Sequence[Row]], decisions: Sequence[Decision], num_tasks: int
) -> list[Row]:
    """Return needed and printed costs of a step, and the networks that each way trains."""
    rows: list[Row] = []
    for method, name in _NEEDED.items():
        rows += _cost(needed_cost(name, num_tasks), "needed", method)
    for method, cost in printed_costs(num_tasks).items():
        rows += _cost(cost, "printed", method)
    trained: dict[tuple[str, str, int], int] = {}
    for d in decisions:
        if d.answer.groups and d.draw <= 0:
            key = (d.method, d.setting, d.num_groups)
            trained[key] = max(trained.get(key, 0), len(set(d.answer.groups)))
    for (method, setting, m), count in trained.items():
        if method == "hoa":
            before = num_tasks * (num_tasks + 1) // 2
        else:
            before = int(method in AFFINITIES or method == "son_goku_in_ptg")
        rows.append(
            row(
                "networks", float(count), method=method, setting=setting, num_groups=m,
                count=before,
            )
        )  # fmt: skip
    return rows


def _cost(cost: Cost, kind: str, method: str) -> list[Row]:
    parts = (("forward", cost.forward), ("backward", cost.backward), ("parameter", cost.parameter))
    return [row(kind, float(amount), method=method, label=label) for label, amount in parts]


def speedup_rows(joint: Sequence[Sequence[Row]], options: GroupingOptions) -> list[Row]:
    """Return how much cheaper a run gets that collects at one step in so many.

    Counted forward passes are those of transfer gains alone; seconds those of this run, which
    collects every affinity, with the time of a collection taken as the same at each step.
    """
    rows: list[Row] = []
    for interval in options.intervals:
        setting = f"{INTERVAL}={interval}"
        forward, seconds = [], []
        for held in joint:
            training, whole, lazy = (
                _forward(held, method, where)
                for method, where in (("training", ""), ("ptg", ""), ("ptg", setting))
            )
            forward.append((training + whole) / (training + lazy))
            spent = {str(r["label"]): number(r["value"]) for r in held if r["kind"] == "seconds"}
            share = _collections(held, setting) / _collections(held, "")
            now = spent["training"] + spent["collecting"]
            seconds.append(now / (spent["training"] + spent["collecting"] * share))
        for label, found in (("forward", forward), ("seconds", seconds)):
            held_in = t_interval(found)
            rows.append(
                row(
                    "speedup", held_in.mean, setting=setting, low=held_in.low, high=held_in.high,
                    count=held_in.count, label=label,
                )
            )  # fmt: skip
    return rows


def _forward(rows: Sequence[Row], method: str, setting: str) -> float:
    return next(
        number(r["value"])
        for r in rows
        if r["kind"] == "operations"
        and (r["method"], r["setting"], r["label"]) == (method, setting, "forward")
    )


def _collections(rows: Sequence[Row], setting: str) -> int:
    return next(
        whole(r["count"])
        for r in rows
        if r["kind"] == "operations" and (r["method"], r["setting"]) == ("ptg", setting)
    )
