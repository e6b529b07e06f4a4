"""``songoku figures`` and ``songoku report``: pictures, tables and a page from what is stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from paper_figures.engine.registry import Spec
    from paper_figures.engine.runner import Drawn

__all__ = ["figures", "report"]

_store_option = click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("runs") / "store.sqlite",
    show_default=True,
    envvar="SONGOKU_STORE",
    show_envvar=True,
    help="Where the simulated rows are.",
)
_ledger_option = click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("runs") / "ledger.json",
    show_default=True,
    envvar="SONGOKU_LEDGER",
    show_envvar=True,
    help="The ledger file.",
)


@click.command(
    short_help="Draw figures and tables from stored rows.",
    epilog="""\b
Examples:
  songoku figures                        every figure and table whose rows are stored
  songoku figures recovery --style icml  one figure, at another page's width
  songoku figures table1                 one table: LaTeX, Markdown, HTML, CSV
  songoku figures --list                 what there is, and what each needs

The exit status is 1 when something failed, or when the rows of a figure or table that was named
are not stored. Where none is named, rows that are not stored are no failure: what they would give
is listed at the end, with the commands that make them.""",
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@_store_option
@_ledger_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("report") / "figures",
    show_default=True,
    help="Folder for the files.",
)
@click.option(
    "--style",
    "style_name",
    default="neurips",
    show_default=True,
    help="Width and type size: neurips, icml or slides.",
)
@click.option("--list", "list_", is_flag=True, help="List what there is and draw nothing.")
def figures(
    names: tuple[str, ...], store: Path, ledger: Path, out: Path, style_name: str, list_: bool
) -> None:
    """Draw figures (PDF, PNG) and tables (LaTeX, Markdown, HTML), each with its data and caption.

    The data are a CSV, the caption a JSON. No experiment is ever run: what has no stored rows is
    named with the command that makes them, and the rest is drawn.
    """
    from paper_figures.engine.registry import available_outputs, get_output, usual_outputs
    from paper_figures.engine.runner import draw_all
    from paper_figures.engine.source_rows import Sources
    from paper_figures.engine.style import get_style

    usual = available_outputs() if list_ else usual_outputs()
    chosen = [get_output(name) for name in names] or list(usual.values())
    style = get_style(style_name)
    if list_:
        _list(chosen)
        return
    outcomes = []
    for outcome in draw_all(chosen, Sources(store, ledger), out, style):
        outcomes.append(outcome)
        if names or outcome.status != "missing":
            click.echo(f"{outcome.name}: {outcome.status}, {outcome.message}")
    drawn = {outcome.name for outcome in outcomes if outcome.status == "drawn"}
    click.echo(f"{_counted(chosen, drawn)} in {out}")
    missing = [outcome for outcome in outcomes if outcome.status == "missing"]
    if not names:
        _tell_missing(missing)
    if len(drawn) < len(outcomes) - (0 if names else len(missing)):
        raise click.exceptions.Exit(1)


def _list(chosen: Sequence[Spec]) -> None:
    from paper_figures.engine.registry import TableSpec

    wide = max(len(spec.name) for spec in chosen)
    for spec in chosen:
        kind = "table " if isinstance(spec, TableSpec) else "figure"
        needs = ", ".join(need.experiment for need in spec.needs) or "nothing"
        click.echo(f"{spec.name:<{wide}} {kind} {spec.title} (needs {needs})")


def _counted(chosen: Sequence[Spec], drawn: Collection[str]) -> str:
    from paper_figures.engine.registry import TableSpec

    said = []
    for what, wanted in (("figures", False), ("tables", True)):
        names = [spec.name for spec in chosen if isinstance(spec, TableSpec) == wanted]
        if names:
            said.append(f"{sum(name in drawn for name in names)} of {len(names)} {what}")
    return f"{' and '.join(said)} are"


def _tell_missing(missing: Sequence[Drawn]) -> None:
    """List what could not be drawn under the command that makes its rows."""
    if not missing:
        return
    click.echo("not drawn, for want of stored rows; the commands that make them:")
    for command in dict.fromkeys(command for outcome in missing for command in outcome.needs):
        names = ", ".join(outcome.name for outcome in missing if command in outcome.needs)
        click.echo(f"  {command}")
        click.echo(f"    for {names}")


@click.command(
    short_help="Build the report from the store, the ledger and the figures.",
    epilog="""\b
Examples:
  songoku report                 report/index.html
  songoku report --out /tmp/r --figures report/figures

Draw the figures first: songoku figures""",
)
@_store_option
@_ledger_option
@click.option(
    "--figures",
    "figures_",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the figures are, if not in OUT/figures; they are copied there.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("report"),
    show_default=True,
    help="Folder for the report.",
)
def report(store: Path, ledger: Path, figures_: Path | None, out: Path) -> None:
    """Build one static site: verdicts, claims with evidence, figures, tables, runs, provenance.

    It opens from disk and needs no network. What is missing is named on the front page, with the
    command that makes it.
    """
    from paper_figures.site.build import build_report

    built = build_report(store, ledger, out, figures_)
    for gap in built.gaps:
        click.echo(f"missing: {gap.what}. {gap.why} Make it with: {gap.command}")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    click.echo(f"report: {out / 'index.html'} ({size / 1e6:.1f} MB)")
    read = ((store, built.runs), (ledger, built.ledger))
    if any(found is None and path.exists() for path, found in read):
        raise SystemExit(1)  # a report without what was named is made, and is no success
