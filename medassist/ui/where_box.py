"""What of a segmenter's answer is explained: a whole label, its part under the crosshair, or what the reader drew."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QWidget

from medassist.language import tr
from medassist.session.explained import cursor_voxel, drawn_regions, segments_under_crosshair
from medassist.session.references import Reference
from medassist.session.state import Session
from medassist.ui.wording import label_title, local_title

CROSSHAIR = "crosshair"


class WhereBox(QComboBox):
    """Knows no store: the panel fills it. What cannot be chosen now is greyed, with the reason."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawn: tuple[Reference, ...] = ()

    def fill(self, session: Session) -> None:
        """Offer what there is on the series on screen; what was chosen stays chosen while it is there."""
        chosen, marked = self.currentData(), self._marked()
        self._drawn = drawn_regions(session)
        here = segments_under_crosshair(session)
        with QSignalBlocker(self):
            self.clear()
            self.addItem(tr("all of it"), "")
            names = ", ".join(local_title(one.label, one.title_zh) for one in here)
            self.addItem(tr("only the part under the crosshair: {label}", label=names or tr("nothing")), CROSSHAIR)
            if not here:
                self.setItemData(1, tr("The model marked nothing under the crosshair."), Qt.ItemDataRole.ToolTipRole)
            for number, one in enumerate(self._drawn):
                name = local_title(one.segment.label, one.segment.title_zh)
                self.addItem(tr("where I drew: {label}", label=name), number)
            again = next((number for number, one in enumerate(self._drawn) if one.same_as(marked)), "")
            self.setCurrentIndex(max(0, self.findData(chosen if marked is None else again)))

    def wishes(self, session: Session) -> dict[str, Any]:
        """Return what the job is asked beyond the label."""
        marked = self._marked()
        if marked is not None:
            return {"marked": marked}
        return {"voxel": cursor_voxel(session)} if self.currentData() == CROSSHAIR else {}

    def target(self, session: Session, label: str) -> str:
        """Return the label to explain: another one where that lies under the crosshair and `label` does not."""
        here = [one.label for one in segments_under_crosshair(session)]
        return here[0] if self.currentData() == CROSSHAIR and here and label not in here else label

    def problem(self, session: Session, label: str) -> str:
        """Say why the label cannot be explained there, "" when it can."""
        here = [one.label for one in segments_under_crosshair(session)]
        if self.currentData() != CROSSHAIR or label in here:
            return ""
        return tr("There is no {label} under the crosshair.", label=label_title(session, label))

    def _marked(self) -> Reference | None:
        number = self.currentData()
        return self._drawn[number] if isinstance(number, int) and number < len(self._drawn) else None
