"""What a reader prepares for the report of one series: words, key pictures, and what may be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from medassist.entities.volume import Window


class Shown(Enum):
    """What a key picture shows: the slice alone, with its overlays, or both side by side."""

    PICTURE = "picture"
    OVERLAYS = "overlays"
    BOTH = "both"


@dataclass(frozen=True)
class Passage:
    """The reader's own words for one section; they stand instead of what the program would write.

    Attributes:
        section: key of the section in the template.
        text: plain text; "" where the reader wants the section empty.
        generated: what the program would have written when the reader wrote this. When it would write something else
            by now, the findings changed meanwhile and the reader is told so.
        language: of the report the words were written for, a key of `medassist.language.LANGUAGES`.
        by, at: who wrote it, and when (local ISO time).
    """

    section: str
    text: str
    generated: str = ""
    language: str = "en"
    by: str = ""
    at: str = ""


@dataclass(frozen=True)
class KeyPicture:
    """One slice that goes into the report.

    Attributes:
        name: which one it is. Those the program proposes are named by what they show ("mask:…", "map:…") and their
            slice follows it; those the reader picked have a name of their own ("key:…").
        index, time: the slice as stored and the time point.
        shown: what is drawn.
        caption: the reader's words under it.
        window, inverted: the grey scale it was picked with; None for the starting one.
        heatmap: name of the map drawn over it (see `report.keyviews.map_name`), "" for none.
    """

    name: str
    index: int
    time: int = 0
    shown: Shown = Shown.OVERLAYS
    caption: str = ""
    window: Window | None = None
    inverted: bool = False
    heatmap: str = ""


@dataclass(frozen=True)
class Draft:
    """The report of one series as the reader prepares it; everything else of a report follows from the findings.

    Attributes:
        series_key: the series it is about.
        template: name of the template, "" for the one that suits the series.
        passages: the sections the reader wrote.
        pictures: key pictures the reader picked or changed, in their order; proposed ones not named here follow them.
        left_out: names of proposed pictures the reader does not want.
        include_unreviewed: whether findings nobody judged may go out, marked as such.
        tell_rejected: whether an appendix lists what the reader rejected.
        language: of the report, "" for the language of the window.
    """

    series_key: str
    template: str = ""
    passages: tuple[Passage, ...] = ()
    pictures: tuple[KeyPicture, ...] = ()
    left_out: tuple[str, ...] = ()
    include_unreviewed: bool = False
    tell_rejected: bool = False
    language: str = ""

    def passage(self, section: str) -> Passage | None:
        """Return the reader's words for one section, None where the program's stand."""
        return next((one for one in self.passages if one.section == section), None)
