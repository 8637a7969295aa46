"""The case file of a report: opening its folder brings back the work, and the view, exactly as they were."""

from __future__ import annotations

from pathlib import Path

from medassist.report.case import Case
from medassist.storage.case_file import FILE_NAME, write_case_file


def write(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write `case.medassist`; nothing for a case that was made of no session."""
    if case.work is None:
        return ()
    work = case.work()
    path = folder / FILE_NAME
    write_case_file(path, work.parts, work.arrays, work.saved_at)
    return (path,)
