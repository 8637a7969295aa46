"""One DICOM file as a scan sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from medassist.entities.study import Warned
from medassist.imaging import tags
from medassist.imaging.frames import Frame


@dataclass(frozen=True)
class HeaderFile:
    """One DICOM file as scanned: its header and its pictures.

    SR, SEG, RTSTRUCT and the like have none; `refers_to` holds the SeriesInstanceUIDs they name. `doubts` says what
    is uncertain about the texts of the header, `charset` what a person chose to read them as.
    """

    path: Path
    header: Dataset
    frames: tuple[Frame, ...]
    refers_to: tuple[str, ...] = ()
    doubts: tuple[Warned, ...] = ()
    charset: str = ""

    def text(self, keyword: str) -> str:
        """Return one attribute as text."""
        return tags.text((self.header,), keyword)


def referenced_series(ds: Dataset, depth: int = 0) -> list[str]:
    """Return the SeriesInstanceUIDs named inside the sequences of a data set."""
    found = []
    for element in ds:
        if element.VR != "SQ" or depth > 8:
            continue
        for item in element.value:
            uid = tags.text((item,), "SeriesInstanceUID")
            found += ([uid] if uid else []) + referenced_series(item, depth + 1)
    return list(dict.fromkeys(found))
