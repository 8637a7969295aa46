"""Texts whose character set is not declared, or declared wrongly: read them as what they can only be, and say so."""

from __future__ import annotations

import re

from pydicom import DataElement, Dataset
from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement

from medassist.entities.study import CHARSETS, Warned, warned
from medassist.imaging import tags
from medassist.imaging.quick_header import QuickHeader

_TEXTS = tuple(
    tags.tag_of(keyword)
    for keyword in (
        "PatientName", "PatientID", "StudyDescription", "SeriesDescription", "AccessionNumber", "StudyID",
        "ReferringPhysicianName", "InstitutionName", "ProtocolName", "PerformedProcedureStepDescription",
        "ImageComments", "PatientComments",
    )
)  # fmt: skip
_CODECS = {
    "": "",
    "ISO_IR 6": "",
    "ISO_IR 100": "latin-1",
    "ISO_IR 192": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gb18030",
}
_NAMES = dict(zip(("utf-8", "gb18030", "latin-1"), CHARSETS, strict=True))
_HIGH = re.compile(rb"[\x80-\xff]+")
_HANZI = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
_ACCENTED_WORD = re.compile("[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")


def mend_texts(ds: Dataset, name: str, chosen: str = "") -> tuple[Warned, ...]:
    """Decode texts of an undeclared or impossible character set in place, and offer another reading of a doubtful one.

    `name` is the file's name. Bytes beyond ASCII without a declared character set have no meaning (PS3.5 6.1.2.1):
    they are read as UTF-8 where they are valid UTF-8, else as GB18030. Where ISO 8859-1 or GB18030 is declared but
    the bytes look like another one, the declared reading stays and the other one is offered in the warning. Who takes
    the offer names it as `chosen`, one of `entities.study.CHARSETS`; all texts beyond ASCII are then read so.
    """
    if chosen:
        texts = {tag: value for tag, value in _raw_texts(ds).items() if not value.isascii()}
        _replace(ds, texts, next(codec for codec, told in _NAMES.items() if told == chosen))
        return ()
    declared = tags.texts((ds,), "SpecificCharacterSet")
    codec = _codec_of(declared)
    raw = {} if codec is None else _raw_texts(ds)
    joined = b" ".join(raw.values())
    if codec is None or joined.isascii():
        return ()
    guess = _guess(joined, codec)
    if guess == codec:
        return ()
    sample = next(_decoded(value, guess) for value in raw.values() if not value.isascii())
    if codec in ("", "utf-8"):
        _replace(ds, raw, guess)
        message = "{file} does not say how its texts are encoded; they are read as {charset}: {text}"
        return (warned(message, file=name, charset=_NAMES[guess], text=sample),)
    return (
        warned(
            "{file} declares its texts as {declared}, but they look like {charset}: {text}",
            file=name,
            declared=declared[0],
            charset=_NAMES[guess],
            text=sample,
        ),
    )


def sound_texts(
    ds: Dataset | QuickHeader, name: str, chosen: str = ""
) -> tuple[Dataset | QuickHeader, tuple[Warned, ...]]:
    """Return a header as `mend_texts` leaves it, and what it says; one read quickly is replaced only where needed."""
    if isinstance(ds, QuickHeader):
        if not chosen and not ds.once(_is_doubtful):
            return ds, ()
        ds = ds.fresh()
    return ds, mend_texts(ds, name, chosen)


def _is_doubtful(layers: tuple[QuickHeader, ...]) -> bool:
    """Tell whether the texts of a header are mended or doubted, having looked at all of them."""
    (header,) = layers
    held = [tag for tag in _TEXTS if tag in header]
    return bool(held and mend_texts(header.fresh(), ""))


def _codec_of(declared: tuple[str, ...]) -> str | None:
    """Return the codec of one declared term, "" where it says nothing, None where the term is simply believed."""
    if len(declared) > 1:
        return None
    term = declared[0] if declared else ""
    return _CODECS.get(term, None if term in python_encoding else "")


def _raw_texts(ds: Dataset) -> dict[int, bytes]:
    """Return the undecoded values of the texts that matter."""
    found = {}
    for tag in _TEXTS:
        element = ds.get_item(tag) if tag in ds else None
        if isinstance(element, RawDataElement) and element.value:
            found[int(tag)] = bytes(element.value)
    return found


def _guess(data: bytes, declared: str) -> str:
    """Return the codec the bytes are meant in; `declared` where nothing speaks against it."""
    utf_8, gb = _strictly(data, "utf-8"), _strictly(data, "gb18030")
    if declared in ("utf-8", "gb18030"):
        fits = utf_8 is not None if declared == "utf-8" else utf_8 is None or not _HANZI.search(utf_8)
        other = "gb18030" if declared == "utf-8" else "utf-8"
        return declared if fits or (other == "gb18030" and gb is None) else other
    if utf_8 is not None and (_HANZI.search(utf_8) or _ACCENTED_WORD.search(utf_8) or gb is None):
        return "utf-8"
    runs = _HIGH.findall(data)
    pairs = all(len(run) % 2 == 0 for run in runs)
    accents = all(len(run) == 1 and run >= b"\xa0" for run in runs)
    if gb is not None and _HANZI.search(gb) and (pairs or not (declared or accents)):
        return "gb18030"
    return "utf-8" if utf_8 is not None else "latin-1"


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def _decoded(value: bytes, codec: str) -> str:
    return tags.clean(value.decode(codec, "replace").rstrip("\0 "))


def _replace(ds: Dataset, raw: dict[int, bytes], codec: str) -> None:
    for tag, value in raw.items():
        ds[tag] = DataElement(tag, dictionary_VR(tag), _decoded(value, codec))
    ds.SpecificCharacterSet = "ISO_IR 192"
