"""What is kept of every case: its folder, and the file by which an interrupted job goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import medassist.report.map_record as records
from medassist.entities.errors import UnreadableInput, UnwritableOutput, UsageError
from medassist.entities.study import Series
from medassist.imaging.file_names import put, staging_folder
from medassist.report.map_record import MapRecord

REQUEST = "request.json"
CASE = "case.json"
MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class Kept:
    """What is known of one case so far.

    Attributes:
        files: what its files were like when it was explained; another file has another answer.
        maps: by the column of the method.
        regions: means of each map over at most 12 boxes along each axis, to compare methods by.
    """

    files: str
    target: str = ""
    score: float | None = None
    threshold: float | None = None
    slice: int = 0
    slices: int = 1
    referenced: bool = False
    maps: Mapping[str, MapRecord] = field(default_factory=dict)
    regions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def with_map(self, column: str, record: MapRecord, regions: Sequence[float]) -> Kept:
        """Return the case with one more map."""
        rounded = tuple(float(f"{one:.6g}") for one in regions)
        return replace(self, maps={**self.maps, column: record}, regions={**self.regions, column: rounded})


def files_of(series: Series) -> str:
    """Return a mark of the files of a series: another one when a file was changed."""
    told = hashlib.sha256()
    for path in sorted({frame.path for frame in series.frames}):
        try:
            state = path.stat()
            told.update(f"{path.name}|{state.st_size}|{state.st_mtime_ns}\n".encode(errors="surrogateescape"))
        except OSError:  # a member of an archive: its archive is part of the key
            told.update(f"{path.name}\n".encode(errors="surrogateescape"))
    return told.hexdigest()


def begin(out: Path, bound: Mapping[str, Any], columns: Sequence[str], *, resume: bool) -> tuple[str, ...]:
    """Make the folder ready and return all columns, those of earlier jobs first.

    UsageError when the folder holds an earlier comparison, unless `resume`, and when that asked something else.
    """
    path = out / REQUEST
    earlier = _json(path)
    answered = (out / "summary.json").exists() or next(out.glob(f"*/{CASE}"), None) is not None
    if earlier is None and not resume and answered:
        earlier = {}
    if not answered:
        earlier = None  # a question nobody answered, perhaps mistyped, binds nobody
    if earlier is not None and not resume:
        raise UsageError(
            "{path} already holds a comparison.", remedy="Go on with it by --resume, or give another folder.", path=out
        )
    before = earlier.get("asked", {}) if earlier else dict(bound)
    other = sorted(name for name in {*before, *bound} if before.get(name) != bound.get(name))
    if other:
        raise UsageError(
            "{path} holds answers to another question: {names}.",
            remedy="Give another folder.",
            path=out,
            names=", ".join(other),
        )
    whole = tuple(dict.fromkeys([*(earlier or {}).get("columns", []), *columns]))
    write_json(path, {"asked": dict(bound), "columns": list(whole)})
    return whole


def read_case(folder: Path, series: Series) -> Kept:
    """Return what is kept of a case; nothing where its files changed since, or what is kept cannot be read."""
    fresh = Kept(files_of(series))
    try:
        told = _json(folder / CASE)
    except UnreadableInput:
        return fresh
    if told is None or told.get("files") != fresh.files:
        return fresh
    try:
        found = Kept(
            **{
                **told,
                "maps": {str(column): records.from_json(one) for column, one in told["maps"].items()},
                "regions": {str(column): tuple(map(float, one)) for column, one in told["regions"].items()},
            }
        )
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return fresh
    return found if set(found.maps) == set(found.regions) else fresh


def write_case(folder: Path, kept: Kept) -> None:
    """Keep what is known of a case (UnwritableOutput)."""
    told = {name: getattr(kept, name) for name in Kept.__dataclass_fields__}
    told["maps"] = {column: records.as_json(one) for column, one in kept.maps.items()}
    told["regions"] = {column: list(one) for column, one in kept.regions.items()}
    write_json(folder / CASE, told)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object whole or not at all (UnwritableOutput)."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staging_folder(path.parent) as stage:
            whole = stage / path.name
            text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
            whole.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
            put(whole, path)
    except OSError as problem:
        raise unwritable(path, problem) from problem


def unwritable(path: Path, problem: OSError) -> UnwritableOutput:
    """Return the error of a file that cannot be written."""
    return UnwritableOutput("{path} cannot be written: {reason}.", path=path, reason=problem.strerror or problem)


def _json(path: Path) -> dict[str, Any] | None:
    """Return the object of a file of ours, None where there is none (UnreadableInput for a file that is no such)."""
    if not path.is_file():
        return None
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason="too large")
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason=problem) from problem
    if not isinstance(found, dict):
        raise UnreadableInput("{path} cannot be read: {reason}.", path=path, reason="no JSON object")
    return found
