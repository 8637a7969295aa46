"""Elements of one file, or of two side by side, as rows: which differ, and which hold what somebody looks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from medassist.entities.element import Element, ElementRow


def rows(one: Sequence[Element], other: Sequence[Element] | None = None) -> tuple[ElementRow, ...]:
    """Return a row per element; with a second file a row per element of either, in the order of their tags.

    Items of sequences are held against each other by their number.
    """
    if other is None:
        return tuple(ElementRow(each, children=rows(each.children)) for each in one)
    first, second = _by_place(one), _by_place(other)
    places = list(first)
    places += [place for place in second if place not in first]
    places.sort(key=lambda place: (not place[0].startswith("(0002"), place))
    return tuple(_compared(first.get(place), second.get(place)) for place in places)


def _by_place(elements: Sequence[Element]) -> dict[tuple[str, int], Element]:
    return {(one.tag, one.number): one for one in elements}


def _compared(one: Element | None, other: Element | None) -> ElementRow:
    if one is None or other is None:
        alone = one if one is not None else other
        assert alone is not None  # noqa: S101 - a place has at least one element
        inside = tuple(_compared(child, None) if other is None else _compared(None, child) for child in alone.children)
        return ElementRow(one, other, True, inside)
    inside = rows(one.children, other.children)
    same = (one.vr, one.value, one.size, one.content) == (other.vr, other.value, other.size, other.content)
    return ElementRow(one, other, not same or any(child.differs for child in inside), inside)


def matching(found: Sequence[ElementRow], text: str, *, only_differences: bool = False) -> tuple[ElementRow, ...]:
    """Return the rows that hold `text` in tag, name, keyword or a value, with what they lie in and what is inside.

    A tag may be typed as "0010,0020", "00100020" or "(0010,0020)". With `only_differences` the others are left out.
    """
    wanted = text.casefold().strip()
    tag = "".join(sign for sign in wanted if sign not in "(), ")
    kept = (_matched(row, wanted, tag, only_differences) for row in found)
    return tuple(row for row in kept if row is not None)


def _matched(row: ElementRow, wanted: str, tag: str, only_differences: bool) -> ElementRow | None:
    if only_differences and not row.differs:
        return None
    if not wanted or _holds(row, wanted, tag):
        return replace(row, children=matching(row.children, "", only_differences=True)) if only_differences else row
    inside = matching(row.children, wanted, only_differences=only_differences)
    return replace(row, children=inside) if inside else None


def _holds(row: ElementRow, wanted: str, tag: str) -> bool:
    told = row.told
    texts = [told.name, told.keyword, *(one.value for one in (row.one, row.other) if one is not None)]
    if any(wanted in text.casefold() for text in texts):
        return True
    plain = told.tag.casefold().strip("()").replace(",", "")
    return bool(tag) and bool(plain) and tag in plain


def walk(found: Sequence[ElementRow], depth: int = 0) -> Iterator[tuple[ElementRow, int]]:
    """Yield every row with its depth, as they stand below each other."""
    for row in found:
        yield row, depth
        yield from walk(row.children, depth + 1)
