"""Read what a scan needs from the first bytes of a plain DICOM file, many times faster than pydicom does.

Only the walk from element to element is done here, and only for what nearly all files are: little endian, not
deflated, one picture, tags in ascending order. Everything else is left to pydicom, and so is the meaning of values.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection
from functools import cache, cached_property
from typing import Any, TypeVar

from pydicom import Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

T = TypeVar("T")
Layers = tuple[Any, ...]
Fact = Callable[[Layers], T]

_PIXEL_DATA = 0x7FE00010
_CHARACTER_SET, _FRAMES, _TRANSFER_SYNTAX = 0x00080005, 0x00280008, 0x00020010
_UNDEFINED = 0xFFFFFFFF
_ITEM_GROUP, _ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFE, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DEEPEST = 64
_FUNCTIONAL_GROUPS = (0x52009229, 0x52009230)

# What decides how other values are read: character set, sign of the pixels, and the owners of private groups.
_CONTEXT = (_CHARACTER_SET, 0x00280103, 0x00190010, 0x20010010, 0x00430010, 0x00650010)

_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())

_explicit = struct.Struct("<HH2sH").unpack_from
_implicit = struct.Struct("<HHL").unpack_from
_length = struct.Struct("<L").unpack_from

_syntaxes: dict[bytes, UID | None] = {}
_known: dict[Fact[Any], dict[tuple[int, ...], dict[tuple[bytes | None, ...], Any]]] = {}
_KNOWN_VALUES = 4096
_MISSING = object()


class QuickHeader:
    """The wanted elements of one file, undecoded; stands where `imaging.tags` expects a Dataset.

    Attributes:
        raw: VR and value by tag.
        syntax: transfer syntax.
        pixels_at, pixels_length: place and length in bytes of the pixels in the file (length 0xFFFFFFFF when they
            are encapsulated); `rest` bytes follow the header, the tag of the pixels included.
        stamp: size and time of change (ns) of the file.
    """

    def __init__(self, raw: dict[int, bytes], syntax: UID, place: tuple[int, int, int]) -> None:
        self.raw, self.syntax = raw, syntax
        self.pixels_at, self.pixels_length, self.rest = place
        self.original_encoding = (syntax == ImplicitVRLittleEndian, True)
        self.stamp = (0, 0)
        self._asked: set[int] | None = None
        get = raw.get
        self.context = (*[get(tag) for tag in _CONTEXT], b"implicit" if self.original_encoding[0] else b"")

    def __contains__(self, name: object) -> bool:
        """Tell whether the file has an element (tag or keyword)."""
        tag = _number(name)
        if self._asked is not None:
            self._asked.add(tag)
        return tag in self.raw

    def __getitem__(self, name: object) -> Any:
        """Return an element as pydicom understands it (KeyError when there is none)."""
        if name not in self:
            raise KeyError(name)
        return self.dataset[BaseTag(_number(name))]

    def __getattr__(self, name: str) -> Any:
        """Return what else a Dataset has; what it depends on is not known, so that nothing is remembered of it."""
        if name.startswith("__") or name in ("dataset", "file_meta"):
            raise AttributeError(name)
        if self._asked is not None:
            self._asked.update(self.raw)
        return getattr(self.dataset, name)

    @cached_property
    def dataset(self) -> Dataset:
        """The wanted elements as a data set of pydicom."""
        return self.fresh()

    def fresh(self) -> Dataset:
        """Return a data set of pydicom of its own, with nothing decoded yet."""
        implicit = self.original_encoding[0]
        ds = Dataset()
        for number, element in self.raw.items():
            tag, value = BaseTag(number), element[2:]
            vr = None if implicit else element[:2].decode("ascii")
            ds._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, implicit, True)
        charset = ds.get("SpecificCharacterSet") if _CHARACTER_SET in self.raw else None
        ds.set_original_encoding(implicit, True, convert_encodings(charset) if charset else "iso8859")
        ds.file_meta = self.file_meta
        return ds

    @property
    def file_meta(self) -> FileMetaDataset:
        """The file meta information, as far as it was read: the transfer syntax."""
        return _meta_of(self.syntax)

    def quick_numbers(self, tag: int) -> tuple[float, ...] | None:
        """Return the numbers of a DS, IS or US element that is written as it should be, else None."""
        if self._asked is not None:
            self._asked.add(tag)
        element = self.raw.get(tag)
        if element is None:
            return None
        vr = element[:2]
        try:
            if vr == b"DS":
                return tuple(map(float, element[2:].split(b"\\")))
            if vr == b"IS":
                return (float(int(element[2:])),)
            return (float(element[2] | element[3] << 8),) if vr == b"US" and len(element) == 4 else None
        except ValueError:
            return None

    def element(self, tag: int) -> bytes | None:
        """Return VR and value of an element as they stand in the file, None when there is none."""
        if self._asked is not None:
            self._asked.add(tag)
        return self.raw.get(tag)

    def once(self, fact: Fact[T]) -> T:
        """Return `fact((self,))`, remembered from another header with the same values of all it looks at.

        What a fact looks at is recorded while it runs, so that nobody needs to state it.
        """
        tables = _known.setdefault(fact, {})
        get = self.raw.get
        for asked, values in tuple(tables.items()):
            found = values.get((*map(get, asked), *self.context), _MISSING)
            if found is not _MISSING:
                if self._asked is not None:
                    self._asked.update(asked)
                return found  # type: ignore[no-any-return]
        return self._learn(fact, tables)

    def _learn(self, fact: Fact[T], tables: dict[tuple[int, ...], dict[tuple[bytes | None, ...], Any]]) -> T:
        outer, self._asked = self._asked, set()
        try:
            value = fact((self,))
            asked = tuple(sorted(self._asked))
        finally:
            if outer is not None:
                outer |= self._asked
            self._asked = outer
        values = tables.setdefault(asked, {})
        if len(values) >= _KNOWN_VALUES:
            values.clear()
        values[(*map(self.raw.get, asked), *self.context)] = value
        return value


def once(fact: Fact[T], layers: Layers) -> T:
    """Return `fact(layers)`; for a header read quickly it is remembered (see `QuickHeader.once`)."""
    first = layers[0]
    return first.once(fact) if type(first) is QuickHeader and len(layers) == 1 else fact(layers)


@cache
def _meta_of(syntax: UID) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    return meta


def quick_header(head: bytes, size: int, wanted: Collection[int]) -> QuickHeader | None:
    """Read the wanted elements from the first bytes of a file of `size` bytes; None leaves the file to pydicom."""
    if head[128:132] != b"DICM":
        return None
    try:
        syntax, at = _file_meta(head)
        if syntax is None:
            return None
        implicit = syntax == ImplicitVRLittleEndian
        if implicit and head[at + 4 : at + 6] in _SHORT | _LONG:  # written explicitly all the same
            return None
        raw: dict[int, bytes] = {}
        place = (_walk_implicit if implicit else _walk_explicit)(head, at, raw, wanted)
    except (struct.error, IndexError):  # the first bytes end before the pixels
        return None
    if place is None or _FUNCTIONAL_GROUPS[0] in raw or _FUNCTIONAL_GROUPS[1] in raw:
        return None
    if raw.get(_FRAMES, b"IS1")[2:].strip() not in (b"1", b""):
        return None
    at, start, length = place
    return QuickHeader(raw, syntax, (start, length, size - at))


def _file_meta(head: bytes) -> tuple[UID | None, int]:
    """Return the transfer syntax, None when it is none of the plain ones, and where the data set begins."""
    at, syntax = 132, None
    while True:
        group, element, vr, length = _explicit(head, at)
        if group != 2:
            return syntax, at
        start = at + 8
        if vr in _LONG:
            (length,), start = _length(head, at + 8), at + 12
        elif vr not in _SHORT:
            return None, at
        if element == 0x0010:
            syntax = _plain_syntax(head[start : start + length])
        at = start + length


def _plain_syntax(raw: bytes) -> UID | None:
    if raw not in _syntaxes:
        uid = UID(raw.rstrip(b"\0 ").decode("ascii", "replace"))
        known = uid.is_transfer_syntax and not uid.is_private
        plain = known and uid.is_little_endian and uid != DeflatedExplicitVRLittleEndian
        usual = uid in (ImplicitVRLittleEndian, ExplicitVRLittleEndian) or (plain and uid.is_encapsulated)
        _syntaxes[raw] = uid if usual else None
    return _syntaxes[raw]


def _walk_explicit(head: bytes, at: int, raw: dict[int, bytes], wanted: Collection[int]) -> tuple[int, int, int] | None:
    """Collect elements up to the pixels; return where their tag and their value stand and their length."""
    last = 0
    while True:
        group, element, vr, length = _explicit(head, at)
        tag = group << 16 | element
        if vr in _SHORT:
            start = at + 8
        elif vr in _LONG:
            (length,), start = _length(head, at + 8), at + 12
        else:
            return None
        if tag <= last or tag >= _PIXEL_DATA:
            return (at, start, length) if tag == _PIXEL_DATA > last else None
        if length == _UNDEFINED:
            if tag in wanted or vr != b"SQ":
                return None
            at = _end_of_items(head, start, _explicit_head)
        else:
            if tag in wanted:
                raw[tag] = vr + head[start : start + length]
            at = start + length
        last = tag


def _walk_implicit(head: bytes, at: int, raw: dict[int, bytes], wanted: Collection[int]) -> tuple[int, int, int] | None:
    """Collect elements up to the pixels as `_walk_explicit` does; the VR comes from the dictionary."""
    last = 0
    while True:
        group, element, length = _implicit(head, at)
        tag, start = group << 16 | element, at + 8
        if tag <= last or tag >= _PIXEL_DATA:
            return (at, start, length) if tag == _PIXEL_DATA > last else None
        if length == _UNDEFINED:
            if tag in wanted:
                return None
            at = _end_of_items(head, start, _implicit_head)
        else:
            if tag in wanted:
                raw[tag] = _vr_of(tag) + head[start : start + length]
            at = start + length
        last = tag


@cache
def _vr_of(tag: int) -> bytes:
    """Return the VR of the dictionary, "??" when it depends on other elements."""
    vr = dictionary_VR(tag) if dictionary_has_tag(tag) else "??"
    return vr.encode() if len(vr) == 2 else b"??"


Head = Callable[[bytes, int], tuple[int, int, int]]


def _explicit_head(head: bytes, at: int) -> tuple[int, int, int]:
    """Return tag, length and place of the value of an element; items have no VR."""
    group, element, vr, length = _explicit(head, at)
    if group == _ITEM_GROUP:
        return _implicit_head(head, at)
    if vr in _SHORT:
        return group << 16 | element, length, at + 8
    (length,) = _length(head, at + 8)
    return group << 16 | element, length, at + 12


def _implicit_head(head: bytes, at: int) -> tuple[int, int, int]:
    group, element, length = _implicit(head, at)
    return group << 16 | element, length, at + 8


def _end_of_items(head: bytes, at: int, read: Head) -> int:
    """Return where a sequence of undefined length ends: behind the delimiter of its own depth.

    Raises IndexError where it nests too deep: pydicom, asked instead, says so.
    """
    open_ends = [_SEQUENCE_END]
    while open_ends:
        if len(open_ends) > _DEEPEST:
            raise IndexError
        tag, length, start = read(head, at)
        at = start
        if tag == open_ends[-1]:
            open_ends.pop()
        elif length == _UNDEFINED:
            open_ends.append(_ITEM_END if tag == _ITEM else _SEQUENCE_END)
        else:
            at += length
    return at


_numbers: dict[object, int] = {}


def _number(name: object) -> int:
    """Return a tag as a plain integer: looking up pydicom's own tags costs several times as much."""
    found = _numbers.get(name)
    if found is None:
        tag = tag_for_keyword(name) if isinstance(name, str) else None
        found = _numbers[name] = int(Tag(name) if tag is None else tag)
    return found
