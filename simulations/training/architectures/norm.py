"""Batch normalisation whose statistics at evaluation are measured, not carried along.

A running average would mix the views (upright, turned, spoilt images), lag behind the weights for a
task that seldom runs, and so depend on the schedule that is to be judged. So training uses the
batch's own statistics, and before an evaluation they are measured, view by view, on the same
training batches for every method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from songoku_theory.errors import InvalidInputError

__all__ = ["Moments", "ViewNorm2d", "measuring"]

Moments = Callable[[Tensor], tuple[Tensor, Tensor, int]]
"""From (n, channels, h, w) to mean and biased variance a channel, and how many numbers they are of.
"""


_EPS = 1e-5  # batch_norm's own


class ViewNorm2d(nn.Module):
    """Batch normalisation with one scale and shift, and statistics for each view.

    Parameters
    ----------
    channels, num_views : int

    Attributes
    ----------
    moments : Moments or None
        Of the whole batch, where this process has only a share of it; None for the batch's own.

    Source
    ------
    Ioffe and Szegedy (2015). Statistics measured after training, as means of those of several
    batches: Wu and Johnson (2021), "Rethinking 'Batch' in BatchNorm", section 3.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, num_views: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.measuring = False
        self.moments: Moments | None = None
        for name in ("mean", "variance"):
            # Not saved: they are measured anew before each evaluation.
            self.register_buffer(name, torch.zeros(num_views, channels), persistent=False)
        self.counts = [0] * num_views

    def draw_weights(self, generator: torch.Generator) -> None:
        """Set the scale to 1, the rest to 0; draws nothing."""
        self.weight.fill_(1.0)
        self.bias.zero_()
        self.forget()

    def forget(self) -> None:
        """Drop what was measured."""
        self.mean.zero_()
        self.variance.zero_()
        self.counts = [0] * len(self.counts)

    def forward(self, x: Tensor, view: int) -> Tensor:
        """Normalise (n, channels, h, w).

        Raises
        ------
        InvalidInputError
            At evaluation, when nothing was measured for the view; in training, when a channel has
            one value only.
        """
        if self.training and x.numel() == x.shape[1]:
            raise InvalidInputError(
                "one value of each channel can't be normalised: a batch of 1 example whose map has "
                "shrunk to 1 x 1. Use a larger batch_size, larger images or a smaller stem_stride."
            )
        if self.moments is not None and (self.training or self.measuring):
            return self._shared_forward(x, view, self.moments)
        if self.measuring:
            variance, mean = torch.var_mean(x.detach().float(), dim=(0, 2, 3))
            self._measure(mean, variance, view)
        if self.training:
            return functional.batch_norm(x, None, None, self.weight, self.bias, training=True)
        if self.counts[view] == 0:
            raise InvalidInputError(
                f"no statistics were measured for view {view}; let training batches of it pass "
                f"inside measuring() first."
            )
        return functional.batch_norm(
            x, self.mean[view], self.variance[view], self.weight, self.bias, training=False
        )

    def _shared_forward(self, x: Tensor, view: int, moments: Moments) -> Tensor:
        """Normalise by moments that come from elsewhere."""
        mean, variance, count = moments(x.float())
        if self.measuring:
            self._measure(mean.detach(), variance.detach() * (count / max(1, count - 1)), view)
        scale = self.weight * (variance + _EPS).rsqrt()
        shift = self.bias - mean * scale
        return (x * scale[:, None, None] + shift[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _measure(self, mean: Tensor, variance: Tensor, view: int) -> None:
        """Take one more batch into the means of its mean and its variance."""
        self.counts[view] += 1
        self.mean[view] += (mean - self.mean[view]) / self.counts[view]
        self.variance[view] += (variance - self.variance[view]) / self.counts[view]


@contextmanager
def measuring(model: nn.Module) -> Iterator[bool]:
    """Measure the statistics of whatever passes through `model` in the block, from nothing.

    Parameters
    ----------
    model : Module
        In training mode, so that a batch is normalised by its own statistics.

    Yields
    ------
    bool
        Whether any layer keeps statistics; if not, no batch need pass.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, ViewNorm2d)]
    for layer in layers:
        layer.forget()
        layer.measuring = True
    try:
        yield bool(layers)
    finally:
        for layer in layers:
            layer.measuring = False
