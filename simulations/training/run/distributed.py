"""Several processes that train one run: each takes its share of every batch.

The outputs of all shares are brought together before a loss is taken. So every process sees the
loss of the whole batch, whatever the loss divides by (examples, labelled pixels), and the mean over
processes that the scheduler takes of each gradient is the whole batch's gradient.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from simulations.sweep.interrupt import Stopped, StopSignals
from simulations.training.architectures.norm import Moments, ViewNorm2d
from songoku_theory.errors import InvalidInputError, SongokuError

__all__ = ["ALONE", "LostProcessError", "Processes", "StopTogether", "joined", "launched"]

_PATIENCE = timedelta(minutes=10)  # the slowest process reads its data in this time


class LostProcessError(SongokuError):
    """Another process of the run ended or does not answer."""


class Processes:
    """The processes of a run, and this one's place among them; alone, nothing is exchanged.

    Parameters
    ----------
    group : ProcessGroup or None
        None: this process alone.
    device : torch.device
        Where what is exchanged lies.

    Attributes
    ----------
    rank : int
        From 0.
    count : int
    """

    def __init__(self, group: dist.ProcessGroup | None, device: torch.device) -> None:
        self.group = group
        self.device = device
        self.rank = 0 if group is None else dist.get_rank(group)
        self.count = 1 if group is None else dist.get_world_size(group)

    @property
    def several(self) -> bool:
        """Whether there is more than one process."""
        return self.count > 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks for all."""
        return self.rank == 0

    # -- shares of a batch ------------------------------------------------------------------------

    def share(self, total: int) -> slice:
        """Return which of `total` examples this process computes; one even when it has no part.

        Examples
        --------
        >>> ALONE.share(7)
        slice(0, 7, None)
        """
        sizes = self._sizes(total)
        first = sum(sizes[: self.rank])
        return slice(first, first + sizes[self.rank]) if sizes[self.rank] else slice(0, 1)

    def _sizes(self, total: int) -> list[int]:
        return [total // self.count + (r < total % self.count) for r in range(self.count)]

    def whole(self, parts: Mapping[str, Tensor], total: int) -> dict[str, Tensor]:
        """Bring the outputs of all shares together, in the batch's order, in one exchange.

        Parameters
        ----------
        parts : mapping from task to Tensor, shape (m, ...)
            Of this process's share; of one dtype.
        total : int
            n, examples of the whole batch.

        Returns
        -------
        dict from task to Tensor, shape (n, ...)
            A gradient flows to this process's part only, times the number of processes: their mean
            is then the sum over parts.
        """
        if not self.several:
            return dict(parts)
        sizes = self._sizes(total)
        mine, first = sizes[self.rank], sum(sizes[: self.rank])
        found = {task: values[:mine] for task, values in parts.items()}
        flat = [values.detach().reshape(len(values), -1) for values in found.values()]
        widths = [values[:1].numel() for values in parts.values()]
        padded = torch.zeros(max(sizes), sum(widths), dtype=flat[0].dtype, device=self.device)
        padded[:mine] = torch.cat(flat, dim=1)
        gathered = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(gathered, padded, group=self.group)
        rows = torch.cat([part[:size] for part, size in zip(gathered, sizes, strict=True)])
        answers: dict[str, Tensor] = {}
        for (task, own), columns in zip(
            found.items(), torch.split(rows, widths, dim=1), strict=True
        ):
            values = columns.reshape(total, *own.shape[1:])
            answers[task] = _Within.apply(own, values, first, self.count)  # type: ignore[no-untyped-call]
        return answers

    def synchronise(self, network: nn.Module) -> None:
        """Let batch normalisation use the statistics of the whole batch.

        Those that are measured before an evaluation are then the whole batches' as well.
        """
        if not self.several:
            return
        moments: Moments = torch.compiler.disable(self._moments)  # type: ignore[no-untyped-call]
        for layer in network.modules():
            if isinstance(layer, ViewNorm2d):
                layer.moments = moments

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor, int]:
        count = x.numel() // x.shape[1]
        sums = torch.cat([x.sum(dim=(0, 2, 3)), x.new_tensor([float(count)])])
        summed = _Summed.apply(sums, self.group)  # type: ignore[no-untyped-call]
        total = round(float(summed[-1].detach()))
        mean = summed[:-1] / total
        centred = x - mean[None, :, None, None]
        squares = _Summed.apply(centred.square().sum(dim=(0, 2, 3)), self.group)  # type: ignore[no-untyped-call]
        return mean, squares / total, total

    # -- agreement --------------------------------------------------------------------------------

    def largest(self, number: int) -> int:
        """Return the largest of every process's number."""
        if not self.several:
            return number
        found = torch.tensor([number], device=self.device)
        dist.all_reduce(found, op=dist.ReduceOp.MAX, group=self.group)
        return int(found)

    def wait(self) -> None:
        """Wait until every process is here."""
        self.largest(0)

    def require_same(self, things: Mapping[str, object]) -> None:
        """Check that every process sees the same.

        Parameters
        ----------
        things : mapping from what it is to a value with a ``repr`` of its own

        Raises
        ------
        InvalidInputError
            Names what differs.
        """
        if not self.several:
            return
        numbers = [_short_hash(repr(value)) for value in things.values()]
        mine = torch.tensor([*numbers, *(-n for n in numbers)], device=self.device)
        largest = mine.clone()
        dist.all_reduce(largest, op=dist.ReduceOp.MAX, group=self.group)
        # The largest, and the negative of the smallest: both mine only where all are equal.
        same = (mine == largest).cpu().tolist()
        differing = [
            f"{name} (here {value})"
            for (name, value), a, b in zip(
                things.items(), same[: len(numbers)], same[len(numbers) :], strict=True
            )
            if not (a and b)
        ]
        if differing:
            raise InvalidInputError(
                f"the processes of this run differ in: {'; '.join(differing)}. Start all with the "
                f"same command, the same data and an --out folder that all of them see."
            )

    @contextmanager
    def told_of_losses(self) -> Iterator[None]:
        """Turn what a broken connection raises into one clear error.

        Raises
        ------
        LostProcessError
            When another process is gone, or did not answer in time.
        """
        try:
            yield
        except RuntimeError as error:
            if not (self.several and _is_lost(error)):
                raise
            raise LostProcessError(
                f"another process of this run ended or did not answer within "
                f"{_PATIENCE.seconds // 60} minutes, so process {self.rank} of {self.count} stops "
                f"too; the other's message says why. The same command goes on from the last "
                f"checkpoint."
            ) from error


