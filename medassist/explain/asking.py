"""The network as a function from images to scores: what methods that ask again and again need, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import Refused
from medassist.explain.protocol import Question
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch
    from torch import nn

STAGE = "Computing the heatmap"
BATCH = 4
"""Images per pass: more saves at most a fifth of the time on a CPU and costs 65 MB each (DenseNet121 at 224 x 224)."""
VOXELS_AT_ONCE = 4 * 512 * 512
"""Voxels per pass: volumes go one by one, or their batch would not fit where one of them does."""
GRADIENT_PASS = 2.5
"""What a forward and a backward pass to the input cost, in forward passes (measured: 2.2 to 2.5)."""


def batch_for(image: torch.Tensor) -> int:
    """Return how many images (1, C, *spatial) go through the network at once."""
    return max(1, min(BATCH, VOXELS_AT_ONCE // max(1, image[0, 0].numel())))


class Asking:
    """Scores of images (B, C, *spatial) -> (B,); reports how much of `passes` is `spent` and stops when cancelled.

    Both are forward passes of one image; one that a way back follows counts as `GRADIENT_PASS`.
    """

    def __init__(self, question: Question, progress: Progress, passes: float) -> None:
        self._module, self._device = question.network.module, question.network.device
        self._score, self._progress = question.score, progress
        self._passes, self.spent = max(1.0, passes), 0.0

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return one score per image; a gradient flows back to `images` where one is wanted."""
        return self._score(self.logits(images))

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return what the network writes about images."""
        import torch

        self._progress.step(STAGE, min(1.0, self.spent / self._passes))
        back = images.requires_grad and torch.is_grad_enabled()
        self.spent += len(images) * (GRADIENT_PASS if back else 1.0)
        answer = self._module(images.to(self._device))
        logits: torch.Tensor = answer[0] if isinstance(answer, tuple | list) else answer
        return logits

    def gradient(self, images: torch.Tensor) -> torch.Tensor:
        """Return the gradient of each image's score to that image, of its shape (Refused when there is none)."""
        import torch

        with torch.inference_mode(False), torch.enable_grad():
            leaf = images.detach().clone().requires_grad_()
            score = self(leaf).sum()
            if not score.requires_grad:
                raise _no_gradient()
            (found,) = torch.autograd.grad(score, leaf, allow_unused=True)
        if found is None:
            raise _no_gradient()
        return found


def as_module(question: Question, asking: Asking) -> nn.Module:
    """Return the scores as a network of its own, for methods of captum that hook the layers of one."""
    from torch import nn

    class Scores(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = question.network.module

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return asking(images)

    return Scores().eval()


def _no_gradient() -> Refused:
    return Refused(
        "The score does not depend on the image by a gradient, so this method cannot explain it.",
        remedy="Choose a method that covers parts of the image: occlusion or RISE.",
    )


def outputs_of(logits: torch.Tensor) -> NDArray[np.float32]:
    """Return the logits (K, *spatial or nothing) of the first image as numbers."""
    return np.asarray(logits[0].detach().float().cpu().numpy(), dtype=np.float32)


def map_of(values: torch.Tensor) -> NDArray[np.float32]:
    """Return a map (*cells) as numbers."""
    return np.asarray(values.detach().float().cpu().numpy(), dtype=np.float32)
