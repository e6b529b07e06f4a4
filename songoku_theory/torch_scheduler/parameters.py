"""Which parameters are shared, which belong to which task, and where each lies in a vector."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from songoku_theory.errors import InvalidInputError

__all__ = ["ModelParameters", "Selection", "SharedParameters", "split_parameters"]

Selection = nn.Module | Iterable[nn.Parameter] | Callable[[str], bool]
"""A module, parameters, or a filter on parameter names."""

_Place = tuple[int, tuple[int, ...], tuple[int, ...]]  # offset, shape, strides


@dataclass(frozen=True, slots=True, eq=False)
class SharedParameters:
    """The shared parameters, in one fixed order.

    Attributes
    ----------
    names : tuple of str
    parameters : tuple of Parameter
    device : torch.device
    dtype : torch.dtype
        Widest of float32 and the parameters' own: what their gradients are added up in.
    """

    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]
    device: torch.device
    dtype: torch.dtype
    _places: tuple[_Place, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        places, offset = [], 0
        for p in self.parameters:
            # A dense parameter keeps its memory format (channels_last, say): optimisers are
            # slower, and may warn, when a gradient's strides differ.
            stride = p.stride() if _is_dense(p) else _plain_strides(p.shape)
            places.append((offset, tuple(p.shape), tuple(stride)))
            offset += p.numel()
        object.__setattr__(self, "_places", tuple(places))

    @property
    def dim(self) -> int:
        """d."""
        return sum(p.numel() for p in self.parameters)

    def plain(self, flat: Tensor) -> Tensor:
        """Return a vector (d,) with every part in the order of ``parameter.reshape(-1)``."""
        if all(stride == _plain_strides(shape) for _, shape, stride in self._places):
            return flat
        return torch.cat([view.reshape(-1) for view in self.views(flat)])

    def views(self, flat: Tensor) -> list[Tensor]:
        """Return the parts of a vector (d,), each shaped and laid out like its parameter."""
        first = flat.storage_offset()
        return [
            flat.as_strided(shape, stride, first + offset) for offset, shape, stride in self._places
        ]


def _plain_strides(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(torch.empty(shape, device="meta").stride())


def _is_dense(p: Tensor) -> bool:
    """Do the strides cover p.numel() consecutive places, each once?"""
    expected = 1
    for size, stride in sorted(zip(p.shape, p.stride(), strict=True), key=lambda pair: pair[1]):
        if size == 1:
            continue
        if stride != expected:
            return False
        expected *= size
    return True


@dataclass(frozen=True, slots=True, eq=False)
class ModelParameters:
    """A model's parameters, split.

    Attributes
    ----------
    shared : SharedParameters
    tasks : tuple of str
    heads : tuple of tuple of Parameter
        Those of each task, in the order of `tasks`.
    frozen : tuple of (str, Parameter)
        Shared ones that needed no gradient when the split was made.
    places : tuple of (Module, str, Parameter)
        Where the model holds each shared parameter.
    """

    shared: SharedParameters
    tasks: tuple[str, ...]
    heads: tuple[tuple[nn.Parameter, ...], ...]
    frozen: tuple[tuple[str, nn.Parameter], ...]
    places: tuple[tuple[nn.Module, str, nn.Parameter], ...]

    def replaced(self) -> str | None:
        """Return the name of a shared parameter that the model no longer holds, if there is one."""
        for position, (module, name, parameter) in enumerate(self.places):
            if module._parameters.get(name) is not parameter:
                return self.shared.names[position]
        return None


def split_parameters(
    model: nn.Module,
    heads: Mapping[str, Selection],
    shared: Selection | None = None,
) -> ModelParameters:
    """Split a model's parameters into shared ones and each task's own.

    Parameters
    ----------
    model : Module
        May be compiled or wrapped for data-parallel training; filters see the inner names.
    heads : mapping from task to Selection
        An empty selection for a task that has no parameters of its own. Two tasks may share some.
    shared : Selection, optional
        By default all that belong to no head.

    Returns
    -------
    ModelParameters

    Raises
    ------
    InvalidInputError
        When there is no task or no shared parameter, a parameter is both shared and in a head, is
        not the model's, belongs nowhere although it is trained, or the shared ones lie on several
        devices.
    """
    named = _named(model)
    _refuse_shards(model, named)
    if not heads:
        raise InvalidInputError("heads should name at least one task; found none.")
    own = {task: _select(choice, named, f"heads[{task!r}]") for task, choice in heads.items()}
    in_heads = {name for names in own.values() for name in names}
    if shared is None:
        common = [name for name in named if name not in in_heads]
    else:
        common = _select(shared, named, "shared")
        both = [name for name in common if name in in_heads]
        if both:
            raise InvalidInputError(
                f"a parameter is either shared or a head's; found both ways: {_list(both)}."
            )
        left = [n for n, p in named.items() if p.requires_grad and n not in {*common, *in_heads}]
        if left:
            raise InvalidInputError(
                f"parameters that are neither shared nor in a head would never be trained: "
                f"{_list(left)}. Add them, or set requires_grad to False."
            )
    trained = [name for name in common if named[name].requires_grad]
    if not trained:
        raise InvalidInputError(
            "there is no shared parameter that requires a gradient, so tasks can't conflict. "
            "Check `shared` and the heads, and make the scheduler after unfreezing."
        )
    odd = [name for name in trained if not named[name].is_floating_point()]
    if odd:
        raise InvalidInputError(
            f"shared parameters should hold real numbers; found {named[odd[0]].dtype} in "
            f"{_list(odd)}."
        )
    devices = {named[name].device for name in trained}
    if len(devices) > 1:
        raise InvalidInputError(
            f"the shared parameters should lie on one device; found {sorted(map(str, devices))}. "
            f"For several GPUs use DistributedDataParallel, one process each."
        )
    parameters = tuple(named[name] for name in trained)
    dtype = torch.float32
    for p in parameters:
        dtype = torch.promote_types(dtype, p.dtype)
    return ModelParameters(
        SharedParameters(tuple(trained), parameters, devices.pop(), dtype),
        tuple(own),
        tuple(tuple(named[name] for name in names) for names in own.values()),
        tuple((name, named[name]) for name in common if not named[name].requires_grad),
        _places(model, parameters),
    )


def _places(
    model: nn.Module, parameters: tuple[nn.Parameter, ...]
) -> tuple[tuple[nn.Module, str, nn.Parameter], ...]:
    found = {id(p): (m, name) for m in model.modules() for name, p in m._parameters.items()}
    return tuple((*found[id(p)], p) for p in parameters)


def _refuse_shards(model: nn.Module, named: dict[str, nn.Parameter]) -> None:
    """Refuse a model whose parameters are shards.

    Autograd does not lead to shards: the gradient of each would come out as none, in silence. A
    scheduler for them would run one backward pass a task through the sharding's own hooks, keep
    rows of shards, and add up the processes' inner products at a refresh.
    """
    tensor = sys.modules.get("torch.distributed.tensor")
    fsdp = sys.modules.get("torch.distributed.fsdp")
    shards = [name for name, p in named.items() if tensor and isinstance(p, tensor.DTensor)]
    wrapped = fsdp and any(isinstance(m, fsdp.FullyShardedDataParallel) for m in model.modules())
    if shards or wrapped:
        what = f"parameter {shards[0]!r} is a DTensor" if shards else "the model is wrapped in FSDP"
        raise InvalidInputError(
            f"{what}; a scheduler for sharded parameters (fully_shard, FullyShardedDataParallel) "
            f"is not there. Use DistributedDataParallel, and TorchOptions(memory='offload') or "
            f"'sketch' where memory is short."
        )


def _named(model: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters by the names that the unwrapped model gives them."""
    inner = model.module if isinstance(model, DistributedDataParallel) else model
    return {name.replace("_orig_mod.", ""): p for name, p in inner.named_parameters()}


