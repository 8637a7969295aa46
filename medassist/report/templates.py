"""Report templates: those that ship and those of the user, one TOML file each, chosen by what the series is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from medassist.entities.errors import UnreadableInput
from medassist.entities.report_template import Layout, ReportTemplate, TemplateSection
from medassist.entities.study import Series, Study, Warned, warned
from medassist.language import LANGUAGES
from medassist.locations import config_dir, resources_dir
from medassist.report.filling import check

GENERIC = "generic"
MAX_BYTES, MOST_FILES, MOST_SECTIONS, LONGEST_TITLE = 64 * 1024, 100, 20, 120

_KEYS = {"modalities", "body_parts", *LANGUAGES}


@dataclass(frozen=True)
class Templates:
    """Every usable template by its name, and why the others cannot be used."""

    named: Mapping[str, ReportTemplate]
    problems: tuple[Warned, ...] = ()

    def choose(self, name: str, study: Study, series: Series) -> ReportTemplate:
        """Return the template with a name; where there is none, the one that asks most of what the series has."""
        if name in self.named:
            return self.named[name]
        words = _words(study, series)
        fitting = [one for one in self.named.values() if _suits(one, series, words)]
        return max(fitting, key=lambda one: (bool(one.body_parts), bool(one.modalities), one.own, one.name != GENERIC))


def user_folder() -> Path:
    """Return the folder for templates of the user; one named as one that ships takes its place."""
    return config_dir() / "reports"


def read() -> Templates:
    """Read all templates; a broken one of the user is left out with its reason, and nothing is raised for it."""
    named = {path.stem: read_file(path) for path in sorted((resources_dir() / "reports").glob("*.toml"))}
    problems = []
    paths = sorted(user_folder().glob("*.toml")) if user_folder().is_dir() else []
    for path in paths[:MOST_FILES]:
        try:
            named[path.stem] = read_file(path, own=True)
        except UnreadableInput as problem:
            problems.append(Warned(problem.message, tuple(problem.values.items())))
    if len(paths) > MOST_FILES:
        problems.append(warned("{path} holds more than {count} report templates; the others are left out.",
                               path=user_folder(), count=MOST_FILES))  # fmt: skip
    return Templates(MappingProxyType(named), tuple(problems))


def read_file(path: Path, *, own: bool = False) -> ReportTemplate:
    """Read one template (UnreadableInput names the file and what is wrong); nothing of it is run."""
    try:
        known = path.stat()
    except OSError:
        return _read_file(path, 0, 0, own=own)
    return _read_file(path, known.st_mtime_ns, known.st_size, own=own)


@lru_cache(maxsize=2 * MOST_FILES)
def _read_file(path: Path, _changed_ns: int, _size: int, *, own: bool) -> ReportTemplate:
    """Read a template once for every state of its file: a preview asks at every pause in typing."""
    table = _parsed(path)
    unknown = sorted(table.keys() - _KEYS)
    if unknown:
        raise _unusable(path, unknown[0])
    layouts = {language: _layout(path, language, table[language]) for language in LANGUAGES if language in table}
    if not layouts:
        raise _unusable(path, next(iter(LANGUAGES)))
    return ReportTemplate(
        path.stem, MappingProxyType(layouts), _names(path, table, "modalities"), _names(path, table, "body_parts"), own
    )


def _parsed(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise UnreadableInput(
                "{path} is no report template: it must be a plain file of at most {size} bytes.",
                path=path,
                size=MAX_BYTES,
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: TOML and UTF-8
        raise UnreadableInput("{path} is no report template: {reason}.", path=path, reason=error) from error


def _names(path: Path, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = table.get(key, [])
    if not isinstance(values, list) or not all(isinstance(one, str) and one.strip() for one in values):
        raise _unusable(path, key)
    return tuple(one.strip().upper() for one in values)


def _layout(path: Path, language: str, table: object) -> Layout:
    rows = table.get("sections", []) if isinstance(table, Mapping) else None
    if not isinstance(table, Mapping) or not isinstance(rows, list) or not 1 <= len(rows) <= MOST_SECTIONS:
        raise _unusable(path, f"{language}.sections")
    sections = tuple(_section(path, f"{language}.sections[{number}]", row) for number, row in enumerate(rows, start=1))
    if len({one.key for one in sections}) < len(sections):
        raise _unusable(path, f"{language}.sections")
    return Layout(_title(path, language, table, "name"), _title(path, language, table, "title"), sections)


def _section(path: Path, place: str, row: object) -> TemplateSection:
    if not isinstance(row, Mapping) or row.keys() - {"key", "title", "text"}:
        raise _unusable(path, place)
    key, text = row.get("key"), row.get("text", "")
    if not isinstance(key, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", key) or not isinstance(text, str):
        raise _unusable(path, place)
    reason = check(text)
    if reason is not None:
        raise UnreadableInput("{path}: the sentences of {place} cannot be used: {reason}",
                              path=path, place=place, reason=reason)  # fmt: skip
    return TemplateSection(key, _title(path, place, row, "title"), text.strip())


def _title(path: Path, place: str, table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= LONGEST_TITLE or not value.isprintable():
        raise _unusable(path, f"{place}.{key}")
    return value.strip()


def _unusable(path: Path, key: str) -> UnreadableInput:
    return UnreadableInput("{path} is no report template: {key} cannot be used.", path=path, key=key)


def _words(study: Study, series: Series) -> str:
    """Return what the header says of the body part, in capitals; descriptions count where the tag is empty."""
    told = series.body_part or f"{study.description} {series.description}"
    return told.upper()


def _suits(template: ReportTemplate, series: Series, words: str) -> bool:
    modality = not template.modalities or series.modality.upper() in template.modalities
    return modality and (not template.body_parts or any(_named(part, words) for part in template.body_parts))


def _named(part: str, words: str) -> bool:
    """Tell whether a body part stands in a text: as a word of Latin letters, anywhere in Chinese."""
    return re.search(rf"(?<![A-Z]){re.escape(part)}(?![A-Z])", words) is not None if part.isascii() else part in words
