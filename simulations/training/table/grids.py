"""The table as grids of text: one place says what is printed, several print it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulations.training.run.tuning import RATE, Tuning
from simulations.training.table.cells import SINGLE_TASK
from simulations.training.table.claims import Answer
from simulations.training.table.columns import Column
from simulations.training.table.names import title_of
from simulations.training.table.plan import UNIFORM, Request, Tuned
from simulations.training.table.scores import BenchTable, Compared, MethodScores
from simulations.training.table.select import RULE
from simulations.training.table.statistics import LEVEL
from songoku_theory.published import METHOD_NAMES, TABLE_1

__all__ = ["Grid", "all_grids"]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of text.

    Attributes
    ----------
    title : str
    header : tuple of str
    rows : tuple of tuple of str
    notes : tuple of str
        Below it, one paragraph each.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def _benchmark_title(name: str) -> str:
    from simulations.training.benchmarks import get_benchmark

    return get_benchmark(name).title


def all_grids(
    request: Request, tables: Sequence[BenchTable], found: Sequence[Tuned],
    said: Sequence[Answer],
) -> list[Grid]:  # fmt: skip
    """Return everything that is printed.

    Parameters
    ----------
    request : Request
    tables : sequence of BenchTable
    found : sequence of Tuned
    said : sequence of Answer
    """
    grids: list[Grid] = []
    for table in tables:
        grids += [_main(table), _equal_work(table)]
    if found:
        grids.append(_tuning(request, found))
    if said:
        grids.append(_answers(said))
    return grids


def _number(value: float) -> str:
    return f"{value:.4g}"


def _cell(found: Compared, column: Column) -> str:
    if found.mean is None:
        return "-"
    scale, half = column.scale, found.mean.half_width
    spread = "" if half is None else f" ± {half * scale:.2g}"
    return f"{_number(found.mean.mean * scale)}{spread}"


def _against(found: Compared, column: Column) -> str:
    if found.difference is None:
        return ""
    half = found.difference.half_width
    if half == 0.0 and found.difference.mean == 0.0:
        return "the same with each seed"
    text = f"{found.difference.mean * column.scale:+.3g}"
    if half is not None:
        text += f" ± {half * column.scale:.2g}"
    if found.p_holm is not None:
        return f"{text} ({_p(found.p_holm)})"
    return text if half is None else f"{text} (no test: equal with each seed)"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def _state(line: MethodScores) -> str:
    parts = []
    if line.untuned:
        parts.append("every candidate diverged")
    if line.diverged:
        parts.append(f"diverged with seed {', '.join(map(str, line.diverged))}")
    if line.missing and not line.untuned:
        parts.append(f"not run: seed {', '.join(map(str, line.missing))}")
    return "; ".join(parts)


def _not_above_chance(line: MethodScores, table: BenchTable) -> list[str]:
    """Return the metrics in which a method's mean is no better than what needs no input."""
    found = []
    for cell, column, chance in zip(line.at_steps, table.columns, table.chance, strict=True):
        if chance is not None and cell.mean is not None:
            gain = column.sign * (cell.mean.mean - chance)
            if gain <= 1e-9 * abs(chance):
                found.append(column.metric)
    return found


def _beside_chance(line: MethodScores, table: BenchTable, never: set[str]) -> str:
    """Say where this method is not above chance and others are; a note says where none is."""
    metrics = [name for name in _not_above_chance(line, table) if name not in never]
    return f"not above chance in {', '.join(metrics)}" if metrics else ""


def _never_above_chance(table: BenchTable) -> set[str]:
    """Return the metrics in which no method is above chance."""
    shown = [line for line in table.methods if any(cell.mean for cell in line.at_steps)]
    below = [set(_not_above_chance(line, table)) for line in shown]
    return set.intersection(*below) if below else set()


