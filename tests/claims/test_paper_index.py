"""Every item that the papers number has a claim, and the index is the papers' own."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from proofs_check.model import Claim, Source
from proofs_check.paper_index import ITEMS, Item, coverage, gaps
from proofs_check.registry import all_claims
from songoku_theory.errors import InvalidInputError


def test_no_item_is_without_a_claim() -> None:
    assert [f"{item.paper} {item}" for item in gaps(all_claims())] == []


def test_an_item_without_a_claim_is_a_gap(proved: Claim) -> None:
    about = replace(proved, source=Source("SON-GOKU", "App. B.3, Theorem 1", ("19",)))
    found = coverage([about])
    assert found[Item("SON-GOKU", "Equation", "19")] == ("X-1",)
    assert found[Item("SON-GOKU", "Theorem", "1")] == ("X-1",)
    assert Item("SON-GOKU", "Theorem", "2") in gaps([about])
    assert found[Item("PTG", "Equation", "11")] == ()


@pytest.mark.parametrize("section", ["Theorem 10", "Theorem 1.5", "Theorems 1", "theorem 1"])
def test_another_number_is_not_this_one(proved: Claim, section: str) -> None:
    about = replace(proved, source=Source("SON-GOKU", section))
    assert coverage([about])[Item("SON-GOKU", "Theorem", "1")] == ()


def test_another_papers_equation_is_not_this_ones(proved: Claim) -> None:
    about = replace(proved, source=Source("PTG", "4.1", ("7",)))
    assert coverage([about])[Item("SON-GOKU", "Equation", "7")] == ()


@pytest.mark.parametrize("number", ["eq. 19", "(19)", ""])
def test_an_equation_is_a_bare_number(number: str) -> None:
    with pytest.raises(InvalidInputError, match="bare numbers"):
        Source("SON-GOKU", "B.1", (number,))


def test_nothing_is_listed_twice() -> None:
    assert len(set(ITEMS)) == len(ITEMS)


@pytest.mark.skipif(
    "SONGOKU_PAPERS" not in os.environ, reason="SONGOKU_PAPERS names a folder with the papers' text"
)
@pytest.mark.parametrize(
    ("paper", "file"), [("SON-GOKU", "son_goku_paper.txt"), ("PTG", "ptg_paper.txt")]
)
def test_the_index_is_what_the_paper_numbers(paper: str, file: str) -> None:
    """Read from the papers themselves, which do not come with this project."""
    text = (Path(os.environ["SONGOKU_PAPERS"]) / file).read_text(encoding="utf-8")
    listed = {(item.kind, item.number) for item in ITEMS if item.paper == paper}
    for kind in ("Theorem", "Proposition", "Lemma", "Corollary", "Assumption", "Observation"):
        found = set(re.findall(rf"\b{kind} (\d+)\b", text))
        assert found == {number for k, number in listed if k == kind}, kind
    tags = {int(tag) for tag in re.findall(r"\\tag\{(\d+)\}", text)}
    assert tags <= {int(number) for k, number in listed if k == "Equation"}
    assert tags
