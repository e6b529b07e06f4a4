"""The pure state as plain values and tensors, and back.

Only tensors, numbers, strings and containers of them, so that ``torch.load(weights_only=True)``
reads what ``torch.save`` wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch

from songoku_theory.conflict import ConflictGraph
from songoku_theory.errors import InvalidInputError
from songoku_theory.schedule import Schedule
from songoku_theory.scheduler import SchedulerConfig, SchedulerState
from songoku_theory.torch_scheduler.options import TorchOptions

__all__ = [
    "pack_settings",
    "pack_state",
    "pack_tree",
    "require_complete",
    "require_same",
    "unpack_state",
    "unpack_tree",
]

_ARRAYS = ("weight_sum", "weight_square_sum", "last_updated", "last_turn", "mean_squares")
_PARTS = (
    "tasks", "shared", "settings", "state", "averages", "squares", "gaps", "nonfinite", "combiner"
)  # fmt: skip
_NUMBERS = ("step", "round", "round_start", "pointer", "tau")


def pack_settings(config: SchedulerConfig, options: TorchOptions) -> dict[str, str]:
    """Return every setting that a run depends on, as text to compare."""
    settings: dict[str, str] = {}
    for source in (config, options):
        settings |= {f.name: repr(getattr(source, f.name)) for f in fields(source)}
    return settings


def pack_state(state: SchedulerState) -> dict[str, Any]:
    """Return a state, without its averages, as plain values and tensors."""
    packed: dict[str, Any] = {name: getattr(state, name) for name in _NUMBERS}
    packed |= {name: torch.as_tensor(getattr(state, name).copy()) for name in _ARRAYS}
    packed["slots"] = [list(slot) for slot in state.schedule.slots]
    packed["unmet_coverage"] = list(state.unmet_coverage)
    packed["colors"] = None if state.colors is None else torch.as_tensor(state.colors.copy())
    packed["graph"] = None
    if state.graph is not None:
        packed["graph"] = {
            "adjacency": torch.as_tensor(state.graph.adjacency.copy()),
            "included": torch.as_tensor(state.graph.included.copy()),
            "tau": state.graph.tau,
        }
    return packed


def unpack_state(packed: Mapping[str, Any], state: SchedulerState) -> SchedulerState:
    """Return `state` with everything that :func:`pack_state` wrote."""
    graph = packed["graph"]
    arrays: dict[str, Any] = {name: _array(packed[name]) for name in _ARRAYS}
    return replace(
        state,
        **{name: packed[name] for name in _NUMBERS},
        **arrays,
        schedule=Schedule(tuple(tuple(slot) for slot in packed["slots"]), state.schedule.num_tasks),
        unmet_coverage=tuple(packed["unmet_coverage"]),
        colors=None if packed["colors"] is None else _array(packed["colors"]),
        graph=None
        if graph is None
        else ConflictGraph(_array(graph["adjacency"]), _array(graph["included"]), graph["tau"]),
    )


def _array(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    return np.array(tensor.numpy(force=True))


def pack_tree(value: Any) -> Any:  # noqa: ANN401
    """Return a combiner's state (dataclasses, arrays, numbers) as plain values and tensors.

    Raises
    ------
    InvalidInputError
        When it holds anything else.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: pack_tree(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, np.ndarray):
        return torch.as_tensor(value.copy())
    if isinstance(value, list | tuple):
        return [pack_tree(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str | torch.Tensor):
        return value
    raise InvalidInputError(
        f"a combiner's state should be a dataclass of arrays and numbers to be saved; found "
        f"{type(value).__name__}."
    )


def unpack_tree(packed: Any, like: Any, where: str = "state") -> Any:  # noqa: ANN401
    """Return what :func:`pack_tree` packed, shaped like a state before the first step.

    Raises
    ------
    InvalidInputError
        When it doesn't fit.
    """
    misfit = InvalidInputError(f"the saved combiner's {where} does not fit this combiner's.")
    if is_dataclass(like) and not isinstance(like, type):
        if not isinstance(packed, Mapping) or set(packed) != {f.name for f in fields(like)}:
            raise misfit
        parts = {
            name: unpack_tree(value, getattr(like, name), f"{where}.{name}")
            for name, value in packed.items()
        }
        return replace(like, **parts)
    if isinstance(like, np.ndarray):
        if not isinstance(packed, torch.Tensor) or tuple(packed.shape) != like.shape:
            raise misfit
        return _array(packed).astype(like.dtype)
    if isinstance(like, list | tuple):
        if not isinstance(packed, list):
            raise misfit
        return type(like)(packed)
    return packed


def require_complete(saved: Mapping[str, Any]) -> None:
    """Refuse a state of which parts are missing, or with averages that are not finite.

    Raises
    ------
    InvalidInputError
        Names what is wrong.
    """
    missing = [name for name in _PARTS if name not in saved]
    if missing:
        raise InvalidInputError(
            f"the saved state lacks {', '.join(missing)}; was it cut off, or not a scheduler's?"
        )
    for name in ("averages", "squares"):
        held = saved[name]
        if held is not None and not bool(torch.isfinite(held).all()):
            raise InvalidInputError(
                f"the saved {name} are not finite, which no scheduler writes: the file is spoilt."
            )


def require_same(what: str, saved: Mapping[str, str], mine: Mapping[str, str]) -> None:
    """Refuse a state that was made with other settings.

    Raises
    ------
    InvalidInputError
        Names each difference.
    """
    differing = [
        f"{name}: saved {saved.get(name, 'nothing')}, here {mine.get(name, 'nothing')}"
        for name in sorted({*saved, *mine})
        if saved.get(name) != mine.get(name)
    ]
    if differing:
        raise InvalidInputError(
            f"the saved state has other {what}: {'; '.join(differing)}. Make the scheduler with "
            f"those of the run that it continues."
        )