def _chance_note(table: BenchTable, never: set[str]) -> list[str]:
    """Say in which metrics the runs of this benchmark compare nothing."""
    if not never:
        return []
    judged = {c.metric for c, v in zip(table.columns, table.chance, strict=True) if v is not None}
    if never == judged:
        return [
            "No method is above chance here, so that these runs say nothing of which is better."
        ]
    where = " and ".join(dict.fromkeys(c.metric for c in table.columns if c.metric in never))
    return [f"In {where} no method is above chance, so that those columns compare nothing."]


def _main(table: BenchTable) -> Grid:
    title = _benchmark_title(table.benchmark)
    header = ["method"]
    for column in table.columns:
        header += [column.title, "minus Uniform"]
        if column.paper is not None:
            header.append("paper")
    header += ["Δm (%)", "backward passes", "remarks"]
    rows = []
    never = _never_above_chance(table)
    for line in table.methods:
        row = [title_of(line.method)]
        for index, column in enumerate(table.columns):
            row += [_cell(line.at_steps[index], column), _against(line.at_steps[index], column)]
            if column.paper is not None:
                row.append(_paper(line.method, column.paper))
        delta = line.delta_m
        gain = "" if delta is None else f"{delta.mean:+.3g}"
        if delta is not None and delta.half_width is not None:
            gain += f" ± {delta.half_width:.2g}"
        remarks = [_state(line), line.remark, _beside_chance(line, table, never)]
        row += [
            gain,
            "" if line.backwards is None else f"{line.backwards:,.0f}",
            "; ".join(filter(None, remarks)),
        ]
        rows.append(tuple(row))
    chances = [
        f"{column.title} {_number(value * column.scale)}"
        for column, value in zip(table.columns, table.chance, strict=True)
        if value is not None
    ]
    level = round(100 * LEVEL)
    seeds = ", ".join(map(str, table.seeds))
    notes = [
        f"Test scores after {table.steps} steps of every method; mean over seeds {seeds} ± half of "
        f"a {level} % t interval. 'minus Uniform' is of the same seeds; p is of a paired t test, "
        f"corrected by Holm over the {table.comparisons} comparisons of this benchmark.",
        _power(table),
        "Δm: mean relative gain over the main tasks' single-task networks of the same seed, tuned "
        "with the same budget a task; positive is better.",
    ]
    if chances:
        notes.append("Without looking at the input: " + "; ".join(chances) + ".")
    if any(column.paper is not None for column in table.columns):
        notes.append(
            "'paper' is Table 1 as printed, of other data, sizes and steps: what compares is the "
            "order of its methods, not its numbers."
        )
    if any(len(column.tasks) > 1 for column in table.columns):
        tasks = ", ".join(table.columns[0].tasks)
        notes.append(f"'mean' is over the main tasks {tasks}.")
    notes += _chance_note(table, never)
    if table.notes:
        notes.append(f"Data ({table.provenance}): " + " ".join(table.notes))
    name = f"{title} ({table.provenance}): test scores at equal steps"
    return Grid(name, tuple(header), tuple(rows), tuple(notes))


def _power(table: BenchTable) -> str:
    if table.detectable is None:
        return "With one seed there is no interval and no test."
    return (
        f"With {len(table.seeds)} seeds such a test finds, with a power of 80 %, only a difference "
        f"of {table.detectable:.2g} standard deviations of the paired differences: what is not "
        f"found may well be there."
    )


def _paper(method: str, place: int) -> str:
    name = METHOD_NAMES.get(method)
    return "" if name is None else TABLE_1[name][place]


