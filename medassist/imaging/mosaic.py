"""Siemens mosaics and UIH grids: many slices as tiles of one picture, unfolded by the vendor's private header.

The mosaic's ImagePositionPatient is that of a picture as large as the mosaic around the same centre; the first tile
lies half the difference further in (measured against dcm2niix).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from medassist.imaging import tags

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mosaic:
    """`count` tiles of `rows` x `columns`, `across` per row of tiles.

    Attributes:
        origins_lps: (count, 3) mm, one per tile.
        times_ms: when each tile was taken, after the start of the picture; () when the header does not say.
    """

    count: int
    across: int
    rows: int
    columns: int
    origins_lps: Vector
    times_ms: tuple[float, ...] = ()

    def corner(self, tile: int) -> tuple[int, int]:
        """Return the first row and column of a tile in the mosaic."""
        return tile // self.across * self.rows, tile % self.across * self.columns


def mosaic_of(ds: Dataset) -> Mosaic | None:
    """Return how to unfold a picture, None when it is no mosaic. `ds` is a complete header."""
    layers = (ds,)
    if tags.whole(layers, "NumberOfFrames") not in (None, 1):
        return None
    if tags.whole(layers, (0x0065, 0x1050)) and (0x0065, 0x1051) in ds:
        return _uih_grid(ds)
    if "MOSAIC" not in tags.texts(layers, "ImageType"):
        return None
    csa = _csa(ds)
    count = int(csa.get("NumberOfImagesInMosaic", (tags.whole(layers, (0x0019, 0x100A)) or 0,))[0])
    times = csa.get("MosaicRefAcqTimes") or tags.numbers(layers, (0x0019, 0x1029)) or ()
    normal = csa.get("SliceNormalVector", ())
    return _siemens(ds, count, normal, times if len(times) == count else ()) if count > 0 else None


def _siemens(ds: Dataset, count: int, normal: tuple[float, ...], times_ms: tuple[float, ...]) -> Mosaic | None:
    layers = (ds,)
    position = tags.numbers(layers, "ImagePositionPatient", 3)
    orientation = tags.numbers(layers, "ImageOrientationPatient", 6)
    spacing = tags.numbers(layers, "PixelSpacing", 2)
    gap = tags.number(layers, "SpacingBetweenSlices") or tags.number(layers, "SliceThickness")
    if position is None or orientation is None or spacing is None or not gap:
        return None
    across = ceil(sqrt(count))
    rows, columns = int(ds.Rows) // across, int(ds.Columns) // across
    right, down = np.array(orientation[:3]), np.array(orientation[3:])
    cross = np.cross(right, down)
    # The private normal only says which way the tiles run; the cross product is the more exact direction.
    through = -cross if len(normal) == 3 and float(cross @ np.array(normal)) < 0 else cross
    first = (
        np.array(position)
        + right * spacing[1] * (int(ds.Columns) - columns) / 2
        + down * spacing[0] * (int(ds.Rows) - rows) / 2
    )
    origins = first + np.arange(count)[:, None] * gap * through / np.linalg.norm(through)
    return Mosaic(count, across, rows, columns, origins, times_ms)


def _uih_grid(ds: Dataset) -> Mosaic | None:
    items = ds[0x0065, 0x1051].value
    origins = [tags.numbers((item,), "ImagePositionPatient", 3) for item in items]
    count = len(origins)
    if not count or any(origin is None for origin in origins):
        return None
    across = ceil(sqrt(count))
    return Mosaic(count, across, int(ds.Rows) // across, int(ds.Columns) // across, np.array(origins, dtype=float))


def _csa(ds: Dataset) -> dict[str, tuple[float, ...]]:
    """Return the numeric elements of the Siemens CSA image header (0029,xx10), {} when there is none."""
    for block in range(0x10, 0x100):
        if str(tags.value_of((ds,), (0x0029, block)) or "").strip() == "SIEMENS CSA HEADER":
            raw = tags.value_of((ds,), (0x0029, block << 8 | 0x10))
            try:
                return _parse_csa(raw) if isinstance(raw, bytes) else {}
            except (struct.error, ValueError):
                return {}
    return {}


def _parse_csa(raw: bytes) -> dict[str, tuple[float, ...]]:
    """Parse the CSA1 or CSA2 ("SV10") layout: a list of named elements, each a list of decimal strings."""
    second = raw[:4] == b"SV10"
    at = 8 if second else 0
    (count,) = struct.unpack_from("<I", raw, at)
    at += 8
    elements: dict[str, tuple[float, ...]] = {}
    first_items = 0
    for order in range(min(count, 1024)):
        name, _vm, _vr, _type, items, _mark = struct.unpack_from("<64si4s3i", raw, at)
        at += 84
        first_items = items if order == 0 else first_items
        values = []
        for _ in range(items):
            head = struct.unpack_from("<4i", raw, at)
            at += 16
            length = head[1] if second else head[0] - first_items
            if length < 0 or at + length > len(raw):
                break
            values.append(raw[at : at + length].split(b"\0")[0].strip())
            at += ceil(length / 4) * 4
        elements[name.split(b"\0")[0].decode("ascii", "replace")] = _floats(values)
    return elements


def _floats(values: list[bytes]) -> tuple[float, ...]:
    try:
        return tuple(float(value) for value in values if value)
    except ValueError:
        return ()
