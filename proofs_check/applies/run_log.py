"""A stored training run, as the arrays that hypotheses are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from songoku_theory.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Measurement", "Moment", "RunLog", "read_run"]

Array = NDArray[np.float64]

EXPERIMENT = "trace"
_ROW_COLUMNS = ("key", "kind", "refresh", "step", "i", "j", "value", "label")


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """What was measured at a refresh beside what the scheduler saw (K tasks, m classes).

    Attributes
    ----------
    means : ndarray, shape (K, K)
        Gram of the population gradients mu_i.
    noise_total, noise_top : ndarray, shape (K,)
        Trace and largest eigenvalue of the covariance of one sub-batch's gradient.
    drift : ndarray, shape (K,), or None
        How far mu_i has moved since the measurement before.
    between : ndarray, shape (m, m)
        Gram of the classes' gradients G_r.
    cross : ndarray, shape (m, m)
        <H G_p, G_q>; the diagonal is not recorded and is 0.
    smoothness : float
        A lower estimate of L.
    class_smoothness : ndarray, shape (m,)
        The same of L_r.
    order_slope, phi_slope, objective, aggregated, scheduled : float
    step_descent, step_norm : ndarray, shape (m,)
    """

    means: Array
    noise_total: Array
    noise_top: Array
    drift: Array | None
    between: Array
    cross: Array
    smoothness: float
    class_smoothness: Array
    order_slope: float
    phi_slope: float
    objective: float
    aggregated: float
    scheduled: float
    step_descent: Array
    step_norm: Array


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One refresh.

    Attributes
    ----------
    refresh, step : int
        Its number from 1, and the first step that its classes rule.
    tau : float
    colors : ndarray of int, shape (K,)
    cosines : ndarray, shape (K, K)
        Of the averages that the graph was made from; 1 on the diagonal.
    norms, n_eff : ndarray, shape (K,)
        Of the averages.
    edges : ndarray of bool, shape (K, K)
    measured : Measurement or None
    """

    refresh: int
    step: int
    tau: float
    colors: NDArray[np.int64]
    cosines: Array
    norms: Array
    n_eff: Array
    edges: NDArray[np.bool_]
    measured: Measurement | None

    @property
    def num_classes(self) -> int:
        """m_r."""
        return int(self.colors.max()) + 1

    @property
    def max_degree(self) -> int:
        """Delta."""
        return int(self.edges.sum(axis=0).max())

    @property
    def gram(self) -> Array:
        """Gram of the averages, shape (K, K)."""
        return np.asarray(self.cosines * np.outer(self.norms, self.norms))

    @property
    def classes(self) -> list[NDArray[np.intp]]:
        """Members of each class."""
        return [np.flatnonzero(self.colors == r) for r in range(self.num_classes)]


@dataclass(frozen=True, slots=True, eq=False)
class RunLog:
    """One run.

    Attributes
    ----------
    key : str
    params : mapping
        Its settings.
    data : str
        What it was trained on, with EXACT, NEAR or SYNTH.
    tasks : tuple of str
    moments : tuple of Moment
        One a refresh, in order.
    active : ndarray of bool, shape (T, K)
    """

    key: str
    params: Mapping[str, Any]
    data: str
    tasks: tuple[str, ...]
    moments: tuple[Moment, ...]
    active: NDArray[np.bool_]


def read_run(store: Path, wanted: str | None = None) -> RunLog:
    """Read a run from a store.

    Parameters
    ----------
    store : Path
    wanted : str, optional
        The first digits of its key. None: the only run that is stored.

    Returns
    -------
    RunLog

    Raises
    ------
    StoreError
        When the store can't be read.
    UnknownNameError
        When no run has such a key.
    InvalidInputError
        When several runs fit, the run was never refreshed, or its rows contradict each other.
    """
    import polars as pl

    from songoku_theory.storage import experiments, read_rows

    if EXPERIMENT not in experiments(store):
        raise InvalidInputError(f"no run is stored in {store}. Make one with: songoku trace")
    rows = read_rows(store, EXPERIMENT)
    keys = sorted(rows["key"].unique().to_list())
    chosen = [key for key in keys if key.startswith((wanted or "").lower())]
    listed = ", ".join(key[:12] for key in keys[:8]) + (", ..." if len(keys) > 8 else "")
    if not chosen:
        raise UnknownNameError(
            f"no stored run has a key that starts with {wanted!r}; stored: {listed or 'none'}."
        )
    if len(chosen) > 1:
        raise InvalidInputError(
            f"{len(chosen)} runs fit; name one by the first digits of its key: {listed}."
        )
    return _run(rows.filter(pl.col("key") == chosen[0]), chosen[0])


