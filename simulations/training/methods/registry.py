"""All methods by name, each with what it does and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from simulations.training.methods import joint, scheduled
from simulations.training.methods.base import Method, Setting
from songoku_theory.combine import combiner_info, get_combiner
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = ["MethodInfo", "available_methods", "get_method", "method_info"]

_ANY = Setting(("first", "second"), ("main", "negative"), 100, 10, 0)
_NAMING_TASKS = (joint.Scalarised, joint.SingleTask)  # whose options only real tasks can judge


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """A method that can be trained.

    Attributes
    ----------
    name : str
    doc : str
        One sentence.
    source : str
    kind : type
        Of its options.
    combiner : str or None
        The registered combiner whose options are the method's.
    in_table : bool
        Stands in the paper's Table 1.
    """

    name: str
    doc: str
    source: str
    kind: type[Any]
    combiner: str | None = None
    in_table: bool = True

    @property
    def options(self) -> tuple[str, ...]:
        """Names of its options."""
        kind = self.kind if self.combiner is None else combiner_info(self.combiner).factory
        return tuple(f.name for f in fields(kind) if f.init)


def _own(name: str, kind: type[Any], in_table: bool = True) -> MethodInfo:
    lines = (kind.__doc__ or "").split("\n")
    text = "\n".join(line.strip() for line in lines)
    source = text.partition("Source\n------\n")[2].strip().replace("\n", " ")
    return MethodInfo(name, lines[0], source, kind, None, in_table)


def _combined(name: str, source: str) -> MethodInfo:
    doc = f"Every task at every step. {combiner_info(name).summary}"
    return MethodInfo(name, doc, source, joint.Combined, name)


_METHODS = {
    info.name: info
    for info in (
        _own("uniform", joint.Uniform),
        _combined("gradnorm", "Chen et al. (2018), GradNorm."),
        _combined("mgda", "Sener and Koltun (2018), multi-task learning as MGDA."),
        _combined("pcgrad", "Yu et al. (2020), gradient surgery."),
        _combined("cagrad", "Liu et al. (2021), conflict-averse gradient descent."),
        _own("adatask", joint.AdaTaskMethod),
        _combined("famo", "Liu et al. (2023), fast adaptive multitask optimisation."),
        _combined("fairgrad", "Ban and Ji (2024), fair resource allocation."),
        _combined("nash_mtl", "Navon et al. (2022), multi-task learning as a bargaining game."),
        _own("static_one_shot", scheduled.StaticOneShot),
        _own("single_step", scheduled.SingleStep),
        _own("son_goku_gradnorm", scheduled.SonGokuGradNorm),
        _own("son_goku_adatask", scheduled.SonGokuAdaTask),
        _own("son_goku_pcgrad", scheduled.SonGokuPCGrad),
        _own("son_goku", scheduled.SonGoku),
        _own("random_groups", scheduled.RandomGroupsMethod, in_table=False),
        _own("oldest_first", scheduled.OldestFirst, in_table=False),
        _own("scalarised", joint.Scalarised, in_table=False),
        _own("single_task", joint.SingleTask, in_table=False),
    )
}


def available_methods() -> tuple[str, ...]:
    """Return the names of all methods, those of Table 1 first and in its order.

    Examples
    --------
    >>> available_methods()[:3], available_methods()[-2:]
    (('uniform', 'gradnorm', 'mgda'), ('scalarised', 'single_task'))
    """
    return tuple(_METHODS)


def method_info(name: str) -> MethodInfo:
    """Return a method's description.

    Raises
    ------
    UnknownNameError
        When there is none of that name; names the nearest.
    """
    if name not in _METHODS:
        raise unknown_name("method", name, _METHODS)
    return _METHODS[name]


def get_method(name: str, options: Mapping[str, object] | None = None) -> Method:
    """Return a method with its options set.

    Raises
    ------
    UnknownNameError
        When there is no such method, or it has no such option.
    InvalidInputError
        When a value is out of range.

    Examples
    --------
    >>> get_method("cagrad", {"c": 0.5})
    Combined(rule='cagrad', options={'c': 0.5})
    >>> get_method("son_goku", {"tua": 0.1})
    Traceback (most recent call last):
    ...
    songoku_theory.errors.UnknownNameError: unknown option of son_goku 'tua'. Did you mean 'tau'?...
    """
    info = method_info(name)
    given = dict(options or {})
    for option in given:
        if option not in info.options:
            raise unknown_name(f"option of {name}", option, info.options)
    try:
        if info.combiner is not None:
            get_combiner(info.combiner, given)
            combined: Method = joint.Combined(info.combiner, given)
            return combined
        method: Method = info.kind(**given)
        if not isinstance(method, _NAMING_TASKS):
            method.plan(_ANY)  # so that a threshold out of range is found before data are read
    except TypeError as error:
        raise InvalidInputError(f"the options {given} do not fit {name}: {error}.") from error
    return method
