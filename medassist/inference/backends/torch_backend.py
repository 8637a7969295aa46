"""torch: the reference, and the only backend that explanations use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medassist.inference.backends.protocol import Backend
from medassist.inference.network import LoadedNetwork

if TYPE_CHECKING:
    import torch


def torch_backend(network: LoadedNetwork, precision: str = "f32") -> Backend:
    """Return the network as it is, or with half precision where autocast knows it to be safe ("f16", "bf16")."""
    if precision == "f32":
        return Backend("torch", network.device, "f32", network.module)

    def forward(windows: torch.Tensor) -> torch.Tensor:
        import torch

        dtype = torch.float16 if precision == "f16" else torch.bfloat16
        with torch.autocast(windows.device.type, dtype):
            answer: torch.Tensor = network.module(windows)
        return answer

    return Backend("torch", network.device, precision, forward)
