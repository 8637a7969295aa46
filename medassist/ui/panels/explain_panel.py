"""Why the model said so: the label to explain, the method, and the passport of the map on screen."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from medassist.entities.errors import MedAssistError, Refused
from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.prediction import Prediction
from medassist.entities.volume import Volume
from medassist.explain.methods import METHODS
from medassist.language import tr
from medassist.progress import Progress
from medassist.session import jobs
from medassist.session.actions import AddHeatmap
from medassist.session.state import Session
from medassist.session.thresholds import at_threshold
from medassist.ui.job_bar import JobBar
from medassist.ui.runner import Job, Runner
from medassist.ui.store import Store
from medassist.ui.wording import label_title, local_title, share_text, unready_text

LANE = "explain"


def explain(
    volume: Volume, prediction: Prediction, target: str, method: str, *, model: str = "", progress: Progress
) -> AddHeatmap:
    """Explain one label of a prediction with the model that made it (Refused when its weights are others by now).

    `model` is the folder of a package that stands in no catalogue.
    """
    from medassist.inference.catalogue import find

    package = find(model or prediction.model.name)
    if package.sha256 != prediction.model.sha256:
        raise Refused(
            "The model {model} was replaced after it gave this result, so it cannot explain it.",
            remedy="Run the model again.",
            model=package.name,
        )
    return jobs.explain_target(
        volume,
        package,
        target,
        method=method,
        mask=prediction.mask,
        device=prediction.device,
        progress=progress,
    )


def obstacle(prediction: Prediction | None) -> str:
    """Say why no method can explain a prediction ("" when nothing speaks against it), from the format of its model."""
    from medassist.inference.catalogue import find

    if prediction is None:
        return ""
    try:
        package = find(prediction.model.name)
    except MedAssistError:  # a folder that stands in no catalogue; the job says what is wrong
        return ""
    return package.explainable.reason if package.sha256 == prediction.model.sha256 else ""


class ExplainPanel(QWidget):
    """Target, method, Explain; below, what the map on screen is. `job` has another value in tests only."""

    def __init__(self, store: Store, runner: Runner, parent: QWidget | None = None, *, job: Job = explain) -> None:
        super().__init__(parent)
        self._store, self._runner, self._job = store, runner, job
        self._obstacle = ""
        self.hint, self.passport = QLabel(self), QLabel(self)
        self.target_label, self.method_label = QLabel(self), QLabel(self)
        self.target, self.method = QComboBox(self), QComboBox(self)
        self.button, self.progress = QPushButton(self), JobBar(runner, LANE, self)
        self._lay_out()
        self.button.clicked.connect(self.start)
        runner.began.connect(lambda _lane: self._draw_buttons())
        runner.ended.connect(lambda _lane: self._draw_buttons())
        store.changed.connect(self._changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.target_label.setText(tr("Explain"))
        self.method_label.setText(tr("Method"))
        self.target.setAccessibleName(tr("Label to explain"))
        self.method.setAccessibleName(tr("Method"))
        self.button.setText(tr("Explain this label"))
        self.progress.retranslate()
        self._fill(self._store.session)

    def start(self) -> None:
        """Compute the map of the chosen label."""
        session = self._store.session
        if session.prediction is None or session.volume is None or self.target.currentIndex() < 0:
            return
        method, target = str(self.method.currentData() or ""), str(self.target.currentData())
        self._runner.start(LANE, self._job, session.volume, session.prediction, target, method)

    def _lay_out(self) -> None:
        self.hint.setProperty("role", "dim")
        self.button.setProperty("role", "primary")
        for text in (self.hint, self.passport):
            text.setWordWrap(True)
        column, form = QVBoxLayout(self), QFormLayout()
        column.setContentsMargins(8, 8, 8, 8)
        form.addRow(self.target_label, self.target)
        form.addRow(self.method_label, self.method)
        column.addWidget(self.hint)
        column.addLayout(form)
        for widget in (self.button, self.progress, self.passport):
            column.addWidget(widget)
        column.addStretch(1)

    def _changed(self, old: Session, new: Session) -> None:
        moved = old.thresholds is not new.thresholds
        if moved or old.prediction is not new.prediction or old.heatmap is not new.heatmap:
            self._fill(new)
        elif (old.loading is None) is not (new.loading is None):
            self._draw_buttons()

    def _fill(self, session: Session) -> None:
        chosen = self.target.currentData()
        self.target.clear()
        for label, title in _targets(session):
            self.target.addItem(title, label)
        if chosen is not None and self.target.findData(chosen) >= 0:
            self.target.setCurrentIndex(self.target.findData(chosen))
        self._obstacle = obstacle(session.prediction)
        self._fill_methods(session.prediction)
        self.passport.setText("" if session.heatmap is None else passport_text(session, session.heatmap))
        self._draw_buttons()

    def _fill_methods(self, prediction: Prediction | None) -> None:
        task = "segmentation" if prediction is not None and prediction.mask is not None else "classification"
        chosen = self.method.currentData()
        self.method.clear()
        self.method.addItem(tr("As the model recommends"), "")
        for one in METHODS:
            if one.applies_to(task):
                reason = one.availability().reason
                title = tr(one.title(task))
                self.method.addItem(tr("{name}: {reason}", name=title, reason=reason) if reason else title, one.name)
        self.method.setCurrentIndex(max(0, self.method.findData(chosen)))

    def _draw_buttons(self) -> None:
        running, ready = self._runner.running(LANE), self.target.count() > 0
        unready = unready_text(self._store.session)
        first = tr("Run a model first; then its output can be explained here.")
        blocked = tr("Cannot be explained: {reason}.", reason=tr(self._obstacle)) if self._obstacle else ""
        self.hint.setText(blocked if ready else first)
        self.hint.setVisible(bool(blocked) or not ready)
        self.button.setEnabled(ready and not running and not unready and not blocked)
        self.button.setToolTip(unready)


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
    segments = prediction.mask.segments if prediction.mask is not None else ()
    return [*found, *((one.label, local_title(one.label, one.title_zh)) for one in segments)]


def cell_text(geometry: Geometry) -> str:
    """Write the size of a map's cell; a projection image has no third direction."""
    x, y, z = (f"{size:.1f}" for size in geometry.spacing_mm)
    sizes = f"{x} × {y}" if geometry.shape_zyx[0] == 1 else f"{x} × {y} × {z}"
    return f"{sizes} mm" if geometry.calibrated else f"{sizes} px"


