"""Checkpoints: written as a whole or not at all, read without running any code they could hold."""

from __future__ import annotations

import os
import pickle
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from songoku_theory.errors import InvalidInputError, StoreError

__all__ = ["FORMAT", "load_checkpoint", "require_same_run", "save_checkpoint", "write_whole"]

FORMAT = 2
_PARTS = ("format", "run", "step", "trainer", "record")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that at any moment the old or the new content stands there, never a part.

    Raises
    ------
    StoreError
        When it can't be written; the old file is unchanged.
    """
    _write(path, lambda file: file.write(content))


def _write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(
            f"can't write {path}: {error}. What was there before is unchanged."
        ) from error
    except RuntimeError as error:  # so torch reports a full disk, without a word of the disk
        free = shutil.disk_usage(path.parent).free // 1024
        raise StoreError(
            f"can't write {path}; that disk has {free:,} kB left ({error}). What was there before "
            f"is unchanged. Make room; the same command goes on from the last checkpoint."
        ) from error


def save_checkpoint(
    path: Path, run: Mapping[str, str], step: int, trainer: Mapping[str, Any],
    record: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write a checkpoint.

    Parameters
    ----------
    path : Path
    run : mapping from setting to text
        Everything that the run's numbers depend on.
    step : int
    trainer, record : mapping
        Tensors, numbers, strings, and containers of them.

    Raises
    ------
    StoreError
        When it can't be written.
    """
    content = {
        "format": FORMAT,
        "run": dict(run),
        "step": step,
        "trainer": dict(trainer),
        "record": dict(record),
    }
    _write(path, lambda file: torch.save(content, file))


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a checkpoint with ``weights_only=True``.

    Raises
    ------
    InvalidInputError
        When it is no checkpoint, is cut off, or is of another format.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch's, on files that are not its own
            content = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InvalidInputError(
            f"{path} can't be read as a checkpoint ({type(error).__name__}); it is cut off or not "
            f"one of songoku's. Move it away to train from the start."
        ) from error
    missing = [part for part in _PARTS if not isinstance(content, dict) or part not in content]
    if missing:
        raise InvalidInputError(
            f"{path} lacks {', '.join(missing)}, so it is no checkpoint of songoku's. Move it away "
            f"to train from the start."
        )
    if content["format"] != FORMAT:
        raise InvalidInputError(
            f"{path} has format {content['format']!r}; this version reads {FORMAT}. Finish that "
            f"run with the version that began it, or move it away."
        )
    found: dict[str, Any] = content
    return found


def require_same_run(path: Path, saved: Mapping[str, str], mine: Mapping[str, str]) -> None:
    """Refuse what another run left.

    Raises
    ------
    InvalidInputError
        Names each difference.
    """
    differing = [
        f"{name}: there {saved.get(name, 'nothing')}, here {mine.get(name, 'nothing')}"
        for name in sorted({*saved, *mine})
        if saved.get(name) != mine.get(name)
    ]
    if differing:
        raise InvalidInputError(
            f"{path} is of a run with other settings ({'; '.join(differing)}). Use those again, "
            f"or another --out."
        )
