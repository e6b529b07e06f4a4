"""The convergence figure: golden data from hand-made rows, a layout that fits, and honest answers.

After a change that is meant, write the golden file anew with
``SONGOKU_GOLDEN=write python -m pytest tests/figures/test_convergence.py`` and look at the
difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from polars.testing import assert_frame_equal

from paper_figures._convergence_answers import answers
from paper_figures._convergence_rows import LABELS, interval, select
from paper_figures.convergence import LOOKS, draw
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.source_rows import MissingRowsError
from paper_figures.engine.style import STYLES, applied
from songoku_theory.storage.codec import canonical_json, digest

GOLDEN = Path(__file__).with_name("golden") / "convergence.csv"

PARAMS: dict[str, Any] = {
    "objective": "waves", "groups": 3, "group_size": 2, "dim": 16, "conflict": 1.0,
    "coupling": "random", "condition": 30.0, "bend": 0.0, "tau": 0.1, "rule": "cyclic",
    "skew": 0.0, "step_law": "sqrt", "step": 1.0, "steps": 100, "sigma": 0.0, "task_decay": 0.0,
    "direction_decay": 0.0, "runs": 8, "replicate": 0,
}  # fmt: skip

RATES = {
    "aggregated": 0.5, "cyclic": 1.5, "shuffled": 1.45, "mixed": 1.0, "sampled": 1.6,
    "sampled_scaled": 0.9,
}  # fmt: skip
"""Average of |grad F|^2 in units of eq. 96, which is 20 / sqrt(T)."""


def one(average: float, **params: object) -> dict[str, Any]:
    """A cell whose average is so many times eq. 96; the least is a hundredth of it."""
    asked: dict[str, Any] = PARAMS | params
    rate = 20.0 / asked["steps"] ** 0.5
    mean, m = average * rate, asked["groups"]
    seen = {
        "runs_done": 8 if "sampled" in asked["rule"] else 1, "eta": 0.1, "num_classes": m,
        "largest_class": 2, "gap": 10.0, "smoothness": 1.0, "pl": 0.0, "start_square": 10.0,
        "inside": True, "diverged": False, "mean_square": mean, "min_square": mean / 100,
        "bounded_square": mean, "final_gap": 1.0, "least_mean_square": mean / 90,
        "class_gradient": 2.0, "step_variance": 0.0, "noise_variance": 0.0,
        "claimed": (1 + asked["tau"]) * rate, "unbiased_bound": rate, "rule_bound": m * rate,
        "energy": 4.0, "step_energy": 3.0, "mean_factor": 2.0, "worst_factor": 2.5,
        "energy_claim": rate if asked["rule"] == "cyclic" else 100.0,
    }  # fmt: skip
    for name in ("mean_square", "min_square", "bounded_square", "final_gap"):
        width = 0.01 if seen["runs_done"] > 1 else 0.0
        seen |= {f"{name}_lo": seen[name] * (1 - width), f"{name}_hi": seen[name] * (1 + width)}
    return {"key": digest(canonical_json(asked)), **asked, **seen}


def cells() -> list[dict[str, Any]]:
    found = [
        one(times * (1 + 0.1 * replicate), rule=rule, steps=steps, replicate=replicate)
        for rule, times in RATES.items()
        for steps in (100, 400, 1600)
        for replicate in (0, 1)
    ]
    for steps in (100, 400, 1600):
        away = {"steps": steps, "objective": "quadratic"}
        found.append(one(1.6 * (steps / 100) ** 0.6, rule="sampled", skew=1.0, **away))
        found.append(one(1.5, sigma=1.0, **away))
        found.append(one(1.5 * (100 / steps) ** 0.5, step_law="constant", step=0.1, **away))
    for m in (1, 2, 3, 4, 5):
        least = one(m / 2, objective="plateau", groups=m, group_size=1, conflict=3.0)
        found.append(least | {name: least[name.replace("min", "mean")] for name in
                              ("min_square", "min_square_lo", "min_square_hi")})  # fmt: skip
    for tau, m in ((0.0, 4), (0.2, 2), (0.6, 1)):
        for replicate in (0, 1):
            far = {"groups": 12, "group_size": 1, "conflict": 0.3, "replicate": replicate}
            found.append(one(m / 2 + 0.01 * replicate, tau=tau, **far) | {"num_classes": m})
    for bend, times in ((1.0, 2.0), (10.0, 300.0)):
        for replicate in (0, 1):
            found.append(one(times * (1 + replicate), bend=bend, steps=400, replicate=replicate)
                         | {"rule_bound": 1e4})  # fmt: skip
    return found


@pytest.fixture(scope="module")
def convergence() -> pl.DataFrame:
    return pl.DataFrame(cells(), infer_schema_length=None)


def test_the_drawn_data_is_the_golden_data(convergence: pl.DataFrame) -> None:
    found = select(convergence).data
    if os.environ.get("SONGOKU_GOLDEN") == "write":
        found.write_csv(GOLDEN, float_precision=12)
    expected = pl.read_csv(GOLDEN, schema=found.schema)
    assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-8, abs_tol=1e-9)


def test_slopes_and_ratios_are_those_of_the_rows(convergence: pl.DataFrame) -> None:
    """By hand, so that the golden file can't be wrong unnoticed."""
    found = select(convergence)
    slopes = dict(found.slopes.select("line", "value").iter_rows())
    for rule in RATES:
        assert slopes[LABELS[rule]] == pytest.approx(-0.5, abs=1e-9)
    assert slopes["drawn, not scaled (uneven p)"] == pytest.approx(0.1, abs=1e-9)
    assert slopes["cyclic (constant η)"] == pytest.approx(-1.0, abs=1e-9)
    plateau = found.factors.filter(pl.col("objective") == "plateau", pl.col("line") == "least")
    np.testing.assert_allclose(plateau["value"], [m / 2 / 1.1 for m in range(1, 6)])
    average = found.thresholds.filter(pl.col("line") == "average")
    np.testing.assert_allclose(average["value"], [2.005, 1.005, 0.505])
    assert average["n"].to_list() == [2, 2, 2]
    least = found.bends.filter(pl.col("line") == "least", pl.col("x") == 10)
    np.testing.assert_allclose(least["value"], [3.0 * 2**0.5 / 1.1])  # the geometric mean


