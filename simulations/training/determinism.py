"""One thread and deterministic kernels, so that a run gives the same bits wherever it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from simulations.sweep.worker import one_thread

__all__ = ["deterministic", "torch_stream"]


@contextmanager
def deterministic() -> Iterator[None]:
    """Run the body on one thread with deterministic algorithms; put the settings back after it.

    More threads would split sums differently, and the last bits of a gradient can flip an edge.
    """
    strict = torch.are_deterministic_algorithms_enabled()
    with one_thread():
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(strict)


def torch_stream(seed: np.random.SeedSequence, *path: int) -> torch.Generator:
    """Return the torch generator at a fixed place below a seed sequence.

    ``SeedSequence.spawn`` counts its calls; this does not, so asking twice gives the same stream.

    Parameters
    ----------
    seed : numpy.random.SeedSequence
    *path : int
        Names the stream; each >= 0.

    Returns
    -------
    torch.Generator
        On the CPU.

    Examples
    --------
    >>> seed = np.random.SeedSequence(5)
    >>> first, again = torch_stream(seed, 2, 0), torch_stream(seed, 2, 0)
    >>> bool((torch.rand(3, generator=first) == torch.rand(3, generator=again)).all())
    True
    """
    child = np.random.SeedSequence(
        entropy=seed.entropy, spawn_key=(*seed.spawn_key, *path), pool_size=seed.pool_size
    )
    generator = torch.Generator()
    generator.manual_seed(int(child.generate_state(1, np.uint64)[0]))
    return generator
