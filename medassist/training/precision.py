"""Mixed precision by device: bfloat16 where the hardware has it, float16 with scaled gradients where it has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medassist.training.place import Place

if TYPE_CHECKING:
    import torch


def half(precision: str, place: Place) -> torch.dtype | None:
    """Return the short type to compute in, None for float32 throughout.

    "bfloat16" of a recipe means mixed precision: CUDA devices before Ampere and macOS before 14 have no bfloat16
    and take float16, whose small gradients need a scale.
    """
    import torch

    if precision == "float32":
        return None
    if place.kind == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    if place.kind == "mps" and not torch.backends.mps.is_macos_or_newer(14, 0):
        return torch.float16
    return torch.bfloat16


def autocast(short: torch.dtype | None, place: Place) -> torch.autocast:
    """Return the context in which the network is run."""
    import torch

    return torch.autocast(place.kind, short or torch.bfloat16, enabled=short is not None)


def scaler(short: torch.dtype | None, place: Place) -> torch.amp.GradScaler:
    """Return the scale of the gradients; it does nothing where the type needs none."""
    import torch

    return torch.amp.GradScaler(place.kind, enabled=short is torch.float16)
