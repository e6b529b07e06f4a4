"""The README's pictures: small, of figures that exist as they are now, with text beside them.

Drawn again with (PNG and JSON of each are kept, the JSON says which rows they show)::

    songoku figures pipeline recovery comparison --out paper_figures/gallery
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import paper_figures
from paper_figures.engine.registry import get_figure
from paper_figures.engine.runner import FIGURE_SCHEMA

GALLERY = Path(paper_figures.__file__).with_name("gallery")
NAMES = ("pipeline", "recovery", "comparison")
LARGEST = 150_000
"""Bytes: three of them are what a reader of the README loads."""


def test_nothing_else_lies_in_the_gallery() -> None:
    assert {path.name for path in GALLERY.iterdir()} == {
        f"{name}.{kind}" for name in NAMES for kind in ("png", "json")
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_small_and_of_the_figure_as_it_is_now(name: str) -> None:
    """A figure whose title, claims or needs change has to be drawn again."""
    drawn = json.loads((GALLERY / f"{name}.json").read_text(encoding="utf-8"))
    spec = get_figure(name)
    assert (drawn["schema"], drawn["name"]) == (FIGURE_SCHEMA, name)
    assert (drawn["title"], tuple(drawn["claims"])) == (spec.title, spec.claims)
    assert [need["experiment"] for need in drawn["needs"]] == [n.experiment for n in spec.needs]
    assert drawn["keys"]
    picture = (GALLERY / f"{name}.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert 20_000 < len(picture) <= LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_what_the_readme_says_of_a_picture_is_what_was_drawn(name: str) -> None:
    """Where the README shows one, it has an alt text; numbers there come from these rows."""
    readme = (GALLERY.parents[1] / "README.md").read_text(encoding="utf-8")
    place = readme.find(f"](paper_figures/gallery/{name}.png)")
    if place < 0:
        pytest.skip(f"the README does not show {name}")
    alt = readme[readme.rindex("![", 0, place) + 2 : place]
    assert 60 <= len(" ".join(alt.split())) <= 400
