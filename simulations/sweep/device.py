"""Where an experiment's arrays live: ``--device cpu`` or ``--device cuda``.

The device is a param like any other, so it is part of a cell's key: rows from a GPU need not have
the bits of rows from a CPU, and the two are never taken for one another. The store also keeps the
GPU's name beside them. An experiment takes part by declaring the param and asking for its device::

    from simulations.sweep.device import device_param, torch_device

    params={..., "device": device_param()}

    def run(params, seed):
        device = torch_device(params)          # a torch.device
        generator = torch.Generator(device).manual_seed(int(seed.generate_state(1)[0]))

Which of several GPUs is not a param: set ``CUDA_VISIBLE_DEVICES``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from songoku_theory.errors import DependencyMissingError, InvalidInputError, unknown_name

if TYPE_CHECKING:
    import torch

    from simulations.sweep.cell import Cell
    from simulations.sweep.experiment import Param
    from songoku_theory.storage.codec import Scalar

__all__ = [
    "CPU",
    "CUDA",
    "DEVICE",
    "DEVICES",
    "accelerator",
    "device_param",
    "on_device",
    "torch_device",
]

DEVICE = "device"
"""The name of the param."""

CPU = "cpu"
CUDA = "cuda"
DEVICES = (CPU, CUDA)


def device_param() -> Param:
    """Return the param that an experiment declares under the name ``device``.

    Examples
    --------
    >>> device_param().domain
    'one of cpu, cuda'
    """
    from simulations.sweep.experiment import Param

    return Param(
        type=str,
        default=CPU,
        choices=DEVICES,
        doc="where the arrays live; cuda: one GPU, and rows that need not have the CPU's bits",
    )


def torch_device(params: Mapping[str, Scalar]) -> torch.device:
    """Return the device that a cell asks for.

    Parameters
    ----------
    params : mapping
        With ``device``; a cell without it runs on the CPU.

    Returns
    -------
    torch.device

    Raises
    ------
    InvalidInputError
        When a GPU is asked for and this process sees none.
    DependencyMissingError
        When torch is not installed.
    UnknownNameError
        When it is no device.

    Examples
    --------
    >>> torch_device({"device": "cpu"})
    device(type='cpu')
    """
    name = str(params.get(DEVICE, CPU))
    if name not in DEVICES:
        raise unknown_name(DEVICE, name, DEVICES)
    try:
        import torch
    except ImportError as error:
        raise DependencyMissingError(
            f"device {name!r} needs torch, which is not installed. Install it with: "
            f"pip install 'songoku[train]'"
        ) from error
    if name == CUDA and not torch.cuda.is_available():
        built = torch.version.cuda
        why = (
            "the installed torch is built without CUDA"
            if built is None
            else f"torch (built for CUDA {built}) sees no GPU here"
        )
        raise InvalidInputError(
            f"device 'cuda' was asked for, but {why}. Use --device cpu, run where there is a GPU "
            f"(--cluster), or check CUDA_VISIBLE_DEVICES and the driver."
        )
    return torch.device(name)


def on_device(cells: Sequence[Cell], device: str) -> list[Cell]:
    """Return the cells on another device: those of experiments that take one; others as they are.

    Parameters
    ----------
    cells : sequence of Cell
    device : {"cpu", "cuda"}

    Returns
    -------
    list of Cell
        Each key once.

    Raises
    ------
    InvalidInputError
        When no experiment among them takes a device.
    """
    from simulations.sweep.cell import make_cell

    if cells and not any(DEVICE in cell.experiment.params for cell in cells):
        names = sorted({cell.experiment.name for cell in cells})
        raise InvalidInputError(
            f"--device has no meaning here: no experiment among {', '.join(names)} declares the "
            f"param {DEVICE!r}. Leave it out."
        )
    moved = (
        make_cell(cell.experiment, {**cell.params, DEVICE: device})
        if DEVICE in cell.experiment.params
        else cell
        for cell in cells
    )
    return list({cell.key: cell for cell in moved}.values())


def accelerator(device: str) -> dict[str, str]:
    """Return what provenance says of a GPU: its name and CUDA's version; nothing for a CPU.

    Examples
    --------
    >>> accelerator("cpu")
    {}
    """
    if device != CUDA:
        return {}
    try:
        import torch

        return {"gpu": torch.cuda.get_device_name(), "cuda": str(torch.version.cuda)}
    except (ImportError, RuntimeError, AssertionError):
        return {"gpu": "none found"}
