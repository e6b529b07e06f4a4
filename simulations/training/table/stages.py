"""The two stages of the table: what is stored of each, and what is left to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulations.sweep.cell import Cell
from simulations.training.table.plan import Entry, Request, Tasks, Tuned, tuned
from simulations.training.table.runs import Run, read_runs
from songoku_theory.errors import InvalidInputError

__all__ = ["Bench", "missing_data", "prepare", "training_cells", "tuned_all"]


@dataclass(frozen=True, slots=True)
class Bench:
    """A benchmark of the table.

    Attributes
    ----------
    name : str
    tasks : mapping from task to role
    """

    name: str
    tasks: Tasks

    def entries(self, request: Request) -> list[Entry]:
        """Return what is trained on it."""
        return list(request.entries(self.name, self.tasks))

    def tuning_cells(self, request: Request) -> list[Cell]:
        """Return the cells of all candidates, each once."""
        cells = [
            cell
            for entry in self.entries(request)
            for cell in request.tuning_cells(entry, self.tasks)
        ]
        return list({cell.key: cell for cell in cells}.values())


def missing_data(benchmark: str, data_root: Path) -> str | None:
    """Return why a benchmark can't be loaded, from a quick look; None when it can."""
    from simulations.training.benchmarks import get_benchmark

    found = get_benchmark(benchmark).look(data_root)
    return None if found.provenance is not None else found.what


def prepare(
    request: Request, benchmark: str, store: Path, data_root: Path, stored: bool = False
) -> Bench:
    """Return a benchmark with its tasks; read its files once where runs are left to do.

    With `stored`, no file is read: the tasks are those of stored runs, none without any.

    Raises
    ------
    InvalidInputError
        When its files are missing or are not what they should be, or are not those that the
        stored runs were trained on.
    """
    uniform = request.tuning_cells(Entry(benchmark, "uniform"), {})
    first = [run for run in read_runs(store, (cell.key for cell in uniform)).values() if run.tasks]
    if first:
        bench = Bench(benchmark, {task.name: task.role for task in first[0].tasks})
        if stored or not _pending(request, bench, store):
            return bench
    if stored:
        return Bench(benchmark, {})
    from simulations.training.run.job import digest_of
    from simulations.training.table.cells import load_benchmark

    seed = request.settings.tuning().seed
    loaded = load_benchmark(data_root, benchmark, request.settings.data(benchmark), seed)
    found = digest_of(loaded)
    for run in first:
        if run.digest != found:
            raise InvalidInputError(
                f"the data of {benchmark} under {data_root} are not those of the runs in {store} "
                f"(digest {found}, there {run.digest}). Name the data root of those with "
                f"--data-root, or another store with --store."
            )
    return Bench(benchmark, {task.name: task.role.value for task in loaded.tasks})


def _pending(request: Request, bench: Bench, store: Path) -> bool:
    """Whether anything is left to run."""
    cells = bench.tuning_cells(request)
    if len(read_runs(store, (cell.key for cell in cells))) < len(cells):
        return True
    final = training_cells(request, tuned_all(request, [bench], store))
    runs = read_runs(store, (cell.key for cell in final))
    return any(cell.key not in runs or runs[cell.key].error is not None for cell in final)


def tuned_all(request: Request, benches: Sequence[Bench], store: Path) -> list[Tuned]:
    """Return what was chosen, for every entry whose candidates are all stored."""
    found: list[Tuned] = []
    for bench in benches:
        cells = bench.tuning_cells(request)
        runs: Mapping[str, Run] = read_runs(store, (cell.key for cell in cells))
        found += tuned(request, bench.entries(request), bench.tasks, runs)
    return found


def training_cells(request: Request, found: Sequence[Tuned]) -> list[Cell]:
    """Return the table's cells: those that share data, of a benchmark and a seed, together."""
    place = {name: i for i, name in enumerate(dict.fromkeys(t.entry.benchmark for t in found))}
    cells = [cell for one in found for cell in request.training_cells(one)]
    unique = {cell.key: cell for cell in cells}
    order: dict[str, tuple[int, int]] = {}
    for key, cell in unique.items():
        params = cell.params
        order[key] = (place[str(params["benchmark"])], int(params["seed"]))
    return sorted(unique.values(), key=lambda cell: order[cell.key])
