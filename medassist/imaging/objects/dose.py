"""RT Dose (PS3.3 A.18.3): the dose grid as values on the grid of a series of the same frame of reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap
from medassist.entities.study import SeriesKind, Warned, warned
from medassist.entities.volume import AnyArray, Volume
from medassist.imaging import tags
from medassist.imaging.decoding import decode
from medassist.imaging.frames import Frame, frames_of
from medassist.imaging.grid import SAME_PLACE_MM, normal_of, plane_affine, tolerance_mm
from medassist.imaging.objects.parametric_map import FOREIGN
from medassist.imaging.objects.placing import check_frame_of_reference
from medassist.imaging.resample import resample
from medassist.progress import Progress

_ALONG_Z = 0.999


def read_dose(ds: Dataset, path: Path, volume: Volume, progress: Progress) -> tuple[Heatmap, tuple[Warned, ...]]:
    """Return the dose on the grid of `volume`, in Gy where the file says so, and what a reader must know.

    The value of a pixel is the stored one times DoseGridScaling (PS3.3 C.8.8.3). The map keeps the dose grid itself as
    its native grid, so that its maximum is that of the file. Raises UnreadableInput for another frame of reference,
    for a film or uneven slices, and for a grid that is uneven or not described.
    """
    check_frame_of_reference(tags.text((ds,), "FrameOfReferenceUID"), volume)
    if volume.series.kind is SeriesKind.FILM or not volume.geometry.frame_of_reference_uid or not volume.is_regular:
        raise UnreadableInput(
            "A dose is laid over a regular volume of its frame of reference only; {series} is none.",
            series=volume.series.title,
        )
    progress.step("Reading the dose")
    grid, order = _grid(ds, path, volume)
    scaling = tags.number((ds,), "DoseGridScaling")
    if not scaling or scaling < 0:
        raise UnreadableInput("{file} does not say what dose its values mean.", file=path.name)
    dose = (decode(ds, path, progress=progress)[order] * np.float64(scaling)).astype(np.float32)
    values = resample(dose, grid, volume.geometry, linear=True)
    progress.step("Reading the dose")
    return _map(ds, volume, values, dose, grid), tuple(_notes(ds, grid, volume))


def _map(ds: Dataset, volume: Volume, values: AnyArray, dose: AnyArray, grid: Geometry) -> Heatmap:
    names = (tags.text((ds,), name) for name in ("DoseComment", "SeriesDescription"))
    return Heatmap(
        method="Dose",
        target=next((name for name in names if name), "Dose"),
        model=FOREIGN,
        series_key=volume.series.key,
        values_zyx=values,
        geometry=volume.geometry,
        native_zyx=dose,
        native_geometry=grid,
        parameters={"unit": "Gy" if tags.text((ds,), "DoseUnits").upper() == "GY" else ""},
    )


def _grid(ds: Dataset, path: Path, volume: Volume) -> tuple[Geometry, NDArray[np.intp]]:
    """Return the dose grid, and the order in which its planes ascend along the normal."""
    frame = _first_plane(ds, path)
    count = max(1, tags.whole((ds,), "NumberOfFrames") or 1)
    offsets = _offsets(ds, frame, count)
    order = np.argsort(offsets, kind="stable")
    offsets = offsets[order]
    step = float(offsets[-1] - offsets[0]) / (count - 1) if count > 1 else frame.thickness_mm or 0.0
    even = np.abs(offsets - np.linspace(offsets[0], offsets[-1], count)).max() <= tolerance_mm(step)
    if not even or step <= SAME_PLACE_MM:
        raise UnreadableInput("The planes of {file} form no regular grid.", file=path.name)
    affine = plane_affine(frame, step)
    affine[:3, 3] += normal_of(frame.orientation or ()) * offsets[0]
    return Geometry(affine, (count, frame.rows, frame.columns), volume.geometry.frame_of_reference_uid), order


def _first_plane(ds: Dataset, path: Path) -> Frame:
    plain = ds[:]
    # The place in a dose is that of its first plane; frames of a cine have none. Elements of `ds` would be shared.
    plain.add_new("NumberOfFrames", "IS", 1)
    frame = frames_of(plain, path)[0]
    if not frame.is_placed or not frame.frame_of_reference:
        raise UnreadableInput("{file} does not say where it lies in the patient.", file=frame.name)
    return frame


def _offsets(ds: Dataset, frame: Frame, count: int) -> NDArray[np.float64]:
    """Return how far each plane lies from the first position along the normal (mm), see PS3.3 C.8.8.3.2.

    A vector that begins with 0 counts from the position; one that begins with its z holds z coordinates.
    """
    if count == 1:
        return np.zeros(1)
    told = tags.numbers((ds,), "GridFrameOffsetVector")
    if told is None or len(told) != count or frame.position is None:
        raise UnreadableInput("{file} does not say where its planes lie.", file=frame.name)
    offsets = np.array(told, dtype=np.float64)
    if offsets[0] == 0:
        return offsets
    upwards = float(normal_of(frame.orientation or ())[2])
    if abs(offsets[0] - frame.position[2]) > SAME_PLACE_MM or abs(upwards) < _ALONG_Z:
        raise UnreadableInput("{file} does not say where its planes lie.", file=frame.name)
    along: NDArray[np.float64] = (offsets - frame.position[2]) * np.sign(upwards)
    return along


def _notes(ds: Dataset, grid: Geometry, volume: Volume) -> Iterator[Warned]:
    kind = tags.text((ds,), "DoseType").upper()
    if kind not in ("", "PHYSICAL"):
        yield warned("The file calls its values {kind}: they are no physical dose.", kind=kind)
    if tags.text((ds,), "DoseUnits").upper() != "GY":
        yield warned("The file tells dose relative to a value of its own, not in Gy.")
    summed = tags.text((ds,), "DoseSummationType").upper()
    if summed not in ("", "PLAN", "MULTI_PLAN"):
        yield warned("This is the dose of a part of the treatment only: {part}.", part=summed)
    if not grid.same_grid(volume.geometry):
        yield warned("The dose lies on another grid than this series; values between its voxels are interpolated.")
    corners = np.array(np.meshgrid(*((0, size - 1) for size in volume.geometry.shape_zyx[::-1]))).reshape(3, -1).T
    at = grid.to_index(volume.geometry.to_world(corners))
    last = np.array(grid.shape_zyx[::-1]) - 0.5
    if (at < -0.5).any() or (at > last).any():
        yield warned("The dose grid does not cover the whole series; outside of it the dose is not known.")
