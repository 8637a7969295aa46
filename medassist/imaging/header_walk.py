"""Walk over the first bytes of a plain DICOM file, knowing again the passages that many files have in common.

The pictures of a series repeat most of their header byte by byte. A passage is a run of elements between those that
differ from picture to picture; it is taken apart once, and found again by its bytes alone.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache

from pydicom.datadict import dictionary_has_tag, dictionary_VR

_UNDEFINED, _ENDLESS = 0xFFFFFFFF, b"\xff\xff\xff\xff"
_ITEM_GROUP, _ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFE, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DEEPEST = 64

_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
VRS = _LONG | frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())

_explicit = struct.Struct("<HH2sH").unpack_from
_implicit = struct.Struct("<HHL").unpack_from
_length = struct.Struct("<L").unpack_from

# UIDs, moments, exposure, number and place, extremes, window, scale, decay. A wrong choice here only costs time.
_OWN = frozenset(
    (
        0x00020000, 0x00020003, 0x00080013, 0x00080018, 0x0008002A, 0x00080032, 0x00080033, 0x00181060, 0x00181150,
        0x00181151, 0x00181152, 0x00181153, 0x00189327, 0x00200013, 0x00200032, 0x00201041, 0x00280106, 0x00280107,
        0x00281050, 0x00281051, 0x00281052, 0x00281053, 0x00541300, 0x00541321, 0x00541330,
    )
)  # fmt: skip
_OWN_BYTES, _PASSAGE_BYTES = 1 << 10, 4 << 10
_MOST_PASSAGES, _MOST_SINGLES, _MOST_SIZES = 2048, 1 << 16, 8


class Unusual(Exception):
    """A file is not written as nearly all are; it is left to pydicom."""


@dataclass(frozen=True, eq=False, slots=True)
class Run:
    """Elements in a row.

    Attributes:
        first, last: their tags; both are that of the pixels, or what else ends a walk, when `size` is 0.
        size: in bytes, of all together.
        raw: VR and value of the wanted ones by tag, of a passage.
        vr, value_at: of a single wanted element: its VR, and the place of its value in the run.
    """

    first: int
    last: int
    size: int
    raw: dict[int, bytes]
    vr: bytes = b""
    value_at: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Way:
    """One way of writing elements, and what was met of it.

    Attributes:
        wanted: tags to keep.
        after, before: the tags of all elements lie between these two.
        passages: by their bytes; `sizes` are those of the passages that begin with the same 8 bytes.
        singles: elements outside of passages, by their first 8 bytes.
        members: tag, size, and VR if wanted, of elements in passages, by their first 8 bytes.
    """

    wanted: Collection[int]
    implicit: bool
    after: int
    before: int
    passages: dict[bytes, Run] = field(default_factory=dict)
    sizes: dict[bytes, tuple[int, ...]] = field(default_factory=dict)
    singles: dict[bytes, Run] = field(default_factory=dict)
    members: dict[bytes, tuple[int, int, bytes]] = field(default_factory=dict)


def walk(way: Way, head: bytes, at: int) -> tuple[list[Run], dict[int, bytes], int]:
    """Return the passages with wanted elements, VR and value of those outside of any, and where the walk ended.

    Raises Unusual, or struct.error where `head` ends too early.
    """
    passages: list[Run] = []
    own: dict[int, bytes] = {}
    last, single, sizes, known = way.after, way.singles.get, way.sizes.get, way.passages.get
    while True:
        start = head[at : at + 8]
        run = single(start)
        if run is None:
            for size in sizes(start, ()):
                if (run := known(head[at : at + size])) is not None:
                    break
            else:
                run = _meet(way, head, at)
        if run.first <= last:
            raise Unusual
        if run.raw:
            passages.append(run)
        elif run.vr:
            own[run.first] = run.vr + head[at + run.value_at : at + run.size]
        elif not run.size:
            return passages, own, at
        last = run.last
        at += run.size


def _meet(way: Way, head: bytes, at: int) -> Run:
    """Take apart what was not met before, and remember it."""
    tag, start, end, vr = _element(way, head, at)
    is_end = tag >= way.before
    if not is_end and not _is_single(way, tag, end - at):
        return _passage(way, head, at)
    run = Run(tag, tag, end - at, {}, vr if tag in way.wanted else b"", start - at)
    begin = head[at : at + 8]
    if is_end or (start - at == 8 and begin[4:] != _ENDLESS):  # the first 8 bytes tell all of it
        if len(way.singles) >= _MOST_SINGLES:
            way.singles.clear()
        way.singles[begin] = run
    return run


def _is_single(way: Way, tag: int, size: int) -> bool:
    """Tell whether an element likely differs between pictures: by its tag, as private ones do, or by its length."""
    return tag in _OWN or size > _OWN_BYTES or bool(tag >> 16 & 1 and tag not in way.wanted)


def _passage(way: Way, head: bytes, at: int) -> Run:
    raw: dict[int, bytes] = {}
    first, last, stop = 0, -1, at
    while stop - at < _PASSAGE_BYTES and (found := _member(way, head, stop)) is not None:
        tag, start, end, vr = found
        if tag <= last:
            break
        if vr:
            raw[tag] = vr + head[start:end]
        first, last, stop = first or tag, tag, end
    run = Run(first, last, stop - at, raw)
    if len(way.passages) >= _MOST_PASSAGES:
        way.passages.clear()
        way.sizes.clear()
    way.passages[head[at:stop]] = run
    others = [size for size in way.sizes.get(head[at : at + 8], ()) if size != run.size]
    way.sizes[head[at : at + 8]] = (run.size, *others[: _MOST_SIZES - 1])
    return run


def _member(way: Way, head: bytes, at: int) -> tuple[int, int, int, bytes] | None:
    """Return what `_element` does of an element in a passage, its VR only where it is wanted; None behind the last."""
    begin = head[at : at + 8]
    known = way.members.get(begin)
    if known is not None and at + known[1] <= len(head):
        return known[0], at + 8, at + known[1], known[2]
    tag, start, end, vr = _element(way, head, at)
    if tag >= way.before or _is_single(way, tag, end - at):
        return None
    vr = vr if tag in way.wanted else b""
    if start - at == 8 and begin[4:] != _ENDLESS:
        if len(way.members) >= _MOST_SINGLES:
            way.members.clear()
        way.members[begin] = tag, end - at, vr
    return tag, start, end, vr


def _element(way: Way, head: bytes, at: int) -> tuple[int, int, int, bytes]:
    """Return the tag of an element, where its value begins and where it ends, and its VR."""
    tag, length, start, vr = (_implicit_head if way.implicit else _explicit_head)(head, at)
    if tag >= way.before:
        return tag, at, at, vr
    if not way.implicit and vr not in VRS:
        raise Unusual
    if length == _UNDEFINED:
        if tag in way.wanted or not (way.implicit or vr == b"SQ"):
            raise Unusual
        return tag, start, _end_of_items(way, head, start), vr
    if start + length > len(head):
        raise Unusual
    return tag, start, start + length, _vr_of(tag) if way.implicit and tag in way.wanted else vr


def place_of_value(way: Way, head: bytes, at: int) -> tuple[int, int, int]:
    """Return the tag of an element, and the place and the length of its value (Unusual without a VR)."""
    tag, length, start, vr = (_implicit_head if way.implicit else _explicit_head)(head, at)
    if not way.implicit and vr not in VRS:
        raise Unusual
    return tag, start, length


def _explicit_head(head: bytes, at: int) -> tuple[int, int, int, bytes]:
    """Return tag, length, place of the value and VR of an element; items have no VR."""
    group, element, vr, length = _explicit(head, at)
    if group == _ITEM_GROUP:
        return _implicit_head(head, at)
    if vr in VRS and vr not in _LONG:
        return group << 16 | element, length, at + 8, vr
    (length,) = _length(head, at + 8)
    return group << 16 | element, length, at + 12, vr


def _implicit_head(head: bytes, at: int) -> tuple[int, int, int, bytes]:
    group, element, length = _implicit(head, at)
    return group << 16 | element, length, at + 8, b""


@cache
def _vr_of(tag: int) -> bytes:
    """Return the VR of the dictionary, "??" when it depends on other elements."""
    vr = dictionary_VR(tag) if dictionary_has_tag(tag) else "??"
    return vr.encode() if len(vr) == 2 else b"??"


def _end_of_items(way: Way, head: bytes, at: int) -> int:
    """Return where a sequence of undefined length ends: behind the delimiter of its own depth.

    Raises Unusual where it nests too deep: pydicom, asked instead, says so.
    """
    read = _implicit_head if way.implicit else _explicit_head
    open_ends = [_SEQUENCE_END]
    while open_ends:
        if len(open_ends) > _DEEPEST:
            raise Unusual
        tag, length, start, _ = read(head, at)
        at = start
        if tag == open_ends[-1]:
            open_ends.pop()
        elif length == _UNDEFINED:
            open_ends.append(_ITEM_END if tag == _ITEM else _SEQUENCE_END)
        else:
            at += length
    return at
