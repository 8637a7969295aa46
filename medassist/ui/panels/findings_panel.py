"""The claims about the series on screen: where to look, how sure, who says so, and the reader's verdict."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from medassist.entities.errors import MedAssistError
from medassist.entities.finding import Finding, Judgement
from medassist.language import tr
from medassist.session.actions import Judge
from medassist.session.focusing import Focus
from medassist.session.judging import AddFinding, DropFinding, EditFinding, finding_of_reader
from medassist.session.state import Session
from medassist.ui.finding_details import details, marks_of
from medassist.ui.finding_form import FindingForm
from medassist.ui.findings_filter import FindingsFilter
from medassist.ui.findings_table import FindingsTable
from medassist.ui.fitting_area import FittingArea
from medassist.ui.impression_form import ImpressionForm, agreement_text
from medassist.ui.reader import reader_name
from medassist.ui.reason_box import without_reason
from medassist.ui.store import Store
from medassist.ui.threshold_dial import ThresholdDial
from medassist.ui.verdict_bar import VerdictBar

MOST_OF_HEIGHT, ASKING_OF_HEIGHT = 0.34, 0.7
FEW = 4
"""A list as short as this needs no filter."""


DRAWN = ("findings", "heatmaps", "measurements", "volume", "withheld", "impressions", "reader_first")


class FindingsPanel(QWidget):
    """One row per claim; a click goes there with its evidence alone; keys judge the selected row from anywhere."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._editing = store, ""
        self.title, self.hint, self.note, self.agreed = QLabel(self), QLabel(self), QLabel(self), QLabel(self)
        self.title.setProperty("role", "title")
        for text in (self.hint, self.note, self.agreed):
            text.setProperty("role", "dim")
            text.setWordWrap(True)
            text.setTextFormat(Qt.TextFormat.PlainText)
        self.filter, self.table = FindingsFilter(self), FindingsTable(self)
        self.table.marks = lambda finding: marks_of(store.session, finding)
        self.table.cellClicked.connect(lambda row, _column: self._jump(row))
        self.table.currentCellChanged.connect(lambda row, *_rest: self._jump(row))
        self.table.regrouped.connect(self._draw_selected)
        self._about = QWidget(self)
        self.details = FittingArea(self._about, MOST_OF_HEIGHT, self)
        self.dial, self.form, self.verdicts = ThresholdDial(store, self), FindingForm(self), VerdictBar(self)
        self.comment, self.buttons = self.verdicts.comment, self.verdicts.buttons
        self.form.hide()
        self.impression = ImpressionForm(store, self)
        self.asking = FittingArea(self.impression, ASKING_OF_HEIGHT, self)
        self._lay_out()
        self._connect()
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.hint.setText(tr("No findings on this series yet. Run a model to get suggestions, or add your own."))
        for part in (self.filter, self.table, self.dial, self.form, self.verdicts, self.impression):
            part.retranslate()
        self._build(self._store.session)

    def selected(self) -> Finding | None:
        """Return the finding of the selected row."""
        return self.table.selected()

    def judge(self, judgement: Judgement) -> None:
        """Record the reader's verdict on the selected finding; the reason to reject it holds for no other verdict."""
        finding = self.selected()
        if finding is not None:
            comment = self.comment.text().strip()
            if finding.judgement is Judgement.REJECTED and judgement is not Judgement.REJECTED:
                comment = without_reason(comment)
            self._store.dispatch(Judge(finding.tracking_uid, judgement, reader_name(), _now(), comment))

    def go_to_next(self) -> None:
        """Select the next finding nobody judged; one the filter leaves out brings the whole list back."""
        here = self._store.session.findings_of(self._store.session.current)
        if self.table.next_unjudged() is None and any(one.judgement is Judgement.UNREVIEWED for one in here):
            self.filter.clear()
        found = self.table.next_unjudged()
        if found is not None:
            self.table.select(found.tracking_uid)
            self.table.scrollToItem(self.table.currentItem())

    def edit(self) -> None:
        """Let the reader correct the selected finding."""
        finding = self.selected()
        if finding is not None:
            self._open(finding)

    def add(self) -> None:
        """Let the reader say what is at the crosshair."""
        if self._store.session.volume is not None:
            self._open(None)

    def _open(self, finding: Finding | None) -> None:
        self._editing = "" if finding is None else finding.tracking_uid
        self.form.show()
        rejected = finding is not None and finding.judgement is Judgement.REJECTED
        self.form.begin(finding)
        if rejected:  # who corrects it takes it for true: the reason not to goes
            self.form.comment.setText(without_reason(self.form.comment.text()))
        self.verdicts.hide()
        self.details.hide()

    def _close(self) -> None:
        self.form.hide()
        self.verdicts.show()
        self._draw_selected()
        self.table.setFocus()

    def _save(self) -> None:
        """Keep what stands in the form, or say there why it cannot be kept."""
        try:
            made = self._corrected() if self._editing else self._added()
        except MedAssistError as problem:
            self.form.show_problem(problem)
            return
        self._close()
        self.table.select(made)

    def _remove(self) -> None:
        uid = self._editing
        self._close()
        self._store.dispatch(DropFinding(uid))

    def _corrected(self) -> str:
        form, uid = self.form, self._editing
        action = EditFinding(
            uid, form.name.text(), form.laterality, form.present, form.comment.text(), reader_name(), _now()
        )
        action(self._store.session)  # says now what is wrong with it; what is dispatched must not fail
        self._store.dispatch(action)
        self.comment.setText(form.comment.text().strip())
        return uid

    def _added(self) -> str:
        session, form = self._store.session, self.form
        assert session.volume is not None  # noqa: S101 - the form is closed with the series
        place = session.view.cursor_lps if form.at_crosshair else None
        finding = finding_of_reader(session.volume, form.name.text(), by=reader_name(), at=_now(), place_lps=place,
                                    laterality=form.laterality, present=form.present,
                                    comment=form.comment.text())  # fmt: skip
        self._store.dispatch(AddFinding(finding))
        if self.table.finding(self.table.currentRow()) is None or not self.filter.passes(finding):
            self.filter.clear()
        return finding.tracking_uid

    def _connect(self) -> None:
        self.filter.changed.connect(lambda: self._build(self._store.session))
        self.form.saved.connect(self._save)
        self.form.left.connect(self._close)
        self.form.removed.connect(self._remove)
        self.verdicts.judged.connect(self.judge)
        self.verdicts.edit_asked.connect(self.edit)
        self.verdicts.next_asked.connect(self.go_to_next)
        self.verdicts.add_asked.connect(self.add)
        self._store.changed.connect(self._changed)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 8, 8, 8)
        about = QVBoxLayout(self._about)
        about.setContentsMargins(0, 0, 6, 0)
        about.addWidget(self.note)
        about.addWidget(self.dial)
        asked, listed = (self.asking, self.impression.button, self.agreed), (self.hint, self.filter, self.table)
        for widget in (self.title, *asked, *listed, self.details, self.form, self.verdicts):
            column.addWidget(widget)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Share the height out anew."""
        super().resizeEvent(event)
        self.details.fit()
        self.asking.fit()

    def _changed(self, old: Session, new: Session) -> None:
        gone = self._editing and not any(one.tracking_uid == self._editing for one in new.findings)
        if not self.form.isHidden() and (old.current != new.current or gone):
            self._close()
        if old.current != new.current or any(getattr(old, name) is not getattr(new, name) for name in DRAWN):
            self._build(new)

    def _build(self, session: Session) -> None:
        findings = session.findings_of(session.current)
        self.filter.offer(findings)
        self.filter.setVisible(len(findings) > FEW or self.filter.is_on)
        listed = [one for one in findings if self.filter.passes(one)]
        self.table.show_findings(listed)
        to_judge = sum(one.judgement is Judgement.UNREVIEWED for one in findings)
        told = [tr("Findings")]
        told += [tr("{shown} of {count} listed", shown=len(listed), count=len(findings))] * (
            len(listed) < len(findings)
        )
        told += [tr("{count} to judge", count=to_judge)] * (to_judge > 0)
        self.title.setText(" · ".join(told))
        asking = self.impression.is_asking
        self.asking.setVisible(asking)
        self.impression.button.setVisible(asking)
        self.table.setVisible(bool(findings) or not asking)
        self.hint.setVisible(not findings and not asking)
        agreed = "" if asking else agreement_text(session)
        self.agreed.setText(agreed)
        self.agreed.setVisible(bool(agreed))
        self._draw_selected()

    def _jump(self, row: int) -> None:
        self._draw_selected()
        finding = self.table.finding(row)
        if finding is not None:
            if not self.form.isHidden() and self._editing != finding.tracking_uid:
                self._close()  # what is typed is about another finding
            self._store.dispatch(Focus(finding.tracking_uid))

    def _draw_selected(self) -> None:
        session, finding = self._store.session, self.selected()
        self.note.setText("" if finding is None else details(session, finding))
        self.note.setVisible(bool(self.note.text()))
        self.dial.show_finding(finding)
        self.details.setVisible(finding is not None and self.form.isHidden())
        here = session.findings_of(session.current)
        self.verdicts.show_verdicts(bool(here))
        left = any(one.judgement is Judgement.UNREVIEWED for one in here)
        self.verdicts.show_finding(finding, any_left=left, can_add=session.volume is not None)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