def _run(rows: pl.DataFrame, key: str) -> RunLog:
    import polars as pl

    kinds: dict[tuple[str, int], pl.DataFrame] = {
        (str(kind), int(str(refresh))): frame
        for (kind, refresh), frame in rows.group_by("kind", "refresh")
    }
    labels = dict(rows.select("kind", "label").iter_rows())
    names = rows.filter(pl.col("kind") == "task_name").sort("i")["label"].to_list()
    params = rows.drop(_ROW_COLUMNS).row(0, named=True)
    refreshes = sorted(refresh for kind, refresh in kinds if kind == "cosine")
    if not refreshes:
        raise InvalidInputError(
            f"run {key[:12]} was never refreshed, so there is no graph to speak of. Train for more "
            f"than {params['refresh_period']} steps."
        )
    active = np.zeros((int(params["steps"]), len(names)), dtype=np.bool_)
    ran = kinds["active", -1]
    active[ran["step"].to_numpy(), ran["i"].to_numpy()] = True
    return RunLog(
        key=key,
        params=params,
        data=f"{labels.get('data')} ({labels.get('provenance')})",
        tasks=tuple(names),
        moments=tuple(_moment(kinds, refresh, len(names)) for refresh in refreshes),
        active=active,
    )


def _moment(kinds: Mapping[tuple[str, int], pl.DataFrame], refresh: int, num_tasks: int) -> Moment:
    classes = kinds["class", refresh]
    return Moment(
        refresh=refresh,
        step=int(classes["step"][0]),
        tau=float(kinds["tau", refresh]["value"][0]),
        colors=_vector(kinds["class", refresh], num_tasks).astype(np.int64),
        cosines=_matrix(kinds.get(("cosine", refresh)), num_tasks, 1.0),
        norms=_vector(kinds["norm", refresh], num_tasks),
        n_eff=_vector(kinds["n_eff", refresh], num_tasks),
        edges=_matrix(kinds.get(("edge", refresh)), num_tasks, 0.0) > 0,
        measured=_measurement(kinds, refresh, num_tasks),
    )


def _measurement(
    kinds: Mapping[tuple[str, int], pl.DataFrame], refresh: int, num_tasks: int
) -> Measurement | None:
    if ("objective", refresh) not in kinds:
        return None

    def scalar(kind: str) -> float:
        return float(kinds[kind, refresh]["value"][0])

    norms = _vector(kinds["mean_norm", refresh], num_tasks)
    groups = kinds["class_norm", refresh].height
    sizes = _vector(kinds["class_norm", refresh], groups)
    between = _matrix(kinds.get(("class_dot", refresh)), groups, 0.0)
    np.fill_diagonal(between, sizes**2)
    drift = kinds.get(("drift", refresh))
    return Measurement(
        means=_matrix(kinds.get(("mean_cosine", refresh)), num_tasks, 1.0) * np.outer(norms, norms),
        noise_total=_vector(kinds["noise_total", refresh], num_tasks),
        noise_top=_vector(kinds["noise_top", refresh], num_tasks),
        drift=None if drift is None else _vector(drift, num_tasks),
        between=between,
        cross=_matrix(kinds.get(("class_cross", refresh)), groups, 0.0),
        smoothness=scalar("smoothness"),
        class_smoothness=_vector(kinds["class_smoothness", refresh], groups),
        order_slope=scalar("order_slope"),
        phi_slope=scalar("phi_slope"),
        objective=scalar("objective"),
        aggregated=scalar("aggregated"),
        scheduled=scalar("scheduled"),
        step_descent=_vector(kinds["step_descent", refresh], groups),
        step_norm=_vector(kinds["step_norm", refresh], groups),
    )


def _vector(frame: pl.DataFrame, size: int) -> Array:
    ordered = frame.sort("i")
    if ordered["i"].to_list() != list(range(size)):
        raise InvalidInputError(
            f"rows of kind {frame['kind'][0]!r}, refresh {frame['refresh'][0]}: expected one for "
            f"each of {size}; found those of {ordered['i'].to_list()}. Make the run again."
        )
    return np.asarray(ordered["value"].to_numpy(), dtype=np.float64)


def _matrix(frame: pl.DataFrame | None, size: int, diagonal: float) -> Array:
    found = np.zeros((size, size))
    if frame is not None:
        first, second = frame["i"].to_numpy(), frame["j"].to_numpy()
        found[first, second] = found[second, first] = frame["value"].to_numpy()
    np.fill_diagonal(found, diagonal)
    return found
