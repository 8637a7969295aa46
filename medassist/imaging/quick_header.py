"""The header of a plain DICOM file, read many times faster than pydicom does.

Only the walk from element to element is done here, and only for what nearly all files are: little endian, not
deflated, one picture, tags in ascending order. Everything else is left to pydicom, and so is the meaning of values.
"""

from __future__ import annotations

import struct
from functools import cache, cached_property
from typing import Any

from pydicom import Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medassist.imaging.header_facts import MISSING, Fact, Kind, Layers, Own, T, find, keep, kind_of, learn, recall
from medassist.imaging.header_walk import VRS, Unusual, Way, place_of_value, walk

_PIXEL_DATA = 0x7FE00010
_CHARACTER_SET, _TRANSFER_SYNTAX = 0x00080005, 0x00020010

_syntaxes: dict[bytes, UID | None] = {}


class QuickHeader:
    """The wanted elements of one file, undecoded; stands where `imaging.tags` expects a Dataset.

    Attributes:
        syntax: transfer syntax.
        pixels_at, pixels_length: place and length in bytes of the pixels in the file (length 0xFFFFFFFF when they
            are encapsulated); `rest` bytes follow the header, the tag of the pixels included.
        stamp: size and time of change (ns) of the file.
    """

    def __init__(self, kind: Kind, own: Own, place: tuple[int, int, int]) -> None:
        self._kind, self._own = kind, own
        self.pixels_at, self.pixels_length, self.rest = place
        self.stamp = (0, 0)
        self._asked: set[int] | None = None

    @property
    def syntax(self) -> UID:
        """The transfer syntax."""
        return self._kind.syntax

    @property
    def original_encoding(self) -> tuple[bool, bool]:
        """Whether VRs are implicit, and True for little endian."""
        return self._kind.syntax == ImplicitVRLittleEndian, True

    def __contains__(self, name: object) -> bool:
        """Tell whether the file has an element (tag or keyword)."""
        return self.element(_number(name)) is not None

    def __getitem__(self, name: object) -> Any:
        """Return an element as pydicom understands it (KeyError when there is none)."""
        if name not in self:
            raise KeyError(name)
        return self.dataset[BaseTag(_number(name))]

    def __getattr__(self, name: str) -> Any:
        """Return what else a Dataset has; what it depends on is not known, so that nothing is remembered of it."""
        if name.startswith("__") or name in ("dataset", "file_meta", "_kind"):
            raise AttributeError(name)
        if self._asked is not None:
            self._asked.update(self._kind.raw, self._own)
        return getattr(self.dataset, name)

    @cached_property
    def dataset(self) -> Dataset:
        """The wanted elements as a data set of pydicom."""
        return self.fresh()

    def fresh(self) -> Dataset:
        """Return a data set of pydicom of its own, with nothing decoded yet."""
        implicit, raw = self.original_encoding[0], self._kind.raw | self._own
        ds = Dataset()
        for number in sorted(raw):
            tag, value = BaseTag(number), raw[number][2:]
            vr = None if implicit else raw[number][:2].decode("ascii")
            ds._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, implicit, True)
        charset = ds.get("SpecificCharacterSet") if _CHARACTER_SET in raw else None
        ds.set_original_encoding(implicit, True, convert_encodings(charset) if charset else "iso8859")
        ds.file_meta = self.file_meta
        return ds

    @property
    def file_meta(self) -> FileMetaDataset:
        """The file meta information, as far as it was read: the transfer syntax."""
        return _meta_of(self.syntax)

    def quick_numbers(self, tag: int) -> tuple[float, ...] | None:
        """Return the numbers of a DS, IS or US element that is written as it should be, else None."""
        element = self.element(tag)
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
        return self._kind.raw.get(tag) or self._own.get(tag)

    def once(self, fact: Fact[T]) -> T:
        """Return `fact((self,))`, remembered from another header with the same values of all it looks at.

        What a fact looks at is recorded while it runs, so that nobody needs to state it.
        """
        if self._asked is None:
            value = recall(fact, self._kind, self._own)
            if value is not MISSING:
                return value  # type: ignore[no-any-return]
        asked, value = find(fact, self._kind, self._own) or self._worked_out(fact)
        if self._asked is not None:
            self._asked.update(asked)
        keep(fact, self._kind, self._own, asked, value)
        return value  # type: ignore[no-any-return]

    def _worked_out(self, fact: Fact[Any]) -> tuple[tuple[int, ...], Any]:
        outer, self._asked = self._asked, set()
        try:
            value = fact((self,))
            asked = tuple(sorted(self._asked))
        finally:
            if outer is not None:
                outer |= self._asked
            self._asked = outer
        learn(fact, self._kind, self._own, asked, value)
        return asked, value


def once(fact: Fact[T], layers: Layers) -> T:
    """Return `fact(layers)`; for a header read quickly it is remembered (see `QuickHeader.once`)."""
    first = layers[0]
    return first.once(fact) if type(first) is QuickHeader and len(layers) == 1 else fact(layers)


@cache
def _meta_of(syntax: UID) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    return meta


@cache
def _ways(wanted: frozenset[int]) -> tuple[Way, Way, Way]:
    """Return how to walk over file meta information, and over a data set with explicit and with implicit VR."""
    meta = Way(frozenset((_TRANSFER_SYNTAX,)), implicit=False, after=0x0001FFFF, before=0x00030000)
    explicit, implicit = (Way(wanted, implicit=implicit, after=0, before=_PIXEL_DATA) for implicit in (False, True))
    return meta, explicit, implicit


def quick_header(head: bytes, size: int, wanted: frozenset[int]) -> QuickHeader | None:
    """Read the wanted elements from the first bytes of a file of `size` bytes; None leaves the file to pydicom."""
    if head[128:132] != b"DICM":
        return None
    meta, explicit, implicit = _ways(wanted)
    try:
        runs, _, at = walk(meta, head, 132)
        syntax = _plain_syntax(runs[-1].raw[_TRANSFER_SYNTAX])
        if syntax is None:
            return None
        way = explicit if syntax != ImplicitVRLittleEndian else implicit
        if way is implicit and head[at + 4 : at + 6] in VRS:  # written explicitly all the same
            return None
        passages, own, at = walk(way, head, at)
        tag, start, length = place_of_value(way, head, at)
        if tag != _PIXEL_DATA:
            return None
        return QuickHeader(kind_of(syntax, passages, own), own, (start, length, size - at))
    except (Unusual, struct.error, LookupError):  # the first bytes end before the pixels, or state no syntax
        return None


def _plain_syntax(raw: bytes) -> UID | None:
    if raw not in _syntaxes:
        uid = UID(raw[2:].rstrip(b"\0 ").decode("ascii", "replace"))
        known = uid.is_transfer_syntax and not uid.is_private
        plain = known and uid.is_little_endian and uid != DeflatedExplicitVRLittleEndian
        usual = uid in (ImplicitVRLittleEndian, ExplicitVRLittleEndian) or (plain and uid.is_encapsulated)
        _syntaxes[raw] = uid if usual else None
    return _syntaxes[raw]


_numbers: dict[object, int] = {}


def _number(name: object) -> int:
    """Return a tag as a plain integer: looking up pydicom's own tags costs several times as much."""
    found = _numbers.get(name)
    if found is None:
        tag = tag_for_keyword(name) if isinstance(name, str) else None
        found = _numbers[name] = int(Tag(name) if tag is None else tag)
    return found
