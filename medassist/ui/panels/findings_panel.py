"""The claims about the series on screen: where to look, how sure, who says so, and the reader's verdict."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from medassist.entities.finding import Finding, Judgement
from medassist.language import localized, tr
from medassist.report.probes import sentences
from medassist.session.actions import Judge, MoveCursor
from medassist.session.state import Session
from medassist.ui.findings_table import FindingsTable
from medassist.ui.fitting_area import FittingArea
from medassist.ui.reader import reader_name
from medassist.ui.store import Store
from medassist.ui.threshold_dial import ThresholdDial
from medassist.ui.wording import local_title

MOST_OF_HEIGHT = 0.45
VERDICT_KEYS = (("A", Judgement.ACCEPTED), ("R", Judgement.REJECTED), ("D", Judgement.DEFERRED))


class FindingsPanel(QWidget):
    """One row per claim; a click jumps there; A, R and D judge the selected row from anywhere in the window."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._commented = store, ""
        self.title, self.hint, self.note = QLabel(self), QLabel(self), QLabel(self)
        self.title.setProperty("role", "title")
        for text in (self.hint, self.note):
            text.setProperty("role", "dim")
            text.setWordWrap(True)
        self.table = FindingsTable(self)
        self.table.cellClicked.connect(lambda row, _column: self._jump(row))
        self.table.currentCellChanged.connect(lambda row, *_rest: self._jump(row))
        self._about = QWidget(self)
        self.details = FittingArea(self._about, MOST_OF_HEIGHT, self)
        self.dial = ThresholdDial(store, self)
        self.comment = QLineEdit(self)
        self.comment.setMaxLength(500)
        self.buttons = {judgement: QPushButton(self) for _key, judgement in VERDICT_KEYS}
        self._lay_out()
        self.shortcuts = tuple(QShortcut(QKeySequence(key), self) for key, _judgement in VERDICT_KEYS)
        for shortcut, (_key, judgement) in zip(self.shortcuts, VERDICT_KEYS, strict=True):
            self.buttons[judgement].clicked.connect(lambda _on=False, verdict=judgement: self.judge(verdict))
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(lambda verdict=judgement: self.judge(verdict))
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.title.setText(tr("Findings"))
        self.hint.setText(tr("No findings on this series yet. Run a model to get suggestions to review."))
        self.table.retranslate()
        self.dial.retranslate()
        self.comment.setPlaceholderText(tr("Comment (kept with the verdict)"))
        self.comment.setAccessibleName(tr("Comment on the selected finding"))
        words = {
            Judgement.ACCEPTED: tr("Accept (A)"),
            Judgement.REJECTED: tr("Reject (R)"),
            Judgement.DEFERRED: tr("Defer (D)"),
        }
        for judgement, button in self.buttons.items():
            button.setText(words[judgement])
        self._build(self._store.session)

    def selected(self) -> Finding | None:
        """Return the finding of the selected row."""
        return self.table.selected()

    def judge(self, judgement: Judgement) -> None:
        """Record the reader's verdict on the selected finding."""
        finding = self.selected()
        if finding is None:
            return
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        comment = self.comment.text().strip()
        self._store.dispatch(Judge(finding.tracking_uid, judgement, reader_name(), now, comment))

    def _lay_out(self) -> None:
        column, line = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(4, 8, 8, 8)
        about = QVBoxLayout(self._about)
        about.setContentsMargins(0, 0, 6, 0)
        about.addWidget(self.note)
        about.addWidget(self.dial)
        for widget in (self.title, self.hint, self.table, self.details, self.comment):
            column.addWidget(widget)
        for button in self.buttons.values():
            line.addWidget(button)
        column.addLayout(line)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Share the height out anew."""
        super().resizeEvent(event)
        self.details.fit()

    def _changed(self, old: Session, new: Session) -> None:
        if old.findings is not new.findings or old.current != new.current:
            self._build(new)

    def _build(self, session: Session) -> None:
        findings = session.findings_of(session.current)
        self.table.show_findings(findings)
        self.hint.setVisible(not findings)
        self._draw_selected()

    def _jump(self, row: int) -> None:
        self._draw_selected()
        volume, finding = self._store.session.volume, self.table.finding(row)
        if finding is None:
            return
        if finding.center_lps is not None:
            self._store.dispatch(MoveCursor(finding.center_lps))
        elif finding.key_slice is not None and volume is not None:
            i, j, _k = volume.geometry.to_index(self._store.session.view.cursor_lps)
            x, y, z = volume.geometry.to_world([i, j, finding.key_slice])
            self._store.dispatch(MoveCursor((float(x), float(y), float(z))))

    def _draw_selected(self) -> None:
        finding = self.selected()
        self.note.setText("" if finding is None else "\n".join(filter(None, (_note(finding), *_evidence(finding)))))
        self.note.setVisible(bool(self.note.text()))
        self.dial.show_finding(finding)
        self.details.setVisible(finding is not None)
        about = "" if finding is None else finding.tracking_uid
        if about != self._commented:  # else a comment being typed would be lost when a result arrives
            self._commented = about
            self.comment.setText("" if finding is None else finding.comment)
        for widget in (self.comment, *self.buttons.values()):
            widget.setVisible(self.table.rowCount() > 0)
            widget.setEnabled(finding is not None)
        for shortcut in self.shortcuts:
            shortcut.setEnabled(finding is not None)


def _evidence(finding: Finding) -> list[str]:
    """Return what readers kept against a claim, one text for each probe."""
    title = local_title(finding.label, finding.title_zh)
    told = ([localized(one) for one in sentences(probe, title)] for probe in finding.counter_evidence)
    return [f"⚖ {' '.join(texts)}" for texts in told]


def _note(finding: Finding) -> str:
    if finding.model is None:
        return ""
    said = tr("Model output of {name} {version}, for review by a qualified reader.",
              name=finding.model.name, version=finding.model.version)  # fmt: skip
    if finding.probability is not None and not finding.calibrated:
        said += " " + tr("The score is not a probability of disease.")
    told_by_dial = finding.curve is not None
    return f"{said} {tr(finding.operating_point)}" if finding.operating_point and not told_by_dial else said
