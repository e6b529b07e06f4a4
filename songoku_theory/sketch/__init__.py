"""Sketches of gradients: fewer numbers a task, nearly the same cosines (appendix D.5)."""

from songoku_theory.sketch.edge_sampling import (
    PairCosines,
    SampledGraph,
    angle_bounds,
    pair_cosines,
    sampled_conflict_graph,
    suggested_pairs,
)
from songoku_theory.sketch.frequent_directions import (
    FrequentDirections,
    SketchedGram,
    gram_from_columns,
    gram_from_rows,
)
from songoku_theory.sketch.incremental_gram import IncrementalGram
from songoku_theory.sketch.random_projection import (
    GaussianProjection,
    RandomProjection,
    sketch_size,
)

__all__ = [
    "FrequentDirections",
    "GaussianProjection",
    "IncrementalGram",
    "PairCosines",
    "RandomProjection",
    "SampledGraph",
    "SketchedGram",
    "angle_bounds",
    "gram_from_columns",
    "gram_from_rows",
    "pair_cosines",
    "sampled_conflict_graph",
    "sketch_size",
    "suggested_pairs",
]
