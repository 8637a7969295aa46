"""Run a network over an image in overlapping windows, stopping between two windows when asked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from medassist.entities.errors import Refused
from medassist.inference.bundle import Inferer
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch
    from torch import nn

STAGE = "Running the model"
DEFAULT_OVERLAP = 0.25


def run_network(
    module: nn.Module, image: torch.Tensor, inferer: Inferer, device: str, *, progress: Progress
) -> torch.Tensor:
    """Return the logits of `image` (1, C, …) on the CPU.

    Windows are blended as the bundle says (MONAI's SlidingWindowInferer, Gaussian weights unless it names another
    mode); `progress.step` is called before each batch of windows and raises Cancelled there.
    """
    import torch

    total = 1 if inferer.windows is None else count_batches(tuple(image.shape[2:]), inferer.windows)
    done = 0

    def predictor(windows: torch.Tensor) -> torch.Tensor:
        nonlocal done
        progress.step(STAGE, min(1.0, done / total))
        done += 1
        return _forward(module, windows)

    with torch.inference_mode():
        if inferer.windows is None:
            logits = predictor(image.to(device))
        else:
            from monai.inferers import SlidingWindowInferer

            options = {"mode": "gaussian", "overlap": DEFAULT_OVERLAP, **inferer.windows}
            logits = SlidingWindowInferer(**options, sw_device=device, device="cpu")(image, predictor)
        logits = logits.float().cpu()
    progress.step(STAGE, 1.0)
    return logits


def _forward(module: nn.Module, windows: torch.Tensor) -> torch.Tensor:
    """Run the network on one batch of windows (Refused when the image does not fit it, or the memory is too small)."""
    try:
        logits: torch.Tensor = module(windows)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        raise Refused(
            "The network cannot run on an input of {shape}: {reason}",
            shape=" x ".join(map(str, windows.shape)),
            reason=str(error).strip().splitlines()[0][:300],
        ) from error
    return logits


def count_batches(image_size: tuple[int, ...], options: dict[str, Any]) -> int:
    """Return how often MONAI's sliding window will call the network on an image of `image_size`."""
    axes = len(image_size)
    wanted = _per_axis(options["roi_size"], axes)
    overlaps = _per_axis(options.get("overlap", DEFAULT_OVERLAP), axes)
    windows = 1
    for size, roi, overlap in zip(image_size, wanted, overlaps, strict=True):
        window = int(roi) if roi and roi > 0 else size
        padded = max(size, window)
        interval = window if window == padded else max(1, int(window * (1 - overlap)))
        windows *= math.ceil((padded - window) / interval) + 1
    return math.ceil(windows / int(options.get("sw_batch_size", 1)))


def _per_axis(value: Any, axes: int) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value] * axes
