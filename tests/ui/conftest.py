"""One application for all window tests; tests fail on a Qt warning and on a thread, timer or window they leave."""

from __future__ import annotations

import gc
import os
import threading

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from medassist.ui import theme
from medassist.ui.main_window import MainWindow
from medassist.ui.runner import Runner
from medassist.ui.store import Store

HARMLESS = ("This plugin does not support", "QFont::setPointSize")


@pytest.fixture(scope="session")
def application():
    app = QApplication.instance() or QApplication(["medassist-tests"])
    theme.apply(app)
    return app


def _workers() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name.startswith("medassist")}


def _timers() -> set[int]:
    timers = (one for one in gc.get_objects() if issubclass(type(one), QTimer))
    return {id(one) for one in timers if shiboken6.isValid(one) and one.isActive()}


@pytest.fixture(autouse=True, scope="module")
def no_timer_left(application):
    """Fail when a timer still runs after the tests of a file (looked for once: it means a walk over all objects)."""
    yield
    assert not _timers(), "a timer still runs"


@pytest.fixture(autouse=True)
def nothing_left(application):
    """Fail the test on an unexpected Qt warning and on whatever survives it."""
    said: list[str] = []

    def listen(kind: QtMsgType, _context: object, message: str) -> None:
        if kind != QtMsgType.QtDebugMsg and not message.startswith(HARMLESS):
            said.append(message)

    windows = set(application.topLevelWidgets())
    before = qInstallMessageHandler(listen)
    yield
    for _round in range(3):
        application.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qInstallMessageHandler(before)
    left = [one for one in application.topLevelWidgets() if one not in windows]
    assert not said, said
    assert not left, f"windows left open: {left}"
    assert not _workers(), f"threads left: {_workers()}"


@pytest.fixture
def store(application):
    one = Store()
    yield one
    one.deleteLater()


@pytest.fixture
def runner(store):
    one = Runner(store)
    yield one
    one.close()
    one.deleteLater()


@pytest.fixture
def keep(application):
    """Show a widget for the time of a test."""
    kept = []

    def show(widget, width=900, height=700):
        widget.resize(width, height)
        widget.show()
        application.processEvents()
        kept.append(widget)
        return widget

    yield show
    for widget in kept:
        widget.close()
        widget.deleteLater()


@pytest.fixture
def window(store, runner, keep):
    return keep(MainWindow(store, runner), 1400, 900)
