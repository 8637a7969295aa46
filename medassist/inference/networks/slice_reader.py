"""A recurrent reader: looks at a volume slice by slice, forwards and backwards, and remembers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from monai.networks.blocks import Convolution
from torch import nn


class SliceReader(nn.Module):
    """From a volume (B, C, X, Y, Z) to logits (B, classes).

    A small convolutional network sees every slice along the last axis; a bidirectional gated recurrent unit (Cho et
    al., EMNLP 2014) reads what it saw in order; what it says at each slice is weighed by learned attention. Weights do
    not depend on the number of slices. `features` is the layer to explain: its batch holds the slices.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (16, 32, 64),
        hidden: int = 64,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        sizes = [in_channels, *channels]
        self.features = nn.Sequential(
            *(Convolution(2, before, after, strides=2, act="RELU", norm="BATCH") for before, after in pairwise(sizes))
        )
        self.memory = nn.GRU(channels[-1], hidden, batch_first=True, bidirectional=True)
        self.attention = nn.Linear(2 * hidden, 1)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * hidden, out_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (B, classes)."""
        batch, depth = x.shape[0], x.shape[-1]
        slices = x.movedim(-1, 1).flatten(0, 1)
        seen = self.features(slices).mean(dim=(2, 3)).view(batch, depth, -1)
        read, _ = self.memory(seen)
        weight = self.attention(read).softmax(dim=1)
        logits: torch.Tensor = self.head((weight * read).sum(dim=1))
        return logits
