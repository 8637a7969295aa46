"""Which series saved work belongs to: marks of what is open, and what is open for a mark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress

from medassist.entities.errors import Refused, UnreadableInput
from medassist.entities.parts import find
from medassist.entities.saved_work import SeriesMark, Source
from medassist.entities.study import FrameRef, Patient, Series, Study
from medassist.entities.volume import Volume
from medassist.session.state import Session
from medassist.storage.arrays import content_sha256


def mark_of(session: Session, key: str) -> SeriesMark:
    """Return the mark of an open series (KeyError when it is not open)."""
    series, study = session.series(key), session.study_of(key)
    volume = session.volumes.get(key)
    pixels = "" if volume is None else pixels_of(volume)
    raw = "" if series.raw is None else series.raw.key
    return SeriesMark(key, series.series_uid, _content(series), _person(study.patient), raw, pixels)


def pixels_of(volume: Volume) -> str:
    """Return the SHA-256 of the values of a series."""
    return content_sha256(volume.array_tzyx)


def sources_of(session: Session, keys: Iterable[str]) -> tuple[Source, ...]:
    """Return the paths that the series with these keys were opened by."""
    wanted = set(keys)
    found: dict[Source, None] = {}
    for scan in session.scans:
        held = scan.all_series()
        mine = [one for one in (find(held, key) for key in wanted) if one is not None]
        if mine:
            found[Source(str(scan.source.absolute()), mine[0].charset)] = None
    return tuple(found)


def study_name(session: Session, key: str) -> tuple[str, str]:
    """Return what the work on the study of a series is filed under: its UID, or path without one, and the patient."""
    study = session.study_of(key)
    return study.study_uid or _source(session, study), study.patient.patient_id


def _source(session: Session, study: Study) -> str:
    return next((str(scan.source.absolute()) for scan in session.scans if study in scan.studies), "")


def place_of(session: Session, mark: SeriesMark) -> str:
    """Return the key of the open series a mark belongs to, or of the slices it is to be made of again.

    Raises UnreadableInput when it is not open, Refused when its pictures are others now, or of another patient.
    """
    wanted = mark.raw_key or mark.key
    candidates = [wanted, *(one.key for one in session.all_series() if one.raw is None)]
    same_pictures = False
    for key in dict.fromkeys(candidates):
        if not session.holds(key):
            continue
        found = mark_of(session, key)
        same = _is_same(mark, found)
        if same and found.patient == mark.patient:
            return key
        same_pictures = same_pictures or same
    if same_pictures:
        raise Refused(
            "The images at hand name another patient than the saved work, so it is not restored.",
            remedy="Open the images it was made on.",
        )
    if session.holds(wanted):
        raise Refused(
            "The series {series} has other images now than the saved work was made on, so it is not restored.",
            remedy="Open the images it was made on, or begin anew.",
            series=session.series(wanted).title,
        )
    raise UnreadableInput(
        "The images of the saved work are not among those that are open.", remedy="Open their folder."
    )


def _is_same(mark: SeriesMark, found: SeriesMark) -> bool:
    """Tell whether an open series has the pictures of a mark; slices to be interpolated are told by their UID."""
    if mark.raw_key:
        return found.key == mark.raw_key or (bool(mark.series_uid) and found.series_uid == mark.series_uid)
    return found.content == mark.content and found.series_uid == mark.series_uid


def check_pixels(mark: SeriesMark, volume: Volume) -> None:
    """Refuse a volume whose values are others than those the work was made on."""
    if mark.pixels and pixels_of(volume) != mark.pixels:
        raise Refused(
            "The pixels of {series} are others than those the saved work was made on, so it is not restored.",
            remedy="Open the images it was made on, or begin anew.",
            series=volume.series.title,
        )


def _content(series: Series) -> str:
    told = [[*_frame(one), one.frame] for one in series.frames]
    return hashlib.sha256(json.dumps([told, list(series.shape_zyx), series.times]).encode()).hexdigest()


def _frame(one: FrameRef) -> list[str | int]:
    if one.sop_instance_uid:
        return [one.sop_instance_uid]
    size = 0
    with suppress(OSError):
        size = one.path.stat().st_size
    return [one.path.name, size]


def _person(patient: Patient) -> str:
    return hashlib.sha256(json.dumps([patient.patient_id, patient.birth_date]).encode()).hexdigest()
