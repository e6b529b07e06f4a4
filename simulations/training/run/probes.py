"""What the theory speaks of, measured on a run at some of its refreshes; the run never notices.

A measurement reads the network's parameters right after a refresh and works on copies, with
batches that it draws by itself; so a run has the same bits with and without it. Passes are in
float32, without autocast, and in training mode; F itself is evaluated in float64. The look-ahead
takes plain gradient steps, of the length that the run's rate has there: the theory's steps, which
are the run's own only with SGD without momentum.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from simulations.sweep.experiment import Row
from simulations.training.measure import Measured
from simulations.training.rows import measured_rows, unmeasured_row
from simulations.training.run.probe_population import Population
from simulations.training.run.refreshes import classes_of, has_graph
from simulations.training.run.trainer import MEASURE, Trainer, child_seed
from songoku_theory.errors import InvalidInputError

Array = NDArray[np.float64]

__all__ = ["LANCZOS_STEPS", "NO_PROBES", "ProbeOptions", "Probes", "largest_curvature"]

LANCZOS_STEPS = 8
"""Products with the Hessian for a largest curvature; what they give is a lower bound."""

KEPT_BATCHES = 32
KEPT_BYTES = 1 << 30
"""At most so many batches of a view have their gradients kept, and so many bytes of them, but two
batches: the noise's covariance is taken over these, around the mean over all."""


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """What to measure beside the run; no number of the run depends on it.

    Attributes
    ----------
    every : int
        Refreshes from one measurement to the next, beginning with the first refresh; 0: none.
    batches : int
        Training batches of each view that stand for all of them, >= 2; 0: a whole epoch.
    curvature_batches : int
        Of these, those that the largest curvatures are looked for on, >= 1.

    Raises
    ------
    InvalidInputError
        When a value is out of range.
    """

    every: int = 0
    batches: int = 16
    curvature_batches: int = 4

    def __post_init__(self) -> None:
        if self.every < 0:
            raise InvalidInputError(f"measure-every should be >= 0; found {self.every}.")
        if self.batches < 0 or self.batches == 1:
            raise InvalidInputError(
                f"measure-batches should be >= 2, since a variance is taken over them, or 0 for a "
                f"whole epoch; found {self.batches}."
            )
        if self.curvature_batches < 1:
            raise InvalidInputError(
                f"curvature_batches should be >= 1; found {self.curvature_batches}."
            )


MOST_GAP = 0.05
"""Of second derivatives from differences of gradients, relative, in one direction."""

NO_PROBES = ProbeOptions()


