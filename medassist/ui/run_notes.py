"""How the result on screen came to be, where it is seen: backend, device, and all that must be known about the run."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from medassist.entities.prediction import Prediction
from medassist.language import localized, tr
from medassist.ui.wording import duration_text, local_title

BACKEND_TITLES = {"torch": "torch", "openvino": "OpenVINO"}


class RunNotes(QWidget):
    """One line how it ran, one per note; hidden while there is no result."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prediction: Prediction | None = None
        self.how, self.notes = QLabel(self), QLabel(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for label in (self.how, self.notes):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            column.addWidget(label)
        self.how.setProperty("role", "dim")
        self.notes.setProperty("role", "caution")
        self.setVisible(False)

    def show_result(self, prediction: Prediction | None) -> None:
        """Tell about one result."""
        self._prediction = prediction
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        told = self._prediction
        self.how.setText("" if told is None else how_text(told))
        self.notes.setText("" if told is None else "\n".join(f"⚠ {text}" for text in note_texts(told)))
        self.notes.setVisible(bool(self.notes.text()))
        self.setVisible(told is not None)


def how_text(prediction: Prediction) -> str:
    """Name model, backend, precision and device of a run, its windows and how long it took."""
    ran, model = prediction.manifest, prediction.model
    title = local_title(model.title, model.title_zh) or model.name
    by = " ".join(part for part in (BACKEND_TITLES.get(ran.backend, ran.backend), ran.precision) if part)
    seconds = sum((ran.computed_s if ran.from_cache else prediction.timings_s).values())
    parts = [
        tr("{model} on {device}", model=title, device=prediction.device.upper()),
        by,
        tr("{count} windows", count=ran.windows) if ran.windows > 1 else "",
        duration_text(seconds) if seconds >= 1 else "",
    ]
    return " · ".join(part for part in parts if part)


def note_texts(prediction: Prediction) -> tuple[str, ...]:
    """Return what must be known about a run, in the language of the moment; steps for want of memory among it."""
    notes = dict.fromkeys((*prediction.manifest.steps, *prediction.notes))
    return tuple(tr(note) if isinstance(note, str) else localized(note) for note in notes)
