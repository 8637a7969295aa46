"""What a window needs from the process around it: a platform, a log, quick turns between threads, told errors."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from medassist.entities.errors import Refused
from medassist.locations import log_file
from medassist.ui.collector import Collector

SWITCH_S = 0.001


def choose_platform(screenshot: Path | None) -> None:
    """Draw without a screen where there is none; a window nobody can see is refused (Qt itself would abort)."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM") or QApplication.instance():
        return
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return
    if screenshot is None:
        raise Refused(
            "There is no display to show a window on.",
            remedy="Set DISPLAY, or use `medassist analyze`, which needs no window.",
        )
    os.environ["QT_QPA_PLATFORM"] = "offscreen"


@contextmanager
def steady(owner: QObject) -> Iterator[None]:
    """Keep workers from stopping the window: collect garbage here, and let threads take turns quickly."""
    before, collector = sys.getswitchinterval(), Collector(owner)
    sys.setswitchinterval(SWITCH_S)
    collector.start()
    try:
        yield
    finally:
        collector.stop()
        sys.setswitchinterval(before)


@contextmanager
def log_to_file() -> Iterator[None]:
    """Write the log of this window, Qt's messages too; where it cannot be written, errors still reach the window."""
    handler: logging.Handler
    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log_file(), encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger("medassist")
    root.addHandler(handler)
    before = qInstallMessageHandler(lambda _kind, _context, text: root.getChild("qt").warning(text))
    try:
        yield
    finally:
        qInstallMessageHandler(before)
        root.removeHandler(handler)
        handler.close()


@contextmanager
def slot_errors_to(tell: Callable[[BaseException], None]) -> Iterator[None]:
    """Hand over what goes wrong in a slot, and Ctrl+C, which arrives there too."""
    before = sys.excepthook

    def hook(_kind: type[BaseException], problem: BaseException, _where: TracebackType | None) -> None:
        tell(problem)

    sys.excepthook = hook
    try:
        yield
    finally:
        sys.excepthook = before
