"""One catalogue of texts for every face: the English text is the key, other languages are JSON tables.

`tr("Slice {number} of {count}", number=3, count=20)` looks the template up first and fills it afterwards, so
that a sentence can change its word order. Tables lie in `resources/translations/<language>/<room>.json`; a test
collects every literal given to `tr`, `warned` and the errors, and fails on one without a translation.

What a site adds to the research-use notice is part of the catalogue: whoever says the notice says the addition too.
"""

from __future__ import annotations

import json
import locale
from functools import cache

from medassist import RESEARCH_USE_NOTICE, site
from medassist.entities.errors import MedAssistError
from medassist.entities.study import Warned
from medassist.locations import resources_dir

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}

_current = ["en"]


def set_language(name: str) -> None:
    """Speak `name` from now on: a key of `LANGUAGES`, or "auto" for the language of the system."""
    system = (locale.getlocale()[0] or "en").lower()
    chosen = ("zh_CN" if system.startswith(("zh", "chinese")) else "en") if name == "auto" else name
    if chosen not in LANGUAGES:
        raise ValueError(f"unknown language {name!r}")
    _current[0] = chosen


def current_language() -> str:
    """Return the language in use."""
    return _current[0]


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return English text -> text in `language`, from all rooms' tables."""
    table: dict[str, str] = {}
    for path in sorted((resources_dir() / "translations" / language).glob("*.json")):
        table.update(json.loads(path.read_text(encoding="utf-8")))
    addition = site.read().notice(language)
    if addition:
        notice, stop = table.get(RESEARCH_USE_NOTICE, RESEARCH_USE_NOTICE), ". " if language == "en" else "。"
        table[RESEARCH_USE_NOTICE] = f"{notice}{stop}{addition}"
    return table


def tr(text: str, /, **values: object) -> str:
    """Return `text` in the current language with `values` filled in; English when it has no translation."""
    template = catalogue(_current[0]).get(text, text)
    return template.format(**values) if values else template


def localized(problem: MedAssistError | Warned) -> str:
    """Return an error or a warning as a sentence in the current language."""
    if isinstance(problem, Warned):
        told = {name: localized(value) if isinstance(value, Warned) else value for name, value in problem.values}
        return tr(problem.message, **told)
    parts = (tr(text, **problem.values) for text in (problem.message, problem.remedy) if text)
    return (" " if _current[0] == "en" else "").join(parts)
