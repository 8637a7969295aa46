"""What every backend is to the engine: something that turns windows into logits, and says what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from medassist.inference.windows import Forward

if TYPE_CHECKING:
    import torch

Watch: TypeAlias = "Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]"
"""A network on its device: windows (N, C, …) to logits (N, K, …) and features (N, channels)."""

BACKENDS = ("auto", "torch", "openvino")


@dataclass(frozen=True, eq=False)
class Backend:
    """A network ready to run on windows of one shape or more.

    Attributes:
        name: "torch" or "openvino".
        device: torch name of where windows are to lie.
        precision: "f32", "bf16", "f16" or "int8": of the sums inside; logits are float32.
        forward: windows (N, C, …) to logits (N, K, …).
        parity: largest difference of a logit to torch in f32 on one window of noise (of a package's own program, on the
            windows it was measured on), as a share of the largest logit; None for the reference itself.
        watch: the same network with the features by which the package knows its kind of image; None where it has none.
    """

    name: str
    device: str
    precision: str
    forward: Forward
    parity: float | None = None
    watch: Watch | None = None


class Unsupported(Exception):
    """A backend cannot run a network, or not faithfully; the text says why. The engine then takes another one."""
