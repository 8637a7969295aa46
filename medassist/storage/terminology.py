"""From a typed label to a code: tables that ship with the product, and one the reader may add."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from medassist.entities.errors import UnreadableInput
from medassist.entities.prediction import Code
from medassist.entities.study import Warned, warned
from medassist.entities.term import LEFT, RIGHT, Named, Term
from medassist.locations import config_dir, resources_dir
from medassist.storage.term_file import terms_of

MAX_BYTES = 1_000_000
_SIDES = {
    LEFT: re.compile(r"left (?P<before>.+)|(?P<after>.+?),? left|左(?P<zh>.+)"),
    RIGHT: re.compile(r"right (?P<before>.+)|(?P<after>.+?),? right|右(?P<zh>.+)"),
}


@dataclass(frozen=True)
class Terminology:
    """Terms by what a reader may type; `problems` says why a table of the reader's own is not used."""

    terms: Mapping[str, Term] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[Warned, ...] = ()

    def named(self, label: str) -> Named | None:
        """Return what a label means, None for words that stand in no table or a side of what has none.

        Letter case, hyphens, underscores and further spaces do not matter. A side counts only where the term has
        sides: nothing is lost on the way to a code.
        """
        words = plain(label)
        if words in self.terms:
            return self._found(self.terms[words], None)
        for side, pattern in _SIDES.items():
            match = pattern.fullmatch(words)
            rest = next((part for part in match.group("before", "after", "zh") if part), "") if match else ""
            # 左侧脑室 is the left lateral ventricle before it is a ventricle on the left
            for name in (rest, rest.removeprefix("侧").strip()):
                if name in self.terms and self.terms[name].sides:
                    return self._found(self.terms[name], side)
        return None

    def _found(self, term: Term, side: Code | None) -> Named:
        site = self.terms.get(plain(term.site)) if term.site else None
        return Named(term, side, None if site is None else site.code)


def plain(label: str) -> str:
    """Return a label as it is compared."""
    return " ".join(re.sub(r"[-_]", " ", unicodedata.normalize("NFKC", label).casefold()).split())


def user_file() -> Path:
    """Return the table a reader may write: its terms add to those that ship, and override them."""
    return config_dir() / "terminology.toml"


def read() -> Terminology:
    """Read the terms; a table of the reader's own that cannot be used is left out as a whole, and says why."""
    own = user_file()
    try:
        told = own.stat()
    except OSError:
        return _shipped()
    return _with_own(own, told.st_mtime_ns, told.st_size)


@lru_cache(maxsize=4)
def _with_own(path: Path, _changed_ns: int, _size: int) -> Terminology:
    shipped = _shipped()
    try:
        own = terms_of(path, MAX_BYTES)
        _demand_sites(path, own, shipped.terms)
    except UnreadableInput as error:
        reason = Warned(error.message, tuple(error.values.items()))
        told = warned("The terms of your own are not used, those that ship are: {reason}", reason=reason)
        return Terminology(shipped.terms, (told,))
    return Terminology(MappingProxyType({**shipped.terms, **_by_name(own)}))


@lru_cache(maxsize=1)
def _shipped() -> Terminology:
    found: dict[str, Term] = {}
    for path in sorted((resources_dir() / "terminology").glob("*.toml")):
        found.update(_by_name(terms_of(path, MAX_BYTES)))
    return Terminology(MappingProxyType(found))


def _by_name(terms: Iterable[Term]) -> dict[str, Term]:
    return {plain(name): one for one in terms for name in (one.label, one.title_zh, *one.also) if name}


def _demand_sites(path: Path, own: tuple[Term, ...], shipped: Mapping[str, Term]) -> None:
    known = {**shipped, **_by_name(own)}
    for one in own:
        if one.site and plain(one.site) not in known:
            raise UnreadableInput(
                "{path}: {label} lies in {site}, which is no term.", path=path, label=one.label, site=one.site
            )
