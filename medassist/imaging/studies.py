"""From the headers of many files to patients and studies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from medassist.entities.study import Patient, Series, Study
from medassist.imaging import tags
from medassist.imaging.dicom_files import Header, series_uid_of
from medassist.imaging.header_file import HeaderFile
from medassist.imaging.objects.references import with_relations
from medassist.imaging.quick_header import once
from medassist.imaging.series import series_of


def studies_of(files: Sequence[HeaderFile], lost: Mapping[str, Sequence[Path]]) -> tuple[Study, ...]:
    """Group files into studies and series, in order of study date and series number.

    `lost` names the files of a SeriesInstanceUID that are cut off. Two patients never share a study, even when
    careless de-identification gave them one StudyInstanceUID.
    """
    by_study: dict[tuple[str, str], list[HeaderFile]] = defaultdict(list)
    for file in files:
        by_study[once(_study_and_patient, (file.header,))].append(file)
    studies = [_study(uid, members, lost) for (uid, _), members in by_study.items()]
    related = with_relations(studies, files)
    return _with_own_keys(sorted(related, key=lambda study: (study.date, study.time, study.study_uid)))


def _study_and_patient(layers: tuple[Header, ...]) -> tuple[str, str]:
    return tags.text(layers, "StudyInstanceUID"), tags.text(layers, "PatientID")


def _with_own_keys(studies: Iterable[Study]) -> tuple[Study, ...]:
    """Number keys that occur in several studies, so that no series is taken for another."""
    seen: Counter[str] = Counter()
    result = []
    for study in studies:
        series = []
        for one in study.series:
            seen[one.key] += 1
            series.append(one if seen[one.key] == 1 else _renamed(one, f"@{seen[one.key]}"))
        result.append(replace(study, series=tuple(series)))
    return tuple(result)


def _renamed(series: Series, ending: str) -> Series:
    """Give a series, and the slices it was made of, another key."""
    raw = None if series.raw is None else _renamed(series.raw, ending)
    return replace(series, key=f"{series.key}{ending}", raw=raw)


def _study(uid: str, files: list[HeaderFile], lost: Mapping[str, Sequence[Path]]) -> Study:
    by_series: dict[str, list[HeaderFile]] = defaultdict(list)
    for file in files:
        by_series[once(series_uid_of, (file.header,))].append(file)
    series = [one for key, members in by_series.items() for one in series_of(members, lost.get(key, ()))]
    first = files[0]
    patient = Patient(
        first.text("PatientName").rstrip("=^ "),
        first.text("PatientID"),
        tags.date((first.header,), "PatientBirthDate"),
        first.text("PatientSex"),
        first.text("PatientAge"),
    )
    return Study(
        uid,
        patient,
        tags.date((first.header,), "StudyDate"),
        first.text("StudyTime"),
        first.text("StudyDescription"),
        first.text("AccessionNumber"),
        tuple(sorted(series, key=lambda one: (one.number is None, one.number or 0, one.series_uid))),
    )
