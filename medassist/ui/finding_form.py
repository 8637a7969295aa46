"""The fields in which a reader says what is there: for a finding of the reader's own, and to correct a claim."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QCompleter, QFormLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from medassist.entities.errors import MedAssistError
from medassist.entities.finding import Finding
from medassist.entities.prediction import Code
from medassist.entities.term import LEFT, RIGHT
from medassist.language import current_language, localized, tr
from medassist.session.judging import MOST_OF_A_LABEL
from medassist.storage import terminology
from medassist.ui.choice_box import ChoiceBox


class FindingForm(QWidget):
    """Name with completion from the tables of terms, side, presence and comment; Return saves, Esc leaves.

    `saved`, `left` and `removed` tell that it is over; what to do with the answer is the panel's business. Only a
    finding of a reader can be removed: what a model claims is rejected.
    """

    saved = Signal()
    left = Signal()
    removed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kept: Code | None = None
        self._before: Finding | None = None
        self.name, self.comment = QLineEdit(self), QLineEdit(self)
        self.side, self.presence, self.where = ChoiceBox(self), ChoiceBox(self), ChoiceBox(self)
        self.told, self.problem = QLabel(self), QLabel(self)
        self.save, self.cancel, self.remove = QPushButton(self), QPushButton(self), QPushButton(self)
        self.name.setMaxLength(MOST_OF_A_LABEL)
        self.comment.setMaxLength(500)
        self.save.setProperty("role", "primary")
        self.told.setProperty("role", "dim")
        for label in (self.told, self.problem):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._lay_out()
        self.name.textChanged.connect(lambda _text: self._tell_code())
        for field in (self.name, self.comment):
            field.returnPressed.connect(self.saved)
        self.save.clicked.connect(self.saved)
        self.cancel.clicked.connect(self.left)
        self.remove.clicked.connect(self.removed)
        self.retranslate()

    @property
    def laterality(self) -> Code | None:
        """The side the reader chose, None where the name shall say it."""
        return {"left": LEFT, "right": RIGHT, "kept": self._kept}.get(self.side.currentData())

    @property
    def present(self) -> bool:
        """Whether the reader says it is there."""
        return bool(self.presence.currentData())

    @property
    def at_crosshair(self) -> bool:
        """Whether a new finding lies at the crosshair; else it is one of the whole image."""
        return bool(self.where.currentData())

    def begin(self, finding: Finding | None = None) -> None:
        """Show a finding to correct, or empty fields for a new one."""
        self._before = finding
        self.name.setText("" if finding is None else finding.label)
        self._tell_code()
        self.comment.setText("" if finding is None else finding.comment)
        side = None if finding is None else finding.laterality
        self._kept = side if side not in (None, LEFT, RIGHT) else None
        self._offer_sides()
        chosen = {None: "", LEFT: "left", RIGHT: "right"}.get(side, "kept")
        self.side.setCurrentIndex(max(0, self.side.findData(chosen)))
        self.presence.setCurrentIndex(0 if finding is None or finding.present else 1)
        self._rows.setRowVisible(self.where, finding is None)
        self.remove.setVisible(finding is not None and finding.model is None)
        self._complete()
        self.show_problem(None)
        self.name.setFocus()
        self.name.selectAll()

    def show_problem(self, problem: MedAssistError | None) -> None:
        """Say why what was typed cannot be kept."""
        self.problem.setText("" if problem is None else localized(problem))
        self.problem.setVisible(problem is not None)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Leave on Esc, without keeping anything."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        titles = {
            self.name: tr("Finding"), self.side: tr("Side"), self.presence: tr("Presence"),
            self.where: tr("Place"), self.comment: tr("Comment"),
        }  # fmt: skip
        for widget, title in titles.items():
            label = self._rows.labelForField(widget)
            assert isinstance(label, QLabel)  # noqa: S101 - rows are laid out with their labels
            label.setText(title)
            widget.setAccessibleName(title)
        self.name.setPlaceholderText(tr("for example: left pleural effusion"))
        self.comment.setPlaceholderText(tr("optional"))
        self.save.setText(tr("Save (Return)"))
        self.cancel.setText(tr("Cancel"))
        self.remove.setText(tr("Delete"))
        self.remove.setToolTip(tr("Take this finding of yours back; Ctrl+Z brings it back"))
        self._offer_sides()
        _offer(self.presence, [(tr("present"), True), (tr("absent"), False)])
        _offer(self.where, [(tr("at the crosshair"), True), (tr("whole image"), False)])
        self._tell_code()

    def _lay_out(self) -> None:
        self._rows = QFormLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setVerticalSpacing(3)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows.addRow(" ", self.name)
        self._rows.addRow(self.told)
        for field in (self.side, self.presence, self.where, self.comment):
            self._rows.addRow(" ", field)
        self._rows.addRow(self.problem)
        line = QHBoxLayout()
        line.addWidget(self.save)
        line.addWidget(self.cancel)
        line.addStretch(1)
        line.addWidget(self.remove)
        self._rows.addRow(line)

    def _offer_sides(self) -> None:
        """Offer both sides, and a coded one that is neither where the finding has it: nothing is lost by an edit."""
        sides = [(tr("as the name says, or none"), ""), (tr("left"), "left"), (tr("right"), "right")]
        _offer(self.side, sides + ([(tr(self._kept.meaning), "kept")] if self._kept is not None else []))

    def _complete(self) -> None:
        """Offer the names of the tables in the language of the moment; the tables may have changed since."""
        chinese = current_language().startswith("zh")
        terms = {id(one): one for one in terminology.read().terms.values()}.values()
        names = sorted({(one.title_zh if chinese else "") or one.label for one in terms}, key=str.casefold)
        completer = QCompleter(names, self.name)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.name.setCompleter(completer)

    def _tell_code(self) -> None:
        words = self.name.text().strip()
        named = terminology.read().named(words) if words else None
        before = None if self._before is None or self._before.label != words else self._before.code
        if before is not None:
            self.told.setText(f"{before.scheme} {before.value} {before.meaning}")
        elif named is None:
            self.told.setText(tr("No code: the words go into the report as they are.") if words else "")
        else:
            code, side = named.term.code, {LEFT: tr("left"), RIGHT: tr("right"), None: ""}[named.laterality]
            self.told.setText(" · ".join(filter(None, (f"{code.scheme} {code.value} {code.meaning}", side))))
        self.told.setVisible(bool(words))


def _offer(box: QComboBox, choices: Sequence[tuple[str, object]]) -> None:
    chosen = box.currentIndex()
    box.clear()
    for text, value in choices:
        box.addItem(text, value)
    box.setCurrentIndex(max(0, chosen))
