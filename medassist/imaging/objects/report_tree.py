"""The content tree of a structured report of any template (PS3.3 C.17.3), as the file gives it."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom import Dataset

from medassist.entities.document import Item
from medassist.imaging import tags
from medassist.imaging.objects.segments import code_in

DEEPEST = 40
"""Reports nest a handful of levels; a file that nests deeper is cut there and says so."""

_TEXTS = {
    "TEXT": "TextValue",
    "PNAME": "PersonName",
    "DATE": "Date",
    "TIME": "Time",
    "DATETIME": "DateTime",
    "UIDREF": "UID",
}


def report_tree(ds: Dataset) -> Item:
    """Return the whole tree; its root is the title of the document."""
    return _item(ds, 0)


def _item(ds: Dataset, depth: int) -> Item:
    concept = code_in(ds, "ConceptNameCodeSequence")
    value_code = code_in(ds, "ConceptCodeSequence")
    kind = tags.text((ds,), "ValueType")
    name = concept.meaning or concept.value if concept is not None else ""
    return Item(
        name or tags.text((ds,), "RelationshipType").lower() or kind.lower(),
        _value(ds, kind),
        tuple(_children(ds, depth)),
        concept,
        value_code if kind == "CODE" else None,
    )


def _children(ds: Dataset, depth: int) -> Iterator[Item]:
    items = tags.value_of((ds,), "ContentSequence") or []
    if items and depth >= DEEPEST:
        yield Item("…", f"{len(items)}")
        return
    for item in items:
        yield _item(item, depth + 1)


def _value(ds: Dataset, kind: str) -> str:
    if kind in _TEXTS:
        return "\n".join(tags.texts((ds,), _TEXTS[kind]))
    if kind == "CODE":
        code = code_in(ds, "ConceptCodeSequence")
        return (code.meaning or code.value) if code is not None else ""
    if kind == "NUM":
        return _number(ds)
    if kind in ("IMAGE", "COMPOSITE", "WAVEFORM"):
        return "; ".join(_reference(one) for one in tags.value_of((ds,), "ReferencedSOPSequence") or [])
    if kind in ("SCOORD", "SCOORD3D"):
        return _coordinates(ds)
    if kind == "TCOORD":
        return (
            f"{tags.text((ds,), 'TemporalRangeType')} {', '.join(tags.texts((ds,), 'ReferencedTimeOffsets'))}".strip()
        )
    identifiers = tags.texts((ds,), "ReferencedContentItemIdentifier")
    return f"-> {'.'.join(identifiers)}" if identifiers else ""


def _number(ds: Dataset) -> str:
    """Return the number as written and its unit; an empty measured value has a qualifier that says why."""
    measured = tags.value_of((ds,), "MeasuredValueSequence")
    qualifier = code_in(ds, "NumericValueQualifierCodeSequence")
    if not measured:
        return qualifier.meaning if qualifier is not None else ""
    unit = code_in(measured[0], "MeasurementUnitsCodeSequence")
    symbol = "" if unit is None or unit.value == "1" else unit.value
    return f"{tags.text((measured[0],), 'NumericValue')} {symbol}".strip()


def _reference(item: Dataset) -> str:
    uid = tags.text((item,), "ReferencedSOPInstanceUID")
    for keyword, word in (("ReferencedFrameNumber", "frame"), ("ReferencedSegmentNumber", "segment")):
        numbers = tags.texts((item,), keyword)
        uid += f" {word} {', '.join(numbers)}" if numbers else ""
    return uid


def _coordinates(ds: Dataset) -> str:
    numbers = tags.numbers((ds,), "GraphicData") or ()
    shown = ", ".join(f"{value:g}" for value in numbers[:12])
    return f"{tags.text((ds,), 'GraphicType')} {shown}{', …' if len(numbers) > 12 else ''}".strip()
