"""``songoku train``: train a benchmark with a method, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulations.training.data_command import data_root_option
from simulations.training.numbers_option import NumbersType

if TYPE_CHECKING:
    from simulations.training.benchmarks.base import Loaded
    from simulations.training.run.config import MachineConfig
    from simulations.training.run.distributed import Processes
    from simulations.training.run.job import Job, Outcome
    from simulations.training.run.probes import ProbeOptions
    from simulations.training.run.settings import Settings

__all__ = ["train"]

SINGLE_TASK = "single_task"
"""The method that stands for one run a task."""


def _list_methods(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from simulations.training.methods import available_methods, method_info

    for name in available_methods():
        info = method_info(name)
        click.echo(f"{name}\n    {info.doc}\n    {info.source}")
        click.echo(f"    options: {', '.join(info.options) or 'none'}")
    ctx.exit()


@click.command(
    short_help="Train a benchmark with a method; stop and resume at any point.",
    epilog="""\b
Examples:
  songoku train stocks_fb --method son_goku --seeds 0-4 --data-root ~/data
  songoku train cifar10 --method uniform --method single_task --preset paper --device cuda
  songoku train ett --method scalarised --config weights.toml --max-steps 50

The same command goes on with a run that was stopped, and leaves finished ones alone.""",
)
@click.argument("benchmark")
@click.option(
    "--method", "methods", multiple=True, required=True,
    help="What to train with; may be given several times. single_task trains a network for each "
    "task.",
)  # fmt: skip
@click.option(
    "--seeds", type=NumbersType("SEEDS"), default="0", show_default=True, help="Like 0-4 or 0,3,7."
)
@click.option(
    "--preset", default="small", show_default=True, help="Sizes and lengths: smoke, small, paper."
)
@click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path),
    help="A TOML file that is laid over the preset.",
)  # fmt: skip
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1.")
@click.option("--amp", is_flag=True, help="Forward passes in bfloat16.")
@click.option("--compile", "compiled", is_flag=True, help="Compile the trunk.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads; by default torch's choice.")
@click.option("--max-steps", type=click.IntRange(1), help="Stop there, keeping a checkpoint.")
@click.option(
    "--tensorboard", is_flag=True, help="Also write TensorBoard event files into each run's folder."
)
@click.option("--save-model", is_flag=True, help="Keep the weights of finished runs.")
@click.option(
    "--measure-every", type=click.IntRange(0), default=0, show_default=True,
    help="Refreshes from one measurement of what the theory speaks of (population gradients, "
    "noise, curvature, gain) to the next, for songoku applies; 0 measures nothing. The run's "
    "numbers are the same either way.",
)  # fmt: skip
@click.option(
    "--measure-batches", type=click.IntRange(0), default=16, show_default=True,
    help="Training batches that stand for all of them in a measurement; 0: a whole epoch.",
)  # fmt: skip
@click.option(
    "--store", type=click.Path(dir_okay=False, path_type=Path),
    help="Also put finished runs into this store, as cells of the experiment 'training'. Needs "
    "--threads 1 on a CPU.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/train"),
    show_default=True, help="Results go to OUT/BENCHMARK/METHOD/seed-N.",
)  # fmt: skip
@click.option(
    "--list-methods", is_flag=True, is_eager=True, expose_value=False, callback=_list_methods,
    help="List the methods with their options and sources, and exit.",
)  # fmt: skip
@data_root_option
def train(
    benchmark: str,
    methods: tuple[str, ...],
    seeds: tuple[int, ...],
    preset: str,
    config: Path | None,
    device: str,
    amp: bool,
    compiled: bool,
    threads: int | None,
    max_steps: int | None,
    tensorboard: bool,
    save_model: bool,
    measure_every: int,
    measure_batches: int,
    store: Path | None,
    out: Path,
    data_root: Path,
) -> None:
    """Train BENCHMARK ('songoku data status' lists them) and write metrics as CSV and JSON.

    The initial weights and the order of the data are the same for every method with the same
    seed. Exit status 130 after Ctrl-C, 143 after SIGTERM; a checkpoint is left.
    """
    import torch

    from simulations.training.run.config import MachineConfig
    from simulations.training.run.distributed import joined
    from simulations.training.run.job import device_of
    from simulations.training.run.probes import ProbeOptions
    from simulations.training.run.settings import load_settings
    from simulations.training.run.tensorboard import require_tensorboard
    from simulations.training.train_store import check_storable, store_run

    if threads is not None:
        torch.set_num_threads(threads)
    if tensorboard:
        require_tensorboard()
    settings = load_settings(preset, config)
    probes = ProbeOptions(measure_every, measure_batches)
    with joined(device) as (processes, own_device):
        machine = MachineConfig(
            own_device, compiled, max_steps, save_model=save_model, tensorboard=tensorboard
        )
        device_of(own_device)
        if store is not None:
            check_storable(own_device, compiled, torch.get_num_threads(), processes.count)
        for job in _jobs(settings, benchmark, methods, seeds, data_root, out, amp, store):
            finished = _run(job, machine, processes, probes)
            if store is not None and finished:
                label = preset if config is None else f"{preset}+{config.name}"
                key, new = store_run(job, settings, label, amp, own_device, store)
                click.echo(f"    {'stored' if new else 'was there already'}: {store}, {key[:12]}")


def _jobs(
    settings: Settings, benchmark: str, methods: tuple[str, ...], seeds: tuple[int, ...],
    data_root: Path, out: Path, amp: bool, store: Path | None,
) -> Iterator[Job]:  # fmt: skip
    """All that can be wrong in the settings is found before anything is read."""
    import numpy as np

    from simulations.training.architectures import get_architecture
    from simulations.training.methods import get_method, method_info
    from simulations.training.run.compare import task_folder
    from simulations.training.run.config import TrainingConfig
    from simulations.training.run.job import Job
    from simulations.training.run.settings import told_where, with_data_options
    from simulations.training.run.trainer import DATA, child_seed
    from simulations.training.train_store import require_place, require_store

    source = with_data_options(benchmark, {})
    source = with_data_options(benchmark, settings.data(benchmark))
    training = settings.training(benchmark)
    with told_where(f"{settings.source}, training of {benchmark}"):
        config = TrainingConfig.of({**training, "amp": amp or training.get("amp", False)})
    with told_where(f"{settings.source}, architecture of {benchmark}"):
        architecture = get_architecture(*settings.architecture(benchmark))
    methods = tuple(dict.fromkeys(methods))
    for name in methods:
        method_info(name)
        options = settings.method(benchmark, name)
        if name != SINGLE_TASK:
            with told_where(f"{settings.source}, method {name}"):
                get_method(name, options)
    require_place(out / benchmark, "--out")
    if store is not None:
        require_store(store)
    single = out / benchmark / SINGLE_TASK
    for seed in seeds:
        loaded: Loaded = source.load(data_root, np.random.default_rng(child_seed(seed, DATA)))
        for name in methods:
            options = settings.method(benchmark, name)
            runs = [(out / benchmark / name, options)]
            if name == SINGLE_TASK:
                only = options.get("task")
                tasks = [task.name for task in loaded.tasks] if only is None else [only]
                runs = [(single / task_folder(task), {"task": task}) for task in tasks]
            for folder, given in runs:
                yield Job(
                    benchmark, loaded, name, get_method(name, given), architecture, config, seed,
                    folder / f"seed-{seed}", single,
                )  # fmt: skip


def _run(job: Job, machine: MachineConfig, processes: Processes, probes: ProbeOptions) -> bool:
    """Train a run; say whether it came to its end."""
    from simulations.training.run.job import run_job
    from simulations.training.run.progress import quiet, shown_training
    from songoku_theory.errors import SongokuError

    label = f"{job.benchmark} {job.folder.relative_to(job.folder.parents[1])}"
    try:
        with processes.told_of_losses(), shown_training(label) as show:
            outcome = run_job(job, machine, show if processes.leads else quiet, processes, probes)
    except SongokuError as error:
        # Name the run: several are trained by one command.
        raise SongokuError(f"{label}: {error}") from error
    if processes.leads:
        _tell(job, label, outcome)
        if probes.every and outcome.signum is None:
            _tell_measured(job)
    if outcome.signum is not None:
        raise click.exceptions.Exit(128 + outcome.signum)
    return bool(outcome.result["finished"])


def _tell_measured(job: Job) -> None:
    from simulations.training.run.refreshes import REFRESHES, read_refreshes

    path = job.folder / REFRESHES
    if not path.exists():
        click.echo(f"    not measured: {job.method_name} has no conflict graph")
        return
    measured = sum(row["kind"] == "objective" for row in read_refreshes(path))
    if measured:
        click.echo(
            f"    measured at {measured} refresh{'es' if measured > 1 else ''}: songoku applies "
            f"{job.folder}"
        )
        return
    click.echo(
        "    not measured: no refresh was followed by a step, or the run was trained before this "
        "option was given (a run is measured while it trains; another --out trains it anew)"
    )


def _tell(job: Job, label: str, outcome: Outcome) -> None:
    from simulations.sweep.progress import duration

    if outcome.signum is not None:
        click.echo(f"{label}: stopped; the same command goes on from here.", err=True)
        return
    result = outcome.result
    of = "" if result["finished"] else f" of {result['steps_planned']:,}"
    click.echo(
        f"{label} ({result['data']}): {outcome.ended.value}, {result['steps']:,}{of} steps, "
        f"{duration(result['seconds'])}, {result['work']['backwards']:,} backward passes; "
        f"{job.folder}/result.json"
    )
    for name, task in result["tasks"].items():
        metric, value = next(iter(task["test"].items()))
        click.echo(f"    {name}: {metric} {value:.4g} (by chance {task['chance']:.3g})")
    delta = result["delta_m"]["main"]
    if delta is not None and job.method_name != SINGLE_TASK:
        click.echo(f"    Delta_m over main tasks, against single-task networks: {delta:+.2f} %")
