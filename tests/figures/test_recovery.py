"""Which rows are drawn, how they are pooled, and what the bounds beside them say."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper_figures._recovery_bounds import enough, least_constant, paper_failure, sharper_failure
from paper_figures._recovery_rows import Setting, select
from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.recovery import _bracket
from songoku_theory.bounds import dimension_aware_deviation, probe_budget
from songoku_theory.errors import InvalidInputError

SETTING = Setting("multipartite", 3, 2, 0.2, 0.15, 0.25, "gaussian", 0.15)


def test_replicates_are_pooled_and_their_interval_is_of_the_pool(
    rows: dict[str, pl.DataFrame],
) -> None:
    recovery = rows["recovery"]
    again = recovery.with_columns(
        (pl.col("replicate") + 1).alias("replicate"), pl.lit("f" * 32).alias("key")
    )
    found = select(pl.concat([recovery, again]))
    alone = select(recovery)
    assert found.points["trials"].to_list() == [2 * n for n in alone.points["trials"]]
    assert found.points["graph"].to_list() == alone.points["graph"].to_list()
    row = found.points.row(0, named=True)
    exact = round(row["graph"] * row["trials"])
    assert (row["graph_low"], row["graph_high"]) == clopper_pearson(exact, row["trials"])


def test_one_setting_is_drawn_and_the_others_are_counted(rows: dict[str, pl.DataFrame]) -> None:
    recovery = rows["recovery"]
    heavy = recovery.with_columns(pl.lit("student_t").alias("noise"))
    found = select(pl.concat([heavy.with_columns(pl.col("key").str.reverse()), recovery]))
    assert found.setting.noise == "gaussian"
    assert found.left_out == 7
    assert set(found.keys) == set(recovery["key"])


def test_no_rows_name_the_command(rows: dict[str, pl.DataFrame]) -> None:
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        select(rows["recovery"].clear())


@given(st.floats(1e-6, 0.5), st.floats(0.1, 20))
def test_the_papers_failure_is_its_budget_solved_for_delta(delta: float, constant: float) -> None:
    budget = probe_budget(0.25, 1.0, 0.15, SETTING.num_tasks, delta, constant)
    assert paper_failure(budget, SETTING, constant) == pytest.approx(delta, rel=1e-9)


@given(st.lists(st.tuples(st.floats(1, 1e4), st.floats(0, 0.999)), min_size=1, max_size=8))
def test_the_least_constant_is_allowed_and_nothing_smaller_is(
    points: list[tuple[float, float]],
) -> None:
    frame = pl.DataFrame(
        points, schema={"n_eff": pl.Float64, "graph_high": pl.Float64}, orient="row"
    )

    def allowed(constant: float) -> bool:
        return all(
            1 - paper_failure(n_eff, SETTING, constant) <= high + 1e-9 for n_eff, high in points
        )

    least = least_constant(frame, SETTING)
    assert allowed(least)
    assert not allowed(least * 0.5) or all(high > 1 - 1e-6 for _, high in points)


def test_certainty_asks_for_no_constant() -> None:
    assert least_constant(pl.DataFrame({"n_eff": [5.0], "graph_high": [1.0]}), SETTING) == 0.0


@pytest.mark.parametrize("dim", [4, 64, 4096])
def test_the_sharper_bounds_n_eff_is_on_its_boundary(dim: int) -> None:
    n_eff = enough(lambda n: sharper_failure(n, dim, SETTING), 0.05)
    assert n_eff is not None
    ratio = SETTING.sigma / math.sqrt(n_eff)
    deviation = dimension_aware_deviation(ratio, dim, SETTING.tau, SETTING.num_tasks, 0.05)
    assert deviation == pytest.approx(SETTING.margin, rel=1e-6)


def test_measured_enough_is_what_the_intervals_leave_no_doubt_about() -> None:
    """The points at n_eff 2 and 3 straddle the level with their intervals: neither end."""
    points = pl.DataFrame(
        {
            "n_eff": [1.0, 2.0, 3.0, 4.0],
            "low": [0.2, 0.93, 0.949, 0.95],
            "value": [0.3, 0.949, 0.97, 0.98],
            "high": [0.4, 0.96, 0.99, 1.0],
        }
    )
    assert _bracket(points) == (1.0, 4.0)
    assert _bracket(points.head(1)) == (1.0, None)
    assert _bracket(points.tail(1)) == (None, 4.0)
    # Enough by chance below a setting that surely is not enough does not count.
    swapped = points.with_columns(pl.Series("n_eff", [4.0, 2.0, 3.0, 1.0]))
    assert _bracket(swapped) == (4.0, None)


def test_enough_knows_its_ends() -> None:
    assert enough(lambda n: 0.0, 0.05) == 1.0
    assert enough(lambda n: 1.0, 0.05) is None


@pytest.mark.parametrize(
    ("successes", "trials", "expected"),
    [(0, 10, (0.0, 0.30849710781876083)), (10, 10, (0.6915028921812392, 1.0)),
     (7, 20, (0.15390920478454, 0.59218853453282))],
)  # fmt: skip
def test_exact_intervals_of_the_textbooks(
    successes: int, trials: int, expected: tuple[float, float]
) -> None:
    assert clopper_pearson(successes, trials) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(InvalidInputError, match="0 <= successes <= trials"):
        clopper_pearson(successes, trials)
