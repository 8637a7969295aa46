"""From stored pictures to a `Volume`: modality values, their padding, their windows and their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import AnyArray, Volume, Window
from medassist.imaging.frames import Frame
from medassist.imaging.outline import geometry_of
from medassist.imaging.padding import Range, fitting, unify
from medassist.imaging.plain_pixels import PlainPicture
from medassist.imaging.render import auto_window
from medassist.imaging.rescaling import rescale


@dataclass(frozen=True)
class Picture:
    """What is known of one frame besides its pixels; `padding` is its range of stored values."""

    frame: Frame
    padding: Range | None
    photometric: str


def only_slice(series: Series, index: int) -> Series:
    """Return one slice of a series, at its first time point, as a series of its own."""
    at, said = index * series.times, "Only one slice is loaded yet."
    one = (1, *series.shape_zyx[1:])
    return replace(series, frames=series.frames[at : at + 1], shape_zyx=one, times=1, irregularity=said)


def slice_of(series: Series, index: int, picture: Picture | PlainPicture, stored: AnyArray) -> Volume:
    """Return one slice of a series that is being read, at its first time point, as a volume of its own.

    `stored` are its values (row, column[, 3]); they are copied.
    """
    return volume_of(only_slice(series, index), (), [picture], stored[None].copy())


def volume_of(
    series: Series,
    lost: tuple[int, ...],
    pictures: Sequence[Picture | PlainPicture],
    stored: AnyArray,
    ends: tuple[int, int] | None = None,
) -> Volume:
    """Return the volume of all pictures of a series, time by time; it takes `stored` (picture, row, column[, 3]) over.

    `lost` pictures were not read; `ends` are the least and greatest stored values, when known.
    """
    frames = [picture.frame for picture in pictures]
    kept = next(picture for index, picture in enumerate(pictures) if index not in lost)
    values, padding = _values(stored, lost, pictures, ends)
    depth = series.shape_zyx[0]
    array = values.reshape(series.times, depth, *values.shape[1:])
    one_per_place = frames[:depth]
    placed = all(frame.is_placed for frame in frames) and series.kind is not SeriesKind.FILM
    return Volume(
        series,
        array,
        geometry_of(series, one_per_place),
        unit=frames[0].unit,
        windows=_windows(frames[0], array, padding),
        inverted=kept.photometric == "MONOCHROME1",
        padding=padding,
        slice_origins_lps=np.array([frame.position for frame in one_per_place]) if placed else None,
        lost_slices=tuple(sorted({index % depth for index in lost})),
    )


def _values(
    stored: AnyArray,
    lost: tuple[int, ...],
    pictures: Sequence[Picture | PlainPicture],
    ends: tuple[int, int] | None,
) -> tuple[AnyArray, Range | None]:
    """Return modality values and their padding; frames that were lost hold padding, or the least value there is."""
    if stored.ndim == 4:
        return stored, None
    kept = [index for index in range(len(pictures)) if index not in lost]
    empty = pictures[kept[0]].padding
    for index in lost:
        stored[index] = fitting(stored, empty[0]) if empty is not None else min(stored[other].min() for other in kept)
    slopes, intercepts = ([getattr(one.frame, name) for one in pictures] for name in ("slope", "intercept"))
    values = rescale(stored, slopes, intercepts, ends)
    return values, unify(values, [one.padding for one in pictures], slopes, intercepts)


def _windows(frame: Frame, array: AnyArray, padding: Range | None) -> tuple[Window, ...]:
    """Return the header's windows, else one from the values."""
    if array.ndim == 5:
        return (Window(127.5, 256.0),)
    return frame.windows or (auto_window(array, padding),)
