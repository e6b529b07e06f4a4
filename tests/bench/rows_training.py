"""A step of training CIFAR-10's five tasks with a full ResNet-18, beside a plain PyTorch loop.

The plain loop sums all losses at each step. The images are made up, in the layout of the published
files: nothing that is timed depends on them. What SON-GOKU adds to a step does not grow with the
batch, so the small batch here makes it look dearer than it is. Where nothing conflicts, all tasks
run at each step: a schedule's dearest case, for a class of some tasks skips the others' passes.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from timing import Pair, Row
from torch import Tensor

from simulations.training.architectures import build_network, get_architecture
from simulations.training.benchmarks.base import Loaded
from simulations.training.benchmarks.cifar10 import Cifar10
from simulations.training.methods import get_method
from simulations.training.run.config import TrainingConfig
from simulations.training.run.data import TrainingData
from simulations.training.run.trainer import ORDER, WEIGHTS, Trainer, child_seed

__all__ = ["ROWS"]

BATCH, SEED = 8, 0
PERIOD = 32  # Table 2's R
RATE = 1e-3
NEVER = 1_000_000  # steps
MEMORY_BATCH, MEMORY_STEPS = 32, 2
CPU = torch.device("cpu")
Step = Callable[[], object]


def made_up() -> Loaded:
    """CIFAR-10's tasks on random images, 80 for training."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "cifar-10-batches-bin"
        folder.mkdir()
        for name, per_class in (("data_batch_1", 10), ("test_batch", 1)):
            rng = np.random.default_rng([SEED, per_class])
            labels = np.repeat(np.arange(10, dtype=np.uint8), per_class)[:, None]
            pixels = rng.integers(0, 256, (len(labels), 3072), dtype=np.uint8)
            (folder / f"{name}.bin").write_bytes(np.concatenate([labels, pixels], 1).tobytes())
        benchmark = Cifar10(train_per_class=8, validation_per_class=1, test_per_class=1)
        return benchmark.load(Path(root), np.random.default_rng(SEED))


def scheduled(loaded: Loaded, batch: int, observe: str, period: int) -> Trainer:
    """SON-GOKU with nothing in conflict, so that every step has all tasks in its class."""
    method = get_method(
        "son_goku",
        {"tau": 1.0, "warm_up": 0.0, "anneal": 0.0, "refresh_period": period,
         "observe_tasks": observe},
    )  # fmt: skip
    config = TrainingConfig(steps=NEVER, batch_size=batch, lr=RATE)
    return Trainer(loaded, method, get_architecture("resnet18"), config, SEED, CPU)


def plain(loaded: Loaded, batch: int) -> tuple[Step, dict[str, float]]:
    """The same network, batches and optimiser; losses summed, one backward pass.

    Returns a step, and the losses of the step done last.
    """
    network = build_network(get_architecture("resnet18"), loaded, child_seed(SEED, WEIGHTS))
    data = TrainingData(loaded, batch, child_seed(SEED, ORDER), CPU)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.0)
    names = [task.name for task in loaded.tasks]
    done, last = 0, dict[str, float]()

    def step() -> None:
        nonlocal done
        network.train()
        losses: dict[str, Tensor] = {}
        for view, tasks in data.grouped(names):
            inputs, labels = data.batch(view, tasks, done)
            outputs = network(inputs, view.index, tasks)
            losses |= {t: data.task(t).loss(outputs[t], labels[t]) for t in tasks}
        optimiser.zero_grad()
        total = torch.stack(list(losses.values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        last.update({task: loss.item() for task, loss in losses.items()})
        done += 1

    return step, last


def _row(observe: str, period: int = NEVER) -> Callable[[], Pair]:
    def prepare() -> Pair:
        loaded = made_up()
        trainer = scheduled(loaded, BATCH, observe, period)
        theirs, _ = plain(loaded, BATCH)

        def note() -> str:
            if period != NEVER:
                return f"batch {BATCH}; what it takes beyond training-step counts a {PERIOD}th"
            memory = [peak(what) for what in (observe, "plain")]
            return (
                f"batch {BATCH}; losses of the third step agree to {_apart(loaded, observe):.0e}; "
                f"peak memory at batch {MEMORY_BATCH}: {memory[0]:.0f} MiB for {memory[1]:.0f} "
                f"({memory[0] / memory[1]:.2f}x)"
            )

        return Pair(trainer.step, theirs, note)

    return prepare


def _apart(loaded: Loaded, observe: str) -> float:
    """Whether both do the same: the largest relative difference of a loss at the third step."""
    trainer = scheduled(loaded, BATCH, observe, NEVER)
    step, losses = plain(loaded, BATCH)
    for _ in range(3):
        ours = trainer.step().losses
        step()
    return max(abs(ours[task] - value) / value for task, value in losses.items())


def peak(what: str) -> float:
    """Return the MiB that a process of its own needs for a few steps, beyond importing and data.

    Parameters
    ----------
    what : {"plain", "none", "active"}
        The plain loop, or whose gradients the scheduler averages.
    """
    done = subprocess.run(
        [sys.executable, __file__, what], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def _measure_peak(what: str) -> float:
    torch.set_num_threads(1)
    loaded = made_up()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step: Step
    if what == "plain":
        step, _ = plain(loaded, MEMORY_BATCH)
    else:
        step = scheduled(loaded, MEMORY_BATCH, what, NEVER).step
    for _ in range(MEMORY_STEPS):
        step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


_PLAIN = "plain loop, losses summed"

ROWS = (
    Row(
        "training-step", "SON-GOKU's step, one backward pass for the class of all five tasks",
        _PLAIN, "at most", 1.5, _row("none"),
    ),
    Row(
        "training-capture", "SON-GOKU's step, each task's gradient averaged as it runs",
        _PLAIN, "at most", None, _row("active"),
    ),
    Row(
        "training-refresh", f"a step with a refresh and its probes; every {PERIOD}th has one",
        _PLAIN, "at most", None, _row("none", 1),
    ),
)  # fmt: skip

if __name__ == "__main__":
    sys.stdout.write(f"{_measure_peak(sys.argv[1])}\n")
