"""Any TorchJD aggregator as a combiner that knows who is active. Needs torchjd."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from songoku_theory.combine.arrays import is_tensor
from songoku_theory.combine.gram_space import as_matrix, like
from songoku_theory.combine.problem import active_indices, batch_problem, one_problem
from songoku_theory.combine.result import Active, Array, Combined, CombinedBatch, NoState, Status
from songoku_theory.errors import DependencyMissingError, InvalidInputError
from songoku_theory.validation import check_num_tasks

__all__ = ["TorchJDCombiner"]


def _require() -> tuple[Any, Any]:
    try:
        return importlib.import_module("torch"), importlib.import_module("torchjd.aggregation")
    except ImportError as error:
        raise DependencyMissingError(
            "TorchJDCombiner wraps an aggregator of the package torchjd, which is not installed; "
            "pip install torchjd. (Its extras 'nash_mtl', 'quadprog_projector' and 'full' pull in "
            "GPL solvers; the package itself does not.)"
        ) from error


@dataclass(frozen=True, slots=True)
class TorchJDCombiner:
    """Let a TorchJD aggregator combine the active tasks.

    The aggregator sees the active tasks only, in increasing order, so it needs no notion of the
    others. TorchJD returns no residual: the status is ``UNVERIFIED`` with residual NaN when its
    weights are finite, and ``FAILED`` otherwise.

    Attributes
    ----------
    aggregator : torchjd.aggregation.Aggregator
        One with state of its own (it has a ``reset``) is refused: that state is not kept a task
        each, so it would move for tasks that did not run.

    Raises
    ------
    DependencyMissingError
        When torch or torchjd is not installed.
    InvalidInputError
        When `aggregator` is no aggregator, or has state.

    Differs from
    ------------
    Aggregators that work on the whole Jacobian (not its Gram matrix) get a (m, m) square root of
    the Gram matrix in :meth:`combine`: the same inner products, so the same weights for every
    method that does not depend on coordinates. Those that do (GradDrop, TrimmedMean, ...) have no
    weights; use :meth:`aggregate`.
    """

    aggregator: Any

    def __post_init__(self) -> None:
        _, aggregation = _require()
        if not isinstance(self.aggregator, aggregation.Aggregator):
            raise InvalidInputError(
                f"aggregator should be an instance of torchjd.aggregation.Aggregator; found "
                f"{self.aggregator!r}."
            )
        if hasattr(self.aggregator, "reset"):
            raise InvalidInputError(
                f"{self.aggregator!r} keeps state that is not per task; with a schedule it would "
                f"move for tasks that did not run. Use songoku's own method of that name."
            )

    def init(self, num_tasks: int) -> NoState:
        """Return the (empty) state."""
        check_num_tasks(num_tasks)
        return NoState()

    def combine(
        self,
        gram: Array,
        state: NoState,
        active: Active = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Combined[NoState]:
        """Return the aggregator's weights for the active tasks of a (K, K) Gram matrix.

        Parameters
        ----------
        gram : ndarray or tensor, shape (K, K)
        state : NoState
        active : sequence of int, optional
        rng : numpy.random.Generator, optional
            Randomised aggregators draw from torch's global generator; with `rng` that is seeded
            from it for the call and put back after.

        Returns
        -------
        Combined

        Raises
        ------
        InvalidInputError
            When the matrix is not valid or the aggregator has no weights.
        """
        torch, _ = _require()
        matrix = as_matrix(gram)
        problem, tasks = one_problem(matrix, active)
        scale = np.where(problem.kept[0], problem.norms[0], 0.0)
        block = problem.cosines[0] * scale[:, None] * scale[None, :]
        if hasattr(self.aggregator, "gramian_weighting"):
            weighting, argument = self.aggregator.gramian_weighting, block
        elif hasattr(self.aggregator, "weighting"):
            values, vectors = np.linalg.eigh(block)
            root = vectors * np.sqrt(np.maximum(values, 0.0))
            weighting, argument = self.aggregator.weighting, root
        else:
            raise InvalidInputError(
                f"{self.aggregator!r} works coordinate by coordinate and has no weights; use "
                f"aggregate(gradients, active)."
            )
        found = self._call(torch, weighting, torch.from_numpy(np.ascontiguousarray(argument)), rng)
        host = found.detach().cpu().numpy().astype(np.float64)
        fine = bool(np.isfinite(host).all())
        weights = np.zeros(matrix.shape[0])
        weights[tasks] = host if fine else np.nan
        status = Status.UNVERIFIED if fine else Status.FAILED
        return Combined(like(weights, matrix), state, status, float("nan"))

    def combine_batch(
        self, grams: Array, active: Array = None, *, rng: np.random.Generator | None = None
    ) -> CombinedBatch:
        """Return weights for many problems, one after the other; see ``GramCombiner``.

        Raises
        ------
        InvalidInputError
            As :meth:`combine`.
        """
        grams = as_matrix(grams)
        problem = batch_problem(grams, active)
        masks = problem.xp.host(problem.active)
        answers = [
            self.combine(gram, NoState(), np.flatnonzero(mask), rng=rng)
            for gram, mask in zip(grams, masks, strict=True)
        ]
        return CombinedBatch(
            problem.xp.lib.stack([answer.weights for answer in answers]),
            tuple(answer.status for answer in answers),
            like(np.full(len(answers), np.nan), grams),
        )

    def aggregate(
        self,
        gradients: Array,
        active: Active = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Return the aggregator's update for the active rows of a (K, d) tensor.

        Parameters
        ----------
        gradients : tensor, shape (K, d)
        active : sequence of int, optional
        rng : numpy.random.Generator, optional
            As in :meth:`combine`.

        Returns
        -------
        tensor, shape (d,)

        Raises
        ------
        InvalidInputError
            When it is no (K, d) tensor.
        """
        torch, _ = _require()
        if not is_tensor(gradients) or gradients.ndim != 2:
            raise InvalidInputError("gradients should be a torch tensor of shape (K, d).")
        tasks = active_indices(active, int(gradients.shape[0]))
        rows = gradients[torch.as_tensor(tasks, device=gradients.device)]
        if not bool(torch.isfinite(rows).all()):
            bad = ~torch.isfinite(rows).all(dim=1)
            task = int(tasks[int(bad.to(torch.int64).argmax())])
            raise InvalidInputError(f"the gradient of task {task} is not finite.")
        return self._call(torch, self.aggregator, rows, rng)

    def _call(
        self,
        torch: Any,  # noqa: ANN401
        function: Callable[[Array], Array],
        argument: Array,
        rng: np.random.Generator | None,
    ) -> Array:
        if rng is None:
            return function(argument)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**62)))
            return function(argument)