ALONE = Processes(None, torch.device("cpu"))


class _Within(torch.autograd.Function):
    """One process's part among those of all; only its own part has a gradient."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, values: Tensor, first: int, count: int) -> Tensor:  # noqa: ANN401
        ctx.place = slice(first, first + len(own))
        ctx.count = count
        return values.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        return gradient[ctx.place] * ctx.count, None, None, None


class _Summed(torch.autograd.Function):
    """The sum over processes; each one's value moves the sum in all of them."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, group: dist.ProcessGroup) -> Tensor:  # noqa: ANN401
        ctx.group = group
        total = own.clone()
        dist.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        total = gradient.contiguous().clone()
        dist.all_reduce(total, group=ctx.group)
        return total, None


class StopTogether(StopSignals):
    """Ctrl-C and SIGTERM in any process stop all of them at the same place, at `check`."""

    def __init__(self, processes: Processes) -> None:
        super().__init__(waits=processes.several)
        self._processes = processes

    def check(self) -> None:
        """Stop, if any process was asked to.

        Raises
        ------
        Stopped
        """
        if self._processes.several:
            signum = self._processes.largest(self.received or 0)
            if signum:
                raise Stopped(signum)


def launched() -> bool:
    """Say whether ``torchrun`` started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ


@contextmanager
def joined(device: str) -> Iterator[tuple[Processes, str]]:
    """Join the other processes that ``torchrun`` started; without it do nothing.

    Parameters
    ----------
    device : str
        ``"cpu"`` (gloo) or ``"cuda"`` (NCCL; each process takes the device of its place on its
        machine).

    Yields
    ------
    (Processes, str)
        And the device of this process.

    Raises
    ------
    InvalidInputError
        When the device names one place for all, or there are fewer devices than processes.
    LostProcessError
        When the others can't be reached.
    """
    if not launched():
        yield ALONE, device
        return
    place = int(os.environ.get("LOCAL_RANK", "0"))
    kind, colon, _ = device.partition(":")
    if colon or kind not in ("cpu", "cuda"):
        raise InvalidInputError(
            f"each process takes a device of its own, so with torchrun --device should be cpu or "
            f"cuda; found {device!r}."
        )
    mine = torch.device("cpu")
    if kind == "cuda":
        if place >= torch.cuda.device_count():
            raise InvalidInputError(
                f"process {place} of this machine finds {torch.cuda.device_count()} CUDA devices; "
                f"start torchrun with --nproc-per-node of at most that, or use --device cpu."
            )
        mine = torch.device("cuda", place)
        torch.cuda.set_device(mine)
    try:
        dist.init_process_group("nccl" if kind == "cuda" else "gloo", timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise LostProcessError(
            f"the other processes can't be reached: {str(error).splitlines()[0]} Start all of them "
            f"with torchrun."
        ) from error
    processes = Processes(dist.group.WORLD, mine)
    yield processes, str(mine)
    # Not after an error: with a process gone, leaving in order would wait for it. The barrier holds
    # no tensor of Python's: gloo's threads then have none to let go of while the interpreter ends,
    # which would abort a process whose work is done.
    with processes.told_of_losses():
        dist.barrier(device_ids=[mine.index] if kind == "cuda" else None)
    dist.destroy_process_group()


def _is_lost(error: RuntimeError) -> bool:
    network = (dist.DistBackendError, dist.DistNetworkError, dist.DistStoreError)
    text = str(error)
    return isinstance(error, network) or "gloo" in text or "Connection closed by peer" in text


def _short_hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
