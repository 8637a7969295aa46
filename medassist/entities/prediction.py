"""What a model said about one series, with the identity of the model and of the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.instances import Instances
from medassist.entities.manifest import RunManifest
from medassist.entities.operating import OperatingCurve
from medassist.entities.probabilities import Probabilities
from medassist.entities.prompt import Prompt
from medassist.entities.study import Warned

if TYPE_CHECKING:
    from medassist.entities.edit import Edit
    from medassist.entities.heatmap import Heatmap

MOST_OVERLAPPING = 8
"""How many labels a voxel of eight bits can hold at once."""


@dataclass(frozen=True)
class Code:
    """A coded concept, the triple of DICOM PS3.3 section 8: value, scheme designator, meaning."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class ModelRef:
    """Which model spoke: enough to find the same weights again."""

    name: str
    version: str
    sha256: str
    title: str = ""
    title_zh: str = ""


NO_MODEL = ModelRef("", "", "")
"""Stands where a reader drew everything by hand: no model spoke."""


class Verdict(Enum):
    """Outcome of one suitability check; UNKNOWN means that the input cannot tell."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    UNKNOWN = "unknown"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One row of the suitability table: what the model demands, what the input has, and the verdict."""

    name: str
    demanded: str
    found: str
    verdict: Verdict


@dataclass(frozen=True)
class ClassScore:
    """Score of one class at its operating point.

    `probability` lies in 0..1; `calibrated` tells whether it may be read as a probability or is only an
    output score. `positive` is `probability >= threshold`. `operating_point` is an English sentence that
    says where the threshold came from and what sensitivity and specificity it had there. `curve` tells what any
    threshold catches and misses, None for a package without calibration cases. `spread` is the standard deviation of
    the probability over the views it is the mean of, None where the image was looked at as it is only. Of classes that
    are `exclusive` one at most is positive: `threshold` is then what it takes to be that one on this very image.
    """

    label: str
    probability: float
    threshold: float
    calibrated: bool = False
    code: Code | None = None
    title_zh: str = ""
    operating_point: str = ""
    spread: float | None = None
    category: Code | None = None
    exclusive: bool = False
    curve: OperatingCurve | None = field(default=None, compare=False, repr=False)

    @property
    def positive(self) -> bool:
        """Whether the score reaches its operating point."""
        return self.probability >= self.threshold


@dataclass(frozen=True)
class Segment:
    """One label of a mask: its voxel value, name, codes and colour (RGB, 0..255); `laterality` is its side, if any."""

    value: int
    label: str
    code: Code | None = None
    color: tuple[int, int, int] = (255, 200, 0)
    title_zh: str = ""
    category: Code | None = None
    modifier: Code | None = None
    laterality: Code | None = None


