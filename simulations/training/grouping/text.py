"""A comparison in words and tables, from its rows alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np

from simulations.sweep.experiment import Row
from simulations.training.grouping.census import census_text
from simulations.training.grouping.intervals import detectable
from simulations.training.grouping.rows import number, whole
from simulations.training.grouping.verdict import WAYS, way_name

__all__ = ["comparison_text", "rows_json"]

_AFFINITIES = ("ptg", "tag", "cosine", "ema_cosine")
_OPERATIONS = ("forward", "backward", "parameter")


def rows_json(rows: Sequence[Row]) -> str:
    """Return all rows as a JSON list."""
    return json.dumps(list(rows), ensure_ascii=False, allow_nan=False)


def comparison_text(rows: Sequence[Row], benchmark: str) -> str:
    """Return tables of affinities, groups, costs and errors, and whether grouping helped.

    Parameters
    ----------
    rows : sequence of Row
        Of the experiment ``grouping``.
    benchmark : str
    """
    names = [str(r["label"]) for r in _of(rows, "task_name")]
    metric = str(next(_of(rows, "metric"))["label"])
    origin = str(next(_of(rows, "provenance"))["label"])
    chance = sum(number(r["value"]) for r in _of(rows, "chance"))
    turned = " (1 - it)" if any(r["value"] == 1.0 for r in _of(rows, "metric")) else ""
    parts = [
        f"Grouping the {len(names)} tasks of {benchmark} ({origin}). Errors: {metric}{turned}, "
        f"summed over tasks; by chance {chance:.4g}.",
        *(_affinity_text(rows, name, names) for name in _AFFINITIES),
        _groups_text(rows, names),
        _costs_text(rows),
        _errors_text(rows),
        census_text(rows),
        _settings_text(rows),
        _probe_text(rows),
        *(str(r["label"]) for r in _of(rows, "note")),
        *(str(r["label"]) for r in _of(rows, "verdict")),
    ]
    return "\n\n".join(part for part in parts if part)


def _of(rows: Sequence[Row], *kinds: str) -> Iterator[Row]:
    return iter([r for r in rows if r["kind"] in kinds])


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (head, *body)
    ]
    return "\n".join(lines)


def _affinity_text(rows: Sequence[Row], name: str, names: Sequence[str]) -> str:
    n = len(names)
    found: dict[tuple[int, int], list[float]] = {}
    for r in _of(rows, "affinity"):
        if r["method"] == name and r["setting"] == "":
            found.setdefault((whole(r["i"]), whole(r["j"])), []).append(number(r["value"]))
    if not found:
        return ""
    scale = 1.0 if "cosine" in name else 1000.0
    body = [
        [names[i], *(f"{scale * np.mean(found[i, j]):.2f}" if (i, j) in found else "-"
                     for j in range(n))]
        for i in range(n)
    ]  # fmt: skip
    unit = "" if scale == 1.0 else ", in thousandths"
    return f"{WAYS[name]}: from the row's task to the column's, mean over seeds{unit}\n" + _table(
        ["", *names], body
    )


def _groups_text(rows: Sequence[Row], names: Sequence[str]) -> str:
    """The groups of the first seed, and how many seeds agree with it."""
    chosen: dict[tuple[str, str, int], dict[int, dict[int, list[int]]]] = {}
    for r in _of(rows, "group"):
        if whole(r["draw"]) < 0 and r["method"] not in ("together", "single", "son_goku"):
            way = (str(r["method"]), str(r["setting"]), whole(r["num_groups"]))
            held = chosen.setdefault(way, {}).setdefault(whole(r["seed"]), {})
            held.setdefault(whole(r["group"]), []).append(whole(r["i"]))
    body = []
    for (method, setting, m), seeds in chosen.items():
        if setting or method == "son_goku_in_ptg":
            continue
        as_sets = [{tuple(g) for g in one.values()} for one in seeds.values()]
        same = sum(one == as_sets[0] for one in as_sets)
        shown = " | ".join(" ".join(names[i] for i in g) for g in sorted(as_sets[0]))
        title = way_name({"method": method, "setting": setting, "num_groups": m})
        body.append(f"{title} ({same} of {len(as_sets)} seeds): {shown}")
    reasons = {
        f"{way_name(r)}: infeasible, {r['label']}" for r in _of(rows, "reason")
    }  # fmt: skip
    return "Groups on the first seed (how many seeds have the same)\n" + "\n".join(
        [*body, *sorted(reasons)]
    )


def _costs_text(rows: Sequence[Row]) -> str:
    counted: dict[str, dict[str, list[float]]] = {}
    for r in _of(rows, "operations"):
        if r["setting"] == "" and r["label"] in _OPERATIONS:
            found = counted.setdefault(str(r["method"]), {}).setdefault(str(r["label"]), [])
            found.append(number(r["value"]) / whole(r["count"]))
    lines: list[list[str]] = []
    for method, of in counted.items():
        lines.append([f"{WAYS.get(method, method)}, counted", *_costs(of)])
        needed = {str(r["label"]): [number(r["value"])] for r in _of(rows, "needed")
                  if r["method"] == method}  # fmt: skip
        if needed:
            lines.append([f"{WAYS.get(method, method)}, by definition", *_costs(needed)])
    printed: dict[str, dict[str, list[float]]] = {}
    for r in _of(rows, "printed"):
        printed.setdefault(str(r["method"]), {})[str(r["label"])] = [number(r["value"])]
    lines += [[f"{method}, printed", *_costs(of)] for method, of in printed.items()]
    return "Operations a step at which affinities are collected\n" + _table(
        ["", "forward", "backward", "parameter"], lines
    )


def _costs(of: dict[str, list[float]]) -> list[str]:
    return [f"{np.mean(of[name]):.4g}" for name in _OPERATIONS]


def _errors_text(rows: Sequence[Row]) -> str:
    ways = [r for r in _of(rows, "mean") if r["setting"] == ""]
    order = list(WAYS)
    ways.sort(key=lambda r: (whole(r["num_groups"]) or 99, order.index(str(r["method"]))))
    body = []
    for r in ways:
        same, best = _like(rows, "difference", r), _like(rows, "relative", r, "any")
        p, trained = _like(rows, "p_value", r, "holm"), _like(rows, "networks", r)
        body.append([
            way_name(r), _interval(r, "{:.4g}"), "" if same is None else _interval(same, "{:+.3g}"),
            "" if p is None else f"{number(p['value']):.3g}",
            "" if best is None else _interval(best, "{:+.3g}"),
            "" if trained is None else f"{number(trained['value']):.0f}",
        ])  # fmt: skip
    known = any(r["value"] == 1.0 for r in _of(rows, "enumerated"))
    note = "" if known else "\nThe optimum was not enumerated: not every set of tasks was trained."
    count = whole(ways[0]["count"])
    tests = sum(r["label"] == "holm" for r in _of(rows, "p_value"))
    least = detectable(count, tests) if tests else None
    if least is not None:
        note += (
            f"\nWith {count} seeds and {tests} comparisons the first step of Holm finds, with a "
            f"power of 80%, differences of {least:.2g} or more standard deviations of the paired "
            f"differences."
        )
    return (
        f"Total test error, mean over {count} seeds [95% t interval]; p: paired t test against all "
        f"together, Holm's correction\n"
        + _table(["", "error", "less all together", "p", "% above optimum", "networks"], body)
        + note
    )


def _settings_text(rows: Sequence[Row]) -> str:
    """Size limits (PTG 5.3) and lazy collection (PTG 5.4)."""
    sized, lazy = [], []
    for r in _of(rows, "mean"):
        setting = str(r["setting"])
        if setting.startswith("interval"):
            found = _like(rows, "improvement", r)
            speed = {
                str(s["label"]): s for s in _of(rows, "speedup") if s["setting"] == setting
            }  # fmt: skip
            lazy.append([
                setting.partition("=")[2], _interval(r, "{:.4g}"),
                "" if found is None else _interval(found, "{:+.3g}"),
                *(f"{number(speed[k]['value']):.3g}" if k in speed else "" for k in
                  ("forward", "seconds")),
            ])  # fmt: skip
        elif setting:
            sized.append([way_name(r), _interval(r, "{:.4g}")])
    parts = []
    if sized:
        parts.append("Size limits (PTG 5.3)\n" + _table(["", "error"], sized))
    if lazy:
        head = ["interval", "error", "% below random groups", "speedup, forward", "seconds"]
        parts.append("Lazy collection (PTG 5.4)\n" + _table(head, lazy))
    return "\n\n".join(parts)


def _probe_text(rows: Sequence[Row]) -> str:
    """How well pairs foretell the gain from all others at once (EXT-13 against eq. 7)."""
    found: dict[str, list[float]] = {}
    for r in _of(rows, "probe"):
        found.setdefault(str(r["label"]), []).append(number(r["value"]))
    if set(found) != {"measured", "sum", "average"}:
        return ""
    measured = np.array(found["measured"])
    size = float(np.sqrt(np.mean(measured**2)))
    if size == 0.0:
        return ""
    off = {
        name: float(np.sqrt(np.mean((np.array(found[name]) - measured) ** 2))) / size
        for name in ("sum", "average")
    }
    return (
        f"A task's gain from all others at once, measured in {len(measured)} pairs of task and "
        f"seed: the sum of the pairs' gains is off by {100 * off['sum']:.0f}% of it (root mean "
        f"square), their average (eq. 7) by {100 * off['average']:.0f}%."
    )


def _like(rows: Sequence[Row], kind: str, way: Row, label: str | None = None) -> Row | None:
    keys = ("method", "setting", "num_groups")
    return next(
        (
            r
            for r in _of(rows, kind)
            if all(r[k] == way[k] for k in keys) and (label is None or r["label"] == label)
        ),
        None,
    )


def _interval(row: Row, form: str) -> str:
    value, low, high = (form.format(number(row[k])) for k in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
