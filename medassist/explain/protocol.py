"""What an explanation method is asked, what it answers, and what every method must offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from medassist.plugins import Availability
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

    from medassist.inference.network import LoadedNetwork


@dataclass(frozen=True, eq=False)
class Question:
    """Why does `network` give this output on this input?

    Attributes:
        inputs: (1, C, *spatial) float32 on the CPU, of the size the network is run with.
        output: index of the class (a classifier's output, a segmenter's channel).
        region: bool (*spatial), the voxels whose class scores are explained; None for a classifier.
    """

    network: LoadedNetwork
    inputs: torch.Tensor
    output: int
    region: torch.Tensor | None = None


@dataclass(frozen=True)
class Layout:
    """Where the cells of a map lie on the input: the centre of cell c is `first + c * step`, in input voxels.

    One value per axis of the input. `followed` is False when the layers between input and map could not be
    followed and the cells were taken to divide the input evenly.
    """

    first: tuple[float, ...]
    step: tuple[float, ...]
    followed: bool = True


@dataclass(frozen=True, eq=False)
class Attribution:
    """A map as computed, in the axes of the input.

    Attributes:
        values: float32 (*cells), not scaled.
        layout: where the cells lie.
        outputs: (K, *spatial or nothing) float32, the network's logits in the same pass.
        layer: the module the map was read at, "" for methods on the input itself.
        parameters: what the method was run with, for the passport.
    """

    values: NDArray[np.float32]
    layout: Layout
    outputs: NDArray[np.float32]
    layer: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)


class Explainer(Protocol):
    """One method. Implementations leave the network as it was, also after an exception or Cancelled."""

    @property
    def name(self) -> str:
        """The word the command line and the packages use, e.g. "gradcam"."""

    def title(self, task: str) -> str:
        """Return the name people know it by, for that task."""

    def applies_to(self, task: str) -> bool:
        """Tell whether it can explain "classification" or "segmentation"."""

    def availability(self) -> Availability:
        """Return why it cannot run here, if so."""

    def attribute(self, question: Question, *, progress: Progress) -> Attribution:
        """Compute the map; the caller holds the network's lock (Refused when the network does not allow it)."""
