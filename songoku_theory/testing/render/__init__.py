"""A counterexample for people and for other programs: text, DIMACS, a Python snippet, a picture."""

from songoku_theory.testing.render.dimacs import from_dimacs, to_dimacs
from songoku_theory.testing.render.picture import draw_counterexample
from songoku_theory.testing.render.snippet import python_snippet
from songoku_theory.testing.render.text import counterexample_text

__all__ = [
    "counterexample_text",
    "draw_counterexample",
    "from_dimacs",
    "python_snippet",
    "to_dimacs",
]
