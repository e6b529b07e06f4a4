"""Options that several sub-commands of ``songoku sweep`` share. Light: --help must be quick."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from simulations.sweep.device import DEVICES
from songoku_theory.storage.schema import DEFAULT_STORE

__all__ = ["SecondsType", "device_option", "store_option"]

_F = TypeVar("_F", bound=Callable[..., Any])


class SecondsType(click.FloatRange):
    """A number of seconds above 0: neither 0 nor NaN, which no comparison would ever refuse."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(
        self, value: Any,  # noqa: ANN401 - click's own
        param: click.Parameter | None, ctx: click.Context | None,
    ) -> float:  # fmt: skip
        """Read them."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is not in the range x>0.", param, ctx)
        return seconds


def store_option(function: _F) -> _F:
    """Add ``--store PATH`` (or ``SONGOKU_STORE``)."""
    return click.option(
        "--store",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path(DEFAULT_STORE),
        envvar="SONGOKU_STORE",
        show_default=True,
        show_envvar=True,
        help="The file that holds the rows.",
    )(function)


def device_option(function: _F) -> _F:
    """Add ``--device cpu|cuda``."""
    return click.option(
        "--device",
        type=click.Choice(DEVICES),
        default=None,
        help="Where the experiments with a param 'device' (as recovery, recovery_grid and phase) "
        "keep their arrays. cuda: one GPU, and cells of their own, because rows need not have the "
        "CPU's bits.  [default: as the preset says, else cpu]",
    )(function)
