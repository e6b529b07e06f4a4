"""From stored rows of the experiment ``training`` to the runs of each benchmark that compare."""

from __future__ import annotations

import json
from dataclasses import dataclass

import polars as pl

from paper_figures.engine.registry import Need
from paper_figures.engine.source_rows import MissingRowsError
from songoku_theory.errors import InvalidInputError
from songoku_theory.published import METHOD_NAMES

__all__ = [
    "NAMES",
    "NEED",
    "SCHEDULED",
    "SINGLE_TASK",
    "TITLES",
    "UNIFORM",
    "Bench",
    "method_name",
    "read_benches",
]

NEED = Need("training", "songoku table1 --preset small --recorded")
UNIFORM = "uniform"
SINGLE_TASK = "single_task"

TITLES = {
    "cifar10": "CIFAR-10",
    "av_mnist": "AV-MNIST",
    "mm_imdb": "MM-IMDb",
    "stocks_fb": "STOCKS-F&B",
    "stocks_health": "STOCKS-HEALTH",
    "nyuv2": "NYUv2",
    "ett": "ETT",
}
"""In the order of the paper's Table 1."""

NAMES = {
    **METHOD_NAMES,
    "random_groups": "random groups",
    "oldest_first": "oldest first",
    "scalarised": "tuned weights",
    "single_task": "single-task networks",
}
"""In the order of the paper's Table 1; what the paper does not have comes last."""

SCHEDULED = (
    "son_goku", "son_goku_adatask", "son_goku_gradnorm", "son_goku_pcgrad", "static_one_shot",
    "single_step", "oldest_first", "random_groups",
)  # fmt: skip
"""Methods that run one class of tasks at a time."""

CELL = ("key", "benchmark", "method", "task", "seed", "preset", "settings", "device")


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """The runs of one benchmark that were trained alike but for method and learning rate.

    Attributes
    ----------
    name, preset, device : str
    provenance : str
        EXACT, NEAR or SYNTH.
    notes : tuple of str
        How the data differ from the paper's.
    settings : dict
        Architecture, data and training settings that all runs share.
    cells : polars.DataFrame
        ``key``, ``method``, ``task``, ``seed``, ``diverged``: one row a run.
    rows : polars.DataFrame
        The runs' rows.
    left_out : int
        Stored runs of this benchmark with other settings.
    """

    name: str
    preset: str
    device: str
    provenance: str
    notes: tuple[str, ...]
    settings: dict[str, object]
    cells: pl.DataFrame
    rows: pl.DataFrame
    left_out: int

    @property
    def title(self) -> str:
        """The benchmark's name in the paper, with the data's provenance."""
        return f"{TITLES.get(self.name, self.name)} ({self.provenance})"

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods with a run, in the paper's order."""
        found = set(self.cells["method"])
        known = [method for method in NAMES if method in found]
        return (*known, *sorted(found - set(known)))

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the runs."""
        return tuple(sorted(self.cells["key"]))

    @property
    def seeds(self) -> int:
        """Seeds of the method that has most."""
        return int(self.cells.group_by("method").agg(pl.col("seed").n_unique())["seed"].max())  # type: ignore[arg-type]

    def kind(self, *names: str) -> pl.DataFrame:
        """Return the rows of these kinds, with the run's method, task and seed."""
        return self.rows.filter(pl.col("kind").is_in(names))

    def tasks(self) -> pl.DataFrame:
        """Return ``key``, ``i``, ``name``, ``role`` of every trained task of every run."""
        names = self.kind("task_name").select("key", "i", pl.col("label").alias("name"))
        roles = self.kind("task_role").select("key", "i", pl.col("label").alias("role"))
        return names.join(roles, on=["key", "i"])

    def higher_is_better(self) -> dict[str, bool]:
        """Say for each metric which way is better."""
        found = self.kind("higher_is_better").select("metric", "value").unique(maintain_order=True)
        return {metric: bool(value) for metric, value in found.iter_rows()}

    def scores(self) -> pl.DataFrame:
        """Return every score with its task's ``name`` and ``role``."""
        columns = ("key", "method", "seed", "step", "i", "split", "metric", "value")
        found = self.kind("score").select(columns).drop_nulls("value")
        return found.join(self.tasks(), on=["key", "i"])


def method_name(method: str) -> str:
    """Return a method's name in the paper; another one's own, without underscores."""
    return NAMES.get(method, method.replace("_", " "))


def read_benches(rows: pl.DataFrame) -> tuple[Bench, ...]:
    """Choose for each benchmark the settings with most runs, and of a method those with most seeds.

    Runs compare when they differ in nothing but method, its options and the learning rate (which
    is tuned for each method).

    Raises
    ------
    MissingRowsError
        If no run is stored.
    """
    if rows.is_empty():
        raise MissingRowsError(NEED, "No run of 'training' is finished.")
    cells = rows.select(CELL).unique()
    shared = [_shared(text) for text in cells["settings"]]
    cells = cells.with_columns(pl.Series("shared", shared, dtype=pl.String))
    known = list(TITLES)
    names = sorted(
        set(cells["benchmark"]),
        key=lambda name: (known.index(name) if name in known else len(known), name),
    )
    return tuple(_bench(rows, cells.filter(pl.col("benchmark") == name)) for name in names)


def _bench(rows: pl.DataFrame, cells: pl.DataFrame) -> Bench:
    setting = ("preset", "device", "shared")
    counted = cells.group_by(setting).agg(
        pl.struct("method", "task", "seed").n_unique().alias("runs")
    )
    chosen = counted.sort("runs", *setting, descending=[True, False, False, False]).row(
        0, named=True
    )
    mine = cells.filter(pl.all_horizontal(pl.col(name) == chosen[name] for name in setting))
    seeds = mine.group_by("method", "task", "settings").agg(pl.col("seed").n_unique().alias("n"))
    best = seeds.sort(
        ["n", "settings"], descending=[True, False]
    ).unique(["method", "task"], keep="first", maintain_order=True)  # fmt: skip
    mine = mine.join(best.select("method", "task", "settings"), on=["method", "task", "settings"])
    found = rows.join(mine.select("key"), on="key", how="semi")
    diverged = set(found.filter(pl.col("kind") == "diverged")["key"])
    about = found.filter(pl.col("kind").is_in(["provenance", "note"])).select("kind", "label")
    said = about.unique(maintain_order=True)
    return Bench(
        name=str(mine["benchmark"][0]),
        preset=str(chosen["preset"]),
        device=str(chosen["device"]),
        provenance=", ".join(sorted(said.filter(pl.col("kind") == "provenance")["label"]))
        or "of unknown provenance",
        notes=tuple(said.filter(pl.col("kind") == "note")["label"]),
        settings=json.loads(chosen["shared"]),
        cells=mine.select("key", "method", "task", "seed")
        .with_columns(pl.col("key").is_in(list(diverged)).alias("diverged"))
        .sort("method", "task", "seed"),
        rows=found,
        left_out=cells["key"].n_unique() - mine["key"].n_unique(),
    )


def _shared(text: str) -> str:
    """Return a run's settings without what may differ between methods."""
    try:
        found = json.loads(text)
        training = {name: value for name, value in found["training"].items() if name != "lr"}
        kept = {**found, "training": training}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInputError(
            f"'training': a run's settings should be JSON with 'training' in it; found {text!r} "
            f"({error!r}). Make the runs again: {NEED.command}"
        ) from error
    kept.pop("method", None)
    return json.dumps(kept, sort_keys=True)