def passport_text(session: Session, heatmap: Heatmap) -> str:
    """Say what a map is: method, layer, target, grid it was computed on, and what must be known about it."""
    uncertain = heatmap.kind is not MapKind.ATTRIBUTION
    spread = heatmap.kind is MapKind.SPREAD
    own = tr("Spread over mirrored views") if spread else tr("Uncertainty of the segmentation")
    cells = " × ".join(str(count) for count in reversed(heatmap.native_geometry.shape_zyx))
    lines = [
        own if uncertain else tr("Method: {method}", method=heatmap.method),
        *(() if uncertain else _explained(session, heatmap)),
        tr("Computed on {cells} cells of {size}, enlarged to the picture",
           cells=cells, size=cell_text(heatmap.native_geometry)),
        tr("Largest value: {value}", value=f"{heatmap.maximum:.3g}"),
        tr("Model: {name} {version}", name=heatmap.model.name, version=heatmap.model.version),
        *(f"⚠ {tr(note)}" for note in heatmap.notes),
    ]  # fmt: skip
    return "\n".join(lines)


def _explained(session: Session, heatmap: Heatmap) -> tuple[str, str]:
    """Say what a map explains, and where in the network it was read."""
    layer = tr("Layer: {layer}", layer=heatmap.layer) if heatmap.layer else tr("Layer: the input itself")
    return tr("Target: {label}", label=label_title(session, heatmap.target)), layer
