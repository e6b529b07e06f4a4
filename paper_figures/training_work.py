"""Learning curves of real runs against work: forward and backward passes."""

from __future__ import annotations

from paper_figures._training_curves import curves_picture
from paper_figures._training_rows import NEED, read_benches
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import figure

__all__ = ["draw"]


@figure(
    name="training_work",
    title="Real training: learning curves against work",
    needs=(NEED,),
    place=14,
)
def draw(given: FigureInput) -> Picture:
    """Draw validation scores against forward and backward passes, one panel a benchmark."""
    return curves_picture(read_benches(given.rows["training"]), given.style, "work")
