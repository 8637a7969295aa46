"""DICOM elements in words: values that are cut off say so, in the language of the window."""

from __future__ import annotations

from collections.abc import Sequence

from medassist.entities.element import Element, ElementList, ElementRow
from medassist.language import tr
from medassist.session.element_rows import walk
from medassist.session.state import Session


def name_text(element: Element) -> str:
    """Name an element, or number an item."""
    if element.number:
        return tr("Item {number}", number=element.number)
    return element.name


def value_text(element: Element | None) -> str:
    """Tell a value; of a long one its beginning and how many bytes it has."""
    if element is None:
        return "—"
    if element.vr == "SQ":
        return tr("{count} items", count=len(element.children))
    if element.size and not element.value:
        return tr("{size} bytes, not read", size=element.size)
    return tr("{value}… ({size} bytes)", value=element.value, size=element.size) if element.size else element.value


def as_text(rows: Sequence[ElementRow], *, compared: bool) -> str:
    """Return rows as lines with tabs, for a spreadsheet: tag, VR, name, and one or two values."""
    lines = []
    for row, depth in walk(rows):
        values = (row.one, row.other) if compared else (row.one,)
        told = row.told
        lines.append("\t".join([told.tag, told.vr, "  " * depth + name_text(told), *map(value_text, values)]))
    return "\n".join(lines)


def heading(session: Session, listed: ElementList) -> str:
    """Say which file of which series is listed, and which frame of it."""
    series = next((one for one in session.all_series() if one.key == listed.series_key), None)
    title = "" if series is None else series.title
    told = " · ".join(text for text in (title, listed.file_name) if text)
    if listed.frames > 1:
        told += " · " + tr("frame {number} of {count}", number=listed.frame + 1, count=listed.frames)
    return told
