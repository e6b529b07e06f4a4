"""From a preset to the cells of Table 1: candidates first, then what was chosen, with each seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from simulations.experiments import get_experiment
from simulations.sweep.cell import Cell, make_cell
from simulations.training.run.settings import Settings
from simulations.training.run.tuning import RATE, Candidate
from simulations.training.table.cells import SINGLE_TASK, settings_text
from simulations.training.table.runs import Run
from simulations.training.table.select import Choice, choose, reference_of
from songoku_theory.errors import InvalidInputError

__all__ = ["PAPER_BENCHMARKS", "UNIFORM", "Entry", "Request", "Tasks", "Tuned", "tuned"]

PAPER_BENCHMARKS = ("cifar10", "av_mnist", "mm_imdb", "stocks_fb", "stocks_health", "nyuv2")

UNIFORM = "uniform"
_IN_EPOCHS = ("warm_epochs",)
"""Options of methods that count epochs: shortened with a shortened run."""

Tasks = Mapping[str, str]
"""A benchmark's tasks and their roles."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A method on a benchmark; of single_task, on one task.

    Attributes
    ----------
    benchmark, method, task : str
    """

    benchmark: str
    method: str
    task: str = ""


@dataclass(frozen=True, slots=True)
class Tuned:
    """An entry after tuning.

    Attributes
    ----------
    entry : Entry
    candidates : tuple of candidate
    choice : Choice
    """

    entry: Entry
    candidates: tuple[Candidate, ...]
    choice: Choice

    @property
    def chosen(self) -> Candidate | None:
        """The chosen candidate; None when all diverged."""
        return None if self.choice.chosen is None else self.candidates[self.choice.chosen]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes
    ----------
    settings : Settings
    preset : str
    methods : tuple of str
        With ``"uniform"``, which the others are compared with.
    seeds : tuple of int
    device : str

    Raises
    ------
    InvalidInputError
        When a seed of the table is the one that methods are tuned with.
    """

    settings: Settings
    preset: str
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    device: str = "cpu"

    def __post_init__(self) -> None:
        tuning = self.settings.tuning()
        if tuning.seed in self.seeds:
            raise InvalidInputError(
                f"seed {tuning.seed} tunes the methods ([tuning] in {self.settings.source}), so it "
                f"can't be one of the table's seeds; found {self.seeds}."
            )

    def entries(self, benchmark: str, tasks: Tasks) -> Iterator[Entry]:
        """Return what is tuned and trained on a benchmark; single-task networks of main tasks."""
        for method in self.methods:
            if method == SINGLE_TASK:
                for task, role in tasks.items():
                    if role == "main":
                        yield Entry(benchmark, method, task)
            else:
                yield Entry(benchmark, method)

    def candidates(self, entry: Entry, tasks: Tasks) -> tuple[Candidate, ...]:
        """Return an entry's candidates, with the options that its benchmark can have."""
        return tuple(_fitting(one, tasks) for one in self.settings.tuning().of(entry.method))

    def tuning_cells(self, entry: Entry, tasks: Tasks) -> list[Cell]:
        """Return the cell of each candidate, in order."""
        tuning = self.settings.tuning()
        return [
            self._cell("tuning", entry, candidate, tuning.seed, tuning.share)
            for candidate in self.candidates(entry, tasks)
        ]

    def training_cells(self, found: Tuned) -> list[Cell]:
        """Return a cell for each seed; none when every candidate diverged."""
        if found.chosen is None:
            return []
        return [self._cell("training", found.entry, found.chosen, seed, 1.0) for seed in self.seeds]

    def _cell(
        self, experiment: str, entry: Entry, candidate: Candidate, seed: int, share: float
    ) -> Cell:
        settings, benchmark = self.settings, entry.benchmark
        training = {**settings.training(benchmark)}
        options = {**settings.method(benchmark, entry.method)}
        options.pop("task", None)
        for name, value in candidate.items():
            if name == RATE:
                training[RATE] = value
            else:
                options[name] = value
        if share != 1.0:
            _shorten(training, entry.method, options, share)
        text = settings_text(
            settings.architecture(benchmark), settings.data(benchmark), training, options
        )
        return make_cell(
            get_experiment(experiment),
            {
                "benchmark": benchmark,
                "method": entry.method,
                "task": entry.task,
                "seed": seed,
                "preset": self.preset,
                "settings": text,
                "device": self.device,
            },
        )


def _shorten(training: dict[str, Any], method: str, options: dict[str, Any], share: float) -> None:
    """Make it a run of fewer steps, evaluated at its end alone."""
    from simulations.training.methods import method_info

    if training.get("steps") is not None:
        training["steps"] = max(1, round(training["steps"] * share))
    if training.get("epochs") is not None:
        training["epochs"] = training["epochs"] * share
    training["evaluate_every"] = 0
    info = method_info(method)
    for name in _IN_EPOCHS:
        if name in info.options:
            default = next(f.default for f in fields(info.kind) if f.name == name)
            options[name] = options.get(name, default) * share


def _fitting(candidate: Candidate, tasks: Tasks) -> dict[str, Any]:
    """Leave out the weights of roles that a benchmark does not have."""
    found = dict(candidate)
    if isinstance(found.get("weights"), Mapping):
        known = {*tasks, *tasks.values()}
        found["weights"] = {n: w for n, w in found["weights"].items() if n in known}
    return found


def tuned(request: Request, entries: Sequence[Entry], tasks: Tasks, runs: Mapping[str, Run]) -> list[Tuned]:  # fmt: skip # noqa: E501
    """Choose for each entry of one benchmark whose candidates have all been run.

    Parameters
    ----------
    request : Request
    entries : sequence of Entry
        Of one benchmark; Uniform's among them.
    tasks : mapping
    runs : mapping from key to Run
        Stored tuning runs.
    """
    found: dict[Entry, list[Run] | None] = {}
    for entry in entries:
        keys = [cell.key for cell in request.tuning_cells(entry, tasks)]
        whole = all(key in runs and runs[key].error is None for key in keys)
        found[entry] = [runs[key] for key in keys] if whole else None
    uniform = next((found[e] for e in entries if e.method == UNIFORM), None)
    if uniform is None:
        return []
    reference = reference_of(uniform)
    return [
        Tuned(entry, request.candidates(entry, tasks), choose(candidates, reference))
        for entry, candidates in found.items()
        if candidates is not None
    ]
