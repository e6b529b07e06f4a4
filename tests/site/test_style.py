"""The stylesheet: text is readable in both themes, nothing moves, the page fits a sheet."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

import paper_figures
from paper_figures.engine.verdict_looks import LOOKS

CSS = (Path(paper_figures.__file__).with_name("templates") / "site.css").read_text("utf-8")
INKS = ("ink", "soft", "link", "good", "bad")
PAPERS = ("paper", "tint", "mark")
LEAST = 4.5
"""Contrast that WCAG 2 asks of text, level AA."""


def _variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", block))


def _theme(scheme: str) -> dict[str, str]:
    light = _variables(CSS[: CSS.index("@media")])
    dark = re.search(r"prefers-color-scheme: dark\) \{(.*?)\n\}", CSS, re.DOTALL)
    printed = re.search(r"@media print \{\s*:root \{(.*?)\}", CSS, re.DOTALL)
    assert dark
    assert printed
    changed = {"light": "", "dark": dark[1], "print": printed[1]}[scheme]
    return {**light, **_variables(changed)}


def _luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula_is_the_standards() -> None:
    assert _contrast("#000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_is_readable_in_every_theme(scheme: str) -> None:
    theme = _theme(scheme)
    assert set(theme) >= {*INKS, *PAPERS}
    for ink, paper in product(INKS, PAPERS):
        assert _contrast(theme[ink], theme[paper]) >= LEAST, (scheme, ink, paper)
    for look in LOOKS.values():
        assert _contrast(look.ink, look.color) >= LEAST


def test_themes_differ() -> None:
    assert _luminance(_theme("dark")["paper"]) < 0.05 < 0.9 < _luminance(_theme("light")["paper"])


def test_every_colour_of_text_is_one_of_the_measured() -> None:
    rules = re.findall(r"(?<![-\w])color: ([^;}]+)", CSS.replace("color-scheme: light dark", ""))
    assert len(rules) > 10
    assert set(rules) <= {"inherit", *(f"var(--{name})" for name in INKS)}


def test_nothing_moves() -> None:
    """So that there is nothing to turn off for prefers-reduced-motion."""
    assert not re.search(r"animation|transition|scroll-behavior|@keyframes", CSS)


def test_what_can_be_focused_shows_it() -> None:
    assert re.search(r":focus-visible \{ outline: 3px solid var\(--link\)", CSS)
    removed = [line for line in CSS.splitlines() if re.search(r"outline: (0|none)", line)]
    assert removed == ["main:focus { outline: 0; }"], (
        "only the skip link's target, which is no stop"
    )
