"""Small pictures of series for lists: one slice of each, made without reading the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import Series, SeriesKind
from medassist.entities.volume import Volume
from medassist.progress import Progress

SIDE = 96
"""Longest side in pixels."""

Wanted = tuple[Series, Volume | None]
"""A series, and its pixels where they are loaded already."""


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A slice in display orientation.

    Attributes:
        pixels: uint8 (rows, columns), or (rows, columns, 3) where the series has colours.
        rows_to_columns: height of the slice in the patient divided by its width.
    """

    pixels: NDArray[np.uint8]
    rows_to_columns: float


class Shelf:
    """The newest thumbnails, by series; what was made of other headers under the same key counts as missing.

    A series that could not be pictured is kept with None: nobody tries again until its files are opened again.
    """

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._kept: dict[str, tuple[Series, Thumbnail | None]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, series: Series, thumbnail: Thumbnail | None) -> None:
        """Keep one; the oldest beyond the bound gives way."""
        self._kept.pop(series.key, None)
        self._kept[series.key] = series, thumbnail
        for oldest in list(self._kept)[: -self._most]:
            del self._kept[oldest]

    def drop_others(self, listed: Mapping[str, Series]) -> None:
        """Forget series that are not open any more, with the names of their files."""
        for key in [key for key, (series, _) in self._kept.items() if listed.get(key) is not series]:
            del self._kept[key]

    def has(self, series: Series) -> bool:
        """Tell whether somebody tried to picture this very series."""
        return series.key in self._kept and self._kept[series.key][0] is series

    def get(self, series: Series) -> Thumbnail | None:
        """Return the thumbnail of this very series."""
        return self._kept[series.key][1] if self.has(series) else None


def can_be_pictured(series: Series, volume: Volume | None) -> bool:
    """Tell whether one slice can be had: from memory, or from a file that need not be read as a whole."""
    if series.kind is SeriesKind.OTHER or not series.shape_zyx[0]:
        return False
    single = series.format in ("DICOM", "picture") or series.shape_zyx[0] == 1
    return volume is not None or (single and bool(series.frames))


def make_thumbnails(
    wanted: Sequence[Wanted], deliver: Callable[[Series, Thumbnail | None], None], *, progress: Progress
) -> None:
    """Hand over the thumbnail of each series as it is made, None of one whose slice cannot be read.

    `deliver` is called in the thread of the job.
    """
    for series, volume in progress.over(wanted, "Drawing thumbnails"):
        try:
            deliver(series, thumbnail_of(volume if volume is not None else _middle(series)))
        except UnreadableInput:
            deliver(series, None)


def _middle(series: Series) -> Volume:
    from medassist.imaging.load import preview

    return preview(series, (series.raw or series).shape_zyx[0] // 2)


def thumbnail_of(volume: Volume) -> Thumbnail:
    """Draw the middle slice of a volume as it was stored, turned as the viewer turns it, by its starting window."""
    from medassist.imaging.render import to_gray8
    from medassist.imaging.slicing import layout, native_plane
    from medassist.imaging.windows import starting_window

    shown = layout(volume.geometry, native_plane(volume.geometry))
    values = shown.extract(volume.array_zyx, shown.count // 2)
    if not volume.is_color:
        values = to_gray8(np.ascontiguousarray(values), starting_window(volume), volume.inverted)
    height, width = (count * step for count, step in zip(shown.shape, shown.spacing_mm, strict=True))
    return Thumbnail(_shrunk(np.asarray(values, np.uint8)), height / width)


def _shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the means of blocks, so that thin lines do not vanish; the last rows and columns may be left out."""
    block = -(-max(pixels.shape[:2]) // SIDE)
    rows, columns = (max(1, count // block) for count in pixels.shape[:2])
    high, wide = min(block, pixels.shape[0]), min(block, pixels.shape[1])
    whole = pixels[: rows * high, : columns * wide]
    blocks = whole.reshape(rows, high, columns, wide, *pixels.shape[2:])
    return np.ascontiguousarray(blocks.mean(axis=(1, 3), dtype=np.float32).astype(np.uint8))
