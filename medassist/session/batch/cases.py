"""Which images are explained: every series, film and picture a model may be asked about, under names of their own."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import Series, SeriesKind, Skipped, Study
from medassist.progress import Progress
from medassist.report.map_record import cell
from medassist.session.batch.kept import REQUEST, unwritable
from medassist.session.jobs import open_path, with_pictures

if TYPE_CHECKING:
    from medassist.inference.packages import Package

FILE_NAME = "cases.csv"
OWN_FILES = (FILE_NAME, REQUEST, "summary.json", "stamps.csv", "index.html")
OWN_FOLDER = re.compile(r"case-[0-9a-f]{12}")
"""What the folder of a case is called."""


@dataclass(frozen=True)
class Found:
    """One image to explain; `name` tells nothing of the patient, `place` is where it lies."""

    name: str
    place: str
    study: Study
    series: Series

    @property
    def subject(self) -> str:
        """Who it is of, as far as anybody knows: two images of one person are no two witnesses."""
        return self.study.patient.patient_id or self.study.study_uid or self.name


@dataclass(frozen=True)
class Everything:
    """All that lies under the paths.

    Attributes:
        cases: what is explained; what the model takes by its modality, or the first image where it takes none.
        left_out: how many series are of another modality.
        skipped: files nobody understood.
    """

    cases: tuple[Found, ...]
    left_out: int = 0
    skipped: tuple[Skipped, ...] = ()


def find_cases(
    paths: Sequence[Path], package: Package, *, out: Path | None = None, charset: str = "", progress: Progress
) -> Everything:
    """Look for images under every path (UnreadableInput when there is none, or a path cannot be read).

    Maps that an earlier comparison wrote into `out` are no images to explain, although `out` may lie among them.
    """
    found: list[tuple[Path, Study, Series]] = []
    skipped: list[Skipped] = []
    for path in dict.fromkeys(one.resolve() for one in paths):
        scan = open_path(path, charset=charset, progress=progress).scan
        skipped += [one for one in scan.skipped if not _written(one.path, out)]
        others = [one for one in scan.all_series() if not any(_written(frame.path, out) for frame in one.frames)]
        if any(one.kind is not SeriesKind.OTHER for one in others):
            found += [(path, scan.study_of(one), one) for one in with_pictures(others, path)]
    if not found:
        raise UnreadableInput("There is no series with pictures in {path}.", path=", ".join(map(str, paths)))
    found = list({series.key: (path, study, series) for path, study, series in found}.values())
    allowed = package.suitability.modality
    fitting = [one for one in found if not allowed or not one[2].modality or one[2].modality in allowed]
    chosen = fitting or found[:1]
    return Everything(_named(chosen), len(found) - len(chosen), tuple(skipped))


def _written(path: Path, out: Path | None) -> bool:
    """Tell whether a file is one of a comparison in `out`."""
    if out is None or not path.resolve().is_relative_to(out.resolve()):
        return False
    first, *rest = path.resolve().relative_to(out.resolve()).parts
    return OWN_FOLDER.fullmatch(first) is not None if rest else first in OWN_FILES


def _named(found: Sequence[tuple[Path, Study, Series]]) -> tuple[Found, ...]:
    """Give every image a name that stays the same when the whole folder is moved, and that no two share."""
    short = [series.key.replace(str(path.parent), "") for path, _, series in found]
    keys = [key if short.count(key) == 1 else series.key for key, (_, _, series) in zip(short, found, strict=True)]
    return tuple(
        Found(
            f"case-{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:12]}",
            _place(path, series),
            study,
            series,
        )
        for key, (path, study, series) in zip(keys, found, strict=True)
    )


def _place(path: Path, series: Series) -> str:
    """Return the file of a series, or the folder of several, as seen from beside the path that was given."""
    files = {frame.path for frame in series.frames}
    first = min(files)
    where = first if len(files) == 1 else first.parent
    return str(where.relative_to(path.parent)) if where.is_relative_to(path.parent) else series.key


def write_key(cases: Sequence[Found], folder: Path) -> Path:
    """Write which image each case is; the one file that may name people, by the names of their files."""
    path = folder / FILE_NAME
    try:
        with path.open("w", newline="", encoding="utf-8-sig", errors="replace") as file:
            table = csv.writer(file)
            table.writerow(("case", "image", "series_uid"))
            table.writerows((one.name, cell(one.place), one.series.series_uid) for one in cases)
    except OSError as problem:
        raise unwritable(path, problem) from problem
    return path
