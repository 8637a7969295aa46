"""Why the model said so: the label to explain, the method with its cost, and the passport of the map on screen."""

from __future__ import annotations

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.entities.prediction import Prediction
from medassist.explain.costs import passes_of, seconds_per_pass
from medassist.inference.packages import Package
from medassist.language import tr
from medassist.session.explaining import find_layers, rivals
from medassist.session.measuring import package_of
from medassist.session.state import Session
from medassist.session.thresholds import at_threshold
from medassist.ui.compare_box import CompareBox
from medassist.ui.explaining import explain, obstacle
from medassist.ui.job_bar import JobBar
from medassist.ui.map_controls import MapControls
from medassist.ui.map_facts import cost_text, passport_text
from medassist.ui.method_form import WIDTH, MethodForm
from medassist.ui.runner import Job, Runner
from medassist.ui.stamp_card import StampCard
from medassist.ui.store import Store
from medassist.ui.where_box import WhereBox
from medassist.ui.wording import label_title, local_title, share_text, unready_text

LANE, LAYERS_LANE = "explain", "layers"


class ExplainPanel(QWidget):
    """Target, comparison, method, Explain; below, what the map on screen is. `job` has another value in tests only."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None, *, job: Job = explain) -> None:
        super().__init__(parent)
        self._store, self._runner, self._job = store, runner, job
        self._obstacle = ""
        self._package: Package | None = None
        self.hint, self.passport, self.cost, self.meaning = (QLabel(self) for _ in range(4))
        self.target_label, self.where_label, self.against_label = QLabel(self), QLabel(self), QLabel(self)
        self.where = WhereBox(self)
        self.target, self.against, self.form = QComboBox(self), QComboBox(self), MethodForm(self)
        self.method = self.form.method
        self.button, self.progress, self.controls = (
            QPushButton(self),
            JobBar(runner, LANE, self),
            MapControls(store, self),
        )
        self.card = StampCard(store, runner, self)
        self.compare = CompareBox(store, runner, self)
        self._lay_out()
        self.button.clicked.connect(self.start)
        self.target.currentIndexChanged.connect(lambda _index: self._target_chosen())
        self.where.currentIndexChanged.connect(lambda _index: self._place_chosen())
        self.form.changed.connect(self._asked_otherwise)
        runner.began.connect(lambda _lane: self._draw_buttons())
        runner.ended.connect(lambda _lane: self._draw_buttons())
        runner.idle.connect(self._look_for_layers)
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.target_label.setText(tr("Explain"))
        self.where_label.setText(tr("Where"))
        self.where.setAccessibleName(tr("Where"))
        self.against_label.setText(tr("Versus"))
        self.against.setToolTip(tr("Why the one label and not the other: what speaks for both cancels."))
        self.target.setAccessibleName(tr("Label to explain"))
        self.against.setAccessibleName(tr("Compared with"))
        self.button.setText(tr("Explain this label"))
        self.meaning.setText(tr("Shows what the score is sensitive to, not where disease is."))
        for part in (self.progress, self.form, self.card, self.controls, self.compare):
            part.retranslate()
        self._fill(self._store.session)

    def start(self) -> None:
        """Compute the map of the chosen label."""
        session = self._store.session
        if session.prediction is None or session.volume is None or self.target.currentIndex() < 0:
            return
        method, target = str(self.method.currentData() or ""), str(self.target.currentData())
        asked = {
            "against": self.against.currentData(),
            "layer": self.form.layer_name(),
            "settings": self.form.settings(),
        }
        wishes = {name: value for name, value in asked.items() if value} | self.where.wishes(session)
        self._runner.start(LANE, self._job, session.volume, session.prediction, target, method, **wishes)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Look for the layers of the network once somebody looks at the panel."""
        super().showEvent(event)
        self._look_for_layers()

    def _lay_out(self) -> None:
        for text in (self.hint, self.cost, self.meaning):
            text.setProperty("role", "dim")
        self.button.setProperty("role", "primary")
        for text in (self.hint, self.passport, self.cost, self.meaning):
            text.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        self.form.lead(self.target_label, self.target, 0)
        self.form.lead(self.where_label, self.where, 1)
        self.form.lead(self.against_label, self.against, 2)
        for one in (self.target, self.where, self.against):
            one.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            one.setMinimumContentsLength(WIDTH)
        column.addWidget(self.hint)
        for widget in (self.form, self.cost, self.button, self.progress, self.card, self.meaning, self.controls,
                       self.passport, self.compare):  # fmt: skip
            column.addWidget(widget)
        column.addStretch(1)

    def _changed(self, old: Session, new: Session) -> None:
        moved = old.thresholds is not new.thresholds or old.layer_names is not new.layer_names
        if moved or old.prediction is not new.prediction or old.heatmap is not new.heatmap:
            self._fill(new)
        elif (old.loading is None) is not (new.loading is None):
            self._draw_buttons()
        elif old.region is not new.region or old.view.cursor_lps != new.view.cursor_lps:
            self._fill_places(new)

    def _fill(self, session: Session) -> None:
        _refill(self.target, _targets(session))
        prediction = session.prediction
        self._obstacle, self._package = obstacle(prediction), package_of(prediction)
        self._fill_rivals()
        self._fill_method(session)
        self._fill_places(session)
        self.passport.setText("" if session.heatmap is None else passport_text(session, session.heatmap))
        self._draw_cost()
        self._draw_buttons()

    def _fill_places(self, session: Session) -> None:
        marks = session.prediction is not None and session.prediction.mask is not None
        self.form.show_row(self.where, marks)
        if marks:
            self.where.fill(session)
            self._draw_buttons()

    def _place_chosen(self) -> None:
        """Explain what lies under the crosshair: another label where the chosen one does not."""
        label = str(self.target.currentData() or "")
        self.target.setCurrentIndex(self.target.findData(self.where.target(self._store.session, label)))
        self._draw_buttons()

    def _target_chosen(self) -> None:
        self._fill_rivals()
        self._draw_buttons()

    def _fill_rivals(self) -> None:
        session, target = self._store.session, str(self.target.currentData() or "")
        labels = rivals(self._package, sorted(one for one, _ in _targets(session)), target)
        named = [(one, label_title(session, one)) for one in labels]
        _refill(self.against, [("", tr("nothing: the label alone")), *named])

    def _fill_method(self, session: Session) -> None:
        prediction, package = session.prediction, self._package
        task = "segmentation" if prediction is not None and prediction.mask is not None else "classification"
        if package is None:
            self.form.fill(task, "", "", ())
        else:
            known = session.layer_names.get(package.sha256, ())
            self.form.fill(task, package.explanation.method, package.explanation.layer, known)
        self._look_for_layers()

    def _asked_otherwise(self) -> None:
        self._draw_cost()
        self._look_for_layers()

    def _look_for_layers(self) -> None:
        """Start the job that finds the layers, when they are wanted, nobody looked yet and nothing else runs."""
        session, package, explainer = self._store.session, self._package, self.form.chosen
        wanted = self.isVisible() and explainer is not None and explainer.reads_layer and not self._obstacle
        if not wanted or package is None or session.volume is None or session.prediction is None:
            return
        if package.sha256 not in session.layer_names and not self._runner.running():
            self._runner.start(LAYERS_LANE, find_layers, package, session.volume, session.prediction.device)

    def _draw_cost(self) -> None:
        prediction, explainer = self._store.session.prediction, self.form.chosen
        known = prediction is not None and explainer is not None and self.target.count() > 0
        self.cost.setVisible(known)
        if prediction is None or explainer is None:
            return
        shape = _shape(prediction, self._package, self._store.session)
        settings = self.form.settings()
        passes = passes_of(explainer, shape, region=prediction.mask is not None, settings=settings)
        self.cost.setText(cost_text(passes, seconds_per_pass(prediction, self._store.session.heatmaps)))

    def _draw_buttons(self) -> None:
        running, ready = self._runner.running(LANE), self.target.count() > 0
        unready = unready_text(self._store.session)
        first = tr("Run a model first; then its output can be explained here.")
        blocked = tr("Cannot be explained: {reason}.", reason=tr(self._obstacle)) if self._obstacle else ""
        blocked = blocked or self.where.problem(self._store.session, str(self.target.currentData() or ""))
        self.hint.setText(blocked if ready else first)
        self.hint.setVisible(bool(blocked) or not ready)
        self.button.setEnabled(ready and not running and not unready and not blocked)
        self.button.setToolTip(unready)


