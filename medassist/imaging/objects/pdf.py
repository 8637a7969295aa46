"""Encapsulated PDF (PS3.3 A.45.1): the bytes, checked, and nothing the file could do with them."""

from __future__ import annotations

from pathlib import Path

from pydicom import Dataset

from medassist.entities.errors import UnreadableInput
from medassist.imaging import tags

MOST_BYTES = 512 << 20
_END = b"%%EOF"


def read_pdf(ds: Dataset, path: Path) -> bytes:
    """Return the PDF without the padding of its element.

    Raises UnreadableInput when what is inside is no PDF: a system viewer must not be handed anything else.
    """
    data = ds.get("EncapsulatedDocument")
    if not isinstance(data, bytes) or not data:
        raise UnreadableInput("{path} holds no document.", path=path)
    if len(data) > MOST_BYTES:
        raise UnreadableInput("The document in {path} is too large to open.", path=path)
    kind = tags.text((ds,), "MIMETypeOfEncapsulatedDocument").lower()
    if kind not in ("", "application/pdf") or not data[:1024].lstrip().startswith(b"%PDF-"):
        raise UnreadableInput("The document in {path} is no PDF; it was left alone.", path=path)
    length = tags.whole((ds,), "EncapsulatedDocumentLength")
    if length and 0 < length <= len(data):
        return data[:length]
    end = data.rfind(_END)
    return data[: end + len(_END)] + b"\n" if end >= 0 else data
