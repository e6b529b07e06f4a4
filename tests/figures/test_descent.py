"""The figure of ``descent``: drawn from hand-made rows, with answers that change with them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures._descent_rows import pooled_share, select
from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied

GOLDEN = Path(__file__).with_name("golden") / "descent.csv"
SHARES = (
    "incompatible", "data_driven_vacuous", "member_up", "member_safe", "objective_up",
    "objective_safe",
)  # fmt: skip
FAULTS = (
    "worst_case_violated", "norm_aware_violated", "data_driven_violated", "ordering_violated",
    "eigenvalue_violated", "degree_violated", "member_wrong", "objective_wrong",
    "worst_case_failed",
)  # fmt: skip


def row(law: str, tau: float, size: int, **more: object) -> dict[str, object]:
    bound = 1 - tau * (size - 1)
    base = {
        "key": f"{law}{tau}{more.get('sigma', 0)}{more.get('seen', 'step')}", "law": law,
        "num_tasks": 5, "dim": 6, "tau": tau, "spread": 0.5, "num_groups": 2, "gamma": 0.1,
        "sigma": 0.1, "seen": "step", "n_eff": 19.0, "trials": 200, "replicate": 0, "size": size,
        "classes": 300, "picked": 100, "worst_case_bound": bound, "ratio_min": max(bound, 0.0),
        "excess_min": max(-bound, 0.0), "tau_eff_max": 0.3, "ratio_q05": 0.9, "ratio_q50": 1.2,
        "ratio_q95": 1.5, "data_driven_q05": 0.8, "data_driven_q50": 0.9, "data_driven_q95": 1.0,
        **dict.fromkeys(FAULTS, 0), **dict.fromkeys(SHARES, 10),
        **{f"{name}_lo": 0.05 for name in SHARES}, **{f"{name}_hi": 0.18 for name in SHARES},
    }  # fmt: skip
    return {**base, **more}


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Two taus, three sizes, all laws; one size with too few classes for quantiles."""
    listed = [
        row(law, tau, size, objective_up=count, member_up=size)
        for law, count in (("random", 10), ("adversarial", 40))
        for tau in (0.1, 0.5)
        for size in (1, 2, 3)
    ]
    listed.append(row("random", 0.1, 4, picked=5, objective_up=0, member_up=0))
    listed += [
        row("planted", 0.1, 2, seen="average", sigma=sigma, incompatible=count)
        for sigma, count in ((0.1, 1), (0.4, 37))
    ]
    return pl.DataFrame(listed)


def drawn(rows: pl.DataFrame, style: str = "neurips") -> Picture:
    with applied(STYLES[style]):
        return get_figure("descent").draw(FigureInput({"descent": rows}, None, STYLES[style]))


def test_the_drawn_data_is_the_golden_data(rows: pl.DataFrame, tmp_path: Path) -> None:
    drawn(rows).data.write_csv(tmp_path / "descent.csv")
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        GOLDEN.write_bytes((tmp_path / "descent.csv").read_bytes())
    found, expected = pl.read_csv(tmp_path / "descent.csv"), pl.read_csv(GOLDEN)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-10)


def test_marks_are_the_rows(rows: pl.DataFrame) -> None:
    data = drawn(rows).data
    raised = data.filter(pl.col("panel") == "b", pl.col("law") == "adversarial")
    assert raised["value"].to_list() == [0.4, 0.4]
    assert raised["n"].to_list() == [300, 300]
    low, high = clopper_pearson(120, 300)
    assert raised.select("low", "high").row(0) == (low, high)
    ratios = data.filter(pl.col("panel") == "a", pl.col("line") == "ratio", pl.col("tau") == 0.1)
    assert ratios["x"].to_list() == [1.0, 2.0, 3.0]  # size 4 has five classes only
    broken = data.filter(pl.col("panel") == "d")
    assert broken["value"].to_list() == [0.01, 0.37]


@pytest.mark.parametrize("style", STYLES)
def test_no_label_is_clipped_or_covered(
    rows: pl.DataFrame, style: str, check_layout: Callable[[Figure, str], None]
) -> None:
    check_layout(drawn(rows, style).figure, style)


def test_answers_are_computed_from_the_rows(rows: pl.DataFrame) -> None:
    texts = [answer.text for answer in drawn(rows).answers]
    assert len(texts) == 4
    assert "none of Proposition 6" in texts[0]
    assert "No: tau (|S| - 1) < 1 protects neither" in texts[2]
    assert "adversarial: F rises in 40.0%" in texts[2]
    assert "sigma = 0.4: 37.0% [27.6, 47.2] of 100" in texts[3]
    faulty = rows.with_columns(pl.lit(2).alias("worst_case_violated"))
    assert f"violated: Proposition 6 in {2 * rows.height}" in drawn(faulty).answers[0].text
    calm = rows.with_columns(pl.lit(0).alias("objective_up"), pl.lit(0).alias("member_up"))
    assert "Not seen to fail" in drawn(calm).answers[2].text
    stepped = rows.filter(pl.col("seen") == "step")
    assert len(drawn(stepped).answers) == 3


def test_no_rows_name_the_command(rows: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        select(rows.clear())


def test_pooling_nothing_says_nothing(rows: pl.DataFrame) -> None:
    assert pooled_share(rows.clear(), "member_up") == (0.0, 0.0, 1.0, 0, 0)
