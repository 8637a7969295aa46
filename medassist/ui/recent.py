"""The paths opened last, kept in the user's settings folder: where, when and which modality. Never who."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from medassist.entities.study import Scan
from medassist.locations import config_dir
from medassist.progress import Progress
from medassist.storage import settings

MOST = 10
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recent:
    """One path opened before: the day (ISO), and the modalities found there ("CT, SEG"), "" when nobody looked."""

    path: str
    opened: str = ""
    modality: str = ""


def _file() -> Path:
    return config_dir() / "recent.json"


def entries() -> tuple[Recent, ...]:
    """Return what was opened last, newest first; a damaged list counts as empty, a forbidden one is."""
    if not settings.read()["remember_recent"]:
        return ()
    try:
        rows = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    found = (_entry(row) for row in rows) if isinstance(rows, list) else ()
    return tuple(one for one in found if one is not None)


def _entry(row: object) -> Recent | None:
    if isinstance(row, str):  # as lists were written before
        return Recent(row)
    if not isinstance(row, dict) or not isinstance(row.get("path"), str):
        return None
    day, modality = row.get("opened", ""), row.get("modality", "")
    return Recent(row["path"], day if isinstance(day, str) else "", modality if isinstance(modality, str) else "")


def recent_paths() -> tuple[Path, ...]:
    """Return the paths opened last, newest first."""
    return tuple(Path(one.path) for one in entries())


def remember(paths: Sequence[Path]) -> None:
    """Put paths on top of the list; a list that cannot be written is logged, not fatal."""
    before = {one.path: one for one in entries()}
    today = date.today().isoformat()
    new = [replace(before.get(name, Recent(name)), opened=today) for name in (str(path.absolute()) for path in paths)]
    _write([*new, *before.values()])


def describe(scan: Scan) -> None:
    """Note the modalities of what was found under a path of the list."""
    told = ", ".join(dict.fromkeys(one.modality for one in scan.all_series() if one.modality))[:60]
    name, known = str(scan.source.absolute()), entries()
    if any(one.path == name and one.modality != told for one in known):
        _write([replace(one, modality=told) if one.path == name else one for one in known])


def forget() -> None:
    """Empty the list."""
    with suppress(OSError):
        _file().unlink(missing_ok=True)


def _write(rows: Sequence[Recent]) -> None:
    if not settings.read()["remember_recent"]:
        forget()
        return
    first: dict[str, Recent] = {}
    for one in rows:
        first.setdefault(one.path, one)
    kept = list(first.values())[:MOST]
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        _file().write_text(json.dumps([asdict(one) for one in kept], ensure_ascii=False), encoding="utf-8")
    except OSError as problem:
        log.warning("the list of recent paths was not kept: %s", type(problem).__name__)


def look_for(rows: Sequence[Recent], deliver: Callable[[Recent, bool], None], *, progress: Progress) -> None:
    """Hand over whether each path is there: a job, because a disk that is gone can take its time to say so."""
    for one in progress.over(rows, "Looking for earlier studies"):
        there = False
        with suppress(OSError):
            there = Path(one.path).exists()
        deliver(one, there)
