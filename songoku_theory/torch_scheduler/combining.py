"""A combiner inside the training loop: its state, its randomness, and what it is shown.

Gram-space rules weigh the shared gradients; each head keeps its own gradient. Loss-space rules
weigh losses, so a task's weight counts for its head as well.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from songoku_theory.combine import (
    Combined,
    GramCombiner,
    LossCombiner,
    Mean,
    Sum,
    available_combiners,
    combiner_info,
    get_combiner,
)
from songoku_theory.errors import InvalidInputError
from songoku_theory.torch_scheduler.gram import gram64, row_products

__all__ = ["Combine", "Combiner", "Combining", "Generator", "Shown", "Weights", "combining_of"]

Combine = Callable[[Tensor, tuple[int, ...]], Tensor]
"""From the active gradients' inner products (n, n) and their tasks' indices to n weights."""

Combiner = str | GramCombiner[Any] | LossCombiner[Any] | Combine
Generator = np.random.Generator | torch.Generator


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of some tasks.

    Attributes
    ----------
    update : Tensor, shape (n,)
        Of the shared gradients.
    tasks : tuple of int
        Whose, n of them; the gradients of tasks that are not among them are zero.
    heads : Mapping from task to float
        Of the heads' own gradients, where they are not 1.
    """

    update: Tensor
    tasks: tuple[int, ...]
    heads: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What a combiner may look at.

    Attributes
    ----------
    rows : Tensor, shape (K, d)
        Gradients, scaled if there is a gradient scaler.
    tasks : tuple of int
        Whose are to be combined, in increasing order.
    inverse_scale : Tensor, shape (), or None
        What undoes the scaler.
    losses : callable
        Returns the tasks' losses (K,), averaged over processes; NaN for the others.
    """

    rows: Tensor
    tasks: tuple[int, ...]
    inverse_scale: Tensor | None
    losses: Callable[[], NDArray[np.float64]]


class Combining:
    """A rule with its state and its generator.

    Parameters
    ----------
    rule : GramCombiner, LossCombiner or callable
    num_tasks : int
    generator : Generator or None

    Attributes
    ----------
    plain : bool
        A function of the caller's: it stays on the device, and has no state.
    weighs_losses : bool
    waits : bool
        It asks for the losses after the step.
    last : Combined or None
        The last combination.
    awaits : frozenset of int
        Tasks whose losses after the step the rule still waits for.
    """

    def __init__(self, rule: Any, num_tasks: int, generator: Generator | None) -> None:  # noqa: ANN401
        self.rule = rule
        self.plain = not _has_methods(rule, "init", "combine")
        self.weighs_losses = not self.plain and hasattr(rule, "needs_gradient_norms")
        self.num_tasks = num_tasks
        self.generator = generator
        self.waits = self.weighs_losses and bool(rule.needs_losses_after)
        self.state: Any = None if self.plain else rule.init(num_tasks)
        self.last: Combined[Any] | None = None
        self.awaits: frozenset[int] = frozenset()
        self._mark: tuple[Any, ...] | None = None

    def runs_everyone(self) -> bool:
        """Say whether the rule wants every task at this step, whatever the schedule says."""
        return _has_methods(self.rule, "warming") and bool(self.rule.warming(self.state))

    def begin(self) -> None:
        """Remember where a group begins: its gradients may be combined again, or be dropped."""
        drawn = None if self.generator is None else _state_of(self.generator)
        self._mark = (self.state, self.last, self.awaits, drawn)

    def undo(self) -> None:
        """Go back to where the group began."""
        if self._mark is None:
            return
        self.state, self.last, self.awaits, drawn = self._mark
        if self.generator is not None and drawn is not None:
            _set_state(self.generator, drawn)

    def weigh(self, shown: Shown) -> Weights | None:
        """Return the weights of a group's gradients; None for the plain sum.

        Raises
        ------
        InvalidInputError
            When the rule refuses what it is shown.
        CombineError
            When it found no weights.
        """
        if isinstance(self.rule, Sum):
            return None
        if self.plain:
            return self._by_function(shown)
        self.undo()
        combined = self._by_losses(shown) if self.weighs_losses else self._by_products(shown)
        combined.raise_if_failed()
        self.state, self.last = combined.state, combined
        chosen = np.asarray(combined.weights, dtype=np.float64)[list(shown.tasks)]
        heads: dict[int, float] = {}
        if self.weighs_losses:
            heads = {k: float(w) for k, w in zip(shown.tasks, chosen, strict=True) if w != 1.0}
            if self.waits:
                self.awaits = frozenset(shown.tasks)
        return Weights(torch.as_tensor(chosen, device=shown.rows.device), shown.tasks, heads)

    def _by_function(self, shown: Shown) -> Weights:
        products = row_products(shown.rows[list(shown.tasks)]).values
        if shown.inverse_scale is not None:
            products = products * shown.inverse_scale.double().square()
        weights = self.rule(products, shown.tasks)
        if not isinstance(weights, Tensor) or weights.shape != (len(shown.tasks),):
            found = tuple(weights.shape) if isinstance(weights, Tensor) else type(weights).__name__
            raise InvalidInputError(
                f"combine should return one weight for each of the {len(shown.tasks)} active "
                f"tasks, as a tensor; found {found}."
            )
        return Weights(weights, shown.tasks)

    def _by_products(self, shown: Shown) -> Combined[Any]:
        """Products in float64: a rule has to know how far to trust its Gram matrix."""
        if isinstance(self.rule, Mean):  # needs none
            return self.rule.combine(np.eye(self.num_tasks), self.state, shown.tasks)
        index = torch.tensor(shown.tasks, device=shown.rows.device)
        block = gram64(shown.rows, index)
        if shown.inverse_scale is not None:
            block = block * shown.inverse_scale.double().square()
        gram = np.zeros((self.num_tasks, self.num_tasks))
        gram[np.ix_(shown.tasks, shown.tasks)] = block.cpu().numpy()
        combined: Combined[Any] = self.rule.combine(
            gram, self.state, shown.tasks, rng=self._numbers()
        )
        return combined

    def _by_losses(self, shown: Shown) -> Combined[Any]:
        losses = shown.losses()
        norms = None
        asked = self.rule.needs_gradient_norms
        if asked and (not _has_methods(self.rule, "warming") or self.runs_everyone()):
            rows = shown.rows[list(shown.tasks)]
            found = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64)
            if shown.inverse_scale is not None:
                found = found * shown.inverse_scale.double()
            norms = np.full(self.num_tasks, np.nan)
            norms[list(shown.tasks)] = found.cpu().numpy()
        combined: Combined[Any] = self.rule.combine(
            losses, self.state, shown.tasks, gradient_norms=norms
        )
        return combined

    def _numbers(self) -> np.random.Generator | None:
        """A numpy generator for the rule; of a torch generator's, one with a seed drawn from it."""
        if not isinstance(self.generator, torch.Generator):
            return self.generator
        drawn = torch.randint(
            2**62, (), generator=self.generator, device=self.generator.device, dtype=torch.int64
        )
        return np.random.default_rng(int(drawn))

    def observe(self, losses: NDArray[np.float64], tasks: Sequence[int]) -> None:
        """Show the losses (K,) after the step; those of `tasks` are read."""
        if tasks:
            self.state = self.rule.observe(losses, self.state, tuple(tasks))
        self.awaits = frozenset()

    def end_epoch(self) -> None:
        """Close an epoch, for a rule that has epochs.

        Raises
        ------
        InvalidInputError
            When it has none.
        """
        if not _has_methods(self.rule, "end_epoch"):
            raise InvalidInputError(
                f"{self.describe()} knows no epochs, so there is none to end; only DWA does."
            )
        self.state = self.rule.end_epoch(self.state)

    # -- stop and resume --------------------------------------------------------------------------

    def describe(self) -> str:
        """Return the rule and its options as text, the same in every process."""
        if self.plain:
            name = getattr(self.rule, "__qualname__", type(self.rule).__qualname__)
            return f"the function {name}"
        return repr(self.rule) if is_dataclass(self.rule) else type(self.rule).__qualname__

    def pack_generator(self) -> dict[str, Any] | None:
        """Return the generator's state as plain values and tensors."""
        if self.generator is None:
            return None
        return {"kind": _kind(self.generator), "state": _packed(_state_of(self.generator))}

    def check_generator(self, packed: Mapping[str, Any] | None) -> None:
        """Refuse the state of another kind of generator.

        Raises
        ------
        InvalidInputError
            When it is one.
        """
        saved = "none" if packed is None else packed["kind"]
        mine = "none" if self.generator is None else _kind(self.generator)
        if saved != mine:
            raise InvalidInputError(
                f"the saved state has another generator: saved {saved}, here {mine}. Make the "
                f"scheduler with generator= of the kind that the run had."
            )

    def restore(self, state: Any, packed: Mapping[str, Any] | None) -> None:  # noqa: ANN401
        """Continue from a state, and the draws from what :meth:`pack_generator` gave."""
        self.state, self.last, self.awaits, self._mark = state, None, frozenset(), None
        if self.generator is not None and packed is not None:
            _set_state(self.generator, _unpacked(packed["state"]))


