"""From the rows of a run to its arrays. Every kind of row is held to be complete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofs_check.applies.run_log import Array, Curvature, Measurement, Moment, RunLog
from songoku_theory.errors import InvalidInputError

__all__ = ["run_of_rows"]

Row = Mapping[str, Any]
"""kind, refresh, step, i, j, value, label, as ``refreshes.csv`` has them."""

_TRACE = {
    "policy": "cycle", "optimiser": "sgd", "momentum": 0.0, "combine": "sum",
}  # fmt: skip
"""What ``songoku trace`` does without an option for it."""


class _Kinds:
    """Rows by kind and refresh."""

    def __init__(self, rows: Iterable[Row], where: str) -> None:
        self.where = where
        self._rows: dict[tuple[str, int], list[Row]] = {}
        for row in rows:
            self._rows.setdefault((row["kind"], row["refresh"]), []).append(row)

    def of(self, kind: str, refresh: int = -1) -> list[Row]:
        return self._rows.get((kind, refresh), [])

    def refreshes(self, kind: str) -> list[int]:
        return sorted(refresh for name, refresh in self._rows if name == kind)

    def number(self, kind: str, refresh: int) -> float:
        rows = self.of(kind, refresh)
        if len(rows) != 1 or rows[0]["value"] is None:
            raise self._lacking(kind, refresh, "one value", f"{len(rows)} rows")
        return float(rows[0]["value"])

    def vector(self, kind: str, refresh: int, size: int) -> Array:
        rows = sorted(self.of(kind, refresh), key=lambda row: row["i"])
        found = [row["i"] for row in rows]
        if found != list(range(size)):
            raise self._lacking(kind, refresh, f"one for each of {size}", f"those of {found}")
        return np.array([row["value"] for row in rows], dtype=np.float64)

    def matrix(self, kind: str, refresh: int, size: int, diagonal: float) -> Array:
        rows = self.of(kind, refresh)
        pairs = {(row["i"], row["j"]) for row in rows}
        expected = {(i, j) for i in range(size) for j in range(i + 1, size)}
        if pairs != expected or len(rows) != len(pairs):
            raise self._lacking(
                kind, refresh, f"one for each of {len(expected)} pairs", f"{len(rows)} rows"
            )
        found = np.zeros((size, size))
        for row in rows:
            found[row["i"], row["j"]] = found[row["j"], row["i"]] = row["value"]
        np.fill_diagonal(found, diagonal)
        return found

    def _lacking(self, kind: str, refresh: int, expected: str, found: str) -> InvalidInputError:
        return InvalidInputError(
            f"{self.where}: rows of kind {kind!r}, refresh {refresh}: expected {expected}; found "
            f"{found}. The record is cut off or was changed; make the run again."
        )


def run_of_rows(
    rows: Iterable[Row],
    key: str,
    tasks: tuple[str, ...],
    data: str,
    params: Mapping[str, Any],
    steps: int,
) -> RunLog:
    """Return a run from its rows.

    Parameters
    ----------
    rows : iterable of Row
    key : str
        What the run is called in messages.
    tasks : tuple of str
    data : str
    params : mapping
        Settings; rows of kind ``setting`` go before them.
    steps : int
        Of the whole run.

    Raises
    ------
    InvalidInputError
        When the run was never refreshed, or its rows are not complete.
    """
    kinds = _Kinds(rows, f"run {key}")
    settings = dict(_TRACE) | dict(params)
    settings |= {
        name: _value(text)
        for name, _, text in (str(row["label"]).partition("=") for row in kinds.of("setting"))
    }
    refreshes = kinds.refreshes("norm")
    if not refreshes:
        raise InvalidInputError(
            f"run {key} was never refreshed in its {steps:,} steps, so there is no graph to speak "
            f"of. Train for more than {settings.get('refresh_period', 'refresh_period')} steps."
        )
    unmeasured = [str(row["label"]) for r in refreshes for row in kinds.of("unmeasured", r)]
    return RunLog(
        key=key,
        params=settings,
        data=data,
        tasks=tasks,
        moments=tuple(_moment(kinds, r, len(tasks), settings) for r in refreshes),
        active=_active(kinds, steps, len(tasks)),
        steps=steps,
        unmeasured=tuple(dict.fromkeys(unmeasured)),
    )


def _value(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _active(kinds: _Kinds, steps: int, num_tasks: int) -> NDArray[np.bool_]:
    """Who ran; a long run's later steps are left out, then the numbers of updates say so."""
    active = np.zeros((steps, num_tasks), dtype=np.bool_)
    ran = kinds.of("active")
    if any(not (0 <= row["step"] < steps and 0 <= row["i"] < num_tasks) for row in ran):
        raise InvalidInputError(
            f"{kinds.where}: rows of kind 'active' name steps beyond {steps} or unknown tasks. "
            f"Make the run again."
        )
    for row in ran:
        active[row["step"], row["i"]] = True
    updates = kinds.vector("updates", -1, num_tasks)
    if updates.sum() == active.sum():
        return active
    last = max((row["step"] for row in ran), default=-1)
    if (active.sum(axis=0) > updates).any() or last == steps - 1:
        raise InvalidInputError(
            f"{kinds.where}: rows of kind 'active' and 'updates' contradict each other. Make the "
            f"run again."
        )
    return active[: last + 1]


