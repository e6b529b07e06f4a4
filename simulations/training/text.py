"""A traced run's summary as lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from simulations.training.options import TraceOptions
from simulations.training.summary import Round, Summary

__all__ = ["summary_text"]

_SHOWN_REFRESHES = 5


def summary_text(summary: Summary, options: TraceOptions) -> str:
    """Return what a reader wants to know of a run, in plain text.

    Parameters
    ----------
    summary : Summary
    options : TraceOptions
        Of the same run.

    Returns
    -------
    str
        Lines, without a last newline.
    """
    parts = [
        [
            f"{summary.data} [{summary.provenance}]",
            f"seed {options.seed}, {options.steps:,} steps, refresh every "
            f"{options.refresh_period}, tau {options.tau:g}, beta {options.beta:g}, width "
            f"{options.width}, batch {options.batch_size}, lr {options.lr:g}",
        ],
        _tasks(summary),
        _refreshes(summary),
        _last_graph(summary),
        _gaps(summary, options),
        _work(summary, options),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _tasks(summary: Summary) -> list[str]:
    bounds = summary.gaps.bounds
    table = [["task", "test", "chance", "train", "updates", "largest gap", "bound", "", "it asks"]]
    for i, task in enumerate(summary.tasks):
        gap = summary.gaps.largest[i]
        table.append(
            [
                task.name,
                f"{task.test:.3f}",
                f"{task.chance:.3f}",
                f"{task.train:.3f}",
                f"{task.updates:,}",
                str(gap) if gap else "-",
                "-" if bounds is None else str(bounds[i]),
                "" if bounds is None else "held" if gap <= bounds[i] else "BROKEN",
                task.about,
            ]
        )
    metrics = ", ".join(sorted({task.metric_name for task in summary.tasks}))
    return [f"Tasks ({metrics}; gap = steps from one update to the next)", *_aligned(table)]


def _refreshes(summary: Summary) -> list[str]:
    found = summary.refreshes
    if not found:
        return [
            "No refresh: the run is shorter than the refresh period, so all tasks ran together."
        ]
    counts = [len(one.conflicts) for one in found]
    sizes = [len(one.classes) for one in found]
    pairs = len(summary.tasks) * (len(summary.tasks) - 1) // 2
    lines = _wrapped(
        f"{_count(len(found), 'refresh', 'refreshes')}: {_span(counts)} conflicts each (mean "
        f"{sum(counts) / len(counts):.1f} of {pairs} pairs), {_span(sizes)} classes; the grouping "
        f"changed at {summary.regrouped} of {len(found) - 1}."
    )
    table = [["refresh", "step", "tau", "conflicts", "classes"]]
    table += [
        [
            str(one.refresh),
            f"{one.step:,}",
            f"{one.tau:.3g}",
            str(len(one.conflicts)),
            _classes(one, summary),
        ]
        for one in found[-_SHOWN_REFRESHES:]
    ]
    return lines + _aligned(table)


def _last_graph(summary: Summary) -> list[str]:
    if not summary.refreshes:
        return []
    last = summary.refreshes[-1]
    lines = [f"Conflict graph at the last refresh (step {last.step:,}), by cosine"]
    if not last.conflicts:
        return [*lines, "  no conflicts"]
    table = [
        [summary.tasks[i].name, "x", summary.tasks[j].name, f"{last.cosines[i, j]:+.3f}"]
        for i, j in sorted(last.conflicts, key=lambda pair: last.cosines[pair])
    ]
    return lines + _aligned(table)


def _gaps(summary: Summary, options: TraceOptions) -> list[str]:
    gaps = summary.gaps
    lines = [
        "Gaps",
        *_wrapped(
            f"under one graph (Proposition 8, at most Delta + 1): largest {gaps.largest_within}, "
            f"bound {gaps.within_bound}; held in {gaps.windows_held} of "
            f"{_count(gaps.windows, 'window', 'windows')}.",
            indent=2,
        ),
    ]
    if gaps.bounds is None:
        return lines + _wrapped(
            f"across refreshes: no bound, because a window of {options.refresh_period} steps is "
            f"shorter than its cycle of classes. Raise --refresh.",
            indent=2,
        )
    lines += _wrapped(
        f"across a refresh too (at most m_old + m_new - 1): largest {max(gaps.largest)}, bound "
        f"{max(gaps.bounds)}; {'held for every task' if gaps.held else 'BROKEN'}.",
        indent=2,
    )
    if gaps.beyond_cycle:
        lines += _wrapped(
            f"{_count(gaps.beyond_cycle, 'gap', 'gaps')} across a refresh exceeded every cycle on "
            f"both sides (the longest has {gaps.longest_cycle} classes); Proposition 8 is about "
            f"one graph and does not cover them.",
            indent=2,
        )
    return lines


def _work(summary: Summary, options: TraceOptions) -> list[str]:
    tasks = len(summary.tasks)
    probes = tasks * len(summary.refreshes) if options.probe == "required" else 0
    return _wrapped(
        f"Work: {summary.losses:,} gradients at steps and {probes:,} at probes; all tasks at every "
        f"step would be {tasks * options.steps:,}."
    )


def _classes(one: Round, summary: Summary) -> str:
    return " | ".join(", ".join(summary.tasks[i].name for i in members) for members in one.classes)


def _wrapped(text: str, indent: int = 0) -> list[str]:
    """Lines of at most 100 characters, those after the first two further in."""
    return textwrap.wrap(
        text, 100, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2)
    )


def _count(number: int, singular: str, plural: str) -> str:
    return f"{number:,} {singular if number == 1 else plural}"


def _span(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Columns under one another, numbers to the right."""
    widths = [max(len(row[c]) for row in table) for c in range(len(table[0]))]
    numeric = [
        all(_is_number(row[c]) for row in table[1:]) and len(table) > 1 for c in range(len(widths))
    ]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in table
    ]


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(",", "").replace(".", "").lstrip("+-").isdigit()
