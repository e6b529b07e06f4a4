"""Find a run, in a store or in the folder that ``songoku train`` wrote."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from proofs_check.applies.run_log import RunLog
from proofs_check.applies.run_rows import run_of_rows
from songoku_theory.errors import InvalidInputError, UnknownNameError

__all__ = ["read_folder", "read_run"]

EXPERIMENTS = ("trace", "training")
COLUMNS = {
    "kind": str, "refresh": int, "step": int, "i": int, "j": int, "value": float, "label": str,
}  # fmt: skip


def read_run(store: Path, wanted: str | None = None) -> RunLog:
    """Read a run of the experiments ``trace`` and ``training`` from a store.

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
        When several runs fit, the run has no graph, was never refreshed, or its rows contradict
        each other.
    """
    import polars as pl

    from songoku_theory.storage import read_cells, read_rows

    cells = read_cells(store)
    cells = cells.filter(
        pl.col("experiment").is_in(EXPERIMENTS) & (pl.col("status") == "done")
    ).sort("key")
    if cells.is_empty():
        raise InvalidInputError(
            f"no run is stored in {store}. Make one with: songoku trace; or name the folder of a "
            f"run of songoku train."
        )
    keys = cells["key"].to_list()
    chosen = [key for key in keys if key.startswith((wanted or "").lower())]
    listed = ", ".join(key[:12] for key in (chosen or keys)[:8])
    listed += ", ..." if len(chosen or keys) > 8 else ""
    if not chosen:
        raise UnknownNameError(
            f"no stored run has a key that starts with {wanted!r}, and there is no such folder; "
            f"stored: {listed}."
        )
    if len(chosen) > 1:
        raise InvalidInputError(
            f"{len(chosen)} runs fit; name one by the first digits of its key: {listed}."
        )
    cell = cells.row(by_predicate=pl.col("key") == chosen[0], named=True)
    params = json.loads(cell["params"])
    frame = read_rows(store, cell["experiment"], where=params).filter(pl.col("key") == chosen[0])
    if frame.is_empty():
        raise InvalidInputError(
            f"run {chosen[0][:12]} was stored by another version of experiment "
            f"{cell['experiment']!r}; make it again."
        )
    return _stored(list(frame.select(list(COLUMNS)).iter_rows(named=True)), chosen[0], params)


def _stored(rows: list[dict[str, Any]], key: str, params: Mapping[str, Any]) -> RunLog:
    labels = {row["kind"]: row["label"] for row in rows}
    work = {row["label"]: row["value"] for row in rows if row["kind"] == "work"}
    steps = params["steps"] if "steps" in params else work.get("steps")
    named = sorted((row["i"], row["label"]) for row in rows if row["kind"] == "task_name")
    if steps is None:
        raise InvalidInputError(f"run {key[:12]} did not finish, so there is nothing to hold to.")
    method = params.get("method")
    if method is not None and not any(row["kind"] == "setting" for row in rows):
        raise _without_graph(f"run {key[:12]}", str(method))
    return run_of_rows(
        rows,
        key[:12],
        tuple(name for _, name in named),
        f"{labels.get('data')} ({labels.get('provenance')})"
        + (f", {method}, seed {params['seed']}" if method is not None else ""),
        params,
        int(steps),
    )


def read_folder(folder: Path) -> RunLog:
    """Read a run from the folder that ``songoku train`` wrote: ``result.json``, ``refreshes.csv``.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    RunLog

    Raises
    ------
    InvalidInputError
        When it holds no run, the method has no graph, the run was never refreshed, or a file is
        cut off.
    """
    path = folder / "result.json"
    if not path.is_file():
        if (folder / "checkpoint.pt").is_file():
            raise InvalidInputError(
                f"the run in {folder} was stopped before its end; the same songoku train command "
                f"goes on with it."
            )
        raise InvalidInputError(
            f"{folder} holds no result.json, so it is no folder of a run that came to an end. "
            f"Expected OUT/BENCHMARK/METHOD/seed-N of songoku train."
        )
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        tasks, method = tuple(result["tasks"]), str(result["method"])
        steps, seed = int(result["steps"]), int(result["seed"])
        data = f"{result['benchmark']} ({result['data']}), {method}, seed {seed}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(
            f"{path} is no result of songoku train ({type(error).__name__}: {error})."
        ) from error
    record = folder / "refreshes.csv"
    if not record.is_file():
        raise _without_graph(str(folder), method)
    return run_of_rows(_lines(record), str(folder), tasks, data, {"method": method}, steps)


def _without_graph(what: str, method: str) -> InvalidInputError:
    return InvalidInputError(
        f"{what} is a run of {method}, which has no record of a conflict graph, so no theorem "
        f"about a schedule can be held to it. Methods with one: son_goku and its variants, trained "
        f"since runs are recorded."
    )


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"{path} can't be read: {error}.") from error
    if not lines or lines[0] != list(COLUMNS):
        raise InvalidInputError(f"{path} should begin with the columns {', '.join(COLUMNS)}.")
    rows = []
    for number, values in enumerate(lines[1:], 2):
        try:
            rows.append(
                {
                    name: None if text == "" and kind is not int else kind(text)
                    for (name, kind), text in zip(COLUMNS.items(), values, strict=True)
                }
            )
        except ValueError as error:
            raise InvalidInputError(
                f"{path}, line {number}: {','.join(values)!r} is no row of it ({error}); the file "
                f"is cut off or was changed."
            ) from error
    return rows
