"""What the headers of many files have in common, and what follows from it: worked out once, remembered for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydicom.uid import UID

from medassist.imaging.header_walk import Run, Unusual

T = TypeVar("T")
Layers = tuple[Any, ...]
Fact = Callable[[Layers], T]
Own = dict[int, bytes]
"""VR and value of elements that the headers of one kind do not have in common."""

Values = tuple[bytes | str | None, ...]

_FRAMES, _FUNCTIONAL_GROUPS = 0x00280008, (0x52009229, 0x52009230)

# What decides how other values are read: character set, sign of the pixels, and the owners of private groups.
_CONTEXT = (0x00080005, 0x00280103, 0x00190010, 0x20010010, 0x00430010, 0x00650010)

_MOST_KINDS, _MOST_VALUES, _MOST_VALUES_OF_KIND = 1024, 4096, 16
MISSING = object()
"""Stands for a fact that is not known."""


@dataclass(frozen=True, eq=False, slots=True)
class Kind:
    """What headers have in common: VR and value by tag, and which other elements they have.

    Attributes:
        facts: those that depend on nothing else.
        own_facts: those that depend on elements of a single header besides: their tags, and the facts by their values.
    """

    raw: dict[int, bytes]
    syntax: UID
    facts: dict[Fact[Any], Any] = field(default_factory=dict)
    own_facts: dict[Fact[Any], tuple[tuple[int, ...], dict[Values, Any]]] = field(default_factory=dict)


_kinds: dict[tuple[object, ...], Kind] = {}
_known: dict[Fact[Any], dict[tuple[int, ...], dict[Values, Any]]] = {}


def kind_of(syntax: UID, passages: list[Run], own: Own) -> Kind:
    """Return the kind of headers with some passages in common; Unusual for those of several pictures."""
    key = (syntax, tuple(own), *passages)
    kind = _kinds.get(key)
    if kind is None:
        raw = {tag: element for passage in passages for tag, element in passage.raw.items()}
        several = _FRAMES in own or raw.get(_FRAMES, b"IS1")[2:].strip() not in (b"1", b"")
        if several or any(tag in raw or tag in own for tag in _FUNCTIONAL_GROUPS):
            raise Unusual
        if len(_kinds) >= _MOST_KINDS:
            _kinds.clear()
        kind = _kinds[key] = Kind(raw, syntax)
    return kind


def recall(fact: Fact[Any], kind: Kind, own: Own) -> Any:
    """Return a fact as a header of the same kind left it, else MISSING."""
    value = kind.facts.get(fact, MISSING)
    if value is not MISSING:
        return value
    tags, values = kind.own_facts.get(fact, ((), {}))
    return values.get(tuple(map(own.get, tags)), MISSING)


def find(fact: Fact[Any], kind: Kind, own: Own) -> tuple[tuple[int, ...], Any] | None:
    """Return a fact as any header with the same values left it, behind the tags it looks at."""
    for asked, values in tuple(_known.get(fact, {}).items()):
        value = values.get(_values(asked, kind, own), MISSING)
        if value is not MISSING:
            return asked, value
    return None


def learn(fact: Fact[Any], kind: Kind, own: Own, asked: tuple[int, ...], value: Any) -> None:
    """Remember a fact for all headers with the same values of the tags it looked at."""
    values = _known.setdefault(fact, {}).setdefault(asked, {})
    if len(values) >= _MOST_VALUES:
        values.clear()
    values[_values(asked, kind, own)] = value


def keep(fact: Fact[Any], kind: Kind, own: Own, asked: tuple[int, ...], value: Any) -> None:
    """Remember a fact for headers of this kind."""
    looked_at = tuple(tag for tag in (*asked, *_CONTEXT) if tag in own)
    if not looked_at:
        kind.facts[fact] = value
        return
    tags, values = kind.own_facts.get(fact, ((), {}))
    if tags != looked_at or len(values) >= _MOST_VALUES_OF_KIND:
        values = {}
    kind.own_facts[fact] = looked_at, values | {tuple(map(own.get, looked_at)): value}


def _values(asked: tuple[int, ...], kind: Kind, own: Own) -> Values:
    common = kind.raw.get
    return (*[common(tag) or own.get(tag) for tag in (*asked, *_CONTEXT)], kind.syntax)
