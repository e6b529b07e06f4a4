"""Learning curves of real runs against steps."""

from __future__ import annotations

from paper_figures._training_curves import curves_picture
from paper_figures._training_rows import NEED, read_benches
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure

__all__ = ["draw"]


@figure(name="training_curves", title="Real training: learning curves", needs=(NEED,), place=14)
def draw(given: FigureInput) -> Picture:
    """Draw validation scores against steps, one panel a benchmark."""
    return curves_picture(read_benches(given.rows["training"]), given.style, "step")
