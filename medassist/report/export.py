"""Every way to write a report, by the name of its format."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from medassist.entities.errors import UnwritableOutput, UsageError
from medassist.imaging.file_names import put, staging_folder
from medassist.plugins import Availability, needs
from medassist.progress import Progress
from medassist.report import (
    case_export,
    epdf,
    fhir,
    gsps,
    html,
    keyimages,
    kos,
    maps,
    measurements_csv,
    nifti,
    pdf,
    pm,
    result_json,
    sc,
    seg,
    sr,
    stamps_csv,
    text,
)
from medassist.report.case import Case
from medassist.storage.case_file import FILE_NAME


class Readers(Enum):
    """Whom a format is for; faces list the formats in these groups."""

    PEOPLE = "For people"
    PACS = "For PACS"
    DATA = "For data"


@dataclass(frozen=True)
class Exporter:
    """One format: `write(case, folder)` writes its files into an existing folder and returns them.

    Attributes:
        title: name for people (English).
        requires: formats whose files this one shows or points at; they are written too.
        modules: optional Python packages it needs.
        readers: whom it is for.
        by_default: whether it is written where nobody says which formats.
    """

    title: str
    write: Callable[[Case, Path], tuple[Path, ...]]
    requires: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    readers: Readers = Readers.DATA
    by_default: bool = True

    @property
    def availability(self) -> Availability:
        """Whether the format can be written here."""
        return needs(self.modules)


_DICOM, _PAGES = ("highdicom",), ("jinja2",)

EXPORTERS: Mapping[str, Exporter] = {
    "seg": Exporter("DICOM segmentation", seg.write, (), _DICOM, Readers.PACS),
    "pm": Exporter("DICOM parametric maps", pm.write, (), _DICOM, Readers.PACS),
    "sr": Exporter("DICOM structured report", sr.write, ("seg", "pm"), _DICOM, Readers.PACS),
    "gsps": Exporter("DICOM presentation state (window, drawings)", gsps.write, (), _DICOM, Readers.PACS),
    "kos": Exporter("DICOM key images", kos.write, (), _DICOM, Readers.PACS),
    "nifti": Exporter("NIfTI mask", nifti.write),
    "png": Exporter("Key pictures", keyimages.write, (), ("PIL",), Readers.PEOPLE),
    "map_png": Exporter("Heatmaps with their legend", maps.write_pictures, (), ("PIL",), Readers.PEOPLE),
    "map_nifti": Exporter("NIfTI heatmaps", maps.write_volumes),
    "stamps_csv": Exporter("Table of measured heatmaps", stamps_csv.write),
    "html": Exporter("HTML page", html.write, ("png",), _PAGES, Readers.PEOPLE),
    "pdf": Exporter("PDF document", pdf.write, ("png",), (*_PAGES, "PySide6"), Readers.PEOPLE),
    "sc": Exporter("Key pictures as DICOM captures", sc.write, ("png",), (*_DICOM, "PIL"), Readers.PACS, False),
    "epdf": Exporter("PDF document inside DICOM", epdf.write, ("pdf",), _DICOM, Readers.PACS),
    "text": Exporter("Plain text", text.write, readers=Readers.PEOPLE),
    "csv": Exporter("Tables of findings and measurements", measurements_csv.write),
    "fhir": Exporter("FHIR bundles (R5 and R4B)", fhir.write, modules=("jinja2",)),
    "case": Exporter("Case file: opens again as it was", case_export.write),
    "json": Exporter("Result for scripts", result_json.write),
}
"""In the order of writing: what is required comes first, result.json last."""

ALL_FORMATS = tuple(EXPORTERS)

DEFAULT_FORMATS = tuple(name for name, one in EXPORTERS.items() if one.by_default)
"""Written where nobody says which."""

_STEMS = ("seg", "heatmap-", "sr", "gsps", "kos", "sc-", "report", "key-", "mask", "instances", "map-", "stamps",
          "findings", "measurements", "fhir")  # fmt: skip
_ENDINGS = (".dcm", ".png", ".nii.gz", ".csv", ".pdf", ".html", ".txt", "fhir.json", "fhir-r4b.json")


def export(case: Case, folder: Path, formats: Iterable[str] = ALL_FORMATS, *, progress: Progress) -> tuple[Path, ...]:
    """Write the report of `case` into `folder` (made when missing) and return the files.

    Files appear whole or not at all: they are written beside and renamed at the end, result.json last. Files an
    earlier result.json lists and this one no longer does are removed, so that no stale picture stays with a new report.
    Inputs that are not DICOM get no DICOM objects; the notes of the result say so.

    Raises:
        UsageError: a format is unknown.
        UnwritableOutput: the folder or a file cannot be written, or a package is missing.
        Cancelled: `progress` was asked to stop; the folder is as it was.
    """
    chosen = _with_required(formats)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with staging_folder(folder) as stage:
            written = _write_all(case, stage, chosen, progress)
            return _publish(written, folder)
    except OSError as error:
        raise UnwritableOutput(
            "The report cannot be written to {path}: {reason}.",
            remedy="Choose a folder you may write to, with enough free space.",
            path=folder,
            reason=error.strerror or type(error).__name__,
        ) from error


def _with_required(formats: Iterable[str]) -> list[str]:
    """Return the formats with those they require, in the order of writing (UsageError, UnwritableOutput)."""
    wanted = list(formats)
    for name in wanted:
        if name not in EXPORTERS:
            known = ", ".join(EXPORTERS)
            raise UsageError("There is no report format {name}; choose from {known}.", name=name, known=known)
        wanted += EXPORTERS[name].requires
    for name in wanted:
        if not EXPORTERS[name].availability.ok:
            raise UnwritableOutput(
                "The report format {name} {reason}.", name=name, reason=EXPORTERS[name].availability.reason
            )
    return [name for name in EXPORTERS if name in wanted]


def _write_all(case: Case, stage: Path, chosen: list[str], progress: Progress) -> list[Path]:
    began = time.perf_counter()
    written: list[Path] = []
    for done, name in enumerate(chosen):
        progress.step("Writing the report", done / len(chosen))
        if name == "json":
            seconds = {"write": round(time.perf_counter() - began, 3)}
            names = [path.name for path in written] + [result_json.FILE_NAME]
            written += result_json.write_result(case, stage, names, seconds)
        else:
            written += EXPORTERS[name].write(case, stage)
    progress.step("Writing the report", 1.0)
    return written


def _publish(written: list[Path], folder: Path) -> tuple[Path, ...]:
    """Rename the files into the folder; remove what an earlier report of the same kind left there."""
    names = [path.name for path in written]
    stale = _listed(folder) - set(names) if result_json.FILE_NAME in names else set()
    for name in stale:
        (folder / name).unlink(missing_ok=True)
    for path in written:
        put(path, folder / path.name)
    return tuple(folder / name for name in names)


def _listed(folder: Path) -> set[str]:
    """Return the plain file names an earlier result.json lists; nothing when it is not ours."""
    path = folder / result_json.FILE_NAME
    if not path.is_file():
        return set()
    try:
        files = json.loads(path.read_text(encoding="utf-8")).get("files", [])
    except (ValueError, AttributeError):
        return set()
    return {name for name in files if isinstance(name, str) and Path(name).name == name and _is_ours(name)}


def _is_ours(name: str) -> bool:
    if name == FILE_NAME:
        return True
    return (name.startswith(_STEMS) and name.endswith(_ENDINGS)) or bool(re.fullmatch(r"map-\d+\.json", name))
