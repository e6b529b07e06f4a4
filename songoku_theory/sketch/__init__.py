"""Sketches of gradients: fewer numbers a task, nearly the same cosines (appendix D.5)."""

from songoku_theory.sketch.random_projection import (
    GaussianProjection,
    RandomProjection,
    sketch_size,
)

__all__ = ["GaussianProjection", "RandomProjection", "sketch_size"]
