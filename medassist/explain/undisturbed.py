"""Touch a network and leave it as it was found, whatever happens in between."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


@contextlib.contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Run the block with the network in eval mode and its parameters out of the graph; restore both afterwards.

    Frozen parameters collect no `.grad` and keep the graph small. Hold the network's lock around it.
    """
    training = [(part, part.training) for part in module.modules()]
    wanted = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    try:
        module.eval()
        for parameter, _ in wanted:
            parameter.requires_grad_(False)
        yield
    finally:
        for part, was in training:
            part.training = was
        for parameter, was in wanted:
            parameter.requires_grad_(was)


@dataclass(eq=False)
class Kept:
    """What a layer wrote in the last forward pass; None before one, or when it wrote no tensor."""

    activation: torch.Tensor | None = None


@contextlib.contextmanager
def kept_activation(layer: nn.Module) -> Iterator[Kept]:
    """Keep the layer's output as the leaf of a new graph: only what follows the layer is recorded.

    The network goes on with a copy, because an in-place ReLU may follow and would overwrite what was kept. A layer
    that runs twice in a pass is kept at its last call.
    """
    kept = Kept()

    def hook(_module: nn.Module, _inputs: object, output: object) -> object:
        import torch

        kept.activation = None
        if not isinstance(output, torch.Tensor):
            return output
        kept.activation = output.detach().requires_grad_()
        return kept.activation.clone()

    handle = layer.register_forward_hook(hook)
    try:
        yield kept
    finally:
        handle.remove()
