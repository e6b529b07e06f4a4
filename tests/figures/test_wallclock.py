"""The figure of times: what is averaged, what is fitted, and what Table 4 is made of."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from paper_figures import _table_four as printed
from paper_figures._wallclock_rows import select, summarised
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import get_figure, get_table
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied
from songoku_theory.storage import read_rows

GOLDEN = Path(__file__).with_name("golden") / "wallclock.csv"
COLUMNS: dict[str, type] = {
    "method": str, "refresh_period": int, "device": str, "device_name": str, "repeat": int,
    "seconds": float, "cpu_seconds": float, "running": float, "sink": float,
}  # fmt: skip
Cell = tuple[dict[str, Any], list[dict[str, Any]]]


def _cell(num_tasks: int, study: str = "methods", busy: float = 1.0) -> Cell:
    params = {
        "study": study, "num_tasks": num_tasks, "dim": 64, "steps": 10, "repeats": 2,
        "periods": "4+32", "workload": "noise", "size": 8, "devices": "cpu", "replicate": 0,
    }  # fmt: skip
    powers = {"Uniform": 0.0, "PCGrad": 2.0, "SON-GOKU": 1.0}
    rows = []
    for method, power in powers.items():
        for period in (4, 32) if method == "SON-GOKU" else (0,):
            for repeat, factor in enumerate((0.5, 2.0)):
                seconds = 1e-3 * 10 * num_tasks**power * factor
                rows.append(
                    {
                        "method": method,
                        "refresh_period": period,
                        "device": "cpu",
                        "device_name": "a processor",
                        "repeat": repeat,
                        "seconds": busy * seconds,
                        "cpu_seconds": seconds,
                        "running": float(num_tasks),
                        "sink": 1.0,
                    }
                )
    return params, rows


@pytest.fixture(scope="module")
def times(make_store: Callable[[Mapping[str, Any]], Path]) -> pl.DataFrame:
    store = make_store({"wallclock": (COLUMNS, [_cell(k) for k in (3, 6, 12)])})
    return read_rows(store, "wallclock")


@pytest.fixture(scope="module")
def picture(times: pl.DataFrame) -> Picture:
    style = STYLES["neurips"]
    with applied(style):
        return get_figure("wallclock").draw(FigureInput({"wallclock": times}, None, style))


@pytest.mark.parametrize("style", sorted(STYLES))
def test_no_label_is_clipped_or_covered(
    times: pl.DataFrame, style: str, check_layout: Callable[[Figure, str], None]
) -> None:
    with applied(STYLES[style]):
        given = FigureInput({"wallclock": times}, None, STYLES[style])
        fig = get_figure("wallclock").draw(given).figure
    check_layout(fig, style)


def test_the_drawn_data_is_the_golden_data(picture: Picture) -> None:
    """Write anew, after a change that is meant, with SONGOKU_GOLDEN=write."""
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        picture.data.with_columns(pl.selectors.float().round_sig_figs(10)).write_csv(GOLDEN)
    expected = pl.read_csv(GOLDEN, schema=picture.data.schema)
    assert_frame_equal(picture.data, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-10)


def test_a_point_is_the_geometric_mean_of_its_repeats_a_step(times: pl.DataFrame) -> None:
    """Repeats of 0.5 and 2 times: Student's t with one degree of freedom on log 2."""
    found = select(times, "methods").points.filter(pl.col("method") == "PCGrad")
    assert found["mean"].to_list() == pytest.approx([9e-3, 36e-3, 144e-3])
    spread = math.exp(12.706204736 * math.log(4) / math.sqrt(2) / math.sqrt(2))
    assert found["high"][0] / found["mean"][0] == pytest.approx(spread)
    assert found["mean"][0] / found["low"][0] == pytest.approx(spread)


def test_a_busy_neighbour_does_not_slow_a_cpu_and_a_gpu_has_the_wall_clock(
    times: pl.DataFrame,
) -> None:
    busy = times.with_columns(pl.col("seconds") * 50)
    assert_frame_equal(summarised(busy), summarised(times))
    there = busy.with_columns(pl.lit("cuda").alias("device"))
    assert summarised(there)["mean"].to_list() == pytest.approx(
        [50 * value for value in summarised(times)["mean"]]
    )


def test_exponents_are_those_of_the_rows(picture: Picture) -> None:
    data = picture.data.filter(pl.col("panel") == "d", pl.col("source") == "here")
    found = dict(data.select("method", "value").iter_rows())
    assert found == pytest.approx({"Uniform": 0.0, "PCGrad": 2.0, "SON-GOKU": 1.0}, abs=1e-9)


