"""``songoku trace``: train a small network on real data and record what the scheduler saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from simulations.training.options import CHOICES, DOCS, TraceOptions

__all__ = ["trace"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_DEFAULTS = TraceOptions().as_params()


def _option(flag: str, name: str) -> Callable[[_Command], _Command]:
    """One setting of the run: its type, default, choices and help stand in `TraceOptions`."""
    default = _DEFAULTS[name]
    type_ = click.Choice(CHOICES[name]) if name in CHOICES else type(default)
    return click.option(flag, name, type=type_, default=default, show_default=True, help=DOCS[name])


@click.command(
    short_help="Train a small network on real data; record what the scheduler saw.",
    epilog="""\b
Examples:
  songoku trace                       a few seconds, then a summary
  songoku trace --tau 1               every task at every step, to compare with
  songoku trace --seed 3 --steps 2000 --refresh 25

A run that is already in the store is not trained again; its summary is shown.""",
)
@_option("--dataset", "dataset")
@_option("--steps", "steps")
@_option("--seed", "seed")
@_option("--tau", "tau")
@_option("--beta", "beta")
@_option("--refresh", "refresh_period")
@_option("--width", "width")
@_option("--batch-size", "batch_size")
@_option("--lr", "lr")
@_option("--warm-up", "warm_up")
@_option("--anneal-steps", "anneal_steps")
@_option("--heuristic", "heuristic")
@_option("--ema", "ema")
@_option("--ema-at-refresh", "ema_at_refresh")
@_option("--observe-tasks", "observe_tasks")
@_option("--phase", "phase")
@_option("--probe", "probe")
@_option("--measure-every", "measure_every")
@_option("--measure-batches", "measure_batches")
@click.option(
    "--store", type=click.Path(dir_okay=False, path_type=Path), envvar="SONGOKU_STORE",
    default=Path("runs/store.sqlite"), show_default=True, show_envvar=True,
    help="Where the rows go.",
)  # fmt: skip
def trace(
    dataset: str,
    steps: int,
    seed: int,
    tau: float,
    beta: float,
    refresh_period: int,
    width: int,
    batch_size: int,
    lr: float,
    warm_up: int,
    anneal_steps: int,
    ema: str,
    ema_at_refresh: str,
    observe_tasks: str,
    phase: str,
    probe: str,
    heuristic: str,
    measure_every: int,
    measure_batches: int,
    store: Path,
) -> None:
    """Train a small network on a real data set with the reference scheduler.

    Several tasks share a trunk; each has a head. At each step one class of tasks without
    conflicts is trained. At each refresh the cosines, the conflict graph and the classes are
    recorded. Ends with a summary: conflicts, classes, gaps against the proved bound, accuracy.
    """
    from simulations.training.session import run_and_report

    options = TraceOptions(
        dataset=dataset,
        seed=seed,
        steps=steps,
        refresh_period=refresh_period,
        tau=tau,
        beta=beta,
        batch_size=batch_size,
        width=width,
        lr=lr,
        warm_up=warm_up,
        anneal_steps=anneal_steps,
        ema=ema,
        ema_at_refresh=ema_at_refresh,
        observe_tasks=observe_tasks,
        phase=phase,
        probe=probe,
        heuristic=heuristic,
        measure_every=measure_every,
        measure_batches=measure_batches,
    ).check()
    run_and_report(options, store)
