"""Content items of a structured report (PS3.3 C.17.3): found by what they are called, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pydicom import Dataset
from pydicom.sr.coding import Code as DicomCode

from medassist.entities.prediction import Code
from medassist.imaging import tags
from medassist.imaging.objects.segments import code_in

DEEPEST = 12
"""Measurement groups stand three levels deep; a file that hides them deeper is not searched further."""


def children(item: Dataset) -> list[Dataset]:
    """Return the items right below one."""
    return list(tags.value_of((item,), "ContentSequence") or [])


def is_called(item: Dataset, *values: str) -> bool:
    """Tell whether the concept of an item is one of these code values, of whatever scheme; old SRT codes count, too."""
    name = code_in(item, "ConceptNameCodeSequence")
    return name is not None and current(name).value in values


def current(code: Code) -> Code:
    """Return a code of the retired scheme SRT as SNOMED CT writes it today; any other as it is."""
    if code.scheme not in ("SRT", "SNM3", "99SDM"):
        return code
    from pydicom.sr._snomed_dict import mapping

    found = mapping["SRT"].get(code.value)
    return Code(found, "SCT", code.meaning) if found else code


def same(one: Code, other: Code) -> bool:
    """Tell whether two codes mean the same, whatever words they have."""
    return bool(DicomCode(one.value, one.scheme, "") == DicomCode(other.value, other.scheme, ""))


def named(item: Dataset, *values: str) -> list[Dataset]:
    """Return the items right below one that are called so."""
    return [child for child in children(item) if is_called(child, *values)]


def walk(item: Dataset, depth: int = 0) -> Iterator[Dataset]:
    """Yield an item and all below it, in order."""
    yield item
    if depth < DEEPEST:
        for child in children(item):
            yield from walk(child, depth + 1)


def text_of(item: Dataset, *values: str) -> str:
    """Return the first text, UID or name below an item that is called so, "" where there is none."""
    for child in named(item, *values):
        for keyword in ("TextValue", "UID"):
            told = tags.text((child,), keyword)
            if told:
                return told
        person = tags.text((child,), "PersonName")
        if person:
            return person_text(person)
    return ""


def code_of(item: Dataset, *values: str) -> Code | None:
    """Return the first coded answer below an item that is called so."""
    found = (code_in(child, "ConceptCodeSequence") for child in named(item, *values))
    return next((current(one) for one in found if one is not None), None)


def person_text(name: str) -> str:
    """Return a DICOM person name as people write it: given names before the family name."""
    family, *given = [part.strip() for part in name.split("=")[0].split("^")]
    return " ".join(part for part in (*given, family) if part)


def moment_text(item: Dataset) -> str:
    """Return when an item was said (ISO), "" where it does not tell."""
    return moment_iso(tags.text((item,), "ObservationDateTime"))


def moment_iso(told: str) -> str:
    """Return a DICOM date and time (DT) as ISO, "" for none or a damaged one."""
    for form in ("%Y%m%d%H%M%S%z", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d"):
        try:
            return datetime.strptime(told.partition(".")[0] + _offset(told), form).isoformat()
        except ValueError:
            continue
    return ""


def _offset(told: str) -> str:
    """Return the offset from UTC that a fraction of a second hides from the rest."""
    fraction = told.partition(".")[2]
    at = max(fraction.find("+"), fraction.find("-"))
    return fraction[at:] if at >= 0 else ""
