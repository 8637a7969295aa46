"""Headers of a series, for objects derived from it."""

from __future__ import annotations

from pathlib import Path

from pydicom import Dataset

from medassist.entities.errors import UnreadableInput
from medassist.entities.study import Series
from medassist.imaging.charsets import mend_texts
from medassist.imaging.dicom_files import read_header
from medassist.imaging.quiet import quietly


def read_headers(series: Series) -> list[Dataset]:
    """Return one complete header without pixels per frame of the series, in frame order.

    Frames of one file share one Dataset object. Raises UnreadableInput when the series is not DICOM or a file is gone.
    """
    if series.format != "DICOM":
        raise UnreadableInput("{series} carries no DICOM headers.", series=series.title)
    with quietly():
        read: dict[Path, Dataset] = {}
        for frame in series.frames:
            if frame.path not in read:
                read[frame.path] = read_header(frame.path, complete=True)
                mend_texts(read[frame.path], frame.path.name, series.charset)
    return [read[frame.path] for frame in series.frames]
