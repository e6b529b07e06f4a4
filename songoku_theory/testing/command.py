"""``songoku check``: the conformance suites as commands."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import click

from songoku_theory.errors import DependencyMissingError
from songoku_theory.testing.coloring_suite import ALL_FAMILIES, ColoringOptions, ColoringSuite
from songoku_theory.testing.combiner_suite import (
    COMBINER_PROMISES,
    check_combiner,
    make_combiner,
)
from songoku_theory.testing.compare import compare_colorings
from songoku_theory.testing.mutants import Kind, run_mutants
from songoku_theory.testing.render.dimacs import to_dimacs
from songoku_theory.testing.render.picture import MOST, draw_counterexample
from songoku_theory.testing.render.snippet import python_snippet
from songoku_theory.testing.render.tables import (
    comparison_table,
    matrix_table,
    mutant_table,
    result_table,
)
from songoku_theory.testing.render.text import counterexample_text
from songoku_theory.testing.results import (
    CheckResult,
    Status,
    apply_expectations,
    check_expectations,
    smallest_counterexample,
    succeeded,
    to_json,
)
from songoku_theory.testing.scheduler_checks import SCHEDULER_PROMISES
from songoku_theory.testing.scheduler_suite import check_scheduler
from songoku_theory.testing.search import hypothesis_is_installed
from songoku_theory.testing.subjects import COLORING_PROMISES, Subject, make_subject

__all__ = ["check"]

Command: TypeAlias = Callable[..., Any]


@click.group()
def check() -> None:
    """Check code, yours or ours, against what it promises.

    \b
    coloring   a colouring heuristic
    combiner   a rule that combines gradients or weighs losses
    scheduler  a scheduler
    mutants    the checks themselves: do they find every fault that was put in on purpose?
    """


def _expected(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    found = {}
    for value in values:
        name, equals, reason = value.partition("=")
        if not equals or not name.strip() or not reason.strip():
            raise click.BadParameter(
                f"expected NAME=REASON, e.g. 'proper[large]=issue 7'; found {value!r}."
            )
        found[name.strip()] = reason.strip()
    return found


expect_option = click.option(
    "--expect-failure",
    "expected",
    metavar="NAME=REASON",
    multiple=True,
    callback=_expected,
    help="A check, or a rule such as 'proper', that is known to fail. Repeatable.",
)
json_option = click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the results as JSON.",
)


start_method_option = click.option(
    "--start-method",
    type=click.Choice(["fork", "spawn"]),
    help="How the child process that runs it is started. By default 'fork' where there is one; "
    "'spawn' for code with threads of its own (OpenMP, BLAS), which may hang after a fork.",
)


def _promise_option(names: Iterable[str]) -> Callable[[Command], Command]:
    return click.option(
        "--promise",
        "promises",
        metavar="NAME",
        multiple=True,
        help="What to hold it to, instead of what it declares. '+NAME' adds one, 'no-NAME' takes "
        f"one away. Repeatable. Names: {', '.join(names)}.",
    )


@check.command()
@click.argument("target")
@_promise_option(COLORING_PROMISES)
@click.option(
    "--input",
    "kind",
    type=click.Choice(["auto", "adjacency", "networkx"]),
    default="auto",
    show_default=True,
    help="What the function takes; 'auto' looks at its first parameter, and tries.",
)
@click.option(
    "--family",
    "families",
    type=click.Choice(ALL_FAMILIES),
    multiple=True,
    help="Only these families of graphs. Repeatable.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds for one graph, after which it counts as hanging.",
)
@click.option(
    "--max-tasks",
    type=click.IntRange(min=7),
    default=1200,
    show_default=True,
    help="Leave larger graphs out.",
)
@click.option("--seed", default=0, show_default=True, help="Of the random graphs.")
@expect_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("songoku-check"),
    show_default=True,
    help="Where the smallest failing graph is written: DIMACS, a Python script, a picture.",
)
@json_option
@click.option("--compare/--no-compare", default=True, help="Compare with the built-in heuristics.")
@start_method_option
@click.pass_context
def coloring(
    ctx: click.Context,
    target: str,
    promises: tuple[str, ...],
    kind: Literal["auto", "adjacency", "networkx"],
    families: tuple[str, ...],
    time_limit: float,
    max_tasks: int,
    seed: int,
    expected: dict[str, str],
    out: Path,
    start_method: Literal["fork", "spawn"] | None,
    json_path: Path | None,
    compare: bool,
) -> None:
    """Check a colouring heuristic: a function from a graph to one colour a task.

    TARGET is package.module:name, path/to/file.py:name, or the name of a registered colouring.
    The exit status is 0 only when every check passes or was expected to fail.

    \b
    Examples:
        songoku check coloring mypackage.module:my_heuristic
        songoku check coloring heuristics.py:mine --promise +exact-on-bipartite
        songoku check coloring heuristics.py:openmp --start-method spawn
        songoku check coloring heuristics.py:mine --expect-failure "in-time[large]=cubic, issue 4"
    """
    started = time.monotonic()
    subject = make_subject(target, promises=promises, input=kind, time_limit=time_limit)
    options = ColoringOptions(
        time_limit=time_limit,
        families=families or None,
        max_tasks=max_tasks,
        seed=seed,
        start_method=start_method,
    )
    suite = ColoringSuite(subject, options)
    _introduce(subject)
    check_expectations(suite.names(), expected)
    results = suite.run(lambda family: _progress(f"{family} ..."))
    _progress("")
    results = apply_expectations(results, expected)
    _print(matrix_table(results))
    _list_failures(results)
    worst = smallest_counterexample(results)
    if worst is not None and worst.counterexample is not None:
        click.secho(f"\nSmallest failing graph, {worst.check}:", bold=True)
        click.echo(f"  {worst.reason}\n")
        click.echo(_indent(counterexample_text(worst.counterexample)))
        _write(worst, subject, target, out)
    if not hypothesis_is_installed():
        click.echo("\nhypothesis is not installed, so no graphs were searched for with it.")
    if compare:
        _progress("comparing ...")
        rows = compare_colorings(subject, time_limit)
        _progress("")
        click.echo()
        _print(comparison_table(rows))
    _save(results, json_path)
    _sum_up(results, time.monotonic() - started)
    ctx.exit(0 if succeeded(results) else 1)


@check.command()
@click.argument("target")
@_promise_option(COMBINER_PROMISES)
@click.option(
    "--reference", metavar="NAME", help="A combiner that it should agree with, e.g. an inner one."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds for one check.",
)
@expect_option
@json_option
@start_method_option
@click.pass_context
def combiner(
    ctx: click.Context,
    target: str,
    promises: tuple[str, ...],
    reference: str | None,
    time_limit: float,
    expected: dict[str, str],
    start_method: Literal["fork", "spawn"] | None,
    json_path: Path | None,
) -> None:
    """Check a combiner: from inner products of gradients, or from losses, to weights.

    TARGET is the name of a registered combiner, or package.module:name or path/to/file.py:name of
    an object, a class, or a function from a Gram matrix to weights.

    \b
    Examples:
        songoku check combiner nash_mtl
        songoku check combiner mypackage.module:MyCombiner --promise +descent
    """
    started = time.monotonic()
    click.secho(f"songoku check combiner: {target}\n", bold=True)
    results = check_combiner(
        target,
        promises=promises,
        reference=None if reference is None else make_combiner(reference),
        expected_failures=expected,
        time_limit=time_limit,
        start_method=start_method,
    )
    _finish(ctx, results, json_path, started)


@check.command()
@click.argument("target")
@_promise_option(SCHEDULER_PROMISES)
@click.option(
    "--gradients",
    type=click.Choice(["active", "all"]),
    default="active",
    show_default=True,
    help="Whose gradients a step takes.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds for one check.",
)
@expect_option
@json_option
@start_method_option
@click.pass_context
def scheduler(
    ctx: click.Context,
    target: str,
    promises: tuple[str, ...],
    gradients: Literal["active", "all"],
    time_limit: float,
    expected: dict[str, str],
    start_method: Literal["fork", "spawn"] | None,
    json_path: Path | None,
) -> None:
    """Check a scheduler, by driving it on gradients whose right schedule is known.

    TARGET is package.module:name or path/to/file.py:name of a factory: it takes
    songoku_theory.testing.Settings (num_tasks, tau, beta, refresh_period) and returns an object
    with active(), the tasks to update now, and step(gradients), which takes {task: vector}.

    \b
    Examples:
        songoku check scheduler songoku_theory.testing:reference_factory
        songoku check scheduler mypackage.module:MyScheduler --promise no-finite
    """
    started = time.monotonic()
    click.secho(f"songoku check scheduler: {target}\n", bold=True)
    results = check_scheduler(
        target,
        promises=promises,
        gradients=gradients,
        expected_failures=expected,
        time_limit=time_limit,
        start_method=start_method,
    )
    _finish(ctx, results, json_path, started)


@check.command()
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([kind.value for kind in Kind]),
    multiple=True,
    help="Only these kinds. Repeatable.",
)
@click.option(
    "--all-families",
    is_flag=True,
    help="Run faulty colourings on every family of graphs, not only until one finds the fault.",
)
@click.pass_context
def mutants(ctx: click.Context, kinds: tuple[str, ...], all_families: bool) -> None:
    """Send faulty implementations through the checks, and correct ones.

    Prints which check finds which fault. The exit status is 0 only when every fault is found and
    no correct implementation is refused.
    """
    started = time.monotonic()
    trials = []
    for trial in run_mutants([Kind(kind) for kind in kinds] or tuple(Kind), all_families):
        trials.append(trial)
        _progress(f"{len(trials)}: {trial.specimen.name}")
    _progress("")
    _print(mutant_table(trials))
    faults = [t for t in trials if t.specimen.faulty]
    found = sum(t.as_expected for t in faults)
    refused = [t for t in trials if not t.specimen.faulty and not t.as_expected]
    good = found == len(faults) and not refused
    for trial in refused:
        click.secho(f"\nrefused though it is correct: {trial.specimen.name}", fg="red")
        for result in trial.results:
            if not result.ok:
                click.echo(f"  {result.check}: {result.reason}")
    click.secho(
        f"\n{found} of {len(faults)} faults found; {len(trials) - len(faults) - len(refused)} of "
        f"{len(trials) - len(faults)} correct implementations let live "
        f"({time.monotonic() - started:.0f} s)",
        fg="green" if good else "red",
        bold=True,
    )
    ctx.exit(0 if good else 1)


def _finish(
    ctx: click.Context, results: Sequence[CheckResult], json_path: Path | None, started: float
) -> None:
    _print(result_table(results))
    _save(results, json_path)
    _sum_up(results, time.monotonic() - started)
    ctx.exit(0 if succeeded(results) else 1)


def _save(results: Sequence[CheckResult], path: Path | None) -> None:
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(to_json(results), indent=1) + "\n", encoding="utf-8")


def _introduce(subject: Subject) -> None:
    kinds = {"adjacency": "an adjacency matrix", "networkx": "a networkx graph"}
    click.secho(f"songoku check coloring: {subject.name}", bold=True)
    click.echo(f"  takes     {kinds[subject.input]} ({subject.why}; --input changes it)")
    promised = [name for name in COLORING_PROMISES if name in subject.promises]
    click.echo(f"  promises  {', '.join(promised)} ({subject.promised_by}; --promise changes it)\n")


def _progress(text: str) -> None:
    """Say on a terminal what is under way, on a line that the next one replaces."""
    if os.isatty(2):
        click.echo(f"\r\x1b[2K{text}", nl=False, err=True)


def _print(table: object) -> None:
    from rich.console import Console

    Console(width=None if os.isatty(1) else 120, highlight=False).print(table)


def _list_failures(results: Sequence[CheckResult]) -> None:
    """What failed, rule by rule, then what could not be decided and why."""
    undecided: dict[str, list[str]] = {}
    for result in results:
        if result.status is Status.ERROR:
            undecided.setdefault(result.reason, []).append(result.check)
    shown = [r for r in results if r.status not in (Status.PASS, Status.ERROR)]
    by_rule: dict[tuple[str, Status], list[CheckResult]] = {}
    for result in shown:
        by_rule.setdefault((result.rule, result.status), []).append(result)
    for (rule, status), group in by_rule.items():
        color = "yellow" if status is Status.EXPECTED_FAIL else "red"
        click.secho(f"\n{status.value}: {rule}", fg=color, bold=True)
        for result in group[:3]:
            click.echo(f"  [{result.family}] {result.reason}")
        if len(group) > 3:
            click.echo(f"  and [{'], ['.join(r.family for r in group[3:])}]")
    for reason, names in undecided.items():
        click.secho(f"\n{Status.ERROR.value}: {reason}", fg="red", bold=True)
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        click.echo(f"  {', '.join(names[:6])}{more}")


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _write(worst: CheckResult, subject: Subject, target: str, out: Path) -> None:
    found = worst.counterexample
    if found is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9]+", "-", f"{subject.name}-{worst.check}").strip("-")
    place, colon, name = target.partition(":")
    anywhere = f"{Path(place).resolve()}:{name}" if colon and place.endswith(".py") else target
    colors = "" if found.colors is None else f"colours returned: {list(found.colors)}"
    graph, script, picture = (out / f"{stem}{end}" for end in (".col", ".py", ".png"))
    comments = [f"{worst.check}: {worst.reason}", colors] if colors else [worst.reason]
    graph.write_text(to_dimacs(found.adjacency, comments), encoding="utf-8")
    script.write_text(python_snippet(worst, anywhere, subject.input), encoding="utf-8")
    click.echo(f"\n  DIMACS   {graph}\n  script   {script}")
    if found.num_tasks > MOST:
        click.echo(f"  picture  not drawn: more than {MOST} tasks")
        return
    try:
        draw_counterexample(worst, picture, subject.name)
    except DependencyMissingError as error:
        click.echo(f"  picture  not drawn: {error}")
    else:
        click.echo(f"  picture  {picture}")


def _sum_up(results: Sequence[CheckResult], seconds: float) -> None:
    counts = {status: sum(r.status is status for r in results) for status in Status}
    parts = [f"{count} {status.value}" for status, count in counts.items() if count]
    good = succeeded(results)
    click.secho(
        f"\n{len(results)} checks: {', '.join(parts)} ({seconds:.0f} s)",
        fg="green" if good else "red",
        bold=True,
    )
