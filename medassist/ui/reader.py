"""Who reads: the name of the settings signs reports; without one, a verdict at least names the login."""

from __future__ import annotations

import getpass
import logging

from medassist.entities.errors import UnwritableOutput
from medassist.storage import settings

log = logging.getLogger(__name__)


def signing_name() -> str:
    """Return the name that signs a report, "" until the reader has typed one: a login is no signature."""
    return settings.read().text("reader_name").strip()


def reader_name() -> str:
    """Return who judges a finding: the signing name, else the login name, "" where the system has none."""
    try:
        return signing_name() or getpass.getuser()
    except (KeyError, OSError):
        return ""


def keep(key: str, value: settings.Value) -> None:
    """Remember a setting for the next start; settings that cannot be written are logged, not fatal."""
    try:
        settings.write(key, value)
    except UnwritableOutput as problem:
        log.warning("the setting %s was not kept: %s", key, type(problem).__name__)
