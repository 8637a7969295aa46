"""One line above the findings: which of them are listed. What is left out is counted, never silently gone."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QSizePolicy, QWidget

from medassist.entities.finding import Finding, Judgement
from medassist.language import tr
from medassist.ui.wording import finding_title, judgement_word, side_word

READER = ""


class FindingsFilter(QWidget):
    """Text, verdict, origin, and present ones only; `changed` when another choice was made."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text, self.verdict, self.origin = QLineEdit(self), QComboBox(self), QComboBox(self)
        self.present = QPushButton(self)
        self.present.setCheckable(True)
        self.text.setClearButtonEnabled(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget, stretch in ((self.text, 4), (self.verdict, 5), (self.origin, 5), (self.present, 0)):
            widget.setSizePolicy(QSizePolicy.Policy.Ignored if stretch else QSizePolicy.Policy.Maximum,
                                 QSizePolicy.Policy.Fixed)  # fmt: skip
            row.addWidget(widget, stretch)
        self.text.textChanged.connect(lambda _text: self.changed.emit())
        for box in (self.verdict, self.origin):
            box.currentIndexChanged.connect(lambda _index: self.changed.emit())
        self.present.toggled.connect(lambda _on: self.changed.emit())
        self.retranslate()

    @property
    def is_on(self) -> bool:
        """Whether anything may be left out."""
        chosen = self.verdict.currentData() is not None or self.origin.currentData() is not None
        return bool(self.text.text().strip()) or chosen or self.present.isChecked()

    def clear(self) -> None:
        """List everything again."""
        for widget in (self.verdict, self.origin):
            widget.setCurrentIndex(0)
        self.text.clear()
        self.present.setChecked(False)

    def passes(self, finding: Finding) -> bool:
        """Tell whether a finding is listed."""
        words = self.text.text().casefold().split()
        told = f"{finding_title(finding)} {finding.label} {side_word(finding)} {finding.comment}".casefold()
        origin = READER if finding.model is None else finding.model.name
        return (
            all(word in told for word in words)
            and self.verdict.currentData() in (None, finding.judgement.value)
            and self.origin.currentData() in (None, origin)
            and (finding.present or not self.present.isChecked())
        )

    def offer(self, findings: Iterable[Finding]) -> None:
        """Offer the origins there are; a choice that still stands for something stays."""
        here = list(findings)
        names = sorted({one.model.name for one in here if one.model is not None})
        origins = [(tr("Origin"), None), *((name, name) for name in names)]
        if any(one.model is None for one in here):
            origins.append((tr("Reader"), READER))
        _fill(self.origin, origins)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.text.setPlaceholderText(tr("Filter"))
        self.text.setAccessibleName(tr("Show findings with these words only"))
        self.verdict.setAccessibleName(tr("Show findings with this verdict only"))
        self.origin.setAccessibleName(tr("Show findings of this origin only"))
        self.present.setText(tr("Present"))
        self.present.setToolTip(tr("Show only what is called present"))
        _fill(self.verdict, [(tr("Verdict"), None), *((judgement_word(one), one.value) for one in Judgement)])
        _fill(self.origin, [(tr("Origin"), None), *self._origins()])

    def _origins(self) -> list[tuple[str, str | None]]:
        told = [self.origin.itemData(index) for index in range(1, self.origin.count())]
        return [(tr("Reader") if one == READER else one, one) for one in told]


def _fill(box: QComboBox, choices: Iterable[tuple[str, str | None]]) -> None:
    chosen = box.currentData()
    with QSignalBlocker(box):
        box.clear()
        for text, value in choices:
            box.addItem(text, value)
        box.setCurrentIndex(max(0, box.findData(chosen) if chosen is not None else 0))
