"""Models: what there is, what each demands of the series on screen, and running one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from medassist.entities.errors import MedAssistError, Unsuited
from medassist.entities.model_change import ModelVerb
from medassist.entities.prediction import Check, Verdict
from medassist.entities.study import Series
from medassist.entities.volume import Volume
from medassist.inference.catalogue import packages as installed
from medassist.inference.packages import PROMPTED, Package
from medassist.language import tr
from medassist.session import jobs
from medassist.session.queued import QueueRuns, RunState, candidates, refused_rows
from medassist.session.state import Session
from medassist.ui.check_table import CheckTable, problem_text
from medassist.ui.device_menu import BackendMenu, DeviceMenu
from medassist.ui.job_bar import JobBar
from medassist.ui.model_actions import ModelActions, removable, why_not
from medassist.ui.model_card import ModelCard
from medassist.ui.model_list import ModelList
from medassist.ui.outlook_line import OutlookLine
from medassist.ui.queue_list import QueueList
from medassist.ui.queue_runner import MODEL_LANE
from medassist.ui.run_notes import RunNotes
from medassist.ui.runner import Job, Runner
from medassist.ui.store import Store
from medassist.ui.wording import unready_text

LANE = MODEL_LANE


class ModelPanel(QWidget):
    """List, Run, suitability, card. `catalogue` and `job` have other values in tests only."""

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
        self._checks: tuple[Check, ...] = ()
        self._works_on: Series | None = None
        self._refused: tuple[str, str, tuple[Check, ...]] = ("", "", ())
        self.list, self.card, self.table = ModelList(self), ModelCard(self), CheckTable(self)
        self.hint, self.problem = QLabel(self), QLabel(self)
        self.reason = QLineEdit(self)
        self.device, self.backend = DeviceMenu(store, runner, self), BackendMenu(self)
        self.outlook, self.notes = OutlookLine(store, runner, self), RunNotes(self)
        self.run, self.progress = QPushButton(self), JobBar(runner, LANE, self)
        self.uncertainty, self.tta = QCheckBox(self), QCheckBox(self)
        self.several, self.queue = QPushButton(self), QueueList(store, runner, self)
        self.installing, self.add, self.remove = ModelActions(runner, self), QPushButton(self), QPushButton(self)
        self._lay_out()
        self._connect()
        self.reload()
        self.retranslate()

    def reload(self) -> None:
        """Read the catalogue again (models were added or removed)."""
        self.list.show_packages(self._catalogue())
        self._draw()

    def select(self, name: str) -> None:
        """Choose a model by its name."""
        self.list.select(name)

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.run.setText(tr("Run model"))
        self.uncertainty.setText(tr("Also map where the model is undecided"))
        self.tta.setText(tr("Average over mirrored views"))
        self.tta.setToolTip(tr("Steadier where the model was taught them; its operating points were measured without."))
        self.add.setText(tr("Add a model…"))
        self.add.setToolTip(tr("From a zip or the folder of a model; nothing of it is run while it is checked."))
        self.remove.setText(tr("Remove"))
        self.reason.setPlaceholderText(tr("Reason for running in spite of a failed check (kept in the report)"))
        self.reason.setAccessibleName(tr("Reason for running in spite of a failed check (kept in the report)"))
        self.reason.setToolTip(tr("Reason for running in spite of a failed check (kept in the report)"))
        for part in (
            self.table, self.list, self.progress, self.device, self.backend, self.outlook, self.notes, self.queue,
        ):  # fmt: skip
            part.retranslate()
        self._draw()

    def start(self) -> None:
        """Run the chosen model on the series on screen."""
        session, package = self._store.session, self.list.package()
        if session.volume is None or package is None:
            return
        study = session.study_of(session.current)
        reason = self.reason.text().strip() if self._fails() else ""
        self._works_on = session.volume.series
        self._runner.start(
            LANE, self._job, study, session.volume, package, override_reason=reason, **self._options(package)
        )

    def start_several(self) -> None:
        """Queue the chosen model for the series marked in the tree, or for all of its modality."""
        package = self.list.package()
        if package is not None:
            keys = candidates(self._store.session, package)
            self._store.dispatch(QueueRuns(keys, package, MappingProxyType(self._options(package))))

    def _options(self, package: Package) -> dict[str, object]:
        """Return how a model shall run; what is left out is as the job has it."""
        options: dict[str, object] = {"device": self.device.name()}
        if self.backend.name() != "auto":
            options["backend"] = self.backend.name()
        if self._asks_uncertainty(package) and self.uncertainty.isChecked():
            options["uncertainty"] = True
        if package.flips and self.tta.isChecked():
            options["tta"] = True
        return options

    def _lay_out(self) -> None:
        for text in (self.hint, self.problem):
            text.setWordWrap(True)
        self.hint.setProperty("role", "dim")
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setProperty("role", "bad")
        self.run.setProperty("role", "primary")
        column, line = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(8, 8, 8, 8)
        models = QHBoxLayout()
        models.addWidget(self.add)
        models.addWidget(self.remove)
        models.addStretch(1)
        column.addWidget(self.list)
        column.addLayout(models)
        for widget in (self.hint, self.problem, self.reason):
            column.addWidget(widget)
        line.addWidget(self.device, 1)
        line.addWidget(self.backend, 1)
        column.addLayout(line)
        column.addWidget(self.uncertainty)
        column.addWidget(self.tta)
        column.addWidget(self.outlook)
        column.addWidget(self.run)
        column.addWidget(self.several)
        column.addWidget(self.progress)
        column.addWidget(self.queue)
        column.addWidget(self.notes)
        column.addWidget(self.table)
        column.addWidget(self.card, 1)
        column.addStretch(0)

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(lambda _row: self._chosen())
        self.run.clicked.connect(self.start)
        self.several.clicked.connect(self.start_several)
        self.add.clicked.connect(self.installing.add_zip)
        self.remove.clicked.connect(self.ask_to_remove)
        self.reason.textChanged.connect(lambda _text: self._draw_buttons())
        self.device.currentIndexChanged.connect(lambda _row: self._fit_to_device())
        self._runner.began.connect(lambda _lane: self._draw_buttons())
        self._runner.ended.connect(lambda _lane: self._draw_buttons())
        self._runner.failed.connect(self._failed)
        self._store.changed.connect(self._changed)

    def ask_to_remove(self) -> None:
        """Ask whether the chosen model shall go."""
        self.installing.remove(self.list.package())

    def _fit_to_device(self) -> None:
        self.backend.fit(self.device.name())
        self._draw_buttons()

    def _failed(self, lane: str, error: MedAssistError) -> None:
        """Keep the table of a run that was refused after it had looked at the image, and ask for a reason."""
        package = self.list.package()
        if lane == LANE and isinstance(error, Unsuited) and package is not None and self._works_on is not None:
            self._refused = package.name, self._works_on.key, error.rows
            self._draw()

    def _changed(self, old: Session, new: Session) -> None:
        if old.model_changes is not new.model_changes:
            self.reload()
            self._show_added(new)
        if old.queue is not new.queue or old.chosen != new.chosen or old.scans is not new.scans:
            self._draw_several()
        if old.volume is not new.volume:
            self._chosen()
        elif old.predictions is not new.predictions:
            self._refused = ("", "", ())
            self._draw()
        elif self._refused_in_queue(old) != self._refused_in_queue(new) or old.outlook is not new.outlook:
            self._draw()
        elif (old.loading is None) is not (new.loading is None):
            self._draw_buttons()

    def _show_added(self, session: Session) -> None:
        """Choose a model that was just added, unless somebody chose to run another one by now."""
        last = session.model_changes[-1]
        if last.verb is ModelVerb.ADD and not self._runner.running(LANE):
            self.select(last.model.name)

    def _chosen(self) -> None:
        """Forget the reason: it was given for another model or series."""
        self.reason.clear()
        self._draw()

    def _draw(self) -> None:
        package, volume = self.list.package(), self._store.session.volume
        self.card.show_package(package)
        self._checks = ()
        if package is not None and package.availability.ok and volume is not None:
            study = self._store.session.study_of(volume.series.key)
            known = jobs.check_input(package, study, volume) + self._seen(package, volume)
            self._checks = self._told_by_a_run(package, volume) or known
        self.table.show_checks(self._checks)
        self.notes.show_result(self._store.session.prediction)
        self._draw_buttons()

    def _seen(self, package: Package, volume: Volume) -> tuple[Check, ...]:
        """Return what a look at the picture told, once a worker has looked."""
        known = self._store.session.outlook
        same = known is not None and (known.model, known.series_key) == (package.ref, volume.series.key)
        return known.checks if known is not None and same else ()

    def _told_by_a_run(self, package: Package, volume: Volume) -> tuple[Check, ...]:
        """Return the table of the newest run of this model on this series, which knows more than headers do."""
        name, key, rows = self._refused
        if (name, key) == (package.name, volume.series.key):
            return rows
        prediction = self._store.session.prediction
        if prediction is not None and prediction.model == package.ref:
            return prediction.checks
        return self._refused_in_queue(self._store.session)

    def _refused_in_queue(self, session: Session) -> tuple[Check, ...]:
        package = self.list.package()
        return () if package is None else refused_rows(session, package.ref, session.current)

    def _fails(self) -> bool:
        return any(check.verdict is Verdict.FAIL for check in self._checks)

    def _draw_buttons(self) -> None:
        package, running = self.list.package(), self._runner.running(LANE)
        ready = package is not None and package.availability.ok and self._store.session.volume is not None
        fails = self._fails()
        self.remove.setEnabled(removable(package))
        self.remove.setToolTip(why_not(package))
        self.hint.setText(self._hint(package))
        self.hint.setVisible(bool(self.hint.text()))
        self.problem.setText(problem_text(self._checks))
        self.problem.setVisible(fails)
        self.reason.setVisible(fails)
        self.uncertainty.setVisible(self._asks_uncertainty(package))
        self.tta.setVisible(package is not None and bool(package.flips))
        ready = ready and package is not None and package.task != PROMPTED
        ready = ready and (not fails or bool(self.reason.text().strip()))
        self.run.setEnabled(ready and not running)
        self.outlook.concern(package if ready else None, self._store.session.volume, self.device.name())
        self._draw_several()

    def _draw_several(self) -> None:
        """Offer to queue the model when there is more than one series to run it on."""
        session, package = self._store.session, self.list.package()
        runs_alone = package is not None and package.availability.ok and package.task != PROMPTED
        keys = candidates(session, package) if package is not None and runs_alone else ()
        text = tr("Run on the {count} marked series", count=len(keys))
        if len(session.chosen) < 2:
            text = tr("Run on all {count} series that may suit", count=len(keys))
        self.several.setText(text)
        self.several.setToolTip(tr("Mark several in the tree with Ctrl or Shift; what does not suit is refused."))
        self.several.setVisible(len(keys) > 1)

    def _asks_uncertainty(self, package: Package | None) -> bool:
        return package is not None and package.task == "segmentation"

    def _hint(self, package: Package | None) -> str:
        if package is None:
            return tr("No model is installed. Add one from a zip.")
        if package.task == PROMPTED:
            return tr("This model marks what lies in a box: press B and draw one on the picture.")
        if self._store.session.volume is None:
            return unready_text(self._store.session) or tr("Open a study to see whether it suits this model.")
        queued = (one.series for one in self._store.session.queue if one.state is RunState.RUNNING)
        elsewhere = next(queued, self._works_on)
        if self._runner.running(LANE) and elsewhere is not None and elsewhere.key != self._store.session.current:
            return tr("A model is at work on another series: {series}", series=elsewhere.title)
        return ""