def combining_of(
    combine: Combiner | None, num_tasks: int, generator: Generator | None
) -> Combining | None:
    """Return the rule that `combine` names or is; None for the plain sum.

    Raises
    ------
    UnknownNameError
        When no combiner has that name.
    InvalidInputError
        When it is neither a combiner nor a function, or a generator is given that nothing draws
        from.
    """
    rule: Any = get_combiner(combine) if isinstance(combine, str) else combine
    if rule is not None:
        _check_kind(rule)
    combining = None if rule is None else Combining(rule, num_tasks, None)
    draws = combining is not None and not combining.plain and not combining.weighs_losses
    draws = draws and not _is_deterministic(rule)
    if generator is not None and not draws:
        what = "the plain sum" if combining is None else combining.describe()
        raise InvalidInputError(
            f"generator has no meaning here: {what} draws no random numbers. Leave it out."
        )
    if combining is not None and draws:
        combining.generator = np.random.default_rng(0) if generator is None else generator
        _kind(combining.generator)
    return combining


def _has_methods(rule: object, *names: str) -> bool:
    return all(callable(getattr(rule, name, None)) for name in names)


def _check_kind(rule: object) -> None:
    if isinstance(rule, type):
        raise InvalidInputError(
            f"combine should be a combiner, not its class; write {rule.__name__}()."
        )
    if isinstance(rule, torch.optim.Optimizer):
        raise InvalidInputError(
            f"{type(rule).__name__} is an optimiser, not a combiner. For SON-GOKU + AdaTask write "
            f"combine='sum' and optimizer.step(scheduler.task_gradients()) after backward."
        )
    if type(rule).__module__.startswith("torchjd."):
        raise InvalidInputError(
            f"{rule!r} is TorchJD's; wrap it: "
            f"songoku_theory.combine.TorchJDCombiner({type(rule).__name__}(...))."
        )
    if not _has_methods(rule, "init", "combine") and not callable(rule):
        raise InvalidInputError(
            f"combine should be a combiner's name ({', '.join(available_combiners())}), a combiner "
            f"of songoku_theory.combine, or a function from inner products and task indices to "
            f"weights; found {rule!r}."
        )


