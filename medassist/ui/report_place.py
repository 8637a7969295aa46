"""Where a report goes: into a folder the reader chooses, or into a new one beside the images."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from pathlib import Path

from medassist.entities.parts import find
from medassist.session.state import Session


def beside(session: Session, now: datetime) -> Path | None:
    """Return a folder that does not exist yet, in the folder of the study on screen; None where nothing is on screen.

    A file (an archive, a single picture) has its report in the folder it lies in. Nothing that is there is touched.
    """
    sources = (scan.source for scan in session.scans if find(scan.all_series(), session.current) is not None)
    source = next(sources, None)
    if source is None:
        return None
    home = source if source.is_dir() else source.parent
    name = f"medassist-report-{now:%Y%m%d-%H%M%S}"
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(home / one for one in names if not (home / one).exists())
