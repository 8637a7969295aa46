"""How the report of one kind of study is laid out: a title and sections with sentences to fill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class TemplateSection:
    """One section: `text` is a template of restricted Jinja2 that gives plain text."""

    key: str
    title: str
    text: str = ""


@dataclass(frozen=True)
class Layout:
    """A template in one language."""

    name: str
    title: str
    sections: tuple[TemplateSection, ...]


@dataclass(frozen=True)
class ReportTemplate:
    """A template of one file.

    Attributes:
        name: stem of its file, unique; one of the user's takes the place of one that ships.
        layouts: by language, a key of `medassist.language.LANGUAGES`; never empty.
        modalities, body_parts: what it is for, in capitals; () for anything.
        own: whether the user wrote it.
    """

    name: str
    layouts: Mapping[str, Layout] = field(default_factory=lambda: MappingProxyType({}))
    modalities: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
    own: bool = False

    def layout(self, language: str) -> Layout:
        """Return it in a language, in the first one it knows where it does not speak that one."""
        return self.layouts.get(language) or next(iter(self.layouts.values()))
