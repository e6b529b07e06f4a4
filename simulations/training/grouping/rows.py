"""What ``songoku group`` records, as rows of one long table (the experiment ``grouping``).

Every row has all columns; what a kind does not use is -1 (int), missing (float) or "" (text).
`seed` is the run's seed; -1: over all seeds. Tasks are `i` and `j`, in the benchmark's order.
`num_groups` is m; 0: any number. `value` is in the tasks' own units of error, see ``metric``.

`method` names an affinity in the first rows of the list, and in the others a way to group:

==================== ============================================================================
together             one network for all tasks, the sum of losses
single               one network a task
son_goku             one network for all tasks, trained by SON-GOKU's schedule
ptg                  transfer gains as the ledger has them: no gain from oneself, groups are worth
                     the sum of their pairs' gains (EXT-13)
ptg_paper            transfer gains as printed: recorded gains from oneself, eq. 8's averages
ptg_sampled          ptg from sampled steps (PTG 4.3)
son_goku_in_ptg      the groups of ptg, SON-GOKU's schedule inside each
tag                  TAG's affinities and averages
cosine               cosines of the gradients, eq. 8
ema_cosine           SON-GOKU's cosines of smoothed gradients, eq. 8
hoa                  higher-order approximation, from networks of one and two tasks
random               random groups, all partitions equally likely; `draw` numbers them
validation           the grouping with the least validation error, by enumeration
optimum              ... with the least *test* error, mean over seeds: chosen by what it is judged
                     by, a bound for the others and no method
==================== ============================================================================

`setting` is "" for the plain runs; ``max_size=4`` or ``min_size=2`` for those of PTG 5.3, which
have ptg and random; ``interval=25`` for lazy collection (PTG 5.4), which has ptg.

============== ============================================= =====================================
kind           one row for                                   columns that it uses
============== ============================================= =====================================
provenance     the benchmark                                 label: EXACT, NEAR or SYNTH
note           each remark on data or procedure              label
task_name      each task                                     i, label
metric         each task: its error                          i, label; value 1 where it is 1 - a
                                                             metric of which more is better, else 0
chance         each task: its error without the input        i, value
enumerated     the benchmark                                 value 1: every set of tasks was
                                                             trained, so the optimum is known; 0:
                                                             not enumerated
affinity       each affinity, seed, pair i, j: the gain      method, setting, seed, i, j, value,
               from i to j                                   count: steps behind it
class          each seed, refresh, task: SON-GOKU's colour   seed, step, i, value
               in the same run
operations     each affinity, seed, kind of operation:       method, setting, seed, label, value;
               counted in the run; method "all": collected   count: steps collected. label: forward
               together, "training": the run itself          (losses of a task), backward,
                                                             parameter, trunk (passes of a batch)
needed         each affinity, forward, backward, parameter:  method, label, value
               what its definition needs a collected step
printed        ... what the paper prints for it              method: tag; ptg, 4.3; ptg, Table 9;
                                                             ptg, sampling; label, value
probe          each seed, task: the gain from all the others seed, i, label, value; label:
               at once, measured and foretold from pairs     measured, sum, average (eq. 7)
group          each way, m, seed, draw, group, task in it    method, setting, num_groups, seed,
                                                             draw, group, i
solved         each way, m, seed: the solver's answer        method, setting, num_groups, seed,
                                                             label: optimal, feasible, infeasible
                                                             or timeout, value: objective
bound, gap     ... and how good it is proved to be           ..., value
reason         each infeasible one: what can't be met        ..., label
agreement      each way, m, seed: adjusted Rand index of     method, num_groups, seed, value
               its groups and SON-GOKU's last classes
networks       each way, m: networks trained a seed for the  method, setting, num_groups, value,
               groups, and before, to find them              count: before
set_error      each trained set of tasks, seed, task: test   method (together or son_goku), seed,
               error; label: the set                         label ("0 2 5"), i, value
error          each way but random, m, seed, task: test      method, setting, num_groups, seed,
               error                                         i, value
total          each way, m, seed: sum over tasks; random:    method, setting, num_groups, seed,
               mean over draws                               value
task_mean      each way, m, task: mean over seeds            method, setting, num_groups, i,
                                                             value, low, high, count
mean           each way, m: mean total over seeds            method, setting, num_groups, value,
                                                             low, high, count: seeds
difference     ... total less that of together, same seed    the same
p_value        ... of the paired t test                      ..., value; label: raw or holm
distance       ... total less the optimum's with as many     the same; label: same (m) or any
               groups, and with any number                   (number)
relative       ... the same in per cent of the optimum's     the same
improvement    each interval, m: per cent below the mean of  method ptg, setting, num_groups,
               random groupings, same seed                   value, low, high, count
speedup        each interval: cost of a run that collects    setting, label: forward or seconds,
               at each step / at one in so many              value, low, high, count
verdict        the benchmark: did grouping help here?        label: a sentence
============== ============================================= =====================================
"""

from __future__ import annotations

from simulations.sweep.experiment import Row

__all__ = ["COLUMNS", "number", "row", "whole"]

COLUMNS: dict[str, type] = {
    "kind": str,
    "method": str,
    "setting": str,
    "num_groups": int,
    "seed": int,
    "draw": int,
    "group": int,
    "step": int,
    "i": int,
    "j": int,
    "value": float,
    "low": float,
    "high": float,
    "count": int,
    "label": str,
}


def row(
    kind: str,
    value: float | None = None,
    *,
    method: str = "",
    setting: str = "",
    num_groups: int = -1,
    seed: int = -1,
    draw: int = -1,
    group: int = -1,
    step: int = -1,
    i: int = -1,
    j: int = -1,
    low: float | None = None,
    high: float | None = None,
    count: int = -1,
    label: str = "",
) -> Row:
    """Return a row with what it does not name left empty."""
    return {
        "kind": kind,
        "method": method,
        "setting": setting,
        "num_groups": num_groups,
        "seed": seed,
        "draw": draw,
        "group": group,
        "step": step,
        "i": i,
        "j": j,
        "value": None if value is None else float(value),
        "low": None if low is None else float(low),
        "high": None if high is None else float(high),
        "count": count,
        "label": label,
    }


def number(value: object) -> float:
    """Return a row's value that is known to be a number."""
    assert isinstance(value, float | int)
    return float(value)


def whole(value: object) -> int:
    """Return a row's value that is known to be a whole number."""
    assert isinstance(value, int)
    return value
