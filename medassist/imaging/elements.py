"""Every element of a DICOM file as text: nothing is left out, nothing large is rendered, nothing bad stops it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_description, dictionary_VR, keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from medassist.entities.element import Element, ElementList
from medassist.entities.errors import UnreadableInput
from medassist.entities.study import Series
from medassist.imaging.charsets import mend_texts
from medassist.imaging.dicom_files import BAD_FILE, read_header_and_rest
from medassist.imaging.quiet import quietly
from medassist.progress import Progress

LONGEST = 500
"""Characters of a value that are shown."""
BYTES_SHOWN = 16
MOST_ELEMENTS = 200_000
DEEPEST = 32
BINARY = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")
EVERY = 2_000
"""Elements between two steps of the progress."""


def read_elements(series: Series, position: int, *, progress: Progress) -> ElementList:
    """Return the elements of the file of one frame of a series (`position` counts `Series.frames`).

    Raises UnreadableInput when the series is not DICOM or the file is gone.
    """
    if series.format != "DICOM" or not series.frames:
        raise UnreadableInput("{series} carries no DICOM headers.", series=series.title)
    frame = series.frames[min(max(position, 0), len(series.frames) - 1)]
    path = frame.path
    with quietly():
        ds, rest = read_header_and_rest(path, complete=True)
        mend_texts(ds, path.name, series.charset)
        listing = _Listing(progress)
        found = [*listing.of(ds.file_meta), *listing.of(ds)]
    if rest > 0:
        found.append(_pixels(rest))
    frames = sum(one.path == path for one in series.frames)
    return ElementList(series.key, path.name, tuple(found), frame.frame, frames, listing.cut)


def _pixels(rest: int) -> Element:
    """Tell of the pixels, which are not read: how many bytes they have, with what stands behind them."""
    return Element("(7FE0,0010)", "", "Pixel Data", "PixelData", size=rest, content=str(rest))


@dataclass
class _Listing:
    """Turns data sets into elements, up to `MOST_ELEMENTS`."""

    progress: Progress
    count: int = 0
    cut: bool = False

    def of(self, ds: Dataset, depth: int = 0) -> Iterator[Element]:
        """Yield the elements of a data set in the order of their tags."""
        for tag in sorted(ds.keys()):
            if self.count >= MOST_ELEMENTS:
                self.cut = True
                return
            self.count += 1
            if self.count % EVERY == 0:
                self.progress.step("Reading headers")
            yield self._element(ds, tag, depth)

    def _element(self, ds: Dataset, tag: BaseTag, depth: int) -> Element:
        stored = ds.get_item(tag)
        raw = stored.value if isinstance(stored, RawDataElement) else None
        told = f"({tag.group:04X},{tag.element:04X})"
        try:
            element = ds[tag]
            name, keyword = _named(ds, tag, element), keyword_for_tag(tag)
            if element.VR == "SQ":
                return self._sequence(told, name, keyword, element, depth)
            return Element(told, str(element.VR), name, keyword, *_value(element, raw))
        except BAD_FILE:
            data = raw if isinstance(raw, bytes) else b""
            return Element(told, _vr(stored, tag), _dictionary_name(tag), keyword_for_tag(tag), *_bytes(data))

    def _sequence(self, tag: str, name: str, keyword: str, element: DataElement, depth: int) -> Element:
        items: list[Element] = []
        for number, item in enumerate(element.value, 1):
            if depth >= DEEPEST or self.count >= MOST_ELEMENTS:
                self.cut = True
                break
            items.append(Element("", "", "", number=number, children=tuple(self.of(item, depth + 1))))
        return Element(tag, "SQ", name, keyword, children=tuple(items))


def _vr(stored: object, tag: BaseTag) -> str:
    vr = getattr(stored, "VR", None)
    return str(vr) if vr else dictionary_VR(tag) if keyword_for_tag(tag) else "UN"


def _dictionary_name(tag: BaseTag) -> str:
    return dictionary_description(tag) if keyword_for_tag(tag) else "Private element" if tag.is_private else "Unknown"


def _named(ds: Dataset, tag: BaseTag, element: DataElement) -> str:
    """Name an element; a private one by the maker's block it lies in, which gives its number a meaning."""
    if not tag.is_private or tag.is_private_creator:
        return str(element.name) or _dictionary_name(tag)
    creator = ds.get(BaseTag((tag.group << 16) | (tag.element >> 8)))
    maker = str(creator.value) if creator is not None else ""
    name = str(element.name)
    name = name[1:-1] if name.startswith("[") and name.endswith("]") else name or "Private element"
    return f"{name} ({maker})" if maker else name


def _value(element: DataElement, raw: object) -> tuple[str, int, str]:
    """Return the text of a value, its bytes where that is not all of it, and the hash of all of it."""
    value = element.value
    if isinstance(value, bytes | bytearray) or element.VR in BINARY:
        data = bytes(value) if isinstance(value, bytes | bytearray) else raw if isinstance(raw, bytes) else b""
        return _bytes(data)
    if value is None:
        return "", 0, ""
    several = isinstance(value, MultiValue | list | tuple)
    text = "\\".join(str(one) for one in value) if several else str(value)
    data = text.encode("utf-8", "surrogatepass")
    return " ".join(text[:LONGEST].split()), len(data) if len(text) > LONGEST else 0, _hash(data)


def _bytes(data: bytes) -> tuple[str, int, str]:
    start = " ".join(f"{one:02x}" for one in data[:BYTES_SHOWN])
    return start, len(data) if len(data) > BYTES_SHOWN else 0, _hash(data) if data else ""


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