def test_rows_outside_the_certified_region_are_not_used(convergence: pl.DataFrame) -> None:
    outside = convergence.with_columns(
        pl.lit(False).alias("inside"),
        pl.lit("0" * 32).alias("key"),
        pl.lit(1e9).alias("mean_square"),
    )
    both = select(pl.concat([convergence, outside]))
    assert_frame_equal(both.data, select(convergence).data)


def test_the_order_of_the_rows_does_not_matter(convergence: pl.DataFrame) -> None:
    assert_frame_equal(select(convergence.reverse()).data, select(convergence).data)


def text_of(rows: pl.DataFrame, start: str) -> str:
    (found,) = [a.text for a in answers(select(rows)) if a.question.startswith(start)]
    return found


def test_answers_turn_with_the_rows(convergence: pl.DataFrame) -> None:
    assert text_of(convergence, "Is eq. 13").startswith("No. The least |∇F|² surely exceeds")
    assert "2.27 times (plateau, m = 5" in text_of(convergence, "Is eq. 13")
    kept = convergence.with_columns(pl.col("claimed") * 100)
    assert "never surely exceeds the claim" in text_of(kept, "Is eq. 13")

    assert text_of(convergence, "Does a larger").startswith("No, the other way round")
    turned = convergence.with_columns(
        pl.when(pl.col("tau") == 0.6).then(pl.col("mean_square") * 50).otherwise("mean_square")
        .alias("mean_square")
    )  # fmt: skip
    assert text_of(turned, "Does a larger").startswith("Yes")

    assert "the claimed -0.5 is excluded" in text_of(convergence, "Does drawing")
    assert "is exceeded in 0 of" in text_of(convergence, "Does drawing")

    assert text_of(convergence, "Is a step size").startswith("No.")
    calm = convergence.with_columns(pl.col("min_square", "min_square_lo") / 1e6)
    assert text_of(calm, "Is a step size").startswith("Not refuted here")

    assert "up to 8.0 times; it grows with T" in text_of(convergence, "Is the energy")
    quiet = convergence.with_columns(pl.lit(0.01).alias("energy"))
    assert "never contradicted here" in text_of(quiet, "Is the energy")
    assert "Eq. 95 itself, with the average factor Γ_T, is exceeded in 0 of" in text_of(
        convergence, "Is the energy"
    )

    assert "cycles: exceeded in 0 of" in text_of(convergence, "Which bounds")
    broken = convergence.with_columns(pl.col("rule_bound") / 100)
    assert "cycles: exceeded in 0 of" not in text_of(broken, "Which bounds")
    assert "counted in σ²: yes." in text_of(convergence, "Does drawing")
    assert "counted in σ²: no." in text_of(broken, "Does drawing")


