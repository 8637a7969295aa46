"""What stands for "nothing there" when a part of an image is taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BLUR_SHARE = 0.08
"""Standard deviation of the blur, as a share of the longest side: structures vanish, brightness stays."""


def darkest(image: torch.Tensor) -> torch.Tensor:
    """Return an image of the smallest value of each channel of `image` (1, C, *spatial): air, or a black film."""
    axes = tuple(range(2, image.ndim))
    return image.amin(axes, keepdim=True).expand_as(image).clone()


def mean(image: torch.Tensor) -> torch.Tensor:
    """Return an image of the mean of each channel."""
    axes = tuple(range(2, image.ndim))
    return image.mean(axes, keepdim=True).expand_as(image).clone()


def blurred(image: torch.Tensor) -> torch.Tensor:
    """Return the image without its structures, by a Gaussian filter along each spatial axis."""
    from monai.networks.layers import GaussianFilter

    sigma = BLUR_SHARE * max(image.shape[2:])
    smooth: torch.Tensor = GaussianFilter(image.ndim - 2, sigma)(image.float())
    return smooth
