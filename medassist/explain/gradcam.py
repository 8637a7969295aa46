"""Class activation maps that weigh the activations of one layer by gradients: one backward pass each.

A are the activations (1, K, *cells), G the gradient of the score to them.

* Grad-CAM (Selvaraju et al., ICCV 2017; Vinogradova et al. 2020 for regions): ReLU(sum_k mean(G_k) A_k).
* Grad-CAM++ (Chattopadhay et al., WACV 2018, equation 19 for a score that is exponentiated): cells weigh by
  alpha = G^2 / (2 G^2 + sum(A) G^3), channels by sum(alpha ReLU(G)).
* HiResCAM (Draelos and Carin 2020, arXiv 2011.08891): ReLU(sum_k G_k A_k), cell by cell: what it shows was used.
* LayerCAM (Jiang et al., IEEE TIP 2021): ReLU(sum_k ReLU(G_k) A_k).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.explain.asking import STAGE, map_of, outputs_of
from medassist.explain.layout import layout_of
from medassist.explain.protocol import Attribution, Question, Setting
from medassist.explain.scores import Score
from medassist.explain.tokens import cells_written, patches_of
from medassist.explain.undisturbed import kept_activation, undisturbed
from medassist.plugins import Availability, needs
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch
    from torch import nn

    Combine = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

PASSES = 1.3


def grad_cam(
    module: nn.Module, layer: str, inputs: torch.Tensor, score: Score, combine: Combine | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the map (1, 1, *cells) on the layer's own grid, not scaled, and the network's logits.

    Args:
        module: hold its lock; it is left unchanged, without hooks and gradients.
        layer: dotted name of a part whose output has the axes of the input, or writes the tokens of a transformer.
        inputs: (1, C, *spatial) on the device of the network.
        score: from the logits to one number per image.
        combine: from activations and gradient (1, K, *cells) to the map before the ReLU; None is Grad-CAM.

    Refused when there is no such layer, when it writes no map, or when the score does not depend on it.
    """
    import torch

    part = part_of(module, layer)
    # an input made in inference mode cannot enter a graph, a copy made outside can
    with undisturbed(module), kept_activation(part) as kept, torch.inference_mode(False), torch.enable_grad():
        answer = module(inputs.detach().clone())
        logits = answer[0] if isinstance(answer, tuple | list) else answer
        leaf = kept.activation
        activation = mapped(leaf, module, inputs, layer).detach()
        value = score(logits).sum()
        reached = [leaf] if leaf is not None and value.requires_grad else []
        (gradient,) = torch.autograd.grad(value, reached, allow_unused=True) if reached else (None,)
    if gradient is None:
        raise Refused(
            "The score does not depend on the layer {layer}, so it cannot be explained there.",
            remedy="Name a layer on the way to the output in the package's explanation section.",
            layer=layer,
        )
    slope = mapped(gradient, module, inputs, layer)
    return torch.relu((combine or by_mean_gradient)(activation, slope)), logits.detach()


def mapped(written: torch.Tensor | None, module: nn.Module, inputs: torch.Tensor, layer: str) -> torch.Tensor:
    """Return what a layer wrote, or its gradient, as a map (1, K, *cells); tokens of patches are laid out.

    Refused when it is no map of one image.
    """
    cells = None if written is None else cells_written(module, tuple(inputs.shape[2:]), tuple(written.shape))
    if written is not None and cells is not None:
        return patches_of(written, cells) if written.ndim == 3 else written
    raise Refused(
        "The layer {layer} writes no map of the image, so it cannot be explained there.",
        remedy="Name a convolutional layer in the package's explanation section.",
        layer=layer,
    )


def part_of(module: nn.Module, layer: str) -> nn.Module:
    """Return the layer of that name (Refused when there is none)."""
    try:
        return module.get_submodule(layer)
    except AttributeError as error:
        raise Refused(
            "The network has no layer called {layer}.",
            remedy="Name one of its layers in the package's explanation section.",
            layer=layer,
        ) from error


def layer_of(question: Question) -> str:
    """Return the layer a question reads (Refused when neither it nor the package names one)."""
    layer = question.layer or question.network.package.explanation.layer
    if not layer:
        raise Refused(
            "The model {model} names no layer for Grad-CAM.",
            remedy="Add explanation.layer to its metadata.json.",
            model=question.network.package.name,
        )
    return layer


def by_mean_gradient(activation: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Weigh each channel by its mean gradient (Grad-CAM)."""
    cells = tuple(range(2, activation.ndim))
    return (gradient.mean(cells, keepdim=True) * activation).sum(1, keepdim=True)


def by_squared_gradient(activation: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Weigh each channel by its positive gradients, cells of few activations more (Grad-CAM++)."""
    import torch

    cells = tuple(range(2, activation.ndim))
    square = gradient**2
    below = 2.0 * square + activation.sum(cells, keepdim=True) * square * gradient
    alpha = torch.where(below.abs() > 1e-12, square / below, torch.zeros_like(below))
    weights = (alpha * torch.relu(gradient)).sum(cells, keepdim=True)
    return (weights * activation).sum(1, keepdim=True)


def cell_by_cell(activation: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Weigh each cell by its own gradient (HiResCAM)."""
    return (gradient * activation).sum(1, keepdim=True)


def by_positive_gradient(activation: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Weigh each cell by its own gradient where that speaks for the target (LayerCAM)."""
    import torch

    return (torch.relu(gradient) * activation).sum(1, keepdim=True)


@dataclass(frozen=True)
class Cam:
    """One of the methods above, at the layer the package or the reader names."""

    name: str
    plain_title: str
    combine: Combine
    settings: tuple[Setting, ...] = ()
    reads_layer: bool = True
    remark: str = ""

    def title(self, task: str) -> str:
        """Return "Seg-Grad-CAM" for a segmenter, else "Grad-CAM"."""
        return f"Seg-{self.plain_title}" if task == "segmentation" else self.plain_title

    def applies_to(self, task: str) -> bool:
        """Tell that both tasks can be explained."""
        return task in ("classification", "segmentation")

    def availability(self) -> Availability:
        """Return whether torch is there."""
        return needs(("torch",))

    def passes(self, question: Question) -> float:
        """Return the cost: the head's backward pass is cheap, a decoder's is not."""
        return PASSES if question.region is None else 2 * PASSES

    def attribute(self, question: Question, *, progress: Progress) -> Attribution:
        """Compute the map in one forward pass and the backward pass of what follows the layer."""
        network, layer = question.network, layer_of(question)
        progress.step(STAGE, 0.0)
        inputs = question.inputs.to(network.device)
        values, logits = grad_cam(network.module, layer, inputs, question.score, self.combine)
        progress.step(STAGE, 1.0)
        return Attribution(
            values=map_of(values[0, 0]),
            layout=layout_of(network.module, layer, tuple(question.inputs.shape[2:]), tuple(values.shape[2:])),
            outputs=outputs_of(logits),
            layer=layer,
            parameters={"score": question.score_name},
        )


CAMS = (
    Cam("gradcam", "Grad-CAM", by_mean_gradient),
    Cam("gradcam++", "Grad-CAM++", by_squared_gradient),
    Cam("hirescam", "HiResCAM", cell_by_cell),
    Cam("layercam", "LayerCAM", by_positive_gradient),
)
