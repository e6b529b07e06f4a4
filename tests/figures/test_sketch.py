"""Counterexamples drawn: from numbers only, and only where there is something to draw."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from paper_figures.site.sketch import counterexample_svg


def parts(data: dict[str, object]) -> ElementTree.Element:
    drawn = counterexample_svg(data)
    assert drawn is not None
    return ElementTree.fromstring(str(drawn))


def test_arrows_and_conflicts_in_the_plane() -> None:
    svg = parts({"gradients": [[1, 0], ["-1/2", "1/3"], [0, 2]], "tau": "1/4"})
    assert len(svg.findall(".//polygon")) == 3
    conflicts = svg.findall(".//line[@class='conflict']")
    assert len(conflicts) == 1  # only the first two: cosine -0.83
    assert svg.get("aria-label") == (
        "3 gradients in 2 dimensions, 1 conflicting pairs at the threshold"
    )


def test_a_pair_at_the_threshold_is_no_conflict() -> None:
    exact = {"gradients": [[5, 0], [-3, 4]], "tau": "3/5"}
    assert not parts(exact).findall(".//line[@class='conflict']")
    assert parts({**exact, "tau": "59/100"}).findall(".//line[@class='conflict']")


def test_on_a_line_the_arrows_lie_beside_each_other() -> None:
    svg = parts({"gradients": [[1], [-2], [0]]})
    heights = [line.get("y1") for line in svg.findall(".//line")]
    assert len(set(heights)) == 3
    assert len(svg.findall(".//polygon")) == 2  # a zero gradient has no head


def test_in_three_dimensions_only_who_conflicts() -> None:
    svg = parts({"gradients": [[1, -1, 0], [0, 1, -1], [-1, 0, 1]], "tau": "1/3"})
    assert not svg.findall(".//polygon")
    assert len(svg.findall(".//line[@class='conflict']")) == 3


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"gradients": "[[1]]"},
        {"gradients": [[1, 0]]},
        {"gradients": [[1, 0], [1]]},
        {"gradients": [[1, 0], ["x", 1]]},
        {"gradients": [[1, 0], ["1/0", 1]]},
        {"gradients": [[True, 0], [1, 1]]},
        {"gradients": [[1.5, 0], [1, 1]]},
        {"gradients": [[1, 2, 3], [4, 5, 6]]},
        {"gradients": [[[1, 0], [1, 1]], [[1, 0], [1, 1]]]},
        {"gradients": [[1, 0]] * 9},
    ],
)
def test_what_is_no_list_of_vectors_is_not_drawn(data: dict[str, object]) -> None:
    assert counterexample_svg(data) is None


def test_hostile_numbers_never_reach_the_page() -> None:
    assert counterexample_svg({"gradients": [["<b>", 1], [1, 2]]}) is None
    drawn = counterexample_svg({"gradients": [[1, 0], [0, 1]], "tau": "<script>"})
    assert drawn is not None
    assert not re.search(r"script|<b>", str(drawn))


def test_every_stored_counterexample_draws_or_declines() -> None:
    from proofs_check.counterexamples import available, load

    drawn = [stem for stem in available() if counterexample_svg(load(stem).data) is not None]
    assert len(drawn) >= 10
    for stem in drawn:
        parts(dict(load(stem).data))
