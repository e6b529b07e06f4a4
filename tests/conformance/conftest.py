"""A module of heuristics as a user would write it, and graphs as matrices."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HEURISTICS = """
import networkx as nx


def right(G: nx.Graph):
    return nx.greedy_color(G)


def right_on_a_matrix(adjacency):
    colors = [-1] * len(adjacency)
    for task in range(len(adjacency)):
        taken = {colors[k] for k in range(task) if adjacency[task, k]}
        colors[task] = next(c for c in range(len(adjacency)) if c not in taken)
    return colors


def looks_at_three(G):
    colors = {}
    for node in G:
        taken = {colors.get(other) for other in list(G[node])[:3]}
        colors[node] = next(c for c in range(len(G)) if c not in taken)
    return colors


def wrong_when_large(adjacency):
    colors = right_on_a_matrix(adjacency)
    return colors if len(colors) < 50 else [0] * len(colors)


def needs_two(adjacency, seed):
    return [seed] * len(adjacency)
"""


@pytest.fixture
def users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the user's module, in which songoku is started."""
    (tmp_path / "users_heuristics.py").write_text(HEURISTICS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "users_heuristics", raising=False)
    return tmp_path
