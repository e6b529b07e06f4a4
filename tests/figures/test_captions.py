"""A caption stands alone: what is shown, n, interval, claims, stored cells."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure

from paper_figures.engine.ledger_file import Ledger
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import (
    available_figures,
    available_outputs,
    available_tables,
    get_figure,
)
from paper_figures.engine.style import STYLES, applied

NAMES = ("pipeline", "recovery", "n_eff", "ledger")


@pytest.fixture
def pictures(rows: dict[str, pl.DataFrame], ledger: Ledger) -> dict[str, Picture]:
    style = STYLES["neurips"]
    with applied(style):
        given = FigureInput(rows, ledger, style)
        return {name: get_figure(name).draw(given) for name in NAMES}


def shipped() -> list[str]:
    return [n for n, spec in available_figures().items() if spec.source.startswith("paper")]


def test_every_figure_and_table_has_golden_data() -> None:
    golden = Path(__file__).parent / "golden"
    assert set(shipped()) == {path.stem for path in golden.glob("*.csv")}
    tables = {n for n, spec in available_tables().items() if spec.source.startswith("paper")}
    assert tables == {path.stem for path in (golden / "tables").glob("*.csv")}


@pytest.mark.parametrize("name", NAMES)
def test_every_caption_has_its_parts(name: str, pictures: dict[str, Picture]) -> None:
    spec, picture = get_figure(name), pictures[name]
    caption = picture.full_caption(spec.claims)
    assert f" n: {picture.n}." in caption
    assert any(character.isdigit() for character in picture.n)
    assert f" Intervals: {picture.interval}." in caption
    assert all(claim in caption for claim in spec.claims)
    assert all(key[:12] in caption for key in picture.keys[:3])
    assert caption.isprintable()


def test_what_each_caption_counts(pictures: dict[str, Picture]) -> None:
    assert pictures["pipeline"].n == "1 run of 6 steps with 2 refreshes"
    assert pictures["recovery"].n == (
        "6 points of 1,000 trials from the exact law; 1 points of 100 trials by direct simulation"
    )
    assert pictures["ledger"].n == "10 claims, profile quick"
    assert "exact (Clopper-Pearson) 95%" in pictures["recovery"].interval
    for name in ("pipeline", "n_eff", "ledger"):
        assert pictures[name].interval.startswith("none")


def test_the_claims_that_a_figure_illustrates_exist() -> None:
    from proofs_check.registry import all_claims

    known = {claim.id for claim in all_claims()}
    for name, spec in available_outputs().items():
        assert set(spec.claims) <= known, name


def test_a_long_list_of_keys_is_cut_and_counted() -> None:
    keys = tuple(f"{number:032x}" for number in range(10))
    picture = Picture(Figure(), pl.DataFrame(), "Shown.", "10", "none", keys)
    assert picture.full_caption(()).endswith(f"{keys[2][:12]} and 7 more.")
    assert "Claims" not in picture.full_caption(())
