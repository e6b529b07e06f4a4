"""Three convolutions and a bidirectional LSTM for each stock, fused over stocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from simulations.training.architectures.base import Features, Trunk
from simulations.training.architectures.fusion import check_sizes
from songoku_theory.errors import InvalidInputError

__all__ = ["CnnBiLstm"]

_KERNEL = 5
_STRIDE = 2
_LAYERS = 3


@dataclass(frozen=True, slots=True)
class CnnBiLstm:
    """Every series goes through the same CNN-BiLSTM; an MLP fuses what comes out.

    Attributes
    ----------
    channels : int
        Of each convolution (kernel 5, stride 2: 500 days become 63 steps).
    recurrent : int
        Units of the LSTM in each direction.
    embedding : int
        Length that each series is projected to.
    hidden : int
        Units of the MLP.

    Source
    ------
    SON-GOKU, appendix J.5: "3 CNNs and 1 BiLSTM (Cui et al., 2018)", the same for each input
    stock; intermediate fusion as in J.3. Sizes are not given there.
    """

    channels: int = 32
    recurrent: int = 32
    embedding: int = 32
    hidden: int = 128

    def __post_init__(self) -> None:
        names = ("channels", "recurrent", "embedding", "hidden")
        check_sizes({name: getattr(self, name) for name in names})

    def trunk(self, shapes: Mapping[str, tuple[int, ...]], num_views: int) -> Trunk:
        """Return the fused network; see `Architecture.trunk`."""
        if len(shapes) != 1 or len(next(iter(shapes.values()))) != 3:
            raise InvalidInputError(
                f"this network takes one modality (series, channels, days); found {dict(shapes)}."
            )
        ((modality, (series, channels, _)),) = shapes.items()
        return _CnnBiLstm(self, modality, series, channels)


class _CnnBiLstm(Trunk):
    def __init__(self, options: CnnBiLstm, modality: str, series: int, channels: int) -> None:
        super().__init__(Features("vector", options.hidden))
        self.modality = modality
        sizes = [channels, *[options.channels] * _LAYERS]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Conv1d(before, after, _KERNEL, _STRIDE, _KERNEL // 2), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        self.recurrent = nn.LSTM(
            options.channels, options.recurrent, batch_first=True, bidirectional=True
        )
        self.project = nn.Linear(2 * options.recurrent, options.embedding)
        self.join = nn.Sequential(nn.Linear(options.embedding * series, options.hidden), nn.ReLU())

    def forward(self, inputs: Mapping[str, Tensor], view: int) -> Tensor:
        x = inputs[self.modality]
        steps = self.convolutions(x.flatten(0, 1)).transpose(1, 2)
        states, _ = self.recurrent(steps)
        size = states.shape[2] // 2
        # The last state of each direction: one has read the window forwards, one backwards.
        ends = torch.cat([states[:, -1, :size], states[:, 0, size:]], dim=1)
        embedded = self.project(ends).relu().reshape(len(x), -1)
        joined: Tensor = self.join(embedded)
        return joined
