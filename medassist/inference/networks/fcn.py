"""A fully convolutional network: scores at three depths, added up at the size of the image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from monai.networks.blocks import Convolution
from torch import nn
from torch.nn.functional import interpolate

_MODES = {2: "bilinear", 3: "trilinear"}


class FCN(nn.Module):
    """From (B, C, X, Y[, Z]) to logits of the same size, by an encoder and no decoder.

    Long, Shelhamer and Darrell, Fully convolutional networks for semantic segmentation, CVPR 2015 (FCN-8s): a score per
    class at the three coarsest stages, each enlarged and added to the finer one. Here with batch normalisation, linear
    enlargement, and as many stages as `channels` names; every stage but the first halves the grid. Any size will do.
    """

    def __init__(
        self, spatial_dims: int, in_channels: int, out_channels: int, channels: Sequence[int] = (32, 64, 128, 256)
    ) -> None:
        if spatial_dims not in _MODES or len(channels) < 1:
            raise ValueError("an FCN has 2 or 3 dimensions and at least one stage")
        super().__init__()
        self.mode = _MODES[spatial_dims]
        sizes = [in_channels, *channels]
        self.stages = nn.ModuleList(
            nn.Sequential(
                Convolution(spatial_dims, before, after, strides=1 if at == 0 else 2, act="RELU", norm="BATCH"),
                Convolution(spatial_dims, after, after, act="RELU", norm="BATCH"),
            )
            for at, (before, after) in enumerate(pairwise(sizes))
        )
        self.scores = nn.ModuleList(
            Convolution(spatial_dims, size, out_channels, kernel_size=1, conv_only=True) for size in channels[-3:]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (B, classes, X, Y[, Z])."""
        size, seen = x.shape[2:], []
        for stage in self.stages:
            x = stage(x)
            seen.append(x)
        total: torch.Tensor | None = None
        for features, score in zip(reversed(seen[-3:]), reversed(self.scores), strict=True):
            here = score(features)
            total = here if total is None else here + self._enlarged(total, here.shape[2:])
        assert total is not None  # noqa: S101 - there is at least one stage
        return self._enlarged(total, size)

    def _enlarged(self, x: torch.Tensor, size: torch.Size) -> torch.Tensor:
        return x if x.shape[2:] == size else interpolate(x, size=size, mode=self.mode, align_corners=False)