class Probes:
    """Takes the measurements of a run.

    Parameters
    ----------
    trainer : Trainer
    options : ProbeOptions
    seed : int
        Of the run.

    Raises
    ------
    InvalidInputError
        When a view has fewer than two batches, or several processes train.
    """

    def __init__(self, trainer: Trainer, options: ProbeOptions, seed: int) -> None:
        self._trainer, self._options = trainer, options
        self._population: Population | None = None
        self._last: Tensor | None = None
        self._round = 0
        self._why: str | None = None
        if options.every and trainer.processes.several:
            raise InvalidInputError(
                "measuring is for a run of one process; leave --measure-every out, or torchrun."
            )
        if options.every and has_graph(trainer.plan):
            self._population = Population(
                trainer.network, trainer.scheduler.shared_names, trainer.plan.tasks, trainer.data,
                options.batches, trainer.config.batch_size, child_seed(seed, MEASURE),
            )  # fmt: skip
            for view, tasks in self._population.views():
                if self._population.count(view) < 2:
                    raise InvalidInputError(
                        f"measuring takes a variance over batches, so at least two; the view of "
                        f"{', '.join(tasks)} has {view.length('train')} training examples and a "
                        f"batch {trainer.config.batch_size}. Leave --measure-every out, or lower "
                        f"batch_size."
                    )
            self._why = self._missing_derivative()

    def due(self) -> bool:
        """Say whether a refresh was just before, is to be measured, and was not yet."""
        if self._population is None:
            return False
        state = self._trainer.scheduler.state
        fresh = state.round > self._round and state.step == state.round_start
        return fresh and (state.round - 1) % self._options.every == 0

    def measure(self) -> list[Row]:
        """Measure now, between a refresh and the next step.

        Returns
        -------
        list of Row
        """
        population, trainer = self._population, self._trainer
        assert population is not None
        state = trainer.scheduler.state
        colors = [int(number) for number in classes_of(state)]
        population.follow(trainer.network)
        with _differentiable(trainer.network):
            found = self._measured(
                population, colors, trainer.config.rate(state.step, trainer.total)
            )
        means = torch.from_numpy(found.means).float()  # it goes into checkpoints
        moved = None
        if self._last is not None:
            moved = (means.double() - self._last.double()).norm(dim=1).numpy()
        rows = measured_rows(state.round, state.step, found, colors, None, moved)
        if self._why is not None:
            rows.append(unmeasured_row(state.round, state.step, self._why))
        self._last, self._round = means, state.round
        return rows

    def state_dict(self) -> dict[str, Any]:
        """Return what the next measurement is compared with."""
        return {"last": self._last, "round": self._round}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        last = saved.get("last")
        self._last = None if last is None else last.cpu()
        self._round = int(saved.get("round", 0))

    def _measured(self, population: Population, colors: Sequence[int], rate: float) -> Measured:
        names = population.tasks
        classes = [
            [names[k] for k, color in enumerate(colors) if color == r]
            for r in range(max(colors) + 1)
        ]
        members = torch.tensor(
            [[float(color == r) for color in colors] for r in range(len(classes))],
            dtype=torch.float64, device=population.point.device,
        )  # fmt: skip
        means = population.gradients([[name] for name in names])
        groups = members @ means
        start = population.point
        objective = population.value()
        cross, pulled, whole, own = self._curved(population, classes, groups)
        population.place(start - rate * groups.sum(dim=0))
        aggregated = population.value()
        population.place(start)
        descent, norms = [], []
        for r in range(len(classes)):
            # One pass gives the class's gradient and the others': their sum is F's.
            here = population.gradients(classes) if r else groups
            descent.append(float(here.sum(dim=0) @ here[r]))
            norms.append(float(here[r].norm()))
            population.place(population.point - rate * here[r])
        scheduled = population.value()
        population.place(start)
        total, top, dots = self._noise(population, means)
        counts = [population.count(view) for view, _ in population.views()]
        share = {
            name: (population.count(view), population.available[view.index])
            for view, tasks in population.views()
            for name in tasks
        }
        return Measured(
            means=_numpy(means),
            noise_total=total,
            noise_top=top,
            smoothness=whole,
            class_smoothness=own,
            cross=None if cross is None else _numpy(cross),
            order_slope=None if pulled is None else float(pulled.tril(-1).sum()),
            phi_slope=None if pulled is None else float(pulled.sum() - pulled.trace()),
            objective=objective,
            aggregated=aggregated,
            scheduled=scheduled,
            step_descent=np.array(descent),
            step_norm=np.array(norms),
            rate=rate,
            batches=max(counts),
            mean_error=np.array(
                [
                    np.sqrt(total[k] / n * (1.0 - n / of))
                    for k, (n, of) in enumerate(share[name] for name in names)
                ]
            ),
            noise_dot=dots,
        )

    def _curved(
        self, population: Population, classes: Sequence[Sequence[str]], groups: Tensor
    ) -> tuple[Tensor | None, Tensor | None, float | None, Array | None]:
        """<H G_p, G_q>, <H_q grad F, G_p>, and the largest curvatures of F and of the classes."""
        if self._why is not None:
            return None, None, None, None
        most, everyone = self._options.curvature_batches, population.tasks
        total = groups.sum(dim=0, keepdim=True)
        cross = population.curvature(everyone, groups) @ groups.T
        pulled = torch.cat([population.curvature(tasks, total) for tasks in classes]) @ groups.T

        def largest(tasks: Sequence[str], start: Tensor) -> float:
            return largest_curvature(
                lambda v: population.curvature(tasks, v[None], most)[0], start, LANCZOS_STEPS
            )

        whole = largest(everyone, total[0])
        # A single class is F itself.
        own = [whole] if len(classes) == 1 else map(largest, classes, groups)
        return cross, pulled, whole, np.array(list(own))

    def _noise(self, population: Population, means: Tensor) -> tuple[Array, Array, Array]:
        """Trace and largest eigenvalue of each task's covariance, and inner products of noises.

        The sample's own mean is subtracted, so sums of n squares are divided by n - 1.
        """
        names = population.tasks
        total, top = np.zeros(len(names)), np.zeros(len(names))
        dots = np.zeros((len(names), len(names)))
        for view, tasks in population.views():
            places = [names.index(task) for task in tasks]
            count = population.count(view)
            scale = count / (count - 1)
            fits = KEPT_BYTES // (4 * len(tasks) * means.shape[1])
            most = max(2, min(KEPT_BATCHES, fits))
            kept = torch.stack(
                [(g - means[places]).float() for g in population.batch_gradients(view, tasks, most)]
            )
            gram = torch.einsum("bid,bjd->ij", kept, kept).double() / len(kept) * scale
            dots[np.ix_(places, places)] = _numpy(gram)
            for position, place in enumerate(places):
                mine = kept[:, position]
                values = torch.linalg.eigvalsh((mine @ mine.T).double() / len(kept) * scale)
                total[place] = float(gram[position, position])
                top[place] = float(values[-1])
        return total, top, dots

    def _missing_derivative(self) -> str | None:
        """Why there are no second derivatives; None where there are."""
        population = self._population
        assert population is not None
        try:
            with _differentiable(self._trainer.network):
                gap = population.curvature_gap(torch.Generator().manual_seed(0))
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            return f"curvature: an operation has no second derivative ({reason})"
        if gap > MOST_GAP:
            return (
                f"curvature: second derivatives are {100 * gap:.2g} % away from differences of "
                f"gradients, so an operation's is wrong or missing"
            )
        return None


