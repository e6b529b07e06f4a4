"""Did grouping help here? An answer that changes with the intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulations.sweep.experiment import Row
from simulations.training.grouping.intervals import ALPHA
from simulations.training.grouping.rows import number, whole

__all__ = ["WAYS", "verdict", "way_name"]

WAYS = {
    "together": "all together",
    "single": "single tasks",
    "son_goku": "SON-GOKU, all tasks",
    "random": "random groups",
    "ptg": "PTG",
    "ptg_paper": "PTG as printed",
    "ptg_sampled": "PTG, sampled",
    "tag": "TAG",
    "cosine": "cosine",
    "ema_cosine": "EMA cosine",
    "hoa": "HOA",
    "son_goku_in_ptg": "SON-GOKU in PTG's groups",
    "validation": "best by validation",
    "optimum": "optimum",
}
"""As tables write them, in their order."""

_NO_GROUPING = ("together", "son_goku", "optimum")


def way_name(row: Row) -> str:
    """Return a way to group in words.

    Examples
    --------
    >>> way_name({"method": "ptg", "setting": "", "num_groups": 3})
    'PTG, 3 groups'
    """
    method, m = str(row["method"]), row["num_groups"]
    name = WAYS.get(method, method)
    if method in ("together", "single", "son_goku"):
        return name
    many = "any number of groups" if m == 0 else f"{m} group{'s' if m != 1 else ''}"
    setting = f", {row['setting']}" if row["setting"] else ""
    return f"{name}, {many}{setting}"


def verdict(rows: Sequence[Row]) -> str:
    """Say whether grouping helped, by the tests that were declared.

    Parameters
    ----------
    rows : sequence of Row
        Of the experiment ``grouping``.
    """
    tested = {_way(r): r for r in rows if r["kind"] == "p_value" and r["label"] == "holm"}
    differences = {_way(r): r for r in rows if r["kind"] == "difference"}
    groupings = {w: r for w, r in tested.items() if w[0] not in _NO_GROUPING}
    if not groupings:
        return "Nothing was compared."
    sure = [w for w, r in groupings.items() if number(r["value"]) < ALPHA]
    better = [w for w in sure if number(differences[w]["value"]) < 0]
    worse = [w for w in sure if number(differences[w]["value"]) > 0]
    seeds = next(iter(differences.values()))["count"]
    said = []
    if better:
        said.append(
            f"Grouping helped: {len(better)} of {len(groupings)} ways to group have less total "
            f"test error than all tasks together ({_list(better, differences)})"
        )
    else:
        said.append(
            f"No way to group ({len(groupings)} compared) has demonstrably less total test error "
            f"than all tasks together"
        )
    said[0] += (
        f", {seeds} seeds, paired t tests at alpha = {ALPHA:g} after Holm's correction for "
        f"{len(tested)} comparisons."
    )
    if worse:
        said.append(f"{len(worse)} have more ({_list(worse, differences)}).")
    said.append(_without_correction(groupings, differences))
    said.append(_best_of_all(rows, differences))
    return " ".join(part for part in said if part)


def _without_correction(
    groupings: Iterable[tuple[str, str, int]], differences: dict[tuple[str, str, int], Row]
) -> str:
    chosen = [differences[w] for w in groupings]
    below = sum(number(r["high"]) < 0 for r in chosen)
    above = sum(number(r["low"]) > 0 for r in chosen)
    return (
        f"Of single 95% intervals of the difference, without correction, {below} lie below 0, "
        f"{above} above, {len(chosen) - below - above} hold it."
    )


def _best_of_all(rows: Sequence[Row], differences: dict[tuple[str, str, int], Row]) -> str:
    if not any(r["kind"] == "enumerated" and r["value"] == 1.0 for r in rows):
        return "The optimum was not enumerated."
    found = differences.get(("optimum", "", 0))
    base = next(
        (r for r in rows if r["kind"] == "mean" and r["method"] == "together"), None
    )  # fmt: skip
    if found is None or base is None:
        return ""
    percent = [100 * number(found[k]) / number(base["value"]) for k in ("value", "low", "high")]
    return (
        f"The best of all groupings, chosen by these very test errors, differs from all together "
        f"by {percent[0]:+.2f}% [{percent[1]:+.2f}, {percent[2]:+.2f}]: no one grouping for all "
        f"seeds has a lower mean here."
    )


def _list(
    ways: Sequence[tuple[str, str, int]], differences: dict[tuple[str, str, int], Row]
) -> str:
    ordered = sorted(ways, key=lambda w: abs(number(differences[w]["value"])), reverse=True)
    named = [
        f"{way_name(r)}: {number(r['value']):+.3g} [{number(r['low']):+.3g}, "
        f"{number(r['high']):+.3g}]"
        for r in (differences[w] for w in ordered)
    ]
    return "; ".join(named[:5]) + (f"; and {len(named) - 5} more" if len(named) > 5 else "")


def _way(row: Row) -> tuple[str, str, int]:
    return str(row["method"]), str(row["setting"]), whole(row["num_groups"])
