"""What tells that saved work belongs to the pictures at hand, and that some was found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from medassist.entities.study import Warned


@dataclass(frozen=True)
class Source:
    """A path that was opened, and the character set a person chose for its texts."""

    path: str
    charset: str = ""


@dataclass(frozen=True)
class SeriesMark:
    """One series that work was done on; hashes tell it from any other one and name nobody.

    Attributes:
        key: its key when the work was saved; `raw_key` that of the slices it was made of by interpolation.
        series_uid: of the file, "" where it has none.
        content: SHA-256 of the SOP instances (of files without them: names and sizes), in order, and of the shape.
        patient: SHA-256 of patient ID and date of birth.
        pixels: SHA-256 of the values, "" where they were not in memory.
    """

    key: str
    series_uid: str
    content: str
    patient: str
    raw_key: str = ""
    pixels: str = ""


@dataclass(frozen=True)
class Offer:
    """Work on a study that was found on disk and waits for the reader to take it or leave it.

    Attributes:
        folder: where it is.
        series: keys of the series it is about.
        saved_at: local ISO time of its last change.
        findings: how many findings it has; `judged` how many of them carry a verdict.
        study: UID and patient ID of the study.
        notes: what a reader must know of it, such as that newer work is damaged.
    """

    folder: Path
    series: tuple[str, ...]
    saved_at: str
    findings: int
    judged: int
    study: tuple[str, str] = ("", "")
    notes: tuple[Warned, ...] = ()


@dataclass(frozen=True)
class Restored:
    """That work was restored, and what must be known of it; it is saved from now on as a sitting of its own."""

    series: tuple[str, ...]
    saved_at: str
    findings: int
    notes: tuple[Warned, ...] = ()
