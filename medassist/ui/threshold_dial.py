"""The dial of one finding's threshold: what it catches and misses as it moves, and what an answer is worth here."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from medassist.entities.finding import Finding, Judgement
from medassist.entities.operating import CONFIDENCE, Answer
from medassist.language import localized, tr
from medassist.report import operating
from medassist.session.thresholds import SetPrevalence, SetThreshold, prevalences_to_keep
from medassist.ui import theme
from medassist.ui.reader import keep
from medassist.ui.store import Store

STEPS = 1000
HANDLE_PX = 14
MOST_PERCENT = 99.99


class MarkedSlider(QSlider):
    """A slider over 0..1 that shows where the package's own threshold and the score of the picture are.

    `moved` carries the new threshold, and whether it stands: not while the handle is held. The wheel scrolls the panel
    instead, since nobody should change a threshold by scrolling.
    """

    moved = Signal(float, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, STEPS)
        self.setMinimumHeight(26)
        self._marks: tuple[float, ...] = ()
        self.valueChanged.connect(lambda value: self.moved.emit(value / STEPS, not self.isSliderDown()))
        self.sliderReleased.connect(lambda: self.moved.emit(self.value() / STEPS, True))

    def show_marks(self, package: float, score: float) -> None:
        """Mark the package's threshold and the score."""
        self._marks = (package, score)
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the panel."""
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the slider, then the marks above and below its groove."""
        super().paintEvent(event)
        painter = QPainter(self)
        colors = (theme.ON_PICTURE.accent, theme.ON_PICTURE.ai)  # the blue and the violet of the tooltip
        for row, (share, color) in enumerate(zip(self._marks, colors, strict=False)):
            at = QStyle.sliderPositionFromValue(0, STEPS, round(share * STEPS), self.width() - HANDLE_PX)
            top = 0 if row == 0 else self.height() - 6
            painter.fillRect(at + HANDLE_PX // 2 - 1, top, 3, 6, QColor(color))
        painter.end()


class _Number(QDoubleSpinBox):
    """A number that is only taken when it is typed in full, never by the wheel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setKeyboardTracking(False)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the panel."""
        event.ignore()


class ThresholdDial(QWidget):
    """Shows and sets the threshold of one classifier's finding, for these weights alone."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.finding: Finding | None = None
        self.slider, self.number, self.prevalence = MarkedSlider(self), _Number(self), _Number(self)
        self.back, self.title, self.place = QPushButton(self), QLabel(self), QLabel(self)
        self.meaning, self.worth = QLabel(self), QLabel(self)
        self.number.setRange(0.0, 1.0)
        self.number.setDecimals(4)
        self.number.setSingleStep(0.01)
        self.prevalence.setRange(0.0, MOST_PERCENT)
        self.prevalence.setDecimals(2)
        self.prevalence.setSuffix(" %")
        self.prevalence.setSpecialValueText("—")
        self._lay_out()
        self.slider.moved.connect(self._set)
        self.number.valueChanged.connect(lambda value: self._set(value, True))
        self.back.clicked.connect(lambda: self._set(None, True))
        self.prevalence.valueChanged.connect(self._set_prevalence)
        self.show_finding(None)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.title.setText(tr("Threshold"))
        self.place.setText(tr("Prevalence"))
        for widget in (self.slider, self.number):
            widget.setAccessibleName(tr("Threshold"))
        self.slider.setToolTip(tr("Blue mark: threshold of the package. Violet mark: score of this picture."))
        self.back.setAccessibleName(tr("Back to the threshold of the package"))
        self.prevalence.setAccessibleName(tr("Local prevalence"))
        self.prevalence.setToolTip(tr("How many of 100 of your patients have this finding, for predictive values"))
        self.show_finding(self.finding)

    def show_finding(self, finding: Finding | None) -> None:
        """Show the threshold of a classifier's finding; nothing for any other finding."""
        self.finding = finding
        shown = finding is not None and finding.probability is not None and finding.model is not None
        self.setVisible(shown)
        if finding is None or not shown:
            return
        known = finding.curve is not None
        for widget in (self.title, self.slider, self.number, self.back, self.place, self.prevalence, self.worth):
            widget.setVisible(known)
        self.meaning.setText(self._meaning(finding))
        self.meaning.setVisible(bool(self.meaning.text()))
        if known:
            self._draw(finding)

    def _meaning(self, finding: Finding) -> str:
        curve, threshold, probability = finding.curve, finding.threshold, finding.probability
        if curve is None or threshold is None or probability is None:
            if finding.exclusive:
                return tr("The classes exclude each other: the most likely one is called, if it is likely enough.")
            return tr("Its threshold cannot be moved here: the package has no calibration cases.")
        rates = tr(
            "Sensitivity {sensitivity}, specificity {specificity}, on {count} images",
            sensitivity=operating.rate(curve.sensitivity(threshold)),
            specificity=operating.rate(curve.specificity(threshold)),
            count=curve.count,
        )
        lines = [rates, _answer(curve.answer(probability))]
        if finding.judgement is not Judgement.UNREVIEWED:
            lines.append(tr("You judged it at this threshold, and so it stays."))
        return "\n".join(lines)

    def _draw(self, finding: Finding) -> None:
        threshold, own = finding.threshold or 0.0, finding.own_threshold or 0.0
        with QSignalBlocker(self.slider), QSignalBlocker(self.number), QSignalBlocker(self.prevalence):
            if not self.slider.isSliderDown():
                self.slider.setValue(round(threshold * STEPS))
            self.number.setValue(threshold)
            self.prevalence.setValue(100.0 * (finding.prevalence or 0.0))
        self.slider.show_marks(own, finding.probability or 0.0)
        self.back.setText(tr("Package: {threshold}", threshold=operating.number(own)))
        origin = tr(finding.operating_point) if finding.operating_point else ""
        self.back.setToolTip("\n".join(text for text in (tr("Back to the threshold of the package"), origin) if text))
        movable = finding.judgement is Judgement.UNREVIEWED
        self.slider.setEnabled(movable)
        self.number.setEnabled(movable)
        self.back.setEnabled(movable and finding.package_threshold is not None)
        source = tr(finding.curve.source) if finding.curve is not None and finding.curve.source else ""
        told = (*(localized(one) for one in operating.sentences(finding)), source)
        self.meaning.setToolTip("\n".join(text for text in told if text))
        self.worth.setText(_worth(finding))

    def _set(self, threshold: float | None, settled: bool) -> None:
        finding = self.finding
        if finding is not None and finding.model is not None:
            self._store.dispatch(SetThreshold(finding.model.sha256, finding.target, threshold, settled))

    def _set_prevalence(self, percent: float) -> None:
        finding = self.finding
        if finding is None or finding.model is None:
            return
        self._store.dispatch(SetPrevalence(finding.model.name, finding.target, percent / 100 if percent else None))
        keep("prevalences", prevalences_to_keep(self._store.session.prevalences))

    def _lay_out(self) -> None:
        column, line, here = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for text in (self.meaning, self.worth):
            text.setWordWrap(True)
        line.addWidget(self.title)
        line.addWidget(self.number)
        line.addWidget(self.back)
        line.addStretch(1)
        here.addWidget(self.place)
        here.addWidget(self.prevalence)
        here.addWidget(self.worth, 1)
        column.addWidget(self.slider)
        column.addLayout(line)
        column.addWidget(self.meaning)
        column.addLayout(here)


def _answer(answer: Answer) -> str:
    """Say which answer the score leaves possible, in a few words; the tool tip has the sentence."""
    words = {
        Answer.PRESENT: tr("present"),
        Answer.ABSENT: tr("absent"),
        Answer.CANNOT_SAY: tr("cannot say"),
    }
    return tr("The score at {confidence} % confidence: {answer}",
              confidence=f"{100 * CONFIDENCE:.0f}", answer=words[answer])  # fmt: skip


def _worth(finding: Finding) -> str:
    """Say what an answer is worth at the prevalence; nothing until there is one."""
    curve, threshold, prevalence = finding.curve, finding.threshold, finding.prevalence
    if curve is None or threshold is None or prevalence is None:
        return ""
    positive, negative = curve.ppv(threshold, prevalence), curve.npv(threshold, prevalence)
    return tr("PPV {ppv}, NPV {npv}", ppv=operating.rate(positive), npv=operating.rate(negative))
