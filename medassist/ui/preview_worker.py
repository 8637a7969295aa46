"""Draws previews beside the runner: they change no state, so no panel and no status line need hear of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue

from PySide6.QtCore import QObject, QTimer, Signal

from medassist.entities.errors import Cancelled, MedAssistError
from medassist.progress import Progress
from medassist.session.state import Session
from medassist.ui.report_preview import Pictures, Preview, make
from medassist.ui.runner import crash_of

POLL_MS = 20

Outcome = Preview | MedAssistError
Work = Callable[[Progress, "SimpleQueue[Outcome]"], None]


class PreviewWorker(QObject):
    """One preview at a time; of those asked for meanwhile the newest. `drawn` and `failed` come in the GUI thread."""

    drawn = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pictures, self._inbox = Pictures(), SimpleQueue[Outcome]()
        self._thread: threading.Thread | None = None
        self._progress, self._next = Progress(), list[Work]()
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether something is being drawn or waits for it."""
        return self._thread is not None or bool(self._next)

    def start(self, session: Session, language: str, reader: str, width_px: int) -> None:
        """Draw the report of the series on screen; what is being drawn is outdated."""
        self._progress.cancel()
        self._next = [partial(_work, session, language, reader, width_px, self._pictures)]
        self._timer.start()
        self._look()

    def stop(self) -> None:
        """Draw no more, and wait for the thread."""
        self._progress.cancel()
        self._next.clear()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._timer.stop()
        self._inbox = SimpleQueue()

    def _look(self) -> None:
        """Hand over what is done, and begin what waits."""
        if self._thread is not None and not self._thread.is_alive():
            self._thread.join()
            self._thread = None
            self._deliver()
        if self._thread is None and self._next:
            self._progress = Progress()
            work = self._next.pop()
            self._thread = threading.Thread(
                target=work, args=(self._progress, self._inbox), name="medassist-preview", daemon=True
            )
            self._thread.start()
        if self._thread is None:
            self._timer.stop()

    def _deliver(self) -> None:
        try:
            outcome = self._inbox.get_nowait()
        except Empty:
            return
        if self._next:
            return  # something newer was asked for
        if isinstance(outcome, Preview):
            self.drawn.emit(outcome)
        else:
            self.failed.emit(outcome)


def _work(
    session: Session,
    language: str,
    reader: str,
    width_px: int,
    pictures: Pictures,
    progress: Progress,
    inbox: SimpleQueue[Outcome],
) -> None:
    try:
        make(session, language, reader, width_px, pictures, inbox.put, progress=progress)
    except Cancelled:
        pass
    except MedAssistError as error:
        inbox.put(error.with_traceback(None))
    except Exception as problem:
        inbox.put(crash_of(problem))
