"""What a smaller network learns from a larger one: its answers (Hinton et al., arXiv:1503.02531, 2015)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from medassist.training.recipe import Recipe
from medassist.training.tasks.choosing import task_of
from medassist.training.tasks.task import Loss, Sample

if TYPE_CHECKING:
    import torch

TEMPERATURE = 2.0


def teaching_loss(recipe: Recipe) -> Loss:
    """Return `loss(logits, batch)`: how far the answers are from `batch["taught"]`, the teacher's to the same images.

    Cross-entropy with its probabilities where outputs stand by themselves; where they exclude each other, the
    Kullback-Leibler divergence at temperature 2, times its square, averaged over voxels.
    """
    soft = task_of(recipe).activation.get("softmax", False)

    def loss(logits: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        from torch.nn.functional import binary_cross_entropy_with_logits, kl_div, log_softmax

        wanted = batch["taught"]
        if not soft:
            return binary_cross_entropy_with_logits(logits, wanted.sigmoid())
        found, sought = (log_softmax(one / TEMPERATURE, dim=1) for one in (logits, wanted))
        apart = kl_div(found, sought, reduction="none", log_target=True).sum(dim=1)
        return TEMPERATURE**2 * apart.mean()

    return loss


def without_truth(images: Sequence[torch.Tensor], like: Sample) -> list[Sample]:
    """Return images (channel, x, y[, z]) as samples of the shape of `like`, whose truth is empty and never read."""
    import torch

    empty = {key: torch.zeros_like(value) for key, value in like.items() if key != "image"}
    return [{**empty, "image": image} for image in images]
