"""Small stores, ledgers and figures that the tests of figures and report share, and a ruler."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from paper_figures.engine.greyscale import alike_in_grey
from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.registry import available_figures
from paper_figures.engine.runner import PNG_DPI, draw_all
from paper_figures.engine.source_rows import Sources
from paper_figures.engine.style import STYLES, applied
from songoku_theory.ema import n_eff
from songoku_theory.storage import read_rows
from songoku_theory.storage.codec import canonical_json, digest, encode_rows
from songoku_theory.storage.schema import CELLS, DDL, EXPERIMENTS, PROVENANCE

Cell = tuple[dict[str, Any], list[dict[str, Any]]]
Experiment = tuple[dict[str, type], Sequence[Cell]]
StoreMaker = Callable[[Mapping[str, Experiment]], Path]

Drawn = list[tuple[str, float, Bbox]]

SMALLEST = 5.0
"""The smallest type in a figure, in points."""

TRACE_COLUMNS: dict[str, type] = {
    "kind": str, "refresh": int, "step": int, "i": int, "j": int, "value": float, "label": str,
}  # fmt: skip

RECOVERY_COLUMNS: dict[str, type] = {
    "n_eff": float, "num_tasks": int, "noise_scale": float,
    "graph_exact": int, "graph_lo": float, "graph_hi": float,
    "partition_exact": int, "partition_lo": float, "partition_hi": float,
    "false_edges": float, "missed_edges": float, "max_cosine_error_mean": float, "margin": float,
}  # fmt: skip


def _key(experiment: str, params: Mapping[str, Any]) -> str:
    asked = {"experiment": experiment, "version": 1, "params": dict(params)}
    return digest(canonical_json(asked))


def _type_name(type_: type) -> str:
    return {int: "int", float: "float", str: "str", bool: "bool"}[type_]


@pytest.fixture(scope="session")
def make_store(tmp_path_factory: pytest.TempPathFactory) -> StoreMaker:
    """Write a store by the format alone, without the simulations."""

    def make(experiments: Mapping[str, Experiment]) -> Path:
        path = tmp_path_factory.mktemp("store") / "store.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            for statement in DDL:
                connection.execute(statement)
            origin = canonical_json({"python": "3.11.0", "commit": "f" * 40, "dirty": False})
            connection.execute(f"INSERT INTO {PROVENANCE} VALUES (1, ?)", (origin,))
            for name, (columns, cells) in experiments.items():
                params = {key: _type_name(type(value)) for key, value in cells[0][0].items()}
                listed = [[key, _type_name(type_)] for key, type_ in columns.items()]
                declared = {"params": params, "columns": listed, "seed_axes": None}
                connection.execute(
                    f"INSERT INTO {EXPERIMENTS} VALUES (?, 1, ?, ?)",
                    (name, canonical_json(declared), "n = trials; exact 95% intervals"),
                )
                for settings, rows in cells:
                    text = encode_rows(rows, columns)
                    connection.execute(
                        f"INSERT INTO {CELLS} VALUES "
                        "(?, ?, 1, 'done', 0.25, ?, 1, ?, NULL, ?, ?, ?)",
                        (
                            _key(name, settings),
                            name,
                            "2026-01-01T00:00:00+00:00",
                            canonical_json(settings),
                            digest(text),
                            len(rows),
                            text,
                        ),
                    )
            connection.commit()
        return path

    return make


def _recovery_cell(dim: int, window: int, method: str, exact: int, trials: int) -> Cell:
    params = {
        "model": "multipartite", "num_groups": 2, "group_size": 2, "dim": dim, "tau": 0.2,
        "gamma": 0.15, "sigma": 0.25, "noise": "gaussian", "window": window, "beta": 0.99,
        "method": method, "trials": trials, "replicate": 0,
    }  # fmt: skip
    low, high = clopper_pearson(exact, trials)
    row = {
        "n_eff": float(n_eff(window, 0.99)), "num_tasks": 4, "noise_scale": 0.1,
        "graph_exact": exact, "graph_lo": low, "graph_hi": high,
        "partition_exact": trials, "partition_lo": clopper_pearson(trials, trials)[0],
        "partition_hi": 1.0, "false_edges": 0.0, "missed_edges": 0.0,
        "max_cosine_error_mean": 0.1, "margin": 0.15,
    }  # fmt: skip
    return params, [row]


@pytest.fixture(scope="session")
def recovery() -> Experiment:
    """Rows of ``recovery``: two dimensions, three windows by the law, one by simulation."""
    cells = [
        _recovery_cell(dim, window, "law", exact, 1000)
        for dim, counts in ((16, (40, 700, 1000)), (256, (0, 90, 995)))
        for window, exact in zip((8, 32, 256), counts, strict=True)
    ]
    return RECOVERY_COLUMNS, [*cells, _recovery_cell(16, 32, "direct", 66, 100)]


def _mark(kind: str, **values: object) -> dict[str, Any]:
    absent = {"refresh": -1, "step": -1, "i": -1, "j": -1, "value": None, "label": None}
    return {"kind": kind, **absent, **values}


@pytest.fixture(scope="session")
def trace() -> Experiment:
    """Rows of ``trace``: three tasks, refreshes at steps 2 and 4, six steps.

    At refresh 1 tasks 0 and 1 are in conflict; at refresh 2 all pairs with task 2 are.
    """
    params = {
        "dataset": "digits", "seed": 0, "steps": 6, "refresh_period": 2, "tau": 0.1, "beta": 0.9,
        "width": 4, "lr": 0.1,
    }  # fmt: skip
    names = ("upright", "turned", "mixed")
    rows = [_mark("provenance", label="SYNTH"), _mark("data", label="three made-up tasks")]
    rows += [_mark("task_name", i=i, label=name) for i, name in enumerate(names)]
    rows += [_mark("chance", i=i, value=0.5, label="accuracy") for i in range(3)]
    rows.append(_mark("tau", refresh=0, step=0, value=1.0))
    rows += [_mark("class", refresh=0, step=0, i=i, value=0.0) for i in range(3)]
    cosines = {
        1: {(0, 1): -0.5, (0, 2): 0.3, (1, 2): -0.1},
        2: {(0, 1): 0.2, (0, 2): -0.4, (1, 2): -0.3},
    }
    colors = {1: (0, 1, 0), 2: (1, 1, 0)}
    for refresh, pairs in cosines.items():
        step = 2 * refresh
        rows.append(_mark("tau", refresh=refresh, step=step, value=0.1))
        for (i, j), value in pairs.items():
            place = {"refresh": refresh, "step": step, "i": i, "j": j}
            rows.append(_mark("cosine", **place, value=value))
            rows.append(_mark("edge", **place, value=float(-value > 0.1)))
        rows += [
            _mark("class", refresh=refresh, step=step, i=i, value=float(color))
            for i, color in enumerate(colors[refresh])
        ]
    active = [(0, 1, 2), (0, 1, 2), (0, 2), (1,), (2,), (0, 1)]
    rows += [
        _mark("active", step=t, i=i, value=1.0) for t, tasks in enumerate(active) for i in tasks
    ]
    rows += [_mark("gap", i=i, value=2.0) for i in range(3)]
    rows += [_mark("updates", i=i, value=4.0) for i in range(3)]
    rows += [_mark("metric", i=i, value=0.75, label="accuracy") for i in range(3)]
    return TRACE_COLUMNS, [(params, rows)]


@pytest.fixture(scope="session")
def store(make_store: StoreMaker, recovery: Experiment, trace: Experiment) -> Path:
    """A store with both experiments."""
    return make_store({"recovery": recovery, "trace": trace})


@pytest.fixture(scope="session")
def rows(store: Path) -> dict[str, pl.DataFrame]:
    """The rows of both experiments, as figures get them."""
    return {name: read_rows(store, name) for name in ("recovery", "trace")}


def _claim(
    claim_id: str, family: str, verdict: str, qualifier: str | None = None, **more: object
) -> dict[str, Any]:
    return {
        "id": claim_id,
        "family": family,
        "title": f"the title of {claim_id}",
        "statement": r"$n_{\mathrm{eff}}\to\frac{1+\beta}{1-\beta}$ as $R\to\infty$",
        "plain": "n_eff tends to (1 + beta)/(1 - beta) as R grows",
        "source": {"paper": "SON-GOKU", "section": "App. B.2", "equations": ["19"]},
        "assumptions": [{"name": "fixed beta", "text": "beta in [0, 1) does not change"}],
        "used_for": "Corollary 2",
        "reading": "as printed",
        "condition": None,
        "notes": "",
        "verdict": {"kind": verdict, "qualifier": qualifier, "reason": "because"},
        "vacuous": {"is": False, "at": None},
        "evidence": [
            {
                "name": "by algebra",
                "method": "symbolic",
                "outcome": "supports",
                "scope": {"kind": "all_sizes", "value": "every R and beta"},
                "detail": "the difference simplifies to zero",
                "seconds": 0.25,
                "replay": f"songoku claims check {claim_id} --only 'by algebra'",
                "counterexample": None,
                "under_condition": False,
            }
        ],
        "counterexample": None,
        "repaired_by": None,
        "repairs": None,
        **more,
    }


@pytest.fixture
def ledger() -> dict[str, Any]:
    """A ledger with every verdict, a repair, a vacuous claim and a counterexample."""
    return _ledger()


def _ledger() -> dict[str, Any]:
    return {
        "schema": 1,
        "profile": "quick",
        "provenance": {"commit": "a" * 40, "dirty": False, "packages": {"numpy": "2.4.6"}},
        "claims": [
            _claim("EMA-8", "ema", "PROVED"),
            _claim("EMA-18", "ema", "PROVED"),
            _claim("EMA-19", "ema", "PROVED"),
            _claim("EMA-19-LIMIT", "ema", "CERTIFIED"),
            _claim("COL-P1", "coloring", "PROVED_UP_TO", "n = 6"),
            _claim("COL-P8", "coloring", "REFUTED", repaired_by="COL-P8-R",
                   counterexample={"file": "col_p8", "summary": "three tasks, a gap of 3 steps"}),
            _claim("COL-P8-R", "coloring", "PROVED", repairs="COL-P8"),
            _claim("COL-7", "coloring", "CONDITIONAL", "R >= m",
                   vacuous={"is": True, "at": "tau = 1"}),
            _claim("COL-4.3a", "coloring", "SUPPORTED"),
            _claim("COL-4.3b", "coloring", "UNDECIDED"),
        ],
        "expected": {"matches": True, "differences": []},
    }  # fmt: skip


@pytest.fixture(scope="session")
def ledger_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger on disk."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.json"
    path.write_text(json.dumps(_ledger()), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def drawn(store: Path, ledger_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every figure that these fixtures hold rows for, drawn once; don't change it."""
    out = tmp_path_factory.mktemp("drawn") / "figures"
    held = {"recovery", "trace", "ledger"}
    shipped = available_figures().values()
    specs = [spec for spec in shipped if {need.experiment for need in spec.needs} <= held]
    outcomes = list(draw_all(specs, Sources(store, ledger_file), out, STYLES["neurips"]))
    assert {outcome.status for outcome in outcomes} == {"drawn"}, outcomes
    return out