def _equal_work(table: BenchTable) -> Grid:
    header = ["method"]
    for column in table.columns:
        header += [column.title, "minus Uniform"]
    header.append("of step")
    rows = []
    for line in table.methods:
        if line.method == SINGLE_TASK:
            continue
        row = [title_of(line.method)]
        for index, column in enumerate(table.columns):
            row += [_cell(line.at_work[index], column), _against(line.at_work[index], column)]
        steps = sorted(set(line.work_step.values()))
        shown = " to ".join(map(str, dict.fromkeys((steps[0], steps[-1])))) if steps else "none"
        rows.append((*row, shown))
    uniform = table.method(UNIFORM)
    budget = None if uniform is None else uniform.backwards
    notes = (
        f"Validation scores at the last evaluation by which a method had done no more backward "
        f"passes than Uniform's whole run{'' if budget is None else f' ({budget:,.0f})'}, beside "
        f"Uniform at its end; a pass for several tasks at once counts as one. "
        f"Before the last step learning rates had not yet "
        f"fallen to their end. '-': no evaluation was so early. A method that needs fewer passes "
        f"in all stands with its last evaluation. p as above, a family of its own.",
    )
    name = f"{_benchmark_title(table.benchmark)} ({table.provenance}): at equal work"
    return Grid(name, tuple(header), tuple(rows), notes)


def _tuning(request: Request, found: Sequence[Tuned]) -> Grid:
    tuning = request.settings.tuning()
    rows = []
    for one in found:
        gains = ", ".join("diverged" if g is None else f"{100 * g:+.1f}" for g in one.choice.gains)
        chosen = one.chosen
        shown = "none: all diverged" if chosen is None else _settings(chosen)
        method = title_of(one.entry.method) + (f" {one.entry.task}" if one.entry.task else "")
        rows.append((one.entry.benchmark, method, shown, gains))
    notes = (
        f"Each method had {tuning.count} candidates, run once with seed {tuning.seed} (not a seed "
        f"of the table) for {100 * tuning.share:g} % of the steps. Chosen: {RULE}, and at last "
        f"the first. Test scores of these runs are not kept.",
        _range_of(tuning) + _edges(found),
    )
    return Grid(
        "Tuning: what was chosen", ("benchmark", "method", "chosen", "validation gains (%)"),
        tuple(rows), notes,
    )  # fmt: skip


def _range_of(tuning: Tuning) -> str:
    if tuning.one_range:
        low, high = min(tuning.learning_rates), max(tuning.learning_rates)
        return (
            f"All methods chose from the same range of learning rates, {low:g} to {high:g}; those "
            f"with an option of their own from fewer rates in it, with several values of that "
            f"option. "
        )
    return (
        "A method with an option of its own spent its candidates on fewer learning rates than one "
        "without: the budget is equal, the range of rates is not. "
    )


def _edges(found: Sequence[Tuned]) -> str:
    """Say who might have wanted a larger or smaller learning rate than was tried."""
    at_edge = []
    for one in found:
        rates = sorted({c[RATE] for c in one.candidates if RATE in c})
        picked = None if one.chosen is None else one.chosen.get(RATE)
        distinct = len({g for g in one.choice.gains if g is not None}) > 1
        if len(rates) > 1 and distinct and picked in (rates[0], rates[-1]):
            at_edge.append(one)
    if not at_edge:
        return "No choice is at the edge of the rates that were tried."
    return (
        f"{len(at_edge)} of {len(found)} choices are the smallest or largest rate that was tried "
        f"for that method, so a better one may lie beyond."
    )


def _settings(chosen: object) -> str:
    from collections.abc import Mapping

    assert isinstance(chosen, Mapping)
    parts = []
    for name, value in chosen.items():
        shown = value
        if isinstance(value, Mapping):
            shown = "{" + ", ".join(f"{n} {v:g}" for n, v in value.items()) + "}"
        parts.append(f"{name} {shown}")
    return ", ".join(parts)


def _answers(said: Sequence[Answer]) -> Grid:
    return Grid(
        "What section 7 says, asked of these runs",
        ("source", "statement", "here", "because"),
        tuple((one.source, one.statement, one.verdict, one.words) for one in said),
        (
            "From paired differences of test scores at equal steps, with t intervals whose level "
            "is 95 % for the claim as a whole. 'cannot be told' is no evidence for either side.",
        ),
    )