def _moment(kinds: _Kinds, refresh: int, num_tasks: int, settings: Mapping[str, Any]) -> Moment:
    colors = kinds.vector("class", refresh, num_tasks).astype(np.int64)
    return Moment(
        refresh=refresh,
        step=int(kinds.of("class", refresh)[0]["step"]),
        tau=kinds.number("tau", refresh),
        colors=colors,
        cosines=kinds.matrix("cosine", refresh, num_tasks, 1.0),
        norms=kinds.vector("norm", refresh, num_tasks),
        n_eff=kinds.vector("n_eff", refresh, num_tasks),
        edges=kinds.matrix("edge", refresh, num_tasks, 0.0) > 0,
        measured=_measurement(kinds, refresh, num_tasks, int(colors.max()) + 1, settings),
    )


def _measurement(
    kinds: _Kinds, refresh: int, num_tasks: int, groups: int, settings: Mapping[str, Any]
) -> Measurement | None:
    if not kinds.of("objective", refresh):
        return None

    def each(kind: str) -> Array | None:
        return kinds.vector(kind, refresh, num_tasks) if kinds.of(kind, refresh) else None

    def number(kind: str) -> float:
        return kinds.number(kind, refresh)

    norms = kinds.vector("mean_norm", refresh, num_tasks)
    sizes = kinds.vector("class_norm", refresh, groups)
    between = kinds.matrix("class_dot", refresh, groups, 0.0)
    np.fill_diagonal(between, sizes**2)
    total = kinds.vector("noise_total", refresh, num_tasks)
    dots = None
    if kinds.of("noise_dot", refresh):
        dots = kinds.matrix("noise_dot", refresh, num_tasks, 0.0)
        np.fill_diagonal(dots, total)
    return Measurement(
        means=kinds.matrix("mean_cosine", refresh, num_tasks, 1.0) * np.outer(norms, norms),
        noise_total=total,
        noise_top=kinds.vector("noise_top", refresh, num_tasks),
        drift=each("drift"),
        between=between,
        rate=number("rate") if kinds.of("rate", refresh) else float(settings["lr"]),
        objective=number("objective"),
        aggregated=number("aggregated"),
        scheduled=number("scheduled"),
        step_descent=kinds.vector("step_descent", refresh, groups),
        step_norm=kinds.vector("step_norm", refresh, groups),
        curvature=_curvature(kinds, refresh, groups),
        mean_error=each("mean_error"),
        noise_dot=dots,
        batches=int(number("batches")) if kinds.of("batches", refresh) else None,
    )


def _curvature(kinds: _Kinds, refresh: int, groups: int) -> Curvature | None:
    if not kinds.of("smoothness", refresh):
        return None
    return Curvature(
        smoothness=kinds.number("smoothness", refresh),
        class_smoothness=kinds.vector("class_smoothness", refresh, groups),
        cross=kinds.matrix("class_cross", refresh, groups, 0.0),
        order_slope=kinds.number("order_slope", refresh),
        phi_slope=kinds.number("phi_slope", refresh),
    )
