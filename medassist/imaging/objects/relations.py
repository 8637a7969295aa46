"""Which of the series that are open an object belongs to. Needs no header, so that a face may ask at any time."""

from __future__ import annotations

from collections.abc import Sequence

from medassist.entities.study import Series, SeriesKind, Warned, warned


def images_of(series: Series, others: Sequence[Series]) -> tuple[Series, ...]:
    """Return the series with pictures that an object refers to, of those given; parts of one series all count."""
    wanted = {uid: place for place, uid in enumerate(series.referenced_series_uids)}
    found = [one for one in others if one.kind is not SeriesKind.OTHER and one.series_uid in wanted]
    return tuple(sorted(found, key=lambda one: wanted[one.series_uid]))


def relation_problem(series: Series, others: Sequence[Series]) -> Warned | None:
    """Say why an object cannot be laid over its images: it names none, or none of them is here."""
    if series.kind is not SeriesKind.OTHER or series.format != "DICOM":
        return None
    if not series.referenced_series_uids:
        return warned("It does not say which images it belongs to.")
    here = {one.series_uid for one in others if one.key != series.key}
    missing = [uid for uid in series.referenced_series_uids if uid not in here]
    if not missing:
        return None
    if len(missing) == len(series.referenced_series_uids):
        return warned("The images it refers to are not here: series {uid}.", uid=", ".join(missing))
    return warned("It also refers to series that are not here: {uid}.", uid=", ".join(missing))
