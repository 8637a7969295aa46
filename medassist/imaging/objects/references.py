"""What an object points at, from its header: series by name, else their images, else a shared frame of reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydicom import Dataset

from medassist.entities.study import Series, SeriesKind, Study
from medassist.imaging import tags
from medassist.imaging.dicom_files import BAD_FILE
from medassist.imaging.header_file import HeaderFile

_DEEPEST = 12
_UID = "ReferencedSOPInstanceUID"


def instances_in(ds: Dataset, depth: int = 0) -> Iterator[str]:
    """Yield the SOPInstanceUIDs referred to anywhere inside a data set, in order, repeated ones too."""
    for element in ds:
        if element.VR != "SQ" or depth > _DEEPEST:
            continue
        for item in element.value:
            uid = tags.text((item,), _UID)
            if uid:
                yield uid
            yield from instances_in(item, depth + 1)


def with_relations(studies: Sequence[Study], files: Sequence[HeaderFile]) -> tuple[Study, ...]:
    """Complete the relation of objects that name no series: by the images they name, or by frame of reference."""
    orphans = {
        one.frames[0].path
        for study in studies
        for one in study.series
        if one.kind is SeriesKind.OTHER and not one.referenced_series_uids and one.frames
    }
    if not orphans:
        return tuple(studies)
    headers = {file.path: file.header for file in files if file.path in orphans}
    pictures = [file for file in files if file.frames]
    by_instance = {file.text("SOPInstanceUID"): file.text("SeriesInstanceUID") for file in pictures}
    by_frame: dict[str, list[str]] = {}
    for file in pictures:
        by_frame.setdefault(file.text("FrameOfReferenceUID"), []).append(file.text("SeriesInstanceUID"))
    return tuple(
        replace(study, series=tuple(_related(one, headers, by_instance, by_frame) for one in study.series))
        for study in studies
    )


def _related(
    series: Series, headers: Mapping[Path, Dataset], by_instance: Mapping[str, str], by_frame: Mapping[str, list[str]]
) -> Series:
    header = headers.get(series.frames[0].path) if series.frames else None
    if header is None or series.kind is not SeriesKind.OTHER or series.referenced_series_uids:
        return series
    try:
        named = [by_instance[uid] for uid in instances_in(header) if uid in by_instance]
    except BAD_FILE:  # damaged inside: what it refers to cannot be told, which is said where it is shown
        named = []
    space = [uid for frame in _frames_of_reference(header) for uid in by_frame.get(frame, [])] if not named else []
    return replace(series, referenced_series_uids=tuple(dict.fromkeys(uid for uid in (*named, *space) if uid)))


def _frames_of_reference(ds: Dataset) -> list[str]:
    """Return the frames of reference an object states for itself or for what it holds."""
    items = [ds, *(tags.value_of((ds,), "ReferencedFrameOfReferenceSequence") or [])]
    return [uid for item in items if (uid := tags.text((item,), "FrameOfReferenceUID"))]
