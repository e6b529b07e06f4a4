"""Time several things in turn, so that a busy neighbour slows all of them and not one."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from songoku_theory.errors import InvalidInputError

__all__ = ["Measured", "device_name", "devices", "take_turns"]

CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Measured:
    """One repeat of one subject.

    Attributes
    ----------
    name : str
    repeat : int
        From 0.
    seconds : float
        Wall-clock, of the whole run.
    cpu_seconds : float
        Of this process, which a busy neighbour does not add to.
    sink : float
        What the run returned: the same number each time shows that the same work was done.
    """

    name: str
    repeat: int
    seconds: float
    cpu_seconds: float
    sink: float


def take_turns(
    subjects: Mapping[str, Callable[[], float]],
    repeats: int,
    synchronise: Callable[[], None] = lambda: None,
) -> list[Measured]:
    """Run every subject once, then every one again, and so on; a first round is not counted.

    Parameters
    ----------
    subjects : mapping from name to callable
        Each returns its sink.
    repeats : int
    synchronise : callable
        Waits for a device; called before a clock is read.

    Returns
    -------
    list of Measured

    Examples
    --------
    >>> [(one.name, one.repeat, one.sink) for one in take_turns({"a": lambda: 1.0}, 2)]
    [('a', 0, 1.0), ('a', 1, 1.0)]
    """
    found = []
    for repeat in range(-1, repeats):
        for name, subject in subjects.items():
            synchronise()
            cpu, start = time.process_time(), time.perf_counter()
            sink = subject()
            synchronise()
            seconds, used = time.perf_counter() - start, time.process_time() - cpu
            if repeat >= 0:
                found.append(Measured(name, repeat, seconds, used, sink))
    return found


def devices(asked: str) -> Sequence[str]:
    """Return the devices to measure on.

    Parameters
    ----------
    asked : {"all", "cpu", "cuda"}
        ``"all"``: those that this machine has.

    Raises
    ------
    InvalidInputError
        When cuda is asked for and there is none.
    """
    import torch

    has_cuda = torch.cuda.is_available()
    if asked == "all":
        return (CPU, "cuda") if has_cuda else (CPU,)
    if asked == "cuda" and not has_cuda:
        raise InvalidInputError(
            "devices = 'cuda' needs a CUDA device, and torch finds none here. Use 'all' or 'cpu'."
        )
    return (asked,)


def device_name(device: str) -> str:
    """Return what the device calls itself."""
    if device != CPU:
        import torch

        return str(torch.cuda.get_device_name())
    if sys.platform == "linux":
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
