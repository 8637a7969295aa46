"""Where a finding was seen, as FHIR R5 says it: a segment of a mask, a region of a picture, a picture, a series.

Earlier releases have no such resource; there an observation is derived from the study.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medassist.entities.finding import Finding
from medassist.entities.measurement import Measurement, Point, Shape
from medassist.entities.prediction import Code
from medassist.imaging.measuring_plane import index_of_points
from medassist.report.fhir_codes import URIS, Resource, clean, codeable, coding, refer
from medassist.report.fhir_people import Around
from medassist.report.sr_places import HALF_PIXEL, in_patient, slice_of

SEGMENT = Code("121191", "DCM", "Referenced Segment")
REGION = Code("111030", "DCM", "Image Region")
SOURCE = Code("121112", "DCM", "Source of Measurement")


@dataclass(frozen=True)
class SegmentPlace:
    """One segment of a segmentation object of the same report."""

    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    number: int


def segments_in(folder: Path) -> dict[str, SegmentPlace]:
    """Return tracking UID -> segment of the segmentation objects that lie in a folder."""
    from pydicom import dcmread

    found: dict[str, SegmentPlace] = {}
    for path in sorted(folder.glob("seg*.dcm")):
        ds = dcmread(path, stop_before_pixels=True)
        if ds.get("SegmentationType") == "FRACTIONAL":  # how likely it is, not where it was drawn
            continue
        for one in ds.SegmentSequence:
            place = SegmentPlace(ds.SeriesInstanceUID, ds.SOPClassUID, ds.SOPInstanceUID, int(one.SegmentNumber))
            found.setdefault(str(one.get("TrackingUID", "")), place)
    return found


def selection(about: Around, finding: Finding, segments: Mapping[str, SegmentPlace]) -> Resource:
    """Return what was looked at for a finding: its segment, its place, its picture, else the series."""
    segment = segments.get(finding.tracking_uid)
    if segment is not None:
        instance = _instance(segment.sop_instance_uid, segment.sop_class_uid) | {"subset": [str(segment.number)]}
        return _selection(about, SEGMENT, segment.series_uid, [instance])
    series = about.case.series
    alone = about.case.volume.geometry.shape_zyx[0] == 1
    index = 0 if alone else finding.key_slice
    if index is None:
        return _selection(about, SOURCE, series.series_uid, [])
    picture = _picture(about, index, 0)
    if finding.center_lps is None:
        return _selection(about, SOURCE, series.series_uid, [picture])
    return _selection(
        about, REGION, series.series_uid, [picture | _region(about, "point", (finding.center_lps,), index)]
    )


def drawn(about: Around, measurement: Measurement) -> Resource:
    """Return the region a reader drew on its picture."""
    index = slice_of(about.case, measurement)
    shape, points = measurement.shape, measurement.points_lps
    if shape.encloses and shape is not Shape.ELLIPSE:
        points = (*points, points[0])
    closed = "polygon" if in_patient(about.case) else "polyline"
    kind = "ellipse" if shape is Shape.ELLIPSE else closed if shape.encloses else "polyline"
    kind = "point" if len(points) == 1 else kind
    picture = _picture(about, index, measurement.time)
    return _selection(about, REGION, about.case.series.series_uid, [picture | _region(about, kind, points, index)])


def _selection(about: Around, code: Code, series_uid: str, instances: list[Resource]) -> Resource:
    frame = about.case.volume.geometry.frame_of_reference_uid
    placed = any("imageRegion3D" in one for one in instances)
    return clean(
        {
            "resourceType": "ImagingSelection",
            "status": "available",
            "subject": refer(about.patient),
            "code": codeable(code),
            "derivedFrom": [refer(about.study)] if about.study else [],
            "studyUid": about.case.series.study_uid,
            "seriesUid": series_uid,
            "frameOfReferenceUid": frame if placed else None,
            "instance": instances,
        }
    )


def _picture(about: Around, index: int, time: int) -> Resource:
    """Return the picture that shows a slice, with its frame where the file has several."""
    series = about.case.series
    at = index * series.times + time
    if series.raw is not None or at >= len(series.frames) or not series.frames[at].sop_instance_uid:
        return {}
    frame = series.frames[at]
    several = sum(one.sop_instance_uid == frame.sop_instance_uid for one in series.frames) > 1
    subset = {"subset": [str(frame.frame + 1)]} if several else {}
    return _instance(frame.sop_instance_uid, series.sop_class_uid) | subset


def _instance(sop_instance_uid: str, sop_class_uid: str) -> Resource:
    kind = coding(URIS, f"urn:oid:{sop_class_uid}") if sop_class_uid else None
    return clean({"uid": sop_instance_uid, "sopClass": kind})


def _region(about: Around, kind: str, points: tuple[Point, ...], index: int) -> dict[str, Any]:
    """Return a region in the patient (LPS mm), else in pixels of the picture, whose first one is centred at 0.5."""
    if in_patient(about.case):
        flat = [float(f"{value:.9g}") for point in points for value in point]
        return {"imageRegion3D": [{"regionType": kind, "coordinate": flat}]}
    at = index_of_points(points, index, about.case.volume)[:, :2] + HALF_PIXEL
    pixels = [float(f"{value:.9g}") for value in np.asarray(at).reshape(-1).tolist()]
    return {"imageRegion2D": [{"regionType": kind, "coordinate": pixels}]}
