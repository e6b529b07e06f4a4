"""The ledger's picture with hundreds of claims: one page, every claim, repaired forms in place."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import get_figure
from paper_figures.engine.style import STYLES, applied


@pytest.fixture
def many(ledger: dict[str, Any]) -> dict[str, Any]:
    """30 copies of the fixture's ten claims, each with ids of its own."""
    claims = []
    for copy in range(30):
        for claim in ledger["claims"]:
            mine = deepcopy(claim)
            for field in ("id", "repaired_by", "repairs"):
                if mine[field] is not None:
                    mine[field] = f"{mine[field]}-{copy}"
            claims.append(mine)
    return {**ledger, "claims": claims}


@pytest.mark.parametrize("name", sorted(STYLES))
def test_three_hundred_claims_stand_on_one_page(name: str, many: dict[str, Any]) -> None:
    style = STYLES[name]
    with applied(style):
        picture = get_figure("ledger").draw(FigureInput({}, many, style))
    assert picture.figure.get_size_inches()[1] <= 9.4 * style.scale
    assert set(picture.data["id"]) == {claim["id"] for claim in many["claims"]}
    assert picture.data.height == 300
    assert picture.n == "300 claims, profile quick"


def test_a_repaired_form_stands_in_the_tile_of_what_it_repairs(many: dict[str, Any]) -> None:
    style = STYLES["neurips"]
    with applied(style):
        data = get_figure("ledger").draw(FigureInput({}, many, style)).data
    places = {row["id"]: (row["line"], row["place"]) for row in data.iter_rows(named=True)}
    assert places["COL-P8-7"] == places["COL-P8-R-7"]
    assert len(set(places.values())) == 300 - 30
