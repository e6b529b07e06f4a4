"""``songoku figures`` and ``songoku report``: pictures and a page from what is stored."""

from __future__ import annotations

from pathlib import Path

import click

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
    short_help="Draw figures from stored rows.",
    epilog="""\b
Examples:
  songoku figures                        every figure whose rows are stored
  songoku figures recovery --style icml  one figure, at another page's width
  songoku figures --list                 what there is, and what each needs

The exit status is 1 when a figure was not drawn.""",
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
@click.option("--list", "list_", is_flag=True, help="List the figures and draw nothing.")
def figures(
    names: tuple[str, ...], store: Path, ledger: Path, out: Path, style_name: str, list_: bool
) -> None:
    """Draw figures as PDF and PNG, with the data (CSV) and the caption (JSON) of each.

    No experiment is ever run: a figure whose rows are not stored is named with the command that
    makes them, and the others are drawn.
    """
    from paper_figures.engine.registry import available_figures, get_figure
    from paper_figures.engine.runner import draw_all
    from paper_figures.engine.source_rows import Sources
    from paper_figures.engine.style import get_style

    chosen = [get_figure(name) for name in names] or list(available_figures().values())
    style = get_style(style_name)
    if list_:
        for spec in chosen:
            needs = ", ".join(need.experiment for need in spec.needs) or "nothing"
            click.echo(f"{spec.name:<12} {spec.title} (needs {needs})")
        return
    outcomes = []
    for outcome in draw_all(chosen, Sources(store, ledger), out, style):
        outcomes.append(outcome)
        click.echo(f"{outcome.name}: {outcome.status}, {outcome.message}")
    drawn = sum(outcome.status == "drawn" for outcome in outcomes)
    click.echo(f"{drawn} of {len(outcomes)} figures are in {out}")
    if drawn < len(outcomes):
        raise click.exceptions.Exit(1)


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
    """Build one static page: verdicts, claims with evidence, figures, runs, provenance.

    It opens from disk and needs no network. What is missing is named on the page, with the
    command that makes it.
    """
    from paper_figures.site.build import build_report

    built = build_report(store, ledger, out, figures_)
    for gap in built.gaps:
        click.echo(f"missing: {gap.what}. {gap.why} Make it with: {gap.command}")
    click.echo(f"report: {out / 'index.html'}")
