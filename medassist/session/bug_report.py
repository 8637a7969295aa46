"""A bug report: versions, what the doctor found, the log and the settings, without patients, people and places.

What is known of patients and places is taken out of everything. The log may also hold what an earlier session said, so
of its messages only words of our own catalogue stay, and of its traces only places in programs.
"""

from __future__ import annotations

import json
import platform
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from io import BytesIO
from pathlib import Path

from medassist import __version__
from medassist.language import catalogue
from medassist.locations import log_file
from medassist.session.doctor import as_json
from medassist.session.scrubbing import Scrubber
from medassist.session.state import Session
from medassist.storage import settings
from medassist.storage.files import write_atomically

PARTS = ("PySide6", "numpy", "pydicom", "torch", "monai", "captum", "SimpleITK", "openvino", "pyqtgraph", "highdicom")
MOST_LOG_BYTES = 200_000


@dataclass(frozen=True)
class Page:
    """One file of a bug report as it will be sent."""

    name: str
    text: str


def pages(session: Session) -> tuple[Page, ...]:
    """Return every file of a bug report about this session, for the user to read before anything is written."""
    scrub = Scrubber.of(session)
    return (
        Page("versions.json", _json(_versions())),
        Page("system.json", _json(scrub.values(as_json(session.system)) if session.system else {})),
        Page("settings.json", _json(scrub.values(_settings()))),
        Page("session.json", _json(scrub.values(_counts(session)))),
        Page("log.txt", "\n".join(scrub.log_line(line, vocabulary()) for line in _log_lines())),
    )


def write(report: tuple[Page, ...], path: Path) -> None:
    """Write the pages as a zip (UnwritableOutput when that fails)."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for page in report:
            archive.writestr(page.name, page.text)
    write_atomically(path, packed.getvalue())


@cache
def vocabulary() -> frozenset[str]:
    """Return the words of the texts the program can say, in English and in lower case."""
    return frozenset(word.lower() for text in catalogue("zh_CN") for word in Scrubber.words(text))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _versions() -> dict[str, str]:
    found = {
        "medassist": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "frozen": str(hasattr(sys, "frozen")),
    }
    return found | {name: _version(name) for name in PARTS}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _settings() -> dict[str, object]:
    told = settings.read()
    return {one.key: told[one.key] for one in settings.DECLARED if not one.personal}


def _counts(session: Session) -> dict[str, object]:
    """Tell how much was open, and of what kind; nothing of what it was."""
    series = session.all_series()
    return {
        "studies": sum(len(scan.studies) for scan in session.scans),
        "series": len(series),
        "kinds": sorted({one.kind.value for one in series}),
        "formats": sorted({one.format for one in series}),
        "models": sorted({f"{one.model.name} {one.model.version}" for one in session.predictions}),
        "heatmaps": len(session.heatmaps),
        "findings": len(session.findings),
    }


def _log_lines() -> Iterator[str]:
    try:
        with log_file().open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - MOST_LOG_BYTES))
            yield from file.read().decode("utf-8", "replace").splitlines()[-2000:]
    except OSError:
        return