def test_a_power_law_has_no_width_and_a_broken_one_has() -> None:
    straight = printed.growth([2, 4, 8], [4.0, 16.0, 64.0])
    assert (straight.low, straight.high) == pytest.approx((2.0, 2.0))
    bent = printed.growth([2, 4, 8], [4.0, 4.0, 64.0])
    assert bent.low < 2.0 < bent.high


def test_what_table_4_implies() -> None:
    """To the last printed digit; the other rows are multiples of nothing."""
    pairs = {
        (row, other)
        for row in printed.PLAIN
        for other in printed.PLAIN
        if row != other and printed.multiple(row, other)
    }
    assert pairs == {
        ("FAMO", "AdaTask"), ("AdaTask", "FAMO"), ("Nash-MTL", "FairGrad"), ("FairGrad", "Nash-MTL")
    }  # fmt: skip
    for row, share in (("FAMO", 0.1), ("FairGrad", 0.15), ("Nash-MTL", 0.2)):
        assert printed.relative_sd(row) == pytest.approx((share, share), abs=2e-4)
    for size, (seconds, _) in zip(printed.SIZES, printed.PLAIN["FairGrad"], strict=True):
        assert seconds == pytest.approx(0.4224416 * size**2, abs=1e-3)


def test_the_answers_change_with_the_rows(times: pl.DataFrame, picture: Picture) -> None:
    shape = picture.answers[0].text
    assert "K = 3, 6, 12" in shape
    assert "PCGrad 2.00 [2.00, 2.00], paper 2.19 [1.78, 2.60]" in shape
    assert "1.5000 times FairGrad's" in picture.answers[1].text
    assert "faster than SON-GOKU alone in 7 of 12 places" in picture.answers[1].text
    style = STYLES["neurips"]
    with applied(style):
        fewer = FigureInput({"wallclock": times.filter(pl.col("num_tasks") < 12)}, None, style)
        assert "K = 3, 6 with" in get_figure("wallclock").draw(fewer).answers[0].text


def test_no_rows_name_the_command(times: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        select(times, "heuristics")


@pytest.mark.parametrize("name", ["table2", "table4"])
def test_the_tables_data_is_the_golden_data(name: str, times: pl.DataFrame) -> None:
    """Write anew, after a change that is meant, with SONGOKU_GOLDEN=write."""
    path = GOLDEN.parent / "tables" / f"{name}.csv"
    found = get_table(name).lay(FigureInput({"wallclock": times}, None, STYLES["neurips"])).data
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        found.with_columns(pl.selectors.float().round_sig_figs(10)).write_csv(path)
    expected = pl.read_csv(path, schema=found.schema)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-12)


def test_table_4_sets_ours_beside_the_papers(times: pl.DataFrame) -> None:
    """A geometric mean of 0.5 and 2 times 1 ms x K^p, and the printed seconds over 900 steps."""
    table = get_table("table4").lay(FigureInput({"wallclock": times}, None, STYLES["neurips"]))
    parts = {part.title: {row[:2]: row[2:] for row in part.rows} for part in table.parts}
    assert set(parts) == {f"K = {k} tasks" for k in (3, 6, 12, 16, 40)}
    assert parts["K = 6 tasks"]["PCGrad", "–"][0].startswith("36.0 [")
    assert parts["K = 6 tasks"]["PCGrad", "–"][1:] == ("36.0", "25.7 ± 0.975", "71.4")
    assert parts["K = 6 tasks"]["SON-GOKU", "32"][2] == "3.69 ± 0.638"
    assert parts["K = 12 tasks"]["SON-GOKU", "4"][2:] == ("–", "–")
    assert parts["K = 40 tasks"]["SON-GOKU", "256"][:2] == ("–", "–")


def test_table_2_takes_the_period_next_to_the_papers(times: pl.DataFrame) -> None:
    table = get_table("table2").lay(FigureInput({"wallclock": times}, None, STYLES["neurips"]))
    here, paper = table.parts
    assert {row[0]: row[1] for row in here.rows}["SON-GOKU (R = 32)"].startswith("3.00 [")
    assert [column.head for column in paper.columns[1:]] == ["K = 3", "K = 6", "K = 16", "K = 40"]
    only_four = times.filter(pl.col("refresh_period") != 32)
    other = get_table("table2").lay(FigureInput({"wallclock": only_four}, None, STYLES["neurips"]))
    assert "SON-GOKU (R = 4)" in {row[0] for row in other.parts[0].rows}