def test_no_rows_name_the_command(convergence: pl.DataFrame) -> None:
    with pytest.raises(MissingRowsError, match="songoku sweep run quick"):
        select(convergence.clear())
    with pytest.raises(MissingRowsError, match="have no bends"):
        select(convergence.filter(pl.col("bend") == 0))


def test_intervals_are_students() -> None:
    mean, low, high = interval([1.0, 2.0, 3.0, 4.0])
    assert (mean, low, high) == pytest.approx((2.5, 0.4457, 4.5543), abs=1e-4)


def test_lines_differ_without_colour() -> None:
    assert len({str(dashes) for _, dashes in LOOKS.values()}) >= len(LOOKS) - 1
    # All at once and cyclic are both solid: one is black and far below, both are banded.
    assert LOOKS["all tasks at once"][1] == LOOKS["cyclic"][1] == "-"


@pytest.fixture
def texts_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Figure], list[tuple[str, Bbox]]]:
    """Lay a figure out and give the texts that would really be drawn, with their boxes."""
    drawn: list[Text] = []
    original = Text.draw

    def recorded(self: Text, renderer: RendererBase) -> None:
        drawn.append(self)
        original(self, renderer)

    monkeypatch.setattr(Text, "draw", recorded)

    def texts(fig: Figure) -> list[tuple[str, Bbox]]:
        FigureCanvasAgg(fig)
        fig.draw_without_rendering()
        drawn.clear()
        fig.draw_without_rendering()
        return [(artist.get_text(), artist.get_window_extent()) for artist in dict.fromkeys(drawn)
                if artist.get_visible() and artist.get_text().strip()]  # fmt: skip

    return texts


@pytest.mark.parametrize("style_name", sorted(STYLES))
def test_no_label_is_clipped_or_covered(
    style_name: str,
    convergence: pl.DataFrame,
    texts_of: Callable[[Figure], list[tuple[str, Bbox]]],
) -> None:
    style = STYLES[style_name]
    with applied(style):
        picture = draw(FigureInput({"convergence": convergence}, None, style))
        texts = texts_of(picture.figure)
    page = picture.figure.bbox.padded(1.0)
    assert len(texts) > 40
    for text, box in texts:
        assert page.contains(*box.min), f"{text!r} is clipped"
        assert page.contains(*box.max), f"{text!r} is clipped"
    for (first, a), (second, b) in combinations(texts, 2):
        common = Bbox.intersection(a, b)
        area = 0.0 if common is None else common.width * common.height
        least = min(a.width * a.height, b.width * b.height)
        assert area <= 0.1 * least, f"{first!r} and {second!r} overlap"
    assert picture.figure.get_figheight() <= 1.05 * style.full
    assert picture.keys == tuple(sorted(set(convergence["key"])))
    assert len(picture.answers) == 7
