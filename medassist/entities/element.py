"""The elements of a DICOM file as a person reads them, and two files side by side."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Element:
    """One element of a data set, or one item of a sequence (which has no `tag`).

    Attributes:
        tag: "(0010,0020)", "" for an item.
        vr: value representation, "" for an item.
        name: of the dictionary, or of the maker's block a private element lies in.
        keyword: of the dictionary, "" for a private element.
        value: as text; of long and binary values the beginning.
        size: bytes of a value that is not told whole, else 0; without a `value` it was not read.
        content: hash of the whole value, so that values which are cut off can still be told apart.
        number: of an item, from 1 on.
        children: the items of a sequence, the elements of an item.
    """

    tag: str
    vr: str
    name: str
    keyword: str = ""
    value: str = ""
    size: int = 0
    content: str = ""
    number: int = 0
    children: tuple[Element, ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class ElementList:
    """The elements of the file one slice comes from.

    Attributes:
        series_key: `Series.key` of the slice.
        file_name: name of the file without its folder.
        frame, frames: which frame of the file the slice is (0-based), of how many.
        cut: whether the file has more elements than are listed.
    """

    series_key: str
    file_name: str
    elements: tuple[Element, ...]
    frame: int = 0
    frames: int = 1
    cut: bool = False


@dataclass(frozen=True)
class ElementRow:
    """One line of a list: the element of the first file, and of the second one where two are compared.

    `differs` tells that the values, or those of anything inside, are not the same, or that one has no such element.
    """

    one: Element | None
    other: Element | None = None
    differs: bool = False
    children: tuple[ElementRow, ...] = field(default=(), repr=False)

    @property
    def told(self) -> Element:
        """The element that gives tag and name."""
        told = self.one if self.one is not None else self.other
        assert told is not None  # noqa: S101 - a row is made of an element
        return told