def _refill(box: QComboBox, items: list[tuple[str, str]]) -> None:
    """Offer (value, text) pairs; what was chosen stays chosen where it is still offered."""
    chosen = box.currentData()
    blocked = box.blockSignals(True)
    box.clear()
    for value, text in items:
        box.addItem(text, value)
    box.setCurrentIndex(max(0, box.findData(chosen)) if items else -1)
    box.blockSignals(blocked)


def _shape(prediction: Prediction, package: Package | None, session: Session) -> tuple[int, ...]:
    """Return about the size of what the network is shown: its window, else the image."""
    if prediction.manifest.window:
        return prediction.manifest.window
    sizes = session.geometry.shape_zyx[::-1] if session.geometry is not None else (1, 1, 1)
    return sizes[: package.input.dimensions] if package is not None else sizes


def _targets(session: Session) -> list[tuple[str, str]]:
    """Return (label, text) of everything that can be explained: what was found first."""
    prediction = session.prediction
    if prediction is None:
        return []
    here = (at_threshold(session, prediction.model, score) for score in prediction.scores)
    scores = sorted(here, key=lambda score: score.probability - score.threshold, reverse=True)
    found = [
        (
            one.label,
            f"{local_title(one.label, one.title_zh)} · {share_text(one.probability)} / {share_text(one.threshold)}",
        )
        for one in scores
    ]
    mask = prediction.model_mask
    segments = mask.segments if mask is not None else ()
    return [*found, *((one.label, local_title(one.label, one.title_zh)) for one in segments)]
