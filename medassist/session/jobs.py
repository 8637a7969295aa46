"""Long verbs: `job(..., *, progress) -> Action`. They know no Qt and may run in any thread."""

from __future__ import annotations

from pathlib import Path

from medassist.entities.study import Series
from medassist.progress import Progress
from medassist.session.actions import AddScan, ShowVolume


def open_path(path: Path, *, progress: Progress) -> AddScan:
    """Read the headers of everything under `path` (UnreadableInput when nothing can be shown)."""
    from medassist.imaging.scan import scan

    return AddScan(scan(path, progress=progress))


def load_series(series: Series, *, progress: Progress) -> ShowVolume:
    """Read the pixels of one series (UnreadableInput names the file and the reason)."""
    from medassist.imaging.load import load

    return ShowVolume(load(series, progress=progress))
