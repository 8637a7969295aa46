"""Maps of what a vision transformer attends to, one value per patch.

* Attention rollout (Abnar and Zuidema, ACL 2020): attention of all blocks multiplied. It knows nothing of the class.
* Relevance (Chefer et al., ICCV 2021): R <- R + mean over heads of (A * dA/d score)+ times R, block by block.

Attention is read behind the softmax of every block, where its weights are dropped out in training: they are written
there and nowhere else. Windowed attention (Swin) has no such square over all patches and is refused.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medassist.entities.errors import Refused
from medassist.explain.asking import GRADIENT_PASS, Asking, map_of, outputs_of
from medassist.explain.protocol import Attribution, Question, Setting
from medassist.explain.tokens import demand_patches, layout_of_patches
from medassist.explain.undisturbed import undisturbed
from medassist.plugins import Availability, needs
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch
    from torch import nn

    Blocks = list[torch.Tensor]
    Relate = Callable[[Blocks, Blocks], torch.Tensor]

WEIGHTS = "drop_weights"
CLASSLESS = "Attention rollout shows where the network looks, whatever the class: it is the same map for every target."
_ANOTHER = "Choose a method that works on the image itself."


@contextlib.contextmanager
def _watched(module: nn.Module) -> Iterator[Blocks]:
    """Collect the attention (B, heads, tokens, tokens) of every block inside the block."""
    seen: Blocks = []

    def hook(_part: object, _inputs: object, output: torch.Tensor) -> None:
        seen.append(output)

    parts = [part for name, part in module.named_modules() if name.rpartition(".")[2] == WEIGHTS]
    handles = [part.register_forward_hook(hook) for part in parts]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def by_rollout(blocks: Blocks, _gradients: Blocks) -> torch.Tensor:
    """Return how much of each token reaches each other one: half of it stays in every block."""
    import torch

    total = torch.eye(blocks[0].shape[-1])
    for block in blocks:
        mixed = 0.5 * block.detach()[0].float().cpu().mean(0) + 0.5 * torch.eye(block.shape[-1])
        total = (mixed / mixed.sum(-1, keepdim=True)) @ total
    return total


def by_relevance(blocks: Blocks, gradients: Blocks) -> torch.Tensor:
    """Return the relevance of each token for each other one, by attention that raises the score."""
    import torch

    total = torch.eye(blocks[0].shape[-1])
    for block, gradient in zip(blocks, gradients, strict=True):
        raised = torch.relu(block.detach()[0] * gradient[0]).float().cpu().mean(0)
        total = total + raised @ total
    return total


@dataclass(frozen=True)
class Attention:
    """One of the methods above."""

    name: str
    plain_title: str
    relate: Relate
    needs_gradient: bool = False
    remark: str = ""
    settings: tuple[Setting, ...] = field(default=())
    reads_layer: bool = False

    def title(self, task: str) -> str:  # noqa: ARG002 - the door of every method
        """Return the name people know it by."""
        return self.plain_title

    def applies_to(self, task: str) -> bool:
        """Tell that classifiers can be explained: a segmenter's decoder is no attention."""
        return task == "classification"

    def availability(self) -> Availability:
        """Return whether torch is there."""
        return needs(("torch",))

    def passes(self, question: Question) -> float:  # noqa: ARG002 - the door of every method
        """Return one pass, and one back where gradients are wanted."""
        return GRADIENT_PASS if self.needs_gradient else 1.0

    def attribute(self, question: Question, *, progress: Progress) -> Attribution:
        """Compute the map in one pass; the network is left as it was."""
        import torch

        module, asking = question.network.module, Asking(question, progress, 1.0)
        with undisturbed(module), _watched(module) as blocks, torch.inference_mode(False), torch.enable_grad():
            logits = asking.logits(question.inputs.clone().requires_grad_())
            if not blocks or any(one.ndim != 4 or one.shape[-1] != one.shape[-2] for one in blocks):
                raise Refused("The network has no attention over the whole image to show.", remedy=_ANOTHER)
            gradients: Blocks = []
            if self.needs_gradient:
                gradients = list(torch.autograd.grad(question.score(logits).sum(), blocks))
        values = _patches(self.relate(blocks, gradients), question, module)
        return Attribution(
            values=map_of(values),
            layout=layout_of_patches(tuple(question.inputs.shape[2:]), tuple(values.shape)),
            outputs=outputs_of(logits),
            parameters={"score": question.score_name if self.needs_gradient else "none", "blocks": len(blocks)},
        )


def _patches(relation: torch.Tensor, question: Question, module: nn.Module) -> torch.Tensor:
    """Return the value of each patch (*cells): as the class token sees it, else as all patches together do."""
    cells = demand_patches(module, tuple(question.inputs.shape[2:]), relation.shape[-1])
    seen = relation[0, 1:] if relation.shape[-1] > math.prod(cells) else relation.mean(0)
    return seen.reshape(cells)


ATTENTION = (
    Attention("attentionrollout", "Attention rollout", by_rollout, remark=CLASSLESS),
    Attention("relevance", "Transformer relevance", by_relevance, needs_gradient=True),
)
