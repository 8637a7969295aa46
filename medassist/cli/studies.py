"""`info` and `convert`: what is under a path, and a series as one file other tools read."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medassist.cli.terminal import given_path, note, one_line, progress_bar, say, say_json
from medassist.entities.errors import MedAssistError, UnreadableInput, UsageError
from medassist.entities.parts import parts_of, split_reason
from medassist.entities.study import Scan, Series, Study, Warned
from medassist.imaging.objects.relations import images_of, relation_problem
from medassist.language import localized, tr
from medassist.session import jobs

_NAME_LENGTH = 64
_MOST_PARTS = 20


def register(verbs: Any) -> None:
    """Add the verbs to the parser."""
    info = verbs.add_parser("info", help="studies, series, geometry and warnings under a path")
    info.add_argument("path", type=given_path, metavar="PATH")
    add_charset(info)
    info.add_argument("--json", action="store_true", help="one JSON object on standard output")
    info.set_defaults(run=run_info)
    convert = verbs.add_parser("convert", help="a series as .nii.gz, .nii, .nrrd or .mha")
    convert.add_argument("path", type=given_path, metavar="PATH")
    convert.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="a file, or a folder for several")
    convert.add_argument("--series", default="", metavar="UID", help="which series, when PATH holds several")
    add_charset(convert)
    convert.add_argument(
        "--resample", action="store_true", help="bring irregular slices onto a regular grid by interpolation"
    )
    convert.set_defaults(run=run_convert)


def add_charset(verb: Any) -> None:
    """Add the option that takes another reading of the texts than the files declare."""
    verb.add_argument("--charset", default="", metavar="NAME", help="read texts as UTF-8, GB18030 or ISO 8859-1")


def run_info(arguments: argparse.Namespace) -> int:
    """List what is under a path."""
    with progress_bar() as progress:
        scan = jobs.open_path(arguments.path, charset=arguments.charset, progress=progress).scan
    if arguments.json:
        say_json(scan_as_json(scan))
    else:
        for study in scan.studies:
            _say_study(study, scan.all_series())
        for skipped in scan.skipped:
            note(f"  {one_line(skipped.path.name)}: {one_line(skipped.reason)}")
    return 0


def scan_as_json(scan: Scan) -> dict[str, object]:
    """Return everything found under a path, for scripts."""
    return {
        "source": str(scan.source),
        "studies": [_study_as_json(study, scan.all_series()) for study in scan.studies],
        "skipped": [{"file": str(one.path), "reason": one.reason} for one in scan.skipped],
    }


def _study_as_json(study: Study, every: Sequence[Series]) -> dict[str, object]:
    patient = study.patient
    return {
        "study_uid": study.study_uid,
        "patient": {
            "name": patient.name,
            "id": patient.patient_id,
            "birth_date": patient.birth_date,
            "sex": patient.sex,
            "age": patient.age,
        },
        "date": study.date,
        "description": study.description,
        "series": [_series_as_json(series, every) for series in study.series],
    }


def _series_as_json(series: Series, every: Sequence[Series]) -> dict[str, object]:
    names = (
        "key",
        "format",
        "series_uid",
        "sop_class_uid",
        "number",
        "description",
        "part",
        "modality",
        "body_part",
        "view_position",
        "laterality",
        "photometric",
        "times",
        "times_by",
        "irregularity",
    )
    plain = {name: getattr(series, name) for name in names}
    return plain | {
        "split": _split_as_json(series),
        "made_from": "" if series.raw is None else series.raw.key,
        "kind": series.object_kind or series.kind.value,
        "shape_zyx": list(series.shape_zyx),
        "slice_times_s": list(series.slice_times_s),
        "frame_times_ms": list(series.frame_times_ms),
        "files": len({frame.path for frame in series.frames}),
        "refers_to": list(series.referenced_series_uids),
        "shown_with": [one.key for one in images_of(series, every)],
        "warnings": [warning.text() for warning in _warnings(series, every)],
    }


def _split_as_json(series: Series) -> dict[str, object] | None:
    """Return why a series can be taken apart, and its parts; None for a series of one part."""
    parts = parts_of(series)
    if not parts:
        return None
    listed = [{"key": one.key, "label": one.time_labels[0].text(), "images": len(one.frames)} for one in parts]
    return {"by": series.times_by, "reason": split_reason(series).text(), "parts": listed}


def _warnings(series: Series, every: Sequence[Series]) -> tuple[Warned, ...]:
    """Return what must be known about a series, a relation that leads nowhere included."""
    problem = relation_problem(series, every)
    return series.warnings if problem is None else (*series.warnings, problem)


def _say_study(study: Study, every: Sequence[Series]) -> None:
    patient = study.patient
    who = " · ".join(text for text in (patient.name, patient.patient_id, study.date, study.description) if text)
    say(who or tr("Study without a name"))
    for series in study.series:
        size = " x ".join(str(length) for length in series.shape_zyx)
        times = f" x {series.times}" if series.times > 1 else ""
        what = tr(series.object_kind) if series.object_kind else f"{series.kind.value:7} {size}{times}"
        say(f"  {series.modality or series.format:8} {what}  {series.title}")
        _say_parts(series)
        for image in images_of(series, every):
            say(f"           -> {image.title}")
        for warning in _warnings(series, every):
            say(f"           ! {localized(warning)}")


def _say_parts(series: Series) -> None:
    """Say why a series can be taken apart, and by which key each part is asked for."""
    parts = parts_of(series)
    if parts:
        say(f"           {localized(split_reason(series))}")
    for part in parts[:_MOST_PARTS]:
        say(f"           - {localized(part.time_labels[0])}  (--series '{one_line(part.key)}')")
    if len(parts) > _MOST_PARTS:
        say("           - " + tr("{count} more; --json lists all", count=len(parts) - _MOST_PARTS))


def run_convert(arguments: argparse.Namespace) -> int:
    """Write the series under a path; what is irregular is named and costs exit code 3, the rest is written."""
    with progress_bar() as progress:
        scan = jobs.open_path(arguments.path, charset=arguments.charset, progress=progress).scan
        chosen = jobs.with_pictures(scan.all_series(), scan.source, key_or_uid=arguments.series)
        problems: list[MedAssistError] = []
        for series, target in _targets(chosen, arguments.out).items():
            try:
                say(str(jobs.convert_series(series, target, resample=arguments.resample, progress=progress)))
                _note_interpolation(series, resampled=arguments.resample and bool(series.irregularity))
            except UnreadableInput as problem:
                problems.append(problem)
    for earlier in problems[:-1]:
        note(f"medassist: {localized(earlier)}")
    if problems:
        raise problems[-1]
    note_left_out(scan)
    return 0


def _note_interpolation(series: Series, *, resampled: bool) -> None:
    """Say that what was written is not what the scanner stored."""
    if series.raw is not None:
        note(localized(series.warnings[0]))
    elif resampled:
        note(tr("Resampled to a regular grid, because: {reason}", reason=series.irregularity))


def note_left_out(scan: Scan) -> None:
    """Say that files were left out: what was asked for was done, perhaps on less than is there."""
    if scan.skipped:
        note(tr("Files left out: {count}. `medassist info` lists them with the reasons.", count=len(scan.skipped)))


def _targets(chosen: Sequence[Series], out: Path) -> dict[Series, Path]:
    """Name one file per series: `out` itself, `out` with the part in its name, or files inside the folder `out`."""
    from medassist.imaging.convert import SUFFIXES

    suffix = next((one for one in SUFFIXES if out.name.lower().endswith(one)), "")
    if not suffix:
        if out.suffix and not out.is_dir():
            raise UsageError(
                "{file} has no suffix of a volume format.", remedy="Use .nii.gz, .nii, .nrrd or .mha.", file=out
            )
        return _unique({series: out / f"{_file_name(series)}.nii.gz" for series in chosen})
    if len({series.series_uid or series.key for series in chosen}) > 1:
        raise UsageError(
            "{count} series would go into one file.",
            remedy="Choose one with --series, or give a folder.",
            count=len(chosen),
        )
    if len(chosen) == 1:
        return {chosen[0]: out}
    stem = out.name[: -len(suffix)]
    return _unique({series: out.with_name(f"{stem}_{_word(series.part)}{suffix}") for series in chosen})


def _file_name(series: Series) -> str:
    number = "" if series.number is None else str(series.number)
    told = series.description or series.modality or "series"
    if series.format != "DICOM":  # told by the name of a file
        told = told.removesuffix(".gz").rpartition(".")[0] or told
    return _word("_".join(part for part in (number, told, series.part) if part))


def _word(text: str) -> str:
    """Return text as a file name: file systems take 255 bytes, three per Chinese character."""
    return re.sub(r"[^\w.=+-]+", "_", text)[:_NAME_LENGTH].strip("_.") or "part"


def _unique(targets: dict[Series, Path]) -> dict[Series, Path]:
    taken: set[Path] = set()
    for series, path in targets.items():
        number = 2
        name, dot, suffix = path.name.partition(".")
        while targets[series] in taken:
            targets[series] = path.with_name(f"{name}_{number}{dot}{suffix}")
            number += 1
        taken.add(targets[series])
    return targets
