"""A counterexample as a Python file that anyone can run."""

from __future__ import annotations

from songoku_theory.testing.results import CheckResult

__all__ = ["python_snippet"]


def python_snippet(result: CheckResult, target: str, input: str = "adjacency") -> str:
    """Return a script that colours the failing graph once more and says what comes out.

    Parameters
    ----------
    result : CheckResult
        With a counterexample.
    target : str
        ``package.module:name``, ``path/to/file.py:name`` or the name of a registered colouring.
    input : {"adjacency", "networkx"}

    Returns
    -------
    str
        A script whose exit status is 1 while a conflict lies inside a class.

    Examples
    --------
    >>> from songoku_theory.testing import CheckResult, Counterexample, Status
    >>> from songoku_theory.testing.graphs import from_edges
    >>> found = Counterexample(from_edges(2, [(0, 1)]), (0, 0), "an edge")
    >>> script = python_snippet(CheckResult("proper[small]", Status.FAIL, "0 and 1", found), "m:f")
    >>> "edges = [(0, 1)]" in script
    True
    """
    found = result.counterexample
    if found is None:
        raise ValueError(f"{result.check} has no counterexample to write.")
    reason = " ".join(result.reason.split()).replace('"""', "'''").replace("\\", "/")
    colors = None if found.colors is None else list(found.colors)
    return f'''"""{result.check}: {reason}"""

from songoku_theory.testing import from_edges, labelled_graph, load_heuristic

edges = {list(found.edges())}
adjacency = from_edges({found.num_tasks}, edges)
heuristic = load_heuristic({target!r})
returned_before = {colors}

graph, nodes = labelled_graph(adjacency, {found.labels!r})
returned = heuristic({"graph" if input == "networkx" else "adjacency.copy()"})
colors = [returned[node] for node in nodes] if isinstance(returned, dict) else list(returned)
inside = [(i, j) for i, j in edges if colors[i] == colors[j]]
print("returned when it was checked:", returned_before)
print("returns now:                 ", colors)
print("colours:", len(set(colors)), " largest degree:", int(adjacency.sum(axis=1).max()))
print("conflicts inside a class:", inside)
raise SystemExit(1 if inside else 0)
'''
