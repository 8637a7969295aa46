"""From slice positions to a voxel grid, and the plain words for slices that form none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassist.entities.geometry import Affine
from medassist.entities.study import Warned, warned
from medassist.imaging.frames import Frame

SAME_PLACE_MM = 0.01
"""Positions closer than this along the normal are one position: scanners write three decimals."""

_NAMED = 3
_NO_GANTRY = 45.0


def tolerance_mm(step_mm: float) -> float:
    """Return how far a slice may lie from its place on the regular grid: 1 % of the step, at least 0.01 mm."""
    return max(SAME_PLACE_MM, 0.01 * abs(step_mm))


def normal_of(orientation: Sequence[float]) -> NDArray[np.float64]:
    """Return the unit vector along which slices are counted: row direction x column direction (PS3.3 C.7.6.2.1.1)."""
    cross = np.cross(orientation[:3], orientation[3:])
    normal: NDArray[np.float64] = cross / np.linalg.norm(cross)
    return normal


def plane_affine(frame: Frame, step_mm: float) -> Affine:
    """Return the affine (LPS mm) whose first slice is `frame` and whose slices go along its normal by `step_mm`.

    Source: DICOM PS3.3 C.7.6.2.1.1, with the slice direction right-handed.
    """
    if frame.position is None or frame.orientation is None or frame.spacing_mm is None:
        raise ValueError(f"{frame.name} has no place in the patient")
    affine = np.eye(4)
    right, down = np.array(frame.orientation[:3]), np.array(frame.orientation[3:])
    affine[:3, 0] = right / np.linalg.norm(right) * frame.spacing_mm[1]
    affine[:3, 1] = down / np.linalg.norm(down) * frame.spacing_mm[0]
    affine[:3, 2] = normal_of(frame.orientation) * step_mm
    affine[:3, 3] = frame.position
    return affine


def film_affine(frame: Frame) -> Affine:
    """Return an affine without a patient: columns along +x, rows along +y, in mm.

    Where no spacing is known a column is 1 wide and a row as high as the aspect ratio of a pixel says.
    """
    rows_mm, columns_mm = frame.spacing_mm or (frame.aspect, 1.0)
    return np.diag([columns_mm, rows_mm, 1.0, 1.0])


def step_of(frames: Sequence[Frame]) -> float:
    """Return the slice distance in mm: the mean of the positions, for one slice what its header says, else 1."""
    if len(frames) > 1:
        along = distances_along_normal(frames)
        return float((along[-1] - along[0]) / (len(frames) - 1))
    return frames[0].gap_mm or frames[0].thickness_mm or 1.0


def distances_along_normal(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """Return the place of each frame along the normal of the first one (mm)."""
    positions = np.array([frame.position for frame in frames], dtype=np.float64)
    along: NDArray[np.float64] = positions @ normal_of(frames[0].orientation or ())
    return along


def irregularities(frames: Sequence[Frame]) -> tuple[Warned, ...]:
    """Say why frames, one per position in ascending order, form no regular grid; empty when they do."""
    if len(frames) < 2:
        return ()
    positions = np.array([frame.position for frame in frames], dtype=np.float64)
    names = [frame.name for frame in frames]
    return (*_uneven(distances_along_normal(frames), names), *_sheared(positions, frames))


def tilt_degrees(frames: Sequence[Frame]) -> float | None:
    """Return the angle between the normal of evenly spaced frames and the line they stand on, None for other frames.

    Every frame lies within the tolerance of its place on a straight line: a tilted gantry and nothing else. From 45
    degrees on it is no gantry, and two frames stand on a line always.
    """
    if len(frames) < 3 or _uneven(distances_along_normal(frames), [frame.name for frame in frames]):
        return None
    positions = np.array([frame.position for frame in frames], dtype=np.float64)
    line = np.linspace(positions[0], positions[-1], len(frames))
    whole = positions[-1] - positions[0]
    along = float(whole @ normal_of(frames[0].orientation or ()))
    aside = float(np.sqrt(max(0.0, float(whole @ whole) - along**2)))
    angle = float(np.degrees(np.arctan2(aside, along)))
    straight = np.linalg.norm(positions - line, axis=1).max() <= tolerance_mm(along / (len(frames) - 1))
    return angle if straight and aside > tolerance_mm(along / (len(frames) - 1)) and angle < _NO_GANTRY else None


def _uneven(along: ArrayLike, names: Sequence[str]) -> tuple[Warned, ...]:
    """Name the gaps that differ from the usual one."""
    places = np.asarray(along, dtype=np.float64)
    fitted = np.linspace(places[0], places[-1], len(places))
    mean = (places[-1] - places[0]) / (len(places) - 1)
    gaps = np.diff(places)
    if np.abs(places - fitted).max() <= tolerance_mm(mean):
        return ()
    usual = float(np.median(gaps))
    odd = [index for index in range(len(gaps)) if abs(gaps[index] - usual) > tolerance_mm(usual)]
    if not odd:
        return (
            warned(
                "The slice distance drifts between {low} mm and {high} mm.",
                low=f"{gaps.min():.3f}",
                high=f"{gaps.max():.3f}",
            ),
        )
    where = "; ".join(f"{names[index]} - {names[index + 1]}: {gaps[index]:.3f} mm" for index in odd[:_NAMED])
    where += "; …" if len(odd) > _NAMED else ""
    missing = [round(gaps[index] / usual) - 1 for index in odd]
    whole = all(
        count > 0 and abs(gaps[index] - (count + 1) * usual) <= tolerance_mm(usual) * (count + 1)
        for index, count in zip(odd, missing, strict=True)
    )
    if whole:
        return (
            warned(
                "Slices are missing ({count}): the slice distance is {usual} mm, but not here: {where}.",
                count=sum(missing),
                usual=f"{usual:.3f}",
                where=where,
            ),
        )
    return (
        warned(
            "The slices are unevenly spaced: mostly {usual} mm, but {count} gaps differ: {where}.",
            usual=f"{usual:.3f}",
            count=len(odd),
            where=where,
        ),
    )


def _sheared(positions: NDArray[np.float64], frames: Sequence[Frame]) -> tuple[Warned, ...]:
    """Name slices that do not stack along their normal, as with a tilted gantry."""
    normal = normal_of(frames[0].orientation or ())
    along = positions @ normal
    drift = (positions - positions[0]) - np.outer(along - along[0], normal)
    aside = np.linalg.norm(drift, axis=1)
    step = (along[-1] - along[0]) / (len(frames) - 1)
    worst = int(aside.argmax())
    if aside[worst] <= tolerance_mm(step):
        return ()
    if aside[-1] >= 0.9 * aside[worst]:
        angle = float(np.degrees(np.arctan2(aside[-1], along[-1] - along[0])))
        return (
            warned(
                "The slices are sheared: from {first} to {last} they shift by {shift} mm in their plane "
                "(gantry tilt of {angle} degrees).",
                first=frames[0].name,
                last=frames[-1].name,
                shift=f"{aside[-1]:.2f}",
                angle=f"{angle:.1f}",
            ),
        )
    return (
        warned(
            "The slices do not lie over each other: {file} is shifted by {shift} mm in its plane.",
            file=frames[worst].name,
            shift=f"{aside[worst]:.2f}",
        ),
    )
