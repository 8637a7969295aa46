"""The segments of a Segmentation object: label, codes, colour."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from pydicom import Dataset

from medassist.entities.prediction import Code, Segment
from medassist.imaging import tags
from medassist.imaging.objects.label_maps import color_of

SIDES = ("7771000", "24028007", "51440002")
"""SNOMED CT codes of left, right, and right and left (DICOM CID 244): the modifier that is a side."""


def segments_of(ds: Dataset) -> dict[int, Segment]:
    """Return segment number -> segment; labels that occur twice are told apart by number and algorithm type."""
    items = {tags.whole((item,), "SegmentNumber") or 0: item for item in tags.value_of((ds,), "SegmentSequence") or []}
    found = {number: _segment(item, number) for number, item in items.items()}
    often = Counter(segment.label for segment in found.values())
    return {
        number: segment if often[segment.label] == 1 else replace(segment, label=_told_apart(segment, items[number]))
        for number, segment in found.items()
    }


def _told_apart(segment: Segment, item: Dataset) -> str:
    how = tags.text((item,), "SegmentAlgorithmType").lower()
    return f"{segment.label} ({', '.join(text for text in (str(segment.value), how) if text)})"


def _segment(item: Dataset, number: int) -> Segment:
    code = code_in(item, "SegmentedPropertyTypeCodeSequence")
    types = tags.value_of((item,), "SegmentedPropertyTypeCodeSequence")
    modifiers = codes_in(types[0], "SegmentedPropertyTypeModifierCodeSequence") if types else ()
    label = tags.text((item,), "SegmentLabel") or (code.meaning if code else "") or f"Segment {number}"
    return Segment(
        number,
        label,
        code,
        _color(item) or color_of(number),
        category=code_in(item, "SegmentedPropertyCategoryCodeSequence"),
        modifier=next((one for one in modifiers if one.value not in SIDES), None),
        laterality=next((one for one in modifiers if one.value in SIDES), None),
    )


def codes_in(item: Dataset, keyword: str) -> tuple[Code, ...]:
    """Return every code of a code sequence, as given."""
    return tuple(_code(one) for one in tags.value_of((item,), keyword) or [])


def code_in(item: Dataset, keyword: str) -> Code | None:
    """Return the first code of a code sequence, as given."""
    codes = tags.value_of((item,), keyword)
    return _code(codes[0]) if codes else None


def _code(item: Dataset) -> Code:
    """Read one code; long and URN codes stand in other attributes."""
    one = (item,)
    value = tags.text(one, "CodeValue") or tags.text(one, "LongCodeValue") or tags.text(one, "URNCodeValue")
    return Code(value, tags.text(one, "CodingSchemeDesignator"), tags.text(one, "CodeMeaning"))


def _color(item: Dataset) -> tuple[int, int, int] | None:
    """Return RGB of the recommended display colour (CIELab, PS3.3 C.10.7.1.1)."""
    lab = tags.numbers((item,), "RecommendedDisplayCIELabValue", 3)
    if lab is None or not all(0 <= value <= 65535 for value in lab):
        return None
    from highdicom.color import CIELabColor

    lightness = lab[0] * 100 / 65535
    red, green, blue = CIELabColor(lightness, *(value * 255 / 65535 - 128 for value in lab[1:])).to_rgb(clip=True)
    return int(red), int(green), int(blue)
