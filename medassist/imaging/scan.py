"""What lies under a path: patients, studies and series, from headers only."""

from __future__ import annotations

import filecmp
import os
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydicom import Dataset

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import Scan, Series, Skipped, Study
from medassist.imaging.archives import unpack
from medassist.imaging.charsets import mend_texts, sound_texts
from medassist.imaging.dicom_files import (
    BAD_FILE,
    check_size,
    is_cut_off,
    looks_like_dicom,
    read_header,
    read_header_and_rest,
    read_quickly,
    series_uid_of,
    sop_class_of,
)
from medassist.imaging.folders import files_below
from medassist.imaging.foreign import foreign_series, format_of
from medassist.imaging.frames import frames_of
from medassist.imaging.header_file import HeaderFile, referenced_series
from medassist.imaging.media_index import NAME, index_remark, without_links_outside
from medassist.imaging.plain_pixels import remember
from medassist.imaging.quick_header import once
from medassist.imaging.quiet import quietly, uncollected
from medassist.imaging.studies import studies_of
from medassist.imaging.tags import texts, whole
from medassist.progress import Progress

_THREADS = 8
_PROBE, _SLOW_S = 32, 0.001
_DICOMDIR = "1.2.840.10008.1.3.10"

# Objects with rows and columns that are no pictures to read: SEG, label map SEG, surface SEG, parametric map, RT dose.
_DERIVED = (
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.66.7",
    "1.2.840.10008.5.1.4.1.1.66.5",
    "1.2.840.10008.5.1.4.1.1.30",
    "1.2.840.10008.5.1.4.1.1.481.2",
)

# Storage classes whose instances always have pixels: CR, DX, MG, IO, CT, US, MR, NM, SC, XA, RF, VL, PET and enhanced.
_PICTURE_NUMBERS = "1 1.1 1.1.1 1.2 1.3 2 2.1 3.1 4 4.1 6.1 7 12.1 12.2 20 128"
_PICTURES = tuple(f"1.2.840.10008.5.1.4.1.1.{number}" for number in _PICTURE_NUMBERS.split())


class _Origin(NamedTuple):
    """Where a file comes from: the folder it lies in, and the path a person opened, the same or an archive of it.

    `charset` is the character set the person chose for its texts, "" to believe the file.
    """

    folder: Path
    opened: Path
    charset: str = ""


class _CutOff(UnreadableInput):
    """A picture whose header says which series it belongs to, but whose pixels are not all there."""

    def __init__(self, message: str, *, path: Path, series_uid: str) -> None:
        super().__init__(message, path=path)
        self.series_uid = series_uid


@dataclass
class _Found:
    """What the files of a path turned out to be, in file order; `lost` are cut-off files by SeriesInstanceUID."""

    dicom: list[HeaderFile] = field(default_factory=list)
    foreign: list[Series] = field(default_factory=list)
    problems: list[tuple[Path, UnreadableInput]] = field(default_factory=list)
    lost: defaultdict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))


def scan(path: Path, *, charset: str = "", progress: Progress | None = None) -> Scan:
    """Return the studies and series under a folder, a file, a zip or a DICOMDIR.

    `charset`, one of `entities.study.CHARSETS`, is what texts are read as instead of what the files declare.
    Files that are no images are listed in `skipped` with the reason. Raises UnreadableInput when there is nothing to
    show, and Cancelled.
    """
    progress = progress or Progress()
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links and change the name on screen
    progress.step("Looking for files")
    root = _root(path, progress)
    below, left_out = files_below(root)
    files, refused = without_links_outside(below, root)
    refused += left_out
    if not files and not refused:
        raise UnreadableInput("{path} holds no files.", path=path)
    origins = _unfolded(files, _Origin(root, path, charset), refused, progress)
    with quietly(), uncollected():
        found = _read_all(origins, progress)
        found.problems += refused
        studies = studies_of(found.dicom, found.lost)
    if found.foreign:
        studies = (*studies, Study("", series=tuple(found.foreign)))
    if not studies:
        raise _nothing(path, found)
    return Scan(path, studies, tuple(_skipped(file, problem) for file, problem in found.problems))


def _root(path: Path, progress: Progress) -> Path:
    """Return the folder or file to read: a zip is unpacked, a DICOMDIR stands for its folder."""
    if not os.path.exists(path):  # noqa: PTH110 - a name too long is no error to it
        raise UnreadableInput("{path} does not exist.", path=path)
    if not path.is_dir() and not path.is_file():  # to open a pipe would wait for somebody who writes
        raise UnreadableInput("{path} is neither a file nor a folder.", path=path)
    if path.is_file() and path.name.upper().startswith(NAME):
        return path.parent
    if path.is_file() and not format_of(path) and _is_zip(path) and not _has_preamble(path):
        return unpack(path, progress=progress)
    return path


