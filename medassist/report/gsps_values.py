"""From stored values to grey, as a presentation state says it: rescaling, window, shape of a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.volume import VoiLut, Window
from medassist.report.case import Case
from medassist.report.placement import decimal

if TYPE_CHECKING:
    from highdicom import ModalityLUTTransformation
    from highdicom.pr import SoftcopyVOILUTTransformation
    from pydicom import Dataset

Rescale = tuple[float, float]
"""Slope and intercept."""

RESCALE_TYPES = ("HU", "US", "OD", "HU_MOD", "MGML", "Z_EFF", "ED", "EDW", "PCT")

ASPECT_STEPS = 1000
LARGEST = 65535


def rescale_of(header: Dataset) -> Rescale | None:
    """Return the one rescaling of a picture (1, 0 without any), None where the frames of one file differ in it."""
    shared = list(header.get("SharedFunctionalGroupsSequence") or [])
    frames = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    found = [one.PixelValueTransformationSequence[0] for one in (*shared, *frames)
             if one.get("PixelValueTransformationSequence")] or [header]  # fmt: skip
    rescales = {(float(one.get("RescaleSlope") or 1.0), float(one.get("RescaleIntercept") or 0.0)) for one in found}
    return rescales.pop() if len(rescales) == 1 else None


def modality_lut(case: Case, header: Dataset, rescale: Rescale) -> ModalityLUTTransformation:
    """Return the step from stored values to those of the series: the table of the source, else its rescaling."""
    import highdicom as hd

    kind = str(header.get("RescaleType") or ("HU" if case.volume.unit == "HU" else "US"))
    slope, intercept = decimal(rescale)
    made = hd.ModalityLUTTransformation(
        rescale_slope=slope, rescale_intercept=intercept, rescale_type=kind if kind in RESCALE_TYPES else "US"
    )
    if header.get("ModalityLUTSequence"):
        for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
            delattr(made, keyword)
        made.ModalityLUTSequence = header.ModalityLUTSequence
    return made


def window_of(window: Window) -> SoftcopyVOILUTTransformation:
    """Return the step from values of the series to grey."""
    import highdicom as hd

    function = window.function
    if function == "LINEAR" and window.width < 1:
        function = "LINEAR_EXACT"  # LINEAR knows no width below 1 (PS3.3 C.11.2.1.2.1)
    center, width = decimal([window.center, window.width])
    made = hd.pr.SoftcopyVOILUTTransformation(
        window_center=center,
        window_width=width,
        voi_lut_function=None if function == "LINEAR" else function,
    )
    if window.name:
        made.WindowCenterWidthExplanation = window.name[:64]
    if window.lut is not None:
        for keyword in ("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction"):
            if keyword in made:
                delattr(made, keyword)
        made.VOILUTSequence = [_table(window.lut)]
    return made


def _table(lut: VoiLut) -> Dataset:
    """Return a table of 16-bit grey values, as states hold none of 12; highdicom knows none that starts below 0."""
    from pydicom import Dataset

    item = Dataset()
    length = len(lut.entries) % 65536
    entries = np.rint(np.array(lut.entries, np.float64) * (LARGEST / (2**lut.bits - 1)))
    item.add_new("LUTDescriptor", "SS" if lut.first < 0 else "US", [length, lut.first, 16])
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return item


def set_area(state: Dataset, case: Case) -> None:
    """Say how high and wide a pixel is: viewers would draw one that is not square as a square."""
    across, down, _ = case.volume.geometry.spacing_mm
    area = state.DisplayedAreaSelectionSequence[0]
    if case.volume.geometry.calibrated:
        del area.PresentationPixelAspectRatio
        area.PresentationPixelSpacing = decimal([down, across])
    else:
        area.PresentationPixelAspectRatio = [round(ASPECT_STEPS * down / across), ASPECT_STEPS]


def colors_of(header: Dataset) -> bytes:
    """Return the ICC profile of a picture in colour, that of sRGB where it has none a state may hold (C.11.15.1.1)."""
    from pkgutil import get_data

    own = bytes(header.get("ICCProfile") or b"")
    if own[12:16] in (b"scnr", b"spac"):
        return own
    return get_data("highdicom", "_icc_profiles/sRGB_v4_ICC_preference.icc") or b""
