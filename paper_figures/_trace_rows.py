"""From stored rows of the experiment ``trace`` to one run that a figure can draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError
from songoku_theory.errors import InvalidInputError

__all__ = ["NEED", "Round", "TracedRun", "aligned_classes", "read_run"]

NEED = Need("trace", "songoku trace")


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """What ruled from one refresh to the next.

    Attributes
    ----------
    index : int
        0 is the start, where there is no graph.
    first_step : int
        The first step that its classes rule.
    tau : float
        The threshold in force.
    colors : ndarray of int, shape (K,)
        Class of each task.
    cosines : ndarray, shape (K, K), or None
        Of the EMA gradients; 1 on the diagonal. None at the start.
    edges : ndarray of bool, shape (K, K), or None
        The conflict graph. None at the start.
    """

    index: int
    first_step: int
    tau: float
    colors: NDArray[np.int64]
    cosines: NDArray[np.float64] | None
    edges: NDArray[np.bool_] | None

    @property
    def conflicts(self) -> int:
        """How many pairs of tasks are in conflict."""
        return 0 if self.edges is None else int(self.edges.sum()) // 2


@dataclass(frozen=True, slots=True, eq=False)
class TracedRun:
    """One training run.

    Attributes
    ----------
    key : str
        Of the stored cell.
    params : dict
        The cell's settings.
    data : str
        What was trained on, with its provenance (EXACT, NEAR or SYNTH).
    tasks : tuple of str
        Names.
    rounds : tuple of Round
        The start, then one a refresh.
    active : ndarray of bool, shape (T, K)
        Which tasks were trained at each step.
    """

    key: str
    params: dict[str, object]
    data: str
    tasks: tuple[str, ...]
    rounds: tuple[Round, ...]
    active: NDArray[np.bool_]


def read_run(rows: pl.DataFrame) -> TracedRun:
    """Read the run with the smallest seed; of several, the one with the smallest key.

    Raises
    ------
    MissingRowsError
        If no run was refreshed even once.
    InvalidInputError
        If rows contradict each other.
    """
    refreshed = rows.filter(pl.col("kind") == "cosine")
    if refreshed.is_empty():
        raise MissingRowsError(NEED, "No stored run of 'trace' was refreshed even once.")
    key = refreshed.select("key", "seed").unique().sort("seed", "key")["key"][0]
    mine = rows.filter(pl.col("key") == key)
    columns = ("key", "kind", "refresh", "step", "i", "j", "value", "label")
    params = mine.drop(columns).row(0, named=True)
    names = mine.filter(pl.col("kind") == "task_name").sort("i")
    tasks = tuple(names["label"].to_list())
    if names["i"].to_list() != list(range(len(tasks))) or not tasks:
        raise InvalidInputError(
            f"cell {key} of 'trace': expected one name for each task, 0 to K - 1; found those of "
            f"{names['i'].to_list()}. Make the run again: {NEED.command}"
        )
    return TracedRun(
        key=key,
        params=params,
        data=_data(mine),
        tasks=tasks,
        rounds=_rounds(mine, len(tasks)),
        active=_active(mine, len(tasks), int(params["steps"])),
    )


def _data(rows: pl.DataFrame) -> str:
    labels = dict(rows.select("kind", "label").iter_rows())
    data = labels.get("data") or "unnamed data"
    return f"{data}, {labels.get('provenance') or 'of unknown provenance'}"


def _rounds(rows: pl.DataFrame, num_tasks: int) -> tuple[Round, ...]:
    kinds = {
        (kind, refresh): frame
        for (kind, refresh), frame in rows.filter(pl.col("refresh") >= 0).group_by(
            "kind", "refresh"
        )
    }
    rounds = []
    for index in sorted({refresh for kind, refresh in kinds if kind == "class"}):
        classes = kinds["class", index].sort("i")
        if classes["i"].to_list() != list(range(num_tasks)):
            raise InvalidInputError(
                f"'trace', refresh {index}: expected a class for each of {num_tasks} tasks; found "
                f"those of {classes['i'].to_list()}. Make the run again: {NEED.command}"
            )
        tau = kinds.get(("tau", index))
        rounds.append(
            Round(
                index=index,
                first_step=int(classes["step"][0]),
                tau=1.0 if tau is None else float(tau["value"][0]),
                colors=classes["value"].to_numpy().astype(np.int64),
                cosines=_symmetric(kinds.get(("cosine", index)), num_tasks, 1.0),
                edges=_as_bool(_symmetric(kinds.get(("edge", index)), num_tasks, 0.0)),
            )
        )
    return tuple(rounds)


def _symmetric(
    frame: pl.DataFrame | None, num_tasks: int, diagonal: float
) -> NDArray[np.float64] | None:
    if frame is None:
        return None
    values = np.zeros((num_tasks, num_tasks))
    first, second = frame["i"].to_numpy(), frame["j"].to_numpy()
    values[first, second] = values[second, first] = frame["value"].to_numpy()
    np.fill_diagonal(values, diagonal)
    return values


def _as_bool(values: NDArray[np.float64] | None) -> NDArray[np.bool_] | None:
    return None if values is None else values > 0


def _active(rows: pl.DataFrame, num_tasks: int, steps: int) -> NDArray[np.bool_]:
    found = rows.filter(pl.col("kind") == "active")
    active = np.zeros((steps, num_tasks), dtype=np.bool_)
    active[found["step"].to_numpy(), found["i"].to_numpy()] = True
    return active


def aligned_classes(rounds: tuple[Round, ...]) -> tuple[NDArray[np.int64], ...]:
    """Rename classes so that each keeps its name from round to round where its tasks do.

    A colouring numbers its classes anew at each refresh; drawn as they are, a stable group would
    seem to change. Each round's classes take the names of the previous round's that share the
    most tasks with them; names only change, never who is together.

    Returns
    -------
    tuple of ndarray of int, shape (K,)
        One a round.

    Examples
    --------
    >>> import numpy as np
    >>> def ruled(colors):
    ...     return Round(0, 0, 0.1, np.array(colors), None, None)
    >>> aligned_classes((ruled([0, 0, 1]), ruled([1, 1, 0])))
    (array([0, 0, 1]), array([0, 0, 1]))
    """
    aligned: list[NDArray[np.int64]] = []
    for ruled in rounds:
        names = max(int(ruled.colors.max()), *(int(colors.max()) for colors in aligned), 0) + 1
        before = aligned[-1] if aligned else ruled.colors
        shared = np.zeros((names, names))
        np.add.at(shared, (ruled.colors, before), 1.0)
        # Of equally good namings take the one that stays closest to the colouring's own.
        np.fill_diagonal(shared, shared.diagonal() + 1e-3)
        _, renamed = linear_sum_assignment(shared, maximize=True)
        aligned.append(np.asarray(renamed, dtype=np.int64)[ruled.colors])
    return tuple(aligned)
