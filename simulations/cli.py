"""``songoku sweep`` and ``songoku trace``."""

from __future__ import annotations

import click

from simulations.sweep.command_export import export
from simulations.sweep.command_inspect import list_, show, status
from simulations.sweep.command_replay import replay
from simulations.sweep.command_run import run
from simulations.training.command import trace

__all__ = ["sweep", "trace"]


@click.group(
    short_help="Simulate grids of settings into a store.",
    epilog="Start with 'songoku sweep run quick --dry-run'. A sweep that was stopped, by Ctrl-C, "
    "kill -9 or a power cut, is resumed by running the same command again.",
)
def sweep() -> None:
    """Simulate grids of settings into a store; resume, inspect, replay, export.

    A preset (a TOML file) asks for a grid of settings of an experiment. Each setting is a cell; a
    cell's random numbers follow from its settings alone, and a finished cell is stored at once.

    \b
      songoku sweep list                       # what there is to run
      songoku sweep run quick --dry-run        # how many cells, how long
      songoku sweep run quick --workers 2
      songoku sweep status quick
      songoku sweep replay 1f3a                # one stored cell again, bit for bit
      songoku sweep export --experiment recovery --out recovery.csv
    """


for command in (list_, run, status, show, replay, export):
    sweep.add_command(command)
