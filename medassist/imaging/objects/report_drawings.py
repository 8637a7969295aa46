"""Where a measurement group lies on a series, and what was drawn there: outlines, lines, single places, segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from medassist.entities.measurement import Measurement, Point, Shape
from medassist.entities.volume import Volume
from medassist.imaging import tags
from medassist.imaging.measuring import has_its_points
from medassist.imaging.objects.report_figures import Figure, figures_in
from medassist.imaging.objects.report_items import children, code_of, moment_text, named, same, text_of
from medassist.imaging.objects.report_places import Drawn, drawn_in, shape_of
from medassist.imaging.objects.spoken_codes import DRAWN_AS


@dataclass(frozen=True, eq=False)
class Place:
    """Where a group lies: what was drawn, or the segment; neither for a whole image.

    Attributes:
        shape: what was drawn, None for a single place or when nobody can tell.
        points, slice_index: in mm (LPS), and the slice they lie in.
        segment: SOPInstanceUID of a segmentation and Segment Number.
        elsewhere: whether it is on another series, frame of reference or picture.
        figures: what was measured there.
    """

    shape: Shape | None = None
    points: tuple[Point, ...] = ()
    slice_index: int | None = None
    segment: tuple[str, int] | None = None
    elsewhere: bool = False
    figures: tuple[Figure, ...] = ()


def place_of_group(group: Dataset, volume: Volume) -> Place:
    """Return where a group lies on `volume`."""
    figures = tuple(figures_in(group))
    segment = _segment(group)
    source = text_of(group, "121232")
    if segment is not None:
        return Place(segment=segment, figures=figures, elsewhere=bool(source) and source != volume.series.series_uid)
    regions = [one for one in children(group) if tags.text((one,), "ValueType") in ("SCOORD", "SCOORD3D")]
    wanted = regions or [line for figure in figures for line in figure.lines]
    found = [drawn_in(one, volume) for one in wanted]
    drawn = [one for one in found if one is not None]
    if wanted and not drawn:
        return Place(elsewhere=True)
    if not wanted:
        return Place(figures=figures, elsewhere=_is_about_others(group, volume))
    return _of_drawn(group, drawn, figures, in_lines=not regions)


def _of_drawn(group: Dataset, drawn: Sequence[Drawn], figures: tuple[Figure, ...], *, in_lines: bool) -> Place:
    unique = list(dict.fromkeys(drawn)) if in_lines else list(drawn[:1])
    points = tuple(point for one in unique for point in one.points_lps)
    slices = {one.slice_index for one in unique}
    method = code_of(group, "370129005")
    told = next((shape for shape, code in DRAWN_AS.items() if method is not None and same(code, method)), None)
    shape = told or _guessed(unique, figures)
    return Place(shape, points, slices.pop() if len(slices) == 1 else None, None, False, figures)


def _guessed(drawn: Sequence[Drawn], figures: Sequence[Figure]) -> Shape | None:
    """Return what others drew, by their figures and the number of their lines."""
    names = {one.quantity.name for one in figures}
    if len(drawn) == 2 and all(len(one.points_lps) == 2 for one in drawn):
        return Shape.BIDIRECTIONAL if {"long_axis", "short_axis"} <= names else Shape.COBB
    return shape_of(drawn[0].kind, len(drawn), len(drawn[0].points_lps))


def _segment(group: Dataset) -> tuple[str, int] | None:
    """Return which segment of which object is the evidence of a group."""
    for item in named(group, "121191", "121214"):
        for one in tags.value_of((item,), "ReferencedSOPSequence") or []:
            number = tags.whole((one,), "ReferencedSegmentNumber")
            if number is not None:
                return tags.text((one,), "ReferencedSOPInstanceUID"), number
    return None


def _is_about_others(group: Dataset, volume: Volume) -> bool:
    """Tell whether a group names the pictures it is of, and none of them is of this series."""
    images = [one for one in children(group) if tags.text((one,), "ValueType") == "IMAGE"]
    sources = [one for item in images for one in tags.value_of((item,), "ReferencedSOPSequence") or []]
    told = {tags.text((one,), "ReferencedSOPInstanceUID") for one in sources}
    return bool(told) and not told & {frame.sop_instance_uid for frame in volume.series.frames}


def drawing_of(group: Dataset, place: Place, volume: Volume) -> Measurement | None:
    """Return what was drawn, None for a group without a drawing or with one nobody knows the shape of."""
    if place.shape is None or (not place.figures and not named(group, "370129005")):
        return None
    own = next((one.drawing_uid for one in place.figures if one.drawing_uid), "")
    time = text_of(group, "C2348792")
    identifier = text_of(group, "112039")
    is_claim = bool(named(group, "121071"))
    drawn = Measurement(
        uid=own or text_of(group, "112040"),
        series_key=volume.series.key,
        shape=place.shape,
        points_lps=place.points,
        slice_index=place.slice_index,
        time=int(time) - 1 if time.isdecimal() and 0 < int(time) <= volume.series.times else 0,
        label="" if is_claim or identifier == place.shape.value else identifier,
        quantities=tuple(one.quantity for one in place.figures),
        by=text_of(group, "121008"),
        made_at=next((one.made_at for one in place.figures if one.made_at), "") or moment_text(group),
    )
    return drawn if has_its_points(drawn) else None
