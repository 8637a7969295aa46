"""The facts about every single picture of a file: where it lies, what it shows, how its values are scaled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydicom import Dataset

from medassist.entities.study import FrameRef
from medassist.entities.volume import Window
from medassist.imaging import tags
from medassist.imaging.clocks import clocks_of
from medassist.imaging.mosaic import Mosaic, mosaic_of
from medassist.imaging.quick_header import once
from medassist.imaging.voi import windows_of

Triple = tuple[float, ...]

_COMPONENTS = {
    "localizer": {"LOCALIZER"},
    "field map": {"FIELD_MAP", "FIELD MAP", "B0", "B0 MAP", "B0_MAP"},
    "ADC": {"ADC"},
    "phase": {"P", "PHASE", "PHASE MAP", "PHASE_MAP"},
    "real": {"R", "REAL"},
    "imaginary": {"I", "IMAGINARY"},
    "magnitude": {"M", "MAGNITUDE"},
}


_MOST_ASPECT = 20.0
"""A pixel that is longer is none of a picture."""
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_SLOPES = (1e-28, 1e28)
"""Sizes of a slope with which every stored value of 32 bits stays a number of float32 that differs from 0."""
_GE_COMPONENTS = ("magnitude", "phase", "real", "imaginary")


@dataclass(frozen=True)
class Frame:
    """One picture: a classic file, a frame of a multi-frame file, or a tile of a mosaic.

    Attributes:
        position, orientation: ImagePositionPatient and ImageOrientationPatient (LPS mm), None when unknown.
        spacing_mm: distance between rows and between columns, None when unknown; `spacing_tag` is its keyword.
        gap_mm, thickness_mm: SpacingBetweenSlices and SliceThickness.
        component: "magnitude", "phase", "field map", "localizer", … or "".
        clocks: what may order time points at one position, from the most to the least explicit.
        stack: StackID of an enhanced frame, "" for others.
        taken_ms: when the slice was taken after the start of its volume, None when unknown.
        slope, intercept: to modality values (PS3.3 C.11.1); `bad_slope` and `bad_intercept` when the header's were
            unusable, and 1 and 0 were taken.
        bad_orientation: when the header states an orientation that is none.
        aspect: how many times higher than wide a pixel is, for pictures of unknown spacing; 1 where nobody says.
    """

    path: Path
    index: int
    sop_uid: str
    rows: int
    columns: int
    samples: int
    position: Triple | None
    orientation: Triple | None
    spacing_mm: Triple | None
    spacing_tag: str
    gap_mm: float | None
    thickness_mm: float | None
    frame_of_reference: str
    component: str
    image_type: tuple[str, ...]
    echo: tuple[float | None, float | None]
    clocks: tuple[float | None, ...]
    slope: float
    intercept: float
    bad_slope: bool
    unit: str
    windows: tuple[Window, ...]
    taken_ms: float | None = None
    stack: str = ""
    bad_intercept: bool = False
    bad_orientation: bool = False
    aspect: float = 1.0

    @property
    def ref(self) -> FrameRef:
        """The picture as other rooms know it."""
        return FrameRef(self.path, self.index, self.sop_uid)

    @property
    def name(self) -> str:
        """File name, with the frame number when the file holds several."""
        return f"{self.path.name} #{self.index + 1}" if self.index else self.path.name

    @property
    def is_placed(self) -> bool:
        """Whether the picture has a place and a scale in the patient, not only on a detector or on nothing."""
        return self.position is not None and self.orientation is not None and self.spacing_tag == "PixelSpacing"


def frames_of(ds: Dataset, path: Path) -> list[Frame]:
    """Return the pictures of one file in stored order; `ds` needs all attributes when it is a mosaic."""
    mosaic, rows, columns, count = once(_build, (ds,))
    if mosaic is not None:
        layers = tags.layers_of(ds)
        origins = (tuple(float(value) for value in origin) for origin in mosaic.origins_lps)
        size = mosaic.rows, mosaic.columns
        tiles = [_frame(layers, path, tile, size, origin) for tile, origin in enumerate(origins)]
        times: tuple[float | None, ...] = mosaic.times_ms or (None,) * mosaic.count
        return [replace(tile, taken_ms=time) for tile, time in zip(tiles, times, strict=True)]
    size = rows, columns
    if count > 1 and tags.value_of((ds,), "PerFrameFunctionalGroupsSequence") is None:
        # Frames of a cine or a photograph album have no place of their own.
        return [_frame((ds,), path, index, size, None, placed=False) for index in range(count)]
    return [_frame(tags.layers_of(ds, index), path, index, size, None) for index in range(count)]


def _build(layers: tuple[Dataset, ...]) -> tuple[Mosaic | None, int, int, int]:
    """Return the mosaic, rows, columns and number of frames of a file."""
    rows, columns = tags.whole(layers, "Rows") or 0, tags.whole(layers, "Columns") or 0
    return mosaic_of(layers[0]), rows, columns, max(1, tags.whole(layers, "NumberOfFrames") or 1)


def _frame(
    layers: tuple[Dataset, ...],
    path: Path,
    index: int,
    size: tuple[int, int],
    position: Triple | None,
    *,
    placed: bool = True,
) -> Frame:
    shared = once(_shared_facts, layers) | once(_scale, layers)
    return Frame(
        path=path,
        index=index,
        sop_uid=tags.text(layers, "SOPInstanceUID"),
        rows=size[0],
        columns=size[1],
        position=(position or tags.numbers(layers, "ImagePositionPatient", 3)) if placed else None,
        clocks=clocks_of(layers, index),
        **(shared if placed else shared | {"orientation": None}),
    )


def _shared_facts(layers: tuple[Dataset, ...]) -> dict[str, Any]:
    """Return what the slices of a series mostly have in common."""
    spacing, spacing_tag = once(_spacing, layers)
    image_type = tags.texts(layers, "FrameType") or tags.texts(layers, "ImageType")
    orientation = once(_orientation, layers)
    return {
        "orientation": orientation,
        "aspect": once(_aspect, layers),
        "bad_orientation": orientation is None and bool(tags.value_of(layers, "ImageOrientationPatient")),
        "samples": tags.whole(layers, "SamplesPerPixel") or 1,
        "spacing_mm": spacing,
        "spacing_tag": spacing_tag,
        "gap_mm": tags.number(layers, "SpacingBetweenSlices"),
        "thickness_mm": tags.number(layers, "SliceThickness"),
        "frame_of_reference": tags.text(layers, "FrameOfReferenceUID"),
        "component": _component(layers, image_type),
        "image_type": image_type,
        "echo": (tags.number(layers, "EchoNumbers"), _echo_time(layers)),
        "unit": once(_unit, layers),
        "stack": tags.text(layers, "StackID") if len(layers) > 1 else "",
    }


def _scale(layers: tuple[Dataset, ...]) -> dict[str, Any]:
    """Return how stored values become modality values and grey, which PET and MR choose for each slice."""
    slope, intercept = tags.number(layers, "RescaleSlope"), tags.number(layers, "RescaleIntercept")
    if tags.value_of(layers, "ModalityLUTSequence"):  # the table is applied instead (PS3.3 C.11.1)
        slope, intercept = 1.0, 0.0
    has_slope = tags.value_of(layers, "RescaleIntercept") is not None or "RescaleSlope" in layers[-1]
    bad_slope = slope is not None and not _SLOPES[0] <= abs(slope) <= _SLOPES[1]
    bad_intercept = intercept is not None and abs(intercept) > _SLOPES[1]
    return {
        "slope": 1.0 if bad_slope or not slope else slope,
        "intercept": 0.0 if bad_intercept or not intercept else intercept,
        "bad_slope": has_slope and (bad_slope or not slope),
        "bad_intercept": bad_intercept,
        "windows": once(windows_of, layers),
    }


def _spacing(layers: tuple[Dataset, ...]) -> tuple[Triple | None, str]:
    """Return the spacing and where it holds: an uncalibrated PixelSpacing only repeats that of the detector."""
    known = {keyword: tags.numbers(layers, keyword, 2) for keyword in _SPACINGS}
    usable = {keyword: found for keyword, found in known.items() if found is not None and min(found) > 0}
    if usable.get("PixelSpacing") == usable.get("ImagerPixelSpacing"):
        usable.pop("PixelSpacing", None)
    for keyword, found in usable.items():
        return found, keyword
    return None, ""


def _aspect(layers: tuple[Dataset, ...]) -> float:
    """Return how many times higher than wide a pixel is: all that is known of some pictures without a scale."""
    ratio = tags.numbers(layers, "PixelAspectRatio", 2)
    if ratio is None or min(ratio) <= 0:
        return 1.0
    high = ratio[0] / ratio[1]
    return high if 1 / _MOST_ASPECT <= high <= _MOST_ASPECT else 1.0


def _orientation(layers: tuple[Dataset, ...]) -> Triple | None:
    """Return the direction cosines when they are two perpendicular unit vectors (within 1 %), else None."""
    found = tags.numbers(layers, "ImageOrientationPatient", 6)
    if found is None:
        return None
    right, down = found[:3], found[3:]
    lengths = [sum(value * value for value in axis) for axis in (right, down)]
    skew = sum(a * b for a, b in zip(right, down, strict=True))
    return found if all(abs(length - 1) < 0.02 for length in lengths) and abs(skew) < 0.01 else None


def _component(layers: tuple[Dataset, ...], image_type: tuple[str, ...]) -> str:
    words = {word.upper() for word in image_type}
    if "LOCALIZER" in words:
        return "localizer"
    if tags.text(layers, "Modality") != "MR":
        return ""
    for name, marks in _COMPONENTS.items():
        if words & marks:
            return name
    private = tags.whole(layers, (0x0043, 0x102F)) if tags.text(layers, "Manufacturer").startswith("GE") else None
    if private is not None and 0 <= private < len(_GE_COMPONENTS):
        return _GE_COMPONENTS[private]
    named = tags.text(layers, "ComplexImageComponent").lower()
    return named if named in _COMPONENTS else ""


def _echo_time(layers: tuple[Dataset, ...]) -> float | None:
    effective = tags.number(layers, "EffectiveEchoTime")
    return tags.number(layers, "EchoTime") if effective is None else effective


def _unit(layers: tuple[Dataset, ...]) -> str:
    if tags.text(layers, "Modality") == "CT" and tags.text(layers, "RescaleType") in ("", "HU"):
        return "HU"
    codes = tags.value_of(layers, "MeasurementUnitsCodeSequence")
    code = tags.text((codes[0],), "CodeValue") if codes else ""
    unit = code or tags.text(layers, "Units") or tags.text(layers, "RescaleType")
    return "" if unit in ("1", "US", "normalized", "no units", "UNSPECIFIED", "CNTS") else unit
