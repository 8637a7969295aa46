"""What a network makes of an input, told from shapes alone: nothing is computed and no memory is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


def answer_on_meta(module: nn.Module, shape: tuple[int, ...]) -> torch.Tensor | None:
    """Return the answer to an input of `shape` (N, C, …) on torch's meta device, None when it takes no such input."""
    import torch

    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    ghosts = {name: torch.empty_like(one, device="meta") for name, one in tensors.items()}
    try:
        with torch.no_grad():
            answer = torch.func.functional_call(module, ghosts, (torch.empty(shape, device="meta"),))
    except Exception:  # whatever a network says to a shape it cannot take, or to tensors without values
        return None
    return answer if isinstance(answer, torch.Tensor) else None


def keeps_shape(module: nn.Module, shape: tuple[int, ...]) -> bool:
    """Tell whether the network answers every voxel of an input of `shape` (N, C, …)."""
    answer = answer_on_meta(module, shape)
    return answer is not None and tuple(answer.shape[2:]) == tuple(shape[2:])
