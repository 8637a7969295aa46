"""What a network makes of an input, told from shapes alone: nothing is computed and no memory is taken."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

BUILDER = "medassist.inference.bundle"


def ghost_of(module: nn.Module) -> nn.Module:
    """Return a copy of a network whose weights are shapes without values (torch's meta device).

    A copy, because `torch.func.functional_call` leaves its weights behind in a network that holds one layer under two
    names, as MONAI's DynUNet does.
    """
    import torch
    from torch import nn

    ghosts: dict[int, object] = {}
    for one in (*module.parameters(), *module.buffers()):
        empty = torch.empty_like(one, device="meta", requires_grad=False)
        ghosts[id(one)] = nn.Parameter(empty, requires_grad=False) if isinstance(one, nn.Parameter) else empty
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of how it copies its own exported programs
        ghost = copy.deepcopy(module, ghosts)
    for layer in ghost.modules():
        _without_observers(layer._forward_pre_hooks)
        _without_observers(layer._forward_hooks)
    return ghost


def _without_observers(hooks: dict[int, Any]) -> None:
    """Drop the hooks of those who watch a network; those with which a bundle is built are part of it."""
    for key in [key for key, hook in hooks.items() if getattr(hook, "__module__", "") != BUILDER]:
        del hooks[key]


def answer_on_meta(ghost: nn.Module, shape: tuple[int, ...]) -> torch.Tensor | None:
    """Return the answer of a ghost to an input of `shape` (N, C, …), None when it takes no such input."""
    import torch

    try:
        with torch.inference_mode():
            answer = ghost(torch.empty(shape, device="meta"))
    except Exception:  # whatever a network says to a shape it cannot take, or to tensors without values
        return None
    return answer if isinstance(answer, torch.Tensor) else None


def keeps_shape(module: nn.Module, shape: tuple[int, ...]) -> bool:
    """Tell whether the network answers every voxel of an input of `shape` (N, C, …)."""
    answer = answer_on_meta(ghost_of(module), shape)
    return answer is not None and tuple(answer.shape[2:]) == tuple(shape[2:])
