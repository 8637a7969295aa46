"""The report editor: sections and key pictures on the left, the pages as they will be on the right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QLabel, QScrollArea, QSplitter, QVBoxLayout, QWidget

from medassist.entities.draft import Passage
from medassist.entities.errors import MedAssistError
from medassist.language import localized, tr
from medassist.report.sections import Section
from medassist.session.drafts import DropPassage, SetDraft, WritePassage, draft_of
from medassist.session.state import Session
from medassist.ui.page_view import PageView
from medassist.ui.preview_worker import PreviewWorker
from medassist.ui.report_pictures import ReportPictures
from medassist.ui.report_preview import Preview
from medassist.ui.section_box import SectionBox
from medassist.ui.store import Store

TYPING_MS = 600
"""How long words stay in the editor alone while the reader types."""
LEFT_PX = 470
PAUSE_MS = 250
"""How long nothing may change before the preview is drawn anew."""
SHOWN = ("current", "volumes", "findings", "predictions", "heatmaps", "measurements", "drafts")

Asked = Callable[[], tuple[str, str]]


class ReportEditor(QWidget):
    """A window of its own, so that the picture stays in sight; `asked` tells language and reader of the report.

    What is typed becomes part of the draft as it is typed: nothing is kept in widgets.
    """

    def __init__(self, store: Store, asked: Asked, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._store, self._asked, self._key = store, asked, ""
        self.worker = PreviewWorker(self)
        self.template_label, self.template, self.problems = QLabel(self), QComboBox(self), QLabel(self)
        self.boxes: list[SectionBox] = []
        self.pictures, self.pages = ReportPictures(store, self), PageView(self)
        self._typing, self._pause = QTimer(self), QTimer(self)
        for timer, ms, act in ((self._typing, TYPING_MS, self.keep_words), (self._pause, PAUSE_MS, self._start)):
            timer.setSingleShot(True)
            timer.setInterval(ms)
            timer.timeout.connect(act)
        self._lay_out()
        self.template.activated.connect(self._choose_template)
        store.changed.connect(self._changed)
        self.worker.drawn.connect(self._show)
        self.worker.failed.connect(self._failed)
        if parent is not None:
            parent.window().installEventFilter(self)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setWindowTitle(tr("Report"))
        self.template_label.setText(tr("Template"))
        self.template.setAccessibleName(tr("Template"))
        self.pictures.retranslate()
        for box in self.boxes:
            box.retranslate()
        self.refresh()

    def refresh(self) -> None:
        """Draw the preview anew, as soon as nothing changes for a moment."""
        if self.isVisible():
            self._pause.start()

    def keep_words(self) -> None:
        """Put what was typed into the draft of the series it was typed for."""
        self._typing.stop()
        for box in self.boxes:
            text, section = box.text.toPlainText(), box.section
            if text != section.text:
                self._write(section, text)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Begin to draw."""
        super().showEvent(event)
        self._pause.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Keep what was typed last, and draw no more."""
        self.keep_words()
        self._pause.stop()
        self.worker.stop()
        super().hideEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Close with the window whose report it is, before that window ends."""
        if event.type() is QEvent.Type.Close and watched is not self:
            self.close()
        return super().eventFilter(watched, event)

    def _lay_out(self) -> None:
        side, left = QWidget(self), QScrollArea(self)
        column, whole = QVBoxLayout(side), QVBoxLayout(self)
        self.problems.setProperty("role", "banner")
        self.problems.setWordWrap(True)
        self.problems.hide()
        self._sections = QVBoxLayout()
        for widget in (self.template_label, self.template, self.problems):
            column.addWidget(widget)
        column.addLayout(self._sections)
        column.addWidget(self.pictures)
        column.addStretch(1)
        left.setWidget(side)
        left.setWidgetResizable(True)
        left.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left.setMinimumWidth(LEFT_PX)
        across = QSplitter(Qt.Orientation.Horizontal, self)
        across.addWidget(left)
        across.addWidget(self.pages)
        across.setStretchFactor(1, 1)
        across.setSizes([LEFT_PX, 1200 - LEFT_PX])
        whole.setContentsMargins(6, 6, 6, 6)
        whole.addWidget(across)
        self.resize(1200, 680)

    def _changed(self, old: Session, new: Session) -> None:
        if old.current != new.current and self._key:
            self.keep_words()  # for the series they were typed for
            self._show_sections("", ())
        if any(getattr(old, name) is not getattr(new, name) for name in SHOWN):
            self.refresh()

    def _start(self) -> None:
        session, (language, reader) = self._store.session, self._asked()
        if session.volume is None:
            self._show_sections("", ())
            self.pages.tell(tr("There is no series on screen to report on."))
            return
        self.worker.start(session, language, reader, self.pages.page_px)

    def _failed(self, error: MedAssistError) -> None:
        self._show_sections("", ())
        self.pages.tell(localized(error))

    def _show(self, preview: Preview) -> None:
        if preview.session.current != self._store.session.current:
            return
        self._show_sections(preview.session.current, preview.sections)
        self._show_templates(preview)
        self.pictures.show_preview(preview)
        self.pages.show_pages(preview.pages)

    def _show_sections(self, key: str, sections: tuple[Section, ...]) -> None:
        """Show the sections of a series; boxes in which words are typed stay as long as there is their section."""
        same = key == self._key and [one.section.key for one in self.boxes] == [one.key for one in sections]
        if not same:
            self.keep_words()
            for box in self.boxes:
                self._sections.removeWidget(box)
                box.deleteLater()
            self.boxes = [self._box(one) for one in sections]
        self._key = key
        for box, section in zip(self.boxes, sections, strict=True):
            box.show_section(section)

    def _box(self, section: Section) -> SectionBox:
        box = SectionBox(section, self)
        box.edited.connect(lambda: self._typing.start() if not self._typing.isActive() else None)
        box.dropped.connect(lambda: self._drop(box))
        box.confirmed.connect(lambda: self._write(box.section, box.text.toPlainText()))
        self._sections.addWidget(box)
        return box

    def _write(self, section: Section, text: str) -> None:
        """Keep the reader's words for a section; the program's own sentences are no words of the reader."""
        language, reader = self._asked()
        if text == section.generated:
            self._store.dispatch(DropPassage(self._key, section.key))
            return
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        passage = Passage(section.key, text, section.generated, language, reader, now)
        self._store.dispatch(WritePassage(self._key, passage))

    def _drop(self, box: SectionBox) -> None:
        self._typing.stop()
        box.take(box.section.text)  # what is typed and not kept yet goes, too
        self._store.dispatch(DropPassage(self._key, box.section.key))

    def _choose_template(self, _number: int) -> None:
        key = self._store.session.current
        if key:
            self._store.dispatch(SetDraft(key, {"template": self.template.currentData()}))

    def _show_templates(self, preview: Preview) -> None:
        language, _reader = self._asked()
        named = {name: one.layout(language).name for name, one in preview.templates.named.items()}
        chosen = draft_of(preview.session, preview.session.current).template
        with QSignalBlocker(self.template):
            self.template.clear()
            self.template.addItem(tr("Automatic: {name}", name=named[preview.template.name]) if not chosen
                                  else tr("Automatic"), "")  # fmt: skip
            for name, title in named.items():
                self.template.addItem(title, name)
            self.template.setCurrentIndex(max(self.template.findData(chosen), 0))
        self.problems.setText("\n".join(localized(one) for one in preview.templates.problems))
        self.problems.setVisible(bool(preview.templates.problems))
