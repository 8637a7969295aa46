"""The place of every slice and of every derived frame, as highdicom speaks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.volume import Volume
from medassist.report.case import Case

if TYPE_CHECKING:
    from highdicom import PixelMeasuresSequence, PlaneOrientationSequence, PlanePositionSequence
    from pydicom import Dataset


def point_at_source_frames(ds: Dataset, case: Case) -> None:
    """Make every frame of a derived image name the one frame it was computed from, inside a multi-frame source.

    highdicom finds sources by position, but parts and time points of one file may share positions.
    """
    if not any(frame.frame for frame in case.series.frames):
        return
    numbers = [frame.frame + 1 for frame in case.series.frames[:: case.series.times]]
    if len(numbers) != case.volume.geometry.shape_zyx[0]:  # resampled: no slice comes from one frame alone
        return
    for item in ds.PerFrameFunctionalGroupsSequence:
        position = [float(value) for value in item.PlanePositionSequence[0].ImagePositionPatient]
        index = round(float(case.volume.geometry.to_index(position)[2]))
        for derivation in item.get("DerivationImageSequence", []):
            source = derivation.SourceImageSequence[0]
            source.ReferencedFrameNumber = numbers[index]
            derivation.SourceImageSequence = [source]


@dataclass(frozen=True)
class Placement:
    """Where the slices of a volume lie, as highdicom sequences."""

    positions: list[PlanePositionSequence]
    orientation: PlaneOrientationSequence
    measures: PixelMeasuresSequence


def placement(case: Case) -> Placement:
    """Return the place of every slice of the volume; the distance between slices only where it is one."""
    import highdicom as hd

    volume = case.volume
    across, down, through = volume.geometry.spacing_mm
    measures = hd.PixelMeasuresSequence(
        pixel_spacing=decimal([down, across]),
        slice_thickness=decimal([through])[0],
        spacing_between_slices=decimal([through])[0] if volume.is_regular else None,
    )
    return Placement(
        [hd.PlanePositionSequence("PATIENT", decimal(origin)) for origin in slice_origins(volume)],
        hd.PlaneOrientationSequence("PATIENT", orientation(volume)),
        measures,
    )


def orientation(volume: Volume) -> list[float]:
    """Return ImageOrientationPatient: where columns and rows grow."""
    directions = volume.geometry.directions_lps
    return decimal([*directions[:, 0], *directions[:, 1]])


def slice_origins(volume: Volume) -> list[list[float]]:
    """Return the centre of the first voxel of each slice (LPS mm)."""
    if volume.slice_origins_lps is not None and not volume.is_regular:
        return [[float(value) for value in origin] for origin in volume.slice_origins_lps]
    depth = volume.geometry.shape_zyx[0]
    return [[float(value) for value in volume.geometry.to_world([0, 0, k])] for k in range(depth)]


def decimal(values: object) -> list[float]:
    """Round to what a decimal string of 16 characters holds, far below any scanner's precision."""
    return [float(f"{value:.9g}") + 0.0 for value in np.asarray(values, dtype=np.float64).tolist()]
