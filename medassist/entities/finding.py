"""A claim about the patient, its evidence, where it came from, and what the reader made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from medassist.entities.component import Component
from medassist.entities.diameters import Diameters
from medassist.entities.operating import OperatingCurve
from medassist.entities.prediction import Code, ModelRef
from medassist.entities.probe import Probe


class Judgement(Enum):
    """What the reader said; UNREVIEWED until then."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"
    DEFERRED = "deferred"


@dataclass(frozen=True)
class Finding:
    """One row of the findings list.

    Attributes:
        tracking_uid: DICOM UID that ties the SR group, the SEG segment and the map together.
        label, code: what is claimed. `present` is False for a class below its operating point.
        laterality: the side of what is claimed, None where it has none.
        probability, threshold, calibrated: for classifier claims, else None.
        exclusive: whether it is one of several classes of which one at most is called.
        spread: standard deviation of the probability over views of the image, None where there was one view.
        package_threshold: the threshold of the package, where the reader set another; else None.
        curve: what any threshold catches and misses, None where the package does not know.
        prevalence: share (0..1) of the reader's patients who have what is claimed, None until the reader says.
        volume_ml, segment_value: for segmenter claims, else None.
        center_lps: where to look (mm), None for whole-image claims; `key_slice` is its slice index.
        diameters: longest axis in a slice as stored and the one across it, in mm; None where they mean nothing.
        measurements: further numbers with their unit in the name, e.g. {"mean_value": 41.2}.
        model: who claims it, None for a finding of the reader.
        judgement, judged_by, judged_at, comment: the reader's verdict.
        counter_evidence: probes of the image that a reader kept, oldest first.
        slices: first and last slice that a segment reaches, both inside.
        components: the connected pieces of a segment, the largest first; () where it is one piece.
        component: which piece of its segment this finding is about, None for all of it; 0 stands for the many small
            ones together that are not told one by one.
        measurement_uid: the reader's measurement it was made of, "" for none.
        by, made_at: the reader who claims it, and when (local ISO time); "" for what a model claims.
        edited_by: who changed the mask, the label or the figures of what a model claimed, "" when nobody did.
        read_from: the file it was read from, by who made that, "" for what was claimed in this program.
        original_label: what the model called it, where a reader gave it another name; "" else.
    """

    tracking_uid: str
    label: str
    series_key: str
    code: Code | None = None
    title_zh: str = ""
    category: Code | None = None
    modifier: Code | None = None
    laterality: Code | None = None
    present: bool = True
    probability: float | None = None
    threshold: float | None = None
    calibrated: bool = False
    operating_point: str = ""
    exclusive: bool = False
    spread: float | None = None
    package_threshold: float | None = None
    curve: OperatingCurve | None = field(default=None, compare=False, repr=False)
    prevalence: float | None = None
    volume_ml: float | None = None
    segment_value: int | None = None
    center_lps: tuple[float, float, float] | None = None
    key_slice: int | None = None
    diameters: Diameters | None = None
    measurements: Mapping[str, float] = field(default_factory=dict)
    model: ModelRef | None = None
    judgement: Judgement = Judgement.UNREVIEWED
    judged_by: str = ""
    judged_at: str = ""
    comment: str = ""
    counter_evidence: tuple[Probe, ...] = field(default=(), repr=False)
    slices: tuple[int, int] | None = None
    components: tuple[Component, ...] = field(default=(), repr=False)
    component: int | None = None
    measurement_uid: str = ""
    by: str = ""
    made_at: str = ""
    edited_by: str = ""
    original_label: str = ""
    read_from: str = ""

    @property
    def target(self) -> str:
        """The name its model knows it by, whatever a reader calls it: maps, probes and thresholds are about that."""
        return self.original_label or self.label

    @property
    def own_threshold(self) -> float | None:
        """The threshold of the package, whatever the reader set."""
        return self.threshold if self.package_threshold is None else self.package_threshold
