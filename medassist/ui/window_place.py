"""Where the window was when it was closed, for each arrangement of screens; it never comes back where no screen is."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from PySide6.QtCore import QByteArray
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from medassist.entities.errors import UnwritableOutput
from medassist.locations import config_dir
from medassist.storage.files import write_atomically

MOST = 10
log = logging.getLogger(__name__)


def remember(window: QWidget) -> None:
    """Keep the place of the window; a file that cannot be written is logged, not fatal."""
    kept = {key: place for key, place in _kept().items() if key != screens()}
    kept[screens()] = bytes(window.saveGeometry().toHex().data()).decode("ascii")
    newest = dict(list(kept.items())[-MOST:])
    try:
        write_atomically(_file(), json.dumps(newest).encode())
    except UnwritableOutput as problem:
        log.warning("the place of the window was not kept: %s", type(problem).__name__)


def restore(window: QWidget) -> bool:
    """Put the window where it was with these screens; tell whether it had been there. Qt moves it onto a screen."""
    place = _kept().get(screens(), "")
    return bool(place) and window.restoreGeometry(QByteArray.fromHex(place.encode("ascii", "replace")))


def screens() -> str:
    """Name the arrangement of screens: how many, how large and where each is."""
    areas = (screen.geometry() for screen in QGuiApplication.screens())
    return " ".join(sorted(f"{area.width()}x{area.height()}+{area.x()}+{area.y()}" for area in areas))


def _file() -> Path:
    return config_dir() / "window.json"


def _kept() -> dict[str, str]:
    try:
        told = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: one for key, one in told.items() if isinstance(one, str)} if isinstance(told, dict) else {}
