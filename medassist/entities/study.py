"""Patient, study and series as headers tell them, before any pixel is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

CHARSETS = ("UTF-8", "GB18030", "ISO 8859-1")
"""Character sets a person may choose where the one a file declares is wrong."""


class SeriesKind(Enum):
    """What can be done with a series."""

    VOLUME = "volume"  # regular stack of slices: three planes, models, volumetry
    STACK = "stack"  # slices that form no regular grid: one plane, no volumetry
    FILM = "film"  # single projection images: CR, DX, MG, a photograph
    OTHER = "other"  # SEG, SR, RTSTRUCT, PDF and whatever has no picture to show


@dataclass(frozen=True)
class Patient:
    """Who was examined, as the header says; "" is unknown. Never log this."""

    name: str = ""
    patient_id: str = ""
    birth_date: str = ""
    sex: str = ""
    age: str = ""


@dataclass(frozen=True)
class FrameRef:
    """One picture on disk: a file and, inside a multi-frame file, its frame (0-based)."""

    path: Path
    frame: int = 0
    sop_instance_uid: str = ""


@dataclass(frozen=True)
class Warned:
    """Something a reader must know about a series: an English template and the values that fill it.

    A value may be another `Warned`: a face translates it as well.
    """

    message: str
    values: tuple[tuple[str, object], ...] = ()

    def text(self) -> str:
        """Return the warning in English."""
        return self.message.format(**dict(self.values))

    __str__ = text


def warned(message: str, **values: object) -> Warned:
    """Build a `Warned` from a template and its values."""
    return Warned(message, tuple(values.items()))


@dataclass(frozen=True)
class Series:
    """One series, or one part of it when a series had to be split (`part` says why).

    Attributes:
        key: unique in the session and stable between runs: the SeriesInstanceUID or file, plus the part.
        frames: in display order; position along the normal first, then time (`times` frames per position).
        shape_zyx: slices, rows, columns of one time point (0 slices when nothing can be shown).
        patient_orientation: letters of (0020,0020), where columns and rows lead: ("L", "F") for a frontal film
            seen as if facing the patient. All a film knows of its sides; () when the header does not tell.
        laterality: "L", "R" or "B", "" where the header does not tell or the pictures are of either side.
        sides: of every frame, where they are not all of the same side; else ().
        lossy: how much smaller the pixels were made with loss (0 where nobody says), None without loss.
        times_by: what tells the time points apart ("b-value", "trigger time", …), "" when there is only one.
        time_labels: what each time point is ("b = 1000 s/mm²"), () when nothing tells; of a part its own alone.
        part_of: key of the series this one is a time point of (see `entities.parts`), "" for a series in its own right.
        charset: what a person chose to read its texts as, "" to believe the file.
        frame_times_ms: when each frame of a cine was taken, after the first one; () when nobody says.
        slice_times_s: when each slice was taken within one time point (s), () when the header does not say.
        irregularity: why the slices form no regular grid ("" when they do); names files and gaps.
        format: "DICOM", "NIfTI", "NRRD", "MetaImage" or "picture".
        object_kind: what an object without pictures is, in English: "segmentation", "structured report", …
        raw: the slices as stored, when this series is made of them by interpolation (gantry tilt, resampling).
    """

    key: str
    kind: SeriesKind
    frames: tuple[FrameRef, ...] = field(repr=False)
    format: str = "DICOM"
    series_uid: str = ""
    study_uid: str = ""
    sop_class_uid: str = ""
    number: int | None = None
    description: str = ""
    part: str = ""
    modality: str = ""
    body_part: str = ""
    view_position: str = ""
    laterality: str = ""
    sides: tuple[str, ...] = ()
    lossy: float | None = None
    photometric: str = ""
    patient_orientation: tuple[str, ...] = ()
    acquisition_date: str = ""
    shape_zyx: tuple[int, int, int] = (0, 0, 0)
    times: int = 1
    frame_times_ms: tuple[float, ...] = field(default=(), repr=False)
    charset: str = ""
    times_by: str = ""
    time_labels: tuple[Warned, ...] = field(default=(), repr=False)
    part_of: str = ""
    slice_times_s: tuple[float, ...] = ()
    irregularity: str = ""
    referenced_series_uids: tuple[str, ...] = ()
    object_kind: str = ""
    warnings: tuple[Warned, ...] = ()
    raw: Series | None = field(default=None, repr=False)

    @property
    def title(self) -> str:
        """Short name for lists: number, description and part."""
        number = "" if self.number is None else f"{self.number} "
        return " · ".join(text for text in (f"{number}{self.description}".strip(), self.part) if text) or self.modality


@dataclass(frozen=True)
class Study:
    """One examination of one patient."""

    study_uid: str
    patient: Patient = field(default_factory=Patient)
    date: str = ""
    time: str = ""
    description: str = ""
    accession: str = ""
    series: tuple[Series, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """A file that was looked at and not understood, with the reason (an English sentence)."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Scan:
    """Everything found under one path."""

    source: Path
    studies: tuple[Study, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def all_series(self) -> tuple[Series, ...]:
        """Return the series of all studies in order."""
        return tuple(series for study in self.studies for series in study.series)

    def study_of(self, series: Series) -> Study:
        """Return the study that holds `series`, or what it is a part of (KeyError when none does)."""
        for study in self.studies:
            if any(mine.key in (series.key, series.part_of) for mine in study.series):
                return study
        raise KeyError(series.key)
