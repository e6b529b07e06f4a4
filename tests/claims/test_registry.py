"""The registry: ids, links, users' own claims, and errors that name the nearest id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from proofs_check import registry
from proofs_check.model import Claim
from proofs_check.registry import all_claims, collect, families, get_claim, select, shipped_ids
from songoku_theory.errors import InvalidInputError, UnknownNameError

USERS_CLAIMS: object = ()


@pytest.fixture
def fresh_registry() -> Iterator[None]:
    """Forget the collected claims before and after a test that changes where they come from."""
    all_claims.cache_clear()
    yield
    all_claims.cache_clear()


def test_shipped_claims_are_consistent() -> None:
    claims = all_claims()
    assert {"ema", "coloring"} <= set(families())
    assert len({claim.id for claim in claims}) == len(claims)
    assert set(shipped_ids()) <= {claim.id for claim in claims}
    for claim in claims:
        assert claim.statement
        assert claim.plain
        assert claim.used_for
        assert claim.source.section


def test_unknown_id_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'EMA-19'"):
        get_claim("EMA19")


def test_unknown_family_lists_the_families() -> None:
    with pytest.raises(UnknownNameError, match=r"Valid: .*ema"):
        select(family="emma")


def test_selection_keeps_order_and_drops_repeats() -> None:
    chosen = select(["EMA-19", "EMA-8", "EMA-19"])
    assert [claim.id for claim in chosen] == ["EMA-19", "EMA-8"]


def test_two_claims_of_one_id_are_refused(proved: Claim) -> None:
    with pytest.raises(InvalidInputError, match="two claims have the id 'X-1'"):
        collect([proved, proved])


def test_checks_need_names_of_their_own(proved: Claim) -> None:
    with pytest.raises(InvalidInputError, match="at least one check"):
        collect([replace(proved, checks=())])
    with pytest.raises(InvalidInputError, match="each with its own name"):
        collect([replace(proved, checks=(proved.checks[0], proved.checks[0]))])


def test_links_have_to_meet(proved: Claim) -> None:
    broken = replace(proved, repaired_by="X-1-R")
    repaired = replace(proved, id="X-1-R", repairs="X-1")
    assert len(collect([broken, repaired])) == 2
    assert len(collect([broken, repaired, replace(broken, id="X-2")])) == 3  # a shared repair
    with pytest.raises(InvalidInputError, match="repaired_by='X-1-R'"):
        collect([broken])
    with pytest.raises(InvalidInputError, match="repaired_by='X-1-R'"):
        collect([broken, replace(repaired, repairs=None)])
    with pytest.raises(InvalidInputError, match="repairs='X-1'"):
        collect([proved, repaired])


def offer(monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    monkeypatch.setattr(
        registry,
        "entry_points",
        lambda group: [EntryPoint("mine", f"{__name__}:USERS_CLAIMS", group)],
    )
    monkeypatch.setattr(EntryPoint, "load", lambda _: value)


@pytest.mark.usefixtures("fresh_registry")
def test_a_users_package_adds_claims(proved: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, [proved])
    assert get_claim("X-1") == proved
    assert "X-1" not in shipped_ids()


@pytest.mark.usefixtures("fresh_registry")
@pytest.mark.parametrize("value", [None, [1, 2], "EMA-19"])
def test_a_users_package_that_offers_no_claims(
    monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    offer(monkeypatch, value)
    with pytest.raises(InvalidInputError, match="should offer a sequence of Claim"):
        all_claims()