def _is_deterministic(rule: object) -> bool:
    return any(
        type(rule) is info.factory and "deterministic" in info.promises
        for info in map(combiner_info, available_combiners())
    )


# -- generators -----------------------------------------------------------------------------------


def _kind(generator: Generator) -> str:
    if isinstance(generator, torch.Generator):
        return f"torch.Generator on {generator.device.type}"
    if isinstance(generator, np.random.Generator):
        return f"numpy {type(generator.bit_generator).__name__}"
    raise InvalidInputError(
        f"generator should be a numpy.random.Generator or torch.Generator; found {generator!r}."
    )


def _state_of(generator: Generator) -> Any:  # noqa: ANN401
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    return copy.deepcopy(generator.bit_generator.state)


def _set_state(generator: Generator, state: Any) -> None:  # noqa: ANN401
    if isinstance(generator, torch.Generator):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state


def _packed(state: Any) -> Any:  # noqa: ANN401
    """Whole numbers of 128 bits as text, arrays as lists."""
    if isinstance(state, dict):
        return {name: _packed(value) for name, value in state.items()}
    if isinstance(state, np.ndarray):
        return {"dtype": str(state.dtype), "values": [str(v) for v in state.tolist()]}
    if isinstance(state, int) and not isinstance(state, bool):
        return {"number": str(state)}
    return state


def _unpacked(packed: Any) -> Any:  # noqa: ANN401
    if not isinstance(packed, dict):
        return packed.cpu() if isinstance(packed, Tensor) else packed
    if set(packed) == {"number"}:
        return int(packed["number"])
    if set(packed) == {"dtype", "values"}:
        return np.array([int(v) for v in packed["values"]], dtype=packed["dtype"])
    return {name: _unpacked(value) for name, value in packed.items()}