def largest_curvature(times: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> float:
    """Return the largest eigenvalue in absolute value that Lanczos finds: a lower bound.

    Parameters
    ----------
    times : callable
        From v to H v, H symmetric.
    start : Tensor, shape (d,)
        Where to begin; not zero, else 0 is returned.
    steps : int
        Products with H, at most.

    Returns
    -------
    float

    Examples
    --------
    >>> h = torch.diag(torch.tensor([3.0, -5.0, 1.0], dtype=torch.float64))
    >>> round(largest_curvature(lambda v: h @ v, torch.ones(3, dtype=torch.float64), 3), 6)
    5.0
    """
    norm = float(start.norm())
    if norm == 0.0:
        return 0.0
    basis = (start / norm)[None]
    products: list[Tensor] = []
    for _ in range(min(steps, len(start))):
        product = times(basis[-1])
        products.append(product)
        rest = product - basis.T @ (basis @ product)
        rest = rest - basis.T @ (basis @ rest)  # twice is enough
        size = float(rest.norm())
        if size <= 1e-6 * float(product.norm()):
            break
        basis = torch.cat([basis, (rest / size)[None]])
    used = basis[: len(products)]
    projected = used @ torch.stack(products).T
    values = torch.linalg.eigvalsh((projected + projected.T) / 2)
    return float(values.abs().max())


@contextlib.contextmanager
def _differentiable(network: nn.Module) -> Iterator[None]:
    """cuDNN's recurrent layers have no second derivative; torch's own have."""
    recurrent = any(isinstance(module, nn.RNNBase) for module in network.modules())
    with contextlib.ExitStack() as stack:
        if recurrent and next(network.parameters()).is_cuda:
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield


def _numpy(tensor: Tensor) -> Array:
    return np.asarray(tensor.numpy(force=True), dtype=np.float64)
