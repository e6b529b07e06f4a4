"""A counterexample in the terminal: tasks, colours, who conflicts with whom, and what is wrong."""

from __future__ import annotations

from songoku_theory.testing.results import Counterexample

__all__ = ["counterexample_text"]


def counterexample_text(found: Counterexample, most: int = 24) -> str:
    """Return a table of tasks; a conflict inside a class has an exclamation mark.

    Parameters
    ----------
    found : Counterexample
    most : int, default 24
        For larger graphs only the tasks in conflicts inside a class are shown, up to this number.

    Returns
    -------
    str

    Examples
    --------
    >>> from songoku_theory.testing.graphs import from_edges
    >>> path = from_edges(3, [(0, 1), (1, 2)])
    >>> print(counterexample_text(Counterexample(path, (0, 0, 1), "a path")))
    task  colour  conflicts with
       0       0  1!
       1       0  0! 2
       2       1  1
    edges: (0, 1)! (1, 2)
    """
    edges = found.edges()
    bad = _inside(found)
    tasks = list(range(found.num_tasks))
    if found.num_tasks > most:
        tasks = sorted({k for edge in bad for k in edge})[:most]
    rows = [("task", "colour", "conflicts with")]
    for task in tasks:
        others = [k for k in range(found.num_tasks) if found.adjacency[task, k]]
        marks = [f"{k}!" if (min(task, k), max(task, k)) in bad else str(k) for k in others[:most]]
        if len(others) > most:
            marks.append(f"and {len(others) - most} more")
        color = "-" if found.colors is None else str(found.colors[task])
        rows.append((str(task), color, " ".join(marks) or "nobody"))
    width = [max(len(row[k]) for row in rows) for k in (0, 1)]
    lines = [f"{a:>{width[0]}}  {b:>{width[1]}}  {c}" for a, b, c in rows] if tasks else []
    if found.num_tasks > most:
        more = f"{found.num_tasks - len(tasks)} {'more ' if tasks else ''}tasks"
        lines.append(f"({more}, {len(edges)} conflicts in all: see the files)")
    else:
        marks = [f"{edge}{'!' if edge in bad else ''}" for edge in edges]
        lines.append("edges: " + (" ".join(marks) or "none"))
    return "\n".join(lines)


def _inside(found: Counterexample) -> set[tuple[int, int]]:
    """The edges with both ends in one class."""
    if found.colors is None:
        return set()
    colors = found.colors
    return {(i, j) for i, j in found.edges() if colors[i] == colors[j]}
