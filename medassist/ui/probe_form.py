"""What a probe asks: which label, which region, and what takes the region's place; what cannot be chosen says why."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QWidget

from medassist.entities.geometry import Geometry
from medassist.entities.heatmap import Heatmap, MapKind
from medassist.entities.probe import Means, Place, Spot
from medassist.explain.probing.body import mirror_obstacle
from medassist.language import tr
from medassist.session.state import Session
from medassist.ui.method_form import WIDTH
from medassist.ui.wording import label_title, local_title, share_text

SHARE_OF_SIDE = 0.05
"""The usual radius around the crosshair, as a share of the shorter side of a slice."""
Choice = tuple[str, str, str]
"""Value, text, and why it cannot be chosen ("" when it can)."""


class ProbeForm(QWidget):
    """Rows of a form; says when a choice has changed. It knows no store: the panel fills it."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.target, self.place, self.how = (QComboBox(self) for _ in range(3))
        self.radius = QDoubleSpinBox(self)
        self.labels = tuple(QLabel(self) for _ in range(4))
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        for label, field in zip(self.labels, (self.target, self.place, self.radius, self.how), strict=True):
            self._form.addRow(label, field)
        for box in (self.target, self.place, self.how):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(WIDTH)
            box.currentIndexChanged.connect(lambda _index: self._chosen())
        self._current = ""
        self.radius.setRange(0.0001, 10_000.0)
        self.radius.setDecimals(1)

    def retranslate(self) -> None:
        """Say everything again in the current language; the panel fills the lists anew."""
        titles = (tr("Label"), tr("Region"), tr("Radius"), tr("Replace by"))
        for label, field, title in zip(
            self.labels, (self.target, self.place, self.radius, self.how), titles, strict=True
        ):
            label.setText(title)
            field.setAccessibleName(title)

    def fill(self, session: Session) -> None:
        """Offer what can be asked of the result on screen; what was chosen stays chosen where it still can be."""
        _refill(self.target, _targets(session))
        _refill(self.place, _places(session))
        _refill(self.how, _ways(session))
        if session.geometry is not None and self._current != session.current:
            self._current = session.current
            self.radius.setDecimals(1 if usual_radius(session.geometry) >= 1.0 else 4)
            self.radius.setValue(usual_radius(session.geometry))
            self.radius.setSuffix(" mm" if session.geometry.calibrated else " px")
        self._form.setRowVisible(self.radius, self.place.currentData() == Place.CURSOR.value)

    def label(self) -> str:
        """Return the label in question, "" when there is none."""
        return str(self.target.currentData() or "")

    def means(self) -> Means:
        """Return what takes the region's place."""
        return Means(self.how.currentData())

    def spot(self, session: Session) -> Spot | None:
        """Return the region that is asked for, None when none can be chosen."""
        if self.place.currentData() is None:
            return None
        place, cursor = Place(self.place.currentData()), session.view.cursor_lps
        heatmap = shown_map(session) if place is Place.HOTTEST else None
        return Spot(place, session.drawing, heatmap, cursor, self.radius.value())

    def _chosen(self) -> None:
        self._form.setRowVisible(self.radius, self.place.currentData() == Place.CURSOR.value)
        self.changed.emit()


def usual_radius(geometry: Geometry) -> float:
    """Return the radius around the crosshair (mm) unless a reader chooses another: 5 % of the shorter side."""
    _, rows, columns = geometry.shape_zyx
    across, down, _ = geometry.spacing_mm
    return SHARE_OF_SIDE * min(columns * across, rows * down)


def shown_map(session: Session) -> Heatmap | None:
    """Return the map on screen where it explains something and has a strongest spot, none that means nothing."""
    heatmap = session.heatmap
    if heatmap is None or heatmap.kind is not MapKind.ATTRIBUTION or heatmap.means_nothing:
        return None
    return heatmap if heatmap.maximum > 0.0 else None


def _refill(box: QComboBox, choices: Sequence[Choice]) -> None:
    chosen = box.currentData()
    with QSignalBlocker(box):
        box.clear()
        for row, (value, text, reason) in enumerate(choices):
            box.addItem(tr("{name}: {reason}", name=text, reason=reason) if reason else text, value)
            if reason:
                box.setItemData(row, 0, Qt.ItemDataRole.UserRole - 1)  # flags: cannot be chosen
                box.setItemData(row, reason, Qt.ItemDataRole.ToolTipRole)
        allowed = [row for row, (_value, _text, reason) in enumerate(choices) if not reason]
        before = box.findData(chosen)
        box.setCurrentIndex(before if before in allowed else next(iter(allowed), -1))


def _targets(session: Session) -> list[Choice]:
    prediction = session.prediction
    if prediction is None:
        return []
    ranked = sorted(prediction.scores, key=lambda one: one.probability - one.threshold, reverse=True)
    named = ((one, local_title(one.label, one.title_zh)) for one in ranked)
    told = [(one.label, f"{title} · {share_text(one.probability)}", "") for one, title in named]
    mask = prediction.model_mask  # a label of the reader's own is none the model could lose
    segments = mask.segments if mask is not None else ()
    return [*told, *((one.label, local_title(one.label, one.title_zh), "") for one in segments)]


def _places(session: Session) -> list[Choice]:
    region, heatmap = session.drawing, shown_map(session)
    nothing = "" if region is not None else tr("draw one first (key B)")
    unmarked = "" if region is not None and not region.is_empty else tr("mark one first (key B)")
    spot = tr("Strongest spot of the map")
    if heatmap is not None:
        spot = tr("Strongest spot of the map: {label}", label=label_title(session, heatmap.target))
    return [
        (Place.MARKED.value, tr("Marked region"), unmarked),
        (Place.BOX.value, tr("Drawn box"), nothing),
        (Place.HOTTEST.value, spot, "" if heatmap is not None else tr("no map is on screen")),
        (Place.CURSOR.value, tr("Around the crosshair"), ""),
        (Place.OUTSIDE.value, tr("All outside of the middle ellipse"), ""),
    ]


def _ways(session: Session) -> list[Choice]:
    volume = session.volume
    obstacle = "" if volume is None else tr(mirror_obstacle(volume))
    return [
        (Means.MEAN.value, tr("Mean around it"), ""),
        (Means.BLUR.value, tr("Blurred image"), ""),
        (Means.MIRROR.value, tr("Other side of the patient"), obstacle),
    ]
