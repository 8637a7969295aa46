"""An autoencoder that tells how badly it can redraw an image: large where it has never seen the like."""

from __future__ import annotations

from typing import Any

import torch
from monai.networks.nets import AutoEncoder
from torch import nn

LEAST = 1e-8


class ReconstructionError(nn.Module):
    """From an image (B, C, X, Y[, Z]) to a score (B, 1): the logarithm of the mean squared error of its redrawing.

    While it learns it returns the error itself, which is what the loss makes small. The arguments are those of
    `monai.networks.nets.AutoEncoder`; its strides must divide the size of the image.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self.autoencoder = AutoEncoder(**arguments)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the error (B, 1) in training mode, else its logarithm."""
        drawn: torch.Tensor = self.autoencoder(x)
        if drawn.shape != x.shape:
            raise ValueError(f"the autoencoder makes {tuple(drawn.shape)} of {tuple(x.shape)}")
        error = ((drawn - x) ** 2).flatten(1).mean(dim=1, keepdim=True)
        return error if self.training else error.clamp_min(LEAST).log()
