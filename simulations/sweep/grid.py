"""From a grid to its cells."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from simulations.sweep.cell import Cell, make_cell
from simulations.sweep.experiment import Experiment
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.storage.codec import canonical_json

__all__ = ["MAX_CELLS", "Grid", "expand"]

MAX_CELLS = 5_000_000
"""A larger grid is refused: it is a slip of the pen more often than a plan."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The settings that a sweep asks for.

    Parameters
    ----------
    fixed : mapping of param to value
        The same in every cell.
    axes : mapping of param to sequence of values
        Every combination of their values.
    zipped : mapping of param to sequence of values
        Taken together, one after the other; all of one length. Combined with every combination
        of `axes`.
    """

    fixed: Mapping[str, object] = field(default_factory=dict)
    axes: Mapping[str, Sequence[object]] = field(default_factory=dict)
    zipped: Mapping[str, Sequence[object]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The number of cells."""
        zipped = min((len(values) for values in self.zipped.values()), default=1)
        return zipped * math.prod(len(values) for values in self.axes.values())


def expand(experiment: Experiment, grid: Grid) -> list[Cell]:
    """Return the cells of a grid, in the grid's order (the last axis varies fastest).

    Each value is checked once, not once a cell.

    Parameters
    ----------
    experiment : Experiment
    grid : Grid

    Returns
    -------
    list of Cell
        ``grid.size`` cells with different keys.

    Raises
    ------
    UnknownNameError
        When a name is not a declared param.
    InvalidInputError
        When the grid is empty or too large, a param is given twice or not at all, a value is not
        valid, or an axis repeats a value.
    """
    _check_shape(experiment, grid)
    # One probe cell finds missing params, unknown names and bad fixed values, and fills defaults.
    first = {name: values[0] for name, values in {**grid.axes, **grid.zipped}.items()}
    constant = make_cell(experiment, {**grid.fixed, **first}).params
    for name in first:
        del constant[name]

    blocks: list[list[tuple[str, ...]]] = [
        [tuple(f'"{name}":{canonical_json(value)}' for name, value in constant.items())]
    ]
    order = list(constant)
    if grid.zipped:
        columns = [_fragments(experiment, name, values) for name, values in grid.zipped.items()]
        blocks.append(_distinct(list(zip(*columns, strict=True)), "zip"))
        order += list(grid.zipped)
    for name, values in grid.axes.items():
        column: list[tuple[str, ...]] = [(text,) for text in _fragments(experiment, name, values)]
        blocks.append(_distinct(column, f"axis {name!r}"))
        order.append(name)
    positions = sorted(range(len(order)), key=order.__getitem__)
    return [Cell.of(experiment, text) for text in _texts(blocks, positions)]


def _texts(blocks: Sequence[Sequence[tuple[str, ...]]], positions: Sequence[int]) -> Iterator[str]:
    """Join checked fragments into the text that `canonical_json` would give."""
    for combination in product(*blocks):
        flat = [fragment for block in combination for fragment in block]
        yield "{" + ",".join([flat[position] for position in positions]) + "}"


def _fragments(experiment: Experiment, name: str, values: Sequence[object]) -> list[str]:
    param = experiment.params[name]
    return [f'"{name}":{canonical_json(param.canonical(name, value))}' for value in values]


def _distinct(fragments: list[tuple[str, ...]], where: str) -> list[tuple[str, ...]]:
    seen: set[tuple[str, ...]] = set()
    for fragment in fragments:
        if fragment in seen:
            raise InvalidInputError(
                f"{where} lists {', '.join(fragment)} twice; each value makes one cell. Use a "
                f"param such as 'replicate' for repetitions."
            )
        seen.add(fragment)
    return fragments


def _check_shape(experiment: Experiment, grid: Grid) -> None:
    groups = {"fixed": grid.fixed, "grid": grid.axes, "zip": grid.zipped}
    seen: dict[str, str] = {}
    for group, names in groups.items():
        for name in names:
            if name not in experiment.params:
                raise unknown_name(
                    f"param of experiment {experiment.name!r} in [sweep.{group}]",
                    name,
                    experiment.params,
                )
            if name in seen:
                raise InvalidInputError(
                    f"param {name!r} is given twice: in [sweep.{seen[name]}] and in "
                    f"[sweep.{group}]. Keep one."
                )
            seen[name] = group
    for name, values in {**grid.axes, **grid.zipped}.items():
        if not values:
            raise InvalidInputError(f"axis {name!r} has no values, so the grid has no cells.")
    lengths = {name: len(values) for name, values in grid.zipped.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise InvalidInputError(f"the lists of [sweep.zip] should be of one length; {found}.")
    if grid.size > MAX_CELLS:
        raise InvalidInputError(
            f"the grid has {grid.size:,} cells; at most {MAX_CELLS:,} are taken. Split it."
        )
