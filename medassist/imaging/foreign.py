"""Series from files without DICOM tags: NIfTI, NRRD, MetaImage and pictures. What cannot be known stays ""."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Affine, Geometry
from medassist.entities.study import FrameRef, Series, SeriesKind, Warned, warned
from medassist.imaging import nifti, nifti_place
from medassist.imaging.data_file import check_data_file
from medassist.imaging.dicom_files import BAD_FILE, MAX_PIXEL_BYTES
from medassist.imaging.file_names import readable_name
from medassist.imaging.quiet import silenced

if TYPE_CHECKING:
    import SimpleITK
    from PIL.Image import Image as Picture

ITK_FORMATS = {
    ".nii": "NIfTI",
    ".nii.gz": "NIfTI",
    ".nrrd": "NRRD",
    ".nhdr": "NRRD",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
}
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
_SUFFIXES = (*ITK_FORMATS, *PICTURE_SUFFIXES)
MAX_PICTURE_PIXELS = 200_000_000


def format_of(path: Path) -> str:
    """Return "NIfTI", "NRRD", "MetaImage", "picture", or "" by the ending of the name."""
    name = path.name.lower()
    if not name.endswith(_SUFFIXES):
        return ""
    volume = next((kind for suffix, kind in ITK_FORMATS.items() if name.endswith(suffix)), "")
    return volume or ("picture" if name.endswith(PICTURE_SUFFIXES) else "")


def foreign_series(path: Path, key: str) -> Series:
    """Read the header of one file and return its series (UnreadableInput when it cannot be read)."""
    kind = format_of(path)
    series, remarks = _picture_series(path) if kind == "picture" else _volume_series(path)
    facts: dict[str, Any] = {"key": key, "format": kind, "description": path.name, "warnings": remarks}
    count = series["shape_zyx"][0] * series.get("times", 1)
    return Series(frames=tuple(FrameRef(path, index) for index in range(count)), **facts, **series)


def _volume_series(path: Path) -> tuple[dict[str, Any], tuple[Warned, ...]]:
    with itk_reader(path) as reader:
        size = reader.GetSize()
        check_voxels(reader, path)
        samples = reader.GetNumberOfComponents()
    x, y, z, times = (*size, 1, 1, 1)[:4]
    check_volume_size(path, [*size, samples])
    unknown = warned(
        "{file} carries no patient, study or modality; its orientation and scale are taken as it states them.",
        file=path.name,
    )
    is_nifti = format_of(path) == "NIfTI"
    place = nifti_place.place_remarks(nifti.start_of(path)[0], size, path.name) if is_nifti else ()
    kind = SeriesKind.VOLUME if z > 1 else SeriesKind.FILM
    photometric = "RGB" if samples == 3 else "MONOCHROME2"
    return {"kind": kind, "shape_zyx": (z, y, x), "times": times, "photometric": photometric}, (unknown, *place)


def check_voxels(reader: SimpleITK.ImageFileReader, path: Path) -> None:
    """Refuse voxels that are neither one number nor 8-bit colour (complex, vector, tensor)."""
    import SimpleITK as sitk  # noqa: N813

    samples, kind = reader.GetNumberOfComponents(), reader.GetPixelID()
    if not (samples == 1 or (samples == 3 and kind == sitk.sitkVectorUInt8)):
        raise UnreadableInput("{path} holds {count} values per voxel, which cannot be shown.", path=path, count=samples)


def check_volume_size(path: Path, size: list[int]) -> None:
    """Refuse a header that promises more voxels than can be meant, or more than four dimensions."""
    if len(size) > 5 or int(np.prod(size, dtype=np.float64)) * 2 > MAX_PIXEL_BYTES:
        raise UnreadableInput(
            "{path} states a size of {size}, which cannot be opened.", path=path, size=" x ".join(map(str, size[:-1]))
        )


@contextmanager
def itk_reader(path: Path) -> Iterator[SimpleITK.ImageFileReader]:
    """Yield a reader whose header was read; ITK's own complaints become UnreadableInput."""
    import SimpleITK as sitk  # noqa: N813

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    if not path.is_file():
        raise UnreadableInput("{path} does not exist.", path=path)
    with readable_name(path) as name:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(name))
        if format_of(path) == "NIfTI":
            _check_nifti(path)
        else:
            check_data_file(path)
        try:
            with silenced():
                reader.ReadImageInformation()
                yield reader
        except RuntimeError as problem:
            kept = "orthonormal" in str(problem)
            raise (_sheared(path) if kept else _damaged(path)) from problem


def _check_nifti(path: Path) -> None:
    if nifti.is_cut_off(path):
        raise _damaged(path)
    if nifti.is_version_2(path):
        raise UnreadableInput("{path} is NIfTI-2, which is not supported.", remedy="Save it as NIfTI-1.", path=path)


def _damaged(path: Path) -> UnreadableInput:
    return UnreadableInput("{path} is damaged, cut off, or not of the format its name says.", path=path)


def _sheared(path: Path) -> UnreadableInput:
    return UnreadableInput("{path} describes a sheared grid, which is not supported.", path=path)


def itk_geometry(reader: SimpleITK.ImageFileReader, shape_zyx: tuple[int, int, int]) -> Geometry:
    """Return the grid of an ITK header; ITK's world is LPS already (UnreadableInput when it has no extent)."""
    dimension = reader.GetDimension()
    used = min(dimension, 3)
    direction = np.array(reader.GetDirection()).reshape(dimension, dimension)[:used, :used]
    affine: Affine = np.eye(4)
    affine[:used, :used] = direction * np.array(reader.GetSpacing()[:used])
    affine[:used, 3] = reader.GetOrigin()[:used]
    try:
        return Geometry(affine, shape_zyx)
    except ValueError as problem:
        raise _damaged(Path(reader.GetFileName())) from problem


def _picture_series(path: Path) -> tuple[dict[str, Any], tuple[Warned, ...]]:
    with open_picture(path) as picture:
        width, height = picture.size
        if picture.getexif().get(0x0112, 1) >= 5:  # turned by 90 degrees when shown (EXIF Orientation)
            width, height = height, width
        frames = int(getattr(picture, "n_frames", 1))
        lossy = 0.0 if picture.format in ("JPEG", "MPO") else None
        photometric = "MONOCHROME2" if picture.mode in ("1", "L", "LA", "I", "I;16", "I;16B", "F") else "RGB"
    remarks = warned(
        "{file} is a plain picture: patient, side, projection and scale are unknown, and values may have been changed.",
        file=path.name,
    )
    return {
        "kind": SeriesKind.FILM,
        "shape_zyx": (frames, height, width),
        "photometric": photometric,
        "lossy": lossy,
    }, (remarks,)


@contextmanager
def open_picture(path: Path) -> Iterator[Picture]:
    """Yield a picture whose header was read; too large or damaged ones become UnreadableInput."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # The limit below is ours; Pillow's own would only print a warning.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                if picture.width * picture.height > MAX_PICTURE_PIXELS:
                    raise UnreadableInput(
                        "{path} states a size of {size}, which cannot be opened.",
                        path=path,
                        size=f"{picture.width} x {picture.height}",
                    )
                yield picture
    except Image.DecompressionBombError as problem:
        raise UnreadableInput("{path} states a size that cannot be opened.", path=path) from problem
    except FileNotFoundError as problem:
        raise UnreadableInput("{path} does not exist.", path=path) from problem
    except (SyntaxError, *BAD_FILE) as problem:  # Pillow says SyntaxError of a broken PNG or TIFF
        raise _damaged(path) from problem
