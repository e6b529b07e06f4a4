"""What the two papers number, so that a reader finds each item and no item is forgotten.

An equation is covered when a claim of that paper names it in ``source.equations``; any other item
(``Theorem 3``) when a claim's ``source.section`` names it. A definition is covered by the claims
that are made with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from proofs_check.model import Claim, PaperName

__all__ = ["ITEMS", "Item", "coverage", "gaps"]


@dataclass(frozen=True, slots=True)
class Item:
    """A numbered item of a paper: ``Item("SON-GOKU", "Equation", "19")``."""

    paper: PaperName
    kind: str
    number: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


def _numbered(paper: PaperName, kind: str, last: int) -> tuple[Item, ...]:
    return tuple(Item(paper, kind, str(number)) for number in range(1, last + 1))


ITEMS: tuple[Item, ...] = (
    *_numbered("SON-GOKU", "Equation", 110),
    *_numbered("SON-GOKU", "Assumption", 7),
    *(Item("SON-GOKU", "Definition", number) for number in ("B.1", "B.2", "C.1", "C.2")),
    *_numbered("SON-GOKU", "Lemma", 3),
    *_numbered("SON-GOKU", "Proposition", 9),
    *_numbered("SON-GOKU", "Theorem", 8),
    *_numbered("SON-GOKU", "Corollary", 2),
    *_numbered("SON-GOKU", "Algorithm", 1),
    *(Item("SON-GOKU", "Table", number) for number in ("1", "2", "4")),
    *_numbered("PTG", "Equation", 12),
    *_numbered("PTG", "Definition", 3),
    *_numbered("PTG", "Observation", 1),
    *_numbered("PTG", "Proposition", 1),
    *(Item("PTG", "Table", number) for number in map(str, range(1, 10))),
)
"""Everything that the papers number. SON-GOKU's Table 3 (data sets) and PTG's Tables 10 and 11
assert nothing beyond the numbers that they list."""


def coverage(claims: Iterable[Claim]) -> dict[Item, tuple[str, ...]]:
    """Return the ids of the claims about each item.

    Parameters
    ----------
    claims : iterable of Claim

    Returns
    -------
    dict of Item to tuple of str
        In the papers' order; an empty tuple where there is none.
    """
    known = tuple(claims)
    return {item: tuple(claim.id for claim in known if _is_about(claim, item)) for item in ITEMS}


def gaps(claims: Iterable[Claim]) -> tuple[Item, ...]:
    """Return the items that no claim is about."""
    return tuple(item for item, ids in coverage(claims).items() if not ids)


def _is_about(claim: Claim, item: Item) -> bool:
    if claim.source.paper != item.paper:
        return False
    if item.kind == "Equation":
        return item.number in claim.source.equations
    return (
        re.search(rf"\b{item.kind} {re.escape(item.number)}(?![\d.]\d|\d)", claim.source.section)
        is not None
    )
