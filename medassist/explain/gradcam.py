"""Grad-CAM for classifiers (Selvaraju et al. 2017) and Seg-Grad-CAM for regions (Vinogradova et al. 2020).

The map is ReLU(sum over channels of w_k A_k): A_k are the activations of one layer, w_k the mean gradient of the score
over the cells of channel k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.errors import Refused
from medassist.explain.layout import layout_of
from medassist.explain.protocol import Attribution, Question
from medassist.explain.scores import Score, class_score, region_score
from medassist.explain.undisturbed import kept_activation, undisturbed
from medassist.plugins import Availability, needs
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch
    from torch import nn


def grad_cam(module: nn.Module, layer: str, inputs: torch.Tensor, score: Score) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the map (1, 1, *cells) on the layer's own grid, not scaled, and the network's logits.

    Args:
        module: hold its lock; it is left unchanged, without hooks and gradients.
        layer: dotted name of a part whose output has the axes of the input.
        inputs: (1, C, *spatial) on the device of the network.
        score: from the logits to one number.

    Refused when there is no such layer, when it writes no map, or when the score does not depend on it.
    """
    import torch

    part = _part(module, layer)
    # an input made in inference mode cannot enter a graph, a copy made outside can
    with undisturbed(module), kept_activation(part) as kept, torch.inference_mode(False), torch.enable_grad():
        logits = module(inputs.detach().clone())
        activation = kept.activation
        if activation is None or activation.ndim != inputs.ndim or activation.shape[0] != 1:
            raise Refused(
                "The layer {layer} writes no map of the image, so it cannot be explained there.",
                remedy="Name a convolutional layer in the package's explanation section.",
                layer=layer,
            )
        value = score(logits)
        (gradient,) = torch.autograd.grad(value, activation, allow_unused=True) if value.requires_grad else (None,)
    if gradient is None:
        raise Refused(
            "The score does not depend on the layer {layer}, so it cannot be explained there.",
            remedy="Name a layer on the way to the output in the package's explanation section.",
            layer=layer,
        )
    cells = tuple(range(2, activation.ndim))
    weights = gradient.mean(cells, keepdim=True)
    return torch.relu((weights * activation.detach()).sum(1, keepdim=True)), logits.detach()


def _part(module: nn.Module, layer: str) -> nn.Module:
    try:
        return module.get_submodule(layer)
    except AttributeError as error:
        raise Refused(
            "The network has no layer called {layer}.",
            remedy="Name one of its layers in the package's explanation section.",
            layer=layer,
        ) from error


@dataclass(frozen=True)
class GradCam:
    """Grad-CAM at the layer the package names."""

    name: str = "gradcam"

    def title(self, task: str) -> str:
        """Return "Seg-Grad-CAM" for a segmenter, else "Grad-CAM"."""
        return "Seg-Grad-CAM" if task == "segmentation" else "Grad-CAM"

    def applies_to(self, task: str) -> bool:
        """Tell that both tasks can be explained."""
        return task in ("classification", "segmentation")

    def availability(self) -> Availability:
        """Return whether torch is there."""
        return needs(("torch",))

    def attribute(self, question: Question, *, progress: Progress) -> Attribution:
        """Compute the map in one forward pass and the backward pass of what follows the layer."""
        network = question.network
        layer = network.package.explanation.layer
        if not layer:
            raise Refused(
                "The model {model} names no layer for Grad-CAM.",
                remedy="Add explanation.layer to its metadata.json.",
                model=network.package.name,
            )
        region = question.region
        score = class_score(question.output) if region is None else region_score(question.output, region)
        progress.step("Computing the heatmap", 0.0)
        values, logits = grad_cam(network.module, layer, question.inputs.to(network.device), score)
        progress.step("Computing the heatmap", 1.0)
        parameters = {"score": "logit" if region is None else "sum of the logits over the region"}
        return Attribution(
            values=np.asarray(values[0, 0].float().cpu().numpy(), dtype=np.float32),
            layout=layout_of(network.module, layer, tuple(question.inputs.shape[2:]), tuple(values.shape[2:])),
            outputs=np.asarray(logits[0].float().cpu().numpy(), dtype=np.float32),
            layer=layer,
            parameters=parameters,
        )