def _is_zip(path: Path) -> bool:
    """Tell a zip by its start or its end: a truncated one lacks its directory, which stands last."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04" or zipfile.is_zipfile(path)
    except OSError:  # the reader that follows says why
        return False


def _has_preamble(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _unfolded(
    files: Sequence[Path], origin: _Origin, refused: list[tuple[Path, UnreadableInput]], progress: Progress
) -> dict[Path, _Origin]:
    """Return every file to read with its roots; archives in a folder stand for what they hold."""
    origins: dict[Path, _Origin] = {}
    for path in files:
        if path.suffix.lower() != ".zip" or not _is_zip(path) or path == origin.opened:
            origins[path] = origin
            continue
        try:
            folder = unpack(path, progress=progress)
            inside, left_out = files_below(folder)
            origins |= dict.fromkeys(inside, _Origin(folder, path, origin.charset))
            refused += left_out
        except UnreadableInput as problem:
            refused.append((path, problem))
    return origins


def _read_all(origins: Mapping[Path, _Origin], progress: Progress) -> _Found:
    found = _Found()
    seen: dict[str, Path] = {}
    for path, result in progress.over(_results(origins), "Reading headers", len(origins)):
        if isinstance(result, UnreadableInput):
            found.problems.append((path, result))
            if isinstance(result, _CutOff):
                found.lost[result.series_uid].append(path)
        elif isinstance(result, Series):
            found.foreign.append(result)
        elif (uid := result.text("SOPInstanceUID")) and uid in seen:
            found.problems.append((path, _again(path, seen[uid])))
        else:
            seen[uid] = path
            found.dicom.append(result)
    return found


def _again(path: Path, first: Path) -> UnreadableInput:
    """Say that an instance was read already: a copy does no harm, two different files of one UID may."""
    try:
        same = filecmp.cmp(first, path, shallow=False)
    except OSError:  # it has gone since its header was read
        same = False
    if same:
        return UnreadableInput("{path} is a copy of a file that was read.", path=path)
    return UnreadableInput(
        "{path} has the same UID as {first}, which was read, but another content: one of the two is wrong.",
        path=path,
        first=first.name,
    )


def _results(origins: Mapping[Path, _Origin]) -> Iterator[tuple[Path, HeaderFile | Series | UnreadableInput]]:
    """Read files in order: one after the other, or in several threads where each of them is slow to come.

    Python reads headers in one thread at a time; others only help to wait for a network or a disk. Files not begun
    are dropped when the reader of this stops.
    """
    waiting = iter(origins.items())
    began, cpu = time.perf_counter(), time.thread_time()
    for done, (path, origin) in enumerate(waiting, 1):
        yield path, _read_one(path, origin)
        if done % _PROBE == 0 and (time.perf_counter() - began) - (time.thread_time() - cpu) > done * _SLOW_S:
            break
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="scan")
    try:
        yield from pool.map(lambda item: (item[0], _read_one(*item)), waiting)
    finally:
        pool.shutdown(cancel_futures=True)


def _read_one(path: Path, origin: _Origin) -> HeaderFile | Series | UnreadableInput:
    try:
        if format_of(path) and not _has_preamble(path):
            inside = path.relative_to(origin.folder).as_posix()
            key = str(path) if origin.folder == origin.opened else f"{origin.opened}!{inside}"
            return foreign_series(path, key)
        return _read_dicom(path, origin.charset)
    except UnreadableInput as problem:
        return problem
    except PermissionError:
        return UnreadableInput("{path} may not be read by this user.", path=path)
    except BAD_FILE:
        return UnreadableInput("{path} is damaged and cannot be read.", path=path)


def _read_dicom(path: Path, charset: str) -> HeaderFile:
    quick = read_quickly(path)
    header, rest = (quick, quick.rest) if quick is not None else _read_unusual(path)
    ds, doubts = sound_texts(header, path.name, charset)
    sop_class = sop_class_of(ds)
    if sop_class == _DICOMDIR:
        raise index_remark(path)
    series_uid = once(series_uid_of, (ds,))
    is_picture, complete = once(_nature, (ds,))
    if not is_picture:
        if sop_class in _PICTURES:
            raise _CutOff("{path} is cut off: it holds no pixels.", path=path, series_uid=series_uid)
        return _other_file(path, charset)
    check_size(ds, path, rest)
    if is_cut_off(ds, rest):
        raise _CutOff("{path} is cut off: it holds fewer pixels than it states.", path=path, series_uid=series_uid)
    frames = frames_of(read_header(path, complete=True) if complete else ds, path)
    if quick is not None:
        remember(path, quick, frames)
    return HeaderFile(path, ds, tuple(frames), doubts=doubts, charset=charset)


def _nature(layers: tuple[Any, ...]) -> tuple[bool, bool]:
    """Tell whether a file is a picture, and whether its whole header is needed to read it: a mosaic."""
    is_picture = sop_class_of(layers[0]) not in _DERIVED and bool(whole(layers, "Rows") and whole(layers, "Columns"))
    return is_picture, "MOSAIC" in texts(layers, "ImageType") or bool(whole(layers, (0x0065, 0x1050)))


def _read_unusual(path: Path) -> tuple[Dataset, int]:
    if not path.stat().st_size:
        raise UnreadableInput("{path} is empty.", path=path)
    if not looks_like_dicom(path):
        raise UnreadableInput("{path} is not an image file MedAssist knows.", path=path)
    return read_header_and_rest(path)


def _other_file(path: Path, charset: str) -> HeaderFile:
    ds = read_header(path, complete=True)
    doubts = mend_texts(ds, path.name, charset)
    return HeaderFile(path, ds, (), tuple(referenced_series(ds)), doubts, charset)


def _skipped(path: Path, problem: UnreadableInput) -> Skipped:
    """Word the reason so that it can stand behind the file's name."""
    return Skipped(path, problem.message.format(**{**problem.values, "path": "It"}))


def _nothing(path: Path, found: _Found) -> UnreadableInput:
    if len(found.problems) == 1 and path in (found.problems[0][0], *found.problems[0][0].parents):
        return found.problems[0][1]
    return UnreadableInput(
        "None of the {count} files in {path} can be read as an image; the first, {first}: {reason}",
        count=len(found.problems),
        path=path,
        first=found.problems[0][0].name,
        reason=_skipped(*found.problems[0]).reason,
    )
