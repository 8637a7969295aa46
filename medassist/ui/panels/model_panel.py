"""Models: what there is, what each demands of the series on screen, and running one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSignalBlocker
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from medassist.entities.prediction import Check, Verdict
from medassist.inference.catalogue import packages as installed
from medassist.inference.packages import Package
from medassist.language import current_language, tr
from medassist.progress import Step
from medassist.session import jobs
from medassist.session.state import Session
from medassist.ui import theme
from medassist.ui.check_table import CheckTable
from medassist.ui.runner import Job, Runner
from medassist.ui.store import Store
from medassist.ui.wording import local_title, step_text

LANE = "model"
DEVICES = ("auto", "cpu", "cuda", "mps")
CARD_MOST_CHARACTERS = 100_000


class ModelPanel(QWidget):
    """List, card, suitability, Run. `catalogue` and `job` have other values in tests only."""

    def __init__(
        self,
        store: Store,
        runner: Runner,
        parent: QWidget | None = None,
        *,
        catalogue: Callable[[], Sequence[Package]] = installed,
        job: Job = jobs.run_model,
    ) -> None:
        super().__init__(parent)
        self._store, self._runner, self._job, self._catalogue = store, runner, job, catalogue
        self._packages: tuple[Package, ...] = ()
        self._checks: tuple[Check, ...] = ()
        self.list, self.card, self.table = QListWidget(self), QTextBrowser(self), CheckTable(self)
        self.hint, self.problem, self.stage = QLabel(self), QLabel(self), QLabel(self)
        self.reason, self.device = QLineEdit(self), QComboBox(self)
        self.run, self.cancel, self.bar = QPushButton(self), QPushButton(self), QProgressBar(self)
        self._lay_out()
        self._connect()
        self.reload()
        self.retranslate()

    def reload(self) -> None:
        """Read the catalogue again (models were added or removed)."""
        self._packages = tuple(self._catalogue())
        self._fill_list()

    def select(self, name: str) -> None:
        """Choose a model by its name."""
        for row, package in enumerate(self._packages):
            if package.name == name:
                self.list.setCurrentRow(row)

    def package(self) -> Package | None:
        """Return the chosen model."""
        row = self.list.currentRow()
        return self._packages[row] if 0 <= row < len(self._packages) else None

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.list.setAccessibleName(tr("Models"))
        self.card.setAccessibleName(tr("Model card"))
        self.run.setText(tr("Run model"))
        self.cancel.setText(tr("Cancel"))
        self.reason.setPlaceholderText(tr("Reason for running in spite of a failed check (kept in the report)"))
        self.reason.setAccessibleName(tr("Reason for running in spite of a failed check (kept in the report)"))
        self.device.setAccessibleName(tr("Device"))
        self.device.setToolTip(tr("Device"))
        self.device.setItemText(0, tr("Device: automatic"))
        self.table.retranslate()
        self._fill_list()
        self._draw()

    def _lay_out(self) -> None:
        for text in (self.hint, self.problem, self.stage):
            text.setWordWrap(True)
        self.hint.setProperty("role", "dim")
        self.problem.setStyleSheet(f"color: {theme.BAD};")
        self.run.setProperty("role", "primary")
        self.device.addItems(["", *(name.upper() for name in DEVICES[1:])])
        self.bar.setRange(0, 1000)
        self.card.setOpenExternalLinks(False)
        self.card.setOpenLinks(False)
        self.list.setMaximumHeight(110)
        self.list.setWordWrap(True)
        column, line = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(8, 8, 8, 8)
        for widget in (self.list, self.table, self.hint, self.problem, self.reason):
            column.addWidget(widget)
        line.addWidget(self.device)
        line.addWidget(self.run, 1)
        line.addWidget(self.cancel)
        column.addLayout(line)
        column.addWidget(self.bar)
        column.addWidget(self.stage)
        column.addWidget(self.card, 1)
        column.addStretch(0)

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(lambda _row: self._chosen())
        self.run.clicked.connect(self.start)
        self.cancel.clicked.connect(lambda: self._runner.cancel(LANE))
        self.reason.textChanged.connect(lambda _text: self._draw_buttons())
        self._runner.began.connect(self._job_changed)
        self._runner.ended.connect(self._job_changed)
        self._runner.stepped.connect(self._stepped)
        self._store.changed.connect(self._changed)

    def start(self) -> None:
        """Run the chosen model on the series on screen."""
        session, package = self._store.session, self.package()
        if session.volume is None or package is None:
            return
        study = session.study_of(session.current)
        device = DEVICES[self.device.currentIndex()]
        reason = self.reason.text().strip() if self._fails() else ""
        self._runner.start(LANE, self._job, study, session.volume, package, device=device, override_reason=reason)

    def _changed(self, old: Session, new: Session) -> None:
        if old.volume is not new.volume:
            self.reason.clear()
            self._draw()

    def _chosen(self) -> None:
        self.reason.clear()
        self._draw()

    def _job_changed(self, lane: str) -> None:
        if lane == LANE:
            self.stage.setText("")
            self.bar.setRange(0, 0)
            self._draw_buttons()

    def _stepped(self, lane: str, step: Step) -> None:
        if lane == LANE:
            self.stage.setText(step_text(step))
            self.bar.setRange(0, 0 if step.fraction is None else 1000)
            self.bar.setValue(round(1000 * (step.fraction or 0.0)))

    def _fill_list(self) -> None:
        chosen = self.list.currentRow()
        with QSignalBlocker(self.list):
            self.list.clear()
            for package in self._packages:
                self.list.addItem(_package_item(package))
            usable = next((row for row, one in enumerate(self._packages) if one.availability.ok), 0)
            self.list.setCurrentRow(chosen if 0 <= chosen < len(self._packages) else usable)

    def _draw(self) -> None:
        package, volume = self.package(), self._store.session.volume
        self.card.setMarkdown(_card_text(package))
        self._checks = ()
        if package is not None and package.availability.ok and volume is not None:
            study = self._store.session.study_of(volume.series.key)
            self._checks = jobs.check_input(package, study, volume)
        self.table.show_checks(self._checks)
        self._draw_buttons()

    def _fails(self) -> bool:
        return any(check.verdict is Verdict.FAIL for check in self._checks)

    def _draw_buttons(self) -> None:
        package, running = self.package(), self._runner.running(LANE)
        ready = package is not None and package.availability.ok and self._store.session.volume is not None
        fails = self._fails()
        for widget in (self.list, self.card):
            widget.setVisible(bool(self._packages))
        self.hint.setText(self._hint())
        self.hint.setVisible(bool(self.hint.text()))
        self.problem.setText(tr("This series does not suit this model. Its output may be wrong.") if fails else "")
        self.problem.setVisible(fails)
        self.reason.setVisible(fails)
        self.run.setEnabled(ready and not running and (not fails or bool(self.reason.text().strip())))
        self.cancel.setVisible(running)
        self.bar.setVisible(running)
        self.stage.setVisible(running)

    def _hint(self) -> str:
        if not self._packages:
            return tr("No model is installed. Put a model package into the models folder.")
        if self._store.session.volume is None:
            return tr("Open a study to see whether it suits this model.")
        return ""


def _package_item(package: Package) -> QListWidgetItem:
    title = local_title(package.title, package.title_zh) or package.name
    lines = [title, f"{package.name} {package.version}".strip()]
    if not package.availability.ok:
        lines.append(tr("Cannot run: {reason}", reason=tr(package.availability.reason)))
    item = QListWidgetItem("\n".join(lines))
    item.setToolTip(item.text())
    if not package.availability.ok:
        item.setForeground(QBrush(QColor(theme.DIM)))
    return item


def _card_text(package: Package | None) -> str:
    """Return the model card in the language of the moment, in English when there is no other."""
    if package is None:
        return ""
    path = package.cards.get(current_language()) or package.cards.get("en")
    if path is None:
        return tr("This model has no card.")
    try:
        return path.read_text(encoding="utf-8")[:CARD_MOST_CHARACTERS]
    except (OSError, UnicodeDecodeError) as problem:
        return tr("The model card cannot be read: {reason}", reason=type(problem).__name__)
