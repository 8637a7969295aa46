"""What a model said about one series, with the identity of the model and of the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from medassist.entities.geometry import Geometry
from medassist.entities.prompt import Prompt


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
    says where the threshold came from and what sensitivity and specificity it had there.
    """

    label: str
    probability: float
    threshold: float
    calibrated: bool = False
    code: Code | None = None
    title_zh: str = ""
    operating_point: str = ""

    @property
    def positive(self) -> bool:
        """Whether the score reaches its operating point."""
        return self.probability >= self.threshold


@dataclass(frozen=True)
class Segment:
    """One label of a mask: its voxel value, name, code and colour (RGB, 0..255)."""

    value: int
    label: str
    code: Code | None = None
    color: tuple[int, int, int] = (255, 200, 0)
    title_zh: str = ""
    category: Code | None = None
    modifier: Code | None = None


@dataclass(frozen=True, eq=False)
class Mask:
    """A label map on the grid of the series it was computed from.

    `labels_zyx` is uint8 (slice, row, column), 0 is background; `geometry` must equal the series' grid.
    """

    labels_zyx: NDArray[np.uint8]
    geometry: Geometry
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        """Refuse labels that do not fit the grid (ValueError) and freeze them."""
        if self.labels_zyx.shape != self.geometry.shape_zyx:
            raise ValueError(f"labels {self.labels_zyx.shape} do not fit the grid {self.geometry.shape_zyx}")
        self.labels_zyx.setflags(write=False)

    def voxels(self, segment: Segment) -> int:
        """Count the voxels of one segment."""
        return int(np.count_nonzero(self.labels_zyx == segment.value))

    def volume_ml(self, segment: Segment) -> float:
        """Return the volume of one segment in millilitres."""
        return self.voxels(segment) * self.geometry.voxel_volume_ml


@dataclass(frozen=True, eq=False)
class Prediction:
    """One run of one model on one series.

    `started` is the local ISO time at which the run began. `device` is the torch name ("cpu", "cuda:0").
    `timings_s` has the keys read, prepare, infer; `override_reason` is what the reader typed to run in
    spite of a failed check. `prompt` says how a region was drawn, None for a model that ran by itself.
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
    notes: tuple[str, ...] = ()
    prompt: Prompt | None = None
