"""The report: what it will say, by which template, in which language and formats, and where its files went."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from queue import SimpleQueue

from PySide6.QtCore import QSignalBlocker, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from medassist.entities.finding import Judgement
from medassist.language import LANGUAGES, current_language, tr
from medassist.session import jobs
from medassist.session.drafts import SetDraft, draft_of
from medassist.session.state import Session
from medassist.ui.reader import keep, signing_name
from medassist.ui.report_editor import ReportEditor
from medassist.ui.report_formats import ReportFormats
from medassist.ui.report_place import beside
from medassist.ui.report_summary import has_content, summary
from medassist.ui.runner import Job, Runner
from medassist.ui.store import Store
from medassist.ui.wording import unready_text

LANE, COPY_LANE = "report", "copy"


class ReportPanel(QWidget):
    """Summary, choices, Export. `job` has another value in tests only."""

    def __init__(
        self, store: Store, runner: Runner, parent: QWidget | None = None, *, job: Job = jobs.write_report
    ) -> None:
        super().__init__(parent)
        self._store, self._runner, self._job = store, runner, job
        self.summary, self.refusal = QLabel(self), QLabel(self)
        self.language_label, self.written = QLabel(self), QLabel(self)
        self.language = QComboBox(self)
        self.reader_label, self.reader = QLabel(self), QLineEdit(signing_name(), self)
        self.unreviewed, self.rejected = QCheckBox(self), QCheckBox(self)
        self.choice = ReportFormats(self)
        self.formats = self.choice.boxes
        self.edit, self.copy = QPushButton(self), QPushButton(self)
        self.export, self.beside, self.folder = QPushButton(self), QPushButton(self), QPushButton(self)
        self._copied = SimpleQueue[str]()
        self._editor: ReportEditor | None = None
        self.files = QListWidget(self)
        self._lay_out()
        self.language.setCurrentIndex(list(LANGUAGES).index(current_language()))
        self._connect()
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language; the report follows it until the reader chooses."""
        self.language_label.setText(tr("Report language"))
        self.language.setAccessibleName(tr("Report language"))
        self.reader_label.setText(tr("Signed by"))
        self.reader.setAccessibleName(tr("Signed by"))
        self.reader.setPlaceholderText(tr("nobody: the report stays unverified"))
        self.unreviewed.setText(tr("Include findings nobody judged, marked"))
        self.rejected.setText(tr("List what I rejected at the end"))
        self.edit.setText(tr("Write and preview…"))
        self.edit.setToolTip(tr("Sections, key pictures and the pages, in a window of its own"))
        self.copy.setText(tr("Copy as text"))
        self.choice.retranslate()
        if self._editor is not None:
            self._editor.retranslate()
        self.export.setText(tr("Export report…"))
        self.beside.setText(tr("Export beside the study"))
        self.beside.setToolTip(tr("Into a new folder there; no file of the study is touched."))
        self.folder.setText(tr("Open folder"))
        self.files.setAccessibleName(tr("Files written"))
        self._draw(self._store.session)

    def open_editor(self) -> ReportEditor:
        """Show the editor; it stays beside the picture."""
        if self._editor is None:
            self._editor = ReportEditor(self._store, self.asked, self)
        self._editor.show()
        self._editor.raise_()
        return self._editor

    def asked(self) -> tuple[str, str]:
        """Return the language of the report and who signs it."""
        return list(LANGUAGES)[self.language.currentIndex()], self.reader.text().strip()

    def copy_text(self) -> None:
        """Put the report as plain text into the clipboard, as soon as it is written."""
        language, reader = self.asked()
        if not self._refused():
            self._runner.start(COPY_LANE, jobs.report_text, self._store.session, self._copied.put,
                               language=language, reader=reader)  # fmt: skip

    def choose_folder(self) -> None:
        """Ask for a folder and write the report into it; what would be refused is not asked for."""
        if self._refused():
            return
        folder = QFileDialog.getExistingDirectory(self, tr("Write the report into which folder?"))
        if folder:
            self.write(Path(folder))

    def write_beside(self) -> None:
        """Write the report into a new folder where the study lies."""
        folder = beside(self._store.session, datetime.now().astimezone())
        if folder is not None and not self._refused():
            self.write(folder)

    def write(self, folder: Path) -> None:
        """Write the report; a save is queued, so that nothing outdates it."""
        if self._editor is not None:
            self._editor.keep_words()
        language, reader = self.asked()
        self._runner.queue(
            LANE,
            self._job,
            self._store.session,
            folder,
            formats=self.choice.chosen(),
            language=language,
            reader=reader,
        )

    def open_folder(self) -> None:
        """Show the folder of the newest file in the system's file browser."""
        if self._store.session.reports:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._store.session.reports[-1].parent)))

    def _connect(self) -> None:
        store, runner = self._store, self._runner
        self.reader.editingFinished.connect(lambda: keep("reader_name", self.reader.text().strip()))
        self.unreviewed.toggled.connect(lambda on: self._set(include_unreviewed=on))
        self.rejected.toggled.connect(lambda on: self._set(tell_rejected=on))
        self.language.activated.connect(lambda number: self._set(language=list(LANGUAGES)[number]))
        self.language.currentIndexChanged.connect(lambda _number: self._refresh())
        self.reader.editingFinished.connect(self._refresh)
        self.choice.changed.connect(lambda: self._draw(store.session))
        self.edit.clicked.connect(self.open_editor)
        self.copy.clicked.connect(self.copy_text)
        self.export.clicked.connect(self.choose_folder)
        self.beside.clicked.connect(self.write_beside)
        self.folder.clicked.connect(self.open_folder)
        runner.began.connect(lambda _lane: self._draw(store.session))
        runner.ended.connect(self._ended)
        store.changed.connect(self._changed)

    def _lay_out(self) -> None:
        self.language.addItems(list(LANGUAGES.values()))
        self.export.setProperty("role", "primary")
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.written.setProperty("role", "dim")
        self.refusal.setProperty("role", "banner")
        for text in (self.summary, self.written, self.refusal):
            text.setWordWrap(True)
        column, form, buttons = QVBoxLayout(self), QFormLayout(), QGridLayout()
        column.setContentsMargins(8, 8, 8, 8)
        form.addRow(self.language_label, self.language)
        form.addRow(self.reader_label, self.reader)
        buttons.addWidget(self.edit, 0, 0, 1, 2)
        buttons.addWidget(self.export, 1, 0)
        buttons.addWidget(self.copy, 1, 1)
        buttons.addWidget(self.beside, 2, 0, 1, 2)
        column.addWidget(self.summary)
        column.addWidget(self.refusal)
        column.addWidget(self.unreviewed)
        column.addWidget(self.rejected)
        column.addLayout(buttons)
        for widget in (self.written, self.files, self.folder):
            column.addWidget(widget)
        column.addLayout(form)
        column.addWidget(self.choice)
        column.addStretch(1)

    def _refresh(self) -> None:
        if self._editor is not None:
            self._editor.refresh()

    def _ended(self, lane: str) -> None:
        if lane == COPY_LANE:
            while not self._copied.empty():
                QGuiApplication.clipboard().setText(self._copied.get())
        self._draw(self._store.session)

    def _set(self, **changes: object) -> None:
        key = self._store.session.current
        if key:
            self._store.dispatch(SetDraft(key, changes))

    def _changed(self, old: Session, new: Session) -> None:
        shown = ("findings", "predictions", "heatmaps", "measurements", "reports", "current", "volume", "drafts",
                 "withheld")  # fmt: skip
        if any(getattr(old, name) is not getattr(new, name) for name in shown):
            self._draw(new)

    def _draw(self, session: Session) -> None:
        self.summary.setText(summary(session))
        self._draw_choices(session)
        reason = unready_text(session)
        usable = has_content(session) and bool(self.choice.chosen()) and not reason and not self._runner.running(LANE)
        for button in (self.export, self.beside, self.copy):
            button.setEnabled(usable)
        self.edit.setEnabled(session.volume is not None)
        self.export.setToolTip(reason)
        self._draw_files(session)

    def _draw_choices(self, session: Session) -> None:
        draft = draft_of(session, session.current)
        self.language.setCurrentIndex(list(LANGUAGES).index(draft.language or current_language()))
        judged = [one.judgement for one in session.findings_of(session.current)]
        for box, on, useful in (
            (self.unreviewed, draft.include_unreviewed, Judgement.UNREVIEWED in judged),
            (self.rejected, draft.tell_rejected, Judgement.REJECTED in judged),
        ):
            with QSignalBlocker(box):
                box.setChecked(on)
            box.setVisible(useful)
        open_ones = judged.count(Judgement.UNREVIEWED)
        told = tr("Findings nobody judged yet: {count}. Judge them, or let them out:", count=open_ones)
        self.refusal.setText(told)
        self.refusal.setVisible(bool(open_ones) and not draft.include_unreviewed)

    def _refused(self) -> bool:
        """Tell whether a report would be refused, and lead the reader to the box that lets it out."""
        if self.refusal.isHidden():
            return False
        self.unreviewed.setFocus()
        return True

    def _draw_files(self, session: Session) -> None:
        files = _last_written(session)
        self.written.setText(tr("{count} files written:", count=len(files)) if files else "")
        self.written.setToolTip(str(files[0].parent) if files else "")
        self.files.clear()
        self.files.addItems([path.name for path in files])
        for widget in (self.written, self.files, self.folder):
            widget.setVisible(bool(session.reports))


def _last_written(session: Session) -> tuple[Path, ...]:
    """Return the files of the newest export's folder, each once."""
    return tuple(dict.fromkeys(path for path in session.reports if path.parent == session.reports[-1].parent))
