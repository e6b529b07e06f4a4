"""Table 1 at equal work: what each method reached with as many passes as Uniform's whole run."""

from __future__ import annotations

from paper_figures._training_rows import NEED, read_benches
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import table
from paper_figures.engine.table import Table
from paper_figures.table1 import table_at

__all__ = ["lay"]


@table(
    name="table1_work",
    title="Table 1 at equal work: scores after as many forward and backward passes",
    needs=(NEED,),
    place=20,
)
def lay(given: FigureInput) -> Table:
    """Set our scores at equal work beside the paper's, one part a benchmark."""
    return table_at(read_benches(given.rows["training"]), "work")
