"""The report: what it will say, in which language and formats, and where its files went."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
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
from medassist.report.export import EXPORTERS
from medassist.session import jobs
from medassist.session.state import Session
from medassist.ui.reader import keep, signing_name
from medassist.ui.runner import Job, Runner
from medassist.ui.store import Store
from medassist.ui.wording import finding_measure, finding_title, judgement_word, unready_text

LANE = "report"


class ReportPanel(QWidget):
    """Summary, choices, Export. `job` has another value in tests only."""

    def __init__(
        self, store: Store, runner: Runner, parent: QWidget | None = None, *, job: Job = jobs.write_report
    ) -> None:
        super().__init__(parent)
        self._store, self._runner, self._job = store, runner, job
        self.summary, self.language_label, self.written = QLabel(self), QLabel(self), QLabel(self)
        self.language = QComboBox(self)
        self.reader_label, self.reader = QLabel(self), QLineEdit(signing_name(), self)
        self.formats = {name: QCheckBox(self) for name in EXPORTERS}
        self.export, self.folder, self.files = QPushButton(self), QPushButton(self), QListWidget(self)
        self._lay_out()
        self.language.setCurrentIndex(list(LANGUAGES).index(current_language()))
        self.reader.editingFinished.connect(lambda: keep("reader_name", self.reader.text().strip()))
        self.export.clicked.connect(self.choose_folder)
        self.folder.clicked.connect(self.open_folder)
        runner.began.connect(lambda _lane: self._draw(store.session))
        runner.ended.connect(lambda _lane: self._draw(store.session))
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language; the report follows it until the reader chooses."""
        self.language_label.setText(tr("Report language"))
        self.language.setAccessibleName(tr("Report language"))
        self.reader_label.setText(tr("Signed by"))
        self.reader.setAccessibleName(tr("Signed by"))
        self.reader.setPlaceholderText(tr("nobody: the report stays unverified"))
        for name, box in self.formats.items():
            box.setText(tr(EXPORTERS[name].title))
            box.setToolTip(tr(EXPORTERS[name].availability.reason))
        self.export.setText(tr("Export report…"))
        self.folder.setText(tr("Open folder"))
        self.files.setAccessibleName(tr("Files written"))
        self.language.setCurrentIndex(list(LANGUAGES).index(current_language()))
        self._draw(self._store.session)

    def choose_folder(self) -> None:
        """Ask for a folder and write the report into it."""
        folder = QFileDialog.getExistingDirectory(self, tr("Write the report into which folder?"))
        if folder:
            self.write(Path(folder))

    def write(self, folder: Path) -> None:
        """Write the report; a save is queued, so that nothing outdates it."""
        formats = tuple(name for name, box in self.formats.items() if box.isChecked())
        language = list(LANGUAGES)[self.language.currentIndex()]
        reader = self.reader.text().strip()
        self._runner.queue(
            LANE, self._job, self._store.session, folder, formats=formats, language=language, reader=reader
        )

    def open_folder(self) -> None:
        """Show the folder of the newest file in the system's file browser."""
        if self._store.session.reports:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._store.session.reports[-1].parent)))

    def _lay_out(self) -> None:
        self.language.addItems(list(LANGUAGES.values()))
        self.export.setProperty("role", "primary")
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.written.setProperty("role", "dim")
        for text in (self.summary, self.written):
            text.setWordWrap(True)
        column, form, grid = QVBoxLayout(self), QFormLayout(), QGridLayout()
        column.setContentsMargins(8, 8, 8, 8)
        form.addRow(self.language_label, self.language)
        form.addRow(self.reader_label, self.reader)
        for number, (name, box) in enumerate(self.formats.items()):
            usable = EXPORTERS[name].availability.ok
            box.setChecked(usable)
            box.setEnabled(usable)
            box.toggled.connect(lambda _on: self._draw(self._store.session))
            grid.addWidget(box, number // 2, number % 2)
        column.addWidget(self.summary)
        column.addLayout(form)
        column.addLayout(grid)
        for widget in (self.export, self.written, self.files, self.folder):
            column.addWidget(widget)
        column.addStretch(1)

    def _changed(self, old: Session, new: Session) -> None:
        shown = ("findings", "predictions", "heatmaps", "reports", "current", "volume")
        if any(getattr(old, name) is not getattr(new, name) for name in shown):
            self._draw(new)

    def _draw(self, session: Session) -> None:
        ready = session.prediction is not None or bool(session.regions)
        self.summary.setText(summary(session))
        any_format = any(box.isChecked() for box in self.formats.values())
        unready = unready_text(session)
        self.export.setEnabled(ready and any_format and not unready and not self._runner.running(LANE))
        self.export.setToolTip(unready)
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


def summary(session: Session) -> str:
    """Say in a few lines what the report of the series on screen will contain."""
    if session.prediction is None and not session.regions:
        return tr("There is nothing to report yet: run a model on the series on screen.")
    findings = session.findings_of(session.current)
    counts = Counter(finding.judgement for finding in findings)
    open_ones = counts[Judgement.UNREVIEWED]
    lines = [
        tr("Preliminary: {count} findings are not reviewed yet.", count=open_ones)
        if open_ones
        else tr("All findings are reviewed."),
        *(
            f"• {finding_title(one)}: {finding_measure(one)} [{judgement_word(one.judgement)}]"
            for one in findings
            if one.present
        ),
        tr("Explanation maps: {count}", count=sum(one.series_key == session.current for one in session.heatmaps)),
        tr("Research use only, not for diagnosis"),
    ]
    return "\n".join(lines)
