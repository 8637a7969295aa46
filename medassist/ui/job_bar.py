"""One lane at work: how far it is, how long it will still take, and Cancel. Hidden while the lane is empty."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from medassist.language import tr
from medassist.progress import Step
from medassist.ui.runner import Runner
from medassist.ui.wording import step_text


class JobBar(QWidget):
    """Progress bar and Cancel on one line, the stage below."""

    def __init__(self, runner: Runner, lane: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner, self._lane = runner, lane
        self.cancel, self.bar, self.stage = QPushButton(self), QProgressBar(self), QLabel(self)
        self.stage.setWordWrap(True)
        column, line = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.bar, 1)
        line.addWidget(self.cancel)
        column.addLayout(line)
        column.addWidget(self.stage)
        self.cancel.clicked.connect(lambda: runner.cancel(lane))
        runner.began.connect(self._changed)
        runner.ended.connect(self._changed)
        runner.stepped.connect(self._stepped)
        self.setVisible(runner.running(lane))
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.cancel.setText(tr("Cancel"))

    def _changed(self, lane: str) -> None:
        if lane == self._lane:
            self.stage.setText("")
            self.bar.setRange(0, 0)
            self.setVisible(self._runner.running(lane))

    def _stepped(self, lane: str, step: Step) -> None:
        if lane == self._lane:
            self.stage.setText(step_text(step))
            self.bar.setRange(0, 0 if step.fraction is None else 1000)
            self.bar.setValue(round(1000 * (step.fraction or 0.0)))
