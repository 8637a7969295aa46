"""What an explanation method is asked, what it answers, and what every method must offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from medassist.explain.scores import Score, class_score, region_score
from medassist.plugins import Availability
from medassist.progress import Progress

if TYPE_CHECKING:
    import torch

    from medassist.inference.network import LoadedNetwork


@dataclass(frozen=True)
class Setting:
    """A number a reader may choose for a method.

    Attributes:
        name: the word of the command line and of the passport.
        title: what it means, in English.
        default: what is taken unless somebody chooses.
        low: the smallest value that makes sense.
        high: the largest one.
        whole: whether it counts something.
    """

    name: str
    title: str
    default: float
    low: float
    high: float
    whole: bool = True


@dataclass(frozen=True, eq=False)
class Question:
    """Why does `network` give this output on this input?

    Attributes:
        inputs: (1, C, *spatial) float32 on the CPU, of the size the network is run with.
        output: index of the class (a classifier's output, a segmenter's channel).
        region: bool (*spatial), the voxels whose class scores are explained; None for a classifier.
        against: index of the class it is compared with ("why A and not B"), None for the class alone.
        layer: the layer to read instead of the one the package names, "" for that one.
        settings: by name of a `Setting`; what is missing has its default.
    """

    network: LoadedNetwork
    inputs: torch.Tensor
    output: int
    region: torch.Tensor | None = None
    against: int | None = None
    layer: str = ""
    settings: Mapping[str, float] = field(default_factory=dict)

    @property
    def score(self) -> Score:
        """What is explained: one number for each image of a batch."""
        if self.region is None:
            return class_score(self.output, self.against)
        return region_score(self.output, self.region, self.against)

    @property
    def score_name(self) -> str:
        """What the score is, for the passport."""
        one = "logit" if self.region is None else "sum of the logits over the region"
        return one if self.against is None else f"difference of the two classes: {one}"

    def number(self, setting: Setting) -> float:
        """Return the value of a setting, inside its range."""
        return min(max(float(self.settings.get(setting.name, setting.default)), setting.low), setting.high)

    def count(self, setting: Setting) -> int:
        """Return the value of a setting that counts something."""
        return round(self.number(setting))


@dataclass(frozen=True)
class Layout:
    """Where the cells of a map lie on the input: the centre of cell c is `first + c * step`, in input voxels.

    One value per axis of the input. `followed` is False when the layers between input and map could not be
    followed and the cells were taken to divide the input evenly.
    """

    first: tuple[float, ...]
    step: tuple[float, ...]
    followed: bool = True

    @classmethod
    def of_input(cls, axes: int) -> Layout:
        """Return the layout of a map with one cell per voxel of the input."""
        return cls((0.0,) * axes, (1.0,) * axes)


@dataclass(frozen=True, eq=False)
class Attribution:
    """A map as computed, in the axes of the input.

    Attributes:
        values: float32 (*cells), not scaled.
        layout: where the cells lie.
        outputs: (K, *spatial or nothing) float32, the network's logits in the same pass.
        layer: the module the map was read at, "" for methods on the input itself.
        parameters: what the method was run with, for the passport.
        signed: whether negative values mean something: evidence against the target.
        quality: what the method can tell of its own exactness, e.g. {"completeness_gap": 0.004}.
        passes: what it took, in forward passes; 0 when that is what was foretold.
    """

    values: NDArray[np.float32]
    layout: Layout
    outputs: NDArray[np.float32]
    layer: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    signed: bool = False
    quality: Mapping[str, float] = field(default_factory=dict)
    passes: float = 0.0


class Explainer(Protocol):
    """One method. Implementations leave the network as it was, also after an exception or Cancelled."""

    @property
    def name(self) -> str:
        """The word the command line and the packages use, e.g. "gradcam"."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What a reader may choose."""

    @property
    def reads_layer(self) -> bool:
        """Whether it reads a layer, which the package or the reader names."""

    @property
    def remark(self) -> str:
        """What a reader must know of every map it makes, an English sentence; "" for nothing."""

    def title(self, task: str) -> str:
        """Return the name people know it by, for that task."""

    def applies_to(self, task: str) -> bool:
        """Tell whether it can explain "classification" or "segmentation"."""

    def availability(self) -> Availability:
        """Return why it cannot run here, if so."""

    def passes(self, question: Question) -> float:
        """Return what it will cost, in forward passes of the network, before it is run."""

    def attribute(self, question: Question, *, progress: Progress) -> Attribution:
        """Compute the map; the caller holds the network's lock (Refused when the network does not allow it)."""
