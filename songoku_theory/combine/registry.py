"""The registry of combiners: frozen option classes, found by name.

A combiner is a frozen dataclass whose fields are its options and which satisfies ``GramCombiner``
or ``LossCombiner``. The decorator only adds a name and the promises that the method makes. A
package of yours can register one by importing :func:`combiner`, or offer it through the
entry-point group ``songoku.combiners``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal, TypeVar

from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = [
    "PROMISES",
    "CombinerInfo",
    "Space",
    "available_combiners",
    "combiner",
    "combiner_info",
    "get_combiner",
]

Space = Literal["gram", "loss"]
C = TypeVar("C", bound=type)

PROMISES: dict[str, str] = {
    "descent": "the update has a non-negative inner product with every active task's gradient",
    "average-descent": "the update has a non-negative inner product with the mean active gradient",
    "nonnegative": "no weight is negative",
    "simplex": "the active weights are non-negative and sum to 1",
    "scale-equivariant": "one factor on all gradients leaves the update's direction as it is",
    "task-scale-invariant": "a positive factor on any one gradient leaves the update as it is",
    "permutation-equivariant": "renaming tasks renames weights, and nothing else",
    "deterministic": "the same input and state give the same weights",
    "stateless": "the state never matters",
}


@dataclass(frozen=True, slots=True)
class CombinerInfo:
    """A registered combiner.

    Attributes
    ----------
    name : str
    factory : type
        The frozen dataclass of its options; calling it gives the combiner.
    space : {"gram", "loss"}
    promises : frozenset of str
        Keys of ``PROMISES``, made for the default options.
    summary : str
        First line of the class's docstring.
    """

    name: str
    factory: type[Any]
    space: Space
    promises: frozenset[str]
    summary: str


_REGISTRY: dict[str, CombinerInfo] = {}


def combiner(name: str, space: Space, promises: Iterable[str]) -> Callable[[C], C]:
    """Register a combiner's option class under a name.

    Parameters
    ----------
    name : str
        Not yet taken.
    space : {"gram", "loss"}
    promises : iterable of str
        Keys of ``PROMISES``.

    Returns
    -------
    callable
        A decorator that returns the class unchanged.

    Raises
    ------
    UnknownNameError
        When a promise or the space has no such name.
    InvalidInputError
        When the name is taken, or the class is not a dataclass.
    """
    kept = frozenset(promises)
    for promise in kept:
        if promise not in PROMISES:
            raise unknown_name("promise", promise, PROMISES)
    if space not in ("gram", "loss"):
        raise unknown_name("space", str(space), ("gram", "loss"))

    def register(factory: C) -> C:
        if not is_dataclass(factory):
            raise InvalidInputError(f"the combiner {name!r} should be a dataclass of its options.")
        taken = _REGISTRY.get(name)
        if taken is not None and taken.factory is not factory:
            raise InvalidInputError(
                f"a combiner named {name!r} is registered already; choose another name."
            )
        lines = (factory.__doc__ or "").strip().splitlines()
        _REGISTRY[name] = CombinerInfo(name, factory, space, kept, lines[0] if lines else "")
        return factory

    return register


@cache
def _load_plugins() -> None:
    for point in entry_points(group="songoku.combiners"):
        point.load()


def combiner_info(name: str) -> CombinerInfo:
    """Return a registered combiner with its promises.

    Raises
    ------
    UnknownNameError
        When nothing is registered under `name`; the message names the nearest.
    """
    if name not in _REGISTRY:
        _load_plugins()
    if name not in _REGISTRY:
        raise unknown_name("combiner", name, _REGISTRY)
    return _REGISTRY[name]


def get_combiner(name: str, options: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
    """Return the combiner registered under `name`, with its options set.

    Parameters
    ----------
    name : str
    options : mapping from option name to value, optional

    Returns
    -------
    GramCombiner or LossCombiner
        ``combiner_info(name).space`` says which.

    Raises
    ------
    UnknownNameError
        When there is no such combiner, or it has no such option.
    InvalidInputError
        When a value is out of range.

    Examples
    --------
    >>> get_combiner("cagrad", {"c": 0.5})
    CAGrad(c=0.5, rescale='none')
    >>> get_combiner("cagard")
    Traceback (most recent call last):
    ...
    songoku_theory.errors.UnknownNameError: unknown combiner 'cagard'. Did you mean 'cagrad'? ...
    """
    factory = combiner_info(name).factory
    valid = [field.name for field in fields(factory) if field.init]
    given = dict(options or {})
    for option in given:
        if option not in valid:
            raise unknown_name(f"option of {name}", option, valid)
    return factory(**given)


def available_combiners(space: Space | None = None) -> tuple[str, ...]:
    """Return the names of all registered combiners, or of those of one space, in order.

    Examples
    --------
    >>> available_combiners("gram")
    ('cagrad', 'fairgrad', 'mean', 'mgda', 'nash_mtl', 'pcgrad', 'sum')
    """
    _load_plugins()
    return tuple(sorted(n for n, info in _REGISTRY.items() if space in (None, info.space)))
