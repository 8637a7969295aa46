"""Pixels of files without DICOM tags."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medassist.entities.errors import UnreadableInput
from medassist.entities.geometry import Geometry
from medassist.entities.study import Series
from medassist.entities.volume import AnyArray, Volume, Window
from medassist.imaging.foreign import check_voxels, itk_geometry, itk_reader, open_picture
from medassist.imaging.render import auto_window
from medassist.imaging.rescaling import smallest

if TYPE_CHECKING:
    from PIL.Image import Image as Picture


def load_foreign(series: Series) -> Volume:
    """Return the volume of a NIfTI, NRRD or MetaImage file or a picture (UnreadableInput when it is damaged)."""
    return _load_picture(series) if series.format == "picture" else _load_itk(series)


def _load_itk(series: Series) -> Volume:
    import SimpleITK as sitk  # noqa: N813

    path = series.frames[0].path
    with itk_reader(path) as reader:
        check_voxels(reader, path)
        values: AnyArray = sitk.GetArrayFromImage(reader.Execute())
        geometry = itk_geometry(reader, series.shape_zyx)
        samples = reader.GetNumberOfComponents()
    shape = (series.times, *series.shape_zyx)
    if samples == 3:
        return Volume(series, values.reshape(*shape, 3), geometry, windows=(Window(127.5, 256.0),))
    array = smallest(values).reshape(shape)
    return Volume(series, array, geometry, windows=(auto_window(array),))


def _load_picture(series: Series) -> Volume:
    from PIL import ImageSequence

    path = series.frames[0].path
    with open_picture(path) as picture:
        pages = [_page(_plain(page)) for page in ImageSequence.Iterator(picture)]
    if any(page.shape != pages[0].shape for page in pages):
        raise UnreadableInput(
            "{path} holds pages of different sizes.", remedy="Save them as separate files.", path=path
        )
    values = np.stack(pages)
    geometry = Geometry(np.eye(4), series.shape_zyx, calibrated=False)
    if values.ndim == 4:
        return Volume(series, values[None], geometry, windows=(Window(127.5, 256.0),))
    grey = replace(series, photometric="MONOCHROME2")
    window = Window(127.5, 256.0) if values.dtype == np.uint8 else auto_window(values)
    return Volume(grey, smallest(values)[None], geometry, windows=(window,))


def _plain(page: Picture) -> AnyArray:
    """Return a page as grey or RGB values, upright; palettes, transparency and CMYK are converted."""
    from PIL import ImageOps

    grey = page.mode in ("L", "I", "I;16", "I;16B", "F")
    plain = page.copy() if grey else page.convert("L" if page.mode in ("1", "LA") else "RGB")
    plain.getexif().update(page.getexif())
    values: AnyArray = np.asarray(ImageOps.exif_transpose(plain))
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))


def _page(values: AnyArray) -> AnyArray:
    """Return grey for a colour picture that has no colour in it: films are often stored so."""
    if values.ndim == 3 and (values[..., :1] == values).all():
        return np.ascontiguousarray(values[..., 0])
    return values
