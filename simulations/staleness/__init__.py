"""Runs of schedule policies over sequences of conflict graphs, and the gaps that come of them."""

from __future__ import annotations

from simulations.staleness.play import History, Window, play
from simulations.staleness.sequences import MODELS, SEQUENCES, GraphModel, graph_source
from simulations.staleness.tally import GapTally, tally_gaps

__all__ = [
    "MODELS",
    "SEQUENCES",
    "GapTally",
    "GraphModel",
    "History",
    "Window",
    "graph_source",
    "play",
    "tally_gaps",
]
