"""Which saved work on a study is offered: the newest that can be read. What cannot be is kept, and never in the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from medassist.storage.arrays import DamagedWork
from medassist.storage.case_file import Saved
from medassist.storage.journal import ASIDE, DAMAGED, is_in_use, read_parts, sittings


def anything(_saved: Saved) -> None:
    """Find no damage beyond what reading finds."""


def newest_to_offer(study: Path, check: Callable[[Saved], object] = anything) -> Saved | None:
    """Return the newest work on a study; None without any, while it is being written, and where it was set aside.

    Sittings that hold nothing do not stand in the way of older ones. Damaged ones do not either: they are kept under
    another name, and the notes of the older work say so. `check` raises DamagedWork for more that is damage. Raises
    DamagedWork when nothing older can be offered in place of damaged work, UnreadableInput when a file cannot be read.
    """
    kept: Path | None = None
    for one in reversed(sittings(study)):
        if is_in_use(one) or (one / ASIDE).exists():
            break
        try:
            saved = read_parts(one)
            check(saved)
        except DamagedWork:
            here = _put_away(one)
            kept = kept or here
            continue
        if saved.parts:
            return saved
    if kept is not None:
        raise DamagedWork(
            "The saved work on this study is damaged and cannot be restored; it is kept as {path}.", path=kept
        )
    return None


def _put_away(sitting: Path) -> Path:
    """Keep damaged work under another name and return where; on a disk that takes nothing it keeps its own."""
    try:
        return sitting.rename(sitting.with_name(DAMAGED + sitting.name))
    except OSError:
        return sitting
