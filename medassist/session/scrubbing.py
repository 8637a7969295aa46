"""Take patients, people and places out of texts that leave this computer."""

from __future__ import annotations

import builtins
import getpass
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path

from medassist import locations
from medassist.session.state import Session
from medassist.storage import settings

GONE = "[removed]"
SHORTEST = 3
"""Shorter texts ("CT", "F") name nobody, and would take half of every word away."""
UID = re.compile(r"\b[012](?:\.\d+){4,}\b")
PATH = re.compile(r"(?:\b[A-Za-z]:|\\)?[\\/][^\s\"'<>|,;]+")
HEAD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) medassist[\w.]*(?= |$)")
PLACE = re.compile(r'  File "(?P<path>[^"]+)", line (?P<line>\d+), in (?P<name>[\w<>]+)$')
WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
ERRORS = frozenset(
    name for name, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, BaseException)
)
OURS = frozenset({"MedAssistError", "UnreadableInput", "UnwritableOutput", "Refused", "UsageError", "Cancelled"})

OPEN = ("frames", "raw", "format", "modality", "photometric", "object_kind")
"""What of a noun names nobody."""


@dataclass(frozen=True)
class Scrubber:
    """Knows what must not leave: `secrets`, the longest first."""

    secrets: tuple[str, ...]

    @classmethod
    def of(cls, session: Session) -> Scrubber:
        """Return one that knows the patients, studies and files of a session, and whose computer this is."""
        known = {text for scan in session.scans for text in _texts(scan)} | set(_of_this_computer())
        parts = {part for text in known for part in re.split(r"[\^=\s\\/]+", text)}
        found = {text.strip() for text in known | parts if len(text.strip()) >= SHORTEST}
        return cls(tuple(sorted(found, key=lambda text: (-len(text), text))))

    @staticmethod
    def words(text: str) -> list[str]:
        """Return the words of a text."""
        return WORD.findall(text)

    def text(self, text: str) -> str:
        """Return a text without what is known, without UIDs and without paths."""
        for secret in self.secrets:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", GONE, text, flags=re.IGNORECASE)
        return PATH.sub(GONE, UID.sub(GONE, text))

    def values(self, value: object) -> object:
        """Return what JSON can hold with every text in it scrubbed; its keys are ours and stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.values(one) for key, one in value.items()}
        return [self.values(one) for one in value] if isinstance(value, list | tuple) else value

    def log_line(self, line: str, vocabulary: frozenset[str]) -> str:
        """Return time, level and place of a line and the words of its message that are ours; the rest is removed."""
        place, head = PLACE.match(line), HEAD.match(line)
        if place:
            return f'  File "{_program_path(place["path"])}", line {place["line"]}, in {place["name"]}'
        told = line if head is None else line[head.end() :]
        kept = (word if _is_ours(word, vocabulary) else GONE for word in self.text(told).split())
        return f"{head[0] if head else ''} {' '.join(kept)}".strip()


def _is_ours(word: str, vocabulary: frozenset[str]) -> bool:
    bare = word.strip(".,:;()'\"")
    return word == GONE or bare in ERRORS or bare in OURS or (bare.isalpha() and bare in vocabulary)


def _program_path(path: str) -> str:
    """Return where in the program a line of it lies, nothing of where the program lies."""
    parts = Path(path.replace("\\", "/")).parts
    roots = [number for number, part in enumerate(parts) if part in ("site-packages", "medassist")]
    return "/".join(parts[roots[-1] :]) if roots else GONE


def _texts(value: object) -> Iterator[str]:
    """Return every text inside a noun, but for the files of pictures: paths and UIDs go by how they look."""
    if isinstance(value, Enum):
        return
    if isinstance(value, str | Path):
        yield str(value)
    elif is_dataclass(value):
        for one in (one for one in fields(value) if one.name not in OPEN):
            yield from _texts(getattr(value, one.name))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _of_this_computer() -> Iterator[str]:
    yield str(Path.home())
    yield platform.node()
    yield settings.read().text("reader_name")
    for place in (locations.data_dir(), locations.cache_dir(), locations.config_dir(), locations.site_file()):
        yield str(place)
    try:
        yield getpass.getuser()
    except (KeyError, OSError):
        return