@pytest.fixture
def texts_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Figure], Drawn]:
    """Lay a figure out and give the texts that would really be drawn: text, points, box."""
    drawn: list[Text] = []
    draw = Text.draw

    def recorded(self: Text, renderer: RendererBase) -> None:
        drawn.append(self)
        draw(self, renderer)

    monkeypatch.setattr(Text, "draw", recorded)

    def texts(fig: Figure) -> Drawn:
        FigureCanvasAgg(fig)
        fig.draw_without_rendering()
        drawn.clear()
        fig.draw_without_rendering()  # the layout of the first drawing has settled
        return [
            (artist.get_text(), float(artist.get_fontsize()), artist.get_window_extent())
            for artist in dict.fromkeys(drawn)
            if artist.get_visible() and artist.get_text().strip()
        ]

    return texts


@pytest.fixture
def check_layout(texts_of: Callable[[Figure], Drawn]) -> Callable[[Figure, str], None]:
    """Fail where a label is clipped, covered or too small, or where only colour tells series apart.

    Measured at the resolution of the PNGs: hinting makes the same letters wider at some others.
    """

    def check(fig: Figure, style: str) -> None:
        assert not alike_in_grey(fig)
        fig.set_dpi(PNG_DPI)
        with applied(STYLES[style]):
            texts = texts_of(fig)
        assert len(texts) > 5
        page = fig.bbox.expanded(1.0, 1.0).padded(1.0)
        for text, size, box in texts:
            assert page.contains(*box.min), f"{text!r} is clipped: {box} in {page}"
            assert page.contains(*box.max), f"{text!r} is clipped: {box} in {page}"
            assert size >= SMALLEST, f"{text!r} is set in {size} points"
        for legend in fig.findobj(Legend):
            box = legend.get_window_extent()
            names = [text.get_text() for text in legend.get_texts()]
            assert page.contains(*box.min), f"the legend of {names} is clipped: {box} in {page}"
            assert page.contains(*box.max), f"the legend of {names} is clipped: {box} in {page}"
        for (one, _, first), (other, _, second) in combinations(texts, 2):
            common = Bbox.intersection(first, second)
            area = 0.0 if common is None else common.width * common.height
            least = min(first.width * first.height, second.width * second.height)
            assert area <= 0.1 * least, f"{one!r} and {other!r} overlap"

    return check
