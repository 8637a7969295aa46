"""What a presentation state draws over its images (PS3.3 C.10.5) and what it covers of them (C.7.6.11, C.7.6.15)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from medassist.entities.document import Graphic, Point, Shutter
from medassist.entities.volume import Volume
from medassist.imaging import tags

MOST_POINTS = 100_000
"""Points of all graphics of a state together; a state with more draws none of the rest."""

_STEPS = 72
_SHAPES = ("RECTANGULAR", "CIRCULAR", "POLYGONAL")


@dataclass(frozen=True)
class _Picture:
    """How many rows are as long as a column is wide, and the pixel edges the display shows: left, top, right, bottom.

    `area` is None where the state turns or flips the picture.
    """

    row_per_column: float
    area: tuple[float, float, float, float] | None


def graphics_of(ds: Dataset, volume: Volume) -> tuple[tuple[Graphic, ...], int]:
    """Return what is drawn over the pictures of `volume`, and how many objects cannot be drawn.

    Points are (column, row) indices, pixel centres at integers. Not drawn: units other than PIXEL and DISPLAY, DISPLAY
    where the state turns or flips the picture, unknown types, and what does not hold the points its type needs.
    """
    found: list[Graphic] = []
    everywhere = _images_of(ds)
    missing = points = 0
    for item in tags.value_of((ds,), "GraphicAnnotationSequence") or []:
        images, frames = _referenced(item)
        images = images or everywhere
        picture = _picture(ds, images, volume)
        for drawn in _objects(item, picture):
            points += sum(len(line) for line in drawn.lines) if drawn is not None else 0
            if drawn is None or points > MOST_POINTS:
                missing += 1
            else:
                found.append(Graphic(drawn.lines, drawn.filled, drawn.text, images, frames))
        missing += len(tags.value_of((item,), "CompoundGraphicSequence") or [])
    return tuple(found), missing


def shutter_of(ds: Dataset, volume: Volume) -> Shutter | None:
    """Return what stays visible of every picture, None when nothing is covered; a shutter of bitmaps is not read."""
    shapes = [shape.upper() for shape in tags.texts((ds,), "ShutterShape")]
    picture = _picture(ds, frozenset(), volume)
    outlines = [line for shape in shapes if shape in _SHAPES and (line := _outline(ds, shape, picture))]
    value = tags.whole((ds,), "ShutterPresentationValue") or 0
    return Shutter(tuple(outlines), min(max(value, 0), 0xFFFF) / 0xFFFF, _images_of(ds)) if outlines else None


def has_other_shutter(ds: Dataset) -> bool:
    """Tell whether a shutter is asked for that `shutter_of` does not read."""
    return any(shape.upper() not in _SHAPES for shape in tags.texts((ds,), "ShutterShape"))


def _images_of(ds: Dataset) -> frozenset[str]:
    """Return the images a state is about; empty: it does not say."""
    series = tags.value_of((ds,), "ReferencedSeriesSequence") or []
    return frozenset[str]().union(*(_referenced(item)[0] for item in series))


def _referenced(item: Dataset) -> tuple[frozenset[str], frozenset[int]]:
    """Return the images an item is about, and frames (from 0) of them; empty: all."""
    images: set[str] = set()
    frames: set[int] = set()
    for one in tags.value_of((item,), "ReferencedImageSequence") or []:
        images.add(tags.text((one,), "ReferencedSOPInstanceUID"))
        frames.update(int(number) - 1 for number in tags.numbers((one,), "ReferencedFrameNumber") or ())
    return frozenset(images), frozenset(frames)


def _picture(ds: Dataset, images: frozenset[str], volume: Volume) -> _Picture:
    _, rows, columns = volume.geometry.shape_zyx
    right_mm, down_mm, _ = volume.geometry.spacing_mm
    if tags.whole((ds,), "ImageRotation") or tags.text((ds,), "ImageHorizontalFlip") == "Y":
        return _Picture(right_mm / down_mm, None)
    area = (0.0, 0.0, float(columns), float(rows))
    for item in tags.value_of((ds,), "DisplayedAreaSelectionSequence") or []:
        named, _frames = _referenced(item)
        corners = [
            tags.numbers((item,), f"DisplayedArea{corner}HandCorner", 2) for corner in ("TopLeft", "BottomRight")
        ]
        if (not named or not images or named & images) and corners[0] is not None and corners[1] is not None:
            (left, top), (right, bottom) = corners[0], corners[1]
            area = (left - 1, top - 1, right, bottom)  # both corners are pixels, counted from 1 and part of the area
            break
    return _Picture(right_mm / down_mm, area)


def _objects(item: Dataset, picture: _Picture) -> Iterator[Graphic | None]:
    for one in tags.value_of((item,), "GraphicObjectSequence") or []:
        yield _graphic(one, picture)
    for one in tags.value_of((item,), "TextObjectSequence") or []:
        yield from _texts(one, picture)


def _graphic(item: Dataset, picture: _Picture) -> Graphic | None:
    data = tags.numbers((item,), "GraphicData") or ()
    placed = _placed(data, tags.text((item,), "GraphicAnnotationUnits"), picture)
    kind = tags.text((item,), "GraphicType").upper()
    if placed is None or tags.whole((item,), "GraphicDimensions") not in (2, None):
        return None
    least = {"POINT": 1, "POLYLINE": 2, "INTERPOLATED": 2, "CIRCLE": 2, "ELLIPSE": 4}.get(kind)
    if least is None or len(placed) < least:
        return None
    if kind == "CIRCLE":
        placed = _circle(placed[0], placed[1], picture.row_per_column)
    elif kind == "ELLIPSE":
        placed = _ellipse(placed[:4])
    closed = len(placed) > 2 and placed[0] == placed[-1]
    return Graphic((placed,), closed and tags.text((item,), "GraphicFilled").upper() == "Y")


def _texts(item: Dataset, picture: _Picture) -> Iterator[Graphic | None]:
    """Yield a text at the corner of its box, else at its anchor, and the line between both."""
    text = tags.text((item,), "UnformattedTextValue")
    corner = tags.numbers((item,), "BoundingBoxTopLeftHandCorner", 2)
    anchor = tags.numbers((item,), "AnchorPoint", 2)
    box = _placed(corner or (), tags.text((item,), "BoundingBoxAnnotationUnits"), picture)
    point = _placed(anchor or (), tags.text((item,), "AnchorPointAnnotationUnits"), picture)
    at = box or point
    if not text or not at:
        yield None
        return
    yield Graphic((at,), text=text)
    if box and point and tags.text((item,), "AnchorPointVisibility").upper() == "Y":
        yield Graphic(((point[0], box[0]),))


def _placed(data: Sequence[float], units: str, picture: _Picture) -> tuple[Point, ...] | None:
    """Return points as (column, row) indices; None for units that cannot be placed.

    PIXEL counts from the outer corner of the first pixel; DISPLAY is a share of the displayed area (C.10.5.1.1).
    """
    pairs = list(zip(data[::2], data[1::2], strict=False))
    if units.upper() == "PIXEL":
        return tuple((column - 0.5, row - 0.5) for column, row in pairs)
    if units.upper() == "DISPLAY" and picture.area is not None:
        left, top, right, bottom = picture.area
        return tuple((left + x * (right - left) - 0.5, top + y * (bottom - top) - 0.5) for x, y in pairs)
    return None


def _circle(center: Point, rim: Point, row_per_column: float) -> tuple[Point, ...]:
    """Return a circle that is round in millimetres."""
    radius = float(np.hypot(rim[0] - center[0], (rim[1] - center[1]) / row_per_column))
    angles = np.linspace(0, 2 * np.pi, _STEPS + 1)
    columns, rows = center[0] + radius * np.cos(angles), center[1] + radius * row_per_column * np.sin(angles)
    return _closed(columns.tolist(), rows.tolist())


def _ellipse(ends: Sequence[Point]) -> tuple[Point, ...]:
    """Return an ellipse by the ends of its major and its minor axis."""
    first, second, third, fourth = (np.array(end) for end in ends)
    angles = np.linspace(0, 2 * np.pi, _STEPS + 1)[:, None]
    center, major, minor = (first + second) / 2, (second - first) / 2, (fourth - third) / 2
    columns, rows = (center + np.cos(angles) * major + np.sin(angles) * minor).T
    return _closed(columns.tolist(), rows.tolist())


def _closed(columns: Sequence[float], rows: Sequence[float]) -> tuple[Point, ...]:
    points = list(zip(columns, rows, strict=True))
    return (*points[:-1], points[0])


def _outline(ds: Dataset, shape: str, picture: _Picture) -> tuple[Point, ...] | None:
    """Return the outline of one shutter as (column, row) indices; None when it is not described."""
    if shape == "RECTANGULAR":
        names = ("LeftVerticalEdge", "UpperHorizontalEdge", "RightVerticalEdge", "LowerHorizontalEdge")
        edges = [tags.number((ds,), f"Shutter{name}") for name in names]
        known = [edge for edge in edges if edge is not None]
        if len(known) < len(edges):
            return None
        left, top, right, bottom = known[0] - 1.5, known[1] - 1.5, known[2] - 0.5, known[3] - 0.5
        return (left, top), (right, top), (right, bottom), (left, bottom), (left, top)
    if shape == "CIRCULAR":
        center, radius = (
            tags.numbers((ds,), "CenterOfCircularShutter", 2),
            tags.number((ds,), "RadiusOfCircularShutter"),
        )
        if center is None or radius is None:
            return None
        middle = center[1] - 1, center[0] - 1
        return _circle(middle, (middle[0] + radius, middle[1]), picture.row_per_column)
    told = tags.numbers((ds,), "VerticesOfThePolygonalShutter") or ()
    corners = [(column - 1, row - 1) for row, column in zip(told[::2], told[1::2], strict=False)]
    return (*corners[:MOST_POINTS], corners[0]) if len(corners) > 2 else None
