"""The ``songoku`` command: a thin app whose sub-commands come from installed packages.

A package adds a sub-command by declaring an entry point in the group ``songoku.commands``
that names a click command. Nothing here imports a package above ``songoku_theory``.
"""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points, version
from typing import NoReturn

from songoku_theory.errors import SongokuError

__all__ = ["app", "main"]

ENTRY_POINT_GROUP = "songoku.commands"

try:
    import click
except ImportError:  # the mathematics alone does not bring the command's libraries
    sys.exit("songoku: the command needs two more packages: pip install 'songoku[cli]'")


class _PluggedGroup(click.Group):
    """A click group that finds its commands among the installed entry points."""

    @staticmethod
    def _entry_points() -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._entry_points()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        built_in = super().get_command(ctx, cmd_name)
        point = self._entry_points().get(cmd_name)
        if built_in is not None or point is None:
            return built_in
        try:
            command = point.load()
        except ImportError as error:
            return _unavailable(cmd_name, point, error)
        if not isinstance(command, click.Command):
            raise click.ClickException(
                f"entry point {point.value!r} (group {ENTRY_POINT_GROUP}) should name a click "
                f"command; found {type(command).__name__}."
            )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:  # click itself compares with built-in names only
            names = self.list_commands(ctx)
            raise click.NoSuchCommand(error.command_name, possibilities=names, ctx=ctx) from error


def _unavailable(name: str, point: EntryPoint, error: ImportError) -> click.Command:
    """Stand in for a command whose package lacks a dependency: listed, and clear when called."""
    missing = error.name or str(error)

    @click.command(
        name,
        short_help=f"(not available: needs {missing})",
        context_settings={"ignore_unknown_options": True},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def stand_in(arguments: tuple[str, ...]) -> None:
        raise click.ClickException(
            f"'songoku {name}' ({point.value}) needs the package {missing!r}, which is not "
            f"installed. Install everything with: pip install 'songoku[all]'"
        )

    return stand_in


@click.group(
    cls=_PluggedGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with 'songoku verify --profile quick', then look at report/index.html. "
    "Each command has its own --help with an example.",
)
@click.version_option(version("songoku"), prog_name="songoku")
def app() -> None:
    """Verify and simulate the theory of SON-GOKU, the multi-task scheduler that colours a
    gradient-conflict graph.

    \b
    sweep    simulate a grid of settings into a store; resume, inspect, export
    claims   the ledger: every claim of the paper with a verdict that replays
    check    hold a heuristic, combiner or scheduler to what it promises
    trace    train a small network on real data and record what the scheduler saw
    figures  draw figures from stored rows
    report   build the report from the store, the ledger and the figures
    verify   all of the above, end to end
    """


def main() -> NoReturn:
    """Run the command; print a deliberate error as one message, without a traceback."""
    try:
        code = app.main(standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except SongokuError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except OSError as error:  # a full disk, a folder that may not be written
        where = f": {error.filename}" if error.filename is not None else ""
        click.echo(f"error: {error.strerror or error}{where}", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
