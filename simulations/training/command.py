"""``songoku trace``: train a small network on real data and record what the scheduler saw."""

from __future__ import annotations

from pathlib import Path

import click

from simulations.training.options import CHOICES, TraceOptions

__all__ = ["trace"]

_DEFAULT = TraceOptions()


@click.command(
    epilog="""\b
Examples:
  songoku trace                       about ten seconds; then look at the summary
  songoku trace --tau 1               every task at every step, to compare with
  songoku trace --seed 3 --steps 2000 --refresh 25

A run that is already in the store is not trained again; its summary is shown."""
)
@click.option("--dataset", default=_DEFAULT.dataset, show_default=True, help="What to train on.")
@click.option("--steps", type=int, default=_DEFAULT.steps, show_default=True, help="Steps, T.")
@click.option(
    "--seed", type=int, default=_DEFAULT.seed, show_default=True,
    help="Fixes the split, permuted labels, initial weights and batches.",
)  # fmt: skip
@click.option(
    "--tau", type=float, default=_DEFAULT.tau, show_default=True,
    help="Conflict threshold in [0, 1]: two tasks conflict when their cosine is below -tau. "
    "1 trains every task at every step.",
)  # fmt: skip
@click.option(
    "--beta", type=float, default=_DEFAULT.beta, show_default=True,
    help="EMA parameter in [0, 1).",
)  # fmt: skip
@click.option(
    "--refresh", "refresh_period", type=int, default=_DEFAULT.refresh_period, show_default=True,
    help="Refresh period R, in steps.",
)  # fmt: skip
@click.option(
    "--width", type=int, default=_DEFAULT.width, show_default=True,
    help="Hidden units of the shared trunk; fewer units, more conflict.",
)  # fmt: skip
@click.option(
    "--batch-size", type=int, default=_DEFAULT.batch_size, show_default=True,
    help="Examples a task sees at each step.",
)  # fmt: skip
@click.option("--lr", type=float, default=_DEFAULT.lr, show_default=True, help="SGD's step size.")
@click.option(
    "--warm-up", type=int, default=_DEFAULT.warm_up, show_default=True,
    help="Steps with tau = 1 at the start.",
)  # fmt: skip
@click.option(
    "--anneal-steps", type=int, default=_DEFAULT.anneal_steps, show_default=True,
    help="Steps over which tau then falls to --tau.",
)  # fmt: skip
@click.option(
    "--ema", type=click.Choice(CHOICES["ema"]), default=_DEFAULT.ema, show_default=True,
    help="Equation 8, or normalised inside the window (18).",
)  # fmt: skip
@click.option(
    "--ema-at-refresh", type=click.Choice(CHOICES["ema_at_refresh"]),
    default=_DEFAULT.ema_at_refresh, show_default=True,
    help="Keep the averages at a refresh, or start them anew.",
)  # fmt: skip
@click.option(
    "--observe-tasks", type=click.Choice(CHOICES["observe_tasks"]),
    default=_DEFAULT.observe_tasks, show_default=True,
    help="Whose gradients enter the averages at each step; 'all' computes every loss each step.",
)  # fmt: skip
@click.option(
    "--phase", type=click.Choice(CHOICES["phase"]), default=_DEFAULT.phase, show_default=True,
    help="Which class runs first after a refresh.",
)  # fmt: skip
@click.option(
    "--probe", type=click.Choice(CHOICES["probe"]), default=_DEFAULT.probe, show_default=True,
    help="At a refresh, take a fresh gradient of every task first, or not.",
)  # fmt: skip
@click.option(
    "--heuristic", default=_DEFAULT.heuristic, show_default=True, help="Colouring heuristic."
)
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
    ).check()
    run_and_report(options, store)
