"""What the model says without a region: choose it, replace it, read the change beside the same change elsewhere."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.entities.probe import Probe
from medassist.explain.probing.controls import COUNT
from medassist.language import localized, tr
from medassist.report.probes import PLACES, WAYS
from medassist.session.probes import DropProbe, KeepProbe, probe_region, speaks_of
from medassist.session.state import Session
from medassist.ui.job_bar import JobBar
from medassist.ui.method_form import WIDTH
from medassist.ui.probe_form import ProbeForm
from medassist.ui.probe_result import ProbeResult, newest_first, one_line
from medassist.ui.reader import reader_name
from medassist.ui.runner import Job, Runner
from medassist.ui.store import Store
from medassist.ui.wording import duration_text, unready_text

LANE = "probe"
RUNS = COUNT + 2
WATCHED = ("prediction", "drawing", "heatmap", "probes", "findings", "volume", "loading")


class ProbePanel(QWidget):
    """Label, region, means, Probe; below, what came of it. `job` has another value in tests only."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None, *, job: Job = probe_region) -> None:
        super().__init__(parent)
        self._store, self._runner, self._job = store, runner, job
        self._shown: tuple[Probe, ...] = ()
        self.hint, self.cost, self.meaning = (QLabel(self) for _ in range(3))
        self.form, self.result, self.history = ProbeForm(self), ProbeResult(self), QComboBox(self)
        self.button, self.keep, self.drop = (QPushButton(self) for _ in range(3))
        self.progress = JobBar(runner, LANE, self)
        self._lay_out()
        self.button.clicked.connect(self.start)
        self.keep.clicked.connect(self.keep_it)
        self.drop.clicked.connect(self.drop_it)
        self.history.currentIndexChanged.connect(lambda _index: self._draw_result())
        self.form.changed.connect(self._draw_buttons)
        runner.began.connect(lambda _lane: self._draw_buttons())
        runner.ended.connect(lambda _lane: self._draw_buttons())
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.button.setText(tr("Replace and run again"))
        self.keep.setText(tr("Keep as counter-evidence"))
        self.drop.setText(tr("Forget"))
        self.history.setAccessibleName(tr("Probes of this result"))
        self.meaning.setText(
            tr("The region is replaced in a copy of the image, which is never saved. A score that falls says that the "
               "model uses the region, not that disease is there.")
        )  # fmt: skip
        for part in (self.form, self.progress, self.result.table):
            part.retranslate()
        self._fill(self._store.session)

    def start(self) -> None:
        """Replace the chosen region and run the model again."""
        session = self._store.session
        spot, target = self.form.spot(session), self.form.label()
        if session.prediction is None or session.volume is None or spot is None or not target:
            return
        self._runner.start(LANE, self._job, session.volume, session.prediction, target, spot, self.form.means(),
                           window=session.view.window)  # fmt: skip

    def chosen(self) -> Probe | None:
        """Return the probe that is shown."""
        row = self.history.currentIndex()
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def keep_it(self) -> None:
        """Attach the probe to the findings it is about, in the name of the reader."""
        probe = self.chosen()
        if probe is not None:
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            self._store.dispatch(KeepProbe(probe, reader_name(), now))

    def drop_it(self) -> None:
        """Forget the probe, also where it was kept."""
        probe = self.chosen()
        if probe is not None:
            self._store.dispatch(DropProbe(probe))

    def _lay_out(self) -> None:
        for text in (self.hint, self.cost, self.meaning):
            text.setProperty("role", "dim")
            text.setWordWrap(True)
        self.button.setProperty("role", "primary")
        self.history.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.history.setMinimumContentsLength(WIDTH)
        column, line = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(8, 8, 8, 8)
        for widget in (self.hint, self.form, self.cost, self.button, self.progress, self.meaning, self.history,
                       self.result):  # fmt: skip
            column.addWidget(widget)
        line.addWidget(self.keep)
        line.addWidget(self.drop)
        line.addStretch(1)
        column.addLayout(line)
        column.addStretch(1)

    def _changed(self, old: Session, new: Session) -> None:
        if old.current != new.current or any(getattr(old, one) is not getattr(new, one) for one in WATCHED):
            self._fill(new)

    def _fill(self, session: Session) -> None:
        self.form.fill(session)
        before, known = self.chosen(), {_identity(one) for one in self._shown}
        self._shown = newest_first(session.probes, session.current, _model(session))
        with QSignalBlocker(self.history):
            self.history.clear()
            for one in self._shown:
                self.history.addItem(one_line(one, localized(PLACES[one.place]), localized(WAYS[one.how])))
            same = [row for row, one in enumerate(self._shown) if before and _identity(one) == _identity(before)]
            fresh = bool(self._shown) and _identity(self._shown[0]) not in known
            self.history.setCurrentIndex(same[0] if same and not fresh else 0 if self._shown else -1)
        self.history.setVisible(len(self._shown) > 1)
        self._draw_result()
        self._draw_cost(session)
        self._draw_buttons()

    def _draw_result(self) -> None:
        probe, findings = self.chosen(), self._store.session.findings
        self.result.show_probe(probe)
        claimed = probe is not None and any(speaks_of(probe, one) for one in findings)
        kept = probe is not None and any(probe in one.counter_evidence for one in findings)
        self.keep.setVisible(probe is not None)
        self.drop.setVisible(probe is not None)
        self.keep.setEnabled(claimed and not kept)
        self.keep.setText(tr("Kept as counter-evidence") if kept else tr("Keep as counter-evidence"))
        self.keep.setToolTip("" if claimed else tr("No finding claims this label, so there is none to keep it with."))

    def _draw_cost(self, session: Session) -> None:
        self.cost.setVisible(session.prediction is not None)
        timed = next((one for one in self._shown if one.runs), None)
        if timed is None:
            self.cost.setText(tr("Runs the model up to {count} times.", count=RUNS))
            return
        time = duration_text(max(1.0, RUNS * timed.seconds / timed.runs))
        self.cost.setText(tr("Runs the model up to {count} times, about {time}.", count=RUNS, time=time))

    def _draw_buttons(self) -> None:
        session = self._store.session
        ready, unready = bool(self.form.label()), unready_text(session)
        self.hint.setText(tr("Run a model first; then a region can be replaced here."))
        self.hint.setVisible(not ready)
        possible = self.form.spot(session) is not None and session.volume is not None
        self.button.setEnabled(ready and possible and not unready and not self._runner.running(LANE))
        self.button.setToolTip(unready)


def _model(session: Session) -> str:
    return session.prediction.model.sha256 if session.prediction is not None else ""


def _identity(probe: Probe) -> tuple[str, ...]:
    """Return what stays the same of a probe that is kept: it becomes another value then."""
    return probe.created, probe.target, probe.how.value, probe.area.sha256