@dataclass(frozen=True, eq=False)
class Mask:
    """A label map on the grid of the series it was computed from.

    `labels_zyx` is uint8 (slice, row, column), 0 is background; `geometry` must equal the series' grid. Where labels
    are `overlapping`, a voxel holds one bit per label: bit 0 for the segment of value 1, bit 1 for value 2, up to 8.
    `instances` tells the objects of the one segment from each other, where a model does so.
    """

    labels_zyx: NDArray[np.uint8]
    geometry: Geometry
    segments: tuple[Segment, ...]
    overlapping: bool = False
    instances: Instances | None = None

    def __post_init__(self) -> None:
        """Refuse labels that do not fit the grid, or a voxel (ValueError), and freeze them."""
        if self.labels_zyx.shape != self.geometry.shape_zyx:
            raise ValueError(f"labels {self.labels_zyx.shape} do not fit the grid {self.geometry.shape_zyx}")
        if self.overlapping and any(not 1 <= one.value <= MOST_OVERLAPPING for one in self.segments):
            raise ValueError(f"overlapping labels have the values 1 to {MOST_OVERLAPPING}")
        if self.instances is not None and self.instances.labels_zyx.shape != self.labels_zyx.shape:
            raise ValueError(f"objects {self.instances.labels_zyx.shape} do not fit a mask {self.labels_zyx.shape}")
        self.labels_zyx.setflags(write=False)

    def voxels(self, segment: Segment) -> int:
        """Count the voxels of one segment."""
        return int(np.count_nonzero(self.region(segment)))

    def region(self, segment: Segment, labels: NDArray[np.uint8] | None = None) -> NDArray[np.bool_]:
        """Tell which voxels belong to one segment, of the whole mask or of a part of it cut out before."""
        part = self.labels_zyx if labels is None else labels
        value = 1 << (segment.value - 1) if self.overlapping else segment.value
        inside: NDArray[np.bool_] = (part & np.uint8(value)) != 0 if self.overlapping else part == value
        return inside

    def at(self, value: int) -> tuple[Segment, ...]:
        """Return the segments of a voxel with this stored value."""
        if not self.overlapping:
            return tuple(one for one in self.segments if one.value == value)
        return tuple(one for one in self.segments if value >> (one.value - 1) & 1)

    def colors(self) -> dict[int, tuple[int, int, int]]:
        """Return the colour of each stored value; where labels overlap, that of the smallest, which lies on top."""
        if not self.overlapping:
            return {one.value: one.color for one in self.segments}
        sizes = {one.value: self.voxels(one) for one in self.segments}
        on_top = {value: min(self.at(value), key=lambda one: sizes[one.value], default=None) for value in range(256)}
        return {value: one.color for value, one in on_top.items() if one is not None}

    def volume_ml(self, segment: Segment) -> float:
        """Return the volume of one segment in millilitres."""
        return self.voxels(segment) * self.geometry.voxel_volume_ml


@dataclass(frozen=True, eq=False)
class Prediction:
    """One run of one model on one series.

    `started` is the local ISO time at which the run began. `device` is the torch name ("cpu", "cuda:0").
    `timings_s` has the keys read, prepare, infer; `override_reason` is what the reader typed to run in
    spite of a failed check. `prompt` says how a region was drawn, None for a model that ran by itself.
    `manifest` says how it was computed; `uncertainty` is how undecided the model is about each voxel of the mask, where
    that was asked for; `spread` is how far the mirrored views disagree there, where both were. `probabilities` are
    those of the labels of the model's own mask, where they were asked for. `edit` tells that a reader changed the mask
    by hand. A mask of a reader alone has `NO_MODEL`, and an `edit` that tells whose it is.
    """

    model: ModelRef
    series_key: str
    started: str
    device: str
    checks: tuple[Check, ...] = ()
    scores: tuple[ClassScore, ...] = ()
    mask: Mask | None = None
    timings_s: Mapping[str, float] = field(default_factory=dict)
    override_reason: str = ""
    notes: tuple[str | Warned, ...] = ()
    prompt: Prompt | None = None
    manifest: RunManifest = field(default_factory=RunManifest)
    uncertainty: Heatmap | None = None
    spread: Heatmap | None = None
    edit: Edit | None = None
    probabilities: Probabilities | None = None

    @property
    def by_hand(self) -> bool:
        """Whether no model had a part in it: a reader drew it, or took it over from a file."""
        return self.model == NO_MODEL

    @property
    def ran_alone(self) -> bool:
        """Whether a model answered by itself, without anything a reader drew."""
        return self.prompt is None and not self.by_hand

    @property
    def model_mask(self) -> Mask | None:
        """The mask before anybody changed it by hand: what maps, probes and checks of the model are about."""
        return self.mask if self.edit is None else self.edit.original

    def is_drawn(self, value: int) -> bool:
        """Tell whether a reader drew this segment from nothing: the mask that was edited did not have it."""
        if self.edit is None:
            return self.by_hand
        return value not in {one.value for one in self.edit.original.segments}

    def claimed_by(self, value: int) -> ModelRef | None:
        """Return the model that claims a segment, None where a reader drew it: the `model` of its finding."""
        return None if self.by_hand or self.is_drawn(value) else self.model

    @property
    def instances(self) -> Instances | None:
        """The objects of its mask one by one, where the model tells them apart."""
        return None if self.mask is None else self.mask.instances
