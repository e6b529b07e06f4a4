"""``songoku sweep export``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulations.sweep.options import store_option

if TYPE_CHECKING:
    import polars as pl

    from songoku_theory.storage import Scalar

__all__ = ["export"]

_FORMATS = ("csv", "parquet")


@click.command("export", short_help="Write an experiment's rows to a CSV or Parquet file.")
@click.option("--experiment", required=True, metavar="NAME", help="Whose rows.")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    help="How to write it.  [default: what the name of --out ends in]",
)
@click.option(
    "--where",
    multiple=True,
    metavar="PARAM=VALUE",
    help="Only cells with this value; may be given several times.",
)
@click.option("--force", is_flag=True, help="Replace --out if it exists.")
@store_option
def export(
    experiment: str,
    out: Path,
    format_: str | None,
    where: tuple[str, ...],
    force: bool,
    store: Path,
) -> None:
    """Write the rows of an experiment's finished cells, each with its key and params.

    One line a row, sorted by params, so two exports of the same cells are the same file. Only the
    newest stored version of the experiment. A CSV holds floats so that they read back as the same
    double. The file appears when it is complete, or not at all.

    \b
    Examples:
      songoku sweep export --experiment recovery --out recovery.parquet
      songoku sweep export --experiment recovery --where tau=0.2 --out tau02.csv --force
    """
    from songoku_theory.errors import InvalidInputError
    from songoku_theory.storage import read_rows

    kind = format_ or out.suffix.lstrip(".").lower()
    if kind not in _FORMATS:
        raise InvalidInputError(
            f"the format is not clear from the name {out}. Say --format csv or --format parquet."
        )
    if out.exists() and not force:
        raise InvalidInputError(f"{out} exists; say --force to replace it, or name another file.")
    frame = read_rows(store, experiment, _conditions(where, store, experiment))
    if where and frame.is_empty():
        raise InvalidInputError(
            f"no stored cell of {experiment!r} has {', '.join(where)}; nothing was written."
        )
    _write(frame, out, kind)
    click.echo(f"{frame.height} rows of {experiment} written to {out}")


def _conditions(where: tuple[str, ...], store: Path, experiment: str) -> Mapping[str, Scalar]:
    """Read ``PARAM=VALUE`` texts as values of the params' stored types."""
    from songoku_theory.errors import InvalidInputError
    from songoku_theory.storage.reader import param_types

    if not where:
        return {}
    types = param_types(store, experiment)
    found: dict[str, Scalar] = {}
    for condition in where:
        name, equals, text = condition.partition("=")
        name, text = name.strip(), text.strip()
        if not equals:
            raise InvalidInputError(f"--where should be PARAM=VALUE; found {condition!r}.")
        try:
            found[name] = _value(text, types.get(name, "str"))
        except ValueError as error:
            raise InvalidInputError(
                f"--where {condition}: param {name!r} is of type {types[name]}; found {text!r}."
            ) from error
    return found


def _value(text: str, kind: str) -> Scalar:
    if kind == "bool":
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    if kind == "int":
        return int(text)
    return float(text) if kind == "float" else text


def _write(frame: pl.DataFrame, out: Path, kind: str) -> None:
    """Write beside the file and rename: nobody sees half of it, and a crash keeps the old one."""
    from songoku_theory.errors import InvalidInputError

    temporary: str | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
        with os.fdopen(handle, "wb") as stream:
            if kind == "csv":
                frame.write_csv(stream)
            else:
                frame.write_parquet(stream)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(out)
        temporary = None
    except OSError as error:
        raise InvalidInputError(
            f"{out} can't be written: {error.strerror or error}. What was there before is "
            f"unchanged."
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
