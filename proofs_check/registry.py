"""Every claim that is known: the modules of :mod:`proofs_check.claims` and users' own.

A user's package adds claims by an entry point in the group ``songoku.claims`` that names a
sequence of :class:`~proofs_check.model.Claim`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import entry_points

from proofs_check import claims as _claims_package
from proofs_check.model import Claim
from songoku_theory.errors import InvalidInputError, unknown_name

__all__ = [
    "ENTRY_POINT_GROUP",
    "all_claims",
    "collect",
    "families",
    "get_claim",
    "select",
    "shipped_ids",
]

ENTRY_POINT_GROUP = "songoku.claims"


@cache
def _shipped() -> tuple[Claim, ...]:
    found: list[Claim] = []
    for module_info in sorted(pkgutil.iter_modules(_claims_package.__path__), key=lambda m: m.name):
        if module_info.name.startswith("_"):
            continue
        name = f"{_claims_package.__name__}.{module_info.name}"
        found.extend(_claims_of(getattr(importlib.import_module(name), "CLAIMS", None), name))
    return tuple(found)


def shipped_ids() -> tuple[str, ...]:
    """Return the ids of this project's own claims, without those of users' packages."""
    return tuple(claim.id for claim in _shipped())


@cache
def all_claims() -> tuple[Claim, ...]:
    """Return every claim, families in alphabetical order, claims in their module's order.

    Returns
    -------
    tuple of Claim

    Raises
    ------
    InvalidInputError
        If a module has no ``CLAIMS``, or the claims as a whole are inconsistent
        (:func:`collect`).
    """
    found = list(_shipped())
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda p: p.name):
        found.extend(_claims_of(point.load(), point.value))
    return collect(found)


def collect(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Check that claims fit together, and return them.

    Parameters
    ----------
    claims : iterable of Claim

    Returns
    -------
    tuple of Claim

    Raises
    ------
    InvalidInputError
        If two claims share an id, a claim has two checks of one name or none at all, or a
        link between a claim and its repaired row does not go both ways.
    """
    by_id: dict[str, Claim] = {}
    for claim in claims:
        if claim.id in by_id:
            raise InvalidInputError(f"two claims have the id {claim.id!r}; ids should be unique.")
        names = [check.name for check in claim.checks]
        if not names or len(set(names)) != len(names):
            raise InvalidInputError(
                f"claim {claim.id!r} should have at least one check, each with its own name; "
                f"found {names}."
            )
        by_id[claim.id] = claim
    for claim in by_id.values():
        _check_links(claim, by_id)
    return tuple(by_id.values())


def get_claim(claim_id: str) -> Claim:
    """Return one claim by its id.

    Raises
    ------
    UnknownNameError
        If nothing has that id; the nearest one is named.
    """
    by_id = {claim.id: claim for claim in all_claims()}
    if claim_id not in by_id:
        raise unknown_name("claim", claim_id, by_id)
    return by_id[claim_id]


def families() -> tuple[str, ...]:
    """Return the names of all families, sorted."""
    return tuple(sorted({claim.family for claim in all_claims()}))


def select(ids: Sequence[str] = (), family: str | None = None) -> tuple[Claim, ...]:
    """Return the claims with these ids (all, if none is given) in this family.

    Raises
    ------
    UnknownNameError
        If an id or the family is unknown.
    """
    if family is not None and family not in families():
        raise unknown_name("family", family, families())
    chosen = tuple(dict.fromkeys(get_claim(i) for i in ids)) if ids else all_claims()
    return tuple(claim for claim in chosen if family is None or claim.family == family)


def _claims_of(value: object, where: str) -> tuple[Claim, ...]:
    if isinstance(value, Sequence) and all(isinstance(item, Claim) for item in value):
        return tuple(value)
    raise InvalidInputError(
        f"{where} should offer a sequence of Claim (a module: as CLAIMS); found "
        f"{type(value).__name__}. Helper modules start with an underscore."
    )


def _check_links(claim: Claim, by_id: dict[str, Claim]) -> None:
    """Several claims may share a repaired row; its ``repairs`` then names the main one."""
    if claim.repaired_by is not None and (
        claim.repaired_by not in by_id or by_id[claim.repaired_by].repairs is None
    ):
        raise InvalidInputError(
            f"claim {claim.id!r} has repaired_by={claim.repaired_by!r}; expected the id of a claim "
            f"that has repairs=."
        )
    if claim.repairs is not None and (
        claim.repairs not in by_id or by_id[claim.repairs].repaired_by != claim.id
    ):
        raise InvalidInputError(
            f"claim {claim.id!r} has repairs={claim.repairs!r}; expected the id of a claim that "
            f"has repaired_by={claim.id!r}."
        )
