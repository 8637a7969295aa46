"""From the headers of many files to studies and series."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom import Dataset

from medassist.entities.study import Patient, Series, SeriesKind, Study, Warned, warned
from medassist.imaging import tags
from medassist.imaging.frames import Frame, frames_of
from medassist.imaging.grid import irregularities
from medassist.imaging.splitting import Part, split

_RADIOGRAPHS = ("CR", "DX", "MG", "IO", "PX", "RG", "XA", "RF")


@dataclass(frozen=True)
class HeaderFile:
    """One DICOM file as scanned: its header and its pictures.

    SR, SEG, RTSTRUCT and the like have none; `refers_to` holds the SeriesInstanceUIDs they name.
    """

    path: Path
    header: Dataset
    frames: tuple[Frame, ...]
    refers_to: tuple[str, ...] = ()

    def text(self, keyword: str) -> str:
        """Return one attribute as text."""
        return tags.text((self.header,), keyword)


def studies_of(files: Sequence[HeaderFile]) -> tuple[Study, ...]:
    """Group files into studies and series, in order of study date and series number.

    Two patients never share a study, even when careless de-identification gave them one StudyInstanceUID.
    """
    by_study: dict[tuple[str, str], list[HeaderFile]] = defaultdict(list)
    for file in files:
        by_study[file.text("StudyInstanceUID"), file.text("PatientID")].append(file)
    studies = [_study(uid, members) for (uid, _), members in by_study.items()]
    return _with_own_keys(sorted(studies, key=lambda study: (study.date, study.time, study.study_uid)))


def _with_own_keys(studies: Iterable[Study]) -> tuple[Study, ...]:
    """Number keys that occur in several studies, so that no series is taken for another."""
    seen: Counter[str] = Counter()
    result = []
    for study in studies:
        series = []
        for one in study.series:
            seen[one.key] += 1
            series.append(one if seen[one.key] == 1 else replace(one, key=f"{one.key}@{seen[one.key]}"))
        result.append(replace(study, series=tuple(series)))
    return tuple(result)


def _study(uid: str, files: list[HeaderFile]) -> Study:
    by_series: dict[str, list[HeaderFile]] = defaultdict(list)
    for file in files:
        by_series[file.text("SeriesInstanceUID")].append(file)
    series = [one for members in by_series.values() for one in series_of(members)]
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


def series_of(files: Sequence[HeaderFile]) -> list[Series]:
    """Return the series, or the parts of it, that files with one SeriesInstanceUID form."""
    header_of = {file.path: file for file in files}
    frames = [frame for file in files for frame in file.frames]
    films: list[Frame] = []
    placed: list[Frame] = []
    for frame in frames:
        flat = not frame.is_placed or _is_projection(header_of[frame.path], frame)
        (films if flat else placed).append(frame)
    parts = split(placed) if placed else []
    result = [_placed_series(header_of[part.frames[0].path], part) for part in parts]
    for group, label in _film_groups(films, header_of):
        result.append(_unplaced_series(header_of[group[0].path], group, label))
    empty = [file for file in files if not file.frames]
    if empty:
        result.append(_other_series(empty))
    return _keyed(result)


def _is_projection(file: HeaderFile, frame: Frame) -> bool:
    return file.text("Modality") in _RADIOGRAPHS or (file.text("Modality") == "CT" and frame.component == "localizer")


def _film_groups(films: Sequence[Frame], header_of: dict[Path, HeaderFile]) -> Iterable[tuple[list[Frame], str]]:
    """Give every radiograph a series of its own; pictures of an album or a cine stay together by size."""
    groups: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in films:
        alone = header_of[frame.path].text("Modality") in _RADIOGRAPHS or frame.component == "localizer"
        groups[frame.path if alone and len(films) > 1 else "", frame.rows, frame.columns, frame.samples].append(frame)
    ordered = sorted(groups.values(), key=lambda group: group[0].clocks[-1] or 0.0)
    for number, group in enumerate(ordered, 1):
        label = group[0].component or (f"picture {number}" if len(ordered) > 1 else "")
        yield sorted(group, key=lambda frame: (frame.clocks[-1] or 0.0, frame.path.name)), label


def _placed_series(file: HeaderFile, part: Part) -> Series:
    first = part.frames[0]
    problems = _problems(part)
    return _series(
        file,
        SeriesKind.STACK if problems else SeriesKind.VOLUME,
        part.frames,
        part.label,
        shape_zyx=(len(part.places) if part.complete else len(part.frames), first.rows, first.columns),
        times=part.times,
        irregularity=" ".join(problem.text() for problem in problems),
        warnings=(*problems, *_remarks(file, part.frames)),
    )


def _problems(part: Part) -> tuple[Warned, ...]:
    """Say why a part is no regular volume."""
    if not part.complete:
        usual = max(len(place) for place in part.places)
        odd = [place for place in part.places if len(place) != min(len(each) for each in part.places)]
        names = ", ".join(frame.name for frame in odd[0][:4])
        few = [place for place in part.places if len(place) < usual]
        return (
            warned(
                "Several files lie at the same position, but not at every position ({most} at most, {least} at least): "
                "{names}, … in one place; {fewer} positions have fewer.",
                most=usual,
                least=min(len(place) for place in part.places),
                names=names,
                fewer=len(few),
            ),
        )
    for time in range(part.times):
        problems = irregularities([place[time] for place in part.places])
        if problems:
            return problems
    first = part.frames[0]
    if len(part.places) == 1 and not (first.gap_mm or first.thickness_mm):
        return (warned("There is a single slice, {file}, and its thickness is not known.", file=first.name),)
    return ()


def _remarks(file: HeaderFile, frames: Sequence[Frame]) -> tuple[Warned, ...]:
    """Say what a reader must know besides the geometry."""
    found = []
    bad = [frame for frame in frames if frame.bad_slope]
    if bad:
        found.append(
            warned("{file} states no usable rescale slope; 1 was taken, so values may have no unit.", file=bad[0].name)
        )
    if len({(frame.path, frame.index) for frame in frames}) == 1 and frames[0].is_placed:
        thickness = frames[0].gap_mm or frames[0].thickness_mm or 0.0
        if thickness:
            found.append(
                warned(
                    "There is a single slice; the header gives its thickness: {thickness} mm.",
                    thickness=thickness,
                )
            )
    if file.text("VOILUTFunction") == "SIGMOID":
        found.append(warned("The header asks for a sigmoid grey scale; it is shown with a linear one."))
    if file.text("BurnedInAnnotation") == "YES":
        found.append(warned("The picture has text burned into it."))
    return tuple(found)


def _unplaced_series(file: HeaderFile, frames: Sequence[Frame], label: str) -> Series:
    first = frames[0]
    cross_section = file.text("Modality") in ("CT", "MR", "PT") and len(frames) > 1 and first.component != "localizer"
    problems = _unplaced_problems(frames) if cross_section else ()
    return _series(
        file,
        SeriesKind.STACK if cross_section else SeriesKind.FILM,
        frames,
        label,
        shape_zyx=(len(frames), first.rows, first.columns),
        irregularity=" ".join(problem.text() for problem in problems),
        warnings=(*problems, *_scale_remarks(first), *_remarks(file, frames)),
    )


def _unplaced_problems(frames: Sequence[Frame]) -> tuple[Warned, ...]:
    """Say why slices have no place: no position, or no scale."""
    lost = next((frame for frame in frames if frame.position is None or frame.orientation is None), None)
    if lost is None:
        return (warned("{file} and others do not state the size of a pixel in the patient.", file=frames[0].name),)
    return (warned("{file} and others do not say where they lie in the patient.", file=lost.name),)


def _scale_remarks(frame: Frame) -> tuple[Warned, ...]:
    if frame.spacing_mm is None:
        return (warned("The size of a pixel is not known; lengths are in pixels."),)
    if frame.spacing_tag == "ImagerPixelSpacing":
        return (warned("Millimetres are those of the detector plane; the patient is smaller by the magnification."),)
    if frame.spacing_tag == "NominalScannedPixelSpacing":
        return (warned("Millimetres are those of the scanned film; the patient is smaller by the magnification."),)
    return ()


def _other_series(files: Sequence[HeaderFile]) -> Series:
    frames = [frames_of(file.header, file.path)[0] for file in files]
    return _series(
        files[0],
        SeriesKind.OTHER,
        frames,
        "",
        referenced_series_uids=tuple(dict.fromkeys(uid for file in files for uid in file.refers_to)),
    )


def referenced_series(ds: Dataset, depth: int = 0) -> list[str]:
    """Return the SeriesInstanceUIDs named inside the sequences of a data set."""
    found = []
    for element in ds:
        if element.VR != "SQ" or depth > 8:
            continue
        for item in element.value:
            uid = tags.text((item,), "SeriesInstanceUID")
            found += ([uid] if uid else []) + referenced_series(item, depth + 1)
    return list(dict.fromkeys(found))


def _series(file: HeaderFile, kind: SeriesKind, frames: Sequence[Frame], part: str, **facts: object) -> Series:
    return Series(
        key=file.text("SeriesInstanceUID") or str(file.path),
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
        laterality=file.text("ImageLaterality") or file.text("Laterality"),
        photometric=file.text("PhotometricInterpretation"),
        acquisition_date=tags.date((file.header,), "AcquisitionDate")
        or tags.date((file.header,), "SeriesDate")
        or tags.date((file.header,), "StudyDate"),
        **facts,  # type: ignore[arg-type]
    )


def _keyed(parts: list[Series]) -> list[Series]:
    """Give the parts of a series keys of their own."""
    if len(parts) == 1:
        return parts
    return [replace(one, key=f"{one.key}#{one.part or one.kind.value}") for one in parts]
