"""From the headers of files with one SeriesInstanceUID to its parts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from medassist.entities.study import Series, SeriesKind
from medassist.imaging import tags
from medassist.imaging.cine import frame_times_ms
from medassist.imaging.dicom_files import Header
from medassist.imaging.frames import Frame, frames_of
from medassist.imaging.header_file import HeaderFile
from medassist.imaging.marks import files_of, lossy_ratio, shared_texts, side_of, sides_of
from medassist.imaging.objects.kinds import READ, kind_of
from medassist.imaging.quick_header import once
from medassist.imaging.remarks import geometry_problems, lost_slices, remarks, scale_remarks, unplaced_problems
from medassist.imaging.splitting import Part, split
from medassist.imaging.tilt import with_raw
from medassist.imaging.time_labels import time_labels

_RADIOGRAPHS = ("CR", "DX", "MG", "IO", "PX", "RG", "XA", "RF")


def series_of(files: Sequence[HeaderFile], lost: Sequence[Path] = ()) -> list[Series]:
    """Return the series, or the parts of it, that files with one SeriesInstanceUID form; `lost` are cut off."""
    header_of = {file.path: file for file in files}
    films: list[Frame] = []
    placed: list[Frame] = []
    for file in files:
        modality = once(_modality, (file.header,))
        for frame in file.frames:
            (placed if frame.is_placed and not _is_projection(modality, frame) else films).append(frame)
    parts = split(placed) if placed else []
    result = [_placed_series(files_of(part.frames, header_of), part, lost) for part in parts]
    straight = {one.frames: part for one, part in zip(result, parts, strict=True) if not lost}
    for group, label in _film_groups(films, header_of):
        one = _unplaced_series(files_of(group, header_of), group, label)
        result.append(replace(one, sides=sides_of(group, header_of)))
    empty = [file for file in files if not file.frames]
    result += [_other_series(group, label) for group, label in _object_groups(empty)]
    return [each for one in _keyed(result) for each in with_raw(one, straight.get(one.frames))]


def _modality(layers: tuple[Header, ...]) -> str:
    return tags.text(layers, "Modality")


def _is_projection(modality: str, frame: Frame) -> bool:
    return modality in _RADIOGRAPHS or (modality == "CT" and frame.component == "localizer")


def _film_groups(films: Sequence[Frame], header_of: dict[Path, HeaderFile]) -> Iterable[tuple[list[Frame], str]]:
    """Give every radiograph a series of its own; pictures of an album or a cine stay together by size."""
    groups: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in films:
        alone = header_of[frame.path].text("Modality") in _RADIOGRAPHS or frame.component == "localizer"
        groups[frame.path if alone and len(films) > 1 else "", frame.rows, frame.columns, frame.samples].append(frame)
    ordered = sorted(groups.values(), key=lambda group: group[0].clocks[-1] or 0.0)
    for number, group in enumerate(ordered, 1):
        label = " ".join((group[0].component or "picture", *([str(number)] if len(ordered) > 1 else [])))
        label = "" if label == "picture" else label
        yield sorted(group, key=lambda frame: (frame.clocks[-1] or 0.0, frame.path.name)), label


def _placed_series(files: Sequence[HeaderFile], part: Part, lost: Sequence[Path]) -> Series:
    first = part.frames[0]
    problems = (*lost_slices(lost), *geometry_problems(part))
    return _series(
        files,
        SeriesKind.STACK if problems else SeriesKind.VOLUME,
        part.frames,
        part.label,
        shape_zyx=(len(part.places) if part.complete else len(part.frames), first.rows, first.columns),
        times=part.times,
        irregularity=" ".join(problem.text() for problem in problems),
        times_by=part.times_by,
        time_labels=time_labels(part.places, part.times_by) if part.complete else (),
        slice_times_s=_slice_times_s(part),
        warnings=(*problems, *part.remarks, *remarks(files[0], part.frames)),
    )


def _slice_times_s(part: Part) -> tuple[float, ...]:
    """Return when each slice of the first time point was taken, () unless all say so."""
    taken = [place[0].taken_ms for place in part.places] if part.complete else []
    return tuple(time / 1000 for time in taken if time is not None) if None not in taken else ()


def _unplaced_series(files: Sequence[HeaderFile], frames: Sequence[Frame], label: str) -> Series:
    first, file = frames[0], files[0]
    cross_section = file.text("Modality") in ("CT", "MR", "PT") and len(frames) > 1 and first.component != "localizer"
    problems = unplaced_problems(frames) if cross_section else ()
    return _series(
        files,
        SeriesKind.STACK if cross_section else SeriesKind.FILM,
        frames,
        label,
        shape_zyx=(len(frames), first.rows, first.columns),
        frame_times_ms=() if len({frame.path for frame in frames}) > 1 else frame_times_ms(file.header, len(frames)),
        irregularity=" ".join(problem.text() for problem in problems),
        warnings=(*problems, *scale_remarks(first), *remarks(file, frames)),
    )


def _object_groups(files: Sequence[HeaderFile]) -> Iterable[tuple[list[HeaderFile], str]]:
    """Give every object that can be opened an entry of its own; raw data and the like stay together by kind."""
    groups: dict[tuple[object, ...], list[HeaderFile]] = defaultdict(list)
    for file in files:
        kind = kind_of(file.text("SOPClassUID"))
        groups[kind, file.path if kind in READ else ""].append(file)
    ordered = sorted(groups.values(), key=lambda group: tags.whole((group[0].header,), "InstanceNumber") or 0)
    for group in ordered:
        told = group[0].text("ContentDescription") or kind_of(group[0].text("SOPClassUID")).value
        yield group, told if len(ordered) > 1 else ""


def _other_series(files: Sequence[HeaderFile], label: str) -> Series:
    frames = [frames_of(file.header, file.path)[0] for file in files]
    return _series(
        files,
        SeriesKind.OTHER,
        frames,
        label,
        object_kind=kind_of(files[0].text("SOPClassUID")).value,
        referenced_series_uids=tuple(dict.fromkeys(uid for file in files for uid in file.refers_to)),
    )


def _series(
    files: Sequence[HeaderFile], kind: SeriesKind, frames: Sequence[Frame], part: str, **facts: object
) -> Series:
    file, sides = files[0], {side_of(one) for one in files}
    return Series(
        key=file.text("SeriesInstanceUID") or str(file.path),
        charset=file.charset,
        kind=kind,
        frames=tuple(frame.ref for frame in frames),
        series_uid=file.text("SeriesInstanceUID"),
        study_uid=file.text("StudyInstanceUID"),
        sop_class_uid=file.text("SOPClassUID"),
        number=tags.whole((file.header,), "SeriesNumber"),
        description=file.text("SeriesDescription"),
        part=part,
        modality=file.text("Modality"),
        body_part=file.text("BodyPartExamined"),
        view_position=file.text("ViewPosition"),
        laterality=sides.pop() if len(sides) == 1 else "",
        photometric=file.text("PhotometricInterpretation"),
        patient_orientation=shared_texts(files, "PatientOrientation"),
        lossy=lossy_ratio(files),
        acquisition_date=tags.date((file.header,), "AcquisitionDate")
        or tags.date((file.header,), "SeriesDate")
        or tags.date((file.header,), "StudyDate"),
        **facts,  # type: ignore[arg-type]
    )


def _keyed(parts: list[Series]) -> list[Series]:
    """Give the parts of a series keys of their own."""
    if len(parts) == 1:
        return parts
    seen: Counter[str] = Counter()
    result = []
    for one in parts:
        name = one.part or one.kind.value
        seen[name] += 1
        own = name if seen[name] == 1 else f"{name} {seen[name]}"
        result.append(replace(one, key=f"{one.key}#{own}"))
    return result
