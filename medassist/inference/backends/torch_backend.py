"""torch: the reference, and the only backend that explanations use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medassist.inference.backends.protocol import Backend
from medassist.inference.embedding import watched
from medassist.inference.network import LoadedNetwork

if TYPE_CHECKING:
    import torch
    from torch import nn


def torch_backend(network: LoadedNetwork, precision: str = "f32") -> Backend:
    """Return the network as it is, or with half precision where autocast knows it to be safe ("f16", "bf16")."""
    spec = network.package.suitability.embedding
    forward: Any = network.module
    watch: Any = None if spec is None else watched(network.module, spec)
    if precision != "f32":
        forward, watch = _halved(forward, precision), None if watch is None else _halved(watch, precision)
    return Backend("torch", network.device, precision, forward, watch=watch)


def _halved(module: nn.Module, precision: str) -> Any:
    def run(windows: torch.Tensor) -> Any:
        import torch

        dtype = torch.float16 if precision == "f16" else torch.bfloat16
        with torch.autocast(windows.device.type, dtype):
            return module(windows)

    return run