def _select(choice: Selection, named: dict[str, nn.Parameter], what: str) -> list[str]:
    if isinstance(choice, nn.Module):
        wanted = {id(p) for p in choice.parameters()}
    elif isinstance(choice, nn.Parameter):
        wanted = {id(choice)}
    elif callable(choice):
        chosen = [name for name in named if choice(name)]
        if not chosen:
            raise InvalidInputError(
                f"{what} is a filter that no parameter's name passes; the names are "
                f"{_list(list(named))}. Give () for a task without parameters of its own."
            )
        return chosen
    else:
        wanted = {id(p) for p in _parameters(choice, what)}
    found = [name for name, p in named.items() if id(p) in wanted]
    if len(found) != len(wanted):
        raise InvalidInputError(
            f"{what} holds {len(wanted) - len(found)} parameters that are not the model's. Pass a "
            f"module that contains every part, e.g. nn.ModuleList([trunk, *heads])."
        )
    return found


def _parameters(choice: object, what: str) -> list[nn.Parameter]:
    """The members of a selection that is neither a module nor a filter."""
    members = list(choice) if isinstance(choice, Iterable) and not isinstance(choice, str) else None
    if members is None or not all(isinstance(p, nn.Parameter) for p in members):
        found = choice if members is None else next(p for p in members if not _is_parameter(p))
        raise InvalidInputError(
            f"{what} should be a module, parameters, or a filter on names such as "
            f"lambda name: name.startswith('head'); found {found!r} ({type(found).__name__})."
        )
    return members


def _is_parameter(value: object) -> bool:
    return isinstance(value, nn.Parameter)


def _list(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
