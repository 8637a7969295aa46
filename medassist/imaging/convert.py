"""Write a volume as one file other tools read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medassist.entities.errors import UnreadableInput, UnwritableOutput, UsageError
from medassist.entities.study import Series
from medassist.entities.volume import Volume
from medassist.imaging import tags
from medassist.imaging.dicom_files import read_header
from medassist.imaging.file_names import writable_name
from medassist.imaging.quiet import quietly, silenced

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
NOTE_LENGTH = 79
"""Of NIfTI's `descrip`: 80 bytes that end with a zero."""


def write_volume(volume: Volume, path: Path, *, note: str = "") -> None:
    """Write .nii, .nii.gz, .nrrd or .mha in patient space; several time points become one 4-D file.

    The file appears whole or not at all: it is written beside its place and renamed. `note` says in NIfTI's field for
    descriptions (79 ASCII characters) what the values are.

    Raises UsageError for another suffix, UnreadableInput when the slices form no regular grid, UnwritableOutput when
    the file cannot be written.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise UsageError(
            "{file} has no suffix of a volume format.", remedy="Use .nii.gz, .nii, .nrrd or .mha.", file=path
        )
    check_regular(volume.series)
    import SimpleITK as sitk  # noqa: N813

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    several = len(volume.array_tzyx) > 1
    values = volume.array_tzyx if several else volume.array_zyx
    image = sitk.GetImageFromArray(values, isVector=volume.is_color)
    _place(image, volume, several=several)
    if note:
        image.SetMetaData("ITK_FileNotes", note.encode("ascii", errors="replace").decode("ascii")[:NOTE_LENGTH])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with writable_name(path) as name, silenced():
            sitk.WriteImage(image, str(name), useCompression=path.suffix not in (".nii", ".mha"))
    except (RuntimeError, OSError) as problem:
        raise UnwritableOutput(
            "{path} cannot be written.", remedy="Is the folder writable and the disk not full?", path=path
        ) from problem


def check_regular(series: Series) -> None:
    """Refuse a series whose slices form no regular grid (UnreadableInput says why they do not)."""
    if series.irregularity:
        raise UnreadableInput(
            "{series} is no regular grid: {reason}",
            remedy="Nothing was written, because no volume file could place its voxels truly.",
            series=series.title,
            reason=series.irregularity,
        )


def _place(image: object, volume: Volume, *, several: bool) -> None:
    """Give the image its place. The slice axis is made exactly perpendicular, as NIfTI's quaternion needs it."""
    size = 4 if several else 3
    direction, spacing, origin = np.eye(size), [1.0] * size, [0.0] * size
    direction[:3, :3] = _orthonormal(volume.geometry.directions_lps)
    spacing[:3], origin[:3] = volume.geometry.spacing_mm, volume.geometry.affine_lps[:3, 3].tolist()
    if several:
        spacing[3] = time_step_s(volume) or 1.0
    image.SetDirection(direction.ravel().tolist())  # type: ignore[attr-defined]
    image.SetSpacing(spacing)  # type: ignore[attr-defined]
    image.SetOrigin(origin)  # type: ignore[attr-defined]


def _orthonormal(
    directions: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the nearest orthonormal axes: header cosines are rounded, and both NIfTI transforms must agree."""
    left, _, right = np.linalg.svd(directions)
    nearest: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = left @ right
    return nearest


def time_step_s(volume: Volume) -> float | None:
    """Return the time between two time points in seconds (RepetitionTime), None when the header does not say."""
    if volume.series.format != "DICOM":
        return None
    with quietly():
        header = read_header(volume.series.frames[0].path)
    milliseconds = tags.number(tags.layers_of(header), "RepetitionTime")
    return milliseconds / 1000.0 if milliseconds else None
