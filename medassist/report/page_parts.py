"""What a page for people is put together from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of a table; `tone` is "", "good", "warn" or "bad" and colours the last cell, never the only sign."""

    cells: tuple[str, ...]
    tone: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Table:
    """A heading, column names (none for a list of facts) and rows; `explanation` says how to read it."""

    heading: str
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    explanation: str = ""


@dataclass(frozen=True)
class Picture:
    """A key picture with what is said under it: by the program, and by the reader (`caption`)."""

    file_name: str
    title: str
    place: str
    explanation: str
    caption: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Paragraph:
    """A section of words: a heading, lines, and a remark on who wrote them."""

    heading: str
    lines: tuple[str, ...]
    remark: str = ""
