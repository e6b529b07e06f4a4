"""First-fit as formulas: the two facts from which nearly everything in this family follows.

First-fit gives each task the smallest colour that none of its already coloured neighbours has.
So, whatever the order,

* no two neighbours share a colour, and
* a task of colour ``c`` has a neighbour of every colour ``0..c-1``; in particular, if some
  task ``u`` has a smaller colour than ``v``, then ``v`` has a neighbour ``blocks(u, v)`` with
  the colour of ``u``.

Over an uninterpreted sort of tasks these two say nothing about how many tasks there are: what
z3 derives from them holds for every graph. The second is written with ``blocks``, without a
quantifier over colours, because z3 then decides it in milliseconds, run after run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Z3", "FirstFit", "first_fit_world"]

Z3 = Any
"""The module z3, which ships no types; handed in, so that it is imported only when needed."""


@dataclass(frozen=True, slots=True)
class FirstFit:
    """A graph of tasks and a first-fit colouring of it, in z3.

    Attributes
    ----------
    task : z3 sort
    color : z3 function Task -> Int
    blocks : z3 function Task x Task -> Task
        ``blocks(u, v)``: a neighbour of v with the colour of u, if that is smaller than v's.
    adjacent : callable
        ``adjacent(u, v)``, a formula.
    axioms : list of formulas
    """

    task: Any
    color: Any
    blocks: Any
    adjacent: Callable[[Any, Any], Any]
    axioms: list[Any]


def first_fit_world(z3: Z3, adjacent: Callable[[Any, Any], Any] | None = None) -> FirstFit:
    """Return first-fit's two facts, over all graphs or over those with a given adjacency.

    Parameters
    ----------
    z3 : module
    adjacent : callable, optional
        ``adjacent(u, v)``; a free symmetric relation without loops if not given.

    Returns
    -------
    FirstFit
    """
    task = z3.DeclareSort("Task")
    color = z3.Function("color", task, z3.IntSort())
    blocks = z3.Function("blocks", task, task, task)
    u, v = z3.Consts("u v", task)
    axioms = []
    if adjacent is None:
        relation = z3.Function("adjacent", task, task, z3.BoolSort())
        adjacent = relation
        axioms += [
            z3.ForAll([u, v], relation(u, v) == relation(v, u)),
            z3.ForAll([u], z3.Not(relation(u, u))),
        ]
    axioms += [
        z3.ForAll([u, v], z3.Implies(adjacent(u, v), color(u) != color(v))),
        z3.ForAll(
            [u, v],
            z3.Implies(
                color(u) < color(v),
                z3.And(adjacent(blocks(u, v), v), color(blocks(u, v)) == color(u)),
            ),
        ),
    ]
    return FirstFit(task, color, blocks, adjacent, axioms)
