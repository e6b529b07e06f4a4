"""The runner writes four files a figure, all or none, and never stops at the first problem."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import matplotlib
import polars as pl
import pytest
from matplotlib.figure import Figure

from paper_figures.engine.files import write_whole
from paper_figures.engine.ledger_file import Ledger
from paper_figures.engine.picture import FigureInput, Picture
from paper_figures.engine.registry import Draw, FigureSpec, available_figures, get_figure
from paper_figures.engine.runner import draw_all, render
from paper_figures.engine.source_rows import Sources
from paper_figures.engine.style import STYLES, get_style
from songoku_theory.errors import InvalidInputError, SongokuError, UnknownNameError

NEURIPS = STYLES["neurips"]


def _spec(draw: Draw, name: str = "made_up") -> FigureSpec:
    return FigureSpec(name, "Made up", (), ("EMA-19",), draw, __name__, 1)


def _dot(given: FigureInput) -> Picture:
    fig = Figure(figsize=(given.style.column, 1))
    fig.subplots().plot([1], [1], "o")
    data = pl.DataFrame({"x": [1 / 3], "y": [1]})
    return Picture(fig, data, "A dot.", "1 dot", "none: drawn by hand", ("ab" * 16,))


def test_every_figure_becomes_four_files(drawn: Path) -> None:
    names = {path.stem for path in drawn.iterdir()}
    assert names >= {"pipeline", "recovery", "n_eff", "ledger"}
    assert names <= available_figures().keys()
    expected = {f"{name}.{kind}" for name in names for kind in ("pdf", "png", "csv", "json")}
    assert {path.name for path in drawn.iterdir()} == expected
    for name in names:
        assert (drawn / f"{name}.pdf").read_bytes().startswith(b"%PDF-")
        assert (drawn / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_json_says_what_is_shown_and_where_it_comes_from(drawn: Path) -> None:
    found = json.loads((drawn / "recovery.json").read_text())
    assert found["claims"] == ["EMA-19", "EMA-36", "EMA-36-R", "EXT-1", "EXT-3"]
    assert all(set(answer) == {"question", "text"} for answer in found["answers"])
    assert len(found["keys"]) == 7
    assert all(len(key) == 32 for key in found["keys"])
    assert found["needs"] == [{"experiment": "recovery", "command": "songoku sweep run quick"}]
    assert found["style"] == "neurips"
    assert found["drawn_rows"] == pl.read_csv(drawn / "recovery.csv").height
    assert set(found["provenance"]) >= {"commit", "packages", "python"}


@pytest.mark.parametrize("name", ["pipeline", "ledger"])
def test_the_same_rows_give_the_same_bytes(
    name: str, rows: dict[str, pl.DataFrame], ledger: Ledger
) -> None:
    first, second = (render(get_figure(name), FigureInput(rows, ledger, NEURIPS)) for _ in range(2))
    assert first.files == second.files
    assert first.metadata == second.metadata
    assert b"CreationDate" not in first.files["pdf"]


def test_drawing_leaves_matplotlibs_settings_alone(rows: dict[str, pl.DataFrame]) -> None:
    before = dict(matplotlib.rcParams)
    render(get_figure("recovery"), FigureInput(rows, None, STYLES["slides"]))
    assert dict(matplotlib.rcParams) == before


def test_missing_rows_are_named_with_their_command_and_stop_nothing(
    ledger_file: Path, tmp_path: Path
) -> None:
    sources = Sources(tmp_path / "no.sqlite", ledger_file)
    chosen = [get_figure(name) for name in ("pipeline", "recovery", "ledger")]
    found = draw_all(chosen, sources, tmp_path / "out", NEURIPS)
    outcomes = {outcome.name: outcome for outcome in found}
    assert outcomes["pipeline"].status == outcomes["recovery"].status == "missing"
    assert outcomes["pipeline"].message.endswith("Make it with: songoku trace")
    assert "no store at" in outcomes["recovery"].message
    assert outcomes["recovery"].message.endswith("Make it with: songoku sweep run quick")
    assert outcomes["ledger"].status == "drawn"
    assert not (tmp_path / "no.sqlite").exists()


def test_a_store_without_the_experiment_says_so(
    make_store: Callable[..., Path], trace: object, tmp_path: Path
) -> None:
    sources = Sources(make_store({"trace": trace}), tmp_path / "no.json")
    chosen = [get_figure(name) for name in ("recovery", "ledger", "pipeline")]
    found = [(o.status, o.message) for o in draw_all(chosen, sources, tmp_path / "out", NEURIPS)]
    assert [status for status, _ in found] == ["missing", "missing", "drawn"]
    assert "holds no rows of 'recovery'" in found[0][1]
    assert found[1][1].endswith("Make it with: songoku claims check --all")


def test_a_broken_store_fails_its_figures_only(ledger_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "store.sqlite"
    broken.write_text("not a store")
    chosen = [get_figure("recovery"), get_figure("ledger")]
    outcomes = list(draw_all(chosen, Sources(broken, ledger_file), tmp_path / "out", NEURIPS))
    assert [outcome.status for outcome in outcomes] == ["failed", "drawn"]
    assert "is not a store" in outcomes[0].message


def test_a_figure_that_raises_is_reported_and_the_next_one_drawn(tmp_path: Path) -> None:
    def broken(given: FigureInput) -> Picture:
        raise ZeroDivisionError(f"at {given.style.name}")

    sources = Sources(tmp_path / "none", tmp_path / "none")
    specs = [_spec(broken, "broken"), _spec(_dot, "fine")]
    outcomes = list(draw_all(specs, sources, tmp_path, NEURIPS))
    assert [outcome.status for outcome in outcomes] == ["failed", "drawn"]
    assert "ZeroDivisionError" in outcomes[0].message
    assert __name__ in outcomes[0].message


def test_a_figure_without_data_is_refused() -> None:
    def empty(given: FigureInput) -> Picture:
        return Picture(Figure(), pl.DataFrame({"x": []}), "Nothing.", "0", given.style.name)

    with pytest.raises(InvalidInputError, match="drew no data"):
        render(_spec(empty), FigureInput({}, None, NEURIPS))


def test_the_csv_has_enough_digits_and_no_more() -> None:
    assert render(_spec(_dot), FigureInput({}, None, NEURIPS)).files["csv"] == (
        b"x,y\n0.333333,1\n"
    )


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "figure.csv"
    write_whole(path, "old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_folders_place_is_an_error(tmp_path: Path) -> None:
    blocked = tmp_path / "out"
    blocked.write_text("")
    sources = Sources(tmp_path / "none", tmp_path / "none")
    with pytest.raises(SongokuError, match="can't be made"):
        list(draw_all([_spec(_dot)], sources, blocked, NEURIPS))


def test_an_unknown_style_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'neurips'"):
        get_style("neurps")
